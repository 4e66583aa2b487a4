//! TLS of our own towards an upstream, verified against the roots and the profile.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verify::{Verifier, server_name};
use crate::logic::wire::tls::{
    CertificateFault, CertificateVerifier as _, Group, Profile, Suite, Version, check_chain,
};
use crate::model::Host;

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// All that we speak; only the certificate is held to the profile.
    Everything,
    /// What the profile allows.
    Profile,
}

/// What was agreed, and the chain that was shown (leaf first, DER).
#[derive(Debug, Default, Clone)]
pub struct Peer {
    pub version: Option<u16>,
    pub suite: Option<u16>,
    pub group: Option<u16>,
    pub alpn: Option<String>,
    pub chain: Vec<Vec<u8>>,
}

/// Why there is no session.
#[derive(Debug)]
pub enum Failed {
    /// The certificate is bad.
    Certificate(CertificateFault, Peer),
    Other(String),
}

/// Shakes hands over `stream` as a client of `name`.
///
/// # Errors
/// [`Failed`] tells a bad certificate from all else.
pub async fn originate(
    verifier: &Arc<Verifier>,
    name: &Host,
    stream: TcpStream,
    profile: &'static Profile,
    offer: Offer,
    alpn: &[&[u8]],
) -> Result<(TlsStream<TcpStream>, Peer), Failed> {
    let _ = stream.set_nodelay(true);
    let server_name =
        server_name(name).map_err(|fault| Failed::Certificate(fault, Peer::default()))?;
    let provider = Arc::new(provider(profile, offer));
    let look = Arc::new(Look {
        verifier: Arc::clone(verifier),
        provider: Arc::clone(&provider),
        name: name.clone(),
        profile,
        seen: Mutex::default(),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(profile, offer))
        .map_err(|error| Failed::Other(error.to_string()))?
        // Not laxer than the default: the verifier judges the chain by the profile as well.
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&look) as _)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    match TlsConnector::from(Arc::new(config))
        .connect(server_name, stream)
        .await
    {
        Ok(tls) => {
            let (_, session) = tls.get_ref();
            let peer = Peer {
                version: session.protocol_version().map(u16::from),
                suite: session
                    .negotiated_cipher_suite()
                    .map(|suite| u16::from(suite.suite())),
                group: session
                    .negotiated_key_exchange_group()
                    .map(|group| u16::from(group.name())),
                alpn: session
                    .alpn_protocol()
                    .map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
                chain: look.take().1,
            };
            Ok((tls, peer))
        }
        Err(error) => match look.take() {
            (Some(fault), chain) => Err(Failed::Certificate(
                fault,
                Peer {
                    chain,
                    ..Peer::default()
                },
            )),
            (None, _) => Err(Failed::Other(worded(&error))),
        },
    }
}

fn provider(profile: &Profile, offer: Offer) -> CryptoProvider {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
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

static TLS13_ONLY: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

fn versions(
    profile: &Profile,
    offer: Offer,
) -> &'static [&'static rustls::SupportedProtocolVersion] {
    if offer == Offer::Profile && !profile.allows_version(Version::TLS12) {
        return TLS13_ONLY;
    }
    rustls::ALL_VERSIONS
}

fn worded(error: &io::Error) -> String {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}

/// Judges the chain as a tunnel's would be, and remembers it.
struct Look {
    verifier: Arc<Verifier>,
    provider: Arc<CryptoProvider>,
    name: Host,
    profile: &'static Profile,
    seen: Mutex<(Option<CertificateFault>, Vec<Vec<u8>>)>,
}

impl Look {
    fn take(&self) -> (Option<CertificateFault>, Vec<Vec<u8>>) {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A signature over the handshake that does not fit the certificate: whoever showed it does
    /// not have its key.
    fn signed(
        &self,
        valid: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if let Err(rustls::Error::InvalidCertificate(CertificateError::BadSignature)) = &valid {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).0 =
                Some(CertificateFault::BadSignature);
        }
        valid
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<&[u8]> = std::iter::once(leaf)
            .chain(intermediates)
            .map(AsRef::as_ref)
            .collect();
        let judged = check_chain(&chain, self.profile.certificates())
            .and_then(|()| self.verifier.verify_chain(&chain, &self.name));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.1 = chain
            .iter()
            .map(|certificate| certificate.to_vec())
            .collect();
        match judged {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(fault) => {
                let error = io::Error::other(fault.words());
                seen.0 = Some(fault);
                Err(rustls::Error::InvalidCertificate(CertificateError::Other(
                    OtherError(Arc::new(error)),
                )))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signed(rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signed(rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
