//! Printing.

use crate::contest::{Contest, Figures, Named};

/// A line of figures: each rival's median, then our ratio to each of the others.
pub fn line<R: Named>(
    contest: &Contest<R>,
    what: &str,
    unit: &str,
    digits: usize,
    figures: &Figures,
) {
    print!("{what:<38}");
    for (place, rival) in contest.rivals.iter().enumerate() {
        let median = figures.median(place);
        if median.is_finite() {
            print!("  {} {median:.digits$} {unit}", rival.name());
        }
    }
    for (place, rival) in contest.rivals.iter().enumerate().skip(1) {
        let (low, middle, high) = figures.ratio(place);
        if middle.is_finite() {
            print!(
                "  outgate/{} {middle:.3} ({low:.3}..{high:.3})",
                rival.name()
            );
        }
    }
    println!();
}
