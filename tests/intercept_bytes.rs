//! HTTP/1 inside TLS, byte for byte: what a raw client sends, what a raw origin receives, and
//! back. Directly and through a tunnel every byte is the same; behind an interception too, but
//! for the differences that docs/interception.md lists.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

#[path = "intercept_bytes/answers.rs"]
mod answers;
#[path = "intercept_bytes/case.rs"]
mod case;
#[path = "intercept_bytes/course.rs"]
mod course;
#[path = "intercept_bytes/differences.rs"]
mod differences;
#[path = "intercept_bytes/inside.rs"]
mod inside;
#[path = "intercept_bytes/peer.rs"]
mod peer;
#[path = "intercept_bytes/random.rs"]
mod random;
#[path = "intercept_bytes/requests.rs"]
mod requests;
#[path = "intercept_bytes/rig.rs"]
mod rig;
mod support;

use std::cell::RefCell;

use proptest::test_runner::{Config as ProptestConfig, TestCaseError, TestRunner};

use case::Case;
use differences::Difference;
use peer::{Leave, Seen};
use rig::{Rig, Way, play, play_all};

fn table() -> Vec<Case> {
    let mut cases = requests::cases();
    cases.extend(answers::cases());
    cases.extend(course::cases());
    cases.extend(inside::cases());
    cases
}

fn assert_plays(way: Way) {
    let cases = table();
    let all = cases.len();
    let faults = play_all(way, cases);
    let failed = faults.len();
    assert!(
        faults.is_empty(),
        "{failed} of {all} cases:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_byte_is_the_same_without_a_proxy() {
    assert_plays(Way::Direct);
}

#[test]
fn every_byte_is_the_same_through_a_tunnel() {
    assert_plays(Way::Tunnel);
}

#[test]
fn every_byte_is_the_same_behind_an_interception() {
    assert_plays(Way::Intercepted);
}

/// Random messages on a connection of their own, each course.
fn assert_plays_random(way: Way, courses: u32) {
    const TO_SHRINK: u32 = 200;
    let (rig, origins) = Rig::new(way, (courses + TO_SHRINK) as usize);
    let origins = RefCell::new(origins.into_iter());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: courses,
        max_shrink_iters: TO_SHRINK - 1,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let played = runner.run(&random::course(), |case| {
        let origin = origins.borrow_mut().next().unwrap();
        let kept = play(&rig.route, &origin, &case).map_err(TestCaseError::fail)?;
        drop(kept);
        Ok(())
    });
    if let Err(fault) = played {
        panic!("{fault}");
    }
}

#[test]
fn random_messages_arrive_as_they_were_sent_without_a_proxy() {
    assert_plays_random(Way::Direct, 50);
}

#[test]
fn random_messages_arrive_as_they_were_sent_behind_an_interception() {
    assert_plays_random(Way::Intercepted, 150);
}

/// What a proxy may hold of one stream, the kernel's buffers at both sides included.
const HELD: usize = 64 << 20;
/// How much the proxy's own memory may grow meanwhile.
const GROWTH: usize = 16 << 20;

/// The most memory that a process has had, in bytes.
fn high_water(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim()
        .strip_suffix(" kB")
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

/// Nobody reads any more: the one who writes must come to a halt, and nobody's memory grows.
fn assert_holds_back(way: Way) {
    let piece = vec![0x5a; 256 << 10];
    let request = |length| {
        format!("PUT /a HTTP/1.1\r\nHost: c0.bytes.test\r\nContent-Length: {length}\r\n\r\n")
    };
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    for up in [false, true] {
        let (rig, origins) = Rig::new(way, 1);
        let mut client = rig.route.connect(&origins[0]).unwrap();
        let request = request(if up { 1_000_000_000_000_u64 } else { 0 });
        client.send(request.as_bytes()).unwrap();
        let mut server = origins[0].accept().unwrap();
        server.see(request.as_bytes()).unwrap();
        let pid = rig.proxy.as_ref().unwrap().pid();
        let before = high_water(pid);
        let sent = if up {
            client.fill(&piece, HELD)
        } else {
            server.send(answer.as_bytes()).unwrap();
            client.see(answer.as_bytes()).unwrap();
            server.fill(&piece, HELD)
        };
        assert!(sent.unwrap() < HELD, "up: {up}");
        let grown = high_water(pid) - before;
        assert!(grown < GROWTH, "up: {up}, {grown} bytes");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_stops_holds_the_writer_back_through_a_tunnel() {
    assert_holds_back(Way::Tunnel);
}

#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_stops_holds_the_writer_back_behind_an_interception() {
    assert_holds_back(Way::Intercepted);
}

#[test]
fn the_document_names_every_permitted_difference_and_no_other() {
    let document = include_str!("../docs/interception.md");
    let section = document
        .split("\n## ")
        .find(|section| section.starts_with("What changes on the way\n"))
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
}

#[test]
fn every_permitted_difference_is_shown_by_a_case() {
    let mut shown: Vec<Difference> = table().iter().flat_map(Case::differences).collect();
    shown.sort();
    shown.dedup();
    assert_eq!(shown, Difference::ALL);
}

#[test]
fn names_of_cases_are_unique() {
    let mut names: Vec<&str> = table().iter().map(|case| case.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// A harness that finds nothing would pass every table.
#[test]
fn one_wrong_byte_is_found_wherever_it_is() {
    let get = "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let wrong = vec![
        Case::new("another byte")
            .client_sends(get)
            .origin_sees(get.replace("GET", "get")),
        Case::new("a byte less")
            .client_sends(get)
            .client_leaves(Leave::Close)
            .origin_sees(format!("{get}x")),
        Case::new("a byte more")
            .client_sends(format!("{get}x"))
            .origin_sees(get)
            .down(ok),
        Case::new("another byte down")
            .up(get)
            .origin_sends(ok)
            .client_sees(ok.replace("OK", "Ok")),
        Case::new("a byte more down")
            .up(get)
            .origin_sends(format!("{ok}x"))
            .client_sees(ok),
        Case::new("bytes after the end")
            .up(get)
            .client_leaves(Leave::HalfClose)
            .origin_sends("x")
            .client_end(Seen::Closed),
        Case::new("another end")
            .up(get)
            .down(ok)
            .origin_leaves(Leave::Cut)
            .client_end(Seen::Closed),
        Case::new("no end")
            .up(get)
            .client_leaves(Leave::Close)
            .origin_end(Seen::Cut),
    ];
    let names: Vec<&str> = wrong.iter().map(|case| case.name).collect();
    let faults = play_all(Way::Direct, wrong);
    for name in &names {
        assert!(
            faults
                .iter()
                .any(|fault| fault.starts_with(&format!("{name}:"))),
            "{name}: {faults:#?}"
        );
    }
}
