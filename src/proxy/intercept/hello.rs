//! The client's hello, read whole and judged as in a tunnel, and left for the handshake to read.

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use crate::edge::client::{ClientIo, Prefixed};
use crate::edge::tls::ReadAhead;
use crate::logic::wire::first_bytes::{FirstBytes, first_bytes};
use crate::logic::wire::tls::{
    CertificateFault, CertificateVerifier, ClientFacts, Judge, Question, Refusal, Side, Step,
    TlsFinding,
};
use crate::model::{DnsName, Host};

use super::super::drain::Drain;

/// One read. Most hellos fit.
const READ: usize = 4096;

/// A client's stream, whichever way it came.
pub(in crate::proxy) type BoxClient = Box<dyn ClientIo>;

impl<S: ClientIo> ClientIo for ReadAhead<S> {
    fn abort(&mut self) {
        self.get_mut().abort();
    }

    fn transport(&mut self) -> &mut dyn ClientIo {
        self.get_mut().transport()
    }
}

/// What the client began with.
pub(super) enum Begun {
    Hello(Box<Hello>),
    /// No hello that could be answered with TLS.
    Unreadable(Refusal, BoxClient, Vec<u8>),
    /// The client is gone, or the proxy stops.
    Gone(String),
}

/// A hello that was read whole.
pub(super) struct Hello {
    pub(super) stream: BoxClient,
    /// All that was read.
    pub(super) bytes: Vec<u8>,
    pub(super) facts: ClientFacts,
    /// CONNECT named an address, the hello names this.
    pub(super) name: Option<DnsName>,
    /// What the judge refuses of it.
    pub(super) refusal: Option<Refusal>,
    pub(super) findings: Vec<TlsFinding>,
}

impl Hello {
    /// The stream with all that was read from it.
    pub(super) fn into_stream(self) -> Prefixed<BoxClient> {
        Prefixed::new(BytesMut::from(self.bytes.as_slice()), self.stream)
    }
}

/// Reads until the hello is judged.
pub(super) async fn read(
    mut stream: BoxClient,
    early: Vec<u8>,
    question: Question,
    deadline: Instant,
    drain: &mut Drain,
) -> Begun {
    let mut judge = Judge::new(question, Box::new(NoServer));
    let mut bytes = early;
    let mut step = judge.feed(Side::Client, &bytes);
    let mut name = None;
    loop {
        let refusal = match step {
            Step::Hold => {
                let start = bytes.len();
                bytes.reserve(READ);
                let read = tokio::select! {
                    read = tokio::time::timeout_at(deadline, stream.read_buf(&mut bytes)) => read,
                    () = drain.forced() => return Begun::Gone("outgate stopped during the handshake".to_owned()),
                };
                step = match read {
                    Ok(Ok(0)) => judge.eof(Side::Client),
                    Ok(Ok(_)) => judge.feed(Side::Client, bytes.get(start..).unwrap_or_default()),
                    Ok(Err(error)) => {
                        return Begun::Gone(format!("the client's connection failed: {error}"));
                    }
                    Err(_) => Step::Refuse(judge.timeout()),
                };
                continue;
            }
            Step::Name(asked) => {
                name = Some(asked);
                step = judge.name_judged(true);
                continue;
            }
            Step::Close(close) => return Begun::Gone(close.why),
            Step::Forward { .. } | Step::Pass => None,
            Step::Refuse(refusal) => Some(refusal),
        };
        let facts = judge.facts();
        return match (&facts.client, refusal) {
            (Some(client), refusal) => Begun::Hello(Box::new(Hello {
                facts: client.clone(),
                findings: facts.findings.clone(),
                stream,
                bytes,
                name,
                refusal,
            })),
            (None, Some(refusal)) => Begun::Unreadable(refusal, stream, bytes),
            // In report mode bytes that are no hello pass the judge; nobody can end their TLS.
            (None, None) => Begun::Unreadable(no_hello(), stream, bytes),
        };
    }
}

fn no_hello() -> Refusal {
    Refusal {
        rule: crate::model::Rule::NotTls,
        kind: "client-not-tls",
        alert: None,
        to_client: None,
        hint: "The client did not begin with TLS, and this host's TLS is ended here. List the host in intercept.except \
               if that is its protocol."
            .to_owned(),
    }
}

/// Whether the client speaks plain HTTP where its hello was awaited: then it can read an answer.
pub(super) fn speaks_http(bytes: &[u8]) -> bool {
    matches!(first_bytes(bytes), FirstBytes::Http1)
}

/// The judge is shown no server here.
struct NoServer;

impl CertificateVerifier for NoServer {
    fn verify_chain(&self, _: &[&[u8]], _: &Host) -> Result<(), CertificateFault> {
        Err(CertificateFault::UntrustedIssuer)
    }

    fn verify_signature(
        &self,
        _: &[u8],
        _: u16,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), CertificateFault> {
        Err(CertificateFault::BadSignature)
    }
}
