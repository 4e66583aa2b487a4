//! What a request head shows to the record and to the rules.

use crate::logic::record::Request;
use crate::logic::wire::http1::{RequestHead, RequestTarget, Scheme};
use crate::model::{Action, Authority, Finding, Rule, SafeUrl, Severity};

/// Where a Host field stands, in findings.
pub(super) const HOST: &str = "header.host";
/// Where HTTP/2's own stands.
pub(super) const AUTHORITY: &str = ":authority";

/// A head as the record has it.
pub(super) fn described(head: &RequestHead) -> Request {
    let path_and_query = String::from_utf8_lossy(head.target.path_and_query());
    let (url, authority) = match &head.target {
        RequestTarget::Authority(authority) => (authority.to_string(), Some(authority)),
        RequestTarget::Absolute {
            scheme,
            authority,
            authority_as_sent,
            userinfo,
            ..
        } => {
            let userinfo = if userinfo.is_some() { "***@" } else { "" };
            (
                format!(
                    "{}://{userinfo}{authority_as_sent}{path_and_query}",
                    scheme.as_str()
                ),
                Some(authority),
            )
        }
        RequestTarget::Origin(_) => (path_and_query.into_owned(), None),
        RequestTarget::Asterisk => ("*".to_owned(), None),
    };
    Request {
        url: Some(SafeUrl::redact(&url).as_str().to_owned()),
        host: authority.map(|authority| authority.host.to_string()),
        port: authority.map(|authority| authority.port),
        ..besides_target(head)
    }
}

fn besides_target(head: &RequestHead) -> Request {
    let user_agent = head
        .headers
        .first("user-agent")
        .map(|value| String::from_utf8_lossy(value).into_owned());
    Request {
        method: Some(head.method.clone()),
        http: Some(head.version.number()),
        user_agent,
        ..Request::default()
    }
}

/// A head inside TLS to `authority`, as the record has it.
pub(super) fn inside(head: &RequestHead, authority: &Authority) -> Request {
    let target = String::from_utf8_lossy(head.target.path_and_query());
    let shown = if authority.port == 443 {
        authority.host_text()
    } else {
        authority.to_string()
    };
    Request {
        url: Some(
            SafeUrl::redact(&format!("https://{shown}{target}"))
                .as_str()
                .to_owned(),
        ),
        host: Some(authority.host.to_string()),
        port: Some(authority.port),
        ..besides_target(head)
    }
}

/// What can be told of a head that was refused: its first line, redacted. Bytes that do not even
/// begin like a request may be anybody's secret (the rest of a body, say) and are not shown.
pub(super) fn glimpse(bytes: &[u8]) -> Option<Request> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let mut parts = line.split(|byte| *byte == b' ');
    let method = parts.next().filter(|method| {
        (1..=24).contains(&method.len())
            && method
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || *byte == b'-')
    })?;
    let target = parts.next()?;
    Some(Request {
        method: Some(String::from_utf8_lossy(method).into_owned()),
        url: Some(
            SafeUrl::of_unreadable(&String::from_utf8_lossy(target))
                .as_str()
                .to_owned(),
        ),
        ..Request::default()
    })
}

/// An `https://` URL in absolute form: its bytes, credentials included, have come here in
/// plaintext already, and the client expects us to speak TLS for it.
pub(super) fn https_in_the_clear(scheme: Scheme) -> Option<Finding> {
    (scheme == Scheme::Https).then(|| {
        finding(
            Rule::MalformedRequest,
            "https-absolute-form",
            "target",
            Action::Block,
            "An https:// URL was sent to the proxy in plaintext. Clients open a tunnel with CONNECT for these: \
             set HTTPS_PROXY (not only HTTP_PROXY), or the client's option for HTTPS through a proxy."
                .to_owned(),
        )
    })
}

/// Whether the request carries an AWS signature (V2, V4, V4A), in a header or in the query.
pub(super) fn is_signed(head: &RequestHead) -> bool {
    shows_signature(
        head.headers.all("authorization"),
        head.target.path_and_query(),
    )
}

/// As [`is_signed`], by the values of Authorization and the path with its query.
pub(super) fn shows_signature<'a>(
    mut authorization: impl Iterator<Item = &'a [u8]>,
    path_and_query: &[u8],
) -> bool {
    let schemes: [&[u8]; 3] = [b"AWS4-HMAC-SHA256 ", b"AWS4-ECDSA-P256-SHA256 ", b"AWS "];
    authorization.any(|value| schemes.iter().any(|scheme| value.starts_with(scheme)))
        || has_signature_parameter(path_and_query)
}

fn has_signature_parameter(path_and_query: &[u8]) -> bool {
    let query = path_and_query
        .splitn(2, |byte| *byte == b'?')
        .nth(1)
        .unwrap_or_default();
    query.split(|byte| *byte == b'&').any(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"x-amz-signature") || name == b"AWSAccessKeyId"
    })
}

fn finding(
    rule: Rule,
    kind: &'static str,
    place: &'static str,
    action: Action,
    hint: String,
) -> Finding {
    Finding {
        rule,
        kind,
        place: place.into(),
        action,
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint,
    }
}
