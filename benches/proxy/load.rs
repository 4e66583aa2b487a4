//! The clients: open tunnels, replay their half of the script, count what comes back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scripted::{ANSWER, Order, Script};

/// How long one tunnel may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to the origin.
#[derive(Debug, Clone)]
pub struct Way {
    pub address: SocketAddr,
    /// What CONNECT names; `None`: no proxy.
    pub connect: Option<String>,
}

/// Opens a tunnel, shakes hands and gives the order.
pub async fn open(way: &Way, script: &Script, order: Order) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(way.address).await?;
    stream.set_nodelay(true)?;
    if let Some(authority) = &way.connect {
        let head = format!(
            "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: bench/1\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        established(&mut stream).await?;
    }
    stream.write_all(&script.hello).await?;
    let mut flight = vec![0; script.flight.len()];
    stream.read_exact(&mut flight).await?;
    if flight != script.flight {
        return Err(io::Error::other("the tunnel altered the server's flight"));
    }
    let mut last = Vec::with_capacity(script.finished.len() + 64);
    last.extend_from_slice(&script.finished);
    last.extend_from_slice(&order.record());
    stream.write_all(&last).await?;
    Ok(stream)
}

pub async fn established(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if !head.starts_with(b"HTTP/1.1 200 ") && !head.starts_with(b"HTTP/1.0 200 ") {
        return Err(io::Error::other(
            String::from_utf8_lossy(&head).into_owned(),
        ));
    }
    Ok(())
}

/// One tunnel from connect to close; gives how long it took until the answer was there.
async fn short(way: &Way, script: &Script) -> io::Result<Duration> {
    let started = Instant::now();
    let mut stream = open(way, script, Order::Answer).await?;
    let mut answer = [0; ANSWER];
    stream.read_exact(&mut answer).await?;
    Ok(started.elapsed())
}

/// `count` short tunnels, `together` at a time; gives how long each took.
pub fn many(way: &Way, script: &Arc<Script>, count: usize, together: usize) -> Vec<Duration> {
    runtime().block_on(async {
        let mut workers = Vec::new();
        for worker in 0..together {
            let (way, script) = (way.clone(), Arc::clone(script));
            let mine = count / together + usize::from(worker < count % together);
            workers.push(tokio::spawn(async move {
                let mut times = Vec::with_capacity(mine);
                for _ in 0..mine {
                    let tunnel = tokio::time::timeout(PATIENCE, short(&way, &script));
                    times.push(tunnel.await.expect("a tunnel hangs").unwrap());
                }
                times
            }));
        }
        let mut times = Vec::with_capacity(count);
        for worker in workers {
            times.extend(worker.await.unwrap());
        }
        times
    })
}

/// Sends `count` bytes through one tunnel.
pub fn upload(way: &Way, script: &Script, count: u64) {
    runtime().block_on(async {
        let mut stream = open(way, script, Order::Swallow(count)).await.unwrap();
        let buffer = vec![0x5a; 256 * 1024];
        let mut left = count;
        while left > 0 {
            let piece = usize::try_from(left.min(buffer.len() as u64)).unwrap();
            stream.write_all(&buffer[..piece]).await.unwrap();
            left -= piece as u64;
        }
        let mut answer = [0; ANSWER];
        stream.read_exact(&mut answer).await.unwrap();
    });
}

/// Receives `count` bytes through one tunnel.
pub fn download(way: &Way, script: &Script, count: u64) {
    runtime().block_on(async {
        let mut stream = open(way, script, Order::Pour(count)).await.unwrap();
        let mut buffer = vec![0; 256 * 1024];
        let mut left = count;
        while left > 0 {
            match stream.read(&mut buffer).await.unwrap() {
                0 => panic!("the tunnel ended {left} bytes early"),
                read => left -= read as u64,
            }
        }
    });
}

/// Opens `count` tunnels that have done their first exchange, runs `look`, closes them.
pub fn while_idle<T>(way: &Way, script: &Script, count: usize, look: impl FnOnce() -> T) -> T {
    runtime().block_on(async {
        let mut held = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = open(way, script, Order::Answer).await.unwrap();
            let mut answer = [0; ANSWER];
            stream.read_exact(&mut answer).await.unwrap();
            held.push(stream);
        }
        let seen = look();
        drop(held);
        seen
    })
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
