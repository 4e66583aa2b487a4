//! What a request's head shows of itself: userinfo in its URL, a second name for its host.

use crate::logic::aws::classify;
use crate::logic::policy::Policy;
use crate::logic::policy::effective::Effective;
use crate::logic::policy::effective::Target;
use crate::logic::policy::names::finding;
use crate::model::Action;
use crate::model::Authority;
use crate::model::Finding;
use crate::model::Host;
use crate::model::Rule;
use crate::model::Severity;

impl Policy {
    /// The findings on a host that a request names besides its `target`, judged as if it were
    /// asked for: where `sni-mismatch` lets such a name pass, the rules on it still hold.
    pub fn judge_named(&self, named: &Host, target: &Target<'_>) -> Vec<Finding> {
        if *named == target.authority.host {
            return Vec::new();
        }
        let authority = Authority {
            host: named.clone(),
            port: target.authority.port,
        };
        let class = classify(named);
        let named = Target {
            authority: &authority,
            class: &class,
            way: target.way,
        };
        self.judge_name(&named, &self.effective(&named))
    }
}

impl Effective {
    /// Userinfo of `length` bytes in the URL: with a password it is a credential, a name alone is
    /// reported at most.
    pub fn judge_userinfo(&self, has_password: bool, length: usize) -> Option<Finding> {
        let action = self.actions.get(Rule::UrlCredentials);
        let found = if has_password {
            finding(
                Rule::UrlCredentials,
                "userinfo",
                "userinfo",
                action,
                Severity::High,
                "The URL carries a user name and a password (user:password@host). Send them in an \
                 Authorization header (curl --user, requests auth=), or keep them in a netrc or a \
                 git credential helper."
                    .to_owned(),
            )
        } else {
            finding(
                Rule::UrlCredentials,
                "username",
                "userinfo",
                action.min(Action::Report),
                Severity::Info,
                "The URL carries a user name (user@host).".to_owned(),
            )
        };
        (action != Action::Off).then_some(Finding {
            length: u64::try_from(length).ok(),
            ..found
        })
    }

    /// The head names `named` in `place` (its Host field, say), while it asks for `authority`:
    /// what a server behind it would go by must be what was judged.
    pub fn judge_host(
        &self,
        named: &Host,
        place: &'static str,
        authority: &Authority,
    ) -> Option<Finding> {
        let action = self.actions.get(Rule::SniMismatch);
        (action != Action::Off && *named != authority.host).then(|| {
            finding(
                Rule::SniMismatch,
                "host-header",
                place,
                action,
                Severity::High,
                format!(
                    "The request is for {}, but its Host header names {named}; one request must \
                     name one host. Remove the Host header that the program sets by itself.",
                    authority.host
                ),
            )
        })
    }
}
