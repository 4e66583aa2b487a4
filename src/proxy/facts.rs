//! What the judge, the preflight and the dial saw, in the words of findings and records.

use std::sync::Arc;
use std::time::Duration;

use crate::edge::dial::DialError;
use crate::edge::relay::End;
use crate::edge::tls::{Peer, Seen};
use crate::logic::policy::Effective;
use crate::logic::record::{ClientTls, Preflight, Tls, UpstreamTls, cut};
use crate::logic::wire::tls::{
    Alert, CertificateFacts, CertificateFault, ClientFacts, Facts, Group, Profile, Refusal, Sni,
    Suite, TlsFinding, UpstreamFacts, Version, alert_record,
};
use crate::model::{Action, Decision, DnsName, Finding, Host, Rule, Severity};

/// A fault of a handshake: what became known of it, whether it refuses or only reports.
#[derive(Debug, Clone)]
pub(super) struct Fault<'a> {
    pub rule: Rule,
    pub kind: &'static str,
    pub hint: &'a str,
}

impl<'a> From<&'a Refusal> for Fault<'a> {
    fn from(refusal: &'a Refusal) -> Fault<'a> {
        Fault {
            rule: refusal.rule,
            kind: refusal.kind,
            hint: &refusal.hint,
        }
    }
}

impl<'a> From<&'a TlsFinding> for Fault<'a> {
    fn from(noted: &'a TlsFinding) -> Fault<'a> {
        Fault {
            rule: noted.rule,
            kind: noted.kind,
            hint: &noted.hint,
        }
    }
}

/// The findings of a fault. Bytes to an AWS endpoint that are not TLS are plaintext to AWS too.
pub(super) fn findings(fault: &Fault<'_>, is_aws: bool, effective: &Effective) -> Vec<Finding> {
    let finding = |rule: Rule, action: Action, hint: String| Finding {
        rule,
        kind: fault.kind,
        place: "handshake".into(),
        action,
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint,
    };
    let mut found = Vec::new();
    let is_no_tls = matches!(
        fault.kind,
        "client-not-tls" | "server-not-tls" | "server-first"
    );
    let action = effective.actions.get(fault.rule);
    // Broken TLS is not-tls's own matter, unless that rule is softer than this one.
    if fault.rule == Rule::NotTls && is_aws && (is_no_tls || action != Action::Block) {
        let hint = format!("Bytes that are not TLS, to an AWS endpoint: {}", fault.hint);
        let action = plaintext_in_tunnel(effective);
        found.push(finding(Rule::AwsPlaintext, action, hint));
    }
    found.push(finding(fault.rule, action, fault.hint.to_owned()));
    found
}

/// What `aws-plaintext` does inside a tunnel, whose bytes nobody can upgrade.
pub(super) fn plaintext_in_tunnel(effective: &Effective) -> Action {
    match effective.actions.get(Rule::AwsPlaintext) {
        Action::Upgrade | Action::Strip => Action::Block,
        action @ (Action::Off | Action::Report | Action::Block) => action,
    }
}

/// CONNECT named an address that the hello's name does not resolve to.
pub(super) fn foreign_address(
    name: &DnsName,
    address: &Host,
    effective: &Effective,
    error: Option<String>,
) -> Finding {
    let why = error.unwrap_or_else(|| format!("{name} does not resolve to it"));
    Finding {
        rule: Rule::SniMismatch,
        kind: "foreign-address",
        place: "sni".into(),
        action: effective.actions.get(Rule::SniMismatch),
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: format!(
            "CONNECT asks for {address} and the hello for {name}, but {why}. \
             Let the client ask the proxy for the name (no own resolving, no pinned address)."
        ),
    }
}

/// The preflight's word on a certificate that the tunnel hides.
pub(super) fn bad_certificate(fault: CertificateFault) -> Refusal {
    Refusal {
        rule: Rule::InvalidCertificate,
        kind: fault.kind(),
        alert: Some(fault.alert().told()),
        // Nothing of the server's has been passed on yet: the client still reads plaintext.
        to_client: Some(alert_record(fault.alert().told(), Version::TLS12)),
        hint: format!(
            "In a handshake of its own with the same address, outgate found: {}.",
            fault.words()
        ),
    }
}

/// The rules refuse the hello's name.
pub(super) fn refused_name(decision: &Decision) -> Refusal {
    let (rule, kind, hint) = decision
        .leading()
        .map_or((Rule::Destination, "name", String::new()), |finding| {
            (finding.rule, finding.kind, finding.hint.clone())
        });
    Refusal {
        rule,
        kind,
        alert: Some(Alert::UnrecognizedName),
        to_client: Some(alert_record(Alert::UnrecognizedName, Version::TLS12)),
        hint,
    }
}

/// The alert for a name that no certificate can be had for, before the handshake.
pub(super) fn unrecognized_name() -> [u8; 7] {
    alert_record(Alert::UnrecognizedName, Version::TLS12)
}

/// The alert for a certificate that could not be made, before the handshake.
pub(super) fn internal_error() -> [u8; 7] {
    alert_record(Alert::InternalError, Version::TLS12)
}

/// Both legs as the record has them.
pub(super) fn tls(facts: &Facts, preflight: Option<&Seen>) -> Tls {
    Tls {
        client: facts.client.as_ref().map(client_tls),
        upstream: match (&facts.upstream, preflight) {
            (None, None) => None,
            (upstream, preflight) => {
                Some(Arc::new(upstream_tls(upstream.as_ref(), facts, preflight)))
            }
        },
    }
}

/// The client's hello, as the record has it.
pub(super) fn client_tls(facts: &ClientFacts) -> Arc<ClientTls> {
    Arc::new(ClientTls {
        version: Some(facts.version.to_string()),
        sni: match &facts.sni {
            Sni::Absent => None,
            Sni::Name(name) => Some(name.to_string()),
            Sni::Bad(_) => None,
        },
        alpn: facts
            .alpn
            .iter()
            .take(16)
            .map(|protocol| cut(protocol, 64))
            .collect(),
        ja4: Some(facts.ja4.clone()),
    })
}

fn upstream_tls(
    facts: Option<&UpstreamFacts>,
    all: &Facts,
    preflight: Option<&Seen>,
) -> UpstreamTls {
    let mut tls = UpstreamTls::default();
    if let Some(facts) = facts {
        tls.version = Some(facts.version.to_string());
        tls.cipher = Some(facts.suite.to_string());
        tls.group = facts.group.map(|group| group.to_string());
        if let Some(certificate) = &facts.certificate {
            tls.verified = Some(all.certificate_verified);
            describe(&mut tls, certificate);
        }
    }
    if let Some(seen) = preflight {
        let (word, verified, chain) = match seen {
            Seen::Verified(peer) => (Preflight::Verified, Some(true), Some(&peer.chain)),
            Seen::Failed(_, peer) => (Preflight::Failed, Some(false), Some(&peer.chain)),
            Seen::Inconclusive(_) => (Preflight::Inconclusive, None, None),
        };
        tls.preflight = Some(word);
        // What the tunnel itself showed counts for more.
        if tls.sha256.is_none() {
            tls.verified = verified;
            let leaf = chain.and_then(|chain| chain.first());
            if let Some(certificate) = leaf.and_then(|leaf| CertificateFacts::read(leaf)) {
                describe(&mut tls, &certificate);
            }
        }
    }
    tls
}

fn describe(tls: &mut UpstreamTls, certificate: &CertificateFacts) {
    tls.issuer = Some(cut(&certificate.issuer, 256));
    tls.not_after = jiff::Timestamp::from_second(certificate.not_after)
        .ok()
        .map(|time| time.to_string());
    tls.sha256 = Some(
        certificate
            .sha256
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    );
}

/// Status and RFC 9209 word for an upstream that could not be reached.
pub(super) fn dial_failure(error: &DialError) -> (u16, &'static str) {
    match error {
        DialError::TimedOut { .. } => (504, "connection_timeout"),
        DialError::NoAddress => (502, "destination_not_found"),
        DialError::Connect { source, .. } => match source.kind() {
            std::io::ErrorKind::ConnectionRefused => (502, "connection_refused"),
            std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => {
                (502, "destination_ip_unroutable")
            }
            std::io::ErrorKind::TimedOut => (504, "connection_timeout"),
            _ => (502, "destination_unavailable"),
        },
    }
}

/// A session of our own, as the record has it.
pub(super) fn originated(peer: &Peer) -> Arc<UpstreamTls> {
    let mut upstream = UpstreamTls {
        version: peer.version.map(|code| Version(code).to_string()),
        cipher: peer.suite.map(|code| Suite(code).to_string()),
        group: peer.group.map(|code| Group(code).to_string()),
        verified: Some(true),
        ..UpstreamTls::default()
    };
    if let Some(certificate) = peer
        .chain
        .first()
        .and_then(|leaf| CertificateFacts::read(leaf))
    {
        describe(&mut upstream, &certificate);
    }
    Arc::new(upstream)
}

/// A request was to be upgraded, and the upstream's certificate is bad. That it goes over
/// verified TLS was our own word, so no setting softens this.
pub(super) fn upgrade_failed(refusal: &Refusal) -> Vec<Finding> {
    vec![Finding {
        rule: refusal.rule,
        kind: refusal.kind,
        place: "handshake".into(),
        action: Action::Block,
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: refusal.hint.clone(),
    }]
}

/// The upstream and outgate's own TLS have nothing in common within the profile.
pub(super) fn incompatible(why: &str, effective: &Effective) -> Finding {
    Finding {
        rule: Rule::WeakTls,
        kind: "incompatible",
        place: "handshake".into(),
        action: effective.actions.get(Rule::WeakTls),
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: why.to_owned(),
    }
}

/// What was agreed outside of the profile: only where more was offered, in report mode.
pub(super) fn weak_agreement(
    peer: &Peer,
    profile: &Profile,
    effective: &Effective,
) -> Option<Finding> {
    let version = Version(peer.version?);
    let suite = Suite(peer.suite?);
    let has_good_group = peer
        .group
        .is_none_or(|group| profile.allows_group(Group(group), version));
    let is_good =
        profile.allows_version(version) && profile.allows_suite(suite, version) && has_good_group;
    (!is_good).then(|| Finding {
        rule: Rule::WeakTls,
        kind: "agreed",
        place: "handshake".into(),
        action: effective.actions.get(Rule::WeakTls),
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: format!(
            "TLS {version} with {suite} was agreed with the server, which profile {} does not allow.",
            profile.name()
        ),
    })
}

/// How a relay ended, in words; `None` for an end in order. No `end`: the proxy stops.
pub(super) fn relay_end(end: Option<&End>, idle: Duration) -> Option<String> {
    match end {
        Some(End::Closed) => None,
        Some(End::Idle) => Some(format!(
            "closed: nothing moved for {} s (timeouts.idle)",
            idle.as_secs_f64()
        )),
        Some(End::Client(error)) => Some(format!("the client's connection failed: {error}")),
        Some(End::Upstream(error)) => Some(format!("the upstream's connection failed: {error}")),
        None => Some("closed: outgate stopped".to_owned()),
    }
}
