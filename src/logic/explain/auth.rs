//! How a request to AWS says who sends it, at a glance: the scheme, and what its credential scope
//! shows. Signatures and tokens are passed over unread.

use std::borrow::Cow;

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Auth {
    /// `sigv2`, `sigv4`, `sigv4a`, `bearer`, `basic` or `none`; `None`: another scheme.
    pub(super) scheme: Option<&'static str>,
    /// Only what has the form of one: anything else may be a secret in the wrong place.
    pub(super) access_key_id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) service: Option<String>,
    /// The signature stands in the query.
    pub(super) presigned: bool,
}

impl Auth {
    /// Looks at the headers, then at the query.
    pub(super) fn glance(headers: &[(String, String)], query: &str) -> Auth {
        let header = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value.as_str());
        match header {
            Some(value) => Auth::of_header(value),
            None => Auth::of_query(query).unwrap_or(Auth {
                scheme: Some("none"),
                ..Auth::default()
            }),
        }
    }

    /// Whether it is signed with an AWS key.
    pub(super) fn is_signature(&self) -> bool {
        matches!(self.scheme, Some("sigv2" | "sigv4" | "sigv4a"))
    }

    fn of_header(value: &str) -> Auth {
        let (scheme, rest) = value.trim_ascii().split_once(' ').unwrap_or((value, ""));
        let named = |name: &str| scheme.eq_ignore_ascii_case(name);
        let plain = |scheme| Auth {
            scheme: Some(scheme),
            ..Auth::default()
        };
        match scheme {
            "AWS4-HMAC-SHA256" | "AWS4-ECDSA-P256-SHA256" => {
                let credential = rest
                    .split(',')
                    .find_map(|part| part.trim_ascii().strip_prefix("Credential="));
                Auth::of_credential(version(scheme), credential.unwrap_or_default())
            }
            "AWS" => Auth {
                access_key_id: rest.split(':').next().and_then(key_id),
                ..plain("sigv2")
            },
            _ if named("bearer") => plain("bearer"),
            _ if named("basic") => plain("basic"),
            _ => Auth::default(),
        }
    }

    fn of_query(query: &str) -> Option<Auth> {
        let value = |wanted: &str| {
            query.split('&').find_map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                name.eq_ignore_ascii_case(wanted).then(|| decode(value))
            })
        };
        if let Some(algorithm) = value("X-Amz-Algorithm") {
            value("X-Amz-Signature")?;
            let credential = value("X-Amz-Credential").unwrap_or_default();
            return Some(Auth {
                presigned: true,
                ..Auth::of_credential(version(&algorithm), &credential)
            });
        }
        let key = value("AWSAccessKeyId")?;
        value("Signature")?;
        Some(Auth {
            scheme: Some("sigv2"),
            access_key_id: key_id(&key),
            presigned: true,
            ..Auth::default()
        })
    }

    /// `KEY/DATE/REGION/SERVICE/aws4_request`; SigV4A has no region there.
    fn of_credential(scheme: Option<&'static str>, credential: &str) -> Auth {
        let parts: Vec<&str> = credential.split('/').collect();
        let (key, region, service) = match (scheme, parts.as_slice()) {
            (Some("sigv4"), [key, date, region, service, "aws4_request"]) if is_date(date) => {
                (*key, word(region), word(service))
            }
            (Some("sigv4a"), [key, date, service, "aws4_request"]) if is_date(date) => {
                (*key, None, word(service))
            }
            _ => ("", None, None),
        };
        Auth {
            scheme,
            access_key_id: key_id(key),
            region,
            service,
            presigned: false,
        }
    }
}

fn version(algorithm: &str) -> Option<&'static str> {
    match algorithm {
        "AWS4-HMAC-SHA256" => Some("sigv4"),
        "AWS4-ECDSA-P256-SHA256" => Some("sigv4a"),
        _ => None,
    }
}

/// IAM's form: 16 to 128 characters, in practice capitals and digits. A secret key has both cases.
fn key_id(text: &str) -> Option<String> {
    let fits = (16..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    fits.then(|| text.to_owned())
}

fn is_date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A region or service as signatures name them.
fn word(text: &str) -> Option<String> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    fits.then(|| text.to_owned())
}

/// Percent-decoding of what is ASCII by its form; anything else cannot be a key id or scope.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        decoded.push_str(before);
        let byte = behind
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(u8::is_ascii);
        match byte {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push('%');
                rest = behind;
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// authorization header, query, then scheme, key id, region, service, presigned
    type Case = (
        Option<&'static str>,
        &'static str,
        (
            Option<&'static str>,
            Option<&'static str>,
            Option<&'static str>,
            Option<&'static str>,
            bool,
        ),
    );

    #[test]
    fn every_scheme_is_told_and_no_secret_is_taken_for_a_key_id() {
        let key = Some("AKIAIOSFODNN7EXAMPLE");
        let cases: [Case; 13] = [
            (None, "", (Some("none"), None, None, None, false)),
            (
                Some(
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
                ),
                "",
                (Some("sigv4"), key, Some("us-east-1"), Some("s3"), false),
            ),
            (
                Some(
                    "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/sts/aws4_request,Signature=00",
                ),
                "",
                (Some("sigv4"), key, Some("eu-west-1"), Some("sts"), false),
            ),
            (
                Some(
                    "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/s3/aws4_request, Signature=00",
                ),
                "",
                (Some("sigv4a"), key, None, Some("s3"), false),
            ),
            (
                Some("AWS4-HMAC-SHA256 Credential=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                "",
                (Some("sigv4"), None, None, None, false),
            ),
            (
                Some("AWS4-HMAC-SHA256"),
                "",
                (Some("sigv4"), None, None, None, false),
            ),
            (
                Some("AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg="),
                "",
                (Some("sigv2"), key, None, None, false),
            ),
            (
                Some("bearer x"),
                "",
                (Some("bearer"), None, None, None, false),
            ),
            (
                Some("Basic QVdTOng="),
                "",
                (Some("basic"), None, None, None, false),
            ),
            (Some("Digest x"), "", (None, None, None, None, false)),
            (
                None,
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Signature=00",
                (Some("sigv4"), key, Some("us-west-2"), Some("s3"), true),
            ),
            (
                None,
                "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature=x%3D",
                (Some("sigv2"), key, None, None, true),
            ),
            (
                None,
                "X-Amz-Algorithm=AWS4-HMAC-SHA256",
                (Some("none"), None, None, None, false),
            ),
        ];
        for (header, query, expected) in cases {
            let headers: Vec<_> = header
                .map(|value| ("Authorization".to_owned(), value.to_owned()))
                .into_iter()
                .collect();
            let auth = Auth::glance(&headers, query);
            let found = (
                auth.scheme,
                auth.access_key_id.as_deref(),
                auth.region.as_deref(),
                auth.service.as_deref(),
                auth.presigned,
            );
            assert_eq!(found, expected, "{header:?} {query}");
        }
    }
}
