//! Settings that need more than a tunnel shows, or more than this version looks at. To leave one
//! without effect and unsaid would let an operator believe in it.

use crate::config::build::Builder;
use crate::config::error::ConfigError;
use crate::config::layer::Layer;
use crate::config::origin::Origin;
use crate::config::value::Value;
use crate::logic::policy::DestinationRule;
use crate::logic::policy::InterceptHosts;
use crate::logic::policy::PolicySpec;

const MEND: &str =
    "intercept them (intercept.hosts = \"aws\"), or accept that with allow_unseen = true";

/// Notes what a tunnel hides; gives what interception would show and this version does not read.
pub(super) fn check(
    builder: &mut Builder<'_>,
    spec: &PolicySpec,
    layers: &[Layer],
) -> Vec<ConfigError> {
    let mut unread = Vec::new();
    if builder.bool("allow_unseen") {
        return unread;
    }
    if !builder.bool("aws.allow_unseen") {
        let aws = &spec.aws;
        let set = [
            ("aws.accounts", !aws.accounts.is_empty()),
            (
                "aws.require_temporary_credentials",
                aws.require_temporary_credentials,
            ),
            ("aws.require_kms", aws.require_kms),
        ];
        for (key, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
            let origin = builder.origin(key);
            if sees_aws(spec) {
                unread.push(not_read(&origin, key));
                continue;
            }
            let error = ConfigError::new(
                &origin,
                key,
                "cannot be seen in a tunnel, and AWS hosts are not all intercepted",
            );
            builder.errors.push(error.hint(MEND));
        }
    }
    for (place, (rule, layer)) in spec.destinations.rules.iter().zip(layers).enumerate() {
        let accepted = layer.get("allow_unseen").map(|sited| &sited.value);
        if !rule.needs_request() || accepted == Some(&Value::Bool(true)) {
            continue;
        }
        for key in ["operations", "buckets"] {
            let Some(sited) = layer.get(key) else {
                continue;
            };
            let key = format!("destinations.rule {}: {key}", place + 1);
            if sees(spec, rule) {
                unread.push(not_read(&sited.origin, &key));
                continue;
            }
            let error = ConfigError::new(
                &sited.origin,
                key,
                "cannot be seen in a tunnel, and these hosts are not all intercepted",
            );
            builder.errors.push(error.hint(MEND));
        }
    }
    unread
}

fn not_read(origin: &Origin, key: &str) -> ConfigError {
    ConfigError::new(
        origin,
        key,
        "is not read from intercepted requests by this version",
    )
    .hint("with allow_unseen = true it holds where a host name shows enough")
}

/// Whether every AWS host is intercepted.
pub(super) fn sees_aws(spec: &PolicySpec) -> bool {
    let all = matches!(
        spec.intercept.hosts,
        InterceptHosts::Aws | InterceptHosts::All
    );
    let excepted = spec
        .destinations
        .rules
        .iter()
        .any(|rule| rule.intercept == Some(false));
    all && spec.intercept.except.is_empty() && !excepted
}

/// Whether every host that the rule may match is intercepted. Operations and buckets are of AWS.
fn sees(spec: &PolicySpec, rule: &DestinationRule) -> bool {
    if let Some(intercept) = rule.intercept {
        return intercept;
    }
    match &spec.intercept.hosts {
        InterceptHosts::None => false,
        InterceptHosts::Aws | InterceptHosts::All => sees_aws(spec),
        InterceptHosts::Listed(listed) => {
            !rule.hosts.is_empty() && rule.hosts.iter().all(|host| listed.contains(host))
        }
    }
}
