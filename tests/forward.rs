//! Plain HTTP in absolute form, through the running proxy to scripted origins: what passes passes
//! unchanged, what must not pass does not, and the record says which.
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
use std::net::TcpStream;
use std::sync::mpsc;

use serde_json::Value;
use support::Authority;
use support::PATIENCE;
use support::Proxy;
use support::http::Answer;
use support::origin;
use support::read_head;
use support::record;
use support::tls;

/// An origin that reports each connection's bytes as soon as `until` holds for them, then says
/// `answer` and closes.
fn scripted(
    until: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    answer: &'static [u8],
) -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let (tell, heard) = mpsc::channel();
    let address = origin(move |mut stream| {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while !until(&bytes) {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
                Ok(_) | Err(_) => break,
            }
        }
        let _ = stream.write_all(answer);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = tell.send(bytes);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, heard)
}

fn head_is_whole(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|window| window == b"\r\n\r\n")
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn hear(heard: &mpsc::Receiver<Vec<u8>>) -> String {
    String::from_utf8(heard.recv_timeout(PATIENCE).unwrap()).unwrap()
}

/// An origin that must not be reached.
fn untouched() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    scripted(head_is_whole, OK)
}

fn complete(proxy: &Proxy) -> Value {
    proxy.line_for("127.0.0.1", "complete")
}

#[test]
fn the_head_arrives_as_it_was_sent_but_for_hop_by_hop_lines() {
    let (to, heard) = scripted(head_is_whole, OK);
    let proxy = Proxy::start(&[]);
    let target = "/a//b/../c/%2e%2E/%zz;x=%00?q=a+b&&=%20&empty=#".trim_end_matches('#');
    let answer = proxy.ask(format!(
        "PROPFIND http://{to}{target} HTTP/1.1\r\nhOsT: {to}\r\nX-Second: 2\r\nAccept:   */* \r\nx-first: \"q, r\"\r\nX-Second: again\r\nEmpty:\r\nX-Latin: caf\u{e9}\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nConnection: X-Hop, close\r\nX-Hop: gone\r\nAuthorization: Basic eDp5\r\nVia: 1.0 before\r\n\r\n"
    ));
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    let head = hear(&heard);
    let lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines[0], format!("PROPFIND {target} HTTP/1.1"));
    let known = [
        "hOsT",
        "X-Second",
        "Accept",
        "x-first",
        "X-Second",
        "Empty",
        "X-Latin",
        "Authorization",
        "Via",
    ];
    let names: Vec<&str> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| known.contains(name))
        .collect();
    assert_eq!(names, known, "case and order\n{head}");
    for line in [
        &format!("hOsT: {to}"),
        "X-Second: 2",
        "x-first: \"q, r\"",
        "X-Second: again",
        "X-Latin: caf\u{e9}",
        "Authorization: Basic eDp5",
    ] {
        assert!(lines.contains(&line), "{line}\n{head}");
    }
    let lower = head.to_lowercase();
    for gone in [
        "proxy-connection",
        "proxy-authorization",
        "keep-alive",
        "x-hop",
        "\r\nte:",
    ] {
        assert!(!lower.contains(gone), "{gone}\n{head}");
    }
}

#[test]
fn the_answer_arrives_as_it_was_sent_but_for_hop_by_hop_lines() {
    let (to, _heard) = scripted(
        head_is_whole,
        b"HTTP/1.1 299 My Own Reason\r\nsErVeR: x\r\nSet-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=1\r\nConnection: X-Gone\r\nX-Gone: 1\r\nContent-Length: 3\r\n\r\nabc",
    );
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!("GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n"));
    assert_eq!(answer.status_line(), "HTTP/1.1 299 My Own Reason");
    assert!(
        answer
            .head
            .contains("\r\nsErVeR: x\r\nSet-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\n"),
        "{}",
        answer.head
    );
    for gone in ["X-Gone", "Keep-Alive"] {
        assert_eq!(answer.header(gone), None, "{}", answer.head);
    }
    assert_eq!(answer.body, b"abc");
    let line = complete(&proxy);
    assert_eq!(line["status"], 299);
    assert_eq!(line["error"], Value::Null);
}

#[test]
fn a_chunked_body_with_trailers_passes_both_ways() {
    let (to, heard) = scripted(
        |bytes| bytes.ends_with(b"x-sum: 1\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Back\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nX-Back: 2\r\n\r\n",
    );
    let proxy = Proxy::start(&[]);
    let body = "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nx-sum: 1\r\n\r\n";
    let bytes = format!(
        "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\nConnection: close\r\n\r\n{body}"
    );
    let answer = String::from_utf8(proxy.say(bytes.as_bytes())).unwrap();
    let got = hear(&heard);
    let (head, sent) = got.split_once("\r\n\r\n").unwrap();
    assert!(
        head.to_lowercase()
            .contains("\r\ntransfer-encoding: chunked")
            && !head.to_lowercase().contains("content-length"),
        "{head}"
    );
    assert_eq!(
        dechunked(sent),
        ("hello world".to_owned(), "x-sum: 1\r\n\r\n".to_owned())
    );
    let (head, back) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nTransfer-Encoding: chunked"), "{head}");
    assert_eq!(
        dechunked(back),
        ("abcd".to_owned(), "X-Back: 2\r\n\r\n".to_owned())
    );
    assert_eq!(complete(&proxy)["error"], Value::Null);
}

/// The content of a chunked body, and its trailers with their end.
fn dechunked(mut text: &str) -> (String, String) {
    let mut content = String::new();
    loop {
        let (line, rest) = text
            .split_once("\r\n")
            .unwrap_or_else(|| panic!("no chunk in {text:?}"));
        let size = usize::from_str_radix(line.split(';').next().unwrap(), 16).unwrap();
        if size == 0 {
            return (content, rest.to_owned());
        }
        content += &rest[..size];
        text = rest[size..].strip_prefix("\r\n").unwrap();
    }
}

#[test]
fn a_bad_chunk_ends_the_request_and_is_no_success() {
    let (to, heard) = scripted(|bytes| bytes.ends_with(b"0\r\n\r\n"), OK);
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!("POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n0\r\n\r\n"));
    assert_eq!(
        (answer.status, answer.rule().as_str()),
        (400, "malformed-request")
    );
    let got = hear(&heard);
    assert!(
        !got.ends_with("0\r\n\r\n"),
        "the origin must not take it for whole: {got:?}"
    );
    let line = complete(&proxy);
    assert_eq!(line["status"], 400);
    assert!(line["error"].is_string(), "{line}");
}

#[test]
fn curl_waits_for_the_origins_100_and_sends_a_big_body() {
    let (tell, heard) = mpsc::channel();
    let to = origin(move |mut stream| {
        let (head, early) = read_head(&mut stream);
        assert!(early.is_empty(), "the body came without a 100");
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = vec![0; 3 << 20];
        stream.read_exact(&mut body).unwrap();
        tell.send((head, body)).unwrap();
        stream.write_all(OK).unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big");
    let big: Vec<u8> = (0..3_u32 << 20)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(&file, &big).unwrap();
    let proxy = Proxy::start(&[]);
    let upload = file.display().to_string();
    let output = proxy.curl(&[
        "--upload-file",
        &upload,
        "--header",
        "Expect: 100-continue",
        "--expect100-timeout",
        "1000",
        "--write-out",
        " %{http_code}",
        &format!("http://{to}/up"),
    ]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ok 200",
        "{output:?}"
    );
    let (head, body) = heard.recv_timeout(PATIENCE).unwrap();
    assert!(
        head.to_lowercase().contains("\r\nexpect: 100-continue\r\n"),
        "{head}"
    );
    assert!(body == big, "the body was changed");
    assert_eq!(
        complete(&proxy)["bytes"]["sent"].as_u64().unwrap(),
        (head.len() + body.len()) as u64
    );
}

#[test]
fn an_expectation_that_is_refused_needs_no_body() {
    let (to, heard) = scripted(
        head_is_whole,
        b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n",
    );
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!("PUT http://{to}/ HTTP/1.1\r\nHost: {to}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"));
    assert_eq!(answer.status, 417);
    assert!(hear(&heard).ends_with("\r\n\r\n"));
}

#[test]
fn interim_answers_pass() {
    let (to, _heard) = scripted(
        head_is_whole,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    write!(stream, "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut stream).status, 102);
    let hints = Answer::read(&mut stream);
    assert_eq!((hints.status, hints.header("link")), (103, Some("</a>")));
    let last = Answer::read(&mut stream);
    assert_eq!((last.status, &last.body[..]), (200, &b"ok"[..]));
    assert_eq!(complete(&proxy)["status"], 200);
}

#[test]
fn answers_without_a_body_leave_the_connection_open() {
    let to = origin(|mut stream| {
        loop {
            let (head, _) = read_head(&mut stream);
            let answer: &[u8] = match head.split(' ').next().unwrap() {
                "HEAD" => b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                "DELETE" => b"HTTP/1.1 204 No Content\r\n\r\n",
                "GET" => b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"x\"\r\n\r\n",
                "" => return,
                _ => OK,
            };
            stream.write_all(answer).unwrap();
        }
    });
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    for (method, status) in [
        ("HEAD", 200),
        ("DELETE", 204),
        ("GET", 304),
        ("POST", 200),
        ("HEAD", 200),
    ] {
        write!(
            stream,
            "{method} http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n"
        )
        .unwrap();
        let answer = Answer::read_as(&mut stream, method == "HEAD");
        assert_eq!(answer.status, status, "{method}");
        if method == "HEAD" {
            assert_eq!(answer.header("content-length"), Some("1000"));
        }
    }
}

#[test]
fn the_upstream_connection_is_used_again() {
    let (tell, heard) = mpsc::channel();
    let to = origin(move |mut stream| {
        tell.send(()).unwrap();
        while !read_head(&mut stream).0.is_empty() {
            stream.write_all(OK).unwrap();
        }
    });
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    for _ in 0..5 {
        write!(stream, "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
        assert_eq!(Answer::read(&mut stream).body, b"ok");
    }
    drop(stream);
    proxy.stop();
    assert_eq!(heard.try_iter().count(), 1, "connections to the origin");
}

#[test]
fn a_stale_upstream_connection_is_replaced() {
    let to = origin(|mut stream| {
        read_head(&mut stream);
        // As if it were to be kept, and then gone.
        stream.write_all(OK).unwrap();
    });
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    for _ in 0..5 {
        write!(stream, "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
        let answer = Answer::read(&mut stream);
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &b"ok"[..]),
            "{}",
            answer.head
        );
    }
}

#[test]
fn a_websocket_handshake_opens_a_raw_way_both_ways() {
    let to = origin(|mut stream| {
        let (head, _) = read_head(&mut stream);
        assert!(
            head.contains("Upgrade: websocket\r\n") && head.contains("Sec-WebSocket-Key: k\r\n"),
            "{head}"
        );
        assert!(
            head.to_lowercase().contains("connection: upgrade"),
            "{head}"
        );
        // The first frame in the same segment as the answer.
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello").unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
    });
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    write!(stream, "GET http://{to}/ws HTTP/1.1\r\nHost: {to}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n").unwrap();
    let (head, mut rest) = read_head(&mut stream);
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("Upgrade: websocket\r\n"),
        "{head}"
    );
    let mut reader = stream.try_clone().unwrap();
    while rest.len() < 5 {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    assert_eq!(rest, b"hello");
    stream.write_all(b"\x81\x00\xff raw \r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert_eq!(back, b"\x81\x00\xff raw \r\n\r\n");
    let line = complete(&proxy);
    assert_eq!(
        (&line["status"], &line["error"]),
        (&101.into(), &Value::Null)
    );
}

#[test]
fn a_client_that_half_closes_gets_its_answer() {
    let (to, heard) = scripted(|bytes| bytes.ends_with(b"body"), OK);
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    write!(
        stream,
        "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\nContent-Length: 4\r\n\r\nbody"
    )
    .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    assert!(hear(&heard).ends_with("body"));
    assert_eq!(complete(&proxy)["error"], Value::Null);
}

#[test]
fn a_body_that_is_cut_short_never_looks_whole_to_the_origin() {
    for beginning in [
        "Content-Length: 10\r\n\r\nhalf",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let (to, heard) = scripted(|bytes| bytes.ends_with(b"0\r\n\r\n"), b"");
        let proxy = Proxy::start(&[]);
        let mut stream = proxy.connect();
        write!(
            stream,
            "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{beginning}"
        )
        .unwrap();
        proxy.line_for("127.0.0.1", "decision");
        drop(stream);
        let got = hear(&heard);
        assert!(!got.ends_with("0\r\n\r\n"), "{got:?}");
        let line = complete(&proxy);
        assert!(line["error"].is_string(), "{line}");
        assert_ne!(
            line["verdict"], "error",
            "the upstream is not to blame: {line}"
        );
    }
}

#[test]
fn a_client_that_goes_away_frees_the_upstream() {
    let (tell, heard) = mpsc::channel();
    let to = origin(move |mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        // Without end, until nobody listens any more.
        while stream.write_all(&[b'x'; 16 * 1024]).is_ok() {}
        tell.send(()).unwrap();
    });
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    write!(stream, "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 4096]).unwrap();
    drop(stream);
    heard
        .recv_timeout(PATIENCE)
        .expect("the upstream is still held");
    let line = complete(&proxy);
    assert!(line["error"].is_string() && line["status"] == 200, "{line}");
}

/// Reads until the connection ends; gives the bytes, and whether it was an orderly end.
fn read_out(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    (bytes, end.is_ok())
}

#[test]
fn an_answer_that_is_cut_short_never_looks_whole_to_the_client() {
    let cases: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX: ",
    ];
    for answer in cases {
        let (to, _heard) = scripted(head_is_whole, answer);
        let proxy = Proxy::start(&[]);
        let mut stream = proxy.connect();
        write!(stream, "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
        let (got, _) = read_out(&mut stream);
        let got = String::from_utf8_lossy(&got).into_owned();
        assert!(!got.ends_with("0\r\n\r\n"), "{got:?}");
        let line = complete(&proxy);
        assert_eq!(
            (&line["verdict"], &line["status"]),
            (&"error".into(), &200.into()),
            "{line}"
        );
        // curl says so too.
        let output = proxy.curl(&[&format!("http://{to}/")]);
        assert!(!output.status.success(), "{output:?}");
    }
}

#[test]
fn an_answer_that_is_none_is_502_with_the_reason() {
    let cases: [&[u8]; 7] = [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    ];
    for said in cases {
        let (to, _heard) = scripted(head_is_whole, said);
        let proxy = Proxy::start(&[]);
        let answer = proxy.ask(format!(
            "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(answer.status, 502, "{said:?}: {}", answer.head);
        let problem = answer.problem();
        assert!(
            problem["rule"].is_null() && problem["detail"].as_str().unwrap().len() > 10,
            "{problem}"
        );
        let line = complete(&proxy);
        assert_eq!(
            (&line["verdict"], &line["status"]),
            (&"error".into(), &502.into()),
            "{line}"
        );
        assert_eq!(line["error"], problem["detail"]);
        assert_eq!(line["id"], problem["request_id"]);
    }
}

#[test]
fn userinfo_with_a_password_is_refused_and_never_leaves() {
    let (to, heard) = untouched();
    let proxy = Proxy::start(&[]);
    for userinfo in ["user:pass", ":pass", "user:p%40ss", "user:pa:ss"] {
        let answer = proxy.ask(format!(
            "GET http://{userinfo}@{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n"
        ));
        assert_eq!(
            (answer.status, answer.rule().as_str()),
            (403, "url-credentials"),
            "{userinfo}"
        );
        let line = &record::of(&proxy.lines(), &answer.request_id())[0];
        assert_eq!(line["request"]["url"], format!("http://***@{to}/"));
        let finding = line["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["rule"] == "url-credentials")
            .unwrap()
            .clone();
        assert_eq!(
            (&finding["kind"], &finding["where"], &finding["length"]),
            (
                &"userinfo".into(),
                &"userinfo".into(),
                &userinfo.len().into()
            )
        );
    }
    proxy.stop();
    assert!(heard.try_recv().is_err(), "it reached the origin");
}

#[test]
fn a_user_name_alone_is_reported_and_forwarded_as_authorization_or_not_at_all() {
    let (to, heard) = scripted(head_is_whole, OK);
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!(
        "GET http://user@{to}/p HTTP/1.1\r\nHost: {to}\r\n\r\n"
    ));
    assert_eq!(answer.status, 200);
    let head = hear(&heard);
    assert!(head.starts_with("GET /p HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("user@"), "{head}");
    let line = complete(&proxy);
    assert!(
        line["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["kind"] == "username" && finding["action"] == "report"),
        "{line}"
    );
}

#[test]
fn strip_takes_the_userinfo_out_and_forwards() {
    let (to, heard) = scripted(head_is_whole, OK);
    let proxy = Proxy::configured("[rules]\nurl-credentials = \"strip\"\n", &[]);
    let answer = proxy.ask(format!(
        "GET http://user:sekret@{to}/p HTTP/1.1\r\nHost: {to}\r\n\r\n"
    ));
    assert_eq!(answer.status, 200, "{}", answer.head);
    let head = hear(&heard);
    assert!(head.starts_with("GET /p HTTP/1.1\r\n"), "{head}");
    let encoded = "dXNlcjpzZWtyZXQ";
    assert!(
        !head.contains("sekret")
            && !head.contains(encoded)
            && !head.to_lowercase().contains("authorization"),
        "{head}"
    );
    let line = complete(&proxy);
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"strip".into(), &"url-credentials".into()),
        "{line}"
    );
}

#[test]
fn plain_http_to_aws_is_blocked_before_the_name_is_resolved() {
    let (to, heard) = untouched();
    let redirect = format!("s3.eu-central-1.amazonaws.com:80:127.0.0.1:{}", to.port());
    let proxy = Proxy::start(&["--connect-to", &redirect]);
    let output = proxy.curl(&[
        "--write-out",
        "\n%{http_code}",
        "http://s3.eu-central-1.amazonaws.com/bucket/key",
    ]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.ends_with("\n403")
            && said.contains("aws-plaintext")
            && said.contains("https://s3.eu-central-1.amazonaws.com"),
        "{said}"
    );
    let line = proxy.line_for("s3.eu-central-1.amazonaws.com", "decision");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"block".into(), &"aws-plaintext".into())
    );
    assert_eq!(
        line["destination"]["addr"],
        Value::Null,
        "a refused name is not resolved"
    );
    assert_eq!(
        (
            &line["destination"]["service"],
            &line["destination"]["region"]
        ),
        (&"s3".into(), &"eu-central-1".into())
    );
    proxy.stop();
    assert!(heard.try_recv().is_err());
}

#[test]
fn report_mode_forwards_plain_http_to_aws_and_says_what_it_would_have_done() {
    let (to, _heard) = scripted(head_is_whole, OK);
    let redirect = format!("s3.amazonaws.com:80:127.0.0.1:{}", to.port());
    let proxy = Proxy::start(&["--mode", "report", "--connect-to", &redirect]);
    let answer = proxy
        .ask("GET http://user:pass@s3.amazonaws.com/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n");
    assert_eq!(answer.status, 200);
    let line = proxy.line_for("s3.amazonaws.com", "complete");
    assert_eq!(
        (&line["verdict"], &line["would"]),
        (&"report".into(), &"block".into()),
        "{line}"
    );
}

#[test]
fn a_stripped_credential_does_not_take_the_upgrade_away() {
    // Whoever is reached in plaintext hears the request, and the test fails.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = Authority::new();
    let identity = authority.issue(&["s3.amazonaws.com"]);
    let to = tls::origin(&identity, &[&rustls::version::TLS13], move |mut session| {
        let mut head = Vec::new();
        while !head_is_whole(&head) {
            let mut byte = [0];
            session.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        session.write_all(OK).unwrap();
        session.conn.send_close_notify();
        let _ = session.flush();
    });
    let proxy = Proxy::configured(
        "[rules]\naws-plaintext = \"upgrade\"\nurl-credentials = \"strip\"\n",
        &[
            "--connect-to",
            &format!("s3.amazonaws.com:443:127.0.0.1:{}", to.port()),
            "--connect-to",
            &format!("s3.amazonaws.com:80:{}", plain.local_addr().unwrap()),
            "--extra-root",
            &authority.ca(),
        ],
    );
    let answer = proxy
        .ask("GET http://user:pw@s3.amazonaws.com/k HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n");
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    plain.set_nonblocking(true).unwrap();
    assert!(plain.accept().is_err(), "plaintext to AWS");
    let line = proxy.line_for("s3.amazonaws.com", "complete");
    assert_eq!(line["verdict"], "strip", "{line}");
    assert_eq!(line["tls"]["upstream"]["verified"], true, "{line}");
}

#[test]
fn upgrade_sends_it_over_verified_tls() {
    let authority = Authority::new();
    let identity = authority.issue(&["s3.amazonaws.com"]);
    let (tell, heard) = mpsc::channel();
    let to = tls::origin(&identity, &[&rustls::version::TLS13], move |mut session| {
        let mut head = Vec::new();
        while !head_is_whole(&head) {
            let mut byte = [0];
            session.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        tell.send(String::from_utf8(head).unwrap()).unwrap();
        session.write_all(OK).unwrap();
        session.conn.send_close_notify();
        let _ = session.flush();
    });
    let redirect = format!("s3.amazonaws.com:443:127.0.0.1:{}", to.port());
    let settings = "[rules]\naws-plaintext = \"upgrade\"\n";
    let ask =
        "GET http://s3.amazonaws.com/k?x HTTP/1.1\r\nHost: s3.amazonaws.com\r\nX-Kept: 1\r\n\r\n";
    let proxy = Proxy::configured(
        settings,
        &["--connect-to", &redirect, "--extra-root", &authority.ca()],
    );
    let answer = proxy.ask(ask);
    assert_eq!(
        (answer.status, &answer.body[..]),
        (200, &b"ok"[..]),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let head = heard.recv_timeout(PATIENCE).unwrap();
    assert!(
        head.starts_with("GET /k?x HTTP/1.1\r\n")
            && head.contains("\r\nHost: s3.amazonaws.com\r\n")
            && head.contains("X-Kept: 1"),
        "{head}"
    );
    let line = proxy.line_for("s3.amazonaws.com", "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"upgrade".into(), &"aws-plaintext".into()),
        "{line}"
    );
    assert_eq!(
        (
            &line["tls"]["upstream"]["version"],
            &line["tls"]["upstream"]["verified"]
        ),
        (&"1.3".into(), &true.into())
    );
    // Over TLS that does not verify nothing is sent.
    let proxy = Proxy::configured(settings, &["--connect-to", &redirect]);
    let answer = proxy.ask(ask);
    assert_eq!(
        (answer.status, answer.rule().as_str()),
        (502, "invalid-certificate")
    );
    let line = proxy.line_for("s3.amazonaws.com", "complete");
    assert_eq!(
        (&line["verdict"], &line["rule"]),
        (&"block".into(), &"invalid-certificate".into()),
        "{line}"
    );
    assert!(heard.try_recv().is_err(), "the request was sent");
}

const SIGNATURE: &str = "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0123\r\n";

#[test]
fn a_signed_request_in_plaintext_to_loopback_is_reported() {
    let (to, heard) = scripted(head_is_whole, OK);
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!(
        "GET http://{to}/bucket HTTP/1.1\r\nHost: {to}\r\n{SIGNATURE}\r\n"
    ));
    assert_eq!(answer.status, 200);
    assert!(hear(&heard).contains(SIGNATURE));
    let line = complete(&proxy);
    let found = line["findings"].as_array().unwrap().iter().any(|finding| {
        finding["rule"] == "aws-plaintext"
            && finding["kind"] == "plain-signature"
            && finding["action"] == "report"
    });
    assert!(found, "{line}");
    // In the query as well.
    let answer = proxy.ask(format!(
        "GET http://{to}/b?X-Amz-Signature=0123&X-Amz-Credential=a HTTP/1.1\r\nHost: {to}\r\n\r\n"
    ));
    assert_eq!(answer.status, 200);
    proxy.line(|line| {
        line["stage"] == "complete"
            && line["request"]["url"]
                .as_str()
                .unwrap()
                .contains("X-Amz-Signature=***")
            && line["findings"].to_string().contains("plain-signature")
    });
}

#[test]
fn a_foreign_host_header_is_refused() {
    let (to, heard) = untouched();
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!(
        "GET http://{to}/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n"
    ));
    assert_eq!(
        (answer.status, answer.rule().as_str()),
        (403, "sni-mismatch")
    );
    proxy.stop();
    assert!(heard.try_recv().is_err());
}

#[test]
fn head_to_a_refused_destination_has_no_body() {
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    stream
        .write_all(b"HEAD http://s3.amazonaws.com/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n")
        .unwrap();
    let (got, _) = read_out(&mut stream);
    let got = String::from_utf8(got).unwrap();
    assert!(
        got.starts_with("HTTP/1.1 403 Blocked by outgate: aws-plaintext\r\n")
            && got.ends_with("\r\n\r\n"),
        "{got}"
    );
    assert!(got.contains("\r\nproxy-status: outgate; error="), "{got}");
}

#[test]
fn an_origin_that_cannot_be_reached_is_502() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = Proxy::start(&[]);
    for (target, word) in [
        (gone.to_string(), "refused"),
        ("nowhere.invalid".to_owned(), "nowhere.invalid"),
    ] {
        let answer = proxy.ask(format!(
            "GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n"
        ));
        assert_eq!(answer.status, 502);
        assert!(
            answer.problem()["detail"].as_str().unwrap().contains(word),
            "{}",
            answer.problem()
        );
        let id = answer.request_id();
        let line = proxy.line(|line| line["id"] == id.as_str() && line["stage"] == "complete");
        assert_eq!(
            (&line["verdict"], &line["status"]),
            (&"error".into(), &502.into())
        );
    }
}

#[test]
fn a_big_answer_comes_whole() {
    let to = origin(|mut stream| {
        read_head(&mut stream);
        let size = 20 << 20;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").unwrap();
        for number in 0..size / 4096_u32 {
            stream.write_all(&[number as u8; 4096]).unwrap();
        }
    });
    let proxy = Proxy::start(&[]);
    let answer = proxy.ask(format!("GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n"));
    assert_eq!(answer.body.len(), 20 << 20);
    assert!(
        answer
            .body
            .chunks(4096)
            .enumerate()
            .all(|(number, chunk)| chunk.iter().all(|byte| *byte == number as u8))
    );
    assert!(complete(&proxy)["bytes"]["received"].as_u64().unwrap() > 20 << 20);
}

#[test]
fn an_answer_with_two_lengths_has_one_when_it_is_passed_on() {
    let (to, _heard) = scripted(
        head_is_whole,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    let proxy = Proxy::start(&[]);
    let bytes = format!("GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    let answer = String::from_utf8(proxy.say(bytes.as_bytes())).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("content-length"), "{head}");
    assert_eq!(dechunked(body).0, "ok");
}

#[test]
fn an_answer_without_a_length_that_is_reset_is_reset_for_the_client() {
    let to = origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").unwrap();
        // The other half: a reset, once the client has read the first.
        let _ = stream.read_exact(&mut [0; 1]);
        let linger = Some(std::time::Duration::ZERO);
        socket2::SockRef::from(&stream).set_linger(linger).unwrap();
    });
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    write!(
        stream,
        "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\nContent-Length: 1\r\n\r\n"
    )
    .unwrap();
    let (head, mut rest) = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    while rest.len() < 4 {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    assert_eq!(rest, b"half");
    stream.write_all(b"x").unwrap();
    let (more, is_orderly) = read_out(&mut stream);
    assert!(more.is_empty() && !is_orderly, "it looks whole");
    assert_eq!(complete(&proxy)["verdict"], "error");
}
