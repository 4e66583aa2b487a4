//! Presigned URLs: V4 and V4A by `X-Amz-*`, V2 by `AWSAccessKeyId`.

use std::borrow::Cow;

use super::AccessKey;
use super::Fault;
use super::Identity;
use super::Payload;
use super::Region;
use super::Scheme;
use super::is_signature;
use super::scope;
use crate::logic::aws::percent;

/// The parameters that are looked at. Their order is that of `NAMES`.
#[derive(Clone, Copy)]
enum Name {
    Algorithm,
    Credential,
    SignedHeaders,
    Signature,
    Expires,
    Token,
    SessionToken,
    RegionSet,
    ContentSha256,
    V2Key,
    V2Signature,
}

const NAMES: [(&str, Name); 11] = [
    ("X-Amz-Algorithm", Name::Algorithm),
    ("X-Amz-Credential", Name::Credential),
    ("X-Amz-SignedHeaders", Name::SignedHeaders),
    ("X-Amz-Signature", Name::Signature),
    ("X-Amz-Expires", Name::Expires),
    ("X-Amz-Security-Token", Name::Token),
    ("X-Amz-S3session-Token", Name::SessionToken),
    ("X-Amz-Region-Set", Name::RegionSet),
    ("X-Amz-Content-Sha256", Name::ContentSha256),
    ("AWSAccessKeyId", Name::V2Key),
    ("Signature", Name::V2Signature),
];

/// The parameters that were found, as written.
#[derive(Default)]
struct Found<'a> {
    values: [Option<&'a str>; NAMES.len()],
    is_twice: bool,
}

impl<'a> Found<'a> {
    fn read(query: &'a str) -> Found<'a> {
        let mut found = Found::default();
        for (name, value) in percent::pairs(query) {
            // A cheap look first: most parameters are none of these.
            if !matches!(
                name.as_bytes().first(),
                Some(b'X' | b'x' | b'A' | b'a' | b'S' | b's' | b'%')
            ) {
                continue;
            }
            let Some(name) = percent::decode_form(name) else {
                continue;
            };
            let known = NAMES
                .iter()
                .find_map(|(known, id)| known.eq_ignore_ascii_case(&name).then_some(*id));
            if let Some(place) = known.and_then(|id| found.values.get_mut(id as usize)) {
                found.is_twice |= place.replace(value.unwrap_or_default()).is_some();
            }
        }
        found
    }

    fn raw(&self, name: Name) -> Option<&'a str> {
        self.values.get(name as usize).copied().flatten()
    }

    /// Decoded; what cannot be decoded is empty, and so malformed wherever it is used.
    fn get(&self, name: Name) -> Option<Cow<'a, str>> {
        self.raw(name)
            .map(|value| percent::decode_form(value).unwrap_or_default())
    }
}

/// Reads a query; `None` if it carries no signature.
pub(super) fn read(query: &str) -> Option<Identity<'_>> {
    if query.is_empty() {
        return None;
    }
    let found = Found::read(query);
    let mut identity = if found.raw(Name::Signature).is_some() {
        v4(&found)
    } else if found.raw(Name::V2Key).is_some() && found.raw(Name::V2Signature).is_some() {
        v2(&found)
    } else {
        return None;
    };
    if found.is_twice {
        // Which of the two a service reads nobody can say.
        identity = Identity::new(identity.scheme);
        identity.set_fault(Fault::Parameter);
    }
    identity.presigned = true;
    identity.has_token =
        found.raw(Name::Token).is_some() || found.raw(Name::SessionToken).is_some();
    Some(identity)
}

fn v4<'a>(found: &Found<'a>) -> Identity<'a> {
    let algorithm = found.get(Name::Algorithm).unwrap_or_default();
    let scheme = Scheme::of_algorithm(&algorithm);
    let mut identity = Identity::new(scheme.unwrap_or(Scheme::SigV4));
    if scheme.is_none() {
        identity.set_fault(Fault::Algorithm);
        return identity;
    }
    identity.set_credential(found.get(Name::Credential).unwrap_or_default());
    identity.set_signed_headers(found.get(Name::SignedHeaders).unwrap_or_default());
    if !found
        .get(Name::Signature)
        .is_some_and(|text| is_signature(&text))
    {
        identity.set_fault(Fault::Signature);
    }
    if let Some(expires) = found.get(Name::Expires) {
        identity.expires = expires.parse().ok();
        if identity.expires.is_none() {
            identity.set_fault(Fault::Parameter);
        }
    }
    if let Some(payload) = found.get(Name::ContentSha256) {
        identity.payload = Some(Payload::read(&payload));
    }
    if identity.scheme == Scheme::SigV4a
        && let Some(scope) = &mut identity.scope
    {
        match found.get(Name::RegionSet) {
            Some(set) if scope::is_region_set(&set) => scope.region = Region::Set(set),
            Some(_) | None => identity.set_fault(Fault::Parameter),
        }
    }
    identity
}

fn v2<'a>(found: &Found<'a>) -> Identity<'a> {
    let mut identity = Identity::new(Scheme::SigV2);
    identity.key = found.get(Name::V2Key).and_then(AccessKey::read);
    if identity.key.is_none() {
        identity.set_fault(Fault::Credential);
    }
    if found
        .get(Name::V2Signature)
        .is_none_or(|text| text.is_empty())
    {
        identity.set_fault(Fault::Signature);
    }
    identity
}
