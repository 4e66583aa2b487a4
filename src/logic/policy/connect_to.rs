//! `connect_to`: curl's `--connect-to HOST1:PORT1:HOST2:PORT2`.

use std::fmt;

use crate::model::Authority;
use crate::model::Host;

/// All redirections, in order; the first that matches counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectTo(pub Vec<Redirect>);

/// One `HOST1:PORT1:HOST2:PORT2`. An empty part is any on the left and unchanged on the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    pub from_host: Option<Host>,
    pub from_port: Option<u16>,
    pub to_host: Option<Host>,
    pub to_port: Option<u16>,
}

/// Why a redirection could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    #[error("write it as HOST:PORT:HOST:PORT (any part may be empty; IPv6 in brackets)")]
    Parts,
    #[error("its host before the second colon cannot be read")]
    FromHost,
    #[error("its target host cannot be read")]
    ToHost,
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl ConnectTo {
    /// The redirection that applies to `authority`.
    pub fn find(&self, authority: &Authority) -> Option<&Redirect> {
        self.0.iter().find(|redirect| redirect.matches(authority))
    }
}

impl Redirect {
    /// Reads one entry.
    ///
    /// # Errors
    /// [`RedirectError`] says which part.
    pub fn parse(text: &str) -> Result<Redirect, RedirectError> {
        let (from_host, rest) = split_host(text)?;
        let (from_port, rest) = rest.split_once(':').ok_or(RedirectError::Parts)?;
        let (to_host, to_port) = split_host(rest)?;
        if to_port.contains(':') {
            return Err(RedirectError::Parts);
        }
        Ok(Redirect {
            from_host: host(from_host).map_err(|()| RedirectError::FromHost)?,
            from_port: port(from_port)?,
            to_host: host(to_host).map_err(|()| RedirectError::ToHost)?,
            to_port: port(to_port)?,
        })
    }

    /// Where to connect instead of `authority`.
    pub fn target(&self, authority: &Authority) -> Authority {
        Authority {
            host: self
                .to_host
                .clone()
                .unwrap_or_else(|| authority.host.clone()),
            port: self.to_port.unwrap_or(authority.port),
        }
    }

    /// Whether the operator named the machine, and not just another port: only then is the
    /// target exempt from the address guard.
    pub const fn names_host(&self) -> bool {
        self.to_host.is_some()
    }

    fn matches(&self, authority: &Authority) -> bool {
        self.from_host
            .as_ref()
            .is_none_or(|host| *host == authority.host)
            && self.from_port.is_none_or(|port| port == authority.port)
    }
}

/// Splits at the colon behind the host, which may stand in brackets.
fn split_host(text: &str) -> Result<(&str, &str), RedirectError> {
    if text.starts_with('[') {
        let (inner, rest) = text.split_once(']').ok_or(RedirectError::Parts)?;
        let rest = rest.strip_prefix(':').ok_or(RedirectError::Parts)?;
        let inner = inner.strip_prefix('[').ok_or(RedirectError::Parts)?;
        return Ok((inner, rest));
    }
    text.split_once(':').ok_or(RedirectError::Parts)
}

fn host(text: &str) -> Result<Option<Host>, ()> {
    match text {
        "" => Ok(None),
        text => Host::parse(text).map(Some).map_err(|_| ()),
    }
}

fn port(text: &str) -> Result<Option<u16>, RedirectError> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RedirectError::Port);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(RedirectError::Port),
        Ok(port) => Ok(Some(port)),
    }
}

/// As it is written in the settings.
impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |f: &mut fmt::Formatter<'_>, host: &Option<Host>| match host {
            None => Ok(()),
            Some(Host::V6(addr)) => write!(f, "[{addr}]"),
            Some(host @ (Host::Name(_) | Host::V4(_))) => host.fmt(f),
        };
        let port = |f: &mut fmt::Formatter<'_>, port: Option<u16>| match port {
            None => Ok(()),
            Some(port) => port.fmt(f),
        };
        host(f, &self.from_host)?;
        f.write_str(":")?;
        port(f, self.from_port)?;
        f.write_str(":")?;
        host(f, &self.to_host)?;
        f.write_str(":")?;
        port(f, self.to_port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_means_what_curl_means() {
        let cases = [
            (
                "a.example:443:127.0.0.1:5000",
                "a.example:443",
                Some("127.0.0.1:5000"),
            ),
            (
                "A.example.:443:127.0.0.1:5000",
                "a.example:443",
                Some("127.0.0.1:5000"),
            ),
            ("a.example:443:127.0.0.1:5000", "a.example:80", None),
            ("a.example:443:127.0.0.1:5000", "b.example:443", None),
            ("::moto:5000", "b.example:443", Some("moto:5000")),
            (":443:moto:", "b.example:443", Some("moto:443")),
            ("a.example:::8443", "a.example:443", Some("a.example:8443")),
            ("[::1]:443:[::2]:444", "[::1]:443", Some("[::2]:444")),
        ];
        for (text, asked, target) in cases {
            let all = ConnectTo(vec![Redirect::parse(text).unwrap()]);
            let asked = Authority::parse(asked, None).unwrap();
            let found = all.find(&asked).map(|to| to.target(&asked).to_string());
            assert_eq!(found.as_deref(), target, "{text}");
            let shown = all.0[0].to_string();
            assert_eq!(Redirect::parse(&shown).unwrap(), all.0[0], "{shown}");
        }
    }

    #[test]
    fn the_first_match_counts() {
        let all = ConnectTo(
            ["a.example::one:", "::two:"]
                .map(|text| Redirect::parse(text).unwrap())
                .to_vec(),
        );
        let target = |asked: &str| {
            let asked = Authority::parse(asked, None).unwrap();
            all.find(&asked).unwrap().target(&asked).to_string()
        };
        assert_eq!(target("a.example:1"), "one:1");
        assert_eq!(target("b.example:1"), "two:1");
    }

    #[test]
    fn a_bad_entry_says_which_part() {
        let cases = [
            ("", RedirectError::Parts),
            ("a:1:b", RedirectError::Parts),
            ("a:1:b:2:3", RedirectError::Parts),
            ("[::1:1:b:2", RedirectError::Parts),
            ("::1:443:b:2", RedirectError::Parts),
            ("a:0:b:2", RedirectError::Port),
            ("a:+1:b:2", RedirectError::Port),
            ("a:1:b:70000", RedirectError::Port),
            ("a b:1:c:2", RedirectError::FromHost),
            ("a:1:b c:2", RedirectError::ToHost),
        ];
        for (text, error) in cases {
            assert_eq!(Redirect::parse(text), Err(error), "{text}");
        }
    }
}
