//! Answers: heads, bodies, interim ones.

use crate::case::Case;
use crate::differences::Difference::{HopByHop, InterimForOld, Lengths};
use crate::peer::{Leave, Seen};

const GET: &str = "GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n";
const HEAD: &str = "HEAD /a HTTP/1.1\r\nHost: {host}\r\n\r\n";
const OLD: &str = "GET /a HTTP/1.0\r\nHost: {host}\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Each of them down unchanged, in answer to `request`.
fn each<B: AsRef<[u8]>>(
    name: &'static str,
    request: &str,
    answers: impl IntoIterator<Item = B>,
) -> Case {
    answers.into_iter().fold(Case::new(name), |case, answer| {
        case.up(request).down(answer)
    })
}

/// One that ends with the connection.
fn last(name: &'static str, request: &str, answer: impl AsRef<[u8]>) -> Case {
    Case::new(name)
        .up(request)
        .down(answer)
        .origin_leaves(Leave::Close)
        .client_end(Seen::Closed)
}

pub fn cases() -> Vec<Case> {
    let mut cases = heads();
    cases.extend(bodies());
    cases.extend(bodiless());
    cases.extend(interim());
    cases.extend(connection());
    cases
}

fn heads() -> Vec<Case> {
    let high: Vec<u8> = (0x80..=0xff).collect();
    let many: String = (0..200).map(|n| format!("X-{n}: {}\r\n", n * n)).collect();
    vec![
        each(
            "status lines",
            GET,
            [
                "200 OK", "200 ", "200", "299 My Own  Reason", "404 Not Found", "500 caf\u{e9}",
                "418 \t", "600 What", "999 Blocked",
            ]
            .map(|line| format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")),
        ),
        each(
            "heads of answers",
            GET,
            [
                b"HTTP/1.1 200 OK\r\nsErVeR: x\r\nSet-Cookie: a=1\r\nX-A:1\r\nset-cookie:  b=2 \r\nEmpty:\r\nx-a: 2\r\nContent-Length:   0\r\n\r\n".to_vec(),
                [b"HTTP/1.1 200 OK\r\nX-High: ", &high[..], b"\r\nContent-Length: 0\r\n\r\n"].concat(),
                format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n").into_bytes(),
                format!("HTTP/1.1 200 OK\r\nX: {}\r\ncontent-length: 0\r\n\r\n", "v".repeat(30_000)).into_bytes(),
            ],
        ),
        each(
            "fields of proxies in answers",
            GET,
            ["HTTP/1.1 407 Ask\r\nProxy-Authenticate: Basic realm=x\r\nProxy-Authentication-Info: x\r\nVia: 1.1 x\r\nContent-Length: 0\r\n\r\n"],
        ),
        each(
            "redirects",
            GET,
            [301, 302, 303, 307, 308].map(|status| {
                format!("HTTP/1.1 {status} Away\r\nLocation: //x.test/%2f|?#f\r\nContent-Length: 3\r\n\r\nabc")
            }),
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    vec![
        each(
            "answers with a length",
            GET,
            [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 05\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 ",
                "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
            ],
        ),
        each(
            "chunked answers",
            GET,
            [
                format!("{chunked}\r\n3;a=b;c=\"d \"\r\nabc\r\n0001\r\nd\r\n0;last\r\n\r\n"),
                format!("{chunked}Trailer: X-T\r\n\r\n0\r\nX-T: 1\r\n\r\n"),
                format!("{chunked}\r\n1\r\na\r\n0\r\nundeclared:  2 \r\nX-T:\r\n\r\n"),
                format!("{chunked}\r\n0\r\n\r\n"),
            ],
        ),
        each(
            "ranges",
            "GET /a HTTP/1.1\r\nHost: {host}\r\nRange: bytes=0-1,  4-\r\nIf-Range: \"x\"\r\n\r\n",
            [
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=B\r\nContent-Length: 82\r\n\r\n--B\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--B\r\nContent-Range: bytes 4-4/9\r\n\r\ne\r\n--B--",
                "HTTP/1.1 416 No\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n",
            ],
        ),
        last("until close", GET, "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nsome bytes"),
        last("until close, said", GET, "HTTP/1.1 200 OK\r\nconnection:  Close\r\n\r\nsome bytes"),
        last("until close, empty", GET, "HTTP/1.1 200 OK\r\n\r\n"),
        last("an old server, until close", GET, "HTTP/1.0 200 OK\r\n\r\nsome bytes"),
        last("an old server with a length", GET, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        each(
            "an old server that keeps the connection",
            GET,
            ["HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"; 2],
        ),
        last("an old client", OLD, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        last("an old client, until close", OLD, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"),
        last("an old client without Host", "GET /a HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nabc"),
        each(
            "an old client that keeps the connection",
            "GET /a HTTP/1.0\r\nHost: {host}\r\nConnection: Keep-Alive\r\n\r\n",
            ["HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"; 2],
        ),
        Case::new("an answer drips down")
            .up(GET)
            .origin_sends("HTTP/1.1 2")
            .origin_sends("00 OK\r\nContent-Le")
            .origin_sends("ngth: 3\r\n\r")
            .origin_sends("\n")
            .client_sees("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            .down("a").down("b").down("c"),
        Case::new("events, each before the next")
            .up("GET /events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n")
            .down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .down("d\r\ndata: first\n\n\r\n")
            .down("e\r\ndata: second\n\n\r\n")
            .down("2\r\n:\n")
            .down("\r\n1")
            .down("\r\n\n\r\n")
            .down("0\r\n\r\n"),
        Case::new("events until close")
            .up(GET)
            .down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            .down("data: first\n\n").down("data: second\n\n").down(":").down("\n")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
    ]
}

fn bodiless() -> Vec<Case> {
    vec![
        each(
            "answers to HEAD",
            HEAD,
            [
                "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\n\r\n",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n",
                "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            ],
        ),
        each(
            "answers that have no body",
            GET,
            [
                "HTTP/1.1 204 No Content\r\n\r\n",
                "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n",
                "HTTP/1.1 304 Not Modified\r\n\r\n",
            ],
        ),
        each(
            "a length and chunks on 304",
            GET,
            ["HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"],
        ),
        Case::new("lengths that contradict")
            .up(GET)
            .down_as(
                &[Lengths],
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            )
            .up(GET)
            .down_as(
                &[Lengths],
                "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            )
            .up(GET)
            .down_as(
                &[Lengths],
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            )
            .up(GET)
            .down_as(
                &[Lengths],
                "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
                "HTTP/1.1 204 No Content\r\n\r\n",
            )
            .up(GET)
            .down_as(
                &[Lengths],
                "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
                "HTTP/1.1 204 No Content\r\n\r\n",
            ),
    ]
}

fn interim() -> Vec<Case> {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nlink: </b>\r\n\r\n";
    vec![
        Case::new("interim answers")
            .up(GET)
            .down("HTTP/1.1 100 Continue\r\n\r\n")
            .down("HTTP/1.1 102 Processing\r\n\r\n")
            .down(hints)
            .down(hints)
            .down("HTTP/1.1 199 \r\nX: 1\r\n\r\n")
            .down(EMPTY),
        Case::new("interim answers and the final one at once")
            .up(GET)
            .down(format!("HTTP/1.1 102 P\r\n\r\n{hints}{EMPTY}")),
        Case::new("interim answers to an old client")
            .up(OLD)
            .down_as(
                &[InterimForOld],
                format!("{hints}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            )
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
    ]
}

fn connection() -> Vec<Case> {
    let close = "GET /a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    vec![
        each(
            "Connection of an answer",
            GET,
            [
                "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nCONNECTION:Keep-Alive\r\nContent-Length: 0\r\n\r\n",
            ],
        ),
        Case::new("hop-by-hop fields of an answer")
            .up(GET)
            .down_as(
                &[HopByHop],
                "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nConnection: X-Gone, Keep-Alive\r\nX-Gone: 1\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
            ),
        Case::new("an offer of HTTP/2")
            .up(GET)
            .down_as(
                &[HopByHop],
                "HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
        Case::new("an upgrade that is required")
            .up(GET)
            .down("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"),
        Case::new("close asked and granted")
            .up(close)
            .down(closing)
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("close asked and not mentioned")
            .up(close)
            .down("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("close by the server")
            .up(GET)
            .down(closing)
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("requests one after the other")
            .up(GET).down(EMPTY).up(HEAD).down("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            .up(GET).down("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
            .up("POST /b HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\nx").down(EMPTY),
    ]
}
