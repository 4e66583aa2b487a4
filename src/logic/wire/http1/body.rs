//! Follows a body's framing, so that its bytes can be relayed as they are.
//!
//! Keeps no body bytes: of the chunked framing it holds a counter, and one trailer line while
//! that is read. What it has let pass may have been relayed already when an error shows, so an
//! error must end the connection; the last CR LF never passes before all is judged.

use memchr::memchr2;

use super::Framing;
use super::FramingError;
use super::headers::field_line_fault;
use crate::model::limits::MAX_HEAD;

/// The longest chunk extensions of one chunk. Signatures in extensions run to 100 bytes.
const MAX_EXTENSION: usize = 4096;
/// The most hexadecimal digits of a chunk's size: as many as 64 bits have.
const MAX_SIZE_DIGITS: u8 = 16;
/// The most bytes of trailer lines: as much as a head may have.
const MAX_TRAILERS: usize = MAX_HEAD;

/// A body on its way.
#[derive(Debug, Clone)]
pub struct Body {
    state: State,
    /// The trailer line that is being read.
    line: Vec<u8>,
    /// All trailer bytes so far.
    trailer_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    Length(u64),
    UntilClose,
    Size { size: u64, digits: u8 },
    Extension { size: u64, length: usize },
    SizeLf { size: u64 },
    Data(u64),
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
}

impl Body {
    /// The body of a message with that framing.
    pub const fn new(framing: Framing) -> Body {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size { size: 0, digits: 0 },
            Framing::UntilClose => State::UntilClose,
        };
        Body {
            state,
            line: Vec::new(),
            trailer_bytes: 0,
        }
    }

    /// Whether the last byte has passed. Never true for [`Framing::UntilClose`].
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// How many of `bytes` belong to this body, from the front. Fewer than all only when the
    /// body ends among them.
    ///
    /// # Errors
    /// [`FramingError`]; none of `bytes` should then be relayed.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, FramingError> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_done() {
            let taken = self.step(rest)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(bytes.len() - rest.len())
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`FramingError::Truncated`] if the body has not.
    pub const fn end(&mut self) -> Result<(), FramingError> {
        match self.state {
            State::Done => Ok(()),
            State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            State::Length(_)
            | State::Size { .. }
            | State::Extension { .. }
            | State::SizeLf { .. }
            | State::Data(_)
            | State::DataCr
            | State::DataLf
            | State::Trailer
            | State::TrailerLf => Err(FramingError::Truncated),
        }
    }

    /// Takes at least one of `bytes`, which are not empty.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, FramingError> {
        let Some(&first) = bytes.first() else {
            return Ok(0);
        };
        let (state, taken) = match self.state {
            State::Done => (State::Done, 0),
            State::UntilClose => (State::UntilClose, bytes.len()),
            State::Length(left) => match skip(left, bytes) {
                (0, taken) => (State::Done, taken),
                (left, taken) => (State::Length(left), taken),
            },
            State::Data(left) => match skip(left, bytes) {
                (0, taken) => (State::DataCr, taken),
                (left, taken) => (State::Data(left), taken),
            },
            State::Size { size, digits } => (read_size(size, digits, first)?, 1),
            State::Extension { size, length } => return self.extension(size, length, bytes),
            State::SizeLf { size } => match (first, size) {
                (b'\n', 0) => (State::Trailer, 1),
                (b'\n', _) => (State::Data(size), 1),
                _ => return Err(FramingError::LineEnd),
            },
            State::DataCr if first == b'\r' => (State::DataLf, 1),
            State::DataLf if first == b'\n' => (State::Size { size: 0, digits: 0 }, 1),
            State::DataCr | State::DataLf => return Err(FramingError::ChunkEnd),
            State::Trailer => return self.trailer(bytes),
            State::TrailerLf => return self.trailer_end(first),
        };
        self.state = state;
        Ok(taken)
    }

    /// Runs over extensions to the end of the line (RFC 9112, section 7.1.1). What they mean is
    /// between the ends; that they are one line is all that framing needs.
    fn extension(&mut self, size: u64, length: usize, bytes: &[u8]) -> Result<usize, FramingError> {
        let end = memchr2(b'\r', b'\n', bytes);
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let length = length + text.len();
        if length > MAX_EXTENSION || text.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
            return Err(FramingError::ChunkExtension);
        }
        let Some(end) = end else {
            self.state = State::Extension { size, length };
            return Ok(text.len());
        };
        if bytes.get(end) != Some(&b'\r') {
            return Err(FramingError::LineEnd);
        }
        self.state = State::SizeLf { size };
        Ok(end + 1)
    }

    /// Gathers one trailer line up to its CR.
    fn trailer(&mut self, bytes: &[u8]) -> Result<usize, FramingError> {
        let end = memchr2(b'\r', b'\n', bytes);
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        self.trailer_bytes += text.len();
        if self.trailer_bytes > MAX_TRAILERS {
            return Err(FramingError::TrailerBytes);
        }
        self.line.extend_from_slice(text);
        let Some(end) = end else {
            return Ok(text.len());
        };
        if bytes.get(end) != Some(&b'\r') {
            return Err(FramingError::LineEnd);
        }
        if !self.line.is_empty() {
            check_trailer(&self.line)?;
        }
        self.trailer_bytes += 2;
        self.state = State::TrailerLf;
        Ok(end + 1)
    }

    fn trailer_end(&mut self, byte: u8) -> Result<usize, FramingError> {
        if byte != b'\n' {
            return Err(FramingError::LineEnd);
        }
        self.state = if self.line.is_empty() {
            State::Done
        } else {
            State::Trailer
        };
        self.line.clear();
        Ok(1)
    }
}

/// Passes over `bytes`, at most `left` of them: what is left then, and how many.
fn skip(left: u64, bytes: &[u8]) -> (u64, usize) {
    match usize::try_from(left) {
        Ok(left) if left <= bytes.len() => (0, left),
        Ok(_) | Err(_) => (left.saturating_sub(bytes.len() as u64), bytes.len()),
    }
}

/// RFC 9112, section 7.1. Padding around the size is refused: parsers differ on it.
fn read_size(size: u64, digits: u8, byte: u8) -> Result<State, FramingError> {
    let digit = match byte {
        b'\r' if digits > 0 => return Ok(State::SizeLf { size }),
        b';' if digits > 0 => return Ok(State::Extension { size, length: 1 }),
        b'\n' if digits > 0 => return Err(FramingError::LineEnd),
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => return Err(FramingError::ChunkSize),
    };
    if digits == MAX_SIZE_DIGITS {
        return Err(FramingError::ChunkSize);
    }
    Ok(State::Size {
        size: size << 4 | u64::from(digit),
        digits: digits + 1,
    })
}

/// A trailer must be a sound line, and none of what framing, routing or authentication go by
/// (RFC 9110, section 6.5.1).
fn check_trailer(line: &[u8]) -> Result<(), FramingError> {
    let name = field_line_fault(line).map_err(|_| FramingError::Trailer)?;
    if may_trail(name) {
        Ok(())
    } else {
        Err(FramingError::TrailerName)
    }
}

/// Whether a field of this name means nothing to framing, routing or authentication, and so may
/// stand in a trailer section.
pub fn may_trail(name: &[u8]) -> bool {
    const IN_HEAD_ONLY: [&str; 14] = [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    !IN_HEAD_ONLY
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}
