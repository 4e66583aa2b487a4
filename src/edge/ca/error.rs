//! What can go wrong, and what to do about it.

use crate::model::Host;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
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
