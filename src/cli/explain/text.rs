//! An explanation for a person.

use std::fmt::Write as _;

use super::super::output::{Paint, Tone};
use crate::logic::explain::{Destination, Explanation};
use crate::model::{Finding, Verdict};

pub(super) fn of(explanation: &Explanation, paint: Paint) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let shown = explanation.url.as_ref().map(ToString::to_string);
    let title = shown
        .as_deref()
        .unwrap_or("(not shown: it could not be read)");
    let _ = writeln!(out, "{}", paint.paint(Tone::Strong, title));
    if let Some(error) = &explanation.error {
        row(&mut out, "error", &paint.paint(Tone::Bad, error));
    }
    if let Some(verdict) = explanation.verdict {
        row(
            &mut out,
            "verdict",
            &verdict_words(verdict, explanation, paint),
        );
    }
    if explanation.enforced == Some(false) {
        row(
            &mut out,
            "enforced",
            &format!(
                "{}: the request goes through a tunnel, where this configuration sees the destination only (intercept.hosts)",
                paint.paint(Tone::Doubtful, "no")
            ),
        );
    }
    if let Some(destination) = &explanation.destination {
        row(&mut out, "destination", &destination_words(destination));
    }
    if let Some(aws) = &explanation.aws
        && let Some(auth) = aws.auth
    {
        let presigned = if aws.presigned == Some(true) {
            ", presigned"
        } else {
            ""
        };
        let key = aws
            .access_key_id
            .as_ref()
            .map_or(String::new(), |key| format!(", key {key}"));
        row(&mut out, "signed", &format!("{auth}{presigned}{key}"));
    }
    for finding in &explanation.findings {
        push_finding(&mut out, finding, paint);
    }
    out
}

fn row(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "  {name:<12} {value}");
}

fn verdict_words(verdict: Verdict, explanation: &Explanation, paint: Paint) -> String {
    let tone = match verdict {
        Verdict::Allow => Tone::Good,
        Verdict::Report | Verdict::Upgrade | Verdict::Strip => Tone::Doubtful,
        Verdict::Block | Verdict::Error => Tone::Bad,
    };
    let word = paint.paint(tone, verdict.id());
    match explanation.rule {
        Some(rule) => format!("{word} ({rule})"),
        None => word,
    }
}

/// `s3.us-east-1.amazonaws.com port 443: AWS s3 in us-east-1 (aws), dual stack`.
fn destination_words(destination: &Destination) -> String {
    let mut text = format!("{} port {}", destination.host, destination.port);
    let Some(partition) = destination.partition else {
        text.push_str(": not AWS");
        return text;
    };
    let service = destination.service.as_deref().unwrap_or("unknown service");
    let _ = write!(text, ": AWS {service}");
    if let Some(region) = &destination.region {
        let _ = write!(text, " in {region}");
    }
    let _ = write!(text, " ({partition})");
    if destination.fips == Some(true) {
        text.push_str(", FIPS");
    }
    if destination.dualstack == Some(true) {
        text.push_str(", dual stack");
    }
    text
}

pub(in crate::cli) fn push_finding(out: &mut String, finding: &Finding, paint: Paint) {
    let head = format!("{} {}/{}", finding.action.id(), finding.rule, finding.kind);
    let place = paint.paint(
        Tone::Quiet,
        &format!("at {}, severity {}", finding.place, finding.severity.id()),
    );
    let _ = writeln!(out, "  {:<12} {head} {place}", "finding");
    let _ = writeln!(out, "  {:<12} {}", "", finding.hint);
}
