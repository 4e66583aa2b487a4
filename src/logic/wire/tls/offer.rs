//! Whether a ClientHello offers any combination that the profile allows.
//!
//! A hello that offers old things beside good ones is fine here: what counts is what is agreed.

use super::alert::Alert;
use super::client_hello::ClientHello;
use super::code::{Exchange, Version};
use super::extension as ext;
use super::fault::Fault;
use super::profile::Profile;

/// # Errors
/// The fault that names what is missing, for the version that came closest.
pub(super) fn check(hello: &ClientHello, profile: &Profile) -> Result<(), Fault> {
    let offered = |version: &Version| hello.offers_version(*version);
    let mut nearest = None;
    for version in [Version::TLS13, Version::TLS12]
        .into_iter()
        .filter(|version| profile.allows_version(*version))
        .filter(offered)
    {
        match check_version(hello, profile, version) {
            Ok(()) => return Ok(()),
            Err(fault) => nearest = nearest.or(Some(fault)),
        }
    }
    Err(nearest.unwrap_or_else(|| {
        Fault::weak(
            "version",
            Alert::ProtocolVersion,
            format!(
                "the client offers {} at most, and profile {} asks for {}; \
                 update the client's TLS library or its minimum version",
                hello.highest_version().in_words(),
                profile.name(),
                profile.versions_in_words(),
            ),
        )
    }))
}

fn check_version(hello: &ClientHello, profile: &Profile, version: Version) -> Result<(), Fault> {
    let has_group = hello.groups.as_ref().is_none_or(|groups| {
        groups
            .iter()
            .any(|group| profile.allows_group(*group, version))
    });
    let suites: Vec<_> = hello
        .suites
        .iter()
        .filter(|suite| profile.allows_suite(**suite, version))
        .collect();
    if suites.is_empty() {
        return Err(Fault::weak(
            "suite",
            Alert::InsufficientSecurity,
            format!(
                "the client offers no cipher suite for TLS {version} that profile {} allows; \
                 let it offer ECDHE with AES-GCM or ChaCha20-Poly1305",
                profile.name(),
            ),
        ));
    }
    // A finite-field exchange of TLS 1.2 brings its own prime, so it needs no group from the list.
    let needs_group = version == Version::TLS13
        || !suites
            .iter()
            .any(|suite| suite.exchange() == Exchange::DheRsa);
    let lacks_share = version == Version::TLS13 && !hello.has(ext::KEY_SHARE);
    if (needs_group && !has_group) || lacks_share {
        return Err(Fault::weak(
            "group",
            Alert::HandshakeFailure,
            format!(
                "the client offers no key exchange group for TLS {version} that profile {} allows; \
                 the profile's groups are {}",
                profile.name(),
                profile.groups_in_words(version),
            ),
        ));
    }
    // Without the extension nothing is said: TLS 1.3 may resume without it, and what a TLS 1.2
    // server signs with is judged when it signs.
    let has_scheme = hello
        .schemes
        .as_ref()
        .is_none_or(|schemes| schemes.iter().any(|scheme| profile.allows_scheme(*scheme)));
    if !has_scheme {
        return Err(Fault::weak(
            "signature",
            Alert::HandshakeFailure,
            format!(
                "the client takes no signature with SHA-256 or better, as profile {} asks",
                profile.name(),
            ),
        ));
    }
    Ok(())
}
