//! One direction of an exchange: data, then trailers, from one stream to another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use h2::RecvStream;
use h2::SendStream;
use http::HeaderMap;
use http::header::HeaderName;

use crate::logic::wire::http1::may_trail;

use super::ledger::Ledger;

/// Chunks below this are put together while they wait: each costs more than its bytes.
const SMALL: usize = 1 << 10;
/// What is put together goes no further than a frame.
const JOINED: usize = 16 << 10;

/// What is on its way in one direction.
#[derive(Default)]
pub(super) struct Flow {
    held: Held,
    ledger: Arc<Ledger>,
    /// Bytes handed to the sink.
    pub(super) moved: u64,
    /// Bytes that the sink's socket took, as far as they have been noticed.
    pub(super) written: u64,
    /// Trailers are held to what may stand there: an answer's are the server's own matter.
    judges_trailers: bool,
    /// Whether anything was taken from the source.
    pub(super) taken: bool,
}

/// Which side of a flow failed.
#[derive(Debug)]
pub(super) enum FlowError {
    Source(h2::Error),
    /// The sink takes no more; why shows elsewhere.
    SinkClosed,
    /// A field among the trailers that must stand in the head.
    Trailer(HeaderName),
}

impl Flow {
    /// A request's way.
    pub(super) fn of_request() -> Flow {
        Flow {
            judges_trailers: true,
            ..Flow::default()
        }
    }

    /// Moves what can be moved; ready when the end, trailers included, is with the sink.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut RecvStream,
        sink: &mut SendStream<Bytes>,
    ) -> Poll<Result<(), FlowError>> {
        self.give_back(cx, source);
        loop {
            if !self.held.is_empty() {
                let Poll::Ready(room) = poll_room(cx, sink, self.held.len()) else {
                    self.read_ahead(cx, source);
                    return Poll::Pending;
                };
                let chunk = self.held.take(room.ok_or(FlowError::SinkClosed)?);
                self.moved = self.moved.saturating_add(chunk.len() as u64);
                let is_last = self.held.is_empty() && source.is_end_stream();
                sink.send_data(self.ledger.track(chunk), is_last)
                    .map_err(|_| FlowError::SinkClosed)?;
                if is_last {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match ready!(source.poll_data(cx)) {
                Some(Ok(chunk)) => {
                    self.taken = true;
                    self.held.push(chunk);
                }
                Some(Err(error)) => return Poll::Ready(Err(FlowError::Source(error))),
                None => {
                    let trailers = ready!(source.poll_trailers(cx)).map_err(FlowError::Source)?;
                    if self.judges_trailers
                        && let Some(name) = trailers.as_ref().and_then(misplaced)
                    {
                        return Poll::Ready(Err(FlowError::Trailer(name)));
                    }
                    let ended = match trailers {
                        Some(trailers) => sink.send_trailers(trailers),
                        None => sink.send_data(Bytes::new(), true),
                    };
                    return Poll::Ready(ended.map_err(|_| FlowError::SinkClosed));
                }
            }
        }
    }

    /// Lets the source send as much anew as the sink has written.
    pub(super) fn give_back(&mut self, cx: &mut Context<'_>, source: &mut RecvStream) {
        let written = self.watch(cx);
        if written > 0 {
            // Fails only for more than was received.
            let _ = source.flow_control().release_capacity(written);
        }
    }

    /// Asks to be woken, where the source is of no more account.
    pub(super) fn watch(&mut self, cx: &mut Context<'_>) -> usize {
        let written = self.ledger.take_written(cx.waker());
        self.written = self.written.saturating_add(written as u64);
        written
    }

    /// Gives up what is held, and lets other streams have its room.
    pub(super) fn stop(&mut self, source: &mut RecvStream) {
        let _ = source.flow_control().release_capacity(self.held.len());
        self.held = Held::default();
    }

    /// Whether all but `rest` bytes are on the sink's socket.
    pub(super) fn is_down_to(&self, rest: usize) -> bool {
        self.ledger.is_down_to(rest)
    }

    /// A chunk whose end shows in [`Flow::is_down_to`].
    pub(super) fn marker(&self) -> Bytes {
        self.ledger.marker()
    }

    /// While the sink is full. The library bounds the number of unread frames by closing the
    /// whole connection, which a reader that is merely slow must not cause; the bytes stay on
    /// the source's account, and so within its window.
    fn read_ahead(&mut self, cx: &mut Context<'_>, source: &mut RecvStream) {
        // An error or the end is met again when what is held is gone.
        while let Poll::Ready(Some(Ok(chunk))) = source.poll_data(cx) {
            self.held.push(chunk);
        }
    }
}

/// The first field that must not stand among trailers.
fn misplaced(trailers: &HeaderMap) -> Option<HeaderName> {
    let mut names = trailers.keys();
    names
        .find(|name| !may_trail(name.as_str().as_bytes()))
        .cloned()
}

/// Room for up to `want` bytes; `None` when there will be none.
fn poll_room(
    cx: &mut Context<'_>,
    sink: &mut SendStream<Bytes>,
    want: usize,
) -> Poll<Option<usize>> {
    sink.reserve_capacity(want);
    loop {
        let room = sink.capacity();
        if room > 0 {
            return Poll::Ready(Some(room));
        }
        if !matches!(ready!(sink.poll_capacity(cx)), Some(Ok(_))) {
            return Poll::Ready(None);
        }
    }
}

/// Chunks in their order.
#[derive(Default)]
struct Held {
    chunks: VecDeque<Bytes>,
    /// Small chunks put together, after all the others.
    tail: BytesMut,
    len: usize,
}

impl Held {
    const fn len(&self) -> usize {
        self.len
    }

    const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        if self.len == chunk.len() {
            // Nothing waits, so there is nothing to join it to.
            if !chunk.is_empty() {
                self.chunks.push_back(chunk);
            }
            return;
        }
        if chunk.len() < SMALL {
            self.tail.extend_from_slice(&chunk);
            if self.tail.len() < JOINED {
                return;
            }
        }
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
        if chunk.len() >= SMALL {
            self.chunks.push_back(chunk);
        }
    }

    /// Up to `room` bytes from the front.
    fn take(&mut self, room: usize) -> Bytes {
        let mut front = match self.chunks.pop_front() {
            Some(chunk) => chunk,
            None => self.tail.split().freeze(),
        };
        if front.len() > room {
            let rest = front.split_off(room);
            self.chunks.push_front(rest);
        }
        self.len -= front.len();
        front
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_keep_their_order_whatever_their_size() {
        let sizes = [0, 1, 5, 2000, 3, 0, 1023, 1024, 7, 7, 40_000, 1];
        let mut held = Held::default();
        let mut want = Vec::new();
        let mut next = 0_u8;
        for round in 0..30 {
            for size in sizes {
                let chunk: Vec<u8> = (0..size)
                    .map(|_| {
                        next = next.wrapping_add(1);
                        next
                    })
                    .collect();
                want.extend_from_slice(&chunk);
                held.push(Bytes::from(chunk));
            }
            let mut got = Vec::new();
            let keep = if round % 3 == 0 { 0 } else { 1500 };
            while held.len() > keep {
                let before = held.len();
                let chunk = held.take(700);
                assert!(!chunk.is_empty() && chunk.len() <= 700);
                assert_eq!(held.len(), before - chunk.len());
                got.extend_from_slice(&chunk);
            }
            assert_eq!(got, want.drain(..got.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn small_chunks_that_wait_are_joined() {
        let mut held = Held::default();
        for _ in 0..100_000 {
            held.push(Bytes::from_static(b"tiny!"));
        }
        assert_eq!(held.len(), 500_000);
        assert!(held.chunks.len() < 40, "{}", held.chunks.len());
    }
}
