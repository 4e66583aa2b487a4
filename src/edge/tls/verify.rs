//! Certificates against the trusted roots, by rustls-webpki.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::Roots;
use crate::edge::clock;
use crate::logic::wire::tls::{CertificateFault, CertificateVerifier};
use crate::model::Host;

/// Verifies with the roots loaded at start, at the time of the call.
#[derive(Debug)]
pub struct Verifier {
    roots: Roots,
}

impl Verifier {
    /// Takes the roots.
    pub const fn new(roots: Roots) -> Verifier {
        Verifier { roots }
    }

    /// The roots.
    pub const fn roots(&self) -> &Roots {
        &self.roots
    }
}

impl CertificateVerifier for Verifier {
    fn verify_chain(&self, chain: &[&[u8]], name: &Host) -> Result<(), CertificateFault> {
        let [leaf, intermediates @ ..] = chain else { return Err(CertificateFault::Malformed) };
        let leaf = CertificateDer::from(*leaf);
        let intermediates: Vec<CertificateDer<'_>> = intermediates.iter().map(|der| CertificateDer::from(*der)).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(clock::unix_seconds()));
        let certificate = EndEntityCert::try_from(&leaf).map_err(fault)?;
        // A root that its owner presents as the server's own certificate is trusted by itself.
        if self.roots.certificates.iter().any(|root| root.as_ref() == leaf.as_ref()) {
            super::own_root::verify(&leaf, now)?;
        } else {
            certificate
                .verify_for_usage(
                    webpki::ALL_VERIFICATION_ALGS,
                    &self.roots.anchors,
                    &intermediates,
                    now,
                    KeyUsage::server_auth(),
                    None,
                    None,
                )
                .map_err(fault)?;
        }
        let name = match name {
            Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).map_err(|_| CertificateFault::WrongName)?,
            Host::V4(addr) => ServerName::from(std::net::IpAddr::from(*addr)),
            Host::V6(addr) => ServerName::from(std::net::IpAddr::from(*addr)),
        };
        certificate.verify_is_valid_for_subject_name(&name).map_err(fault)
    }
}
