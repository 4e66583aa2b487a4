//! URLs that redact themselves: what a record, a log line or an answer may show of one.

use std::fmt;

/// A URL as it may be shown. Userinfo and every query value are masked; the original is not kept.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeUrl(String);

impl SafeUrl {
    /// The URL with its secrets masked: userinfo becomes `***`, query values become `***`
    /// unless their name is known to be harmless, the fragment is dropped, and control and
    /// bidirectional characters are percent-encoded.
    pub fn redact(url: &str) -> SafeUrl {
        let url = url.split_once('#').map_or(url, |(head, _)| head);
        let (base, query) = match url.split_once('?') {
            Some((base, query)) => (base, Some(query)),
            None => (url, None),
        };
        let mut text = redact_userinfo(base);
        if let Some(query) = query {
            text.push('?');
            for (place, pair) in query.split('&').enumerate() {
                if place > 0 {
                    text.push('&');
                }
                match pair.split_once('=') {
                    Some((name, value)) if is_shown(name, value) => push_escaped(&mut text, pair),
                    Some((name, _)) => {
                        push_escaped(&mut text, name);
                        text.push_str("=***");
                    }
                    // A bare name is a sub-resource (`?uploads`) or an opaque value.
                    None if is_word(pair) => push_escaped(&mut text, pair),
                    None => text.push_str("***"),
                }
            }
        }
        SafeUrl(text)
    }

    /// The redacted text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafeUrl({:?})", self.0)
    }
}

/// Masks everything between a scheme and the last `@` of its authority, also of a URL that stands
/// in the path of another (`https://proxy.example/https://user:pw@h/`).
fn redact_userinfo(base: &str) -> String {
    let mut text = String::with_capacity(base.len() + 8);
    // The first piece is the scheme, or all there is; a scheme has no `@` to be masked.
    for (place, piece) in base.split("://").enumerate() {
        if place > 0 {
            text.push_str("://");
        }
        // Some parsers end an authority at a backslash too; masking up to the `@` is right for both.
        let end = piece.find('/').unwrap_or(piece.len());
        let (authority, path) = piece.split_at_checked(end).unwrap_or((piece, ""));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                text.push_str("***@");
                push_escaped(&mut text, host);
            }
            None => push_escaped(&mut text, authority),
        }
        push_escaped(&mut text, path);
    }
    text
}

/// Whether a query value is no secret. Where an `@` stands may be userinfo.
fn is_shown(name: &str, value: &str) -> bool {
    value.is_empty() || (is_harmless(name) && !value.contains('@') && !value.contains("%40"))
}

/// Query names whose values are addressing, not secrets: AWS and S3 sub-resources and the
/// like. Whatever is not listed is masked.
fn is_harmless(name: &str) -> bool {
    const NAMES: [&str; 24] = [
        "action",
        "delimiter",
        "encoding-type",
        "list-type",
        "location",
        "max-keys",
        "max-uploads",
        "operation",
        "page",
        "partnumber",
        "per_page",
        "response-content-type",
        "select-type",
        "uploads",
        "version",
        "versioning",
        "x-amz-algorithm",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-id",
        "acl",
        "tagging",
        "policy",
    ];
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&lower.as_str())
}

fn is_word(text: &str) -> bool {
    text.len() <= 24
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if is_unprintable(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
}

/// Control characters, and those that reorder text on a terminal (Unicode bidi controls).
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
        )
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_their_secrets() {
        let cases = [
            ("http://example.com/a", "http://example.com/a"),
            (
                "http://user:hunter2@example.com/a",
                "http://***@example.com/a",
            ),
            ("http://user:p@ss@example.com/", "http://***@example.com/"),
            ("http://user@example.com", "http://***@example.com"),
            (
                "http://example.com/@scope/name",
                "http://example.com/@scope/name",
            ),
            ("http://h/?token=abc&page=2", "http://h/?token=***&page=2"),
            ("http://h/?uploads", "http://h/?uploads"),
            (
                "http://h/?c2VjcmV0LXNlY3JldA==",
                "http://h/?c2VjcmV0LXNlY3JldA=***",
            ),
            ("http://h/?0123456789abcdef", "http://h/?***"),
            ("http://h/a#access_token=x", "http://h/a"),
            ("http://h/\u{202e}a\u{7}", "http://h/%E2%80%AEa%07"),
            ("http://u:p\\@h/", "http://***@h/"),
            (
                "https://h/https://user:pw@example.com/a",
                "https://h/https://***@example.com/a",
            ),
            ("http://h/?location=http://u:p@h", "http://h/?location=***"),
            ("http://h/?location=u%3Ap%40h", "http://h/?location=***"),
            ("example.com:443", "example.com:443"),
            ("user:pw@example.com:443", "***@example.com:443"),
        ];
        for (url, shown) in cases {
            assert_eq!(SafeUrl::redact(url).as_str(), shown, "{url}");
        }
    }
}
