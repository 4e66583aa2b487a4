//! Name constraints, to a certificate and from it.

use std::net::IpAddr;

use ipnet::IpNet;
use rcgen::CidrSubnet;
use rcgen::GeneralSubtree;
use rcgen::NameConstraints;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions;
use x509_parser::extensions::GeneralName;

use crate::logic::policy::Constraints;

/// As a certificate carries them.
pub(super) fn write(constraints: &Constraints) -> NameConstraints {
    let subtrees = |names: &[String], networks: &[IpNet]| {
        let names = names.iter().cloned().map(GeneralSubtree::DnsName);
        let networks = networks.iter().map(|network| {
            let subnet = CidrSubnet::from_addr_prefix(network.network(), network.prefix_len());
            GeneralSubtree::IpAddress(subnet)
        });
        names.chain(networks).collect()
    };
    let all = |list: &Option<Vec<IpNet>>| list.clone().unwrap_or_default();
    NameConstraints {
        permitted_subtrees: subtrees(
            constraints.permitted_names.as_deref().unwrap_or_default(),
            &all(&constraints.permitted_networks),
        ),
        excluded_subtrees: subtrees(&constraints.excluded_names, &constraints.excluded_networks),
    }
}

/// Those of a certificate; `None` where some are of names or addresses and cannot be read.
pub(super) fn read(certificate: &X509Certificate<'_>) -> Option<Constraints> {
    let mut constraints = Constraints::default();
    let Some(found) = certificate.name_constraints().ok()? else {
        return Some(constraints);
    };
    for subtree in found.value.permitted_subtrees.iter().flatten() {
        match entry(subtree)? {
            Entry::Name(name) => {
                let names = constraints.permitted_names.get_or_insert_default();
                names.push(name);
            }
            Entry::Network(network) => {
                let networks = constraints.permitted_networks.get_or_insert_default();
                networks.push(network);
            }
            Entry::Other => {}
        }
    }
    for subtree in found.value.excluded_subtrees.iter().flatten() {
        match entry(subtree)? {
            Entry::Name(name) => constraints.excluded_names.push(name),
            Entry::Network(network) => constraints.excluded_networks.push(network),
            Entry::Other => {}
        }
    }
    Some(constraints)
}

enum Entry {
    Name(String),
    Network(IpNet),
    /// Of mail addresses and the like, which a leaf of ours never carries.
    Other,
}

fn entry(subtree: &extensions::GeneralSubtree<'_>) -> Option<Entry> {
    Some(match &subtree.base {
        GeneralName::DNSName(name) => Entry::Name(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => Entry::Network(network(bytes)?),
        _ => Entry::Other,
    })
}

/// An address and its mask.
fn network(bytes: &[u8]) -> Option<IpNet> {
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let read = |bytes: &[u8]| {
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
            .ok()
    };
    IpNet::with_netmask(read(address)?, read(mask)?)
        .ok()
        .map(|network| network.trunc())
}
