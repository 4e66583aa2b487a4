//! Everything that judges: bytes and values in, values out. No sockets, files, clock or globals.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm
)]

pub mod aws;
pub mod explain;
pub mod policy;
pub mod record;
pub mod scan;
pub mod wire;
