//! TLS of our own towards an upstream, verified against the roots and the profile.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use tokio::io::{AsyncBufRead as _, AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failed::Failed;
use super::judged::Judged;
use super::params::{Agreed, Alpn, Offer, provider, versions};
use super::readahead::ReadAhead;
use super::sessions::Sessions;
use super::verify::{Verifier, server_name};
use crate::logic::wire::tls::Profile;
use crate::model::Host;

/// An upstream's stream, decrypted.
pub type UpstreamTls<S> = TlsStream<ReadAhead<S>>;

/// What was agreed, and the chain that was shown (leaf first, DER).
#[derive(Debug, Default, Clone)]
pub struct Peer {
    pub version: Option<u16>,
    pub suite: Option<u16>,
    pub group: Option<u16>,
    pub alpn: Option<Alpn>,
    pub chain: Vec<Vec<u8>>,
    /// The server asked for a client certificate, which it was not given.
    pub client_auth: bool,
    /// An earlier session goes on: `chain` is what was shown then.
    pub resumed: bool,
    /// How long the handshake took.
    pub took: Duration,
}

/// Makes sessions with upstreams.
///
/// What it keeps (settings, sessions) is kept apart by profile, offer and protocols, and goes with
/// it, so that other roots mean another originator.
#[derive(Debug)]
pub struct Originator {
    verifier: Arc<Verifier>,
    resumes: Resumes,
    configs: Mutex<HashMap<Key, Arc<ClientConfig>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resumes {
    Yes,
    No,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    profile: &'static str,
    offer: Offer,
    alpn: BTreeSet<Alpn>,
}

impl Originator {
    /// One that goes on with earlier sessions where the server agrees.
    pub fn new(verifier: Arc<Verifier>) -> Originator {
        Originator {
            verifier,
            resumes: Resumes::Yes,
            configs: Mutex::default(),
        }
    }

    /// One that sees the certificate each time: for whoever wants to know about the certificate.
    pub fn without_resumption(verifier: Arc<Verifier>) -> Originator {
        Originator {
            resumes: Resumes::No,
            ..Originator::new(verifier)
        }
    }

    /// Shakes hands over `stream` as a client of `name`. Of `alpn` the server chooses; none: no
    /// protocol is offered.
    ///
    /// # Errors
    /// [`Failed`] tells a bad certificate, and a client certificate that is missing, from all else.
    pub async fn originate<S>(
        &self,
        name: &Host,
        stream: S,
        profile: &'static Profile,
        offer: Offer,
        alpn: &[Alpn],
    ) -> Result<(UpstreamTls<S>, Peer), Failed>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let begun = Instant::now();
        let server_name =
            server_name(name).map_err(|fault| Failed::Certificate(fault, Peer::default()))?;
        let config = self.config(profile, offer, alpn)?;
        let (connected, client_auth) = ASKED
            .scope(Cell::new(false), async {
                let connected = TlsConnector::from(config)
                    .connect(server_name, ReadAhead::new(stream))
                    .await;
                (connected, ASKED.with(Cell::get))
            })
            .await;
        let tls = connected.map_err(|error| Failed::of(&error, client_auth))?;
        let session = tls.get_ref().1;
        let agreed = Agreed::of(session);
        let chain = session.peer_certificates().unwrap_or_default();
        let peer = Peer {
            version: agreed.version,
            suite: agreed.suite,
            group: agreed.group,
            alpn: agreed.alpn,
            chain: chain.iter().map(|der| der.to_vec()).collect(),
            client_auth,
            resumed: agreed.resumed,
            took: begun.elapsed(),
        };
        Ok((tls, peer))
    }

    fn config(
        &self,
        profile: &'static Profile,
        offer: Offer,
        alpn: &[Alpn],
    ) -> Result<Arc<ClientConfig>, Failed> {
        let key = Key {
            profile: profile.name(),
            offer,
            alpn: alpn.iter().copied().collect(),
        };
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build(profile, &key)?);
        configs.insert(key, Arc::clone(&config));
        Ok(config)
    }

    fn build(&self, profile: &'static Profile, key: &Key) -> Result<ClientConfig, Failed> {
        let provider = Arc::new(provider(profile, key.offer));
        let sessions = Arc::new(Sessions::default());
        let judged = Judged::new(
            Arc::clone(&self.verifier),
            &provider,
            profile,
            Arc::clone(&sessions),
        );
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(profile, key.offer))
            .map_err(|error| Failed::Other(error.to_string()))?
            // Not laxer than the default: the verifier judges the chain by the profile as well.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(judged))
            .with_client_cert_resolver(Arc::new(NoCertificate));
        config.alpn_protocols = Alpn::list(key.alpn.iter().copied());
        config.resumption = match self.resumes {
            Resumes::Yes => Resumption::store(sessions),
            Resumes::No => Resumption::disabled(),
        };
        Ok(config)
    }
}

tokio::task_local! {
    /// Whether the handshake under way was asked for a client certificate. The settings are
    /// shared by many handshakes, and rustls asks from within the poll of one.
    static ASKED: Cell<bool>;
}

/// Has no client certificate, and notes that one was asked for.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Outside a handshake of ours there is nobody to tell.
        let _ = ASKED.try_with(|asked| asked.set(true));
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

impl Peer {
    /// How long to wait for the word of a server that asked for a client certificate: what a
    /// round trip takes, with the server's work, and no longer than anybody would notice.
    pub fn patience(&self) -> Duration {
        (self.took * 2).clamp(Duration::from_millis(30), Duration::from_millis(300))
    }
}

/// Waits for the word of a server that asked for a client certificate ([`Peer::client_auth`]): in
/// TLS 1.3 the handshake is complete for us before the server has seen that there is none. Returns
/// when the server has gone on (session tickets, first data), when it refused, or after `limit`.
/// No byte that it sent is lost.
///
/// # Errors
/// [`Failed::ClientCertificate`]; whatever else went wrong shows at the next read again.
pub async fn await_rejection<S>(tls: &mut UpstreamTls<S>, limit: Duration) -> Result<(), Failed>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if tls.get_ref().1.protocol_version() != Some(rustls::ProtocolVersion::TLSv1_3) {
        // In TLS 1.2 the server had its say before the handshake was complete.
        return Ok(());
    }
    let word = std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut *tls)
            .poll_fill_buf(context)
            .map_ok(|bytes| bytes.is_empty());
        // Tickets come after the server's last check, and are no data.
        if polled.is_pending() && tls.get_ref().1.tls13_tickets_received() > 0 {
            return std::task::Poll::Ready(Ok(false));
        }
        polled
    });
    match tokio::time::timeout(limit, word).await {
        Ok(Ok(true)) => Err(Failed::ClientCertificate { alert: None }),
        Ok(Err(error)) => match Failed::of(&error, true) {
            rejected @ Failed::ClientCertificate { .. } => Err(rejected),
            _ => Ok(()),
        },
        Ok(Ok(false)) | Err(_) => Ok(()),
    }
}

/// The alert of a server that does not go on without a client certificate, in the error of a later
/// read of a session in which one was asked for.
pub fn wants_certificate(error: &io::Error) -> bool {
    matches!(
        Failed::of(error, true),
        Failed::ClientCertificate { alert: Some(_) }
    )
}
