//! Fewer reads for a TLS session: rustls asks for 4 KiB at a time, and a call to the kernel costs
//! as much for sixteen times that.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One read from the socket: four full records.
const BUFFER: usize = 68 * 1024;
/// Buffers that a thread keeps for the next connection.
const POOLED: usize = 8;

/// A stream below TLS that reads ahead. It holds a buffer only while bytes are in it, so an idle
/// connection holds none.
#[derive(Debug)]
pub struct ReadAhead<S> {
    stream: S,
    held: Option<Held>,
}

struct Held {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.end - self.start)
    }
}

impl<S> ReadAhead<S> {
    /// Nothing read yet.
    pub const fn new(stream: S) -> ReadAhead<S> {
        ReadAhead { stream, held: None }
    }

    /// The stream itself, for what does not read from it.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The same, to change it.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut held = match this.held.take() {
            Some(held) => held,
            None if room.remaining() >= BUFFER => {
                return Pin::new(&mut this.stream).poll_read(context, room);
            }
            None => {
                let mut buffer = take();
                let mut all = ReadBuf::new(&mut buffer);
                let polled = Pin::new(&mut this.stream).poll_read(context, &mut all);
                let end = all.filled().len();
                if end == 0 {
                    give_back(buffer);
                    return polled;
                }
                Held {
                    buffer,
                    start: 0,
                    end,
                }
            }
        };
        let bytes = held.buffer.get(held.start..held.end).unwrap_or_default();
        let count = bytes.len().min(room.remaining());
        room.put_slice(bytes.get(..count).unwrap_or_default());
        held.start += count;
        if held.start < held.end {
            this.held = Some(held);
        } else {
            give_back(held.buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

thread_local! {
    static POOL: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn take() -> Box<[u8]> {
    POOL.with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| vec![0; BUFFER].into_boxed_slice())
}

fn give_back(buffer: Box<[u8]>) {
    POOL.with_borrow_mut(|pool| {
        if pool.len() < POOLED {
            pool.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn bytes_come_in_order_and_nothing_is_held_after_them() {
        let sent: Vec<u8> = (0..500_000_u32).map(|n| (n % 251) as u8).collect();
        for room in [1000, 4096, BUFFER - 1, BUFFER, BUFFER + 1] {
            let (mut far, near) = duplex(100_000);
            let copy = sent.clone();
            let writer = tokio::spawn(async move {
                far.write_all(&copy).await.unwrap();
                far.shutdown().await.unwrap();
                far
            });
            let mut ahead = ReadAhead::new(near);
            let mut got = Vec::new();
            let mut part = vec![0; room];
            loop {
                let count = ahead.read(&mut part).await.unwrap();
                if count == 0 {
                    break;
                }
                got.extend_from_slice(&part[..count]);
            }
            assert!(got == sent, "{room}");
            assert!(ahead.held.is_none());
            writer.await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_idle_stream_holds_no_buffer() {
        let (mut far, near) = duplex(1000);
        let mut ahead = ReadAhead::new(near);
        let mut part = [0; 3];
        far.write_all(b"abcd").await.unwrap();
        assert_eq!(ahead.read(&mut part).await.unwrap(), 3);
        assert!(ahead.held.is_some());
        assert_eq!(ahead.read(&mut part).await.unwrap(), 1);
        let waiting = std::future::poll_fn(|context| {
            let mut room = ReadBuf::new(&mut part);
            Poll::Ready(
                Pin::new(&mut ahead)
                    .poll_read(context, &mut room)
                    .is_pending(),
            )
        });
        assert!(waiting.await);
        assert!(ahead.held.is_none());
    }
}
