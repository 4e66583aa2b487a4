//! The course of an exchange: pipelining, expectations, upgrades, ends of every kind.

use crate::case::Case;
use crate::differences::Difference::{ClientReset, EarlyAnswer, OwnContinue, Truncation};
use crate::peer::{Leave, Seen};

const GET: &str = "GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const PUT: &str = "PUT /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\n\r\n";
const EXPECTING: &str =
    "PUT /a HTTP/1.1\r\nHost: {host}\r\nexpect:  100-Continue\r\nContent-Length: 6\r\n\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

pub fn cases() -> Vec<Case> {
    let mut cases = expectations();
    cases.extend(early());
    cases.extend(upgrades());
    cases.extend(cut_by_the_origin());
    cases.extend(ended_by_the_client());
    cases
}

fn expectations() -> Vec<Case> {
    vec![
        Case::new("leave to send a body")
            .up(EXPECTING)
            .down("HTTP/1.1 100 Go On\r\nX: y\r\n\r\n")
            .up("abc").up("def")
            .down(EMPTY).up(GET).down(EMPTY),
        Case::new("leave after other interim answers")
            .up(EXPECTING)
            .down("HTTP/1.1 103 Early Hints\r\n\r\n")
            .down(CONTINUE)
            .up("abcdef")
            .down("HTTP/1.1 102 Processing\r\n\r\n")
            .down(EMPTY),
        Case::new("a redirect instead of leave")
            .up(EXPECTING)
            .down_as(
                &[EarlyAnswer],
                "HTTP/1.1 307 Away\r\nLocation: /b\r\nContent-Length: 2\r\n\r\nno",
                "HTTP/1.1 307 Away\r\nLocation: /b\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
            ),
        Case::new("a refusal instead of leave")
            .up(EXPECTING)
            .down("HTTP/1.1 417 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("a server that never gives leave")
            .up(EXPECTING)
            .client_sees_as(&[OwnContinue], "", CONTINUE)
            .up("abcdef")
            .down(EMPTY).up(GET).down(EMPTY),
        Case::new("leave that comes late")
            .up(EXPECTING)
            .client_sees_as(&[OwnContinue], "", CONTINUE)
            .origin_sends(CONTINUE)
            .client_sees_as(&[OwnContinue], CONTINUE, "")
            .up("abcdef")
            .down(EMPTY),
        Case::new("a client that does not wait")
            .up(format!("{EXPECTING}abcdef"))
            .down(EMPTY).up(GET).down(EMPTY),
        Case::new("a client that stops waiting")
            .up(EXPECTING)
            .up("abc").up("def")
            .down(EMPTY).up(GET).down(EMPTY),
        Case::new("a client that stops waiting, and leave that comes late")
            .up(EXPECTING)
            .up("abc")
            .down(CONTINUE)
            .up("def")
            .down(EMPTY),
        Case::new("chunks that wait for leave")
            .up("PUT /a HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
            .down(CONTINUE)
            .up("1\r\na\r\n0\r\n\r\n")
            .down(EMPTY),
        Case::new("an expectation without a body")
            .up("GET /a HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\n\r\n")
            .down(EMPTY).up(GET).down(EMPTY),
    ]
}

fn early() -> Vec<Case> {
    let early = "HTTP/1.1 413 Too Big\r\nContent-Length: 3\r\n\r\nbig";
    let closing = "HTTP/1.1 413 Too Big\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig";
    vec![
        Case::new("a final answer during the upload")
            .up(PUT)
            .up("abc")
            .down_as(&[EarlyAnswer], early, closing)
            .up("def"),
        Case::new("a final answer during the upload, then the end")
            .up(PUT)
            .up("abc")
            .down(closing)
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("both directions at once")
            .up("POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n")
            .down("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
            .up("1\r\na\r\n")
            .down("1\r\nA\r\n")
            .up("1\r\nb\r\n")
            .down("1\r\nB\r\n")
            .up("0\r\n\r\n")
            .down("0\r\n\r\n"),
        Case::new("pipelined requests")
            .client_sends(format!("{GET}{PUT}abcdef{}", GET.replace("/a", "/c")))
            .origin_sees(GET)
            .down(EMPTY)
            .origin_sees(format!("{PUT}abcdef"))
            .down("HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx")
            .origin_sees(GET.replace("/a", "/c"))
            .down(EMPTY),
    ]
}

fn upgrades() -> Vec<Case> {
    let request = "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    let answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection:Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
    vec![
        Case::new("a WebSocket")
            .up(request)
            .down(answer)
            .up(b"\x81\x81\0\0\0\0a")
            .down(b"\x81\x01b")
            .up(b"\x89\x80\0\0\0\0")
            .down(b"\x8a\0")
            .up(GET)
            .down(EMPTY)
            .client_leaves(Leave::Close)
            .origin_end(Seen::Closed)
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("a WebSocket, read ahead")
            .client_sends(format!("{request}early"))
            .origin_sees(request)
            .origin_sends(format!("{answer}frame"))
            .client_sees(format!("{answer}frame"))
            .origin_sees("early")
            .up("x")
            .down("y")
            .client_leaves(Leave::Close)
            .origin_end(Seen::Closed)
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("a WebSocket that the client half-closes")
            .up(request)
            .down(answer)
            .up("last")
            .client_leaves(Leave::HalfClose)
            .origin_end(Seen::Closed)
            .down("more")
            .down("and more")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("a WebSocket that the server half-closes")
            .up(request)
            .down(answer)
            .down("last")
            .origin_leaves(Leave::HalfClose)
            .client_end(Seen::Closed)
            .up("more")
            .up("and more")
            .client_leaves(Leave::Close)
            .origin_end(Seen::Closed),
        Case::new("a WebSocket that is refused")
            .up(request)
            .down("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
            .up(GET)
            .down(EMPTY),
        Case::new("an unknown protocol")
            .up("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\n")
            .down("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            .up("up")
            .down("down")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed)
            .client_leaves(Leave::Close)
            .origin_end(Seen::Closed),
        Case::new("a WebSocket that the server cuts")
            .up(request)
            .down(answer)
            .down("last")
            .origin_leaves(Leave::Cut)
            .client_end(Seen::Cut),
        Case::new("a WebSocket that the client cuts")
            .up(request)
            .down(answer)
            .up("last")
            .client_leaves(Leave::Cut)
            .origin_end(Seen::Cut),
    ]
}

fn cut_by_the_origin() -> Vec<Case> {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let cut = |name, answer: &str| {
        Case::new(name)
            .up(GET)
            .down(answer)
            .origin_leaves(Leave::Cut)
            .client_end(Seen::Cut)
    };
    let closed = |name, answer: &str| {
        Case::new(name)
            .up(GET)
            .down(answer)
            .origin_leaves(Leave::Close)
            .client_end_as(&[Truncation], Seen::Closed, Seen::Cut)
    };
    let reset = |name, answer: &str| {
        Case::new(name)
            .up(GET)
            .down(answer)
            .origin_leaves(Leave::Reset)
            .client_end(Seen::Reset)
    };
    let until_close = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc";
    vec![
        cut("a length that the server cuts", length),
        cut("chunks that the server cuts", chunked),
        cut("until close, without close_notify", until_close),
        closed("a length that the server ends early", length),
        closed("chunks that the server ends early", chunked),
        reset("a length that the server resets", length),
        reset("chunks that the server resets", chunked),
        reset("until close, reset", until_close),
    ]
}

fn ended_by_the_client() -> Vec<Case> {
    let until_close = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    vec![
        Case::new("a client that half-closes and waits")
            .up(GET)
            .client_leaves(Leave::HalfClose)
            .down("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            .down("abc"),
        Case::new("a client that half-closes behind a body")
            .up(format!("{PUT}abcdef"))
            .client_leaves(Leave::HalfClose)
            .down(until_close)
            .down("abc")
            .down("def")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed),
        Case::new("a client that cuts its body")
            .up(PUT)
            .up("abc")
            .client_leaves(Leave::Cut)
            .origin_end(Seen::Cut),
        Case::new("a client that resets its body")
            .up(PUT)
            .up("abc")
            .client_leaves(Leave::Reset)
            .origin_end_as(&[ClientReset], Seen::Reset, Seen::Cut),
        Case::new("a client that resets while the answer is under way")
            .up(GET)
            .down(until_close)
            .down("abc")
            .client_leaves(Leave::Reset)
            .origin_end_as(&[ClientReset], Seen::Reset, Seen::Cut),
    ]
}
