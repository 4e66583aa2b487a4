//! The writer's thread: gather, chain, write, acknowledge.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::desk::Open;
use super::file::Sink;
use super::{State, Sync, Unavailable};
use crate::edge::clock;
use crate::logic::record::{Body, Event, EventKind};

/// The most lines that one write takes.
const BATCH: usize = 256;
/// How long to wait before a failed sink is tried again while no new line comes.
const RETRY: Duration = Duration::from_millis(250);

/// What is handed to the writer.
#[derive(Debug)]
pub(super) enum Entry {
    /// A line whose request waits for it.
    Decision {
        body: Body,
        ack: oneshot::Sender<Result<(), Unavailable>>,
    },
    /// A line that must not be lost.
    Line(Body),
    /// A refusal for want of a record: written if that is possible, else counted.
    Refusal(Body),
}

/// Writes until every sender is gone and nothing is left. Returns whether all of it was written.
pub(super) fn run(mut lines: mpsc::Receiver<Entry>, sync: Sync, state: &State) -> bool {
    let whole = write_all(&mut lines, sync, state);
    // Closed, and its lock given back, even while somebody still holds a handle.
    state.desk.lock().sink = None;
    whole
}

fn write_all(lines: &mut mpsc::Receiver<Entry>, sync: Sync, state: &State) -> bool {
    let desk = &state.desk;
    // Lines whose requests went through before the sink failed: as many as were open then.
    let mut outage: Option<Outage> = None;
    let mut kept: Vec<Body> = desk.lock().sink.as_mut().map(opening).unwrap_or_default();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.clear();
        desk.set_calm(outage.is_none() && kept.is_empty());
        let open = if outage.is_some() {
            wait_a_while(lines, &mut batch)
        } else {
            wait(lines, &mut batch, kept.is_empty())
        };
        if !open && batch.is_empty() && (kept.is_empty() || outage.is_some()) {
            // The last lines of a sink that fails at the very end are lost with the process.
            return kept.is_empty();
        }
        let mut desk_open = desk.lock();
        let Open { sink, buffer } = &mut *desk_open;
        let Some(sink) = sink else {
            return false;
        };
        let reopened = match outage {
            Some(_) => sink.reopen().unwrap_or(false),
            None => false,
        };
        let mut chain = sink.chain.clone();
        buffer.clear();
        if let Some(outage) = &outage {
            if reopened {
                chain.append(&file_line(sink), buffer);
            }
            let refused = outage.refused + state.uncounted.load(Ordering::Acquire);
            chain.append(&gap(&outage.since, &outage.reason, refused), buffer);
        }
        for body in &kept {
            chain.append(body, buffer);
        }
        for entry in &batch {
            let (Entry::Decision { body, .. } | Entry::Line(body) | Entry::Refusal(body)) = entry;
            // A requester that gave up has refused its request; its decision must not stand.
            if !matches!(entry, Entry::Decision { ack, .. } if ack.is_closed()) {
                chain.append(body, buffer);
            }
        }
        let written = sink.write(buffer, sync == Sync::Fsync);
        match written {
            Ok(()) => sink.chain = chain,
            // Before the lock is given back: what is kept now stands before all others.
            Err(_) => desk.set_calm(false),
        }
        desk.dealt_with(batch.len());
        drop(desk_open);
        match written {
            Ok(()) => {
                kept.clear();
                state.stalled.store(false, Ordering::Release);
                state.written.fetch_add(1, Ordering::AcqRel);
                let uncounted = state.uncounted.swap(0, Ordering::AcqRel);
                if outage.take().is_some() {
                    tracing::info!("the record can be written again");
                } else if uncounted > 0 {
                    kept.push(gap(
                        &clock::timestamp(),
                        "the sink took nothing for a while",
                        uncounted,
                    ));
                }
                for entry in batch.drain(..) {
                    if let Entry::Decision { ack, .. } = entry {
                        let _ = ack.send(Ok(()));
                    }
                }
            }
            Err(error) => {
                state.stalled.store(true, Ordering::Release);
                let outage = outage.get_or_insert_with(|| {
                    tracing::error!(%error, "the record cannot be written; new requests are refused until it can");
                    Outage { since: clock::timestamp(), reason: error.to_string(), refused: 0 }
                });
                for entry in batch.drain(..) {
                    match entry {
                        Entry::Line(body) => kept.push(body),
                        Entry::Refusal(_) => {}
                        Entry::Decision { ack, .. } => {
                            outage.refused += 1;
                            let _ = ack.send(Err(Unavailable {
                                reason: error.to_string(),
                            }));
                        }
                    }
                }
            }
        }
    }
}

/// A time in which the sink took nothing.
struct Outage {
    since: String,
    reason: String,
    refused: u64,
}

fn gap(since: &str, reason: &str, refused: u64) -> Body {
    Body::event(&Event {
        time: clock::timestamp(),
        kind: EventKind::Gap,
        detail: json!({ "since": since, "reason": reason, "refused": refused }),
    })
}

/// The lines that stand before all others of this run.
fn opening(sink: &mut Sink) -> Vec<Body> {
    let mut lines = Vec::new();
    if sink.is_empty() {
        lines.push(file_line(sink));
    }
    if let Some(aside) = sink.torn.take() {
        lines.push(Body::event(&Event {
            time: clock::timestamp(),
            kind: EventKind::Mended,
            detail: json!({ "torn_line": aside.display().to_string() }),
        }));
    }
    lines
}

fn file_line(sink: &Sink) -> Body {
    Body::event(&Event {
        time: clock::timestamp(),
        kind: EventKind::File,
        detail: json!({ "first_seq": sink.chain.next_seq(), "previous_head": sink.chain.head(), "previous_file": null }),
    })
}

/// Takes what is there, or waits for the first line if nothing else is to be written. `false`:
/// no more will come.
fn wait(lines: &mut mpsc::Receiver<Entry>, batch: &mut Vec<Entry>, idle: bool) -> bool {
    if !idle && lines.is_empty() {
        return !lines.is_closed();
    }
    lines.blocking_recv_many(batch, BATCH) > 0
}

/// As [`wait`], but returns after [`RETRY`] at most, so that the sink is tried again.
fn wait_a_while(lines: &mut mpsc::Receiver<Entry>, batch: &mut Vec<Entry>) -> bool {
    if lines.is_empty() {
        std::thread::sleep(RETRY);
    }
    loop {
        match lines.try_recv() {
            Ok(entry) => batch.push(entry),
            Err(mpsc::error::TryRecvError::Empty) => return true,
            Err(mpsc::error::TryRecvError::Disconnected) => return false,
        }
        if batch.len() >= BATCH {
            return true;
        }
    }
}
