//! Settings: TOML text, environment and flags in, typed values out.
//!
//! One table ([`keys`]) holds every key with its kind, default and meaning; reading, the
//! variables' names, `config show`, the JSON Schema and docs/configuration.md all follow it.
//! Nothing is read here: the caller brings the file's text and the environment.

mod build;
mod error;
mod file;
pub mod keys;
mod layer;
mod listener;
mod net;
mod origin;
mod rules;
mod schema;
mod settings;
mod unseen;
mod value;

use std::collections::BTreeMap;

use crate::model::Secret;

pub use error::ConfigError;
pub use layer::FlagValue;
pub use listener::Listener;
pub use origin::Origin;
pub use schema::schema;
pub use settings::Audit;
pub use settings::AuditSync;
pub use settings::Clients;
pub use settings::Interception;
pub use settings::Limits;
pub use settings::Listen;
pub use settings::OnAuditFailure;
pub use settings::OnClientRejects;
pub use settings::ParentProxy;
pub use settings::Resolver;
pub use settings::Roots;
pub use settings::Settings;
pub use settings::Timeouts;
pub use settings::TlsSettings;
pub use settings::Upstream;

/// Where settings come from, weakest first: the file, the environment, the flags. A list that a
/// stronger source gives replaces the weaker one's.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    /// The file's path, for messages, and its text.
    pub file: Option<(&'a str, &'a str)>,
    /// All of the environment; what does not begin with `OUTGATE_` is passed over.
    pub env: &'a [(String, String)],
    pub flags: Vec<FlagValue>,
}

/// What came of the sources.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub settings: Settings,
    /// Every setting in force and where it came from, in the table's order.
    pub shown: Vec<Setting>,
    /// Sentences for the operator; nothing is wrong enough to refuse.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// Whether anybody set `key`.
    pub fn is_set(&self, key: &str) -> bool {
        let set = self.shown.iter().find(|setting| setting.key == key);
        set.is_some_and(|setting| setting.origin != Origin::Default)
    }
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub key: String,
    /// As TOML.
    pub value: String,
    pub origin: Origin,
}

/// Builds the settings from their sources.
///
/// # Errors
/// All mistakes of all sources at once, in the order of their lines.
pub fn load(sources: &Sources<'_>) -> Result<Loaded, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut values = layer::defaults(&mut errors);
    let mut rules = Vec::new();
    let mut is_toml = true;
    if let Some((path, text)) = sources.file {
        let file = file::read(path, text);
        errors.extend(file.errors);
        values.extend(file.values);
        rules = file.rules;
        is_toml = file.is_toml;
    }
    values.extend(layer::environment(sources.env, &mut errors, &mut warnings));
    values.extend(layer::flags(&sources.flags, &mut errors));
    if !is_toml {
        return Err(errors);
    }

    let mut builder = build::Builder::new(&values, errors);
    let settings = builder.settings(&rules, proxy_password(sources.env));
    warnings.append(&mut builder.warnings);
    if !builder.errors.is_empty() {
        let mut errors = builder.errors;
        errors.sort_by_key(ConfigError::place);
        errors.dedup();
        return Err(errors);
    }
    let shown = show(&values, &rules, &settings);
    Ok(Loaded {
        settings,
        shown,
        warnings,
    })
}

/// Not a setting, so that no file holds it and `config show` does not print it.
fn proxy_password(env: &[(String, String)]) -> Option<Secret> {
    env.iter()
        .find(|(name, value)| name == layer::PROXY_PASSWORD && !value.is_empty())
        .map(|(_, value)| Secret::new(value.as_str()))
}

fn show(values: &layer::Layer, rules: &[layer::Layer], settings: &Settings) -> Vec<Setting> {
    let mut shown = Vec::new();
    for key in keys::all() {
        let Some(sited) = values.get(key.name) else {
            continue;
        };
        // Two defaults depend on the listeners; show what came of them.
        let value = match key.rule() {
            Some(rule) => format!("\"{}\"", settings.policy.rules.get(rule)),
            None => sited.value.to_string(),
        };
        shown.push(Setting {
            key: key.name.to_owned(),
            value,
            origin: sited.origin.clone(),
        });
    }
    for (place, rule) in rules.iter().enumerate() {
        // In the table's order, as above.
        let order: BTreeMap<&str, usize> = keys::of_rule()
            .enumerate()
            .map(|(place, key)| (key.name, place))
            .collect();
        let mut lines: Vec<_> = rule.iter().collect();
        lines.sort_by_key(|(name, _)| order.get(*name).copied());
        shown.extend(lines.into_iter().map(|(name, sited)| Setting {
            key: format!("destinations.rule.{}.{name}", place + 1),
            value: sited.value.to_string(),
            origin: sited.origin.clone(),
        }));
    }
    shown
}
