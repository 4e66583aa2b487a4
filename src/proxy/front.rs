//! The front door of one connection: strict heads, one after the other, each to its course.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::edge::client::{ClientStream, last_words};
use crate::edge::http1::{Conn, ReadHeadError};
use crate::logic::wire::first_bytes::{FirstBytes, first_bytes};
use crate::logic::wire::http1::{HostHeader, RequestHead, RequestTarget};
use crate::model::Rule;

use super::answer::Answer;
use super::drain::Drain;
use super::entry::Draft;
use super::forward::{Forward, forward};
use super::state::{Active, Shared};
use super::tunnel::{Connect, TunnelClient, tunnel};
use super::turned_away::{Refused, never_a_request, refuse, refuse_draft, visitor};
use super::upstream::Idle;
use super::{h2, heads};

/// What the front door got to read.
enum Read {
    Head(Box<RequestHead>),
    Http2,
    Refused(Refused),
    /// Nothing more to answer: the client is gone, or the proxy stops.
    Gone {
        error: Option<String>,
        bytes: usize,
    },
}

/// Serves one connection to its end. What a step needs is boxed and given back with the step, so
/// that a connection that waits, or relays for days, holds little.
pub(super) async fn serve_connection(
    shared: Arc<Shared>,
    stream: ClientStream,
    peer: Option<SocketAddr>,
    mut drain: Drain,
) {
    let visitor = visitor(&shared, &stream, peer);
    let mut conn = Conn::new(stream);
    if let Some(refused) = stranger(&shared, peer) {
        return Box::pin(refuse(&shared, &visitor, conn, refused, None)).await;
    }
    let mut served = 0_u64;
    // The upstream connection of the last forwarded request, for the next one.
    let mut idle = None;
    loop {
        match Box::pin(read_head(&shared, &mut conn, served == 0, &mut drain)).await {
            Read::Head(head) => {
                let active = shared.active.load_full();
                let draft = Draft::new(&visitor, &active);
                let course = course(&shared, &active, draft, head, conn, &mut idle, &mut drain);
                match Box::pin(course).await {
                    Some(again) => conn = again,
                    None => return,
                }
                served += 1;
            }
            Read::Http2 => return Box::pin(h2::serve(shared, visitor, conn, drain)).await,
            Read::Refused(refused) => {
                let seen = heads::glimpse(conn.buffered());
                return Box::pin(refuse(&shared, &visitor, conn, refused, seen)).await;
            }
            Read::Gone { error, bytes } => {
                if served == 0 || bytes > 0 {
                    Box::pin(never_a_request(&shared, &visitor, error, bytes)).await;
                }
                return;
            }
        }
    }
}

/// One request. Gives the connection back if another may follow.
async fn course(
    shared: &Arc<Shared>,
    active: &Active,
    mut draft: Draft,
    head: Box<RequestHead>,
    conn: Conn<ClientStream>,
    idle: &mut Option<Idle>,
    drain: &mut Drain,
) -> Option<Conn<ClientStream>> {
    let request = heads::described(&head);
    match &head.target {
        RequestTarget::Authority(authority) => {
            let host = head.host.as_ref().filter(|host| !names_us(host, shared));
            let connect = Connect {
                authority,
                host: host.map(|host| &host.host),
                request,
            };
            Box::pin(tunnel(
                shared,
                active,
                draft,
                connect,
                Http1Tunnel(conn),
                drain,
            ))
            .await;
            None
        }
        RequestTarget::Absolute { .. } => {
            Box::pin(forward(
                shared,
                active,
                draft,
                Forward {
                    request,
                    head: *head,
                },
                conn,
                idle,
                drain,
            ))
            .await
        }
        RequestTarget::Origin(_) | RequestTarget::Asterisk => {
            draft.set_request(request);
            let refused = Refused {
                rule: Rule::MalformedRequest,
                kind: "origin-form",
                hint: "This is a proxy, and the request names no host in its first line, as requests to a server do. \
                       Do not put the proxy's address into a URL: set HTTPS_PROXY and HTTP_PROXY to it."
                    .to_owned(),
                status: 400,
            };
            Box::pin(refuse_draft(shared, draft, conn, refused)).await;
            None
        }
    }
}

/// Whether the Host of a CONNECT names the proxy, under whatever name the client knows it: Node's
/// `http.request` fills it in so. Nothing goes by it, since it is not passed on.
fn names_us(host: &HostHeader, shared: &Shared) -> bool {
    host.port
        .is_some_and(|port| shared.own.iter().any(|own| own.port() == port))
}

/// Reads until a head is whole or certain to be refused.
async fn read_head(
    shared: &Shared,
    conn: &mut Conn<ClientStream>,
    first: bool,
    drain: &mut Drain,
) -> Read {
    // A connection's first head has its time from the connection's start; a kept-alive one may be
    // quiet for long before its next request, whose time begins with its first byte.
    let start = Instant::now();
    let quiet = if first {
        shared.timeouts.head
    } else {
        shared.timeouts.idle
    };
    if conn.buffered().is_empty() {
        let read = tokio::select! {
            read = tokio::time::timeout(quiet, conn.read_more()) => read,
            () = drain.draining() => return Read::Gone { error: None, bytes: 0 },
        };
        match read {
            Ok(Ok(0)) => {
                return Read::Gone {
                    error: None,
                    bytes: 0,
                };
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                return Read::Gone {
                    error: Some(error.to_string()),
                    bytes: 0,
                };
            }
            Err(_) if first => return Read::Refused(head_timeout(shared)),
            Err(_) => {
                return Read::Gone {
                    error: None,
                    bytes: 0,
                };
            }
        }
    }
    let begun = if first { start } else { Instant::now() };
    let deadline = begun + shared.timeouts.head;
    let judged = tokio::select! {
        judged = tokio::time::timeout_at(deadline, judge_start(shared, conn, first)) => Some(judged),
        () = drain.forced() => None,
    };
    match judged {
        Some(Ok(read)) => read,
        Some(Err(_)) => Read::Refused(head_timeout(shared)),
        None => Read::Gone {
            error: Some("outgate stopped before the request was whole".to_owned()),
            bytes: conn.buffered().len(),
        },
    }
}

fn head_timeout(shared: &Shared) -> Refused {
    let limit = shared.timeouts.head.as_secs_f64();
    Refused {
        rule: Rule::Limits,
        kind: "head-timeout",
        hint: format!("No whole request head came within {limit} s (timeouts.head)."),
        status: Rule::Limits.status(),
    }
}

/// Reads on until it is clear what the client began with, and its head is whole.
async fn judge_start(shared: &Shared, conn: &mut Conn<ClientStream>, first: bool) -> Read {
    if first {
        loop {
            let (kind, hint) = match first_bytes(conn.buffered()) {
                FirstBytes::NeedMore => match conn.read_more().await {
                    Ok(0) => {
                        return Read::Gone {
                            error: Some("closed before it was clear what it began".to_owned()),
                            bytes: conn.buffered().len(),
                        };
                    }
                    Ok(_) => continue,
                    Err(error) => {
                        return Read::Gone {
                            error: Some(error.to_string()),
                            bytes: conn.buffered().len(),
                        };
                    }
                },
                FirstBytes::Http2Preface => return Read::Http2,
                FirstBytes::Http1 | FirstBytes::Unknown => break,
                FirstBytes::TlsClientHello => (
                    "tls-client-hello",
                    "This port speaks plain HTTP, and the client began with TLS. Write the proxy's URL with http://, \
                 as in HTTPS_PROXY=http://127.0.0.1:3128: what the client sends through it stays encrypted.",
                ),
                FirstBytes::Socks4 | FirstBytes::Socks5 => (
                    "socks",
                    "This is an HTTP proxy, and the client began with SOCKS. Set HTTPS_PROXY and HTTP_PROXY to \
                 http://127.0.0.1:3128 instead of a socks:// URL in ALL_PROXY.",
                ),
            };
            return Read::Refused(Refused {
                rule: Rule::MalformedRequest,
                kind,
                hint: hint.to_owned(),
                status: 400,
            });
        }
    }
    match conn.read_request_head(shared.limits.head).await {
        Ok(Some(head)) => Read::Head(Box::new(head)),
        Ok(None) => Read::Gone {
            error: None,
            bytes: 0,
        },
        Err(ReadHeadError::Head(error)) => Read::Refused(Refused::head(&error)),
        Err(error @ (ReadHeadError::Truncated | ReadHeadError::Io(_))) => Read::Gone {
            error: Some(error.to_string()),
            bytes: conn.buffered().len(),
        },
    }
}

fn stranger(shared: &Shared, peer: Option<SocketAddr>) -> Option<Refused> {
    let peer = peer?.ip().to_canonical();
    let known = shared.clients.iter().any(|net| net.contains(&peer));
    (!known).then(|| Refused {
        rule: Rule::ClientAuth,
        kind: "client-address",
        hint: format!(
            "{peer} may not use this proxy; add its address or network to clients.allow."
        ),
        status: 403,
    })
}

/// A CONNECT over HTTP/1.1.
struct Http1Tunnel(Conn<ClientStream>);

impl TunnelClient for Http1Tunnel {
    type Stream = ClientStream;

    async fn refuse(mut self, answer: &Answer, request_id: &str) {
        last_words(self.0.stream_mut(), &answer.http1(request_id, false)).await;
    }

    async fn accept(self) -> std::io::Result<(ClientStream, Vec<u8>)> {
        let (mut stream, early) = self.0.into_parts();
        let early = early.to_vec();
        // One write, so that the client never sees half of it.
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        Ok((stream, early))
    }
}
