//! From values by key to typed settings, gathering every mistake on the way.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::error::ConfigError;
use crate::config::keys;
use crate::config::layer::Layer;
use crate::config::listener;
use crate::config::listener::Listener;
use crate::config::net;
use crate::config::origin::Origin;
use crate::config::rules;
use crate::config::settings::Audit;
use crate::config::settings::AuditSync;
use crate::config::settings::Clients;
use crate::config::settings::Interception;
use crate::config::settings::Limits;
use crate::config::settings::Listen;
use crate::config::settings::OnAuditFailure;
use crate::config::settings::OnClientRejects;
use crate::config::settings::ParentProxy;
use crate::config::settings::Resolver;
use crate::config::settings::Roots;
use crate::config::settings::Settings;
use crate::config::settings::Timeouts;
use crate::config::settings::TlsSettings;
use crate::config::settings::Upstream;
use crate::config::unseen;
use crate::config::value::Entry;
use crate::config::value::Sited;
use crate::config::value::Value;
use crate::logic::policy::Policy;
use crate::logic::policy::PolicySpec;
use crate::model::Secret;

/// Reads values by key. A getter never fails: it notes the mistake and gives something of the
/// type, and the settings are thrown away in the end if anything was noted.
pub(super) struct Builder<'a> {
    values: &'a Layer,
    pub(super) errors: Vec<ConfigError>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(values: &'a Layer, errors: Vec<ConfigError>) -> Builder<'a> {
        Builder {
            values,
            errors,
            warnings: Vec::new(),
        }
    }

    /// `password` is the parent proxy's.
    pub(super) fn settings(
        &mut self,
        destination_rules: &[Layer],
        password: Option<Secret>,
    ) -> Settings {
        let listen = self.listen();
        let local = listen
            .proxy
            .iter()
            .chain(&listen.transparent)
            .all(Listener::is_local);
        let clients = self.clients(local);
        let proxy = self.parent_proxy(password);
        let spec = rules::policy(self, local, proxy.as_ref(), destination_rules);
        let unread = unseen::check(self, &spec, destination_rules);
        let unsupported = self.unsupported(&listen, unread);
        Settings {
            intercept: self.interception(&spec),
            tls: TlsSettings {
                roots: match self.word("tls.roots") {
                    "mozilla" => Roots::Mozilla,
                    _ => Roots::System,
                },
                extra_roots: self.list("tls.extra_roots", |text| Ok(text.into())),
            },
            upstream: Upstream {
                resolver: match self.word("upstream.resolver") {
                    "dns" => Resolver::Dns,
                    _ => Resolver::System,
                },
                proxy,
            },
            timeouts: Timeouts {
                head: self.span("timeouts.head"),
                handshake: self.span("timeouts.handshake"),
                connect: self.span("timeouts.connect"),
                idle: self.span("timeouts.idle"),
                drain: self.span("timeouts.drain"),
            },
            limits: Limits {
                connections: self.size("limits.connections"),
                connections_per_client: self.size("limits.connections_per_client"),
                head_bytes: self.size("limits.head_bytes"),
                headers: self.size("limits.headers"),
                hello_bytes: self.size("limits.hello_bytes"),
                flight_bytes: self.size("limits.flight_bytes"),
                early_bytes: self.size("limits.early_bytes"),
            },
            audit: self.audit(),
            policy: Policy::new(spec),
            listen,
            clients,
            unsupported,
        }
    }

    fn listen(&mut self) -> Listen {
        let listen = Listen {
            proxy: self.list("listen.proxy", Listener::parse),
            transparent: self.list("listen.transparent", Listener::parse),
            admin: self.optional("listen.admin", listener::address),
        };
        if listen.proxy.is_empty() && listen.transparent.is_empty() {
            let already = self
                .errors
                .iter()
                .any(|error| error.key.starts_with("listen."));
            if !already {
                self.note("listen.proxy", "is empty, so there is nothing to listen on");
            }
        }
        let mut seen = Vec::new();
        for taken in listen.proxy.iter().chain(&listen.transparent) {
            if seen.contains(&taken) && !has_free_port(taken) {
                self.note("listen.proxy", format!("has {taken} twice"));
            }
            seen.push(taken);
        }
        let is_admin = |taken: &&Listener| match taken {
            Listener::Tcp(addr) | Listener::Tls(addr) => listen.admin == Some(*addr),
            Listener::Unix(_) => false,
        };
        if let Some(taken) = seen
            .into_iter()
            .find(is_admin)
            .filter(|taken| !has_free_port(taken))
        {
            self.note("listen.admin", format!("is {taken}, where clients connect"));
        }
        listen
    }

    fn clients(&mut self, local: bool) -> Clients {
        let named = keys::all()
            .filter(|key| key.name.starts_with("clients."))
            .any(|key| self.origin(key.name) != Origin::Default);
        let mistaken = self
            .errors
            .iter()
            .any(|error| error.key.starts_with("clients."));
        if !local && !named && !mistaken {
            let error = ConfigError::new(
                &self.origin("listen.proxy"),
                "listen.proxy",
                "others can reach this address, and nothing says who may use the proxy",
            );
            self.errors.push(
                error.hint(
                    "set clients.allow = [\"10.0.0.0/8\"] or the like (OUTGATE_CLIENTS_ALLOW)",
                ),
            );
        }
        if !local && named && !self.is_set("clients.allow") {
            self.warnings.push(
                "clients.allow is not set, so only this machine may use the proxy, although it \
                 listens for others"
                    .to_owned(),
            );
        }
        Clients {
            allow: self.list("clients.allow", net::network),
            basic_auth_file: self.path("clients.basic_auth_file"),
            tls_client_ca: self.path("clients.tls_client_ca"),
        }
    }

    fn interception(&mut self, spec: &PolicySpec) -> Interception {
        let on_client_rejects = match self.word("intercept.on_client_rejects") {
            "tunnel" => OnClientRejects::Tunnel,
            _ => OnClientRejects::Block,
        };
        if on_client_rejects == OnClientRejects::Tunnel && !spec.intercept.lists_only_names() {
            let error = ConfigError::new(
                &self.origin("intercept.on_client_rejects"),
                "intercept.on_client_rejects",
                "\"tunnel\" is only for hosts that intercept.hosts lists one by one: by refusing \
                 our certificate a client takes its connections out of sight",
            );
            self.errors.push(error.hint(
                "write intercept.hosts = [\"a.example.com\", \"b.example.com\"], without \"aws\", \
                 \"all\", * or networks",
            ));
        }
        Interception {
            on_client_rejects,
            ca_dir: self.path("intercept.ca_dir"),
        }
    }

    fn parent_proxy(&mut self, password: Option<Secret>) -> Option<ParentProxy> {
        let file = self.path("upstream.proxy_password_file");
        let read = self.optional("upstream.proxy", net::parent_proxy);
        let Some(parent) = read else {
            for key in ["upstream.no_proxy", "upstream.proxy_password_file"] {
                if self.is_set(key) && self.word("upstream.proxy").is_empty() {
                    let warning = format!("{key} has no effect while upstream.proxy is empty");
                    self.warnings.push(warning);
                }
            }
            return None;
        };
        if parent.user.is_none() && (password.is_some() || file.is_some()) {
            self.note(
                "upstream.proxy",
                "has a password and names no user; write http://USER@HOST:PORT",
            );
        }
        Some(ParentProxy {
            password,
            password_file: file,
            ..parent
        })
    }

    fn audit(&mut self) -> Audit {
        Audit {
            path: self.path("audit.path"),
            sync: match self.word("audit.sync") {
                "fsync" => AuditSync::Fsync,
                "none" => AuditSync::None,
                _ => AuditSync::Write,
            },
            stall: self.span("audit.stall"),
            on_failure: match self.word("audit.on_failure") {
                "pass" => OnAuditFailure::Pass,
                _ => OnAuditFailure::Block,
            },
            process: self.bool("audit.process"),
            rotate_size: self.number("audit.rotate_size"),
            rotate_age: self.span("audit.rotate_age"),
            keep: self.size("audit.keep"),
        }
    }

    /// What is set to something that this version does not do.
    fn unsupported(&self, listen: &Listen, unread: Vec<ConfigError>) -> Vec<ConfigError> {
        let error = |origin: &Origin, key: String| {
            ConfigError::new(origin, key, "is not supported by this version")
        };
        let mut found = Vec::new();
        for key in keys::all().filter(|key| key.later) {
            let Some(sited) = self.values.get(key.name) else {
                continue;
            };
            if sited.origin != Origin::Default && sited.value.to_string() != key.default {
                found.push(error(&sited.origin, key.name.to_owned()));
            }
        }
        if let Some(tls) = listen
            .proxy
            .iter()
            .find(|taken| matches!(taken, Listener::Tls(_)))
        {
            let key = format!("listen.proxy: {tls}");
            found.push(error(&self.origin("listen.proxy"), key));
        }
        found.extend(unread);
        found
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.values
            .get(key)
            .map_or(Origin::Default, |sited| sited.origin.clone())
    }

    pub(super) fn is_set(&self, key: &str) -> bool {
        self.origin(key) != Origin::Default
    }

    /// Notes a mistake at the key's own place.
    pub(super) fn note(&mut self, key: &str, message: impl Into<String>) {
        let error = ConfigError::new(&self.origin(key), key, message);
        self.errors.push(error);
    }

    pub(super) fn word(&self, key: &str) -> &'a str {
        match self.values.get(key) {
            Some(Sited {
                value: Value::Text(text),
                ..
            }) => text,
            _ => "",
        }
    }

    pub(super) fn bool(&self, key: &str) -> bool {
        matches!(
            self.values.get(key),
            Some(Sited {
                value: Value::Bool(true),
                ..
            })
        )
    }

    fn number(&self, key: &str) -> u64 {
        match self.values.get(key) {
            Some(Sited {
                value: Value::Number(number),
                ..
            }) => *number,
            _ => 0,
        }
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    fn span(&self, key: &str) -> Duration {
        match self.values.get(key) {
            Some(Sited {
                value: Value::Duration(span),
                ..
            }) => *span,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn ports(&self, key: &str) -> Vec<u16> {
        match self.values.get(key) {
            Some(Sited {
                value: Value::Ports(ports),
                ..
            }) => ports.clone(),
            _ => Vec::new(),
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        match self.word(key) {
            "" => None,
            path => Some(path.into()),
        }
    }

    /// A text that may be empty for none.
    fn optional<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.word(key);
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.note(key, message);
                None
            }
        }
    }

    pub(super) fn list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        match self.values.get(key) {
            Some(Sited {
                value: Value::List(entries),
                ..
            }) => parse_entries(key, entries, parse, &mut self.errors),
            _ => Vec::new(),
        }
    }
}

/// Reads each entry of a list; one that cannot be read is noted at its own line.
pub(super) fn parse_entries<T>(
    key: &str,
    entries: &[Entry],
    parse: impl Fn(&str) -> Result<T, String>,
    errors: &mut Vec<ConfigError>,
) -> Vec<T> {
    let mut read = Vec::with_capacity(entries.len());
    for entry in entries {
        match parse(&entry.text) {
            Ok(value) => read.push(value),
            Err(message) => errors.push(ConfigError::new(&entry.origin, key, message)),
        }
    }
    read
}

/// Port 0 is any free port, so two of them are two.
fn has_free_port(listener: &Listener) -> bool {
    let free = |addr: &SocketAddr| addr.port() == 0;
    match listener {
        Listener::Tcp(addr) | Listener::Tls(addr) => free(addr),
        Listener::Unix(_) => false,
    }
}
