//! HTTP/2 to HTTP/2: one stream of a client relayed to one stream of a server; and CONNECT
//! streams as plain bytes.
//!
//! Owns the moving of frames between two connections of the `h2` crate, and the bounds of those
//! connections. Must not judge, resolve, dial, or write answers of outgate's own.
//!
//! Bounds: see `settings`. What is read from one side is given back to its flow control only
//! when the other side's socket has taken it, so that a connection never holds more than its
//! window.

mod exchange;
mod fields;
mod flow;
mod ledger;
mod outcome;
mod settings;
#[cfg(test)]
mod tests;
mod timers;
mod tunnelled;

pub use exchange::ExchangeOptions;
pub use exchange::exchange;
pub use outcome::End;
pub use outcome::ExchangeError;
pub use outcome::ExchangeOutcome;
pub use settings::STREAMS;
pub use settings::client_builder;
pub use settings::server_builder;
pub use tunnelled::Tunnelled;
