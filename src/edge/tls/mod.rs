//! TLS of our own: trusted roots, certificate verification, upstream sessions, the preflight.

mod originate;
mod preflight;
mod roots;
mod verify;

pub use originate::{Failed, Offer, Peer, originate};
pub use preflight::{Pending, Preflights, Seen, handshake};
pub use roots::{RootSource, Roots, RootsError};
pub use verify::Verifier;
