//! The course of a CONNECT: decide, dial, judge both hellos, relay, complete.

use std::sync::Arc;

use tokio::time::Instant;

use crate::edge::client::ClientIo;
use crate::edge::parent::Outbound;
use crate::edge::relay::Relay;
use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Permit, Target, Way};
use crate::logic::record::{Bytes, Carried, Request};
use crate::logic::wire::tls::{Bounds, Judge, Question};
use crate::model::{Action, Authority, Decision, Finding, Host, Mode, Rule, Severity};

use super::answer::Answer;
use super::course::{Course, Judged, ask_preflight};
use super::decide::{Ask, Decided, Stopped, decide, fail};
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome};
use super::facts::{self};
use super::handshake::Handshake;
use super::intercept::intercept;
use super::route::HeadFacts;
use super::state::{Active, Shared, profile};

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
    type Stream: ClientIo + 'static;

    /// Refuses; nothing follows.
    fn refuse(self, answer: &Answer, request_id: &str) -> impl Future<Output = ()> + Send;

    /// Says yes; gives the stream and what the client sent already.
    fn accept(self) -> impl Future<Output = std::io::Result<(Self::Stream, Vec<u8>)>> + Send;
}

/// Carries one tunnel from request to completion.
pub(super) async fn tunnel<C: TunnelClient>(
    shared: &Arc<Shared>,
    active: &Active,
    draft: Draft,
    connect: Connect<'_>,
    client: C,
    drain: &mut Drain,
) {
    let authority = connect.authority;
    let class = classify(&authority.host);
    let target = Target {
        authority,
        class: &class,
        way: Way::Connect,
    };
    let effective = active.policy.effective(&target);
    if let Some(interceptor) = &shared.interceptor {
        // The hello of a tunnel to an address may name a host whose TLS is to be ended.
        let wanted = effective.intercept
            || (authority.host.ip().is_some() && active.policy.intercepts_names());
        if wanted && !interceptor.lets_through(&authority.host) {
            let course = intercept(
                shared,
                interceptor,
                active,
                effective,
                draft,
                connect,
                client,
                drain,
            );
            return Box::pin(course).await;
        }
    } else if effective.intercept {
        return no_authority(shared, draft, connect, client).await;
    }
    // Boxed one after the other, so that what establishing needs is given back before the relay,
    // which may last days.
    let established = Box::pin(establish(shared, active, draft, connect, client, drain)).await;
    if let Some((course, relay, before)) = established {
        Box::pin(course.relay(relay, before, shared.timeouts.idle, drain)).await;
    }
}

/// The rules ask for an interception that this process was not started for.
async fn no_authority<C: TunnelClient>(
    shared: &Shared,
    mut draft: Draft,
    connect: Connect<'_>,
    client: C,
) {
    draft.set_request(connect.request);
    let finding = Finding {
        rule: Rule::Destination,
        kind: "no-authority",
        place: "host".into(),
        action: Action::Block,
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: format!(
            "The settings ask for the TLS of {} to be ended here, and outgate was started without an authority. \
             Restart it with the settings as they are now.",
            connect.authority.host
        ),
    };
    let decision = Decision::from_findings(vec![finding], Mode::Enforce);
    let answer = Answer::refusal(&decision);
    let id = draft.id().to_owned();
    draft
        .refuse(&shared.journal, &decision, Some(answer.status))
        .await;
    client.refuse(&answer, &id).await;
}

/// A tunnel to relay, and what has passed already.
type Established<'a, S> = (Course<'a>, Relay<S, Outbound>, Bytes);

/// From the request to a judged handshake; `None`: it ended before, and that is on record.
async fn establish<'a, C: TunnelClient>(
    shared: &Shared,
    active: &Active,
    draft: Draft,
    connect: Connect<'a>,
    client: C,
    drain: &mut Drain,
) -> Option<Established<'a, C::Stream>> {
    // The handshake's time runs from CONNECT.
    let deadline = Instant::now() + shared.timeouts.handshake;
    let Connect {
        authority,
        host,
        request,
    } = connect;
    let look = |effective: &Effective| judge_head(effective, host, authority);
    let decided = decide(
        shared,
        active,
        draft,
        request,
        Ask {
            authority,
            way: Way::Connect,
            carried: Carried::Tunnel,
            known: None,
        },
        look,
    )
    .await;
    let Decided {
        mut entry,
        permit,
        effective,
        is_aws,
        ..
    } = match decided {
        Ok(decided) => decided,
        Err(Stopped { answer, id, .. }) => {
            client.refuse(&answer, &id).await;
            return None;
        }
    };

    // Before our own connection, so that a server that serves one after the other serves it first.
    let preflight = ask_preflight(shared, active, &effective, &authority.host, &permit);
    let upstream = match shared.dialler.reach(&permit, active.parent.as_ref()).await {
        Ok(stream) => stream,
        Err(unreached) => {
            let (answer, id) = fail(entry, unreached.answer()).await;
            client.refuse(&answer, &id).await;
            return None;
        }
    };
    if let Some(address) = upstream.address() {
        entry.set_addr(address.to_string());
    }
    let (stream, early) = match client.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            let error = Some(format!("the client is gone: {error}"));
            entry
                .complete(Outcome {
                    error,
                    ..Outcome::default()
                })
                .await;
            return None;
        }
    };
    let course = Course {
        entry,
        is_aws,
        authority,
        effective,
        permit,
        preflight,
        deadline,
        seen: None,
    };
    shake_hands(shared, active, course, stream, upstream, early, drain).await
}

/// A tunnel to a host whose TLS was to be ended here: the client has its 200 and has begun.
pub(super) struct Unbroken<'a> {
    pub(super) entry: Entry,
    pub(super) permit: Permit,
    pub(super) effective: Effective,
    pub(super) is_aws: bool,
    pub(super) authority: &'a Authority,
    pub(super) deadline: Instant,
}

/// Carries it, with what the client has sent already.
pub(super) async fn carry<S: ClientIo>(
    shared: &Shared,
    active: &Active,
    tunnel: Unbroken<'_>,
    mut stream: S,
    early: Vec<u8>,
    drain: &mut Drain,
) {
    let Unbroken {
        mut entry,
        permit,
        effective,
        is_aws,
        authority,
        deadline,
    } = tunnel;
    entry.set_carried(Carried::Tunnel);
    let preflight = ask_preflight(shared, active, &effective, &authority.host, &permit);
    let upstream = match shared.dialler.reach(&permit, active.parent.as_ref()).await {
        Ok(stream) => stream,
        Err(unreached) => {
            fail(entry, unreached.answer()).await;
            stream.abort();
            return;
        }
    };
    if let Some(address) = upstream.address() {
        entry.set_addr(address.to_string());
    }
    let course = Course {
        entry,
        is_aws,
        authority,
        effective,
        permit,
        preflight,
        deadline,
        seen: None,
    };
    let shaken = shake_hands(shared, active, course, stream, upstream, early, drain);
    if let Some((course, relay, before)) = Box::pin(shaken).await {
        Box::pin(course.relay(relay, before, shared.timeouts.idle, drain)).await;
    }
}

/// Both sides are connected: judges their handshake.
async fn shake_hands<'a, S: ClientIo>(
    shared: &Shared,
    active: &Active,
    mut course: Course<'a>,
    stream: S,
    upstream: Outbound,
    early: Vec<u8>,
    drain: &mut Drain,
) -> Option<Established<'a, S>> {
    let question = question(
        course.authority,
        &course.effective,
        course.is_aws,
        shared.limits.handshake,
    );
    let verifier = Arc::clone(&shared.verifier);
    let handshake = Handshake::new(
        Judge::new(question, Box::new(verifier)),
        stream,
        upstream,
        early,
    );
    match course.judge(shared, active, handshake, drain).await {
        Judged::Pass(relay, before) => return Some((course, relay, before)),
        Judged::Refused(handshake, refusal) => course.refuse(handshake, &refusal).await,
        Judged::Ended(outcome) => course.entry.complete(outcome).await,
    }
    None
}

/// What a CONNECT's own head shows.
pub(super) fn judge_head(
    effective: &Effective,
    host: Option<&Host>,
    authority: &Authority,
) -> HeadFacts {
    HeadFacts {
        found: host
            .and_then(|host| effective.judge_host(host, super::heads::HOST, authority))
            .into_iter()
            .collect(),
        named: host.cloned().into_iter().collect(),
        is_signed: false,
    }
}

pub(super) fn question(
    authority: &Authority,
    effective: &Effective,
    is_aws: bool,
    bounds: Bounds,
) -> Question {
    let mut actions = effective.actions;
    if is_aws {
        // The judge knows no AWS: what is no TLS there is held to the stricter of both rules.
        let strictest = actions
            .get(Rule::NotTls)
            .max(facts::plaintext_in_tunnel(effective));
        actions.set(Rule::NotTls, strictest);
    }
    let (actions, hold) = match effective.mode {
        Mode::Enforce => (actions, true),
        Mode::Report => (actions.softened(), false),
    };
    Question {
        connect: authority.host.clone(),
        profile: profile(effective),
        actions,
        hold,
        bounds,
    }
}
