//! Interim answers, and requests that wait for one.

use std::future::poll_fn;

use bytes::Bytes;
use h2::client::ResponseFuture;
use http::HeaderValue;
use http::Request;
use tokio::time::Duration;
use tokio::time::Instant;

use super::rig::RawOrigin;
use super::rig::SOCKET;
use super::rig::between;
use super::rig::collect;
use super::rig::frame;
use super::rig::get;
use super::rig::post;
use super::rig::rig;
use super::rig::status;
use super::rig::{END_HEADERS, HEADERS};
use crate::edge::http2::End;
use crate::edge::http2::ExchangeError;
use crate::edge::http2::ExchangeOptions;

fn expecting() -> Request<()> {
    let mut request = post("/upload");
    request
        .headers_mut()
        .insert("expect", HeaderValue::from_static("100-continue"));
    request
}

/// The statuses of all interim answers until the final one is there.
async fn interims(response: &mut ResponseFuture) -> Vec<u16> {
    let mut seen = Vec::new();
    while let Some(interim) = poll_fn(|cx| response.poll_informational(cx)).await {
        seen.push(interim.unwrap().status().as_u16());
    }
    seen
}

#[tokio::test]
async fn interim_answers_come_through() {
    let (mut client, mut outcomes) = rig(|_, mut respond| async move {
        for link in ["</a>", "</b>"] {
            let mut hint = status(103);
            hint.headers_mut()
                .append("link", HeaderValue::from_static(link));
            respond.send_informational(hint).unwrap();
        }
        respond.send_response(status(200), true).unwrap();
    })
    .await;
    let (mut response, _) = client.send_request(get("/"), true).unwrap();
    for link in ["</a>", "</b>"] {
        let hint = poll_fn(|cx| response.poll_informational(cx))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (hint.status().as_u16(), &hint.headers()["link"]),
            (103, &HeaderValue::from_static(link))
        );
    }
    assert!(interims(&mut response).await.is_empty());
    assert_eq!(response.await.unwrap().status(), 200);
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(outcome.end, End::Complete));
}

#[tokio::test]
async fn endless_interim_answers_are_not_queued_for_a_client() {
    let (mut client, mut outcomes) = rig(|_, mut respond| async move {
        let filler = HeaderValue::from_str(&"x".repeat(1000)).unwrap();
        for _ in 0..2000 {
            let mut hint = status(103);
            hint.headers_mut().append("link", filler.clone());
            respond.send_informational(hint).unwrap();
            tokio::task::yield_now().await;
        }
        respond.send_response(status(200), true).unwrap();
    })
    .await;
    let (mut response, _) = client.send_request(get("/"), true).unwrap();
    let count = interims(&mut response).await.len();
    assert!((200..=262).contains(&count), "{count}");
    assert_eq!(response.await.unwrap().status(), 200);
    assert!(matches!(outcomes.recv().await.unwrap().end, End::Complete));
}

#[tokio::test(start_paused = true)]
async fn the_servers_leave_reaches_the_client() {
    let (mut client, _outcomes) = rig(|request, mut respond| async move {
        respond.send_informational(status(100)).unwrap();
        let (data, _) = collect(&mut request.into_body()).await.unwrap();
        assert_eq!(data, b"body");
        respond.send_response(status(200), true).unwrap();
    })
    .await;
    let start = Instant::now();
    let (mut response, mut stream) = client.send_request(expecting(), false).unwrap();
    let interim = poll_fn(|cx| response.poll_informational(cx)).await.unwrap();
    assert_eq!(interim.unwrap().status(), 100);
    assert!(start.elapsed() < Duration::from_secs(1));
    stream.send_data(Bytes::from_static(b"body"), true).unwrap();
    assert!(interims(&mut response).await.is_empty());
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_final_answer_first_means_no_leave() {
    let (mut client, mut outcomes) = rig(|_, mut respond| async move {
        let mut head = status(307);
        head.headers_mut()
            .insert("location", HeaderValue::from_static("/there"));
        respond.send_response(head, true).unwrap();
        // A server that holds on to the stream.
        std::future::pending::<()>().await;
    })
    .await;
    let (mut response, mut stream) = client.send_request(expecting(), false).unwrap();
    assert!(interims(&mut response).await.is_empty());
    assert_eq!(response.await.unwrap().status(), 307);
    // The rest is not wanted, and that is no error.
    assert_eq!(super::rig::reset(&mut stream).await, h2::Reason::NO_ERROR);
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(outcome.end, End::Complete) && outcome.sent == 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_gets_the_body_after_a_second() {
    let (mut client, _outcomes) = rig(|request, mut respond| async move {
        let (data, _) = collect(&mut request.into_body()).await.unwrap();
        assert_eq!(data, b"body");
        // Too late to be of use: the client has had one.
        respond.send_informational(status(100)).unwrap();
        respond.send_response(status(200), true).unwrap();
    })
    .await;
    let start = Instant::now();
    let (mut response, mut stream) = client.send_request(expecting(), false).unwrap();
    let interim = poll_fn(|cx| response.poll_informational(cx)).await.unwrap();
    assert_eq!(interim.unwrap().status(), 100);
    assert_eq!(start.elapsed().as_secs(), 1);
    stream.send_data(Bytes::from_static(b"body"), true).unwrap();
    assert!(interims(&mut response).await.is_empty());
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_wait_is_not_held_back() {
    let (mut client, _outcomes) = rig(|request, mut respond| async move {
        let (data, _) = collect(&mut request.into_body()).await.unwrap();
        assert_eq!(data, b"body");
        respond.send_response(status(200), true).unwrap();
    })
    .await;
    let start = Instant::now();
    let (mut response, mut stream) = client.send_request(expecting(), false).unwrap();
    stream.send_data(Bytes::from_static(b"body"), true).unwrap();
    assert!(interims(&mut response).await.is_empty());
    assert_eq!(response.await.unwrap().status(), 200);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_change_of_protocol_is_no_answer() {
    let (near, far) = tokio::io::duplex(SOCKET);
    let (client, mut outcomes) = between(near, ExchangeOptions::default()).await;
    let (mut client, connection) = h2::client::handshake(client).await.unwrap();
    tokio::spawn(connection);
    let mut origin = RawOrigin::start(far).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    let (stream, _) = origin.until(HEADERS).await;
    // `:status: 101`, the name from the static table.
    origin
        .write(&[frame(HEADERS, END_HEADERS, stream, b"\x08\x03101")])
        .await;
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(outcome.end, End::Failed(ExchangeError::Switching)));
    assert!(!outcome.retryable);
    assert_eq!(response.await.unwrap().status(), 502);
}
