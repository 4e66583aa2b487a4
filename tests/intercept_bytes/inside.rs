//! What only an interception does: connections that outlive their client, answers of its own.

use crate::case::Case;
use crate::peer::{Leave, Seen};

const GET: &str = "GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const PUT: &str = "PUT /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\n\r\nabcdef";

pub fn cases() -> Vec<Case> {
    let mut cases = pooled();
    cases.extend(pinned());
    cases.extend(retried());
    cases.extend(refused());
    cases.extend(broken());
    cases
}

fn pooled() -> Vec<Case> {
    vec![
        Case::inside("the next client gets the connection that the last one left")
            .up(GET)
            .down(EMPTY)
            .new_client()
            .up(PUT)
            .down(EMPTY)
            .new_client()
            .up(GET)
            .down("HTTP/1.1 204 No\r\n\r\n"),
        Case::inside("a connection that the server closes is not used again")
            .up(GET)
            .down("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .origin_leaves(Leave::Close)
            .client_end(Seen::Closed)
            .next_origin()
            .new_client()
            .up(GET)
            .down(EMPTY),
        Case::inside("a connection with bytes that nobody asked for is not used again")
            .up(GET)
            .origin_sends(format!("{EMPTY}HTTP/1.1 200 Smuggled\r\n\r\n"))
            .client_sees(EMPTY)
            .new_client()
            .next_origin()
            .up(GET)
            .down(EMPTY),
        Case::inside("a connection whose request was not read whole is not used again")
            .client_sends("PUT /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\n\r\nabc")
            .origin_sees("PUT /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\n\r\nabc")
            // How the first one ends at the origin is the matter of other cases.
            .client_leaves(Leave::Reset)
            .new_client()
            .next_origin()
            .up(GET)
            .down(EMPTY),
    ]
}

fn pinned() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, scheme) in [("NTLM", "NTLM"), ("Negotiate", "Negotiate")] {
        let ask =
            format!("GET /a HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: {scheme} AAAA\r\n\r\n");
        let challenge = format!(
            "HTTP/1.1 401 Ask\r\nWWW-Authenticate: {scheme} BBBB\r\nContent-Length: 0\r\n\r\n"
        );
        cases.push(
            Case::inside(name)
                .up(GET)
                .down(format!(
                    "HTTP/1.1 401 Ask\r\nWWW-Authenticate: {scheme}\r\nContent-Length: 0\r\n\r\n"
                ))
                .up(&ask)
                .down(challenge)
                .up(&ask)
                .down(EMPTY)
                .up(GET)
                .down(EMPTY)
                .new_client()
                .next_origin()
                .up(GET)
                .down(EMPTY),
        );
    }
    cases
}

fn retried() -> Vec<Case> {
    vec![
        Case::inside("a connection that went stale")
            .up(GET)
            .down(EMPTY)
            .origin_leaves(Leave::Close)
            .next_origin()
            .up(PUT)
            .down(EMPTY),
        Case::inside("a connection that was reset while it was idle")
            .up(GET)
            .down(EMPTY)
            .origin_leaves(Leave::Reset)
            .next_origin()
            .up(PUT)
            .down(EMPTY),
        Case::inside("a used connection that ends in answer to a request without a body")
            .up(GET)
            .down(EMPTY)
            .up(GET)
            .origin_leaves(Leave::Close)
            .next_origin()
            .origin_sees(GET)
            .down(EMPTY),
        Case::inside("a body that was read is not sent again")
            .up(GET)
            .down(EMPTY)
            .up(PUT)
            .origin_leaves(Leave::Close)
            .client_refused(502, None),
        Case::inside("an answer that has begun is not asked for again")
            .up(GET)
            .down(EMPTY)
            .up(GET)
            .origin_sends("HTTP/1.1 200")
            .origin_leaves(Leave::Close)
            .client_refused(502, None),
        Case::inside("a request is sent again once")
            .up(GET)
            .down(EMPTY)
            .up(GET)
            .origin_leaves(Leave::Close)
            .next_origin()
            .origin_sees(GET)
            .origin_leaves(Leave::Close)
            .client_refused(502, None),
        Case::inside("a fresh connection that ends is no reason to ask again")
            .up(GET)
            .origin_leaves(Leave::Close)
            .client_refused(502, None),
    ]
}

fn refused() -> Vec<Case> {
    let bad = |name, request: &str| {
        Case::inside(name)
            .client_sends(request)
            .client_refused(400, Some("malformed-request"))
    };
    vec![
        bad("a fragment", "GET /a#b HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        bad("a bare LF", "GET /a HTTP/1.1\nHost: {host}\r\n\r\n"),
        bad(
            "a space before a colon",
            "GET /a HTTP/1.1\r\nHost : {host}\r\n\r\n",
        ),
        bad(
            "two Hosts",
            "GET /a HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
        ),
        bad("no Host", "GET /a HTTP/1.1\r\n\r\n"),
        bad(
            "a length and chunks",
            "POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        bad(
            "Connection that names what a signature covers",
            "GET /a HTTP/1.1\r\nHost: {host}\r\nConnection: X-Amz-Date\r\nX-Amz-Date: x\r\n\r\n",
        ),
        Case::inside("a malformed chunk")
            .up("POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            .client_sends("zz\r\n")
            .client_refused(400, Some("malformed-request"))
            .origin_end(Seen::Cut),
    ]
}

fn broken() -> Vec<Case> {
    let bad = |name, answer: &str| {
        Case::inside(name)
            .up(GET)
            .origin_sends(answer)
            .origin_leaves(Leave::Close)
            .client_refused(502, None)
    };
    vec![
        bad("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n"),
        bad(
            "an answer with bare LFs",
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        ),
        bad(
            "two different lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        bad(
            "a coding that nobody relays",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        bad(
            "an upgrade that nobody asked for",
            "HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ),
        Case::inside("chunks for an old client")
            .up("GET /a HTTP/1.0\r\nHost: {host}\r\n\r\n")
            .origin_sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            .client_refused(502, None),
        Case::inside("a malformed chunk down")
            .up(GET)
            .down("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            .origin_sends("zz\r\n")
            .client_end(Seen::Cut),
    ]
}
