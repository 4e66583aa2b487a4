//! Names to addresses by the system's resolver, so that hosts files, split DNS and search
//! domains work as for every other program.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::DnsName;

/// How long an answer is held at most; getaddrinfo does not tell the TTL.
const HOLD: Duration = Duration::from_secs(5);
/// How many names are held.
const NAMES: usize = 4096;
/// How many addresses of one name are tried.
const ADDRESSES: usize = 16;

/// What a name resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// In the resolver's order (RFC 6724), without doubles; never empty.
    pub addresses: Vec<IpAddr>,
    /// The canonical name, if it is another one (an alias, or a search domain's).
    pub answered: Option<String>,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("{name} does not resolve: {reason}")]
    Failed { name: DnsName, reason: String },
    #[error("{0} has no address")]
    Empty(DnsName),
}

/// The system's resolver with a short memory.
#[derive(Debug, Default)]
pub struct Resolver {
    held: Mutex<HashMap<DnsName, (Instant, Arc<Answer>)>>,
}

impl Resolver {
    /// An empty memory.
    pub fn new() -> Resolver {
        Resolver::default()
    }

    /// Resolves `name`; the answer is at most five seconds old.
    ///
    /// # Errors
    /// [`ResolveError`] with the resolver's own words. Failures are not held.
    pub async fn resolve(&self, name: &DnsName) -> Result<Arc<Answer>, ResolveError> {
        if let Some(answer) = self.held(name) {
            return Ok(answer);
        }
        let asked = name.clone();
        let answer = tokio::task::spawn_blocking(move || lookup(&asked))
            .await
            .map_err(|error| ResolveError::Failed {
                name: name.clone(),
                reason: error.to_string(),
            })??;
        let answer = Arc::new(answer);
        self.hold(name, &answer);
        Ok(answer)
    }

    fn held(&self, name: &DnsName) -> Option<Arc<Answer>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, answer) = held.get(name)?;
        (at.elapsed() < HOLD).then(|| Arc::clone(answer))
    }

    fn hold(&self, name: &DnsName, answer: &Arc<Answer>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= NAMES {
            held.retain(|_, (at, _)| at.elapsed() < HOLD);
            if held.len() >= NAMES {
                held.clear();
            }
        }
        held.insert(name.clone(), (Instant::now(), Arc::clone(answer)));
    }
}

fn lookup(name: &DnsName) -> Result<Answer, ResolveError> {
    /// `AI_CANONNAME`, the same on Linux and macOS (`netdb.h`).
    const AI_CANONNAME: i32 = 2;
    let hints = dns_lookup::AddrInfoHints {
        socktype: dns_lookup::SockType::Stream.into(),
        flags: AI_CANONNAME,
        ..dns_lookup::AddrInfoHints::default()
    };
    let found =
        dns_lookup::getaddrinfo(Some(name.as_str()), None, Some(hints)).map_err(|error| {
            ResolveError::Failed {
                name: name.clone(),
                reason: io::Error::from(error).to_string(),
            }
        })?;
    let mut addresses = Vec::new();
    let mut answered = None;
    for info in found.flatten() {
        let address = info.sockaddr.ip();
        if !addresses.contains(&address) && addresses.len() < ADDRESSES {
            addresses.push(address);
        }
        if let Some(canonical) = info.canonname {
            answered = Some(canonical);
        }
    }
    if addresses.is_empty() {
        return Err(ResolveError::Empty(name.clone()));
    }
    let answered = answered
        .map(|canonical| canonical.trim_end_matches('.').to_ascii_lowercase())
        .filter(|canonical| canonical != name.as_str());
    Ok(Answer {
        addresses,
        answered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Host;

    #[tokio::test]
    async fn the_hosts_file_counts_and_a_failure_is_worded() {
        let resolver = Resolver::new();
        let name = |text: &str| Host::parse(text).unwrap().name().cloned().unwrap();
        let answer = resolver.resolve(&name("localhost")).await.unwrap();
        assert!(
            answer.addresses.iter().all(IpAddr::is_loopback),
            "{answer:?}"
        );
        let error = resolver
            .resolve(&name("nowhere.invalid"))
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("nowhere.invalid does not resolve: "),
            "{error}"
        );
    }
}
