//! A client and an origin of the `h2` crate with exchanges between them; or raw frames for what
//! that crate does not send.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::SendStream;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::HeaderMap;
use http::Request;
use http::Response;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::DuplexStream;
use tokio::io::duplex;
use tokio::sync::mpsc;

use crate::edge::http2::End;
use crate::edge::http2::ExchangeOptions;
use crate::edge::http2::ExchangeOutcome;
use crate::edge::http2::client_builder;
use crate::edge::http2::exchange;
use crate::edge::http2::server_builder;

/// What a socket would buffer.
pub(super) const SOCKET: usize = 64 << 10;
const HEADER_LIST: u32 = 64 << 10;

pub(super) type Outcomes = mpsc::UnboundedReceiver<ExchangeOutcome>;

/// A client whose requests reach `origin`, and how the exchanges end.
pub(super) async fn rig<F, Fut>(origin: F) -> (SendRequest<Bytes>, Outcomes)
where
    F: Fn(Request<RecvStream>, SendResponse<Bytes>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (near, far) = duplex(SOCKET);
    tokio::spawn(serve(far, origin));
    let (client, outcomes) = between(near, ExchangeOptions::default()).await;
    // Room on the connection beside a stream that is not read.
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(1 << 20);
    let (sender, connection) = builder.handshake(client).await.unwrap();
    tokio::spawn(connection);
    (sender, outcomes)
}

/// An origin with one task for each request.
pub(super) async fn serve<F, Fut>(io: DuplexStream, origin: F)
where
    F: Fn(Request<RecvStream>, SendResponse<Bytes>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let origin = Arc::new(origin);
    let mut connection = h2::server::handshake(io).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let origin = Arc::clone(&origin);
        tokio::spawn(async move { origin(request, respond).await });
    }
}

/// Exchanges between the client's end that is returned, and `origin`.
pub(super) async fn between(
    origin: DuplexStream,
    options: ExchangeOptions,
) -> (DuplexStream, Outcomes) {
    let (near, far) = duplex(SOCKET);
    let (sink, outcomes) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let shaken = client_builder(HEADER_LIST).handshake(origin).await;
        let (upstream, connection) = shaken.unwrap();
        tokio::spawn(connection);
        let mut server = server_builder(HEADER_LIST).handshake(far).await.unwrap();
        while let Some(Ok((request, respond))) = server.accept().await {
            let (upstream, sink) = (upstream.clone(), sink.clone());
            tokio::spawn(async move {
                // The test may have seen enough.
                let _ = sink.send(one(request, respond, upstream, options).await);
            });
        }
    });
    (near, outcomes)
}

/// One exchange, and what a caller does where the client has no answer yet.
async fn one(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    upstream: SendRequest<Bytes>,
    options: ExchangeOptions,
) -> ExchangeOutcome {
    let (head, mut body) = request.into_parts();
    let mut told = None;
    let outcome = exchange(
        &head,
        &mut body,
        &mut respond,
        upstream,
        options,
        &mut |head| {
            assert!(told.replace(head.status.as_u16()).is_none(), "told once");
        },
    )
    .await;
    assert_eq!(told, outcome.status);
    if let (End::Failed(error), None) = (&outcome.end, outcome.status) {
        match error.reset() {
            Some(reason) => respond.send_reset(reason),
            None => {
                let answer = Response::builder().status(error.status()).body(()).unwrap();
                let _ = respond.send_response(answer, true);
            }
        }
    }
    outcome
}

pub(super) fn get(path: &str) -> Request<()> {
    let uri = format!("https://origin.test{path}");
    Request::builder().uri(uri).body(()).unwrap()
}

pub(super) fn post(path: &str) -> Request<()> {
    let mut request = get(path);
    *request.method_mut() = http::Method::POST;
    request
}

pub(super) fn status(status: u16) -> Response<()> {
    Response::builder().status(status).body(()).unwrap()
}

/// All data and the trailers, as a reader that keeps up.
pub(super) async fn collect(
    body: &mut RecvStream,
) -> Result<(Vec<u8>, Option<HeaderMap>), (Vec<u8>, h2::Error)> {
    let mut all = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Err((all, error)),
        };
        let _ = body.flow_control().release_capacity(chunk.len());
        all.extend_from_slice(&chunk);
    }
    match body.trailers().await {
        Ok(trailers) => Ok((all, trailers)),
        Err(error) => Err((all, error)),
    }
}

/// Sends as the window allows; returns how much went before the stream was closed.
pub(super) async fn send_all(stream: &mut SendStream<Bytes>, mut bytes: Bytes) -> usize {
    let mut sent = 0;
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let Some(Ok(room)) = room else { return sent };
        let chunk = bytes.split_to(room.min(bytes.len()));
        sent += chunk.len();
        if stream.send_data(chunk, false).is_err() {
            return sent;
        }
    }
    sent
}

/// The code by which the other side resets the stream.
pub(super) async fn reset(stream: &mut SendStream<Bytes>) -> h2::Reason {
    std::future::poll_fn(|cx| stream.poll_reset(cx))
        .await
        .unwrap()
}

pub(super) const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const GOAWAY: u8 = 7;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame as it stands on the wire.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An origin that writes what it is told, when a request's head has come.
pub(super) struct RawOrigin(pub DuplexStream);

impl RawOrigin {
    pub(super) async fn write(&mut self, frames: &[Vec<u8>]) {
        self.0.write_all(&frames.concat()).await.unwrap();
    }

    pub(super) async fn start(io: DuplexStream) -> RawOrigin {
        let mut origin = RawOrigin(io);
        let mut preface = [0; 24];
        origin.0.read_exact(&mut preface).await.unwrap();
        origin.write(&[frame(SETTINGS, 0, 0, &[])]).await;
        origin
    }

    /// Reads until a frame of this kind; returns its stream and payload.
    pub(super) async fn until(&mut self, wanted: u8) -> (u32, Vec<u8>) {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.unwrap();
            let [a, b, c, kind, _, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            if kind == wanted {
                return (u32::from_be_bytes(stream), payload);
            }
        }
    }
}
