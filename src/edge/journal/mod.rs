//! The journal: the only writer of the record.
//!
//! Lines are handed to one thread through a bounded queue; it chains them and writes whatever
//! has gathered with one call. While nothing waits in the queue, a line for a regular file is
//! written where it arises, which saves two turns of threads; a disk that hangs then holds one
//! worker, and everybody else goes by the queue and its time limit.
//!
//! A decision waits until it is written (and synced, where that is asked for); nothing passes
//! before. A line whose request has been let through is never dropped: while the sink fails it
//! waits here, bounded by the number of requests that were open.

mod desk;
mod file;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::logic::record::{Body, Event, Line};

use desk::Desk;
pub use file::{OpenError, Sink};
use writer::Entry;

/// How many lines may wait for the writer before requests wait for a place.
const QUEUE: usize = 1024;

/// How far a line must have come before its request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Written to the kernel: survives the process, not the machine.
    Write,
    /// On the disk.
    Fsync,
    /// Handed to the writer.
    None,
}

/// The sink takes nothing: new requests are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record cannot be written: {reason}")]
pub struct Unavailable {
    pub reason: String,
}

/// Told of every decision and completion as it goes on record, and of what stood in the way of
/// interception. It is called where the request is served, so it must not block.
pub trait Observer: Send + std::marker::Sync + std::fmt::Debug {
    /// One line.
    fn see(&self, line: &Line);
    /// An event that belongs to a connection.
    fn hear(&self, event: &Event);
}

/// A handle to the journal; clones share it.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: mpsc::Sender<Entry>,
    state: Arc<State>,
    sync: Sync,
    stall: Duration,
    observer: Option<Arc<dyn Observer>>,
}

/// What the writer tells everybody.
#[derive(Debug)]
pub(super) struct State {
    desk: Desk,
    /// The sink has been silent for longer than `stall`, or failed.
    stalled: AtomicBool,
    /// Refusals for which there was no place while it was; the gap event counts them.
    uncounted: AtomicU64,
    /// Counts successful writes: whether a slow sink still takes something.
    written: AtomicU64,
}

impl Journal {
    /// Starts the writer. The thread ends when all handles are gone and all lines are written.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(sink: Sink, sync: Sync, stall: Duration) -> std::io::Result<(Journal, Writer)> {
        let (queue, lines) = mpsc::channel(QUEUE);
        let path = sink.path().map(PathBuf::from);
        let state = Arc::new(State {
            desk: Desk::new(sink, sync),
            stalled: AtomicBool::default(),
            uncounted: AtomicU64::default(),
            written: AtomicU64::default(),
        });
        let (done, ended) = oneshot::channel();
        let thread_state = Arc::clone(&state);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                let whole = writer::run(lines, sync, &thread_state);
                let _ = done.send(whole);
            })?;
        Ok((
            Journal {
                queue,
                state: Arc::clone(&state),
                sync,
                stall,
                observer: None,
            },
            Writer {
                ended,
                path,
                state,
                stall,
            },
        ))
    }

    /// This handle and its clones tell `observer`.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Journal {
        Journal {
            observer: Some(observer),
            ..self
        }
    }

    /// Tells the observer of a decision or completion.
    pub fn tell(&self, line: &Line) {
        if let Some(observer) = &self.observer {
            observer.see(line);
        }
    }

    /// Puts an event of a connection on record and tells the observer of it.
    ///
    /// # Errors
    /// [`Unavailable`] when the writer is gone.
    pub async fn note(&self, event: &Event) -> Result<(), Unavailable> {
        if let Some(observer) = &self.observer {
            observer.hear(event);
        }
        self.complete(Body::event(event)).await
    }

    /// Puts a decision on record; returns when its request may go on.
    ///
    /// # Errors
    /// [`Unavailable`] when the sink failed or took nothing for `stall`; the request must then be
    /// refused, and [`Journal::refuse`] be told in case the line comes through after all.
    pub async fn decide(&self, body: Body) -> Result<(), Unavailable> {
        if self.sync == Sync::None {
            return self.complete(body).await;
        }
        if self.state.stalled.load(Ordering::Acquire) && self.queue.capacity() == 0 {
            return Err(stalled(self.stall));
        }
        if self.write_at_once(&body) {
            return Ok(());
        }
        let (ack, acked) = oneshot::channel();
        let write = async {
            self.enqueue(Entry::Decision { body, ack }).await?;
            acked.await.map_err(|_| ended())?
        };
        if let Ok(outcome) = tokio::time::timeout(self.stall, write).await {
            return outcome;
        }
        self.state.stalled.store(true, Ordering::Release);
        Err(stalled(self.stall))
    }

    /// Puts a line on record that nothing waits for. Waits only for a place in the queue.
    ///
    /// # Errors
    /// [`Unavailable`] when the writer is gone.
    pub async fn complete(&self, body: Body) -> Result<(), Unavailable> {
        if self.write_at_once(&body) {
            return Ok(());
        }
        self.enqueue(Entry::Line(body)).await
    }

    /// Writes a line if nothing is before it and nobody is writing.
    fn write_at_once(&self, body: &Body) -> bool {
        let written = self.state.desk.write_at_once(body);
        if written {
            self.state.written.fetch_add(1, Ordering::AcqRel);
        }
        written
    }

    async fn enqueue(&self, entry: Entry) -> Result<(), Unavailable> {
        let place = self.queue.reserve().await.map_err(|_| ended())?;
        self.state.desk.queued();
        place.send(entry);
        Ok(())
    }

    /// As [`Journal::complete`], for the very last line: a sink that takes nothing is waited for
    /// no longer than it may stall.
    pub async fn complete_last(&self, body: Body) {
        let _ = tokio::time::timeout(self.stall, self.enqueue(Entry::Line(body))).await;
    }

    /// As [`Journal::complete`], from a destructor: takes a place if there is one, else leaves
    /// the line to a task of its own.
    pub fn complete_detached(&self, body: Body) {
        match self.queue.try_reserve() {
            Ok(place) => {
                self.state.desk.queued();
                place.send(Entry::Line(body));
            }
            Err(mpsc::error::TrySendError::Full(())) => {
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    let journal = self.clone();
                    runtime.spawn(async move { journal.enqueue(Entry::Line(body)).await });
                }
            }
            Err(mpsc::error::TrySendError::Closed(())) => {}
        }
    }

    /// Puts a refusal on record that could not be decided on record. While the sink takes nothing
    /// it is counted, not kept: the gap event has the number.
    pub fn refuse(&self, body: Body) {
        match self.queue.try_reserve() {
            Ok(place) => {
                self.state.desk.queued();
                place.send(Entry::Refusal(body));
            }
            Err(_) => {
                self.state.uncounted.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    /// Whether the sink is known to take nothing.
    pub fn is_stalled(&self) -> bool {
        self.state.stalled.load(Ordering::Acquire)
    }
}

/// The writer's end: to wait for the last line.
#[derive(Debug)]
pub struct Writer {
    ended: oneshot::Receiver<bool>,
    path: Option<PathBuf>,
    state: Arc<State>,
    stall: Duration,
}

impl Writer {
    /// Where the record goes; `None` for standard output.
    pub fn path(&self) -> Option<&std::path::Path> {
        self.path.as_deref()
    }

    /// Returns when every handle is gone and every line is written, or when the sink has taken
    /// nothing for as long as it may stall. Returns whether the record is complete.
    pub async fn finish(mut self) -> bool {
        loop {
            let before = self.state.written.load(Ordering::Acquire);
            match tokio::time::timeout(self.stall, &mut self.ended).await {
                Ok(ended) => return ended.unwrap_or(false),
                Err(_) if self.state.written.load(Ordering::Acquire) == before => return false,
                Err(_) => {}
            }
        }
    }
}

fn stalled(stall: Duration) -> Unavailable {
    Unavailable {
        reason: format!("it took nothing for {} s", stall.as_secs_f64()),
    }
}

fn ended() -> Unavailable {
    Unavailable {
        reason: "its writer has ended".to_owned(),
    }
}
