//! What outgate knows of AWS: endpoints by name.
//!
//! A name alone decides: no DNS, no network. `generated` holds what AWS's own data says,
//! `additions` what that data leaves out; docs/aws-endpoints.md explains both.

mod additions;
mod classify;
mod generated;
mod head;
mod region;
mod tables;

#[cfg(test)]
mod tests;

pub use classify::{Class, Endpoint, Operator, classify};
pub use tables::suffixes;
