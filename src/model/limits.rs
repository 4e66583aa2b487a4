//! The fixed bounds, each with its arithmetic. What a setting can change has its default here.

/// The longest DNS label in bytes (RFC 1035, section 2.3.4).
pub const MAX_LABEL: usize = 63;
/// The longest DNS name in bytes: 255 on the wire, less the first length byte and the root.
pub const MAX_HOST_NAME: usize = 253;
/// The longest HTTP/1 head in bytes, request line included. S3 takes 8 KiB of user metadata and
/// presigned tokens run to some KiB, so 64 KiB leaves room.
pub const MAX_HEAD: usize = 64 * 1024;
/// The most header lines in a head.
pub const MAX_HEADERS: usize = 256;
/// The longest ClientHello in bytes, as a handshake message. Post-quantum shares and ECH together
/// stay under 16 KiB; 64 KiB is what a peer may need to split over records.
pub const MAX_CLIENT_HELLO: usize = 64 * 1024;
/// The longest server first flight in bytes (TLS 1.2: up to ServerHelloDone). A certificate
/// message of 90 KB exists in the wild; twice that is room enough.
pub const MAX_SERVER_FLIGHT: usize = 192 * 1024;
/// The most client bytes that wait behind a ClientHello (early data) until the server's first
/// flight is judged.
pub const MAX_EARLY: usize = 64 * 1024;
/// The longest TLS record payload (RFC 8446, section 5.2: 2^14 + 256; RFC 5246: 2^14 + 2048).
pub const MAX_TLS_RECORD: usize = 16 * 1024 + 2048;
