//! What is carried, and that it is carried unchanged.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use tokio::sync::mpsc;

use super::rig::collect;
use super::rig::get;
use super::rig::post;
use super::rig::rig;
use super::rig::send_all;
use super::rig::status;
use crate::edge::http2::End;

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(*name, HeaderValue::from_static(value));
    }
    map
}

fn values<'a>(map: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    map.get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect()
}

#[tokio::test]
async fn heads_bodies_and_trailers_arrive_as_they_were_sent() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let (mut client, mut outcomes) = rig(move |request, mut respond| {
        let seen = seen.clone();
        async move {
            let (head, mut body) = request.into_parts();
            let (data, trailers) = collect(&mut body).await.unwrap();
            seen.send((head, data, trailers)).unwrap();
            let mut head = status(207);
            *head.headers_mut() = map(&[("set-cookie", "b=2"), ("x", "1"), ("set-cookie", "a=1")]);
            let mut stream = respond.send_response(head, false).unwrap();
            stream
                .send_data(Bytes::from_static(b"answer"), false)
                .unwrap();
            stream
                .send_trailers(map(&[("grpc-status", "0"), ("x-undeclared", "yes")]))
                .unwrap();
        }
    })
    .await;

    let path = "/a%2Fb/../c//d;p='q'/%zz/\u{e9}?x=1&y=%20|{}[]\u{e9}";
    let mut request = Request::builder()
        .method(Method::from_bytes(b"PROPFIND").unwrap())
        .uri(format!("https://origin.test:8443{path}"))
        .body(())
        .unwrap();
    *request.headers_mut() = map(&[
        ("cookie", "b=2"),
        ("x-amz-date", "  kept "),
        ("cookie", "a=1"),
        ("te", "trailers"),
        ("host", "origin.test:8443"),
        ("proxy-authorization", "Basic b3Vycw=="),
        ("authorization", "Bearer theirs"),
    ]);
    request
        .headers_mut()
        .append("x-bytes", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    let (response, mut stream) = client.send_request(request, false).unwrap();
    send_all(&mut stream, Bytes::from_static(b"the body")).await;
    stream
        .send_trailers(map(&[("x-checksum", "abc"), ("x-checksum", "def")]))
        .unwrap();

    let (head, data, trailers) = requests.recv().await.unwrap();
    assert_eq!(head.method.as_str(), "PROPFIND");
    assert_eq!(head.uri.scheme_str(), Some("https"));
    assert_eq!(head.uri.authority().unwrap().as_str(), "origin.test:8443");
    assert_eq!(head.uri.path_and_query().unwrap().as_str(), path);
    assert_eq!(values(&head.headers, "cookie"), [&b"b=2"[..], b"a=1"]);
    assert_eq!(values(&head.headers, "x-bytes"), [b"\xff\xfe"]);
    assert_eq!(values(&head.headers, "te"), [b"trailers"]);
    assert_eq!(values(&head.headers, "authorization"), [b"Bearer theirs"]);
    assert_eq!(head.headers.len(), 8, "{:?}", head.headers);
    assert_eq!(data, b"the body");
    assert_eq!(values(&trailers.unwrap(), "x-checksum"), [b"abc", b"def"]);

    let (head, mut body) = response.await.unwrap().into_parts();
    assert_eq!(head.status, 207);
    assert_eq!(values(&head.headers, "set-cookie"), [b"b=2", b"a=1"]);
    assert_eq!(head.headers.len(), 3);
    let (data, trailers) = collect(&mut body).await.unwrap();
    assert_eq!(data, b"answer");
    assert_eq!(
        trailers.unwrap(),
        map(&[("grpc-status", "0"), ("x-undeclared", "yes")])
    );
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(outcome.end, End::Complete));
    assert_eq!(
        (outcome.status, outcome.sent, outcome.received),
        (Some(207), 8, 6)
    );
    assert!(!outcome.retryable);
}

#[test]
fn the_http_crate_holds_nearly_every_path() {
    // What it refuses, the h2 crate resets with PROTOCOL_ERROR before a request is seen; and it
    // cuts a path at its fragment, which RFC 9113 does not allow there.
    let refused = |prefix: &str| -> String {
        (b'!'..=b'~')
            .map(char::from)
            .filter(|&byte| {
                let path = format!("{prefix}a{byte}b");
                path.parse::<http::uri::PathAndQuery>()
                    .map_or(true, |parsed| parsed.as_str() != path)
            })
            .collect()
    };
    assert_eq!(refused("/"), "#<>`");
    assert_eq!(refused("/?"), "\"#<>");
}

#[tokio::test]
async fn both_directions_flow_at_once() {
    let (mut client, mut outcomes) = rig(|request, mut respond| async move {
        // The head comes before the first byte of the request, as gRPC servers do it.
        let mut stream = respond.send_response(status(200), false).unwrap();
        let mut body = request.into_body();
        while let Some(Ok(chunk)) = body.data().await {
            let _ = body.flow_control().release_capacity(chunk.len());
            stream.send_data(chunk, false).unwrap();
        }
        stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    })
    .await;
    let (response, mut stream) = client.send_request(post("/chat"), false).unwrap();
    let mut body = response.await.unwrap().into_body();
    for message in ["one", "two", "three"] {
        stream.send_data(Bytes::from(message), false).unwrap();
        assert_eq!(body.data().await.unwrap().unwrap(), message);
    }
    stream.send_data(Bytes::new(), true).unwrap();
    let (rest, trailers) = collect(&mut body).await.unwrap();
    assert!(rest.is_empty() && trailers.is_some());
    assert!(matches!(outcomes.recv().await.unwrap().end, End::Complete));
}

#[tokio::test]
async fn an_answer_may_end_before_the_request_does() {
    let (mut client, mut outcomes) = rig(|request, mut respond| async move {
        respond.send_response(status(202), true).unwrap();
        // It reads on after its answer.
        let (data, _) = collect(&mut request.into_body()).await.unwrap();
        assert_eq!(data, b"late");
    })
    .await;
    let (response, mut stream) = client.send_request(post("/"), false).unwrap();
    let response = response.await.unwrap();
    assert!(response.status() == 202 && response.body().is_end_stream());
    stream.send_data(Bytes::from_static(b"late"), true).unwrap();
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(outcome.end, End::Complete) && outcome.sent == 4);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_length() {
    let (mut client, _outcomes) = rig(|request, mut respond| async move {
        let code = request
            .uri()
            .path()
            .trim_start_matches('/')
            .parse()
            .unwrap();
        let mut head = status(code);
        if code != 204 {
            head.headers_mut()
                .insert("content-length", HeaderValue::from_static("12345"));
        }
        respond.send_response(head, true).unwrap();
    })
    .await;
    for (method, path) in [
        (Method::HEAD, "/200"),
        (Method::GET, "/204"),
        (Method::GET, "/304"),
    ] {
        let mut request = get(path);
        *request.method_mut() = method;
        let (response, _) = client.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.status().as_str(), path.trim_start_matches('/'));
        let length = response.headers().get("content-length");
        assert_eq!(length.is_some(), path != "/204");
        assert!(response.body().is_end_stream());
    }
}

#[tokio::test]
async fn host_alone_names_the_authority() {
    // The h2 crate's client always sends an authority, so the frames are raw: GET, https, /,
    // and a host.
    use super::rig::{END_HEADERS, END_STREAM, HEADERS, SETTINGS, SOCKET, between, frame};
    use tokio::io::AsyncWriteExt as _;

    let (near, far) = tokio::io::duplex(SOCKET);
    let (mut client, mut outcomes) =
        between(near, crate::edge::http2::ExchangeOptions::default()).await;
    let host = b"\x82\x87\x84\x66\x09only.test";
    let bytes = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, host),
        // And one that names nothing.
        frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\x82\x87\x84"),
    ];
    client.write_all(&bytes.concat()).await.unwrap();
    let mut origin = h2::server::handshake(far).await.unwrap();
    let (request, _respond) = origin.accept().await.unwrap().unwrap();
    assert_eq!(request.uri(), "https://only.test/");
    assert_eq!(request.headers()["host"], "only.test");
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(
        outcome.end,
        End::Failed(crate::edge::http2::ExchangeError::Request(_))
    ));
    assert!(!outcome.retryable && outcome.status.is_none());
}
