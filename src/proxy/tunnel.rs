//! The course of a CONNECT: decide, dial, judge both hellos, relay, complete.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::edge::client::{ClientIo, abort, last_words};
use crate::edge::dial::dial;
use crate::edge::relay::{End, Relay};
use crate::edge::tls::{Outcome as PreflightOutcome, Pending};
use crate::logic::aws::{Class, classify};
use crate::logic::policy::{Effective, Target, Way};
use crate::logic::record::{Bytes, Carried, Request, Via};
use crate::logic::wire::tls::{Judge, Profile, Question, Refusal, Side};
use crate::model::{Action, Authority, DnsName, Finding, Host, Mode, Rule, Severity};

use super::answer::Answer;
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome, unavailable_hint};
use super::facts;
use super::handshake::{Handshake, Turn};
use super::route::{Routed, addresses_of, described, route};
use super::state::{Active, Shared};

/// An open tunnel gives a sign of life on record this often.
const PROGRESS: Duration = Duration::from_secs(3600);

/// One CONNECT request.
#[derive(Debug)]
pub struct Connect<'a> {
    pub authority: &'a Authority,
    pub request: Request,
    /// What the head showed already.
    pub found: Vec<Finding>,
}

/// A client that asked for a tunnel: how it is answered differs by HTTP version.
pub trait TunnelClient {
    type Stream: ClientIo;

    /// Refuses; nothing follows.
    fn refuse(self, answer: &Answer, request_id: &str) -> impl Future<Output = ()> + Send;

    /// Says yes; gives the stream and what the client sent already.
    fn accept(self) -> impl Future<Output = std::io::Result<(Self::Stream, Vec<u8>)>> + Send;
}

/// Carries one tunnel from request to completion.
pub async fn tunnel<C: TunnelClient>(
    shared: &Shared,
    active: &Active,
    mut draft: Draft,
    connect: Connect<'_>,
    client: C,
    drain: &mut Drain,
) {
    // The handshake's time runs from CONNECT.
    let deadline = Instant::now() + shared.timeouts.handshake;
    let policy = &active.policy;
    let Connect { authority, request, found } = connect;
    let class = classify(&authority.host);
    let target = Target { authority, class: &class, way: Way::Connect };
    let effective = policy.effective(&target);
    draft.set_mode(effective.mode);
    draft.set_way(Via::Connect, Carried::Tunnel);
    draft.set_request(request);
    let (destination, aws) = described(&class);
    draft.set_destination(destination, aws);

    let routed = route(policy, &shared.resolver, &shared.own, &target, &effective, found).await;
    let (decision, permit) = match routed {
        Routed::Refused(decision) => {
            let answer = Answer::refusal(&decision);
            let id = draft.id().to_owned();
            draft.refuse(&shared.journal, &decision, Some(answer.status)).await;
            return client.refuse(&answer, &id).await;
        }
        Routed::Unresolved { decision, reason } => {
            let answer = Answer::upstream(502, "dns_error", reason);
            return match draft.open(&shared.journal, &decision).await {
                Ok(entry) => fail(entry, client, &answer).await,
                Err((unavailable, id)) => refuse_unrecorded(client, &unavailable, &id).await,
            };
        }
        Routed::Permitted { decision, permit, answered } => {
            draft.set_addr(permit.addresses().first().map(ToString::to_string), answered);
            (decision, permit)
        }
    };
    let mut entry = match draft.open(&shared.journal, &decision).await {
        Ok(entry) => entry,
        Err((unavailable, id)) => return refuse_unrecorded(client, &unavailable, &id).await,
    };

    // Before our own connection, so that a server that serves one after the other serves it first.
    let preflight = preflight(shared, &effective, authority, permit.addresses().first().copied());
    let upstream = match dial(permit.addresses(), shared.timeouts.connect).await {
        Ok(stream) => stream,
        Err(error) => {
            let (status, word) = facts::dial_failure(&error);
            return fail(entry, client, &Answer::upstream(status, word, error.to_string())).await;
        }
    };
    if let Ok(peer) = upstream.peer_addr() {
        entry.set_addr(peer.to_string());
    }
    let (stream, early) = match client.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            let error = Some(format!("the client is gone: {error}"));
            return entry.complete(Outcome { error, ..Outcome::default() }).await;
        }
    };
    let judge = Judge::new(question(authority, &effective), Arc::clone(&shared.verifier) as _);
    let mut course = Course { entry, class: &class, authority, effective, preflight, deadline };
    // Boxed, so that what a handshake needs is given back before the relay, which may last days.
    let judged = Box::pin(course.judge(shared, active, judge, stream, upstream, early, drain)).await;
    match judged {
        Judged::Pass(relay, before) => course.relay(relay, before, shared.timeouts.idle, drain).await,
        Judged::Ended(outcome) => course.entry.complete(outcome).await,
    }
}

async fn fail<C: TunnelClient>(entry: Entry, client: C, answer: &Answer) {
    let id = entry.id().to_owned();
    let outcome =
        Outcome { status: Some(answer.status), error: Some(answer.detail.clone()), failed: true, ..Outcome::default() };
    entry.complete(outcome).await;
    client.refuse(answer, &id).await;
}

async fn refuse_unrecorded<C: TunnelClient>(client: C, unavailable: &crate::edge::journal::Unavailable, id: &str) {
    let answer = Answer::by_rule(Rule::AuditUnavailable, Rule::AuditUnavailable.status(), unavailable_hint(unavailable));
    client.refuse(&answer, id).await;
}

fn question(authority: &Authority, effective: &Effective) -> Question {
    let enforce = effective.mode == Mode::Enforce;
    Question {
        connect: authority.host.clone(),
        profile: Profile::get(effective.profile),
        actions: effective.actions,
        hold: enforce,
    }
}

fn preflight(
    shared: &Shared,
    effective: &Effective,
    authority: &Authority,
    address: Option<std::net::SocketAddr>,
) -> Option<Pending> {
    let address = address.filter(|_| effective.preflight && effective.actions.get(Rule::InvalidCertificate) != Action::Off)?;
    Some(shared.preflights.ask(&authority.host, address, effective.profile, shared.timeouts.handshake))
}

/// A tunnel whose decision is on record and whose upstream is connected.
struct Course<'a> {
    entry: Entry,
    /// Whether CONNECT's name or the SNI is an AWS endpoint.
    is_aws: bool,
    authority: &'a Authority,
    effective: Effective,
    preflight: Option<Pending>,
    deadline: Instant,
}

/// What came of the handshake.
enum Judged<C> {
    /// Relay; so many bytes have passed already.
    Pass(Relay<C, TcpStream>, Bytes),
    Ended(Outcome),
}

impl Course<'_> {
    async fn judge<C: ClientIo>(
        &mut self,
        shared: &Shared,
        active: &Active,
        mut handshake: Handshake<C, TcpStream>,
        drain: &mut Drain,
    ) -> Judged<C> {
        let holds = self.effective.mode == Mode::Enforce;
        let end = loop {
            let turn = tokio::select! {
                turn = handshake.turn() => turn,
                () = tokio::time::sleep_until(self.deadline) => match holds {
                    true => Turn::Refuse(handshake.timeout()),
                    // Whatever this is, it is not interfered with.
                    false => Turn::Pass,
                },
                () = drain.forced() => Turn::Ended("outgate stopped during the handshake".to_owned()),
            };
            match turn {
                Turn::Name(name) => match self.judge_sni(shared, active, &name).await {
                    Ok(()) => handshake.name_judged(true),
                    Err(refusal) if holds => break Some(refusal),
                    Err(_) => handshake.name_judged(true),
                },
                Turn::Flight if holds => {
                    if let Some(refusal) = self.await_preflight(&handshake).await {
                        break Some(refusal);
                    }
                }
                Turn::Flight => {}
                Turn::Refuse(refusal) => break Some(refusal),
                Turn::Pass => break None,
                Turn::Ended(why) => {
                    let failed = handshake.upstream_ended();
                    return self.ended(handshake, why, failed);
                }
                Turn::Failed(Side::Client, error) => {
                    return self.ended(handshake, format!("the client's connection failed: {error}"), false);
                }
                Turn::Failed(Side::Server, error) => {
                    let why = format!("the upstream's connection failed: {error}");
                    if let Judged::Ended(outcome) = self.ended(handshake, why, true) {
                        return Judged::Ended(outcome);
                    }
                    return Judged::Ended(Outcome::default());
                }
            }
        };
        self.note_facts(&handshake);
        if let Some(refusal) = end {
            return Judged::Ended(self.refuse(handshake, &refusal).await);
        }
        let before = handshake.bytes();
        let (client, upstream, client_ended, upstream_ended) = handshake.into_parts();
        Judged::Pass(Relay::new(client, upstream, client_ended, upstream_ended), before)
    }

    /// CONNECT named an address, the hello names `name`: the name is judged by the same rules,
    /// and must resolve to that address.
    async fn judge_sni(&mut self, shared: &Shared, active: &Active, name: &DnsName) -> Result<(), Refusal> {
        let policy = &active.policy;
        let authority = Authority { host: Host::Name(name.clone()), port: self.authority.port };
        let class = classify(&authority.host);
        let target = Target { authority: &authority, class: &class, way: Way::Connect };
        let effective = policy.effective(&target);
        self.is_aws |= class.is_aws();
        self.entry.set_class(described(&class));
        let mut found = policy.judge_name(&target, &effective);
        // An operator who redirects the address has said where it leads.
        if policy.connect_to(self.authority).is_none() {
            let resolved = addresses_of(&shared.resolver, &authority.host).await;
            let reached = self.authority.host.ip();
            let among = matches!((&resolved, reached), (Ok((addresses, _)), Some(ip)) if addresses.contains(&ip));
            if !among {
                found.push(facts::foreign_address(name, &self.authority.host, &effective, resolved.err()));
            }
        }
        if effective.preflight && self.preflight.is_none() {
            let address = self.entry.dialled();
            self.preflight = ask_preflight(shared, &effective, &authority.host, address);
        }
        let refused = policy.refuses(&found, &effective);
        self.entry.add_findings(found);
        if refused { Err(facts::refused_name(self.entry.decision())) } else { Ok(()) }
    }

    /// In TLS 1.3 and in resumed sessions the certificate is not seen: the preflight's word
    /// counts, and the server's flight waits for it.
    async fn await_preflight<C: ClientIo>(&mut self, handshake: &Handshake<C, TcpStream>) -> Option<Refusal> {
        if handshake.facts().certificate_verified {
            return None;
        }
        let outcome = self.preflight.as_mut()?.wait().await;
        match outcome.as_ref() {
            Seen::Verified(_) | Seen::Inconclusive(_) => None,
            Seen::Failed(fault, _) => {
                let refusal = facts::bad_certificate(fault);
                match self.effective.actions.get(Rule::InvalidCertificate) {
                    Action::Block => Some(refusal),
                    Action::Off | Action::Report | Action::Upgrade | Action::Strip => {
                        self.entry.add_findings(facts::findings(&refusal, self.is_aws, &self.effective));
                        None
                    }
                }
            }
        }
    }

    /// The verdict of the handshake is a refusal: an alert (or, to a client that speaks plain
    /// HTTP, an HTTP answer), then close.
    async fn refuse<C: ClientIo>(&mut self, mut handshake: Handshake<C, TcpStream>, refusal: &Refusal) -> Outcome {
        if !facts::is_noted(self.entry.decision(), refusal) {
            self.entry.add_findings(facts::findings(refusal, self.is_aws, &self.effective));
        }
        let bytes = handshake.bytes();
        let words = if handshake.server_was_heard() {
            Vec::new()
        } else if handshake.client_speaks_http() {
            Answer::refusal(self.entry.decision()).http1(self.entry.id(), false)
        } else {
            refusal.alert.map(alert_record).map_or_else(Vec::new, |record| record.to_vec())
        };
        // On record before the client hears of it, so that who sees the alert finds the line.
        let outcome = Outcome { bytes, error: Some(refusal.hint.clone()), ..Outcome::default() };
        self.entry.progress_to(&outcome);
        last_words(handshake.client_mut(), &words).await;
        outcome
    }

    fn ended<C: ClientIo>(&mut self, handshake: Handshake<C, TcpStream>, why: String, failed: bool) -> Judged<C> {
        self.note_facts(&handshake);
        Judged::Ended(Outcome { bytes: handshake.bytes(), error: Some(why), failed, ..Outcome::default() })
    }

    fn note_facts<C: ClientIo>(&mut self, handshake: &Handshake<C, TcpStream>) {
        let facts = handshake.facts();
        let preflight = self.preflight.as_mut().and_then(Pending::peek);
        let noted = facts.findings.iter().flat_map(|noted| facts::findings(&noted.into(), self.is_aws, &self.effective));
        let noted: Vec<Finding> = noted.collect();
        self.entry.add_findings(noted);
        self.entry.set_tls(facts::tls(facts, preflight.as_deref()));
    }

    async fn relay<C: ClientIo>(mut self, mut relay: Relay<C, TcpStream>, before: Bytes, idle: Duration, drain: &mut Drain) {
        let mut hour = tokio::time::interval(PROGRESS);
        hour.tick().await;
        let total = |now: Bytes| Bytes { sent: before.sent + now.sent, received: before.received + now.received };
        let end = loop {
            tokio::select! {
                biased;
                end = relay.run(idle) => break Some(end),
                _ = hour.tick() => self.entry.progress(total(relay.bytes())).await,
                () = drain.forced() => break None,
            }
        };
        let bytes = total(relay.bytes());
        let (mut client, upstream) = relay.into_parts();
        let (error, failed) = match end {
            Some(End::Closed) => (None, false),
            Some(End::Idle) => (Some(format!("closed: nothing moved for {} s (timeouts.idle)", idle.as_secs_f64())), false),
            Some(End::Client(error)) => {
                // What the upstream has got must not look whole.
                abort(&upstream);
                (Some(format!("the client's connection failed: {error}")), false)
            }
            Some(End::Upstream(error)) => {
                client.abort();
                (Some(format!("the upstream's connection failed: {error}")), true)
            }
            None => (Some("closed: outgate stopped".to_owned()), false),
        };
        self.note_late_preflight();
        drop((client, upstream));
        self.entry.complete(Outcome { bytes, error, failed, ..Outcome::default() }).await;
    }
}
