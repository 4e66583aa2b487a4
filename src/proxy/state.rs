//! What all connections of one proxy share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;

use super::intercept::Interceptor;
use crate::edge::client::ClientStream;
use crate::edge::journal::Journal;
use crate::edge::process::{Caller, Processes};
use crate::edge::resolve::Resolver;
use crate::edge::tls::{Originator, Preflights, Verifier};
use crate::logic::policy::{Effective, Policy};
use crate::logic::wire::http1::HeadLimits;
use crate::logic::wire::tls::{Bounds, Profile};
use crate::model::Login;

use super::reach::{Dialler, Parent};

/// The rules in force, with their hash as records carry it.
#[derive(Debug)]
pub(super) struct Active {
    pub policy: Policy,
    pub hash: Arc<str>,
    /// How the parent proxy is spoken to, if the policy names one.
    pub parent: Option<Parent>,
}

impl Active {
    /// Takes `policy` as it is.
    pub(super) fn new(policy: Policy, parent_login: Option<Login>) -> Active {
        let hash = Arc::from(policy.hash());
        let parent = Parent::new(&policy, parent_login.map(Arc::new));
        Active {
            policy,
            hash,
            parent,
        }
    }
}

/// `[timeouts]`.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a request head to arrive.
    pub head: Duration,
    /// From CONNECT until both hellos are judged.
    pub handshake: Duration,
    pub connect: Duration,
    pub idle: Duration,
    /// How long open requests have when the proxy stops.
    pub drain: Duration,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_client: usize,
    pub head: HeadLimits,
    pub handshake: Bounds,
}

/// The parts that a connection works with. Only `proxy` sees it whole; each step gets its part.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) active: ArcSwap<Active>,
    pub(super) journal: Journal,
    pub(super) resolver: Arc<Resolver>,
    pub(super) dialler: Arc<Dialler>,
    pub(super) preflights: Preflights,
    pub(super) verifier: Arc<Verifier>,
    pub(super) originator: Originator,
    /// None: no TLS is ended here.
    pub(super) interceptor: Option<Interceptor>,
    pub(super) timeouts: Timeouts,
    pub(super) limits: Limits,
    /// Who may use the proxy.
    pub(super) clients: Vec<IpNet>,
    /// Where the proxy itself listens.
    pub(super) own: Vec<SocketAddr>,
    pub(super) attribution: Attribution,
    /// Runs where somebody may have to be looked for.
    pub(super) processes: Option<Processes>,
}

/// Whose process is looked up, beside the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Attribution {
    /// Those of clients on Unix sockets, whom the kernel names.
    #[default]
    Unix,
    /// Those of all clients on this machine.
    All,
}

impl Shared {
    /// Has the client's process looked for.
    pub(super) fn caller(&self, stream: &ClientStream, peer: Option<SocketAddr>) -> Caller {
        let Some(processes) = &self.processes else {
            return Caller::default();
        };
        match (stream, peer, self.attribution) {
            (ClientStream::Tcp(stream), Some(peer), Attribution::All) => stream
                .local_addr()
                .map(|own| processes.of_socket(peer, own))
                .unwrap_or_default(),
            (ClientStream::Tcp(_), _, _) => Caller::default(),
            (ClientStream::Unix(stream), _, _) => {
                let credentials = stream.peer_cred().ok();
                let pid = credentials.and_then(|known| known.pid()?.try_into().ok());
                pid.map(|pid| processes.of_pid(pid)).unwrap_or_default()
            }
        }
    }
}

/// The TLS profile in force for a destination.
pub(super) fn profile(effective: &Effective) -> &'static Profile {
    Profile::by_name(effective.profile.id()).unwrap_or_else(Profile::nothing)
}
