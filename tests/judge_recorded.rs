//! The judge over recorded handshakes of real clients and servers, cut in every way.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are outside #[test] functions"
)]

mod judge_support;

use judge_support::{Driver, Outcome, Recorded, Transcript, question, refragment, transcripts};
use outgate::logic::wire::tls::{Judge, Side, Version};

fn judge() -> Judge {
    Judge::new(question("baseline"), Box::new(Recorded::new()))
}

fn expected(transcript: &Transcript) -> Outcome {
    let words: Vec<&str> = transcript.verdict.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["good"] => Outcome::Pass,
        ["bad", rule, kind] => Outcome::refuse(rule, leak(kind)),
        ["closed", alert] => Outcome::Close(Some(leak(alert))),
        other => panic!("{other:?}"),
    }
}

fn leak(word: &str) -> &'static str {
    Box::leak(word.to_owned().into_boxed_str())
}

#[test]
fn every_recorded_handshake_has_its_verdict() {
    let mut wrong = Vec::new();
    for transcript in transcripts() {
        let mut driver = Driver::new(judge());
        let outcome = driver.play(&transcript.events, usize::MAX);
        if outcome != expected(&transcript) {
            wrong.push(format!(
                "{}: {outcome:?} {:?}",
                transcript.name,
                driver.refusal.map(|refusal| refusal.hint)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reads_and_records_of_any_size_change_nothing() {
    for transcript in transcripts() {
        let mut driver = Driver::new(judge());
        driver.play(&transcript.events, usize::MAX);
        let tls13 = driver
            .judge
            .facts()
            .upstream
            .as_ref()
            .is_none_or(|upstream| upstream.version == Version::TLS13);
        let big = transcript
            .events
            .iter()
            .map(|(_, b)| b.len())
            .sum::<usize>()
            > 20_000;
        let chunks: &[usize] = if big {
            &[1, 4096]
        } else {
            &[1, 2, 3, 5, 6, 7, 64, 517]
        };
        for size in [1, 2, 5, 100, 16384] {
            let events = refragment(&transcript.events, size, tls13);
            for chunk in chunks.iter().chain(&[usize::MAX]) {
                let mut driver = Driver::new(judge());
                let outcome = driver.play(&events, *chunk);
                assert_eq!(
                    outcome,
                    expected(&transcript),
                    "{} in records of {size}, reads of {chunk}: {:?}",
                    transcript.name,
                    driver.refusal
                );
            }
        }
    }
}

/// Good traffic is not altered by a byte, and nothing waits that must not: after each flight all
/// that the peer needs has passed.
#[test]
fn good_handshakes_pass_unaltered_and_in_time() {
    for transcript in transcripts() {
        if transcript.verdict != ["good"] {
            continue;
        }
        let mut driver = Driver::new(judge());
        let mut passed = false;
        let sent = |wanted: Side, count: usize| -> Vec<u8> {
            let bytes = transcript.events[..count].iter();
            bytes
                .filter(|(side, _)| *side == wanted)
                .flat_map(|(_, bytes)| bytes.clone())
                .collect()
        };
        for (place, (side, bytes)) in transcript.events.iter().enumerate() {
            // The side speaks because of all that the other one sent before.
            let turn = place > 0 && transcript.events[place - 1].0 != *side;
            if turn && !passed {
                let (got, all) = match side {
                    Side::Client => (driver.to_client.len(), sent(Side::Server, place)),
                    Side::Server => (driver.to_server.len(), sent(Side::Client, place)),
                };
                let early = transcript.name.contains("early");
                assert!(
                    got == all.len() || early,
                    "{}: event {place}",
                    transcript.name
                );
            }
            passed |= driver.feed(*side, bytes) == Outcome::Pass;
            if passed {
                assert_eq!(driver.to_server, sent(Side::Client, place + 1));
                assert_eq!(driver.to_client, sent(Side::Server, place + 1));
                break;
            }
        }
        assert!(passed, "{}", transcript.name);
    }
}

/// A handshake that is cut off anywhere is never passed and never refused for being short.
#[test]
fn every_prefix_is_undecided() {
    for transcript in transcripts() {
        let total: usize = transcript.events.iter().map(|(_, bytes)| bytes.len()).sum();
        if transcript.verdict != ["good"] || total > 20_000 {
            continue;
        }
        let mut driver = Driver::new(judge());
        let mut fed = 0;
        'feeding: for (side, bytes) in &transcript.events {
            for byte in bytes {
                let outcome = driver.feed(*side, &[*byte]);
                fed += 1;
                match outcome {
                    Outcome::Open => {}
                    Outcome::Pass => break 'feeding,
                    other => panic!("{} at {fed}: {other:?}", transcript.name),
                }
            }
        }
        assert!(fed > 300, "{}", transcript.name);
    }
}

/// What the record says of some of them.
#[test]
fn facts() {
    let of = |name: &str| {
        let all = transcripts();
        let transcript = all.iter().find(|one| one.name == name).unwrap();
        let mut driver = Driver::new(judge());
        driver.play(&transcript.events, usize::MAX);
        driver.judge.facts().clone()
    };
    let rows = [
        ("tls13-rsa", "1.3 TLS_AES_256_GCM_SHA384 x25519 full"),
        (
            "tls13-retry",
            "1.3 TLS_AES_256_GCM_SHA384 secp384r1 full retried",
        ),
        ("tls13-resumed", "1.3 TLS_AES_256_GCM_SHA384 x25519 resumed"),
        ("tls13-ffdhe", "1.3 TLS_AES_256_GCM_SHA384 ffdhe2048 full"),
        (
            "tls12-rsa",
            "1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 x25519 full verified",
        ),
        (
            "tls12-dhe-own-prime",
            "1.2 TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 dh2048 full verified",
        ),
        (
            "tls12-ticket",
            "1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 - resumed",
        ),
        (
            "tls12-session-id",
            "1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 - resumed",
        ),
    ];
    for (name, expected) in rows {
        let facts = of(name);
        let upstream = facts.upstream.unwrap();
        let group = upstream
            .group
            .map_or("-".to_owned(), |group| group.to_string());
        let mut text = format!("{} {} {group} ", upstream.version, upstream.suite);
        text.push_str(if upstream.resumed { "resumed" } else { "full" });
        text.push_str(if facts.retried { " retried" } else { "" });
        text.push_str(if facts.certificate_verified {
            " verified"
        } else {
            ""
        });
        assert_eq!(text, expected, "{name}");
        assert_eq!(
            upstream.certificate.is_some(),
            facts.certificate_verified,
            "{name}"
        );
    }
    let client = of("tls13-early").client.unwrap();
    assert!(client.early_data);
    assert_eq!(client.ja4.len(), 36);
    assert_eq!(
        of("tls12-alpn").upstream.unwrap().alpn.as_deref(),
        Some("h2")
    );
}
