//! Where a message ends (RFC 9112, section 6.3).

use super::HeadError;
use super::Headers;
use super::Version;
use super::headers::members;

/// How the length of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// There is no body.
    None,
    /// That many bytes, from Content-Length.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// All until the connection closes; responses only.
    UntilClose,
}

impl Framing {
    /// The framing of a request: whatever two servers could frame differently is refused.
    pub(super) fn of_request(
        headers: &Headers,
        version: Version,
        is_connect: bool,
    ) -> Result<Framing, HeadError> {
        let chunked = read_encoding(headers, version)?;
        let mut lengths = headers.all("content-length");
        let length = lengths.next().map(read_length).transpose()?;
        if lengths.next().is_some() {
            return Err(HeadError::LengthTwice);
        }
        let framing = match (chunked, length) {
            (true, Some(_)) => return Err(HeadError::LengthAndEncoding),
            (true, None) => Framing::Chunked,
            (false, Some(length)) => Framing::Length(length),
            (false, None) => Framing::None,
        };
        match framing {
            // `Content-Length: 0` on CONNECT, as WinINet sends it, means the same to everyone.
            Framing::None | Framing::Length(0) if is_connect => Ok(Framing::None),
            Framing::None | Framing::Length(_) | Framing::Chunked | Framing::UntilClose => {
                if is_connect {
                    return Err(HeadError::ConnectBody);
                }
                Ok(framing)
            }
        }
    }

    /// The framing of the answer to a request of that method. Content-Length beside
    /// Transfer-Encoding, and the same length more than once, are read as section 6.3 says and
    /// mended when the head is forwarded; servers do send them.
    pub(super) fn of_response(
        headers: &Headers,
        version: Version,
        status: u16,
        method: &str,
    ) -> Result<Framing, HeadError> {
        let opens_tunnel = method == "CONNECT" && (200..300).contains(&status);
        if method == "HEAD" || matches!(status, 100..200 | 204 | 304) || opens_tunnel {
            return Ok(Framing::None);
        }
        if read_encoding(headers, version)? {
            return Ok(Framing::Chunked);
        }
        let mut length = None;
        for value in headers.all("content-length") {
            let mut any = false;
            for member in members(value) {
                any = true;
                let this = read_length(member)?;
                if *length.get_or_insert(this) != this {
                    return Err(HeadError::LengthTwice);
                }
            }
            if !any {
                return Err(HeadError::LengthValue);
            }
        }
        Ok(length.map_or(Framing::UntilClose, Framing::Length))
    }
}

/// Whether the message is chunked. `chunked` alone, once, is the only coding that is relayed.
fn read_encoding(headers: &Headers, version: Version) -> Result<bool, HeadError> {
    let mut values = headers.all("transfer-encoding");
    let Some(value) = values.next() else {
        return Ok(false);
    };
    // RFC 9112, section 6.1: the framing of such a message is faulty.
    if version == Version::Http10 {
        return Err(HeadError::EncodingInHttp10);
    }
    if values.next().is_some() || !value.eq_ignore_ascii_case(b"chunked") {
        return Err(HeadError::TransferEncoding);
    }
    Ok(true)
}

/// Digits only: no sign, no list, no empty value (RFC 9112, section 6.2).
fn read_length(value: &[u8]) -> Result<u64, HeadError> {
    if value.is_empty() {
        return Err(HeadError::LengthValue);
    }
    value.iter().try_fold(0u64, |length, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(HeadError::LengthValue);
        }
        length
            .checked_mul(10)
            .and_then(|length| length.checked_add(u64::from(digit)))
            .ok_or(HeadError::LengthValue)
    })
}
