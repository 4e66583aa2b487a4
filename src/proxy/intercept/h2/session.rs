//! The connection to the server that one client's connection has for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::edge::client::Prefixed;
use crate::edge::http2::client_builder;
use crate::edge::tls::Alpn;
use crate::logic::policy::{Effective, Permit};
use crate::logic::record::{Tls, UpstreamTls};

use super::super::super::answer::Answer;
use super::super::super::entry::Entry;
use super::super::super::reach::Parent;
use super::super::super::upstream::{HeldTo, Hop, Idle, Leg, Offers, connect};
use super::super::header_list;
use super::Inner;

/// A connection that takes streams.
#[derive(Debug)]
pub(in crate::proxy::intercept) struct Session {
    send: SendRequest<Bytes>,
    held_to: HeldTo,
    pub(in crate::proxy::intercept) hop: Hop,
    pub(in crate::proxy::intercept) tls: Option<Arc<UpstreamTls>>,
}

impl Session {
    /// Begins HTTP/2 on a fresh connection.
    ///
    /// # Errors
    /// The answer for the client.
    pub(in crate::proxy::intercept) async fn open(
        idle: Idle,
        header_list: u32,
    ) -> Result<Session, Answer> {
        let Idle {
            held_to,
            hop,
            conn,
            tls,
            ..
        } = idle;
        let (stream, ahead) = conn.into_parts();
        let begun = client_builder(header_list)
            .handshake(Prefixed::new(ahead, stream))
            .await;
        let (send, connection) = begun.map_err(|error| {
            let detail = format!("the connection to the server failed: {error}");
            Answer::upstream(502, "connection_terminated", detail)
        })?;
        // It ends when no stream and no handle is left. How, each stream is told.
        tokio::spawn(connection);
        Ok(Session {
            send,
            held_to,
            hop,
            tls,
        })
    }

    /// Whether it takes new streams, as far as is known at this moment.
    pub(in crate::proxy::intercept) fn is_open(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let ready = self.send.clone().poll_ready(&mut cx);
        !matches!(ready, std::task::Poll::Ready(Err(_)))
    }
}

/// A connection for a stream.
pub(super) struct Taken {
    pub(super) send: SendRequest<Bytes>,
    pub(super) hop: Hop,
    pub(super) tls: Option<Arc<UpstreamTls>>,
}

/// Why there is none.
pub(super) struct NoSession {
    pub(super) answer: Answer,
    /// The server has left HTTP/2, which both legs must speak.
    pub(super) is_other_protocol: bool,
}

/// The session at hand, opened anew when it is gone.
pub(super) struct Sessions {
    slot: Mutex<Slot>,
    /// It carried credentials that belong to the connection.
    is_personal: AtomicBool,
}

struct Slot {
    session: Option<Session>,
    /// The last attempt that failed: whoever waited for it shares its answer.
    failed: Option<(Instant, Answer)>,
}

impl Sessions {
    pub(super) fn new(session: Session) -> Sessions {
        Sessions {
            slot: Mutex::new(Slot {
                session: Some(session),
                failed: None,
            }),
            is_personal: AtomicBool::new(false),
        }
    }

    /// From now on nobody else's requests may follow.
    pub(super) fn set_personal(&self) {
        self.is_personal.store(true, Ordering::Relaxed);
    }

    /// Whether a new stream would begin on a fresh connection.
    pub(super) async fn is_gone(&self) -> bool {
        let slot = self.slot.lock().await;
        !slot.session.as_ref().is_some_and(Session::is_open)
    }

    /// The session, or a new one to what `permit` allows.
    pub(super) async fn take(
        &self,
        inner: &Inner,
        entry: &mut Entry,
        permit: &Permit,
        parent: Option<&Parent>,
        effective: &Effective,
    ) -> Result<Taken, NoSession> {
        let asked = Instant::now();
        let mut slot = self.slot.lock().await;
        let fits = |session: &&Session| {
            session.held_to == HeldTo::of(effective)
                && session.hop.is_allowed(permit)
                && session.is_open()
        };
        if let Some(session) = slot.session.as_ref().filter(fits) {
            return Ok(session.into());
        }
        if let Some((at, answer)) = &slot.failed
            && *at >= asked
        {
            return Err(answer.clone().into());
        }
        // Streams that are on it go on.
        slot.session = None;
        match self.open(inner, entry, permit, parent, effective).await {
            Ok(session) => {
                let taken = Taken::from(&session);
                slot.session = Some(session);
                slot.failed = None;
                Ok(taken)
            }
            Err(failed) => {
                slot.failed = Some((Instant::now(), failed.answer.clone()));
                Err(failed)
            }
        }
    }

    async fn open(
        &self,
        inner: &Inner,
        entry: &mut Entry,
        permit: &Permit,
        parent: Option<&Parent>,
        effective: &Effective,
    ) -> Result<Session, NoSession> {
        let leg = Leg::Tls(Offers::H2);
        let connecting = connect(
            &inner.shared,
            parent,
            entry,
            &inner.authority,
            permit,
            effective,
            leg,
        );
        let idle = Box::pin(connecting).await.map_err(|failed| failed.answer)?;
        if idle.alpn != Some(Alpn::H2) {
            let detail = format!(
                "{} spoke HTTP/2 before and does not any more; try again on a new connection",
                inner.authority.host
            );
            return Err(NoSession {
                answer: Answer::upstream(502, "http_protocol_error", detail),
                is_other_protocol: true,
            });
        }
        Ok(Session::open(idle, header_list(&inner.shared)).await?)
    }

    /// What is left for another client.
    pub(super) async fn into_idle(self: Arc<Self>) -> Option<Session> {
        let session = self.slot.lock().await.session.take();
        session.filter(|session| !self.is_personal.load(Ordering::Relaxed) && session.is_open())
    }
}

impl From<&Session> for Taken {
    fn from(session: &Session) -> Taken {
        Taken {
            send: session.send.clone(),
            hop: session.hop.clone(),
            tls: session.tls.clone(),
        }
    }
}

impl From<Answer> for NoSession {
    fn from(answer: Answer) -> NoSession {
        NoSession {
            answer,
            is_other_protocol: false,
        }
    }
}

impl Taken {
    /// What the record says of both legs.
    pub(super) fn legs(&self, inner: &Inner) -> Tls {
        Tls {
            client: Some(Arc::clone(&inner.client_tls)),
            upstream: self.tls.clone(),
        }
    }
}
