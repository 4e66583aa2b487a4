//! Certificates against the trusted roots, by rustls-webpki.

use std::sync::Arc;
use std::time::Duration;

use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::extensions::KeyUsage as KeyUsages;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Roots;
use crate::edge::clock;
use crate::logic::wire::tls::{CertificateFault, CertificateVerifier};
use crate::model::Host;

/// Verifies with the roots loaded at start, at the time of the call.
#[derive(Debug)]
pub struct Verifier {
    roots: Roots,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Takes the roots.
    pub fn new(roots: Roots) -> Verifier {
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        Verifier { roots, algorithms }
    }

    /// The roots.
    pub const fn roots(&self) -> &Roots {
        &self.roots
    }

    /// An operator's root that is presented as the server's own certificate: trusted by itself,
    /// so that only its dates are left to judge.
    fn is_own_root(&self, leaf: &[u8], now: u64) -> Option<Result<(), CertificateFault>> {
        let known = self
            .roots
            .certificates
            .iter()
            .any(|root| root.as_ref() == leaf);
        known.then(|| {
            let (_, certificate) =
                X509Certificate::from_der(leaf).map_err(|_| CertificateFault::Malformed)?;
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            let validity = certificate.validity();
            if now > validity.not_after.timestamp() {
                Err(CertificateFault::Expired)
            } else if now < validity.not_before.timestamp() {
                Err(CertificateFault::NotYetValid)
            } else {
                Ok(())
            }
        })
    }
}

impl Verifier {
    /// Whether `chain` (leaf first) is of `name`, from a trusted authority, and valid now.
    ///
    /// # Errors
    /// The fault.
    pub(super) fn verify_named(
        &self,
        chain: &[&[u8]],
        name: &ServerName<'_>,
    ) -> Result<(), CertificateFault> {
        let [leaf, intermediates @ ..] = chain else {
            return Err(CertificateFault::Missing);
        };
        let now = clock::unix_seconds();
        let der = CertificateDer::from(*leaf);
        let certificate = EndEntityCert::try_from(&der).map_err(|error| fault(&error))?;
        if let Some(trusted) = self.is_own_root(leaf, now) {
            trusted?;
        } else {
            let intermediates: Vec<_> = intermediates
                .iter()
                .map(|der| CertificateDer::from(*der))
                .collect();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
            let usage = KeyUsage::server_auth();
            let path = certificate
                .verify_for_usage(
                    self.algorithms.all,
                    &self.roots.anchors,
                    &intermediates,
                    now,
                    usage,
                    None,
                    None,
                )
                .map_err(|error| chain_fault(&error, leaf))?;
            check_usage(leaf, CertificateFault::WrongPurpose, |usage| {
                usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
            })?;
            for issuer in path.intermediate_certificates() {
                check_usage(&issuer.der(), CertificateFault::NotSigning, |usage| {
                    usage.key_cert_sign()
                })?;
            }
        }
        certificate
            .verify_is_valid_for_subject_name(name)
            .map_err(|error| fault(&error))
    }
}

impl CertificateVerifier for Verifier {
    fn verify_chain(&self, chain: &[&[u8]], name: &Host) -> Result<(), CertificateFault> {
        self.verify_named(chain, &server_name(name)?)
    }

    fn verify_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateFault> {
        let der = CertificateDer::from(leaf);
        let certificate = EndEntityCert::try_from(&der).map_err(|error| fault(&error))?;
        let scheme = SignatureScheme::from(scheme);
        let known = self
            .algorithms
            .mapping
            .iter()
            .find(|(known, _)| *known == scheme);
        let (_, algorithms) = known.ok_or(CertificateFault::UnsupportedAlgorithm)?;
        let mut last = CertificateFault::UnsupportedAlgorithm;
        for algorithm in *algorithms {
            match certificate.verify_signature(*algorithm, message, signature) {
                Ok(()) => return Ok(()),
                // Of another curve than the key: ECDSA in TLS 1.2 names none.
                Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
                Err(error) => last = fault(&error),
            }
        }
        Err(last)
    }
}

impl CertificateVerifier for Arc<Verifier> {
    fn verify_chain(&self, chain: &[&[u8]], name: &Host) -> Result<(), CertificateFault> {
        self.as_ref().verify_chain(chain, name)
    }

    fn verify_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateFault> {
        self.as_ref()
            .verify_signature(leaf, scheme, message, signature)
    }
}

/// Whether a certificate's key may be used so, where it says for what (RFC 5280, section 4.2.1.3).
/// webpki does not ask; OpenSSL does, with the same measure.
fn check_usage(
    der: &[u8],
    fault: CertificateFault,
    may: impl FnOnce(&KeyUsages) -> bool,
) -> Result<(), CertificateFault> {
    let (_, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateFault::Malformed)?;
    match parsed.key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) if may(usage.value) => Ok(()),
        Ok(Some(_)) => Err(fault),
        Err(_) => Err(CertificateFault::Malformed),
    }
}

/// When the first certificate of `chain` expires, in seconds since 1970; 0 for what is none.
pub(super) fn expiry(chain: &[&[u8]]) -> u64 {
    let not_after = |der: &&[u8]| {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        u64::try_from(parsed.validity().not_after.timestamp()).ok()
    };
    let ends = chain.iter().map(|der| not_after(der).unwrap_or(0));
    ends.min().unwrap_or(0)
}

/// A host as certificates name it.
///
/// # Errors
/// A name that no certificate can carry.
pub(super) fn server_name(host: &Host) -> Result<ServerName<'static>, CertificateFault> {
    match host {
        Host::Name(name) => {
            ServerName::try_from(name.as_str().to_owned()).map_err(|_| CertificateFault::WrongName)
        }
        Host::V4(addr) => Ok(ServerName::from(std::net::IpAddr::from(*addr))),
        Host::V6(addr) => Ok(ServerName::from(std::net::IpAddr::from(*addr))),
    }
}

/// A fault of the chain as a whole. An issuer that only bears the name of a trusted one, and a
/// certificate that is its own issuer, are from no authority trusted here.
fn chain_fault(error: &webpki::Error, leaf: &[u8]) -> CertificateFault {
    let is_own_issuer = || {
        X509Certificate::from_der(leaf)
            .is_ok_and(|(_, parsed)| parsed.subject().as_raw() == parsed.issuer().as_raw())
    };
    match fault(error) {
        CertificateFault::BadSignature => CertificateFault::UntrustedIssuer,
        CertificateFault::CaAsLeaf if is_own_issuer() => CertificateFault::UntrustedIssuer,
        other => other,
    }
}

fn fault(error: &webpki::Error) -> CertificateFault {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => CertificateFault::Expired,
        Error::CertNotValidYet { .. } => CertificateFault::NotYetValid,
        Error::CertNotValidForName(_) => CertificateFault::WrongName,
        Error::UnknownIssuer => CertificateFault::UntrustedIssuer,
        Error::CertRevoked => CertificateFault::Revoked,
        Error::CaUsedAsEndEntity => CertificateFault::CaAsLeaf,
        Error::RequiredEkuNotFoundContext(_) => CertificateFault::WrongPurpose,
        Error::InvalidSignatureForPublicKey => CertificateFault::BadSignature,
        Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => CertificateFault::TooLong,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateFault::UnsupportedAlgorithm
        }
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) | Error::InvalidSerialNumber => {
            CertificateFault::Malformed
        }
        // webpki grows new variants; each is a certificate that it rejects.
        _ => CertificateFault::Other,
    }
}
