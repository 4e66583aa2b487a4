//! One stream of a client on one stream of a server, both directions at once.
//!
//! A hand-written state machine and not two tasks: a failure on either side must stop both at
//! once, and a head, an interim answer or a reset of one side concerns the other.

mod head;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::RecvStream;
use h2::SendStream;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::request;
use http::response;
use tokio::time::timeout;

use super::fields;
use super::flow::Flow;
use super::flow::FlowError;
use super::outcome::End;
use super::outcome::ExchangeError;
use super::outcome::ExchangeOutcome;
use super::timers::Expired;
use super::timers::Timers;

/// An answer whose end is with the library counts as relayed when no more than this waits for
/// the client's socket; the rest of a larger one stays on the server's account until then.
const REST: usize = 16 << 10;
/// How long a stream that failed waits for what was queued before, which a reset would drop.
const FLUSH: Duration = Duration::from_secs(1);

/// Choices of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeOptions {
    /// How long nothing may move in either direction.
    pub idle: Duration,
    /// How long a client that asked for leave (`Expect: 100-continue`) waits for the server's
    /// word before it has ours.
    pub continue_wait: Duration,
}

impl Default for ExchangeOptions {
    fn default() -> ExchangeOptions {
        ExchangeOptions {
            idle: Duration::from_secs(3600),
            continue_wait: Duration::from_secs(1),
        }
    }
}

/// Sends `head` and the `body` of a client's request to `upstream`, and relays the answers to
/// `respond`: interim ones, a final one, its body, its trailers. `on_response` sees the final
/// head before the client does.
///
/// While the outcome has no status, `body` and `respond` can be used again: for another try, an
/// answer, a reset. Else both are done with, and are dropped: a request that was answered before
/// its end is reset with NO_ERROR by that (RFC 9113, section 8.1).
///
/// Dropping the future resets the server's stream with CANCEL.
pub async fn exchange(
    head: &request::Parts,
    body: &mut RecvStream,
    respond: &mut SendResponse<Bytes>,
    upstream: SendRequest<Bytes>,
    options: ExchangeOptions,
    on_response: &mut (dyn FnMut(&response::Parts) + Send),
) -> ExchangeOutcome {
    let is_whole = body.is_end_stream();
    let (response, sink) = match begin(head, is_whole, upstream).await {
        Ok(begun) => begun,
        Err(error) => {
            return ExchangeOutcome {
                retryable: !matches!(error, ExchangeError::Request(_)),
                end: End::Failed(error),
                status: None,
                sent: 0,
                received: 0,
            };
        }
    };
    let holds = !is_whole && fields::expects_continue(&head.headers);
    let mut exchange = Exchange {
        body,
        respond,
        sink,
        request: Flow::of_request(),
        request_state: match (is_whole, holds) {
            (true, _) => RequestState::Done,
            (false, true) => RequestState::Holding,
            (false, false) => RequestState::Flowing,
        },
        response: Flow::default(),
        response_state: ResponseState::Head(response),
        timers: Timers::new(options.idle, options.continue_wait),
        on_response,
        status: None,
        interims: 0,
        interim_bytes: 0,
        continued: false,
    };
    let end = poll_fn(|cx| exchange.poll(cx)).await;
    if let End::Failed(error) = &end {
        exchange.give_up(error).await;
    }
    exchange.into_outcome(end, head.method.is_idempotent())
}

/// Opens the stream. What fails here was not sent.
async fn begin(
    head: &request::Parts,
    is_whole: bool,
    upstream: SendRequest<Bytes>,
) -> Result<(ResponseFuture, SendStream<Bytes>), ExchangeError> {
    let request = fields::for_server(head)
        .ok_or_else(|| ExchangeError::Request("it names no authority".to_owned()))?;
    let mut upstream = upstream.ready().await.map_err(ExchangeError::upstream)?;
    upstream.send_request(request, is_whole).map_err(|error| {
        if error.reason().is_none() && !error.is_io() {
            // The library's word for a head that it does not encode.
            return ExchangeError::Request(error.to_string());
        }
        ExchangeError::upstream(error)
    })
}

struct Exchange<'a> {
    body: &'a mut RecvStream,
    respond: &'a mut SendResponse<Bytes>,
    sink: SendStream<Bytes>,
    request: Flow,
    request_state: RequestState,
    response: Flow,
    response_state: ResponseState,
    timers: Timers,
    on_response: &'a mut (dyn FnMut(&response::Parts) + Send),

    /// The final answer's, once its head is with the client.
    status: Option<u16>,
    interims: u64,
    interim_bytes: usize,
    /// The server's next 100 has been given to the client already.
    continued: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestState {
    /// The client waits for leave; if it sends all the same, that flows.
    Holding,
    Flowing,
    /// The server's stream takes no more.
    Stopped,
    Done,
}

enum ResponseState {
    /// Interim answers may come before the final one.
    Head(ResponseFuture),
    Answer(Answer),
}

/// A final answer whose head is with the client.
struct Answer {
    source: RecvStream,
    client: SendStream<Bytes>,
    /// Its end is, too.
    is_out: bool,
}

impl Exchange<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let before = self.progress();
            match self.poll_both(cx) {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(())) => return Poll::Ready(End::Complete),
                // It has what it asked for, and will not send the rest.
                Err(error) if error.is_clients() && self.is_answered() => {
                    return Poll::Ready(End::Complete);
                }
                Err(error) => return Poll::Ready(End::Failed(error)),
            }
            if self.progress() != before {
                self.timers.moved();
            }
            let holding = self.request_state == RequestState::Holding && self.status.is_none();
            match ready!(self.timers.poll(cx, holding)) {
                Expired::Idle => return Poll::Ready(End::Failed(ExchangeError::Idle)),
                Expired::Continue => self.continue_unasked(),
            }
        }
    }

    fn poll_both(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ExchangeError> {
        self.poll_client(cx)?;
        self.poll_request(cx)?;
        if self.poll_response(cx)?.is_pending() {
            return Ok(Poll::Pending);
        }
        // The answer is out. A server may still want the rest of the request, or say that it
        // does not; one that has not been given leave will not get it.
        if self.request_state == RequestState::Flowing && self.sink.poll_reset(cx).is_ready() {
            self.request_state = RequestState::Stopped;
        }
        Ok(if self.request_state == RequestState::Flowing {
            Poll::Pending
        } else {
            Poll::Ready(())
        })
    }

    /// Whether the client still wants an answer. Its body's end does not hide a reset.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        let reset = match &mut self.response_state {
            ResponseState::Head(_) => self.respond.poll_reset(cx),
            ResponseState::Answer(answer) => answer.client.poll_reset(cx),
        };
        match reset {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(reason)) => Err(ExchangeError::ClientReset(reason)),
            Poll::Ready(Err(error)) => Err(ExchangeError::client(error)),
        }
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        match self.request_state {
            RequestState::Holding | RequestState::Flowing => {}
            RequestState::Stopped => return Ok(()),
            RequestState::Done => {
                self.request.give_back(cx, self.body);
                return Ok(());
            }
        }
        match self.request.poll(cx, self.body, &mut self.sink) {
            Poll::Pending if self.request.taken => self.request_state = RequestState::Flowing,
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.request_state = RequestState::Done,
            // Why, the answer's side will tell, after what the server said before.
            Poll::Ready(Err(FlowError::SinkClosed)) => {
                self.request.stop(self.body);
                self.request_state = RequestState::Stopped;
            }
            Poll::Ready(Err(FlowError::Source(error))) => return Err(ExchangeError::client(error)),
            Poll::Ready(Err(FlowError::Trailer(name))) => {
                return Err(ExchangeError::Request(format!(
                    "{name} stands among the trailers, where it must not be"
                )));
            }
        }
        Ok(())
    }

    /// Ready when the answer's end is with the client.
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ExchangeError> {
        if let ResponseState::Head(_) = self.response_state
            && self.poll_heads(cx)?.is_pending()
        {
            return Ok(Poll::Pending);
        }
        let ResponseState::Answer(answer) = &mut self.response_state else {
            return Ok(Poll::Pending);
        };
        if answer.is_out {
            self.response.give_back(cx, &mut answer.source);
        } else {
            match self
                .response
                .poll(cx, &mut answer.source, &mut answer.client)
            {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Ok(())) => answer.is_out = true,
                Poll::Ready(Err(FlowError::Source(error))) => {
                    return Err(ExchangeError::upstream(error));
                }
                Poll::Ready(Err(FlowError::SinkClosed | FlowError::Trailer(_))) => {
                    // Reset between the look at it and the attempt.
                    self.poll_client(cx)?;
                    return Err(ExchangeError::ClientReset(Reason::CANCEL));
                }
            }
        }
        Ok(if self.response.is_down_to(REST) {
            Poll::Ready(())
        } else {
            Poll::Pending
        })
    }

    /// Whether the answer is where only the client can still refuse it.
    fn is_answered(&self) -> bool {
        matches!(&self.response_state, ResponseState::Answer(answer) if answer.is_out)
            && self.response.is_down_to(REST)
    }

    /// Grows with whatever moves anywhere.
    fn progress(&self) -> u64 {
        let moved = self.request.moved.wrapping_add(self.response.moved);
        let written = self.request.written.wrapping_add(self.response.written);
        moved
            .wrapping_add(written)
            .wrapping_add(self.interims)
            .wrapping_add(u64::from(self.status.is_some()))
    }

    /// Ends both streams after a failure.
    async fn give_up(&mut self, error: &ExchangeError) {
        self.sink.send_reset(error.for_server());
        if error.is_clients() {
            return;
        }
        let ResponseState::Answer(Answer { client, .. }) = &mut self.response_state else {
            return;
        };
        // A reset drops what is queued, and the server has sent that: its last words, or the
        // head alone, for which a marker stands in.
        if self.response.moved == 0 {
            let _ = client.send_data(self.response.marker(), false);
        }
        let flow = &mut self.response;
        let flushed = poll_fn(|cx| {
            flow.watch(cx);
            if flow.is_down_to(0) || client.poll_reset(cx).is_ready() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let _ = timeout(FLUSH, pin!(flushed)).await;
        client.send_reset(error.reset().unwrap_or(Reason::INTERNAL_ERROR));
    }

    fn into_outcome(self, end: End, is_idempotent: bool) -> ExchangeOutcome {
        let untouched = !self.request.taken && self.interims == 0 && self.status.is_none();
        let again = match &end {
            End::Complete => false,
            End::Failed(error) => match error {
                ExchangeError::UpstreamReset(reason) => *reason == Reason::REFUSED_STREAM,
                ExchangeError::UpstreamGoAway(_) => true,
                ExchangeError::UpstreamFailed(_) => is_idempotent,
                ExchangeError::Request(_)
                | ExchangeError::Response(_)
                | ExchangeError::Switching
                | ExchangeError::ClientReset(_)
                | ExchangeError::ClientFailed(_)
                | ExchangeError::Idle => false,
            },
        };
        ExchangeOutcome {
            status: self.status,
            sent: self.request.moved,
            received: self.response.moved,
            retryable: untouched && again,
            end,
        }
    }
}
