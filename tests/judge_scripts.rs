//! The scripted corpus: every exchange gets its verdict, however it is cut and carried.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are outside #[test] functions"
)]

mod judge_support;

use judge_support::cases::{self, Case};
use judge_support::{Any, Driver, Event, Outcome, refragment};
use outgate::logic::wire::tls::{CertificateFault, Judge, Profile, Question, Side, Step, Version};
use outgate::model::{Action, Host, Rule, RuleActions};
use proptest::prelude::*;
use std::sync::LazyLock;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases::all);

fn judge(case: &Case, actions: RuleActions, hold: bool) -> Judge {
    let question = Question {
        connect: Host::parse(&case.connect).unwrap(),
        profile: Profile::by_name(case.profile.split(' ').next().unwrap()).unwrap(),
        actions,
        hold,
        bounds: Default::default(),
    };
    let verifier = Any {
        chain: case.chain,
        signature: case.signature,
    };
    Judge::new(question, Box::new(verifier))
}

fn driver(case: &Case) -> Driver {
    let mut driver = Driver::new(judge(case, RuleActions::all(Action::Block), true));
    driver.name_answer = !case.name.contains("foreign");
    driver
}

#[test]
fn every_case_has_its_verdict() {
    let mut wrong = Vec::new();
    for case in CASES.iter() {
        let mut driver = driver(case);
        let outcome = driver.play(&case.events, usize::MAX);
        if outcome != case.expect {
            let hint = driver.refusal.map(|refusal| refusal.hint);
            wrong.push(format!(
                "{}: {outcome:?}, not {:?}: {hint:?}",
                case.name, case.expect
            ));
        }
    }
    assert!(CASES.len() > 270, "{}", CASES.len());
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

/// Of what is refused, nothing goes on beyond what was in order before.
#[test]
fn what_is_refused_does_not_pass() {
    for case in CASES.iter() {
        let mut driver = driver(case);
        driver.play(&case.events, 1);
        let Some(refusal) = driver.refusal else {
            continue;
        };
        let fed = |wanted: Side| -> usize {
            let of_side = case.events.iter().filter(|(side, _)| *side == wanted);
            of_side.map(|(_, bytes)| bytes.len()).sum()
        };
        let all_passed = driver.to_server.len() == fed(Side::Client)
            && driver.to_client.len() == fed(Side::Server);
        assert!(!all_passed, "{}", case.name);
        let offer = matches!(refusal.rule, Rule::SniMismatch) && refusal.kind != "changed";
        if offer || refusal.kind == "malformed-client-hello" || refusal.kind == "client-not-tls" {
            assert!(driver.to_server.is_empty(), "{}", case.name);
        }
        // The verdict is final, whatever comes.
        let again = driver.judge.feed(Side::Server, b"\x16\x03\x03\x00\x01x");
        assert!(matches!(again, Step::Refuse(_)), "{}", case.name);
        assert!(matches!(driver.judge.eof(Side::Client), Step::Refuse(_)));
    }
}

/// Cuts events into reads of the sizes given, in turn.
fn play_reads(case: &Case, events: &[Event], sizes: &[usize]) -> Outcome {
    let mut driver = driver(case);
    let mut sizes = sizes.iter().cycle();
    for (side, bytes) in events {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let count = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
            let (part, tail) = rest.split_at(count);
            rest = tail;
            let outcome = driver.feed(*side, part);
            if outcome != Outcome::Open {
                return outcome;
            }
        }
    }
    match driver.eof(Side::Server) {
        Outcome::Open => driver.eof(Side::Client),
        outcome => outcome,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_and_records_of_any_size_change_nothing(
        place in 0..CASES.len(),
        reads in prop::collection::vec(1_usize..2000, 1..8),
        small in prop::collection::vec(1_usize..8, 1..8),
        fragment in prop_oneof![Just(1_usize), 2_usize..9, 9_usize..16385],
        tiny in any::<bool>(),
    ) {
        let case = &CASES[place];
        let big = case.events.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 30_000;
        let reads = if tiny && !big { &small } else { &reads };
        prop_assert_eq!(&play_reads(case, &case.events, reads), &case.expect, "{}", case.name);
        if !case.raw {
            let tls13 = {
                let mut driver = driver(case);
                driver.play(&case.events, usize::MAX);
                driver.judge.facts().upstream.as_ref()
                    .is_none_or(|upstream| upstream.version == Version::TLS13)
            };
            let events = refragment(&case.events, fragment, tls13);
            prop_assert_eq!(
                &play_reads(case, &events, reads), &case.expect,
                "{} in records of {}", case.name, fragment
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exchanges with a few bytes changed anywhere: no panic, no third way out, and the same
    /// verdict in every split.
    #[test]
    fn changed_bytes_are_judged_alike_in_every_split(
        place in 0..CASES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
        reads in prop::collection::vec(1_usize..300, 1..8),
    ) {
        let case = &CASES[place];
        let mut events = case.events.clone();
        let big = events.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 30_000;
        if events.is_empty() || big {
            return Ok(());
        }
        for (event, at, byte) in changes {
            let count = events.len();
            let bytes = &mut events[event.index(count)].1;
            let length = bytes.len();
            // Headers and hellos are where it matters, so half of the changes go to the front.
            let at = if byte & 1 == 0 { at.index(length) } else { at.index(length.min(60)) };
            bytes[at] = byte >> 1;
        }
        let whole = play_reads(case, &events, &[usize::MAX]);
        prop_assert_eq!(&play_reads(case, &events, &[1]), &whole);
        prop_assert_eq!(&play_reads(case, &events, &reads), &whole);
        prop_assert!(whole != Outcome::Open);
    }
}

/// Every case, byte by byte, in the order of the table.
#[test]
fn one_byte_reads_change_nothing() {
    for case in CASES.iter() {
        assert_eq!(
            play_reads(case, &case.events, &[1]),
            case.expect,
            "{}",
            case.name
        );
    }
}

/// Report mode: every byte passes at once, nothing is refused but by limits, and what enforce mode
/// refuses is found.
#[test]
fn report_mode_does_not_interfere() {
    let actions = RuleActions::all(Action::Block).softened();
    for case in CASES.iter() {
        let mut driver = Driver::new(judge(case, actions, false));
        driver.name_answer = !case.name.contains("foreign");
        let limits = matches!(&case.expect, Outcome::Refuse(rule, _) if rule == "limits");
        for (side, bytes) in &case.events {
            for part in bytes.chunks(100) {
                let outcome = driver.feed(*side, part);
                if limits && matches!(outcome, Outcome::Refuse(..)) {
                    continue;
                }
                assert!(
                    matches!(outcome, Outcome::Open | Outcome::Pass),
                    "{}: {outcome:?}",
                    case.name
                );
                if outcome == Outcome::Open {
                    assert!(driver.client_held.is_empty(), "{}", case.name);
                    assert!(driver.server_held.is_empty(), "{}", case.name);
                }
            }
        }
        let findings = &driver.judge.facts().findings;
        match &case.expect {
            Outcome::Refuse(rule, kind) if rule != "limits" => {
                assert!(
                    findings
                        .iter()
                        .any(|one| one.rule.id() == rule && one.kind == *kind),
                    "{}: {findings:?}",
                    case.name
                );
            }
            Outcome::Pass => assert!(findings.is_empty(), "{}: {findings:?}", case.name),
            Outcome::Refuse(..) | Outcome::Close(_) | Outcome::Open => {}
        }
    }
}

/// A rule that is off neither refuses nor lists anything, and the others go on to judge.
#[test]
fn rules_by_themselves() {
    for case in CASES.iter() {
        let Outcome::Refuse(rule, kind) = &case.expect else {
            continue;
        };
        let rule = Rule::from_id(rule).unwrap();
        for action in [Action::Off, Action::Report] {
            let mut actions = RuleActions::all(Action::Block);
            actions.set(rule, action);
            let mut driver = Driver::new(judge(case, actions, true));
            driver.name_answer = !case.name.contains("foreign");
            let outcome = driver.play(&case.events, usize::MAX);
            if let Outcome::Refuse(other, _) = &outcome {
                assert_ne!(other, rule.id(), "{}", case.name);
            }
            let listed = driver
                .judge
                .facts()
                .findings
                .iter()
                .any(|one| one.kind == *kind);
            assert_eq!(listed, action == Action::Report, "{}", case.name);
        }
    }
}

/// One rule's leniency is not another's: a weak server's bad certificate is still refused.
#[test]
fn a_reported_weakness_hides_no_bad_certificate() {
    let case = CASES.iter().find(|case| case.name == "static rsa").unwrap();
    let mut actions = RuleActions::all(Action::Block);
    actions.set(Rule::WeakTls, Action::Report);
    let question = Question {
        connect: Host::parse(&case.connect).unwrap(),
        profile: Profile::by_name("baseline").unwrap(),
        actions,
        hold: true,
        bounds: Default::default(),
    };
    let verifier = Any {
        chain: Some(CertificateFault::Expired),
        signature: None,
    };
    let outcome = Driver::new(Judge::new(question, Box::new(verifier))).play(&case.events, 100);
    assert_eq!(outcome, Outcome::refuse("invalid-certificate", "expired"));
}

/// What people read: every kind of refusal with its alert and its words.
#[test]
fn words() {
    let mut seen = std::collections::BTreeSet::new();
    for case in CASES.iter() {
        let mut driver = driver(case);
        driver.play(&case.events, usize::MAX);
        if let Some(refusal) = driver.refusal {
            let alert = refusal.alert.map_or("no alert", |alert| alert.name());
            let (rule, kind) = (refusal.rule, refusal.kind);
            seen.insert(format!("{rule} {kind} ({alert}): {}", refusal.hint));
        }
    }
    let all: Vec<String> = seen.into_iter().collect();
    insta::assert_snapshot!(all.join("\n"));
}
