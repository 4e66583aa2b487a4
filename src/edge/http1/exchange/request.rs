//! The request's direction: client to server.

use std::task::Context;
use std::task::Poll;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use super::Exchange;
use super::RequestState;
use super::ResponseState;
use crate::edge::http1::conn::CHUNK;
use crate::edge::http1::conn::IDLE;
use crate::edge::http1::flow::FlowError;
use crate::edge::http1::outcome::ExchangeError;
use crate::logic::wire::http1::FramingError;

impl<C, U> Exchange<'_, C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    /// Moves what can be moved now.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        match self.request_state {
            RequestState::Holding => self.poll_holding(cx),
            RequestState::Flowing => self.poll_flowing(cx),
            RequestState::Discarding => self.poll_discarding(cx),
            RequestState::Refused => Ok(()),
            RequestState::Done => self.watch_client(cx),
        }
    }

    /// The head goes out alone. A client that does not wait for leave is not held back.
    fn poll_holding(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        if let Poll::Ready(Err(_)) = self.request.poll_head(cx, &mut self.upstream.stream) {
            // The answer, or the reason, is on the server's other side.
            self.request_state = RequestState::Refused;
            return Ok(());
        }
        match self.client.poll_fill(cx, IDLE) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(0)) => Err(ExchangeError::ClientClosed),
            Poll::Ready(Ok(_)) => {
                self.request_state = RequestState::Flowing;
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(ExchangeError::ClientIo(error)),
        }
    }

    fn poll_flowing(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        let moved = self
            .request
            .poll_body(cx, self.client, &mut self.upstream.stream);
        match moved {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.request_state = RequestState::Done,
            // A server may answer and close without reading all (RFC 9112, section 9.5); what it
            // said is still to be read.
            Poll::Ready(Err(FlowError::Write(_))) => self.request_state = RequestState::Discarding,
            Poll::Ready(Err(error)) => self.client_failed(error)?,
        }
        Ok(())
    }

    fn poll_discarding(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        match self.request.poll_discard(cx, self.client) {
            Poll::Ready(Err(error)) => self.client_failed(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// The request is whole. Reads ahead a little, so that a client that goes away is noticed
    /// while the server is silent; a further request waits in the buffer.
    fn watch_client(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        while !self.client.ended && self.client.buffer.len() < CHUNK / 2 {
            match self.client.poll_fill(cx, IDLE) {
                Poll::Pending => break,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(ExchangeError::ClientIo(error)),
            }
        }
        Ok(())
    }

    /// Once the answer is out whole, a client that stops sending has done nothing wrong.
    fn client_failed(&mut self, error: FlowError) -> Result<(), ExchangeError> {
        if self.response_state == ResponseState::Done {
            self.request_state = RequestState::Refused;
            return Ok(());
        }
        Err(match error {
            FlowError::Framing(FramingError::Truncated) => ExchangeError::ClientClosed,
            FlowError::Framing(error) => ExchangeError::RequestBody(error),
            FlowError::Read(error) | FlowError::Write(error) => ExchangeError::ClientIo(error),
        })
    }
}
