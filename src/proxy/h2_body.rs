//! Bodies of HTTP/2 streams: counted on their way, and the record completed at their end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::logic::record;

use super::entry::{Entry, Outcome};
use super::h2::is_hop_by_hop;

/// What is answered on a stream.
pub(super) type Reply = BoxBody<Bytes, hyper::Error>;

/// Bytes of the request's body so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Arc<AtomicU64>);

impl Sent {
    /// A body that counts what passes.
    pub(super) fn count(&self, body: Incoming) -> Counted {
        Counted {
            body,
            sent: self.clone(),
        }
    }
}

/// A request's body.
#[derive(Debug)]
pub(super) struct Counted {
    body: Incoming,
    sent: Sent,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(data) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok())
            .and_then(Frame::data_ref)
        {
            self.sent.0.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer of outgate's own.
pub(super) fn told(body: Vec<u8>) -> Reply {
    Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed()
}

/// The server's answer, whose end completes the record.
pub(super) fn relayed(answer: Response<Incoming>, entry: Entry, sent: Sent) -> Response<Reply> {
    let (mut parts, body) = answer.into_parts();
    let named: Vec<String> = parts
        .headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let all = std::mem::take(&mut parts.headers);
    for (name, value) in &all {
        if !is_hop_by_hop(name, value) && !named.iter().any(|named| named == name.as_str()) {
            parts.headers.append(name.clone(), value.clone());
        }
    }
    let status = parts.status.as_u16();
    let relayed = Relayed {
        body,
        entry: Some(entry),
        status,
        sent,
        received: 0,
    };
    Response::from_parts(parts, relayed.boxed())
}

/// An answer's body on its way to the client. Dropped before its end, the client went away.
#[derive(Debug)]
struct Relayed {
    body: Incoming,
    entry: Option<Entry>,
    status: u16,
    sent: Sent,
    received: u64,
}

impl Relayed {
    fn complete(&mut self, error: Option<String>, failed: bool) {
        if let Some(entry) = self.entry.take() {
            let bytes = record::Bytes {
                sent: self.sent.0.load(Ordering::Relaxed),
                received: self.received,
            };
            entry.complete_detached(Outcome {
                status: Some(self.status),
                bytes,
                error,
                failed,
            });
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64)
            }
            Some(Err(error)) => {
                let why = format!("the upstream's answer failed: {error}");
                self.complete(Some(why), true);
            }
            None => self.complete(None, false),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        // An answer without a body is never polled; its end was known beforehand.
        let error = (!self.body.is_end_stream()).then(|| "the client closed the stream".to_owned());
        self.complete(error, false);
    }
}
