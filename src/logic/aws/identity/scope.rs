//! The credential scope.

use std::borrow::Cow;

use super::AccessKey;
use super::Scheme;

/// What a signature is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope<'a> {
    /// `YYYYMMDD`.
    pub date: Cow<'a, str>,
    pub region: Region<'a>,
    /// The signing name.
    pub service: Cow<'a, str>,
}

/// Where a signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Region<'a> {
    One(Cow<'a, str>),
    /// V4A's set: names joined by commas, with `*` for any, or any ending.
    Set(Cow<'a, str>),
    /// V4A without a set, which services refuse.
    Unsaid,
}

impl Region<'_> {
    /// As it was written, set or not.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Region::One(text) | Region::Set(text) => Some(text),
            Region::Unsaid => None,
        }
    }
}

/// Reads a credential. One with a certificate has its serial number where the key id stands.
pub(super) fn read<'a>(
    scheme: Scheme,
    text: Cow<'a, str>,
) -> Option<(Option<AccessKey<'a>>, Scope<'a>)> {
    match text {
        Cow::Borrowed(text) => read_borrowed(scheme, text),
        Cow::Owned(text) => {
            let (key, scope) = read_borrowed(scheme, &text)?;
            let region = match scope.region {
                Region::One(region) => Region::One(owned(region)),
                Region::Set(set) => Region::Set(owned(set)),
                Region::Unsaid => Region::Unsaid,
            };
            let scope = Scope {
                date: owned(scope.date),
                region,
                service: owned(scope.service),
            };
            Some((key.map(AccessKey::into_owned), scope))
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn read_borrowed(scheme: Scheme, text: &str) -> Option<(Option<AccessKey<'_>>, Scope<'_>)> {
    let text = text.strip_suffix("/aws4_request")?;
    let (key, text) = text.split_once('/')?;
    let (date, text) = text.split_once('/')?;
    let (region, service) = match text.split_once('/') {
        Some((region, service)) => (Some(region), service),
        None => (None, text),
    };
    let (key, region) = match (scheme, region) {
        (Scheme::SigV4, Some(region)) => (
            Some(AccessKey::read(Cow::Borrowed(key))?),
            Region::One(Cow::Borrowed(word(region)?)),
        ),
        (Scheme::SigV4a, None) => (Some(AccessKey::read(Cow::Borrowed(key))?), Region::Unsaid),
        (Scheme::SigV4X509, Some(region)) if is_serial(key) => {
            (None, Region::One(Cow::Borrowed(word(region)?)))
        }
        _ => return None,
    };
    is_date(date).then_some(())?;
    let scope = Scope {
        date: Cow::Borrowed(date),
        region,
        service: Cow::Borrowed(word(service)?),
    };
    Some((key, scope))
}

fn is_date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_serial(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A region or service as signatures name them. (`IoTSecuredTunneling` has capitals.)
fn word(text: &str) -> Option<&str> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then_some(text)
}

/// Whether it is a set of regions: `us-east-1,eu-*`, `*`.
pub(super) fn is_region_set(text: &str) -> bool {
    let is_pattern =
        |name: &str| name == "*" || word(name.strip_suffix('*').unwrap_or(name)).is_some();
    text.len() <= 1024 && text.split(',').all(|name| is_pattern(name.trim_ascii()))
}
