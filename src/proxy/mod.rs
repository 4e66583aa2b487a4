//! The course of a connection, from accepting to the last line on record.
//!
//! Joins what the edge can do and what the logic judges; each way of carrying is one plain async
//! function that reads like the way of a request in ARCHITECTURE.md.

mod admission;
mod answer;
mod course;
mod decide;
mod drain;
mod entry;
mod exchange;
mod facts;
mod forward;
mod front;
mod h2;
mod h2_body;
mod handshake;
mod heads;
mod intercept;
mod reach;
mod route;
mod state;
mod tunnel;
mod turned_away;
mod upstream;

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;

use crate::edge::client::ClientStream;
use crate::edge::clock;
use crate::edge::dial::prepare;
use crate::edge::journal::{Journal, Unavailable};
use crate::edge::listen::{Accepted, Listener};
use crate::edge::process::Processes;
use crate::edge::resolve::Resolver;
use crate::edge::tls::{Originator, Preflights, Verifier};
use crate::logic::policy::Policy;
use crate::logic::record::{Body, Event, EventKind};
use crate::model::Login;

use admission::Admission;
use arc_swap::ArcSwap;
use drain::{Drain, Stop, drain};
use intercept::Interceptor;
use ipnet::IpNet;
use state::{Active, Shared};

pub use intercept::{Interception, OnObstacle};
pub use reach::{Dialler, Parent, ParentFault, Unreached};
pub use state::{Attribution, Limits, Timeouts};

/// How often idle upstream connections are looked through.
const SWEEP: Duration = Duration::from_secs(10);

/// What a proxy is made of.
#[derive(Debug)]
pub struct Parts {
    pub listeners: Vec<Listener>,
    pub policy: Policy,
    /// Who we are at the parent proxy that the policy names.
    pub parent_login: Option<Login>,
    pub journal: Journal,
    pub verifier: Arc<Verifier>,
    pub timeouts: Timeouts,
    pub limits: Limits,
    /// Who may use it.
    pub clients: Vec<IpNet>,
    pub attribution: Attribution,
    /// What ends the TLS of hosts that the policy names; none: no host's is ended.
    pub interception: Option<Interception>,
}

/// A proxy that is ready to run.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    stop: Stop,
    drain: Drain,
}

/// A handle to change a running proxy.
#[derive(Debug, Clone)]
pub struct Control(Arc<Shared>);

impl Proxy {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Proxy {
        let own: Vec<SocketAddr> = parts
            .listeners
            .iter()
            .flat_map(Listener::addresses)
            .collect();
        let resolver = Arc::new(Resolver::new());
        let is_asked = parts.attribution == Attribution::All
            || parts
                .listeners
                .iter()
                .any(|listener| matches!(listener, Listener::Unix(..)));
        // Without a thread the processes stay unknown, which is no reason not to start.
        let processes = is_asked.then(Processes::start).and_then(Result::ok);
        let shared = Shared {
            active: ArcSwap::from_pointee(Active::new(parts.policy, parts.parent_login)),
            journal: parts.journal,
            dialler: Arc::new(Dialler::new(
                Arc::clone(&resolver),
                Arc::clone(&parts.verifier),
                own.clone(),
                parts.timeouts.connect,
                parts.limits.head,
            )),
            resolver,
            preflights: Preflights::new(Arc::clone(&parts.verifier)),
            originator: Originator::new(Arc::clone(&parts.verifier)),
            verifier: parts.verifier,
            timeouts: parts.timeouts,
            limits: parts.limits,
            clients: parts.clients,
            attribution: parts.attribution,
            processes,
            interceptor: parts.interception.map(Interceptor::new),
            own,
        };
        let (stop, drain) = drain();
        Proxy {
            shared: Arc::new(shared),
            listeners: parts.listeners,
            stop,
            drain,
        }
    }

    /// A handle for later.
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.shared))
    }

    /// Where it listens, as clients would name it.
    pub fn listeners(&self) -> impl Iterator<Item = String> {
        self.listeners.iter().map(ToString::to_string)
    }

    /// Runs until `until` ends, then stops in order, or at once when `hurry` ends. Returns how
    /// many connections had to be closed.
    ///
    /// # Errors
    /// [`Unavailable`] when the record cannot be begun.
    pub async fn run(
        self,
        until: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> Result<usize, Unavailable> {
        let Proxy {
            shared,
            listeners,
            stop,
            drain,
        } = self;
        let detail = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "listen": listeners.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "policy": &*shared.active.load().hash,
        });
        shared
            .journal
            .decide(event(EventKind::Start, detail))
            .await?;
        let admission = Arc::new(Admission::new(shared.limits));
        let pulse = tokio::spawn(clock::pulse());
        let sweep = tokio::spawn(sweep(Arc::downgrade(&shared)));
        for listener in listeners {
            let admission = Arc::clone(&admission);
            tokio::spawn(accept(
                Arc::clone(&shared),
                listener,
                admission,
                drain.clone(),
            ));
        }
        drop(drain);
        until.await;
        let limit: Duration = shared.timeouts.drain;
        let closed = stop.run(limit, hurry).await;
        pulse.abort();
        sweep.abort();
        let end = event(EventKind::Stop, json!({ "closed": closed }));
        shared.journal.complete_last(end).await;
        Ok(closed)
    }
}

impl Control {
    /// Puts other rules in force, for requests from now on, and another login at the parent proxy.
    pub async fn replace_policy(&self, policy: Policy, parent_login: Option<Login>) {
        let active = Active::new(policy, parent_login);
        let detail = json!({ "policy": &*active.hash });
        self.0.active.store(Arc::new(active));
        let _ = self
            .0
            .journal
            .complete(event(EventKind::Policy, detail))
            .await;
    }

    /// Whether rules of that hash are in force, and that login.
    pub fn has_policy(&self, hash: &str, parent_login: Option<&Login>) -> bool {
        let active = self.0.active.load();
        &*active.hash == hash && active.parent.as_ref().and_then(Parent::login) == parent_login
    }

    /// Whether the proxy was started with what ends TLS.
    pub fn can_intercept(&self) -> bool {
        self.0.interceptor.is_some()
    }

    /// Notes that other rules were offered and refused.
    pub async fn policy_refused(&self, errors: &[String]) {
        let detail = json!({ "refused": errors, "policy": &*self.0.active.load().hash });
        let _ = self
            .0
            .journal
            .complete(event(EventKind::Policy, detail))
            .await;
    }
}

fn event(kind: EventKind, detail: serde_json::Value) -> Body {
    Body::event(&Event {
        time: clock::timestamp(),
        kind,
        detail,
    })
}

/// Lets go of upstream connections that have waited too long.
async fn sweep(shared: Weak<Shared>) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        match shared.upgrade() {
            Some(shared) => shared.interceptor.iter().for_each(Interceptor::sweep),
            None => return,
        }
    }
}

/// Accepts until a stop begins.
async fn accept(
    shared: Arc<Shared>,
    listener: Listener,
    admission: Arc<Admission>,
    mut drain: Drain,
) {
    if let Listener::Tcp(socket) = &listener {
        prepare(socket);
    }
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.draining() => return,
        };
        let (stream, peer) = match accepted {
            Accepted::Tcp(stream, peer) => {
                if !cfg!(target_os = "linux") {
                    prepare(&stream);
                }
                (ClientStream::Tcp(stream), Some(peer))
            }
            Accepted::Unix(stream) => (ClientStream::Unix(stream), None),
        };
        let Some(ticket) = admission.admit(peer.map(|peer| peer.ip())) else {
            turned_away::over_limit(&shared, stream, peer).await;
            continue;
        };
        let course = front::serve_connection(Arc::clone(&shared), stream, peer, drain.clone());
        tokio::spawn(async move {
            course.await;
            drop(ticket);
        });
    }
}
