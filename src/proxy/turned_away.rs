//! Connections and requests that end at the front door, each with its line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::edge::client::{ClientIo, ClientStream, last_words};
use crate::edge::clock;
use crate::edge::http1::Conn;
use crate::logic::record::{Body, Client, Event, EventKind, Request};
use crate::logic::wire::http1::HeadError;
use crate::model::{Action, Decision, Finding, Mode, Rule, Severity};

use super::answer::Answer;
use super::entry::{Draft, Visitor};
use super::state::Shared;

/// A connection that is refused before there was a request.
pub(super) struct Refused {
    pub(super) rule: Rule,
    pub(super) kind: &'static str,
    pub(super) hint: String,
    pub(super) status: u16,
}

impl Refused {
    /// A head that cannot be read.
    pub(super) fn head(error: &HeadError) -> Refused {
        Refused {
            rule: error.rule(),
            kind: error.kind(),
            hint: format!("{error}: {}", error.hint()),
            status: error.status(),
        }
    }

    fn decision(&self) -> Decision {
        let finding = Finding {
            rule: self.rule,
            kind: self.kind,
            place: "head".into(),
            action: Action::Block,
            severity: Severity::Medium,
            length: None,
            fingerprint: None,
            hint: self.hint.clone(),
        };
        Decision::from_findings(vec![finding], Mode::Enforce)
    }
}

pub(super) fn visitor(shared: &Shared, stream: &ClientStream, peer: Option<SocketAddr>) -> Visitor {
    let addr = peer.map(|peer| Arc::from(peer.to_string()));
    Visitor {
        conn: Arc::from(clock::new_id()),
        client: Client {
            addr,
            ..Client::default()
        },
        caller: shared.caller(stream, peer),
    }
}

/// Records and answers a connection that is refused before there was a request.
pub(super) async fn refuse(
    shared: &Shared,
    visitor: &Visitor,
    conn: Conn<ClientStream>,
    refused: Refused,
    seen: Option<Request>,
) {
    let active = shared.active.load_full();
    let mut draft = Draft::new(visitor, &active);
    if let Some(seen) = seen {
        draft.set_request(seen);
    }
    refuse_draft(shared, draft, conn, refused).await;
}

pub(super) async fn refuse_draft<C: ClientIo>(
    shared: &Shared,
    draft: Draft,
    mut conn: Conn<C>,
    refused: Refused,
) {
    let decision = refused.decision();
    let Refused {
        rule, hint, status, ..
    } = refused;
    let id = draft.id().to_owned();
    draft.refuse(&shared.journal, &decision, Some(status)).await;
    let mut answer = Answer::by_rule(rule, status, hint);
    if rule == Rule::Limits {
        // The request's own size or pace, not how many there are.
        answer.proxy_error = "http_request_error";
    }
    last_words(conn.stream_mut(), &answer.http1(&id, false)).await;
}

/// A line for a connection that came to nothing.
pub(super) async fn never_a_request(
    shared: &Shared,
    visitor: &Visitor,
    error: Option<String>,
    bytes: usize,
) {
    let event = Event {
        time: clock::timestamp(),
        kind: EventKind::ClientError,
        detail: json!({
            "conn": &*visitor.conn,
            "client": visitor.client.addr.as_deref(),
            "bytes": bytes,
            "error": error.unwrap_or_else(|| "closed before a request".to_owned()),
        }),
    };
    // The writer cannot be gone while a connection is open.
    let _ = shared.journal.complete(Body::event(&event)).await;
}

/// Answers a connection for which there is no place. Waits for nobody: accepting waits for this.
pub(super) async fn over_limit(
    shared: &Shared,
    mut stream: ClientStream,
    peer: Option<SocketAddr>,
) {
    let visitor = visitor(shared, &stream, peer);
    let active = shared.active.load_full();
    let draft = Draft::new(&visitor, &active);
    let id = draft.id().to_owned();
    let limits = shared.limits;
    let hint = format!(
        "There are as many connections as limits.connections ({}) or limits.connections_per_client ({}) allow. \
         Close some, or raise the limit.",
        limits.connections, limits.connections_per_client
    );
    let refused = Refused {
        rule: Rule::Limits,
        kind: "connections",
        hint,
        status: Rule::Limits.status(),
    };
    let decision = refused.decision();
    draft
        .refuse(&shared.journal, &decision, Some(refused.status))
        .await;
    let answer = Answer::by_rule(refused.rule, refused.status, refused.hint).http1(&id, false);
    // What the socket's buffer does not take at once is not sent.
    let _ = tokio::time::timeout(Duration::from_millis(50), stream.write_all(&answer)).await;
}
