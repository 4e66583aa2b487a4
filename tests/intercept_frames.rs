//! HTTP/2 inside TLS, by raw peers: the frames that a client sends, what of them an origin
//! receives, and back. Header lists are compared with the values of each name in their order,
//! data byte for byte, resets by their codes. Directly all is the same; behind an interception
//! too, but for the differences that docs/interception.md lists.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

#[path = "intercept_frames/cases.rs"]
mod cases;
#[path = "intercept_frames/differences.rs"]
mod differences;
#[path = "intercept_frames/hpack.rs"]
mod hpack;
#[path = "intercept_frames/inside.rs"]
mod inside;
#[path = "intercept_frames/peer.rs"]
mod peer;
#[path = "intercept_frames/rig.rs"]
mod rig;
mod support;

use differences::Difference;
use rig::{Way, play_all};

fn assert_plays(way: Way) {
    let cases = cases::cases();
    let faults = play_all(way, &cases);
    let (failed, all) = (faults.len(), cases.len());
    assert!(
        faults.is_empty(),
        "{failed} of {all} cases:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_frame_means_the_same_without_a_proxy() {
    assert_plays(Way::Direct);
}

#[test]
fn every_frame_means_the_same_behind_an_interception() {
    assert_plays(Way::Intercepted);
}

#[test]
fn the_document_names_every_permitted_difference_and_no_other() {
    let document = include_str!("../docs/interception.md");
    let section = document
        .split("\n## ")
        .find(|section| section.starts_with("What changes on the way, over HTTP/2\n"))
        .unwrap();
    let listed: Vec<(&str, &str)> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let permitted = Difference::ALL.map(|difference| (difference.name(), difference.what()));
    assert_eq!(listed, permitted);
    let shown: Vec<Difference> = cases::cases()
        .iter()
        .flat_map(|case| case.differences.iter().copied())
        .collect();
    for difference in Difference::ALL {
        assert!(shown.contains(&difference), "no case shows {difference:?}");
    }
}
