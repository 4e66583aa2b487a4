//! A request over HTTP/1 whose decision is on record: connect, exchange, complete. The same for
//! plain requests and for those inside TLS that is ended here.

use std::sync::Arc;

use crate::edge::client::{ClientIo, cut, last_words};
use crate::edge::http1::{
    After, Conn, End as ExchangeEnd, ExchangeError, ExchangeOptions, ExchangeOutcome, exchange,
};
use crate::edge::relay::Relay;
use crate::logic::policy::{Effective, Permit};
use crate::logic::record::{Bytes, ClientTls, Tls};
use crate::logic::wire::http1::{
    Manner, RequestHead, ResponseHead, UpstreamLeg, parent_head, upstream_head,
};
use crate::model::{Authority, Login, Rule, Secret};

use super::answer::Answer;
use super::decide::fail;
use super::drain::Drain;
use super::entry::{Entry, Outcome};
use super::facts;
use super::reach::{Parent, login_answer};
use super::state::Shared;
use super::upstream::{HeldTo, Hop, Idle, Leg, connect, is_for_parent};

/// Answers, and ends the connection.
pub(super) async fn say<C: ClientIo>(mut conn: Conn<C>, answer: &Answer, id: &str, is_head: bool) {
    last_words(conn.stream_mut(), &answer.http1(id, is_head)).await;
}

/// A request whose decision is on record.
pub(super) struct Course<'a> {
    pub(super) shared: &'a Shared,
    pub(super) entry: Entry,
    pub(super) authority: &'a Authority,
    pub(super) effective: Effective,
    pub(super) head: &'a RequestHead,
    pub(super) permit: Permit,
    /// How the parent proxy is spoken to, if the permit leads through one.
    pub(super) parent: Option<Parent>,
    pub(super) leg: Leg,
    /// The client's hello, where its TLS is ended here.
    pub(super) client_tls: Option<Arc<ClientTls>>,
    /// The client's connection is to end with it.
    pub(super) is_last: bool,
}

/// What a request came to.
pub(super) struct Done<C> {
    /// The client's connection, if another request may follow.
    pub(super) conn: Option<Conn<C>>,
    pub(super) bytes: Bytes,
}

/// What the answer's head told.
#[derive(Debug, Default)]
struct Heard {
    request_id: Option<String>,
    extended: Option<String>,
}

impl Course<'_> {
    /// Carries the request from its decision to its completion.
    pub(super) async fn run<C: ClientIo>(
        mut self,
        mut conn: Conn<C>,
        idle: &mut Option<Idle>,
        drain: &mut Drain,
    ) -> Done<C> {
        let manner = match self.client_tls {
            Some(_) => Manner::Intercept,
            None => Manner::Forward,
        };
        let wants_upgrade = self.head.wants_upgrade();
        let leg = UpstreamLeg {
            manner,
            close: false,
            upgrade: wants_upgrade,
        };
        let for_parent = is_for_parent(&self.permit, self.authority, self.leg);
        let rewritten = if for_parent {
            let login = self.parent.as_ref().and_then(Parent::login);
            let basic = login.map(Login::basic);
            parent_head(self.head, leg, basic.as_ref().map(Secret::expose))
        } else {
            upstream_head(self.head, leg)
        };
        let options = ExchangeOptions {
            manner,
            limits: self.shared.limits.head,
            idle: self.shared.timeouts.idle,
            upgrade: wants_upgrade,
            close: self.is_last || drain.is_draining(),
            through_proxy: for_parent,
            ..ExchangeOptions::default()
        };
        // An idle connection may have been closed by the server at this very moment; then the
        // request goes out once more on a fresh one, if nothing of it was taken.
        let mut reused = idle.take().and_then(|idle| self.fit(idle, for_parent));
        loop {
            let is_reused = reused.as_ref().is_some_and(|idle| idle.used);
            let mut upstream = match reused.take() {
                Some(idle) => idle,
                None => match connect(
                    self.shared,
                    self.parent.as_ref(),
                    &mut self.entry,
                    self.authority,
                    &self.permit,
                    &self.effective,
                    self.leg,
                )
                .await
                {
                    Ok(upstream) => upstream,
                    Err(failed) => {
                        let (answer, id) = fail(self.entry, failed.answer).await;
                        say(conn, &answer, &id, self.head.method == "HEAD").await;
                        return Done::nothing();
                    }
                },
            };
            upstream.personal |= authenticates_connection(self.head);
            upstream.hop.note(&mut self.entry);
            self.entry.set_tls(Tls {
                client: self.client_tls.clone(),
                upstream: upstream.tls.clone(),
            });
            let mut heard = Heard::default();
            let mut listen = |head: &ResponseHead| heard = Heard::of(head);
            let outcome = tokio::select! {
                outcome = exchange(&mut conn, &mut upstream.conn, self.head, &rewritten, options, &mut listen) => outcome,
                () = drain.forced() => {
                    let error = Some("closed: outgate stopped".to_owned());
                    self.entry.complete(Outcome { error, ..Outcome::default() }).await;
                    return Done::nothing();
                }
            };
            if is_reused && outcome.retryable {
                continue;
            }
            self.entry.set_request_ids(heard.request_id, heard.extended);
            return self.finish(conn, upstream, outcome, idle, drain).await;
        }
    }

    /// The connection, if this request may use it.
    fn fit(&self, mut idle: Idle, for_parent: bool) -> Option<Idle> {
        let fits = idle.authority == *self.authority
            && idle.leg == self.leg
            && idle.held_to == HeldTo::of(&self.effective)
            && idle.hop.is_allowed(&self.permit)
            && matches!(idle.hop, Hop::Parent(_)) == for_parent
            && idle.is_quiet();
        fits.then_some(idle)
    }

    async fn finish<C: ClientIo>(
        self,
        mut conn: Conn<C>,
        upstream: Idle,
        outcome: ExchangeOutcome,
        idle: &mut Option<Idle>,
        drain: &mut Drain,
    ) -> Done<C> {
        let bytes = Bytes {
            sent: outcome.sent,
            received: outcome.received,
        };
        let is_head = self.head.method == "HEAD";
        let error = match outcome.end {
            ExchangeEnd::Complete => None,
            ExchangeEnd::Upgraded => {
                let bytes = upgraded(
                    self.shared,
                    self.entry,
                    conn,
                    upstream,
                    outcome.status,
                    bytes,
                    drain,
                )
                .await;
                return Done { conn: None, bytes };
            }
            ExchangeEnd::Failed(error) => Some(error),
        };
        let id = self.entry.id().to_owned();
        let answer = error
            .as_ref()
            .filter(|_| outcome.status.is_none())
            .map(|error| match error {
                ExchangeError::ProxyLogin(challenges) => {
                    login_answer(challenges, self.parent.as_ref())
                }
                error => answer_to(error),
            });
        let status = outcome
            .status
            .or(answer.as_ref().map(|answer| answer.status));
        let failed = error.as_ref().is_some_and(|error| !error.is_clients());
        let why = match &answer {
            Some(answer) => Some(answer.detail.clone()),
            None => error.as_ref().map(ToString::to_string),
        };
        self.entry
            .complete(Outcome {
                status,
                bytes,
                error: why,
                failed,
            })
            .await;
        let conn = match outcome.client {
            // The exchange left the connection fit for another request; our own answer to this
            // one has not been given yet, and ends it.
            After::Reuse if answer.is_none() => {
                if outcome.upstream_reusable {
                    *idle = Some(Idle {
                        used: true,
                        answered: true,
                        ..upstream
                    });
                }
                Some(conn)
            }
            After::Reuse | After::Close => {
                let words = answer.map_or_else(Vec::new, |answer| answer.http1(&id, is_head));
                last_words(conn.stream_mut(), &words).await;
                None
            }
            After::Cut => {
                cut(conn.stream_mut()).await;
                None
            }
            After::Abort => {
                conn.stream_mut().abort();
                None
            }
        };
        Done { conn, bytes }
    }
}

impl<C> Done<C> {
    const fn nothing() -> Done<C> {
        Done {
            conn: None,
            bytes: Bytes {
                sent: 0,
                received: 0,
            },
        }
    }
}

/// Whether the request carries credentials that stay with the connection (NTLM, Negotiate):
/// whatever follows on it is done in their name.
fn authenticates_connection(head: &RequestHead) -> bool {
    ["authorization", "proxy-authorization"]
        .iter()
        .flat_map(|name| head.headers.all(name))
        .any(|value| {
            let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
        })
}

impl Heard {
    fn of(head: &ResponseHead) -> Heard {
        let text = |name: &str| {
            head.headers
                .first(name)
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        Heard {
            request_id: text("x-amzn-requestid").or_else(|| text("x-amz-request-id")),
            extended: text("x-amz-id-2"),
        }
    }
}

fn answer_to(error: &ExchangeError) -> Answer {
    match error {
        ExchangeError::RequestBody(_) => {
            Answer::by_rule(Rule::MalformedRequest, 400, error.to_string())
        }
        ExchangeError::Idle => Answer::upstream(504, "http_response_timeout", error.to_string()),
        ExchangeError::ResponseHead(_)
        | ExchangeError::ChunkedForHttp10
        | ExchangeError::UnaskedUpgrade
        | ExchangeError::ProxyLogin(_)
        | ExchangeError::ResponseBody(_) => {
            Answer::upstream(502, "http_protocol_error", error.to_string())
        }
        ExchangeError::UpstreamClosed
        | ExchangeError::UpstreamIo(_)
        | ExchangeError::ResponseTruncated
        | ExchangeError::ClientClosed
        | ExchangeError::ClientIo(_) => {
            Answer::upstream(502, "http_response_incomplete", error.to_string())
        }
    }
}

/// The protocol changed: what was read ahead goes out first, then both sides are raw.
async fn upgraded<C: ClientIo>(
    shared: &Shared,
    entry: Entry,
    conn: Conn<C>,
    upstream: Idle,
    status: Option<u16>,
    before: Bytes,
    drain: &mut Drain,
) -> Bytes {
    use tokio::io::AsyncWriteExt as _;
    let (mut client, from_client) = conn.into_parts();
    let (mut server, from_server) = upstream.conn.into_parts();
    let ahead = async {
        server.write_all(&from_client).await?;
        server.flush().await?;
        client.write_all(&from_server).await
    };
    let ahead: std::io::Result<()> = ahead.await;
    let mut bytes = Bytes {
        sent: before.sent + from_client.len() as u64,
        received: before.received + from_server.len() as u64,
    };
    let mut error = ahead.err().map(|error| error.to_string());
    if error.is_none() {
        let mut relay = Relay::new(client, server, false, false);
        let end = tokio::select! {
            end = relay.run(shared.timeouts.idle) => Some(end),
            () = drain.forced() => None,
        };
        let moved = relay.bytes();
        bytes = Bytes {
            sent: bytes.sent + moved.sent,
            received: bytes.received + moved.received,
        };
        error = facts::relay_end(end.as_ref(), shared.timeouts.idle);
    }
    entry
        .complete(Outcome {
            status,
            bytes,
            error,
            failed: false,
        })
        .await;
    bytes
}
