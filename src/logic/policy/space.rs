//! The address guard's table: what kind of space an address lies in, whatever its notation.
//!
//! Ranges are those of the IANA special-purpose registries (RFC 6890 and its updates). An IPv6
//! address that only carries an IPv4 one counts as the address that it carries.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// A kind of address space; ordered by how grave it is to be sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Globally reachable.
    Public,
    /// 192.0.2.0/24 and the like: nobody's, but used as stand-ins on private networks.
    Documentation,
    /// 198.18.0.0/15, 2001:2::/48.
    Benchmark,
    /// 100.64.0.0/10.
    Shared,
    /// RFC 1918, unique local and the old site-local addresses.
    Private,
    /// 127.0.0.0/8, ::1.
    Loopback,
    /// This network, broadcast, unassigned and what the registries reserve.
    Reserved,
    Multicast,
    LinkLocal,
    /// A cloud's instance metadata or container credentials.
    Metadata,
}

impl Space {
    /// The kind of space that `addr` lies in.
    pub fn of(addr: IpAddr) -> Space {
        judged(addr).0
    }

    /// The record's word, and the kind of the finding.
    pub const fn id(self) -> &'static str {
        match self {
            Space::Public => "public",
            Space::Documentation => "documentation",
            Space::Benchmark => "benchmark",
            Space::Shared => "cgnat",
            Space::Private => "private",
            Space::Loopback => "loopback",
            Space::Reserved => "reserved",
            Space::Multicast => "multicast",
            Space::LinkLocal => "link-local",
            Space::Metadata => "metadata",
        }
    }

    /// In words, for a hint.
    pub const fn words(self) -> &'static str {
        match self {
            Space::Public => "a public address",
            Space::Documentation => "documentation address space",
            Space::Benchmark => "benchmark address space (RFC 2544)",
            Space::Shared => "carrier-grade NAT address space (RFC 6598)",
            Space::Private => "private address space",
            Space::Loopback => "a loopback address",
            Space::Reserved => "reserved address space",
            Space::Multicast => "a multicast address",
            Space::LinkLocal => "a link-local address",
            Space::Metadata => "an instance metadata address",
        }
    }

    /// Whether no setting but `connect_to` opens it.
    pub const fn is_always_closed(self) -> bool {
        match self {
            Space::Reserved | Space::Multicast | Space::LinkLocal => true,
            Space::Public
            | Space::Documentation
            | Space::Benchmark
            | Space::Shared
            | Space::Private
            | Space::Loopback
            | Space::Metadata => false,
        }
    }
}

/// The gravest space among the address itself and what it carries, and the address it is of.
pub(super) fn judged(addr: IpAddr) -> (Space, IpAddr) {
    let v6 = match addr {
        IpAddr::V4(v4) => return (of_v4(v4), addr),
        IpAddr::V6(v6) => v6,
    };
    let mut gravest = (of_v6(v6), addr);
    for v4 in carried(v6) {
        let space = of_v4(v4);
        if space > gravest.0 {
            gravest = (space, IpAddr::V4(v4));
        }
    }
    gravest
}

/// The address and every IPv4 address that it carries, for lists of networks.
pub(super) fn readings(addr: IpAddr) -> impl Iterator<Item = IpAddr> {
    let carried = match addr {
        IpAddr::V4(_) => Vec::new(),
        IpAddr::V6(v6) => carried(v6),
    };
    std::iter::once(addr).chain(carried.into_iter().map(IpAddr::V4))
}

/// The form in which two addresses that reach the same socket are equal.
pub(super) fn canonical(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(_) => addr,
        IpAddr::V6(v6) => match carried(v6).as_slice() {
            [one] => IpAddr::V4(*one),
            _ => addr,
        },
    }
}

fn of_v4(addr: Ipv4Addr) -> Space {
    // AWS (instances, containers, EKS pods), Alibaba, Oracle, Azure's wire server, Tencent.
    const METADATA: [Ipv4Addr; 7] = [
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(169, 254, 170, 2),
        Ipv4Addr::new(169, 254, 170, 23),
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(192, 0, 0, 192),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(169, 254, 0, 23),
    ];
    if METADATA.contains(&addr) {
        return Space::Metadata;
    }
    match addr.octets() {
        [127, ..] => Space::Loopback,
        [10, ..] | [192, 168, ..] => Space::Private,
        [172, b, ..] if b & 0xf0 == 16 => Space::Private,
        [100, b, ..] if b & 0xc0 == 64 => Space::Shared,
        [169, 254, ..] => Space::LinkLocal,
        [198, 18 | 19, ..] => Space::Benchmark,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Space::Documentation,
        [a, ..] if a & 0xf0 == 224 => Space::Multicast,
        // PCP and TURN anycast are the only reachable addresses of 192.0.0.0/24.
        [192, 0, 0, 9 | 10] => Space::Public,
        // 192.88.99.0/24 was the 6to4 relays' anycast, which RFC 7526 took back.
        [0, ..] | [192, 0, 0, _] | [192, 88, 99, _] => Space::Reserved,
        [a, ..] if a >= 240 => Space::Reserved,
        _ => Space::Public,
    }
}

fn of_v6(addr: Ipv6Addr) -> Space {
    // AWS (instances, EKS pods), Google, OpenStack.
    const METADATA: [Ipv6Addr; 4] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    ];
    if METADATA.contains(&addr) {
        return Space::Metadata;
    }
    if addr.is_loopback() {
        return Space::Loopback;
    }
    // What wraps an IPv4 address says nothing by itself.
    if is_wrapper(addr) {
        return Space::Public;
    }
    match addr.segments() {
        [a, ..] if a & 0xff00 == 0xff00 => Space::Multicast,
        [a, ..] if a & 0xffc0 == 0xfe80 => Space::LinkLocal,
        [a, ..] if a & 0xffc0 == 0xfec0 => Space::Private,
        [a, ..] if a & 0xfe00 == 0xfc00 => Space::Private,
        [0x2001, 0x2, 0, ..] => Space::Benchmark,
        [0x2001, 0xdb8, ..] => Space::Documentation,
        [0x3fff, b, ..] if b & 0xf000 == 0 => Space::Documentation,
        // Of the IETF protocol assignments (2001::/23) PCP and TURN anycast, AMT and AS112 are
        // reachable; ORCHID, DRIP and the rest are identifiers.
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] | [0x2001, 3, ..] | [0x2001, 4, 0x112, ..] => {
            Space::Public
        }
        [0x2001, b, ..] if b & 0xfe00 == 0 => Space::Reserved,
        // Only 2000::/3 is assigned for global unicast.
        [a, ..] if a & 0xe000 == 0x2000 => Space::Public,
        _ => Space::Reserved,
    }
}

/// Whether the address only carries an IPv4 address.
fn is_wrapper(addr: Ipv6Addr) -> bool {
    matches!(
        addr.segments(),
        [0, 0, 0, 0, 0, 0, ..]
            | [0, 0, 0, 0, 0, 0xffff, ..]
            | [0, 0, 0, 0, 0xffff, 0, ..]
            | [0x64, 0xff9b, 0, 0, 0, 0, ..]
            | [0x64, 0xff9b, 1, ..]
            | [0x2002, ..]
            | [0x2001, 0, ..]
    )
}

/// The IPv4 addresses that an IPv6 address carries.
fn carried(addr: Ipv6Addr) -> Vec<Ipv4Addr> {
    let [.., m, n, o, p] = addr.octets();
    let last = Ipv4Addr::new(m, n, o, p);
    let pair = |a: u16, b: u16| {
        let ([w, x], [y, z]) = (a.to_be_bytes(), b.to_be_bytes());
        Ipv4Addr::new(w, x, y, z)
    };
    match addr.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Vec::new(),
        // Compatible, mapped, translated (RFC 2765), NAT64's well-known prefix (RFC 6052).
        [0, 0, 0, 0, 0, 0, ..]
        | [0, 0, 0, 0, 0, 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        // NAT64 for local use (RFC 8215).
        [0x64, 0xff9b, 1, ..] => nat64_local(addr.octets()),
        // 6to4 (RFC 3056).
        [0x2002, a, b, ..] => vec![pair(a, b)],
        // Teredo (RFC 4380): the server, and the client with its bits turned over.
        [0x2001, 0, a, b, _, _, c, d] => vec![pair(a, b), pair(!c, !d)],
        // ISATAP (RFC 5214) marks the interface half of any prefix.
        [.., 0 | 0x200, 0x5efe, c, d] => vec![pair(c, d)],
        _ => Vec::new(),
    }
}

/// The candidates under 64:ff9b:1::/48: an operator's prefix may be 48, 56, 64 or 96 bits long,
/// skips octet 8 and has zeros behind the address (RFC 6052). A candidate of 0.x is the prefix's
/// own zeros.
fn nat64_local(octets: [u8; 16]) -> Vec<Ipv4Addr> {
    let [.., d, e, u, q, r, s, m, n, o, p] = octets;
    let last = Ipv4Addr::new(m, n, o, p);
    let candidates = [
        ([u, s, m, n, o, p] == [0; 6], Ipv4Addr::new(d, e, q, r)),
        ([u, m, n, o, p] == [0; 5], Ipv4Addr::new(e, q, r, s)),
        ([u, n, o, p] == [0; 4], Ipv4Addr::new(q, r, s, m)),
        (true, last),
    ];
    let found: Vec<_> = candidates
        .into_iter()
        .filter(|(fits, v4)| *fits && v4.octets().first() != Some(&0))
        .map(|(_, v4)| v4)
        .collect();
    if found.is_empty() { vec![last] } else { found }
}

#[cfg(test)]
mod tests;
