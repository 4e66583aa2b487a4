//! The Authorization field.

use std::borrow::Cow;

use super::AccessKey;
use super::Fault;
use super::Identity;
use super::Scheme;
use super::is_signature;

/// Reads the field's value.
pub(super) fn read(value: &str) -> Identity<'_> {
    let (name, rest) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("AWS") {
        v2(rest.trim_ascii())
    } else if name
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("AWS4-"))
    {
        v4(name, rest)
    } else if is("Bearer") {
        Identity::new(Scheme::Bearer)
    } else if is("Basic") {
        Identity::new(Scheme::Basic)
    } else {
        Identity::new(Scheme::Other)
    }
}

/// A value that is no ASCII text: its scheme may still show.
pub(super) fn unreadable(value: &[u8]) -> Identity<'static> {
    let name = value
        .trim_ascii()
        .split(u8::is_ascii_whitespace)
        .next()
        .and_then(|name| str::from_utf8(name).ok());
    let scheme = name.map_or(Scheme::Other, |name| read(name).scheme);
    let mut identity = Identity::new(scheme);
    if scheme.is_signature() {
        identity.set_fault(Fault::Parameter);
    }
    identity
}

/// `KEY:SIGNATURE`, the latter in base64.
fn v2(rest: &str) -> Identity<'_> {
    let mut identity = Identity::new(Scheme::SigV2);
    let (key, signature) = rest.split_once(':').unwrap_or((rest, ""));
    identity.key = AccessKey::read(Cow::Borrowed(key));
    if identity.key.is_none() {
        identity.set_fault(Fault::Credential);
    }
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if signature.is_empty() || !signature.bytes().all(is_base64) {
        identity.set_fault(Fault::Signature);
    }
    identity
}

/// `Credential=..., SignedHeaders=..., Signature=...`, in any order, each once.
fn v4<'a>(algorithm: &str, rest: &'a str) -> Identity<'a> {
    let scheme = Scheme::of_algorithm(algorithm);
    let mut identity = Identity::new(scheme.unwrap_or(Scheme::SigV4));
    if scheme.is_none() {
        identity.set_fault(Fault::Algorithm);
        return identity;
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in rest.split(',') {
        let (name, value) = part.trim_ascii().split_once('=').unwrap_or_default();
        let place = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => {
                identity.set_fault(Fault::Parameter);
                continue;
            }
        };
        if place.replace(value).is_some() {
            // Which of the two a service reads nobody can say.
            let mut identity = Identity::new(identity.scheme);
            identity.set_fault(Fault::Parameter);
            return identity;
        }
    }
    identity.set_credential(Cow::Borrowed(credential.unwrap_or_default()));
    identity.set_signed_headers(Cow::Borrowed(signed_headers.unwrap_or_default()));
    if !signature.is_some_and(is_signature) {
        identity.set_fault(Fault::Signature);
    }
    identity
}
