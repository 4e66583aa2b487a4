//! outgate: a local egress proxy that holds traffic to AWS to TLS and records every request.
//!
//! The way of a request, in one direction:
//!
//! ```text
//! accept -> head -> destination, class -> rules on names -> resolve -> guard the address
//!        -> decision on record -> dial exactly that address
//!        -> tunnel:  judge both hellos, then relay
//!           forward: plaintext HTTP, forward (or upgrade to TLS)
//!        -> completion on record
//! ```
//!
//! The floors, each of which imports only from the floors under it (`tests/layers.rs` checks it):
//!
//! | floor | module | may do |
//! | --- | --- | --- |
//! | F0 | [`model`] | the words that all share; imports nothing of ours |
//! | F1 | [`logic::wire`], [`logic::aws`] | parse bytes, classify names |
//! | F2 | [`logic::policy`] | facts in, decision out |
//! | F3 | [`logic::record`], [`logic::explain`] | the audit record and its encoding; what would be decided, offline |
//! | F4 | [`config`] | settings: text in, typed values out |
//! | F5 | `edge` | every byte of I/O |
//! | F6 | `proxy` | the course of a connection |
//! | F7 | `cli` | commands |
//!
//! F0 to F4 build without the `edge` feature, and so without tokio, hyper or rustls.

pub mod config;
pub mod logic;
pub mod model;

#[cfg(feature = "edge")]
pub mod cli;
#[cfg(feature = "edge")]
pub mod edge;
#[cfg(feature = "edge")]
pub mod proxy;

#[doc = include_str!("../docs/rules.md")]
pub mod rules {}
