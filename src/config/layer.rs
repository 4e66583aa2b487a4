//! The sources other than the file: defaults, environment, flags.

use std::collections::BTreeMap;

use crate::config::error::ConfigError;
use crate::config::file;
use crate::config::keys;
use crate::config::keys::Key;
use crate::config::origin::Origin;
use crate::config::value::Raw;
use crate::config::value::Sited;
use crate::config::value::nearest;

/// The variable with the parent proxy's password.
pub(super) const PROXY_PASSWORD: &str = "OUTGATE_UPSTREAM_PROXY_PASSWORD";

/// What one source says, by key.
pub(super) type Layer = BTreeMap<&'static str, Sited>;

/// One flag of the command line that has a setting's meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagValue {
    /// With its dashes, for messages.
    pub flag: String,
    /// The setting, e.g. `listen.proxy`.
    pub key: String,
    /// One for each time that it was given.
    pub values: Vec<String>,
}

pub(super) fn defaults(errors: &mut Vec<ConfigError>) -> Layer {
    let mut layer = Layer::new();
    for key in keys::all() {
        match file::value(key.default) {
            Some(raw) => insert(&mut layer, key, key.name, raw, Origin::Default, errors),
            None => errors.push(ConfigError::new(
                &Origin::Default,
                key.name,
                "its default cannot be read; this is a fault in outgate",
            )),
        }
    }
    layer
}

pub(super) fn environment(
    env: &[(String, String)],
    errors: &mut Vec<ConfigError>,
    warnings: &mut Vec<String>,
) -> Layer {
    let mut layer = Layer::new();
    let names: Vec<(String, &Key)> = keys::all().map(|key| (key.variable(), key)).collect();
    for (name, value) in env {
        if !name.starts_with("OUTGATE_") || is_foreign(name) {
            continue;
        }
        match names.iter().find(|(variable, _)| variable == name) {
            Some((_, key)) => {
                let origin = Origin::Env(name.clone());
                let raw = Raw::from_text(&key.kind, std::slice::from_ref(value), &origin);
                insert(&mut layer, key, key.name, raw, origin, errors);
            }
            None => {
                let known = names.iter().map(|(variable, _)| variable.as_str());
                let meant = nearest(name, known)
                    .map_or(String::new(), |near| format!("; did you mean {near}?"));
                warnings.push(format!("{name} is no setting and has no effect{meant}"));
            }
        }
    }
    layer
}

/// Variables that begin alike and are not settings: where the file is, logging, a password, what
/// `exec` tells an `exec` inside it, and what Kubernetes sets for a service that is called outgate.
fn is_foreign(name: &str) -> bool {
    matches!(
        name,
        "OUTGATE_CONFIG"
            | "OUTGATE_EXEC"
            | "OUTGATE_EXEC_RECORD"
            | "OUTGATE_LOG"
            | "OUTGATE_LOG_FORMAT"
            | "OUTGATE_PORT"
            | PROXY_PASSWORD
    ) || name.starts_with("OUTGATE_PORT_")
        || name.starts_with("OUTGATE_SERVICE_")
}

pub(super) fn flags(flags: &[FlagValue], errors: &mut Vec<ConfigError>) -> Layer {
    let mut layer = Layer::new();
    for given in flags {
        let origin = Origin::Flag(given.flag.clone());
        match keys::find(&given.key) {
            Some(key) => {
                let raw = Raw::from_text(&key.kind, &given.values, &origin);
                // The flag is what the person typed, so it is what the message names.
                insert(&mut layer, key, "", raw, origin, errors);
            }
            None => errors.push(ConfigError::new(
                &origin,
                given.key.as_str(),
                "is no setting; this is a fault in outgate",
            )),
        }
    }
    layer
}

/// Reads a value by its key's kind; what is wrong goes to `errors` under the name `shown`.
pub(super) fn insert(
    layer: &mut Layer,
    key: &'static Key,
    shown: &str,
    raw: Raw,
    origin: Origin,
    errors: &mut Vec<ConfigError>,
) {
    match key.kind.read(raw) {
        Ok(value) => {
            layer.insert(key.name, Sited { value, origin });
        }
        Err(misfits) => errors.extend(misfits.into_iter().map(|misfit| {
            let origin = misfit.origin.as_ref().unwrap_or(&origin);
            ConfigError::new(origin, shown, misfit.message)
        })),
    }
}
