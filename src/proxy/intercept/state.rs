//! What intercepted connections share: leaves, sessions, idle upstreams, hosts let through.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::edge::ca::Leaves;
use crate::edge::pool::{Pool, PoolLimits};
use crate::edge::tls::ClientLeg;
use crate::logic::policy::{Access, Policy, ProfileName};
use crate::model::{Authority, Host};

use super::super::upstream::{Idle, Offers};
use super::h2::Session;

/// For how long a host goes in tunnels after an obstacle.
const LET_THROUGH: Duration = Duration::from_secs(3600);
/// How many such hosts are remembered.
const HOSTS: usize = 4096;
/// Of idle upstream connections.
const LIMITS: PoolLimits = PoolLimits {
    per_key: 32,
    keys: 256,
    age: Duration::from_secs(30),
};

/// What a proxy needs to end TLS.
#[derive(Debug)]
pub struct Interception {
    pub leaves: Leaves,
    pub on_obstacle: OnObstacle,
}

/// What follows where interception cannot work: the client does not accept our certificate, the
/// server asks for one of the client's, or what is spoken is no HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnObstacle {
    /// The host stays out of reach until the settings except it.
    Block,
    /// A host that `intercept.hosts` lists by name goes in tunnels for an hour.
    TunnelListed,
    /// Every host does, unless `destinations.default` is `deny`.
    Tunnel,
}

/// The shared state.
#[derive(Debug)]
pub(in crate::proxy) struct Interceptor {
    pub(super) leaves: Leaves,
    pub(super) legs: ClientLeg,
    pub(super) pool: Pool<PoolKey, Idle>,
    /// Connections that speak HTTP/2.
    pub(super) sessions: Pool<PoolKey, Session>,
    on_obstacle: OnObstacle,
    let_through: Mutex<HashMap<Host, Instant>>,
}

/// What an idle upstream connection may be used for. Its address is looked at as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    pub(super) authority: Authority,
    pub(super) profile: ProfileName,
    pub(super) policy: Arc<str>,
    /// What was offered to the server; another offer could have been answered otherwise.
    pub(super) offers: Offers,
}

impl Interceptor {
    pub(in crate::proxy) fn new(interception: Interception) -> Interceptor {
        Interceptor {
            leaves: interception.leaves,
            legs: ClientLeg::new(),
            pool: Pool::new(LIMITS),
            sessions: Pool::new(LIMITS),
            on_obstacle: interception.on_obstacle,
            let_through: Mutex::default(),
        }
    }

    /// Whether `host` goes in a tunnel for now.
    pub(in crate::proxy) fn lets_through(&self, host: &Host) -> bool {
        let mut hosts = self
            .let_through
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match hosts.get(host) {
            Some(until) if *until > Instant::now() => true,
            Some(_) => {
                hosts.remove(host);
                false
            }
            None => false,
        }
    }

    /// An obstacle showed at `host`: lets it through for a while where that is allowed.
    pub(super) fn let_through(&self, policy: &Policy, host: &Host) -> Option<Duration> {
        let allowed = match self.on_obstacle {
            OnObstacle::Block => false,
            OnObstacle::TunnelListed => policy.intercept.lists_by_name(host),
            OnObstacle::Tunnel => policy.destinations.default == Access::Allow,
        };
        if !allowed {
            return None;
        }
        let now = Instant::now();
        let mut hosts = self
            .let_through
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS {
            hosts.retain(|_, until| *until > now);
        }
        if hosts.len() >= HOSTS {
            return None;
        }
        hosts.insert(host.clone(), now + LET_THROUGH);
        Some(LET_THROUGH)
    }

    /// Drops connections that have waited too long.
    pub(in crate::proxy) fn sweep(&self) {
        self.pool.sweep();
        self.sessions.sweep();
    }
}
