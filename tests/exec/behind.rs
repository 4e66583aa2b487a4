//! Traffic: what is inside TLS is seen, what is wrong is refused and told.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;

use crate::stage::{Done, Stage, done};
use crate::support::{Authority, record, tls};

/// An HTTPS origin that answers every request with 200 and its body.
fn origin(authority: &Authority) -> SocketAddr {
    let identity = authority.issue(&["origin.example", "*.origin.example"]);
    tls::origin(&identity, rustls::ALL_VERSIONS, |mut session| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match session.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                Ok(_) | Err(_) => return,
            }
        }
        let _ = session
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n");
        session.conn.send_close_notify();
        let _ = session.flush();
    })
}

/// Runs a shell script behind `exec`; `origin.example` is that origin, trusted by the caller.
fn sh(stage: &Stage, authority: &Authority, flags: &[&str], script: &str) -> Done {
    let origin = origin(authority);
    let to = format!("origin.example:443:{origin}");
    let other = format!("pinned.origin.example:443:{origin}");
    let flags = [&["--connect-to", &to, "--connect-to", &other], flags].concat();
    let mut exec = stage.exec(&flags, &["sh", "-c", script]);
    done(exec.env("SSL_CERT_FILE", authority.ca()))
}

#[test]
fn a_client_that_knows_nothing_is_seen_and_served() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let done = sh(
        &stage,
        &authority,
        &[],
        "curl -sS https://origin.example/some/path",
    );
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (Some(0), "hello\n"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("outgate: 1 request to 1 host\n"),
        "{}",
        done.stderr
    );
    let [path] = &stage.records()[..] else {
        panic!("{:?}", stage.records());
    };
    assert!(
        done.stderr
            .contains(&format!("outgate: record: {}", path.display())),
        "{}",
        done.stderr
    );
    record::assert_whole(path);
    let lines = record::read(path);
    let is_curl = |line: &serde_json::Value| line["client"]["process"] == "curl";
    assert!(lines.iter().any(is_curl), "{lines:#?}");
    let urls: Vec<&str> = lines
        .iter()
        .filter(|line| line["stage"] == "complete")
        .filter_map(|line| line["request"]["url"].as_str())
        .collect();
    assert!(
        urls.contains(&"https://origin.example/some/path"),
        "{urls:?}"
    );
}

#[test]
fn an_authority_that_nobody_trusts_is_refused_inside() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let origin = origin(&authority);
    let to = format!("origin.example:443:{origin}");
    let done = stage.sh(
        &["--connect-to", &to],
        "curl -sS -w '%{http_code}' -o /dev/null https://origin.example/",
    );
    assert!(
        done.stdout.starts_with('4') || done.stdout.starts_with('5'),
        "{}",
        done.stdout
    );
    assert!(
        done.stderr
            .contains("outgate: refused: invalid-certificate origin.example: "),
        "{}",
        done.stderr
    );
}

#[test]
fn a_client_that_refuses_our_certificate_gets_a_tunnel() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let script = format!(
        "for i in 1 2; do curl -sS --cacert '{}' https://pinned.origin.example/ 2>/dev/null || echo no; done",
        authority.ca()
    );
    let told = sh(&stage, &authority, &[], &script);
    assert_eq!(told.stdout, "no\nhello\n", "{}", told.stderr);
    let said = |text: &str| told.stderr.matches(text).count();
    assert_eq!(
        said("outgate: in a tunnel from now on: pinned.origin.example: "),
        1,
        "{}",
        told.stderr
    );
    assert_eq!(
        said("not looked into 1x client-rejects pinned.origin.example"),
        1,
        "{}",
        told.stderr
    );
    // Who wants to hear of everything does not get one.
    let deny = stage.path("deny.toml");
    std::fs::write(&deny, "[destinations]\ndefault = \"deny\"\n[[destinations.rule]]\nhosts = [\"*.origin.example\"]\naction = \"allow\"\n").unwrap();
    let cases: [(&[&str], i32); 2] = [
        (&["--fail-on", "block"], 3),
        (&["--config", deny.to_str().unwrap()], 0),
    ];
    for (flags, code) in cases {
        let told = sh(&stage, &authority, flags, &script);
        assert_eq!(told.stdout, "no\nno\n", "{}", told.stderr);
        assert_eq!(told.code, Some(code), "{}", told.stderr);
        assert!(
            told.stderr
                .contains("outgate: refused: pinned.origin.example: the client refuses"),
            "{}",
            told.stderr
        );
    }
}

#[test]
fn an_outgates_own_authority_vouches_for_nothing_upstream() {
    let stage = Stage::new();
    // As if an outer exec had handed its bundle down: that origin's issuer bears such a name.
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "outgate 0123abcd");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let leaf = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["origin.example".to_owned()]).unwrap();
    let (cert_path, key_path) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&cert_path, params.signed_by(&leaf, &issuer).unwrap().pem()).unwrap();
    std::fs::write(&key_path, leaf.serialize_pem()).unwrap();
    let identity = (
        cert_path.display().to_string(),
        key_path.display().to_string(),
    );
    let address = tls::origin(&identity, rustls::ALL_VERSIONS, drop);
    let to = format!("origin.example:443:{address}");
    let mut exec = stage.exec(
        &["--connect-to", &to],
        &["curl", "-sS", "-o", "/dev/null", "https://origin.example/"],
    );
    let told = done(exec.env("SSL_CERT_FILE", &ca));
    assert!(
        told.stderr
            .contains("refused: invalid-certificate origin.example"),
        "{}",
        told.stderr
    );
}

#[test]
fn the_callers_proxy_is_gone_through() {
    let stage = Stage::new();
    let origin = crate::support::origin(|mut stream| {
        let _ = crate::support::read_head(&mut stream);
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nplain");
    });
    let to = format!("plain.example:80:{origin}");
    let parent = crate::support::Proxy::start(&["--connect-to", &to]);
    let ask = ["curl", "-sS", "http://plain.example/"];
    let mut exec = stage.exec(&[], &ask);
    let through = done(exec.env("https_proxy", parent.url()));
    assert_eq!(through.stdout, "plain", "{}", through.stderr);
    assert_eq!(parent.line_for("plain.example", "complete")["status"], 200);
    // What the caller's NO_PROXY names goes past it.
    let before = parent.lines().len();
    let mut exec = stage.exec(&["--connect-to", &to], &ask);
    exec.env("HTTPS_PROXY", parent.url())
        .env("NO_PROXY", ".example");
    let past = done(&mut exec);
    assert_eq!(past.stdout, "plain", "{}", past.stderr);
    assert_eq!(parent.lines().len(), before);
    // A kind of proxy that outgate cannot go through is not passed over.
    let mut exec = stage.exec(&[], &ask);
    let refused = done(exec.env("ALL_PROXY", "socks5h://user:s3cr3t@127.0.0.1:1"));
    assert_eq!(refused.code, Some(125));
    assert!(
        refused.stderr.contains("ALL_PROXY is a socks5h proxy"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("s3cr3t"), "{}", refused.stderr);
}
