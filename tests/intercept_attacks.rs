//! Ways around an interception, and what softened rules let pass there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::Value;
use support::Authority;
use support::http::Answer;
use support::rig::{Rig, echoing, lead};
use support::tls;

/// The hosts of the table.
const NAMES: [&str; 5] = [
    "asked.test",
    "other.test",
    "excepted.test",
    "denied.test",
    "old.test",
];

/// What a client does.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// CONNECT to asked.test, a hello for this name, a request for it.
    Hello(&'static str),
    /// All for asked.test, but for the Host field.
    Host(&'static str),
    /// Plain HTTP where a hello is awaited.
    Plain,
    /// To a server that only speaks TLS 1.2.
    OldServer,
    /// By a client that only speaks TLS 1.2.
    OldClient,
    /// To a server whose certificate has expired.
    Expired,
}

/// The settings of a row: everything is intercepted, `rule` is softened to `action`.
fn settings(rule: &str, action: &str) -> String {
    format!(
        "[intercept]\nhosts = \"all\"\nexcept = [\"excepted.test\"]\n[tls]\nprofile = \"tls13\"\n\
         [rules]\n{rule} = \"{action}\"\n\
         [[destinations.rule]]\nhosts = [\"denied.test\"]\naction = \"deny\"\n"
    )
}

fn table_rig(settings: &str) -> Rig {
    let authority = Authority::new();
    let all = authority.issue(&NAMES);
    let expired = authority.issue_with(&["expired.test"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let (address, _) = echoing(&all);
    let old: SocketAddr = tls::origin(&all, &[&rustls::version::TLS12], |session| {
        support::rig::echo(session, 1);
    });
    let leads = [
        lead("asked.test", address),
        lead("denied.test", address),
        lead("old.test", old),
        lead("expired.test", echoing(&expired).0),
    ];
    Rig::new(authority, settings, &leads.concat())
}

/// Does it; gives the status and the rule of the answer.
fn act(rig: &Rig, act: Act) -> (u16, Option<String>) {
    let (connect, name, host) = match act {
        Act::Hello(name) => ("asked.test", name, name),
        Act::Host(host) => ("asked.test", "asked.test", host),
        Act::Plain | Act::OldClient => ("asked.test", "asked.test", "asked.test"),
        Act::OldServer => ("old.test", "old.test", "old.test"),
        Act::Expired => ("expired.test", "expired.test", "expired.test"),
    };
    let request = format!("GET /in HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let connect = format!("{connect}:443");
    let answer = match act {
        Act::Plain => {
            let mut stream = rig.proxy.tunnel(&connect);
            stream.write_all(request.as_bytes()).unwrap();
            Answer::read(&mut stream)
        }
        Act::OldClient => {
            let versions = &[&rustls::version::TLS12];
            let stream = rig.proxy.tunnel(&connect);
            let mut session = tls::client_of(&rig.root(), name, stream, versions);
            let _ = session.write_all(request.as_bytes());
            Answer::read(&mut session)
        }
        Act::Hello(_) | Act::Host(_) | Act::OldServer | Act::Expired => {
            let mut session = rig.inside(&connect, name);
            session.write_all(request.as_bytes()).unwrap();
            Answer::read(&mut session)
        }
    };
    let is_ours = answer.header("content-type") == Some("application/problem+json");
    (answer.status, is_ours.then(|| answer.rule()))
}

/// Which line of the record tells of the finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Connect,
    Request,
}

#[test]
fn what_softened_rules_let_pass_and_what_is_recorded() {
    use Act::{Expired, Hello, Host, OldClient, OldServer, Plain};
    use At::{Connect, Request};
    let (mismatch, weak, plain, certificate) =
        ("sni-mismatch", "weak-tls", "not-tls", "invalid-certificate");
    // The rule, what is done, and for block, report and off: the status and the
    // rule of the answer, then the verdict and the rule that the record has, and in which line.
    type Told = (u16, &'static str, &'static str, &'static str);
    let rows: [(&str, Act, At, [Told; 3]); 10] = [
        (
            mismatch,
            Hello("other.test"),
            Connect,
            [
                (403, mismatch, "block", mismatch),
                (200, "", "report", mismatch),
                (200, "", "allow", ""),
            ],
        ),
        // It takes nothing out of sight that the name is excepted elsewhere.
        (
            mismatch,
            Hello("excepted.test"),
            Connect,
            [
                (403, mismatch, "block", mismatch),
                (200, "", "report", mismatch),
                (200, "", "allow", ""),
            ],
        ),
        (
            mismatch,
            Hello("denied.test"),
            Connect,
            [
                (403, mismatch, "block", mismatch),
                (403, "destination", "block", "destination"),
                (403, "destination", "block", "destination"),
            ],
        ),
        (
            mismatch,
            Host("other.test"),
            Request,
            [
                (403, mismatch, "block", mismatch),
                (200, "", "report", mismatch),
                (200, "", "allow", ""),
            ],
        ),
        (
            mismatch,
            Host("denied.test"),
            Request,
            [
                (403, mismatch, "block", mismatch),
                (403, "destination", "block", "destination"),
                (403, "destination", "block", "destination"),
            ],
        ),
        // Nobody can end a TLS that is not there.
        (
            plain,
            Plain,
            Connect,
            [
                (403, plain, "block", plain),
                (403, plain, "block", plain),
                (403, plain, "block", plain),
            ],
        ),
        (
            weak,
            OldServer,
            Connect,
            [
                (502, weak, "block", weak),
                (200, "", "report", weak),
                (200, "", "allow", ""),
            ],
        ),
        (
            weak,
            OldClient,
            Connect,
            [
                (403, weak, "block", weak),
                (200, "", "report", weak),
                (200, "", "allow", ""),
            ],
        ),
        // Nothing switches the verification of servers off.
        (
            certificate,
            Expired,
            Connect,
            [
                (502, certificate, "block", certificate),
                (502, certificate, "block", certificate),
                (502, certificate, "block", certificate),
            ],
        ),
        (
            certificate,
            Expired,
            Request,
            [
                (502, certificate, "block", certificate),
                (502, certificate, "block", certificate),
                (502, certificate, "block", certificate),
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for rule in [mismatch, plain, weak, certificate] {
        for (column, action) in ["block", "report", "off"].into_iter().enumerate() {
            for (_, what, at, told) in rows.iter().filter(|row| row.0 == rule) {
                let rig = table_rig(&settings(rule, action));
                let (status, named, verdict, recorded) = told[column];
                let got = act(&rig, *what);
                let line = rig.proxy.line(|line| {
                    let is_connect = line["request"]["method"] == "CONNECT";
                    let is_last = line["stage"] == "complete"
                        || (line["stage"] == "decision" && line["verdict"] == "block");
                    is_last && is_connect == (*at == Connect)
                });
                let got = (
                    got.0,
                    got.1.unwrap_or_default(),
                    line["verdict"].as_str().unwrap_or_default().to_owned(),
                    line["rule"].as_str().unwrap_or_default().to_owned(),
                );
                let wanted = (status, named.into(), verdict.into(), recorded.into());
                if got != wanted || line["carried"] != "intercept" {
                    wrong.push((rule, action, what, got, wanted, line["carried"].clone()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_was_agreed_in_report_mode_is_not_used_once_the_rules_are_enforced() {
    let rules = "[intercept]\nhosts = \"all\"\n[tls]\nprofile = \"tls13\"\n";
    let rig = table_rig(&format!("mode = \"report\"\n{rules}"));
    let mut session = rig.inside("old.test:443", "old.test");
    let request = b"GET / HTTP/1.1\r\nHost: old.test\r\n\r\n";
    session.write_all(request).unwrap();
    assert_eq!(Answer::read(&mut session).status, 200);
    rig.proxy.change_settings(rules);
    rig.proxy
        .line(|line| line["event"] == "policy" && line["detail"]["refused"] == Value::Null);
    session.write_all(request).unwrap();
    let answer = Answer::read(&mut session);
    assert_eq!((answer.status, answer.rule().as_str()), (502, "weak-tls"));
}

#[test]
fn a_client_comes_back_once_the_rules_have_changed() {
    let rules = "[intercept]\nhosts = \"all\"\n";
    let rig = table_rig(rules);
    let versions = &[&rustls::version::TLS12];
    let open = || {
        let stream = rig.proxy.tunnel("asked.test:443");
        tls::client_of(&rig.root(), "asked.test", stream, versions)
    };
    let request = b"GET / HTTP/1.1\r\nHost: asked.test\r\n\r\n";
    let mut session = open();
    for _ in 0..2 {
        session.write_all(request).unwrap();
        let answer = Answer::read(&mut session);
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
    rig.proxy
        .change_settings(&format!("{rules}[tls]\nprofile = \"tls13\"\n"));
    rig.proxy
        .line(|line| line["event"] == "policy" && line["detail"]["refused"] == Value::Null);
    session.write_all(request).unwrap();
    let answer = Answer::read(&mut session);
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    let mut session = open();
    session.write_all(request).unwrap();
    assert_eq!(Answer::read(&mut session).rule(), "weak-tls");
}
