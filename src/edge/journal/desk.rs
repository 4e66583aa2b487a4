//! Where the sink lies: the writer's thread takes it for a batch, and whoever has a line while
//! nothing is queued writes it there and then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Sync;
use super::file::Sink;
use crate::logic::record::Body;

/// The sink, and who is before whom.
#[derive(Debug)]
pub(super) struct Desk {
    sink: Mutex<Open>,
    /// Lines may be written past the queue at all.
    is_direct: bool,
    /// The sink works, and the writer keeps no lines back.
    is_calm: AtomicBool,
    /// Lines in the queue or in the writer's hands: they are written first.
    queued: AtomicUsize,
}

/// What only one may touch at a time.
#[derive(Debug)]
pub(super) struct Open {
    /// `None` once the writer has ended.
    pub(super) sink: Option<Sink>,
    pub(super) buffer: Vec<u8>,
}

impl Desk {
    /// With more than one processor only: a disk that hangs must not hold the only worker.
    pub(super) fn new(sink: Sink, sync: Sync) -> Desk {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Desk {
            is_direct: sync == Sync::Write && sink.is_regular() && workers > 1,
            sink: Mutex::new(Open {
                sink: Some(sink),
                buffer: Vec::with_capacity(64 * 1024),
            }),
            is_calm: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
        }
    }

    /// A line is about to be queued.
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::AcqRel);
    }

    /// So many queued lines are dealt with.
    pub(super) fn dealt_with(&self, lines: usize) {
        self.queued.fetch_sub(lines, Ordering::AcqRel);
    }

    /// Whether the sink works and the writer keeps nothing back.
    pub(super) fn set_calm(&self, is_calm: bool) {
        self.is_calm.store(is_calm, Ordering::Release);
    }

    /// The sink, for the writer.
    pub(super) fn lock(&self) -> MutexGuard<'_, Open> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `body` if nobody is before it. A failure is left to the writer to find: the line is
    /// not written then, and goes by the queue.
    pub(super) fn write_at_once(&self, body: &Body) -> bool {
        if !self.is_direct {
            return false;
        }
        let Ok(mut open) = self.sink.try_lock() else {
            return false;
        };
        let is_next =
            self.is_calm.load(Ordering::Acquire) && self.queued.load(Ordering::Acquire) == 0;
        let Open { sink, buffer } = &mut *open;
        let Some(sink) = sink.as_mut().filter(|_| is_next) else {
            return false;
        };
        let mut chain = sink.chain.clone();
        buffer.clear();
        chain.append(body, buffer);
        if sink.write(buffer, false).is_err() {
            return false;
        }
        sink.chain = chain;
        true
    }
}
