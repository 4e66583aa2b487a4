//! URLs as people and programs write them: what a client would ask the proxy for.

use super::input::Unreadable;
use crate::logic::policy::Way;
use crate::model::Authority;
use crate::model::SafeUrl;

/// A URL, as far as a verdict depends on it.
#[derive(Debug, Clone)]
pub(super) struct Url {
    /// `https` goes through a tunnel, `http` in absolute form.
    pub(super) way: Way,
    pub(super) authority: Authority,
    pub(super) userinfo: Option<Userinfo>,
    /// Without the question mark, as written.
    pub(super) query: String,
    /// As a log may show it.
    pub(super) shown: SafeUrl,
}

/// What stood before the `@`; the text itself is not kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Userinfo {
    pub(super) length: usize,
    pub(super) has_password: bool,
}

impl Url {
    /// Reads a URL with a scheme. A fragment never leaves the client and is passed over.
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
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Userinfo::read(userinfo), host_port),
            None => (None, authority),
        };
        // RFC 3986, section 3.2.3: an empty port means the default one.
        let host_port = host_port.strip_suffix(':').unwrap_or(host_port);
        let before_fragment = behind.split('#').next().unwrap_or_default();
        let query = before_fragment
            .split_once('?')
            .map_or("", |(_, query)| query);
        Ok(Url {
            way,
            authority: Authority::parse(host_port, Some(default_port))
                .map_err(Unreadable::Authority)?,
            userinfo,
            query: query.to_owned(),
            shown: SafeUrl::redact(text),
        })
    }
}

impl Userinfo {
    fn read(text: &str) -> Option<Userinfo> {
        let has_password = text
            .split_once(':')
            .is_some_and(|(_, password)| !password.is_empty());
        (!text.is_empty()).then_some(Userinfo {
            length: text.len(),
            has_password,
        })
    }
}
