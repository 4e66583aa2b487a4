//! The course of a CONNECT: decide, dial, judge both hellos, relay, complete.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::edge::client::ClientIo;
use crate::edge::dial::dial;
use crate::edge::relay::Relay;
use crate::logic::policy::{Effective, Way};
use crate::logic::record::{Bytes, Request};
use crate::logic::wire::tls::{Bounds, Judge, Question};
use crate::model::{Authority, Host, Mode, Rule};

use super::answer::Answer;
use super::course::{Course, Judged, ask_preflight};
use super::decide::{Decided, decide, fail};
use super::drain::Drain;
use super::entry::{Draft, Outcome};
use super::facts::{self};
use super::handshake::Handshake;
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
    draft: Draft,
    connect: Connect<'_>,
    client: C,
    drain: &mut Drain,
) {
    // Boxed one after the other, so that what establishing needs is given back before the relay,
    // which may last days.
    let established = Box::pin(establish(shared, active, draft, connect, client, drain)).await;
    if let Some((course, relay, before)) = established {
        Box::pin(course.relay(relay, before, shared.timeouts.idle, drain)).await;
    }
}

/// A tunnel to relay, and what has passed already.
type Established<'a, S> = (Course<'a>, Relay<S, TcpStream>, Bytes);

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
    let look = |effective: &Effective| HeadFacts {
        found: host
            .and_then(|host| effective.judge_host(host, super::heads::HOST, authority))
            .into_iter()
            .collect(),
        is_signed: false,
    };
    let decided = decide(
        shared,
        active,
        draft,
        request,
        authority,
        Way::Connect,
        look,
    )
    .await;
    let Decided {
        mut entry,
        permit,
        effective,
        is_aws,
    } = match decided {
        Ok(decided) => decided,
        Err((answer, id)) => {
            client.refuse(&answer, &id).await;
            return None;
        }
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
            let answer = Answer::upstream(status, word, error.to_string());
            let (answer, id) = fail(entry, answer).await;
            client.refuse(&answer, &id).await;
            return None;
        }
    };
    if let Ok(peer) = upstream.peer_addr() {
        entry.set_addr(peer.to_string());
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
    let verifier = Arc::clone(&shared.verifier);
    let handshake = Handshake::new(
        Judge::new(
            question(authority, &effective, is_aws, shared.limits.handshake),
            Box::new(verifier),
        ),
        stream,
        upstream,
        early,
    );
    let mut course = Course {
        entry,
        is_aws,
        authority,
        effective,
        preflight,
        deadline,
        seen: None,
    };
    match course.judge(shared, active, handshake, drain).await {
        Judged::Pass(relay, before) => return Some((course, relay, before)),
        Judged::Refused(handshake, refusal) => course.refuse(handshake, &refusal).await,
        Judged::Ended(outcome) => course.entry.complete(outcome).await,
    }
    None
}

fn question(
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
