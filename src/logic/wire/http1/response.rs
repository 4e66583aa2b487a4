//! Response heads, interim ones included.

use super::Connection;
use super::Framing;
use super::HeadError;
use super::HeadLimits;
use super::Headers;
use super::Manner;
use super::Version;
use super::headers::Block;
use super::lines::Lines;

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    pub version: Version,
    pub status: u16,
    /// What follows the version in the status line: a space, the status, the reason.
    pub(super) status_and_reason: Vec<u8>,
    pub headers: Headers,
    pub framing: Framing,
    pub connection: Connection,
}

/// Reads the head of a response to a request of that method from the front of `bytes`. `None`:
/// it is incomplete. Else the head, and how many bytes it took.
///
/// # Errors
/// [`HeadError`], as soon as no further bytes could mend it.
pub fn read_response_head(
    bytes: &[u8],
    request_method: &str,
    limits: HeadLimits,
) -> Result<Option<(ResponseHead, usize)>, HeadError> {
    let lines = Lines::split(bytes, limits);
    let start = lines.start_line.map(read_status_line).transpose()?;
    let block = if lines.end.is_some() {
        Block::Whole
    } else {
        Block::Begun
    };
    let headers = Headers::read(lines.fields, lines.count, block)?;
    if let Some(fault) = lines.fault {
        return Err(fault);
    }
    let (Some((version, status, rest)), Some(end)) = (start, lines.end) else {
        return Ok(None);
    };
    let framing = Framing::of_response(&headers, version, status, request_method)?;
    let connection = Connection::read(&headers);
    let head = ResponseHead {
        version,
        status,
        status_and_reason: rest.to_vec(),
        headers,
        framing,
        connection,
    };
    Ok(Some((head, end)))
}

impl ResponseHead {
    /// Whether another response follows to the same request (RFC 9110, section 15.2). After a
    /// 101 none does: the connection is another protocol's.
    pub const fn is_interim(&self) -> bool {
        matches!(self.status, 100..=199) && self.status != 101
    }

    /// The reason phrase, as sent.
    pub fn reason(&self) -> &[u8] {
        // Behind a space, three digits and a space.
        self.status_and_reason.get(5..).unwrap_or_default()
    }

    /// Whether the server would take another request on this connection. An old server's word
    /// counts only where the client hears it too.
    pub fn is_persistent(&self, manner: Manner) -> bool {
        let offered = match (self.version, manner) {
            (Version::Http11, _) => true,
            (Version::Http10, Manner::Intercept) => self.connection.keep_alive,
            (Version::Http10, Manner::Forward) => false,
        };
        offered
            && !self.connection.close
            && self.framing != Framing::UntilClose
            && self.status != 101
    }
}

/// The space behind the status may be missing when the reason is empty: servers leave it out
/// and every client takes it.
fn read_status_line(line: &[u8]) -> Result<(Version, u16, &[u8]), HeadError> {
    let (version, rest) = line
        .split_at_checked("HTTP/1.1".len())
        .ok_or(HeadError::StatusLine)?;
    let version = Version::read(version).ok_or(HeadError::Version)?;
    let [
        b' ',
        a @ b'1'..=b'9',
        b @ b'0'..=b'9',
        c @ b'0'..=b'9',
        reason @ ..,
    ] = rest
    else {
        return Err(HeadError::StatusLine);
    };
    if !matches!(reason, [] | [b' ', ..]) {
        return Err(HeadError::StatusLine);
    }
    let status = [a, b, c]
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(**digit - b'0'));
    Ok((version, status, rest))
}
