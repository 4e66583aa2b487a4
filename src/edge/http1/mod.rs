//! HTTP/1 to HTTP/1: one request and its answer, relayed byte for byte.
//!
//! Owns the moving of bytes between two connections whose heads `logic::wire::http1` reads and
//! whose framing it follows. Must not judge, resolve, dial, or write answers of outgate's own.
//!
//! Bounds: one buffer of 32 KiB for each direction, allocated once per
//! connection and not per chunk, plus one head within [`HeadLimits`](crate::logic::wire::http1::HeadLimits).
//! Nothing is read while what was read before cannot be written.

mod conn;
mod exchange;
mod flow;
mod linger;
mod options;
mod outcome;

pub use conn::Conn;
pub use conn::PollEnd;
pub use conn::ReadHeadError;
pub use exchange::exchange;
pub use linger::linger;
pub use options::ExchangeOptions;
pub use outcome::After;
pub use outcome::End;
pub use outcome::ExchangeError;
pub use outcome::ExchangeOutcome;
