//! What would be decided about a request that somebody describes, and why: `outgate explain`.
//!
//! Pure: no name is resolved and nothing is sent. Every line has exactly one answer, also one that
//! cannot be read; that answer never repeats the line, which may hold a secret. The verdict comes
//! from the same [`Policy`] and in the same order as in the proxy.

mod input;
mod judge;
mod output;
mod url;

use std::net::SocketAddr;

use crate::logic::policy::Policy;
use crate::logic::policy::Way;
use crate::logic::scan::FingerprintKey;
use crate::model::Authority;

pub use input::Unreadable;
pub use output::AwsCall;
pub use output::Destination;
pub use output::Explanation;

/// The longest line that is read. A control-plane body is looked at up to 1 MiB, which base64 makes
/// a third longer and JSON's `\u00xx` escapes six times; 8 MiB holds it in every form.
pub const MAX_LINE: usize = 8 * 1024 * 1024;

/// What somebody named, and how a client would ask the proxy for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub authority: Authority,
    pub way: Way,
    /// As a log may show it.
    pub shown: String,
}

impl Named {
    /// Reads a URL, a host, or `HOST:PORT`.
    ///
    /// # Errors
    /// [`Unreadable`], which does not repeat the text.
    pub fn read(text: &str) -> Result<Named, Unreadable> {
        Ok(match input::read_target(text)? {
            input::Input::Request(request) => Named {
                authority: request.url.authority,
                way: request.url.way,
                shown: request.url.shown.to_string(),
            },
            input::Input::Destination(authority) => Named {
                shown: authority.to_string(),
                authority,
                way: Way::Connect,
            },
            input::Input::Field => return Err(Unreadable::NoUrl),
        })
    }
}

/// Explains under one policy.
#[derive(Debug, Clone, Copy)]
pub struct Explainer<'a> {
    policy: &'a Policy,
    own: &'a [SocketAddr],
    key: Option<&'a FingerprintKey>,
}

impl<'a> Explainer<'a> {
    /// `own` are the addresses that the proxy would listen on.
    pub const fn new(policy: &'a Policy, own: &'a [SocketAddr]) -> Explainer<'a> {
        Explainer {
            policy,
            own,
            key: None,
        }
    }

    /// Findings of secrets get a fingerprint under this key; without, they have none.
    #[must_use]
    pub const fn with_key(self, key: &'a FingerprintKey) -> Explainer<'a> {
        Explainer {
            key: Some(key),
            ..self
        }
    }

    /// The answer to one line of `--batch`, without its newline.
    pub fn line(&self, line: &[u8]) -> Explanation {
        self.answer(input::read_line(line))
    }

    /// The answer to what a person gave: a URL, a host, or `HOST:PORT`.
    pub fn target(&self, text: &str) -> Explanation {
        self.answer(input::read_target(text))
    }

    fn answer(&self, input: Result<input::Input, Unreadable>) -> Explanation {
        match input {
            Ok(input) => judge::judge(self, &input),
            Err(unreadable) => Explanation::unreadable(unreadable),
        }
    }
}

#[cfg(test)]
mod tests;
