//! The clients: CONNECT, TLS inside, requests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::origin::ANSWER;
use crate::load::{established, runtime};

const PATIENCE: Duration = Duration::from_secs(120);
const PIECE: usize = 256 * 1024;

/// A way to a host, and how to speak there.
#[derive(Clone)]
pub struct Way {
    pub address: SocketAddr,
    /// What CONNECT names; `None`: no proxy.
    pub connect: Option<String>,
    /// Whom the certificate must be for.
    pub name: String,
    pub tls: Arc<ClientConfig>,
}

impl Way {
    /// Opens a session.
    pub async fn open(&self) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        if let Some(authority) = &self.connect {
            let head = format!(
                "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: bench/1\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            established(&mut stream).await?;
        }
        let name = ServerName::try_from(self.name.clone()).unwrap();
        TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
    }

    fn host(&self) -> &str {
        self.connect.as_deref().unwrap_or(&self.name)
    }

    async fn head(
        &self,
        stream: &mut TlsStream<TcpStream>,
        method: &str,
        path: &str,
        body: u64,
    ) -> io::Result<()> {
        let length = match body {
            0 => String::new(),
            count => format!("Content-Length: {count}\r\n"),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: bench/1\r\nAccept: */*\r\n{length}\r\n",
            self.host()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.flush().await
    }

    async fn get(
        &self,
        stream: &mut TlsStream<TcpStream>,
        path: &str,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.head(stream, "GET", path, 0).await?;
        let count = answer(stream, buffer).await?;
        let mut left = count - buffer.len().min(count);
        let mut piece = Vec::new();
        if left > 0 {
            piece.resize(PIECE.min(left), 0);
        }
        while left > 0 {
            let room = piece.len().min(left);
            match stream.read(&mut piece[..room]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => left -= read,
            }
        }
        Ok(())
    }
}

/// Reads an answer's head; gives the body's length, and in `buffer` what came of it.
async fn answer(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.clear();
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let length = head.split("content-length:").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
            if !head.starts_with("http/1.1 200") {
                return Err(io::Error::other(
                    String::from_utf8_lossy(buffer).into_owned(),
                ));
            }
            buffer.drain(..end + 4);
            return length.ok_or_else(|| io::Error::other(head));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn closed(mut stream: TlsStream<TcpStream>) {
    let _ = stream.shutdown().await;
}

/// `count` connections with one request each, `together` at a time; how long each took.
pub fn connections(
    way: impl Fn(usize) -> Way,
    path: &'static str,
    count: usize,
    together: usize,
) -> Vec<Duration> {
    let ways: Vec<Way> = (0..count).map(way).collect();
    workers(ways, together, move |way| async move {
        let begun = Instant::now();
        let mut stream = way.open().await?;
        way.get(&mut stream, path, &mut Vec::new()).await?;
        let took = begun.elapsed();
        closed(stream).await;
        Ok(took)
    })
}

/// `count` bare handshakes; how long each took.
pub fn handshakes(way: &Way, count: usize) -> Vec<Duration> {
    workers(vec![way.clone(); count], 1, move |way| async move {
        let begun = Instant::now();
        let stream = way.open().await?;
        let took = begun.elapsed();
        closed(stream).await;
        Ok(took)
    })
}

fn workers<F>(
    ways: Vec<Way>,
    together: usize,
    one: impl Fn(Way) -> F + Clone + Send + 'static,
) -> Vec<Duration>
where
    F: Future<Output = io::Result<Duration>> + Send + 'static,
{
    runtime().block_on(async {
        let mut shares: Vec<Vec<Way>> = vec![Vec::new(); together];
        for (place, way) in ways.into_iter().enumerate() {
            shares[place % together].push(way);
        }
        let mut running = Vec::new();
        for share in shares {
            let one = one.clone();
            running.push(tokio::spawn(async move {
                let mut times = Vec::with_capacity(share.len());
                for way in share {
                    let done = tokio::time::timeout(PATIENCE, one(way));
                    times.push(done.await.expect("a connection hangs").unwrap());
                }
                times
            }));
        }
        let mut times = Vec::new();
        for worker in running {
            times.extend(worker.await.unwrap());
        }
        times
    })
}

/// Runs `work` while `open` connections are there that have done one exchange, so that what it
/// measures is the requests alone. `work` is given a way to make `count` more on each.
pub fn requests<T>(
    way: &Way,
    open: usize,
    count: usize,
    meter: impl FnOnce(&mut dyn FnMut()) -> T,
) -> T {
    let runtime = runtime();
    let mut held = runtime.block_on(async {
        let mut held = Vec::new();
        for _ in 0..open {
            let mut stream = way.open().await.unwrap();
            way.get(&mut stream, "/", &mut Vec::new()).await.unwrap();
            held.push(stream);
        }
        held
    });
    let mut work = || {
        let streams = std::mem::take(&mut held);
        held = runtime.block_on(async {
            let mut running = Vec::new();
            for mut stream in streams {
                let way = way.clone();
                running.push(tokio::spawn(async move {
                    let mut buffer = Vec::with_capacity(4096);
                    for _ in 0..count {
                        way.get(&mut stream, "/", &mut buffer).await.unwrap();
                    }
                    stream
                }));
            }
            let mut held = Vec::new();
            for one in running {
                held.push(one.await.unwrap());
            }
            held
        });
    };
    meter(&mut work)
}

/// As [`requests`], over HTTP/2: one connection, `open` streams at a time.
pub fn streams<T>(
    way: &Way,
    open: usize,
    count: usize,
    meter: impl FnOnce(&mut dyn FnMut()) -> T,
) -> T {
    let runtime = runtime();
    let sender = runtime.block_on(http2(way)).unwrap();
    let uri = format!("https://{}/", way.host());
    runtime.block_on(stream(sender.clone(), &uri)).unwrap();
    let mut work = || {
        runtime.block_on(async {
            let mut running = Vec::new();
            for _ in 0..open {
                let (sender, uri) = (sender.clone(), uri.clone());
                running.push(tokio::spawn(async move {
                    for _ in 0..count {
                        stream(sender.clone(), &uri).await.unwrap();
                    }
                }));
            }
            for one in running {
                one.await.unwrap();
            }
        });
    };
    meter(&mut work)
}

/// Whether HTTP/2 can be spoken.
pub fn speaks_http2(way: &Way) -> bool {
    runtime().block_on(async {
        let ask = async {
            let sender = http2(way).await?;
            stream(sender, &format!("https://{}/", way.host())).await
        };
        tokio::time::timeout(Duration::from_secs(20), ask)
            .await
            .is_ok_and(|asked| asked.is_ok())
    })
}

async fn http2(way: &Way) -> io::Result<h2::client::SendRequest<Bytes>> {
    let stream = way.open().await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(io::Error::other("HTTP/2 was not agreed"));
    }
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 22);
    let (sender, connection) = builder.handshake(stream).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn stream(sender: h2::client::SendRequest<Bytes>, uri: &str) -> io::Result<()> {
    let request = http::Request::get(uri)
        .header("user-agent", "bench/1")
        .header("accept", "*/*")
        .body(())
        .unwrap();
    let ask = async {
        let mut sender = sender.ready().await?;
        let (answer, _) = sender.send_request(request, true)?;
        let answer = answer.await?;
        let is_good = answer.status() == 200;
        let mut body = answer.into_body();
        let mut count = 0;
        while let Some(data) = body.data().await {
            let data = data?;
            count += data.len();
            body.flow_control().release_capacity(data.len())?;
        }
        Ok::<_, h2::Error>(is_good && count == ANSWER)
    };
    match ask.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(io::Error::other("another answer than the server's")),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Sends a body of `count` bytes.
pub fn upload(way: &Way, count: u64) -> io::Result<()> {
    runtime().block_on(async {
        let mut stream = way.open().await?;
        way.head(&mut stream, "PUT", "/", count).await?;
        let piece = vec![b'x'; PIECE];
        let mut left = count;
        while left > 0 {
            let room = usize::try_from(left.min(PIECE as u64)).unwrap();
            stream.write_all(&piece[..room]).await?;
            left -= room as u64;
        }
        stream.flush().await?;
        answer(&mut stream, &mut Vec::new()).await?;
        closed(stream).await;
        Ok(())
    })
}

/// Receives a body of `count` bytes.
pub fn download(way: &Way, count: u64) -> io::Result<()> {
    runtime().block_on(async {
        let mut stream = way.open().await?;
        way.get(&mut stream, &format!("/pour/{count}"), &mut Vec::new())
            .await?;
        closed(stream).await;
        Ok(())
    })
}

/// Opens `count` connections that have done one exchange, runs `look`, closes them.
pub fn while_idle<T>(way: &Way, count: usize, look: impl FnOnce() -> T) -> T {
    runtime().block_on(async {
        let mut held = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = way.open().await.unwrap();
            way.get(&mut stream, "/", &mut Vec::new()).await.unwrap();
            held.push(stream);
        }
        let seen = look();
        drop(held);
        seen
    })
}
