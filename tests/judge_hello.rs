//! The ClientHello reader against rustls' `Acceptor` on the same bytes: what rustls can read and
//! answer, the judge reads too, and both see the same name and protocols.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are outside #[test] functions"
)]

mod judge_support;

use judge_support::build::Ch;
use judge_support::{Any, Driver, Outcome, question, transcripts};
use outgate::logic::wire::tls::{Judge, Side, Sni};
use proptest::prelude::*;
use rustls::server::Acceptor;

/// Name and protocols, if rustls takes the hello.
fn by_rustls(bytes: &[u8]) -> Option<(Option<String>, Vec<Vec<u8>>)> {
    let mut acceptor = Acceptor::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        acceptor.read_tls(&mut rest).ok()?;
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                let alpn = hello
                    .alpn()
                    .map(|names| names.map(<[u8]>::to_vec).collect())
                    .unwrap_or_default();
                return Some((hello.server_name().map(str::to_owned), alpn));
            }
            Ok(None) => {}
            Err(_) => return None,
        }
    }
    None
}

/// The name and the protocols.
type Seen = (Option<String>, Vec<Vec<u8>>);

/// The same as the judge sees it; and the rule that it broke, if one.
fn by_judge(bytes: &[u8]) -> (Option<Seen>, Outcome) {
    let judge = Judge::new(question("baseline"), Box::new(Any::default()));
    let mut driver = Driver::new(judge);
    let outcome = driver.feed(Side::Client, bytes);
    let seen = driver.judge.facts().client.as_ref().map(|client| {
        let name = match &client.sni {
            Sni::Name(name) => Some(name.to_string()),
            Sni::Absent | Sni::Bad(_) => None,
        };
        let alpn = client.alpn.iter().map(|name| name.clone().into_bytes());
        (name, alpn.collect())
    });
    (seen, outcome)
}

#[test]
fn recorded_hellos_are_read_alike() {
    let mut count = 0;
    for transcript in transcripts() {
        let (Side::Client, hello) = &transcript.events[0] else {
            panic!("{}", transcript.name);
        };
        let Some(theirs) = by_rustls(hello) else {
            continue;
        };
        count += 1;
        assert_eq!(by_judge(hello).0, Some(theirs), "{}", transcript.name);
    }
    assert!(count > 40, "{count}");
}

#[test]
fn every_prefix_of_a_recorded_hello_is_incomplete() {
    for transcript in transcripts() {
        let hello = &transcript.events[0].1;
        let length = usize::from(u16::from_be_bytes([hello[3], hello[4]])) + 5;
        for end in 0..length {
            let (seen, outcome) = by_judge(&hello[..end]);
            assert!(
                seen.is_none() && outcome == Outcome::Open,
                "{} {end}",
                transcript.name
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A hello with some bytes changed: no panic, and whatever both read they read alike. What
    /// the judge lets pass to a server rustls can read, but for matters that rustls refuses when
    /// it negotiates.
    #[test]
    fn changed_hellos(
        place in 0..60_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let all = &*ALL;
        let mut hello = all[place % all.len()].clone();
        for (index, byte) in changes {
            let at = index.index(hello.len());
            hello[at] = byte;
        }
        let theirs = by_rustls(&hello);
        let (ours, outcome) = by_judge(&hello);
        if let (Some(theirs), Some(ours)) = (&theirs, &ours) {
            prop_assert_eq!(&theirs.1.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect::<Vec<_>>(),
                &ours.1.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect::<Vec<_>>());
            // rustls keeps the spelling; a name that it cannot read, it drops.
            if let (Some(a), Some(b)) = (&theirs.0, &ours.0) {
                prop_assert_eq!(a.trim_end_matches('.').to_ascii_lowercase(), b.clone());
            }
        }
        if let Some((Some(name), _)) = &theirs {
            let passed = ours.is_some() && outcome == Outcome::Open;
            let same = name.trim_end_matches('.').eq_ignore_ascii_case(judge_support::HOST);
            prop_assert!(!passed || same, "passed with the name {}", name);
        }
    }

    /// Bytes of any kind: no panic, no verdict but by a rule.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), tls in any::<bool>()) {
        let mut bytes = bytes;
        if tls && bytes.len() > 9 {
            let rest = (bytes.len() - 5) as u16;
            bytes[..5].copy_from_slice(&[22, 3, 1, rest.to_be_bytes()[0], rest.to_be_bytes()[1]]);
            let [a, b] = (rest - 4).to_be_bytes();
            bytes[5..9].copy_from_slice(&[1, 0, a, b]);
        }
        let (_, outcome) = by_judge(&bytes);
        prop_assert!(outcome != Outcome::Pass);
    }
}

static ALL: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
    let mut all: Vec<Vec<u8>> = transcripts()
        .into_iter()
        .map(|transcript| transcript.events[0].1.clone())
        .collect();
    all.push(Ch::new().bytes());
    all
});
