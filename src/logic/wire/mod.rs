//! Wire formats: HTTP/1 heads and framing, first bytes, TLS handshakes.

pub mod first_bytes;
pub mod http1;
pub mod tls;
