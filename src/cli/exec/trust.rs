//! Whom outgate trusts upstream, and whom the command shall trust.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::cli::load::{Environment, roots};
use crate::cli::variables::BUNDLES;
use crate::config::{self, Settings};
use crate::edge::ca::{self, Bundle, Issuer};
use crate::edge::tls::{RootSource, Roots, Verifier, system_bundle};

/// Both sides of it.
#[derive(Debug)]
pub(in crate::cli) struct Trust {
    /// For upstream: the system's roots and the caller's bundles, never an outgate's authority.
    pub(in crate::cli) verifier: Verifier,
    /// An authority that ends with us; none where nothing is intercepted.
    pub(in crate::cli) authority: Option<Issuer>,
    /// For the command: the same roots, and that authority.
    pub(in crate::cli) bundle: Bundle,
    pub(in crate::cli) warnings: Vec<String>,
}

impl Trust {
    /// Gathers what the settings, the system and the caller's variables name.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(in crate::cli) fn gather(
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Trust, String> {
        let mut warnings = Vec::new();
        let mut known = Known::default();
        if settings.tls.roots == config::Roots::System {
            // Read below; the caller's variables often point at it as well.
            system_bundle().map(|bundle| known.is_new(bundle));
        }
        let callers = callers(environment, &mut known, &mut warnings);
        let roots = roots(settings)?.without(is_ours).and(callers);
        let mut bundle = Bundle::default();
        bundle.add(roots.certificates().to_vec());
        if settings.tls.roots == config::Roots::Mozilla {
            // That list is compiled in without its certificates: the system's stand in for it.
            let system = Roots::load(RootSource::System, &[]);
            let system = system.map(|system| system.without(is_ours));
            bundle.add(system.iter().flat_map(Roots::certificates).cloned());
        }
        let authority = settings
            .policy
            .intercepts_names()
            .then(Issuer::ephemeral)
            .transpose()
            .map_err(|error| error.to_string())?;
        bundle.add(authority.iter().map(|issuer| issuer.root_der().clone()));
        Ok(Trust {
            verifier: Verifier::new(roots),
            authority,
            bundle,
            warnings,
        })
    }
}

/// The certificates that the caller's variables point at.
fn callers(
    environment: &Environment,
    known: &mut Known,
    warnings: &mut Vec<String>,
) -> Vec<CertificateDer<'static>> {
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
        if !path.contains('/') {
            continue;
        }
        match read(Path::new(path), known) {
            Ok(certificates) => found.extend(certificates),
            Err(why) => warnings.push(format!("{name} is passed over: {path}: {why}")),
        }
    }
    let mut unique = HashSet::new();
    found.retain(|certificate| !is_ours(certificate) && unique.insert(certificate.clone()));
    found
}

/// Files that have been read, under whatever name.
#[derive(Debug, Default)]
struct Known(HashSet<(u64, u64)>);

impl Known {
    fn is_new(&mut self, path: &Path) -> bool {
        let meta = std::fs::metadata(path);
        meta.is_ok_and(|meta| meta.is_file() && self.0.insert((meta.dev(), meta.ino())))
    }
}

/// A file of certificates, or a folder of such files.
fn read(path: &Path, known: &mut Known) -> Result<Vec<CertificateDer<'static>>, String> {
    if !path.is_dir() {
        // A pipe or a device may never end.
        if path.exists() && !path.is_file() {
            return Err("neither a file nor a folder".to_owned());
        }
        if path.is_file() && !known.is_new(path) {
            return Ok(Vec::new());
        }
        return CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| error.to_string());
    }
    let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
    // Such folders hold other files too, and each certificate under two names.
    let files = entries.flatten().map(|entry| entry.path());
    let files = files.filter(|path| known.is_new(path));
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
    ca::is_ours(certificate)
}
