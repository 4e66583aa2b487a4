//! The course of a CONNECT whose TLS is ended here: hello, upstream, handshake, requests.
//!
//! Both legs speak the same protocol: what the upstream chooses of the client's own offer is what
//! the client is given. A refusal is told inside: the handshake is completed all the same, and
//! every request is answered with the reason.

mod h1;
mod h2;
mod hello;
mod inner;
mod obstacle;
mod state;
mod told;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant;

use crate::edge::ca::LeafError;
use crate::edge::client::{last_words, poll_end_below};
use crate::edge::http1::Conn;
use crate::edge::tls::{AcceptError, Alpn, Offer};
use crate::logic::policy::{Effective, Permit, Way};
use crate::logic::record::{Carried, ClientTls, Tls, UpstreamTls};
use crate::logic::wire::tls::{Profile, Question, Sni};
use crate::model::{Authority, DnsName, Host};

use super::answer::Answer;
use super::course::{Named, judge_named};
use super::decide::{Ask, Decided, decide};
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome, Visitor};
use super::facts;
use super::state::{Active, Shared, profile};
use super::tunnel::{Connect, TunnelClient, judge_head, question};
use super::upstream::{HeldTo, Hop, Idle, Leg, NoUpstream, Offers, connect};

use h1::Served;
use h2::Session;
use hello::{Begun, BoxClient, Hello};
use inner::{Inner, Why};
use obstacle::Obstacle;
use state::PoolKey;
use told::{widest, words};

pub(super) use state::Interceptor;
pub use state::{Interception, OnObstacle};

/// The course of one CONNECT.
struct Course<'a> {
    shared: &'a Arc<Shared>,
    interceptor: &'a Interceptor,
    active: &'a Active,
    visitor: Visitor,
    /// What CONNECT asked for.
    asked: &'a Authority,
    effective: Effective,
    is_aws: bool,
    /// The handshake's time runs from CONNECT.
    deadline: Instant,
}

/// Carries one CONNECT from request to completion.
#[expect(
    clippy::too_many_arguments,
    reason = "what a tunnel takes, and what was found for it already"
)]
pub(super) async fn intercept<C: TunnelClient>(
    shared: &Arc<Shared>,
    interceptor: &Interceptor,
    active: &Active,
    effective: Effective,
    draft: Draft,
    connect: Connect<'_>,
    client: C,
    drain: &mut Drain,
) {
    let deadline = Instant::now() + shared.timeouts.handshake;
    let visitor = draft.visitor();
    let Connect {
        authority,
        host,
        request,
    } = connect;
    let ask = Ask {
        authority,
        way: Way::Connect,
        carried: Carried::Intercept,
        known: None,
    };
    let look = |effective: &Effective| judge_head(effective, host, authority);
    let decided = Box::pin(decide(shared, active, draft, request, ask, look)).await;
    let is_aws = decided.as_ref().is_ok_and(|decided| decided.is_aws);
    let course = Course {
        shared,
        interceptor,
        active,
        visitor,
        asked: authority,
        effective,
        is_aws,
        deadline,
    };
    let (stream, early) = match client.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            if let Ok(decided) = decided {
                let error = Some(format!("the client is gone: {error}"));
                let outcome = Outcome {
                    error,
                    ..Outcome::default()
                };
                decided.entry.complete(outcome).await;
            }
            return;
        }
    };
    let question = Question {
        hold: true,
        ..question(authority, &effective, is_aws, shared.limits.handshake)
    };
    let stream: BoxClient = Box::new(stream);
    let begun = Box::pin(hello::read(stream, early, question, deadline, drain)).await;
    match (decided, begun) {
        (Ok(decided), Begun::Hello(hello)) => course.run(decided, *hello, drain).await,
        (Err(stopped), Begun::Hello(hello)) => course.tell(*hello, &stopped.into(), drain).await,
        (Ok(decided), Begun::Unreadable(refusal, stream, bytes)) => {
            course
                .unreadable(decided.entry, &refusal, stream, &bytes)
                .await;
        }
        (Err(stopped), Begun::Unreadable(refusal, mut stream, bytes)) => {
            let answer = stopped.answer.http1(&stopped.id, false);
            last_words(&mut stream, words(&refusal, &bytes, &answer)).await;
        }
        (Ok(decided), Begun::Gone(why)) => {
            let outcome = Outcome {
                status: Some(200),
                error: Some(why),
                ..Outcome::default()
            };
            decided.entry.complete(outcome).await;
        }
        (Err(_), Begun::Gone(_)) => {}
    }
}

impl Course<'_> {
    /// The decision is on record, and the hello is read.
    async fn run(mut self, decided: Decided, mut hello: Hello, drain: &mut Drain) {
        let Decided {
            mut entry,
            permit,
            parent,
            ..
        } = decided;
        let client_tls = facts::client_tls(&hello.facts);
        entry.set_tls(Tls {
            client: Some(Arc::clone(&client_tls)),
            upstream: None,
        });
        for noted in &hello.findings {
            entry.add_findings(facts::findings(&noted.into(), self.is_aws, &self.effective));
        }
        if let Some(refusal) = hello.refusal.take() {
            entry.add_findings(facts::findings(
                &(&refusal).into(),
                self.is_aws,
                &self.effective,
            ));
            let why = Why {
                answer: Answer::by_rule(refusal.rule, refusal.rule.status(), refusal.hint.clone()),
                findings: entry.decision().findings.clone(),
            };
            return self.refused(entry, hello, &why, drain).await;
        }
        let mut authority = self.asked.clone();
        let mut is_let_through = true;
        let other = other_name(&hello, self.asked);
        if let Some(name) = &other {
            let named = judge_named(
                self.shared,
                self.active,
                &mut entry,
                &permit,
                self.asked,
                name,
            )
            .await;
            let Named {
                authority: named,
                effective,
                is_aws,
                found,
                is_there,
            } = named;
            let refused = self.active.policy.refuses(&found, &effective);
            entry.add_findings(found);
            let asked = std::mem::replace(&mut self.effective, effective);
            authority = named;
            self.is_aws |= is_aws;
            // A name that CONNECT's host does not answer to takes nothing out of sight there.
            if !is_there {
                is_let_through = self.interceptor.lets_through(&self.asked.host);
                self.effective.intercept |= asked.intercept;
            }
            if refused {
                let why = Why {
                    answer: Answer::refusal(entry.decision()),
                    findings: entry.decision().findings.clone(),
                };
                return self.refused(entry, hello, &why, drain).await;
            }
        }
        is_let_through &= self.interceptor.lets_through(&authority.host);
        if !self.effective.intercept || is_let_through {
            return self.unbroken(entry, permit, hello, drain).await;
        }
        let Some(offers) = Offers::of(&hello.facts.alpn) else {
            return self
                .blocked(entry, permit, hello, &authority, Obstacle::NotHttp, drain)
                .await;
        };
        let key = PoolKey {
            authority: authority.clone(),
            profile: self.effective.profile,
            policy: Arc::clone(&self.active.hash),
            offers,
        };
        let upstream = match self.waiting(&key, &permit) {
            Some(upstream) => upstream,
            None => {
                let leg = Leg::Tls(offers);
                let connecting = connect(
                    self.shared,
                    parent.as_ref(),
                    &mut entry,
                    &authority,
                    &permit,
                    &self.effective,
                    leg,
                );
                let connected = match Box::pin(connecting).await {
                    Ok(idle) => Upstream::begin(idle, self.shared).await,
                    Err(failed) => Err(failed),
                };
                match connected {
                    Ok(upstream) => upstream,
                    Err(failed) => {
                        if failed.wants_certificate {
                            let obstacle = Obstacle::ClientCertificate;
                            return self
                                .blocked(entry, permit, hello, &authority, obstacle, drain)
                                .await;
                        }
                        return self.failed(entry, hello, failed.answer, drain).await;
                    }
                }
            }
        };
        let (hop, tls, alpn) = upstream.facts();
        hop.note(&mut entry);
        entry.set_tls(Tls {
            client: Some(Arc::clone(&client_tls)),
            upstream: tls,
        });
        let stream = match self.accept(hello, &authority.host, alpn, drain).await {
            Ok(stream) => stream,
            Err(failed) => {
                self.keep(key, upstream);
                return self.no_session(entry, &authority, failed).await;
            }
        };
        let pinned = other.is_some() || self.asked.host.ip().is_some();
        let inner = self.inner(authority.clone(), &permit, pinned, offers, client_tls);
        let served = match upstream {
            Upstream::H1(idle) => {
                let mut idle = Some(*idle);
                let conn = Conn::new(stream).with_end_below(poll_end_below);
                let served = Box::pin(h1::serve(&inner, conn, &mut idle, drain)).await;
                if let Some(idle) = idle.filter(|idle| !idle.personal) {
                    self.keep(key, Upstream::H1(Box::new(idle)));
                }
                served
            }
            Upstream::H2(session) => {
                let (served, session) = Box::pin(h2::serve(inner, stream, session, drain)).await;
                if let Some(session) = session {
                    self.keep(key, Upstream::H2(session));
                }
                served
            }
        };
        self.served(entry, &authority, served).await;
    }

    /// A connection that waits for its next use.
    fn waiting(&self, key: &PoolKey, permit: &Permit) -> Option<Upstream> {
        let open = |session: &mut Session| session.hop.is_allowed(permit) && session.is_open();
        if let Some(session) = self.interceptor.sessions.take(key, open) {
            return Some(Upstream::H2(session));
        }
        let usable = |idle: &mut Idle| idle.hop.is_allowed(permit) && idle.is_quiet();
        let idle = self.interceptor.pool.take(key, usable)?;
        Some(Upstream::H1(Box::new(Idle { used: true, ..idle })))
    }

    fn keep(&self, key: PoolKey, upstream: Upstream) {
        match upstream {
            Upstream::H1(idle) => self.interceptor.pool.put(key, *idle),
            Upstream::H2(session) => self.interceptor.sessions.put(key, session),
        }
    }

    fn inner(
        &self,
        authority: Authority,
        permit: &Permit,
        pinned: bool,
        offers: Offers,
        client_tls: Arc<ClientTls>,
    ) -> Inner {
        Inner {
            shared: Arc::clone(self.shared),
            visitor: self.visitor.clone(),
            authority,
            known: Some(permit.clone()),
            policy: Arc::clone(&self.active.hash),
            pinned,
            offers,
            client_tls,
        }
    }

    /// Ends the client's TLS with a leaf for the name that it asks for.
    async fn accept(
        &self,
        hello: Hello,
        host: &Host,
        alpn: Option<Alpn>,
        drain: &mut Drain,
    ) -> Result<BoxClient, NoSession> {
        let profile = match HeldTo::of(&self.effective).offer {
            Offer::Profile => profile(&self.effective),
            Offer::Everything => widest(),
        };
        self.accept_within(hello, host, profile, alpn, drain).await
    }

    async fn accept_within(
        &self,
        hello: Hello,
        host: &Host,
        profile: &'static Profile,
        alpn: Option<Alpn>,
        drain: &mut Drain,
    ) -> Result<BoxClient, NoSession> {
        let client = self.visitor.client.addr.as_deref();
        let client = client
            .and_then(|addr| addr.parse::<SocketAddr>().ok())
            .map(|addr| addr.ip());
        let leaf = match self.interceptor.leaves.leaf(host, client) {
            Ok(leaf) => leaf,
            Err(error) => return Err(NoSession::Leaf(error, Box::new(hello))),
        };
        // The upstream may have taken most of the handshake's time; the client has its own.
        let limit = self
            .deadline
            .max(Instant::now() + self.shared.timeouts.handshake / 2);
        let accepting = self
            .interceptor
            .legs
            .accept(hello.into_stream(), leaf, profile, alpn);
        let accepted = tokio::select! {
            accepted = tokio::time::timeout_at(limit, accepting) => accepted,
            () = drain.forced() => return Err(NoSession::Gone("outgate stopped during the handshake".to_owned())),
        };
        match accepted {
            Ok(Ok((stream, _))) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(NoSession::Accept(error)),
            Err(_) => Err(NoSession::Gone(format!(
                "the client did not finish its handshake within {} s (timeouts.handshake)",
                self.shared.timeouts.handshake.as_secs_f64()
            ))),
        }
    }

    /// The last line of a connection that was served.
    async fn served(self, entry: Entry, authority: &Authority, served: Served) {
        let mut error = served.error;
        if let Some(obstacle) = served.obstacle {
            self.note(authority, obstacle).await;
            error = Some(obstacle::hint(obstacle, authority));
        }
        let outcome = Outcome {
            status: Some(200),
            bytes: served.bytes,
            error,
            failed: false,
        };
        entry.complete(outcome).await;
    }
}

/// The name of the hello where it is not CONNECT's: CONNECT named an address, or `sni-mismatch`
/// does not refuse. The requests are for that name, and go where CONNECT was allowed to go.
fn other_name(hello: &Hello, asked: &Authority) -> Option<DnsName> {
    match (&hello.facts.sni, &asked.host) {
        (Sni::Name(name), Host::Name(connect)) if name != connect => Some(name.clone()),
        _ => hello.name.clone(),
    }
}

/// The connection to the server, in the protocol that was agreed.
enum Upstream {
    H1(Box<Idle>),
    H2(Session),
}

impl Upstream {
    async fn begin(idle: Idle, shared: &Shared) -> Result<Upstream, NoUpstream> {
        if idle.alpn != Some(Alpn::H2) {
            return Ok(Upstream::H1(Box::new(idle)));
        }
        Ok(Upstream::H2(
            Session::open(idle, header_list(shared)).await?,
        ))
    }

    fn facts(&self) -> (Hop, Option<Arc<UpstreamTls>>, Option<Alpn>) {
        match self {
            Upstream::H1(idle) => (idle.hop.clone(), idle.tls.clone(), idle.alpn),
            Upstream::H2(session) => (session.hop.clone(), session.tls.clone(), Some(Alpn::H2)),
        }
    }
}

/// The bound of a header list, in HTTP/2.
fn header_list(shared: &Shared) -> u32 {
    u32::try_from(shared.limits.head.bytes).unwrap_or(u32::MAX)
}

/// Why there is no session with the client.
enum NoSession {
    /// Nothing was written yet.
    Leaf(LeafError, Box<Hello>),
    Accept(AcceptError),
    Gone(String),
}
