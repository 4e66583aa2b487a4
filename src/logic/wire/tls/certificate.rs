//! Certificates of a TLS 1.2 handshake: the seam to a verifier, and what the profile asks of keys
//! and signatures. Trust, names and dates are the verifier's, which lives at the edge.

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;

use super::alert::Alert;
use super::key_exchange::bits;
use super::profile::CertificateRules;
use crate::model::Host;

/// Verifies what the server shows; at the edge, with the roots and the clock.
pub trait CertificateVerifier {
    /// Whether `chain` (leaf first, DER) is trusted for a server called `name`, now.
    ///
    /// # Errors
    /// The first fault found.
    fn verify_chain(&self, chain: &[&[u8]], name: &Host) -> Result<(), CertificateFault>;

    /// Whether `signature` over `message` was made with the leaf's key. `scheme` is a TLS 1.2
    /// code point, in which ECDSA names no curve (RFC 8446, section 4.2.3).
    ///
    /// # Errors
    /// [`CertificateFault::UnsupportedAlgorithm`] where the verifier cannot tell.
    fn verify_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateFault>;
}

/// What is wrong with a certificate or a signature made with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateFault {
    Missing,
    Malformed,
    Expired,
    NotYetValid,
    WrongName,
    UntrustedIssuer,
    Revoked,
    CaAsLeaf,
    /// The extended key usage excludes servers.
    WrongPurpose,
    /// An authority in the chain may not sign certificates (key usage).
    NotSigning,
    /// More authorities than can be followed.
    TooLong,
    WeakKey,
    WeakSignature,
    BadSignature,
    UnsupportedAlgorithm,
    /// Whatever else a verifier rejects.
    Other,
}

impl CertificateFault {
    /// The finding's kind.
    pub const fn kind(self) -> &'static str {
        match self {
            CertificateFault::Missing => "missing",
            CertificateFault::Malformed => "malformed",
            CertificateFault::Expired => "expired",
            CertificateFault::NotYetValid => "not-yet-valid",
            CertificateFault::WrongName => "wrong-name",
            CertificateFault::UntrustedIssuer => "untrusted-issuer",
            CertificateFault::Revoked => "revoked",
            CertificateFault::CaAsLeaf => "ca-as-leaf",
            CertificateFault::WrongPurpose => "wrong-purpose",
            CertificateFault::NotSigning => "not-signing",
            CertificateFault::TooLong => "too-long",
            CertificateFault::WeakKey => "weak-key",
            CertificateFault::WeakSignature => "weak-signature",
            CertificateFault::BadSignature => "bad-signature",
            CertificateFault::UnsupportedAlgorithm => "unsupported-algorithm",
            CertificateFault::Other => "rejected",
        }
    }

    /// The alert that fits.
    pub const fn alert(self) -> Alert {
        match self {
            CertificateFault::Expired | CertificateFault::NotYetValid => Alert::CertificateExpired,
            CertificateFault::UntrustedIssuer => Alert::UnknownCa,
            CertificateFault::UnsupportedAlgorithm | CertificateFault::WrongPurpose => {
                Alert::UnsupportedCertificate
            }
            CertificateFault::Missing
            | CertificateFault::Malformed
            | CertificateFault::WrongName
            | CertificateFault::Revoked
            | CertificateFault::CaAsLeaf
            | CertificateFault::NotSigning
            | CertificateFault::TooLong
            | CertificateFault::WeakKey
            | CertificateFault::WeakSignature
            | CertificateFault::BadSignature
            | CertificateFault::Other => Alert::BadCertificate,
        }
    }

    /// What is wrong and how to mend it.
    pub const fn words(self) -> &'static str {
        match self {
            CertificateFault::Missing => "the server shows no certificate",
            CertificateFault::Malformed => "the server's certificate cannot be read",
            CertificateFault::Expired => "the server's certificate has expired; have it renewed",
            CertificateFault::NotYetValid => {
                "the server's certificate is not valid yet; check this machine's clock"
            }
            CertificateFault::WrongName => {
                "the server's certificate is for another name than the one asked for"
            }
            CertificateFault::UntrustedIssuer => {
                "the server's certificate is from no authority trusted here; \
                 an own authority is added with extra_roots"
            }
            CertificateFault::Revoked => "the server's certificate has been revoked",
            CertificateFault::CaAsLeaf => {
                "the server shows an authority's certificate as its own; have one issued for the server"
            }
            CertificateFault::WrongPurpose => "the server's certificate is not made for servers",
            CertificateFault::NotSigning => {
                "an authority in the server's chain is not made for signing certificates; \
                 its key usage lacks keyCertSign"
            }
            CertificateFault::TooLong => {
                "the server's chain cannot be followed to a trusted authority: \
                 it has more than six authorities in between, or too many ways"
            }
            CertificateFault::WeakKey => {
                "a certificate in the server's chain has a weak key; \
                 it must be RSA from 2048 bits, ECDSA from P-256, Ed25519 or Ed448"
            }
            CertificateFault::WeakSignature => {
                "a certificate in the server's chain is signed with a weak hash; it must be SHA-256 or better"
            }
            CertificateFault::BadSignature => {
                "a signature in the handshake does not fit the server's certificate"
            }
            CertificateFault::UnsupportedAlgorithm => {
                "a certificate in the server's chain uses an algorithm that cannot be verified here"
            }
            CertificateFault::Other => "the server's certificate was rejected",
        }
    }
}

/// What the record says about the server's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    pub sha256: [u8; 32],
    pub issuer: String,
    /// Seconds since 1970.
    pub not_after: i64,
}

impl CertificateFacts {
    /// Reads the leaf; none if it is no certificate.
    pub fn read(leaf: &[u8]) -> Option<CertificateFacts> {
        let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
        Some(CertificateFacts {
            sha256: Sha256::digest(leaf).into(),
            issuer: parsed.issuer().to_string(),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }
}

/// Whether keys and signatures of the chain are within the profile. A self-issued certificate
/// above the leaf is a root sent along, whose own signature nobody relies on.
///
/// # Errors
/// The first fault, leaf first.
pub fn check_chain(chain: &[&[u8]], rules: &CertificateRules) -> Result<(), CertificateFault> {
    for (place, der) in chain.iter().enumerate() {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| CertificateFault::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateFault::Malformed);
        }
        check_key(&certificate, rules)?;
        let is_root = place > 0 && certificate.subject().as_raw() == certificate.issuer().as_raw();
        if !is_root {
            check_signature(&certificate, rules)?;
        }
    }
    Ok(())
}

fn check_key(
    certificate: &X509Certificate<'_>,
    rules: &CertificateRules,
) -> Result<(), CertificateFault> {
    let info = certificate.public_key();
    let algorithm = info.algorithm.algorithm.to_id_string();
    if rules.edwards.contains(&algorithm) {
        return Ok(());
    }
    if rules.rsa.contains(&algorithm) {
        // id-RSASSA-PSS keys have the same form, which the library reads for rsaEncryption only.
        let (_, key) =
            x509_parser::public_key::RSAPublicKey::from_der(&info.subject_public_key.data)
                .map_err(|_| CertificateFault::Malformed)?;
        let modulus = strip(key.modulus);
        let exponent = strip(key.exponent);
        let sound = bits(modulus) >= rules.rsa_bits && bits(exponent) >= 2;
        return if sound {
            Ok(())
        } else {
            Err(CertificateFault::WeakKey)
        };
    }
    if let Ok(PublicKey::EC(_)) = info.parsed() {
        let curve = info
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok())
            .map(|oid| oid.to_id_string());
        if curve.is_some_and(|curve| rules.curves.contains(&curve)) {
            return Ok(());
        }
    }
    Err(CertificateFault::WeakKey)
}

fn check_signature(
    certificate: &X509Certificate<'_>,
    rules: &CertificateRules,
) -> Result<(), CertificateFault> {
    let identifier = &certificate.signature_algorithm;
    // RFC 5280, section 4.1.1.2: the field stands twice and must agree.
    if *identifier != certificate.tbs_certificate.signature {
        return Err(CertificateFault::Malformed);
    }
    let algorithm = identifier.algorithm.to_id_string();
    if rules.signatures.contains(&algorithm) || rules.edwards.contains(&algorithm) {
        return Ok(());
    }
    if let Ok(SignatureAlgorithm::RSASSA_PSS(params)) = SignatureAlgorithm::try_from(identifier) {
        let hash = params.hash_algorithm_oid().to_id_string();
        if rules.hashes.contains(&hash) {
            return Ok(());
        }
    }
    Err(CertificateFault::WeakSignature)
}

fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
