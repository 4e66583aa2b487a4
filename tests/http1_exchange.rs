//! The exchange pump between a scripted client and a scripted server, byte for byte.
//!
//! Time is paused: a timer fires only when nothing else can happen.
#![cfg(feature = "edge")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::task::Poll;
use std::time::Duration;

use outgate::edge::http1::After;
use outgate::edge::http1::Conn;
use outgate::edge::http1::End;
use outgate::edge::http1::ExchangeError;
use outgate::edge::http1::ExchangeOptions;
use outgate::edge::http1::ExchangeOutcome;
use outgate::edge::http1::PollEnd;
use outgate::edge::http1::ReadHeadError;
use outgate::edge::http1::exchange;
use outgate::edge::http1::linger;
use outgate::logic::wire::http1::HeadError;
use outgate::logic::wire::http1::HeadLimits;
use outgate::logic::wire::http1::UpstreamLeg;
use outgate::logic::wire::http1::upstream_head;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufWriter;
use tokio::io::DuplexStream;
use tokio::io::duplex;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio::time::timeout;

/// Buffered, so that what is not flushed does not arrive.
type Near = BufWriter<DuplexStream>;

struct Ended {
    outcome: ExchangeOutcome,
    client: Conn<Near>,
    upstream: Conn<Near>,
}

impl Ended {
    fn error(&self) -> &'static str {
        match &self.outcome.end {
            End::Failed(error) => error.kind(),
            End::Complete | End::Upgraded => "none",
        }
    }

    fn is_complete(&self) -> bool {
        matches!(self.outcome.end, End::Complete)
    }
}

struct Rig {
    client: DuplexStream,
    server: DuplexStream,
    task: JoinHandle<Ended>,
}

/// Relays one exchange; `sent` is what the client has sent when it begins.
async fn rig_with(sent: &[u8], pipe: usize, options: ExchangeOptions) -> Rig {
    let (client, near_client) = duplex(pipe);
    let (near_server, server) = duplex(pipe);
    rig_of(
        Conn::new(BufWriter::new(near_client)),
        client,
        sent,
        near_server,
        server,
        options,
    )
    .await
}

/// As [`rig_with`], on these pipes.
async fn rig_of(
    near: Conn<Near>,
    mut client: DuplexStream,
    sent: &[u8],
    near_server: DuplexStream,
    server: DuplexStream,
    options: ExchangeOptions,
) -> Rig {
    let task = tokio::spawn(async move {
        let mut client = near;
        let mut upstream = Conn::new(BufWriter::new(near_server));
        let head = client.read_request_head(HeadLimits::default()).await;
        let head = head.unwrap().unwrap();
        let leg = UpstreamLeg {
            upgrade: options.upgrade,
            ..UpstreamLeg::default()
        };
        let rewritten = upstream_head(&head, leg);
        let outcome = exchange(
            &mut client,
            &mut upstream,
            &head,
            &rewritten,
            options,
            &mut |_| {},
        )
        .await;
        Ended {
            outcome,
            client,
            upstream,
        }
    });
    client.write_all(sent).await.unwrap();
    Rig {
        client,
        server,
        task,
    }
}

async fn rig(sent: &str) -> Rig {
    rig_with(sent.as_bytes(), 1 << 16, ExchangeOptions::default()).await
}

/// Longer than every timer but the idle one: what takes longer hangs.
const HANGS: Duration = Duration::from_secs(30);

async fn expect(stream: &mut DuplexStream, text: &str) {
    let mut got = vec![0; text.len()];
    let read = timeout(HANGS, stream.read_exact(&mut got)).await;
    assert_eq!(String::from_utf8_lossy(&got), text, "{read:?}");
}

async fn send(stream: &mut DuplexStream, text: &str) {
    let write = timeout(HANGS, stream.write_all(text.as_bytes()));
    write.await.unwrap().unwrap();
}

async fn rest(stream: &mut DuplexStream) -> String {
    let mut got = Vec::new();
    let read = timeout(HANGS, stream.read_to_end(&mut got));
    read.await.unwrap().unwrap();
    String::from_utf8_lossy(&got).into_owned()
}

const GET: &str = "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n";
const GOT: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const POST: &str = "POST http://h/a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n";
const POSTED: &str = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n";
const EXPECTING: &str =
    "PUT http://h/a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n";
const EXPECTED: &str =
    "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const CLOSING: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn both_connections_serve_again_after_a_plain_request() {
    let mut rig = rig(GET).await;
    expect(&mut rig.server, GOT).await;
    let answer = "HTTP/1.1 200 OK\r\nx-Case:  y \r\nContent-Length: 5\r\n\r\nhello";
    send(&mut rig.server, answer).await;
    expect(&mut rig.client, answer).await;
    let ended = rig.task.await.unwrap();
    assert!(ended.is_complete());
    let outcome = ended.outcome;
    assert_eq!((outcome.status, outcome.client), (Some(200), After::Reuse));
    assert!(outcome.upstream_reusable);
    assert_eq!(outcome.sent, GOT.len() as u64);
    assert_eq!(outcome.received, answer.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn chunks_extensions_and_trailers_pass_byte_for_byte_and_the_next_request_waits() {
    let body = "5;sig=\"a b\"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
    let head = "POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut rig = rig(&format!("{head}{body}{GET}")).await;
    let rewritten = head.replace("http://h/", "/");
    expect(&mut rig.server, &format!("{rewritten}{body}")).await;
    let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    send(&mut rig.server, &answer).await;
    expect(&mut rig.client, &answer).await;
    let mut ended = rig.task.await.unwrap();
    assert_eq!(ended.outcome.client, After::Reuse);
    assert_eq!(ended.client.buffered(), GET.as_bytes());
    let next = ended.client.read_request_head(HeadLimits::default()).await;
    assert_eq!(next.unwrap().unwrap().method, "GET");
    assert!(ended.client.buffered().is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_event_reaches_the_client_before_the_next_is_sent() {
    let mut rig = rig(GET).await;
    expect(&mut rig.server, GOT).await;
    send(
        &mut rig.server,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
    )
    .await;
    send(&mut rig.server, "\r\n").await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(&mut rig.client, head).await;
    for part in ["3\r\nda", "t\r\n", "1", ";x\r", "\na\r\n0\r\n\r\n"] {
        send(&mut rig.server, part).await;
        expect(&mut rig.client, part).await;
    }
    assert!(rig.task.await.unwrap().outcome.upstream_reusable);
}

#[tokio::test(start_paused = true)]
async fn request_and_answer_stream_at_once() {
    let mut rig =
        rig("POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(&mut rig.server, head).await;
    send(
        &mut rig.server,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
    )
    .await;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
    expect(&mut rig.client, head).await;
    for echo in ["a", "b", "c"] {
        let chunk = format!("1\r\n{echo}\r\n");
        send(&mut rig.client, &chunk).await;
        expect(&mut rig.server, &chunk).await;
        send(&mut rig.server, echo).await;
        expect(&mut rig.client, echo).await;
    }
    // Answered whole, and the server still listens: the rest goes on to it.
    send(&mut rig.client, "0\r\n\r\n").await;
    expect(&mut rig.server, "0\r\n\r\n").await;
    let ended = rig.task.await.unwrap();
    assert!(ended.is_complete());
    assert!(ended.outcome.upstream_reusable);
    assert_eq!(ended.outcome.client, After::Close);
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_ends_an_upload_that_nobody_reads() {
    // The server closes; what the client still sends is dropped, and the answer arrives.
    let mut first = rig(&format!("{POST}abc")).await;
    expect(&mut first.server, &format!("{POSTED}abc")).await;
    send(&mut first.server, EMPTY).await;
    drop(first.server);
    expect(&mut first.client, CLOSING).await;
    let ended = first.task.await.unwrap();
    assert!(ended.is_complete());
    assert_eq!(ended.outcome.client, After::Close);
    assert!(!ended.outcome.upstream_reusable && !ended.outcome.retryable);

    // The server keeps open, the client just waits for us to close.
    let mut second = rig(&format!("{POST}abc")).await;
    expect(&mut second.server, &format!("{POSTED}abc")).await;
    send(&mut second.server, EMPTY).await;
    expect(&mut second.client, CLOSING).await;
    let mut ended = second.task.await.unwrap();
    assert!(ended.is_complete());
    let end = tokio::spawn(async move { linger(&mut ended.client).await });
    assert_eq!(rest(&mut second.client).await, "");
    send(&mut second.client, "def").await;
    drop(second.client);
    end.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_drained_while_the_answer_of_a_closed_server_is_read() {
    let options = ExchangeOptions::default();
    let head = "PUT http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n";
    let mut rig = rig_with(head.as_bytes(), 600, options).await;
    expect(&mut rig.server, &head.replace("http://h/", "/")).await;
    let answer = format!("{}{}", EMPTY.replace("h: 0", "h: 1000"), "y".repeat(1000));
    send(&mut rig.server, &answer).await;
    drop(rig.server);
    // More than all pipes hold, while the answer is stuck: it can only be sent if it is drained.
    send(&mut rig.client, &"x".repeat(50_000)).await;
    let answer = format!("{}{}", CLOSING.replace("h: 0", "h: 1000"), "y".repeat(1000));
    expect(&mut rig.client, &answer).await;
    let ended = rig.task.await.unwrap();
    assert!(ended.is_complete());
    assert_eq!(ended.outcome.client, After::Close);
}

#[tokio::test(start_paused = true)]
async fn a_body_waits_for_the_servers_leave() {
    let mut rig = rig(EXPECTING).await;
    expect(&mut rig.server, EXPECTED).await;
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    send(&mut rig.server, early).await;
    expect(&mut rig.client, early).await;
    let leave = "HTTP/1.1 100 Go on\r\nX: y\r\n\r\n";
    send(&mut rig.server, leave).await;
    expect(&mut rig.client, leave).await;
    send(&mut rig.client, "abcdef").await;
    expect(&mut rig.server, "abcdef").await;
    send(&mut rig.server, EMPTY).await;
    expect(&mut rig.client, EMPTY).await;
    assert_eq!(rig.task.await.unwrap().outcome.client, After::Reuse);
}

#[tokio::test(start_paused = true)]
async fn a_final_answer_before_the_body_means_no_100() {
    let mut rig = rig(EXPECTING).await;
    expect(&mut rig.server, EXPECTED).await;
    send(
        &mut rig.server,
        "HTTP/1.1 307 Away\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let answer =
        "HTTP/1.1 307 Away\r\nLocation: /b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    expect(&mut rig.client, answer).await;
    let ended = rig.task.await.unwrap();
    assert!(ended.is_complete());
    assert_eq!(ended.outcome.client, After::Close);
    assert!(!ended.outcome.upstream_reusable);
    assert_eq!(ended.outcome.sent, EXPECTED.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_holds_a_body_for_a_second_and_its_late_100_is_not_doubled() {
    let mut rig = rig(EXPECTING).await;
    let start = Instant::now();
    expect(&mut rig.server, EXPECTED).await;
    expect(&mut rig.client, "HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(start.elapsed().as_secs(), 1);
    send(&mut rig.server, "HTTP/1.1 100 Continue\r\n\r\n").await;
    send(&mut rig.client, "abcdef").await;
    expect(&mut rig.server, "abcdef").await;
    send(&mut rig.server, EMPTY).await;
    expect(&mut rig.client, EMPTY).await;
    assert_eq!(rig.task.await.unwrap().outcome.client, After::Reuse);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_wait_for_leave_is_not_held() {
    for late in [false, true] {
        let start = Instant::now();
        let mut rig = rig(EXPECTING).await;
        if late {
            expect(&mut rig.server, EXPECTED).await;
            send(&mut rig.client, "abcdef").await;
            expect(&mut rig.server, "abcdef").await;
        } else {
            send(&mut rig.client, "abcdef").await;
            expect(&mut rig.server, &format!("{EXPECTED}abcdef")).await;
        }
        assert!(start.elapsed() < Duration::from_secs(1));
        send(&mut rig.server, EMPTY).await;
        expect(&mut rig.client, EMPTY).await;
        assert_eq!(rig.task.await.unwrap().outcome.client, After::Reuse);
    }
}

#[tokio::test(start_paused = true)]
async fn interim_answers_are_kept_from_http_1_0() {
    let mut rig = rig("GET http://h/ HTTP/1.0\r\n\r\n").await;
    expect(&mut rig.server, "GET / HTTP/1.0\r\nHost: h\r\n\r\n").await;
    send(
        &mut rig.server,
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody",
    )
    .await;
    drop(rig.server);
    expect(
        &mut rig.client,
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody",
    )
    .await;
    let ended = rig.task.await.unwrap();
    assert!(ended.is_complete());
    assert_eq!(ended.outcome.client, After::Close);
    assert!(!ended.outcome.upstream_reusable);
}

#[tokio::test(start_paused = true)]
async fn answers_without_a_body_end_with_their_head() {
    for (method, answer) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
        ),
        ("GET", "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let mut rig = rig(&GET.replace("GET", method)).await;
        expect(&mut rig.server, &GOT.replace("GET", method)).await;
        send(&mut rig.server, answer).await;
        expect(&mut rig.client, answer).await;
        let outcome = rig.task.await.unwrap().outcome;
        assert_eq!(outcome.client, After::Reuse, "{answer}");
        assert!(outcome.upstream_reusable, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_an_answer_are_not_another_answer() {
    let mut rig = rig(GET).await;
    expect(&mut rig.server, GOT).await;
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    send(&mut rig.server, &format!("{answer}{EMPTY}")).await;
    expect(&mut rig.client, answer).await;
    let ended = rig.task.await.unwrap();
    assert!(!ended.outcome.upstream_reusable);
    drop(ended);
    assert_eq!(rest(&mut rig.client).await, "");
}

const UPGRADE: &str =
    "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn after_a_101_both_streams_are_handed_back_with_what_was_read_ahead() {
    let options = ExchangeOptions {
        upgrade: true,
        ..ExchangeOptions::default()
    };
    let sent = format!("{UPGRADE}early");
    let mut rig = rig_with(sent.as_bytes(), 1 << 16, options).await;
    let got = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(&mut rig.server, got).await;
    let answer = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    send(&mut rig.server, &format!("{answer}frame")).await;
    expect(&mut rig.client, answer).await;
    let ended = rig.task.await.unwrap();
    assert!(matches!(ended.outcome.end, End::Upgraded));
    assert_eq!(ended.client.buffered(), b"early");
    assert_eq!(ended.upstream.buffered(), b"frame");
}

#[tokio::test(start_paused = true)]
async fn a_101_that_nobody_asked_for_is_an_error() {
    let mut rig = rig(UPGRADE).await;
    expect(&mut rig.server, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    send(
        &mut rig.server,
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
    )
    .await;
    let ended = rig.task.await.unwrap();
    assert_eq!(ended.error(), "unasked-upgrade");
    assert_eq!(
        (ended.outcome.status, ended.outcome.client),
        (None, After::Reuse)
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_side_still_gets_the_answer() {
    let mut rig = rig(&format!("{POST}abcdef")).await;
    rig.client.shutdown().await.unwrap();
    expect(&mut rig.server, &format!("{POSTED}abcdef")).await;
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    send(&mut rig.server, answer).await;
    expect(&mut rig.client, answer).await;
    send(&mut rig.server, "hello").await;
    expect(&mut rig.client, "hello").await;
    let mut ended = rig.task.await.unwrap();
    assert!(ended.is_complete());
    let next = ended.client.read_request_head(HeadLimits::default()).await;
    assert!(next.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_known_to_be_there_may_wait_as_long_as_others() {
    for (below, is_kept) in [
        ((|_, _| Poll::Pending) as PollEnd<Near>, true),
        (|_, _| Poll::Ready(()), false),
    ] {
        let (client, near_client) = duplex(1000);
        let (near_server, server) = duplex(1000);
        let near = Conn::new(BufWriter::new(near_client)).with_end_below(below);
        let options = ExchangeOptions::default();
        let mut rig = rig_of(near, client, GET.as_bytes(), near_server, server, options).await;
        rig.client.shutdown().await.unwrap();
        expect(&mut rig.server, GOT).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        if is_kept {
            send(&mut rig.server, EMPTY).await;
            expect(&mut rig.client, EMPTY).await;
            assert!(rig.task.await.unwrap().is_complete());
        } else {
            assert_eq!(rig.task.await.unwrap().error(), "client-closed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_not_kept_for_a_client_that_is_gone() {
    // Closed while the server is silent: after the grace.
    let start = Instant::now();
    let mut first = rig(GET).await;
    expect(&mut first.server, GOT).await;
    drop(first.client);
    let ended = first.task.await.unwrap();
    assert_eq!(ended.error(), "client-closed");
    assert_eq!(ended.outcome.client, After::Abort);
    assert_eq!(start.elapsed().as_secs(), 5);
    drop(ended);
    assert_eq!(rest(&mut first.server).await, "");

    // Closed in the middle of its body: at once.
    let start = Instant::now();
    let mut second = rig(&format!("{POST}abc")).await;
    expect(&mut second.server, &format!("{POSTED}abc")).await;
    drop(second.client);
    assert_eq!(second.task.await.unwrap().error(), "client-closed");
    assert_eq!(start.elapsed().as_secs(), 0);

    // Closed while it holds its body back: at once.
    let third = rig(EXPECTING).await;
    drop(third.client);
    assert_eq!(third.task.await.unwrap().error(), "client-closed");

    // Closed in the middle of the answer: at the next write.
    let mut fourth = rig(GET).await;
    expect(&mut fourth.server, GOT).await;
    send(&mut fourth.server, "HTTP/1.1 200 OK\r\n\r\nabc").await;
    expect(
        &mut fourth.client,
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
    )
    .await;
    drop(fourth.client);
    send(&mut fourth.server, "def").await;
    assert_eq!(fourth.task.await.unwrap().error(), "client-io");
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_before_it_answers_may_be_asked_again() {
    for (sent, retryable, client) in [
        (GET.to_owned(), true, After::Reuse),
        (EXPECTING.to_owned(), true, After::Close),
        (format!("{POST}abcdef"), false, After::Reuse),
        (format!("{POST}abc"), false, After::Close),
    ] {
        let mut rig = rig(&sent).await;
        let mut some = [0; 10];
        rig.server.read_exact(&mut some).await.unwrap();
        tokio::task::yield_now().await;
        drop(rig.server);
        let outcome = rig.task.await.unwrap().outcome;
        assert!(matches!(
            outcome.end,
            End::Failed(ExchangeError::UpstreamClosed)
        ));
        assert_eq!(outcome.retryable, retryable, "{sent}");
        assert_eq!((outcome.status, outcome.client), (None, client), "{sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_gone_before_may_be_asked_again() {
    let (mut client, near_client) = duplex(1000);
    let (near_server, server) = duplex(1000);
    drop(server);
    send(&mut client, &format!("{POST}abcdef")).await;
    let mut conn = Conn::new(near_client);
    let mut upstream = Conn::new(near_server);
    let head = conn.read_request_head(HeadLimits::default()).await;
    let head = head.unwrap().unwrap();
    let outcome = exchange(
        &mut conn,
        &mut upstream,
        &head,
        POSTED.as_bytes(),
        ExchangeOptions::default(),
        &mut |_| {},
    )
    .await;
    // The body still waits for another try; without one it must not be read as a request.
    assert!(outcome.retryable);
    assert_eq!(outcome.client, After::Close);
    assert_eq!(conn.buffered(), b"abcdef");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_short_never_looks_whole() {
    for (answer, kind) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "response-truncated",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "response-truncated",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd",
            "response-body",
        ),
    ] {
        let mut rig = rig(GET).await;
        expect(&mut rig.server, GOT).await;
        send(&mut rig.server, answer).await;
        drop(rig.server);
        let ended = rig.task.await.unwrap();
        assert_eq!(ended.error(), kind, "{answer}");
        assert_eq!(ended.outcome.client, After::Abort, "{answer}");
        assert_eq!(ended.outcome.status, Some(200), "{answer}");
        assert!(!ended.outcome.retryable);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_leaves_the_client_to_be_answered() {
    for (answer, kind) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", "response-head"),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "response-head"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "response-head",
        ),
        ("HTTP/1.1 200", "upstream-closed"),
    ] {
        let mut rig = rig(GET).await;
        expect(&mut rig.server, GOT).await;
        send(&mut rig.server, answer).await;
        drop(rig.server);
        let ended = rig.task.await.unwrap();
        assert_eq!(ended.error(), kind, "{answer}");
        assert_eq!(
            (ended.outcome.status, ended.outcome.client),
            (None, After::Reuse)
        );
        assert!(!ended.outcome.retryable, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_body_of_a_request_is_refused_before_it_is_whole() {
    let head = "POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut rig = rig(&format!("{head}1\r\na\r\n0x\r\n")).await;
    let ended = rig.task.await.unwrap();
    assert_eq!(ended.error(), "request-body");
    assert_eq!(
        (ended.outcome.status, ended.outcome.client),
        (None, After::Close)
    );
    drop(ended.upstream);
    assert!(!rest(&mut rig.server).await.contains("0x"));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_in_which_nothing_moves_ends() {
    let options = ExchangeOptions {
        idle: Duration::from_secs(60),
        ..ExchangeOptions::default()
    };
    let start = Instant::now();
    let mut rig = rig_with(GET.as_bytes(), 1000, options).await;
    expect(&mut rig.server, GOT).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    send(&mut rig.server, "HTTP/1.1 102 Processing\r\n\r\n").await;
    let ended = rig.task.await.unwrap();
    assert_eq!(ended.error(), "idle");
    assert_eq!(start.elapsed().as_secs(), 110);

    let options = ExchangeOptions {
        idle: Duration::MAX,
        ..options
    };
    let mut rig = rig_with(GET.as_bytes(), 1000, options).await;
    expect(&mut rig.server, GOT).await;
    send(&mut rig.server, EMPTY).await;
    assert!(rig.task.await.unwrap().is_complete());
}

#[tokio::test(start_paused = true)]
async fn large_bodies_pass_narrow_pipes_in_both_directions_at_once() {
    for pipe in [1, 7, 1000, 1 << 16] {
        let size = if pipe == 1 { 2_000 } else { 300_000 };
        let body: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        let head = format!("POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n");
        let mut rig = rig_with(b"", pipe, ExchangeOptions::default()).await;
        let (mut from_client, mut to_proxy) = tokio::io::split(rig.client);
        let sent = [head.as_bytes(), &body].concat();
        let upload = tokio::spawn(async move {
            to_proxy.write_all(&sent).await.unwrap();
            to_proxy
        });
        expect(&mut rig.server, &head.replace("http://h/", "/")).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
        let (mut from_proxy, mut to_client) = tokio::io::split(rig.server);
        let download = tokio::spawn(async move {
            to_client.write_all(answer.as_bytes()).await.unwrap();
            let mut echo = [0; 100];
            let mut left = size as usize;
            while left > 0 {
                let count = from_proxy.read(&mut echo).await.unwrap();
                to_client
                    .write_all(echo.get(..count).unwrap())
                    .await
                    .unwrap();
                left -= count;
            }
            (from_proxy, to_client)
        });
        let mut got = vec![0; size as usize];
        let mut skipped = Vec::new();
        while !skipped.ends_with(b"\r\n\r\n") {
            skipped.push(from_client.read_u8().await.unwrap());
        }
        from_client.read_exact(&mut got).await.unwrap();
        assert!(got == body);
        let ended = rig.task.await.unwrap();
        assert!(ended.is_complete());
        assert!(ended.outcome.upstream_reusable);
        let _ends = (upload.await.unwrap(), download.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn heads_are_read_across_any_number_of_reads() {
    let (mut far, near) = duplex(1);
    let mut conn = Conn::new(near);
    let text = format!("\r\n{GET}{GET}\r\n");
    let write = tokio::spawn(async move { far.write_all(text.as_bytes()).await });
    for _ in 0..2 {
        let head = conn.read_request_head(HeadLimits::default()).await;
        assert_eq!(head.unwrap().unwrap().method, "GET");
    }
    let end = conn.read_request_head(HeadLimits::default()).await;
    assert!(end.unwrap().is_none());
    write.await.unwrap().unwrap();

    for (text, is_head_error) in [("GET http://h/ HTT", false), ("GET http://h/\n", true)] {
        let (mut far, near) = duplex(100);
        send(&mut far, text).await;
        drop(far);
        let end = Conn::new(near)
            .read_request_head(HeadLimits::default())
            .await;
        match end {
            Err(ReadHeadError::Head(HeadError::RequestLine | HeadError::BareLf)) => {
                assert!(is_head_error);
            }
            Err(ReadHeadError::Truncated) => assert!(!is_head_error),
            other => panic!("{other:?}"),
        }
    }
}
