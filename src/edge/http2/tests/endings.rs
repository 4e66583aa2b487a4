//! Resets, connections that end, and times that run out.

use std::future::poll_fn;

use bytes::Bytes;
use h2::Reason;
use h2::client::SendRequest;
use http::Method;
use tokio::io::DuplexStream;
use tokio::io::duplex;
use tokio::sync::mpsc;
use tokio::time::Duration;

use super::rig::Outcomes;
use super::rig::RawOrigin;
use super::rig::SOCKET;
use super::rig::between;
use super::rig::collect;
use super::rig::frame;
use super::rig::get;
use super::rig::post;
use super::rig::reset;
use super::rig::rig;
use super::rig::send_all;
use super::rig::serve;
use super::rig::status;
use super::rig::{END_HEADERS, END_STREAM, GOAWAY, HEADERS, RESET};
use crate::edge::http2::End;
use crate::edge::http2::ExchangeError;
use crate::edge::http2::ExchangeOptions;

/// A client, and the origin's end of the connection.
async fn raw() -> (SendRequest<Bytes>, DuplexStream, Outcomes) {
    let (near, far) = duplex(SOCKET);
    let (client, outcomes) = between(near, ExchangeOptions::default()).await;
    let (client, connection) = h2::client::handshake(client).await.unwrap();
    tokio::spawn(connection);
    (client, far, outcomes)
}

#[tokio::test]
async fn a_clients_reset_reaches_the_server_with_its_code() {
    for head_first in [false, true] {
        for code in [Reason::CANCEL, Reason::NO_ERROR, Reason::from(0xdead)] {
            let (arrived, mut arrivals) = mpsc::unbounded_channel();
            let (seen, mut resets) = mpsc::unbounded_channel();
            let (mut client, mut outcomes) = rig(move |_request, mut respond| {
                let (arrived, seen) = (arrived.clone(), seen.clone());
                async move {
                    arrived.send(()).unwrap();
                    let code = if head_first {
                        let mut stream = respond.send_response(status(200), false).unwrap();
                        reset(&mut stream).await
                    } else {
                        poll_fn(|cx| respond.poll_reset(cx)).await.unwrap()
                    };
                    seen.send(code).unwrap();
                }
            })
            .await;
            let (response, mut stream) = client.send_request(post("/"), false).unwrap();
            arrivals.recv().await.unwrap();
            let body = if head_first {
                Some(response.await.unwrap())
            } else {
                None
            };
            stream.send_reset(code);
            assert_eq!(resets.recv().await.unwrap(), code);
            let outcome = outcomes.recv().await.unwrap();
            assert!(
                matches!(&outcome.end, End::Failed(ExchangeError::ClientReset(seen)) if *seen == code),
                "{outcome:?}"
            );
            assert!(!outcome.retryable);
            drop(body);
        }
    }
}

#[tokio::test]
async fn a_servers_reset_reaches_the_client_with_its_code() {
    // A GET, so that nothing of a body stands in the way of a second try.
    for (code, again) in [
        (Reason::REFUSED_STREAM, true),
        (Reason::ENHANCE_YOUR_CALM, false),
        (Reason::HTTP_1_1_REQUIRED, false),
        (Reason::from(0xbeef), false),
    ] {
        let (mut client, mut outcomes) =
            rig(move |_, mut respond| async move { respond.send_reset(code) }).await;
        let (response, _) = client.send_request(get("/"), true).unwrap();
        assert_eq!(response.await.unwrap_err().reason(), Some(code));
        let outcome = outcomes.recv().await.unwrap();
        assert_eq!(outcome.retryable, again, "{code:?}");
        assert_eq!(outcome.status, None);
    }
    // Nothing came, and nothing was wrong: an answer says more.
    let (mut client, _outcomes) =
        rig(|_, mut respond| async move { respond.send_reset(Reason::NO_ERROR) }).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 502);
}

#[tokio::test]
async fn a_request_whose_body_was_read_is_not_sent_twice() {
    let (mut client, mut outcomes) = rig(|request, mut respond| async move {
        let _ = request.into_body().data().await;
        respond.send_reset(Reason::REFUSED_STREAM);
    })
    .await;
    let (response, mut stream) = client.send_request(post("/"), false).unwrap();
    stream
        .send_data(Bytes::from_static(b"body"), false)
        .unwrap();
    assert_eq!(
        response.await.unwrap_err().reason(),
        Some(Reason::REFUSED_STREAM)
    );
    assert!(!outcomes.recv().await.unwrap().retryable);
}

#[tokio::test]
async fn what_came_before_a_reset_comes_through_first() {
    for (code, want) in [
        (Reason::INTERNAL_ERROR, Reason::INTERNAL_ERROR),
        (Reason::CANCEL, Reason::CANCEL),
        // It would make half an answer look like a whole one.
        (Reason::NO_ERROR, Reason::INTERNAL_ERROR),
    ] {
        for body in [&b""[..], b"half of it"] {
            let (mut client, far, mut outcomes) = raw().await;
            let mut origin = RawOrigin::start(far).await;
            let (response, _) = client.send_request(get("/"), true).unwrap();
            let (stream, _) = origin.until(HEADERS).await;
            let mut frames = vec![frame(HEADERS, END_HEADERS, stream, b"\x88")];
            if !body.is_empty() {
                frames.push(frame(0, 0, stream, body));
            }
            frames.push(frame(RESET, 0, stream, &u32::from(code).to_be_bytes()));
            origin.write(&frames).await;
            let response = response.await.unwrap();
            assert_eq!(response.status(), 200);
            let (data, error) = collect(&mut response.into_body()).await.unwrap_err();
            assert_eq!(data, body);
            assert_eq!(error.reason(), Some(want));
            let outcome = outcomes.recv().await.unwrap();
            assert!(
                matches!(&outcome.end, End::Failed(ExchangeError::UpstreamReset(seen)) if *seen == code)
            );
            assert_eq!((outcome.status, outcome.retryable), (Some(200), false));
        }
    }
}

#[tokio::test]
async fn a_whole_answer_stands_though_the_server_wants_no_more() {
    let (mut client, mut outcomes) = rig(|request, mut respond| async move {
        let mut stream = respond.send_response(status(413), false).unwrap();
        stream
            .send_data(Bytes::from_static(b"too much"), true)
            .unwrap();
        // Its library resets with NO_ERROR.
        drop(request);
    })
    .await;
    let (response, mut stream) = client.send_request(post("/"), false).unwrap();
    let sending = tokio::spawn(async move {
        let sent = send_all(&mut stream, Bytes::from(vec![0; 8 << 20])).await;
        (sent, reset(&mut stream).await)
    });
    let response = response.await.unwrap();
    assert_eq!(response.status(), 413);
    let (data, _) = collect(&mut response.into_body()).await.unwrap();
    assert_eq!(data, b"too much");
    let (sent, code) = sending.await.unwrap();
    assert!(sent < 8 << 20);
    assert_eq!(code, Reason::NO_ERROR);
    let outcome = outcomes.recv().await.unwrap();
    assert!(matches!(outcome.end, End::Complete), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_goes_away_serves_what_it_took() {
    let (mut client, far, mut outcomes) = raw().await;
    let mut origin = RawOrigin::start(far).await;
    let (first, _) = client.send_request(get("/1"), true).unwrap();
    let (stream, _) = origin.until(HEADERS).await;
    let (second, _) = client.send_request(post("/2"), true).unwrap();
    origin.until(HEADERS).await;
    let last = stream.to_be_bytes();
    origin
        .write(&[frame(GOAWAY, 0, 0, &[&last[..], &[0; 4]].concat())])
        .await;
    // What it did not begin can be asked elsewhere, whatever it is; a client that is told so
    // does that by itself.
    assert_eq!(
        second.await.unwrap_err().reason(),
        Some(Reason::REFUSED_STREAM)
    );
    let outcome = outcomes.recv().await.unwrap();
    assert!(outcome.retryable, "{outcome:?}");
    assert!(matches!(
        outcome.end,
        End::Failed(ExchangeError::UpstreamGoAway(_))
    ));
    // So can what comes later.
    let (third, _) = client.send_request(post("/3"), true).unwrap();
    assert_eq!(
        third.await.unwrap_err().reason(),
        Some(Reason::REFUSED_STREAM)
    );
    assert!(outcomes.recv().await.unwrap().retryable);
    // The one that it took is answered.
    origin
        .write(&[frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x88")])
        .await;
    assert_eq!(first.await.unwrap().status(), 200);
    assert!(matches!(outcomes.recv().await.unwrap().end, End::Complete));
}

#[tokio::test]
async fn a_connection_that_dies_before_an_answer_is_a_502() {
    for (method, again) in [(Method::GET, true), (Method::POST, false)] {
        let (mut client, far, mut outcomes) = raw().await;
        let mut origin = RawOrigin::start(far).await;
        let mut request = get("/");
        *request.method_mut() = method;
        let (response, _) = client.send_request(request, true).unwrap();
        origin.until(HEADERS).await;
        drop(origin);
        assert_eq!(response.await.unwrap().status(), 502);
        let outcome = outcomes.recv().await.unwrap();
        assert!(matches!(
            outcome.end,
            End::Failed(ExchangeError::UpstreamFailed(_))
        ));
        assert_eq!(outcome.retryable, again);
    }
}

#[tokio::test]
async fn a_connection_that_dies_in_an_answer_does_not_make_it_look_whole() {
    let (mut client, far, mut outcomes) = raw().await;
    let mut origin = RawOrigin::start(far).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    let (stream, _) = origin.until(HEADERS).await;
    origin
        .write(&[
            frame(HEADERS, END_HEADERS, stream, b"\x88"),
            frame(0, 0, stream, b"so far"),
        ])
        .await;
    drop(origin);
    let (data, error) = collect(&mut response.await.unwrap().into_body())
        .await
        .unwrap_err();
    assert_eq!(data, b"so far");
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
    assert!(!outcomes.recv().await.unwrap().retryable);
}

#[tokio::test]
async fn an_answer_that_breaks_its_length_is_not_passed_as_whole() {
    let (mut client, far, mut outcomes) = raw().await;
    let mut origin = RawOrigin::start(far).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    let (stream, _) = origin.until(HEADERS).await;
    // `content-length: 9`, and then three bytes and the end.
    origin
        .write(&[
            frame(HEADERS, END_HEADERS, stream, b"\x88\x0f\x0d\x019"),
            frame(0, END_STREAM, stream, b"abc"),
        ])
        .await;
    let failed = match response.await {
        Ok(response) => collect(&mut response.into_body()).await.unwrap_err().1,
        Err(error) => error,
    };
    assert_eq!(failed.reason(), Some(Reason::INTERNAL_ERROR));
    let outcome = outcomes.recv().await.unwrap();
    assert!(
        matches!(outcome.end, End::Failed(ExchangeError::Response(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_client_that_vanishes_cancels_its_requests() {
    let (seen, mut resets) = mpsc::unbounded_channel();
    let (near, far) = duplex(SOCKET);
    tokio::spawn(serve(far, move |_request, mut respond| {
        let seen = seen.clone();
        async move {
            let mut stream = respond.send_response(status(200), false).unwrap();
            seen.send(reset(&mut stream).await).unwrap();
        }
    }));
    let (client, mut outcomes) = between(near, ExchangeOptions::default()).await;
    let (mut client, connection) = h2::client::handshake(client).await.unwrap();
    let connection = tokio::spawn(connection);
    let (response, stream) = client.send_request(post("/"), false).unwrap();
    let response = response.await.unwrap();
    connection.abort();
    assert_eq!(resets.recv().await.unwrap(), Reason::CANCEL);
    let outcome = outcomes.recv().await.unwrap();
    assert!(
        matches!(&outcome.end, End::Failed(error) if error.is_clients()),
        "{outcome:?}"
    );
    drop((response, stream));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_an_exchange() {
    for head_first in [false, true] {
        let (seen, mut resets) = mpsc::unbounded_channel();
        let (near, far) = duplex(SOCKET);
        tokio::spawn(serve(far, move |_request, mut respond| {
            let seen = seen.clone();
            async move {
                let code = if head_first {
                    let mut stream = respond.send_response(status(200), false).unwrap();
                    reset(&mut stream).await
                } else {
                    poll_fn(|cx| respond.poll_reset(cx)).await.unwrap()
                };
                seen.send(code).unwrap();
            }
        }));
        let options = ExchangeOptions {
            idle: Duration::from_secs(20),
            ..ExchangeOptions::default()
        };
        let (client, mut outcomes) = between(near, options).await;
        let (mut client, connection) = h2::client::handshake(client).await.unwrap();
        tokio::spawn(connection);
        let (response, _) = client.send_request(get("/"), true).unwrap();
        if head_first {
            let mut body = response.await.unwrap().into_body();
            let (_, error) = collect(&mut body).await.unwrap_err();
            assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
        } else {
            assert_eq!(response.await.unwrap().status(), 504);
        }
        assert_eq!(resets.recv().await.unwrap(), Reason::CANCEL);
        let outcome = outcomes.recv().await.unwrap();
        assert!(matches!(outcome.end, End::Failed(ExchangeError::Idle)));
    }
}
