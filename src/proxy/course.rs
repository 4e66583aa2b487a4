//! A tunnel from its upstream connection to its completion: judge both hellos, relay.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::edge::client::{ClientIo, abort, last_words};
use crate::edge::parent::Outbound;
use crate::edge::relay::{End, Relay};
use crate::edge::tls::{Pending, Seen};
use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Permit, Target, Way};
use crate::logic::record::Bytes;
use crate::logic::wire::tls::{Facts, Refusal, Side};
use crate::model::{Action, Authority, DnsName, Finding, Host, Mode, Rule};

use super::answer::Answer;
use super::drain::Drain;
use super::entry::{Entry, Outcome};
use super::facts::{self, Fault};
use super::handshake::{Handshake, Turn};
use super::route::{addresses_of, described};
use super::state::{Active, Shared, profile};

/// An open tunnel gives a sign of life on record this often.
const PROGRESS: Duration = Duration::from_secs(3600);

/// A tunnel whose decision is on record and whose upstream is connected.
pub(super) struct Course<'a> {
    pub(super) entry: Entry,
    /// Whether CONNECT's name or the SNI is an AWS endpoint.
    pub(super) is_aws: bool,
    pub(super) authority: &'a Authority,
    pub(super) effective: Effective,
    pub(super) permit: Permit,
    pub(super) preflight: Option<Pending>,
    pub(super) deadline: Instant,
    /// In report mode, what the handshake showed, until the preflight beside it is done.
    pub(super) seen: Option<Box<Facts>>,
}

/// What came of the handshake.
#[expect(
    clippy::large_enum_variant,
    reason = "made once a tunnel and taken apart at once"
)]
pub(super) enum Judged<C> {
    /// Relay; so many bytes have passed already.
    Pass(Relay<C, Outbound>, Bytes),
    Refused(Handshake<C, Outbound>, Refusal),
    Ended(Outcome),
}

impl Course<'_> {
    pub(super) async fn judge<C: ClientIo>(
        &mut self,
        shared: &Shared,
        active: &Active,
        mut handshake: Handshake<C, Outbound>,
        drain: &mut Drain,
    ) -> Judged<C> {
        let holds = self.effective.mode == Mode::Enforce;
        let mut deadline = std::pin::pin!(tokio::time::sleep_until(self.deadline));
        let mut extended = false;
        let end = loop {
            let turn = tokio::select! {
                turn = handshake.turn() => turn,
                () = &mut deadline => match holds {
                    // The hellos are judged; what follows may take as long as any silence.
                    true if handshake.facts().hellos_judged && !std::mem::replace(&mut extended, true) => {
                        deadline.as_mut().reset(Instant::now() + shared.timeouts.idle);
                        continue;
                    }
                    true => Turn::Refuse(handshake.timeout()),
                    // Whatever this is, it is not interfered with.
                    false if !std::mem::replace(&mut extended, true) => {
                        handshake.pass_unjudged();
                        deadline.as_mut().reset(Instant::now() + shared.timeouts.idle);
                        continue;
                    }
                    false => Turn::Failed(Side::Server, std::io::ErrorKind::TimedOut.into()),
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
                    if let Some(refusal) = self
                        .await_preflight(handshake.facts().certificate_verified)
                        .await
                    {
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

    /// CONNECT named an address, the hello names `name`.
    async fn judge_sni(
        &mut self,
        shared: &Shared,
        active: &Active,
        name: &DnsName,
    ) -> Result<(), Refusal> {
        let Named {
            authority,
            effective,
            is_aws,
            found,
            ..
        } = judge_named(
            shared,
            active,
            &mut self.entry,
            &self.permit,
            self.authority,
            name,
        )
        .await;
        self.is_aws |= is_aws;
        if effective.preflight && self.preflight.is_none() {
            let host = &authority.host;
            self.preflight = ask_preflight(shared, active, &effective, host, &self.permit);
        }
        let refused = active.policy.refuses(&found, &effective);
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
                        self.note(&refusal);
                        None
                    }
                }
            }
        }
    }

    /// The verdict of the handshake is a refusal: an alert (or, to a client that speaks plain
    /// HTTP, an HTTP answer), then close.
    pub(super) async fn refuse<C: ClientIo>(
        mut self,
        mut handshake: Handshake<C, Outbound>,
        refusal: &Refusal,
    ) {
        self.note_facts(&handshake);
        self.note(refusal);
        let outcome = Outcome {
            status: Some(200),
            bytes: handshake.bytes(),
            error: Some(refusal.hint.clone()),
            ..Outcome::default()
        };
        let answer = Answer::refusal(self.entry.decision()).http1(self.entry.id(), false);
        // On record before the client hears of it, so that whoever sees the alert finds the line.
        self.entry.complete_first(outcome).await;
        let words: &[u8] = match &refusal.to_client {
            Some(alert) => alert,
            None if handshake.client_speaks_http() => &answer,
            None => &[],
        };
        last_words(handshake.client_mut(), words).await;
    }

    fn ended<C: ClientIo>(
        &mut self,
        handshake: &Handshake<C, Outbound>,
        why: String,
        failed: bool,
    ) -> Outcome {
        self.note_facts(handshake);
        Outcome {
            status: Some(200),
            bytes: handshake.bytes(),
            error: Some(why),
            failed,
        }
    }

    fn note_facts<C: ClientIo>(&mut self, handshake: &Handshake<C, Outbound>) {
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
        match preflight {
            Some(outcome) => self.note_preflight(&outcome, seen.certificate_verified),
            None if self.preflight.is_some() => self.seen = Some(Box::new(seen.clone())),
            None => {}
        }
    }

    pub(super) async fn relay<C: ClientIo>(
        mut self,
        mut relay: Relay<C, Outbound>,
        before: Bytes,
        idle: Duration,
        drain: &mut Drain,
    ) {
        // Not `interval`: its first tick waits for the timer's next millisecond.
        let mut hour = tokio::time::interval_at(Instant::now() + PROGRESS, PROGRESS);
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
            Some(End::Client(_)) => abort(upstream.tcp()),
            Some(End::Upstream(_)) => client.abort(),
            Some(End::Closed | End::Idle) | None => {}
        }
        let failed = matches!(end, Some(End::Upstream(_)));
        let error = facts::relay_end(end.as_ref(), idle);
        drop((client, upstream));
        self.note_late_preflight().await;
        self.entry
            .complete(Outcome {
                status: Some(200),
                bytes,
                error,
                failed,
            })
            .await;
    }

    /// What the preflight found, unless the tunnel itself showed a good certificate.
    fn note_preflight(&mut self, outcome: &Seen, is_verified: bool) {
        if let Seen::Failed(fault, _) = outcome
            && !is_verified
        {
            let refusal = facts::bad_certificate(*fault);
            self.note(&refusal);
        }
    }

    /// Adds the findings of a refusal, once.
    fn note(&mut self, refusal: &Refusal) {
        let noted =
            |finding: &Finding| (finding.rule, finding.kind) == (refusal.rule, refusal.kind);
        if !self.entry.decision().findings.iter().any(noted) {
            let found = facts::findings(&refusal.into(), self.is_aws, &self.effective);
            self.entry.add_findings(found);
        }
    }

    /// A preflight that nothing waited for: in report mode, or beside a certificate that was
    /// seen. Its verdict belongs on record all the same.
    async fn note_late_preflight(&mut self) {
        let (Some(seen), Some(preflight)) = (self.seen.take(), &mut self.preflight) else {
            return;
        };
        let outcome = preflight.wait().await;
        self.note_preflight(&outcome, seen.certificate_verified);
        self.entry.set_tls(facts::tls(&seen, Some(&outcome)));
    }
}

pub(super) fn ask_preflight(
    shared: &Shared,
    active: &Active,
    effective: &Effective,
    host: &Host,
    permit: &Permit,
) -> Option<Pending> {
    let wanted =
        effective.preflight && effective.actions.get(Rule::InvalidCertificate) != Action::Off;
    if !wanted {
        return None;
    }
    // Half of the handshake's time: one that hangs must leave the tunnel its own half.
    let limit = shared.timeouts.handshake / 2;
    let profile = profile(effective);
    let Some(by_name) = permit.through_parent() else {
        let address = permit.addresses().first().copied()?;
        return Some(shared.preflights.ask(host, address, profile, limit));
    };
    let (dialler, permit, parent) = (
        Arc::clone(&shared.dialler),
        permit.clone(),
        active.parent.clone(),
    );
    let connect = async move {
        let reached = dialler.reach(&permit, parent.as_ref()).await;
        reached.map_err(|unreached| unreached.to_string())
    };
    let place = (by_name.proxy.clone(), by_name.asked.clone());
    Some(
        shared
            .preflights
            .ask_through(host, place, profile, limit, connect),
    )
}

/// The name of a hello, where CONNECT named an address.
pub(super) struct Named {
    pub(super) authority: Authority,
    pub(super) effective: Effective,
    pub(super) is_aws: bool,
    pub(super) found: Vec<Finding>,
    /// Whether the address that was asked for is one of the name's.
    pub(super) is_there: bool,
}

/// Judges `name` by the same rules as a CONNECT to it; the address that was `asked` for must be
/// one of its addresses.
pub(super) async fn judge_named(
    shared: &Shared,
    active: &Active,
    entry: &mut Entry,
    permit: &Permit,
    asked: &Authority,
    name: &DnsName,
) -> Named {
    let policy = &active.policy;
    let authority = Authority {
        host: Host::Name(name.clone()),
        port: asked.port,
    };
    let class = classify(&authority.host);
    let target = Target {
        authority: &authority,
        class: &class,
        way: Way::Connect,
    };
    let effective = policy.effective(&target);
    entry.set_class(described(&class));
    let mut found = policy.judge_name(&target, &effective);
    // An operator who redirects the name has said where it leads.
    let led = policy
        .connect_to(&authority)
        .map(|redirect| redirect.target(&authority));
    let (host, reached) = match &led {
        Some(led) => (&led.host, entry.dialled().map(|address| address.ip())),
        None => (&authority.host, asked.host.ip()),
    };
    let resolved = match permit.through_parent() {
        Some(_) => Err("names are not resolved here, behind a parent proxy".to_owned()),
        None => addresses_of(&shared.resolver, host).await,
    };
    let is_among = |addresses: &[IpAddr]| reached.is_some_and(|ip| addresses.contains(&ip));
    let is_there = resolved
        .as_ref()
        .is_ok_and(|(addresses, _)| is_among(addresses));
    if !is_there {
        let error = resolved.err();
        found.push(facts::foreign_address(name, &asked.host, &effective, error));
    }
    let is_aws = class.is_aws();
    Named {
        authority,
        effective,
        is_aws,
        found,
        is_there,
    }
}
