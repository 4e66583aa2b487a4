//! A server that speaks HTTP/1.1 and HTTP/2 over TLS, and does what the path says.
//!
//! `/` answers [`ANSWER`] bytes, `/close` does and closes, `/pour/N` sends N bytes, and a body is
//! swallowed.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authority::{Speech, Trust};

/// The length of a short answer's body.
pub const ANSWER: usize = 256;
const PIECE: usize = 256 * 1024;

/// Its ports, one for each speech.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    http1: SocketAddr,
    resumed: SocketAddr,
    http2: SocketAddr,
}

impl Origin {
    pub fn of(self, speech: Speech) -> SocketAddr {
        match speech {
            Speech::Http1 => self.http1,
            Speech::Resumed => self.resumed,
            Speech::Http2 => self.http2,
        }
    }

    /// Starts it, in a thread of its own.
    pub fn start(trust: &Trust) -> Origin {
        let (tell, told) = std::sync::mpsc::channel();
        let configs = Speech::ALL.map(|speech| trust.server(speech));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                for config in configs {
                    let socket = tokio::net::TcpSocket::new_v4().unwrap();
                    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
                    let listener = socket.listen(4096).unwrap();
                    tell.send(listener.local_addr().unwrap()).unwrap();
                    let acceptor = TlsAcceptor::from(config);
                    tokio::spawn(async move {
                        loop {
                            let (stream, _) = listener.accept().await.unwrap();
                            let acceptor = acceptor.clone();
                            tokio::spawn(async move {
                                // A connection that was cut shows on the other side.
                                let _ = serve(stream, &acceptor).await;
                            });
                        }
                    });
                }
                std::future::pending::<()>().await;
            });
        });
        Origin {
            http1: told.recv().unwrap(),
            resumed: told.recv().unwrap(),
            http2: told.recv().unwrap(),
        }
    }
}

async fn serve(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        http2(stream).await.map_err(io::Error::other)
    } else {
        http1(BufReader::with_capacity(64 * 1024, stream)).await
    }
}

async fn http1(mut stream: BufReader<TlsStream<TcpStream>>) -> io::Result<()> {
    let answer = |count: usize, end: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n{end}Content-Length: {count}\r\n\r\n")
            .into_bytes()
    };
    loop {
        let mut path = String::new();
        let mut body = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return stream.get_mut().shutdown().await;
            }
            let line = line.trim_end();
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                body = value.trim().parse().unwrap_or(0);
            }
        }
        while body > 0 {
            let count = stream.fill_buf().await?.len().min(body);
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            stream.consume(count);
            body -= count;
        }
        let pour = poured(&path);
        let end = if path == "/close" {
            "Connection: close\r\n"
        } else {
            ""
        };
        let mut head = answer(pour.unwrap_or(ANSWER), end);
        let Some(mut left) = pour else {
            head.resize(head.len() + ANSWER, b'x');
            stream.write_all(&head).await?;
            stream.flush().await?;
            if path == "/close" {
                stream.get_mut().shutdown().await?;
                let mut rest = [0; 64];
                while stream.read(&mut rest).await? > 0 {}
                return Ok(());
            }
            continue;
        };
        stream.write_all(&head).await?;
        let buffer = vec![b'x'; PIECE];
        while left > 0 {
            let count = left.min(PIECE);
            stream.write_all(&buffer[..count]).await?;
            left -= count;
        }
        stream.flush().await?;
    }
}

async fn http2(stream: TlsStream<TcpStream>) -> Result<(), h2::Error> {
    let mut builder = h2::server::Builder::new();
    builder
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 22)
        .max_frame_size(64 * 1024);
    let mut connection = builder.handshake(stream).await?;
    let short = Bytes::from(vec![b'x'; ANSWER]);
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        let (short, piece) = (short.clone(), piece.clone());
        tokio::spawn(async move {
            let pour = poured(request.uri().path());
            let mut body = request.into_body();
            while let Some(data) = body.data().await {
                let count = data?.len();
                body.flow_control().release_capacity(count)?;
            }
            let response = http::Response::builder()
                .header("content-type", "application/octet-stream")
                .header("content-length", pour.unwrap_or(ANSWER))
                .body(())
                .unwrap();
            let mut send = respond.send_response(response, false)?;
            let Some(mut left) = pour else {
                return send.send_data(short, true);
            };
            while left > 0 {
                send.reserve_capacity(left.min(piece.len()));
                match std::future::poll_fn(|cx| send.poll_capacity(cx)).await {
                    Some(Ok(count)) => {
                        let count = count.min(left).min(piece.len());
                        left -= count;
                        send.send_data(piece.slice(..count), left == 0)?;
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                }
            }
            Ok(())
        });
    }
    Ok(())
}

fn poured(path: &str) -> Option<usize> {
    path.strip_prefix("/pour/")?.parse().ok()
}
