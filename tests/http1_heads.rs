//! The strict reader of HTTP/1 heads: tables of what passes and what does not, every prefix, and
//! httparse as a second opinion.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use outgate::logic::wire::http1::ClientLeg;
use outgate::logic::wire::http1::Framing;
use outgate::logic::wire::http1::HeadError;
use outgate::logic::wire::http1::HeadLimits;
use outgate::logic::wire::http1::Manner;
use outgate::logic::wire::http1::RequestHead;
use outgate::logic::wire::http1::RequestTarget;
use outgate::logic::wire::http1::UpstreamLeg;
use outgate::logic::wire::http1::Version;
use outgate::logic::wire::http1::client_head;
use outgate::logic::wire::http1::parent_head;
use outgate::logic::wire::http1::read_request_head;
use outgate::logic::wire::http1::read_response_head;
use outgate::logic::wire::http1::upstream_head;
use proptest::prelude::*;

fn request(bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
    read_request_head(bytes, HeadLimits::default())
}

fn whole(bytes: impl AsRef<[u8]>) -> RequestHead {
    request(bytes.as_ref()).unwrap().unwrap().0
}

/// A request with these header lines.
fn with(lines: &str) -> Vec<u8> {
    format!("GET http://h/ HTTP/1.1\r\n{lines}\r\n").into_bytes()
}

const REFUSED: &[(&str, HeadError)] = &[
    // Lines.
    ("GET http://h/ HTTP/1.1\nHost: h\n\n", HeadError::BareLf),
    ("GET http://h/ HTTP/1.1\r\nHost: h\n\r\n", HeadError::BareLf),
    ("GET http://h/ HTTP/1.1\r\nHost: h\r\n\n", HeadError::BareLf),
    ("GET http://h/ HTTP/1.1\rHost: h\r\n\r\n", HeadError::BareCr),
    (
        "GET http://h/ HTTP/1.1\r\nA: b\rc\r\n\r\n",
        HeadError::BareCr,
    ),
    (
        "GET http://h/ HTTP/1.1\r\r\nHost: h\r\n\r\n",
        HeadError::BareCr,
    ),
    (
        "\r\n\r\nGET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        HeadError::EmptyLine,
    ),
    (
        "\n\nGET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        HeadError::BareLf,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nA: b\0c\r\n\r\n",
        HeadError::ControlByte,
    ),
    ("GET http://h/\x01 HTTP/1.1\r\n\r\n", HeadError::ControlByte),
    (
        "GET http://h/ HTTP/1.1\r\nA: b\x7f\r\n\r\n",
        HeadError::ControlByte,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        HeadError::FoldedLine,
    ),
    (
        "GET http://h/ HTTP/1.1\r\n\tA: b\r\n\r\n",
        HeadError::FoldedLine,
    ),
    // Request line.
    (" GET http://h/ HTTP/1.1\r\n\r\n", HeadError::Method),
    ("G(T http://h/ HTTP/1.1\r\n\r\n", HeadError::Method),
    ("G\u{e9}T http://h/ HTTP/1.1\r\n\r\n", HeadError::Method),
    ("GET\thttp://h/\tHTTP/1.1\r\n\r\n", HeadError::Method),
    ("GET  http://h/ HTTP/1.1\r\n\r\n", HeadError::RequestLine),
    ("GET http://h/ HTTP/1.1 \r\n\r\n", HeadError::RequestLine),
    ("GET http://h/a b HTTP/1.1\r\n\r\n", HeadError::RequestLine),
    ("GET http://h/a\tb HTTP/1.1\r\n\r\n", HeadError::RequestLine),
    ("GET http://h/\r\n\r\n", HeadError::RequestLine),
    ("GET http://h/ HTTP/1.2\r\n\r\n", HeadError::Version),
    ("GET http://h/ HTTP/2.0\r\n\r\n", HeadError::Version),
    ("GET http://h/ http/1.1\r\n\r\n", HeadError::Version),
    ("GET http://h/ HTTP/1.10\r\n\r\n", HeadError::Version),
    ("GET http://h/ HTTP/01.1\r\n\r\n", HeadError::Version),
    // Targets.
    ("CONNECT h:99999 HTTP/1.1\r\n\r\n", HeadError::TargetPort),
    ("CONNECT h:0 HTTP/1.1\r\n\r\n", HeadError::TargetPort),
    ("CONNECT h: HTTP/1.1\r\n\r\n", HeadError::TargetPort),
    ("CONNECT h HTTP/1.1\r\n\r\n", HeadError::TargetPort),
    ("CONNECT h:+443 HTTP/1.1\r\n\r\n", HeadError::TargetPort),
    (
        "CONNECT u:p@h:443 HTTP/1.1\r\n\r\n",
        HeadError::TargetUserinfo,
    ),
    ("CONNECT :443 HTTP/1.1\r\n\r\n", HeadError::TargetHost),
    ("CONNECT ::1:443 HTTP/1.1\r\n\r\n", HeadError::TargetHost),
    (
        "CONNECT [fe80::1%25eth0]:443 HTTP/1.1\r\n\r\n",
        HeadError::TargetHost,
    ),
    (
        "CONNECT b\u{fc}cher.example:443 HTTP/1.1\r\n\r\n",
        HeadError::TargetHost,
    ),
    ("CONNECT h:443/ HTTP/1.1\r\n\r\n", HeadError::Target),
    ("CONNECT http://h:443 HTTP/1.1\r\n\r\n", HeadError::Target),
    ("CONNECT h:443#f HTTP/1.1\r\n\r\n", HeadError::Fragment),
    ("CONNECT h,i:443 HTTP/1.1\r\n\r\n", HeadError::TargetHost),
    ("GET http://h/#f HTTP/1.1\r\n\r\n", HeadError::Fragment),
    ("GET /#f HTTP/1.1\r\n\r\n", HeadError::Fragment),
    ("GET http:/// HTTP/1.1\r\n\r\n", HeadError::TargetHost),
    ("GET http://:80/ HTTP/1.1\r\n\r\n", HeadError::TargetHost),
    ("GET http://?x HTTP/1.1\r\n\r\n", HeadError::TargetHost),
    ("GET http://h:0/ HTTP/1.1\r\n\r\n", HeadError::TargetPort),
    (
        "GET http://h:65536/ HTTP/1.1\r\n\r\n",
        HeadError::TargetPort,
    ),
    (
        "GET http://h:80:80/ HTTP/1.1\r\n\r\n",
        HeadError::TargetHost,
    ),
    (
        "GET http://a@b@h/ HTTP/1.1\r\n\r\n",
        HeadError::TargetUserinfo,
    ),
    (
        "GET http://a\\@h/ HTTP/1.1\r\n\r\n",
        HeadError::TargetUserinfo,
    ),
    ("GET http://a\\b/ HTTP/1.1\r\n\r\n", HeadError::Target),
    ("GET ftp://h/ HTTP/1.1\r\n\r\n", HeadError::Scheme),
    ("GET http:/h/ HTTP/1.1\r\n\r\n", HeadError::Target),
    ("GET h:443 HTTP/1.1\r\n\r\n", HeadError::Target),
    ("GET h HTTP/1.1\r\n\r\n", HeadError::Target),
    ("GET * HTTP/1.1\r\n\r\n", HeadError::Target),
    ("GET ?x HTTP/1.1\r\n\r\n", HeadError::Target),
    // Header lines.
    (
        "GET http://h/ HTTP/1.1\r\nHost h\r\n\r\n",
        HeadError::HeaderLine,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost : h\r\n\r\n",
        HeadError::SpaceBeforeColon,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost\t: h\r\n\r\n",
        HeadError::SpaceBeforeColon,
    ),
    (
        "GET http://h/ HTTP/1.1\r\n: h\r\n\r\n",
        HeadError::HeaderName,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHo st: h\r\n\r\n",
        HeadError::HeaderName,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nH\u{f6}st: h\r\n\r\n",
        HeadError::HeaderName,
    ),
    // Host.
    ("GET http://h/ HTTP/1.1\r\n\r\n", HeadError::HostMissing),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n",
        HeadError::HostTwice,
    ),
    (
        "GET http://h/ HTTP/1.0\r\nHost: h\r\nhost: h\r\n\r\n",
        HeadError::HostTwice,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost:\r\n\r\n",
        HeadError::HostValue,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h, i\r\n\r\n",
        HeadError::HostValue,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h/x\r\n\r\n",
        HeadError::HostValue,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: u@h\r\n\r\n",
        HeadError::HostValue,
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h:99999\r\n\r\n",
        HeadError::HostValue,
    ),
];

/// Refused when they follow `GET http://h/ HTTP/1.1` and `Host: h`.
const REFUSED_LINES: &[(&str, HeadError)] = &[
    (
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        HeadError::LengthAndEncoding,
    ),
    (
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        HeadError::LengthTwice,
    ),
    (
        "Content-Length: 1\r\ncontent-length: 1\r\n",
        HeadError::LengthTwice,
    ),
    ("Content-Length: 1, 1\r\n", HeadError::LengthValue),
    ("Content-Length: +1\r\n", HeadError::LengthValue),
    ("Content-Length: -1\r\n", HeadError::LengthValue),
    ("Content-Length: 0x1\r\n", HeadError::LengthValue),
    ("Content-Length: 1 1\r\n", HeadError::LengthValue),
    ("Content-Length:\r\n", HeadError::LengthValue),
    (
        "Content-Length: 18446744073709551616\r\n",
        HeadError::LengthValue,
    ),
    (
        "Transfer-Encoding: gzip, chunked\r\n",
        HeadError::TransferEncoding,
    ),
    (
        "Transfer-Encoding: chunked, chunked\r\n",
        HeadError::TransferEncoding,
    ),
    (
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        HeadError::TransferEncoding,
    ),
    (
        "Transfer-Encoding: identity\r\n",
        HeadError::TransferEncoding,
    ),
    (
        "Transfer-Encoding: xchunked\r\n",
        HeadError::TransferEncoding,
    ),
    (
        "Transfer-Encoding: chunked;q=1\r\n",
        HeadError::TransferEncoding,
    ),
    ("Transfer-Encoding:\r\n", HeadError::TransferEncoding),
    (
        "Transfer-Encoding: \"chunked\"\r\n",
        HeadError::TransferEncoding,
    ),
    ("Connection: close, Host\r\n", HeadError::ConnectionNames),
    ("Connection: authorization\r\n", HeadError::ConnectionNames),
    ("Connection: content-length\r\n", HeadError::ConnectionNames),
    (
        "Connection: transfer-encoding\r\n",
        HeadError::ConnectionNames,
    ),
    (
        "Connection: close\r\nConnection: X-Amz-Date\r\n",
        HeadError::ConnectionNames,
    ),
];

fn all_refused() -> Vec<(Vec<u8>, HeadError)> {
    let lines = REFUSED_LINES
        .iter()
        .map(|(lines, error)| (with(&format!("Host: h\r\n{lines}")), *error));
    REFUSED
        .iter()
        .map(|(head, error)| (head.as_bytes().to_vec(), *error))
        .chain(lines)
        .collect()
}

const READ: &[&str] = &[
    "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
    "CONNECT h:443 HTTP/1.0\r\n\r\n",
    "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 0\r\n\r\n",
    "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
    "get http://h?x HTTP/1.1\r\nHost:h\r\n\r\n",
    "GET HTTP://H:/ HTTP/1.1\r\nHost: h:\r\n\r\n",
    "\r\nPUT http://u:p@h:8080/a?b=c HTTP/1.1\r\nhOST: \t h:8080 \t\r\nExpect: 100-Continue\r\nContent-Length: 007\r\n\r\n",
    "POST http://h/{\"<>\\^`|}%zz HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nX: a\tb\r\nX:\r\nX:  \r\n\r\n",
    "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close, ,X-Foo\r\nX-Foo: b\u{fc}\r\n\r\n",
];

#[test]
fn what_rfc_9112_forbids_is_refused_by_name() {
    for (head, error) in all_refused() {
        assert_eq!(
            request(&head).err(),
            Some(error),
            "{:?}",
            String::from_utf8_lossy(&head)
        );
    }
    for lines in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let head = format!("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n{lines}\r\n");
        assert_eq!(request(head.as_bytes()).err(), Some(HeadError::ConnectBody));
    }
    let head = b"POST http://h/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(request(head).err(), Some(HeadError::EncodingInHttp10));
}

#[test]
fn every_prefix_of_a_good_head_is_incomplete() {
    for head in READ {
        let head = head.as_bytes();
        for end in 0..head.len() {
            let part = head.get(..end).unwrap();
            assert_eq!(
                request(part).map(|read| read.is_some()),
                Ok(false),
                "{part:?}"
            );
        }
        let mut longer = head.to_vec();
        longer.extend_from_slice(b"\0GET");
        assert_eq!(request(&longer).unwrap().unwrap().1, head.len());
    }
}

#[test]
fn a_verdict_does_not_depend_on_where_the_bytes_were_cut() {
    for (head, error) in all_refused() {
        let verdicts: Vec<_> = (0..=head.len())
            .filter_map(|end| request(head.get(..end).unwrap()).err())
            .collect();
        assert!(verdicts.iter().all(|found| *found == error), "{verdicts:?}");
    }
}

#[test]
fn faults_are_told_as_soon_as_they_are_certain() {
    for (part, error) in [
        ("GET http://h/ HTTP/1.1\r\nHost: h\n", HeadError::BareLf),
        ("CONNECT h:0 HTTP/1.1\r\n", HeadError::TargetPort),
        ("GET http://h/ HTTP/1.1\r\nA b\r\n", HeadError::HeaderLine),
        ("GET http://h/ HTTP/1.1\r\nA: b\r\n ", HeadError::FoldedLine),
        ("GET http://h/\0", HeadError::ControlByte),
    ] {
        assert_eq!(request(part.as_bytes()).err(), Some(error), "{part:?}");
    }
}

#[test]
fn limits_hold_at_the_byte_and_at_the_line() {
    let head = b"GET http://h/ HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    let read = |bytes, headers| read_request_head(head, HeadLimits { bytes, headers }).err();
    assert_eq!(read(head.len(), 2), None);
    assert_eq!(read(head.len() - 1, 2), Some(HeadError::HeadBytes));
    assert_eq!(read(head.len(), 1), Some(HeadError::HeaderCount));
    let many = with(&format!("Host: h\r\n{}", "A: b\r\n".repeat(255)));
    assert_eq!(whole(&many).headers.len(), 256);
    let more = with(&format!("Host: h\r\n{}", "A: b\r\n".repeat(256)));
    assert_eq!(request(&more).err(), Some(HeadError::HeaderCount));
}

#[test]
fn targets_keep_their_bytes() {
    let head = whole(READ[6]);
    let RequestTarget::Absolute {
        authority,
        authority_as_sent,
        userinfo,
        path_and_query,
        ..
    } = head.target
    else {
        panic!("absolute");
    };
    assert_eq!(authority.to_string(), "h:8080");
    assert_eq!(authority_as_sent, "h:8080");
    let userinfo = userinfo.unwrap();
    assert!(userinfo.has_password());
    assert_eq!(userinfo.byte_len(), 3);
    assert_eq!(path_and_query.as_bytes(), b"/a?b=c");
    assert_eq!(head.framing, Framing::Length(7));
    assert!(head.expects_continue);
    assert_eq!(whole(READ[3]).target.path_and_query(), b"");
    assert_eq!(whole(READ[4]).target.path_and_query(), b"?x");
    assert_eq!(whole(READ[7]).target.path_and_query(), b"/{\"<>\\^`|}%zz");
    let raw = b"GET http://h/\xff\xfe HTTP/1.1\r\nHost: h\r\nX: \xe9\x80\r\n\r\n";
    let head = whole(raw);
    assert_eq!(head.target.path_and_query(), b"/\xff\xfe");
    assert_eq!(head.headers.first("x"), Some(&b"\xe9\x80"[..]));
    assert_eq!(whole(READ[1]).version, Version::Http10);
}

#[test]
fn what_is_shown_holds_no_secret() {
    let head = whole(
        "GET http://me:hunter2@h/?token=hunter2 HTTP/1.1\r\nHost: h\r\nAuthorization: hunter2\r\n\r\n",
    );
    assert!(!format!("{head:?}").contains("hunter2"), "{head:?}");
}

/// Request, and what the server gets.
const FORWARDED: &[(&str, &str)] = &[
    (
        "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "GET http://u:p@h?x=%zz HTTP/1.1\r\nhOsT:h\r\nX-Amz-Date:  1 \r\n\r\n",
        "GET /?x=%zz HTTP/1.1\r\nhOsT:h\r\nX-Amz-Date:  1 \r\n\r\n",
    ),
    (
        "OPTIONS http://h:8001 HTTP/1.1\r\nHost: h:8001\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: h:8001\r\n\r\n",
    ),
    (
        "OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    // A Host that means the same keeps its spelling; another one gives way, in its place.
    (
        "GET http://h:80/ HTTP/1.1\r\nHost: H.\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: H.\r\n\r\n",
    ),
    (
        "GET http://u@H:81/ HTTP/1.1\r\nA: b\r\nHOST: h\r\nC: d\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\nHOST: H:81\r\nC: d\r\n\r\n",
    ),
    (
        "GET http://h/ HTTP/1.0\r\nA: b\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\nA: b\r\n\r\n",
    ),
    // What ends with this leg.
    (
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic x\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\nx-gone: 2\r\nX-Kept: 3\r\nUpgrade: websocket\r\nTE: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX-Kept: 3\r\n\r\n",
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nconnection: Upgrade, x\r\nUpgrade: WebSocket\r\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nconnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n",
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "GET http://h/ HTTP/1.1\r\nHost: h\r\nTE: gzip, Trailers\r\nVia: 1.0 x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nVia: 1.0 x\r\nConnection: TE\r\n\r\n",
    ),
    (
        "POST http://h/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\nTrailer: x\r\nExpect: 100-continue\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\nTrailer: x\r\nExpect: 100-continue\r\n\r\n",
    ),
];

#[test]
fn a_parent_gets_the_same_head_in_absolute_form() {
    let cases = [
        (
            "GET http://u:p@H:8080?x HTTP/1.1\r\nHost: h:8080\r\nProxy-Authorization: Basic theirs\r\nA: b\r\n\r\n",
            "GET http://H:8080/?x HTTP/1.1\r\nHost: h:8080\r\nA: b\r\nProxy-Authorization: Basic ours\r\n\r\n",
        ),
        (
            "OPTIONS http://h HTTP/1.0\r\n\r\n",
            "OPTIONS http://h HTTP/1.0\r\nHost: h\r\nProxy-Authorization: Basic ours\r\n\r\n",
        ),
    ];
    for (sent, got) in cases {
        let head = whole(sent);
        let out = parent_head(&head, UpstreamLeg::default(), Some("Basic ours"));
        assert_eq!(String::from_utf8_lossy(&out), got, "{sent:?}");
        let nobody = parent_head(&head, UpstreamLeg::default(), None);
        let without = got.replace("Proxy-Authorization: Basic ours\r\n", "");
        assert_eq!(String::from_utf8_lossy(&nobody), without, "{sent:?}");
    }
}

#[test]
fn a_forwarded_head_loses_only_what_ends_with_this_leg() {
    let leg = UpstreamLeg {
        upgrade: true,
        ..UpstreamLeg::default()
    };
    for (sent, got) in FORWARDED {
        let out = upstream_head(&whole(sent), leg);
        assert_eq!(String::from_utf8_lossy(&out), *got, "{sent:?}");
    }
    let leg = UpstreamLeg {
        close: true,
        ..UpstreamLeg::default()
    };
    let head =
        whole("GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(
        upstream_head(&head, leg),
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    );
}

/// What a client inside TLS sends, and what its server gets.
const INTERCEPTED: &[(&str, &str)] = &[
    (
        "GET /a HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic x\r\nProxy-Connection: y\r\nconnection:Keep-Alive ,Upgrade\r\nUpgrade: websocket\r\nTE:  trailers\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic x\r\nProxy-Connection: y\r\nconnection:Keep-Alive ,Upgrade\r\nUpgrade: websocket\r\nTE:  trailers\r\n\r\n",
    ),
    (
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Gone, TE\r\nConnection: x-also\r\nX-Gone: 1\r\nX-ALSO: 2\r\nKeep-Alive: 5\r\nTE: gzip\r\nUpgrade: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    ),
    (
        "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nTE: deflate, trailers\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nTE: trailers\r\n\r\n",
    ),
];

#[test]
fn inside_tls_a_line_that_is_true_of_the_next_leg_stays_as_it_is() {
    let leg = UpstreamLeg {
        manner: Manner::Intercept,
        upgrade: true,
        close: false,
    };
    for (sent, got) in INTERCEPTED {
        let out = upstream_head(&whole(sent), leg);
        assert_eq!(String::from_utf8_lossy(&out), *got, "{sent:?}");
    }
    let closing = UpstreamLeg { close: true, ..leg };
    assert_eq!(
        upstream_head(
            &whole("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"),
            closing
        ),
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    );
}

type Answer = (
    &'static str,
    &'static str,
    Result<(u16, Framing), HeadError>,
);

/// Method, answer, status and framing (RFC 9112, section 6.3).
const ANSWERS: &[Answer] = &[
    (
        "GET",
        "HTTP/1.1 200 OK\r\n\r\n",
        Ok((200, Framing::UntilClose)),
    ),
    (
        "GET",
        "HTTP/1.1 200\r\n\r\n",
        Ok((200, Framing::UntilClose)),
    ),
    (
        "GET",
        "HTTP/1.0 200 \r\nContent-Length: 3\r\n\r\n",
        Ok((200, Framing::Length(3))),
    ),
    (
        "HEAD",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        Ok((200, Framing::None)),
    ),
    (
        "HEAD",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Ok((200, Framing::None)),
    ),
    (
        "GET",
        "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n",
        Ok((204, Framing::None)),
    ),
    (
        "GET",
        "HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\n",
        Ok((304, Framing::None)),
    ),
    (
        "GET",
        "HTTP/1.1 205 R\r\nContent-Length: 0\r\n\r\n",
        Ok((205, Framing::Length(0))),
    ),
    ("GET", "HTTP/1.1 100 C\r\n\r\n", Ok((100, Framing::None))),
    ("GET", "HTTP/1.1 101 S\r\n\r\n", Ok((101, Framing::None))),
    (
        "CONNECT",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        Ok((200, Framing::None)),
    ),
    (
        "CONNECT",
        "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\n",
        Ok((407, Framing::Length(3))),
    ),
    (
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        Ok((200, Framing::Chunked)),
    ),
    (
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\n",
        Ok((200, Framing::Length(3))),
    ),
    (
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        Err(HeadError::LengthTwice),
    ),
    (
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: ,\r\n\r\n",
        Err(HeadError::LengthValue),
    ),
    (
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        Err(HeadError::TransferEncoding),
    ),
    (
        "GET",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Err(HeadError::EncodingInHttp10),
    ),
    ("GET", "HTTP/1.1 099 OK\r\n\r\n", Err(HeadError::StatusLine)),
    ("GET", "HTTP/1.1 20 OK\r\n\r\n", Err(HeadError::StatusLine)),
    (
        "GET",
        "HTTP/1.1 2000 OK\r\n\r\n",
        Err(HeadError::StatusLine),
    ),
    (
        "GET",
        "HTTP/1.1  200 OK\r\n\r\n",
        Err(HeadError::StatusLine),
    ),
    (
        "GET",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        Err(HeadError::StatusLine),
    ),
    ("GET", "ICY 200 OK\r\n\r\n", Err(HeadError::Version)),
    ("GET", "HTTP/1.1 200 OK\nA: b\n\n", Err(HeadError::BareLf)),
    (
        "GET",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        Err(HeadError::SpaceBeforeColon),
    ),
];

#[test]
fn answers_are_framed_as_section_6_3_says() {
    for (method, answer, expected) in ANSWERS {
        let read = read_response_head(answer.as_bytes(), method, HeadLimits::default());
        let read = read.map(|read| read.unwrap().0);
        assert_eq!(
            read.map(|head| (head.status, head.framing)),
            *expected,
            "{method} {answer:?}"
        );
        for end in 0..answer.len() {
            let part = answer.as_bytes().get(..end).unwrap();
            match read_response_head(part, method, HeadLimits::default()) {
                Ok(read) => assert!(read.is_none()),
                Err(error) => assert_eq!(Err(error), *expected),
            }
        }
    }
}

/// An answer, and what the client gets on a connection that then closes.
const ANSWERED: &[(&str, &str)] = &[
    (
        "HTTP/1.0 200 Fine \u{fc}\r\nX:y \r\nConnection: close, Gone\r\ngone: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: Basic\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 Fine \u{fc}\r\nX:y \r\nConnection: close\r\nContent-Length: 3\r\n\r\n",
    ),
    (
        "HTTP/1.1 200\r\ncontent-length: 3, 3\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200\r\ncontent-length: 3\r\nConnection: close\r\n\r\n",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: Chunked\r\nConnection: transfer-encoding\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n",
    ),
    (
        "HTTP/1.1 204 No\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n",
        "HTTP/1.1 204 No\r\nA: b\r\nConnection: close\r\n\r\n",
    ),
    (
        "HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 304 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
    ),
];

#[test]
fn a_relayed_answer_keeps_its_framing_headers() {
    let read = |answer: &str| {
        read_response_head(answer.as_bytes(), "GET", HeadLimits::default())
            .unwrap()
            .unwrap()
            .0
    };
    for (sent, got) in ANSWERED {
        let leg = ClientLeg {
            close: true,
            ..ClientLeg::default()
        };
        let out = client_head(&read(sent), leg);
        assert_eq!(String::from_utf8_lossy(&out), *got);
    }
    let inside = ClientLeg {
        manner: Manner::Intercept,
        close: false,
    };
    let old = "HTTP/1.0 407 Ask\r\nProxy-Authenticate: x\r\nCONNECTION: Close\r\nContent-Length: 00\r\n\r\n";
    assert_eq!(client_head(&read(old), inside), old.as_bytes());
    let closing = ClientLeg {
        close: true,
        ..inside
    };
    assert_eq!(
        client_head(
            &read("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
            closing
        ),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let upgrade = "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nconnection: Upgrade\r\n\r\n";
    assert_eq!(
        client_head(&read(upgrade), ClientLeg::default()),
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nconnection: upgrade\r\n\r\n"
    );
}

/// Text near enough to a head to reach deep into the reader.
fn headlike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("GET http://h/ HTTP/1.1\r\n".to_owned()),
        Just("POST / HTTP/1.0\r\n".to_owned()),
        Just("Host: h\r\n".to_owned()),
        Just("Content-Length: 4\r\n".to_owned()),
        Just("Transfer-Encoding: chunked\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just(" ".to_owned()),
        Just(":".to_owned()),
        "[A-Za-z-]{1,8}: ?[ -~]{0,12} ?\r\n",
        "[\\x00-\\x7f]{0,4}",
    ];
    let garbled = prop::collection::vec(piece.clone(), 0..12);
    let sound = prop::collection::vec(piece, 0..5).prop_map(|mut pieces| {
        pieces.insert(0, "GET http://h/ HTTP/1.1\r\nHost: h\r\n".to_owned());
        pieces.push("\r\n".to_owned());
        pieces
    });
    prop_oneof![garbled, sound].prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_prefix_agrees_with_the_whole(bytes in headlike()) {
        let whole = request(&bytes);
        for end in 0..bytes.len() {
            let part = request(bytes.get(..end).unwrap());
            match part {
                Ok(None) => {}
                other => prop_assert_eq!(&other, &whole),
            }
        }
    }

    #[test]
    fn httparse_reads_the_same(bytes in headlike()) {
        if let Ok(Some((head, consumed))) = request(&bytes) {
            let mut slots = [httparse::EMPTY_HEADER; 64];
            let mut other = httparse::Request::new(&mut slots);
            let status = other.parse(&bytes).unwrap();
            prop_assert_eq!(status, httparse::Status::Complete(consumed));
            prop_assert_eq!(other.method, Some(head.method.as_str()));
            let theirs: Vec<_> = other.headers.iter().map(|h| (h.name, h.value)).collect();
            let ours: Vec<_> = head.headers.iter().map(|h| (h.name, h.value)).collect();
            prop_assert_eq!(theirs, ours);
        }
    }

    #[test]
    fn lines_are_written_as_they_were_read(bytes in headlike()) {
        if let Ok(Some((head, consumed))) = request(&bytes) {
            let lines: Vec<u8> = head
                .headers
                .iter()
                .flat_map(|field| [field.line, b"\r\n"].concat())
                .chain(*b"\r\n")
                .collect();
            prop_assert!(bytes.get(..consumed).unwrap().ends_with(&lines));
        }
    }
}
