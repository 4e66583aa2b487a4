//! The public part of an authority: what clients trust, and what is sent to them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::edge::ca::constraints;
use crate::edge::ca::error::CaError;
use crate::edge::ca::files;
use crate::edge::ca::issuer::Span;
use crate::logic::policy::Constraints;

/// The certificates of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// What clients trust.
    pub(super) root: CertificateDer<'static>,
    /// What is sent after a leaf, its issuer first; empty where the root itself signs.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The file that the signing certificate came from, for messages.
    pub(super) path: PathBuf,
}

impl Authority {
    /// Reads the certificates in `dir`; no key is looked at.
    ///
    /// # Errors
    /// [`CaError`] when there are none.
    pub fn read(dir: &Path) -> Result<Authority, CaError> {
        let root_path = dir.join(files::ROOT);
        let intermediate_path = dir.join(files::INTERMEDIATE);
        let intermediate = files::read(&intermediate_path)?;
        let Some(root) = files::read(&root_path)? else {
            // The last file to be written is missing: so it was never whole.
            let rest = [
                files::INTERMEDIATE_KEY,
                files::INTERMEDIATE,
                files::ROOT_KEY,
            ];
            let found = rest.iter().map(|name| dir.join(name));
            return Err(match found.into_iter().find(|path| path.exists()) {
                None => CaError::Absent(dir.to_owned()),
                Some(found) => CaError::Part {
                    missing: root_path,
                    found,
                },
            });
        };
        let mut certificates = parse(&root, &root_path)?;
        if let Some(intermediate) = intermediate {
            return Ok(Authority {
                root: certificates.swap_remove(0),
                chain: parse(&intermediate, &intermediate_path)?,
                path: intermediate_path,
            });
        }
        let key = dir.join(files::INTERMEDIATE_KEY);
        if key.exists() {
            return Err(CaError::Part {
                missing: intermediate_path,
                found: key,
            });
        }
        // Made elsewhere. What signs stands first, what clients trust last, as in any chain.
        let path = root_path;
        let mut chain: Vec<_> = certificates
            .iter()
            .filter(|certificate| !is_self_issued(certificate))
            .cloned()
            .collect();
        let root = certificates.iter().find(|found| is_self_issued(found));
        let root = match (root, chain.last()) {
            (Some(root), _) => root.clone(),
            // Some clients take an intermediate for an anchor.
            (None, Some(last)) => last.clone(),
            (None, None) => return Err(CaError::NoCertificate(path)),
        };
        chain.dedup();
        Ok(Authority { root, chain, path })
    }

    /// What clients must trust, in DER.
    pub fn root_der(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// What clients must trust, in PEM.
    pub fn root_pem(&self) -> String {
        pem(&self.root)
    }

    /// The certificate whose key signs.
    pub fn signing(&self) -> &CertificateDer<'static> {
        self.chain.first().unwrap_or(&self.root)
    }

    /// What is sent after a leaf.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Puts the certificate of `key` where the one that signs belongs: files made elsewhere have
    /// every order.
    pub(super) fn begin_with(&mut self, key: &KeyPair, key_path: &Path) -> Result<(), CaError> {
        let public = key.subject_public_key_info();
        let is_of_key = |der: &CertificateDer<'_>| {
            X509Certificate::from_der(der)
                .is_ok_and(|(_, certificate)| certificate.public_key().raw == public)
        };
        if let Some(place) = self.chain.iter().position(is_of_key) {
            self.chain.swap(0, place);
            return Ok(());
        }
        if is_of_key(&self.root) {
            // The others are of no use to a client that trusts the signer itself.
            self.chain.clear();
            return Ok(());
        }
        Err(CaError::OtherKey {
            key: key_path.to_owned(),
            certificate: self.path.clone(),
        })
    }

    /// What it may sign for.
    ///
    /// # Errors
    /// [`CaError::Constraints`] where that cannot be read.
    pub fn constraints(&self) -> Result<Constraints, CaError> {
        let parsed = X509Certificate::from_der(self.signing());
        parsed
            .ok()
            .and_then(|(_, certificate)| constraints::read(&certificate))
            .ok_or_else(|| CaError::Constraints(self.path.clone()))
    }

    /// When all of its certificates are good.
    pub fn valid(&self) -> Span {
        let spans = self.chain.iter().chain([&self.root]).map(|der| span(der));
        spans.fold(
            Span {
                from: 0,
                until: u64::MAX,
            },
            |all, one| Span {
                from: all.from.max(one.from),
                until: all.until.min(one.until),
            },
        )
    }
}

/// PEM as RFC 7468 writes it.
pub(super) fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// At least one certificate.
fn parse(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, CaError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.unwrap_or_default();
    let readable = |der: &CertificateDer<'_>| X509Certificate::from_der(der).is_ok();
    if found.is_empty() || !found.iter().all(readable) {
        return Err(CaError::NoCertificate(path.to_owned()));
    }
    Ok(found)
}

fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, certificate)| {
        certificate.subject().as_raw() == certificate.issuer().as_raw()
    })
}

fn span(der: &[u8]) -> Span {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Span { from: 0, until: 0 };
    };
    let validity = certificate.validity();
    Span {
        from: u64::try_from(validity.not_before.timestamp()).unwrap_or(0),
        until: u64::try_from(validity.not_after.timestamp()).unwrap_or(0),
    }
}
