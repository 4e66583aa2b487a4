//! The key, and the name that it signs in.

use rcgen::CertificateParams;
use rcgen::KeyIdMethod;
use rcgen::KeyPair;
use rcgen::PublicKeyData;
use rcgen::SignatureAlgorithm;
use rcgen::SigningKey;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::edge::ca::der::Renamed;

/// Signs in the name of one certificate.
pub(super) enum Signer {
    /// A name that rcgen writes as it stands.
    Plain(rcgen::Issuer<'static, KeyPair>),
    /// Any other: written in afterwards.
    Named {
        issuer: rcgen::Issuer<'static, Unsigned>,
        name: Vec<u8>,
    },
}

impl Signer {
    /// Signs in the name of `certificate`, which is of `key`; `None` where it cannot be read.
    pub(super) fn of(certificate: &[u8], key: KeyPair) -> Option<Signer> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let subject = parsed.subject();
        // What outgate's own have: a common name alone.
        if subject.iter_attributes().count() == 1 {
            let der = CertificateDer::from(certificate);
            return Some(Signer::Plain(
                rcgen::Issuer::from_ca_cert_der(&der, key).ok()?,
            ));
        }
        let key_id =
            parsed
                .iter_extensions()
                .find_map(|extension| match extension.parsed_extension() {
                    ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                    _ => None,
                });
        let mut params = CertificateParams::default();
        if let Some(id) = key_id {
            params.key_identifier_method = KeyIdMethod::PreSpecified(id);
        }
        Some(Signer::Named {
            issuer: rcgen::Issuer::new(params, Unsigned(key)),
            name: subject.as_raw().to_vec(),
        })
    }

    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        public: &impl PublicKeyData,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        match self {
            Signer::Plain(issuer) => Ok(params.signed_by(public, issuer)?.into()),
            Signer::Named { issuer, name } => {
                let unsigned = params.signed_by(public, issuer)?;
                let renamed = Renamed::new(unsigned.der(), name)
                    .ok_or(rcgen::Error::CouldNotParseCertificate)?;
                let signature = issuer.key().0.sign(&renamed.unsigned)?;
                Ok(renamed.signed(&signature).into())
            }
        }
    }
}

/// A key that leaves the signature out: what it would sign is not what is sent.
pub(super) struct Unsigned(KeyPair);

impl SigningKey for Unsigned {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

impl PublicKeyData for Unsigned {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}
