use proptest::prelude::*;

use super::*;
use crate::logic::aws::Class;
use crate::logic::aws::classify;
use crate::logic::policy::spec::DestinationRule;

fn pattern(text: &str) -> HostPattern {
    HostPattern::parse(text).unwrap()
}

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

fn spec(hosts: InterceptHosts) -> PolicySpec {
    let mut spec = PolicySpec::default();
    spec.intercept.hosts = hosts;
    spec
}

fn listed(texts: &[&str]) -> PolicySpec {
    spec(InterceptHosts::Listed(
        texts.iter().copied().map(pattern).collect(),
    ))
}

#[test]
fn a_closed_list_becomes_the_closest_constraints() {
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], &'a [&'a str]);
    const NO_V6: &str = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128";
    let both: &[&str] = &["0.0.0.0/0", "::/0"];
    let cases: [Case<'_>; 5] = [
        (
            &["b.example", "*.a.example"],
            &["a.example", "b.example"],
            &[],
            both,
        ),
        (
            &["*.example", "a.example", "*.b.example"],
            &["example"],
            &[],
            both,
        ),
        (
            &["10.0.0.0/8", "10.1.2.3"],
            &["none.invalid"],
            &["10.0.0.0/8", NO_V6],
            &[],
        ),
        (
            &["a.example", "192.0.2.1", "fd00::/8"],
            &["a.example"],
            &["192.0.2.1/32", "fd00::/8"],
            &[],
        ),
        (
            &["::1"],
            &["none.invalid"],
            &["255.255.255.255/32", "::1/128"],
            &[],
        ),
    ];
    for (hosts, names, networks, excluded) in cases {
        let constraints = Constraints::of(&listed(hosts)).unwrap();
        let shown = |networks: &[IpNet]| -> Vec<String> {
            networks.iter().map(ToString::to_string).collect()
        };
        for nobody in ["none.invalid", "255.255.255.255/32", NO_V6] {
            assert!(!constraints.listed().contains(&nobody.to_owned()));
        }
        assert_eq!(constraints.permitted_names.unwrap(), names, "{hosts:?}");
        let permitted = constraints.permitted_networks.unwrap_or_default();
        assert_eq!(shown(&permitted), networks, "{hosts:?}");
        assert_eq!(shown(&constraints.excluded_networks), excluded, "{hosts:?}");
        assert!(constraints.excluded_names.is_empty());
    }
}

#[test]
fn what_is_no_closed_list_has_none() {
    for hosts in [InterceptHosts::None, InterceptHosts::All] {
        assert_eq!(Constraints::of(&spec(hosts)), None);
    }
    assert_eq!(Constraints::of(&listed(&["a.example", "*"])), None);
    let mut by_port = listed(&["a.example"]);
    by_port.destinations.rules.push(DestinationRule {
        ports: vec![443],
        intercept: Some(true),
        ..DestinationRule::default()
    });
    assert_eq!(Constraints::of(&by_port), None);
}

#[test]
fn rules_that_intercept_count_as_well() {
    let rule = |hosts: &[&str], services: &[&str], intercept| DestinationRule {
        hosts: hosts.iter().copied().map(pattern).collect(),
        services: services.iter().copied().map(str::to_owned).collect(),
        intercept: Some(intercept),
        ..DestinationRule::default()
    };
    let mut spec = listed(&["a.example"]);
    spec.destinations.rules = vec![
        rule(&["b.example"], &[], true),
        rule(&["c.example"], &[], false),
        rule(&[], &["s3"], true),
    ];
    let constraints = Constraints::of(&spec).unwrap();
    for (text, permitted) in [
        ("a.example", true),
        ("b.example", true),
        ("c.example", false),
        ("s3.cn-north-1.amazonaws.com.cn", true),
        ("s3.amazonaws.com.evil.example", false),
        ("192.0.2.1", false),
    ] {
        assert_eq!(constraints.permits(&host(text)), permitted, "{text}");
    }
    assert_eq!(constraints.outgrown(&spec), []);
}

#[test]
fn aws_means_every_name_that_is_classified_as_aws() {
    let constraints = Constraints::of(&spec(InterceptHosts::Aws)).unwrap();
    let names = constraints.permitted_names.as_ref().unwrap();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let below = host(&format!("s3.{name}"));
        assert!(constraints.permits(&below), "{name}");
        assert!(matches!(classify(&below), Class::Aws(_)), "{name}");
        assert!(!constraints.permits(&host(&format!("not{name}"))), "{name}");
    }
    assert!(!constraints.permits(&host("192.0.2.1")));
    assert!(!constraints.permits(&host("2001:db8::1")));
}

#[test]
fn what_has_outgrown_them_is_told() {
    let constraints = Constraints::of(&listed(&["*.a.example", "10.0.0.0/8"])).unwrap();
    let told = |spec: &PolicySpec| -> Vec<String> {
        let parts = constraints.outgrown(spec);
        parts.iter().map(ToString::to_string).collect()
    };
    assert_eq!(told(&spec(InterceptHosts::None)), [""; 0]);
    assert_eq!(told(&spec(InterceptHosts::All)), ["every host"]);
    assert_eq!(told(&spec(InterceptHosts::Aws)), ["all AWS endpoints"]);
    assert_eq!(
        told(&listed(&[
            "x.a.example",
            "*.b.a.example",
            "10.9.0.0/16",
            "b.example",
            "*.example",
            "10.0.0.0/7",
            "fd00::1",
        ])),
        ["b.example", "*.example", "10.0.0.0/7", "fd00::1"]
    );
    assert!(
        Constraints::default()
            .outgrown(&spec(InterceptHosts::All))
            .is_empty()
    );
}

#[test]
fn constraints_made_elsewhere_are_read_as_they_are_written() {
    let constraints = Constraints {
        permitted_names: Some(vec![".a.example".into(), "b.example".into()]),
        excluded_names: vec!["secret.a.example".into()],
        permitted_networks: None,
        excluded_networks: vec!["10.0.0.0/8".parse().unwrap()],
    };
    for (text, permitted) in [
        ("a.example", false),
        ("x.a.example", true),
        ("xa.example", false),
        ("secret.a.example", false),
        ("very.secret.a.example", false),
        ("b.example", true),
        ("x.b.example", true),
        ("10.1.1.1", false),
        ("192.0.2.1", true),
        ("2001:db8::1", true),
    ] {
        assert_eq!(constraints.permits(&host(text)), permitted, "{text}");
    }
    for (text, within) in [
        ("*.a.example", false),
        ("*.x.a.example", true),
        ("*.b.example", true),
        ("10.0.0.0/7", false),
        ("10.1.0.0/16", false),
        ("192.0.2.0/24", true),
    ] {
        let told = constraints.outgrown(&listed(&[text]));
        assert_eq!(told.is_empty(), within, "{text}");
    }
    let all_but_one = Constraints {
        excluded_names: vec![String::new()],
        ..Constraints::default()
    };
    assert!(
        !all_but_one.permits(&host("a.example")),
        "an empty name is every name"
    );
}

prop_compose! {
    /// From few labels, so that names meet.
    fn name()(labels in prop::collection::vec(prop::sample::select(vec!["a", "b", "ab"]), 1..4)) -> String {
        labels.join(".") + ".example"
    }
}

fn any_host() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        (0u32..64).prop_map(|low| std::net::Ipv4Addr::from_bits(0x0a00_0000 + low).to_string()),
        (0u128..64)
            .prop_map(|low| std::net::Ipv6Addr::from_bits((0xfd00 << 112) + low).to_string()),
    ]
}

fn any_pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        any_host(),
        name().prop_map(|name| format!("*.{name}")),
        (0u32..64, 26u8..=32).prop_map(|(low, bits)| format!("10.0.0.{low}/{bits}")),
        (0u32..64, 122u8..=128).prop_map(|(low, bits)| format!("fd00::{low:x}/{bits}")),
    ]
}

fn some_patterns() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any_pattern(), 1..5)
}

fn of(patterns: &[String]) -> (PolicySpec, Constraints) {
    let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let spec = listed(&texts);
    let constraints = Constraints::of(&spec).unwrap();
    (spec, constraints)
}

proptest! {
    #[test]
    fn all_that_is_listed_is_permitted_and_little_else(patterns in some_patterns(), text in any_host()) {
        let (spec, constraints) = of(&patterns);
        let host = host(&text);
        let patterns: Vec<HostPattern> = patterns.iter().map(|text| pattern(text)).collect();
        let listed = patterns.iter().any(|pattern| pattern.matches(&host));
        // What a certificate cannot say: a name without what is below it, or the other way about.
        let near = patterns.iter().any(|pattern| match (pattern, &host) {
            (HostPattern::Under(apex) | HostPattern::Exactly(Host::Name(apex)), Host::Name(name)) => {
                name.is_under(apex.as_str())
            }
            _ => false,
        });
        prop_assert!(!listed || constraints.permits(&host));
        prop_assert!(!constraints.permits(&host) || listed || near);
        prop_assert_eq!(constraints.outgrown(&spec), []);
    }

    #[test]
    fn what_has_not_outgrown_them_is_permitted(old in some_patterns(), new in some_patterns(), text in any_host()) {
        let (_, constraints) = of(&old);
        let (wanted, _) = of(&new);
        let host = host(&text);
        let meant = new.iter().any(|text| pattern(text).matches(&host));
        if meant && constraints.outgrown(&wanted).is_empty() {
            prop_assert!(constraints.permits(&host));
        }
        // And nothing is told without cause: one pattern at least has an end that is refused.
        for part in constraints.outgrown(&wanted) {
            let Intercepted::Listed(HostPattern::Exactly(host)) = part else { continue };
            prop_assert!(!constraints.permits(&host));
        }
    }
}
