//! Each kind of refusal as people and programs see it: status line, headers, body, alert, record.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::fmt::Write as _;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::Value;
use support::Authority;
use support::Proxy;
use support::origin;
use support::tls;

/// What `text` says with what differs from run to run taken out.
fn settled(text: &str, ports: &[(u16, &str)]) -> String {
    let mut text = text.to_owned();
    for (port, name) in ports {
        text = text.replace(&port.to_string(), &format!("[{name}]"));
    }
    // UUIDs.
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("01") {
        let candidate = rest.get(at..at + 36).unwrap_or_default();
        let is_uuid = candidate.split('-').map(str::len).eq([8, 4, 4, 4, 12])
            && candidate.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        let end = if is_uuid { at + 36 } else { at + 2 };
        out += if is_uuid { &rest[..at] } else { &rest[..end] };
        out += if is_uuid { "[id]" } else { "" };
        rest = &rest[end..];
    }
    out + rest
}

/// An answer, or the bytes that were said in the tunnel.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "(closed)".to_owned(),
        [21, ..] => format!("alert {bytes:02x?}"),
        text => String::from_utf8_lossy(text).replace("\r\n", "\n"),
    }
}

/// A request's lines without what differs from run to run, and without what is null or empty.
fn told(lines: &[Value]) -> String {
    fn without_nulls(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for inner in map.values_mut() {
                    without_nulls(inner);
                }
                map.retain(|_, inner| {
                    !inner.is_null()
                        && *inner != serde_json::json!({})
                        && *inner != serde_json::json!([])
                });
            }
            Value::Array(list) => list.iter_mut().for_each(without_nulls),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut line = line.clone();
        for name in [
            "v",
            "seq",
            "time",
            "prev",
            "policy",
            "duration_ms",
            "client",
        ] {
            line.as_object_mut().unwrap().remove(name);
        }
        if let Some(ja4) = line.pointer_mut("/tls/client/ja4") {
            *ja4 = "[ja4]".into();
        }
        if let Some(upstream) = line
            .pointer_mut("/tls/upstream")
            .and_then(Value::as_object_mut)
        {
            for name in ["sha256", "not_after"] {
                if upstream.get(name).is_some_and(Value::is_string) {
                    upstream.insert(name.to_owned(), format!("[{name}]").into());
                }
            }
        }
        // How long a hello is depends on who made it; whether it was passed on does not.
        if let Some(bytes) = line.get_mut("bytes").and_then(Value::as_object_mut) {
            for count in bytes.values_mut().filter(|count| count.as_u64() > Some(0)) {
                *count = "[some]".into();
            }
        }
        without_nulls(&mut line);
        let _ = writeln!(text, "{}", serde_json::to_string_pretty(&line).unwrap());
    }
    text
}

/// Says `bytes` on a connection of its own; everything that the client and the record see.
fn refusal(proxy: &Proxy, bytes: &[u8], ports: &[(u16, &str)]) -> String {
    let mut stream = proxy.connect();
    let client = stream.local_addr().unwrap().to_string();
    let _ = stream.write_all(bytes);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    seen(proxy, &client, &got, ports)
}

/// The same for a tunnel that is opened first.
fn refused_in_tunnel(
    proxy: &Proxy,
    authority: &str,
    bytes: &[u8],
    ports: &[(u16, &str)],
) -> String {
    let mut stream = proxy.tunnel(authority);
    let client = stream.local_addr().unwrap().to_string();
    let _ = stream.write_all(bytes);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    proxy.line(|line| line["client"]["addr"] == client.as_str() && line["stage"] == "complete");
    seen(proxy, &client, &got, ports)
}

fn seen(proxy: &Proxy, client: &str, got: &[u8], ports: &[(u16, &str)]) -> String {
    proxy.line(|line| line["client"]["addr"] == client);
    let lines: Vec<Value> = proxy
        .lines()
        .into_iter()
        .filter(|line| line["client"]["addr"] == client)
        .collect();
    settled(
        &format!("{}\n--- record\n{}", shown(got), told(&lines)),
        ports,
    )
}

macro_rules! assert_seen {
    ($name:expr, $seen:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => true, omit_expression => true }, {
            insta::assert_snapshot!($name, $seen);
        });
    };
}

#[test]
fn at_the_front_door() {
    let proxy = Proxy::start(&[]);
    let cases: [(&str, &[u8]); 6] = [
        (
            "two-hosts",
            b"GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
        ),
        (
            "connect-port",
            b"CONNECT h:99999 HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "origin-form",
            b"GET /index.html HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8\r\n\r\n",
        ),
        ("socks", b"\x05\x01\x00"),
        (
            "https-in-the-clear",
            b"GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "head",
            b"HEAD http://s3.amazonaws.com/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n",
        ),
    ];
    for (name, bytes) in cases {
        assert_seen!(name, refusal(&proxy, bytes, &[]));
    }
    assert_seen!(
        "tls-client-hello",
        refusal(&proxy, &tls::client_hello("s3.amazonaws.com"), &[])
    );
    let proxy = Proxy::configured(
        "[limits]\nhead_bytes = 1024\n[timeouts]\nhead = \"100ms\"\n[clients]\nallow = [\"127.0.0.1/32\"]\n",
        &[],
    );
    assert_seen!("head-bytes", refusal(&proxy, &[b'A'; 2000], &[]));
    assert_seen!("head-timeout", refusal(&proxy, b"GET http://h/", &[]));
    let proxy = Proxy::configured("[clients]\nallow = [\"10.0.0.0/8\"]\n", &[]);
    assert_seen!(
        "client-auth",
        refusal(&proxy, b"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", &[])
    );
    let proxy = Proxy::configured("[limits]\nconnections = 1\n", &[]);
    let _held = proxy.connect();
    assert_seen!(
        "connections",
        refusal(&proxy, b"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", &[])
    );
}

#[test]
fn by_rules_on_names_and_addresses() {
    let settings = "[rules]\nport = \"block\"\nprivate-address = \"block\"\n\
        [aws]\nregions = [\"eu-central-1\"]\nrequire_fips = true\nallow_unseen = true\n\
        [[destinations.rule]]\nhosts = [\"denied.test\"]\naction = \"deny\"\nreason = \"ask the platform team\"\n";
    let proxy = Proxy::configured(settings, &[]);
    let cases = [
        (
            "url-credentials",
            "GET http://user:pass@h/p?q=1 HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "instance-metadata",
            "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
        ),
        (
            "private-address",
            "CONNECT 10.1.2.3:443 HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n",
        ),
        (
            "link-local",
            "CONNECT [fe80::1]:443 HTTP/1.1\r\nHost: [fe80::1]\r\n\r\n",
        ),
        (
            "aws-plaintext",
            "GET http://s3-fips.eu-central-1.amazonaws.com/b/k HTTP/1.1\r\nHost: s3-fips.eu-central-1.amazonaws.com\r\n\r\n",
        ),
        (
            "aws-connect-80",
            "CONNECT s3-fips.us-east-1.amazonaws.com:80 HTTP/1.1\r\nHost: s3-fips.us-east-1.amazonaws.com\r\n\r\n",
        ),
        (
            "aws-region",
            "CONNECT s3-fips.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: s3-fips.us-east-1.amazonaws.com\r\n\r\n",
        ),
        (
            "aws-fips",
            "CONNECT s3.eu-central-1.amazonaws.com:443 HTTP/1.1\r\nHost: s3.eu-central-1.amazonaws.com\r\n\r\n",
        ),
        ("port", "CONNECT h.test:22 HTTP/1.1\r\nHost: h.test\r\n\r\n"),
        (
            "destination",
            "CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test\r\n\r\n",
        ),
        (
            "host-header",
            "GET http://h.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n",
        ),
    ];
    for (name, bytes) in cases {
        assert_seen!(name, refusal(&proxy, bytes.as_bytes(), &[]));
    }
    let proxy = Proxy::configured("[destinations]\ndefault = \"deny\"\n", &[]);
    assert_seen!(
        "not-listed",
        refusal(
            &proxy,
            b"CONNECT h.test:443 HTTP/1.1\r\nHost: h.test\r\n\r\n",
            &[]
        )
    );
    let proxy = Proxy::start(&[]);
    let own = proxy.address;
    let bytes = format!("CONNECT {own} HTTP/1.1\r\nHost: {own}\r\n\r\n");
    assert_seen!(
        "own-listener",
        refusal(&proxy, bytes.as_bytes(), &[(own.port(), "own")])
    );
}

fn lead(host: &str, to: SocketAddr) -> String {
    format!("{host}:443:127.0.0.1:{}", to.port())
}

#[test]
fn in_the_tunnel() {
    let authority = Authority::new();
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    let name = "s3.eu-west-1.amazonaws.com";
    let identity = authority.issue_with(&["tunnel.test", name], expired);
    let visible = tls::origin(&identity, &[&rustls::version::TLS12], |_| {});
    let hidden = tls::origin(&identity, &[&rustls::version::TLS13], |_| {});
    let silent = origin(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    // A server that takes what no one offered: TLS 1.1.
    let weak = origin(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
        hello.extend_from_slice(&[7; 32]);
        hello.extend_from_slice(&[0, 0xc0, 0x13, 0]);
        let _ = stream.write_all(&hello);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let leads = [
        lead("tunnel.test", visible),
        lead(name, hidden),
        lead("silent.test", silent),
        lead("weak.test", weak),
        lead("s3.amazonaws.com", silent),
    ];
    let mut args: Vec<&str> = leads
        .iter()
        .flat_map(|lead| ["--connect-to", lead])
        .collect();
    let ca = authority.ca();
    args.extend(["--extra-root", &ca]);
    let ports = [
        (visible.port(), "visible"),
        (hidden.port(), "hidden"),
        (silent.port(), "silent"),
        (weak.port(), "weak"),
    ];
    let proxy = Proxy::start(&args);
    let cases: [(&str, &str, Vec<u8>); 7] = [
        (
            "expired-1.2",
            "tunnel.test:443",
            tls::client_hello("tunnel.test"),
        ),
        (
            "expired-1.3-preflight",
            "s3.eu-west-1.amazonaws.com:443",
            tls::client_hello(name),
        ),
        (
            "sni-mismatch",
            "silent.test:443",
            tls::client_hello("evil.test"),
        ),
        ("weak-tls", "weak.test:443", tls::client_hello("weak.test")),
        ("not-tls", "silent.test:443", b"\x00\x01\x02".to_vec()),
        (
            "http-in-tunnel",
            "silent.test:443",
            b"GET / HTTP/1.1\r\nHost: silent.test\r\n\r\n".to_vec(),
        ),
        (
            "http-to-aws-in-tunnel",
            "s3.amazonaws.com:443",
            b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n".to_vec(),
        ),
    ];
    for (name, to, bytes) in cases {
        assert_seen!(name, refused_in_tunnel(&proxy, to, &bytes, &ports));
    }
    let proxy = Proxy::configured("[timeouts]\nhandshake = \"200ms\"\n", &args);
    assert_seen!(
        "handshake-timeout",
        refused_in_tunnel(
            &proxy,
            "silent.test:443",
            &tls::client_hello("silent.test")[..50],
            &ports
        )
    );
}

#[test]
fn by_the_upstream() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closing = origin(|mut stream| {
        support::read_head(&mut stream);
    });
    let proxy = Proxy::start(&["--connect-to", &lead("gone.test", gone)]);
    let ports = [(gone.port(), "gone"), (closing.port(), "closing")];
    let said = |name: &str, bytes: String| {
        let mut stream = proxy.connect();
        let client = stream.local_addr().unwrap().to_string();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got);
        proxy.line(|line| line["client"]["addr"] == client.as_str() && line["stage"] == "complete");
        assert_seen!(name, seen(&proxy, &client, &got, &ports));
    };
    said(
        "refused",
        "CONNECT gone.test:443 HTTP/1.1\r\nHost: gone.test\r\n\r\n".to_owned(),
    );
    said(
        "closed",
        format!("GET http://{closing}/ HTTP/1.1\r\nHost: {closing}\r\n\r\n"),
    );
}

#[test]
fn without_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut command = support::outgate();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--audit"])
        .arg(&path);
    let proxy = Proxy::spawn(command, tempfile::tempdir().unwrap(), path.clone());
    proxy.line(|line| line["event"] == "start");
    std::fs::remove_file(&path).unwrap();
    // Nothing can be opened in its place.
    std::fs::create_dir(&path).unwrap();
    let got = proxy.say(b"CONNECT h.test:443 HTTP/1.1\r\nHost: h.test\r\n\r\n");
    assert_seen!("audit-unavailable", settled(&shown(&got), &[]));
}
