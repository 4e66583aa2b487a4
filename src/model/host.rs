//! The one canonical form of a host, used by policy, DNS, dialling and the record alike.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::limits::{MAX_HOST_NAME, MAX_LABEL};

/// A host in canonical form: two spellings of one host are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    Name(DnsName),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// A DNS name: ASCII lower case (A-labels), no trailing dot, each label 1 to 63 bytes, 253 at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsName(Box<str>);

/// Why a host could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("the host is empty")]
    Empty,
    #[error("the host has a label that is empty or longer than {MAX_LABEL} bytes")]
    Label,
    #[error("the host is longer than {MAX_HOST_NAME} bytes")]
    TooLong,
    #[error("the host has an IPv6 zone, which means nothing to another machine")]
    Zone,
    #[error("the host is neither a DNS name nor an address")]
    Invalid,
}

impl Host {
    /// Reads a host as it stands in a URL, an authority or an SNI: letter case, one trailing dot,
    /// IDNA, percent-encoding, brackets and the odd spellings of IPv4 (WHATWG URL, host parsing)
    /// all come to one form.
    ///
    /// # Errors
    /// [`HostError`] for what is no host; nothing is guessed.
    pub fn parse(text: &str) -> Result<Host, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return Host::parse_v6(inner);
        }
        if text.contains(':') {
            return Host::parse_v6(text);
        }
        match ::url::Host::parse(text).map_err(|_| HostError::Invalid)? {
            ::url::Host::Ipv4(addr) => Ok(Host::V4(addr)),
            ::url::Host::Ipv6(addr) => Ok(Host::V6(addr)),
            ::url::Host::Domain(name) => DnsName::from_ascii(&name).map(Host::Name),
        }
    }

    fn parse_v6(text: &str) -> Result<Host, HostError> {
        if text.contains('%') {
            return Err(HostError::Zone);
        }
        text.parse().map(Host::V6).map_err(|_| HostError::Invalid)
    }

    /// The address, if the host is one.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(addr) => Some(IpAddr::V4(*addr)),
            Host::V6(addr) => Some(IpAddr::V6(*addr)),
        }
    }

    /// The name, if the host is one.
    pub const fn name(&self) -> Option<&DnsName> {
        match self {
            Host::Name(name) => Some(name),
            Host::V4(_) | Host::V6(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(addr: IpAddr) -> Host {
        match addr {
            IpAddr::V4(addr) => Host::V4(addr),
            IpAddr::V6(addr) => Host::V6(addr),
        }
    }
}

/// Without brackets; see [`Authority`] for the form with them.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name.as_str()),
            Host::V4(addr) => addr.fmt(f),
            Host::V6(addr) => addr.fmt(f),
        }
    }
}

impl DnsName {
    fn from_ascii(name: &str) -> Result<DnsName, HostError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if name.len() > MAX_HOST_NAME {
            return Err(HostError::TooLong);
        }
        if name
            .split('.')
            .any(|label| label.is_empty() || label.len() > MAX_LABEL)
        {
            return Err(HostError::Label);
        }
        // url's forbidden domain code points leave a few that no resolver or certificate knows.
        let known = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'-' | b'_' | b'.' | b'*')
        };
        if !name.bytes().all(known) || name.contains('*') {
            return Err(HostError::Invalid);
        }
        Ok(DnsName(name.into()))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels, leftmost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether this name ends in `suffix` by whole labels, or is it.
    pub fn is_under(&self, suffix: &str) -> bool {
        self.0
            .strip_suffix(suffix)
            .is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    pub host: Host,
    pub port: u16,
}

/// Why an authority could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("it has no port; write host:port")]
    NoPort,
    #[error("its port is not a number from 1 to 65535")]
    Port,
    #[error("it has userinfo (text before an @), which must not be sent to a proxy")]
    Userinfo,
    #[error("it has a character that no host or port can have")]
    Character,
}

impl Authority {
    /// Reads `host:port` or `host` with `default_port`. Userinfo is refused, never skipped.
    ///
    /// # Errors
    /// [`AuthorityError`] says which part.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Authority, AuthorityError> {
        if text.contains('@') {
            return Err(AuthorityError::Userinfo);
        }
        let odd = |c: char| {
            c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, '/' | '?' | '#' | '\\')
        };
        if text.contains(odd) {
            return Err(AuthorityError::Character);
        }
        let (host, port) = split_port(text)?;
        let port = match port {
            Some(port) => parse_port(port)?,
            None => default_port.ok_or(AuthorityError::NoPort)?,
        };
        Ok(Authority {
            host: Host::parse(host)?,
            port,
        })
    }

    /// The host as it stands in a URL: with brackets around an IPv6 address.
    pub fn host_text(&self) -> String {
        match &self.host {
            Host::V6(addr) => format!("[{addr}]"),
            Host::Name(_) | Host::V4(_) => self.host.to_string(),
        }
    }
}

/// With brackets around an IPv6 address.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::V6(addr) => write!(f, "[{addr}]:{}", self.port),
            Host::Name(_) | Host::V4(_) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Splits at the port's colon; an unbracketed text with several colons is refused, because
/// `::1:443` can be read two ways.
fn split_port(text: &str) -> Result<(&str, Option<&str>), AuthorityError> {
    if text.starts_with('[') {
        let (host, rest) = text.split_once(']').ok_or(HostError::Invalid)?;
        let host = text.get(..host.len() + 1).ok_or(HostError::Invalid)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HostError::Invalid.into()),
        };
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((_, port)) if port.contains(':') => Err(HostError::Invalid.into()),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn parse_port(text: &str) -> Result<u16, AuthorityError> {
    if text.is_empty() || text.len() > 5 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AuthorityError::Port);
    }
    match text.parse::<u16>() {
        Ok(port) if port != 0 => Ok(port),
        Ok(_) | Err(_) => Err(AuthorityError::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_form() {
        let cases = [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("ex%61mple.com", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--bcher-KVA.example", "xn--bcher-kva.example"),
            ("ｅｘａｍｐｌｅ.com", "example.com"),
            ("my_bucket.s3.amazonaws.com", "my_bucket.s3.amazonaws.com"),
            ("a--b.example", "a--b.example"),
            ("127.1", "127.0.0.1"),
            ("0x7f.0.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("[0:0:0:0:0:ffff:7f00:1]", "::ffff:127.0.0.1"),
        ];
        for (text, canonical) in cases {
            assert_eq!(
                Host::parse(text).map(|host| host.to_string()),
                Ok(canonical.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = "a".repeat(64);
        let longer = ["a"; 128].join(".");
        let cases = [
            ("", HostError::Empty),
            (".", HostError::Empty),
            ("a..b", HostError::Label),
            ("a.b..", HostError::Label),
            (".example.com", HostError::Label),
            (long.as_str(), HostError::Label),
            (longer.as_str(), HostError::TooLong),
            ("[fe80::1%eth0]", HostError::Zone),
            ("fe80::1%25eth0", HostError::Zone),
            ("[::1", HostError::Invalid),
            ("a b", HostError::Invalid),
            ("a/b", HostError::Invalid),
            ("a%00b", HostError::Invalid),
            ("*.example.com", HostError::Invalid),
            ("1.2.3.256", HostError::Invalid),
            ("exa\u{0}mple", HostError::Invalid),
            ("a,b", HostError::Invalid),
        ];
        for (text, error) in cases {
            assert_eq!(Host::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn authorities() {
        let ok = [
            ("example.com:443", "example.com:443"),
            ("EXAMPLE.com.:00443", "example.com:443"),
            ("[::1]:8443", "[::1]:8443"),
            ("127.1:80", "127.0.0.1:80"),
        ];
        for (text, canonical) in ok {
            assert_eq!(
                Authority::parse(text, None).map(|a| a.to_string()),
                Ok(canonical.to_owned()),
                "{text}"
            );
        }
        let bad = [
            ("example.com", AuthorityError::NoPort),
            ("example.com:", AuthorityError::Port),
            ("example.com:0", AuthorityError::Port),
            ("example.com:99999", AuthorityError::Port),
            ("example.com:+443", AuthorityError::Port),
            ("example.com:4 43", AuthorityError::Character),
            ("user@example.com:443", AuthorityError::Userinfo),
            ("::1:443", AuthorityError::Host(HostError::Invalid)),
            ("[::1]443", AuthorityError::Host(HostError::Invalid)),
            ("example.com:443/x", AuthorityError::Character),
            ("a#b:443", AuthorityError::Character),
        ];
        for (text, error) in bad {
            assert_eq!(Authority::parse(text, None), Err(error), "{text:?}");
        }
        assert_eq!(Authority::parse("h", Some(80)).map(|a| a.port), Ok(80));
    }

    #[test]
    fn suffixes_match_whole_labels() {
        let name = |text: &str| match Host::parse(text) {
            Ok(Host::Name(name)) => name,
            other => panic!("{other:?}"),
        };
        assert!(name("s3.amazonaws.com").is_under("amazonaws.com"));
        assert!(name("amazonaws.com").is_under("amazonaws.com"));
        assert!(!name("evilamazonaws.com").is_under("amazonaws.com"));
        assert!(!name("amazonaws.com.evil.example").is_under("amazonaws.com"));
    }
}
