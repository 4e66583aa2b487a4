//! Handshakes of our own: to look at an endpoint (`outgate check`), and to see the certificate
//! that TLS 1.3 hides from a tunnel (the preflight).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::failed::Failed;
use super::originate::{Originator, Peer};
use super::params::{Alpn, Offer};
use super::verify::Verifier;
use crate::logic::wire::tls::{CertificateFault, Profile};
use crate::model::{Authority, Host};

/// How long a good certificate is believed. A server that changes its certificate to a bad one is
/// noticed within this time.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// How long a failure is believed, so that a mended server works at once.
const BAD_FOR: Duration = Duration::from_secs(10);
/// How many endpoints are remembered.
const ENDPOINTS: usize = 4096;

/// What a handshake of ours came to.
#[derive(Debug)]
pub enum Seen {
    Verified(Peer),
    /// The certificate is bad; the handshake was ended for that.
    Failed(CertificateFault, Peer),
    /// No verdict: no common parameters, a client certificate demanded, no answer.
    Inconclusive(String),
}

/// Shakes hands with `address` as `name`, verifying the certificate against `profile`.
pub async fn handshake(
    originator: &Originator,
    name: &Host,
    address: SocketAddr,
    profile: &'static Profile,
    limit: Duration,
) -> Seen {
    within(limit, connect(originator, name, address, profile)).await
}

async fn within(limit: Duration, work: impl Future<Output = Seen>) -> Seen {
    match tokio::time::timeout(limit, work).await {
        Ok(seen) => seen,
        Err(_) => Seen::Inconclusive(format!("no answer within {} s", limit.as_secs_f64())),
    }
}

/// Sends the first packet of a connection; the stream becomes writable when it stands.
fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error)
            if error.kind() == io::ErrorKind::WouldBlock
                || error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    TcpStream::from_std(socket.into())
}

async fn connect(
    originator: &Originator,
    name: &Host,
    address: SocketAddr,
    profile: &'static Profile,
) -> Seen {
    let stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(error) => return cannot_connect(address, &error),
    };
    let _ = stream.set_nodelay(true);
    converse(originator, name, stream, profile).await
}

fn cannot_connect(address: SocketAddr, error: &io::Error) -> Seen {
    Seen::Inconclusive(format!("cannot connect to {address}: {error}"))
}

async fn converse<S>(
    originator: &Originator,
    name: &Host,
    stream: S,
    profile: &'static Profile,
) -> Seen
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Every suite and group that we speak: what is asked for is the certificate.
    let offer = Offer::Everything;
    match originator
        .originate(name, stream, profile, offer, &Alpn::ALL)
        .await
    {
        Ok((mut tls, peer)) => {
            // An orderly end; whether it arrives is of no account.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut tls).await;
            Seen::Verified(peer)
        }
        Err(Failed::Certificate(fault, peer)) => Seen::Failed(fault, peer),
        Err(failed) => Seen::Inconclusive(failed.to_string()),
    }
}

async fn connected(stream: &TcpStream) -> io::Result<()> {
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(()), Err)
}

/// Preflights under way and their results, by host, address and profile.
#[derive(Debug)]
pub struct Preflights {
    originator: Arc<Originator>,
    known: Mutex<HashMap<Key, Slot>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    host: Host,
    place: Place,
    profile: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Address(SocketAddr),
    /// A proxy, and what it is asked for.
    Through(Authority, Authority),
}

/// The result, or that it is still awaited.
type Slot = watch::Receiver<Option<(Instant, Arc<Seen>)>>;

/// A preflight that was asked for.
#[derive(Debug, Clone)]
pub struct Pending(Slot);

impl Preflights {
    /// None known yet.
    pub fn new(verifier: Arc<Verifier>) -> Preflights {
        Preflights {
            originator: Arc::new(Originator::without_resumption(verifier)),
            known: Mutex::default(),
        }
    }

    /// Asks for `host` at `address`: answered from memory, by the one under way, or by a new one
    /// that has begun to connect when this returns to its runtime.
    pub fn ask(
        &self,
        host: &Host,
        address: SocketAddr,
        profile: &'static Profile,
        limit: Duration,
    ) -> Pending {
        let key = Key {
            host: host.clone(),
            place: Place::Address(address),
            profile: profile.name(),
        };
        self.ask_at(key, limit, |originator, host| {
            // Begun here and not in the task, so that a server that serves one after the other
            // meets the preflight before the tunnel that waits for it.
            let begun = begin(address);
            async move {
                let stream = match begun {
                    Ok(stream) => stream,
                    Err(error) => return cannot_connect(address, &error),
                };
                if let Err(error) = connected(&stream).await {
                    return cannot_connect(address, &error);
                }
                let _ = stream.set_nodelay(true);
                converse(&originator, &host, stream, profile).await
            }
        })
    }

    /// As [`Preflights::ask`], by a stream that `connect` gives: of `proxy`, what is asked for.
    pub fn ask_through<S>(
        &self,
        host: &Host,
        (proxy, asked): (Authority, Authority),
        profile: &'static Profile,
        limit: Duration,
        connect: impl Future<Output = Result<S, String>> + Send + 'static,
    ) -> Pending
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let key = Key {
            host: host.clone(),
            place: Place::Through(proxy, asked),
            profile: profile.name(),
        };
        self.ask_at(key, limit, |originator, host| async move {
            match connect.await {
                Ok(stream) => converse(&originator, &host, stream, profile).await,
                Err(why) => Seen::Inconclusive(why),
            }
        })
    }

    fn ask_at<F>(
        &self,
        key: Key,
        limit: Duration,
        work: impl FnOnce(Arc<Originator>, Host) -> F,
    ) -> Pending
    where
        F: Future<Output = Seen> + Send + 'static,
    {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = known.get(&key).filter(|slot| is_fresh(slot)) {
            return Pending(slot.clone());
        }
        if known.len() >= ENDPOINTS {
            known.retain(|_, slot| is_fresh(slot));
            if known.len() >= ENDPOINTS {
                known.clear();
            }
        }
        let (tell, slot) = watch::channel(None);
        let host = key.host.clone();
        known.insert(key, slot.clone());
        let work = work(Arc::clone(&self.originator), host);
        tokio::spawn(async move {
            let seen = within(limit, work).await;
            tell.send_replace(Some((Instant::now(), Arc::new(seen))));
        });
        Pending(slot)
    }
}

impl Pending {
    /// The result, as soon as it is there.
    pub async fn wait(&mut self) -> Arc<Seen> {
        match self.0.wait_for(Option::is_some).await {
            Ok(seen) => seen
                .as_ref()
                .map_or_else(never, |(_, seen)| Arc::clone(seen)),
            Err(_) => never(),
        }
    }

    /// The result, if it is there.
    pub fn peek(&self) -> Option<Arc<Seen>> {
        self.0.borrow().as_ref().map(|(_, seen)| Arc::clone(seen))
    }
}

fn never() -> Arc<Seen> {
    Arc::new(Seen::Inconclusive("the preflight was given up".to_owned()))
}

fn is_fresh(slot: &Slot) -> bool {
    match slot.borrow().as_ref() {
        // Under way, unless its task is gone.
        None => slot.has_changed().is_ok(),
        Some((at, seen)) => {
            let holds = match seen.as_ref() {
                Seen::Verified(_) => GOOD_FOR,
                Seen::Failed(..) | Seen::Inconclusive(_) => BAD_FOR,
            };
            at.elapsed() < holds
        }
    }
}
