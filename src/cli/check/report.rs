//! What a check found, for a person and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::certificate::Certificate;
use super::super::explain::push_finding;
use super::super::output::{Paint, Tone};
use super::course::{Checked, Tls};
use crate::logic::aws::{Class, Endpoint};
use crate::logic::record::FindingLine;
use crate::model::Verdict;

/// How many of a leaf's names are printed for a person.
const NAMES: usize = 6;
/// Fewer days than this are worth a warning: most authorities renew 30 days ahead.
const SOON: i64 = 14;

/// One object, without a newline. The fields are in docs/commands.md.
pub(super) fn json(checked: &Checked) -> String {
    let endpoint = endpoint(checked);
    let findings: Vec<FindingLine> = checked
        .decision
        .findings
        .iter()
        .map(FindingLine::from)
        .collect();
    let tls = checked.tls.as_ref().map(|tls| {
        json!({
            "version": tls.version,
            "cipher": tls.cipher,
            "group": tls.group,
            "alpn": tls.alpn,
            "verified": tls.verified,
        })
    });
    let certificates: Vec<Value> = checked
        .certificates
        .iter()
        .map(|certificate| json!(certificate))
        .collect();
    json!({
        "target": checked.target,
        "verdict": checked.decision.verdict.id(),
        "would": checked.decision.would.id(),
        "rule": checked.decision.rule.map(crate::model::Rule::id),
        "findings": findings,
        "destination": {
            "host": checked.authority.host.to_string(),
            "port": checked.authority.port,
            "class": if endpoint.is_some() { "aws" } else { "other" },
            "service": endpoint.and_then(|endpoint| endpoint.service.as_deref()),
            "region": endpoint.and_then(|endpoint| endpoint.region.as_deref()),
            "partition": endpoint.map(|endpoint| endpoint.partition),
        },
        "address": checked.address.map(|address| address.to_string()),
        "profile": checked.profile,
        "tls": tls,
        "certificates": certificates,
        "note": checked.note,
        "error": checked.error,
    })
    .to_string()
}

const fn endpoint(checked: &Checked) -> Option<&Endpoint> {
    match &checked.class {
        Class::Aws(endpoint) => Some(endpoint),
        Class::Other => None,
    }
}

pub(super) fn text(checked: &Checked, paint: Paint) -> String {
    let mut out = String::new();
    let address = checked
        .address
        .map_or(String::new(), |address| format!(" at {address}"));
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{}{address}",
        paint.paint(Tone::Strong, &checked.target)
    );
    let decision = &checked.decision;
    let tone = match decision.verdict {
        Verdict::Allow => Tone::Good,
        Verdict::Report | Verdict::Upgrade | Verdict::Strip => Tone::Doubtful,
        Verdict::Block | Verdict::Error => Tone::Bad,
    };
    let rule = decision
        .rule
        .map_or(String::new(), |rule| format!(" ({rule})"));
    let softened = if decision.would == Verdict::Block && decision.verdict != Verdict::Block {
        "; in enforce mode it would be blocked"
    } else {
        ""
    };
    let verdict = format!(
        "{}{rule}{softened}",
        paint.paint(tone, decision.verdict.id())
    );
    row(&mut out, "verdict", &verdict);
    if let Some(error) = &checked.error {
        row(&mut out, "error", &paint.paint(Tone::Bad, error));
    }
    if let Some(endpoint) = endpoint(checked) {
        let service = endpoint.service.as_deref().unwrap_or("unknown service");
        let region = endpoint
            .region
            .as_deref()
            .map_or(String::new(), |region| format!(" in {region}"));
        row(
            &mut out,
            "destination",
            &format!("AWS {service}{region} ({})", endpoint.partition),
        );
    }
    if let Some(tls) = &checked.tls {
        push_tls(&mut out, tls, checked.profile, paint);
    }
    for (place, certificate) in checked.certificates.iter().enumerate() {
        push_certificate(&mut out, certificate, place == 0, paint);
    }
    for finding in &decision.findings {
        push_finding(&mut out, finding, paint);
    }
    if let Some(note) = &checked.note {
        row(&mut out, "note", note);
    }
    out
}

fn row(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "  {name:<12} {value}");
}

fn push_tls(out: &mut String, tls: &Tls, profile: &str, paint: Paint) {
    if let Some(version) = &tls.version {
        let mut text = format!("TLS {version}");
        for part in [&tls.cipher, &tls.group].into_iter().flatten() {
            let _ = write!(text, ", {part}");
        }
        if let Some(alpn) = &tls.alpn {
            let _ = write!(text, ", ALPN {alpn}");
        }
        row(out, "agreed", &text);
    }
    row(out, "profile", profile);
    let verified = match tls.verified {
        Some(true) => paint.paint(Tone::Good, "yes"),
        Some(false) => paint.paint(Tone::Bad, "no"),
        None => "not seen".to_owned(),
    };
    row(out, "verified", &verified);
}

fn push_certificate(out: &mut String, certificate: &Certificate, is_leaf: bool, paint: Paint) {
    row(
        out,
        if is_leaf { "certificate" } else { "issued by" },
        &certificate.subject,
    );
    if is_leaf {
        let mut names = certificate
            .names
            .iter()
            .take(NAMES)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let more = certificate.names.len().saturating_sub(NAMES);
        if more > 0 {
            let _ = write!(names, " and {more} more");
        }
        row(
            out,
            "  names",
            if names.is_empty() { "none" } else { &names },
        );
    }
    row(out, "  issuer", &certificate.issuer);
    row(
        out,
        "  key",
        &format!("{}, signed with {}", certificate.key, certificate.signature),
    );
    let day = |time: &str| time.split('T').next().unwrap_or_default().to_owned();
    let left = match certificate.days_left {
        days if days < 0 => paint.paint(
            Tone::Bad,
            &format!("expired {} days ago", days.saturating_neg()),
        ),
        days if days < SOON => paint.paint(Tone::Doubtful, &format!("{days} days left")),
        days => format!("{days} days left"),
    };
    row(
        out,
        "  valid",
        &format!(
            "{} to {}, {left}",
            day(&certificate.not_before),
            day(&certificate.not_after)
        ),
    );
}
