//! TLS of our own: trusted roots, certificate verification, sessions with clients and upstreams,
//! the preflight.

mod accept;
mod failed;
mod judged;
mod originate;
mod params;
mod preflight;
mod readahead;
mod roots;
mod sessions;
mod verify;

pub use accept::{AcceptError, ClientLeg, ClientTls, rejection};
pub use failed::Failed;
pub use originate::{Originator, Peer, UpstreamTls, await_rejection, wants_certificate};
pub use params::{Agreed, Alpn, Offer};
pub use preflight::{Pending, Preflights, Seen, handshake};
pub use readahead::ReadAhead;
pub use roots::{RootSource, Roots, RootsError, system_bundle};
pub use verify::Verifier;
