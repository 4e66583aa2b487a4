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
        if url.starts_with("//") && url.contains('@') {
            return SafeUrl::of_unreadable(url);
        }
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

    /// What may be shown of a request target that could not be read: where its authority ends is
    /// not known, so everything before the last `@` may be a password, and a target of no known
    /// form is shown not at all.
    pub fn of_unreadable(target: &str) -> SafeUrl {
        if let Some((_, after)) = target.rsplit_once('@') {
            let end = after.find(['/', '?', '#', '\\']).unwrap_or(after.len());
            let mut text = "***@".to_owned();
            push_escaped(&mut text, after.get(..end).unwrap_or_default());
            return SafeUrl(text);
        }
        let has_port = |authority: &str| {
            authority
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let is_known = target.starts_with('/')
            || target.starts_with("http://")
            || target.starts_with("https://")
            || has_port(target);
        if is_known {
            SafeUrl::redact(target)
        } else {
            SafeUrl("***".to_owned())
        }
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
    value.is_empty() || (is_harmless(name) && is_plain(value) && !value.contains("%40"))
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

/// One value and nothing behind it: some servers take `;` for `&`.
fn is_plain(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+*,~%".contains(&byte))
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
    fn of_what_cannot_be_read_only_what_is_surely_no_password_is_shown() {
        let cases = [
            ("http://u:secret/x@h:80/p", "***@h:80"),
            ("http://u:secret?x@h/", "***@h"),
            ("http://u:secret#x@h\\y", "***@h"),
            ("http:/u:secret@h/", "***@h"),
            ("u:secret@h:443", "***@h:443"),
            ("//u:secret@h/", "***@h"),
            ("//h/a", "//h/a"),
            ("secret", "***"),
            ("u:secret", "***"),
            ("h:99999", "h:99999"),
            ("http://h/a?token=secret#b", "http://h/a?token=***"),
            ("/a?token=secret", "/a?token=***"),
        ];
        for (target, shown) in cases {
            assert_eq!(SafeUrl::of_unreadable(target).as_str(), shown, "{target}");
        }
    }

    #[test]
    fn a_harmless_value_hides_no_other() {
        assert_eq!(
            SafeUrl::redact("/?action=x;token=secret").as_str(),
            "/?action=***"
        );
        assert_eq!(
            SafeUrl::redact("/?action=List-It").as_str(),
            "/?action=List-It"
        );
    }

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
