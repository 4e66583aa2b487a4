//! A rival for `cargo bench --bench proxy`: the smallest logging proxy that hudsucker makes. It
//! writes one line a request and does nothing else.
//!
//!     outgate-bench-hudsucker FOLDER ROOTS LOG
//!
//! FOLDER holds `ca.pem` and `ca.key`, ROOTS is what servers are verified against, every name
//! leads to 127.0.0.1. Prints where it listens.

use std::fs::File;
use std::future::{Ready, ready};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use hudsucker::certificate_authority::RcgenAuthority;
use hudsucker::hyper::{Request, Response};
use hudsucker::rcgen::{Issuer, KeyPair};
use hudsucker::rustls::crypto::aws_lc_rs;
use hudsucker::rustls::pki_types::CertificateDer;
use hudsucker::rustls::pki_types::pem::PemObject as _;
use hudsucker::rustls::{ClientConfig, RootCertStore};
use hudsucker::{Body, HttpContext, HttpHandler, Proxy, RequestOrResponse};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;

/// One line a request, written when its answer begins.
#[derive(Clone)]
struct Log {
    file: Arc<File>,
    request: String,
}

impl HttpHandler for Log {
    async fn handle_request(&mut self, _: &HttpContext, request: Request<Body>) -> RequestOrResponse {
        self.request = format!("{} {}", request.method(), request.uri());
        request.into()
    }

    async fn handle_response(&mut self, context: &HttpContext, response: Response<Body>) -> Response<Body> {
        let time = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let line = format!(
            "{:.6} {} {} {}\n",
            time.as_secs_f64(),
            context.client_addr,
            self.request,
            response.status().as_u16()
        );
        (&*self.file).write_all(line.as_bytes()).unwrap();
        response
    }
}

/// Every name is here.
#[derive(Clone)]
struct Here;

impl tower_service::Service<Name> for Here {
    type Response = std::iter::Once<SocketAddr>;
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(std::iter::once(SocketAddr::from(([127, 0, 0, 1], 0)))))
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().expect("FOLDER ROOTS LOG");
    let (folder, roots, log) = (next(), next(), next());
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();

    let key = KeyPair::from_pem(&read("ca.key")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), key).unwrap();
    let authority = RcgenAuthority::new(issuer, 1000, aws_lc_rs::default_provider());

    let mut trusted = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(roots).unwrap() {
        trusted.add(root.unwrap()).unwrap();
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new_with_resolver(Here);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(tcp);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let file = Arc::new(File::create(log).unwrap());
    Proxy::builder()
        .with_listener(listener)
        .with_ca(authority)
        .with_http_connector(connector)
        .with_http_handler(Log { file, request: String::new() })
        .build()
        .unwrap()
        .start()
        .await
        .unwrap();
}
