//! Policy: typed rules, facts in, decision out.
//!
//! Order of use: [`Policy::effective`] for the target, [`Policy::judge_name`], then (unless
//! [`Policy::refuses`]) the caller resolves, and [`Policy::permit`] judges every address and
//! gives the decision together with the [`Permit`] that dialling takes. Where [`Policy::passage`]
//! leads through a parent proxy, [`Policy::permit_by_name`] does that without addresses. No name is looked up,
//! nothing is read and nothing is sent here.

mod addresses;
mod canonical;
mod connect_to;
mod constraints;
mod effective;
mod heads;
mod names;
mod no_proxy;
mod passage;
mod pattern;
mod permit;
mod space;
mod spec;

use crate::model::Authority;

pub use connect_to::ConnectTo;
pub use connect_to::Redirect;
pub use connect_to::RedirectError;
pub use constraints::Constraints;
pub use constraints::Intercepted;
pub use effective::Effective;
pub use effective::Target;
pub use effective::Way;
pub use no_proxy::NoProxy;
pub use no_proxy::NoProxyEntry;
pub use no_proxy::NoProxyError;
pub use passage::ParentRoute;
pub use passage::Passage;
pub use pattern::HostPattern;
pub use pattern::PatternError;
pub use permit::ByName;
pub use permit::ParentIsSelf;
pub use permit::Permit;
pub use space::Space;
pub use spec::Access;
pub use spec::AwsPerimeter;
pub use spec::DestinationRule;
pub use spec::Destinations;
pub use spec::Intercept;
pub use spec::InterceptHosts;
pub use spec::PolicySpec;
pub use spec::Preflight;
pub use spec::ProfileName;
pub use spec::TlsPolicy;
pub use spec::default_actions;

/// The rules in force. Immutable, so that its hash is always the hash of what is in force.
#[derive(Debug, Clone)]
pub struct Policy {
    spec: PolicySpec,
    hash: Box<str>,
}

impl Policy {
    /// Takes the rules into force.
    pub fn new(spec: PolicySpec) -> Policy {
        let hash = canonical::hash(&spec).into();
        Policy { spec, hash }
    }

    /// SHA-256 (hex) over the canonical text of the rules; records carry it.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The text that [`Policy::hash`] is of: one `key = value` a line.
    pub fn canonical_text(&self) -> String {
        canonical::text(&self.spec)
    }

    /// The redirection that applies to `authority`, if any.
    pub fn connect_to(&self, authority: &Authority) -> Option<&Redirect> {
        self.spec.connect_to.find(authority)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::new(PolicySpec::default())
    }
}

/// Reads as the rules it holds: `policy.mode`.
impl std::ops::Deref for Policy {
    type Target = PolicySpec;

    fn deref(&self) -> &PolicySpec {
        &self.spec
    }
}
