//! The course of a CONNECT: decide, dial, judge both hellos, relay, complete.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::edge::client::{ClientIo, abort, last_words};
use crate::edge::dial::dial;
use crate::edge::journal::Unavailable;
use crate::edge::relay::{End, Relay};
use crate::edge::tls::{Pending, Seen};
use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Redirect, Target, Way};
use crate::logic::record::{Bytes, Carried, Request, Via};
use crate::logic::wire::tls::{Judge, Question, Refusal, Side};
use crate::model::{Action, Authority, DnsName, Finding, Host, Mode, Rule};

use super::answer::Answer;
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome, unrecorded_answer};
use super::facts::{self, Fault};
use super::handshake::{Handshake, Turn};
use super::route::{HeadFacts, Routed, addresses_of, described, route};
use super::state::{Active, Shared, profile};

/// An open tunnel gives a sign of life on record this often.
const PROGRESS: Duration = Duration::from_secs(3600);

/// One CONNECT request.
#[derive(Debug)]
pub(super) struct Connect<'a> {
    pub authority: &'a Authority,
    /// What its Host header names, if it has one.
    pub host: Option<&'a Host>,
    pub request: Request,
}

/// A client that asked for a tunnel: how it is answered differs by HTTP version.
pub(super) trait TunnelClient {
    type Stream: ClientIo;

    /// Refuses; nothing follows.
    fn refuse(self, answer: &Answer, request_id: &str) -> impl Future<Output = ()> + Send;

    /// Says yes; gives the stream and what the client sent already.
    fn accept(self) -> impl Future<Output = std::io::Result<(Self::Stream, Vec<u8>)>> + Send;
}

/// Carries one tunnel from request to completion.
pub(super) async fn tunnel<C: TunnelClient>(
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
    let Connect {
        authority,
        host,
        request,
    } = connect;
    let class = classify(&authority.host);
    let target = Target {
        authority,
        class: &class,
        way: Way::Connect,
    };
    let effective = policy.effective(&target);
    draft.set_mode(effective.mode);
    draft.set_way(Via::Connect, Carried::Tunnel);
    draft.set_request(request);
    let (destination, aws) = described(&class);
    draft.set_destination(destination, aws);

    let found = facts::foreign_host(host, authority, &effective)
        .into_iter()
        .collect();
    let head = HeadFacts {
        found,
        is_signed: false,
    };
    let routed = route(
        policy,
        &shared.resolver,
        &shared.own,
        &target,
        &effective,
        head,
    )
    .await;
    let (decision, permit) = match routed {
        Routed::Refused(decision) => {
            let answer = Answer::refusal(&decision);
            let id = draft.id().to_owned();
            draft
                .refuse(&shared.journal, &decision, Some(answer.status))
                .await;
            return client.refuse(&answer, &id).await;
        }
        Routed::Unresolved { decision, reason } => {
            let answer = Answer::upstream(502, "dns_error", reason);
            return match draft.open(&shared.journal, &decision).await {
                Ok(entry) => fail(entry, client, &answer).await,
                Err((unavailable, id)) => refuse_unrecorded(client, &unavailable, &id).await,
            };
        }
        Routed::Permitted {
            decision,
            permit,
            answered,
        } => {
            draft.set_addr(
                permit.addresses().first().map(ToString::to_string),
                answered,
            );
            (decision, permit)
        }
    };
    let mut entry = match draft.open(&shared.journal, &decision).await {
        Ok(entry) => entry,
        Err((unavailable, id)) => return refuse_unrecorded(client, &unavailable, &id).await,
    };

    // Before our own connection, so that a server that serves one after the other serves it first.
    let preflight = ask_preflight(
        shared,
        &effective,
        &authority.host,
        permit.addresses().first().copied(),
    );
    let upstream = match dial(&permit, shared.timeouts.connect).await {
        Ok(stream) => stream,
        Err(error) => {
            let (status, word) = facts::dial_failure(&error);
            return fail(
                entry,
                client,
                &Answer::upstream(status, word, error.to_string()),
            )
            .await;
        }
    };
    if let Ok(peer) = upstream.peer_addr() {
        entry.set_addr(peer.to_string());
    }
    let (stream, early) = match client.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            let error = Some(format!("the client is gone: {error}"));
            return entry
                .complete(Outcome {
                    error,
                    ..Outcome::default()
                })
                .await;
        }
    };
    let verifier = Arc::clone(&shared.verifier);
    let handshake = Handshake::new(
        Judge::new(question(authority, &effective), Box::new(verifier)),
        stream,
        upstream,
        early,
    );
    let mut course = Course {
        entry,
        is_aws: class.is_aws(),
        authority,
        effective,
        preflight,
        deadline,
    };
    // Boxed, so that what a handshake needs is given back before the relay, which may last days.
    let judged = Box::pin(course.judge(shared, active, handshake, drain)).await;
    match judged {
        Judged::Pass(relay, before) => {
            course
                .relay(relay, before, shared.timeouts.idle, drain)
                .await
        }
        Judged::Refused(handshake, refusal) => Box::pin(course.refuse(handshake, &refusal)).await,
        Judged::Ended(outcome) => course.entry.complete(outcome).await,
    }
}

async fn fail<C: TunnelClient>(entry: Entry, client: C, answer: &Answer) {
    let id = entry.id().to_owned();
    let outcome = Outcome {
        status: Some(answer.status),
        error: Some(answer.detail.clone()),
        failed: true,
        ..Outcome::default()
    };
    entry.complete(outcome).await;
    client.refuse(answer, &id).await;
}

async fn refuse_unrecorded<C: TunnelClient>(client: C, unavailable: &Unavailable, id: &str) {
    client.refuse(&unrecorded_answer(unavailable), id).await;
}

fn question(authority: &Authority, effective: &Effective) -> Question {
    let (actions, hold) = match effective.mode {
        Mode::Enforce => (effective.actions, true),
        Mode::Report => (effective.actions.softened(), false),
    };
    Question {
        connect: authority.host.clone(),
        profile: profile(effective),
        actions,
        hold,
    }
}

fn ask_preflight(
    shared: &Shared,
    effective: &Effective,
    host: &Host,
    address: Option<SocketAddr>,
) -> Option<Pending> {
    let wanted =
        effective.preflight && effective.actions.get(Rule::InvalidCertificate) != Action::Off;
    let address = address.filter(|_| wanted)?;
    // Half of the handshake's time: one that hangs must leave the tunnel its own half.
    let limit = shared.timeouts.handshake / 2;
    Some(
        shared
            .preflights
            .ask(host, address, profile(effective), limit),
    )
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
    Refused(Handshake<C, TcpStream>, Refusal),
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
                () = drain.forced() => Turn::Stopped,
            };
            match turn {
                Turn::Name(name) => match self.judge_sni(shared, active, &name).await {
                    Ok(()) => handshake.name_judged(true),
                    Err(refusal) if holds => break Some(refusal),
                    Err(_) => handshake.name_judged(true),
                },
                Turn::Flight if holds => {
                    if let Some(refusal) = self.await_preflight(handshake.facts().certificate_verified).await {
                        break Some(refusal);
                    }
                }
                Turn::Flight => {}
                Turn::Refuse(refusal) => break Some(refusal),
                Turn::Pass => break None,
                Turn::Ended(close) => {
                    return Judged::Ended(self.ended(
                        &handshake,
                        close.why,
                        close.by == Side::Server,
                    ));
                }
                Turn::Failed(side, error) => {
                    let (who, failed) = match side {
                        Side::Client => ("client", false),
                        Side::Server => ("upstream", true),
                    };
                    let why = format!("the {who}'s connection failed: {error}");
                    return Judged::Ended(self.ended(&handshake, why, failed));
                }
                Turn::Stopped => {
                    return Judged::Ended(self.ended(
                        &handshake,
                        "outgate stopped during the handshake".to_owned(),
                        false,
                    ));
                }
            }
        };
        if let Some(refusal) = end {
            return Judged::Refused(handshake, refusal);
        }
        self.note_facts(&handshake);
        let before = handshake.bytes();
        let (client, upstream, client_ended, upstream_ended) = handshake.into_parts();
        Judged::Pass(
            Relay::new(client, upstream, client_ended, upstream_ended),
            before,
        )
    }

    /// CONNECT named an address, the hello names `name`: the name is judged by the same rules,
    /// and must resolve to that address.
    async fn judge_sni(
        &mut self,
        shared: &Shared,
        active: &Active,
        name: &DnsName,
    ) -> Result<(), Refusal> {
        let policy = &active.policy;
        let authority = Authority {
            host: Host::Name(name.clone()),
            port: self.authority.port,
        };
        let class = classify(&authority.host);
        let target = Target {
            authority: &authority,
            class: &class,
            way: Way::Connect,
        };
        let effective = policy.effective(&target);
        self.is_aws |= class.is_aws();
        self.entry.set_class(described(&class));
        let mut found = policy.judge_name(&target, &effective);
        // An operator who redirects the address has said where it leads.
        if !policy
            .connect_to(self.authority)
            .is_some_and(Redirect::names_host)
        {
            let resolved = addresses_of(&shared.resolver, &authority.host).await;
            let reached = self.authority.host.ip();
            let among = matches!((&resolved, reached), (Ok((addresses, _)), Some(ip)) if addresses.contains(&ip));
            if !among {
                found.push(facts::foreign_address(
                    name,
                    &self.authority.host,
                    &effective,
                    resolved.err(),
                ));
            }
        }
        if effective.preflight && self.preflight.is_none() {
            let address = self.entry.dialled();
            self.preflight = ask_preflight(shared, &effective, &authority.host, address);
        }
        let refused = policy.refuses(&found, &effective);
        self.entry.add_findings(found);
        if refused {
            Err(facts::refused_name(self.entry.decision()))
        } else {
            Ok(())
        }
    }

    /// In TLS 1.3 and in resumed sessions the certificate is not seen: the preflight's word
    /// counts, and the server's flight waits for it.
    async fn await_preflight(&mut self, is_verified: bool) -> Option<Refusal> {
        if is_verified {
            return None;
        }
        let outcome = self.preflight.as_mut()?.wait().await;
        match outcome.as_ref() {
            Seen::Verified(_) | Seen::Inconclusive(_) => None,
            Seen::Failed(fault, _) => {
                let refusal = facts::bad_certificate(*fault);
                match self.effective.actions.get(Rule::InvalidCertificate) {
                    Action::Block => Some(refusal),
                    Action::Off | Action::Report | Action::Upgrade | Action::Strip => {
                        self.entry.add_findings(facts::findings(
                            &(&refusal).into(),
                            self.is_aws,
                            &self.effective,
                        ));
                        None
                    }
                }
            }
        }
    }

    /// The verdict of the handshake is a refusal: an alert (or, to a client that speaks plain
    /// HTTP, an HTTP answer), then close.
    async fn refuse<C: ClientIo>(
        mut self,
        mut handshake: Handshake<C, TcpStream>,
        refusal: &Refusal,
    ) {
        self.note_facts(&handshake);
        let noted =
            |finding: &Finding| (finding.rule, finding.kind) == (refusal.rule, refusal.kind);
        if !self.entry.decision().findings.iter().any(noted) {
            self.entry.add_findings(facts::findings(
                &refusal.into(),
                self.is_aws,
                &self.effective,
            ));
        }
        let outcome = Outcome {
            bytes: handshake.bytes(),
            error: Some(refusal.hint.clone()),
            ..Outcome::default()
        };
        let answer = Answer::refusal(self.entry.decision()).http1(self.entry.id(), false);
        // On record before the client hears of it, so that whoever sees the alert finds the line.
        self.entry.complete(outcome).await;
        let words: &[u8] = match &refusal.to_client {
            Some(alert) => alert,
            None if handshake.client_speaks_http() => &answer,
            None => &[],
        };
        last_words(handshake.client_mut(), words).await;
    }

    fn ended<C: ClientIo>(
        &mut self,
        handshake: &Handshake<C, TcpStream>,
        why: String,
        failed: bool,
    ) -> Outcome {
        self.note_facts(handshake);
        Outcome {
            bytes: handshake.bytes(),
            error: Some(why),
            failed,
            ..Outcome::default()
        }
    }

    fn note_facts<C: ClientIo>(&mut self, handshake: &Handshake<C, TcpStream>) {
        let seen = handshake.facts();
        let preflight = self.preflight.as_ref().and_then(Pending::peek);
        let noted = seen.findings.iter().map(|noted| Fault {
            rule: noted.rule,
            kind: noted.kind,
            hint: &noted.hint,
        });
        let noted = noted
            .flat_map(|noted| facts::findings(&noted, self.is_aws, &self.effective))
            .collect();
        self.entry.add_findings(noted);
        self.entry.set_tls(facts::tls(seen, preflight.as_deref()));
    }

    async fn relay<C: ClientIo>(
        mut self,
        mut relay: Relay<C, TcpStream>,
        before: Bytes,
        idle: Duration,
        drain: &mut Drain,
    ) {
        let mut hour = tokio::time::interval(PROGRESS);
        hour.tick().await;
        let total = |now: Bytes| Bytes {
            sent: before.sent + now.sent,
            received: before.received + now.received,
        };
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
        // What the other side has got must not look whole.
        match &end {
            Some(End::Client(_)) => abort(&upstream),
            Some(End::Upstream(_)) => client.abort(),
            Some(End::Closed | End::Idle) | None => {}
        }
        let failed = matches!(end, Some(End::Upstream(_)));
        let error = facts::relay_end(end.as_ref(), idle);
        drop((client, upstream));
        self.entry
            .complete(Outcome {
                bytes,
                error,
                failed,
                ..Outcome::default()
            })
            .await;
    }
}
