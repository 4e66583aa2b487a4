//! TLS of our own: trusted roots, certificate verification, and the preflight.

mod roots;

pub use roots::{RootSource, Roots, RootsError};
