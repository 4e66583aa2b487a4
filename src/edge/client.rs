//! A client's stream, whichever way it came.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// How much of what a refused client still sends is read and dropped.
const LINGER_BYTES: usize = 256 * 1024;
/// And for how long.
const LINGER_TIME: std::time::Duration = std::time::Duration::from_secs(2);
/// How long the last bytes of an answer that was cut short may take.
const CUT_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// A client's connection.
#[derive(Debug)]
pub enum ClientStream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A stream to a client, of whichever HTTP version, inside TLS or not.
pub trait ClientIo: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the close a reset, so that a cut-off answer does not look whole. Where there is no
    /// reset, dropping the stream unfinished must do.
    fn abort(&mut self) {}

    /// What carries it: below TLS where this is TLS.
    fn transport(&mut self) -> &mut dyn ClientIo;
}

impl ClientIo for ClientStream {
    fn abort(&mut self) {
        match self {
            ClientStream::Tcp(stream) => abort(stream),
            // A Unix socket knows no reset.
            ClientStream::Unix(_) => {}
        }
    }

    fn transport(&mut self) -> &mut dyn ClientIo {
        self
    }
}

impl ClientIo for Box<dyn ClientIo> {
    fn abort(&mut self) {
        self.as_mut().abort();
    }

    fn transport(&mut self) -> &mut dyn ClientIo {
        self.as_mut().transport()
    }
}

impl<S: ClientIo> ClientIo for Prefixed<S> {
    fn abort(&mut self) {
        self.stream.abort();
    }

    fn transport(&mut self) -> &mut dyn ClientIo {
        self.stream.transport()
    }
}

impl<S: ClientIo> ClientIo for tokio_rustls::server::TlsStream<S> {
    fn abort(&mut self) {
        self.get_mut().0.abort();
    }

    fn transport(&mut self) -> &mut dyn ClientIo {
        self.get_mut().0.transport()
    }
}

/// Makes the close of `stream` a reset.
pub fn abort(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
}

/// Writes the last words to a peer and closes so that they arrive: a close with unread bytes in
/// the receive buffer is a reset, which can overtake them.
pub async fn last_words<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, words: &[u8]) {
    let farewell = async {
        stream.write_all(words).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        drain(stream).await
    };
    // The peer may be gone already; there is nobody left to tell.
    let _ = tokio::time::timeout(LINGER_TIME, farewell).await;
}

/// Closes so that what was written arrives, but without the orderly end of TLS.
pub async fn cut<S: ClientIo>(stream: &mut S) {
    // A client that reads slowly is still reading.
    let Ok(Ok(())) = tokio::time::timeout(CUT_TIME, stream.flush()).await else {
        return;
    };
    let end = async {
        stream.transport().shutdown().await?;
        drain(stream.transport()).await
    };
    let _ = tokio::time::timeout(LINGER_TIME, end).await;
}

/// Polls for the end of what carries `stream`, whose own end was read.
pub fn poll_end_below<S: ClientIo>(stream: &mut S, context: &mut Context<'_>) -> Poll<()> {
    let mut scratch = [0; 64];
    loop {
        let mut room = ReadBuf::new(&mut scratch);
        match Pin::new(stream.transport()).poll_read(context, &mut room) {
            // What comes behind TLS's end is nobody's.
            Poll::Ready(Ok(())) if !room.filled().is_empty() => {}
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// Reads on until the peer has closed too, within bounds.
async fn drain<S: AsyncRead + Unpin + ?Sized>(stream: &mut S) -> io::Result<()> {
    let mut scratch = [0; 4096];
    let mut read = 0;
    while read < LINGER_BYTES {
        match tokio::io::AsyncReadExt::read(stream, &mut scratch).await? {
            0 => break,
            count => read += count,
        }
    }
    Ok(())
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ClientStream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            ClientStream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            ClientStream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            ClientStream::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            ClientStream::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            ClientStream::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            ClientStream::Tcp(stream) => stream.is_write_vectored(),
            ClientStream::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ClientStream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            ClientStream::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ClientStream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            ClientStream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A stream with bytes that were read from it before.
#[derive(Debug)]
pub struct Prefixed<S> {
    prefix: bytes::BytesMut,
    stream: S,
}

impl<S> Prefixed<S> {
    /// `prefix` is read first.
    pub const fn new(prefix: bytes::BytesMut, stream: S) -> Prefixed<S> {
        Prefixed { prefix, stream }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.prefix.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let count = this.prefix.len().min(buffer.remaining());
        buffer.put_slice(&this.prefix.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
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
        slices: &[io::IoSlice<'_>],
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
