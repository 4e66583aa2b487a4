//! The response's direction: server to client.

use std::task::Context;
use std::task::Poll;

use bytes::Buf;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use super::Exchange;
use super::RequestState;
use super::ResponseState;
use crate::edge::http1::conn::IDLE;
use crate::edge::http1::flow::FlowError;
use crate::edge::http1::outcome::ExchangeError;
use crate::logic::wire::http1::Body;
use crate::logic::wire::http1::ClientLeg;
use crate::logic::wire::http1::Framing;
use crate::logic::wire::http1::FramingError;
use crate::logic::wire::http1::Manner;
use crate::logic::wire::http1::ResponseHead;
use crate::logic::wire::http1::Version;
use crate::logic::wire::http1::client_head;
use crate::logic::wire::http1::read_response_head;

impl<C, U> Exchange<'_, C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    /// Moves what can be moved now.
    pub(super) fn poll_response(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        match self.response_state {
            ResponseState::Head => self.poll_heads(cx),
            ResponseState::Body => self.poll_body(cx),
            ResponseState::Switching => self.poll_head_out(cx).map(|_| ()),
            ResponseState::Done => {
                self.watch_upstream(cx);
                Ok(())
            }
        }
    }

    /// Reads heads until the final one. The next is read only when the one before is out.
    fn poll_heads(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        while self.response_state == ResponseState::Head {
            if self.poll_head_out(cx)?.is_pending() {
                return Ok(());
            }
            if !self.upstream.buffer.is_empty() {
                let read = read_response_head(
                    &self.upstream.buffer,
                    &self.head.method,
                    self.options.limits,
                );
                if let Some((head, used)) = read.map_err(ExchangeError::ResponseHead)? {
                    self.upstream.buffer.advance(used);
                    self.received_heads = self.received_heads.saturating_add(used as u64);
                    self.take_head(&head)?;
                    continue;
                }
            }
            match self.upstream.poll_fill(cx, IDLE) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(ExchangeError::UpstreamClosed),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(ExchangeError::UpstreamIo(error)),
            }
        }
        Ok(())
    }

    fn poll_head_out(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ExchangeError> {
        match self.response.poll_head(cx, &mut self.client.stream) {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Ok(())) => Ok(Poll::Ready(())),
            Poll::Ready(Err(error)) => Err(ExchangeError::ClientIo(error)),
        }
    }

    fn take_head(&mut self, head: &ResponseHead) -> Result<(), ExchangeError> {
        if head.is_interim() {
            self.take_interim(head);
            return Ok(());
        }
        if head.status == 101 && !(self.options.upgrade && self.head.wants_upgrade()) {
            return Err(ExchangeError::UnaskedUpgrade);
        }
        if head.status == 407 && self.options.through_proxy {
            let challenges = head.headers.all("proxy-authenticate");
            return Err(ExchangeError::ProxyLogin(
                challenges.map(<[u8]>::to_vec).collect(),
            ));
        }
        // An HTTP/1.0 client cannot read chunks, and was announced to the server as such.
        if head.framing == Framing::Chunked && self.head.version == Version::Http10 {
            return Err(ExchangeError::ChunkedForHttp10);
        }
        self.status = Some(head.status);
        (self.on_response)(head);
        if self.request_state == RequestState::Holding {
            self.request_state = RequestState::Refused;
        }
        let announced = self.settle(head);
        self.queue(&client_head(
            head,
            ClientLeg {
                manner: self.options.manner,
                close: announced,
            },
        ));
        self.response.body = Body::new(head.framing);
        self.response_state = if head.status == 101 {
            ResponseState::Switching
        } else {
            ResponseState::Body
        };
        Ok(())
    }

    /// What becomes of both connections after this answer; whether the client must be told that
    /// its own closes.
    fn settle(&mut self, head: &ResponseHead) -> bool {
        let manner = self.options.manner;
        let asked = self.head.is_persistent(manner);
        self.upstream_persistent = head.is_persistent(manner);
        let is_new = self.head.version == Version::Http11;
        // An old client goes by what the server said.
        let both = asked && self.upstream_persistent && (is_new || head.connection.keep_alive);
        let stays = match manner {
            Manner::Forward => asked && head.framing != Framing::UntilClose,
            Manner::Intercept => both,
        };
        self.upstream_stays = match manner {
            Manner::Forward => is_new && self.upstream_persistent,
            Manner::Intercept => both,
        };
        // An early answer: where the next request would begin is known only if the client sends
        // its body to the end, which it may not (RFC 9112, section 9.3).
        let cut_short = self.options.close || !self.request.body.is_done();
        self.closing = head.status != 101 && (cut_short || !stays);
        match manner {
            Manner::Forward => self.closing,
            // What both ends know already stands in the heads.
            Manner::Intercept => self.closing && stays,
        }
    }

    /// RFC 9110, section 15.2: relayed, but not to HTTP/1.0, which does not know them.
    fn take_interim(&mut self, head: &ResponseHead) {
        if head.status == 100 {
            if self.request_state == RequestState::Holding {
                self.request_state = RequestState::Flowing;
            }
            if std::mem::take(&mut self.continued) {
                return;
            }
        }
        if self.head.version == Version::Http11 {
            let leg = ClientLeg {
                manner: self.options.manner,
                close: false,
            };
            self.queue(&client_head(head, leg));
        }
    }

    /// The server is silent about a body that waits: the client gets leave from us, as it would
    /// have sent the body unasked before long (RFC 9110, section 10.1.1).
    pub(super) fn continue_unasked(&mut self) {
        self.request_state = RequestState::Flowing;
        self.continued = true;
        self.queue(b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    fn queue(&mut self, head: &[u8]) {
        self.response.head.extend_from_slice(head);
        self.written_heads = self.written_heads.saturating_add(head.len() as u64);
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Result<(), ExchangeError> {
        let moved = self
            .response
            .poll_body(cx, self.upstream, &mut self.client.stream);
        match moved {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => {
                self.response_state = ResponseState::Done;
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(match error {
                FlowError::Framing(FramingError::Truncated) => ExchangeError::ResponseTruncated,
                FlowError::Framing(error) => ExchangeError::ResponseBody(error),
                FlowError::Read(error) => ExchangeError::UpstreamIo(error),
                FlowError::Write(error) => ExchangeError::ClientIo(error),
            }),
        }
    }

    /// The answer is out, the request is not: a server that closes wants no more of it.
    fn watch_upstream(&mut self, cx: &mut Context<'_>) {
        if !self.upstream.ended
            && self.upstream.buffer.is_empty()
            && let Poll::Ready(Ok(_) | Err(_)) = self.upstream.poll_fill(cx, IDLE)
        {
            // Bytes that nobody asked for end the connection as well.
            self.upstream.ended = true;
        }
    }
}
