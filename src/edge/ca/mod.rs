//! The authority that signs the certificates of intercepted hosts, and those certificates.
//!
//! An [`Issuer`] holds the one key that signs: of an authority made for one run, or of one loaded
//! from its folder. [`Leaves`] mints what a client sees, once per name. [`Authority`] is the public
//! part: what clients trust, and what is sent to them.

mod authority;
mod bundle;
mod check;
mod constraints;
mod der;
mod error;
mod files;
mod issuer;
mod leaves;
mod make;
mod quota;
mod signer;

pub use authority::Authority;
pub use bundle::Bundle;
pub use bundle::JAVA_PASSWORD;
pub use error::CaError;
pub use error::LeafError;
pub use issuer::Issuer;
pub use issuer::Span;
pub use leaves::LeafBounds;
pub use leaves::Leaves;
pub use make::create;
pub use make::is_ours;
pub use make::warm_up;
