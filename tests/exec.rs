//! `outgate exec`, as a person or a container would run it: the real binary, real children.
#![cfg(target_os = "linux")]
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

#[path = "exec/behind.rs"]
mod behind;
#[path = "exec/ends.rs"]
mod ends;
#[path = "exec/environment.rs"]
mod environment;
#[path = "exec/nested.rs"]
mod nested;
#[path = "exec/places.rs"]
mod places;
#[path = "exec/signals.rs"]
mod signals;
#[path = "exec/stage.rs"]
mod stage;
#[path = "exec/terminal.rs"]
mod terminal;
#[path = "exec/told.rs"]
mod told;
