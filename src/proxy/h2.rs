//! HTTP/2 with prior knowledge: tunnels and plain requests as streams of one connection.
//!
//! hyper owns the framing here, on both legs. What HTTP/2 itself rules out (two readings of a
//! head, chunk sizes, hop-by-hop fields) cannot occur; what is left of the strict front door is
//! the target, checked as for HTTP/1.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::oneshot;

use crate::edge::client::{ClientIo, ClientStream, Prefixed};
use crate::edge::http1::Conn;
use crate::edge::http2::Tunnelled;
use crate::logic::policy::{Effective, Way};
use crate::logic::record::{Carried, Request as Recorded, Tls};
use crate::model::{Action, Authority, Decision, Finding, Login, Mode, Rule, SafeUrl, Severity};

use super::answer::Answer;
use super::decide::{Ask, Decided, Stopped, decide, fail};
use super::drain::Drain;
use super::entry::{Draft, Visitor};
use super::h2_body::{Reply, Sent, relayed, told};
use super::reach::{Parent, login_answer};
use super::route::HeadFacts;
use super::state::{Active, Shared};
use super::tunnel::{Connect, TunnelClient, tunnel};
use super::upstream::{Hop, Leg, Offers, connect};

/// Streams of one client at a time; RFC 9113, section 6.5.2, advises at least 100.
const STREAMS: u32 = 256;

/// Serves one connection to its end.
pub(super) async fn serve(
    shared: Arc<Shared>,
    visitor: Visitor,
    conn: Conn<ClientStream>,
    mut drain: Drain,
) {
    let (stream, prefix) = conn.into_parts();
    let io = TokioIo::new(Prefixed::new(prefix, stream));
    let header_bytes = u32::try_from(shared.limits.head.bytes).unwrap_or(u32::MAX);
    let for_streams = drain.clone();
    let service = service_fn(move |request| {
        let (shared, visitor, drain) = (Arc::clone(&shared), visitor.clone(), for_streams.clone());
        async move { Ok::<_, Infallible>(answer(shared, visitor, request, drain).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(header_bytes)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How the connection itself ended is of no account: each stream has its own lines.
        _ = connection.as_mut() => return,
        () = drain.draining() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = connection => {}
        () = drain.forced() => {}
    }
}

async fn answer(
    shared: Arc<Shared>,
    visitor: Visitor,
    request: Request<Incoming>,
    drain: Drain,
) -> Response<Reply> {
    let active = shared.active.load_full();
    let draft = Draft::new(&visitor, &active);
    if request.method() == Method::CONNECT {
        return accept_tunnel(shared, active, draft, request, drain).await;
    }
    forward(&shared, &active, draft, request).await
}

async fn accept_tunnel(
    shared: Arc<Shared>,
    active: Arc<Active>,
    draft: Draft,
    mut request: Request<Incoming>,
    mut drain: Drain,
) -> Response<Reply> {
    let target = request
        .uri()
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let recorded = recorded(&request, &target, None);
    let authority = match Authority::parse(&target, None) {
        Ok(authority) => authority,
        Err(error) => {
            return malformed(&shared, draft, recorded, "target", error.to_string()).await;
        }
    };
    let recorded = Recorded {
        host: Some(authority.host.to_string()),
        port: Some(authority.port),
        ..recorded
    };
    let (reply, replied) = oneshot::channel();
    let client = StreamTunnel {
        reply,
        upgrade: hyper::upgrade::on(&mut request),
    };
    // A task of its own: the tunnel goes on when the answer's head is out.
    tokio::spawn(async move {
        let connect = Connect {
            authority: &authority,
            host: None,
            request: recorded,
        };
        Box::pin(tunnel(&shared, &active, draft, connect, client, &mut drain)).await;
    });
    replied
        .await
        .unwrap_or_else(|_| status_only(StatusCode::BAD_GATEWAY))
}

/// A CONNECT stream.
struct StreamTunnel {
    reply: oneshot::Sender<Response<Reply>>,
    upgrade: hyper::upgrade::OnUpgrade,
}

// A CONNECT stream that is dropped unfinished is reset by hyper.
impl ClientIo for Tunnelled {
    fn transport(&mut self) -> &mut dyn ClientIo {
        self
    }
}

impl TunnelClient for StreamTunnel {
    type Stream = Tunnelled;

    async fn refuse(self, answer: &Answer, request_id: &str) {
        // The client may be gone.
        let _ = self.reply.send(response(answer, request_id));
    }

    async fn accept(self) -> std::io::Result<(Tunnelled, Vec<u8>)> {
        let _ = self.reply.send(status_only(StatusCode::OK));
        let upgraded = self.upgrade.await.map_err(std::io::Error::other)?;
        Ok((Tunnelled::new(upgraded), Vec::new()))
    }
}

async fn forward(
    shared: &Shared,
    active: &Active,
    draft: Draft,
    request: Request<Incoming>,
) -> Response<Reply> {
    let target = request
        .uri()
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let scheme = request.uri().scheme_str().unwrap_or("http").to_owned();
    let draft_request = recorded(&request, &target, Some(&scheme));
    if scheme != "http" {
        let why = format!(
            "{scheme}:// over a plaintext connection to the proxy; use CONNECT (HTTPS_PROXY) for https://"
        );
        return malformed(shared, draft, draft_request, "https-absolute-form", why).await;
    }
    let authority = match Authority::parse(&target, Some(80)) {
        Ok(authority) => authority,
        Err(error) => {
            return malformed(shared, draft, draft_request, "target", error.to_string()).await;
        }
    };
    let named = request.headers().get(http::header::HOST).map(|host| {
        host.to_str()
            .ok()
            .and_then(|host| Authority::parse(host, Some(80)).ok())
    });
    if named == Some(None) {
        return malformed(
            shared,
            draft,
            draft_request,
            "host",
            "the Host field cannot be read".to_owned(),
        )
        .await;
    }
    let host = named.flatten().map(|named| named.host);
    let draft_request = Recorded {
        host: Some(authority.host.to_string()),
        port: Some(authority.port),
        ..draft_request
    };
    let is_signed = request
        .headers()
        .get_all(http::header::AUTHORIZATION)
        .iter()
        .any(|value| value.as_bytes().starts_with(b"AWS"))
        || request
            .uri()
            .query()
            .is_some_and(|query| query.to_ascii_lowercase().contains("x-amz-signature="));
    let look = |effective: &Effective| HeadFacts {
        found: host
            .as_ref()
            .and_then(|host| effective.judge_host(host, super::heads::HOST, &authority))
            .into_iter()
            .collect(),
        named: host.clone().into_iter().collect(),
        is_signed,
    };
    let decided = match decide(
        shared,
        active,
        draft,
        draft_request,
        Ask {
            authority: &authority,
            way: Way::Forward,
            carried: Carried::Forward,
            known: None,
        },
        look,
    )
    .await
    {
        Ok(decided) => decided,
        Err(Stopped { answer, id, .. }) => return response(&answer, &id),
    };
    exchange(shared, decided, &authority, request).await
}

async fn exchange(
    shared: &Shared,
    decided: Decided,
    authority: &Authority,
    request: Request<Incoming>,
) -> Response<Reply> {
    let Decided {
        mut entry,
        permit,
        effective,
        parent,
        ..
    } = decided;
    let leg = if entry.decision().is_upgrade() {
        Leg::Tls(Offers::Http11)
    } else {
        Leg::Plain
    };
    let parent = parent.as_ref();
    let connecting = connect(
        shared, parent, &mut entry, authority, &permit, &effective, leg,
    );
    let upstream = match connecting.await {
        Ok(upstream) => upstream,
        Err(failed) => {
            let (answer, id) = fail(entry, failed.answer).await;
            return response(&answer, &id);
        }
    };
    upstream.hop.note(&mut entry);
    let form = match upstream.hop {
        Hop::Address(_) | Hop::Tunnel { .. } => Form::Origin,
        Hop::Parent(_) => Form::Absolute(parent.and_then(Parent::login)),
    };
    if upstream.tls.is_some() {
        entry.set_tls(Tls {
            client: None,
            upstream: upstream.tls.clone(),
        });
    }
    let (stream, _) = upstream.conn.into_parts();
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = match shaken {
        Ok(shaken) => shaken,
        Err(error) => {
            let (answer, id) = fail(entry, upstream_failed(&error)).await;
            return response(&answer, &id);
        }
    };
    tokio::spawn(connection);
    let sent = Sent::default();
    let answered = match rewritten(request, authority, form, &sent) {
        Ok(request) => {
            tokio::time::timeout(shared.timeouts.idle, sender.send_request(request)).await
        }
        Err(why) => {
            let (answer, id) = fail(entry, Answer::upstream(502, "http_request_error", why)).await;
            return response(&answer, &id);
        }
    };
    match answered {
        Ok(Ok(answer))
            if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
                && matches!(form, Form::Absolute(_)) =>
        {
            let challenges = answer
                .headers()
                .get_all(http::header::PROXY_AUTHENTICATE)
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect::<Vec<_>>();
            let (answer, id) = fail(entry, login_answer(&challenges, parent)).await;
            response(&answer, &id)
        }
        Ok(Ok(answer)) => {
            let text = |name: &str| {
                answer
                    .headers()
                    .get(name)
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            entry.set_request_ids(
                text("x-amzn-requestid").or_else(|| text("x-amz-request-id")),
                text("x-amz-id-2"),
            );
            relayed(answer, entry, sent)
        }
        Ok(Err(error)) => {
            let (answer, id) = fail(entry, upstream_failed(&error)).await;
            response(&answer, &id)
        }
        Err(_) => {
            let detail = "no answer within timeouts.idle".to_owned();
            let (answer, id) = fail(
                entry,
                Answer::upstream(504, "http_response_timeout", detail),
            )
            .await;
            response(&answer, &id)
        }
    }
}

/// How the target is written.
#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    Origin,
    /// For a parent proxy, where we are this.
    Absolute(Option<&'a Login>),
}

/// The request for the server: HTTP/1.1, and what HTTP/2 split put together again.
fn rewritten(
    request: Request<Incoming>,
    authority: &Authority,
    form: Form<'_>,
    sent: &Sent,
) -> Result<Request<super::h2_body::Counted>, String> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = if path.is_empty() { "/" } else { path };
    let target = match form {
        Form::Origin => target.to_owned(),
        Form::Absolute(_) => format!("http://{authority}{target}"),
    };
    parts.uri = target
        .parse()
        .map_err(|_| "the path cannot be carried over HTTP/1".to_owned())?;
    parts.version = Version::HTTP_11;
    let host = if authority.port == 80 {
        authority.host_text()
    } else {
        authority.to_string()
    };
    let host = HeaderValue::from_str(&host)
        .map_err(|_| "the host cannot be carried over HTTP/1".to_owned())?;
    let mut headers = HeaderMap::with_capacity(parts.headers.len() + 1);
    headers.insert(http::header::HOST, host);
    let mut cookies: Vec<Vec<u8>> = Vec::new();
    for (name, value) in &parts.headers {
        if name == http::header::COOKIE {
            cookies.push(value.as_bytes().to_vec());
        } else if name != http::header::HOST && !is_hop_by_hop(name, value) {
            headers.append(name.clone(), value.clone());
        }
    }
    // RFC 9113, section 8.2.3: crumbs are one field again in HTTP/1.
    if !cookies.is_empty()
        && let Ok(cookie) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(http::header::COOKIE, cookie);
    }
    if let Form::Absolute(Some(login)) = form
        && let Ok(mut value) = HeaderValue::from_str(login.basic().expose())
    {
        value.set_sensitive(true);
        headers.insert(http::header::PROXY_AUTHORIZATION, value);
    }
    parts.headers = headers;
    Ok(Request::from_parts(parts, sent.count(body)))
}

/// Fields of one connection (RFC 9110, section 7.6.1); TE may say `trailers`.
pub(super) fn is_hop_by_hop(name: &HeaderName, value: &HeaderValue) -> bool {
    match name.as_str() {
        "connection"
        | "keep-alive"
        | "proxy-connection"
        | "proxy-authorization"
        | "proxy-authenticate"
        | "transfer-encoding"
        | "upgrade" => true,
        "te" => value.as_bytes() != b"trailers",
        _ => false,
    }
}

fn upstream_failed(error: &hyper::Error) -> Answer {
    Answer::upstream(
        502,
        "http_response_incomplete",
        format!("the upstream's answer failed: {error}"),
    )
}

fn recorded(request: &Request<Incoming>, target: &str, scheme: Option<&str>) -> Recorded {
    let path = request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str());
    let url = scheme.map_or_else(
        || target.to_owned(),
        |scheme| format!("{scheme}://{target}{path}"),
    );
    let agent = request.headers().get(http::header::USER_AGENT);
    Recorded {
        method: Some(request.method().to_string()),
        url: Some(SafeUrl::redact(&url).as_str().to_owned()),
        http: Some("2"),
        user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
        ..Recorded::default()
    }
}

async fn malformed(
    shared: &Shared,
    mut draft: Draft,
    request: Recorded,
    kind: &'static str,
    why: String,
) -> Response<Reply> {
    draft.set_request(request);
    let finding = Finding {
        rule: Rule::MalformedRequest,
        kind,
        place: "head".into(),
        action: Action::Block,
        severity: Severity::Medium,
        length: None,
        fingerprint: None,
        hint: format!("The request cannot be proxied: {why}."),
    };
    let decision = Decision::from_findings(vec![finding], Mode::Enforce);
    let answer = Answer::refusal(&decision);
    let id = draft.id().to_owned();
    draft
        .refuse(&shared.journal, &decision, Some(answer.status))
        .await;
    response(&answer, &id)
}

fn response(answer: &Answer, request_id: &str) -> Response<Reply> {
    let mut response = Response::new(told(answer.body(request_id)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    if let Ok(status) = HeaderValue::from_str(&answer.proxy_status()) {
        headers.insert("proxy-status", status);
    }
    for (name, value) in answer.extra_headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    response
}

fn status_only(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(told(Vec::new()));
    *response.status_mut() = status;
    response
}
