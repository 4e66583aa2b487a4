//! Requests: targets, heads, bodies.

use crate::case::Case;
use crate::differences::Difference::{AbsoluteTarget, EmptyLine, HopByHop, TransferCodings};

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn get(target: impl AsRef<[u8]>) -> Vec<u8> {
    let target = target.as_ref();
    [b"GET ", target, b" HTTP/1.1\r\nHost: {host}\r\n\r\n"].concat()
}

/// Each of them up unchanged, each answered.
fn each(name: &'static str, requests: impl IntoIterator<Item = Vec<u8>>) -> Case {
    requests.into_iter().fold(Case::new(name), |case, request| {
        case.up(request).down(EMPTY)
    })
}

/// A request with these header lines.
fn with(lines: impl AsRef<[u8]>) -> Vec<u8> {
    let head = b"GET / HTTP/1.1\r\nHost: {host}\r\n";
    [head, lines.as_ref(), b"\r\n"].concat()
}

fn post(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let start = format!("POST /up HTTP/1.1\r\nHost: {{host}}\r\n{head}\r\n");
    [start.as_bytes(), body.as_ref()].concat()
}

pub fn cases() -> Vec<Case> {
    let mut cases = targets();
    cases.extend(heads());
    cases.extend(connection());
    cases.extend(bodies());
    cases
}

fn targets() -> Vec<Case> {
    let in_path = (0x21..=0xff_u8)
        .filter(|byte| !matches!(byte, b'#' | 0x7f))
        .map(|byte| get([b"/a", &[byte][..], b"z"].concat()));
    let in_query = (0x21..=0xff_u8)
        .filter(|byte| !matches!(byte, b'#' | 0x7f))
        .map(|byte| get([b"/q?k=", &[byte][..], b"&x"].concat()));
    let shapes = [
        "/",
        "//",
        "//a//b",
        "/a/",
        "/a/../b",
        "/a/./b",
        "/..",
        "/../../x",
        "/%2f",
        "/%2F%2e%2E/",
        "/%",
        "/%zz",
        "/%c3%28",
        "/?",
        "/a?",
        "/a??b",
        "/a?b?c",
        "/a;p=1;q/b;",
        "/a?x=1;y=2&&=&",
        "/a?b=c%26d+e",
        "/@",
        "/a@b:c",
        "/:80",
        "/http://other.test/x",
        "/a?u=https://other.test/",
        "/|\"{}^`\\<>",
        "/\\..\\x",
        "/*",
        "/~user/",
        "/caf\u{e9}/\u{2603}?\u{1f980}=1",
    ]
    .map(get);
    let long = get(format!("/{}?{}", "p".repeat(9_000), "q".repeat(9_000)));
    vec![
        each("every byte of a path", in_path),
        each("every byte of a query", in_query),
        each("shapes of targets", shapes),
        each("a long target", [long]),
        each(
            "methods",
            [
                "get",
                "PROPFIND",
                "M-SEARCH",
                "DELETE",
                "PATCH",
                "OPTIONS",
                "TRACE",
                "!#$%&'*+-.^_`|~9",
            ]
            .map(|method| format!("{method} / HTTP/1.1\r\nHost: {{host}}\r\n\r\n").into_bytes()),
        ),
        each(
            "OPTIONS *",
            [b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n".to_vec()],
        ),
        Case::new("an absolute target")
            .up_as(
                &[AbsoluteTarget],
                "GET https://{host}/a%2f?b HTTP/1.1\r\nHost: {host}\r\n\r\n",
                "GET /a%2f?b HTTP/1.1\r\nHost: {host}\r\n\r\n",
            )
            .down(EMPTY),
        Case::new("an empty line before a request")
            .up_as(
                &[EmptyLine],
                "\r\nGET / HTTP/1.1\r\nHost: {host}\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n",
            )
            .down(EMPTY),
    ]
}

fn heads() -> Vec<Case> {
    let high: Vec<u8> = (0x80..=0xff).collect();
    let low: Vec<u8> = (0x20..0x7f).collect();
    let many: String = (0..200).map(|n| format!("X-{n}: {}\r\n", n * n)).collect();
    let order =
        "B: 1\r\na: 1\r\nB: 2\r\nA: 2\r\nc: 1\r\nb: 3\r\nB: 1\r\nCookie: a=1\r\nCookie: b=2\r\n";
    vec![
        each(
            "case of header names",
            ["x-lower: 1\r\nX-UPPER: 1\r\nx-MiXeD: 1\r\nETag: x\r\nuser-AGENT: u\r\naccept: */*\r\n"]
                .map(with),
        ),
        each(
            "case of Host",
            ["hOST", "HOST", "host"]
                .map(|name| format!("GET / HTTP/1.1\r\nA: 1\r\n{name}: {{host}}\r\n\r\n").into_bytes()),
        ),
        each(
            "spellings of Host",
            [
                "Host:{host}", "Host: {host}:443", "Host:   {host}  ", "Host: {host}:",
            ]
            .map(|line| format!("GET / HTTP/1.1\r\n{line}\r\n\r\n").into_bytes()),
        ),
        each("every byte of a header name", [with("!#$%&'*+-.^_`|~09azAZ: 1\r\n")]),
        each(
            "obs-text in values",
            [with([b"X-High: ", &high[..], b"\r\nX-Low: ", &low[..], b"\r\n"].concat())],
        ),
        each(
            "spaces in values",
            [with("A:1\r\nB:   1   \r\nC:\t1\t\r\nD: a  b \t c\r\nE: \"q, \\\" r\"  ,  s\r\nF: ,,\r\n")],
        ),
        each("empty values", [with("A:\r\nB: \r\nC:\t \r\nD:  x\r\n")]),
        each(
            "a long value",
            [with(format!("X-Long: {}\r\n", "v".repeat(30_000)))],
        ),
        each("many lines", [with(many)]),
        each("order of lines", [with(order)]),
        each(
            "a signed request",
            [with(
                "x-amz-date: 20240101T000000Z\r\nX-Amz-Meta-A:  two  spaces \r\nExpect-CT: max-age=0\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date;x-amz-meta-a, Signature=00\r\n",
            )],
        ),
        each(
            "fields of proxies are the server's inside TLS",
            [with(
                "Proxy-Authorization: Basic eDp5\r\nProxy-Connection: keep-alive\r\nVia: 1.1 x\r\nForwarded: for=x\r\nX-Forwarded-For: x\r\nMax-Forwards: 3\r\n",
            )],
        ),
    ]
}

fn connection() -> Vec<Case> {
    let behind = |name, sent: &str, seen: &str| {
        Case::new(name)
            .up_as(&[HopByHop], with(sent), with(seen))
            .down(EMPTY)
    };
    vec![
        each(
            "Connection that is as true of the next leg",
            [
                "Connection: keep-alive\r\n",
                "connection:Keep-Alive\r\n",
                "TE: trailers\r\nConnection: TE\r\n",
                "te:  trailers\r\nCONNECTION: keep-alive, te\r\n",
                "A: 1\r\nConnection:\r\n",
            ]
            .map(with),
        ),
        behind(
            "fields that Connection names",
            "A: 1\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nB: 2\r\nx-hop: 2\r\n",
            "A: 1\r\nConnection: keep-alive\r\nB: 2\r\n",
        ),
        behind(
            "Keep-Alive",
            "Keep-Alive: timeout=5\r\nConnection: keep-alive\r\n",
            "Connection: keep-alive\r\n",
        ),
        behind(
            "an upgrade to HTTP/2",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nA: 1\r\n",
            "A: 1\r\n",
        ),
        behind(
            "an Upgrade that Connection does not name",
            "Upgrade: x\r\nA: 1\r\n",
            "A: 1\r\n",
        ),
        Case::new("transfer codings of the client")
            .up_as(
                &[TransferCodings],
                with("A: 1\r\nTE: gzip;q=0.5, trailers\r\nConnection: TE\r\n"),
                with("A: 1\r\nTE: trailers\r\nConnection: TE\r\n"),
            )
            .down(EMPTY),
        Case::new("transfer codings that nobody relays")
            .up_as(
                &[TransferCodings],
                with("TE: gzip\r\nConnection: TE, keep-alive\r\nA: 1\r\n"),
                with("Connection: keep-alive\r\nA: 1\r\n"),
            )
            .down(EMPTY),
    ]
}

fn bodies() -> Vec<Case> {
    let chunks =
        "5;sig=\"a b\"\r\nhello\r\n001\r\n!\r\nA;x;y=1;z=\"q;\\\"\"\r\n0123456789\r\nfF\r\n";
    let odd = format!("{chunks}{}\r\n0\r\n\r\n", "z".repeat(255));
    let chunked = "Transfer-Encoding: chunked\r\n";
    let binary: Vec<u8> = (0..70_000_u32).map(|n| (n % 256) as u8).collect();
    let signed = format!(
        "400;chunk-signature={}\r\n{}\r\n0;chunk-signature={}\r\n\r\n",
        "a".repeat(64),
        "d".repeat(1024),
        "b".repeat(64)
    );
    let trailing = format!(
        "400\r\n{}\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{}\r\n\r\n",
        "d".repeat(1024),
        "c".repeat(64)
    );
    let aws = |body: &str, more: &str| {
        post(
            &format!(
                "Content-Encoding: aws-chunked\r\nx-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\nx-amz-decoded-content-length: 1024\r\n{more}Content-Length: {}\r\n",
                body.len()
            ),
            body,
        )
    };
    let piece = |size: usize| vec![0x5a; size];
    vec![
        each(
            "bodies with a length",
            [
                post("Content-Length: 5\r\n", "hello"),
                post("content-length: 0\r\n", ""),
                post("Content-Length: 0005\r\n", "hello"),
                post("Content-Length: 70000\r\n", binary),
                post("Content-Length: 9\r\n", "GET / HTT"),
            ],
        ),
        each("a body on GET and DELETE", [
            b"GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nab".to_vec(),
            b"DELETE / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".to_vec(),
        ]),
        each("odd chunks and extensions", [post(chunked, odd)]),
        each("spelling of chunked", [post("TRANSFER-encoding:  Chunked \r\n", "0\r\n\r\n")]),
        each(
            "declared trailers",
            [post(
                "Trailer: X-A, X-B\r\nTransfer-Encoding: chunked\r\n",
                "1\r\na\r\n0\r\nX-A: 1\r\nx-b:2 \r\n\r\n",
            )],
        ),
        each(
            "undeclared trailers",
            [post(chunked, "1\r\na\r\n00\r\nx-sUm: \"1\"\r\nEmpty:\r\nX-High: \u{e9}\r\nx-sum: 2\r\n\r\n")],
        ),
        each("a signed stream with a length", [aws(&signed, "")]),
        each(
            "a signed stream with trailers",
            [aws(&trailing, "x-amz-trailer: x-amz-checksum-crc32c\r\n")],
        ),
        each(
            "a signed stream in chunks",
            [post(
                "Content-Encoding: aws-chunked\r\nTransfer-Encoding: chunked\r\nx-amz-trailer: x-amz-checksum-crc32c\r\n",
                format!("{:x}\r\n{trailing}\r\n0\r\n\r\n", trailing.len()),
            )],
        ),
        Case::new("a body drips up")
            .up(post("Content-Length: 4\r\n", ""))
            .up("a").up("b").up("c").up("d")
            .down(EMPTY),
        Case::new("chunks drip up, cut anywhere")
            .up(post(chunked, ""))
            .up("1").up(";x").up("\r").up("\na\r\n").up("2\r\nb").up("c\r\n0").up("\r\nX:").up(" 1\r\n\r").up("\n")
            .down(EMPTY),
        Case::new("a head drips up")
            .client_sends("GET / HT")
            .client_sends("TP/1.1\r\nHo")
            .client_sends("st: {host}\r\nA: 1\r")
            .client_sends("\n\r")
            .client_sends("\n")
            .origin_sees("GET / HTTP/1.1\r\nHost: {host}\r\nA: 1\r\n\r\n")
            .down(EMPTY),
        Case::new("much up, much down")
            .up(post("Content-Length: 6000000\r\n", ""))
            .pour_up(piece(6_000_000))
            .down("HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n")
            .pour_down(piece(6_000_000)),
    ]
}
