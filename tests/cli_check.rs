//! `outgate check` against OpenSSL's server, good and bad.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Output;

use serde_json::Value;
use support::{Authority, OpensslServer, outgate};

const NAME: &str = "good.example";

/// `check --json` of `target`, every name led to `address`.
fn check(address: SocketAddr, ca: &str, args: &[&str], target: &str) -> (Option<i32>, Value) {
    let output = outgate()
        .args(["check", "--json", "--connect-to"])
        .arg(format!("::{address}"))
        .args(["--extra-root", ca, target])
        .args(args)
        .output()
        .unwrap();
    let value = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        value.unwrap_or_else(|_| panic!("{output:?}")),
    )
}

/// The verdict, the rule, and the first finding's kind.
fn short(value: &Value) -> (&str, &str, &str) {
    let text = |value: &'_ Value| match value.as_str() {
        Some("") | None => "-".to_owned(),
        Some(text) => text.to_owned(),
    };
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    (
        leak(text(&value["verdict"])),
        leak(text(&value["rule"])),
        leak(text(&value["findings"][0]["kind"])),
    )
}

fn server(authority: &Authority, extra: &[&str]) -> OpensslServer {
    let (cert, key) = authority.issue(&[NAME]);
    OpensslServer::start(&[&["-cert", &cert, "-key", &key], extra].concat())
}

#[test]
fn a_good_server_is_described() {
    let authority = Authority::new();
    let tls13 = server(&authority, &[]);
    let (code, value) = check(tls13.address, &authority.ca(), &[], NAME);
    assert_eq!(code, Some(0), "{value}");
    assert_eq!(short(&value), ("allow", "-", "-"));
    let tls = &value["tls"];
    assert_eq!(
        (&tls["version"], &tls["verified"]),
        (&Value::from("1.3"), &Value::from(true))
    );
    assert!(
        tls["cipher"].as_str().unwrap().starts_with("TLS_AES_"),
        "{tls}"
    );
    assert!(tls["group"].is_string(), "{tls}");
    assert_eq!(value["address"], tls13.address.to_string());
    let leaf = &value["certificates"][0];
    assert_eq!(leaf["names"][0], NAME);
    assert_eq!(leaf["key"], "ECDSA P-256");
    assert_eq!(leaf["signature"], "ecdsa-with-SHA256");
    assert!(
        leaf["issuer"].as_str().unwrap().contains("test authority"),
        "{leaf}"
    );
    assert!(
        leaf["days_left"].as_i64().unwrap() > 0
            && leaf["not_after"].as_str().unwrap().ends_with('Z')
    );

    let tls12 = server(&authority, &["-tls1_2", "-alpn", "http/1.1"]);
    let (code, value) = check(
        tls12.address,
        &authority.ca(),
        &[],
        "https://good.example/path?token=x",
    );
    assert_eq!(code, Some(0), "{value}");
    assert_eq!(value["tls"]["version"], "1.2");
    assert_eq!(value["tls"]["alpn"], "http/1.1");
    assert_eq!(value["target"], "https://good.example/path?token=***");
}

/// A certificate of its own making with an RSA key; gives the paths of both.
fn self_signed(folder: &std::path::Path, name: &str) -> (String, String) {
    let path = |end: &str| folder.join(format!("{name}.{end}")).display().to_string();
    let (cert, key) = (path("pem"), path("key"));
    let made = std::process::Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        ])
        .args([
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            &format!("subjectAltName=DNS:{name}"),
        ])
        .args(["-out", &cert, "-keyout", &key])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (cert, key)
}

/// s_server's arguments, ours, the verdict, the finding's kind, the version.
type WeakCase = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static str,
);

#[test]
fn weak_servers_are_named() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let (rsa, rsa_key) = self_signed(folder.path(), NAME);
    const OLD: &str = "DEFAULT@SECLEVEL=0";
    let cases: [WeakCase; 6] = [
        (&["-tls1_1", "-cipher", OLD], &[], "block", "version", "1.1"),
        (&["-tls1", "-cipher", OLD], &[], "block", "version", "1.0"),
        (
            &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
            &[],
            "block",
            "suite",
            "1.2",
        ),
        (
            &["-tls1_2", "-cipher", "AES128-SHA"],
            &[],
            "block",
            "suite",
            "1.2",
        ),
        // Good, but of what our own TLS does not speak.
        (
            &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            &[],
            "allow",
            "-",
            "1.2",
        ),
        (&["-tls1_2"], &["--mode", "report"], "allow", "-", "1.2"),
    ];
    for (server, args, verdict, kind, version) in cases {
        let server = OpensslServer::start(&[&["-cert", &rsa, "-key", &rsa_key], server].concat());
        let (code, value) = check(server.address, &rsa, args, NAME);
        let blocked = verdict == "block";
        assert_eq!(code, Some(i32::from(blocked)), "{value}");
        let rule = if blocked { "weak-tls" } else { "-" };
        assert_eq!(short(&value), (verdict, rule, kind), "{value}");
        assert_eq!(value["tls"]["version"], version, "{value}");
    }
    // What is weak depends on the profile.
    let fips = folder.path().join("fips.toml").display().to_string();
    std::fs::write(&fips, "[tls]\nprofile = \"fips\"\n").unwrap();
    let server = server(&authority, &["-groups", "X25519"]);
    let (code, value) = check(server.address, &authority.ca(), &["--config", &fips], NAME);
    assert_eq!((code, short(&value).1), (Some(1), "weak-tls"), "{value}");
    assert_eq!(value["profile"], "fips");
    // Report mode lets it pass, and the check says so all the same.
    let server =
        OpensslServer::start(&["-cert", &rsa, "-key", &rsa_key, "-tls1_1", "-cipher", OLD]);
    let (code, value) = check(server.address, &rsa, &["--mode", "report"], NAME);
    assert_eq!(
        (code, &value["verdict"], &value["would"]),
        (Some(1), &"report".into(), &"block".into())
    );
}

#[test]
fn bad_certificates_are_named() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let day = |year| rcgen::date_time_ymd(year, 1, 1);
    let expired = authority.issue_with(&["expired.example"], |params| {
        params.not_before = day(2020);
        params.not_after = day(2021);
    });
    let early = authority.issue_with(&["early.example"], |params| params.not_before = day(2999));
    let good = authority.issue(&[NAME]);
    let foreign = self_signed(folder.path(), "foreign.example");
    let cases = [
        (&expired, "expired.example", "expired"),
        (&early, "early.example", "not-yet-valid"),
        (&good, "other.example", "wrong-name"),
        // As openssl req makes it: an authority's certificate, shown by a server.
        (&foreign, "foreign.example", "untrusted-issuer"),
    ];
    for ((cert, key), name, kind) in cases {
        for version in ["-tls1_2", "-tls1_3"] {
            let server = OpensslServer::start(&["-cert", cert, "-key", key, version]);
            let (code, value) = check(server.address, &authority.ca(), &[], name);
            assert_eq!(code, Some(1), "{value}");
            assert_eq!(
                short(&value),
                ("block", "invalid-certificate", kind),
                "{value}"
            );
            assert_eq!(value["tls"]["verified"], false, "{value}");
            assert!(value["certificates"][0]["names"].is_array(), "{value}");
        }
    }
    let server = OpensslServer::start(&["-cert", &expired.0, "-key", &expired.1]);
    let (_, value) = check(server.address, &authority.ca(), &[], "expired.example");
    assert!(
        value["certificates"][0]["days_left"].as_i64().unwrap() < 0,
        "{value}"
    );
}

#[test]
fn what_is_no_tls_or_no_server_is_told() {
    let authority = Authority::new();
    let plain = support::origin(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    let (code, value) = check(plain, &authority.ca(), &[], NAME);
    assert_eq!((code, short(&value).1), (Some(1), "not-tls"), "{value}");

    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, value) = check(gone, &authority.ca(), &[], NAME);
    assert_eq!((code, short(&value).0), (Some(1), "error"), "{value}");
    assert!(
        value["error"].as_str().unwrap().contains("cannot connect"),
        "{value}"
    );

    // One that accepts and says nothing: bounded by timeouts.handshake.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let quick = folder.path().join("quick.toml");
    std::fs::write(&quick, "[timeouts]\nhandshake = \"300ms\"\n").unwrap();
    let quick = quick.display().to_string();
    let address = silent.local_addr().unwrap();
    let (code, value) = check(address, &authority.ca(), &["--config", &quick], NAME);
    assert_eq!((code, short(&value).0), (Some(1), "error"), "{value}");
    assert!(
        value["error"]
            .as_str()
            .unwrap()
            .contains("timeouts.handshake"),
        "{value}"
    );
}

#[test]
fn what_the_rules_refuse_is_not_dialled() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for (target, rule) in [
        ("http://s3.amazonaws.com/bucket", "aws-plaintext"),
        ("s3.amazonaws.com:80", "aws-plaintext"),
    ] {
        let (code, value) = check(address, &authority.ca(), &[], target);
        assert_eq!((code, short(&value).1), (Some(1), rule), "{value}");
        assert!(value["address"].is_null(), "{value}");
    }
    let nobody = listener.accept().map(drop).unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    // Without --connect-to: neither resolved nor dialled.
    let output = outgate()
        .args(["check", "--json", "169.254.169.254", "instance-data"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["rule"], "instance-metadata", "{value}");
        assert!(
            value["tls"].is_null() && value["error"].is_null(),
            "{value}"
        );
    }
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_person_gets_all_targets_in_order() {
    let authority = Authority::new();
    let good = server(&authority, &[]);
    let (cert, key) = authority.issue(&["other.example"]);
    let wrong = OpensslServer::start(&["-cert", &cert, "-key", &key, "-tls1_2"]);
    let output = outgate()
        .args(["check", "--extra-root", &authority.ca()])
        .args([
            "--connect-to",
            &format!("wrong.example:443:{}", wrong.address),
        ])
        .args(["--connect-to", &format!("{NAME}:443:{}", good.address)])
        .args(["wrong.example", "https://good.example/"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    let places = [
        "wrong.example:443 at",
        "block (invalid-certificate)",
        "other.example",
        "https://good.example/ at",
        "verdict      allow",
        "days left",
    ];
    let mut rest = text.as_str();
    for part in places {
        let found = rest.split_once(part);
        (_, rest) = found.unwrap_or_else(|| panic!("{part:?} is not in its place in\n{text}"));
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn wrong_usage_does_not_repeat_the_argument() {
    let none = outgate().arg("check").output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    let output = outgate()
        .args(["check", "user:hunter2@example.com", "https://h:99999/"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("argument 1: ") && said.contains("argument 2: "),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    let missing = outgate()
        .args(["check", "--extra-root", "/nonexistent.pem", "example.com"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2));
}
