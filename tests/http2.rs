//! HTTP/2 with prior knowledge, by hyper's own client: tunnels, plain requests and refusals as
//! streams of one connection.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use support::{Authority, OpensslServer, Proxy, origin, read_head};

type Body = BoxBody<Bytes, hyper::Error>;

async fn client(proxy: &Proxy) -> SendRequest<Body> {
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes))
        .map_err(|never| match never {})
        .boxed()
}

fn get(uri: &str) -> Request<Body> {
    Request::builder().uri(uri).body(empty()).unwrap()
}

fn connect(target: &str) -> Request<Body> {
    Request::builder()
        .method(Method::CONNECT)
        .uri(target)
        .body(empty())
        .unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_and_plain_requests_share_one_connection() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["tls.test"]);
    // s_server serves one connection at a time, so each tunnel has its own.
    let servers = [(); 3].map(|()| OpensslServer::start(&["-cert", &certificate, "-key", &key]));
    let plain = origin(|mut stream| {
        let (head, mut body) = read_head(&mut stream);
        assert!(head.starts_with("POST /path?x=%20 HTTP/1.1\r\n"), "{head}");
        assert!(
            head.to_ascii_lowercase().contains("\r\nhost: plain.test:"),
            "{head}"
        );
        assert!(
            !head.to_ascii_lowercase().contains("proxy-authorization"),
            "{head}"
        );
        while body.len() < 5000 {
            let mut more = [0; 4096];
            let count = stream.read(&mut more).unwrap();
            body.extend_from_slice(&more[..count]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Answer: yes\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n\r\nfine").unwrap();
    });
    let proxy = Proxy::start(&[
        "--extra-root",
        &authority.ca(),
        "--connect-to",
        &format!("tls.test:443:{}", servers[0].address),
        "--connect-to",
        &format!("tls.test:8443:{}", servers[1].address),
        "--connect-to",
        &format!("tls.test:9443:{}", servers[2].address),
        "--connect-to",
        &format!("plain.test::{plain}"),
    ]);
    let mut sender = client(&proxy).await;

    let mut tunnels = Vec::new();
    for port in [443, 8443, 9443] {
        let answer = sender
            .send_request(connect(&format!("tls.test:{port}")))
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let upgraded = hyper::upgrade::on(answer).await.unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(
            CertificateDer::pem_file_iter(authority.ca())
                .unwrap()
                .map(Result::unwrap),
        );
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("tls.test").unwrap();
        let tls = TlsConnector::from(Arc::new(config))
            .connect(name, TokioIo::new(upgraded))
            .await
            .unwrap();
        tunnels.push(tls);
    }
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://plain.test:{}/path?x=%20", plain.port()))
        .header("proxy-authorization", "Basic x")
        .body(full(vec![7; 5000]))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["x-answer"]),
        (StatusCode::OK, &"yes".parse().unwrap())
    );
    assert!(
        !answer.headers().contains_key("x-hop") && !answer.headers().contains_key("connection")
    );
    assert_eq!(text(answer).await, "fine");
    for mut tls in tunnels {
        tls.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut page = Vec::new();
        // s_server closes without a close_notify.
        let _ = tls.read_to_end(&mut page).await;
        assert!(
            page.starts_with(b"HTTP/1.0 200 ok"),
            "{}",
            String::from_utf8_lossy(&page)
        );
    }

    let forwarded = proxy.line_for("plain.test", "complete");
    assert_eq!(
        (
            &forwarded["status"],
            &forwarded["bytes"]["sent"],
            &forwarded["bytes"]["received"]
        ),
        (&200.into(), &5000.into(), &4.into())
    );
    let tunnel = proxy.line_for("tls.test", "complete");
    assert_eq!(
        (&tunnel["verdict"], &tunnel["request"]["http"]),
        (&"allow".into(), &"2".into())
    );
    assert_eq!(tunnel["conn"], forwarded["conn"], "one connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_answers_on_their_streams() {
    let proxy = Proxy::start(&[]);
    let mut sender = client(&proxy).await;
    let cases = [
        (
            get("http://s3.us-east-1.amazonaws.com/x"),
            403,
            "aws-plaintext",
        ),
        (
            connect("s3.us-east-1.amazonaws.com:80"),
            403,
            "aws-plaintext",
        ),
        (connect("169.254.169.254:443"), 403, "instance-metadata"),
        (get("https://example.com/"), 400, "malformed-request"),
    ];
    for (request, status, rule) in cases {
        let uri = request.uri().to_string();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{uri}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let body: serde_json::Value = serde_json::from_str(&text(answer).await).unwrap();
        assert_eq!(body["rule"], rule, "{uri}");
        let line = proxy.line(|line| line["id"] == body["request_id"]);
        assert_eq!(
            (&line["verdict"], &line["rule"], &line["stage"]),
            (&"block".into(), &rule.into(), &"decision".into()),
            "{uri}"
        );
    }
    let mut request = get("http://example.com/");
    request
        .headers_mut()
        .insert("host", "other.example".parse().unwrap());
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(text(answer).await.contains("sni-mismatch"));
}
