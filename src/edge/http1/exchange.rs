//! One request and its answer, both on their way at once.
//!
//! A hand-written state machine and not two tasks: each direction may change what the other
//! does (a 100 lets a body go, a final answer ends the wait for one), and a failure on either
//! side must stop both at once. The directions are in `request` and `response`.

mod request;
mod response;
mod timers;

use std::future::poll_fn;
use std::task::Context;
use std::task::Poll;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use self::timers::Expired;
use self::timers::Timers;
use self::timers::Waiting;
use super::conn::Conn;
use super::flow::Flow;
use super::options::ExchangeOptions;
use super::outcome::After;
use super::outcome::End;
use super::outcome::ExchangeError;
use super::outcome::ExchangeOutcome;
use crate::logic::wire::http1::Framing;
use crate::logic::wire::http1::Manner;
use crate::logic::wire::http1::RequestHead;
use crate::logic::wire::http1::ResponseHead;

/// Sends `rewritten` (the head for the server, made from `head`) and the request's body to
/// `upstream`, and relays the answers to `client`: interim ones, a final one, its body.
/// `on_response` sees the final head before the client does.
///
/// Dropping the future stops both directions where they are; both connections must then be
/// dropped as well.
pub async fn exchange<C, U>(
    client: &mut Conn<C>,
    upstream: &mut Conn<U>,
    head: &RequestHead,
    rewritten: &[u8],
    options: ExchangeOptions,
    on_response: &mut (dyn FnMut(&ResponseHead) + Send),
) -> ExchangeOutcome
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut exchange = Exchange::new(client, upstream, head, rewritten, options, on_response);
    let end = poll_fn(|cx| exchange.poll(cx)).await;
    exchange.into_outcome(end)
}

struct Exchange<'a, C, U> {
    client: &'a mut Conn<C>,
    upstream: &'a mut Conn<U>,
    head: &'a RequestHead,
    rewritten_len: u64,
    options: ExchangeOptions,
    on_response: &'a mut (dyn FnMut(&ResponseHead) + Send),

    request: Flow,
    request_state: RequestState,
    response: Flow,
    response_state: ResponseState,
    timers: Timers,

    /// The final answer's.
    status: Option<u16>,
    /// Bytes of response heads; the bodies' are in `response`.
    received_heads: u64,
    /// The answer's bytes written to the client that are not the server's body.
    written_heads: u64,
    upstream_persistent: bool,
    /// By what was said, the server takes another request on the connection.
    upstream_stays: bool,
    /// The client was told that its connection closes.
    closing: bool,
    /// The client sends no more, and may be gone.
    client_gone: bool,
    /// The server's next 100 has been given to the client already.
    continued: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestState {
    /// The head goes out; the body waits for leave (RFC 9110, section 10.1.1).
    Holding,
    Flowing,
    /// The server takes no more; the client's body is read and dropped, lest it wait for room
    /// and never read the answer.
    Discarding,
    /// A final answer came before the body was asked for: it will not be read.
    Refused,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResponseState {
    /// Waiting for a head; interim ones may be on their way to the client.
    Head,
    Body,
    /// A 101 is on its way to the client.
    Switching,
    Done,
}

impl<'a, C, U> Exchange<'a, C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    fn new(
        client: &'a mut Conn<C>,
        upstream: &'a mut Conn<U>,
        head: &'a RequestHead,
        rewritten: &[u8],
        options: ExchangeOptions,
        on_response: &'a mut (dyn FnMut(&ResponseHead) + Send),
    ) -> Self {
        let request = Flow::new(rewritten, head.framing);
        let holds = head.expects_continue && !request.body.is_done() && client.buffer.is_empty();
        Exchange {
            client,
            upstream,
            head,
            rewritten_len: rewritten.len() as u64,
            options,
            on_response,
            request,
            request_state: if holds {
                RequestState::Holding
            } else {
                RequestState::Flowing
            },
            response: Flow::new(b"", Framing::None),
            response_state: ResponseState::Head,
            timers: Timers::new(&options),
            status: None,
            received_heads: 0,
            written_heads: 0,
            upstream_persistent: false,
            upstream_stays: false,
            closing: false,
            client_gone: false,
            continued: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let before = self.progress();
            loop {
                let states = (self.request_state, self.response_state);
                if let Err(error) = self.poll_request(cx) {
                    return Poll::Ready(End::Failed(error));
                }
                if let Err(error) = self.poll_response(cx) {
                    return Poll::Ready(End::Failed(error));
                }
                if let Some(end) = self.end() {
                    return Poll::Ready(end);
                }
                if states == (self.request_state, self.response_state) {
                    break;
                }
            }
            if !self.client_gone && self.client.poll_gone(cx).is_ready() {
                self.client_gone = true;
            }
            if self.progress() != before {
                self.timers.moved();
            }
            match self.timers.poll(cx, self.waiting()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Expired::Idle) => {
                    return Poll::Ready(End::Failed(ExchangeError::Idle));
                }
                Poll::Ready(Expired::HalfClosed) => {
                    return Poll::Ready(End::Failed(ExchangeError::ClientClosed));
                }
                Poll::Ready(Expired::Answered) => return Poll::Ready(End::Complete),
                Poll::Ready(Expired::Continue) => self.continue_unasked(),
            }
        }
    }

    /// Whom the exchange waits for, where that has a time of its own.
    fn waiting(&self) -> Waiting {
        let is_read = self.response.head.is_empty() && !self.response.has_unwritten();
        match self.request_state {
            RequestState::Holding => Waiting::Continue,
            RequestState::Flowing if self.response_state == ResponseState::Done => Waiting::Rest,
            RequestState::Done if self.client_gone && is_read => Waiting::HalfClosed,
            RequestState::Flowing
            | RequestState::Discarding
            | RequestState::Refused
            | RequestState::Done => Waiting::Any,
        }
    }

    /// Grows with every byte that moves anywhere, and when the client may be gone.
    fn progress(&self) -> u64 {
        self.client
            .total_read
            .wrapping_add(self.upstream.total_read)
            .wrapping_add(self.request.written)
            .wrapping_add(self.response.written)
            .wrapping_add(u64::from(self.client_gone))
    }

    /// Whether all is over.
    fn end(&self) -> Option<End> {
        match self.response_state {
            ResponseState::Head | ResponseState::Body => None,
            ResponseState::Switching => {
                // The request must be whole before its connection is another protocol's (RFC
                // 9110, section 7.8).
                (self.request_state == RequestState::Done && self.response.head.is_empty())
                    .then_some(End::Upgraded)
            }
            ResponseState::Done => match self.request_state {
                // The server has answered and keeps its connection open: it may yet want the rest.
                RequestState::Flowing if self.upstream_persistent && !self.upstream.ended => None,
                RequestState::Flowing
                | RequestState::Holding
                | RequestState::Discarding
                | RequestState::Refused
                | RequestState::Done => Some(End::Complete),
            },
        }
    }

    fn into_outcome(mut self, end: End) -> ExchangeOutcome {
        let request_whole = self.request.body.is_done();
        let client = match &end {
            End::Upgraded => After::Reuse,
            End::Complete if self.closing || !request_whole => After::Close,
            End::Complete => {
                self.request.drop_unwritten(&mut self.client.buffer);
                After::Reuse
            }
            End::Failed(error) if error.is_clients() => After::Abort,
            End::Failed(error) if self.status.is_some() => match self.options.manner {
                // What came of an answer that goes on until the connection ends may be all there
                // is: a server that forgets its close_notify must not cost the client a byte.
                Manner::Intercept if !error.is_upstream_reset() => After::Cut,
                Manner::Intercept | Manner::Forward => After::Abort,
            },
            // Part of an interim answer is out; nothing can follow it.
            End::Failed(_) if !self.response.head.is_empty() => After::Abort,
            End::Failed(_) => {
                let clean = request_whole && !self.request.has_unwritten();
                if clean && self.head.is_persistent(self.options.manner) && !self.options.close {
                    After::Reuse
                } else {
                    After::Close
                }
            }
        };
        let upstream_reusable = matches!(end, End::Complete)
            && self.upstream_stays
            && self.request_state == RequestState::Done
            && !self.upstream.ended
            && self.upstream.buffer.is_empty();
        let body_taken = self.request.written > self.rewritten_len || self.request.lost;
        let received = self
            .received_heads
            .saturating_add(self.response.written.saturating_sub(self.written_heads));
        self.client.rest();
        self.upstream.rest();
        ExchangeOutcome {
            status: self.status,
            sent: self.request.written,
            received,
            client,
            upstream_reusable,
            retryable: matches!(
                end,
                End::Failed(ExchangeError::UpstreamClosed | ExchangeError::UpstreamIo(_))
            ) && !body_taken
                && self.received_heads == 0
                && self.upstream.buffer.is_empty(),
            end,
        }
    }
}
