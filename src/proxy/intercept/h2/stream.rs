//! One request inside: judged, on record, forwarded, completed.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header, request};

use crate::edge::http2::{End, ExchangeError, ExchangeOptions, ExchangeOutcome, exchange};
use crate::logic::policy::Effective;
use crate::logic::record::{Bytes, Request as Recorded};
use crate::logic::wire::http1::HeadError;
use crate::model::{Action, Authority, AuthorityError, Finding, Rule, SafeUrl, Severity};

use super::super::super::answer::Answer;
use super::super::super::decide::{Decided, Stopped, fail};
use super::super::super::drain::Drain;
use super::super::super::entry::{Entry, Outcome};
use super::super::super::heads;
use super::super::super::route::HeadFacts;
use super::answer::give;
use super::session::Sessions;
use super::{Done, Inner, Stream, Why};

/// Carries one request.
pub(super) async fn carry(
    inner: Arc<Inner>,
    sessions: Arc<Sessions>,
    stream: Stream,
    mut drain: Drain,
) -> Done {
    let (head, body) = stream.request.into_parts();
    let mut respond = stream.respond;
    let look = |effective: &Effective| HeadFacts {
        found: judge_target(&inner, &head, effective),
        named: named(&inner, &head)
            .filter_map(|(_, named)| Some(named?.ok()?.host))
            .collect(),
        is_signed: is_signed(&head),
    };
    let decided = inner.decide(recorded(&head, &inner.authority), look).await;
    let decided = match decided {
        Ok(decided) => decided,
        Err(Stopped { mut answer, id, .. }) => {
            if answer.rule == Some(Rule::Limits) {
                // The request's own size, not how many there are.
                answer.proxy_error = "http_request_error";
            }
            give(&mut respond, &head, &answer, &id);
            return Done::default();
        }
    };
    if authenticates_connection(&head.headers) {
        sessions.set_personal();
    }
    let course = Course {
        inner: &inner,
        sessions: &sessions,
        head,
        body,
        respond,
    };
    Box::pin(course.run(decided, &mut drain)).await
}

/// Answers one request with `why`.
pub(super) async fn tell(inner: Arc<Inner>, why: Arc<Why>, stream: Stream) -> Done {
    let (head, _body) = stream.request.into_parts();
    let mut respond = stream.respond;
    let id = inner.stop(recorded(&head, &inner.authority), &why).await;
    give(&mut respond, &head, &why.answer, &id);
    Done {
        is_last: true,
        ..Done::default()
    }
}

/// A request whose decision is on record.
struct Course<'a> {
    inner: &'a Inner,
    sessions: &'a Sessions,
    head: request::Parts,
    body: h2::RecvStream,
    respond: h2::server::SendResponse<bytes::Bytes>,
}

/// What the answer's head told.
#[derive(Debug, Default)]
struct Heard {
    request_id: Option<String>,
    extended: Option<String>,
}

impl Course<'_> {
    async fn run(mut self, decided: Decided, drain: &mut Drain) -> Done {
        let Decided {
            mut entry,
            permit,
            effective,
            parent,
            ..
        } = decided;
        let options = ExchangeOptions {
            idle: self.inner.shared.timeouts.idle,
            ..ExchangeOptions::default()
        };
        let mut is_again = false;
        loop {
            let taking =
                self.sessions
                    .take(self.inner, &mut entry, &permit, parent.as_ref(), &effective);
            let taken = match taking.await {
                Ok(taken) => taken,
                Err(failed) => {
                    let (answer, id) = fail(entry, failed.answer).await;
                    give(&mut self.respond, &self.head, &answer, &id);
                    return Done {
                        is_last: failed.is_other_protocol,
                        ..Done::default()
                    };
                }
            };
            taken.hop.note(&mut entry);
            entry.set_tls(taken.legs(self.inner));
            let mut heard = Heard::default();
            let mut listen = |head: &http::response::Parts| heard = Heard::of(&head.headers);
            let outcome = tokio::select! {
                outcome = exchange(
                    &self.head, &mut self.body, &mut self.respond, taken.send, options, &mut listen,
                ) => outcome,
                () = drain.forced() => {
                    let error = Some("closed: outgate stopped".to_owned());
                    entry.complete(Outcome { error, ..Outcome::default() }).await;
                    return Done::default();
                }
            };
            // A server that refuses a stream and stays is not asked again: what it says goes to
            // the client, who may.
            if outcome.retryable && !is_again && self.sessions.is_gone().await {
                is_again = true;
                continue;
            }
            entry.set_request_ids(heard.request_id, heard.extended);
            return self.finish(entry, outcome).await;
        }
    }

    async fn finish(mut self, entry: Entry, outcome: ExchangeOutcome) -> Done {
        let bytes = Bytes {
            sent: outcome.sent,
            received: outcome.received,
        };
        let error = match &outcome.end {
            End::Complete => None,
            End::Failed(error) => Some(error),
        };
        let unanswered = error.filter(|_| outcome.status.is_none());
        let reset = unanswered.and_then(ExchangeError::reset);
        let answer = unanswered.filter(|_| reset.is_none()).map(answer_to);
        let id = entry.id().to_owned();
        let status = outcome
            .status
            .or(answer.as_ref().map(|answer| answer.status));
        entry
            .complete(Outcome {
                status,
                bytes,
                error: error.map(ToString::to_string),
                failed: error.is_some_and(|error| !error.is_clients()),
            })
            .await;
        if let Some(reason) = reset {
            self.respond.send_reset(reason);
        }
        if let Some(answer) = answer {
            give(&mut self.respond, &self.head, &answer, &id);
        }
        Done {
            bytes,
            is_last: self.inner.is_outdated(),
        }
    }
}

impl Heard {
    fn of(headers: &HeaderMap) -> Heard {
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Heard {
            request_id: text("x-amzn-requestid").or_else(|| text("x-amz-request-id")),
            extended: text("x-amz-id-2"),
        }
    }
}

fn answer_to(error: &ExchangeError) -> Answer {
    match error {
        ExchangeError::Request(_) => {
            Answer::by_rule(Rule::MalformedRequest, 400, error.to_string())
        }
        ExchangeError::Idle => Answer::upstream(504, "http_response_timeout", error.to_string()),
        ExchangeError::Response(_) | ExchangeError::Switching => {
            Answer::upstream(502, "http_protocol_error", error.to_string())
        }
        ExchangeError::UpstreamReset(_)
        | ExchangeError::UpstreamGoAway(_)
        | ExchangeError::UpstreamFailed(_)
        | ExchangeError::ClientReset(_)
        | ExchangeError::ClientFailed(_) => {
            Answer::upstream(502, "http_response_incomplete", error.to_string())
        }
    }
}

/// Whom the head names, and where; `None` is no text.
fn named<'a>(
    inner: &'a Inner,
    head: &'a request::Parts,
) -> impl Iterator<Item = (&'static str, Option<Result<Authority, AuthorityError>>)> + 'a {
    let authority = head.uri.authority().map(|named| Some(named.as_str()));
    let hosts = head.headers.get_all(header::HOST).iter();
    let all = authority.map(|named| (heads::AUTHORITY, named)).into_iter();
    all.chain(hosts.map(|host| (heads::HOST, host.to_str().ok())))
        .map(|(place, text)| {
            let port = Some(inner.authority.port);
            (place, text.map(|text| Authority::parse(text, port)))
        })
}

/// Whom the head names besides the connection's host, and what cannot be asked for inside.
fn judge_target(inner: &Inner, head: &request::Parts, effective: &Effective) -> Vec<Finding> {
    let asked = &inner.authority;
    let mut found = Vec::new();
    let limit = inner.shared.limits.head.headers;
    if head.headers.len() > limit {
        let error = HeadError::HeaderCount;
        let hint = format!("{error} ({limit}): {}", error.hint());
        found.push(refused(error.rule(), error.kind(), hint));
    }
    if head.method == Method::CONNECT {
        found.push(malformed(
            "target-form",
            format!("A request inside TLS to {asked} asks for a tunnel. Ask the proxy itself."),
        ));
        return found;
    }
    for (place, named) in named(inner, head) {
        match named {
            Some(Ok(named)) => found.extend(effective.judge_host(&named.host, place, asked)),
            Some(Err(_)) | None => found.push(malformed(
                "host",
                format!(
                    "{place} of a request inside TLS to {asked} cannot be read as a host and a port."
                ),
            )),
        }
    }
    if head.uri.authority().is_none() && !head.headers.contains_key(header::HOST) {
        found.push(malformed(
            "host",
            format!("A request inside TLS to {asked} names no host: it lacks :authority."),
        ));
    }
    found
}

fn malformed(kind: &'static str, hint: String) -> Finding {
    refused(Rule::MalformedRequest, kind, hint)
}

fn refused(rule: Rule, kind: &'static str, hint: String) -> Finding {
    Finding {
        rule,
        kind,
        place: "target".into(),
        action: Action::Block,
        severity: Severity::Medium,
        length: None,
        fingerprint: None,
        hint,
    }
}

/// A head as the record has it.
fn recorded(head: &request::Parts, authority: &Authority) -> Recorded {
    let shown = if authority.port == 443 {
        authority.host_text()
    } else {
        authority.to_string()
    };
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let agent = head.headers.get(header::USER_AGENT);
    Recorded {
        method: Some(head.method.to_string()),
        url: Some(
            SafeUrl::redact(&format!("https://{shown}{path}"))
                .as_str()
                .to_owned(),
        ),
        host: Some(authority.host.to_string()),
        port: Some(authority.port),
        http: Some("2"),
        user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
    }
}

/// Whether the request carries an AWS signature.
fn is_signed(head: &request::Parts) -> bool {
    let values = head.headers.get_all(header::AUTHORIZATION).iter();
    let path = head.uri.path_and_query();
    heads::shows_signature(
        values.map(HeaderValue::as_bytes),
        path.map_or(&[][..], |path| path.as_str().as_bytes()),
    )
}

/// Whether the request carries credentials that stay with the connection (NTLM, Negotiate).
fn authenticates_connection(headers: &HeaderMap) -> bool {
    headers.get_all(header::AUTHORIZATION).iter().any(|value| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next();
        scheme.is_some_and(|scheme| {
            scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
        })
    })
}
