//! What the first bytes of a connection are: TLS, SOCKS, HTTP/2, HTTP/1 or none of these.
//!
//! Owns the telling apart only; what follows from it (a reader, a refusal with a hint) is the
//! caller's. Looks at 24 bytes at most, and never says "other" while the bytes could still be
//! one of the known kinds.

/// What a client that has just connected speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FirstBytes {
    /// Text that may be an HTTP/1 head; whether it is one, the head reader says.
    Http1,
    /// The client's connection preface (RFC 9113, section 3.4), whole.
    Http2Preface,
    /// A TLS handshake record, or an SSLv2-compatible hello (RFC 5246, appendix E.2).
    TlsClientHello,
    /// A SOCKS4 or SOCKS4a request.
    Socks4,
    /// A SOCKS5 greeting (RFC 1928, section 3).
    Socks5,
    /// None of these.
    Unknown,
    /// Too few bytes to tell.
    NeedMore,
}

/// RFC 9113, section 3.4.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Tells what `bytes`, the first of a connection, are. Once it gives another answer than
/// [`FirstBytes::NeedMore`], more bytes do not change it.
pub fn first_bytes(bytes: &[u8]) -> FirstBytes {
    if bytes.starts_with(HTTP2_PREFACE) {
        return FirstBytes::Http2Preface;
    }
    if HTTP2_PREFACE.starts_with(bytes) {
        return FirstBytes::NeedMore;
    }
    match bytes {
        [] => FirstBytes::NeedMore,
        // Handshake, then a record version of 3.x, which even TLS 1.3 writes.
        [0x16] => FirstBytes::NeedMore,
        [0x16, 0x03, ..] => FirstBytes::TlsClientHello,
        [0x04] | [0x05] => FirstBytes::NeedMore,
        // SOCKS4 has two commands; SOCKS5 offers at least one method.
        [0x04, 0x01 | 0x02, ..] => FirstBytes::Socks4,
        [0x05, 0x01..=0xff, ..] => FirstBytes::Socks5,
        // A two-byte length with its top bit set, CLIENT-HELLO, version 2 or 3.x.
        [0x80..=0xff] | [0x80..=0xff, _] | [0x80..=0xff, _, 0x01] => FirstBytes::NeedMore,
        [0x80..=0xff, _, 0x01, 0x00 | 0x03, ..] => FirstBytes::TlsClientHello,
        // An empty line may stand before a request line (RFC 9112, section 2.2).
        [b'\r', ..] => FirstBytes::Http1,
        [first, ..] if super::http1::is_token_byte(*first) => FirstBytes::Http1,
        [_, ..] => FirstBytes::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_from_its_first_bytes() {
        let cases: [(&[u8], FirstBytes); 21] = [
            (b"", FirstBytes::NeedMore),
            (b"GET / HTTP/1.1\r\n", FirstBytes::Http1),
            (b"C", FirstBytes::Http1),
            (b"\r\nGET / HTTP/1.1\r\n", FirstBytes::Http1),
            (b"P", FirstBytes::NeedMore),
            (b"PR", FirstBytes::NeedMore),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", FirstBytes::NeedMore),
            (
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                FirstBytes::Http2Preface,
            ),
            (
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12",
                FirstBytes::Http2Preface,
            ),
            (b"PRI * HTTP/2.0\r\nHost", FirstBytes::Http1),
            (b"PUT", FirstBytes::Http1),
            (b"PROPFIND", FirstBytes::Http1),
            (b"\x16", FirstBytes::NeedMore),
            (b"\x16\x03\x01\x02\x00\x01", FirstBytes::TlsClientHello),
            (b"\x16\x02", FirstBytes::Unknown),
            (b"\x80\x2e\x01\x03\x01", FirstBytes::TlsClientHello),
            (b"\x05\x01\x00", FirstBytes::Socks5),
            (b"\x05\x00", FirstBytes::Unknown),
            (b"\x04\x01\x01\xbb", FirstBytes::Socks4),
            (b"\x00\x00", FirstBytes::Unknown),
            (b" GET", FirstBytes::Unknown),
        ];
        for (bytes, kind) in cases {
            assert_eq!(first_bytes(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn an_answer_does_not_change_with_more_bytes() {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                let bytes = [a, b, 1, 3, 1, 0, 0, 0];
                let whole = first_bytes(&bytes);
                for end in 0..bytes.len() {
                    let part = first_bytes(&bytes[..end]);
                    assert!(part == whole || part == FirstBytes::NeedMore, "{bytes:?}");
                }
            }
        }
    }
}
