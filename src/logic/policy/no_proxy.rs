//! `no_proxy`: which hosts are reached without the parent proxy, as curl reads `NO_PROXY`.

use std::fmt;

use crate::logic::policy::pattern::HostPattern;
use crate::model::Authority;
use crate::model::DnsName;
use crate::model::Host;

/// All entries; any that matches counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy(pub Vec<NoProxyEntry>);

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoProxyEntry {
    what: What,
    /// Only for this port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// `*`.
    All,
    /// A name and all under it, with or without a leading dot.
    Name(DnsName),
    /// An address, a network, or `*.example.com`.
    Pattern(HostPattern),
}

/// Why an entry could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a name (example.com, which also means all under it), an address, a network, or *")]
pub struct NoProxyError;

impl NoProxy {
    /// Reads the variable as other programs do: entries are separated by commas or spaces, and
    /// one that cannot be read matches nothing.
    pub fn of_variable(text: &str) -> NoProxy {
        let entries = text
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|entry| !entry.is_empty());
        NoProxy(
            entries
                .filter_map(|entry| NoProxyEntry::parse(entry).ok())
                .collect(),
        )
    }

    /// Whether `authority` is reached directly.
    pub fn matches(&self, authority: &Authority) -> bool {
        self.0.iter().any(|entry| entry.matches(authority))
    }
}

impl NoProxyEntry {
    /// Reads one entry.
    ///
    /// # Errors
    /// [`NoProxyError`] says how to write it.
    pub fn parse(text: &str) -> Result<NoProxyEntry, NoProxyError> {
        let of = |what: What| NoProxyEntry { what, port: None };
        if text == "*" {
            return Ok(of(What::All));
        }
        if text.contains('/') || text.starts_with("*.") {
            let pattern = HostPattern::parse(text).map_err(|_| NoProxyError)?;
            return Ok(of(What::Pattern(pattern)));
        }
        let name = text.strip_prefix('.').unwrap_or(text);
        let (host, port) = match Host::parse(name) {
            Ok(host) => (host, None),
            // Go and others know `host:port`; curl has no port here.
            Err(_) => match Authority::parse(name, None) {
                Ok(authority) => (authority.host, Some(authority.port)),
                Err(_) => return Err(NoProxyError),
            },
        };
        let what = match host {
            Host::Name(name) => What::Name(name),
            Host::V4(_) | Host::V6(_) if name.len() < text.len() => return Err(NoProxyError),
            Host::V4(_) | Host::V6(_) => What::Pattern(HostPattern::Exactly(host)),
        };
        Ok(NoProxyEntry { what, port })
    }

    fn matches(&self, authority: &Authority) -> bool {
        let Authority { host, port } = authority;
        self.port.is_none_or(|own| own == *port)
            && match (&self.what, host) {
                (What::All, _) => true,
                (What::Name(own), Host::Name(name)) => name.is_under(own.as_str()),
                (What::Name(_), Host::V4(_) | Host::V6(_)) => false,
                (What::Pattern(pattern), host) => pattern.matches(host),
            }
    }
}

impl fmt::Display for NoProxyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.what, self.port) {
            (What::All, _) => f.write_str("*"),
            (What::Name(name), None) => name.fmt(f),
            (What::Name(name), Some(port)) => write!(f, "{name}:{port}"),
            (What::Pattern(HostPattern::Exactly(host)), Some(port)) => Authority {
                host: host.clone(),
                port,
            }
            .fmt(f),
            (What::Pattern(pattern), _) => pattern.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn authority(text: &str) -> Authority {
        Authority::parse(text, Some(443)).unwrap()
    }

    #[test]
    fn it_means_what_curl_means() {
        let cases: [(&str, &[&str], &[&str]); 15] = [
            ("", &[], &["example.com", "10.0.0.1"]),
            ("*", &["example.com", "10.0.0.1", "[::1]"], &[]),
            (
                "example.com",
                &["example.com", "a.example.com", "a.b.EXAMPLE.com."],
                &["notexample.com", "example.com.evil.example", "example.org"],
            ),
            (
                ".example.com",
                &["example.com", "a.example.com"],
                &["notexample.com"],
            ),
            ("example.com.", &["example.com", "a.example.com"], &["com"]),
            ("*.example.com", &["a.example.com"], &["example.com"]),
            ("com", &["example.com"], &["example.org"]),
            (
                "a.example, b.example\tc.example,,",
                &["a.example", "b.example", "c.example"],
                &["d.example"],
            ),
            (
                "10.1.2.3",
                &["10.1.2.3", "[::ffff:10.1.2.3]"],
                &["10.1.2.4"],
            ),
            (
                "10.0.0.0/8,fd00::/8",
                &["10.1.2.3", "[fd00::1]"],
                &["11.1.2.3", "[fe80::1]"],
            ),
            ("::1", &["[::1]"], &["127.0.0.1", "localhost"]),
            ("[::1]", &["[::1]"], &["127.0.0.1"]),
            (
                "example.com:8443,[::1]:80,10.0.0.1:80",
                &["a.example.com:8443", "[::1]:80", "10.0.0.1:80"],
                &["example.com", "[::1]", "10.0.0.1"],
            ),
            // What cannot be read matches nothing, and hides nothing beside it.
            (
                "http://a.example,10.*,.10.0.0.1,b.example",
                &["b.example"],
                &["a.example", "10.0.0.1"],
            ),
            ("localhost", &["localhost", "a.localhost"], &["127.0.0.1"]),
        ];
        for (text, direct, through) in cases {
            let no_proxy = NoProxy::of_variable(text);
            for host in direct {
                assert!(no_proxy.matches(&authority(host)), "{text}: {host}");
            }
            for host in through {
                assert!(!no_proxy.matches(&authority(host)), "{text}: {host}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_reads_back(text in "[a-z0-9.:*/\\[\\]_é, -]{0,24}") {
            let read = NoProxy::of_variable(&text);
            for entry in read.0 {
                prop_assert_eq!(NoProxyEntry::parse(&entry.to_string()), Ok(entry));
            }
        }

        #[test]
        fn a_name_means_itself_and_all_under_it_by_whole_labels(
            name in "[a-z]{1,5}(\\.[a-z]{1,5}){0,3}",
            label in "[a-z]{1,5}",
            dot in "\\.?",
        ) {
            let no_proxy = NoProxy::of_variable(&format!("{dot}{name}"));
            prop_assert!(no_proxy.matches(&authority(&name)));
            let (under, beside) = (format!("{label}.{name}"), format!("{label}{name}"));
            prop_assert!(no_proxy.matches(&authority(&under)));
            prop_assert!(!no_proxy.matches(&authority(&beside)));
        }
    }
}
