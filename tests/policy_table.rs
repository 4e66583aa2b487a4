//! The policy as rows: a target, its addresses, the settings that matter, what follows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

use std::net::SocketAddr;

use outgate::logic::aws::Class;
use outgate::logic::aws::classify;
use outgate::logic::policy::Access;
use outgate::logic::policy::ConnectTo;
use outgate::logic::policy::DestinationRule;
use outgate::logic::policy::HostPattern;
use outgate::logic::policy::NoProxy;
use outgate::logic::policy::ParentRoute;
use outgate::logic::policy::Passage;
use outgate::logic::policy::Permit;
use outgate::logic::policy::Policy;
use outgate::logic::policy::PolicySpec;
use outgate::logic::policy::ProfileName;
use outgate::logic::policy::Redirect;
use outgate::logic::policy::Target;
use outgate::logic::policy::Way;
use outgate::logic::policy::default_actions;
use outgate::model::Action;
use outgate::model::Authority;
use outgate::model::Decision;
use outgate::model::Host;
use outgate::model::Mode;
use outgate::model::Rule;
use outgate::model::Verdict;
use proptest::prelude::*;

fn class(host: &str) -> Class {
    classify(&Host::parse(host).unwrap())
}

fn own() -> Vec<SocketAddr> {
    vec!["127.0.0.1:3128".parse().unwrap()]
}

/// The decision on `METHOD authority` that resolves to `addresses`.
fn decide(policy: &Policy, request: &str, addresses: &[&str]) -> (Decision, bool) {
    let (way, authority) = match request.split_once(' ').unwrap() {
        ("CONNECT", authority) => (Way::Connect, authority),
        ("GET", authority) => (Way::Forward, authority),
        other => panic!("{other:?}"),
    };
    let authority = Authority::parse(authority, None).unwrap();
    let class = class(&authority.host.to_string());
    let target = Target {
        authority: &authority,
        class: &class,
        way,
    };
    let effective = policy.effective(&target);
    let found = policy.judge_name(&target, &effective);
    let addresses: Vec<SocketAddr> = addresses
        .iter()
        .map(|addr| SocketAddr::new(addr.parse().unwrap(), authority.port))
        .collect();
    if policy.refuses(&found, &effective) {
        let decision = Decision::from_findings(found, effective.mode);
        return (decision, false);
    }
    let (decision, permit) = policy.permit(&target, &effective, found, &addresses, &own());
    if let Some(permit) = &permit {
        assert_eq!(permit.addresses(), addresses);
    }
    assert_eq!(permit.is_none(), decision.is_block());
    (decision, permit.is_some())
}

fn shown(decision: &Decision) -> String {
    let rules: Vec<String> = decision
        .findings
        .iter()
        .map(|finding| format!("{}/{}={}", finding.rule, finding.kind, finding.action))
        .collect();
    format!("{} {}", decision.verdict.id(), rules.join(" "))
}

fn spec(change: impl FnOnce(&mut PolicySpec)) -> Policy {
    let mut spec = PolicySpec::default();
    change(&mut spec);
    Policy::new(spec)
}

fn remote(spec: &mut PolicySpec) {
    spec.local = false;
    spec.rules = default_actions(false);
}

#[test]
fn without_settings() {
    let local = Policy::default();
    let remote = spec(remote);
    let s3 = "s3.us-east-1.amazonaws.com";
    let connect = |host: &str| format!("CONNECT {host}");
    let cases: Vec<(String, &str, &str, &str)> = vec![
        // (request, address, on loopback, on a network)
        (connect("example.com:443"), "8.8.8.8", "allow ", "allow "),
        (
            connect("example.com:22"),
            "8.8.8.8",
            "report port/connect-port=report",
            "block port/connect-port=block",
        ),
        (
            connect("example.com:80"),
            "8.8.8.8",
            "report port/connect-port=report plaintext/connect-80=report",
            "block port/connect-port=block plaintext/connect-80=report",
        ),
        (
            "GET example.com:80".into(),
            "8.8.8.8",
            "report plaintext/plain-http=report",
            "report plaintext/plain-http=report",
        ),
        (
            "GET example.com:8080".into(),
            "8.8.8.8",
            "report plaintext/plain-http=report",
            "report plaintext/plain-http=report",
        ),
        (connect(&format!("{s3}:443")), "8.8.8.8", "allow ", "allow "),
        (
            connect(&format!("{s3}:80")),
            "8.8.8.8",
            "block aws-plaintext/connect-80=block port/connect-port=report",
            "block aws-plaintext/connect-80=block port/connect-port=block",
        ),
        (
            format!("GET {s3}:80"),
            "8.8.8.8",
            "block aws-plaintext/plain-http=block",
            "block aws-plaintext/plain-http=block",
        ),
        // Private space: PrivateLink is no finding, but only over TLS and only private.
        (
            connect(&format!("{s3}:443")),
            "10.0.0.9",
            "allow ",
            "allow ",
        ),
        (
            connect(&format!("{s3}:443")),
            "127.0.0.1",
            "report private-address/loopback=report",
            "block private-address/loopback=block",
        ),
        (
            connect("db.internal:443"),
            "10.0.0.9",
            "report private-address/private=report",
            "block private-address/private=block",
        ),
        (
            connect("10.0.0.9:443"),
            "10.0.0.9",
            "report private-address/private=report",
            "block private-address/private=block",
        ),
        (
            connect("db.internal:443"),
            "64:ff9b::10.0.0.9",
            "report private-address/private=report",
            "block private-address/private=block",
        ),
        // Any customer can have a name of this kind that leads anywhere.
        (
            connect("internal-a-1.us-east-1.elb.amazonaws.com:443"),
            "10.0.0.9",
            "report private-address/private=report",
            "block private-address/private=block",
        ),
        // Never, wherever the client is.
        (
            connect("db.internal:443"),
            "169.254.1.1",
            "block private-address/link-local=block",
            "block private-address/link-local=block",
        ),
        (
            connect(&format!("{s3}:443")),
            "224.0.0.1",
            "block private-address/multicast=block",
            "block private-address/multicast=block",
        ),
        (
            connect("0.0.0.0:443"),
            "0.0.0.0",
            "block private-address/reserved=block",
            "block private-address/reserved=block",
        ),
        // Metadata, by address, by name, by what a name resolves to.
        (
            "GET 169.254.169.254:80".into(),
            "169.254.169.254",
            "block instance-metadata/metadata-address=block plaintext/plain-http=report",
            "block instance-metadata/metadata-address=block plaintext/plain-http=report",
        ),
        (
            "GET 2852039166:80".into(),
            "169.254.169.254",
            "block instance-metadata/metadata-address=block plaintext/plain-http=report",
            "block instance-metadata/metadata-address=block plaintext/plain-http=report",
        ),
        (
            "GET metadata.google.internal:80".into(),
            "8.8.8.8",
            "block instance-metadata/metadata-name=block plaintext/plain-http=report",
            "block instance-metadata/metadata-name=block plaintext/plain-http=report",
        ),
        (
            connect("rebind.example:443"),
            "::ffff:169.254.170.2",
            "block instance-metadata/metadata-address=block",
            "block instance-metadata/metadata-address=block",
        ),
        // Ourselves.
        (
            connect("127.0.0.1:3128"),
            "127.0.0.1",
            "block private-address/loopback=report private-address/own-listener=block \
             port/connect-port=report",
            "block private-address/loopback=block port/connect-port=block",
        ),
        (
            "GET proxy.example:3128".into(),
            "::ffff:127.0.0.1",
            "block private-address/own-listener=block \
             plaintext/plain-http=report",
            "block private-address/own-listener=block \
             plaintext/plain-http=report",
        ),
    ];
    for (request, addr, on_loopback, on_network) in cases {
        let (decision, _) = decide(&local, &request, &[addr]);
        assert_eq!(
            shown(&decision),
            on_loopback,
            "{request} {addr} on loopback"
        );
        let (decision, _) = decide(&remote, &request, &[addr]);
        assert_eq!(
            shown(&decision),
            on_network,
            "{request} {addr} on a network"
        );
    }
}

#[test]
fn one_refused_address_refuses_the_name() {
    let policy = spec(remote);
    let (decision, dialled) = decide(&policy, "CONNECT a.example:443", &["8.8.8.8", "10.0.0.1"]);
    assert!(decision.is_block() && !dialled);
    let (decision, _) = decide(
        &policy,
        "CONNECT a.example:443",
        &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    );
    assert_eq!(decision.findings.len(), 1, "one matter, told once");
}

#[test]
fn allow_private_opens_networks_and_nothing_worse() {
    let policy = spec(|spec| {
        remote(spec);
        spec.allow_private = vec!["10.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()];
    });
    for (addr, verdict) in [
        ("10.0.0.9", Verdict::Allow),
        ("::ffff:10.0.0.9", Verdict::Allow),
        ("64:ff9b::10.0.0.9", Verdict::Allow),
        ("169.254.169.254", Verdict::Block),
        ("169.254.170.2", Verdict::Block),
        ("100.100.100.200", Verdict::Block),
        ("169.254.0.1", Verdict::Block),
        ("255.255.255.255", Verdict::Block),
        ("fd00::1", Verdict::Block),
    ] {
        let (decision, _) = decide(&policy, "CONNECT a.example:443", &[addr]);
        assert_eq!(decision.verdict, verdict, "{addr}");
    }
}

#[test]
fn what_connect_to_names_is_exempt() {
    let policy = |entry: &str| {
        let redirect = Redirect::parse(entry).unwrap();
        spec(|spec| {
            remote(spec);
            spec.connect_to = ConnectTo(vec![redirect]);
        })
    };
    let cases = [
        (
            "a.example:443:127.0.0.1:5000",
            "CONNECT a.example:443",
            "127.0.0.1",
            "allow ",
        ),
        // A name or a literal that is mapped away is not itself dialled.
        (
            "169.254.169.254:80:127.0.0.1:1338",
            "GET 169.254.169.254:80",
            "127.0.0.1",
            "report plaintext/plain-http=report",
        ),
        // Only a port was named: the machine is still the client's choice.
        (
            "a.example:443::8443",
            "CONNECT a.example:443",
            "127.0.0.1",
            "block private-address/loopback=block",
        ),
        (
            "b.example:443:127.0.0.1:5000",
            "CONNECT a.example:443",
            "127.0.0.1",
            "block private-address/loopback=block",
        ),
        // It does not lift what is judged by name.
        (
            "::127.0.0.1:5000",
            "GET s3.us-east-1.amazonaws.com:80",
            "127.0.0.1",
            "block aws-plaintext/plain-http=block",
        ),
    ];
    for (entry, request, addr, expected) in cases {
        let (decision, _) = decide(&policy(entry), request, &[addr]);
        assert_eq!(shown(&decision), expected, "{entry} {request}");
    }
    let (decision, _) = decide(
        &policy("::127.0.0.1:3128"),
        "CONNECT a.example:3128",
        &["127.0.0.1"],
    );
    assert!(decision.is_block(), "never to ourselves");
}

#[test]
fn destination_rules_fall_through() {
    let hosts = |texts: &[&str]| -> Vec<HostPattern> {
        texts
            .iter()
            .map(|text| HostPattern::parse(text).unwrap())
            .collect()
    };
    let policy = spec(|spec| {
        remote(spec);
        spec.destinations.default = Access::Deny;
        spec.destinations.rules = vec![
            DestinationRule {
                hosts: hosts(&["*.example.com"]),
                profile: Some(ProfileName::Strict),
                rules: vec![(Rule::WeakTls, Action::Report)],
                ..DestinationRule::default()
            },
            DestinationRule {
                hosts: hosts(&["bad.example.com", "203.0.113.0/24"]),
                action: Some(Access::Deny),
                reason: Some("use the mirror".into()),
                ..DestinationRule::default()
            },
            DestinationRule {
                hosts: hosts(&["*.example.com"]),
                ports: vec![443, 2222],
                action: Some(Access::Allow),
                profile: Some(ProfileName::Tls13),
                mode: Some(Mode::Report),
                rules: vec![(Rule::WeakTls, Action::Off), (Rule::NotTls, Action::Report)],
                ..DestinationRule::default()
            },
            DestinationRule {
                services: vec!["s3".into()],
                regions: vec!["us-east-1".into()],
                action: Some(Access::Allow),
                ..DestinationRule::default()
            },
            DestinationRule {
                buckets: vec!["mine".into()],
                action: Some(Access::Allow),
                ..DestinationRule::default()
            },
            DestinationRule {
                operations: vec!["s3:GetObject".into()],
                action: Some(Access::Allow),
                ..DestinationRule::default()
            },
        ];
    });
    let authority = Authority::parse("a.example.com:443", None).unwrap();
    let target = Target {
        authority: &authority,
        class: &Class::Other,
        way: Way::Connect,
    };
    let effective = policy.effective(&target);
    assert_eq!(effective.profile, ProfileName::Strict);
    assert_eq!(effective.actions.get(Rule::WeakTls), Action::Report);
    assert_eq!(effective.actions.get(Rule::NotTls), Action::Report);
    assert_eq!(effective.mode, Mode::Report);
    assert_eq!(
        (effective.access, effective.access_rule),
        (Access::Allow, Some(2))
    );

    let cases = [
        ("CONNECT a.example.com:443", "8.8.8.8", "allow "),
        ("CONNECT a.example.com:2222", "8.8.8.8", "allow "),
        (
            "CONNECT a.example.com:22",
            "8.8.8.8",
            "block port/connect-port=block destination/not-listed=block",
        ),
        (
            "CONNECT bad.example.com:443",
            "8.8.8.8",
            "report destination/denied=block",
        ),
        (
            "CONNECT example.com:443",
            "8.8.8.8",
            "block destination/not-listed=block",
        ),
        (
            "CONNECT s3.us-east-1.amazonaws.com:443",
            "8.8.8.8",
            "allow ",
        ),
        (
            "CONNECT s3.eu-central-1.amazonaws.com:443",
            "8.8.8.8",
            "block destination/not-listed=block",
        ),
        // A bucket is seen where the name has it.
        (
            "CONNECT mine.s3.eu-central-1.amazonaws.com:443",
            "8.8.8.8",
            "allow ",
        ),
        // A denied network is denied by any name; the earlier rule wins where one matches.
        (
            "CONNECT s3.us-east-1.amazonaws.com:443",
            "203.0.113.7",
            "block private-address/documentation=block destination/denied=block",
        ),
    ];
    for (request, addr, expected) in cases {
        let (decision, _) = decide(&policy, request, &[addr]);
        assert_eq!(shown(&decision), expected, "{request}");
    }
    let (decision, _) = decide(&policy, "CONNECT bad.example.com:443", &["8.8.8.8"]);
    assert_eq!(
        decision.findings[0].hint,
        "destinations.rule 2 denies bad.example.com: use the mirror"
    );
}

#[test]
fn the_perimeter_is_judged_where_names_show_it() {
    let policy = spec(|spec| {
        spec.aws.regions = vec!["eu-central-1".into()];
        spec.aws.require_fips = true;
        spec.aws.accounts = vec!["123456789012".into()];
    });
    let cases = [
        (
            "CONNECT 123456789012.dkr.ecr-fips.eu-central-1.amazonaws.com:443",
            "allow ",
        ),
        (
            "CONNECT 999999999999.dkr.ecr-fips.eu-central-1.amazonaws.com:443",
            "block aws-account/endpoint-account=block",
        ),
        (
            "CONNECT s3.us-east-1.amazonaws.com:443",
            "block aws-region/endpoint-region=block aws-fips/endpoint=block",
        ),
        (
            "CONNECT s3-fips.us-east-1.amazonaws.com:443",
            "block aws-region/endpoint-region=block",
        ),
        (
            "CONNECT s3.eu-central-1.amazonaws.com:443",
            "block aws-fips/endpoint=block",
        ),
        (
            "CONNECT iam.amazonaws.com:443",
            "block aws-fips/endpoint=block",
        ),
        ("CONNECT example.com:443", "allow "),
    ];
    for (request, expected) in cases {
        let (decision, _) = decide(&policy, request, &["8.8.8.8"]);
        assert_eq!(shown(&decision), expected, "{request}");
    }
}

#[test]
fn aws_plaintext_may_be_upgraded_where_there_is_something_to_upgrade() {
    let policy = spec(|spec| {
        remote(spec);
        spec.rules.set(Rule::AwsPlaintext, Action::Upgrade);
    });
    let s3 = "s3.us-east-1.amazonaws.com:80";
    let (decision, _) = decide(&policy, &format!("GET {s3}"), &["10.0.0.9"]);
    assert_eq!(shown(&decision), "upgrade aws-plaintext/plain-http=upgrade");
    let (decision, _) = decide(&policy, &format!("CONNECT {s3}"), &["8.8.8.8"]);
    assert!(decision.is_block());
}

#[test]
fn a_plain_signature_is_softened_only_nearby() {
    let policy = Policy::default();
    let cases = [
        ("minio.example:9000", "8.8.8.8", Some(Action::Block)),
        ("minio.example:9000", "10.0.0.9", Some(Action::Report)),
        ("localhost:9000", "127.0.0.1", Some(Action::Report)),
        ("s3.us-east-1.amazonaws.com:80", "8.8.8.8", None),
    ];
    for (text, addr, expected) in cases {
        let authority = Authority::parse(text, None).unwrap();
        let class = class(&authority.host.to_string());
        let target = Target {
            authority: &authority,
            class: &class,
            way: Way::Forward,
        };
        let effective = policy.effective(&target);
        let addr = SocketAddr::new(addr.parse().unwrap(), authority.port);
        let found = policy.judge_plain_signature(&target, &effective, &[addr]);
        assert_eq!(
            found.map(|finding| finding.action),
            expected,
            "{text} {addr}"
        );
    }
}

#[test]
fn every_hint_says_how_to_mend_it() {
    let policy = spec(|spec| {
        remote(spec);
        spec.destinations.default = Access::Deny;
        spec.aws.regions = vec!["eu-central-1".into()];
        spec.aws.require_fips = true;
    });
    let cases = [
        ("GET 169.254.169.254:80", "169.254.169.254"),
        ("CONNECT rebind.example:443", "169.254.169.254"),
        ("GET s3.us-east-1.amazonaws.com:80", "8.8.8.8"),
        ("CONNECT db.internal:5432", "10.0.0.9"),
        ("CONNECT nat.example:443", "64:ff9b::10.0.0.9"),
        ("CONNECT mdns.example:443", "224.0.0.251"),
        ("CONNECT proxy.example:3128", "127.0.0.1"),
        ("GET example.com:80", "8.8.8.8"),
    ];
    let mut text = String::new();
    for (request, addr) in cases {
        let (way, authority) = request.split_once(' ').unwrap();
        let authority = Authority::parse(authority, None).unwrap();
        let class = class(&authority.host.to_string());
        let way = if way == "GET" {
            Way::Forward
        } else {
            Way::Connect
        };
        let target = Target {
            authority: &authority,
            class: &class,
            way,
        };
        let effective = policy.effective(&target);
        let found = policy.judge_name(&target, &effective);
        let addr = SocketAddr::new(addr.parse().unwrap(), authority.port);
        let (decision, _) = policy.permit(&target, &effective, found, &[addr], &own());
        text.push_str(&format!("{request} {addr}\n"));
        for finding in &decision.findings {
            text.push_str(&format!("  {}: {}\n", finding.rule, finding.hint));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_hash_is_of_the_rules() {
    let one = Policy::default();
    assert_eq!(one.hash().len(), 64);
    assert_eq!(one.hash(), Policy::default().hash());
    let mut seen = std::collections::BTreeSet::from([one.hash().to_owned()]);
    let changes: [fn(&mut PolicySpec); 8] = [
        |spec| spec.mode = Mode::Report,
        |spec| spec.local = false,
        |spec| spec.rules.set(Rule::Port, Action::Off),
        |spec| spec.tls.profile = ProfileName::Strict,
        |spec| spec.destinations.connect_ports.push(22),
        |spec| spec.aws.require_kms = true,
        |spec| spec.allow_private.push("10.0.0.0/8".parse().unwrap()),
        |spec| spec.destinations.rules.push(DestinationRule::default()),
    ];
    for change in changes {
        let policy = spec(change);
        assert!(
            seen.insert(policy.hash().to_owned()),
            "{}",
            policy.canonical_text()
        );
    }
}

#[test]
fn report_mode_dials_what_enforce_mode_would_block() {
    let policy = spec(|spec| spec.mode = Mode::Report);
    let (decision, dialled) = decide(&policy, "GET s3.us-east-1.amazonaws.com:80", &["8.8.8.8"]);
    assert_eq!(
        (decision.verdict, decision.would),
        (Verdict::Report, Verdict::Block)
    );
    assert!(dialled);
}

/// Every IPv6 notation of an IPv4 address that a resolver could be made to give.
fn notations(v4: std::net::Ipv4Addr) -> Vec<std::net::IpAddr> {
    let [a, b, c, d] = v4.octets();
    let (x, y) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let v6 = [
        format!("::ffff:{v4}"),
        format!("::ffff:0:{x:x}:{y:x}"),
        format!("64:ff9b::{v4}"),
        format!("64:ff9b:1::{v4}"),
        format!("2002:{x:x}:{y:x}::"),
        format!("2001:0:808:808:0:ffff:{:x}:{:x}", !x, !y),
    ];
    let parsed = v6.iter().map(|text| text.parse().unwrap());
    std::iter::once(v4.into()).chain(parsed).collect()
}

proptest! {
    #[test]
    fn no_notation_and_no_setting_opens_what_is_closed(
        octets in prop_oneof![
            Just([169, 254, 169, 254]),
            Just([169, 254, 170, 2]),
            Just([100, 100, 100, 200]),
            (0u8..=255, 0u8..=255).prop_map(|(c, d)| [169, 254, c, d]),
            (224u8..=255, 0u8..=255).prop_map(|(a, d)| [a, 1, 2, d]),
        ],
        port in 1u16..,
        is_aws in any::<bool>(),
        forward in any::<bool>(),
    ) {
        let policy = spec(|spec| {
            spec.allow_private = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
            spec.rules.set(Rule::PrivateAddress, Action::Off);
        });
        let host = Host::parse("a.example").unwrap();
        let authority = Authority { host, port };
        let class = if is_aws { class("iam.amazonaws.com") } else { Class::Other };
        let way = if forward { Way::Forward } else { Way::Connect };
        let target = Target { authority: &authority, class: &class, way };
        let effective = policy.effective(&target);
        for ip in notations(octets.into()) {
            let addr = SocketAddr::new(ip, port);
            let (decision, permit) = policy.permit(&target, &effective, Vec::new(), &[addr], &[]);
            prop_assert!(decision.is_block() && permit.is_none(), "{}", addr);
        }
    }

    #[test]
    fn every_request_has_a_decision_and_block_never_dials(
        port in 1u16..,
        addr in any::<std::net::IpAddr>(),
        forward in any::<bool>(),
        is_aws in any::<bool>(),
        is_local in any::<bool>(),
        literal in any::<bool>(),
    ) {
        let policy = spec(|spec| if !is_local { remote(spec) });
        let host = if literal { addr.into() } else { Host::parse("a.example").unwrap() };
        let authority = Authority { host, port };
        let class = if is_aws { class("iam.amazonaws.com") } else { Class::Other };
        let way = if forward { Way::Forward } else { Way::Connect };
        let target = Target { authority: &authority, class: &class, way };
        let effective = policy.effective(&target);
        let found = policy.judge_name(&target, &effective);
        let addr = SocketAddr::new(addr, port);
        let (decision, permit) = policy.permit(&target, &effective, found.clone(), &[addr], &[]);
        prop_assert_eq!(decision.is_block(), permit.is_none());
        prop_assert!(!policy.refuses(&found, &effective) || permit.is_none());
        let strongest = decision.findings.iter().map(|finding| finding.action).max();
        prop_assert_eq!(decision.leading().map(|finding| finding.action), strongest);
        let (same, refused) = policy.permit(&target, &effective, found, &[addr], &[addr]);
        prop_assert!(same.is_block() && refused.is_none());
    }
}

fn behind_parent(no_proxy: &str, connect_to: &[&str]) -> Policy {
    let redirects = connect_to.iter().map(|text| Redirect::parse(text).unwrap());
    Policy::new(PolicySpec {
        parent: Some(ParentRoute {
            tls: false,
            proxy: Authority::parse("proxy.example:3128", None).unwrap(),
            no_proxy: NoProxy::of_variable(no_proxy),
        }),
        connect_to: ConnectTo(redirects.collect()),
        ..PolicySpec::default()
    })
}

#[test]
fn what_goes_through_the_parent_and_what_does_not() {
    let policy = behind_parent(
        "direct.example,led.example:5000",
        &[
            "mock.example:443:127.0.0.1:5000",
            "local.example:443:localhost:5000",
            "other.example:443:moto:5000",
            "excepted.example:443:led.example:5000",
        ],
    );
    let cases = [
        ("a.example:443", "parent a.example:443"),
        ("203.0.113.9:443", "parent 203.0.113.9:443"),
        ("direct.example:443", "direct direct.example:443"),
        ("a.direct.example:80", "direct a.direct.example:80"),
        ("mock.example:443", "direct 127.0.0.1:5000"),
        ("local.example:443", "direct localhost:5000"),
        ("other.example:443", "parent moto:5000"),
        ("excepted.example:443", "direct led.example:5000"),
        ("led.example:443", "parent led.example:443"),
        ("localhost:80", "direct localhost:80"),
        ("[::1]:80", "direct [::1]:80"),
        ("[::ffff:127.0.0.1]:80", "direct [::ffff:127.0.0.1]:80"),
    ];
    for (asked, expected) in cases {
        let asked = Authority::parse(asked, None).unwrap();
        let shown = match policy.passage(&asked) {
            Passage::Direct(place) => format!("direct {place}"),
            Passage::Parent(place) => format!("parent {place}"),
        };
        assert_eq!(shown, expected, "{asked}");
        let alone = Policy::default().passage(&asked);
        assert_eq!(alone, Passage::Direct(asked.clone()));
    }
}

/// The decision on a CONNECT that goes through the parent, and its permit.
fn by_name(policy: &Policy, asked: &str) -> (Decision, Option<Permit>) {
    let authority = Authority::parse(asked, None).unwrap();
    let class = classify(&authority.host);
    let target = Target {
        authority: &authority,
        class: &class,
        way: Way::Connect,
    };
    let effective = policy.effective(&target);
    let found = policy.judge_name(&target, &effective);
    let Passage::Parent(led) = policy.passage(&authority) else {
        panic!("{asked} does not go through the parent");
    };
    policy.permit_by_name(&target, &effective, found, led, &own())
}

#[test]
fn a_permit_by_name_opens_the_parent_and_nothing_else() {
    let policy = behind_parent("", &[]);
    let (decision, permit) = by_name(&policy, "a.example:443");
    assert_eq!(decision.verdict, Verdict::Allow);
    let permit = permit.unwrap();
    assert_eq!(permit.addresses(), []);
    let named = permit.through_parent().unwrap();
    assert_eq!(named.asked.to_string(), "a.example:443");
    assert_eq!(named.proxy.to_string(), "proxy.example:3128");
    let at: SocketAddr = "198.51.100.7:3128".parse().unwrap();
    let dialled = permit.to_parent(&[at], &own()).unwrap();
    assert_eq!(dialled.addresses(), [at]);
    for itself in ["127.0.0.1:3128", "[::ffff:127.0.0.1]:3128", "0.0.0.0:3128"] {
        let itself: SocketAddr = itself.parse().unwrap();
        let looped = permit.to_parent(&[at, itself], &own()).unwrap_err();
        assert_eq!(looped.0, itself);
    }
    // A permit of addresses leads nowhere else.
    assert_eq!(dialled.to_parent(&[own()[0]], &[]).unwrap(), dialled);

    for (asked, rule) in [
        ("169.254.169.254:443", Rule::InstanceMetadata),
        ("[::ffff:169.254.169.254]:443", Rule::InstanceMetadata),
        ("224.0.0.1:443", Rule::PrivateAddress),
        ("s3.amazonaws.com:80", Rule::AwsPlaintext),
    ] {
        let (decision, permit) = by_name(&policy, asked);
        assert_eq!(
            (decision.verdict, decision.rule),
            (Verdict::Block, Some(rule)),
            "{asked}"
        );
        assert_eq!(permit, None, "{asked}");
    }
}

#[test]
fn the_hash_tells_parents_apart() {
    let plain = Policy::default();
    let parent = behind_parent("", &[]);
    let excepted = behind_parent("a.example", &[]);
    assert_ne!(plain.hash(), parent.hash());
    assert_ne!(parent.hash(), excepted.hash());
}
