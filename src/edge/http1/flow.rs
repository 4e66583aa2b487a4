//! One direction of an exchange: a head, then a body that is followed and not changed.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use super::conn::CHUNK;
use super::conn::Conn;
use crate::logic::wire::http1::Body;
use crate::logic::wire::http1::Framing;
use crate::logic::wire::http1::FramingError;

/// What is on its way in one direction.
pub(super) struct Flow {
    /// Written before the body.
    pub(super) head: BytesMut,
    pub(super) body: Body,
    /// How many bytes at the front of the source's buffer are the body's and not yet written.
    allowed: usize,
    needs_flush: bool,
    /// All bytes written.
    pub(super) written: u64,
    /// Whether bytes of the body were read and not relayed.
    pub(super) lost: bool,
}

/// Which side of a flow failed.
pub(super) enum FlowError {
    Read(io::Error),
    Write(io::Error),
    Framing(FramingError),
}

impl Flow {
    pub(super) fn new(head: &[u8], framing: Framing) -> Flow {
        Flow {
            head: BytesMut::from(head),
            body: Body::new(framing),
            allowed: 0,
            needs_flush: false,
            written: 0,
            lost: false,
        }
    }

    /// Relays the body until it is written and flushed.
    pub(super) fn poll_body<A, B>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn<A>,
        to: &mut B,
    ) -> Poll<Result<(), FlowError>>
    where
        A: AsyncRead + Unpin,
        B: AsyncWrite + Unpin,
    {
        loop {
            // Framing first, so that head and first body bytes leave in one write.
            if self.allowed == 0 && !self.body.is_done() && !from.buffer.is_empty() {
                let advanced = self.body.advance(&from.buffer);
                self.allowed = advanced.map_err(FlowError::Framing)?;
            }
            ready!(self.poll_drain(cx, &mut from.buffer, to)).map_err(FlowError::Write)?;
            if self.body.is_done() {
                return self.poll_flush(cx, to).map_err(FlowError::Write);
            }
            if !from.buffer.is_empty() {
                continue;
            }
            match from.poll_fill(cx, CHUNK) {
                Poll::Ready(Ok(0)) => self.body.end().map_err(FlowError::Framing)?,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(FlowError::Read(error))),
                // Whatever is there is on its way before we wait: event streams are not held.
                Poll::Pending => {
                    let _ = self.poll_flush(cx, to).map_err(FlowError::Write)?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Writes and flushes the head alone.
    pub(super) fn poll_head<B>(&mut self, cx: &mut Context<'_>, to: &mut B) -> Poll<io::Result<()>>
    where
        B: AsyncWrite + Unpin,
    {
        ready!(self.poll_drain(cx, &mut BytesMut::new(), to))?;
        self.poll_flush(cx, to)
    }

    /// Follows the body without writing it, until it is done.
    pub(super) fn poll_discard<A>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn<A>,
    ) -> Poll<Result<(), FlowError>>
    where
        A: AsyncRead + Unpin,
    {
        self.drop_unwritten(&mut from.buffer);
        while !self.body.is_done() {
            self.allowed = self
                .body
                .advance(&from.buffer)
                .map_err(FlowError::Framing)?;
            self.drop_unwritten(&mut from.buffer);
            if self.body.is_done() {
                break;
            }
            match ready!(from.poll_fill(cx, CHUNK)) {
                Ok(0) => self.body.end().map_err(FlowError::Framing)?,
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(FlowError::Read(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether bytes of the body still wait in the source's buffer.
    pub(super) const fn has_unwritten(&self) -> bool {
        self.allowed > 0
    }

    /// Takes what was framed and not written out of the source's buffer, so that it is never
    /// read as the next message.
    pub(super) fn drop_unwritten(&mut self, buffer: &mut BytesMut) {
        self.head.clear();
        self.lost |= self.allowed > 0;
        buffer.advance(self.allowed);
        self.allowed = 0;
    }

    /// Writes the head and what is allowed of `buffer`, together where the stream can.
    fn poll_drain<B>(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
        to: &mut B,
    ) -> Poll<io::Result<()>>
    where
        B: AsyncWrite + Unpin,
    {
        while !self.head.is_empty() || self.allowed > 0 {
            let body = buffer.get(..self.allowed).unwrap_or_default();
            let to = Pin::new(&mut *to);
            let count = ready!(match (self.head.is_empty(), body.is_empty()) {
                (true, _) => to.poll_write(cx, body),
                (false, false) if to.is_write_vectored() => {
                    to.poll_write_vectored(cx, &[IoSlice::new(&self.head), IoSlice::new(body)])
                }
                (false, _) => to.poll_write(cx, &self.head),
            })?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.needs_flush = true;
            self.written = self.written.saturating_add(count as u64);
            let of_head = count.min(self.head.len());
            self.head.advance(of_head);
            buffer.advance(count - of_head);
            self.allowed -= count - of_head;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush<B>(&mut self, cx: &mut Context<'_>, to: &mut B) -> Poll<io::Result<()>>
    where
        B: AsyncWrite + Unpin,
    {
        if self.needs_flush {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}
