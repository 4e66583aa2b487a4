//! The answer's heads: interim ones, and the final one.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use h2::Reason;
use http::HeaderMap;
use http::Response;
use http::StatusCode;

use super::Answer;
use super::Exchange;
use super::RequestState;
use super::ResponseState;
use crate::edge::http2::fields;
use crate::edge::http2::outcome::ExchangeError;

/// Header lists of interim answers that one exchange passes on. No window bounds them while a
/// client does not read; more are left out, since nobody depends on them (RFC 9110, section
/// 15.2).
const INTERIM_BYTES: usize = 256 << 10;

impl Exchange<'_> {
    /// Ready when the final head is with the client.
    pub(super) fn poll_heads(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ExchangeError> {
        loop {
            let ResponseState::Head(response) = &mut self.response_state else {
                return Ok(Poll::Ready(()));
            };
            // The final head's future would drop interim ones.
            match response.poll_informational(cx) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Some(Ok(interim))) => {
                    self.take_interim(interim)?;
                    continue;
                }
                Poll::Ready(Some(Err(error))) => return Err(ExchangeError::upstream(error)),
                Poll::Ready(None) => {}
            }
            return match Pin::new(response).poll(cx) {
                Poll::Pending => Ok(Poll::Pending),
                Poll::Ready(Ok(response)) => self.take_final(cx, response).map(Poll::Ready),
                Poll::Ready(Err(error)) => Err(ExchangeError::upstream(error)),
            };
        }
    }

    fn take_interim(&mut self, interim: Response<()>) -> Result<(), ExchangeError> {
        let (parts, ()) = interim.into_parts();
        self.interims += 1;
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            // RFC 9113, section 8.6.
            return Err(ExchangeError::Switching);
        }
        if parts.status == StatusCode::CONTINUE {
            if self.request_state == RequestState::Holding {
                self.request_state = RequestState::Flowing;
            }
            if std::mem::take(&mut self.continued) {
                return Ok(());
            }
        }
        self.interim_bytes = self
            .interim_bytes
            .saturating_add(fields::list_size(&parts.headers));
        if self.interim_bytes <= INTERIM_BYTES {
            self.give_interim(parts.status, parts.headers);
        }
        Ok(())
    }

    /// The server is silent about a body that waits: the client gets leave from us, as it would
    /// have sent the body unasked before long (RFC 9110, section 10.1.1).
    pub(super) fn continue_unasked(&mut self) {
        self.request_state = RequestState::Flowing;
        self.continued = true;
        self.give_interim(StatusCode::CONTINUE, HeaderMap::new());
    }

    fn give_interim(&mut self, status: StatusCode, headers: HeaderMap) {
        // Fails only where the stream is gone, which shows elsewhere.
        let _ = self
            .respond
            .send_informational(fields::for_client(status, headers));
    }

    fn take_final(
        &mut self,
        cx: &mut Context<'_>,
        response: Response<h2::RecvStream>,
    ) -> Result<(), ExchangeError> {
        let (parts, source) = response.into_parts();
        (self.on_response)(&parts);
        let is_whole = source.is_end_stream();
        let head = fields::for_client(parts.status, parts.headers);
        let Ok(client) = self.respond.send_response(head, is_whole) else {
            // Reset between the look at it and the attempt.
            self.poll_client(cx)?;
            return Err(ExchangeError::ClientReset(Reason::CANCEL));
        };
        self.status = Some(parts.status.as_u16());
        self.response_state = ResponseState::Answer(Answer {
            source,
            client,
            is_out: is_whole,
        });
        Ok(())
    }
}
