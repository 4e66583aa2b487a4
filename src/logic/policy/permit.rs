//! The permit: what may be dialled, as a value that only a decision gives.

use std::net::SocketAddr;

use crate::logic::policy::Policy;
use crate::logic::policy::effective::Effective;
use crate::logic::policy::effective::Target;
use crate::model::Action;
use crate::model::Decision;
use crate::model::Finding;
use crate::model::Verdict;

/// The addresses that a decision allows. Made only by [`Policy::permit`]; dialling takes it, so
/// that nothing can be dialled without a decision.
///
/// ```compile_fail
/// let forged = outgate::logic::policy::Permit { addresses: Box::new([]) };
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    addresses: Box<[SocketAddr]>,
}

impl Permit {
    /// The addresses, in the order that the resolver gave.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether exactly this address is allowed.
    pub fn allows(&self, addr: SocketAddr) -> bool {
        self.addresses.contains(&addr)
    }
}

impl Policy {
    /// Whether the findings so far refuse the request, so that nothing is resolved for it.
    pub fn refuses(&self, found: &[Finding], effective: &Effective) -> bool {
        Decision::from_findings(found.to_vec(), effective.mode).is_block()
    }

    /// The decision on a target and all its addresses, and the permit unless it is refused. A
    /// name of which one address is refused is refused: which of them a client would get is
    /// chance, and a public name that also answers with a private address is an attack's sign.
    ///
    /// `found` is what was found before (by [`Policy::judge_name`] and others); `own` are the
    /// addresses that this proxy listens on.
    pub fn permit(
        &self,
        target: &Target<'_>,
        effective: &Effective,
        found: Vec<Finding>,
        addresses: &[SocketAddr],
        own: &[SocketAddr],
    ) -> (Decision, Option<Permit>) {
        let mut findings = found;
        for addr in addresses {
            for new in self.judge_address(target, effective, *addr, own) {
                // A literal was judged by name already; ten addresses of one kind are one matter.
                let same = |old: &Finding| {
                    (old.rule, old.kind, &old.place) == (new.rule, new.kind, &new.place)
                };
                match findings.iter_mut().find(|old| same(old)) {
                    Some(old) if old.action >= new.action => {}
                    Some(old) => *old = new,
                    None => findings.push(new),
                }
            }
        }
        findings.retain(|finding| finding.action != Action::Off);
        let decision = Decision::from_findings(findings, effective.mode);
        let permit = (decision.verdict != Verdict::Block).then(|| Permit {
            addresses: addresses.into(),
        });
        (decision, permit)
    }
}
