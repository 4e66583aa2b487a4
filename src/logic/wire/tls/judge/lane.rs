//! One direction of the tunnel: its records, the handshake message under way, and how far its
//! bytes are judged. Holds one handshake message and one record at most, never a protected byte.

use crate::logic::wire::tls::record::RecordReader;

/// What is done with the payload of the present record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treat {
    /// Handshake messages in plaintext.
    Join,
    Alert,
    ChangeCipherSpec,
    /// Protected: counted, not read.
    Protected,
}

/// Positions count bytes from the stream's begin: `released <= judged <= read`.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) records: RecordReader,
    pub(super) treat: Treat,
    /// The handshake messages under way, from the first one's header.
    pub(super) joined: Vec<u8>,
    /// An alert or ChangeCipherSpec under way: two bytes at most.
    pub(super) short: Vec<u8>,
    /// Bytes read.
    pub(super) read: u64,
    /// Up to here everything is in order.
    pub(super) judged: u64,
    /// Up to here bytes may pass while the lane is gated; `None` when it is open.
    pub(super) gate: Option<u64>,
    /// Bytes that steps have named so far.
    pub(super) released: u64,
    /// Handshake bytes of the present flight.
    pub(super) flight: usize,
    /// A whole protected record that belongs to the handshake's end was seen.
    pub(super) protected: bool,
    /// A protected record or ChangeCipherSpec was begun.
    pub(super) went_on: bool,
    pub(super) change_cipher_specs: u8,
    pub(super) warnings: u8,
    /// A fatal alert or close_notify was seen: only alerts may follow.
    pub(super) ended: bool,
    pub(super) eof: bool,
}

impl Lane {
    pub(super) fn new() -> Lane {
        Lane {
            records: RecordReader::default(),
            treat: Treat::Join,
            joined: Vec::new(),
            short: Vec::new(),
            read: 0,
            judged: 0,
            gate: None,
            released: 0,
            flight: 0,
            protected: false,
            went_on: false,
            change_cipher_specs: 0,
            warnings: 0,
            ended: false,
            eof: false,
        }
    }

    /// Everything read so far is in order.
    pub(super) const fn mark(&mut self) {
        self.judged = self.read;
    }

    /// How many more bytes may pass, which are then counted as passed.
    pub(super) fn release(&mut self, all: bool) -> usize {
        let end = if all {
            self.read
        } else {
            self.gate.map_or(self.judged, |gate| gate.min(self.judged))
        };
        let more = end.saturating_sub(self.released);
        self.released = self.released.max(end);
        usize::try_from(more).unwrap_or(usize::MAX)
    }

    /// Takes the first handshake message if it is whole: its type and body.
    pub(super) fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let (kind, length) = self.message_header()?;
        let end = length.checked_add(4)?;
        if self.joined.len() < end {
            return None;
        }
        let rest = self.joined.split_off(end);
        let mut message = std::mem::replace(&mut self.joined, rest);
        message.drain(..4);
        Some((kind, message))
    }

    /// The type and length of the first handshake message, once its header is there.
    pub(super) fn message_header(&self) -> Option<(u8, usize)> {
        let [kind, a, b, c] = *self.joined.first_chunk::<4>()?;
        let length = (usize::from(a) << 16) | (usize::from(b) << 8) | usize::from(c);
        Some((kind, length))
    }

    /// Whether the last message taken ended its record.
    pub(super) fn message_ended_record(&self) -> bool {
        self.joined.is_empty() && self.records.remaining() == 0
    }
}
