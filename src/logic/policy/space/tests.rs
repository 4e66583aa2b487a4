use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::Space;

#[test]
fn every_range_has_its_kind() {
    let cases = [
        ("8.8.8.8", Space::Public),
        ("1.1.1.1", Space::Public),
        ("100.63.255.255", Space::Public),
        ("100.128.0.0", Space::Public),
        ("172.15.255.255", Space::Public),
        ("172.32.0.0", Space::Public),
        ("192.0.0.9", Space::Public),
        ("198.17.255.255", Space::Public),
        ("198.20.0.0", Space::Public),
        ("223.255.255.255", Space::Public),
        ("127.0.0.1", Space::Loopback),
        ("127.255.255.254", Space::Loopback),
        ("10.0.0.0", Space::Private),
        ("172.16.0.1", Space::Private),
        ("172.31.255.255", Space::Private),
        ("192.168.1.1", Space::Private),
        ("100.64.0.1", Space::Shared),
        ("100.127.255.255", Space::Shared),
        ("198.18.0.1", Space::Benchmark),
        ("198.19.255.255", Space::Benchmark),
        ("192.0.2.1", Space::Documentation),
        ("198.51.100.1", Space::Documentation),
        ("203.0.113.9", Space::Documentation),
        ("169.254.1.1", Space::LinkLocal),
        ("224.0.0.1", Space::Multicast),
        ("239.255.255.255", Space::Multicast),
        ("0.0.0.0", Space::Reserved),
        ("0.1.2.3", Space::Reserved),
        ("192.0.0.1", Space::Reserved),
        ("240.0.0.1", Space::Reserved),
        ("255.255.255.255", Space::Reserved),
        ("169.254.169.254", Space::Metadata),
        ("169.254.170.2", Space::Metadata),
        ("169.254.170.23", Space::Metadata),
        ("100.100.100.200", Space::Metadata),
        ("192.0.0.192", Space::Metadata),
        ("168.63.129.16", Space::Metadata),
        ("2600:1f18::1", Space::Public),
        ("2a00:1450:4001:80b::200e", Space::Public),
        ("2001:4860:4860::8888", Space::Public),
        ("2001:1::1", Space::Public),
        ("2001:4:112::1", Space::Public),
        ("::1", Space::Loopback),
        ("fc00::1", Space::Private),
        ("fdff::1", Space::Private),
        ("fec0::1", Space::Private),
        ("fe80::1", Space::LinkLocal),
        ("febf::1", Space::LinkLocal),
        ("ff02::1", Space::Multicast),
        ("2001:2::1", Space::Benchmark),
        ("2001:db8::1", Space::Documentation),
        ("3fff:fff::1", Space::Documentation),
        ("3fff:1000::1", Space::Public),
        ("::", Space::Reserved),
        ("100::1", Space::Reserved),
        ("2001:20::1", Space::Reserved),
        ("2001:30::1", Space::Reserved),
        ("4000::1", Space::Reserved),
        ("5f00::1", Space::Reserved),
        ("fd00:ec2::254", Space::Metadata),
        ("fd00:ec2::23", Space::Metadata),
        ("fd20:ce::254", Space::Metadata),
        ("fe80::a9fe:a9fe", Space::Metadata),
        // Carried IPv4 addresses.
        ("::ffff:169.254.169.254", Space::Metadata),
        ("64:ff9b::a9fe:a9fe", Space::Metadata),
        ("64:ff9b::8.8.8.8", Space::Public),
        ("64:ff9b:1::10.0.0.1", Space::Private),
        ("64:ff9b:1:fffe::10.0.0.1", Space::Private),
        ("64:ff9b:1:0a00:0:100::", Space::Private),
        ("64:ff9b:1::8.8.8.8", Space::Public),
        ("2002:a9fe:a9fe::1", Space::Metadata),
        ("2002:808:808::1", Space::Public),
        ("2001:0:7f00:1:0:ffff:f7f7:f7f7", Space::Loopback),
        ("2600::5efe:10.0.0.1", Space::Private),
        ("fe80::200:5efe:8.8.8.8", Space::LinkLocal),
    ];
    for (text, space) in cases {
        let addr: IpAddr = text.parse().unwrap();
        assert_eq!(Space::of(addr), space, "{text}");
    }
}

/// Every IPv6 notation of an IPv4 address.
fn notations(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let (x, y) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let public = [0x0808, 0x0808];
    let mut all = vec![
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, x, y),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, x, y),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, x, y),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, x, y),
        Ipv6Addr::new(0x2002, x, y, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, public[0], public[1], 0, 0xffff, !x, !y),
        Ipv6Addr::new(0x2001, 0, x, y, 0, 0xffff, !public[0], !public[1]),
        Ipv6Addr::new(0x2600, 1, 2, 3, 0, 0x5efe, x, y),
        Ipv6Addr::new(0x2600, 1, 2, 3, 0x200, 0x5efe, x, y),
    ];
    if v4 != Ipv4Addr::new(0, 0, 0, 1) {
        all.push(Ipv6Addr::new(0, 0, 0, 0, 0, 0, x, y));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_notation_changes_nothing(
        octets in prop_oneof![
            any::<[u8; 4]>(),
            (0u8..=255, 0u8..=255).prop_map(|(c, d)| [169, 254, c, d]),
            (0u8..=255, 0u8..=255).prop_map(|(c, d)| [192, 0, c, d]),
            (0u8..=255).prop_map(|d| [127, 0, 0, d]),
            Just([169, 254, 169, 254]),
            Just([10, 0, 0, 0]),
        ]
    ) {
        let v4 = Ipv4Addr::from(octets);
        for v6 in notations(v4) {
            prop_assert_eq!(Space::of(v4.into()), Space::of(v6.into()), "{} as {}", v4, v6);
        }
    }

    #[test]
    fn every_address_is_judged(bits in any::<u128>()) {
        let _ = Space::of(Ipv6Addr::from(bits).into());
    }
}
