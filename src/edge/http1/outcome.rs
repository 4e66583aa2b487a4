//! How an exchange ended, and what that means for both connections.

use std::io;

use crate::logic::wire::http1::FramingError;
use crate::logic::wire::http1::HeadError;

/// The end of one exchange.
#[derive(Debug)]
pub struct ExchangeOutcome {
    pub end: End,
    /// The final answer's status, once its head was read. While it is `None` after a failure,
    /// the client has no answer yet, and the caller gives one unless `client` says
    /// [`After::Abort`].
    pub status: Option<u16>,
    /// Bytes written to the server, head included.
    pub sent: u64,
    /// Bytes of answers read from the server, heads included.
    pub received: u64,
    /// What becomes of the client's connection.
    pub client: After,
    /// Whether the server's connection can take another request.
    pub upstream_reusable: bool,
    /// None of the request's body was taken and no byte of an answer came, so that the request
    /// can be sent once more on a fresh connection.
    pub retryable: bool,
}

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// The answer was relayed whole.
    Complete,
    /// The server changed the protocol (101). Both streams are raw from here on; bytes that
    /// were read ahead are in their connections' buffers.
    Upgraded,
    Failed(ExchangeError),
}

/// What to do with the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Read the next request from it.
    Reuse,
    /// Close it in order, with [`linger`](super::linger()), after an answer if none was given.
    Close,
    /// Deliver what was written and end it without TLS's `close_notify`, which is how the server
    /// ended it: whoever asks can see that the answer is not whole.
    Cut,
    /// Drop it at once, for TCP with a reset: an orderly end would make the answer look whole.
    Abort,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error("the server closed the connection before it answered")]
    UpstreamClosed,
    #[error("the connection to the server failed: {0}")]
    UpstreamIo(io::Error),
    #[error("the server's answer cannot be read: {0}")]
    ResponseHead(HeadError),
    #[error("the server answered an HTTP/1.0 request with chunks")]
    ChunkedForHttp10,
    #[error("the server changed the protocol without being asked")]
    UnaskedUpgrade,
    /// The values of its Proxy-Authenticate.
    #[error("the parent proxy wants a login (407)")]
    ProxyLogin(Vec<Vec<u8>>),
    #[error("the body of the server's answer is malformed: {0}")]
    ResponseBody(FramingError),
    #[error("the server's answer ended before it was whole")]
    ResponseTruncated,
    #[error("the client closed the connection")]
    ClientClosed,
    #[error("the connection to the client failed: {0}")]
    ClientIo(io::Error),
    #[error("the body of the request is malformed: {0}")]
    RequestBody(FramingError),
    #[error("nothing moved for longer than the idle timeout")]
    Idle,
}

impl ExchangeError {
    /// The stable kind, as in records and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            ExchangeError::UpstreamClosed => "upstream-closed",
            ExchangeError::UpstreamIo(_) => "upstream-io",
            ExchangeError::ResponseHead(_) => "response-head",
            ExchangeError::ChunkedForHttp10 => "chunked-for-http10",
            ExchangeError::UnaskedUpgrade => "unasked-upgrade",
            ExchangeError::ProxyLogin(_) => "proxy-login",
            ExchangeError::ResponseBody(_) => "response-body",
            ExchangeError::ResponseTruncated => "response-truncated",
            ExchangeError::ClientClosed => "client-closed",
            ExchangeError::ClientIo(_) => "client-io",
            ExchangeError::RequestBody(_) => "request-body",
            ExchangeError::Idle => "idle",
        }
    }

    /// The status of the answer to a client that has none yet.
    pub const fn status(&self) -> u16 {
        match self {
            ExchangeError::RequestBody(_)
            | ExchangeError::ClientClosed
            | ExchangeError::ClientIo(_) => 400,
            ExchangeError::Idle => 504,
            ExchangeError::UpstreamClosed
            | ExchangeError::UpstreamIo(_)
            | ExchangeError::ResponseHead(_)
            | ExchangeError::ChunkedForHttp10
            | ExchangeError::UnaskedUpgrade
            | ExchangeError::ProxyLogin(_)
            | ExchangeError::ResponseBody(_)
            | ExchangeError::ResponseTruncated => 502,
        }
    }

    /// Whether the server's connection ended with a reset.
    pub fn is_upstream_reset(&self) -> bool {
        matches!(self, ExchangeError::UpstreamIo(error) if error.kind() == io::ErrorKind::ConnectionReset)
    }

    /// Whether the client went away, so that there is nobody to answer.
    pub const fn is_clients(&self) -> bool {
        matches!(
            self,
            ExchangeError::ClientClosed | ExchangeError::ClientIo(_)
        )
    }
}
