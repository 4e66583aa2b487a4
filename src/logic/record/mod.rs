//! The audit record: one typed value a line, one encoding, one chain.
//!
//! The shape of each line is in docs/audit.md. What a line holds has been redacted by its type
//! before it comes here ([`SafeUrl`](crate::model::SafeUrl)); lengths are bounded here.

mod chain;
mod encode;
mod event;
mod line;

pub use chain::{Chain, GENESIS, Tail, TailError};
pub use encode::{Body, cut};
pub use event::{Event, EventKind};
pub use line::{
    AwsCall, Bytes, Carried, Client, ClientTls, Destination, FindingLine, Line, Preflight, Request,
    Stage, Tls, UpstreamTls, Via,
};
