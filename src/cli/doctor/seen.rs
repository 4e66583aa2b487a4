//! What the proxy saw of each tool.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::edge::journal::Observer;
use crate::logic::record::{Event, Line, Stage};

/// What there was of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// CONNECTs that were decided on.
    pub(super) connects: u64,
    /// Requests inside TLS that was ended here.
    pub(super) requests: u64,
    /// What the last request called its client.
    pub(super) agent: Option<String>,
    /// The last thing that went wrong.
    pub(super) error: Option<String>,
}

/// Looks at the record's lines.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<String, Traffic>>);

impl Seen {
    /// What there was of `host` and of hosts under it.
    pub(super) fn of(&self, host: &str) -> Traffic {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = Traffic::default();
        for (_, traffic) in hosts.iter().filter(|(name, _)| is_of(name, host)) {
            sum.connects += traffic.connects;
            sum.requests += traffic.requests;
            sum.agent = traffic.agent.clone().or(sum.agent);
            sum.error = traffic.error.clone().or(sum.error);
        }
        sum
    }
}

impl Observer for Seen {
    fn see(&self, line: &Line) {
        let Some(host) = &line.request.host else {
            return;
        };
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let traffic = hosts.entry(host.clone()).or_default();
        match line.stage {
            Stage::Decision if line.request.method.as_deref() == Some("CONNECT") => {
                traffic.connects += 1;
            }
            Stage::Decision => {
                traffic.requests += 1;
                traffic.agent.clone_from(&line.request.user_agent);
            }
            Stage::Progress | Stage::Complete => {}
        }
        if line.error.is_some() {
            traffic.error.clone_from(&line.error);
        }
    }

    fn hear(&self, _: &Event) {}
}

/// Whether `name` is `host`, or a bucket of it.
pub(super) fn is_of(name: &str, host: &str) -> bool {
    name.strip_suffix(host)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
