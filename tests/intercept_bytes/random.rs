//! Random valid messages, cut anywhere: what goes in comes out, but for the table.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::case::Case;
use crate::differences::Difference::HopByHop;

/// What one end sends, and what the other must get.
#[derive(Debug, Clone)]
struct Message {
    sent: Vec<u8>,
    seen: Vec<u8>,
    /// Where the writes end.
    cuts: Vec<Index>,
}

/// A few exchanges on one connection.
pub fn course() -> impl Strategy<Value = Case> {
    prop::collection::vec(exchange(), 1..4).prop_map(|exchanges| {
        let mut case = Case::new("random");
        for (request, answer) in exchanges {
            for piece in pieces(&request) {
                case = case.client_sends(piece);
            }
            case = match request.sent == request.seen {
                true => case.origin_sees(request.sent),
                false => case.origin_sees_as(&[HopByHop], request.sent, request.seen),
            };
            for piece in pieces(&answer) {
                case = case.origin_sends(piece);
            }
            case = match answer.sent == answer.seen {
                true => case.client_sees(answer.sent),
                false => case.client_sees_as(&[HopByHop], answer.sent, answer.seen),
            };
        }
        case
    })
}

fn pieces(message: &Message) -> Vec<&[u8]> {
    let bytes = message.sent.as_slice();
    // The origin's name takes the place of this before anything is sent.
    let name = bytes.windows(6).position(|window| window == b"{host}");
    let outside = |cut: usize| match name {
        Some(start) if (start..start + 6).contains(&cut) => start,
        _ => cut,
    };
    let mut ends: Vec<usize> = message
        .cuts
        .iter()
        .map(|cut| outside(cut.index(bytes.len())))
        .collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    let mut pieces = Vec::new();
    for end in ends {
        if end > start {
            pieces.push(&bytes[start..end]);
        }
        start = end;
    }
    pieces
}

fn exchange() -> impl Strategy<Value = (Message, Message)> {
    let method = select(vec![
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PURGE", "m-x",
    ]);
    method.prop_flat_map(|method| (request(method), answer(method)))
}

fn request(method: &'static str) -> impl Strategy<Value = Message> {
    (target(), head_lines(), body(), cuts()).prop_map(move |(target, lines, body, cuts)| {
        let start = [
            method.as_bytes(),
            b" ",
            &target,
            b" HTTP/1.1\r\nHost: {host}\r\n",
        ]
        .concat();
        message(start, lines, body, cuts)
    })
}

fn answer(method: &'static str) -> impl Strategy<Value = Message> {
    let status = select(vec![200_u16, 201, 206, 299, 302, 304, 204, 404, 500, 599]);
    let interim = prop::collection::vec((select(vec![100_u16, 102, 103]), head_lines()), 0..3);
    let reason = bytes_of(b"\t \"Az~\xe9\xff", 0..12);
    (status, reason, interim, head_lines(), body(), cuts()).prop_map(
        move |(status, reason, interim, lines, body, cuts)| {
            let mut all = Message {
                sent: Vec::new(),
                seen: Vec::new(),
                cuts,
            };
            for (status, lines) in interim {
                let start = format!("HTTP/1.1 {status} \r\n").into_bytes();
                all.push(message(start, lines, Body::None, Vec::new()));
            }
            let start = [format!("HTTP/1.1 {status} ").as_bytes(), &reason, b"\r\n"].concat();
            let body = match (method, status, body) {
                (_, 204, _) => Body::None,
                ("HEAD", ..) | (_, 304, _) => Body::Announced,
                // Without a length it would go on until the connection ends.
                (_, _, Body::None | Body::Announced) => Body::Length(Vec::new()),
                (_, _, body) => body,
            };
            all.push(message(start, lines, body, Vec::new()));
            all
        },
    )
}

impl Message {
    fn push(&mut self, next: Message) {
        self.sent.extend(next.sent);
        self.seen.extend(next.seen);
    }
}

/// Header lines as sent and as seen.
type Lines = (Vec<u8>, Vec<u8>);

#[derive(Debug, Clone)]
enum Body {
    None,
    /// A length and no body.
    Announced,
    Length(Vec<u8>),
    /// Chunks as they are on the wire, the last one and the trailers included.
    Chunked(Vec<u8>),
}

fn message(start: Vec<u8>, (sent, seen): Lines, body: Body, cuts: Vec<Index>) -> Message {
    let (framing, body) = match body {
        Body::None => (String::new(), Vec::new()),
        Body::Announced => ("content-Length: 77\r\n".to_owned(), Vec::new()),
        Body::Length(bytes) => (format!("Content-length:{}\r\n", bytes.len()), bytes),
        Body::Chunked(bytes) => ("TRANSFER-ENCODING: chunked\r\n".to_owned(), bytes),
    };
    let rest = [framing.as_bytes(), b"\r\n", &body].concat();
    Message {
        sent: [&start[..], &sent, &rest].concat(),
        seen: [&start[..], &seen, &rest].concat(),
        cuts,
    }
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..8)
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    // No `@` and no `=`: what looks like a credential is another rule's.
    let known: Vec<u8> = (0x21..=0xff_u8)
        .filter(|byte| !matches!(byte, b'#' | 0x7f | b'@' | b'='))
        .collect();
    bytes_of(&known, 0..40).prop_map(|tail| [b"/", &tail[..]].concat())
}

/// Ordinary lines, and now and then some that stay behind.
fn head_lines() -> impl Strategy<Value = Lines> {
    let ordinary = field("x-").prop_map(|line| (line.clone(), line));
    let kept = Just(b"cOnnection:keep-ALIVE\r\n".to_vec()).prop_map(|line| (line.clone(), line));
    let named = bytes_of(b" az\xe9", 0..9).prop_map(|value| {
        let gone = [
            b"Y-Gone:",
            &value[..],
            b"\r\nconnection: y-gone\r\ny-GONE: 2\r\n",
        ]
        .concat();
        (gone, Vec::new())
    });
    let mixed = Just((
        b"Connection: Z-Gone, keep-alive\r\nKeep-Alive: timeout=9\r\nz-gone:\r\n".to_vec(),
        b"Connection: keep-alive\r\n".to_vec(),
    ));
    let line = prop_oneof![20 => ordinary, 1 => kept, 1 => named, 1 => mixed];
    prop::collection::vec(line, 0..10).prop_map(|lines| {
        let (sent, seen): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        (sent.concat(), seen.concat())
    })
}

/// A line whose name begins with `prefix`.
fn field(prefix: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let name = "[A-Za-z0-9!#$%&'*+.^_`|~-]{0,12}";
    let value: Vec<u8> = (0x20..=0xff_u8)
        .filter(|byte| *byte != 0x7f)
        .chain([b'\t', b' ', b','])
        .collect();
    (name, bytes_of(&value, 0..60)).prop_map(move |(name, value)| {
        [prefix.as_bytes(), name.as_bytes(), b":", &value, b"\r\n"].concat()
    })
}

fn body() -> impl Strategy<Value = Body> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..3000);
    let chunk = (bytes(), extension(), 0..4_usize, any::<bool>());
    let trailers = prop::collection::vec(field("t-"), 0..3);
    let chunks = (prop::collection::vec(chunk, 0..5), extension(), trailers);
    prop_oneof![
        Just(Body::None),
        bytes().prop_map(Body::Length),
        chunks.prop_map(|(chunks, last, trailers)| {
            let mut wire = Vec::new();
            for (data, extension, zeros, upper) in chunks {
                if data.is_empty() {
                    continue;
                }
                let size = match upper {
                    true => format!("{}{:X}", "0".repeat(zeros), data.len()),
                    false => format!("{}{:x}", "0".repeat(zeros), data.len()),
                };
                wire.extend([size.as_bytes(), &extension, b"\r\n", &data, b"\r\n"].concat());
            }
            wire.extend([b"0", &last[..], b"\r\n", &trailers.concat(), b"\r\n"].concat());
            Body::Chunked(wire)
        }),
    ]
}

fn extension() -> impl Strategy<Value = Vec<u8>> {
    let text = bytes_of(b" \t;=\"\\a1\xe9", 0..20);
    prop_oneof![
        Just(Vec::new()),
        text.prop_map(|text| [b";", &text[..]].concat()),
    ]
}

fn bytes_of(
    known: &[u8],
    length: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop::collection::vec(select(known.to_vec()), length)
}
