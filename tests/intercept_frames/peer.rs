//! A raw peer: frames out as they are told, frames in as they come.

use std::io::{Read, Write};

use crate::hpack::{Decoder, Field, encode};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
pub const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH: u8 = 5;
const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const WITH_PRIORITY: u8 = 32;
const ACK: u8 = 1;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol's least, which every peer must take.
const FRAME: usize = 16 << 10;

/// What a stream shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Head(Vec<Field>, bool),
    Data(Vec<u8>, bool),
    Reset(u32),
    /// The connection's: the last stream, and the code.
    GoAway(u32, u32),
    Closed,
}

pub trait Io: Read + Write + Send {}
impl<T: Read + Write + Send> Io for T {}

pub struct Peer {
    io: Box<dyn Io>,
    decoder: Decoder,
}

impl Peer {
    /// Begins as a client does.
    pub fn client(mut io: Box<dyn Io>) -> Peer {
        io.write_all(PREFACE).unwrap();
        Peer::begin(io)
    }

    /// Begins as a server does.
    pub fn server(mut io: Box<dyn Io>) -> Peer {
        let mut preface = [0; 24];
        io.read_exact(&mut preface).unwrap();
        assert_eq!(preface, PREFACE);
        Peer::begin(io)
    }

    fn begin(io: Box<dyn Io>) -> Peer {
        let mut peer = Peer {
            io,
            decoder: Decoder::default(),
        };
        // Windows that no case fills.
        let window = (1_u32 << 30).to_be_bytes();
        peer.send(SETTINGS, 0, 0, &[&[0, 4][..], &window].concat());
        peer.send(WINDOW_UPDATE, 0, 0, &window);
        peer
    }

    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        // A peer that is gone shows when it is read from.
        let _ = self.io.write_all(&frame).and_then(|()| self.io.flush());
    }

    pub fn head(&mut self, stream: u32, fields: &[(&str, &[u8])], end: bool) {
        let block = encode(fields);
        let mut kind = HEADERS;
        let mut end = if end { END_STREAM } else { 0 };
        let mut pieces = block.chunks(FRAME).peekable();
        while let Some(piece) = pieces.next() {
            let whole = if pieces.peek().is_none() {
                END_HEADERS
            } else {
                0
            };
            self.send(kind, whole | end, stream, piece);
            (kind, end) = (CONTINUATION, 0);
        }
    }

    pub fn data(&mut self, stream: u32, bytes: &[u8], end: bool) {
        self.send(DATA, if end { END_STREAM } else { 0 }, stream, bytes);
    }

    pub fn reset(&mut self, stream: u32, code: u32) {
        self.send(RESET, 0, stream, &code.to_be_bytes());
    }

    /// What comes next of `stream`, or ends the connection.
    pub fn next(&mut self, stream: u32) -> Event {
        loop {
            let (kind, flags, of, mut payload) = match self.frame() {
                Some(frame) => frame,
                None => return Event::Closed,
            };
            match kind {
                SETTINGS if flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => self.send(PING, ACK, 0, &payload),
                SETTINGS | PING | WINDOW_UPDATE => {}
                GOAWAY => {
                    let word =
                        |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
                    // A graceful one begins with the highest of all, and says nothing yet.
                    if word(0) != u32::MAX >> 1 {
                        return Event::GoAway(word(0), word(4));
                    }
                }
                HEADERS => {
                    assert_eq!(flags & (PADDED | WITH_PRIORITY), 0);
                    let mut whole = flags & END_HEADERS != 0;
                    while !whole {
                        let (kind, flags, _, more) = self.frame().unwrap();
                        assert_eq!(kind, CONTINUATION);
                        payload.extend(more);
                        whole = flags & END_HEADERS != 0;
                    }
                    let fields = self.decoder.decode(&payload);
                    if of == stream {
                        return Event::Head(fields, flags & END_STREAM != 0);
                    }
                }
                DATA if of == stream => {
                    assert_eq!(flags & PADDED, 0);
                    return Event::Data(payload, flags & END_STREAM != 0);
                }
                RESET if of == stream => {
                    return Event::Reset(u32::from_be_bytes(payload.try_into().unwrap()));
                }
                DATA | RESET | PRIORITY => {}
                PUSH => panic!("pushed"),
                other => panic!("a frame of kind {other}"),
            }
        }
    }

    fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.io.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.io.read_exact(&mut payload).ok()?;
        Some((kind, flags, u32::from_be_bytes(stream), payload))
    }

    /// A header list: pseudo-fields first, then names in any order, the values of each in theirs.
    pub fn sees_head(&mut self, stream: u32, want: &[(&str, &[u8])], end: bool) {
        let seen = match self.next(stream) {
            Event::Head(fields, ended) => {
                assert_eq!(ended, end, "END_STREAM");
                fields
            }
            other => panic!("no header list: {other:?}"),
        };
        let pseudo = seen
            .iter()
            .take_while(|(name, _)| name.starts_with(':'))
            .count();
        assert!(
            seen[pseudo..]
                .iter()
                .all(|(name, _)| !name.starts_with(':'))
        );
        let mut seen: Vec<(&str, &[u8])> = seen
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let mut want = want.to_vec();
        seen.sort_by_key(|(name, _)| *name);
        want.sort_by_key(|(name, _)| *name);
        let shown = |fields: &[(&str, &[u8])]| -> Vec<String> {
            let line = |(name, value): &(&str, &[u8])| format!("{name}: {}", value.escape_ascii());
            fields.iter().map(line).collect()
        };
        assert_eq!(shown(&seen), shown(&want));
    }

    /// Data, however it is cut, and its end.
    pub fn sees_data(&mut self, stream: u32, want: &[u8], end: bool) {
        let mut seen = Vec::new();
        let mut ended = false;
        while seen.len() < want.len() || (end && !ended) {
            match self.next(stream) {
                Event::Data(bytes, last) => {
                    seen.extend(bytes);
                    ended = last;
                }
                other => panic!("{other:?} after {} bytes", seen.len()),
            }
        }
        assert_eq!(ended, end, "END_STREAM");
        assert!(seen == want, "{} bytes for {}", seen.len(), want.len());
    }

    /// Ends the connection, as a process does that is killed.
    pub fn close(&mut self) {
        self.io = Box::new(std::io::Cursor::new(Vec::new()));
    }

    pub fn sees_reset(&mut self, stream: u32, code: u32) {
        assert_eq!(self.next(stream), Event::Reset(code));
    }
}
