//! HTTP/1 heads and message framing (RFC 9112), read strictly.
//!
//! Owns: the reading of request and response heads from raw bytes, the following of a body's
//! framing so that its bytes can be relayed as they are, and the rewriting of a head for the
//! next leg. Must not judge destinations, resolve, or know of sockets.
//!
//! Strict means: what RFC 9112 forbids, or what another reader could read differently, is a
//! [`HeadError`] and never repaired. The verdict on a head is that of its first offending line,
//! so it does not depend on how the bytes were split into reads. Bounded by [`HeadLimits`];
//! nothing here keeps body bytes.

mod body;
mod connection;
mod error;
mod forward;
mod framing;
mod headers;
mod lines;
mod request;
mod response;
mod target;

pub use body::{Body, may_trail};
pub use connection::Connection;
pub use error::FramingError;
pub use error::HeadError;
pub use forward::ClientLeg;
pub use forward::Manner;
pub use forward::UpstreamLeg;
pub use forward::client_head;
pub use forward::parent_head;
pub use forward::upstream_head;
pub use framing::Framing;
pub use headers::Field;
pub use headers::Headers;
pub use request::HostHeader;
pub use request::RequestHead;
pub use request::read_request_head;
pub use response::ResponseHead;
pub use response::read_response_head;
pub use target::PathAndQuery;
pub use target::RequestTarget;
pub use target::Scheme;
pub use target::Userinfo;

use crate::model::limits;

/// The versions that are spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    Http10,
    Http11,
}

impl Version {
    /// Reads `HTTP/1.0` or `HTTP/1.1`, which is case-sensitive (RFC 9112, section 2.3).
    fn read(text: &[u8]) -> Option<Version> {
        match text {
            b"HTTP/1.0" => Some(Version::Http10),
            b"HTTP/1.1" => Some(Version::Http11),
            _ => None,
        }
    }

    /// As records name it.
    pub const fn number(self) -> &'static str {
        match self {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        }
    }

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }
}

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// From the start line to the empty line, both included.
    pub bytes: usize,
    /// Header lines.
    pub headers: usize,
}

impl Default for HeadLimits {
    fn default() -> HeadLimits {
        HeadLimits {
            bytes: limits::MAX_HEAD,
            headers: limits::MAX_HEADERS,
        }
    }
}

/// Whether `byte` may stand in a token (RFC 9110, section 5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
            | b'`' | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
    )
}

/// Whether `text` is a token (RFC 9110, section 5.6.2).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// Takes spaces and tabs from both ends (RFC 9110, section 5.6.3).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
