//! The course of one check: the proxy's own steps, with a handshake at their end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::certificate::Certificate;
use super::hello::Offer as Hello;
use super::probe::{Probe, ProbeEnd, probe};
use crate::edge::clock;
use crate::edge::parent::Outbound;
use crate::edge::resolve::Resolver;
use crate::edge::tls::{Alpn, Failed, Offer, Originator, Peer, Verifier};
use crate::logic::aws::{Class, classify};
use crate::logic::explain::Named;
use crate::logic::policy::{Effective, Passage, Permit, Policy, Target, Way};
use crate::logic::wire::tls::{Group, Profile, Suite, Version};
use crate::model::{Authority, Decision, Finding, Host, Rule, Severity, Verdict};
use crate::proxy::{Dialler, Parent, Unreached};

/// What all checks share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) policy: Policy,
    pub(super) own: Vec<SocketAddr>,
    pub(super) resolver: Arc<Resolver>,
    pub(super) dialler: Dialler,
    /// How the parent proxy is spoken to, if there is one.
    pub(super) parent: Option<Parent>,
    pub(super) verifier: Arc<Verifier>,
    pub(super) connect: Duration,
    pub(super) handshake: Duration,
}

impl Context {
    async fn reach(&self, permit: &Permit) -> Result<Outbound, Unreached> {
        self.dialler.reach(permit, self.parent.as_ref()).await
    }
}

/// What came of one target.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) target: String,
    pub(super) authority: Authority,
    pub(super) class: Class,
    pub(super) decision: Decision,
    pub(super) profile: &'static str,
    pub(super) address: Option<SocketAddr>,
    pub(super) tls: Option<Tls>,
    pub(super) certificates: Vec<Certificate>,
    /// Why there is less to tell than one would wish.
    pub(super) note: Option<String>,
    /// Why there is no connection, or no TLS on it.
    pub(super) error: Option<String>,
}

/// What was agreed.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    pub(super) version: Option<String>,
    pub(super) cipher: Option<String>,
    pub(super) group: Option<String>,
    pub(super) alpn: Option<String>,
    /// Whether the chain was verified; `None`: it could not be seen.
    pub(super) verified: Option<bool>,
}

impl Checked {
    /// Whether nothing is wrong with it: neither refused nor out of reach.
    pub(super) fn is_good(&self) -> bool {
        self.error.is_none() && self.decision.would != Verdict::Block
    }
}

/// Checks one target, within the time of connecting and shaking hands.
pub(super) async fn check(context: &Context, named: Named) -> Checked {
    let Named {
        authority,
        way,
        shown,
    } = named;
    let class = classify(&authority.host);
    let target = Target {
        authority: &authority,
        class: &class,
        way,
    };
    let effective = context.policy.effective(&target);
    let mut course = Course {
        context,
        effective,
        found: context.policy.judge_name(&target, &effective),
        address: None,
        tls: None,
        certificates: Vec::new(),
        note: None,
        error: None,
    };
    course.run(&target).await;
    let mut decision = Decision::from_findings(course.found, effective.mode);
    if course.error.is_some() && decision.would != Verdict::Block {
        decision.verdict = Verdict::Error;
    }
    Checked {
        target: shown,
        decision,
        profile: effective.profile.id(),
        address: course.address,
        tls: course.tls,
        certificates: course.certificates,
        note: course.note,
        error: course.error,
        class,
        authority,
    }
}

struct Course<'a> {
    context: &'a Context,
    effective: Effective,
    found: Vec<Finding>,
    address: Option<SocketAddr>,
    tls: Option<Tls>,
    certificates: Vec<Certificate>,
    note: Option<String>,
    error: Option<String>,
}

impl Course<'_> {
    async fn run(&mut self, target: &Target<'_>) {
        let policy = &self.context.policy;
        if policy.refuses(&self.found, &self.effective) {
            self.note = Some("refused before its name would be resolved".to_owned());
            return;
        }
        let so_far = Decision::from_findings(self.found.clone(), self.effective.mode);
        let mut asked = target.authority.clone();
        let upgraded = so_far.is_upgrade();
        if upgraded && asked.port == 80 {
            asked.port = 443;
        }
        let Some(permit) = self.permit(target, &asked).await else {
            return;
        };
        let Some(stream) = self.connect(&permit).await else {
            return;
        };
        if target.way == Way::Forward && !upgraded {
            self.note = Some("plain HTTP: there is no TLS to look at".to_owned());
            return;
        }
        let limit = self.context.handshake;
        let work = self.shake_hands(&target.authority.host, stream, &permit);
        if tokio::time::timeout(limit, work).await.is_err() && self.error.is_none() {
            self.error = Some(format!(
                "no TLS handshake within {} s (timeouts.handshake)",
                limit.as_secs_f64()
            ));
        }
    }

    /// Resolves, and has the addresses judged.
    async fn permit(&mut self, target: &Target<'_>, asked: &Authority) -> Option<Permit> {
        let context = self.context;
        let dialled = match context.policy.passage(asked) {
            Passage::Direct(dialled) => dialled,
            Passage::Parent(led) => return self.permit_by_name(target, asked, led),
        };
        let addresses = match &dialled.host {
            Host::V4(addr) => vec![(*addr).into()],
            Host::V6(addr) => vec![(*addr).into()],
            Host::Name(name) => {
                let resolving = context.resolver.resolve(name);
                match tokio::time::timeout(context.connect, resolving).await {
                    Ok(Ok(answer)) => answer.addresses.clone(),
                    Ok(Err(error)) => {
                        self.error = Some(error.to_string());
                        return None;
                    }
                    Err(_) => {
                        let seconds = context.connect.as_secs_f64();
                        self.error = Some(format!("{name} does not resolve within {seconds} s"));
                        return None;
                    }
                }
            }
        };
        let addresses: Vec<SocketAddr> = addresses
            .into_iter()
            .map(|addr| SocketAddr::new(addr, dialled.port))
            .collect();
        let target = Target {
            authority: asked,
            ..*target
        };
        let found = std::mem::take(&mut self.found);
        let (decision, permit) =
            context
                .policy
                .permit(&target, &self.effective, found, &addresses, &context.own);
        self.found = decision.findings;
        if permit.is_none() {
            self.address = addresses.first().copied();
            self.note = Some("refused before anything would be dialled".to_owned());
        }
        permit
    }

    /// The parent proxy resolves it.
    fn permit_by_name(
        &mut self,
        target: &Target<'_>,
        asked: &Authority,
        led: Authority,
    ) -> Option<Permit> {
        let context = self.context;
        let target = Target {
            authority: asked,
            ..*target
        };
        let found = std::mem::take(&mut self.found);
        let (decision, permit) =
            context
                .policy
                .permit_by_name(&target, &self.effective, found, led, &context.own);
        self.found = decision.findings;
        self.note = Some(match permit.as_ref().and_then(Permit::through_parent) {
            Some(by_name) => format!("through the parent proxy {}", by_name.proxy),
            None => "refused before the parent proxy would be asked".to_owned(),
        });
        permit
    }

    async fn connect(&mut self, permit: &Permit) -> Option<Outbound> {
        match self.context.reach(permit).await {
            Ok(stream) => {
                self.address = stream.address();
                Some(stream)
            }
            Err(error) => {
                self.error = Some(error.to_string());
                None
            }
        }
    }

    async fn shake_hands(&mut self, host: &Host, stream: Outbound, permit: &Permit) {
        let originator = Originator::without_resumption(Arc::clone(&self.context.verifier));
        let profile =
            Profile::by_name(self.effective.profile.id()).unwrap_or_else(Profile::nothing);
        match originator
            .originate(host, stream, profile, Offer::Profile, &Alpn::ALL)
            .await
        {
            Ok((mut tls, peer)) => {
                // An orderly end; whether it arrives is of no account.
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut tls).await;
                self.agreed(&peer);
            }
            Err(Failed::Certificate(fault, peer)) => {
                self.chain(&peer.chain);
                self.tls = Some(Tls {
                    verified: Some(false),
                    ..Tls::default()
                });
                self.find(
                    Rule::InvalidCertificate,
                    fault.kind(),
                    sentence(fault.words()),
                );
                // rustls tells no version of a handshake that it ended itself.
                if let Some(probe) = self
                    .probe(host, permit, profile, &Hello::profile(profile))
                    .await
                {
                    self.describe(&probe);
                }
            }
            Err(failed) => {
                let why = failed.to_string();
                self.ask_further(host, permit, profile, &why).await;
            }
        }
    }

    /// There was no session. Is that the server's weakness, or something that our own TLS lacks?
    async fn ask_further(
        &mut self,
        host: &Host,
        permit: &Permit,
        profile: &'static Profile,
        why: &str,
    ) {
        let mut said = None;
        for hello in [Hello::profile(profile), Hello::everything()] {
            let Some(probe) = self.probe(host, permit, profile, &hello).await else {
                return;
            };
            self.describe(&probe);
            match probe.end {
                ProbeEnd::Agreed => {
                    self.note = Some(format!(
                        "what the server agrees to is within the profile, but this handshake could not be finished: {why}"
                    ));
                    return;
                }
                ProbeEnd::Refused(refusal) => {
                    return self.find(refusal.rule, refusal.kind, sentence(&refusal.hint));
                }
                ProbeEnd::Closed(alert) => said = alert.map(|alert| alert.name()).or(said),
                ProbeEnd::Failed(error) => {
                    self.error = Some(format!("no TLS: {why}; then {error}"));
                    return;
                }
            }
        }
        match said {
            Some(alert) => self.find(
                Rule::WeakTls,
                "no-common-parameters",
                format!(
                    "The server agrees to nothing that the profile {} allows; it said {alert}. \
                     Have it updated to {}.",
                    profile.name(),
                    profile.versions_in_words()
                ),
            ),
            None => {
                self.error = Some(format!(
                    "the server ends every handshake without a word: {why}"
                ))
            }
        }
    }

    async fn probe(
        &mut self,
        host: &Host,
        permit: &Permit,
        profile: &'static Profile,
        hello: &Hello,
    ) -> Option<Probe> {
        let stream = self.context.reach(permit).await.ok()?;
        Some(probe(&self.context.verifier, host, stream, profile, hello).await)
    }

    fn agreed(&mut self, peer: &Peer) {
        self.tls = Some(Tls {
            version: peer.version.map(|code| Version(code).to_string()),
            cipher: peer.suite.map(|code| Suite(code).to_string()),
            group: peer.group.map(|code| Group(code).to_string()),
            alpn: peer.alpn.map(|alpn| alpn.name().to_owned()),
            verified: Some(true),
        });
        self.chain(&peer.chain);
    }

    /// What a probe showed, beside what is known already.
    fn describe(&mut self, probe: &Probe) {
        let Some(upstream) = &probe.facts.upstream else {
            return;
        };
        let verified = self.tls.as_ref().and_then(|tls| tls.verified);
        self.tls = Some(Tls {
            version: Some(upstream.version.to_string()),
            cipher: Some(upstream.suite.to_string()),
            group: upstream.group.map(|group| group.to_string()),
            alpn: upstream.alpn.clone(),
            verified: verified.or_else(|| probe.facts.certificate_verified.then_some(true)),
        });
    }

    fn chain(&mut self, chain: &[Vec<u8>]) {
        let now = i64::try_from(clock::unix_seconds()).unwrap_or(i64::MAX);
        self.certificates = chain
            .iter()
            .filter_map(|der| Certificate::read(der, now))
            .collect();
    }

    fn find(&mut self, rule: Rule, kind: &'static str, hint: String) {
        self.found.push(Finding {
            rule,
            kind,
            place: "handshake".into(),
            action: self.effective.actions.get(rule),
            severity: Severity::High,
            length: None,
            fingerprint: None,
            hint,
        });
    }
}

/// Faults are worded to stand inside a sentence.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    let end = if words.ends_with('.') { "" } else { "." };
    first.into_iter().chain(chars).chain(end.chars()).collect()
}
