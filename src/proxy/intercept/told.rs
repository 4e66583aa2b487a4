//! What the client of an intercepted connection is told where there is nothing to forward: inside
//! its handshake wherever there can be one.

use std::sync::Arc;

use crate::edge::ca::LeafError;
use crate::edge::client::last_words;
use crate::edge::http1::Conn;
use crate::edge::tls::{AcceptError, Alpn};
use crate::logic::policy::Permit;
use crate::logic::wire::tls::{Profile, Refusal, Sni};
use crate::model::{Action, Authority, Finding, Host, Rule, Severity};

use super::super::answer::Answer;
use super::super::drain::Drain;
use super::super::entry::{Entry, Outcome};
use super::super::facts;
use super::super::tunnel::{Unbroken, carry};
use super::super::upstream::Offers;
use super::hello::{BoxClient, Hello, speaks_http};
use super::inner::{Inner, Why};
use super::obstacle::Obstacle;
use super::{Course, NoSession, h1, h2};

impl Course<'_> {
    /// The upstream cannot be reached, or its certificate is bad: told inside.
    pub(super) async fn failed(
        self,
        entry: Entry,
        hello: Hello,
        answer: Answer,
        drain: &mut Drain,
    ) {
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
        self.tell(hello, &Why { answer, findings }, drain).await;
    }

    /// A rule refuses the connection after its decision: told inside.
    pub(super) async fn refused(self, entry: Entry, hello: Hello, why: &Why, drain: &mut Drain) {
        let outcome = Outcome {
            status: Some(200),
            error: Some(why.answer.detail.clone()),
            ..Outcome::default()
        };
        entry.complete_first(outcome).await;
        self.tell(hello, why, drain).await;
    }

    /// Completes the handshake and answers every request with `why`.
    pub(super) async fn tell(self, hello: Hello, why: &Why, drain: &mut Drain) {
        let client_tls = facts::client_tls(&hello.facts);
        let host = match &hello.facts.sni {
            Sni::Name(name) => Host::Name(name.clone()),
            Sni::Absent | Sni::Bad(_) => self.asked.host.clone(),
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
            shared: Arc::clone(self.shared),
            visitor: self.visitor.clone(),
            authority: self.asked.clone(),
            known: None,
            policy: Arc::clone(&self.active.hash),
            pinned: true,
            offers: Offers::Unnamed,
            client_tls,
        };
        if alpn == Some(Alpn::H2) {
            let _ = Box::pin(h2::tell(inner, stream, why, drain)).await;
        } else {
            let _ = Box::pin(h1::tell(&inner, Conn::new(stream), why, drain)).await;
        }
    }

    /// The host is not to be intercepted after all.
    pub(super) async fn unbroken(
        self,
        entry: Entry,
        permit: Permit,
        hello: Hello,
        drain: &mut Drain,
    ) {
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
    pub(super) async fn blocked(
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
        let hint = super::obstacle::hint(obstacle, authority);
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
    pub(super) async fn no_session(
        self,
        mut entry: Entry,
        authority: &Authority,
        failed: NoSession,
    ) {
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
                super::obstacle::hint(obstacle, authority)
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

    /// What the client began with is no hello.
    pub(super) async fn unreadable(
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

/// What a client that began without a hello is told: the alert, or to one that speaks plain HTTP
/// the answer.
pub(super) fn words<'a>(refusal: &'a Refusal, bytes: &[u8], answer: &'a [u8]) -> &'a [u8] {
    match &refusal.to_client {
        Some(alert) => alert,
        None if speaks_http(bytes) => answer,
        None => &[],
    }
}

/// What is spoken where only the answer counts.
pub(super) fn widest() -> &'static Profile {
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
