//! Sessions with upstreams that may go on, each no longer than the certificates that began it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use crate::edge::clock;

/// How many servers are remembered.
const SERVERS: usize = 512;
/// How many tickets of one server: each is used once.
const TICKETS: usize = 4;

/// What is remembered of servers under one configuration.
///
/// A resumed handshake shows no certificate. What a full one found holds for as long as the chain
/// that it showed: name, keys and roots do not change within one store, only time passes. So a
/// session is offered until the first certificate of its chain expires, and is forgotten then.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<ServerName<'static>, Known>>);

#[derive(Default)]
struct Known {
    group: Option<NamedGroup>,
    /// When the first certificate expires of those that were verified; none: none was.
    until: Option<u64>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl Known {
    /// Drops the sessions if their certificates are not valid any more.
    fn expire(&mut self, now: u64) {
        if self.until.is_some_and(|until| now >= until) {
            self.until = None;
            self.tls12 = None;
            self.tls13.clear();
        }
    }
}

impl Sessions {
    /// A chain of `name` was verified, of which the first certificate expires at `until`.
    pub(super) fn verified(&self, name: &ServerName<'_>, until: u64) {
        self.edit(name.to_owned(), |known, now| {
            known.expire(now);
            // Of several chains under one name, the shortest lived counts for all sessions.
            known.until = Some(known.until.map_or(until, |before| before.min(until)));
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServerName<'static>, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn edit(&self, name: ServerName<'static>, edit: impl FnOnce(&mut Known, u64)) {
        let mut servers = self.lock();
        if servers.len() >= SERVERS && !servers.contains_key(&name) {
            // Whichever: a forgotten session costs a full handshake, no more.
            let some = servers.keys().next().cloned();
            some.and_then(|some| servers.remove(&some));
        }
        edit(servers.entry(name).or_default(), clock::unix_seconds());
    }

    fn look<T>(
        &self,
        name: &ServerName<'_>,
        look: impl FnOnce(&mut Known) -> Option<T>,
    ) -> Option<T> {
        let mut servers = self.lock();
        let known = servers.get_mut(&name.to_owned())?;
        known.expire(clock::unix_seconds());
        look(known)
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.edit(name, |known, _| known.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.look(name, |known| known.group)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.edit(name, |known, _| {
            if known.until.is_some() {
                known.tls12 = Some(value);
            }
        });
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.look(name, |known| known.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.look(name, |known| known.tls12.take());
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.edit(name, |known, _| {
            if known.until.is_none() {
                return;
            }
            if known.tls13.len() >= TICKETS {
                known.tls13.pop_front();
            }
            known.tls13.push_back(value);
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.look(name, |known| known.tls13.pop_back())
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
