//! Connections to the upstream of a request, where HTTP is visible.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::edge::dial::is_silent;
use crate::edge::http1::Conn;
use crate::edge::parent::{self, Outbound};
use crate::edge::tls::{self, Alpn, Failed, Offer, Peer, Seen, await_rejection};
use crate::logic::policy::{Effective, Permit, ProfileName};
use crate::logic::record::UpstreamTls;
use crate::logic::wire::tls::Facts;
use crate::model::{Action, Authority, Mode, Rule};

use super::answer::Answer;
use super::entry::Entry;
use super::facts;
use super::reach::Parent;
use super::state::{Shared, profile};

/// A connection of whatever kind.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {
    /// The TCP connection at the bottom.
    fn tcp(&self) -> &TcpStream;
}

impl Io for Outbound {
    fn tcp(&self) -> &TcpStream {
        Outbound::tcp(self)
    }
}

impl Io for parent::Leg {
    fn tcp(&self) -> &TcpStream {
        parent::Leg::tcp(self)
    }
}

impl<S: Io> Io for tls::UpstreamTls<S> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.get_ref().tcp()
    }
}

pub(super) type BoxIo = Box<dyn Io>;

/// Whether TLS is ours towards the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    Plain,
    Tls(Offers),
}

/// The protocols that are offered inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Offers {
    Http11,
    H2,
    Both,
    /// None is named, as the client named none.
    Unnamed,
}

impl Offers {
    /// Those of the client's that are HTTP; `None` where it names others only.
    pub(super) fn of(alpn: &[String]) -> Option<Offers> {
        let has = |alpn: &[String], name: Alpn| alpn.iter().any(|offer| offer == name.name());
        match (has(alpn, Alpn::H2), has(alpn, Alpn::Http11)) {
            (true, true) => Some(Offers::Both),
            (true, false) => Some(Offers::H2),
            (false, true) => Some(Offers::Http11),
            (false, false) => alpn.is_empty().then_some(Offers::Unnamed),
        }
    }

    const fn list(self) -> &'static [Alpn] {
        match self {
            Offers::Both => &[Alpn::H2, Alpn::Http11],
            Offers::H2 => &[Alpn::H2],
            Offers::Http11 => &[Alpn::Http11],
            Offers::Unnamed => &[],
        }
    }

    /// What an answer of outgate's own is given in.
    pub(super) const fn for_answer(self) -> Option<Alpn> {
        match self {
            Offers::Both | Offers::Http11 => Some(Alpn::Http11),
            Offers::H2 => Some(Alpn::H2),
            Offers::Unnamed => None,
        }
    }
}

/// What a connection's TLS is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldTo {
    profile: ProfileName,
    pub(super) offer: Offer,
}

impl HeldTo {
    /// Where weak TLS is only reported, it has to be possible.
    pub(super) fn of(effective: &Effective) -> HeldTo {
        let refuses = effective.mode == Mode::Enforce
            && effective.actions.get(Rule::WeakTls) == Action::Block;
        HeldTo {
            profile: effective.profile,
            offer: if refuses {
                Offer::Profile
            } else {
                Offer::Everything
            },
        }
    }
}

/// A connection that can take a request.
#[derive(Debug)]
pub(super) struct Idle {
    pub authority: Authority,
    pub leg: Leg,
    /// What its TLS was held to: rules may have become stricter since.
    pub held_to: HeldTo,
    pub hop: Hop,
    pub conn: Conn<BoxIo>,
    /// What was agreed, where the connection is TLS.
    pub tls: Option<Arc<UpstreamTls>>,
    pub alpn: Option<Alpn>,
    /// It carried credentials that belong to the connection (NTLM, Negotiate): no other client's
    /// requests may follow.
    pub personal: bool,
    /// It has carried a request before, so that the server may be about to close it.
    pub used: bool,
    /// A request was answered on it.
    pub answered: bool,
}

impl Idle {
    /// Whether the server has neither closed it nor sent what nobody asked for, as far as the
    /// kernel knows at this moment. Before the first answer session tickets may be under way.
    pub(super) fn is_quiet(&mut self) -> bool {
        (!self.answered || is_silent(self.conn.stream().tcp())) && self.conn.is_quiet()
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hop {
    /// The destination, at this address.
    Address(SocketAddr),
    /// The destination, behind this parent proxy's tunnel to this place.
    Tunnel { asked: Authority, proxy: Authority },
    /// The parent proxy itself, which reads absolute form.
    Parent(Authority),
}

impl Hop {
    /// Whether `permit` allows it still.
    pub(super) fn is_allowed(&self, permit: &Permit) -> bool {
        let by_name = permit.through_parent();
        match self {
            Hop::Address(address) => permit.allows(*address),
            Hop::Tunnel { asked, proxy } => {
                by_name.is_some_and(|by_name| by_name.asked == *asked && by_name.proxy == *proxy)
            }
            Hop::Parent(proxy) => by_name.is_some_and(|by_name| by_name.proxy == *proxy),
        }
    }

    /// Puts the address on record, if it was dialled by us.
    pub(super) fn note(&self, entry: &mut Entry) {
        if let Hop::Address(address) = self {
            entry.set_addr(address.to_string());
        }
    }
}

/// Whether a request for `authority` goes to the parent proxy in absolute form. What is upgraded,
/// or led elsewhere (`connect_to`), goes by CONNECT, as curl does it.
pub(super) fn is_for_parent(permit: &Permit, authority: &Authority, leg: Leg) -> bool {
    leg == Leg::Plain
        && permit
            .through_parent()
            .is_some_and(|by_name| by_name.asked == *authority)
}

/// No connection.
#[derive(Debug)]
pub(super) struct NoUpstream {
    pub answer: Answer,
    /// What makes an interception impossible, and a tunnel would do.
    pub wants_certificate: bool,
}

impl From<Answer> for NoUpstream {
    fn from(answer: Answer) -> NoUpstream {
        NoUpstream {
            answer,
            wants_certificate: false,
        }
    }
}

/// A connection to what is permitted.
///
/// # Errors
/// The answer for the client; what belongs to the record is in `entry`.
pub(super) async fn connect(
    shared: &Shared,
    parent: Option<&Parent>,
    entry: &mut Entry,
    authority: &Authority,
    permit: &Permit,
    effective: &Effective,
    leg: Leg,
) -> Result<Idle, NoUpstream> {
    if let Some(by_name) = permit.through_parent()
        && is_for_parent(permit, authority, leg)
    {
        let reached = shared.dialler.reach_parent(permit, parent).await;
        let stream = reached.map_err(|unreached| unreached.answer())?;
        return Ok(Idle {
            authority: authority.clone(),
            leg,
            held_to: HeldTo::of(effective),
            hop: Hop::Parent(by_name.proxy.clone()),
            conn: Conn::new(Box::new(stream)),
            tls: None,
            alpn: None,
            personal: false,
            used: false,
            answered: false,
        });
    }
    let reached = shared.dialler.reach(permit, parent).await;
    let stream = reached.map_err(|unreached| unreached.answer())?;
    let hop = match (stream.address(), permit.through_parent()) {
        (Some(address), _) => Hop::Address(address),
        (None, Some(by_name)) => Hop::Tunnel {
            asked: by_name.asked.clone(),
            proxy: by_name.proxy.clone(),
        },
        (None, None) => {
            let detail = "the upstream is gone".to_owned();
            return Err(Answer::upstream(502, "connection_terminated", detail).into());
        }
    };
    let (stream, peer): (BoxIo, _) = match leg {
        Leg::Tls(offers) => {
            let limit = shared.timeouts.handshake;
            let secured = secure(shared, entry, authority, effective, stream, offers);
            let Ok(secured) = tokio::time::timeout(limit, secured).await else {
                let detail = format!(
                    "no TLS handshake with {} within {} s",
                    authority.host,
                    limit.as_secs_f64()
                );
                return Err(Answer::upstream(504, "connection_timeout", detail).into());
            };
            let (stream, peer) = secured?;
            (stream, Some(peer))
        }
        Leg::Plain => (Box::new(stream), None),
    };
    Ok(Idle {
        authority: authority.clone(),
        leg,
        held_to: HeldTo::of(effective),
        hop,
        conn: Conn::new(stream),
        tls: peer.as_ref().map(facts::originated),
        alpn: peer.and_then(|peer| peer.alpn),
        personal: false,
        used: false,
        answered: false,
    })
}

async fn secure(
    shared: &Shared,
    entry: &mut Entry,
    authority: &Authority,
    effective: &Effective,
    stream: Outbound,
    offers: Offers,
) -> Result<(BoxIo, Peer), NoUpstream> {
    let host = &authority.host;
    let offer = HeldTo::of(effective).offer;
    let _ = stream.tcp().set_nodelay(true);
    let shaken = shared
        .originator
        .originate(host, stream, profile(effective), offer, offers.list())
        .await;
    let failed = match shaken {
        Ok((mut tls, peer)) => {
            let word = match peer.client_auth {
                true => await_rejection(&mut tls, peer.patience()).await,
                false => Ok(()),
            };
            match word {
                Ok(()) => {
                    let weak = facts::weak_agreement(&peer, profile(effective), effective);
                    entry.add_findings(weak.into_iter().collect());
                    return Ok((Box::new(tls), peer));
                }
                Err(failed) => failed,
            }
        }
        Err(failed) => failed,
    };
    let hint = failed.hint();
    let detail = match hint {
        Some(hint) => format!("no TLS with {host}: {failed}; {hint}"),
        None => format!("no TLS with {host}: {failed}"),
    };
    match failed {
        Failed::Certificate(fault, peer) => {
            let refusal = facts::bad_certificate(fault);
            entry.set_tls(facts::tls(
                &Facts::default(),
                Some(&Seen::Failed(fault, peer)),
            ));
            entry.add_findings(facts::upgrade_failed(&refusal));
            Err(Answer::by_rule(Rule::InvalidCertificate, 502, refusal.hint).into())
        }
        Failed::ClientCertificate { .. } => Err(NoUpstream {
            answer: Answer::upstream(502, "tls_alert_received", detail),
            wants_certificate: true,
        }),
        Failed::Incompatible(_) => {
            let found = facts::incompatible(&detail, effective);
            let is_refused = found.action == Action::Block && effective.mode == Mode::Enforce;
            entry.add_findings(vec![found]);
            Err(if is_refused {
                Answer::by_rule(Rule::WeakTls, 502, detail).into()
            } else {
                Answer::upstream(502, "tls_protocol_error", detail).into()
            })
        }
        Failed::Other(_) => Err(Answer::upstream(502, "tls_protocol_error", detail).into()),
    }
}
