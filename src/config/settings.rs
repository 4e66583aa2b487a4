//! The typed settings. Whatever holds one of these need not check it again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::error::ConfigError;
use crate::config::listener::Listener;
use crate::config::net;
use crate::config::unseen;
use crate::logic::policy::InterceptHosts;
use crate::logic::policy::NoProxy;
use crate::logic::policy::ParentRoute;
use crate::logic::policy::Policy;
use crate::logic::policy::PolicySpec;
use crate::model::Action;
use crate::model::Authority;
use crate::model::Rule;
use crate::model::Secret;

/// Everything that is set.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: Listen,
    pub clients: Clients,
    pub intercept: Interception,
    pub tls: TlsSettings,
    pub policy: Policy,
    pub upstream: Upstream,
    pub timeouts: Timeouts,
    pub limits: Limits,
    pub audit: Audit,
    pub(super) unsupported: Vec<ConfigError>,
}

impl Settings {
    /// What is set and right, but not yet built: `serve` refuses it instead of passing it over.
    pub fn unsupported(&self) -> &[ConfigError] {
        &self.unsupported
    }

    /// Has it go through `parent`, but for what `no_proxy` names: as the caller of `exec` does.
    pub fn go_through(&mut self, parent: ParentProxy, no_proxy: NoProxy) {
        self.policy = Policy::new(PolicySpec {
            parent: Some(parent.route(no_proxy)),
            ..PolicySpec::clone(&self.policy)
        });
        self.upstream.proxy = Some(parent);
    }

    /// The rules in force that a tunnel hides, for a line at start; none where everything is
    /// intercepted. What is about AWS alone is seen where AWS is intercepted.
    pub fn blind_rules(&self) -> Vec<Rule> {
        let sees_aws = unseen::sees_aws(&self.policy);
        let sees_all = sees_aws && self.policy.intercept.hosts == InterceptHosts::All;
        [
            (Rule::UrlCredentials, sees_all),
            (Rule::AwsSignature, sees_aws),
            (Rule::AwsGuardrail, sees_aws),
            (Rule::PresignedUrl, sees_all),
            (Rule::SensitiveData, sees_aws),
        ]
        .into_iter()
        .filter(|(rule, is_seen)| !is_seen && self.policy.rules.get(*rule) != Action::Off)
        .map(|(rule, _)| rule)
        .collect()
    }
}

/// `[listen]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    pub proxy: Vec<Listener>,
    pub transparent: Vec<Listener>,
    pub admin: Option<SocketAddr>,
}

/// `[clients]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    pub allow: Vec<IpNet>,
    pub basic_auth_file: Option<PathBuf>,
    pub tls_client_ca: Option<PathBuf>,
}

/// The part of `[intercept]` that no verdict depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interception {
    pub on_client_rejects: OnClientRejects,
    /// `None`: the user's data directory.
    pub ca_dir: Option<PathBuf>,
}

/// What follows when a client refuses our certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnClientRejects {
    #[default]
    Block,
    Tunnel,
}

/// The part of `[tls]` that no verdict depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    pub roots: Roots,
    pub extra_roots: Vec<PathBuf>,
}

/// Which roots upstream certificates are verified against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Roots {
    #[default]
    System,
    Mozilla,
}

/// The part of `[upstream]` that no verdict depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub resolver: Resolver,
    pub proxy: Option<ParentProxy>,
}

/// Who resolves names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resolver {
    #[default]
    System,
    Dns,
}

/// A proxy that this one goes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentProxy {
    pub tls: bool,
    pub authority: Authority,
    pub user: Option<String>,
    /// From the environment; stronger than the file.
    pub password: Option<Secret>,
    /// Whoever puts the proxy together reads it.
    pub password_file: Option<PathBuf>,
}

impl ParentProxy {
    /// Reads `HTTPS_PROXY` and the like, in which a password may stand and `http://` may be left
    /// out.
    ///
    /// # Errors
    /// A sentence that does not repeat the text.
    pub fn of_variable(text: &str) -> Result<ParentProxy, String> {
        net::proxy_variable(text)
    }

    /// What verdicts need of it.
    pub fn route(&self, no_proxy: NoProxy) -> ParentRoute {
        ParentRoute {
            tls: self.tls,
            proxy: self.authority.clone(),
            no_proxy,
        }
    }
}

/// `[timeouts]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub head: Duration,
    pub handshake: Duration,
    pub connect: Duration,
    pub idle: Duration,
    pub drain: Duration,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_client: usize,
    pub head_bytes: usize,
    pub headers: usize,
    pub hello_bytes: usize,
    pub flight_bytes: usize,
    pub early_bytes: usize,
}

/// `[audit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// `None`: the first place that can be written; `-` is stdout.
    pub path: Option<PathBuf>,
    pub sync: AuditSync,
    pub stall: Duration,
    pub on_failure: OnAuditFailure,
    pub process: bool,
    /// 0: never.
    pub rotate_size: u64,
    /// Zero: never.
    pub rotate_age: Duration,
    /// 0: all.
    pub keep: usize,
}

/// How far a line has gone before its request is forwarded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuditSync {
    /// To the kernel: a killed process loses nothing.
    #[default]
    Write,
    /// To the disk: a lost machine loses nothing.
    Fsync,
    None,
}

/// What follows when the record cannot be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAuditFailure {
    #[default]
    Block,
    Pass,
}
