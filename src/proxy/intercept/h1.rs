//! HTTP/1.1 inside TLS that is ended here: heads one after the other, each to its exchange.

use tokio::time::Instant;

use crate::edge::client::ClientIo;
use crate::edge::http1::{Conn, ReadHeadError};
use crate::edge::tls::rejection;
use crate::logic::policy::Effective;
use crate::logic::record::Bytes;
use crate::logic::wire::first_bytes::{FirstBytes, first_bytes};
use crate::logic::wire::http1::{HeadError, RequestHead, RequestTarget, Scheme};
use crate::model::{Action, Finding, Host, Rule, Severity};

use super::super::decide::{Decided, Stopped};
use super::super::drain::Drain;
use super::super::exchange::{Course, say};
use super::super::heads;
use super::super::route::HeadFacts;
use super::super::turned_away::{Refused, refuse_draft};
use super::super::upstream::{Idle, Leg};
use super::inner::{Inner, Why};
use super::obstacle::Obstacle;

/// How a connection ended.
#[derive(Debug, Default)]
pub(super) struct Served {
    pub(super) bytes: Bytes,
    pub(super) error: Option<String>,
    /// What the client or the upstream showed that makes interception impossible.
    pub(super) obstacle: Option<Obstacle>,
}

/// What came next on a connection.
enum Next {
    Head(Box<RequestHead>),
    Bad(HeadError),
    NotHttp,
    Timeout,
    Gone(Option<String>, Option<Obstacle>),
}

/// Serves requests until one side ends the connection. `idle` is the upstream connection at hand.
pub(super) async fn serve<C: ClientIo>(
    inner: &Inner,
    mut conn: Conn<C>,
    idle: &mut Option<Idle>,
    drain: &mut Drain,
) -> Served {
    let mut served = Served::default();
    let mut first = true;
    loop {
        match Box::pin(next(inner, &mut conn, idle, first, drain)).await {
            Next::Head(head) => {
                let done = Box::pin(request(inner, *head, conn, idle, drain)).await;
                served.bytes.sent += done.bytes.sent;
                served.bytes.received += done.bytes.received;
                match done.conn {
                    Some(again) => conn = again,
                    None => return served,
                }
                first = false;
            }
            Next::Bad(error) => {
                refuse_head(inner, conn, &error).await;
                return served;
            }
            Next::Timeout => {
                let active = inner.shared.active.load_full();
                let limit = inner.shared.timeouts.head.as_secs_f64();
                let refused = Refused {
                    rule: Rule::Limits,
                    kind: "head-timeout",
                    hint: format!("No whole request head came within {limit} s (timeouts.head)."),
                    status: Rule::Limits.status(),
                };
                refuse_draft(&inner.shared, inner.draft(&active), conn, refused).await;
                return served;
            }
            Next::NotHttp => {
                served.obstacle = Some(Obstacle::NotHttp);
                let error = "what the client sent inside TLS is not HTTP".to_owned();
                served.error = Some(error);
                not_http(inner, conn).await;
                return served;
            }
            Next::Gone(error, obstacle) => {
                if error.is_none() {
                    // An orderly end on our side too; whether it arrives is of no account.
                    let _ = tokio::io::AsyncWriteExt::shutdown(conn.stream_mut()).await;
                }
                served.error = error;
                served.obstacle = obstacle;
                return served;
            }
        }
    }
}

/// Answers every request with `why`, until the client has read it.
pub(super) async fn tell<C: ClientIo>(
    inner: &Inner,
    mut conn: Conn<C>,
    why: &Why,
    drain: &mut Drain,
) -> Served {
    match Box::pin(next(inner, &mut conn, &mut None, true, drain)).await {
        Next::Head(head) => {
            let request = heads::inside(&head, &inner.authority);
            let id = inner.stop(request, why).await;
            say(conn, &why.answer, &id, head.method == "HEAD").await;
            Served::default()
        }
        Next::Bad(error) => {
            refuse_head(inner, conn, &error).await;
            Served::default()
        }
        Next::NotHttp | Next::Timeout => Served::default(),
        Next::Gone(error, obstacle) => Served {
            error,
            obstacle,
            ..Served::default()
        },
    }
}

/// Waits for the next head. An upstream that ends its connection meanwhile is let go; one that
/// speaks unasked speaks no HTTP.
async fn next<C: ClientIo>(
    inner: &Inner,
    conn: &mut Conn<C>,
    idle: &mut Option<Idle>,
    first: bool,
    drain: &mut Drain,
) -> Next {
    let timeouts = inner.shared.timeouts;
    let quiet = Instant::now() + timeouts.idle;
    while conn.buffered().is_empty() {
        let unasked = async {
            match idle {
                Some(idle) => idle.conn.read_more().await,
                None => std::future::pending().await,
            }
        };
        let read = tokio::select! {
            biased;
            read = tokio::time::timeout_at(quiet, conn.read_more()) => read,
            spoke = unasked => {
                let is_greeting = matches!(spoke, Ok(count) if count > 0);
                *idle = None;
                if is_greeting && first {
                    let error = "the server speaks first, which is not HTTP".to_owned();
                    return Next::Gone(Some(error), Some(Obstacle::NotHttp));
                }
                continue;
            }
            () = drain.draining() => return Next::Gone(None, None),
        };
        match read {
            Ok(Ok(0)) => return Next::Gone(None, None),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let obstacle = rejection(&error).map(Obstacle::ClientRejects);
                return Next::Gone(Some(error.to_string()), obstacle);
            }
            Err(_) => return Next::Gone(None, None),
        }
    }
    let begun = Instant::now() + timeouts.head;
    let read = tokio::select! {
        read = tokio::time::timeout_at(begun, conn.read_request_head(inner.shared.limits.head)) => read,
        () = drain.forced() => return Next::Gone(Some("closed: outgate stopped".to_owned()), None),
    };
    match read {
        Ok(Ok(Some(head))) => Next::Head(Box::new(head)),
        Ok(Ok(None)) => Next::Gone(None, None),
        Ok(Err(ReadHeadError::Head(error))) => match first_bytes(conn.buffered()) {
            FirstBytes::Http1 | FirstBytes::Http2Preface => Next::Bad(error),
            _ if first => Next::NotHttp,
            _ => Next::Bad(error),
        },
        Ok(Err(error @ (ReadHeadError::Truncated | ReadHeadError::Io(_)))) => {
            Next::Gone(Some(error.to_string()), None)
        }
        Err(_) => Next::Timeout,
    }
}

/// What a request came to.
struct Done<C> {
    conn: Option<Conn<C>>,
    bytes: Bytes,
}

/// Carries one request.
async fn request<C: ClientIo>(
    inner: &Inner,
    head: RequestHead,
    conn: Conn<C>,
    idle: &mut Option<Idle>,
    drain: &mut Drain,
) -> Done<C> {
    let look = |effective: &Effective| HeadFacts {
        found: judge_target(inner, &head, effective),
        named: named(&head),
        is_signed: heads::is_signed(&head),
    };
    let decided = inner
        .decide(heads::inside(&head, &inner.authority), look)
        .await;
    let Decided {
        entry,
        permit,
        effective,
        parent,
        ..
    } = match decided {
        Ok(decided) => decided,
        Err(Stopped { answer, id, .. }) => {
            say(conn, &answer, &id, head.method == "HEAD").await;
            return Done {
                conn: None,
                bytes: Bytes::default(),
            };
        }
    };
    let course = Course {
        shared: &inner.shared,
        entry,
        authority: &inner.authority,
        effective,
        head: &head,
        permit,
        parent,
        leg: Leg::Tls(inner.offers),
        client_tls: Some(std::sync::Arc::clone(&inner.client_tls)),
        is_last: inner.is_outdated(),
    };
    let done = course.run(conn, idle, drain).await;
    Done {
        conn: done.conn,
        bytes: done.bytes,
    }
}

/// Whom the head names.
fn named(head: &RequestHead) -> Vec<Host> {
    let target = match &head.target {
        RequestTarget::Absolute { authority, .. } => Some(&authority.host),
        RequestTarget::Origin(_) | RequestTarget::Asterisk | RequestTarget::Authority(_) => None,
    };
    let host = head.host.as_ref().map(|host| &host.host);
    host.into_iter().chain(target).cloned().collect()
}

/// Whom the head names besides the connection's host.
fn judge_target(inner: &Inner, head: &RequestHead, effective: &Effective) -> Vec<Finding> {
    let authority = &inner.authority;
    let host = head.host.as_ref().map(|host| &host.host);
    let mut found: Vec<Finding> = host
        .and_then(|host| effective.judge_host(host, heads::HOST, authority))
        .into_iter()
        .collect();
    match &head.target {
        RequestTarget::Origin(_) | RequestTarget::Asterisk => {}
        RequestTarget::Absolute {
            scheme: Scheme::Https,
            authority: target,
            userinfo: None,
            ..
        } => found.extend(effective.judge_host(&target.host, "target", authority)),
        RequestTarget::Absolute { .. } | RequestTarget::Authority(_) => found.push(Finding {
            rule: Rule::MalformedRequest,
            kind: "target-form",
            place: "target".into(),
            action: Action::Block,
            severity: Severity::Medium,
            length: None,
            fingerprint: None,
            hint: format!(
                "A request inside TLS to {authority} asks for another scheme, carries userinfo, or asks for a tunnel. \
                 Send the path alone (GET /path), as clients do to a server."
            ),
        }),
    }
    found
}

async fn refuse_head<C: ClientIo>(inner: &Inner, conn: Conn<C>, error: &HeadError) {
    let active = inner.shared.active.load_full();
    let mut draft = inner.draft(&active);
    if let Some(seen) = heads::glimpse(conn.buffered()) {
        draft.set_request(seen);
    }
    let refused = Refused::head(error);
    refuse_draft(&inner.shared, draft, conn, refused).await;
}

async fn not_http<C: ClientIo>(inner: &Inner, conn: Conn<C>) {
    let active = inner.shared.active.load_full();
    let refused = Refused {
        rule: Rule::MalformedRequest,
        kind: "not-http",
        hint: format!(
            "What the client sends inside TLS to {} is not HTTP, and only HTTP can be read there. \
             List the host in intercept.except: its traffic then goes in a tunnel.",
            inner.authority
        ),
        status: 400,
    };
    refuse_draft(&inner.shared, inner.draft(&active), conn, refused).await;
}
