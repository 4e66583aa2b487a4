//! The judge's bounds at the limit and one beyond, its timeouts, half-closes and alerts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are outside #[test] functions"
)]

mod judge_support;

use judge_support::build::*;
use judge_support::{Any, Driver, Outcome, question};
use outgate::logic::wire::tls::{Alert, Judge, Side, Step};
use outgate::model::{Action, RuleActions, limits};

fn judge() -> Judge {
    Judge::new(question("baseline"), Box::new(Any::default()))
}

fn driver() -> Driver {
    Driver::new(judge())
}

/// A hello of exactly `size` bytes as a handshake message.
fn hello_of(size: usize) -> Ch {
    let mut hello = Ch::new();
    let rest = size - (hello.body().len() + 4) - 4;
    let first = rest.min(60_000);
    hello.exts.push((21, vec![0; first]));
    assert_eq!(hello.body().len() + 4, size);
    hello
}

#[test]
fn client_hello_at_64_kib() {
    let size = limits::MAX_CLIENT_HELLO - 10_000;
    let mut hello = hello_of(size);
    hello.exts.push((0x5555, vec![0; 9_996]));
    assert_eq!(hello.body().len() + 4, limits::MAX_CLIENT_HELLO);
    for cut in [1, 7, 16384] {
        let mut driver = driver();
        let bytes = records(&handshake(1, hello.body()), cut);
        for part in bytes.chunks(4096) {
            assert_eq!(driver.feed(Side::Client, part), Outcome::Open);
        }
        assert_eq!(driver.to_server, bytes);
    }
    hello.exts.last_mut().unwrap().1.push(0);
    let outcome = driver().feed(Side::Client, &hello.bytes());
    assert_eq!(outcome, Outcome::refuse("limits", "client-hello-size"));
    // The header alone tells.
    let outcome = driver().feed(Side::Client, &hello.bytes()[..9]);
    assert_eq!(outcome, Outcome::refuse("limits", "client-hello-size"));
}

#[test]
fn server_flight_at_its_limit() {
    let before = Sh::tls12().body().len() + 4;
    let with = |total: usize| {
        let head = [Sh::tls12().ext(5, []).bytes(), certificate(&["rsa"])].concat();
        let used = before + 4 + certificate(&["rsa"]).len() - 5 + ske(0x1d, 0x0804).len() - 5 + 4;
        let status = hs(22, vec![1; total - used - 4]);
        [head, status, ske(0x1d, 0x0804), done()].concat()
    };
    let mut driver = driver();
    driver.feed(Side::Client, &Ch::tls12().bytes());
    let flight = with(limits::MAX_SERVER_FLIGHT);
    assert_eq!(driver.feed(Side::Server, &flight), Outcome::Open);
    assert_eq!(driver.to_client, flight);
    let mut driver = self::driver();
    driver.feed(Side::Client, &Ch::tls12().bytes());
    let outcome = driver.feed(Side::Server, &with(limits::MAX_SERVER_FLIGHT + 1));
    assert_eq!(outcome, Outcome::refuse("limits", "server-flight-size"));
    assert!(driver.to_client.is_empty());
}

#[test]
fn early_data_waits_in_a_bounded_buffer() {
    let hello = Ch::new().ext(42, []).psk().bytes();
    let mut driver = driver();
    driver.feed(Side::Client, &hello);
    assert!(driver.judge.wants(Side::Client));
    let early = record(23, vec![0; 16_379]); // 16 KiB with its header
    for count in 1..=4 {
        assert!(driver.judge.wants(Side::Client), "{count}");
        assert_eq!(driver.feed(Side::Client, &early), Outcome::Open);
    }
    assert_eq!(4 * early.len(), limits::MAX_EARLY);
    assert!(!driver.judge.wants(Side::Client));
    assert!(driver.judge.wants(Side::Server));
    assert_eq!(driver.to_server, hello);
    driver.feed(Side::Server, &Sh::new().bytes());
    assert!(driver.judge.wants(Side::Client));
    assert_eq!(driver.to_server.len(), hello.len() + limits::MAX_EARLY);
    // Early data is not the end of the handshake.
    assert_eq!(driver.feed(Side::Server, &app()), Outcome::Open);
    assert_eq!(driver.feed(Side::Client, &app()), Outcome::Pass);
}

#[test]
fn timeouts_say_what_was_missing() {
    let retried = [c(Ch::new().bytes()), s(Sh::retry(0x17).bytes())];
    type Row = (Vec<(Side, Vec<u8>)>, &'static str, bool);
    let rows: [Row; 7] = [
        (vec![], "client-hello", false),
        (vec![c(&Ch::new().bytes()[..99])], "client-hello", true),
        (vec![c(Ch::new().bytes())], "server-hello", true),
        (retried.to_vec(), "second-client-hello", true),
        (
            vec![c(Ch::tls12().bytes()), s(Sh::tls12().bytes())],
            "server-flight",
            true,
        ),
        (
            vec![c(Ch::tls12().bytes()), s(flight())],
            "client-finished",
            true,
        ),
        (
            vec![c(Ch::new().bytes()), s([Sh::new().bytes(), app()].concat())],
            "client-finished",
            false,
        ),
    ];
    for (events, kind, readable) in rows {
        let mut driver = driver();
        for (side, bytes) in &events {
            assert_eq!(driver.feed(*side, bytes), Outcome::Open);
        }
        let refusal = driver.judge.timeout();
        assert_eq!((refusal.rule.id(), refusal.kind), ("limits", kind));
        assert_eq!(refusal.to_client.is_some(), readable, "{kind}");
        assert!(matches!(
            driver.judge.feed(Side::Client, &app()),
            Step::Refuse(_)
        ));
    }
}

#[test]
fn a_refusal_tells_the_client_while_it_reads_plaintext() {
    // Refused together with the flight, or after it was passed on.
    let http = b"HTTP/1.1 200 OK\r\n";
    let mut driver = driver();
    driver.feed(Side::Client, &Ch::new().bytes());
    driver.feed(Side::Server, &[Sh::new().bytes(), http.to_vec()].concat());
    assert!(driver.to_client.is_empty());
    let refusal = driver.refusal.unwrap();
    assert_eq!(refusal.to_client, Some([21, 3, 3, 0, 2, 2, 40]));
    let mut driver = self::driver();
    driver.feed(Side::Client, &Ch::new().bytes());
    driver.feed(Side::Server, &Sh::new().bytes());
    driver.feed(Side::Server, http);
    assert_eq!(driver.refusal.unwrap().to_client, None);
    // An old client gets the alert in its version.
    let mut driver = self::driver();
    driver.feed(
        Side::Client,
        &Ch::tls12().with(|hello| hello.legacy = 0x0301).bytes(),
    );
    let refusal = driver.refusal.unwrap();
    assert_eq!(refusal.alert, Some(Alert::ProtocolVersion));
    assert_eq!(refusal.to_client, Some([21, 3, 1, 0, 2, 2, 70]));
    // Who does not speak TLS is told nothing in TLS.
    let mut driver = self::driver();
    driver.feed(Side::Client, b"GET / HTTP/1.1\r\n");
    assert_eq!(driver.refusal.unwrap().to_client, None);
}

#[test]
fn half_closes_do_not_end_what_can_still_end_well() {
    // The server sends all it has and closes its side; the client finishes.
    let mut driver = driver();
    driver.feed(Side::Client, &Ch::new().bytes());
    driver.feed(Side::Server, &[Sh::new().bytes(), app(), app()].concat());
    assert_eq!(driver.eof(Side::Server), Outcome::Open);
    assert_eq!(driver.feed(Side::Client, &app()), Outcome::Pass);
    // The client sends its finished and request and closes its side; the server finishes.
    let mut driver = self::driver();
    driver.feed(Side::Client, &Ch::tls12().bytes());
    driver.feed(Side::Server, &flight());
    driver.feed(
        Side::Client,
        &[cke(0x1d), ccs(), finished(), app()].concat(),
    );
    assert_eq!(driver.eof(Side::Client), Outcome::Open);
    assert_eq!(
        driver.feed(Side::Server, &[ccs(), finished()].concat()),
        Outcome::Pass
    );
    // Both closed: over.
    let mut driver = self::driver();
    driver.feed(Side::Client, &Ch::new().bytes());
    driver.feed(Side::Server, &[Sh::new().bytes(), app()].concat());
    assert_eq!(driver.eof(Side::Server), Outcome::Open);
    assert_eq!(driver.eof(Side::Client), Outcome::Close(None));
    // A client that closes with its hello can finish nothing.
    let mut driver = self::driver();
    driver.feed(Side::Client, &Ch::new().bytes());
    assert_eq!(driver.eof(Side::Client), Outcome::Close(None));
}

#[test]
fn a_servers_alert_reaches_the_client() {
    for flight in [alert(2, 40), [Sh::tls12().bytes(), alert(2, 80)].concat()] {
        let mut driver = driver();
        driver.feed(Side::Client, &Ch::new().bytes());
        assert_eq!(driver.feed(Side::Server, &flight), Outcome::Open);
        assert_eq!(driver.to_client, flight);
        assert!(matches!(driver.eof(Side::Server), Outcome::Close(Some(_))));
    }
}

#[test]
fn a_name_is_asked_for_before_anything_passes() {
    let mut question = question("baseline");
    question.connect = outgate::model::Host::parse("127.0.0.1").unwrap();
    let mut judge = Judge::new(question.clone(), Box::new(Any::default()));
    let hello = Ch::new().bytes();
    let step = judge.feed(Side::Client, &hello);
    assert!(matches!(step, Step::Name(name) if name.as_str() == judge_support::HOST));
    assert_eq!(judge.feed(Side::Client, &[]), Step::Hold);
    let step = judge.name_judged(true);
    assert_eq!(
        step,
        Step::Forward {
            client: hello.len(),
            server: 0
        }
    );
    // In report mode nothing waits for the answer.
    question.hold = false;
    question.actions = RuleActions::all(Action::Report);
    let mut judge = Judge::new(question, Box::new(Any::default()));
    assert!(matches!(judge.feed(Side::Client, &hello), Step::Name(_)));
    let answer = [Sh::new().bytes(), app()].concat();
    let step = judge.feed(Side::Server, &answer);
    assert_eq!(
        step,
        Step::Forward {
            client: hello.len(),
            server: answer.len()
        }
    );
    assert_eq!(
        judge.feed(Side::Client, &app()),
        Step::Forward {
            client: app().len(),
            server: 0
        }
    );
    assert_eq!(judge.name_judged(false), Step::Pass);
    assert_eq!(judge.facts().findings.len(), 1);
}

#[test]
fn a_judge_moves_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&judge());
}

/// A preflight is due as soon as a TLS 1.3 server has answered, be it with a request for more.
#[test]
fn a_retry_already_says_what_is_agreed() {
    let mut driver = driver();
    driver.feed(Side::Client, &Ch::new().bytes());
    assert!(!driver.judge.facts().server_flight_judged);
    driver.feed(Side::Server, &Sh::retry(0x17).bytes());
    let facts = driver.judge.facts();
    assert!(facts.server_flight_judged && !facts.hellos_judged && facts.retried);
    let upstream = facts.upstream.as_ref().unwrap();
    assert_eq!(upstream.version, outgate::logic::wire::tls::Version::TLS13);
    assert_eq!(upstream.group.unwrap().to_string(), "secp256r1");
}
