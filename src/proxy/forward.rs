//! The course of a plain HTTP request in absolute form: decide, dial, forward, complete.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::edge::client::{ClientIo as _, ClientStream, last_words};
use crate::edge::dial::dial;
use crate::edge::http1::{After, Conn, End as ExchangeEnd, ExchangeError, ExchangeOptions, ExchangeOutcome, exchange};
use crate::edge::relay::Relay;
use crate::edge::tls::{Failed, Offer, Peer, Seen, originate};
use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Permit, Target, Way};
use crate::logic::record::{Bytes, Carried, Request, Via};
use crate::logic::wire::http1::{RequestHead, RequestTarget, ResponseHead, Scheme, UpstreamLeg, upstream_head};
use crate::model::{Authority, Host, Rule, Verdict};

use super::answer::Answer;
use super::drain::Drain;
use super::entry::{Draft, Entry, Outcome, unavailable_hint};
use super::facts;
use super::heads;
use super::route::{Routed, described, route};
use super::state::{Active, Shared, profile};

/// One request.
#[derive(Debug)]
pub struct Forward {
    pub request: Request,
    pub head: RequestHead,
}

/// An upstream connection that can take another request.
#[derive(Debug)]
pub struct Idle {
    authority: Authority,
    upgraded: bool,
    address: SocketAddr,
    conn: Conn<BoxIo>,
    peer: Option<Peer>,
}

/// A TCP connection, or TLS over one.
trait Io: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Io for T {}

type BoxIo = Box<dyn Io>;

/// Carries one request from head to completion. Gives the client's connection back if another
/// request may follow on it.
pub async fn forward(
    shared: &Shared,
    active: &Active,
    mut draft: Draft,
    forward: Forward,
    conn: Conn<ClientStream>,
    idle: &mut Option<Idle>,
    drain: &mut Drain,
) -> Option<Conn<ClientStream>> {
    let Forward { request, head } = forward;
    let RequestTarget::Absolute { scheme, authority, userinfo, .. } = &head.target else { return None };
    let policy = &active.policy;
    let class = classify(&authority.host);
    let target = Target { authority, class: &class, way: Way::Forward };
    let effective = policy.effective(&target);
    draft.set_mode(effective.mode);
    draft.set_way(Via::Forward, Carried::Forward);
    draft.set_request(request);
    let (destination, aws) = described(&class);
    draft.set_destination(destination, aws);

    let mut found = Vec::new();
    found.extend(heads::https_in_the_clear(*scheme));
    found.extend(heads::credentials(userinfo.as_ref(), &effective));
    found.extend(facts::foreign_host(head.host.as_ref().map(|host| &host.host), authority, &effective));
    found.extend(heads::signature_in_the_clear(&head, &class, &effective));
    let routed = route(policy, &shared.resolver, &shared.own, &target, &effective, found).await;
    let is_head = head.method == "HEAD";
    let (decision, permit) = match routed {
        Routed::Refused(decision) => {
            let answer = Answer::refusal(&decision);
            let id = draft.id().to_owned();
            draft.refuse(&shared.journal, &decision, Some(answer.status)).await;
            say(conn, &answer, &id, is_head).await;
            return None;
        }
        Routed::Unresolved { decision, reason } => {
            let answer = Answer::upstream(502, "dns_error", reason);
            match draft.open(&shared.journal, &decision).await {
                Ok(entry) => fail(entry, conn, &answer, is_head).await,
                Err((unavailable, id)) => say(conn, &unrecorded(&unavailable), &id, is_head).await,
            }
            return None;
        }
        Routed::Permitted { decision, permit, answered } => {
            draft.set_addr(permit.addresses().first().map(ToString::to_string), answered);
            (decision, permit)
        }
    };
    let entry = match draft.open(&shared.journal, &decision).await {
        Ok(entry) => entry,
        Err((unavailable, id)) => {
            say(conn, &unrecorded(&unavailable), &id, is_head).await;
            return None;
        }
    };
    let upgraded = decision.verdict == Verdict::Upgrade;
    let course = Course { shared, entry, authority, effective, head: &head, permit, upgraded };
    course.run(conn, idle, drain).await
}

fn unrecorded(unavailable: &crate::edge::journal::Unavailable) -> Answer {
    Answer::by_rule(Rule::AuditUnavailable, Rule::AuditUnavailable.status(), unavailable_hint(unavailable))
}

async fn say(mut conn: Conn<ClientStream>, answer: &Answer, id: &str, is_head: bool) {
    last_words(conn.stream_mut(), &answer.http1(id, is_head)).await;
}

async fn fail(entry: Entry, conn: Conn<ClientStream>, answer: &Answer, is_head: bool) {
    let id = entry.id().to_owned();
    let error = Some(answer.detail.clone());
    entry.complete(Outcome { status: Some(answer.status), error, failed: true, ..Outcome::default() }).await;
    say(conn, answer, &id, is_head).await;
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
    async fn run(mut self, mut conn: Conn<ClientStream>, idle: &mut Option<Idle>, drain: &mut Drain) -> Option<Conn<ClientStream>> {
        let wants_upgrade = self.head.wants_upgrade();
        let rewritten = upstream_head(self.head, UpstreamLeg { close: false, upgrade: wants_upgrade });
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
                None => match self.connect().await {
                    Ok(upstream) => upstream,
                    Err(answer) => {
                        let id = self.entry.id().to_owned();
                        self.complete_failed(&answer).await;
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
        idle.authority == *self.authority && idle.upgraded == self.upgraded && self.permit.allows(idle.address)
    }

    /// A connection to one of the permitted addresses, with TLS where the rules upgrade.
    async fn connect(&mut self) -> Result<Idle, Answer> {
        let stream = dial(&self.permit, self.shared.timeouts.connect).await.map_err(|error| {
            let (status, word) = facts::dial_failure(&error);
            Answer::upstream(status, word, error.to_string())
        })?;
        let address = stream.peer_addr().map_err(|error| {
            Answer::upstream(502, "connection_terminated", format!("the upstream is gone: {error}"))
        })?;
        let (stream, peer): (BoxIo, _) = if self.upgraded {
            let (stream, peer) = self.originate(stream).await?;
            (stream, Some(peer))
        } else {
            (Box::new(stream), None)
        };
        Ok(Idle { authority: self.authority.clone(), upgraded: self.upgraded, address, conn: Conn::new(stream), peer })
    }

    async fn originate(&mut self, stream: tokio::net::TcpStream) -> Result<(BoxIo, Peer), Answer> {
        let limit = self.shared.timeouts.handshake;
        let host: &Host = &self.authority.host;
        let handshake = originate(&self.shared.verifier, host, stream, profile(&self.effective), Offer::Profile, &[b"http/1.1"]);
        match tokio::time::timeout(limit, handshake).await {
            Ok(Ok((tls, peer))) => Ok((Box::new(tls), peer)),
            Ok(Err(Failed::Certificate(fault, peer))) => {
                let refusal = facts::bad_certificate(fault);
                self.entry.set_tls(facts::tls(&Default::default(), Some(&Seen::Failed(fault, peer))));
                // An upgrade is our own word that this is TLS: no setting softens it.
                self.entry.add_findings(facts::upgrade_failed(&refusal));
                Err(Answer::by_rule(Rule::InvalidCertificate, 502, refusal.hint))
            }
            Ok(Err(Failed::Other(why))) => {
                Err(Answer::upstream(502, "tls_protocol_error", format!("no TLS with {host}, to which the request was to be upgraded: {why}")))
            }
            Err(_) => Err(Answer::upstream(504, "connection_timeout", format!("no TLS handshake with {host} within {} s", limit.as_secs_f64()))),
        }
    }

    async fn complete_failed(self, answer: &Answer) {
        let error = Some(answer.detail.clone());
        self.entry.complete(Outcome { status: Some(answer.status), error, failed: true, ..Outcome::default() }).await;
    }

    async fn finish(
        self,
        mut conn: Conn<ClientStream>,
        upstream: Idle,
        outcome: ExchangeOutcome,
        idle: &mut Option<Idle>,
        drain: &mut Drain,
    ) -> Option<Conn<ClientStream>> {
        let bytes = Bytes { sent: outcome.sent, received: outcome.received };
        let is_head = self.head.method == "HEAD";
        let error = match outcome.end {
            ExchangeEnd::Complete => None,
            ExchangeEnd::Upgraded => {
                upgraded(self.shared, self.entry, conn, upstream, outcome.status, bytes, drain).await;
                return None;
            }
            ExchangeEnd::Failed(error) => Some(error),
        };
        let id = self.entry.id().to_owned();
        let answer = error.as_ref().filter(|_| outcome.status.is_none()).map(answer_to);
        let status = outcome.status.or(answer.as_ref().map(|answer| answer.status));
        let failed = error.as_ref().is_some_and(|error| !error.is_clients());
        let why = error.as_ref().map(ToString::to_string);
        self.entry.complete(Outcome { status, bytes, error: why, failed }).await;
        match outcome.client {
            After::Reuse => {
                if outcome.upstream_reusable {
                    *idle = Some(upstream);
                }
                Some(conn)
            }
            After::Close => {
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
        let text = |name: &str| head.headers.first(name).map(|value| String::from_utf8_lossy(value).into_owned());
        Heard { request_id: text("x-amzn-requestid").or_else(|| text("x-amz-request-id")), extended: text("x-amz-id-2") }
    }
}

fn answer_to(error: &ExchangeError) -> Answer {
    match error {
        ExchangeError::RequestBody(_) => Answer::by_rule(Rule::MalformedRequest, 400, error.to_string()),
        ExchangeError::Idle => Answer::upstream(504, "http_response_timeout", error.to_string()),
        ExchangeError::ResponseHead(_)
        | ExchangeError::ChunkedForHttp10
        | ExchangeError::UnaskedUpgrade
        | ExchangeError::ResponseBody(_) => Answer::upstream(502, "http_protocol_error", error.to_string()),
        ExchangeError::UpstreamClosed
        | ExchangeError::UpstreamIo(_)
        | ExchangeError::ResponseTruncated
        | ExchangeError::ClientClosed
        | ExchangeError::ClientIo(_) => Answer::upstream(502, "http_response_incomplete", error.to_string()),
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
        bytes = Bytes { sent: bytes.sent + moved.sent, received: bytes.received + moved.received };
        error = facts::relay_end(end.as_ref(), shared.timeouts.idle);
    }
    entry.complete(Outcome { status, bytes, error, failed: false }).await;
}

