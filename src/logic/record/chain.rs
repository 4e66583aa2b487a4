//! The chain: each line carries the SHA-256 of the line before it.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::Body;

/// The `prev` of the very first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The head of the chain: what the next line will carry. Only the single writer holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    next: u64,
    prev: String,
}

impl Chain {
    /// Before the first line.
    pub fn new() -> Chain {
        Chain {
            next: 1,
            prev: GENESIS.to_owned(),
        }
    }

    /// Behind the last line of an earlier run.
    pub fn after(tail: Tail) -> Chain {
        Chain {
            next: tail.seq + 1,
            prev: tail.head,
        }
    }

    /// The sequence number that the next line gets.
    pub const fn next_seq(&self) -> u64 {
        self.next
    }

    /// The hash that the next line will carry in `prev`.
    pub fn head(&self) -> &str {
        &self.prev
    }

    /// Appends the line for `body`, newline included, to `out`, and moves on.
    pub fn append(&mut self, body: &Body, out: &mut Vec<u8>) {
        let start = out.len();
        let mut opening = String::with_capacity(32);
        // Writing to a String does not fail.
        let _ = write!(opening, r#"{{"v":1,"seq":{},"#, self.next);
        out.extend_from_slice(opening.as_bytes());
        out.extend_from_slice(body.as_bytes());
        out.extend_from_slice(br#","prev":""#);
        out.extend_from_slice(self.prev.as_bytes());
        out.extend_from_slice(br#""}"#);
        self.prev = hash(out.get(start..).unwrap_or_default());
        self.next += 1;
        out.push(b'\n');
    }
}

impl Default for Chain {
    fn default() -> Chain {
        Chain::new()
    }
}

/// The last line of a record, as the next run needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    pub seq: u64,
    /// SHA-256 of the line's bytes without its newline, in hex.
    pub head: String,
}

/// Why the last line of an existing record cannot be continued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "its last line is not a line of an outgate record ({reason}); move the file away or name another with --audit"
)]
pub struct TailError {
    reason: String,
}

impl Tail {
    /// Reads the last line (without its newline) of an existing record.
    ///
    /// # Errors
    /// [`TailError`] if it is not a line that outgate wrote: a chain is never guessed.
    pub fn read(line: &[u8]) -> Result<Tail, TailError> {
        #[derive(serde::Deserialize)]
        struct Line {
            v: u64,
            seq: u64,
            prev: String,
        }
        let parsed: Line = serde_json::from_slice(line).map_err(|error| TailError {
            reason: error.to_string(),
        })?;
        if parsed.v != 1 {
            return Err(TailError {
                reason: format!("version {} is not 1", parsed.v),
            });
        }
        if parsed.prev.len() != GENESIS.len() {
            return Err(TailError {
                reason: "its prev is not a SHA-256".to_owned(),
            });
        }
        Ok(Tail {
            seq: parsed.seq,
            head: hash(line),
        })
    }
}

fn hash(line: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(line);
    let mut text = String::with_capacity(digest.len() * 2);
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            text.push(
                HEX.get(usize::from(nibble))
                    .copied()
                    .map_or('0', char::from),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::record::{Event, EventKind};

    fn body(text: &str) -> Body {
        Body::event(&Event {
            time: "2026-01-01T00:00:00.000000Z".to_owned(),
            kind: EventKind::Start,
            detail: serde_json::json!({ "note": text }),
        })
    }

    #[test]
    fn lines_are_chained_and_a_restart_goes_on() {
        let mut chain = Chain::new();
        let mut out = Vec::new();
        for text in ["a", "b\n\"c\"", "\u{202e}d"] {
            chain.append(&body(text), &mut out);
        }
        let text = String::from_utf8(out).unwrap();
        let mut prev = GENESIS.to_owned();
        let mut last = None;
        for (place, line) in text.lines().enumerate() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["seq"], place as u64 + 1);
            assert_eq!(value["prev"], prev.as_str());
            prev = hash(line.as_bytes());
            last = Some(line);
        }
        let tail = Tail::read(last.unwrap().as_bytes()).unwrap();
        assert_eq!(tail, Tail { seq: 3, head: prev });
        assert_eq!(Chain::after(tail), chain);
    }

    #[test]
    fn a_foreign_line_is_not_continued() {
        for line in [
            "",
            "{}",
            "hello",
            r#"{"v":2,"seq":1,"prev":"00"}"#,
            r#"{"v":1,"seq":1,"prev":"00"}"#,
        ] {
            assert!(Tail::read(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(
            hash(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
