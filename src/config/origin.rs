//! Where a value came from.

use std::fmt;
use std::sync::Arc;

/// The source of a value, as `config show` and messages name it. Ordered as mistakes are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    Default,
    File {
        path: Arc<str>,
        line: usize,
    },
    /// The variable.
    Env(String),
    /// The flag, with its dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{path}:{line}"),
            Origin::Env(name) => f.write_str(name),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}
