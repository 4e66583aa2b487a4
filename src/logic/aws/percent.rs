//! Percent-decoding (RFC 3986, section 2.1) and the pairs of a query.

use std::borrow::Cow;

/// Decodes; `None` where what comes out is not UTF-8, or a `%` has no two digits behind it.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    decode_bytes(text, false)
}

/// As [`decode`], of a form's or query's value, where `+` is a space.
pub(super) fn decode_form(text: &str) -> Option<Cow<'_, str>> {
    decode_bytes(text, true)
}

fn decode_bytes(text: &str, is_form: bool) -> Option<Cow<'_, str>> {
    let is_plain = |byte: &u8| *byte != b'%' && !(is_form && *byte == b'+');
    if text.as_bytes().iter().all(is_plain) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            b'+' if is_form => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The pairs of a query or a form, as written; a pair without `=` has no value.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, Option<&str>)> + Clone {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded_is_what_a_server_reads() {
        for (text, plain, form) in [
            ("abc", Some("abc"), Some("abc")),
            ("a%2Fb+c", Some("a/b+c"), Some("a/b c")),
            ("%e2%82%ac", Some("\u{20ac}"), Some("\u{20ac}")),
            ("%2", None, None),
            ("%+1", None, None),
            ("%ff", None, None),
            ("", Some(""), Some("")),
        ] {
            assert_eq!(decode(text).as_deref(), plain, "{text}");
            assert_eq!(decode_form(text).as_deref(), form, "{text}");
        }
        let found: Vec<_> = pairs("a=1&b&&c==x").collect();
        assert_eq!(found, [("a", Some("1")), ("b", None), ("c", Some("=x"))]);
    }
}
