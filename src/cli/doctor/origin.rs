//! The server that the tools are sent to: on loopback, over TLS, known to nobody but the proxy.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::pages::{Page, page};
use crate::edge::ca::{Issuer, LeafBounds, Leaves};
use crate::model::Host;

/// Who asked for what: a count for each host.
#[derive(Debug, Default)]
pub(super) struct Visits(Mutex<BTreeMap<String, u64>>);

impl Visits {
    fn note(&self, host: &str) {
        let mut visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *visits.entry(host.to_owned()).or_default() += 1;
    }

    /// How many requests for `host`, or for a host under it, were answered with what they asked.
    pub(super) fn of(&self, host: &str) -> u64 {
        let visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of = |name: &str| super::seen::is_of(name, host);
        visits
            .iter()
            .filter(|(name, _)| is_of(name))
            .map(|(_, count)| count)
            .sum()
    }
}

/// The running server.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    /// What its own authority is verified with, in PEM. No tool gets to see it.
    pub(super) root: String,
    pub(super) visits: Arc<Visits>,
}

impl Origin {
    /// Starts it on the runtime that runs this.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) async fn start() -> Result<Origin, String> {
        let issuer = Issuer::ephemeral().map_err(|error| error.to_string())?;
        let root = issuer.root_pem().to_owned();
        let leaves =
            Leaves::new(issuer, LeafBounds::default()).map_err(|error| error.to_string())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Names(leaves)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| format!("cannot listen on loopback: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let visits = Arc::new(Visits::default());
        tokio::spawn(accept(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            Arc::clone(&visits),
        ));
        Ok(Origin {
            address,
            root,
            visits,
        })
    }
}

/// A certificate for whatever name is asked.
#[derive(Debug)]
struct Names(Leaves);

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = Host::parse(hello.server_name()?).ok()?;
        self.0.leaf(&host, None).ok()
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, visits: Arc<Visits>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, visits) = (tls.clone(), Arc::clone(&visits));
        tokio::spawn(async move { serve(stream, tls, visits).await });
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, visits: Arc<Visits>) {
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(|request| answer(request, Arc::clone(&visits)));
    let stream = TokioIo::new(stream);
    // A connection that breaks is its client's affair.
    if is_h2 {
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(stream, service)
            .await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(stream, service)
            .await;
    }
}

async fn answer(
    request: Request<Incoming>,
    visits: Arc<Visits>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // Read to its end, so that the connection can be used again.
    let _ = body.collect().await;
    let host = host(&head.headers, &head.uri);
    let Some(page) = page(&host, head.method.as_str(), head.uri.path()) else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    visits.note(&host);
    Ok(response(page, head.method == Method::POST, &head.headers))
}

fn host(headers: &HeaderMap, uri: &http::Uri) -> String {
    let named = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or_default();
    named.split(':').next().unwrap_or_default().to_owned()
}

fn response(page: Page, is_post: bool, asked: &HeaderMap) -> Response<Full<Bytes>> {
    let whole = page.body.len();
    let range = asked
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| range(value, whole))
        .filter(|_| !is_post);
    let body = Bytes::from(page.body);
    let (status, body) = match range {
        Some((first, last)) => (StatusCode::PARTIAL_CONTENT, body.slice(first..=last)),
        None => (StatusCode::OK, body),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.kind));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::ETAG,
        HeaderValue::from_static("\"d41d8cd98f00b204e9800998ecf8427e\""),
    );
    headers.insert(
        header::LAST_MODIFIED,
        HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT"),
    );
    let of = range.map(|(first, last)| format!("bytes {first}-{last}/{whole}"));
    if let Some(value) = of.and_then(|of| HeaderValue::from_str(&of).ok()) {
        headers.insert(header::CONTENT_RANGE, value);
    }
    response
}

/// The first and the last byte that a `Range` names, if it can be had.
fn range(value: &str, whole: usize) -> Option<(usize, usize)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let end = whole.checked_sub(1)?;
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() {
        end
    } else {
        last.parse::<usize>().ok()?.min(end)
    };
    (first <= last).then_some((first, last))
}
