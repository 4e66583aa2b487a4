//! What a connection may begin with, against the running proxy: every refusal has an answer that
//! says what to do and a line on record that the answer's id finds.
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

use serde_json::Value;
use support::Proxy;
use support::http::Answer;
use support::origin;
use support::read_head;
use support::record;
use support::tls;

/// An origin that answers each request with its own head as the body.
fn echo() -> SocketAddr {
    origin(|mut stream| {
        loop {
            let (head, _) = read_head(&mut stream);
            if head.is_empty() {
                break;
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}",
                head.len()
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
    })
}

/// The refusal that `answer` is, on record: one decision, no completion.
fn refused_line(proxy: &Proxy, answer: &Answer) -> Value {
    let id = answer.request_id();
    let lines = record::of(&proxy.lines(), &id);
    assert_eq!(lines.len(), 1, "the lines of {id}: {lines:#?}");
    let line = lines[0].clone();
    assert_eq!(line["stage"], "decision");
    assert_eq!(line["verdict"], "block");
    assert_eq!(line["would"], "block");
    assert_eq!(line["status"], answer.status);
    assert_eq!(line["rule"].as_str().unwrap(), answer.rule());
    assert_eq!(line["findings"][0]["rule"], line["rule"]);
    line
}

/// Bytes that are refused as malformed, with the kind that the record has.
const MALFORMED: &[(&str, &str)] = &[
    (
        "connect-port",
        "CONNECT h:99999 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "connect-port-zero",
        "CONNECT h:0 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    ("connect-no-port", "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "connect-port-words",
        "CONNECT h:https HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "connect-userinfo",
        "CONNECT user:secret@h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "connect-path",
        "CONNECT h:443/path HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "connect-url",
        "CONNECT https://h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "connect-body",
        "CONNECT h:443 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody",
    ),
    ("connect-empty", "CONNECT :443 HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "connect-bad-v6",
        "CONNECT [::1:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    ("fragment", "GET http://h/a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "no-host-in-url",
        "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "port-in-url",
        "GET http://h:65536/ HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "two-hosts",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
    ),
    (
        "same-host-twice",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    ),
    ("no-host", "GET http://h/ HTTP/1.1\r\n\r\n"),
    ("host-list", "GET http://h/ HTTP/1.1\r\nHost: h, i\r\n\r\n"),
    (
        "length-and-chunked",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "two-lengths",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    ),
    (
        "length-sign",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n",
    ),
    (
        "length-huge",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ),
    (
        "encoding-gzip",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ),
    (
        "encoding-twice",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "encoding-in-1.0",
        "POST http://h/ HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    ("bare-lf", "GET http://h/ HTTP/1.1\nHost: h\n\n"),
    (
        "bare-cr",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
    ),
    (
        "nul",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
    ),
    (
        "control-in-target",
        "GET http://h/\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "space-in-target",
        "GET http://h/a b HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "fold",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    ),
    (
        "space-before-colon",
        "GET http://h/ HTTP/1.1\r\nHost : h\r\n\r\n",
    ),
    (
        "no-colon",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n",
    ),
    (
        "header-name",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nX(: a\r\n\r\n",
    ),
    ("version", "GET http://h/ HTTP/2.0\r\nHost: h\r\n\r\n"),
    ("version-0.9", "GET http://h/\r\n\r\n"),
    ("method", "G{T http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "connection-host",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: host\r\n\r\n",
    ),
    (
        "connection-authorization",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close, Authorization\r\n\r\n",
    ),
    (
        "connection-amz",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: x-amz-date\r\n\r\n",
    ),
    ("origin-form", "GET /index.html HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "https-in-the-clear",
        "GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    ("nonsense", "hello there, how are you\r\n\r\n"),
    ("ssh", "SSH-2.0-OpenSSH_9.6\r\n"),
    (
        "empty-lines",
        "\r\n\r\n\r\nGET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
];

#[test]
fn each_malformed_head_is_answered_and_on_record() {
    let proxy = Proxy::start(&[]);
    for (name, bytes) in MALFORMED {
        let answer = proxy.ask(bytes);
        assert_eq!(answer.status, 400, "{name}: {}", answer.head);
        assert_eq!(
            answer.status_line(),
            "HTTP/1.1 400 Blocked by outgate: malformed-request",
            "{name}"
        );
        assert_eq!(answer.rule(), "malformed-request", "{name}");
        assert_eq!(answer.header("connection"), Some("close"), "{name}");
        assert!(
            answer
                .header("proxy-status")
                .unwrap()
                .starts_with("outgate; error=http_request_"),
            "{name}: {}",
            answer.head
        );
        let problem = answer.problem();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.len() > 20 && !detail.contains("secret"),
            "{name}: {detail}"
        );
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .ends_with("#malformed-request"),
            "{name}"
        );
        let line = refused_line(&proxy, &answer);
        assert!(!line.to_string().contains("secret"), "{name}: {line}");
    }
    let text = std::fs::read_to_string(&proxy.record).unwrap();
    assert!(!text.contains("secret"));
    let (code, lines) = proxy.stop();
    assert_eq!(code, Some(0));
    let decisions = lines
        .iter()
        .filter(|line| line["stage"] == "decision")
        .count();
    assert_eq!(decisions, MALFORMED.len());
    assert!(
        !lines.iter().any(|line| line["stage"] == "complete"),
        "nothing was let through"
    );
}

#[test]
fn what_is_no_http_is_told_what_to_set() {
    let proxy = Proxy::start(&[]);
    let hello = tls::client_hello("s3.amazonaws.com");
    let cases: [(&[u8], &str, &str); 5] = [
        (&hello, "tls-client-hello", "http://"),
        (b"\x05\x01\x00", "socks", "SOCKS"),
        (b"\x05\x03\x00\x01\x02", "socks", "SOCKS"),
        (
            b"\x04\x01\x01\xbb\x7f\x00\x00\x01user\x00",
            "socks",
            "SOCKS",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "origin-form",
            "HTTPS_PROXY",
        ),
    ];
    for (bytes, kind, word) in cases {
        let answer = proxy.ask(bytes);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (400, "malformed-request"),
            "{kind}"
        );
        assert!(
            answer.problem()["detail"].as_str().unwrap().contains(word),
            "{kind}: {}",
            answer.problem()
        );
        assert_eq!(refused_line(&proxy, &answer)["findings"][0]["kind"], kind);
    }
}

#[test]
fn curl_is_told_what_is_wrong_with_its_proxy_url() {
    let proxy = Proxy::start(&[]);
    // The proxy as a server.
    let output = std::process::Command::new("curl")
        .args([
            "--silent",
            "--noproxy",
            "*",
            "--max-time",
            "15",
            "--write-out",
            "%{http_code}",
            &proxy.url(),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.ends_with("400") && said.contains("HTTPS_PROXY"),
        "{said}"
    );
    // The proxy as a SOCKS server, and as one that speaks TLS.
    for (scheme, kind) in [
        ("socks5h", "socks"),
        ("socks4", "socks"),
        ("https", "tls-client-hello"),
    ] {
        let other = proxy.url().replace("http", scheme);
        let output = std::process::Command::new("curl")
            .args([
                "--silent",
                "--noproxy",
                "",
                "--max-time",
                "15",
                "--proxy",
                &other,
                "http://127.0.0.1:9/",
            ])
            .output()
            .unwrap();
        assert!(!output.status.success());
        proxy.line(|line| line["findings"][0]["kind"] == kind && line["verdict"] == "block");
    }
}

#[test]
fn heads_over_a_limit_are_refused_and_at_the_limit_are_not() {
    let upstream = echo();
    let proxy = Proxy::configured("[limits]\nhead_bytes = 1024\nheaders = 8\n", &[]);
    let sized = |bytes: usize| {
        let start = format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\nX: ");
        let filler = "x".repeat(bytes - start.len() - 4);
        format!("{start}{filler}\r\n\r\n")
    };
    let lined = |lines: usize| {
        let more = "X: y\r\n".repeat(lines - 1);
        format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n{more}\r\n")
    };
    assert_eq!(sized(1024).len(), 1024);
    assert_eq!(proxy.ask(sized(1024)).status, 200);
    assert_eq!(proxy.ask(lined(8)).status, 200);
    for (kind, head) in [
        ("head-bytes", sized(1025)),
        ("header-count", lined(9)),
        ("head-bytes", sized(200_000)),
    ] {
        let answer = proxy.ask(head);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (503, "limits"),
            "{kind}"
        );
        assert_eq!(refused_line(&proxy, &answer)["findings"][0]["kind"], kind);
    }
    // One that never ends is refused when it is too long, not when it is over.
    let mut endless = proxy.connect();
    write!(endless, "GET http://{upstream}/{}", "y".repeat(1100)).unwrap();
    assert_eq!(Answer::read(&mut endless).rule(), "limits");
}

#[test]
fn a_slow_head_is_timed_out() {
    let proxy = Proxy::configured("[timeouts]\nhead = \"300ms\"\n", &[]);
    for beginning in [
        "",
        "G",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\n",
        "\x16",
        "PRI * HT",
    ] {
        let mut stream = proxy.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        let answer = Answer::read(&mut stream);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (503, "limits"),
            "{beginning:?}"
        );
        assert!(
            answer.problem()["detail"]
                .as_str()
                .unwrap()
                .contains("timeouts.head")
        );
        assert_eq!(
            refused_line(&proxy, &answer)["findings"][0]["kind"],
            "head-timeout"
        );
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order_each_on_record() {
    let upstream = echo();
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    let mut bytes = String::new();
    for number in 0..5 {
        bytes += &format!("GET http://{upstream}/{number} HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    }
    // What comes behind is judged as strictly as what came first.
    bytes += "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n";
    bytes += &format!("GET http://{upstream}/smuggled HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    stream.write_all(bytes.as_bytes()).unwrap();
    for number in 0..5 {
        let answer = Answer::read(&mut stream);
        let body = String::from_utf8(answer.body).unwrap();
        assert!(
            body.starts_with(&format!("GET /{number} HTTP/1.1\r\n")),
            "{body}"
        );
    }
    let refusal = Answer::read(&mut stream);
    assert_eq!(
        (refusal.status, refusal.rule().as_str()),
        (400, "malformed-request")
    );
    let refused = refused_line(&proxy, &refusal);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(
        rest.is_empty(),
        "nothing behind a malformed head is read as a request"
    );
    let (_, lines) = proxy.stop();
    let requests: Vec<&Value> = lines
        .iter()
        .filter(|line| line["stage"] == "complete")
        .collect();
    assert_eq!(requests.len(), 5);
    assert!(
        requests.iter().all(|line| line["conn"] == refused["conn"]),
        "one connection"
    );
    let paths: Vec<String> = requests
        .iter()
        .map(|line| line["request"]["url"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        (0..5)
            .map(|number| format!("http://{upstream}/{number}"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_request_may_come_in_any_two_pieces() {
    let upstream = echo();
    let proxy = Proxy::start(&[]);
    let request = format!(
        "POST http://{upstream}/p HTTP/1.1\r\nHost: {upstream}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let refused = "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n";
    for (bytes, status) in [(request.as_str(), 200), (refused, 400)] {
        for at in 1..bytes.len() {
            let mut stream = proxy.connect();
            stream.set_nodelay(true).unwrap();
            stream.write_all(&bytes.as_bytes()[..at]).unwrap();
            // May fail where the first piece was enough for a refusal.
            let _ = stream.write_all(&bytes.as_bytes()[at..]);
            assert_eq!(Answer::read(&mut stream).status, status, "cut at {at}");
        }
    }
    // Byte by byte: the same.
    let mut stream = proxy.connect();
    stream.set_nodelay(true).unwrap();
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(Answer::read(&mut stream).status, 200);
}

#[test]
fn a_connection_without_a_request_has_its_line() {
    let proxy = Proxy::start(&[]);
    for sent in ["", "GET http://h/ HT", "PRI"] {
        let mut stream = proxy.connect();
        let client = stream.local_addr().unwrap().to_string();
        stream.write_all(sent.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        let line = proxy.line(|line| {
            line["event"] == "client-error" && line["detail"]["client"] == client.as_str()
        });
        assert_eq!(line["detail"]["bytes"], sent.len(), "{line}");
        assert!(
            line["detail"]["error"].is_string() && line["detail"]["conn"].is_string(),
            "{line}"
        );
    }
    // A kept-alive connection that ends between requests is nothing to tell.
    let upstream = echo();
    let mut stream = proxy.connect();
    write!(
        stream,
        "GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n"
    )
    .unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    drop(stream);
    let (_, lines) = proxy.stop();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line["event"] == "client-error")
            .count(),
        3
    );
}

#[test]
fn only_listed_clients_are_served() {
    let upstream = echo();
    let get = format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    let proxy = Proxy::configured(
        "[clients]\nallow = [\"127.0.0.2/32\", \"10.0.0.0/8\"]\n",
        &[],
    );
    let answer = proxy.ask(&get);
    assert_eq!(
        (answer.status, answer.rule().as_str()),
        (403, "client-auth")
    );
    assert!(
        answer.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("clients.allow")
    );
    refused_line(&proxy, &answer);
    let other = socket_from("127.0.0.2", proxy.address);
    let mut other = other.unwrap();
    other.write_all(get.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut other).status, 200);
}

/// A connection whose own address is `from`.
fn socket_from(from: &str, to: SocketAddr) -> std::io::Result<std::net::TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from.parse().unwrap(), 0).into())?;
    socket.connect(&to.into())?;
    socket.set_read_timeout(Some(support::PATIENCE))?;
    Ok(socket.into())
}

#[test]
fn connections_over_the_limit_are_told_so_and_later_ones_served() {
    let upstream = echo();
    let get = format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    let proxy = Proxy::configured("[limits]\nconnections = 2\n", &[]);
    let mut held: Vec<_> = (0..2).map(|_| proxy.connect()).collect();
    for stream in &mut held {
        stream.write_all(get.as_bytes()).unwrap();
        assert_eq!(Answer::read(stream).status, 200);
    }
    for _ in 0..20 {
        let answer = proxy.ask(&get);
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (503, "limits"),
            "{}",
            answer.head
        );
        assert!(answer.header("retry-after").is_some());
        assert!(
            answer.problem()["detail"]
                .as_str()
                .unwrap()
                .contains("limits.connections (2)")
        );
        assert_eq!(
            refused_line(&proxy, &answer)["findings"][0]["kind"],
            "connections"
        );
    }
    drop(held.pop());
    // The place is free as soon as the proxy has seen the end.
    let deadline = std::time::Instant::now() + support::PATIENCE;
    loop {
        let answer = proxy.ask(&get);
        if answer.status == 200 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{}", answer.head);
    }
}

#[test]
fn connections_of_one_client_are_limited_too() {
    let upstream = echo();
    let get = format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    let proxy = Proxy::configured("[limits]\nconnections_per_client = 1\n", &[]);
    let mut held = proxy.connect();
    held.write_all(get.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut held).status, 200);
    assert_eq!(proxy.ask(&get).rule(), "limits");
    let mut other = socket_from("127.0.0.3", proxy.address).unwrap();
    other.write_all(get.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut other).status, 200);
}

#[test]
fn without_descriptors_accepting_pauses_says_so_and_goes_on() {
    let upstream = echo();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("audit.jsonl");
    let mut shell = std::process::Command::new("sh");
    let binary = support::outgate();
    shell
        .args(["-c", "ulimit -n 40; exec \"$@\"", "sh"])
        .arg(binary.get_program())
        .args(["serve", "--listen", "127.0.0.1:0", "--audit"])
        .arg(&record)
        .env("XDG_CONFIG_HOME", "/nonexistent");
    let mut proxy = Proxy::spawn(shell, folder, record);
    let held: Vec<_> = (0..60).map(|_| proxy.connect()).collect();
    proxy.hear("no descriptor left");
    drop(held);
    let get =
        format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\nConnection: close\r\n\r\n");
    assert_eq!(proxy.ask(get).status, 200);
    let (code, lines) = proxy.stop();
    assert_eq!(code, Some(0));
    let left = lines
        .iter()
        .filter(|line| line["event"] == "client-error")
        .count();
    assert_eq!(left, 60, "each connection has its line");
}
