//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::model::Host;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("there is no authority in {}; make one with: outgate ca init --ca-dir {}", .0.display(), .0.display())]
    Absent(PathBuf),
    #[error(
        "{} is there already, and nothing is overwritten; name another folder with --ca-dir, or remove it if nobody trusts that authority any more", .0.display()
    )]
    Exists(PathBuf),
    #[error(
        "{} is missing beside {}: this is only a part of an authority; restore it, or remove the rest and run outgate ca init again", .missing.display(), .found.display()
    )]
    Part { missing: PathBuf, found: PathBuf },
    #[error("cannot {doing} {}: {source}", .path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} can be read by others (mode {mode:03o}); mend it with: chmod {mend} {}", .path.display(), .path.display())]
    Readable {
        path: PathBuf,
        mode: u32,
        mend: &'static str,
    },
    #[error("others can write to {} (mode {mode:03o}), and so put another key there; mend it with: chmod go-w {}", .path.display(), .path.display())]
    Writable { path: PathBuf, mode: u32 },
    #[error("{} has no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
    #[error(
        "{} has no private key that can be read: it must be PEM (PKCS#8, SEC1 or RSA) without a password; openssl pkey -in FILE -out {} takes a password off", .0.display(), .0.display()
    )]
    NoKey(PathBuf),
    #[error("the key in {} is of another certificate than those in {}", .key.display(), .certificate.display())]
    OtherKey { key: PathBuf, certificate: PathBuf },
    #[error("the certificate in {} cannot sign others: {why}", .path.display())]
    NotAnAuthority { path: PathBuf, why: &'static str },
    #[error("the authority in {} begins only on {when}; is this machine's clock right?", .path.display())]
    NotYet { path: PathBuf, when: String },
    #[error(
        "the authority in {} ran out on {when}; make another one with: outgate ca init --ca-dir FOLDER, and have clients trust it", .path.display()
    )]
    Ended { path: PathBuf, when: String },
    #[error(
        "the subject of the certificate in {} cannot be read; let it sign an intermediate with a plain subject, and use that", .0.display()
    )]
    Subject(PathBuf),
    #[error("the name constraints of the certificate in {} are of a kind that is not understood", .0.display())]
    Constraints(PathBuf),
    #[error("clients would not accept what the authority in {} signs: {why}", .path.display())]
    Chain { path: PathBuf, why: String },
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("cannot write a PKCS#12 store: {0}")]
    Store(String),
    #[error("the system gave no random numbers")]
    Random,
    #[error("the key is of no use for TLS: {0}")]
    Key(rustls::Error),
}

/// Why there is no certificate for a host.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    #[error(
        "this client asked for too many hosts that it had not asked for before; try again later"
    )]
    Limited,
    #[error(
        "{0} is outside of what the authority may sign for; outgate config check tells all that is"
    )]
    Outside(Host),
    #[error("the authority's certificate has run out; make another one with outgate ca init")]
    Ended,
    #[error(transparent)]
    Make(#[from] CaError),
}
