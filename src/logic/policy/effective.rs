//! The settings in force for one destination.

use std::net::IpAddr;

use crate::logic::aws::Class;
use crate::logic::aws::Endpoint;
use crate::logic::policy::Policy;
use crate::logic::policy::pattern::HostPattern;
use crate::logic::policy::spec::Access;
use crate::logic::policy::spec::DestinationRule;
use crate::logic::policy::spec::InterceptHosts;
use crate::logic::policy::spec::Preflight;
use crate::logic::policy::spec::ProfileName;
use crate::model::Authority;
use crate::model::Mode;
use crate::model::RuleActions;

/// How the client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Connect,
    /// Plaintext HTTP in absolute form.
    Forward,
    /// HTTP inside TLS that is ended here, after a CONNECT that was judged by itself.
    Intercepted,
}

/// What a request is for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub authority: &'a Authority,
    pub class: &'a Class,
    pub way: Way,
}

impl Target<'_> {
    /// Whether the request itself goes without TLS: forwarded HTTP, and CONNECT to port 80,
    /// which clients use for `http://` URLs.
    pub(super) fn is_plain(&self) -> bool {
        match self.way {
            Way::Forward => true,
            Way::Connect => self.authority.port == 80,
            Way::Intercepted => false,
        }
    }

    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        match self.class {
            Class::Aws(endpoint) => Some(endpoint),
            Class::Other => None,
        }
    }
}

/// The settings in force for one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    pub mode: Mode,
    pub actions: RuleActions,
    pub profile: ProfileName,
    pub preflight: bool,
    pub intercept: bool,
    pub access: Access,
    /// The place in `destinations.rule` of the rule that set `access`; `None`: the default.
    pub access_rule: Option<usize>,
    /// The rule that allows it lists this port, so `connect_ports` is not asked.
    pub(super) port_allowed: bool,
}

impl Policy {
    /// The settings in force for `target`: of each, the first matching rule's that sets it, or
    /// else the general one.
    pub fn effective(&self, target: &Target<'_>) -> Effective {
        self.settle(target, None)
    }

    /// As [`Policy::effective`], where rules on addresses and networks also match `addr`, which
    /// the target's name resolves to.
    pub(super) fn settle(&self, target: &Target<'_>, addr: Option<IpAddr>) -> Effective {
        let mut mode = None;
        let mut profile = None;
        let mut preflight = None;
        let mut intercept = None;
        let mut access = None;
        let mut actions = self.rules;
        let rules = &self.destinations.rules;
        let hits = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.matches(target, addr));
        let hits: Vec<(usize, &DestinationRule)> = hits.collect();
        for &(place, rule) in &hits {
            mode = mode.or(rule.mode);
            profile = profile.or(rule.profile);
            preflight = preflight.or(rule.preflight);
            intercept = intercept.or(rule.intercept);
            access = access.or(rule.action.map(|action| (action, place)));
        }
        // Backwards, so that the first rule has the last word.
        for (_, rule) in hits.iter().rev() {
            for &(id, action) in &rule.rules {
                actions.set(id, action);
            }
        }
        let is_aws = target.endpoint().is_some();
        let allows_port = |(action, place): (Access, usize)| {
            action == Access::Allow && rules.get(place).is_some_and(|rule| !rule.ports.is_empty())
        };
        Effective {
            mode: mode.unwrap_or(self.mode),
            actions,
            profile: profile.unwrap_or(self.tls.profile),
            preflight: match preflight.unwrap_or(self.tls.preflight) {
                Preflight::Off => false,
                Preflight::Aws => is_aws,
                Preflight::All => true,
            },
            intercept: intercept.unwrap_or_else(|| self.intercepts(target)),
            access: access.map_or(self.destinations.default, |(action, _)| action),
            access_rule: access.map(|(_, place)| place),
            port_allowed: access.is_some_and(allows_port),
        }
    }

    /// Whether the TLS of any host is ended by its name.
    pub fn intercepts_names(&self) -> bool {
        self.intercept.hosts != InterceptHosts::None
            || self
                .destinations
                .rules
                .iter()
                .any(|rule| rule.intercept == Some(true))
    }

    fn intercepts(&self, target: &Target<'_>) -> bool {
        let host = &target.authority.host;
        let listed = match &self.intercept.hosts {
            InterceptHosts::None => false,
            InterceptHosts::Aws => target.endpoint().is_some(),
            InterceptHosts::All => true,
            InterceptHosts::Listed(hosts) => hosts.iter().any(|pattern| pattern.matches(host)),
        };
        listed
            && !self
                .intercept
                .except
                .iter()
                .any(|pattern| pattern.matches(host))
    }
}

impl DestinationRule {
    /// Whether every condition is met. An operation is never known from a name, and a bucket only
    /// where the name has it.
    fn matches(&self, target: &Target<'_>, addr: Option<IpAddr>) -> bool {
        let Authority { host, port } = target.authority;
        let is_host = |pattern: &HostPattern| {
            pattern.matches(host) || addr.is_some_and(|addr| pattern.matches_addr(addr))
        };
        let endpoint = target.endpoint();
        let service = endpoint.and_then(|endpoint| text(&endpoint.service));
        let region = endpoint.and_then(|endpoint| text(&endpoint.region));
        let bucket = endpoint.and_then(|endpoint| text(&endpoint.bucket));
        self.operations.is_empty()
            && (self.hosts.is_empty() || self.hosts.iter().any(is_host))
            && (self.ports.is_empty() || self.ports.contains(port))
            && is_listed(&self.services, service)
            && is_listed(&self.regions, region)
            && is_listed(&self.buckets, bucket)
    }
}

/// An optional text as a plain one, whoever owns it.
pub(super) fn text<T: AsRef<str>>(value: &Option<T>) -> Option<&str> {
    value.as_ref().map(AsRef::as_ref)
}

/// Whether the condition is absent, or met by a value that is known.
fn is_listed(list: &[String], value: Option<&str>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.iter().any(|entry| entry == value))
}
