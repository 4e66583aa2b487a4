//! From a permit to a connection: dialled here, or asked of the parent proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::edge::dial::{DialError, dial};
use crate::edge::parent::{Leg, LoginFault, Outbound, ParentError, Secured, ask};
use crate::edge::resolve::Resolver;
use crate::edge::tls::{self, Alpn, Failed, Offer, Originator, Verifier};
use crate::logic::policy::{ByName, ParentIsSelf, Permit, Policy};
use crate::logic::wire::http1::HeadLimits;
use crate::logic::wire::tls::Profile;
use crate::model::{Authority, Login};

use super::answer::Answer;
use super::facts;
use super::route::addresses_of;

/// How the parent proxy is spoken to. Where it is, the permit says.
#[derive(Debug, Clone)]
pub struct Parent {
    tls: bool,
    login: Option<Arc<Login>>,
    profile: &'static Profile,
}

impl Parent {
    /// What `policy` says of the parent proxy, if there is one.
    pub fn new(policy: &Policy, login: Option<Arc<Login>>) -> Option<Parent> {
        policy.parent.as_ref().map(|parent| Parent {
            tls: parent.tls,
            login,
            profile: Profile::by_name(policy.tls.profile.id()).unwrap_or_else(Profile::nothing),
        })
    }

    /// Who we are there.
    pub(super) fn login(&self) -> Option<&Login> {
        self.login.as_deref()
    }
}

impl Secured for tls::UpstreamTls<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.get_ref()
    }
}

/// Makes connections.
#[derive(Debug)]
pub struct Dialler {
    resolver: Arc<Resolver>,
    /// For parent proxies alone, so that no session is shared with a destination.
    originator: Originator,
    own: Vec<SocketAddr>,
    limit: Duration,
    heads: HeadLimits,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the parent proxy {proxy} cannot be reached: {fault}")]
    Parent {
        proxy: Authority,
        fault: ParentFault,
    },
    #[error("{0}")]
    ParentIsSelf(ParentIsSelf),
    #[error("{asked} through {proxy}: {error}")]
    Refused {
        asked: Authority,
        proxy: Authority,
        error: ParentError,
    },
    #[error("no tunnel to {asked} through the parent proxy {proxy} within {} s", .limit.as_secs_f64())]
    TimedOut {
        asked: Authority,
        proxy: Authority,
        limit: Duration,
    },
    #[error("the rules name a parent proxy that this proxy was not told how to speak to")]
    NoParent,
}

/// Why there is no connection to the parent proxy.
#[derive(Debug, thiserror::Error)]
pub enum ParentFault {
    #[error("{0}")]
    Unresolved(String),
    #[error(transparent)]
    Dial(DialError),
    #[error("no TLS with it: {0}")]
    Tls(Failed),
}

impl Dialler {
    /// `own` are the addresses that this proxy listens on; `limit` bounds all that a connection
    /// takes.
    pub fn new(
        resolver: Arc<Resolver>,
        verifier: Arc<Verifier>,
        own: Vec<SocketAddr>,
        limit: Duration,
        heads: HeadLimits,
    ) -> Dialler {
        Dialler {
            resolver,
            originator: Originator::new(verifier),
            own,
            limit,
            heads,
        }
    }

    /// Connects to what is permitted.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn reach(
        &self,
        permit: &Permit,
        parent: Option<&Parent>,
    ) -> Result<Outbound, Unreached> {
        let Some(by_name) = permit.through_parent() else {
            return Ok(Outbound::Tcp(dial(permit, self.limit).await?));
        };
        let parent = parent.ok_or(Unreached::NoParent)?;
        let work = async {
            let mut leg = self.leg(permit, by_name, parent).await?;
            let ahead = ask(&mut leg, &by_name.asked, parent.login(), self.heads)
                .await
                .map_err(|error| Unreached::Refused {
                    asked: by_name.asked.clone(),
                    proxy: by_name.proxy.clone(),
                    error,
                })?;
            Ok(Outbound::through(leg, ahead))
        };
        self.within(by_name, work).await
    }

    /// Connects to the parent proxy alone, for a request in absolute form.
    ///
    /// # Errors
    /// [`Unreached`].
    pub(super) async fn reach_parent(
        &self,
        permit: &Permit,
        parent: Option<&Parent>,
    ) -> Result<Leg, Unreached> {
        let (Some(by_name), Some(parent)) = (permit.through_parent(), parent) else {
            return Err(Unreached::NoParent);
        };
        self.within(by_name, self.leg(permit, by_name, parent))
            .await
    }

    async fn within<T>(
        &self,
        by_name: &ByName,
        work: impl Future<Output = Result<T, Unreached>>,
    ) -> Result<T, Unreached> {
        match tokio::time::timeout(self.limit, work).await {
            Ok(done) => done,
            Err(_) => Err(Unreached::TimedOut {
                asked: by_name.asked.clone(),
                proxy: by_name.proxy.clone(),
                limit: self.limit,
            }),
        }
    }

    async fn leg(
        &self,
        permit: &Permit,
        by_name: &ByName,
        parent: &Parent,
    ) -> Result<Leg, Unreached> {
        let proxy = &by_name.proxy;
        let failed = |fault: ParentFault| Unreached::Parent {
            proxy: proxy.clone(),
            fault,
        };
        let (addresses, _) = addresses_of(&self.resolver, &proxy.host)
            .await
            .map_err(|reason| failed(ParentFault::Unresolved(reason)))?;
        let addresses: Vec<SocketAddr> = addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, proxy.port))
            .collect();
        let permit = permit
            .to_parent(&addresses, &self.own)
            .map_err(Unreached::ParentIsSelf)?;
        let stream = dial(&permit, self.limit)
            .await
            .map_err(|error| failed(ParentFault::Dial(error)))?;
        if parent.tls {
            self.secure(proxy, stream, parent).await.map_err(failed)
        } else {
            Ok(Leg::Tcp(stream))
        }
    }

    async fn secure(
        &self,
        proxy: &Authority,
        stream: TcpStream,
        parent: &Parent,
    ) -> Result<Leg, ParentFault> {
        // Only HTTP/1.1 is spoken to parents.
        let alpn = [Alpn::Http11];
        let secured = self
            .originator
            .originate(&proxy.host, stream, parent.profile, Offer::Profile, &alpn)
            .await;
        match secured {
            Ok((tls, _)) => Ok(Leg::Tls(Box::new(tls))),
            Err(failed) => Err(ParentFault::Tls(failed)),
        }
    }
}

/// The answer to a client whose plain request the parent proxy met with a 407.
pub(super) fn login_answer(challenges: &[Vec<u8>], parent: Option<&Parent>) -> Answer {
    let challenges: Vec<&[u8]> = challenges.iter().map(Vec::as_slice).collect();
    let fault = LoginFault::of(&challenges, parent.and_then(Parent::login));
    Answer::upstream(502, "proxy_configuration_error", fault.words())
}

impl Unreached {
    /// What the client is told.
    pub(super) fn answer(&self) -> Answer {
        let (status, word) = match self {
            Unreached::Dial(error) => facts::dial_failure(error),
            Unreached::Parent { fault, .. } => match fault {
                ParentFault::Unresolved(_) => (502, "dns_error"),
                ParentFault::Dial(error) => facts::dial_failure(error),
                ParentFault::Tls(Failed::Certificate(..)) => (502, "tls_certificate_error"),
                ParentFault::Tls(_) => (502, "tls_protocol_error"),
            },
            Unreached::ParentIsSelf(_) => (502, "proxy_loop_detected"),
            Unreached::Refused { error, .. } => match error {
                ParentError::Login(_) => (502, "proxy_configuration_error"),
                ParentError::Refused { status: 504, .. } => (504, "connection_timeout"),
                ParentError::Refused { .. } => (502, "destination_unavailable"),
                ParentError::Unreadable(_) => (502, "http_protocol_error"),
                ParentError::Closed | ParentError::Io(_) => (502, "connection_terminated"),
            },
            Unreached::TimedOut { .. } => (504, "connection_timeout"),
            Unreached::NoParent => (502, "proxy_configuration_error"),
        };
        Answer::upstream(status, word, self.to_string())
    }
}
