//! The roots that outgate trusts upstream.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor};

/// Where systems keep their bundle of roots; the first that is there counts. `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` are not asked: what a shell exports for its own programs must not widen what
/// the proxy trusts.
const SYSTEM_BUNDLES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// `tls.roots`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RootSource {
    /// The system's bundle.
    #[default]
    System,
    /// Mozilla's list, as compiled in.
    Mozilla,
}

/// The trusted roots, parsed once.
#[derive(Debug)]
pub struct Roots {
    pub(super) anchors: Vec<TrustAnchor<'static>>,
    /// The certificates themselves, where they are known: a server may present its root as leaf.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Why there are no roots.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    #[error(
        "no trusted roots found on this system; install its ca-certificates package, or set tls.roots = \"mozilla\""
    )]
    NoSystemRoots,
    #[error("cannot read the roots in {path}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{0} has no certificate in PEM form")]
    Empty(PathBuf),
}

impl Roots {
    /// Loads the roots of `source` and those in the PEM files `extra`.
    ///
    /// # Errors
    /// [`RootsError`]; an empty store is never an answer.
    pub fn load(source: RootSource, extra: &[PathBuf]) -> Result<Roots, RootsError> {
        let mut roots = match source {
            RootSource::System => Roots::of(system()?),
            RootSource::Mozilla => Roots {
                anchors: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
                certificates: Vec::new(),
            },
        };
        if roots.anchors.is_empty() {
            return Err(RootsError::NoSystemRoots);
        }
        for path in extra {
            let more = Roots::of(read(path)?);
            if more.anchors.is_empty() {
                return Err(RootsError::Empty(path.clone()));
            }
            roots.anchors.extend(more.anchors);
            roots.certificates.extend(more.certificates);
        }
        Ok(roots)
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Roots {
        let anchors = certificates
            .iter()
            .filter_map(|certificate| webpki::anchor_from_trusted_cert(certificate).ok())
            .map(|anchor| anchor.to_owned())
            .collect();
        Roots {
            anchors,
            certificates,
        }
    }

    /// The roots without those for which `unwanted` holds.
    #[must_use]
    pub fn without(self, unwanted: impl Fn(&CertificateDer<'_>) -> bool) -> Roots {
        if !self.certificates.iter().any(&unwanted) {
            return self;
        }
        let (out, certificates): (Vec<_>, Vec<_>) =
            self.certificates.into_iter().partition(&unwanted);
        let gone = Roots::of(out);
        let anchors = self.anchors.into_iter();
        Roots {
            anchors: anchors
                .filter(|anchor| !gone.anchors.contains(anchor))
                .collect(),
            certificates,
        }
    }

    /// These roots and those in `more`.
    #[must_use]
    pub fn and(mut self, more: Vec<CertificateDer<'static>>) -> Roots {
        let known: HashSet<_> = self
            .certificates
            .iter()
            .map(|known| known.to_vec())
            .collect();
        let fresh = more.into_iter().filter(|one| !known.contains(one.as_ref()));
        let fresh = Roots::of(fresh.collect());
        self.anchors.extend(fresh.anchors);
        self.certificates.extend(fresh.certificates);
        self
    }

    /// The certificates, for other programs to trust; none of Mozilla's list as compiled in, which
    /// has only what verifying takes.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// How many roots there are.
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Never true of loaded roots.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }
}

#[cfg(any(target_os = "macos", windows))]
fn system() -> Result<Vec<CertificateDer<'static>>, RootsError> {
    Ok(rustls_native_certs::load_native_certs().certs)
}

#[cfg(not(any(target_os = "macos", windows)))]
fn system() -> Result<Vec<CertificateDer<'static>>, RootsError> {
    read(system_bundle().ok_or(RootsError::NoSystemRoots)?)
}

/// The system's bundle, where there is one.
pub fn system_bundle() -> Option<&'static Path> {
    let mut places = SYSTEM_BUNDLES.iter().map(Path::new);
    places.find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let unreadable = |reason: String| RootsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(error.to_string()))?
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))
}
