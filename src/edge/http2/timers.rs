//! The times that an exchange keeps, all on one timer.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;
use tokio::time::sleep_until;

/// Stands for a time that never comes.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What ran out.
pub(super) enum Expired {
    Idle,
    Continue,
}

pub(super) struct Timers {
    /// Fires at or before the time that matters; only then that is looked at.
    sleep: Pin<Box<Sleep>>,
    moved: Instant,
    idle: Duration,
    /// Until when the client is left to wait for the server's leave.
    continue_at: Instant,
}

impl Timers {
    pub(super) fn new(idle: Duration, continue_wait: Duration) -> Timers {
        let start = Instant::now();
        Timers {
            sleep: Box::pin(sleep_until(after(start, idle))),
            moved: start,
            idle,
            continue_at: after(start, continue_wait),
        }
    }

    /// Something has moved.
    pub(super) fn moved(&mut self) {
        self.moved = Instant::now();
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, holding: bool) -> Poll<Expired> {
        let idle_at = after(self.moved, self.idle);
        let (at, what) = if holding && self.continue_at <= idle_at {
            (self.continue_at, Expired::Continue)
        } else {
            (idle_at, Expired::Idle)
        };
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
}

/// `Instant + Duration` panics when it overflows; settings may hold any duration.
fn after(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or_else(|| at + NEVER)
}
