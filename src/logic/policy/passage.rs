//! Where a destination is reached: at its own addresses, or by its name through the parent proxy.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use crate::logic::policy::Policy;
use crate::logic::policy::addresses::is_same_socket;
use crate::logic::policy::effective::Effective;
use crate::logic::policy::effective::Target;
use crate::logic::policy::no_proxy::NoProxy;
use crate::logic::policy::permit::ParentIsSelf;
use crate::logic::policy::permit::Permit;
use crate::logic::policy::space::Space;
use crate::model::Authority;
use crate::model::Decision;
use crate::model::Finding;
use crate::model::Host;

/// The parent proxy as far as verdicts and the record are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRoute {
    /// It is spoken to over TLS.
    pub tls: bool,
    pub proxy: Authority,
    pub no_proxy: NoProxy,
}

impl ParentRoute {
    /// Whether it is one of these listeners, as far as that shows without resolving.
    pub fn is_among(&self, own: &[SocketAddr]) -> Option<ParentIsSelf> {
        let Authority { host, port } = &self.proxy;
        let named = match host.ip() {
            Some(ip) => vec![ip],
            None if is_here(host) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            None => Vec::new(),
        };
        named
            .into_iter()
            .map(|ip| SocketAddr::new(ip, *port))
            .find(|addr| own.iter().any(|own| is_same_socket(*own, *addr)))
            .map(ParentIsSelf)
    }
}

/// Which way a destination is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// This host is resolved and dialled by us.
    Direct(Authority),
    /// The parent proxy is asked for it; a name is resolved there.
    Parent(Authority),
}

impl Policy {
    /// The way to `asked`, redirections followed first, as curl does.
    ///
    /// What lies on this machine is never asked of a parent, for which `localhost` is another
    /// machine; so a redirection to a mock server on loopback works as it does without a parent.
    pub fn passage(&self, asked: &Authority) -> Passage {
        let led = self
            .connect_to(asked)
            .map_or_else(|| asked.clone(), |redirect| redirect.target(asked));
        match &self.parent {
            Some(parent)
                if !is_here(&led.host)
                    && !parent.no_proxy.matches(asked)
                    && !parent.no_proxy.matches(&led) =>
            {
                Passage::Parent(led)
            }
            Some(_) | None => Passage::Direct(led),
        }
    }

    /// As [`Policy::permit`], for what the parent proxy is asked for. A name is not resolved here,
    /// so no address of it is judged; an address that was named is.
    pub fn permit_by_name(
        &self,
        target: &Target<'_>,
        effective: &Effective,
        found: Vec<Finding>,
        asked: Authority,
        own: &[SocketAddr],
    ) -> (Decision, Option<Permit>) {
        let known = asked.host.ip().map(|ip| SocketAddr::new(ip, asked.port));
        let (decision, permit) = self.permit(target, effective, found, known.as_slice(), own);
        let by_name = match (&self.parent, permit) {
            (Some(parent), Some(_)) => Some(Permit::by_name(asked, parent.proxy.clone())),
            (Some(_) | None, permit) => permit,
        };
        (decision, by_name)
    }
}

/// RFC 6761, section 6.3: `localhost` and all under it.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Name(name) => name.is_under("localhost"),
        Host::V4(addr) => Space::of((*addr).into()) == Space::Loopback,
        Host::V6(addr) => Space::of((*addr).into()) == Space::Loopback,
    }
}
