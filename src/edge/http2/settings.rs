//! The bounds of both legs' connections. Every one that the library offers is set here, and none
//! is inherited.

use std::time::Duration;

/// Streams of one client at a time; RFC 9113, section 6.5.2, advises at least 100.
pub const STREAMS: u32 = 256;

/// Unread bytes of one request's body. The client is near, so that this is no brake.
pub(super) const CLIENT_STREAM_WINDOW: u32 = 512 << 10;
/// Unread bytes of all requests of one client's connection: room for 16 whose servers take
/// nothing before they stop the others.
pub(super) const CLIENT_WINDOW: u32 = 8 << 20;
/// Unread bytes of one answer. The server may be far: 2 MiB are 20 MB/s over 100 ms.
pub(super) const SERVER_STREAM_WINDOW: u32 = 2 << 20;
/// Unread bytes of all answers on one connection: room for 8 that are not read.
pub(super) const SERVER_WINDOW: u32 = 16 << 20;

/// What one stream may hand to the library unsent. Not the bound of memory: that is the window
/// of the side that it came from.
const SEND_BUFFER: usize = 1 << 20;
/// The protocol's least. A frame is passed on when it is whole, so a larger one would hold back
/// the bytes of a slow sender.
const FRAME: u32 = 16 << 10;
/// Bookkeeping for frames of a few bytes, at 256 each, while they wait to be read.
const SMALL_FRAMES: usize = 16 << 20;
/// Streams that a client resets before they are accepted (CVE-2023-44487). A browser that
/// leaves a page cancels dozens at once.
const PENDING_RESETS: usize = 128;
/// Streams that this side resets because the other breaks the protocol (CVE-2025-8671).
const OWN_RESETS: usize = 1024;
/// For how long, and of how many streams that were reset, late frames are ignored; one that is
/// forgotten costs an error frame for each.
const REMEMBER_RESET: Duration = Duration::from_secs(10);
const REMEMBERED_RESETS: usize = 512;
/// Streams to a server whose settings have not come yet.
const STREAMS_UNASKED: usize = 100;
/// The dynamic table of the header compression: the protocol's initial value.
const HEADER_TABLE: u32 = 4096;

/// A connection whose client is on the other side. `header_list` bounds a request's header list
/// (RFC 9113, section 6.5.2); the library answers a larger one with 431 by itself.
pub fn server_builder(header_list: u32) -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    builder
        .initial_window_size(CLIENT_STREAM_WINDOW)
        .initial_connection_window_size(CLIENT_WINDOW)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(header_list)
        .max_frame_size(FRAME)
        .header_table_size(HEADER_TABLE)
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(Some(OWN_RESETS))
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .reset_stream_duration(REMEMBER_RESET);
    builder
}

/// A connection whose server is on the other side. `header_list` bounds an answer's.
pub fn client_builder(header_list: u32) -> h2::client::Builder {
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(SERVER_STREAM_WINDOW)
        .initial_connection_window_size(SERVER_WINDOW)
        .initial_max_send_streams(STREAMS_UNASKED)
        // Of pushed streams, which are refused.
        .max_concurrent_streams(0)
        .max_header_list_size(header_list)
        .max_frame_size(FRAME)
        .header_table_size(HEADER_TABLE)
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(Some(OWN_RESETS))
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .reset_stream_duration(REMEMBER_RESET);
    builder
}
