//! How many connections there may be, in all and from one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::state::Limits;

/// Counts connections.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// One admitted connection; its place is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    counts: Arc<Mutex<Counts>>,
    client: Option<IpAddr>,
}

impl Admission {
    /// Nobody is here yet.
    pub(super) fn new(limits: Limits) -> Admission {
        Admission {
            limits,
            counts: Arc::default(),
        }
    }

    /// A place for a connection of `client`, if there is one.
    pub(super) fn admit(&self, client: Option<IpAddr>) -> Option<Ticket> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.limits.connections {
            return None;
        }
        if let Some(client) = client {
            let here = counts.by_client.entry(client).or_default();
            if *here >= self.limits.connections_per_client {
                return None;
            }
            *here += 1;
        }
        counts.all += 1;
        Some(Ticket {
            counts: Arc::clone(&self.counts),
            client,
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        if let Some(client) = self.client
            && let Some(here) = counts.by_client.get_mut(&client)
        {
            *here = here.saturating_sub(1);
            if *here == 0 {
                counts.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let limits = Limits {
            connections: 3,
            connections_per_client: 2,
            head: Default::default(),
            handshake: Default::default(),
        };
        let admission = Admission::new(limits);
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|ip| Some(ip.parse::<IpAddr>().unwrap()));
        let first = admission.admit(one).unwrap();
        let _second = admission.admit(one).unwrap();
        assert!(admission.admit(one).is_none(), "two of one client");
        let _third = admission.admit(two).unwrap();
        assert!(admission.admit(None).is_none(), "three in all");
        drop(first);
        assert!(admission.admit(one).is_some());
    }
}
