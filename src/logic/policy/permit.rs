//! The permit: what may be dialled, as a value that only a decision gives.

use std::net::SocketAddr;

use crate::logic::policy::Policy;
use crate::logic::policy::addresses::is_same_socket;
use crate::logic::policy::effective::Effective;
use crate::logic::policy::effective::Target;
use crate::model::Action;
use crate::model::Authority;
use crate::model::Decision;
use crate::model::Finding;
use crate::model::Verdict;

/// What a decision allows to be dialled. Made only by [`Policy::permit`] and
/// [`Policy::permit_by_name`]; dialling takes it, so that nothing can be dialled without a decision.
///
/// ```compile_fail
/// let forged = outgate::logic::policy::Permit { reach: todo!() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    Addresses(Box<[SocketAddr]>),
    /// Through the parent proxy.
    Parent(Box<ByName>),
}

/// What may be asked of which parent proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByName {
    pub asked: Authority,
    pub proxy: Authority,
}

/// The parent proxy's name leads back to this proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the parent proxy (upstream.proxy) is at {0}, where this proxy itself listens; name another one"
)]
pub struct ParentIsSelf(pub SocketAddr);

impl Permit {
    pub(super) fn by_name(asked: Authority, proxy: Authority) -> Permit {
        Permit {
            reach: Reach::Parent(Box::new(ByName { asked, proxy })),
        }
    }

    /// The addresses, in the order that the resolver gave; none where a parent proxy is asked.
    pub fn addresses(&self) -> &[SocketAddr] {
        match &self.reach {
            Reach::Addresses(addresses) => addresses,
            Reach::Parent(_) => &[],
        }
    }

    /// What is asked of the parent proxy, if the way leads through it.
    pub fn through_parent(&self) -> Option<&ByName> {
        match &self.reach {
            Reach::Addresses(_) => None,
            Reach::Parent(by_name) => Some(by_name),
        }
    }

    /// The leave to dial the parent proxy, for what may be asked of it. `addresses` are the
    /// parent's, `own` those that this proxy listens on.
    ///
    /// # Errors
    /// [`ParentIsSelf`]: the way would never end.
    pub fn to_parent(
        &self,
        addresses: &[SocketAddr],
        own: &[SocketAddr],
    ) -> Result<Permit, ParentIsSelf> {
        let is_own = |addr: &&SocketAddr| own.iter().any(|own| is_same_socket(*own, **addr));
        match (&self.reach, addresses.iter().find(is_own)) {
            (Reach::Addresses(_), _) => Ok(self.clone()),
            (Reach::Parent(_), Some(addr)) => Err(ParentIsSelf(*addr)),
            (Reach::Parent(_), None) => Ok(Permit {
                reach: Reach::Addresses(addresses.into()),
            }),
        }
    }

    /// Whether exactly this address is allowed.
    pub fn allows(&self, addr: SocketAddr) -> bool {
        self.addresses().contains(&addr)
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
            reach: Reach::Addresses(addresses.into()),
        });
        (decision, permit)
    }
}
