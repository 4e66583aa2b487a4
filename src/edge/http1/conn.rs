//! A connection and what has been read from it but not yet used.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;

use crate::logic::wire::http1::HeadError;
use crate::logic::wire::http1::HeadLimits;
use crate::logic::wire::http1::RequestHead;
use crate::logic::wire::http1::read_request_head;

/// How much is read at a time while a body is on its way.
pub(super) const CHUNK: usize = 32 * 1024;
/// How much is held ready while none is: most heads fit, with a small body behind, and idle
/// connections stay small.
pub(super) const IDLE: usize = 4 * 1024;

/// A stream with its read buffer. Bytes that a message did not use wait there for the next one.
pub struct Conn<S> {
    pub(super) stream: S,
    pub(super) buffer: BytesMut,
    /// The peer sends no more.
    pub(super) ended: bool,
    /// All bytes read by this value.
    pub(super) total_read: u64,
    below: Option<PollEnd<S>>,
}

/// Polls for the end of what carries a stream whose own end was read: TLS says that the peer
/// sends no more, and only below it shows whether the peer may be gone.
pub type PollEnd<S> = fn(&mut S, &mut Context<'_>) -> Poll<()>;

/// Why there is no next request.
#[derive(Debug, thiserror::Error)]
pub enum ReadHeadError {
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error("the client closed the connection in the middle of a head")]
    Truncated,
    #[error("the connection to the client failed: {0}")]
    Io(#[from] io::Error),
}

impl<S: fmt::Debug> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("stream", &self.stream)
            .field("buffered", &self.buffer.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<S> Conn<S> {
    pub fn new(stream: S) -> Conn<S> {
        Conn::with_buffered(stream, BytesMut::new())
    }

    /// With bytes that were read from the stream before.
    pub const fn with_buffered(stream: S, buffer: BytesMut) -> Conn<S> {
        Conn {
            stream,
            buffer,
            ended: false,
            total_read: 0,
            below: None,
        }
    }

    /// With a look below the stream.
    #[must_use]
    pub fn with_end_below(mut self, below: PollEnd<S>) -> Conn<S> {
        self.below = Some(below);
        self
    }

    /// Whether the peer may be gone and not only done sending. Where nobody can tell, it may.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match (self.ended, self.below) {
            (false, _) => Poll::Pending,
            (true, None) => Poll::Ready(()),
            (true, Some(below)) => below(&mut self.stream, cx),
        }
    }

    /// The stream, and the bytes read from it that no message used.
    pub fn into_parts(self) -> (S, BytesMut) {
        (self.stream, self.buffer)
    }

    /// The bytes that are read and not used.
    pub fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether the peer has closed its sending side.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    pub const fn stream(&self) -> &S {
        &self.stream
    }

    pub const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + Unpin> Conn<S> {
    /// Reads the next request head. `None`: the client closed the connection between requests.
    /// Cancelling loses nothing, so a caller may bound the time.
    ///
    /// # Errors
    /// [`ReadHeadError`].
    pub async fn read_request_head(
        &mut self,
        limits: HeadLimits,
    ) -> Result<Option<RequestHead>, ReadHeadError> {
        loop {
            if let Some((head, used)) = read_request_head(&self.buffer, limits)? {
                let _ = self.buffer.split_to(used);
                return Ok(Some(head));
            }
            if self.fill(IDLE).await? == 0 {
                // An empty line between requests is nobody's head (RFC 9112, section 2.2).
                return match self.buffer.as_ref() {
                    b"" | b"\r" | b"\r\n" => Ok(None),
                    _ => Err(ReadHeadError::Truncated),
                };
            }
        }
    }

    /// Reads more, until `first_bytes` and the like have enough; 0 at the end of the stream.
    ///
    /// # Errors
    /// The stream's.
    pub async fn read_more(&mut self) -> io::Result<usize> {
        self.fill(IDLE).await
    }

    /// Whether the peer is silent: it has neither sent anything that no message used nor closed.
    /// Does not wait.
    pub fn is_quiet(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.buffer.is_empty() && self.poll_fill(&mut cx, IDLE).is_pending()
    }

    /// A message is over: gives back the room that its body needed.
    pub(super) fn rest(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE {
            self.buffer = BytesMut::new();
        }
    }

    async fn fill(&mut self, room: usize) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(cx, room)).await
    }

    /// Reads once, into at least half of `room`; 0 at the end, then and ever after.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        // Moves what is left to the front of the same allocation where that gives the room.
        if self.buffer.capacity() - self.buffer.len() < room / 2 {
            self.buffer.reserve(room);
        }
        // The future holds no state between polls.
        let read = pin!(self.stream.read_buf(&mut self.buffer));
        let count = ready!(read.poll(cx))?;
        self.ended = count == 0;
        self.total_read = self.total_read.saturating_add(count as u64);
        Poll::Ready(Ok(count))
    }
}
