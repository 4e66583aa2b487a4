//! The address guard: what the resolved addresses show, judged before anything is dialled.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::logic::aws::Operator;
use crate::logic::policy::Policy;
use crate::logic::policy::Redirect;
use crate::logic::policy::effective::Effective;
use crate::logic::policy::effective::Target;
use crate::logic::policy::effective::Way;
use crate::logic::policy::names::NO_PROXY;
use crate::logic::policy::names::finding;
use crate::logic::policy::space;
use crate::logic::policy::space::Space;
use crate::logic::policy::spec::Access;
use crate::model::Action;
use crate::model::Finding;
use crate::model::Rule;
use crate::model::Severity;

impl Policy {
    /// The findings on one address that the target resolves to. `own` are the addresses that
    /// this proxy listens on; for a listener on every interface the caller adds the machine's.
    pub fn judge_address(
        &self,
        target: &Target<'_>,
        effective: &Effective,
        addr: SocketAddr,
        own: &[SocketAddr],
    ) -> Vec<Finding> {
        if own.iter().any(|listener| is_same_socket(*listener, addr)) {
            return vec![finding(
                Rule::PrivateAddress,
                "own-listener",
                "address",
                Action::Block,
                Severity::High,
                format!(
                    "{}{addr}, where this proxy itself listens; a proxy never connects to itself",
                    resolves(target, addr.ip()),
                ),
            )];
        }
        let mut found = Vec::new();
        let named = self
            .connect_to(target.authority)
            .is_some_and(Redirect::names_host);
        if named {
            return found;
        }
        found.extend(self.judge_space(target, effective, addr.ip()));
        // Rules on addresses and networks hold for what a name resolves to as well.
        if effective.access == Access::Allow && !self.destinations.rules.is_empty() {
            let here = self.settle(target, Some(addr.ip()));
            if here.access == Access::Deny {
                found.push(self.denied(&addr.ip().into(), &here, "address"));
            }
        }
        found.retain(|finding| finding.action != Action::Off);
        found
    }

    /// A SigV4 signature that goes in plaintext to a host that is not AWS by name: the caller
    /// saw the signature, this says what follows. `None` for AWS names, whose plaintext is a
    /// finding already, and where the rule is off.
    pub fn judge_plain_signature(
        &self,
        target: &Target<'_>,
        effective: &Effective,
        addresses: &[SocketAddr],
    ) -> Option<Finding> {
        if !target.is_plain() || target.endpoint().is_some() {
            return None;
        }
        // MinIO, moto and LocalStack live there.
        let is_near = |addr: &SocketAddr| {
            matches!(
                Space::of(addr.ip()),
                Space::Loopback | Space::Private | Space::Shared
            )
        };
        let softened = self
            .connect_to(target.authority)
            .is_some_and(Redirect::names_host)
            || (!addresses.is_empty() && addresses.iter().all(is_near));
        let action = match effective.actions.get(Rule::AwsPlaintext) {
            Action::Off => return None,
            Action::Report => Action::Report,
            // The host is not known to speak TLS, so there is nothing to upgrade to.
            Action::Upgrade | Action::Strip | Action::Block if !softened => Action::Block,
            Action::Upgrade | Action::Strip | Action::Block => Action::Report,
        };
        let host = &target.authority.host;
        Some(finding(
            Rule::AwsPlaintext,
            "plain-signature",
            "header.authorization",
            action,
            Severity::High,
            format!(
                "an AWS signature goes to {host} in plaintext, where it can be read and replayed; \
                 use an https:// endpoint_url"
            ),
        ))
    }

    /// The findings on the space that an address lies in.
    pub(super) fn judge_space(
        &self,
        target: &Target<'_>,
        effective: &Effective,
        addr: IpAddr,
    ) -> Option<Finding> {
        let (space, meant) = space::judged(addr);
        let here = resolves(target, addr);
        let carried = if meant == addr {
            String::new()
        } else {
            format!(" (which carries {meant})")
        };
        match space {
            Space::Public => None,
            Space::Metadata => Some(finding(
                Rule::InstanceMetadata,
                "metadata-address",
                "address",
                effective.actions.get(Rule::InstanceMetadata),
                Severity::High,
                format!(
                    "{here}{addr}{carried}, which serves instance metadata or container \
                     credentials and must be asked directly, never through a proxy; add to \
                     NO_PROXY: {}{NO_PROXY}",
                    no_proxy_entry(target, addr),
                ),
            )),
            Space::Reserved | Space::Multicast | Space::LinkLocal => Some(finding(
                Rule::PrivateAddress,
                space.id(),
                "address",
                Action::Block,
                Severity::High,
                format!(
                    "{here}{addr}{carried}, {}, which is never dialled; only a --connect-to \
                     (upstream.connect_to) that names it does",
                    space.words(),
                ),
            )),
            Space::Documentation
            | Space::Benchmark
            | Space::Shared
            | Space::Private
            | Space::Loopback => {
                let rule_here = self.private_action(target, effective, addr);
                let allowed = self
                    .allow_private
                    .iter()
                    .any(|net| net.contains(&addr) || net.contains(&meant));
                if allowed || is_private_link(target, effective, space) {
                    return None;
                }
                let bits = if meant.is_ipv4() { 32 } else { 128 };
                Some(finding(
                    Rule::PrivateAddress,
                    space.id(),
                    "address",
                    rule_here,
                    Severity::Medium,
                    format!(
                        "{here}{addr}{carried}, {}; if it is meant, allow it with \
                         --allow-private {meant}/{bits} (upstream.allow_private)",
                        space.words(),
                    ),
                ))
            }
        }
    }

    /// What `private-address` does here: a rule on the network itself may say.
    fn private_action(&self, target: &Target<'_>, effective: &Effective, addr: IpAddr) -> Action {
        if self.destinations.rules.is_empty() {
            return effective.actions.get(Rule::PrivateAddress);
        }
        self.settle(target, Some(addr))
            .actions
            .get(Rule::PrivateAddress)
    }
}

/// An AWS name that is reached over TLS may resolve to private space: an interface endpoint. The
/// names of customers' machines do not count, because any customer can have one that leads to
/// any private address.
fn is_private_link(target: &Target<'_>, effective: &Effective, space: Space) -> bool {
    let over_tls = match target.way {
        Way::Connect | Way::Intercepted => !target.is_plain(),
        Way::Forward => effective.actions.get(Rule::AwsPlaintext) == Action::Upgrade,
    };
    let is_service = target
        .endpoint()
        .is_some_and(|endpoint| endpoint.operator == Operator::Aws);
    is_service && over_tls && matches!(space, Space::Private | Space::Shared | Space::Benchmark)
}

/// Whether dialling `addr` reaches the listener: the same socket address in any notation, or,
/// for a listener on every interface, this machine's loopback.
pub(super) fn is_same_socket(listener: SocketAddr, addr: SocketAddr) -> bool {
    let (own, ip) = (space::canonical(listener.ip()), space::canonical(addr.ip()));
    let everywhere = listener.ip().is_unspecified() && (ip.is_loopback() || ip.is_unspecified());
    // A client that dials 0.0.0.0 or :: reaches loopback.
    let nowhere = ip.is_unspecified() && own.is_loopback();
    listener.port() == addr.port() && (own == ip || everywhere || nowhere)
}

/// The head of a hint: nothing for a literal, else the name.
fn resolves(target: &Target<'_>, addr: IpAddr) -> String {
    let host = &target.authority.host;
    match host.ip() {
        Some(literal) if literal == addr => "the destination is ".into(),
        Some(_) | None => format!("{host} resolves to "),
    }
}

/// The entry for a name or an unusual address; the usual ones stand in [`NO_PROXY`].
fn no_proxy_entry(target: &Target<'_>, addr: IpAddr) -> String {
    let host = &target.authority.host;
    let known = |text: &str| NO_PROXY.split(',').any(|entry| entry == text);
    match host.ip() {
        Some(_) if known(&addr.to_string()) => String::new(),
        Some(_) | None => format!("{host},"),
    }
}
