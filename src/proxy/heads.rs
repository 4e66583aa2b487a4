//! What a request head shows to the record and to the rules.

use crate::logic::record::Request;
use crate::logic::wire::http1::{RequestHead, RequestTarget};
use crate::model::{Action, Authority, Finding, Rule, SafeUrl, Severity};

/// A head as the record has it.
pub fn described(head: &RequestHead) -> Request {
    let user_agent = head.headers.first("user-agent").map(|value| String::from_utf8_lossy(value).into_owned());
    let (url, authority) = match &head.target {
        RequestTarget::Authority(authority) => (authority.to_string(), Some(authority)),
        RequestTarget::Absolute { authority, .. } => (head.target.to_string(), Some(authority)),
        RequestTarget::Origin(_) | RequestTarget::Asterisk => (head.target.to_string(), None),
    };
    Request {
        method: Some(head.method.clone()),
        url: Some(SafeUrl::redact(&url).as_str().to_owned()),
        host: authority.map(|authority| authority.host.to_string()),
        port: authority.map(|authority| authority.port),
        http: Some(head.version.as_str()),
        user_agent,
    }
}

/// What can be told of a head that was refused: its first line, redacted.
pub fn glimpse(bytes: &[u8]) -> Option<Request> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let mut parts = line.split(|byte| *byte == b' ');
    let method = parts.next().filter(|method| !method.is_empty() && method.iter().all(u8::is_ascii_graphic))?;
    let target = parts.next()?;
    // An authority with userinfo has no scheme; the redaction knows both.
    Some(Request {
        method: Some(String::from_utf8_lossy(method).into_owned()),
        url: Some(SafeUrl::redact(&String::from_utf8_lossy(target)).as_str().to_owned()),
        ..Request::default()
    })
}

/// A Host that names another host than the target: what a server behind it would go by.
pub fn foreign_host(head: &RequestHead, authority: &Authority, action: Action) -> Option<Finding> {
    let host = head.host.as_ref()?;
    (host.host != authority.host).then(|| Finding {
        rule: Rule::SniMismatch,
        kind: "host-header",
        place: "header.host".into(),
        action,
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: format!(
            "The request is for {}, but its Host header names {}; one request must name one host. \
             Remove the Host header that the program sets by itself.",
            authority.host, host.host
        ),
    })
}
