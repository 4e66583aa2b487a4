//! Every byte of I/O. The siblings do not import each other (but for [`clock`]); `proxy` joins
//! them.

pub mod ca;
#[cfg(target_os = "linux")]
pub mod child;
pub mod client;
pub mod clock;
pub mod dial;
pub mod http1;
pub mod http2;
pub mod journal;
pub mod listen;
pub mod parent;
pub mod pool;
pub mod process;
pub mod relay;
pub mod resolve;
pub mod tls;
