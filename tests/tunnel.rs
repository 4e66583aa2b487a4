//! CONNECT through the running proxy: real TLS clients and servers, and peers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rustls::version::TLS12;
use rustls::version::TLS13;
use serde_json::Value;
use support::Authority;
use support::OpensslServer;
use support::Proxy;
use support::http::Answer;
use support::origin;
use support::record;
use support::tls;

/// `--connect-to` for `host:443` to `to`.
fn lead(host: &str, to: SocketAddr) -> String {
    format!("{host}:443:127.0.0.1:{}", to.port())
}

/// What the client gets when it speaks `bytes` into a tunnel to `authority`.
fn speak(proxy: &Proxy, authority: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = proxy.tunnel(authority);
    let _ = stream.write_all(bytes);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    got
}

/// The description of the fatal alert that `bytes` are, and nothing else.
fn alert(bytes: &[u8]) -> u8 {
    match bytes {
        [21, 3, _, 0, 2, 2, description] => *description,
        other => panic!("no alert: {other:02x?}"),
    }
}

const BAD_CERTIFICATE: u8 = 42;
const UNRECOGNIZED_NAME: u8 = 112;

fn ask(proxy: &Proxy, authority: &str) -> Answer {
    proxy.ask(format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
    ))
}

/// A TLS origin that greets, and how many sessions it has had.
fn greeter(
    identity: &(String, String),
    version: &'static rustls::SupportedProtocolVersion,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let address = tls::origin(identity, &[version], move |mut session| {
        counter.fetch_add(1, Ordering::SeqCst);
        let _ = session.write_all(b"hello");
        session.conn.send_close_notify();
        let _ = session.flush();
        let _ = session.read_to_end(&mut Vec::new());
    });
    (address, count)
}

fn greeted(authority: &Authority, name: &str, stream: std::net::TcpStream) -> std::io::Result<()> {
    let mut client = tls::client(&authority.ca(), name, stream);
    let mut word = [0; 5];
    client.read_exact(&mut word)?;
    assert_eq!(&word, b"hello");
    Ok(())
}

#[test]
fn curl_reaches_openssl_over_tls_1_2_and_1_3() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["tunnel.test"]);
    for (flag, version) in [("-tls1_2", "1.2"), ("-tls1_3", "1.3")] {
        let server = OpensslServer::start(&["-cert", &cert, "-key", &key, flag]);
        let proxy = Proxy::start(&[
            "--connect-to",
            &lead("tunnel.test", server.address),
            "--extra-root",
            &authority.ca(),
        ]);
        let output = proxy.curl(&[
            "--cacert",
            &authority.ca(),
            "--write-out",
            "\n%{http_code} %{http_connect}",
            "https://tunnel.test/",
        ]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with("\n200 200"), "{output:?}");
        let line = proxy.line_for("tunnel.test", "complete");
        assert_eq!(
            (&line["verdict"], &line["rule"], &line["error"]),
            (&"allow".into(), &Value::Null, &Value::Null),
            "{line}"
        );
        assert_eq!(line["tls"]["upstream"]["version"], version);
        assert_eq!(line["tls"]["client"]["sni"], "tunnel.test");
        assert_eq!(
            line["tls"]["client"]["alpn"],
            serde_json::json!(["h2", "http/1.1"])
        );
        assert!(
            line["bytes"]["sent"].as_u64() > Some(300)
                && line["bytes"]["received"].as_u64() > Some(1000)
        );
        // In 1.2 the certificate is seen and verified; in 1.3 it is hidden.
        let verified = if version == "1.2" {
            true.into()
        } else {
            Value::Null
        };
        assert_eq!(line["tls"]["upstream"]["verified"], verified, "{line}");
        assert_eq!(line["destination"]["addr"], server.address.to_string());
    }
}

#[test]
fn python_reaches_openssl() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["tunnel.test"]);
    let server = OpensslServer::start(&["-cert", &cert, "-key", &key]);
    let proxy = Proxy::start(&["--connect-to", &lead("tunnel.test", server.address)]);
    let script = "import sys, ssl, urllib.request\n\
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({'https': sys.argv[1]}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=sys.argv[2])))\n\
        print(opener.open('https://tunnel.test/', timeout=15).status)\n";
    let output = std::process::Command::new("python3")
        .args(["-c", script, &proxy.url(), &authority.ca()])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "200\n",
        "{output:?}"
    );
    // urllib prints the reason phrase of a refusal: it must say why.
    let proxy = Proxy::configured(
        "[[destinations.rule]]\nhosts = [\"tunnel.test\"]\naction = \"deny\"\n",
        &[],
    );
    let output = std::process::Command::new("python3")
        .args(["-c", script, &proxy.url(), &authority.ca()])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("Blocked by outgate: destination"),
        "{output:?}"
    );
}

/// Sends `size` bytes each way at the same time, ends its own direction, and checks what came.
fn exchange(version: &'static rustls::SupportedProtocolVersion) {
    const SIZE: usize = 8 << 20;
    let pattern: Vec<u8> = (0..SIZE as u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let pattern = Arc::new(pattern);
    let authority = Authority::new();
    let identity = authority.issue(&["tunnel.test"]);
    let expected = Arc::clone(&pattern);
    let to = tls::origin(&identity, &[version], move |mut session| {
        let mut got = Vec::new();
        // To the client's close_notify: its direction has ended, ours has not.
        session.read_to_end(&mut got).unwrap();
        assert!(got == *expected, "the upload was changed");
        session.write_all(&got).unwrap();
        session.conn.send_close_notify();
        session.flush().unwrap();
        let _ = session.sock.shutdown(Shutdown::Write);
    });
    let proxy = Proxy::start(&[
        "--connect-to",
        &lead("tunnel.test", to),
        "--extra-root",
        &authority.ca(),
    ]);
    let mut client = tls::client(
        &authority.ca(),
        "tunnel.test",
        proxy.tunnel("tunnel.test:443"),
    );
    client.write_all(&pattern).unwrap();
    client.conn.send_close_notify();
    client.flush().unwrap();
    client.sock.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    client.read_to_end(&mut back).unwrap();
    assert!(back == *pattern, "{} bytes came back", back.len());
    let line = proxy.line_for("tunnel.test", "complete");
    assert_eq!(line["error"], Value::Null, "{line}");
    for side in ["sent", "received"] {
        let bytes = line["bytes"][side].as_u64().unwrap();
        assert!(
            bytes > SIZE as u64 && bytes < SIZE as u64 + (1 << 20),
            "{side}: {bytes}"
        );
    }
}

#[test]
fn big_payloads_and_a_half_close_pass_over_tls_1_2() {
    exchange(&TLS12);
}

#[test]
fn big_payloads_and_a_half_close_pass_over_tls_1_3() {
    exchange(&TLS13);
}

#[test]
fn a_hello_in_the_same_segment_as_connect_passes() {
    let authority = Authority::new();
    let (to, _) = greeter(&authority.issue(&["tunnel.test"]), &TLS13);
    let proxy = Proxy::start(&["--connect-to", &lead("tunnel.test", to)]);
    let mut both = b"CONNECT tunnel.test:443 HTTP/1.1\r\nHost: tunnel.test:443\r\n\r\n".to_vec();
    both.extend_from_slice(&tls::client_hello("tunnel.test"));
    let mut stream = proxy.connect();
    stream.write_all(&both).unwrap();
    let (head, mut rest) = support::read_head(&mut stream);
    assert_eq!(head, "HTTP/1.1 200 Connection established\r\n\r\n");
    while rest.len() < 5 {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    assert_eq!(rest[..3], [22, 3, 3], "a ServerHello");
}

#[test]
fn good_traffic_is_not_altered_by_a_byte() {
    // A "server" that records what it gets and answers with what a real one once said.
    let authority = Authority::new();
    let (real, _) = greeter(&authority.issue(&["tunnel.test"]), &TLS13);
    let (tell, heard) = std::sync::mpsc::channel();
    let to = origin(move |client| {
        let server = std::net::TcpStream::connect(real).unwrap();
        let copy = |mut from: std::net::TcpStream, mut into: std::net::TcpStream| {
            std::thread::spawn(move || {
                let mut all = Vec::new();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut buffer) {
                    all.extend_from_slice(&buffer[..count]);
                    if into.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                let _ = into.shutdown(Shutdown::Write);
                all
            })
        };
        let up = copy(client.try_clone().unwrap(), server.try_clone().unwrap());
        let down = copy(server, client);
        tell.send((up.join().unwrap(), down.join().unwrap()))
            .unwrap();
    });
    let proxy = Proxy::start(&["--connect-to", &lead("tunnel.test", to)]);
    // The same on the client's side.
    let (client_tell, client_heard) = std::sync::mpsc::channel();
    let tap_proxy = proxy.address;
    let tap = origin(move |mut client| {
        let mut through = std::net::TcpStream::connect(tap_proxy).unwrap();
        write!(
            through,
            "CONNECT tunnel.test:443 HTTP/1.1\r\nHost: tunnel.test:443\r\n\r\n"
        )
        .unwrap();
        support::read_head(&mut through);
        let mut down_from = through.try_clone().unwrap();
        let mut down_into = client.try_clone().unwrap();
        let down = std::thread::spawn(move || {
            let mut all = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = down_from.read(&mut buffer) {
                all.extend_from_slice(&buffer[..count]);
                if down_into.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            let _ = down_into.shutdown(Shutdown::Write);
            all
        });
        let mut up = Vec::new();
        let mut buffer = [0; 100];
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            up.extend_from_slice(&buffer[..count]);
            if through.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = through.shutdown(Shutdown::Write);
        client_tell.send((up, down.join().unwrap())).unwrap();
    });
    let mut client = tls::client(
        &authority.ca(),
        "tunnel.test",
        std::net::TcpStream::connect(tap).unwrap(),
    );
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"hello");
    client.conn.send_close_notify();
    client.flush().unwrap();
    drop(client);
    let server_saw = heard.recv_timeout(support::PATIENCE).unwrap();
    let client_saw = client_heard.recv_timeout(support::PATIENCE).unwrap();
    assert_eq!(client_saw.0, server_saw.0, "up");
    assert_eq!(client_saw.1, server_saw.1, "down");
    assert!(server_saw.0.len() > 200 && server_saw.1.len() > 500);
}

/// An origin that fails the test when it is reached.
fn untouched() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let address = origin(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (address, count)
}

#[test]
fn what_the_rules_refuse_is_answered_and_never_dialled() {
    let (to, dialled) = untouched();
    let settings = "[destinations]\nconnect_ports = [443]\n\
        [[destinations.rule]]\nhosts = [\"*.denied.test\"]\naction = \"deny\"\nreason = \"ask the platform team\"\n\
        [rules]\nport = \"block\"\nprivate-address = \"block\"\n";
    let port = to.port();
    let leads: Vec<String> = [
        "a.denied.test:443",
        "169.254.169.254:80",
        "169.254.169.254:443",
        "[fd00:ec2::254]:443",
        "s3.amazonaws.com:80",
        "other.test:22",
    ]
    .iter()
    .map(|from| format!("{from}:localhost:{port}"))
    .collect();
    // Not even a redirect opens a denied name, a port or plaintext to AWS.
    let redirects: Vec<&str> = [0, 4, 5]
        .iter()
        .flat_map(|place: &usize| ["--connect-to", leads[*place].as_str()])
        .collect();
    let proxy = Proxy::configured(settings, &redirects);
    let loopback = format!("127.0.0.1:{port}");
    let own = proxy.address.to_string();
    let own_mapped = format!("[::ffff:127.0.0.1]:{}", proxy.address.port());
    let own_zero = format!("0.0.0.0:{}", proxy.address.port());
    let cases = [
        ("a.denied.test:443", "destination", "ask the platform team"),
        ("A.DENIED.TEST.:443", "destination", "ask the platform team"),
        ("169.254.169.254:80", "instance-metadata", "NO_PROXY"),
        (
            "169.254.169.254:443",
            "instance-metadata",
            "169.254.169.254",
        ),
        ("0xa9fea9fe:443", "instance-metadata", "NO_PROXY"),
        (
            "[::ffff:169.254.169.254]:443",
            "instance-metadata",
            "NO_PROXY",
        ),
        ("[fd00:ec2::254]:443", "instance-metadata", "fd00:ec2::254"),
        ("169.254.170.2:443", "instance-metadata", "NO_PROXY"),
        (
            "metadata.google.internal:443",
            "instance-metadata",
            "NO_PROXY",
        ),
        ("169.254.1.1:443", "private-address", "link-local"),
        (
            "s3.amazonaws.com:80",
            "aws-plaintext",
            "https://s3.amazonaws.com",
        ),
        ("other.test:22", "port", "connect_ports"),
        (&loopback, "private-address", "--allow-private 127.0.0.1/32"),
        (
            "10.0.0.1:443",
            "private-address",
            "--allow-private 10.0.0.1/32",
        ),
        (&own, "private-address", "127.0.0.1"),
        (&own_mapped, "private-address", ""),
        (&own_zero, "private-address", ""),
    ];
    for (authority, rule, word) in cases {
        let answer = ask(&proxy, authority);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (403, rule),
            "{authority}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(
            answer.status_line(),
            format!("HTTP/1.1 403 Blocked by outgate: {rule}")
        );
        assert!(
            answer.problem()["detail"].as_str().unwrap().contains(word),
            "{authority}: {}",
            answer.problem()
        );
        let lines = record::of(&proxy.lines(), &answer.request_id());
        assert_eq!(lines.len(), 1, "{authority}");
        assert_eq!(
            (&lines[0]["verdict"], &lines[0]["via"], &lines[0]["carried"]),
            (&"block".into(), &"connect".into(), &"tunnel".into())
        );
    }
    proxy.stop();
    assert_eq!(dialled.load(Ordering::SeqCst), 0);
}

#[test]
fn a_local_proxy_reports_private_addresses_and_odd_ports_but_never_dials_itself() {
    let authority = Authority::new();
    let (to, _) = greeter(&authority.issue(&["localhost", "127.0.0.1"]), &TLS13);
    let proxy = Proxy::start(&[]);
    let name = format!("localhost:{}", to.port());
    greeted(&authority, "localhost", proxy.tunnel(&name)).unwrap();
    let line = proxy.line_for("localhost", "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"report".into(), &"private-address".into()),
        "{line}"
    );
    let rules: Vec<&str> = line["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(
        rules.contains(&"port") && rules.contains(&"private-address"),
        "{rules:?}"
    );
    // 0.0.0.0 reaches loopback too, and is never dialled for what it is.
    for (own, kind) in [
        (proxy.address.to_string(), "own-listener"),
        (
            format!("localhost:{}", proxy.address.port()),
            "own-listener",
        ),
        (
            format!("[::ffff:127.0.0.1]:{}", proxy.address.port()),
            "own-listener",
        ),
        (format!("0:{}", proxy.address.port()), "reserved"),
    ] {
        let answer = ask(&proxy, &own);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (403, "private-address"),
            "{own}"
        );
        let line = &record::of(&proxy.lines(), &answer.request_id())[0];
        assert!(line["findings"].to_string().contains(kind), "{line}");
    }
}

#[test]
fn a_softer_not_tls_opens_no_plaintext_to_aws() {
    let quiet = TcpListener::bind("127.0.0.1:0").unwrap();
    for setting in ["block", "upgrade"] {
        let proxy = Proxy::configured(
            &format!("[rules]\nnot-tls = \"report\"\naws-plaintext = \"{setting}\"\n"),
            &[
                "--connect-to",
                &lead("s3.amazonaws.com", quiet.local_addr().unwrap()),
            ],
        );
        let got = speak(
            &proxy,
            "s3.amazonaws.com:443",
            b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n",
        );
        let answer = Answer::read(&mut &got[..]);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (403, "aws-plaintext"),
            "{}",
            answer.head
        );
        let line = proxy.line_for("s3.amazonaws.com", "complete");
        assert_eq!(line["bytes"]["sent"], 0, "{line}");
        assert_eq!(line["verdict"], "block", "{line}");
    }
}

#[test]
fn what_is_not_tls_is_refused_in_the_tunnel() {
    let quiet = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(&[
        "--connect-to",
        &lead("quiet.test", quiet.local_addr().unwrap()),
        "--connect-to",
        &lead("s3.amazonaws.com", quiet.local_addr().unwrap()),
    ]);
    // Plain HTTP can be told in HTTP.
    let got = speak(
        &proxy,
        "quiet.test:443",
        b"GET / HTTP/1.1\r\nHost: quiet.test\r\n\r\n",
    );
    let answer = Answer::read(&mut &got[..]);
    assert_eq!(
        (answer.status, answer.rule().as_str()),
        (403, "not-tls"),
        "{}",
        answer.head
    );
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x80\x2e\x01\x00\x02",
        b"\x00\x01\x02",
        b"EHLO x\r\n",
        b"\x16\x02\x00\x00\x01x",
    ] {
        let got = speak(&proxy, "quiet.test:443", bytes);
        let is_told =
            got.is_empty() || got[0] == 21 || got.starts_with(b"HTTP/1.1 403 Blocked by outgate");
        assert!(is_told, "{bytes:02x?}: {got:02x?}");
    }
    assert_eq!(
        proxy
            .lines()
            .iter()
            .filter(|line| line["stage"] == "complete" && line["verdict"] == "block")
            .count(),
        6
    );
    // To AWS it is plaintext.
    let got = speak(
        &proxy,
        "s3.amazonaws.com:443",
        b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n",
    );
    assert_eq!(Answer::read(&mut &got[..]).rule(), "aws-plaintext");
    let line = proxy.line_for("s3.amazonaws.com", "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"], &line["bytes"]["sent"]),
        (&"block".into(), &"aws-plaintext".into(), &0.into()),
        "{line}"
    );
}

#[test]
fn a_server_that_speaks_first_is_refused() {
    let to = origin(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        let _ = stream.read(&mut [0; 100]);
    });
    let proxy = Proxy::start(&["--connect-to", &lead("ssh.test", to)]);
    let mut stream = proxy.tunnel("ssh.test:443");
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    assert!(!got.windows(3).any(|window| window == b"SSH"), "{got:?}");
    let line = proxy.line_for("ssh.test", "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"block".into(), &"not-tls".into()),
        "{line}"
    );
}

#[test]
fn another_sni_is_refused_before_it_leaves() {
    let (tell, heard) = std::sync::mpsc::channel();
    let to = origin(move |mut stream| {
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got);
        tell.send(got).unwrap();
    });
    let proxy = Proxy::start(&["--connect-to", &lead("good.test", to)]);
    let got = speak(&proxy, "good.test:443", &tls::client_hello("evil.test"));
    assert_eq!(alert(&got), UNRECOGNIZED_NAME);
    assert_eq!(
        heard.recv_timeout(support::PATIENCE).unwrap(),
        b"",
        "the hello left"
    );
    let line = proxy.line_for("good.test", "complete");
    assert_eq!(
        (&line["verdict"], &line["would"], &line["rule"]),
        (&"block".into(), &"block".into(), &"sni-mismatch".into())
    );
    assert_eq!(line["tls"]["client"]["sni"], "evil.test");
    assert_eq!(line["bytes"], serde_json::json!({"sent": 0, "received": 0}));
}

#[test]
fn connect_to_an_address_is_judged_by_its_sni_too() {
    let authority = Authority::new();
    let (to, sessions) = greeter(
        &authority.issue(&["localhost", "s3.amazonaws.com", "denied.test"]),
        &TLS13,
    );
    let settings = "[[destinations.rule]]\nhosts = [\"denied.test\"]\naction = \"deny\"\n";
    let proxy = Proxy::configured(settings, &[]);
    let at = to.to_string();
    // A name that resolves to that address.
    greeted(&authority, "localhost", proxy.tunnel(&at)).unwrap();
    // One that is refused by name, one that does not resolve there.
    for (name, rule) in [
        ("denied.test", "destination"),
        ("nowhere.invalid", "sni-mismatch"),
    ] {
        let got = speak(&proxy, &at, &tls::client_hello(name));
        assert_eq!(alert(&got), UNRECOGNIZED_NAME, "{name}");
        proxy.line(|line| {
            line["stage"] == "complete"
                && line["rule"] == rule
                && line["tls"]["client"]["sni"] == name
                && line["verdict"] == "block"
        });
    }
    assert_eq!(sessions.load(Ordering::SeqCst), 1);
}

#[test]
fn a_wrong_certificate_is_refused_in_tls_1_2() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let past = rcgen::date_time_ymd(2020, 1, 1);
    let later = rcgen::date_time_ymd(2021, 1, 1);
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = past;
        params.not_after = later;
    };
    let cases = [
        (
            "expired",
            authority.issue_with(&["tunnel.test", "a.test"], expired),
        ),
        ("name", authority.issue(&["other.test"])),
        ("untrusted", stranger.issue(&["tunnel.test"])),
    ];
    for (what, identity) in cases {
        let (to, sessions) = greeter(&identity, &TLS12);
        let proxy = Proxy::start(&[
            "--connect-to",
            &lead("tunnel.test", to),
            "--extra-root",
            &authority.ca(),
        ]);
        let got = speak(&proxy, "tunnel.test:443", &tls::client_hello("tunnel.test"));
        assert_eq!(alert(&got), BAD_CERTIFICATE, "{what}: {got:?}");
        let line = proxy.line_for("tunnel.test", "complete");
        assert_eq!(
            (&line["verdict"], &line["rule"]),
            (&"block".into(), &"invalid-certificate".into()),
            "{what}: {line}"
        );
        assert_eq!(line["tls"]["upstream"]["version"], "1.2");
        assert_eq!(line["tls"]["upstream"]["verified"], false, "{what}: {line}");
        assert_eq!(
            sessions.load(Ordering::SeqCst),
            0,
            "{what}: the handshake went through"
        );
    }
}

#[test]
fn a_hidden_certificate_of_an_aws_name_is_found_by_preflight() {
    let authority = Authority::new();
    let name = "s3.eu-west-1.amazonaws.com";
    let identity = authority.issue_with(&[name], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let (to, sessions) = greeter(&identity, &TLS13);
    let proxy = Proxy::start(&[
        "--connect-to",
        &lead(name, to),
        "--extra-root",
        &authority.ca(),
    ]);
    // Also a client that has switched verification off is protected.
    let output = proxy.curl(&["--insecure", &format!("https://{name}/")]);
    assert!(!output.status.success());
    let line = proxy.line_for(name, "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"block".into(), &"invalid-certificate".into()),
        "{line}"
    );
    assert_eq!(line["tls"]["upstream"]["preflight"], "failed", "{line}");
    assert_eq!(
        line["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["rule"] == "invalid-certificate")
            .unwrap()["kind"],
        "expired",
        "{line}"
    );
    assert_eq!(sessions.load(Ordering::SeqCst), 0);
}

#[test]
fn a_good_preflight_is_asked_once_and_remembered() {
    let authority = Authority::new();
    let name = "s3.eu-west-1.amazonaws.com";
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let config = tls::server_config(&authority.issue(&[name]), &[&TLS13]);
    let to = origin(move |mut stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        while session.is_handshaking() {
            if session.complete_io(&mut stream).is_err() {
                return;
            }
        }
        let mut session = rustls::StreamOwned::new(session, stream);
        let _ = session.write_all(b"hello");
        let _ = session.read_to_end(&mut Vec::new());
    });
    let proxy = Proxy::start(&[
        "--connect-to",
        &lead(name, to),
        "--extra-root",
        &authority.ca(),
    ]);
    for _ in 0..3 {
        greeted(&authority, name, proxy.tunnel(&format!("{name}:443"))).unwrap();
    }
    let (_, lines) = proxy.stop();
    let complete: Vec<&Value> = lines
        .iter()
        .filter(|line| line["stage"] == "complete")
        .collect();
    assert_eq!(complete.len(), 3);
    for line in complete {
        assert_eq!(
            (
                &line["verdict"],
                &line["tls"]["upstream"]["preflight"],
                &line["tls"]["upstream"]["verified"]
            ),
            (&"allow".into(), &"verified".into(), &true.into()),
            "{line}"
        );
        assert!(
            line["tls"]["upstream"]["issuer"]
                .as_str()
                .unwrap()
                .contains("test authority")
        );
        assert_eq!(
            line["tls"]["upstream"]["sha256"].as_str().unwrap().len(),
            64
        );
    }
    assert_eq!(
        connections.load(Ordering::SeqCst),
        4,
        "three tunnels and one preflight"
    );
}

#[test]
fn a_demanded_client_certificate_leaves_the_preflight_inconclusive() {
    let authority = Authority::new();
    let name = "s3.eu-west-1.amazonaws.com";
    let (cert, key) = authority.issue(&[name]);
    let (client_cert, client_key) = authority.issue(&["client.test"]);
    let server = OpensslServer::start(&[
        "-cert",
        &cert,
        "-key",
        &key,
        "-tls1_3",
        "-Verify",
        "1",
        "-CAfile",
        &authority.ca(),
    ]);
    let proxy = Proxy::start(&[
        "--connect-to",
        &lead(name, server.address),
        "--extra-root",
        &authority.ca(),
    ]);
    let output = proxy.curl(&[
        "--cacert",
        &authority.ca(),
        "--cert",
        &client_cert,
        "--key",
        &client_key,
        "--write-out",
        "%{http_code}",
        "--output",
        "/dev/null",
        &format!("https://{name}/"),
    ]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "200", "{output:?}");
    let line = proxy.line_for(name, "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"allow".into(), &Value::Null),
        "{line}"
    );
    let preflight = line["tls"]["upstream"]["preflight"].as_str().unwrap();
    // In TLS 1.3 the server asks for the certificate behind its own, which was verified by then.
    assert!(matches!(preflight, "inconclusive" | "verified"), "{line}");
}

#[test]
fn an_upstream_that_cannot_be_reached_is_told_with_the_reason() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    // One whose queue is full takes no connection: nothing answers.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    full.listen(0).unwrap();
    let full_at = full.local_addr().unwrap().as_socket().unwrap();
    let _first = std::net::TcpStream::connect(full_at).unwrap();
    let settings = "[timeouts]\nconnect = \"300ms\"\n";
    let proxy = Proxy::configured(
        settings,
        &[
            "--connect-to",
            &lead("gone.test", gone),
            "--connect-to",
            &lead("full.test", full_at),
        ],
    );
    let cases = [
        ("gone.test", 502, "connection_refused", "refused"),
        ("full.test", 504, "connection_timeout", "0.3 s"),
        ("nowhere.invalid", 502, "dns_error", "nowhere.invalid"),
    ];
    for (host, status, word, reason) in cases {
        let answer = ask(&proxy, &format!("{host}:443"));
        assert_eq!(answer.status, status, "{host}: {}", answer.head);
        assert!(
            answer
                .header("proxy-status")
                .unwrap()
                .contains(&format!("error={word};")),
            "{host}: {}",
            answer.head
        );
        let problem = answer.problem();
        assert!(
            problem["rule"].is_null() && problem["detail"].as_str().unwrap().contains(reason),
            "{host}: {problem}"
        );
        let line = proxy.line_for(host, "complete");
        assert_eq!(
            (&line["verdict"], &line["status"], &line["error"]),
            (&"error".into(), &status.into(), &problem["detail"])
        );
        assert_eq!(line["id"], problem["request_id"]);
        assert_eq!(proxy.line_for(host, "decision")["verdict"], "allow");
    }
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended() {
    let silent = origin(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let proxy = Proxy::configured(
        "[timeouts]\nhandshake = \"300ms\"\n",
        &["--connect-to", &lead("silent.test", silent)],
    );
    let hello = tls::client_hello("silent.test");
    for (number, bytes) in [&b""[..], &hello[..1], &hello[..hello.len() / 2], &hello]
        .into_iter()
        .enumerate()
    {
        let mut stream = proxy.tunnel("silent.test:443");
        stream.write_all(bytes).unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got);
        assert!(got.is_empty() || got[0] == 21, "{got:?}");
        let deadline = std::time::Instant::now() + support::PATIENCE;
        while proxy
            .lines()
            .iter()
            .filter(|line| {
                line["stage"] == "complete"
                    && line["rule"] == "limits"
                    && line["verdict"] == "block"
            })
            .count()
            <= number
        {
            assert!(
                std::time::Instant::now() < deadline,
                "case {number}: {:#?}",
                proxy.lines().last()
            );
        }
    }
}

#[test]
fn weak_servers_are_refused_before_the_client_hears_of_them() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["weak.test"]);
    let server = OpensslServer::start(&[
        "-cert",
        &cert,
        "-key",
        &key,
        "-tls1_1",
        "-cipher",
        "ALL:@SECLEVEL=0",
    ]);
    let proxy = Proxy::start(&[
        "--connect-to",
        &lead("weak.test", server.address),
        "--extra-root",
        &authority.ca(),
    ]);
    let output = proxy.curl(&[
        "--insecure",
        "--tlsv1.0",
        "--ciphers",
        "ALL:@SECLEVEL=0",
        "https://weak.test/",
    ]);
    assert!(!output.status.success(), "{output:?}");
    let line = proxy.line_for("weak.test", "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"block".into(), &"weak-tls".into()),
        "{line}"
    );
    assert_eq!(line["tls"]["upstream"]["version"], "1.1", "{line}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("alert") || said.contains("protocol version"),
        "{said}"
    );
}

#[test]
fn report_mode_interferes_with_nothing_and_says_what_it_would_have_done() {
    let authority = Authority::new();
    let expired = authority.issue_with(&["s3.amazonaws.com"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let server = OpensslServer::start(&["-cert", &expired.0, "-key", &expired.1, "-tls1_2"]);
    let hidden = OpensslServer::start(&["-cert", &expired.0, "-key", &expired.1, "-tls1_3"]);
    let echo = origin(|mut stream| {
        let mut got = [0; 8];
        while let Ok(count @ 1..) = stream.read(&mut got) {
            if stream.write_all(&got[..count]).is_err() {
                break;
            }
        }
    });
    let settings = "mode = \"report\"\n[[destinations.rule]]\nhosts = [\"denied.test\"]\naction = \"deny\"\n[rules]\nport = \"block\"\nprivate-address = \"block\"\n";
    let port = format!("other.test:22:127.0.0.1:{}", echo.port());
    let plain = format!("s3.amazonaws.com:80:127.0.0.1:{}", echo.port());
    let args = [
        "--connect-to",
        &lead("a.amazonaws.com", server.address),
        "--connect-to",
        &lead("b.amazonaws.com", hidden.address),
        "--connect-to",
        &lead("denied.test", echo),
        "--connect-to",
        &lead("ssh.test", echo),
        "--connect-to",
        &port,
        "--connect-to",
        &plain,
        "--extra-root",
        &authority.ca(),
    ];
    let proxy = Proxy::configured(settings, &args);
    // Whatever it is, it comes back.
    let hello = tls::client_hello("evil.test");
    let at = echo.to_string();
    let cases: [(&str, &[u8], &str); 6] = [
        ("denied.test:443", b"SSH-2.0-x\r\n", "destination"),
        ("ssh.test:443", b"SSH-2.0-x\r\n", "not-tls"),
        ("ssh.test:443", &hello, "sni-mismatch"),
        ("other.test:22", b"SSH-2.0-x\r\n", "port"),
        (
            "s3.amazonaws.com:80",
            b"GET / HTTP/1.1\r\n\r\n",
            "aws-plaintext",
        ),
        (
            &at,
            b"\x16\x03\x01\x00\x02\x01\x00 and so on",
            "private-address",
        ),
    ];
    for (authority, bytes, rule) in cases {
        let mut stream = proxy.tunnel(authority);
        stream.write_all(bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        stream
            .read_exact(&mut back)
            .unwrap_or_else(|error| panic!("{authority}: {error}"));
        assert_eq!(back, bytes, "{authority}");
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        let line = proxy.line(|line| {
            line["stage"] == "complete"
                && line["request"]["url"] == authority
                && line["findings"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|finding| finding["rule"] == rule)
        });
        assert_eq!(
            (&line["verdict"], &line["would"]),
            (&"report".into(), &"block".into()),
            "{authority}: {line}"
        );
        assert_eq!(line["bytes"]["received"], bytes.len(), "{authority}");
    }
    for host in ["a.amazonaws.com", "b.amazonaws.com"] {
        let output = proxy.curl(&[
            "--insecure",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            &format!("https://{host}/"),
        ]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "200", "{output:?}");
        let line = proxy.line_for(host, "complete");
        assert_eq!(line["would"], "block", "{line}");
        assert_eq!(line["rule"], "invalid-certificate", "{line}");
    }
}

#[test]
fn a_peer_that_resets_is_passed_on_as_a_reset() {
    let authority = Authority::new();
    let identity = authority.issue(&["tunnel.test"]);
    let to = tls::origin(&identity, &[&TLS13], |mut session| {
        session.write_all(b"hello").unwrap();
        session.read_exact(&mut [0; 1]).unwrap();
        socket2::SockRef::from(&session.sock)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    });
    let proxy = Proxy::start(&["--connect-to", &lead("tunnel.test", to)]);
    let mut client = tls::client(
        &authority.ca(),
        "tunnel.test",
        proxy.tunnel("tunnel.test:443"),
    );
    client.read_exact(&mut [0; 5]).unwrap();
    client.write_all(b"x").unwrap();
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    let line = proxy.line_for("tunnel.test", "complete");
    assert_eq!(line["verdict"], "error", "{line}");
    assert!(
        line["error"].as_str().unwrap().contains("upstream"),
        "{line}"
    );
}

#[test]
fn many_tunnels_leave_nothing_open() {
    let authority = Authority::new();
    let (to, _) = greeter(&authority.issue(&["tunnel.test"]), &TLS13);
    let proxy = Proxy::start(&["--connect-to", &lead("tunnel.test", to)]);
    let folder = format!("/proc/{}/fd", proxy.pid());
    let count = || std::fs::read_dir(&folder).unwrap().count();
    greeted(&authority, "tunnel.test", proxy.tunnel("tunnel.test:443")).unwrap();
    let before = count();
    for _ in 0..50 {
        greeted(&authority, "tunnel.test", proxy.tunnel("tunnel.test:443")).unwrap();
    }
    let deadline = std::time::Instant::now() + support::PATIENCE;
    while count() > before + 1 {
        assert!(
            std::time::Instant::now() < deadline,
            "{before} descriptors became {}",
            count()
        );
        std::thread::yield_now();
    }
    let (_, lines) = proxy.stop();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line["stage"] == "complete" && line["error"].is_null())
            .count(),
        51
    );
}
