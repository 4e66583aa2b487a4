//! Host patterns, as the settings write them.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::logic::policy::space;
use crate::model::DnsName;
use crate::model::Host;

/// One entry of a `hosts` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every host.
    Any,
    /// `*.example.com`: one or more labels in front, not the name itself.
    Under(DnsName),
    /// That name or address.
    Exactly(Host),
    /// Every address of a network, in any notation.
    Network(IpNet),
}

/// Why a pattern could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl HostPattern {
    /// Reads a pattern; names are brought to their canonical form.
    ///
    /// # Errors
    /// [`PatternError`] says how to write it.
    pub fn parse(text: &str) -> Result<HostPattern, PatternError> {
        let fail = |why: String| Err(PatternError(why));
        if text == "*" {
            return Ok(HostPattern::Any);
        }
        if text.contains("://") {
            return fail("a host pattern is a host, not a URL".into());
        }
        if let Some((_, rest)) = text.split_once('/') {
            return match text.parse::<IpNet>() {
                Ok(net) => Ok(HostPattern::Network(net.trunc())),
                Err(_) if rest.bytes().all(|byte| byte.is_ascii_digit()) => {
                    fail("not a network; write it as 10.0.0.0/8 or fd00::/8".into())
                }
                Err(_) => fail("a host pattern has no path".into()),
            };
        }
        let (under, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.contains('*') {
            return fail("a * stands only alone or in front, as in *.example.com".into());
        }
        match (under, Host::parse(name)) {
            (true, Ok(Host::Name(name))) => Ok(HostPattern::Under(name)),
            (true, Ok(Host::V4(_) | Host::V6(_))) => {
                fail("a * cannot stand in front of an address; write a network".into())
            }
            (false, Ok(host)) => Ok(HostPattern::Exactly(host)),
            (_, Err(_))
                if name
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| is_number(port)) =>
            {
                fail("a host pattern has no port; use the key `ports`".into())
            }
            (_, Err(error)) => fail(error.to_string()),
        }
    }

    /// Whether it names one host.
    pub const fn is_one_host(&self) -> bool {
        match self {
            HostPattern::Exactly(_) => true,
            HostPattern::Any | HostPattern::Under(_) | HostPattern::Network(_) => false,
        }
    }

    /// Whether `host` is meant.
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Under(apex), Host::Name(name)) => {
                name != apex && name.is_under(apex.as_str())
            }
            (HostPattern::Exactly(Host::Name(own)), Host::Name(name)) => own == name,
            (
                HostPattern::Exactly(Host::V4(_) | Host::V6(_)) | HostPattern::Network(_),
                Host::V4(_) | Host::V6(_),
            ) => host.ip().is_some_and(|addr| self.matches_addr(addr)),
            (HostPattern::Under(_), Host::V4(_) | Host::V6(_))
            | (HostPattern::Exactly(Host::Name(_)), Host::V4(_) | Host::V6(_))
            | (HostPattern::Exactly(Host::V4(_) | Host::V6(_)), Host::Name(_))
            | (HostPattern::Network(_), Host::Name(_)) => false,
        }
    }

    /// Whether the pattern is of addresses and `addr`, or what it carries, is meant.
    pub fn matches_addr(&self, addr: IpAddr) -> bool {
        match self {
            HostPattern::Exactly(host) => host
                .ip()
                .is_some_and(|own| space::canonical(own) == space::canonical(addr)),
            HostPattern::Network(net) => {
                space::readings(addr).any(|reading| net.contains(&reading))
            }
            HostPattern::Any | HostPattern::Under(_) => false,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Any => f.write_str("*"),
            HostPattern::Under(name) => write!(f, "*.{name}"),
            HostPattern::Exactly(host) => host.fmt(f),
            HostPattern::Network(net) => net.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_say() {
        let cases: [(&str, &[&str], &[&str]); 9] = [
            ("*", &["example.com", "10.0.0.1"], &[]),
            (
                "*.Example.COM.",
                &["a.example.com", "a.b.example.com"],
                &["example.com", "aexample.com", "a.example.com.evil"],
            ),
            ("Example.com", &["example.com"], &["a.example.com"]),
            ("*.bücher.example", &["a.xn--bcher-kva.example"], &[]),
            (
                "10.0.0.0/8",
                &["10.1.2.3", "::ffff:10.1.2.3"],
                &["11.0.0.1", "a.example"],
            ),
            ("10.1.2.3/8", &["10.9.9.9"], &[]),
            ("127.1", &["127.0.0.1", "::ffff:127.0.0.1"], &["127.0.0.2"]),
            ("fd00::/8", &["fd00::1"], &["fe80::1"]),
            ("[::1]", &["::1"], &["127.0.0.1"]),
        ];
        for (text, yes, no) in cases {
            let pattern = HostPattern::parse(text).unwrap();
            for host in yes {
                assert!(
                    pattern.matches(&Host::parse(host).unwrap()),
                    "{text} {host}"
                );
            }
            for host in no {
                assert!(
                    !pattern.matches(&Host::parse(host).unwrap()),
                    "{text} {host}"
                );
            }
            let shown = pattern.to_string();
            assert_eq!(HostPattern::parse(&shown).unwrap(), pattern, "{shown}");
        }
    }

    #[test]
    fn a_bad_pattern_says_how_to_write_it() {
        let cases = [
            ("", "the host is empty"),
            ("https://example.com", "a host pattern is a host, not a URL"),
            (
                "example.com:443",
                "a host pattern has no port; use the key `ports`",
            ),
            ("example.com/a", "a host pattern has no path"),
            (
                "10.0.0.0/40",
                "not a network; write it as 10.0.0.0/8 or fd00::/8",
            ),
            (
                "*.10.0.0.1",
                "a * cannot stand in front of an address; write a network",
            ),
            (
                "a.*.example",
                "a * stands only alone or in front, as in *.example.com",
            ),
        ];
        for (text, message) in cases {
            let error = HostPattern::parse(text).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }
}
