//! Whom outgate trusts upstream, and whom the command shall trust.

use std::collections::HashSet;
use std::path::Path;

use base64::Engine as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::cli::load::{Environment, roots};
use crate::cli::variables::BUNDLES;
use crate::config::Settings;
use crate::edge::tls::{RootSource, Roots, Verifier};

/// How the subject of every authority of ours begins.
const OURS: &str = "outgate ";

/// Both sides of it.
#[derive(Debug)]
pub(super) struct Trust {
    /// For upstream: the system's roots and the caller's bundles, never an outgate's authority.
    pub(super) verifier: Verifier,
    /// For the command, in PEM: the same.
    pub(super) bundle: String,
    pub(super) warnings: Vec<String>,
}

impl Trust {
    /// Gathers what the settings, the system and the caller's variables name.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn gather(settings: &Settings, environment: &Environment) -> Result<Trust, String> {
        let mut warnings = Vec::new();
        let callers = callers(environment, &mut warnings);
        let roots = roots(settings)?.without(is_ours).and(callers);
        let mut bundle = Bundle::default();
        // Mozilla's list is compiled in without its certificates: the system's stand in for it.
        let system = Roots::load(RootSource::System, &[]);
        let known = roots.certificates().iter();
        for certificate in known.chain(system.iter().flat_map(Roots::certificates)) {
            bundle.add(certificate);
        }
        Ok(Trust {
            verifier: Verifier::new(roots),
            bundle: bundle.pem,
            warnings,
        })
    }
}

/// The certificates that the caller's variables point at.
fn callers(environment: &Environment, warnings: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let folders = environment.get("SSL_CERT_DIR").into_iter();
    let folders = folders
        .flat_map(|list| list.split(':'))
        .map(|path| ("SSL_CERT_DIR", path));
    let files = BUNDLES
        .iter()
        .filter_map(|name| Some((*name, environment.get(name)?)));
    for (name, path) in files.chain(folders) {
        // CONDA_SSL_VERIFY is also a word.
        if !path.contains('/') || !seen.insert(path) {
            continue;
        }
        match read(Path::new(path)) {
            Ok(certificates) => found.extend(certificates),
            Err(why) => warnings.push(format!("{name} is passed over: {path}: {why}")),
        }
    }
    let mut unique = HashSet::new();
    found.retain(|certificate| !is_ours(certificate) && unique.insert(certificate.clone()));
    found
}

/// A file of certificates, or a folder of such files.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    if !path.is_dir() {
        return CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| error.to_string());
    }
    let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
    // Such folders hold other files too, and each certificate under two names.
    let files = entries.flatten().map(|entry| entry.path());
    Ok(files
        .filter_map(|file| {
            CertificateDer::pem_file_iter(file)
                .ok()?
                .collect::<Result<Vec<_>, _>>()
                .ok()
        })
        .flatten()
        .collect())
}

/// Whether a certificate is an outgate's own authority: such a one vouches for anything, and so
/// for nothing upstream.
fn is_ours(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, parsed)| {
        let mut names = parsed.subject().iter_common_name();
        names.any(|name| name.as_str().is_ok_and(|name| name.starts_with(OURS)))
    })
}

/// Certificates in PEM, each once.
#[derive(Debug, Default)]
struct Bundle {
    seen: HashSet<Vec<u8>>,
    pem: String,
}

impl Bundle {
    fn add(&mut self, certificate: &CertificateDer<'_>) {
        if is_ours(certificate) || !self.seen.insert(certificate.to_vec()) {
            return;
        }
        self.pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = base64::engine::general_purpose::STANDARD.encode(certificate);
        let mut rest = text.as_str();
        while let Some((line, after)) = rest.split_at_checked(64) {
            self.pem.push_str(line);
            self.pem.push('\n');
            rest = after;
        }
        if !rest.is_empty() {
            self.pem.push_str(rest);
            self.pem.push('\n');
        }
        self.pem.push_str("-----END CERTIFICATE-----\n");
    }
}
