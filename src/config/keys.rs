//! What a setting is: name, kind, default, meaning. The settings themselves stand in `table`;
//! docs/configuration.md is compared with them by a test.

mod table;

use std::fmt;
use std::time::Duration;

use crate::config::value::Span;
use crate::model::Rule;

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Section and key: `tls.profile`.
    pub name: &'static str,
    pub kind: Kind,
    /// As TOML; empty for what is unset in a `[[destinations.rule]]`.
    pub default: &'static str,
    /// What it means, in a line.
    pub doc: &'static str,
    /// Read and checked, but not yet acted on by this version.
    pub later: bool,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        let name = self.name.to_ascii_uppercase();
        format!("OUTGATE_{}", name.replace(['.', '-'], "_"))
    }

    /// The rule whose action it is.
    pub fn rule(&self) -> Option<Rule> {
        self.name.strip_prefix("rules.").and_then(Rule::from_id)
    }

    const fn later(mut self) -> Key {
        self.later = true;
        self
    }
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Bool,
    Word(&'static [&'static str]),
    Int {
        min: u64,
        max: u64,
    },
    /// Bytes, or text with a unit.
    Size {
        min: u64,
        max: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Text(Form),
    List(Item),
    WordOrList(&'static [&'static str], Item),
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Any,
    Path,
    /// `IP:PORT`, or nothing.
    Address,
    Url,
}

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Account,
    Host,
    Listener,
    Network,
    Operation,
    Path,
    Port,
    Redirect,
    Text,
}

/// As a message names it, after "wants" or "is not".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |f: &mut fmt::Formatter<'_>, words: &[&str]| {
            for (place, word) in words.iter().enumerate() {
                match place {
                    0 => write!(f, "\"{word}\"")?,
                    _ if place + 1 == words.len() => write!(f, " or \"{word}\"")?,
                    _ => write!(f, ", \"{word}\"")?,
                }
            }
            Ok(())
        };
        match self {
            Kind::Bool => f.write_str("true or false"),
            Kind::Word(list) => words(f, list),
            Kind::Int { min, max } => write!(f, "a number from {min} to {max}"),
            Kind::Size { .. } => f.write_str("a size such as 65536 or \"64KiB\""),
            Kind::Duration { min, max } => {
                write!(
                    f,
                    "a duration from \"{}\" to \"{}\"",
                    Span(*min),
                    Span(*max)
                )
            }
            Kind::Text(_) => f.write_str("a string"),
            Kind::List(item) => write!(f, "a list of {item}"),
            Kind::WordOrList(list, item) => {
                words(f, list)?;
                write!(f, ", or a list of {item}")
            }
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Item::Account => "account ids",
            Item::Host => "hosts",
            Item::Listener => "addresses",
            Item::Network => "networks",
            Item::Operation => "operations",
            Item::Path => "paths",
            Item::Port => "ports",
            Item::Redirect => "redirections",
            Item::Text => "strings",
        })
    }
}

/// Every key outside `[[destinations.rule]]`, in the order of the file.
pub fn all() -> impl Iterator<Item = &'static Key> {
    table::BEFORE_RULES
        .iter()
        .chain(table::RULES)
        .chain(table::AFTER_RULES)
}

/// Every key of a `[[destinations.rule]]`.
pub fn of_rule() -> impl Iterator<Item = &'static Key> {
    table::DESTINATION_RULE.iter().chain(table::RULES)
}

/// The key of that name, outside `[[destinations.rule]]`.
pub fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}
