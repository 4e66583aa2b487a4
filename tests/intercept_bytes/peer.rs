//! One end of a connection: TLS over a plain socket, with every way to end it.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::support::PATIENCE;

/// A TLS session whose bytes are all logged.
pub struct Peer {
    session: rustls::Connection,
    socket: TcpStream,
    /// All plaintext read so far.
    pub log: Vec<u8>,
}

/// How a peer's stream came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// With a `close_notify`: nothing was cut off.
    Closed,
    /// The connection ended without one.
    Cut,
    /// By a reset.
    Reset,
}

/// How a peer ends its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// `close_notify` alone: it goes on reading.
    HalfClose,
    /// `close_notify`, then the end of the connection.
    Close,
    /// The end of the connection without `close_notify`.
    Cut,
    /// A reset.
    Reset,
}

impl Peer {
    /// Shakes hands.
    pub fn new(mut session: rustls::Connection, mut socket: TcpStream) -> Result<Peer, String> {
        session.set_buffer_limit(None);
        let patience = Some(PATIENCE);
        socket.set_read_timeout(patience).unwrap();
        socket.set_write_timeout(patience).unwrap();
        socket.set_nodelay(true).unwrap();
        while session.is_handshaking() {
            session
                .complete_io(&mut socket)
                .map_err(|error| format!("handshake: {error}"))?;
        }
        flush(&mut session, &mut socket).map_err(|error| format!("handshake: {error}"))?;
        Ok(Peer {
            session,
            socket,
            log: Vec::new(),
        })
    }

    pub const fn session(&self) -> &rustls::Connection {
        &self.session
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.session.writer().write_all(bytes)?;
        flush(&mut self.session, &mut self.socket)
    }

    /// Reads at most `max` bytes; none at the end of the stream.
    pub fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; max];
        loop {
            match self.session.reader().read(&mut bytes) {
                Ok(count) => {
                    bytes.truncate(count);
                    self.log.extend_from_slice(&bytes);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if let Err(error) = self.session.read_tls(&mut self.socket) {
                return Err(match error.kind() {
                    io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
                    _ => error,
                });
            }
            let processed = self.session.process_new_packets();
            let _ = flush(&mut self.session, &mut self.socket);
            processed.map_err(io::Error::other)?;
        }
    }

    /// Reads exactly `wanted`; else says what came instead.
    pub fn see(&mut self, wanted: &[u8]) -> Result<(), String> {
        let mut at = 0;
        while let Some(rest) = wanted.get(at..).filter(|rest| !rest.is_empty()) {
            let got = match self.read(rest.len().min(64 * 1024)) {
                Ok(got) if got.is_empty() => return Err(self.instead(wanted, at, "then its end")),
                Ok(got) => got,
                Err(error) => return Err(self.instead(wanted, at, &format!("then {error}"))),
            };
            if !rest.starts_with(&got) {
                return Err(self.instead(wanted, at + got.len(), "which is not it"));
            }
            at += got.len();
        }
        Ok(())
    }

    fn instead(&self, wanted: &[u8], got: usize, then: &str) -> String {
        let got = self.log.get(self.log.len() - got..).unwrap_or_default();
        format!(
            "waited for {}\n      got        {}\n      {then}",
            shown(wanted),
            shown(got)
        )
    }

    /// Waits for the end of the stream; bytes before it are a fault.
    pub fn see_end(&mut self) -> Result<Seen, String> {
        match self.read(4096) {
            Ok(got) if got.is_empty() => Ok(Seen::Closed),
            Ok(got) => Err(format!("waited for the end, got {}", shown(&got))),
            Err(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => Ok(Seen::Cut),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ok(Seen::Reset),
                _ => Err(format!("waited for the end, got {error}")),
            },
        }
    }

    pub fn leave(&mut self, how: Leave) -> io::Result<()> {
        match how {
            Leave::HalfClose | Leave::Close => {
                self.session.send_close_notify();
                flush(&mut self.session, &mut self.socket)?;
                if how == Leave::Close {
                    self.socket.shutdown(Shutdown::Write)?;
                }
                Ok(())
            }
            Leave::Cut => self.socket.shutdown(Shutdown::Write),
            Leave::Reset => {
                let socket = socket2::SockRef::from(&self.socket);
                socket.set_linger(Some(Duration::ZERO))?;
                // The descriptor goes; the reset is sent.
                let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
                self.socket = TcpStream::connect(listener.local_addr()?)?;
                Ok(())
            }
        }
    }

    /// Writes `piece` again and again until nothing is taken for a while; how many bytes were.
    pub fn fill(&mut self, piece: &[u8], most: usize) -> io::Result<usize> {
        self.socket
            .set_write_timeout(Some(Duration::from_millis(500)))?;
        let mut sent = 0;
        while sent < most {
            match self.send(piece) {
                Ok(()) => sent += piece.len(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.socket.set_write_timeout(Some(PATIENCE))?;
        Ok(sent)
    }
}

impl io::Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = Peer::read(self, buffer.len())?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

fn flush(session: &mut rustls::Connection, socket: &mut TcpStream) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(socket)?;
    }
    Ok(())
}

/// Bytes as a literal shows them, cut where they are many.
pub fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 1500;
    let text = bytes.get(..MOST).unwrap_or(bytes).escape_ascii();
    match bytes.len() {
        length if length > MOST => format!("\"{text}\"... ({length} bytes)"),
        _ => format!("\"{text}\""),
    }
}
