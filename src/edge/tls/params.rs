//! What both legs speak: versions, suites and groups of a profile, the application protocols, and
//! what came of a handshake.

use rustls::crypto::CryptoProvider;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::{CipherSuite, CommonState, HandshakeKind, SupportedCipherSuite};

use crate::logic::wire::tls::{Group, Profile, Suite, Version};

/// An application protocol that outgate speaks inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alpn {
    H2,
    Http11,
}

impl Alpn {
    /// Both, the better one first.
    pub const ALL: [Alpn; 2] = [Alpn::H2, Alpn::Http11];

    /// The identifier (RFC 7301, section 6).
    pub const fn name(self) -> &'static str {
        match self {
            Alpn::H2 => "h2",
            Alpn::Http11 => "http/1.1",
        }
    }

    /// The protocol of that identifier.
    pub fn by_name(name: &[u8]) -> Option<Alpn> {
        Alpn::ALL
            .into_iter()
            .find(|alpn| alpn.name().as_bytes() == name)
    }

    pub(super) fn list(of: impl IntoIterator<Item = Alpn>) -> Vec<Vec<u8>> {
        of.into_iter()
            .map(|alpn| alpn.name().as_bytes().to_vec())
            .collect()
    }
}

/// What is offered to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// All that we speak; only the certificate is held to the profile.
    Everything,
    /// What the profile allows.
    Profile,
}

/// What a handshake agreed on; IANA code points.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    pub version: Option<u16>,
    pub suite: Option<u16>,
    pub group: Option<u16>,
    pub alpn: Option<Alpn>,
    /// No certificate was shown: an earlier session goes on.
    pub resumed: bool,
}

impl Agreed {
    pub(super) fn of(session: &CommonState) -> Agreed {
        Agreed {
            version: session.protocol_version().map(u16::from),
            suite: session
                .negotiated_cipher_suite()
                .map(|suite| u16::from(suite.suite())),
            group: session
                .negotiated_key_exchange_group()
                .map(|group| u16::from(group.name())),
            alpn: session.alpn_protocol().and_then(Alpn::by_name),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

/// The hybrids come first, so that what is recorded today stays closed to tomorrow's machines; a
/// key share of their classical half is sent along, and costs a server without them nothing.
static GROUPS: [&dyn SupportedKxGroup; 5] = [
    kx_group::X25519MLKEM768,
    kx_group::SECP256R1MLKEM768,
    kx_group::X25519,
    kx_group::SECP256R1,
    kx_group::SECP384R1,
];

pub(super) fn provider(profile: &Profile, offer: Offer) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(rank);
    provider.kx_groups = GROUPS.to_vec();
    if offer == Offer::Profile {
        provider.cipher_suites.retain(|suite| {
            let version = Version(u16::from(suite.version().version));
            profile.allows_suite(Suite(u16::from(suite.suite())), version)
        });
        provider
            .kx_groups
            .retain(|group| profile.allows_group(Group(u16::from(group.name())), Version::TLS13));
    }
    provider
}

/// Fastest first: AES where the processor has it, with its shorter keys.
fn rank(suite: &SupportedCipherSuite) -> (bool, u8) {
    let is_old = suite.tls13().is_none();
    let place = match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 1,
        CipherSuite::TLS13_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 2,
        _ if has_aes() => 3,
        _ => 0,
    };
    (is_old, place)
}

/// Whether the processor has instructions for AES.
pub(super) fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

static TLS13_ONLY: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

pub(super) fn versions(
    profile: &Profile,
    offer: Offer,
) -> &'static [&'static rustls::SupportedProtocolVersion] {
    if offer == Offer::Profile && !profile.allows_version(Version::TLS12) {
        return TLS13_ONLY;
    }
    rustls::ALL_VERSIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_bounds_what_is_spoken() {
        // profile; suites of 1.3 and of 1.2; groups
        let cases = [
            ("baseline", 3, 6, vec![0x11ec, 0x11eb, 0x1d, 0x17, 0x18]),
            ("strict", 3, 6, vec![0x11ec, 0x11eb, 0x1d, 0x17, 0x18]),
            ("tls13", 3, 0, vec![0x11ec, 0x11eb, 0x1d, 0x17, 0x18]),
            ("fips", 2, 4, vec![0x11eb, 0x17, 0x18]),
            ("post-quantum", 3, 0, vec![0x11ec, 0x11eb]),
        ];
        for (name, new, old, groups) in cases {
            let provider = provider(Profile::by_name(name).unwrap(), Offer::Profile);
            let is_new = |suite: &&SupportedCipherSuite| suite.tls13().is_some();
            let count = provider.cipher_suites.iter().filter(is_new).count();
            assert_eq!(count, new, "{name}");
            assert_eq!(provider.cipher_suites.len() - count, old, "{name}");
            let spoken: Vec<_> = provider
                .kx_groups
                .iter()
                .map(|group| u16::from(group.name()))
                .collect();
            assert_eq!(spoken, groups, "{name}");
        }
        let nothing = provider(Profile::nothing(), Offer::Profile);
        assert!(nothing.cipher_suites.is_empty() && nothing.kx_groups.is_empty());
    }
}
