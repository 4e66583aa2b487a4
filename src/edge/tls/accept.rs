//! TLS towards a client: the proxy is the server, with a leaf for the name that was asked.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{
    ClientHello, ProducesTickets, ResolvesServerCert, ServerSessionMemoryCache,
    StoresServerSessions,
};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, PeerIncompatible, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::params::{Agreed, Alpn, Offer, has_aes, provider, versions};
use super::readahead::ReadAhead;
use crate::logic::wire::tls::{Profile, alert_name};

/// A client's stream, decrypted.
pub type ClientTls<S> = TlsStream<ReadAhead<S>>;

/// How many sessions of TLS 1.2 clients without tickets are remembered, for each profile.
const SESSIONS: usize = 1024;

/// Ends the TLS of clients.
#[derive(Debug, Default)]
pub struct ClientLeg {
    profiles: Mutex<HashMap<&'static str, Arc<ProfileLeg>>>,
}

/// Why there is no session with a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// The client does not accept the certificate; it said so with this alert.
    #[error("the client refuses the certificate it was shown (alert {})", alert_name(*.alert))]
    Rejected { alert: u8 },
    /// The client offers nothing that the profile allows and outgate speaks.
    #[error("{0}")]
    Weak(String),
    /// The client went away.
    #[error("the client closed the connection during the handshake")]
    Closed,
    #[error("{0}")]
    Other(String),
}

impl ClientLeg {
    /// Nothing remembered yet.
    pub fn new() -> ClientLeg {
        ClientLeg::default()
    }

    /// Shakes hands with the client at the other end of `stream`, whose hello is still to be read
    /// from it. `alpn` is the protocol that the client is given; none: no protocol is named.
    ///
    /// # Errors
    /// [`AcceptError`]; the alert that fits has been sent.
    pub async fn accept<S>(
        &self,
        stream: S,
        leaf: Arc<CertifiedKey>,
        profile: &'static Profile,
        alpn: Option<Alpn>,
    ) -> Result<(ClientTls<S>, Agreed), AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.profile(profile)?.config(leaf, alpn);
        let stream = ReadAhead::new(stream);
        match TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            Ok(tls) => {
                let agreed = Agreed::of(tls.get_ref().1);
                Ok((tls, agreed))
            }
            Err(error) => Err(told(&error, profile)),
        }
    }

    fn profile(&self, profile: &'static Profile) -> Result<Arc<ProfileLeg>, AcceptError> {
        let mut profiles = self.profiles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leg) = profiles.get(profile.name()) {
            return Ok(Arc::clone(leg));
        }
        let leg = Arc::new(ProfileLeg::new(profile)?);
        profiles.insert(profile.name(), Arc::clone(&leg));
        Ok(leg)
    }
}

/// The alert by which a client says, after the handshake seemed to succeed, that it does not
/// accept the certificate: in TLS 1.3 its word may come with the first read.
pub fn rejection(error: &io::Error) -> Option<u8> {
    match inner(error)? {
        rustls::Error::AlertReceived(alert) => is_rejection(*alert).then(|| u8::from(*alert)),
        _ => None,
    }
}

/// What connections under one profile share. The ticket key and the sessions are the profile's
/// own, so that no session can outlive a change to a stricter one.
#[derive(Debug)]
struct ProfileLeg {
    /// Without ALPN and leaf.
    config: ServerConfig,
}

impl ProfileLeg {
    fn new(profile: &'static Profile) -> Result<ProfileLeg, AcceptError> {
        let provider = Arc::new(provider(profile, Offer::Profile));
        let nothing = |error: rustls::Error| {
            AcceptError::Other(format!(
                "no TLS can be spoken under the profile {}: {error}",
                profile.name()
            ))
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(profile, Offer::Profile))
            .map_err(nothing)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(NoLeaf));
        let ticketer: Arc<dyn ProducesTickets> = Ticketer::new().map_err(nothing)?;
        let sessions: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(SESSIONS);
        config.ticketer = ticketer;
        config.session_storage = sessions;
        // A ticket says all there is to say, and may be shown more than once.
        config.send_tls13_tickets = 1;
        // The fastest suite that the client offers, where the processor makes AES the fastest;
        // else the client knows best.
        config.ignore_client_order = has_aes();
        Ok(ProfileLeg { config })
    }

    /// A copy for one connection: a handful of reference counts.
    fn config(&self, leaf: Arc<CertifiedKey>, alpn: Option<Alpn>) -> ServerConfig {
        let mut config = self.config.clone();
        config.cert_resolver = Arc::new(Leaf(leaf));
        config.alpn_protocols = Alpn::list(alpn);
        config
    }
}

/// The one certificate that a connection shows.
#[derive(Debug)]
struct Leaf(Arc<CertifiedKey>);

impl ResolvesServerCert for Leaf {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct NoLeaf;

impl ResolvesServerCert for NoLeaf {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The alerts with which clients refuse a certificate, as seen: `unknown_ca` (OpenSSL, BoringSSL,
/// rustls, Schannel), `bad_certificate` (Go, NSS), `certificate_unknown` (Java, Android, pinning
/// clients), `decrypt_error` (OpenSSL and rustls, where they trust another authority of the same
/// name), `certificate_expired` and `unsupported_certificate` where that is the fault, and the
/// rarer ones that RFC 8446, section 6.2, has for a certificate. `handshake_failure` and others
/// say nothing of the certificate: whoever counts distrust must not count them.
const fn is_rejection(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::BadCertificateStatusResponse
    )
}

fn told(error: &io::Error, profile: &Profile) -> AcceptError {
    match (inner(error), error.kind()) {
        (Some(rustls::Error::AlertReceived(alert)), _) => alerted(*alert, profile),
        (Some(rustls::Error::PeerIncompatible(what)), _) => {
            AcceptError::Weak(lacking(what, profile))
        }
        (Some(other), _) => {
            AcceptError::Other(format!("the client's handshake is not sound: {other}"))
        }
        (
            None,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => AcceptError::Closed,
        (None, _) => AcceptError::Other(format!("the client's connection failed: {error}")),
    }
}

fn alerted(alert: AlertDescription, profile: &Profile) -> AcceptError {
    let code = u8::from(alert);
    match alert {
        _ if is_rejection(alert) => AcceptError::Rejected { alert: code },
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => AcceptError::Closed,
        AlertDescription::InsufficientSecurity | AlertDescription::ProtocolVersion => {
            AcceptError::Weak(format!(
                "the client refuses what the profile {} allows (alert {})",
                profile.name(),
                alert_name(code)
            ))
        }
        _ => AcceptError::Other(format!(
            "the client ended the handshake (alert {})",
            alert_name(code)
        )),
    }
}

/// What a client lacks, in words.
fn lacking(what: &PeerIncompatible, profile: &Profile) -> String {
    let lack = match what {
        PeerIncompatible::NoCipherSuitesInCommon => {
            "no cipher suite in common: interception speaks ECDHE with AES-GCM or \
             ChaCha20-Poly1305, and its certificates are ECDSA"
        }
        PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
            "no key exchange group in common: interception speaks X25519, P-256, P-384 and the \
             ML-KEM hybrids of the first two"
        }
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            "it does not accept ECDSA with P-256 and SHA-256, which the certificates of \
             interception are signed with"
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired => "it offers no version in common",
        _ => "it lacks a part of TLS that interception needs",
    };
    format!(
        "the client cannot be intercepted under the profile {} ({}): {lack}",
        profile.name(),
        profile.versions_in_words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distrust_is_told_from_other_ends() {
        let said = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (code, rejects) in [
            (0, false),
            (10, false),
            (40, false),
            (42, true),
            (43, true),
            (44, true),
            (45, true),
            (46, true),
            (48, true),
            (49, true),
            (51, true),
            (70, false),
            (71, false),
            (80, false),
            (90, false),
            (113, true),
            (120, false),
        ] {
            let error = said(rustls::Error::AlertReceived(AlertDescription::from(code)));
            assert_eq!(rejection(&error), rejects.then_some(code), "{code}");
            let told = told(&error, Profile::nothing());
            assert_eq!(
                matches!(told, AcceptError::Rejected { alert } if alert == code),
                rejects
            );
        }
        assert_eq!(rejection(&said(rustls::Error::HandshakeNotComplete)), None);
        assert_eq!(rejection(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
