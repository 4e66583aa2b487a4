//! The file: TOML with spans, walked key by key so that every mistake is told with its line.

use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::error::ConfigError;
use crate::config::keys;
use crate::config::keys::Key;
use crate::config::layer;
use crate::config::layer::Layer;
use crate::config::origin::Origin;
use crate::config::value::Raw;
use crate::config::value::nearest;
use crate::model::Rule;

/// What a file says.
pub(super) struct Read {
    pub(super) values: Layer,
    /// One for each `[[destinations.rule]]`.
    pub(super) rules: Vec<Layer>,
    pub(super) errors: Vec<ConfigError>,
    /// It is TOML; otherwise only `errors` means anything.
    pub(super) is_toml: bool,
}

pub(super) fn read(path: &str, text: &str) -> Read {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        path: path.into(),
        text,
        rules: Vec::new(),
        errors: Vec::new(),
    };
    let (table, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        let origin = reader.origin(fault.span().map_or(0, |span| span.start));
        let error = ConfigError::new(&origin, "", fault.message());
        reader.errors.push(error);
    }
    // One fault often makes several on its line, and keys land in the wrong section.
    reader
        .errors
        .dedup_by(|later, first| later.origin == first.origin);
    let is_twice = |error: &ConfigError| error.message.starts_with("duplicate key");
    let is_toml = reader.errors.iter().all(is_twice);
    let mut values = Layer::new();
    if is_toml {
        reader.table(Scope::General, "", table.get_ref(), &mut values);
    }
    Read {
        values,
        rules: reader.rules,
        errors: reader.errors,
        is_toml,
    }
}

/// Reads one TOML value by itself.
pub(super) fn value(text: &str) -> Option<Raw> {
    let value = DeValue::parse(text).ok()?;
    Some(raw(value.get_ref(), &|_| Origin::Default))
}

/// Which key table a TOML table is read by.
#[derive(Clone, Copy)]
enum Scope {
    General,
    /// The n-th `[[destinations.rule]]`.
    Rule(usize),
}

impl Scope {
    fn keys(self) -> Vec<&'static Key> {
        match self {
            Scope::General => keys::all().collect(),
            Scope::Rule(_) => keys::of_rule().collect(),
        }
    }

    /// The key as messages name it.
    fn shown(self, path: &str) -> String {
        match self {
            Scope::General => path.to_owned(),
            Scope::Rule(number) => format!("destinations.rule {number}: {path}"),
        }
    }
}

struct Reader<'a> {
    path: Arc<str>,
    text: &'a str,
    rules: Vec<Layer>,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn origin(&self, at: usize) -> Origin {
        let before = self.text.bytes().take(at);
        Origin::File {
            path: Arc::clone(&self.path),
            line: before.filter(|byte| *byte == b'\n').count() + 1,
        }
    }

    fn table(&mut self, scope: Scope, prefix: &str, table: &DeTable<'_>, out: &mut Layer) {
        for (name, value) in table {
            let at = self.origin(name.span().start);
            let name = name.get_ref().as_ref();
            let mut path = format!("{prefix}{name}");
            if let (Scope::Rule(_), "", Some(rule)) = (scope, prefix, Rule::from_id(name)) {
                path = format!("rules.{rule}");
            }
            let keys = scope.keys();
            if let (Scope::General, "destinations.rule") = (scope, path.as_str()) {
                self.destination_rules(&at, value);
            } else if let Some(key) = keys.iter().find(|key| key.name == path) {
                let raw = raw(value.get_ref(), &|at| self.origin(at));
                let shown = scope.shown(&path);
                if out.contains_key(key.name) {
                    let twice = ConfigError::new(&at, shown, "is set twice in this rule");
                    self.errors.push(twice);
                    continue;
                }
                let at = self.origin(value.span().start);
                layer::insert(out, key, &shown, raw, at, &mut self.errors);
            } else if keys.iter().any(|key| is_under(key.name, &path)) {
                match value.get_ref() {
                    DeValue::Table(inner) => {
                        self.table(scope, &format!("{path}."), inner, out);
                    }
                    other => {
                        let message = format!("is a section, not {}", type_name(other));
                        let error = ConfigError::new(&at, scope.shown(&path), message)
                            .hint(format!("write [{path}] with its keys below"));
                        self.errors.push(error);
                    }
                }
            } else {
                let error = unknown(scope, &keys, prefix, name, &at);
                self.errors.push(error);
            }
        }
    }

    fn destination_rules(&mut self, at: &Origin, value: &Spanned<DeValue<'_>>) {
        let wrong = |at: &Origin| {
            ConfigError::new(at, "destinations.rule", "is a list of tables")
                .hint("write [[destinations.rule]], in double brackets, before each rule")
        };
        let DeValue::Array(array) = value.get_ref() else {
            return self.errors.push(wrong(at));
        };
        for (place, entry) in array.iter().enumerate() {
            let at = self.origin(entry.span().start);
            let mut layer = Layer::new();
            match entry.get_ref() {
                DeValue::Table(table) => {
                    let before = self.errors.len();
                    self.table(Scope::Rule(place + 1), "", table, &mut layer);
                    if layer.is_empty() && self.errors.len() == before {
                        let key = format!("destinations.rule {}", place + 1);
                        self.errors.push(ConfigError::new(&at, key, "is empty"));
                    }
                }
                _ => self.errors.push(wrong(&at)),
            }
            self.rules.push(layer);
        }
    }
}

fn unknown(scope: Scope, keys: &[&Key], prefix: &str, name: &str, at: &Origin) -> ConfigError {
    let path = format!("{prefix}{name}");
    if let (Some(rule), true) = (Rule::from_id(name), prefix == "rules.") {
        return ConfigError::new(at, scope.shown(&path), untunable(rule));
    }
    let error = ConfigError::new(at, scope.shown(&path), "unknown key");
    // Siblings first, then the same name in another section.
    let siblings = keys
        .iter()
        .filter_map(|key| key.name.strip_prefix(prefix))
        .map(|rest| rest.split_once('.').map_or(rest, |(section, _)| section));
    let extra = (prefix == "destinations.").then_some("rule").into_iter();
    if let Some(near) = nearest(name, siblings.chain(extra)) {
        return error.hint(format!("did you mean `{near}`?"));
    }
    let last = |key: &&&Key| key.name.rsplit('.').next() == Some(name);
    let elsewhere = |key: &&&Key| last(key) && (prefix.is_empty() || key.rule().is_none());
    match keys.iter().find(elsewhere) {
        Some(key) => error.hint(format!("did you mean `{}`?", key.name)),
        None => match prefix.strip_suffix('.') {
            Some(section) => error.hint(format!("[{section}] has no such key")),
            None => error,
        },
    }
}

/// Why `[rules]` does not list a rule.
fn untunable(rule: Rule) -> &'static str {
    match rule {
        Rule::MalformedRequest => {
            "cannot be set: a head that can be read two ways is never forwarded"
        }
        Rule::ClientAuth => "cannot be set: who may use the proxy stands in [clients]",
        Rule::Limits => "cannot be set: the bounds themselves stand in [limits]",
        Rule::AuditUnavailable => {
            "cannot be set: what happens when the record fails is audit.on_failure"
        }
        _ => "cannot be set",
    }
}

fn is_under(key: &str, section: &str) -> bool {
    key.strip_prefix(section)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn raw(value: &DeValue<'_>, origin: &dyn Fn(usize) -> Origin) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Raw::Other("a number out of range"), Raw::Number),
        DeValue::Array(array) => Raw::List(
            array
                .iter()
                .map(|entry| (raw(entry.get_ref(), origin), origin(entry.span().start)))
                .collect(),
        ),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
            Raw::Other(type_name(value))
        }
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
