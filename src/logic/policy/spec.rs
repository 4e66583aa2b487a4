//! What a policy is made of. Values only; `config` builds them, the siblings judge by them.

use ipnet::IpNet;

use crate::logic::policy::connect_to::ConnectTo;
use crate::logic::policy::passage::ParentRoute;
use crate::logic::policy::pattern::HostPattern;
use crate::model::Action;
use crate::model::Host;
use crate::model::Mode;
use crate::model::Rule;
use crate::model::RuleActions;

/// All rules and the settings that bear on a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySpec {
    pub mode: Mode,
    /// Every listener is loopback or a Unix socket: a client could dial by itself.
    pub local: bool,
    pub rules: RuleActions,
    pub destinations: Destinations,
    pub aws: AwsPerimeter,
    pub intercept: Intercept,
    pub connect_to: ConnectTo,
    /// Networks that `private-address` lets be. Never opens a metadata address.
    pub allow_private: Vec<IpNet>,
    pub tls: TlsPolicy,
    /// The proxy that this one goes through.
    pub parent: Option<ParentRoute>,
}

/// The rules of a proxy that only listens on loopback and has no settings.
impl Default for PolicySpec {
    fn default() -> PolicySpec {
        PolicySpec {
            mode: Mode::Enforce,
            local: true,
            rules: default_actions(true),
            destinations: Destinations::default(),
            aws: AwsPerimeter::default(),
            intercept: Intercept::default(),
            connect_to: ConnectTo::default(),
            allow_private: Vec::new(),
            tls: TlsPolicy::default(),
            parent: None,
        }
    }
}

/// What each rule does where no setting says otherwise. A local client could reach private
/// addresses and any port by itself, so there these only report.
pub fn default_actions(local: bool) -> RuleActions {
    let mut actions = RuleActions::all(Action::Block);
    for rule in [
        Rule::AwsSignature,
        Rule::AwsGuardrail,
        Rule::PresignedUrl,
        Rule::SensitiveData,
        Rule::Plaintext,
    ] {
        actions.set(rule, Action::Report);
    }
    if local {
        actions.set(Rule::PrivateAddress, Action::Report);
        actions.set(Rule::Port, Action::Report);
    }
    actions
}

/// `[destinations]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destinations {
    /// For a destination of which no rule says anything.
    pub default: Access,
    /// The ports that CONNECT may name.
    pub connect_ports: Vec<u16>,
    pub rules: Vec<DestinationRule>,
}

impl Default for Destinations {
    fn default() -> Destinations {
        Destinations {
            default: Access::Allow,
            connect_ports: vec![443, 8443],
            rules: Vec::new(),
        }
    }
}

/// Whether a destination may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Allow,
    Deny,
}

impl Access {
    /// The settings' word.
    pub const fn id(self) -> &'static str {
        match self {
            Access::Allow => "allow",
            Access::Deny => "deny",
        }
    }
}

/// One `[[destinations.rule]]`: conditions, each met by any of its entries or by being empty,
/// and the settings that then hold. What it leaves `None` falls through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationRule {
    pub hosts: Vec<HostPattern>,
    pub ports: Vec<u16>,
    pub services: Vec<String>,
    pub regions: Vec<String>,
    pub operations: Vec<String>,
    pub buckets: Vec<String>,
    pub action: Option<Access>,
    pub reason: Option<String>,
    pub mode: Option<Mode>,
    pub intercept: Option<bool>,
    pub profile: Option<ProfileName>,
    pub preflight: Option<Preflight>,
    pub rules: Vec<(Rule, Action)>,
}

impl DestinationRule {
    /// Whether a condition needs the request itself, which a tunnel does not show.
    pub fn needs_request(&self) -> bool {
        !self.operations.is_empty() || !self.buckets.is_empty()
    }
}

/// `[aws]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsPerimeter {
    /// Twelve digits each.
    pub accounts: Vec<String>,
    pub unknown_accounts: Action,
    pub regions: Vec<String>,
    pub require_fips: bool,
    pub require_temporary_credentials: bool,
    pub require_kms: bool,
}

impl Default for AwsPerimeter {
    fn default() -> AwsPerimeter {
        AwsPerimeter {
            accounts: Vec::new(),
            unknown_accounts: Action::Block,
            regions: Vec::new(),
            require_fips: false,
            require_temporary_credentials: false,
            require_kms: false,
        }
    }
}

/// Which hosts are intercepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intercept {
    pub hosts: InterceptHosts,
    pub except: Vec<HostPattern>,
}

impl Intercept {
    /// Whether the list has this very host: only there may a client that refuses our certificate
    /// be given a tunnel (`intercept.on_client_rejects`).
    pub fn lists_by_name(&self, host: &Host) -> bool {
        match &self.hosts {
            InterceptHosts::Listed(hosts) => hosts
                .iter()
                .any(|pattern| pattern.is_one_host() && pattern.matches(host)),
            InterceptHosts::None | InterceptHosts::Aws | InterceptHosts::All => false,
        }
    }

    /// Whether the hosts are a list without wildcards and networks.
    pub fn lists_only_names(&self) -> bool {
        match &self.hosts {
            InterceptHosts::Listed(hosts) => hosts.iter().all(HostPattern::is_one_host),
            InterceptHosts::None | InterceptHosts::Aws | InterceptHosts::All => false,
        }
    }
}

/// `intercept.hosts`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum InterceptHosts {
    #[default]
    None,
    Aws,
    All,
    Listed(Vec<HostPattern>),
}

/// The part of `[tls]` that verdicts depend on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TlsPolicy {
    pub profile: ProfileName,
    pub preflight: Preflight,
}

/// What counts as strong enough, by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ProfileName {
    #[default]
    Baseline,
    Strict,
    Tls13,
    Fips,
    PostQuantum,
}

impl ProfileName {
    pub const ALL: [ProfileName; 5] = [
        ProfileName::Baseline,
        ProfileName::Strict,
        ProfileName::Tls13,
        ProfileName::Fips,
        ProfileName::PostQuantum,
    ];

    /// The settings' word.
    pub const fn id(self) -> &'static str {
        match self {
            ProfileName::Baseline => "baseline",
            ProfileName::Strict => "strict",
            ProfileName::Tls13 => "tls13",
            ProfileName::Fips => "fips",
            ProfileName::PostQuantum => "post-quantum",
        }
    }

    /// The profile of that name.
    pub fn from_id(id: &str) -> Option<ProfileName> {
        ProfileName::ALL.into_iter().find(|name| name.id() == id)
    }
}

/// `tls.preflight`: whose certificates a handshake of our own looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Preflight {
    Off,
    #[default]
    Aws,
    All,
}

impl Preflight {
    /// The settings' word.
    pub const fn id(self) -> &'static str {
        match self {
            Preflight::Off => "off",
            Preflight::Aws => "aws",
            Preflight::All => "all",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_entry_of_its_own_lists_a_host_by_name() {
        let intercept = |hosts: InterceptHosts| Intercept {
            hosts,
            except: Vec::new(),
        };
        let listed = |texts: &[&str]| {
            let patterns = texts.iter().map(|text| HostPattern::parse(text).unwrap());
            intercept(InterceptHosts::Listed(patterns.collect()))
        };
        let host = Host::parse("a.example").unwrap();
        assert!(listed(&["*.b.example", "A.example"]).lists_by_name(&host));
        for other in [
            listed(&["*"]),
            listed(&["*.example"]),
            listed(&["b.example"]),
            intercept(InterceptHosts::All),
        ] {
            assert!(!other.lists_by_name(&host), "{other:?}");
        }
    }
}
