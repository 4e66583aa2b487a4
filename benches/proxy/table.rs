//! Printing.

use crate::contest::{Contest, Figures};

/// A line of figures: each rival's median, then our ratio to each of the others.
pub fn line(contest: &Contest, what: &str, unit: &str, digits: usize, figures: &Figures) {
    print!("{what:<34}");
    for (place, rival) in contest.rivals.iter().enumerate() {
        print!("  {} {:.digits$} {unit}", rival.name, figures.median(place));
    }
    for (place, rival) in contest.rivals.iter().enumerate().skip(1) {
        let (low, middle, high) = figures.ratio(place);
        print!("  outgate/{} {middle:.2} ({low:.2}..{high:.2})", rival.name);
    }
    println!();
}
