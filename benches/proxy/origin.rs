//! The origin behind every proxy: replays its half of the script, then does as it is told.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::scripted::{ORDER, Order, Script, answer};

/// Starts it on a free port, in a thread of its own.
pub fn start(script: Arc<Script>) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener: TcpListener = socket.listen(4096).unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let script = Arc::clone(&script);
                tokio::spawn(async move {
                    // A connection that was cut shows on the other side.
                    let _ = serve(stream, &script).await;
                });
            }
        });
    });
    told.recv().unwrap()
}

async fn serve(mut stream: TcpStream, script: &Script) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut hello = vec![0; script.hello.len()];
    stream.read_exact(&mut hello).await?;
    assert!(hello == script.hello, "the tunnel altered the hello");
    stream.write_all(&script.flight).await?;
    let mut finished = vec![0; script.finished.len()];
    stream.read_exact(&mut finished).await?;
    drop((hello, finished));
    let mut order = [0; ORDER];
    stream.read_exact(&mut order).await?;
    match Order::read(order) {
        Order::Answer => stream.write_all(&answer()).await?,
        Order::Swallow(count) => {
            let mut buffer = vec![0; 256 * 1024];
            let mut left = count;
            while left > 0 {
                match stream.read(&mut buffer).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => left -= read as u64,
                }
            }
            stream.write_all(&answer()).await?;
        }
        Order::Pour(count) => {
            let buffer = vec![0x5a; 256 * 1024];
            let mut left = count;
            while left > 0 {
                let piece = usize::try_from(left.min(buffer.len() as u64)).unwrap();
                stream.write_all(&buffer[..piece]).await?;
                left -= piece as u64;
            }
        }
    }
    // Until the client has enough.
    let mut rest = [0; 64];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
