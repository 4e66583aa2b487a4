//! Many streams at once, and peers that do not read.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::io::duplex;
use tokio::task::JoinSet;

use super::rig::SOCKET;
use super::rig::between;
use super::rig::collect;
use super::rig::get;
use super::rig::post;
use super::rig::rig;
use super::rig::send_all;
use super::rig::serve;
use super::rig::status;
use crate::edge::http2::End;
use crate::edge::http2::ExchangeOptions;
use crate::edge::http2::settings::CLIENT_STREAM_WINDOW;
use crate::edge::http2::settings::SERVER_STREAM_WINDOW;

/// The window of the test's own peers: the protocol's initial one.
const PEER_WINDOW: usize = 65_535;

/// Lets every task run until none has anything left to do.
async fn settle(counter: &AtomicUsize) -> usize {
    let mut last = usize::MAX;
    loop {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        let now = counter.load(Ordering::SeqCst);
        if now == last {
            return now;
        }
        last = now;
    }
}

#[tokio::test]
async fn two_hundred_streams_at_once() {
    let (client, mut outcomes) = rig(|request, mut respond| async move {
        let mut stream = respond.send_response(status(200), false).unwrap();
        let mut body = request.into_body();
        while let Some(Ok(chunk)) = body.data().await {
            let _ = body.flow_control().release_capacity(chunk.len());
            send_all(&mut stream, chunk).await;
        }
        stream.send_data(Bytes::new(), true).unwrap();
    })
    .await;
    let mut streams = JoinSet::new();
    for number in 0..200_u8 {
        let mut client = client.clone();
        streams.spawn(async move {
            let payload = vec![number; 40_000];
            let (response, mut stream) = client.send_request(post("/"), false).unwrap();
            let sent = payload.clone();
            let sending = tokio::spawn(async move {
                send_all(&mut stream, Bytes::from(sent)).await;
                stream.send_data(Bytes::new(), true).unwrap();
            });
            let mut body = response.await.unwrap().into_body();
            assert!(collect(&mut body).await.unwrap().0 == payload);
            sending.await.unwrap();
        });
    }
    while let Some(done) = streams.join_next().await {
        done.unwrap();
    }
    for _ in 0..200 {
        let outcome = outcomes.recv().await.unwrap();
        assert!(matches!(outcome.end, End::Complete));
        assert_eq!((outcome.sent, outcome.received), (40_000, 40_000));
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_its_server_and_no_other() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let (mut client, _outcomes) = rig(move |request, mut respond| {
        let sent = Arc::clone(&counter);
        async move {
            let mut stream = respond.send_response(status(200), false).unwrap();
            if request.uri().path() == "/short" {
                stream
                    .send_data(Bytes::from_static(b"short"), true)
                    .unwrap();
                return;
            }
            loop {
                let chunk = Bytes::from_static(&[7; 10_000]);
                sent.fetch_add(send_all(&mut stream, chunk).await, Ordering::SeqCst);
            }
        }
    })
    .await;
    let (response, _) = client.send_request(get("/endless"), true).unwrap();
    let unread = response.await.unwrap().into_body();
    let window = SERVER_STREAM_WINDOW as usize;
    let taken = settle(&sent).await;
    assert!(taken <= window + PEER_WINDOW + 2 * SOCKET, "{taken}");
    // Chunks are counted when they are gone whole.
    assert!(taken + 10_000 >= window, "{taken}");
    for _ in 0..100 {
        let (response, _) = client.send_request(get("/short"), true).unwrap();
        let mut body = response.await.unwrap().into_body();
        // The connection's own window is the client's to give; this stays within it.
        assert_eq!(body.data().await.unwrap().unwrap(), "short");
        let _ = body.flow_control().release_capacity(5);
    }
    assert_eq!(settle(&sent).await, taken);
    drop(unread);
}

#[tokio::test]
async fn a_server_that_stops_reading_stops_its_client_and_no_other() {
    let (mut client, _outcomes) = rig(|request, mut respond| async move {
        if request.uri().path() == "/short" {
            respond.send_response(status(200), true).unwrap();
            return;
        }
        let _unread = request.into_body();
        std::future::pending::<()>().await;
    })
    .await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let (_response, mut stream) = client.send_request(post("/endless"), false).unwrap();
    tokio::spawn(async move {
        loop {
            let chunk = Bytes::from_static(&[7; 10_000]);
            counter.fetch_add(send_all(&mut stream, chunk).await, Ordering::SeqCst);
        }
    });
    let window = CLIENT_STREAM_WINDOW as usize;
    let taken = settle(&sent).await;
    assert!(taken <= window + PEER_WINDOW + 2 * SOCKET, "{taken}");
    assert!(taken + 10_000 >= window, "{taken}");
    for _ in 0..100 {
        let (response, _) = client.send_request(get("/short"), true).unwrap();
        assert_eq!(response.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_flood_of_tiny_frames_waits_without_harm() {
    const FRAMES: usize = 150_000;
    let (near, far) = duplex(SOCKET);
    tokio::spawn(serve(far, |_, mut respond| async move {
        let mut stream = respond.send_response(status(200), false).unwrap();
        for _ in 0..FRAMES {
            send_all(&mut stream, Bytes::from_static(b"tiny!")).await;
        }
        stream.send_data(Bytes::new(), true).unwrap();
    }));
    let (client, mut outcomes) = between(near, ExchangeOptions::default()).await;
    let mut patient = h2::client::Builder::new();
    patient.data_frame_budget(1 << 30);
    let shaken = patient.handshake::<_, Bytes>(client).await;
    let (mut client, connection) = shaken.unwrap();
    tokio::spawn(connection);
    let (response, _) = client.send_request(get("/"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    // Nobody reads while as much as the window holds has come.
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    let (data, _) = collect(&mut body).await.unwrap();
    assert_eq!(data.len(), FRAMES * 5);
    assert!(matches!(outcomes.recv().await.unwrap().end, End::Complete));
}
