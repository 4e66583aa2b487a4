//! The verifier as rustls asks it: the chain is judged as a tunnel's would be.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::sessions::Sessions;
use super::verify::{Verifier, expiry};
use crate::logic::wire::tls::{CertificateFault, Profile, check_chain};

/// Judges by the roots and by one profile.
pub(super) struct Judged {
    verifier: Arc<Verifier>,
    algorithms: WebPkiSupportedAlgorithms,
    profile: &'static Profile,
    sessions: Arc<Sessions>,
}

/// A bad chain, on its way out through rustls.
#[derive(Debug, thiserror::Error)]
#[error("{}", .fault.words())]
pub(super) struct BadChain {
    pub(super) fault: CertificateFault,
    pub(super) chain: Vec<Vec<u8>>,
}

impl BadChain {
    fn error(fault: CertificateFault, chain: &[&[u8]]) -> rustls::Error {
        let chain = chain.iter().map(|der| der.to_vec()).collect();
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(BadChain {
            fault,
            chain,
        }))))
    }

    /// The bad chain in `error`, if that is what it is.
    pub(super) fn in_error(error: &rustls::Error) -> Option<&BadChain> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
                other.downcast_ref()
            }
            _ => None,
        }
    }
}

impl Judged {
    /// `sessions` are told what was verified, and how long that holds.
    pub(super) fn new(
        verifier: Arc<Verifier>,
        provider: &CryptoProvider,
        profile: &'static Profile,
        sessions: Arc<Sessions>,
    ) -> Judged {
        Judged {
            verifier,
            algorithms: provider.signature_verification_algorithms,
            profile,
            sessions,
        }
    }
}

impl ServerCertVerifier for Judged {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<&[u8]> = std::iter::once(leaf)
            .chain(intermediates)
            .map(AsRef::as_ref)
            .collect();
        if self.sessions.has_verified(name, &chain) {
            return Ok(ServerCertVerified::assertion());
        }
        check_chain(&chain, self.profile.certificates())
            .and_then(|()| self.verifier.verify_named(&chain, name))
            .map_err(|fault| BadChain::error(fault, &chain))?;
        self.sessions.verified(name, &chain, expiry(&chain));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid =
            rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms);
        valid.map_err(|error| unsigned(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid =
            rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms);
        valid.map_err(|error| unsigned(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A signature over the handshake that does not fit the certificate: whoever showed it does not
/// have its key.
fn unsigned(error: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            BadChain::error(CertificateFault::BadSignature, &[certificate])
        }
        other => other,
    }
}

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged")
            .field("profile", &self.profile.name())
            .finish_non_exhaustive()
    }
}
