//! HTTP/2 inside TLS that is ended here: streams side by side, each to its exchange, over the
//! connection's own connection to the server.
//!
//! All streams of a connection are one task with it: they share its two sockets anyway, and a task
//! for each would wake another thread several times a request.

mod answer;
mod session;
mod stream;

use std::future::poll_fn;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;
use tokio::time::{Instant, sleep_until};

use crate::edge::http2::{STREAMS, server_builder};
use crate::edge::tls::rejection;
use crate::logic::record::Bytes;

use super::super::drain::Drain;
use super::h1::Served;
use super::header_list;
use super::hello::BoxClient;
use super::inner::{Inner, Why};
use super::obstacle::Obstacle;

pub(super) use session::Session;
use session::Sessions;

/// Streams at work, those included that the client has reset and that are not done with that.
const AT_WORK: usize = 2 * STREAMS as usize;

type Connection = h2::server::Connection<BoxClient, bytes::Bytes>;

/// A stream of the client.
struct Stream {
    request: Request<RecvStream>,
    respond: SendResponse<bytes::Bytes>,
}

/// What a stream came to.
#[derive(Debug, Default)]
struct Done {
    bytes: Bytes,
    /// The connection is to take no more of them.
    is_last: bool,
}

/// Serves streams until one side ends the connection. Gives back the upstream connection, if it
/// can be of use to another client.
pub(super) async fn serve(
    inner: Inner,
    stream: BoxClient,
    session: Session,
    drain: &mut Drain,
) -> (Served, Option<Session>) {
    let inner = Arc::new(inner);
    let sessions = Arc::new(Sessions::new(session));
    let each =
        |stream, drain| stream::carry(Arc::clone(&inner), Arc::clone(&sessions), stream, drain);
    let served = Box::pin(streams(&inner, stream, drain, each)).await;
    (served, sessions.into_idle().await)
}

/// Answers every request with `why`. One is enough: whatever is asked later is to be decided
/// anew, and so on a new connection.
pub(super) async fn tell(inner: Inner, stream: BoxClient, why: &Why, drain: &mut Drain) -> Served {
    let inner = Arc::new(inner);
    let why = Arc::new(why.clone());
    let each = |stream, _| stream::tell(Arc::clone(&inner), Arc::clone(&why), stream);
    Box::pin(streams(&inner, stream, drain, each)).await
}

/// Accepts streams, and carries them side by side.
async fn streams<F, Fut>(inner: &Inner, stream: BoxClient, drain: &mut Drain, each: F) -> Served
where
    F: Fn(Stream, Drain) -> Fut,
    Fut: Future<Output = Done> + Send + 'static,
{
    let idle = inner.shared.timeouts.idle;
    let builder = server_builder(header_list(&inner.shared));
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(idle, builder.handshake(stream)) => shaken,
        () = drain.draining() => return Served::default(),
    };
    let mut connection = match shaken {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return ended(Bytes::default(), Some(&error)),
        Err(_) => return Served::default(),
    };
    let mut at_work = FuturesUnordered::new();
    let mut bytes = Bytes::default();
    let mut is_closing = false;
    let mut quiet = Box::pin(sleep_until(Instant::now() + idle));
    let mut forced = drain.clone();
    let error = loop {
        let has_room = at_work.len() < AT_WORK;
        tokio::select! {
            accepted = next(&mut connection, has_room) => match accepted {
                Some(Ok((request, respond))) => {
                    at_work.push(each(Stream { request, respond }, forced.clone()));
                }
                Some(Err(error)) => break Some(error),
                None => break None,
            },
            Some(done) = at_work.next() => {
                bytes = sum(bytes, done.bytes);
                if done.is_last && !is_closing {
                    is_closing = true;
                    connection.graceful_shutdown();
                }
                quiet.as_mut().reset(Instant::now() + idle);
            }
            () = quiet.as_mut(), if at_work.is_empty() => {
                // A client that does not even answer that waits for nothing.
                if is_closing {
                    break None;
                }
                is_closing = true;
                connection.graceful_shutdown();
                quiet.as_mut().reset(Instant::now() + idle);
            }
            () = drain.draining(), if !is_closing => {
                is_closing = true;
                connection.graceful_shutdown();
            }
            () = forced.forced() => break None,
        }
    };
    drop(connection);
    // The streams of a connection that is gone end by themselves, each with its line.
    while let Some(done) = at_work.next().await {
        bytes = sum(bytes, done.bytes);
    }
    ended(bytes, error.as_ref())
}

/// The next stream, where there is room for one; the connection lives by being polled.
async fn next(
    connection: &mut Connection,
    has_room: bool,
) -> Option<Result<(Request<RecvStream>, SendResponse<bytes::Bytes>), h2::Error>> {
    if has_room {
        return connection.accept().await;
    }
    let closed = poll_fn(|cx| connection.poll_closed(cx)).await;
    closed.err().map(Err)
}

fn ended(bytes: Bytes, error: Option<&h2::Error>) -> Served {
    let alert = error.and_then(h2::Error::get_io).and_then(rejection);
    Served {
        bytes,
        error: error.map(ToString::to_string),
        obstacle: alert.map(Obstacle::ClientRejects),
    }
}

const fn sum(one: Bytes, other: Bytes) -> Bytes {
    Bytes {
        sent: one.sent.saturating_add(other.sent),
        received: one.received.saturating_add(other.received),
    }
}
