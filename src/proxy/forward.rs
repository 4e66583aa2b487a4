//! The course of a plain HTTP request in absolute form: decide, dial, forward, complete.

use crate::edge::client::{ClientIo as _, ClientStream, last_words};
use crate::edge::http1::{
    After, Conn, End as ExchangeEnd, ExchangeError, ExchangeOptions, ExchangeOutcome, exchange,
};
use crate::edge::relay::Relay;
use crate::logic::policy::{Effective, Permit, Way};
use crate::logic::record::{Bytes, Request};
use crate::logic::wire::http1::{
    RequestHead, RequestTarget, ResponseHead, UpstreamLeg, upstream_head,
};
use crate::model::{Authority, Rule};

use super::answer::Answer;
use super::decide::{Decided, decide, fail};
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome};
use super::facts;
use super::heads;
use super::route::HeadFacts;
use super::state::{Active, Shared};
use super::upstream::{Idle, connect};

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
            is_signed: heads::is_signed(&head),
        }
    };
    match decide(
        shared,
        active,
        draft,
        request,
        authority,
        Way::Forward,
        look,
    )
    .await
    {
        Ok(decided) => {
            let upgraded = decided.entry.decision().is_upgrade();
            let Decided {
                entry,
                permit,
                effective,
                ..
            } = decided;
            Course {
                shared,
                entry,
                authority,
                effective,
                head: &head,
                permit,
                upgraded,
            }
            .run(conn, idle, drain)
            .await
        }
        Err((answer, id)) => {
            say(conn, &answer, &id, head.method == "HEAD").await;
            None
        }
    }
}

async fn say(mut conn: Conn<ClientStream>, answer: &Answer, id: &str, is_head: bool) {
    last_words(conn.stream_mut(), &answer.http1(id, is_head)).await;
}

/// A request whose decision is on record.
struct Course<'a> {
    shared: &'a Shared,
    entry: Entry,
    authority: &'a Authority,
    effective: Effective,
    head: &'a RequestHead,
    permit: Permit,
    upgraded: bool,
}

/// What the answer's head told.
#[derive(Debug, Default)]
struct Heard {
    request_id: Option<String>,
    extended: Option<String>,
}

impl Course<'_> {
    async fn run(
        mut self,
        mut conn: Conn<ClientStream>,
        idle: &mut Option<Idle>,
        drain: &mut Drain,
    ) -> Option<Conn<ClientStream>> {
        let wants_upgrade = self.head.wants_upgrade();
        let rewritten = upstream_head(
            self.head,
            UpstreamLeg {
                close: false,
                upgrade: wants_upgrade,
            },
        );
        let close = !self.head.is_persistent() || drain.is_draining();
        let options = ExchangeOptions {
            limits: self.shared.limits.head,
            idle: self.shared.timeouts.idle,
            upgrade: wants_upgrade,
            close,
            ..ExchangeOptions::default()
        };
        // An idle connection may have been closed by the server at this very moment; then the
        // request goes out once more on a fresh one, if nothing of it was taken.
        let mut reused = idle.take().filter(|idle| self.can_take(idle));
        loop {
            let is_reused = reused.is_some();
            let mut upstream = match reused.take() {
                Some(idle) => idle,
                None => match connect(
                    self.shared,
                    &mut self.entry,
                    self.authority,
                    &self.permit,
                    &self.effective,
                )
                .await
                {
                    Ok(upstream) => upstream,
                    Err(answer) => {
                        let (answer, id) = fail(self.entry, answer).await;
                        say(conn, &answer, &id, self.head.method == "HEAD").await;
                        return None;
                    }
                },
            };
            self.entry.set_addr(upstream.address.to_string());
            if let Some(peer) = &upstream.peer {
                self.entry.set_tls(facts::originated(peer));
            }
            let mut heard = Heard::default();
            let mut listen = |head: &ResponseHead| heard = Heard::of(head);
            let outcome = tokio::select! {
                outcome = exchange(&mut conn, &mut upstream.conn, self.head, &rewritten, options, &mut listen) => outcome,
                () = drain.forced() => {
                    let error = Some("closed: outgate stopped".to_owned());
                    self.entry.complete(Outcome { error, ..Outcome::default() }).await;
                    return None;
                }
            };
            if is_reused && outcome.retryable {
                continue;
            }
            self.entry.set_request_ids(heard.request_id, heard.extended);
            return self.finish(conn, upstream, outcome, idle, drain).await;
        }
    }

    fn can_take(&self, idle: &Idle) -> bool {
        idle.authority == *self.authority
            && idle.upgraded == self.upgraded
            && self.permit.allows(idle.address)
    }

    async fn finish(
        self,
        mut conn: Conn<ClientStream>,
        upstream: Idle,
        outcome: ExchangeOutcome,
        idle: &mut Option<Idle>,
        drain: &mut Drain,
    ) -> Option<Conn<ClientStream>> {
        let bytes = Bytes {
            sent: outcome.sent,
            received: outcome.received,
        };
        let is_head = self.head.method == "HEAD";
        let error = match outcome.end {
            ExchangeEnd::Complete => None,
            ExchangeEnd::Upgraded => {
                upgraded(
                    self.shared,
                    self.entry,
                    conn,
                    upstream,
                    outcome.status,
                    bytes,
                    drain,
                )
                .await;
                return None;
            }
            ExchangeEnd::Failed(error) => Some(error),
        };
        let id = self.entry.id().to_owned();
        let answer = error
            .as_ref()
            .filter(|_| outcome.status.is_none())
            .map(answer_to);
        let status = outcome
            .status
            .or(answer.as_ref().map(|answer| answer.status));
        let failed = error.as_ref().is_some_and(|error| !error.is_clients());
        let why = error.as_ref().map(ToString::to_string);
        self.entry
            .complete(Outcome {
                status,
                bytes,
                error: why,
                failed,
            })
            .await;
        match outcome.client {
            // The exchange left the connection fit for another request; our own answer to this
            // one has not been given yet, and ends it.
            After::Reuse if answer.is_none() => {
                if outcome.upstream_reusable {
                    *idle = Some(upstream);
                }
                Some(conn)
            }
            After::Reuse | After::Close => {
                let words = answer.map_or_else(Vec::new, |answer| answer.http1(&id, is_head));
                last_words(conn.stream_mut(), &words).await;
                None
            }
            After::Abort => {
                conn.stream_mut().abort();
                None
            }
        }
    }
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
async fn upgraded(
    shared: &Shared,
    entry: Entry,
    conn: Conn<ClientStream>,
    upstream: Idle,
    status: Option<u16>,
    before: Bytes,
    drain: &mut Drain,
) {
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
}
