//! The cases: what goes in at one end, what must come out at the other.

use crate::differences::Difference;
use crate::hpack::encode;
use crate::peer::{DATA, END_HEADERS, END_STREAM, Event, GOAWAY, HEADERS, PADDED, WITH_PRIORITY};
use crate::rig::Ends;

pub struct Case {
    pub name: &'static str,
    pub differences: &'static [Difference],
    pub play: fn(&mut Ends<'_>),
}

const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

pub type Fields<'a> = Vec<(&'a str, &'a [u8])>;

/// A request's pseudo-fields, and more.
pub fn ask<'a>(
    method: &'a str,
    path: &'a [u8],
    host: &'a str,
    more: &[(&'a str, &'a [u8])],
) -> Fields<'a> {
    let mut fields: Fields<'a> = vec![
        (":method", method.as_bytes()),
        (":scheme", b"https"),
        (":authority", host.as_bytes()),
        (":path", path),
    ];
    fields.extend(more);
    fields
}

pub const OK: &[(&str, &[u8])] = &[(":status", b"200")];

/// The client asks, and the origin sees the same.
fn asks(ends: &mut Ends<'_>, method: &str, path: &[u8], more: &[(&str, &[u8])], end: bool) {
    let host = ends.host.clone();
    let fields = ask(method, path, &host, more);
    ends.client.head(1, &fields, end);
    ends.origin.sees_head(1, &fields, end);
}

/// The origin answers, and the client sees the same.
fn answers(ends: &mut Ends<'_>, fields: &[(&str, &[u8])], end: bool) {
    ends.origin.head(1, fields, end);
    ends.client.sees_head(1, fields, end);
}

/// A case without a difference but for frames, which data alone can show.
const fn same(name: &'static str, play: fn(&mut Ends<'_>)) -> Case {
    Case {
        name,
        differences: &[],
        play,
    }
}

pub fn cases() -> Vec<Case> {
    vec![
        same(
            "values of one name keep their order, bytes and spaces",
            |ends| {
                asks(
                    ends,
                    "GET",
                    b"/",
                    &[
                        ("cookie", b"b=2"),
                        ("x-empty", b""),
                        ("accept", b"*/*"),
                        ("cookie", b"a=1"),
                        ("x-bytes", b"\x80\xff\t\xc3\xa9"),
                        ("te", b"trailers"),
                        (
                            "authorization",
                            b"AWS4-HMAC-SHA256 Credential=x, Signature=0",
                        ),
                        ("cookie", b"b=3"),
                    ],
                    true,
                );
                answers(
                    ends,
                    &[
                        (":status", b"299"),
                        ("set-cookie", b"z=1; Secure"),
                        ("via", b"1.1 somebody"),
                        ("set-cookie", b"a=2"),
                        ("set-cookie", b""),
                    ],
                    true,
                );
            },
        ),
        same("a path keeps its bytes", |ends| {
            let path = b"/a%2Fb%zz/.././/;p=1/[x]^|\\{\"}'?q=%41+b&&=&x={}|^`?\xc3\xa9";
            asks(ends, "GET", path, &[], true);
            answers(ends, OK, true);
        }),
        same("a method of one's own", |ends| {
            asks(ends, "M-SEARCH", b"/", &[], true);
            answers(ends, OK, true);
        }),
        same("OPTIONS *", |ends| {
            asks(ends, "OPTIONS", b"*", &[], true);
            answers(ends, OK, true);
        }),
        same("bodies and trailers, undeclared, both ways", |ends| {
            asks(ends, "POST", b"/", &[], false);
            ends.client.data(1, b"request", false);
            ends.client
                .head(1, &[("x-sum", b"1"), ("x-sum", b"2")], true);
            ends.origin.sees_data(1, b"request", false);
            ends.origin
                .sees_head(1, &[("x-sum", b"1"), ("x-sum", b"2")], true);
            answers(ends, OK, false);
            ends.origin.data(1, b"answer", false);
            ends.origin
                .head(1, &[("grpc-status", b"0"), ("grpc-message", b"")], true);
            ends.client.sees_data(1, b"answer", false);
            ends.client
                .sees_head(1, &[("grpc-status", b"0"), ("grpc-message", b"")], true);
        }),
        same("trailers alone", |ends| {
            asks(ends, "POST", b"/", &[], false);
            ends.client.head(1, &[("x-sum", b"1")], true);
            ends.origin.sees_head(1, &[("x-sum", b"1")], true);
            answers(ends, &[(":status", b"200"), ("grpc-status", b"5")], true);
        }),
        same("both sides talk at once, the server first", |ends| {
            asks(
                ends,
                "POST",
                b"/s.S/Chat",
                &[("content-type", b"application/grpc")],
                false,
            );
            answers(ends, OK, false);
            for round in 0..5_u8 {
                ends.client.data(1, &[round; 30], false);
                ends.origin.sees_data(1, &[round; 30], false);
                ends.origin.data(1, &[round; 60], false);
                ends.client.sees_data(1, &[round; 60], false);
            }
            ends.origin.data(1, b"", true);
            ends.client.sees_data(1, b"", true);
            // Half a stream is left, and goes on.
            ends.client.data(1, b"last", true);
            ends.origin.sees_data(1, b"last", true);
        }),
        same("events come as they are sent", |ends| {
            asks(ends, "GET", b"/events", &[], true);
            answers(
                ends,
                &[(":status", b"200"), ("content-type", b"text/event-stream")],
                false,
            );
            for event in [&b"data: 1\n\n"[..], b": ping\n\n", b"data: 2\n\n"] {
                ends.origin.data(1, event, false);
                ends.client.sees_data(1, event, false);
            }
            ends.client.reset(1, CANCEL);
            ends.origin.sees_reset(1, CANCEL);
        }),
        same("answers without a body say how long it would be", |ends| {
            asks(ends, "HEAD", b"/", &[], true);
            answers(
                ends,
                &[(":status", b"200"), ("content-length", b"12345")],
                true,
            );
        }),
        same("304 with a length", |ends| {
            asks(ends, "GET", b"/", &[("if-none-match", b"\"x\"")], true);
            answers(
                ends,
                &[
                    (":status", b"304"),
                    ("content-length", b"9"),
                    ("etag", b"\"x\""),
                ],
                true,
            );
        }),
        same("a range", |ends| {
            asks(ends, "GET", b"/", &[("range", b"bytes=1-3")], true);
            answers(
                ends,
                &[
                    (":status", b"206"),
                    ("content-range", b"bytes 1-3/9"),
                    ("content-length", b"3"),
                ],
                false,
            );
            ends.origin.data(1, b"abc", true);
            ends.client.sees_data(1, b"abc", true);
        }),
        same("interim answers, then the final one", |ends| {
            asks(ends, "GET", b"/", &[], true);
            answers(
                ends,
                &[(":status", b"103"), ("link", b"</a>"), ("link", b"</b>")],
                false,
            );
            answers(ends, &[(":status", b"103"), ("link", b"</c>")], false);
            answers(ends, OK, true);
        }),
        same("100 lets a body go", |ends| {
            asks(
                ends,
                "PUT",
                b"/",
                &[("expect", b"100-continue"), ("content-length", b"4")],
                false,
            );
            answers(ends, &[(":status", b"100")], false);
            ends.client.data(1, b"body", true);
            ends.origin.sees_data(1, b"body", true);
            answers(ends, OK, true);
        }),
        same("a redirect instead of 100", |ends| {
            asks(ends, "PUT", b"/", &[("expect", b"100-continue")], false);
            answers(ends, &[(":status", b"307"), ("location", b"/there")], true);
            ends.origin.reset(1, NO_ERROR);
            ends.client.sees_reset(1, NO_ERROR);
        }),
        same("a whole answer, and no interest in the rest", |ends| {
            asks(ends, "POST", b"/", &[], false);
            ends.client.data(1, b"part", false);
            ends.origin.sees_data(1, b"part", false);
            answers(ends, &[(":status", b"413")], false);
            ends.origin.data(1, b"too much", true);
            ends.client.sees_data(1, b"too much", true);
            ends.origin.reset(1, NO_ERROR);
            ends.client.sees_reset(1, NO_ERROR);
        }),
        same("the server's codes", |ends| {
            let host = ends.host.clone();
            for (stream, code) in (1..).step_by(2).zip([1, 2, 5, 7, 8, 11, 13, 0xdead_beef]) {
                let fields = ask("GET", b"/", &host, &[]);
                ends.client.head(stream, &fields, true);
                ends.origin.sees_head(stream, &fields, true);
                ends.origin.reset(stream, code);
                ends.client.sees_reset(stream, code);
            }
        }),
        same("the client's codes", |ends| {
            let host = ends.host.clone();
            for (stream, code) in (1..).step_by(2).zip([0, 2, 8, 0xdead_beef]) {
                let fields = ask("POST", b"/", &host, &[]);
                ends.client.head(stream, &fields, false);
                ends.origin.sees_head(stream, &fields, false);
                ends.client.reset(stream, code);
                ends.origin.sees_reset(stream, code);
            }
        }),
        same("what came before a reset", |ends| {
            asks(ends, "GET", b"/", &[], true);
            ends.origin.head(1, OK, false);
            ends.origin.data(1, b"last words", false);
            ends.origin.reset(1, INTERNAL_ERROR);
            ends.client.sees_head(1, OK, false);
            ends.client.sees_data(1, b"last words", false);
            ends.client.sees_reset(1, INTERNAL_ERROR);
        }),
        same("a large header list", |ends| {
            let value = vec![b'v'; 20_000];
            asks(ends, "GET", b"/", &[("x-large", &value)], true);
            answers(ends, &[(":status", b"200"), ("x-large", &value)], true);
        }),
        same("many streams of one client", |ends| {
            let host = ends.host.clone();
            let fields = ask("GET", b"/", &host, &[]);
            let streams = || (1_u32..).step_by(2).take(100);
            for stream in streams() {
                ends.client.head(stream, &fields, true);
                ends.origin.sees_head(stream, &fields, true);
            }
            for stream in streams().collect::<Vec<_>>().into_iter().rev() {
                let body = stream.to_string();
                ends.origin.head(stream, OK, false);
                ends.origin.data(stream, body.as_bytes(), true);
                ends.client.sees_head(stream, OK, false);
                ends.client.sees_data(stream, body.as_bytes(), true);
            }
        }),
        Case {
            name: "padding and priorities",
            differences: &[Difference::Frames],
            play: |ends| {
                let host = ends.host.clone();
                let fields = ask("POST", b"/", &host, &[]);
                let block = [&[3][..], &[0, 0, 0, 0, 15], &encode(&fields), &[0; 3]].concat();
                ends.client
                    .send(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY, 1, &block);
                ends.client
                    .send(DATA, PADDED | END_STREAM, 1, b"\x02body\0\0");
                if ends.is_direct() {
                    return;
                }
                ends.origin.sees_head(1, &fields, false);
                ends.origin.sees_data(1, b"body", true);
                answers(ends, OK, true);
            },
        },
        Case {
            name: "credentials for a proxy",
            differences: &[],
            play: |ends| {
                let host = ends.host.clone();
                let all = ask(
                    "GET",
                    b"/",
                    &host,
                    &[("proxy-authorization", b"Basic eDp5"), ("x", b"1")],
                );
                ends.client.head(1, &all, true);
                ends.origin.sees_head(1, &all, true);
                answers(ends, OK, true);
            },
        },
        Case {
            name: "host and no authority",
            differences: &[Difference::HostAlone],
            play: |ends| {
                let host = ends.host.clone();
                let both = ask("GET", b"/x", &host, &[("host", host.as_bytes())]);
                let alone: Fields<'_> = both
                    .iter()
                    .copied()
                    .filter(|(name, _)| *name != ":authority")
                    .collect();
                ends.client.head(1, &alone, true);
                let seen = if ends.is_direct() { &alone } else { &both };
                ends.origin.sees_head(1, seen, true);
                answers(ends, OK, true);
            },
        },
        Case {
            name: "a fragment",
            differences: &[Difference::Fragment],
            play: |ends| {
                let host = ends.host.clone();
                ends.client
                    .head(1, &ask("GET", b"/a?b#c", &host, &[]), true);
                let path: &[u8] = if ends.is_direct() { b"/a?b#c" } else { b"/a?b" };
                ends.origin
                    .sees_head(1, &ask("GET", path, &host, &[]), true);
                answers(ends, OK, true);
            },
        },
        Case {
            name: "heads that cannot be carried",
            differences: &[Difference::Unreadable],
            play: |ends| {
                let host = ends.host.clone();
                let heads = [
                    ask("GET", b"/", &host, &[("connection", b"close")]),
                    ask("GET", b"/", &host, &[("keep-alive", b"1")]),
                    ask("GET", b"/", &host, &[("proxy-connection", b"close")]),
                    ask("GET", b"/", &host, &[("transfer-encoding", b"chunked")]),
                    ask("GET", b"/", &host, &[("upgrade", b"websocket")]),
                    ask("GET", b"/", &host, &[("te", b"gzip")]),
                    ask("GET", b"/a b", &host, &[]),
                    ask("GET", b"/a<b", &host, &[]),
                    ask("GET", b"/a`b", &host, &[]),
                    ask("GET", b"/?a\"b", &host, &[]),
                    ask("GET", b"/?a>b", &host, &[]),
                    ask("GET", b"a", &host, &[]),
                    // An extended CONNECT, which is not offered.
                    ask("CONNECT", b"/ws", &host, &[(":protocol", b"websocket")]),
                ];
                for (stream, head) in (1..).step_by(2).zip(&heads) {
                    ends.client.head(stream, head, true);
                    if ends.is_direct() {
                        ends.origin.sees_head(stream, head, true);
                    } else {
                        ends.client.sees_reset(stream, PROTOCOL_ERROR);
                    }
                }
            },
        },
        Case {
            name: "trailers that belong into the head",
            differences: &[Difference::Trailers],
            play: |ends| {
                let trailers: [&[(&str, &[u8])]; 3] = [
                    &[("content-length", b"4")],
                    &[("host", b"another.test")],
                    &[("x-sum", b"1"), ("authorization", b"x")],
                ];
                for (stream, trailers) in (1..).step_by(2).zip(trailers) {
                    let host = ends.host.clone();
                    let fields = ask("POST", b"/", &host, &[]);
                    ends.client.head(stream, &fields, false);
                    ends.client.data(stream, b"body", false);
                    ends.origin.sees_head(stream, &fields, false);
                    ends.origin.sees_data(stream, b"body", false);
                    ends.client.head(stream, trailers, true);
                    if ends.is_direct() {
                        ends.origin.sees_head(stream, trailers, true);
                    } else {
                        ends.origin.sees_reset(stream, CANCEL);
                        match ends.client.next(stream) {
                            Event::Head(head, _) => assert_eq!(head[0].1, b"400"),
                            other => panic!("{other:?}"),
                        }
                    }
                }
            },
        },
        Case {
            name: "a server that never sends 100",
            differences: &[Difference::OwnContinue],
            play: |ends| {
                asks(ends, "PUT", b"/", &[("expect", b"100-continue")], false);
                if !ends.is_direct() {
                    ends.client.sees_head(1, &[(":status", b"100")], false);
                }
                ends.client.data(1, b"body", true);
                ends.origin.sees_data(1, b"body", true);
                ends.origin.head(1, &[(":status", b"100")], false);
                if ends.is_direct() {
                    ends.client.sees_head(1, &[(":status", b"100")], false);
                }
                answers(ends, OK, true);
            },
        },
        Case {
            name: "half an answer and no error",
            differences: &[Difference::NoErrorTooSoon],
            play: |ends| {
                asks(ends, "GET", b"/", &[], true);
                answers(ends, OK, false);
                ends.origin.data(1, b"half", false);
                ends.client.sees_data(1, b"half", false);
                ends.origin.reset(1, NO_ERROR);
                let code = if ends.is_direct() {
                    NO_ERROR
                } else {
                    INTERNAL_ERROR
                };
                ends.client.sees_reset(1, code);
            },
        },
        Case {
            name: "a server that is lost in an answer",
            differences: &[Difference::Lost],
            play: |ends| {
                asks(ends, "GET", b"/", &[], true);
                answers(ends, OK, false);
                ends.origin.data(1, b"half", false);
                ends.client.sees_data(1, b"half", false);
                ends.origin.close();
                if ends.is_direct() {
                    assert_eq!(ends.client.next(1), Event::Closed);
                } else {
                    ends.client.sees_reset(1, INTERNAL_ERROR);
                }
            },
        },
        Case {
            name: "a client that is lost",
            differences: &[Difference::Lost],
            play: |ends| {
                asks(ends, "POST", b"/", &[], false);
                ends.client.close();
                if ends.is_direct() {
                    assert_eq!(ends.origin.next(1), Event::Closed);
                } else {
                    ends.origin.sees_reset(1, CANCEL);
                }
            },
        },
        Case {
            name: "a server that goes away",
            differences: &[Difference::GoAway],
            play: |ends| {
                let host = ends.host.clone();
                asks(ends, "GET", b"/1", &[], true);
                let second = ask("GET", b"/2", &host, &[]);
                let third = ask("POST", b"/3", &host, &[]);
                ends.client.head(3, &second, true);
                ends.origin.sees_head(3, &second, true);
                ends.client.head(5, &third, false);
                ends.client.data(5, b"read", false);
                ends.origin.sees_head(5, &third, false);
                ends.origin.sees_data(5, b"read", false);
                ends.origin.send(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
                if ends.is_direct() {
                    assert_eq!(ends.client.next(3), Event::GoAway(1, NO_ERROR));
                    return;
                }
                ends.client.sees_reset(5, REFUSED_STREAM);
                answers(ends, OK, true);
                ends.next_origin();
                ends.origin.sees_head(1, &second, true);
                ends.origin.head(1, OK, true);
                ends.client.sees_head(3, OK, true);
            },
        },
    ]
}
