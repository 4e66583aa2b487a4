//! From a target to the addresses that may be dialled: rules on names, resolving, the address
//! guard. Nothing is resolved for a refused name.

use std::net::{IpAddr, SocketAddr};

use crate::edge::resolve::Resolver;
use crate::logic::aws::Class;
use crate::logic::policy::{Effective, Passage, Permit, Policy, Target};
use crate::logic::record::{AwsCall, Destination};
use crate::model::{Authority, Decision, Finding, Host};

/// What came of a target.
#[derive(Debug)]
pub(super) enum Routed {
    Refused(Decision),
    /// The rules allow it, but its name has no address.
    Unresolved {
        decision: Decision,
        reason: String,
    },
    Permitted {
        decision: Decision,
        permit: Permit,
        answered: Option<String>,
    },
}

/// What the head showed.
#[derive(Debug, Default)]
pub(super) struct HeadFacts {
    pub(super) found: Vec<Finding>,
    /// The hosts that it names by itself, whatever is asked for.
    pub(super) named: Vec<Host>,
    /// It carries an AWS signature.
    pub(super) is_signed: bool,
}

/// Judges `target` by what its head showed, by name and by address.
pub(super) async fn route(
    policy: &Policy,
    resolver: &Resolver,
    own: &[SocketAddr],
    target: &Target<'_>,
    effective: &Effective,
    head: HeadFacts,
    known: Option<&Permit>,
) -> Routed {
    let HeadFacts {
        mut found,
        named,
        is_signed,
    } = head;
    found.extend(policy.judge_name(target, effective));
    if policy.refuses(&found, effective) {
        return Routed::Refused(Decision::from_findings(found, effective.mode));
    }
    // Where `sni-mismatch` lets another name pass, that name is judged as well.
    for host in &named {
        found.extend(policy.judge_named(host, target));
    }
    if policy.refuses(&found, effective) {
        return Routed::Refused(Decision::from_findings(found, effective.mode));
    }
    // What is upgraded goes where an https:// URL would go.
    let asked = if Decision::from_findings(found.clone(), effective.mode).is_upgrade() {
        Authority {
            port: tls_port(target.authority.port),
            ..target.authority.clone()
        }
    } else {
        target.authority.clone()
    };
    let passage = match known.and_then(Permit::through_parent) {
        Some(by_name) => Passage::Parent(by_name.asked.clone()),
        None => policy.passage(&asked),
    };
    let (addresses, answered) = match (&passage, known) {
        // Resolved there; only an address that was named is known here.
        (Passage::Parent(led), _) => {
            let named = led.host.ip().map(|ip| SocketAddr::new(ip, led.port));
            (named.into_iter().collect(), None)
        }
        (Passage::Direct(_), Some(known)) => (known.addresses().to_vec(), None),
        (Passage::Direct(led), None) => match addresses_of(resolver, &led.host).await {
            Ok((addresses, answered)) => {
                let socket = |ip| SocketAddr::new(ip, led.port);
                (addresses.into_iter().map(socket).collect(), answered)
            }
            Err(reason) => {
                return Routed::Unresolved {
                    decision: Decision::from_findings(found, effective.mode),
                    reason,
                };
            }
        },
    };
    if is_signed {
        found.extend(policy.judge_plain_signature(target, effective, &addresses));
    }
    let target = Target {
        authority: &asked,
        ..*target
    };
    let (decision, permit) = match passage {
        Passage::Direct(_) => policy.permit(&target, effective, found, &addresses, own),
        Passage::Parent(led) => policy.permit_by_name(&target, effective, found, led, own),
    };
    match permit {
        Some(permit) => Routed::Permitted {
            decision,
            permit,
            answered,
        },
        None => Routed::Refused(decision),
    }
}

/// Where `http://` on `port` would be found with `https://`.
const fn tls_port(port: u16) -> u16 {
    if port == 80 { 443 } else { port }
}

/// The addresses of a host, and the name that answered if it is another one.
pub(super) async fn addresses_of(
    resolver: &Resolver,
    host: &Host,
) -> Result<(Vec<IpAddr>, Option<String>), String> {
    match host {
        Host::V4(addr) => Ok((vec![IpAddr::V4(*addr)], None)),
        Host::V6(addr) => Ok((vec![IpAddr::V6(*addr)], None)),
        Host::Name(name) => {
            let answer = resolver
                .resolve(name)
                .await
                .map_err(|error| error.to_string())?;
            Ok((answer.addresses.clone(), answer.answered.clone()))
        }
    }
}

/// What the endpoint's name tells, as the record has it.
pub(super) fn described(class: &Class) -> (Destination, Option<AwsCall>) {
    match class {
        Class::Other => (
            Destination {
                class: "other",
                ..Destination::default()
            },
            None,
        ),
        Class::Aws(endpoint) => {
            let service = endpoint.service.as_ref().map(ToString::to_string);
            let region = endpoint.region.as_ref().map(ToString::to_string);
            let destination = Destination {
                class: "aws",
                service: service.clone(),
                region: region.clone(),
                partition: Some(endpoint.partition),
                ..Destination::default()
            };
            (
                destination,
                Some(AwsCall {
                    service,
                    region,
                    ..AwsCall::default()
                }),
            )
        }
    }
}
