//! The course of a plain HTTP request in absolute form, up to its decision.

use crate::edge::client::ClientStream;
use crate::edge::http1::Conn;
use crate::logic::policy::{Effective, Way};
use crate::logic::record::{Carried, Request};
use crate::logic::wire::http1::{RequestHead, RequestTarget};

use super::decide::{Ask, Decided, Stopped, decide};
use super::drain::Drain;
use super::entry::Draft;
use super::exchange::{Course, say};
use super::heads;
use super::route::HeadFacts;
use super::state::{Active, Shared};
use super::upstream::{Idle, Leg, Offers};

/// One request.
#[derive(Debug)]
pub(super) struct Forward {
    pub request: Request,
    pub head: RequestHead,
}

/// Carries one request from head to completion. Gives the client's connection back if another
/// request may follow on it.
pub(super) async fn forward(
    shared: &Shared,
    active: &Active,
    draft: Draft,
    forward: Forward,
    conn: Conn<ClientStream>,
    idle: &mut Option<Idle>,
    drain: &mut Drain,
) -> Option<Conn<ClientStream>> {
    let Forward { request, head } = forward;
    let RequestTarget::Absolute {
        scheme,
        authority,
        userinfo,
        ..
    } = &head.target
    else {
        return None;
    };
    let look = |effective: &Effective| {
        let host = head.host.as_ref().map(|host| &host.host);
        let mut found = Vec::new();
        found.extend(heads::https_in_the_clear(*scheme));
        found.extend(userinfo.as_ref().and_then(|userinfo| {
            effective.judge_userinfo(userinfo.has_password(), userinfo.byte_len())
        }));
        found.extend(host.and_then(|host| effective.judge_host(host, heads::HOST, authority)));
        HeadFacts {
            found,
            named: host.cloned().into_iter().collect(),
            is_signed: heads::is_signed(&head),
        }
    };
    match decide(
        shared,
        active,
        draft,
        request,
        Ask {
            authority,
            way: Way::Forward,
            carried: Carried::Forward,
            known: None,
        },
        look,
    )
    .await
    {
        Ok(decided) => {
            let leg = if decided.entry.decision().is_upgrade() {
                Leg::Tls(Offers::Http11)
            } else {
                Leg::Plain
            };
            let Decided {
                entry,
                permit,
                effective,
                parent,
                ..
            } = decided;
            Course {
                shared,
                entry,
                authority,
                effective,
                head: &head,
                permit,
                parent,
                leg,
                client_tls: None,
                is_last: false,
            }
            .run(conn, idle, drain)
            .await
            .conn
        }
        Err(Stopped { answer, id, .. }) => {
            say(conn, &answer, &id, head.method == "HEAD").await;
            None
        }
    }
}
