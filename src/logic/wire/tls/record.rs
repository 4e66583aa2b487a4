//! The record layer (RFC 8446, section 5): headers checked byte by byte, payloads passed on as they
//! come. Keeps the five header bytes of one record at most.

use crate::model::limits::MAX_TLS_RECORD;

/// What a record carries. Heartbeats (24) and everything else have no place in a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentType {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
}

impl ContentType {
    const fn from_byte(byte: u8) -> Option<ContentType> {
        match byte {
            20 => Some(ContentType::ChangeCipherSpec),
            21 => Some(ContentType::Alert),
            22 => Some(ContentType::Handshake),
            23 => Some(ContentType::ApplicationData),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            ContentType::ChangeCipherSpec => "change_cipher_spec",
            ContentType::Alert => "alert",
            ContentType::Handshake => "handshake",
            ContentType::ApplicationData => "application_data",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) kind: ContentType,
    pub(super) length: usize,
}

/// Why the bytes are no TLS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordFault {
    /// The first byte is no content type of a handshake.
    Type(u8),
    /// The version's first byte is not 3, or its second is none that a TLS peer writes.
    Version,
    /// No bytes at all, or more than a record may have.
    Length,
    /// An SSLv2-compatible ClientHello (RFC 5246, appendix E.2).
    Sslv2Hello,
}

/// The next thing in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The input is used up.
    More,
    Header(RecordHeader),
    /// A part of the payload; `last` ends the record.
    Payload {
        data: &'a [u8],
        last: bool,
    },
}

/// Cuts one direction's stream into records.
#[derive(Debug, Default)]
pub(super) struct RecordReader {
    header: [u8; 5],
    /// How many bytes of the header are there; `have <= 5`.
    have: usize,
    /// How many bytes of the payload are still to come.
    remaining: usize,
    /// Whether a record was seen before.
    begun: bool,
}

impl RecordReader {
    /// How much of the present record is still to come.
    pub(super) const fn remaining(&self) -> usize {
        self.remaining
    }

    /// Takes the next piece off the front of `input`.
    ///
    /// # Errors
    /// [`RecordFault`] at the first byte that no record could have there.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Piece<'a>, RecordFault> {
        if self.remaining > 0 {
            let count = self.remaining.min(input.len());
            if count == 0 {
                return Ok(Piece::More);
            }
            let (data, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
            *input = rest;
            self.remaining -= count;
            let last = self.remaining == 0;
            return Ok(Piece::Payload { data, last });
        }
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            if let Some(header) = self.push(byte)? {
                self.have = 0;
                self.begun = true;
                self.remaining = header.length;
                return Ok(Piece::Header(header));
            }
        }
        Ok(Piece::More)
    }

    fn push(&mut self, byte: u8) -> Result<Option<RecordHeader>, RecordFault> {
        if let Some(slot) = self.header.get_mut(self.have) {
            *slot = byte;
        }
        self.have += 1;
        let [kind, major, minor, high, low] = self.header;
        // Only a first record may turn out to be an SSLv2 hello, which shows at its fifth byte.
        if !self.begun && kind & 0x80 != 0 {
            return self.push_sslv2();
        }
        let kind = ContentType::from_byte(kind).ok_or(RecordFault::Type(kind))?;
        // 0x0300 to 0x0303 are written in practice; the field is otherwise to be ignored, and
        // 0x0304 harms nobody.
        if (self.have >= 2 && major != 3) || (self.have >= 3 && minor > 4) {
            return Err(RecordFault::Version);
        }
        if self.have < 5 {
            return Ok(None);
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        // No record of a handshake may be empty: a fragment of nothing is forbidden
        // (RFC 8446, section 5.1), and a protected one has a tag at least.
        if length == 0 || length > MAX_TLS_RECORD {
            return Err(RecordFault::Length);
        }
        Ok(Some(RecordHeader { kind, length }))
    }

    fn push_sslv2(&self) -> Result<Option<RecordHeader>, RecordFault> {
        let [first, _, kind, major, minor] = self.header;
        if self.have >= 3 && kind != 1 {
            return Err(RecordFault::Type(first));
        }
        if self.have < 5 {
            return Ok(None);
        }
        if major == 3 || (major, minor) == (0, 2) {
            Err(RecordFault::Sslv2Hello)
        } else {
            Err(RecordFault::Type(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record headers, or the fault and how many bytes it took.
    fn read(bytes: &[u8], chunk: usize) -> Result<Vec<RecordHeader>, (RecordFault, usize)> {
        let mut reader = RecordReader::default();
        let mut headers = Vec::new();
        let mut used = 0;
        for part in bytes.chunks(chunk) {
            let mut input = part;
            loop {
                match reader.next(&mut input) {
                    Ok(Piece::More) => break,
                    Ok(Piece::Header(header)) => headers.push(header),
                    Ok(Piece::Payload { .. }) => {}
                    Err(fault) => return Err((fault, used + part.len() - input.len())),
                }
            }
            used += part.len();
        }
        Ok(headers)
    }

    #[test]
    fn faults_show_at_the_first_byte_that_can_tell() {
        let cases: [(&[u8], RecordFault, usize); 10] = [
            (b"GET / HTTP/1.1\r\n", RecordFault::Type(b'G'), 1),
            (b"\x18\x03\x03", RecordFault::Type(24), 1),
            (b"\x16\x02\x00\x00\x05", RecordFault::Version, 2),
            (b"\x16\x03\x05\x00\x05", RecordFault::Version, 3),
            (b"\x16\x03\x01\x00\x00", RecordFault::Length, 5),
            (b"\x17\x03\x03\x48\x01", RecordFault::Length, 5),
            (b"\x80\x2e\x01\x03\x01\x00", RecordFault::Sslv2Hello, 5),
            (b"\x80\x2e\x01\x00\x02\x00", RecordFault::Sslv2Hello, 5),
            (b"\x80\x2e\x04\x00\x02\x00", RecordFault::Type(0x80), 3),
            (b"\x80\x2e\x01\x00\x03\x00", RecordFault::Type(0x80), 5),
        ];
        for (bytes, fault, at) in cases {
            for chunk in 1..=bytes.len() {
                assert_eq!(read(bytes, chunk), Err((fault, at)), "{bytes:?}");
            }
        }
    }

    #[test]
    fn records_are_cut_alike_in_every_split() {
        let mut bytes = vec![22, 3, 1, 0, 3, 1, 2, 3, 23, 3, 3, 0x48, 0];
        bytes.extend([0; 0x4800]);
        bytes.extend([20, 3, 3, 0, 1, 1]);
        let whole = read(&bytes, bytes.len()).unwrap();
        assert_eq!(whole.len(), 3);
        for chunk in [1, 2, 3, 5, 7, 1000] {
            assert_eq!(read(&bytes, chunk).as_ref(), Ok(&whole));
        }
        // A later record is never an SSLv2 hello.
        assert_eq!(
            read(&[20, 3, 3, 0, 1, 1, 0x80, 0x2e, 1, 3, 1], 4),
            Err((RecordFault::Type(0x80), 7))
        );
    }
}
