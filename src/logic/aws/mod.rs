//! What outgate knows of AWS: endpoints by name, and who signs a request.
//!
//! A name alone decides what an endpoint is: no DNS, no network. `generated` holds what AWS's own
//! data says, `additions` what that data leaves out; docs/aws-endpoints.md explains both.

mod additions;
mod classify;
mod fields;
mod generated;
mod head;
mod identity;
mod percent;
mod region;
mod tables;

#[cfg(test)]
mod tests;

pub use classify::{Class, Endpoint, Operator, classify};
pub use fields::{Field, Fields};
pub use identity::{
    AccessKey, AccountId, Fault, Identity, KeyKind, Payload, Region, Scheme, Scope,
};
pub use tables::suffixes;
