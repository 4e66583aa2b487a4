//! Connections to the upstream of a forwarded request.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::edge::dial::dial;
use crate::edge::http1::Conn;
use crate::edge::tls::{Alpn, Failed, Offer, Peer, Seen};
use crate::logic::policy::{Effective, Permit};
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

/// A connection that can take a request.
#[derive(Debug)]
pub(super) struct Idle {
    pub authority: Authority,
    pub upgraded: bool,
    pub address: SocketAddr,
    pub conn: Conn<BoxIo>,
    pub peer: Option<Peer>,
}

/// A connection to one of the permitted addresses, with TLS where the decision upgrades.
///
/// # Errors
/// The answer for the client; what belongs to the record is in `entry`.
pub(super) async fn connect(
    shared: &Shared,
    entry: &mut Entry,
    authority: &Authority,
    permit: &Permit,
    effective: &Effective,
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
    let upgraded = entry.decision().is_upgrade();
    let (stream, peer): (BoxIo, _) = if upgraded {
        let (stream, peer) = secure(shared, entry, authority, effective, stream).await?;
        (stream, Some(peer))
    } else {
        (Box::new(stream), None)
    };
    Ok(Idle {
        authority: authority.clone(),
        upgraded,
        address,
        conn: Conn::new(stream),
        peer,
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
    let handshake = shared.originator.originate(
        host,
        stream,
        profile(effective),
        Offer::Profile,
        &[Alpn::Http11],
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
        Ok(Err(failed)) => {
            let detail =
                format!("no TLS with {host}, to which the request was to be upgraded: {failed}");
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
