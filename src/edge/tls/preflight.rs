//! Handshakes of our own: to look at an endpoint (`outgate check`), and to see the certificate
//! that TLS 1.3 hides from a tunnel (the preflight).

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use super::Verifier;
use crate::logic::wire::tls::{CertificateFault, Profile, judge_chain};
use crate::model::Host;

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

/// What was agreed, and the chain that was shown (leaf first, DER).
#[derive(Debug, Default, Clone)]
pub struct Peer {
    pub version: Option<u16>,
    pub suite: Option<u16>,
    pub group: Option<u16>,
    pub alpn: Option<String>,
    pub chain: Vec<Vec<u8>>,
}

/// Shakes hands with `address` as `name`, verifying the certificate against `profile`.
pub async fn handshake(verifier: &Arc<Verifier>, name: &Host, address: SocketAddr, profile: &'static Profile, limit: Duration) -> Seen {
    within(limit, connect(verifier, name, address, profile)).await
}

async fn within(limit: Duration, work: impl Future<Output = Seen>) -> Seen {
    match tokio::time::timeout(limit, work).await {
        Ok(seen) => seen,
        Err(_) => Seen::Inconclusive(format!("no answer within {} s", limit.as_secs_f64())),
    }
}

/// Sends the first packet of a connection; the stream becomes writable when it stands.
fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    TcpStream::from_std(socket.into())
}

async fn connect(verifier: &Arc<Verifier>, name: &Host, address: SocketAddr, profile: &'static Profile) -> Seen {
    let stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(error) => return Seen::Inconclusive(format!("cannot connect to {address}: {error}")),
    };
    converse(verifier, name, stream, profile).await
}

async fn converse(verifier: &Arc<Verifier>, name: &Host, stream: TcpStream, profile: &'static Profile) -> Seen {
    if let Err(error) = connected(&stream).await {
        return Seen::Inconclusive(format!("cannot connect: {error}"));
    }
    let _ = stream.set_nodelay(true);
    let server_name = match server_name(name) {
        Ok(server_name) => server_name,
        Err(why) => return Seen::Inconclusive(why),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let look = Arc::new(Look {
        verifier: Arc::clone(verifier),
        provider: Arc::clone(&provider),
        name: name.clone(),
        profile,
        seen: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = match config {
        // Not laxer than the default: the verifier judges the chain by the profile as well.
        Ok(config) => config.dangerous().with_custom_certificate_verifier(Arc::clone(&look) as _).with_no_client_auth(),
        Err(error) => return Seen::Inconclusive(error.to_string()),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    match TlsConnector::from(Arc::new(config)).connect(server_name, stream).await {
        Ok(tls) => {
            let (_, session) = tls.get_ref();
            let peer = Peer {
                version: session.protocol_version().map(u16::from),
                suite: session.negotiated_cipher_suite().map(|suite| u16::from(suite.suite())),
                group: session.negotiated_key_exchange_group().map(|group| u16::from(group.name())),
                alpn: session.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
                chain: look.take().1,
            };
            let mut tls = tls;
            // An orderly end; whether it arrives is of no account.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut tls).await;
            Seen::Verified(peer)
        }
        Err(error) => {
            let (fault, chain) = look.take();
            let peer = Peer { chain, ..Peer::default() };
            match fault {
                Some(fault) => Seen::Failed(fault, peer),
                None => Seen::Inconclusive(worded(&error)),
            }
        }
    }
}

async fn connected(stream: &TcpStream) -> io::Result<()> {
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(()), Err)
}

fn server_name(name: &Host) -> Result<ServerName<'static>, String> {
    match name {
        Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).map_err(|_| format!("{name} cannot stand in a certificate")),
        Host::V4(addr) => Ok(ServerName::from(std::net::IpAddr::from(*addr))),
        Host::V6(addr) => Ok(ServerName::from(std::net::IpAddr::from(*addr))),
    }
}

fn worded(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}

/// Judges the chain as a tunnel's would be, and remembers it.
struct Look {
    verifier: Arc<Verifier>,
    provider: Arc<CryptoProvider>,
    name: Host,
    profile: &'static Profile,
    seen: Mutex<(Option<CertificateFault>, Vec<Vec<u8>>)>,
}

impl Look {
    fn take(&self) -> (Option<CertificateFault>, Vec<Vec<u8>>) {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A signature over the handshake that does not fit the certificate: whoever showed it does
    /// not have its key.
    fn signed(&self, valid: Result<HandshakeSignatureValid, rustls::Error>) -> Result<HandshakeSignatureValid, rustls::Error> {
        if let Err(rustls::Error::InvalidCertificate(CertificateError::BadSignature)) = &valid {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(CertificateFault::BadSignature);
        }
        valid
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<&[u8]> = std::iter::once(leaf).chain(intermediates).map(AsRef::as_ref).collect();
        let judged = judge_chain(&chain, &self.name, self.profile, self.verifier.as_ref());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.1 = chain.iter().map(|certificate| certificate.to_vec()).collect();
        match judged {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(fault) => {
                let error = io::Error::other(fault.to_string());
                seen.0 = Some(fault);
                Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error)))))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signed(rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signed(rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Preflights under way and their results, by host, address and profile.
#[derive(Debug)]
pub struct Preflights {
    verifier: Arc<Verifier>,
    known: Mutex<HashMap<Key, Slot>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    host: Host,
    address: SocketAddr,
    profile: &'static str,
}

/// The result, or that it is still awaited.
type Slot = watch::Receiver<Option<(Instant, Arc<Seen>)>>;

/// A preflight that was asked for.
#[derive(Debug, Clone)]
pub struct Pending(Slot);

impl Preflights {
    /// None known yet.
    pub fn new(verifier: Arc<Verifier>) -> Preflights {
        Preflights { verifier, known: Mutex::default() }
    }

    /// Asks for `host` at `address`: answered from memory, by the one under way, or by a new one
    /// that has begun to connect when this returns to its runtime.
    pub fn ask(&self, host: &Host, address: SocketAddr, profile: &'static Profile, limit: Duration) -> Pending {
        let key = Key { host: host.clone(), address, profile: profile.name() };
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
        known.insert(key.clone(), slot.clone());
        let verifier = Arc::clone(&self.verifier);
        // Begun here and not in the task, so that a server that serves one after the other meets
        // the preflight before the tunnel that waits for it.
        let begun = begin(address);
        tokio::spawn(async move {
            let work = async {
                match begun {
                    Ok(stream) => converse(&verifier, &key.host, stream, profile).await,
                    Err(error) => Seen::Inconclusive(format!("cannot connect to {address}: {error}")),
                }
            };
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
            Ok(seen) => seen.as_ref().map_or_else(never, |(_, seen)| Arc::clone(seen)),
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
