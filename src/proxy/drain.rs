//! Stopping in order: no new connections, a bounded time for open ones, then the end.

use std::time::Duration;

use tokio::sync::watch;

/// How far the stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// Requests under way go on; nothing new begins.
    Draining,
    /// What is still open is closed and recorded.
    Forced,
}

/// The side that stops.
#[derive(Debug)]
pub struct Stop(watch::Sender<Phase>);

/// The side that is told; each connection holds one, and is waited for while it does.
#[derive(Debug, Clone)]
pub struct Drain(watch::Receiver<Phase>);

/// A pair.
pub fn drain() -> (Stop, Drain) {
    let (sender, receiver) = watch::channel(Phase::Running);
    (Stop(sender), Drain(receiver))
}

impl Stop {
    /// Tells everybody, waits `limit` for them to finish, then closes what is left and waits for
    /// its records. Returns how many connections had to be closed.
    pub async fn run(self, limit: Duration) -> usize {
        self.0.send_replace(Phase::Draining);
        if tokio::time::timeout(limit, self.0.closed()).await.is_ok() {
            return 0;
        }
        let left = self.0.receiver_count();
        self.0.send_replace(Phase::Forced);
        // What a course does after that is a record and a close, both bounded.
        let _ = tokio::time::timeout(FORCED, self.0.closed()).await;
        left
    }
}

/// How long closed connections have for their last line.
const FORCED: Duration = Duration::from_secs(5);

impl Drain {
    /// Whether a stop has begun.
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    /// Returns when a stop begins.
    pub async fn draining(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Returns when the time is up.
    pub async fn forced(&mut self) {
        self.reached(Phase::Forced).await;
    }

    async fn reached(&mut self, phase: Phase) {
        // The stopping side is gone only when the process ends.
        if self.0.wait_for(|now| *now >= phase).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
