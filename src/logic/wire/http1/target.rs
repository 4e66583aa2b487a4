//! Request targets in their four forms (RFC 9112, section 3.2), with the bytes kept as sent.

use std::fmt;

use super::HeadError;
use crate::model::Authority;
use crate::model::AuthorityError;
use crate::model::SafeUrl;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestTarget {
    /// `host:port`; CONNECT only.
    Authority(Authority),
    /// A whole URL, as clients send it to a proxy.
    Absolute {
        scheme: Scheme,
        authority: Authority,
        /// Host and port as they stood in the target, without userinfo.
        authority_as_sent: String,
        userinfo: Option<Userinfo>,
        /// May be empty, or begin with `?`.
        path_and_query: PathAndQuery,
    },
    /// Begins with a slash; what a server gets, and a proxy should not.
    Origin(PathAndQuery),
    /// `*`; OPTIONS only.
    Asterisk,
}

/// The schemes that are forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

/// Path and query exactly as sent: any bytes but spaces, controls and `#`.
///
/// `Debug` shows it redacted.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct PathAndQuery(Vec<u8>);

/// The text before the `@` of a target. It has no `Display`, and `Debug` shows its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Userinfo(String);

impl RequestTarget {
    /// Reads the target of a request with that method.
    pub(super) fn read(target: &[u8], method: &str) -> Result<RequestTarget, HeadError> {
        if target.is_empty() || target.iter().any(|byte| byte.is_ascii_whitespace()) {
            return Err(HeadError::RequestLine);
        }
        if memchr::memchr(b'#', target).is_some() {
            return Err(HeadError::Fragment);
        }
        if method == "CONNECT" {
            return read_authority(target, None).map(RequestTarget::Authority);
        }
        match target {
            b"*" if method == "OPTIONS" => Ok(RequestTarget::Asterisk),
            [b'/', ..] => Ok(RequestTarget::Origin(PathAndQuery(target.to_vec()))),
            _ => read_absolute(target),
        }
    }

    /// Path and query as sent; empty for CONNECT and `*`.
    pub fn path_and_query(&self) -> &[u8] {
        match self {
            RequestTarget::Absolute { path_and_query, .. }
            | RequestTarget::Origin(path_and_query) => path_and_query.as_bytes(),
            RequestTarget::Authority(_) | RequestTarget::Asterisk => &[],
        }
    }
}

impl Scheme {
    /// The port where none is given (RFC 9110, section 4.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    /// In lower case, without `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

impl PathAndQuery {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PathAndQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SafeUrl::redact(&String::from_utf8_lossy(&self.0)).fmt(f)
    }
}

impl Userinfo {
    /// Its length in bytes.
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is a password that is not empty.
    pub fn has_password(&self) -> bool {
        self.0
            .split_once(':')
            .is_some_and(|(_, password)| !password.is_empty())
    }

    /// The secret itself, percent-encoded as sent, for scanners only.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Userinfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Userinfo({} bytes)", self.0.len())
    }
}

fn read_absolute(target: &[u8]) -> Result<RequestTarget, HeadError> {
    let colon = memchr::memchr(b':', target).ok_or(HeadError::Target)?;
    let (scheme, rest) = target.split_at_checked(colon).ok_or(HeadError::Target)?;
    let rest = rest.strip_prefix(b"://").ok_or(HeadError::Target)?;
    let scheme = if scheme.eq_ignore_ascii_case(b"http") {
        Scheme::Http
    } else if scheme.eq_ignore_ascii_case(b"https") {
        Scheme::Https
    } else {
        return Err(HeadError::Scheme);
    };
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (authority, path_and_query) = rest.split_at_checked(end).ok_or(HeadError::Target)?;
    let (userinfo, host_port) = match memchr::memchr(b'@', authority) {
        None => (None, authority),
        Some(at) => {
            let userinfo = authority.get(..at).unwrap_or_default();
            let host_port = authority.get(at + 1..).unwrap_or_default();
            // Of two @ some take the first and some the last: two hosts.
            if host_port.contains(&b'@') {
                return Err(HeadError::TargetUserinfo);
            }
            let text = str::from_utf8(userinfo).map_err(|_| HeadError::TargetUserinfo)?;
            // A backslash ends the authority for some (WHATWG URL), not for others.
            if text.contains('\\') {
                return Err(HeadError::TargetUserinfo);
            }
            (Some(Userinfo(text.to_owned())), host_port)
        }
    };
    Ok(RequestTarget::Absolute {
        scheme,
        authority: read_authority(host_port, Some(scheme.default_port()))?,
        authority_as_sent: String::from_utf8_lossy(host_port).into_owned(),
        userinfo,
        path_and_query: PathAndQuery(path_and_query.to_vec()),
    })
}

fn read_authority(text: &[u8], default_port: Option<u16>) -> Result<Authority, HeadError> {
    // RFC 3986 knows ASCII only; other scripts have their A-labels.
    let text = str::from_utf8(text)
        .ok()
        .filter(|text| text.is_ascii())
        .ok_or(HeadError::TargetHost)?;
    // RFC 3986, section 3.2.3: an empty port means the default one.
    let text = match default_port {
        Some(_) => text.strip_suffix(':').unwrap_or(text),
        None => text,
    };
    Authority::parse(text, default_port).map_err(|error| match error {
        AuthorityError::Host(_) => HeadError::TargetHost,
        AuthorityError::NoPort | AuthorityError::Port => HeadError::TargetPort,
        AuthorityError::Userinfo => HeadError::TargetUserinfo,
        AuthorityError::Character => HeadError::Target,
    })
}
