//! URLs as people and programs write them: what a client would ask the proxy for.

use std::fmt;

use super::input::Unreadable;
use crate::logic::policy::Way;
use crate::logic::scan;
use crate::logic::scan::Sighting;
use crate::model::Authority;
use crate::model::SafeUrl;

/// A URL, as far as a verdict depends on it.
#[derive(Debug, Clone)]
pub(super) struct Url {
    /// `https` goes through a tunnel, `http` in absolute form.
    pub(super) way: Way,
    pub(super) authority: Authority,
    /// What was found in it.
    pub(super) sightings: Vec<Sighting>,
    pub(super) text: Unshown,
    /// As written.
    pub(super) path: String,
    /// Without the question mark, as written.
    pub(super) query: String,
    /// As a log may show it.
    pub(super) shown: SafeUrl,
}

/// A text that may hold a secret; it is kept for its fingerprints.
#[derive(Clone)]
pub(super) struct Unshown(String);

impl Url {
    /// Reads a URL with a scheme. A fragment leaves no client that knows what it does; it is looked
    /// through all the same.
    pub(super) fn read(text: &str) -> Result<Url, Unreadable> {
        let (scheme, rest) = text.split_once("://").ok_or(Unreadable::NoUrl)?;
        let (way, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => (Way::Connect, 443),
            "http" | "ws" => (Way::Forward, 80),
            _ => return Err(Unreadable::Scheme),
        };
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Unreadable::Character);
        }
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // For some readers a backslash ends the authority, for others it belongs to it: two hosts.
        if behind.starts_with('\\') {
            return Err(Unreadable::Backslash);
        }
        let host_port = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host_port)| host_port);
        // RFC 3986, section 3.2.3: an empty port means the default one.
        let host_port = host_port.strip_suffix(':').unwrap_or(host_port);
        let before_fragment = behind.split('#').next().unwrap_or_default();
        let (path, query) = before_fragment
            .split_once('?')
            .unwrap_or((before_fragment, ""));
        let authority =
            Authority::parse(host_port, Some(default_port)).map_err(Unreadable::Authority)?;
        let mut sightings = Vec::new();
        scan::BUILTIN.url(text.as_bytes(), &mut sightings);
        Ok(Url {
            way,
            authority,
            path: path.to_owned(),
            query: query.to_owned(),
            shown: scan::redact(text, &sightings),
            sightings,
            text: Unshown(text.to_owned()),
        })
    }
}

impl Url {
    /// What CONNECT names: an authority alone.
    pub(super) fn of_authority(authority: Authority) -> Url {
        Url {
            way: Way::Connect,
            shown: SafeUrl::redact(&authority.to_string()),
            authority,
            sightings: Vec::new(),
            text: Unshown(String::new()),
            path: String::new(),
            query: String::new(),
        }
    }
}

impl Unshown {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unshown({} bytes)", self.0.len())
    }
}
