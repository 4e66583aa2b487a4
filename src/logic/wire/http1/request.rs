//! Request heads.

use super::Connection;
use super::Framing;
use super::HeadError;
use super::HeadLimits;
use super::Headers;
use super::Manner;
use super::RequestTarget;
use super::Version;
use super::headers::Block;
use super::is_token;
use super::lines::Lines;
use crate::model::Authority;
use crate::model::Host;

/// The head of a request, read strictly; every byte of it can be written again.
///
/// Host is kept beside the target and not judged against it: a proxy goes by the target
/// (RFC 9112, section 3.2.2), and a Host that names another host is a rule of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    pub method: String,
    pub target: RequestTarget,
    pub version: Version,
    pub headers: Headers,
    pub framing: Framing,
    pub host: Option<HostHeader>,
    pub connection: Connection,
    /// The client waits for a 100 before it sends the body (RFC 9110, section 10.1.1).
    pub expects_continue: bool,
}

/// The Host header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostHeader {
    pub as_sent: String,
    /// Canonical.
    pub host: Host,
    pub port: Option<u16>,
}

impl HostHeader {
    /// Whether it names that authority; without a port it names `default_port`.
    pub fn names(&self, authority: &Authority, default_port: u16) -> bool {
        self.host == authority.host && self.port.unwrap_or(default_port) == authority.port
    }
}

/// Reads a request head from the front of `bytes`. `None`: it is incomplete, and nothing in it
/// is wrong so far. Else the head, and how many bytes it took.
///
/// # Errors
/// [`HeadError`], as soon as no further bytes could mend it.
pub fn read_request_head(
    bytes: &[u8],
    limits: HeadLimits,
) -> Result<Option<(RequestHead, usize)>, HeadError> {
    if bytes == b"\r" {
        return Ok(None);
    }
    // RFC 9112, section 2.2: one empty line before the request line is to be ignored.
    let skipped = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let lines = Lines::split(bytes.get(skipped..).unwrap_or_default(), limits);
    let start = lines.start_line.map(read_request_line).transpose()?;
    let block = if lines.end.is_some() {
        Block::Whole
    } else {
        Block::Begun
    };
    let headers = Headers::read(lines.fields, lines.count, block)?;
    if let Some(fault) = lines.fault {
        return Err(fault);
    }
    let (Some((method, target, version)), Some(end)) = (start, lines.end) else {
        return Ok(None);
    };
    let head = RequestHead::build(method, target, version, headers)?;
    Ok(Some((head, skipped + end)))
}

impl RequestHead {
    fn build(
        method: String,
        target: RequestTarget,
        version: Version,
        headers: Headers,
    ) -> Result<RequestHead, HeadError> {
        let host = read_host(&headers, version)?;
        let framing = Framing::of_request(&headers, version, method == "CONNECT")?;
        let connection = Connection::read_request(&headers)?;
        // An expectation of a 1.0 client does not count (RFC 9110, section 10.1.1).
        let expects_continue = version == Version::Http11
            && headers
                .all("expect")
                .any(|value| value.eq_ignore_ascii_case(b"100-continue"));
        Ok(RequestHead {
            method,
            target,
            version,
            headers,
            framing,
            host,
            connection,
            expects_continue,
        })
    }

    /// Whether the client would send another request on this connection. HTTP/1.0 clients of a
    /// proxy are not asked: their keep-alive cannot be told from one that another proxy passed on
    /// blindly (RFC 9112, appendix C.2.2). Inside TLS there is none.
    pub const fn is_persistent(&self, manner: Manner) -> bool {
        let asked = match (self.version, manner) {
            (Version::Http11, _) => true,
            (Version::Http10, Manner::Intercept) => self.connection.keep_alive,
            (Version::Http10, Manner::Forward) => false,
        };
        asked && !self.connection.close
    }

    /// Whether the request asks to change to a protocol that can be relayed: any but those that
    /// would carry further requests past the reader (HTTP itself, in particular h2c, and TLS).
    pub fn wants_upgrade(&self) -> bool {
        let mut protocols = self
            .headers
            .all("upgrade")
            .flat_map(super::headers::members)
            .peekable();
        self.version == Version::Http11
            && self.connection.upgrade
            && protocols.peek().is_some()
            && protocols.all(is_relayed_protocol)
    }
}

fn is_relayed_protocol(protocol: &[u8]) -> bool {
    let name = protocol
        .split(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    !["h2c", "h2", "http", "tls"]
        .iter()
        .any(|carrier| name.eq_ignore_ascii_case(carrier.as_bytes()))
}

fn read_request_line(line: &[u8]) -> Result<(String, RequestTarget, Version), HeadError> {
    if line.is_empty() {
        return Err(HeadError::EmptyLine);
    }
    let mut parts = line.split(|byte| *byte == b' ');
    let method = parts.next().unwrap_or_default();
    if !is_token(method) {
        return Err(HeadError::Method);
    }
    let (Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(HeadError::RequestLine);
    };
    let method = String::from_utf8_lossy(method).into_owned();
    let version = Version::read(version).ok_or(HeadError::Version)?;
    let target = RequestTarget::read(target, &method)?;
    Ok((method, target, version))
}

/// RFC 9112, section 3.2: exactly one in HTTP/1.1, at most one in HTTP/1.0, and a valid one.
fn read_host(headers: &Headers, version: Version) -> Result<Option<HostHeader>, HeadError> {
    let mut values = headers.all("host");
    let Some(value) = values.next() else {
        return match version {
            Version::Http10 => Ok(None),
            Version::Http11 => Err(HeadError::HostMissing),
        };
    };
    if values.next().is_some() {
        return Err(HeadError::HostTwice);
    }
    let text = str::from_utf8(value)
        .ok()
        .filter(|text| text.is_ascii())
        .ok_or(HeadError::HostValue)?;
    // RFC 3986, section 3.2.3: an empty port means the default one.
    let bare = text.strip_suffix(':').unwrap_or(text);
    let has_port = bare
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let authority = Authority::parse(bare, Some(1)).map_err(|_| HeadError::HostValue)?;
    Ok(Some(HostHeader {
        as_sent: text.to_owned(),
        host: authority.host,
        port: has_port.then_some(authority.port),
    }))
}
