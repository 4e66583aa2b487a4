//! What an exchange is told.

use std::time::Duration;

use crate::logic::wire::http1::HeadLimits;
use crate::logic::wire::http1::Manner;

/// Bounds and choices of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeOptions {
    pub manner: Manner,
    /// Of response heads.
    pub limits: HeadLimits,
    /// How long nothing may move in either direction.
    pub idle: Duration,
    /// How long a body that the client holds back (`Expect: 100-continue`) waits for the
    /// server's word.
    pub continue_wait: Duration,
    /// How long a client that may be gone ([`Conn::with_end_below`](super::Conn::with_end_below))
    /// may wait while nothing moves: a closed socket looks like one whose sending side is closed,
    /// and its upstream must not be kept until `idle`.
    pub half_close_grace: Duration,
    /// A change of protocol was passed on with the request.
    pub upgrade: bool,
    /// The client's connection is to close after this exchange.
    pub close: bool,
    /// The request goes to a proxy of ours: its 407 is about us and not for the client.
    pub through_proxy: bool,
}

impl Default for ExchangeOptions {
    fn default() -> ExchangeOptions {
        ExchangeOptions {
            manner: Manner::Forward,
            limits: HeadLimits::default(),
            idle: Duration::from_secs(3600),
            continue_wait: Duration::from_secs(1),
            half_close_grace: Duration::from_secs(5),
            upgrade: false,
            close: false,
            through_proxy: false,
        }
    }
}
