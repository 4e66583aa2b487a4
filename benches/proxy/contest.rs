//! Rounds in which every rival has its turn, so that a machine that changes its pace changes it
//! for all.

/// A rival has a name.
pub trait Named {
    fn name(&self) -> &str;
}

/// The rivals, the first of them ours.
pub struct Contest<R> {
    pub rivals: Vec<R>,
    pub quick: bool,
}

/// The figures of one measure: a column a rival, a row a round; NaN where a rival cannot.
pub struct Figures(pub Vec<Vec<f64>>);

impl<R> Contest<R> {
    /// `many`, or `few` in a quick run.
    pub fn rounds(&self, many: usize, few: usize) -> usize {
        if self.quick { few } else { many }
    }

    /// Has `measure` run for each rival in turn, `rounds` times, after one turn that does not
    /// count. The order alternates.
    pub fn run(&self, rounds: usize, measure: impl Fn(&R) -> f64) -> Figures {
        for rival in &self.rivals {
            measure(rival);
        }
        let mut rows = Vec::new();
        for round in 0..rounds {
            let mut row = vec![0.0; self.rivals.len()];
            let mut order: Vec<usize> = (0..self.rivals.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for place in order {
                row[place] = measure(&self.rivals[place]);
            }
            rows.push(row);
        }
        Figures(rows)
    }
}

impl Figures {
    /// The median of one rival's figures.
    pub fn median(&self, rival: usize) -> f64 {
        median(self.0.iter().map(|row| row[rival]).collect())
    }

    /// The first rival's figures over another's, round by round: smallest, median, largest.
    pub fn ratio(&self, rival: usize) -> (f64, f64, f64) {
        let ratios = self.0.iter().map(|row| row[0] / row[rival]);
        let ratios: Vec<f64> = ratios.filter(|ratio| !ratio.is_nan()).collect();
        let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ratios.iter().copied().fold(0.0, f64::max);
        (low, median(ratios), high)
    }
}

/// The middle of those `values` that are there; NaN where none is.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| !value.is_nan());
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}
