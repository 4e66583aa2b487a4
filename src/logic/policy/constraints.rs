//! What an authority may sign for: name constraints (RFC 5280, section 4.2.1.10), drawn from what
//! the settings intercept, and compared with it.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use ipnet::IpNet;
use ipnet::Ipv4Net;
use ipnet::Ipv6Net;

use crate::logic::aws;
use crate::logic::policy::pattern::HostPattern;
use crate::logic::policy::spec::InterceptHosts;
use crate::logic::policy::spec::PolicySpec;
use crate::model::Host;

/// Stands for "no name at all": nobody can have it (RFC 6761), and an empty list would allow all.
const NOBODY: &str = "none.invalid";
/// And for "no address of this family": never a server's.
const NOBODYS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::BROADCAST),
    IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
];

/// What certificates under an authority may name. The default allows everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Names, each with all below it; one that begins with a dot is only what is below. `None`:
    /// every name.
    pub permitted_names: Option<Vec<String>>,
    pub excluded_names: Vec<String>,
    /// `None`: every address.
    pub permitted_networks: Option<Vec<IpNet>>,
    pub excluded_networks: Vec<IpNet>,
}

/// A part of what the settings intercept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intercepted {
    /// Every host: no constraints can be drawn from it.
    Everything,
    /// Every AWS endpoint, of all partitions.
    Aws,
    Listed(HostPattern),
}

impl Constraints {
    /// The closest constraints within which all that `spec` intercepts can be signed for; `None`
    /// where that is no closed list.
    ///
    /// They are a little wider than the list where certificates cannot say it: a name stands for
    /// all below it, and what is below for the name itself.
    pub fn of(spec: &PolicySpec) -> Option<Constraints> {
        let parts = Intercepted::by(spec);
        if parts.is_empty() {
            return None;
        }
        let mut names = Vec::new();
        let mut networks = Vec::new();
        for part in parts {
            match part {
                Intercepted::Everything | Intercepted::Listed(HostPattern::Any) => return None,
                Intercepted::Aws => names.extend(aws::suffixes().map(str::to_owned)),
                Intercepted::Listed(HostPattern::Under(name)) => {
                    names.push(name.as_str().to_owned());
                }
                Intercepted::Listed(HostPattern::Network(network)) => networks.push(network),
                Intercepted::Listed(HostPattern::Exactly(host)) => match host.ip() {
                    Some(addr) => networks.push(addr.into()),
                    None => names.push(host.to_string()),
                },
            }
        }
        if names.is_empty() {
            names.push(NOBODY.to_owned());
        }
        let mut excluded = Vec::new();
        if networks.is_empty() {
            excluded = vec![Ipv4Net::default().into(), Ipv6Net::default().into()];
        } else {
            // Verifiers differ in whether one family's networks say anything of the other family,
            // so something is said of both. It cannot be an exclusion: Java compares addresses of
            // one family with networks of the other, and ::/0 makes it refuse every IPv4 address.
            for nobody in NOBODYS {
                let is_same = |network: &IpNet| network.addr().is_ipv4() == nobody.is_ipv4();
                if !networks.iter().any(is_same) {
                    networks.push(nobody.into());
                }
            }
        }
        Some(Constraints {
            permitted_names: Some(outermost(names, |name, of| is_within(name, of))),
            excluded_names: Vec::new(),
            permitted_networks: (!networks.is_empty())
                .then(|| outermost(networks, |network, of| of.contains(network))),
            excluded_networks: excluded,
        })
    }

    /// Whether a certificate for `host` would be accepted.
    pub fn permits(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => {
                let listed = |of: &String| is_within(name.as_str(), of);
                self.permitted_names
                    .as_ref()
                    .is_none_or(|names| names.iter().any(listed))
                    && !self.excluded_names.iter().any(listed)
            }
            Host::V4(_) | Host::V6(_) => host.ip().is_some_and(|addr| self.permits_addr(addr)),
        }
    }

    fn permits_addr(&self, addr: IpAddr) -> bool {
        let listed = |network: &IpNet| network.contains(&addr);
        self.permitted_networks
            .as_ref()
            .is_none_or(|networks| networks.iter().any(listed))
            && !self.excluded_networks.iter().any(listed)
    }

    /// The parts of what `spec` intercepts that go beyond these constraints: clients would refuse
    /// the certificates.
    pub fn outgrown(&self, spec: &PolicySpec) -> Vec<Intercepted> {
        let mut parts = Intercepted::by(spec);
        parts.retain(|part| !self.cover(part));
        parts
    }

    /// Whether nothing is constrained.
    pub fn is_unlimited(&self) -> bool {
        *self == Constraints::default()
    }

    /// The permitted names and networks, without those that only stand for "none".
    pub fn listed(&self) -> Vec<String> {
        let names = self.permitted_names.iter().flatten();
        let names = names.filter(|name| *name != NOBODY).cloned();
        let networks = self.permitted_networks.iter().flatten();
        let networks = networks.filter(|network| !NOBODYS.contains(&network.addr()));
        names.chain(networks.map(ToString::to_string)).collect()
    }

    fn cover(&self, part: &Intercepted) -> bool {
        match part {
            Intercepted::Everything | Intercepted::Listed(HostPattern::Any) => self.is_unlimited(),
            Intercepted::Aws => aws::suffixes().all(|suffix| self.cover_below(suffix)),
            Intercepted::Listed(HostPattern::Under(name)) => self.cover_below(name.as_str()),
            Intercepted::Listed(HostPattern::Exactly(host)) => self.permits(host),
            Intercepted::Listed(HostPattern::Network(network)) => self.cover_network(network),
        }
    }

    /// Whether all below `apex` is permitted.
    fn cover_below(&self, apex: &str) -> bool {
        let holds = |of: &String| {
            let of = of.strip_prefix('.').unwrap_or(of);
            is_within(apex, of)
        };
        let touches = |of: &String| holds(of) || is_within(of.trim_start_matches('.'), apex);
        self.permitted_names
            .as_ref()
            .is_none_or(|names| names.iter().any(holds))
            && !self.excluded_names.iter().any(touches)
    }

    fn cover_network(&self, network: &IpNet) -> bool {
        let touches = |of: &IpNet| of.contains(network) || network.contains(of);
        self.permitted_networks
            .as_ref()
            .is_none_or(|networks| networks.iter().any(|of| of.contains(network)))
            && !self.excluded_networks.iter().any(touches)
    }
}

impl Intercepted {
    /// All that `spec` intercepts, `except` and rules against it not counted: they only take away.
    pub fn by(spec: &PolicySpec) -> Vec<Intercepted> {
        let mut parts = match &spec.intercept.hosts {
            InterceptHosts::None => Vec::new(),
            InterceptHosts::Aws => vec![Intercepted::Aws],
            InterceptHosts::All => vec![Intercepted::Everything],
            InterceptHosts::Listed(hosts) => hosts.iter().map(Intercepted::listed).collect(),
        };
        let wanting = spec.destinations.rules.iter();
        for rule in wanting.filter(|rule| rule.intercept == Some(true)) {
            let any_host = rule.hosts.is_empty() || rule.hosts.contains(&HostPattern::Any);
            let only_aws = !rule.services.is_empty()
                || !rule.regions.is_empty()
                || !rule.buckets.is_empty()
                || !rule.operations.is_empty();
            match (any_host, only_aws) {
                (true, true) => parts.push(Intercepted::Aws),
                (true, false) => parts.push(Intercepted::Everything),
                (false, _) => parts.extend(rule.hosts.iter().map(Intercepted::listed)),
            }
        }
        parts.dedup();
        parts
    }

    fn listed(pattern: &HostPattern) -> Intercepted {
        match pattern {
            HostPattern::Any => Intercepted::Everything,
            HostPattern::Under(_) | HostPattern::Exactly(_) | HostPattern::Network(_) => {
                Intercepted::Listed(pattern.clone())
            }
        }
    }
}

impl fmt::Display for Intercepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Intercepted::Everything => f.write_str("every host"),
            Intercepted::Aws => f.write_str("all AWS endpoints"),
            Intercepted::Listed(pattern) => pattern.fmt(f),
        }
    }
}

/// Whether a dNSName constraint `of` holds `name`.
fn is_within(name: &str, of: &str) -> bool {
    if of.is_empty() || name == of {
        return true;
    }
    name.strip_suffix(of)
        .is_some_and(|head| !head.is_empty() && (head.ends_with('.') || of.starts_with('.')))
}

/// Without what another one holds, in order.
fn outermost<T: Clone + Ord>(mut all: Vec<T>, is_within: impl Fn(&T, &T) -> bool) -> Vec<T> {
    all.sort();
    all.dedup();
    let needless = |one: &T| {
        all.iter()
            .any(|other| other != one && is_within(one, other))
    };
    all.iter().filter(|one| !needless(one)).cloned().collect()
}

#[cfg(test)]
mod tests;
