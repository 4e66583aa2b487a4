//! The course of a CONNECT whose TLS is ended here: hello, upstream, handshake, requests.
//!
//! Both legs speak the same protocol: what the upstream chooses of the client's own offer is what
//! the client is given. A refusal is told inside: the handshake is completed all the same, and
//! every request is answered with the reason.

mod h1;
mod hello;
mod inner;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::edge::ca::LeafError;
use crate::edge::client::last_words;
use crate::edge::clock;
use crate::edge::http1::Conn;
use crate::edge::tls::{AcceptError, Alpn};
use crate::logic::policy::{Effective, Permit};
use crate::logic::record::{Body, ClientTls, Event, EventKind, Tls};
use crate::logic::wire::tls::{Profile, Question, Refusal, alert_name};
use crate::model::{Action, Authority, Finding, Host, Mode, Rule, Severity};

use super::answer::Answer;
use super::course::{Named, judge_named};
use super::decide::{Ask, Decided, decide};
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome, Visitor};
use super::facts;
use super::state::{Active, Shared, profile};
use super::tunnel::{Connect, TunnelClient, Unbroken, carry, judge_head, question};
use super::upstream::{Idle, Leg, Offers, connect};

use h1::{Obstacle, Served};
use hello::{Begun, BoxClient, Hello};
use inner::{Inner, Why};
use state::PoolKey;

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
        way: crate::logic::policy::Way::Connect,
        carried: crate::logic::record::Carried::Intercept,
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
        (Err(stopped), Begun::Hello(hello)) => {
            course.tell(*hello, None, &stopped.into(), drain).await
        }
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

/// What a client that began without a hello is told: the alert, or to one that speaks plain HTTP
/// the answer.
fn words<'a>(refusal: &'a Refusal, bytes: &[u8], answer: &'a [u8]) -> &'a [u8] {
    match &refusal.to_client {
        Some(alert) => alert,
        None if hello::speaks_http(bytes) => answer,
        None => &[],
    }
}

impl Course<'_> {
    /// The decision is on record, and the hello is read.
    async fn run(mut self, decided: Decided, mut hello: Hello, drain: &mut Drain) {
        let Decided {
            mut entry, permit, ..
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
        if let Some(name) = &hello.name {
            let named = judge_named(self.shared, self.active, &mut entry, self.asked, name).await;
            let Named {
                authority: named,
                effective,
                is_aws,
                found,
            } = named;
            let refused = self.active.policy.refuses(&found, &effective);
            entry.add_findings(found);
            (authority, self.effective) = (named, effective);
            self.is_aws |= is_aws;
            if refused {
                let why = Why {
                    answer: Answer::refusal(entry.decision()),
                    findings: entry.decision().findings.clone(),
                };
                return self.refused(entry, hello, &why, drain).await;
            }
        }
        if !self.effective.intercept || self.interceptor.lets_through(&authority.host) {
            return self.unbroken(entry, permit, hello, drain).await;
        }
        // HTTP/2 is not read here yet.
        let offers = Offers::of(&hello.facts.alpn).map(|offers| match offers {
            Offers::Both => Offers::Http11,
            other => other,
        });
        let Some(offers) = offers.filter(|offers| *offers != Offers::H2) else {
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
        let usable = |idle: &mut Idle| permit.allows(idle.address) && idle.conn.is_quiet();
        let upstream = match self.interceptor.pool.take(&key, usable) {
            Some(idle) => idle,
            None => {
                let leg = Leg::Tls(offers);
                let connecting = connect(
                    self.shared,
                    &mut entry,
                    &authority,
                    &permit,
                    &self.effective,
                    leg,
                );
                match Box::pin(connecting).await {
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
        entry.set_addr(upstream.address.to_string());
        entry.set_tls(Tls {
            client: Some(Arc::clone(&client_tls)),
            upstream: upstream.tls.clone(),
        });
        let alpn = upstream.alpn;
        let stream = match self.accept(hello, &authority.host, alpn, drain).await {
            Ok(stream) => stream,
            Err(failed) => {
                self.interceptor.pool.put(key, upstream);
                return self.no_session(entry, &authority, failed).await;
            }
        };
        let inner = self.inner(authority.clone(), &permit, offers, client_tls);
        let mut idle = Some(upstream);
        let served = Box::pin(h1::serve(&inner, Conn::new(stream), &mut idle, drain)).await;
        if let Some(idle) = idle.filter(|idle| !idle.personal) {
            self.interceptor.pool.put(key, idle);
        }
        self.served(entry, &authority, served).await;
    }

    fn inner(
        &self,
        authority: Authority,
        permit: &Permit,
        offers: Offers,
        client_tls: Arc<ClientTls>,
    ) -> Inner<'_> {
        Inner {
            shared: self.shared,
            visitor: self.visitor.clone(),
            authority,
            known: permit.addresses().to_vec(),
            policy: Arc::clone(&self.active.hash),
            pinned: self.asked.host.ip().is_some(),
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
        let profile = match self.effective.mode {
            Mode::Enforce => profile(&self.effective),
            Mode::Report => widest(),
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

    /// The upstream cannot be reached, or its certificate is bad: told inside.
    async fn failed(self, entry: Entry, hello: Hello, answer: Answer, drain: &mut Drain) {
        let decision = entry.decision();
        let findings = if decision.is_block() {
            decision.findings.clone()
        } else {
            Vec::new()
        };
        let outcome = Outcome {
            status: Some(200),
            error: Some(answer.detail.clone()),
            failed: true,
            ..Outcome::default()
        };
        entry.complete_first(outcome).await;
        self.tell(hello, None, &Why { answer, findings }, drain)
            .await;
    }

    /// A rule refuses the connection after its decision: told inside.
    async fn refused(self, entry: Entry, hello: Hello, why: &Why, drain: &mut Drain) {
        let outcome = Outcome {
            status: Some(200),
            error: Some(why.answer.detail.clone()),
            ..Outcome::default()
        };
        entry.complete_first(outcome).await;
        self.tell(hello, None, why, drain).await;
    }

    /// Completes the handshake and answers every request with `why`. `found`: the name is another
    /// than the hello's or CONNECT's.
    async fn tell(self, hello: Hello, found: Option<Authority>, why: &Why, drain: &mut Drain) {
        let client_tls = facts::client_tls(&hello.facts);
        let host = match &hello.facts.sni {
            crate::logic::wire::tls::Sni::Name(name) => Host::Name(name.clone()),
            crate::logic::wire::tls::Sni::Absent | crate::logic::wire::tls::Sni::Bad(_) => {
                self.asked.host.clone()
            }
        };
        let alpn = Offers::of(&hello.facts.alpn).and_then(Offers::for_answer);
        let accepted = self
            .accept_within(hello, &host, widest(), alpn, drain)
            .await;
        let stream = match accepted {
            Ok(stream) => stream,
            Err(NoSession::Leaf(_, hello)) => {
                let mut stream = hello.stream;
                let alert = facts::unrecognized_name();
                return last_words(&mut stream, &alert).await;
            }
            Err(NoSession::Accept(_) | NoSession::Gone(_)) => return,
        };
        let inner = Inner {
            shared: self.shared,
            visitor: self.visitor.clone(),
            authority: found.unwrap_or_else(|| self.asked.clone()),
            known: Vec::new(),
            policy: Arc::clone(&self.active.hash),
            pinned: true,
            offers: Offers::Unnamed,
            client_tls,
        };
        let _ = Box::pin(h1::tell(&inner, Conn::new(stream), why, drain)).await;
    }

    /// The host is not to be intercepted after all.
    async fn unbroken(self, entry: Entry, permit: Permit, hello: Hello, drain: &mut Drain) {
        let tunnel = Unbroken {
            entry,
            permit,
            effective: self.effective,
            is_aws: self.is_aws,
            authority: self.asked,
            deadline: self.deadline,
        };
        let Hello { stream, bytes, .. } = hello;
        Box::pin(carry(
            self.shared,
            self.active,
            tunnel,
            stream,
            bytes,
            drain,
        ))
        .await;
    }

    /// Interception cannot work here, and the client has not been answered yet: it goes in a
    /// tunnel where that is allowed, else it is told why not.
    async fn blocked(
        self,
        mut entry: Entry,
        permit: Permit,
        hello: Hello,
        authority: &Authority,
        obstacle: Obstacle,
        drain: &mut Drain,
    ) {
        if self.note(authority, obstacle).await.is_some() {
            return self.unbroken(entry, permit, hello, drain).await;
        }
        let hint = obstacle_hint(obstacle, authority);
        match obstacle {
            Obstacle::NotHttp => {
                let found = finding(Rule::MalformedRequest, obstacle.kind(), hint.clone());
                entry.add_findings(vec![found.clone()]);
                let why = Why {
                    answer: Answer::by_rule(found.rule, found.rule.status(), hint),
                    findings: vec![found],
                };
                self.refused(entry, hello, &why, drain).await;
            }
            Obstacle::ClientCertificate | Obstacle::ClientRejects(_) => {
                let answer = Answer::upstream(502, "tls_alert_received", hint);
                self.failed(entry, hello, answer, drain).await;
            }
        }
    }

    /// There is no session with the client.
    async fn no_session(self, mut entry: Entry, authority: &Authority, failed: NoSession) {
        let error = match failed {
            NoSession::Leaf(error, hello) => {
                let rule = match &error {
                    LeafError::Limited => Some(Rule::Limits),
                    LeafError::Outside(_) | LeafError::Ended | LeafError::Make(_) => None,
                };
                if let Some(rule) = rule {
                    entry.add_findings(vec![finding(rule, "leaf-certificates", error.to_string())]);
                }
                let mut stream = hello.stream;
                last_words(&mut stream, &facts::internal_error()).await;
                error.to_string()
            }
            NoSession::Accept(AcceptError::Rejected { alert }) => {
                let obstacle = Obstacle::ClientRejects(alert);
                self.note(authority, obstacle).await;
                obstacle_hint(obstacle, authority)
            }
            NoSession::Accept(AcceptError::Weak(why)) => {
                entry.add_findings(vec![finding(Rule::WeakTls, "client-hello", why.clone())]);
                why
            }
            NoSession::Accept(error @ (AcceptError::Closed | AcceptError::Other(_))) => {
                error.to_string()
            }
            NoSession::Gone(why) => why,
        };
        let outcome = Outcome {
            status: Some(200),
            error: Some(error),
            ..Outcome::default()
        };
        entry.complete(outcome).await;
    }

    /// The last line of a connection that was served.
    async fn served(self, entry: Entry, authority: &Authority, served: Served) {
        let mut error = served.error;
        if let Some(obstacle) = served.obstacle {
            self.note(authority, obstacle).await;
            error = Some(obstacle_hint(obstacle, authority));
        }
        let outcome = Outcome {
            status: Some(200),
            bytes: served.bytes,
            error,
            failed: false,
        };
        entry.complete(outcome).await;
    }

    /// Puts an obstacle on record; gives for how long the host goes in tunnels, if it does.
    async fn note(&self, authority: &Authority, obstacle: Obstacle) -> Option<Duration> {
        let host = &authority.host;
        let through = self.interceptor.let_through(&self.active.policy, host);
        let alert = match obstacle {
            Obstacle::ClientRejects(alert) => Some(alert_name(alert)),
            Obstacle::ClientCertificate | Obstacle::NotHttp => None,
        };
        let event = Event {
            time: clock::timestamp(),
            kind: EventKind::ClientError,
            detail: json!({
                "conn": &*self.visitor.conn,
                "client": self.visitor.client.addr.as_deref(),
                "host": host.to_string(),
                "port": authority.port,
                "obstacle": obstacle.kind(),
                "alert": alert,
                "tunnel_seconds": through.map(|through| through.as_secs()),
                "error": obstacle_hint(obstacle, authority),
            }),
        };
        // The writer cannot be gone while a connection is open.
        let _ = self.shared.journal.complete(Body::event(&event)).await;
        through
    }

    /// What the client began with is no hello.
    async fn unreadable(
        self,
        mut entry: Entry,
        refusal: &Refusal,
        mut stream: BoxClient,
        bytes: &[u8],
    ) {
        let mut found = facts::findings(&refusal.into(), self.is_aws, &self.effective);
        // Nobody can end a TLS that is not there, whatever the rule says.
        for finding in &mut found {
            finding.action = Action::Block;
        }
        entry.add_findings(found);
        let answer = Answer::by_rule(refusal.rule, refusal.rule.status(), refusal.hint.clone());
        let answer = answer.http1(entry.id(), false);
        let outcome = Outcome {
            status: Some(200),
            error: Some(refusal.hint.clone()),
            ..Outcome::default()
        };
        entry.complete_first(outcome).await;
        last_words(&mut stream, words(refusal, bytes, &answer)).await;
    }
}

/// Why there is no session with the client.
enum NoSession {
    /// Nothing was written yet.
    Leaf(LeafError, Box<Hello>),
    Accept(AcceptError),
    Gone(String),
}

/// What is spoken where only the answer counts.
fn widest() -> &'static Profile {
    Profile::by_name("baseline").unwrap_or_else(Profile::nothing)
}

fn finding(rule: Rule, kind: &'static str, hint: String) -> Finding {
    Finding {
        rule,
        kind,
        place: "handshake".into(),
        action: Action::Block,
        severity: Severity::Medium,
        length: None,
        fingerprint: None,
        hint,
    }
}

/// What stands in the way, and what mends it.
fn obstacle_hint(obstacle: Obstacle, authority: &Authority) -> String {
    let host = &authority.host;
    let except = format!("or list {host} in intercept.except: its traffic then goes in a tunnel");
    match obstacle {
        Obstacle::ClientRejects(alert) => format!(
            "the client refuses the certificate it was shown for {host} (alert {}): it does not trust outgate's authority, \
             or pins another certificate. Give it the bundle (outgate env prints the variables, outgate doctor the line \
             for each tool), {except}",
            alert_name(alert)
        ),
        Obstacle::ClientCertificate => format!(
            "{host} asks for a client certificate, which only the client has, so its TLS cannot be ended here. \
             List {host} in intercept.except: its traffic then goes in a tunnel"
        ),
        Obstacle::NotHttp => format!(
            "what is spoken with {host} inside TLS is not HTTP, and only HTTP can be read there. \
             List {host} in intercept.except: its traffic then goes in a tunnel"
        ),
    }
}

impl Obstacle {
    /// The stable word.
    const fn kind(self) -> &'static str {
        match self {
            Obstacle::ClientRejects(_) => "client-rejects",
            Obstacle::ClientCertificate => "client-certificate",
            Obstacle::NotHttp => "not-http",
        }
    }
}
