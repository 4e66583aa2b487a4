//! Connections to the upstream of a forwarded request.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::edge::dial::dial;
use crate::edge::http1::Conn;
use crate::edge::tls::{Failed, Offer, Peer, Seen, originate};
use crate::logic::policy::{Effective, Permit};
use crate::logic::record::UpstreamTls;
use crate::logic::wire::tls::Facts;
use crate::model::{Authority, Rule};

use super::answer::Answer;
use super::entry::Entry;
use super::facts;
use super::state::{Shared, profile};

/// A TCP connection, or TLS over one.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Io for T {}

pub(super) type BoxIo = Box<dyn Io>;

/// Whether TLS is ours towards the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    Plain,
    Tls,
}

/// A connection that can take a request.
#[derive(Debug)]
pub(super) struct Idle {
    pub authority: Authority,
    pub leg: Leg,
    pub address: SocketAddr,
    pub conn: Conn<BoxIo>,
    /// What was agreed, where the connection is TLS.
    pub tls: Option<Arc<UpstreamTls>>,
}

/// A connection to one of the permitted addresses.
///
/// # Errors
/// The answer for the client; what belongs to the record is in `entry`.
pub(super) async fn connect(
    shared: &Shared,
    entry: &mut Entry,
    authority: &Authority,
    permit: &Permit,
    effective: &Effective,
    leg: Leg,
) -> Result<Idle, Answer> {
    let stream = dial(permit, shared.timeouts.connect)
        .await
        .map_err(|error| {
            let (status, word) = facts::dial_failure(&error);
            Answer::upstream(status, word, error.to_string())
        })?;
    let address = stream.peer_addr().map_err(|error| {
        Answer::upstream(
            502,
            "connection_terminated",
            format!("the upstream is gone: {error}"),
        )
    })?;
    let (stream, peer): (BoxIo, _) = match leg {
        Leg::Tls => {
            let (stream, peer) = secure(shared, entry, authority, effective, stream).await?;
            (stream, Some(peer))
        }
        Leg::Plain => (Box::new(stream), None),
    };
    Ok(Idle {
        authority: authority.clone(),
        leg,
        address,
        conn: Conn::new(stream),
        tls: peer.as_ref().map(facts::originated),
    })
}

async fn secure(
    shared: &Shared,
    entry: &mut Entry,
    authority: &Authority,
    effective: &Effective,
    stream: TcpStream,
) -> Result<(BoxIo, Peer), Answer> {
    let limit = shared.timeouts.handshake;
    let host = &authority.host;
    let handshake = originate(
        &shared.verifier,
        host,
        stream,
        profile(effective),
        Offer::Profile,
        &[b"http/1.1"],
    );
    match tokio::time::timeout(limit, handshake).await {
        Ok(Ok((tls, peer))) => Ok((Box::new(tls), peer)),
        Ok(Err(Failed::Certificate(fault, peer))) => {
            let refusal = facts::bad_certificate(fault);
            entry.set_tls(facts::tls(
                &Facts::default(),
                Some(&Seen::Failed(fault, peer)),
            ));
            entry.add_findings(facts::upgrade_failed(&refusal));
            Err(Answer::by_rule(Rule::InvalidCertificate, 502, refusal.hint))
        }
        Ok(Err(Failed::Other(why))) => {
            let detail = format!("no TLS with {host}: {why}");
            Err(Answer::upstream(502, "tls_protocol_error", detail))
        }
        Err(_) => {
            let detail = format!(
                "no TLS handshake with {host} within {} s",
                limit.as_secs_f64()
            );
            Err(Answer::upstream(504, "connection_timeout", detail))
        }
    }
}
