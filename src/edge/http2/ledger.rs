//! What was handed to a sink and is not yet on its socket.
//!
//! The library says when it has room for more, not when it has written. But it drops a chunk
//! once it is written, and a chunk can have an owner that notices.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Waker;

use bytes::Bytes;

/// Below this, written bytes wait for company before the source hears of them.
const BATCH: usize = 64 << 10;

/// The account of one direction.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Account>);

#[derive(Debug, Default)]
struct Account {
    /// Handed over and not written.
    outstanding: usize,
    /// Written and not yet given back to the source.
    written: usize,
    /// Wake as soon as no more than this is outstanding.
    wake_at: Option<usize>,
    waker: Option<Waker>,
}

impl Ledger {
    /// The same bytes, accounted for until they are dropped.
    pub(super) fn track(self: &Arc<Ledger>, bytes: Bytes) -> Bytes {
        if bytes.is_empty() {
            return bytes;
        }
        self.account().outstanding += bytes.len();
        Bytes::from_owner(Tracked {
            bytes,
            ledger: Arc::clone(self),
        })
    }

    /// An empty chunk that wakes when it is dropped: what was queued before it is out by then.
    pub(super) fn marker(self: &Arc<Ledger>) -> Bytes {
        self.account().outstanding += 1;
        Bytes::from_owner(Marker(Arc::clone(self)))
    }

    /// What was written since this was last asked. `waker` is woken when there is more.
    pub(super) fn take_written(&self, waker: &Waker) -> usize {
        let mut account = self.account();
        if !account
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            account.waker = Some(waker.clone());
        }
        std::mem::take(&mut account.written)
    }

    /// Whether no more than `rest` bytes are outstanding; wakes when it becomes so.
    pub(super) fn is_down_to(&self, rest: usize) -> bool {
        let mut account = self.account();
        account.wake_at = Some(rest);
        account.outstanding <= rest
    }

    fn settle(&self, handed: usize, written: usize) {
        let mut account = self.account();
        account.outstanding = account.outstanding.saturating_sub(handed);
        account.written += written;
        let is_low = account
            .wake_at
            .is_some_and(|rest| account.outstanding <= rest);
        if is_low || account.written >= BATCH {
            let waker = account.waker.take();
            drop(account);
            // Waking only schedules: the sink's lock is held here.
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Tracked {
    bytes: Bytes,
    ledger: Arc<Ledger>,
}

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.ledger.settle(self.bytes.len(), self.bytes.len());
    }
}

struct Marker(Arc<Ledger>);

impl AsRef<[u8]> for Marker {
    fn as_ref(&self) -> &[u8] {
        &[]
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        self.0.settle(1, 0);
    }
}
