//! Dialling exactly the addresses that were permitted, several at once where there are several
//! (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::logic::policy::Permit;

/// How long one attempt has before the next address is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// TCP keep-alive on both sides.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Why no address could be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("cannot connect to {address}: {source}")]
    Connect {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("no connection to {first} within {} s", .limit.as_secs_f64())]
    TimedOut { first: SocketAddr, limit: Duration },
    #[error("there is no address to connect to")]
    NoAddress,
}

/// Connects to the first of the permitted addresses that answers.
///
/// # Errors
/// [`DialError`]: the first address's failure stands for all.
pub async fn dial(permit: &Permit, limit: Duration) -> Result<TcpStream, DialError> {
    dial_any(permit.addresses(), limit).await
}

async fn dial_any(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, DialError> {
    let [first, ..] = addresses else {
        return Err(DialError::NoAddress);
    };
    let connected = match addresses {
        [only] => tokio::time::timeout(limit, connect(*only)).await,
        several => tokio::time::timeout(limit, race(&interleave(several))).await,
    };
    let stream = connected.map_err(|_| DialError::TimedOut {
        first: *first,
        limit,
    })??;
    prepare(&stream);
    Ok(stream)
}

/// What every TCP connection of ours gets: no delay for small writes, and keep-alive. On Linux a
/// listening socket hands both on to what it accepts.
pub fn prepare<'s>(socket: impl Into<SockRef<'s>>) {
    let socket = socket.into();
    // Neither is needed for correctness; a socket that refuses them still works.
    let _ = socket.set_tcp_nodelay(true);
    let keep_alive = socket2::TcpKeepalive::new()
        .with_time(KEEP_ALIVE)
        .with_interval(KEEP_ALIVE);
    let _ = socket.set_tcp_keepalive(&keep_alive);
}

async fn connect(address: SocketAddr) -> Result<TcpStream, DialError> {
    TcpStream::connect(address)
        .await
        .map_err(|source| DialError::Connect { address, source })
}

async fn race(addresses: &[SocketAddr]) -> Result<TcpStream, DialError> {
    let mut attempts = JoinSet::new();
    let mut first_error = None;
    let mut waiting = addresses.iter();
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(connect(*address));
        }
        let more = waiting.len() > 0;
        let ended = if more {
            // Whichever comes first: an answer, or the time for the next attempt.
            match tokio::time::timeout(STAGGER, attempts.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => {
                first_error.get_or_insert(error);
            }
            Some(Err(_)) => {}
            None if more => {}
            None => return Err(first_error.unwrap_or(DialError::NoAddress)),
        }
    }
}

/// Alternates the families, beginning with the resolver's first choice (RFC 8305, section 4).
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = addresses
        .iter()
        .rev()
        .copied()
        .partition(|address| address.is_ipv6() == v6_first);
    let mut mixed = Vec::with_capacity(addresses.len());
    while !one.is_empty() || !other.is_empty() {
        mixed.extend(one.pop());
        mixed.extend(other.pop());
    }
    mixed
}

/// Whether the peer has neither sent anything nor closed, as far as the kernel knows now. The
/// runtime learns of it later.
pub fn is_silent(stream: &TcpStream) -> bool {
    let mut byte = [std::mem::MaybeUninit::uninit()];
    let peeked = SockRef::from(stream).peek(&mut byte);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_keep_their_order() {
        let parse = |list: &[&str]| {
            list.iter()
                .map(|text| text.parse().unwrap())
                .collect::<Vec<SocketAddr>>()
        };
        let mixed = interleave(&parse(&[
            "[::1]:1",
            "[::2]:1",
            "[::3]:1",
            "1.1.1.1:1",
            "2.2.2.2:1",
        ]));
        assert_eq!(
            mixed,
            parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"])
        );
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_live_one() {
        let live = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        let addresses = [dead, live.local_addr().unwrap()];
        let stream = dial_any(&addresses, Duration::from_secs(5)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live.local_addr().unwrap());
        let error = dial_any(&[dead], Duration::from_secs(5)).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot connect to {dead}: ")),
            "{error}"
        );
    }
}
