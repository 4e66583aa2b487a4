//! What outgate knows of AWS: endpoints by name, who signs a request, what it asks for.
//!
//! A name alone decides what an endpoint is: no DNS, no network. `generated` holds what AWS's own
//! data says, `additions` what that data leaves out; docs/aws-endpoints.md explains both.

mod additions;
mod classify;
mod fields;
mod generated;
mod head;
mod identity;
mod operation;
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
pub use operation::{Access, Call, Operation, operation};
pub use tables::suffixes;
