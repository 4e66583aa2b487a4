//! The words that all floors share. Imports nothing of ours.

mod finding;
mod host;
pub mod limits;
mod rule;
mod secret;
mod url;

pub use finding::{Decision, Finding, Verdict};
pub use host::{Authority, AuthorityError, DnsName, Host, HostError};
pub use rule::{Action, Mode, Rule, RuleActions, Severity};
pub use secret::{Login, Secret};
pub use url::SafeUrl;
pub(crate) use url::is_unprintable;
