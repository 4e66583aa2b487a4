//! The canonical text of a policy and its hash: the same rules, the same text.

use std::fmt::Display;
use std::fmt::Write;

use sha2::Digest;
use sha2::Sha256;

use crate::logic::policy::passage::ParentRoute;
use crate::logic::policy::spec::AwsPerimeter;
use crate::logic::policy::spec::DestinationRule;
use crate::logic::policy::spec::Destinations;
use crate::logic::policy::spec::Intercept;
use crate::logic::policy::spec::InterceptHosts;
use crate::logic::policy::spec::PolicySpec;
use crate::logic::policy::spec::TlsPolicy;
use crate::model::Mode;
use crate::model::Rule;
use crate::model::RuleActions;

pub(super) fn hash(spec: &PolicySpec) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text(spec).as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Every struct is taken apart by name, so that a new field does not compile unhashed.
pub(super) fn text(spec: &PolicySpec) -> String {
    let PolicySpec {
        mode,
        local,
        rules,
        destinations,
        aws,
        intercept,
        connect_to,
        allow_private,
        tls,
        parent,
    } = spec;
    let mut out = Lines::default();
    out.line("mode", mode_id(*mode));
    out.line("local", local);
    out.actions(rules);
    let TlsPolicy { profile, preflight } = tls;
    out.line("tls.profile", profile.id());
    out.line("tls.preflight", preflight.id());
    out.intercept(intercept);
    out.aws(aws);
    let Destinations {
        default,
        connect_ports,
        rules,
    } = destinations;
    out.line("destinations.default", default.id());
    out.list("destinations.connect_ports", connect_ports);
    for (place, rule) in rules.iter().enumerate() {
        out.rule(place + 1, rule);
    }
    out.list("upstream.connect_to", &connect_to.0);
    out.list("upstream.allow_private", allow_private);
    if let Some(ParentRoute {
        tls,
        proxy,
        no_proxy,
    }) = parent
    {
        let scheme = if *tls { "https" } else { "http" };
        out.line("upstream.proxy", format_args!("{scheme}://{proxy}"));
        out.list("upstream.no_proxy", &no_proxy.0);
    }
    out.0
}

fn mode_id(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Report => "report",
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    /// Free text is quoted, so that no value can look like another line.
    fn quoted(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.0, "{key} = {value:?}");
    }

    fn list<T: Display>(&mut self, key: &str, values: &[T]) {
        let shown: Vec<String> = values.iter().map(T::to_string).collect();
        let _ = writeln!(self.0, "{key} = {shown:?}");
    }

    fn actions(&mut self, actions: &RuleActions) {
        for rule in Rule::ALL {
            self.line(&format!("rules.{rule}"), actions.get(rule));
        }
    }

    fn intercept(&mut self, intercept: &Intercept) {
        let Intercept { hosts, except } = intercept;
        match hosts {
            InterceptHosts::None => self.line("intercept.hosts", "none"),
            InterceptHosts::Aws => self.line("intercept.hosts", "aws"),
            InterceptHosts::All => self.line("intercept.hosts", "all"),
            InterceptHosts::Listed(hosts) => self.list("intercept.hosts", hosts),
        }
        self.list("intercept.except", except);
    }

    fn aws(&mut self, aws: &AwsPerimeter) {
        let AwsPerimeter {
            accounts,
            unknown_accounts,
            regions,
            require_fips,
            require_temporary_credentials,
            require_kms,
        } = aws;
        self.list("aws.accounts", accounts);
        self.line("aws.unknown_accounts", unknown_accounts);
        self.list("aws.regions", regions);
        self.line("aws.require_fips", require_fips);
        self.line(
            "aws.require_temporary_credentials",
            require_temporary_credentials,
        );
        self.line("aws.require_kms", require_kms);
    }

    fn rule(&mut self, number: usize, rule: &DestinationRule) {
        let DestinationRule {
            hosts,
            ports,
            services,
            regions,
            operations,
            buckets,
            action,
            reason,
            mode,
            intercept,
            profile,
            preflight,
            rules,
        } = rule;
        let key = |name: &str| format!("destinations.rule.{number}.{name}");
        self.list(&key("hosts"), hosts);
        self.list(&key("ports"), ports);
        self.list(&key("services"), services);
        self.list(&key("regions"), regions);
        self.list(&key("operations"), operations);
        self.list(&key("buckets"), buckets);
        if let Some(action) = action {
            self.line(&key("action"), action.id());
        }
        if let Some(reason) = reason {
            self.quoted(&key("reason"), reason);
        }
        if let Some(mode) = mode {
            self.line(&key("mode"), mode_id(*mode));
        }
        if let Some(intercept) = intercept {
            self.line(&key("intercept"), intercept);
        }
        if let Some(profile) = profile {
            self.line(&key("tls.profile"), profile.id());
        }
        if let Some(preflight) = preflight {
            self.line(&key("tls.preflight"), preflight.id());
        }
        let mut rules = rules.clone();
        rules.sort_by_key(|(rule, _)| *rule);
        for (id, action) in rules {
            self.line(&key(&format!("rules.{id}")), action);
        }
    }
}
