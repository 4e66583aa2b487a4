//! Interception through the running proxy: what is told inside, what stands in the way, what is
//! put on record, and which upstream connections are used again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::Ordering;

use serde_json::Value;
use support::http::Answer;
use support::rig::{ALL, Rig, echo_rig, echoing, lead};
use support::tls;
use support::{Authority, OpensslServer, Proxy, origin};

fn request_lines(rig: &Rig, method: &str, stage: &str) -> Vec<Value> {
    let wanted = |line: &Value| line["request"]["method"] == method && line["stage"] == stage;
    rig.proxy.line(wanted);
    rig.proxy.lines().into_iter().filter(wanted).collect()
}

#[test]
fn every_request_inside_has_a_pair_of_its_own() {
    let (rig, _) = echo_rig(ALL, "origin.test");
    let (status, body) = rig.get("https://origin.test/a?b=c", &[]);
    assert_eq!(status, 200);
    assert!(body.contains("GET /a?b=c HTTP/1.1"), "{body}");
    let connect = rig
        .proxy
        .line(|line| line["request"]["method"] == "CONNECT" && line["stage"] == "complete");
    let lines = rig.proxy.lines();
    let of = |method: &str, stage: &str| {
        lines
            .iter()
            .find(|line| line["request"]["method"] == method && line["stage"] == stage)
            .unwrap_or_else(|| panic!("{method} {stage}"))
            .clone()
    };
    let (decision, complete) = (of("GET", "decision"), of("GET", "complete"));
    for line in [&connect, &decision, &complete] {
        assert_eq!(line["conn"], connect["conn"]);
        assert_eq!(line["carried"], "intercept");
        assert_eq!(line["via"], "connect");
        assert_eq!(line["verdict"], "allow");
    }
    assert_ne!(complete["id"], connect["id"]);
    assert_eq!(complete["request"]["url"], "https://origin.test/a?b=***");
    assert_eq!(complete["status"], 200);
    assert_eq!(complete["tls"]["client"]["sni"], "origin.test");
    assert_eq!(complete["tls"]["upstream"]["verified"], true);
    assert_eq!(complete["tls"]["upstream"]["version"], "1.3");
    assert!(complete["tls"]["upstream"]["sha256"].is_string());
    assert_eq!(complete["bytes"], connect["bytes"]);
    assert!(decision["seq"].as_u64() < complete["seq"].as_u64());
}

#[test]
fn a_refused_name_is_told_inside_and_neither_resolved_nor_dialled() {
    let settings = "[intercept]\nhosts = \"all\"\n[[destinations.rule]]\nhosts = [\"refused.invalid\"]\n\
                    action = \"deny\"\nreason = \"not this one\"\n";
    let rig = Rig::new(Authority::new(), settings, &[]);
    let (status, rule, detail) = rig.refused("https://refused.invalid/x", &[]);
    // That the name does not exist was not even found out.
    assert_eq!(
        (status, rule.as_str()),
        (403, Some("destination")),
        "{detail}"
    );
    assert!(detail.contains("not this one"), "{detail}");
    let inner = request_lines(&rig, "GET", "decision").remove(0);
    assert_eq!(
        (inner["verdict"].as_str(), inner["status"].as_u64()),
        (Some("block"), Some(403))
    );
    assert_eq!(inner["request"]["url"], "https://refused.invalid/x");
    let outer = request_lines(&rig, "CONNECT", "decision").remove(0);
    assert_eq!(outer["verdict"], "block");
    assert_eq!(outer["conn"], inner["conn"]);
    assert_eq!(outer["destination"]["addr"], Value::Null);
}

#[test]
fn what_keeps_the_upstream_away_is_told_inside() {
    let authority = Authority::new();
    let expired = authority.issue_with(&["expired.test"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let other = authority.issue(&["other.test"]);
    let stranger = Authority::new();
    let untrusted = stranger.issue(&["untrusted.test"]);
    let serve = |identity: &(String, String)| echoing(identity).0;
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let leads = [
        ("expired.test", serve(&expired)),
        ("wrong.test", serve(&other)),
        ("untrusted.test", serve(&untrusted)),
        ("closed.test", closed),
        // TCP that says nothing of TLS.
        (
            "garbage.test",
            origin(|mut stream| drop(stream.write_all(b"220 ready\r\n"))),
        ),
    ];
    let args: Vec<String> = leads
        .iter()
        .flat_map(|(host, to)| lead(host, *to))
        .collect();
    let rig = Rig::new(authority, ALL, &args);
    let cases = [
        ("expired.test", 502, Some("invalid-certificate"), "expired"),
        ("wrong.test", 502, Some("invalid-certificate"), "name"),
        (
            "untrusted.test",
            502,
            Some("invalid-certificate"),
            "trusted",
        ),
        ("closed.test", 502, None, "refused"),
        ("garbage.test", 502, None, "no TLS"),
        ("nosuch.invalid", 502, None, "does not resolve"),
    ];
    for (host, status, rule, word) in cases {
        let (got, named, detail) = rig.refused(&format!("https://{host}/"), &[]);
        assert_eq!((got, named.as_str()), (status, rule), "{host}: {detail}");
        assert!(detail.contains(word), "{host}: {detail}");
        let url = format!("https://{host}/");
        let inner = rig
            .proxy
            .line(|line| line["request"]["url"] == *url && line["status"] == status);
        let verdict = if rule.is_some() { "block" } else { "error" };
        assert_eq!(inner["verdict"], verdict, "{host}");
        let connect = rig.proxy.line_for(host, "complete");
        assert_eq!(connect["verdict"], verdict, "{host}");
    }
}

#[test]
fn one_request_names_one_host() {
    let (rig, count) = echo_rig(ALL, "origin.test");
    let (status, rule, _) = rig.refused("https://origin.test/", &["--header", "Host: evil.test"]);
    assert_eq!((status, rule.as_str()), (403, Some("sni-mismatch")));
    let (status, rule, _) = rig.refused(
        "https://origin.test/",
        &["--request-target", "https://evil.test/"],
    );
    assert_eq!((status, rule.as_str()), (403, Some("sni-mismatch")));
    let (status, rule, _) = rig.refused(
        "https://origin.test/",
        &["--request-target", "http://origin.test/"],
    );
    assert_eq!((status, rule.as_str()), (400, Some("malformed-request")));

    // The hello's name is another one than CONNECT's: its certificate is for what it asked.
    let mut session = rig.inside("origin.test:443", "evil.test");
    session
        .write_all(b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        .unwrap();
    let answer = Answer::read(&mut session);
    assert_eq!(
        (answer.status_line(), answer.rule().as_str()),
        (
            "HTTP/1.1 403 Blocked by outgate: sni-mismatch",
            "sni-mismatch"
        )
    );
    assert_eq!(
        count.load(Ordering::SeqCst),
        1,
        "the mismatched hello reached nobody"
    );
}

#[test]
fn where_sni_mismatch_only_reports_the_inside_is_still_read() {
    let settings = "[intercept]\nhosts = \"all\"\n[rules]\nsni-mismatch = \"report\"\n";
    let authority = Authority::new();
    let (address, _) = echoing(&authority.issue(&["origin.test", "front.test"]));
    let rig = Rig::new(authority, settings, &lead("front.test", address));
    let mut session = rig.inside("front.test:443", "origin.test");
    session
        .write_all(b"GET /in HTTP/1.1\r\nHost: origin.test\r\n\r\n")
        .unwrap();
    let answer = Answer::read(&mut session);
    assert_eq!(answer.status_line(), "HTTP/1.1 200 OK");
    let inner = rig
        .proxy
        .line(|line| line["request"]["url"] == "https://origin.test/in");
    assert_eq!(inner["carried"], "intercept");
    drop(session);
    let connect = rig.proxy.line_for("front.test", "complete");
    assert_eq!(connect["rule"], "sni-mismatch", "{connect}");
}

#[test]
fn an_address_is_intercepted_for_the_name_of_its_hello() {
    // Only the name is listed, and the client asks for the address.
    let settings = "[intercept]\nhosts = [\"localhost\"]\n";
    let authority = Authority::new();
    let (address, _) = echoing(&authority.issue(&["localhost"]));
    let rig = Rig::new(authority, settings, &[]);
    let connect = address.to_string();
    let mut session = rig.inside(&connect, "localhost");
    session
        .write_all(
            format!(
                "GET / HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
                address.port()
            )
            .as_bytes(),
        )
        .unwrap();
    assert_eq!(Answer::read(&mut session).status_line(), "HTTP/1.1 200 OK");
    let inner = rig
        .proxy
        .line(|line| line["request"]["method"] == "GET" && line["stage"] == "complete");
    assert_eq!(inner["destination"]["addr"], connect);
    assert_eq!(inner["request"]["host"], "localhost");
}

#[test]
fn an_excepted_host_keeps_its_own_certificate() {
    let settings = "[intercept]\nhosts = \"all\"\nexcept = [\"origin.test\"]\n";
    let (rig, _) = echo_rig(settings, "origin.test");
    let trusted = rig.authority.ca();
    let output = rig
        .proxy
        .curl(&["--cacert", &trusted, "https://origin.test/"]);
    assert!(output.status.success(), "{output:?}");
    let line = rig.proxy.line_for("origin.test", "complete");
    assert_eq!(line["carried"], "tunnel");
}

#[test]
fn a_client_that_refuses_the_certificate_switches_nothing_off() {
    for versions in [&["--tls-max", "1.2"][..], &[][..]] {
        let (rig, count) = echo_rig(ALL, "origin.test");
        let trusted = rig.authority.ca();
        for _ in 0..2 {
            // It trusts the origin's authority and not ours.
            let mut args = vec!["--cacert", trusted.as_str(), "https://origin.test/"];
            args.extend(versions);
            let output = rig.proxy.curl(&args);
            assert_eq!(output.status.code(), Some(60), "{output:?}");
        }
        let event = rig.proxy.line(|line| line["event"] == "client-error");
        assert_eq!(event["detail"]["obstacle"], "client-rejects", "{event}");
        assert_eq!(event["detail"]["alert"], "unknown_ca", "{event}");
        assert_eq!(event["detail"]["tunnel_seconds"], Value::Null);
        assert!(
            event["detail"]["error"]
                .as_str()
                .unwrap()
                .contains("intercept.except")
        );
        let tunnels = rig
            .proxy
            .lines()
            .iter()
            .filter(|line| line["carried"] == "tunnel")
            .count();
        assert_eq!(tunnels, 0);
        assert_eq!(
            count.load(Ordering::SeqCst),
            1,
            "its connection waited for the second one"
        );
    }
}

#[test]
fn a_listed_host_goes_in_tunnels_once_its_client_refuses() {
    let settings = "[intercept]\nhosts = [\"origin.test\"]\non_client_rejects = \"tunnel\"\n";
    let (rig, _) = echo_rig(settings, "origin.test");
    let trusted = rig.authority.ca();
    let ask = || {
        rig.proxy
            .curl(&["--cacert", &trusted, "https://origin.test/"])
    };
    assert_eq!(ask().status.code(), Some(60));
    let event = rig.proxy.line(|line| line["event"] == "client-error");
    assert_eq!(event["detail"]["tunnel_seconds"], 3600);
    let output = ask();
    assert!(output.status.success(), "{output:?}");
    let line = rig
        .proxy
        .line(|line| line["carried"] == "tunnel" && line["stage"] == "complete");
    assert_eq!(line["request"]["host"], "origin.test");
}

#[test]
fn a_server_that_demands_a_client_certificate_is_named() {
    for version in ["-tls1_2", "-tls1_3"] {
        let authority = Authority::new();
        let (cert, key) = authority.issue(&["mutual.test", "optional.test"]);
        let ca = authority.ca();
        let common = ["-cert", &cert, "-key", &key, "-CAfile", &ca, version];
        let demanding = OpensslServer::start(&[&common[..], &["-Verify", "1"]].concat());
        let asking = OpensslServer::start(&[&common[..], &["-verify", "1"]].concat());
        let args = [
            lead("mutual.test", demanding.address),
            lead("optional.test", asking.address),
        ]
        .concat();
        let rig = Rig::new(authority, ALL, &args);
        let (status, rule, detail) = rig.refused("https://mutual.test/", &[]);
        assert_eq!((status, rule), (502, Value::Null), "{version}: {detail}");
        assert!(
            detail.contains("client certificate") && detail.contains("intercept.except"),
            "{detail}"
        );
        let event = rig.proxy.line(|line| line["event"] == "client-error");
        assert_eq!(
            event["detail"]["obstacle"], "client-certificate",
            "{version}"
        );
        // One that only asks is served.
        assert_eq!(rig.get("https://optional.test/", &[]).0, 200, "{version}");
    }
}

#[test]
fn what_is_no_http_is_named() {
    let (rig, _) = echo_rig(ALL, "origin.test");
    let mut session = rig.inside("origin.test:443", "origin.test");
    session
        .write_all(b"\x10\x20\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\r\n\r\n")
        .unwrap();
    let answer = Answer::read(&mut session);
    assert_eq!(answer.rule(), "malformed-request");
    let event = rig.proxy.line(|line| line["event"] == "client-error");
    assert_eq!(event["detail"]["obstacle"], "not-http", "{event}");
}

#[test]
fn a_server_that_speaks_first_is_named() {
    let authority = Authority::new();
    let identity = authority.issue(&["first.test"]);
    let address = tls::origin(&identity, rustls::ALL_VERSIONS, |mut session| {
        let _ = session.write_all(b"220 ready\r\n");
        let _ = session.flush();
        let _ = session.read_to_end(&mut Vec::new());
    });
    let rig = Rig::new(authority, ALL, &lead("first.test", address));
    let mut session = rig.inside("first.test:443", "first.test");
    // The client only waits for the greeting, as it would in a tunnel.
    session.flush().unwrap();
    let mut got = Vec::new();
    let _ = session.read_to_end(&mut got);
    assert_eq!(got, b"", "nothing that was not asked for is passed on");
    let event = rig.proxy.line(|line| line["event"] == "client-error");
    assert_eq!(event["detail"]["obstacle"], "not-http", "{event}");
}

#[test]
fn plain_http_in_the_tunnel_gets_an_answer() {
    let (rig, count) = echo_rig(ALL, "origin.test");
    let mut stream = rig.proxy.tunnel("origin.test:443");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n")
        .unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!(answer.rule(), "not-tls");
    assert_eq!(count.load(Ordering::SeqCst), 0);
    assert_eq!(
        rig.proxy.line_for("origin.test", "complete")["verdict"],
        "block"
    );
}

#[test]
fn an_idle_upstream_connection_serves_the_next_client() {
    let (rig, count) = echo_rig(ALL, "origin.test");
    for _ in 0..3 {
        let (_, body) = rig.get("https://origin.test/", &[]);
        assert!(body.starts_with("connection 1\n"), "{body}");
        // The connection is idle again once CONNECT is complete.
        let _ = request_lines(&rig, "CONNECT", "complete");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_that_was_authenticated_serves_nobody_else() {
    for scheme in ["NTLM", "Negotiate"] {
        let (rig, count) = echo_rig(ALL, "origin.test");
        let credentials = format!("Authorization: {scheme} bWFkZSB1cA==");
        let (status, _) = rig.get("https://origin.test/", &["--header", &credentials]);
        assert_eq!(status, 200);
        rig.get("https://origin.test/", &[]);
        assert_eq!(count.load(Ordering::SeqCst), 2, "{scheme}");
    }
}

#[test]
fn interception_needs_an_authority() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().display().to_string();
    let output = support::outgate()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--intercept",
            "all",
            "--audit",
            "-",
            "--ca-dir",
            &empty,
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("outgate ca init"), "{said}");
}

#[test]
fn interception_cannot_be_switched_on_without_a_restart() {
    let authority = Authority::new();
    let (address, _) = echoing(&authority.issue(&["origin.test"]));
    let trusted = authority.ca();
    let args = [
        lead("origin.test", address),
        vec!["--extra-root".to_owned(), trusted.clone()],
    ]
    .concat();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let proxy = Proxy::configured("", &args);
    proxy.change_settings(ALL);
    let event = proxy.line(|line| line["event"] == "policy");
    assert!(
        event["detail"]["refused"][0]
            .as_str()
            .unwrap()
            .contains("restart"),
        "{event}"
    );
    // The rules in force stay.
    let output = proxy.curl(&["--cacert", &trusted, "https://origin.test/"]);
    assert!(output.status.success(), "{output:?}");
}
