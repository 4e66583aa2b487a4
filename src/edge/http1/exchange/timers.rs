//! The times that an exchange keeps, all on one timer.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;
use tokio::time::sleep_until;

use crate::edge::http1::options::ExchangeOptions;

/// How long the rest of a request may pause when its answer is out already. The client may have
/// stopped for good, and be waiting for us to close.
const REST_PAUSE: Duration = Duration::from_secs(1);
/// Stands for a time that never comes.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Whom the exchange waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    Any,
    /// For the server's leave to send the body.
    Continue,
    /// For the answer to a client that sends no more.
    HalfClosed,
    /// For the rest of a request that is answered.
    Rest,
}

/// What ran out.
pub(super) enum Expired {
    Idle,
    Continue,
    HalfClosed,
    Answered,
}

pub(super) struct Timers {
    /// Fires at or before the time that matters; only then that is looked at.
    sleep: Pin<Box<Sleep>>,
    start: Instant,
    moved: Instant,
    idle: Duration,
    continue_wait: Duration,
    half_close_grace: Duration,
}

impl Timers {
    pub(super) fn new(options: &ExchangeOptions) -> Timers {
        let start = Instant::now();
        Timers {
            sleep: Box::pin(sleep_until(after(start, options.idle))),
            start,
            moved: start,
            idle: options.idle,
            continue_wait: options.continue_wait,
            half_close_grace: options.half_close_grace,
        }
    }

    /// Bytes have moved.
    pub(super) fn moved(&mut self) {
        self.moved = Instant::now();
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, waiting: Waiting) -> Poll<Expired> {
        let (at, what) = self.next(waiting);
        if at < self.sleep.deadline() {
            self.sleep.as_mut().reset(at);
        }
        while self.sleep.as_mut().poll(cx).is_ready() {
            if at <= self.sleep.deadline() {
                return Poll::Ready(what);
            }
            self.sleep.as_mut().reset(at);
        }
        Poll::Pending
    }

    fn next(&self, waiting: Waiting) -> (Instant, Expired) {
        let idle = (after(self.moved, self.idle), Expired::Idle);
        let other = match waiting {
            Waiting::Any => return idle,
            Waiting::Continue => (after(self.start, self.continue_wait), Expired::Continue),
            Waiting::HalfClosed => (
                after(self.moved, self.half_close_grace),
                Expired::HalfClosed,
            ),
            Waiting::Rest => (after(self.moved, REST_PAUSE), Expired::Answered),
        };
        if other.0 <= idle.0 { other } else { idle }
    }
}

/// `Instant + Duration` panics when it overflows; settings may hold any duration.
fn after(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or_else(|| at + NEVER)
}
