//! How an exchange ended, and what that means for the client's stream.

use h2::Reason;

/// The end of one exchange.
#[derive(Debug)]
pub struct ExchangeOutcome {
    pub end: End,
    /// The final answer's status, once its head was given to the client; the client's stream is
    /// then finished or reset. While it is `None`, the client has no answer yet, and the caller
    /// retries, resets the stream ([`ExchangeError::reset`]), or answers
    /// ([`ExchangeError::status`]).
    pub status: Option<u16>,
    /// Bytes of the request's body that went to the server.
    pub sent: u64,
    /// Bytes of the answer's body that went to the client.
    pub received: u64,
    /// None of the request's body was taken, no byte of an answer came, and the server either
    /// did not begin (RFC 9113, section 8.7) or may be asked twice (RFC 9110, section 9.2.2).
    pub retryable: bool,
}

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// The answer was relayed whole.
    Complete,
    Failed(ExchangeError),
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error("the request cannot be sent over HTTP/2: {0}")]
    Request(String),
    #[error("the server reset the stream: {0}")]
    UpstreamReset(Reason),
    #[error("the server is closing the connection and did not take the request: {0}")]
    UpstreamGoAway(Reason),
    #[error("the connection to the server failed: {0}")]
    UpstreamFailed(h2::Error),
    #[error("the server's answer breaks the protocol: {0}")]
    Response(h2::Error),
    #[error("the server changed the protocol, which HTTP/2 does not know")]
    Switching,
    #[error("the client reset the stream: {0}")]
    ClientReset(Reason),
    #[error("the connection to the client failed: {0}")]
    ClientFailed(h2::Error),
    #[error("nothing moved for longer than the idle timeout")]
    Idle,
}

impl ExchangeError {
    /// What an error on the stream to the server means.
    pub(super) fn upstream(error: h2::Error) -> ExchangeError {
        match error.reason() {
            Some(reason) if error.is_reset() && error.is_remote() => {
                ExchangeError::UpstreamReset(reason)
            }
            // Only streams beyond the last that the server will serve end by its GOAWAY.
            Some(reason) if error.is_go_away() && error.is_remote() => {
                ExchangeError::UpstreamGoAway(reason)
            }
            Some(_) if error.is_reset() => ExchangeError::Response(error),
            _ => ExchangeError::UpstreamFailed(error),
        }
    }

    /// What an error on the stream of the client means.
    pub(super) fn client(error: h2::Error) -> ExchangeError {
        match error.reason() {
            Some(reason) if error.is_reset() => ExchangeError::ClientReset(reason),
            _ => ExchangeError::ClientFailed(error),
        }
    }

    /// The stable kind, as in records and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            ExchangeError::Request(_) => "request-head",
            ExchangeError::UpstreamReset(_) => "upstream-reset",
            ExchangeError::UpstreamGoAway(_) => "upstream-goaway",
            ExchangeError::UpstreamFailed(_) => "upstream-io",
            ExchangeError::Response(_) => "response",
            ExchangeError::Switching => "unasked-upgrade",
            ExchangeError::ClientReset(_) => "client-reset",
            ExchangeError::ClientFailed(_) => "client-io",
            ExchangeError::Idle => "idle",
        }
    }

    /// The code to reset the client's stream with, where that says more than an answer could:
    /// the server's own, by which clients decide whether they ask again.
    pub const fn reset(&self) -> Option<Reason> {
        match self {
            // "No error" would make a missing answer look intended.
            ExchangeError::UpstreamReset(Reason::NO_ERROR) => None,
            ExchangeError::UpstreamReset(reason) => Some(*reason),
            ExchangeError::UpstreamGoAway(_) => Some(Reason::REFUSED_STREAM),
            ExchangeError::ClientReset(_) | ExchangeError::ClientFailed(_) => Some(Reason::CANCEL),
            ExchangeError::Request(_)
            | ExchangeError::UpstreamFailed(_)
            | ExchangeError::Response(_)
            | ExchangeError::Switching
            | ExchangeError::Idle => None,
        }
    }

    /// The status of the answer to a client that has none yet.
    pub const fn status(&self) -> u16 {
        match self {
            ExchangeError::Request(_)
            | ExchangeError::ClientReset(_)
            | ExchangeError::ClientFailed(_) => 400,
            ExchangeError::Idle => 504,
            ExchangeError::UpstreamReset(_)
            | ExchangeError::UpstreamGoAway(_)
            | ExchangeError::UpstreamFailed(_)
            | ExchangeError::Response(_)
            | ExchangeError::Switching => 502,
        }
    }

    /// Whether the client went away, so that there is nobody to answer.
    pub const fn is_clients(&self) -> bool {
        matches!(
            self,
            ExchangeError::ClientReset(_) | ExchangeError::ClientFailed(_)
        )
    }

    /// The code for the server's stream, where the exchange ends it.
    pub(super) const fn for_server(&self) -> Reason {
        match self {
            ExchangeError::ClientReset(reason) => *reason,
            ExchangeError::Switching => Reason::PROTOCOL_ERROR,
            _ => Reason::CANCEL,
        }
    }
}
