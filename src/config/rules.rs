//! The policy's part of the settings: rules, destinations, perimeter.

use crate::config::build::Builder;
use crate::config::build::parse_entries;
use crate::config::error::ConfigError;
use crate::config::keys;
use crate::config::layer::Layer;
use crate::config::net;
use crate::config::settings::ParentProxy;
use crate::config::value::Sited;
use crate::config::value::Value;
use crate::logic::policy::Access;
use crate::logic::policy::AwsPerimeter;
use crate::logic::policy::ConnectTo;
use crate::logic::policy::DestinationRule;
use crate::logic::policy::Destinations;
use crate::logic::policy::HostPattern;
use crate::logic::policy::Intercept;
use crate::logic::policy::InterceptHosts;
use crate::logic::policy::NoProxy;
use crate::logic::policy::NoProxyEntry;
use crate::logic::policy::PolicySpec;
use crate::logic::policy::Preflight;
use crate::logic::policy::ProfileName;
use crate::logic::policy::Redirect;
use crate::logic::policy::TlsPolicy;
use crate::logic::policy::default_actions;
use crate::model::Action;
use crate::model::Mode;
use crate::model::RuleActions;

pub(super) fn policy(
    builder: &mut Builder<'_>,
    local: bool,
    parent: Option<&ParentProxy>,
    destination_rules: &[Layer],
) -> PolicySpec {
    let rules = destination_rules
        .iter()
        .enumerate()
        .map(|(place, layer)| destination_rule(place + 1, layer, &mut builder.errors))
        .collect();
    PolicySpec {
        mode: mode(builder.word("mode")),
        local,
        rules: actions(builder, local),
        destinations: Destinations {
            default: access(builder.word("destinations.default")),
            connect_ports: builder.ports("destinations.connect_ports"),
            rules,
        },
        aws: perimeter(builder),
        intercept: intercept(builder),
        connect_to: ConnectTo(builder.list("upstream.connect_to", |text| {
            Redirect::parse(text).map_err(|error| format!("{text:?}: {error}"))
        })),
        allow_private: builder.list("upstream.allow_private", net::network),
        tls: TlsPolicy {
            profile: ProfileName::from_id(builder.word("tls.profile")).unwrap_or_default(),
            preflight: preflight(builder.word("tls.preflight")),
        },
        parent: {
            let no_proxy = builder.list("upstream.no_proxy", |text| {
                NoProxyEntry::parse(text).map_err(|error| format!("{text:?}: {error}"))
            });
            parent.map(|parent| parent.route(NoProxy(no_proxy)))
        },
    }
}

fn actions(builder: &Builder<'_>, local: bool) -> RuleActions {
    let mut actions = default_actions(local);
    for key in keys::all().filter(|key| builder.is_set(key.name)) {
        if let Some(rule) = key.rule() {
            actions.set(rule, action(builder.word(key.name)));
        }
    }
    actions
}

fn perimeter(builder: &mut Builder<'_>) -> AwsPerimeter {
    let aws = AwsPerimeter {
        accounts: builder.list("aws.accounts", account),
        unknown_accounts: action(builder.word("aws.unknown_accounts")),
        regions: builder.list("aws.regions", label),
        require_fips: builder.bool("aws.require_fips"),
        require_temporary_credentials: builder.bool("aws.require_temporary_credentials"),
        require_kms: builder.bool("aws.require_kms"),
    };
    if aws.accounts.is_empty() && builder.is_set("aws.unknown_accounts") {
        builder
            .warnings
            .push("aws.unknown_accounts has no effect while aws.accounts is empty".to_owned());
    }
    aws
}

fn intercept(builder: &mut Builder<'_>) -> Intercept {
    Intercept {
        hosts: match builder.word("intercept.hosts") {
            "none" => InterceptHosts::None,
            "aws" => InterceptHosts::Aws,
            "all" => InterceptHosts::All,
            _ => InterceptHosts::Listed(builder.list("intercept.hosts", host)),
        },
        except: builder.list("intercept.except", host),
    }
}

fn destination_rule(
    number: usize,
    layer: &Layer,
    errors: &mut Vec<ConfigError>,
) -> DestinationRule {
    let shown = |key: &str| format!("destinations.rule {number}: {key}");
    let text = |key: &str| match layer.get(key) {
        Some(Sited {
            value: Value::Text(text),
            ..
        }) => Some(text.as_str()),
        _ => None,
    };
    let mut rules = Vec::new();
    for key in keys::of_rule() {
        if let (Some(rule), Some(word)) = (key.rule(), text(key.name)) {
            rules.push((rule, action(word)));
        }
    }
    let hosts = list(layer, "hosts", &shown("hosts"), host, errors);
    let strings = |key: &str, parse: fn(&str) -> Result<String, String>, errors: &mut Vec<_>| {
        list(layer, key, &shown(key), parse, errors)
    };
    let rule = DestinationRule {
        hosts,
        ports: match layer.get("ports") {
            Some(Sited {
                value: Value::Ports(ports),
                ..
            }) => ports.clone(),
            _ => Vec::new(),
        },
        services: strings("services", label, errors),
        regions: strings("regions", label, errors),
        operations: strings("operations", operation, errors),
        buckets: strings("buckets", |text| Ok(text.to_owned()), errors),
        action: text("action").map(access),
        reason: text("reason").map(str::to_owned),
        mode: text("mode").map(mode),
        intercept: match layer.get("intercept").map(|sited| &sited.value) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        },
        profile: text("tls.profile").and_then(ProfileName::from_id),
        preflight: text("tls.preflight").map(preflight),
        rules,
    };
    let sets_nothing = rule
        == DestinationRule {
            hosts: rule.hosts.clone(),
            ports: rule.ports.clone(),
            services: rule.services.clone(),
            regions: rule.regions.clone(),
            operations: rule.operations.clone(),
            buckets: rule.buckets.clone(),
            reason: rule.reason.clone(),
            ..DestinationRule::default()
        };
    let mine = format!("destinations.rule {number}:");
    let mistaken = errors.iter().any(|error| error.key.starts_with(&mine));
    if let (true, false, Some(first)) = (sets_nothing, mistaken, layer.values().next()) {
        let error = ConfigError::new(
            &first.origin,
            format!("destinations.rule {number}"),
            "has conditions but sets nothing",
        );
        errors.push(error.hint("add action = \"allow\" or \"deny\", or a setting for these hosts"));
    }
    rule
}

fn list<T>(
    layer: &Layer,
    key: &str,
    shown: &str,
    parse: impl Fn(&str) -> Result<T, String>,
    errors: &mut Vec<ConfigError>,
) -> Vec<T> {
    match layer.get(key) {
        Some(Sited {
            value: Value::List(entries),
            ..
        }) => parse_entries(shown, entries, parse, errors),
        _ => Vec::new(),
    }
}

fn host(text: &str) -> Result<HostPattern, String> {
    HostPattern::parse(text).map_err(|error| format!("{text:?}: {error}"))
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is not an account id; it has twelve digits, without dashes"
    ))
}

/// A service or region id.
fn label(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !text.is_empty() && text.bytes().all(known) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is not an AWS id; write it in small letters, as in s3 or us-east-1"
    ))
}

fn operation(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err(format!("{text:?} is not an operation; write s3:PutObject")),
    }
}

fn mode(word: &str) -> Mode {
    match word {
        "report" => Mode::Report,
        _ => Mode::Enforce,
    }
}

fn access(word: &str) -> Access {
    match word {
        "allow" => Access::Allow,
        _ => Access::Deny,
    }
}

fn preflight(word: &str) -> Preflight {
    match word {
        "off" => Preflight::Off,
        "all" => Preflight::All,
        _ => Preflight::Aws,
    }
}

fn action(word: &str) -> Action {
    match word {
        "off" => Action::Off,
        "report" => Action::Report,
        "upgrade" => Action::Upgrade,
        "strip" => Action::Strip,
        _ => Action::Block,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Rule;

    #[test]
    fn words_and_actions_agree() {
        for known in [
            Action::Off,
            Action::Report,
            Action::Upgrade,
            Action::Strip,
            Action::Block,
        ] {
            assert_eq!(action(known.id()), known);
        }
        for rule in Rule::ALL {
            let key = keys::find(&format!("rules.{rule}"));
            assert_eq!(key.is_some(), rule.is_tunable(), "{rule}");
            let Some(key) = key else { continue };
            let local = default_actions(true).get(rule);
            assert_eq!(key.default, format!("\"{local}\""), "{rule}");
        }
        for known in [Preflight::Off, Preflight::Aws, Preflight::All] {
            assert_eq!(preflight(known.id()), known);
        }
        for known in [Access::Allow, Access::Deny] {
            assert_eq!(access(known.id()), known);
        }
    }
}
