//! `--report`: the same findings for programs, as JSON, JUnit XML or SARIF.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::seen::Obstacle;
use super::tally::{Did, Found, Kind, Tally};
use crate::cli::args::{ReportFile, ReportForm};

/// Where each rule is described.
const RULES: &str = "https://docs.rs/outgate/latest/outgate/rules/index.html";

/// Where it goes, opened before anything runs.
#[derive(Debug)]
pub(super) struct Report<'a>(Option<(&'a ReportFile, File)>);

/// What is known besides the findings.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// The program alone: arguments may hold secrets.
    pub(super) program: String,
    pub(super) started: &'a str,
    pub(super) ended: String,
    pub(super) seconds: f64,
    pub(super) command_code: u8,
    pub(super) exit_code: u8,
    pub(super) record: Option<&'a Path>,
}

impl<'a> Report<'a> {
    /// Opens the file, so that a place that cannot be written shows at the start.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn open(file: Option<&'a ReportFile>) -> Result<Report<'a>, String> {
        let Some(report) = file else {
            return Ok(Report(None));
        };
        match File::create(&report.path) {
            Ok(out) => Ok(Report(Some((report, out)))),
            Err(error) => Err(cannot(&report.path, &error)),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn write(&self, facts: &Facts<'_>, tally: &Tally) -> Result<(), String> {
        let Some((report, out)) = &self.0 else {
            return Ok(());
        };
        let text = match report.form {
            ReportForm::Json => pretty(&json_report(facts, tally)),
            ReportForm::JUnit => junit(facts, tally),
            ReportForm::Sarif => pretty(&sarif(facts, tally)),
        };
        let mut out: &File = out;
        out.write_all(text.as_bytes())
            .map_err(|error| cannot(&report.path, &error))
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write the report {}: {error}", path.display())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn json_report(facts: &Facts<'_>, tally: &Tally) -> Value {
    let hosts: Vec<Value> = tally
        .hosts()
        .iter()
        .map(|(host, count)| json!({ "host": host, "requests": count.requests, "refused": count.refused }))
        .collect();
    let findings: Vec<Value> = tally
        .kinds()
        .iter()
        .map(|(kind, found)| {
            let finding = found.first.finding.as_ref();
            json!({
                "outcome": kind.did.id(),
                "rule": kind.rule,
                "kind": kind.kind,
                "host": kind.host,
                "where": finding.map(|finding| &finding.place),
                "severity": finding.map(|finding| &finding.severity),
                "hint": finding.map(|finding| &finding.hint),
                "count": found.count,
                "first": {
                    "id": found.id,
                    "time": found.first.time,
                    "method": found.first.method,
                    "url": found.first.url,
                    "user_agent": found.first.user_agent,
                    "process": found.first.process,
                    "pid": found.first.pid,
                },
            })
        })
        .collect();
    let obstacles: Vec<Value> = tally
        .obstacles()
        .map(|(count, obstacle)| {
            json!({
                "host": obstacle.host,
                "kind": obstacle.kind,
                "outcome": outcome(obstacle),
                "count": count,
                "hint": obstacle.hint,
            })
        })
        .collect();
    json!({
        "outgate": env!("CARGO_PKG_VERSION"),
        "program": facts.program,
        "started": facts.started,
        "ended": facts.ended,
        "command_code": facts.command_code,
        "exit_code": facts.exit_code,
        "record": facts.record.map(|path| path.display().to_string()),
        "requests": tally.requests(),
        "refused": tally.refused(),
        "would_be_refused": tally.would_refuse() - tally.refused(),
        "reported": tally.reported(),
        "failed": tally.failed(),
        "hosts": hosts,
        "findings": findings,
        "obstacles": obstacles,
        "unlisted": tally.unlisted(),
    })
}

/// What became of a host whose TLS could not be ended.
const fn outcome(obstacle: &Obstacle) -> &'static str {
    if obstacle.is_let_through {
        "tunnelled"
    } else {
        Did::Refused.id()
    }
}

/// One test case a kind of finding; what was only reported passes and says so. Where nothing was
/// found there is one case that passed: readers take an empty suite for a broken one.
fn junit(facts: &Facts<'_>, tally: &Tally) -> String {
    let failures = tally
        .kinds()
        .keys()
        .filter(|kind| kind.did != Did::Reported)
        .count()
        + tally
            .obstacles()
            .filter(|(_, obstacle)| !obstacle.is_let_through)
            .count();
    let found = tally.kinds().len() + tally.obstacles().len();
    let tests = found.max(1);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        out,
        "  <testsuite name=\"outgate\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\" timestamp=\"{}\">",
        facts.seconds,
        xml(facts.started)
    );
    if found == 0 {
        out.push_str("    <testcase classname=\"outgate\" name=\"requests\"/>\n");
    }
    for (kind, found) in tally.kinds() {
        let failure = match kind.did {
            Did::Reported => None,
            Did::Refused | Did::WouldRefuse => {
                Some(format!("{}: {} {}", kind.did.id(), kind.rule, kind.host))
            }
        };
        let name = format!("{} {}", kind.host, kind.kind);
        case(&mut out, &kind.rule, &name, failure, &sentence(kind, found));
    }
    for (_, obstacle) in tally.obstacles() {
        let name = format!("{} {}", obstacle.host, obstacle.kind);
        let failure = (!obstacle.is_let_through).then(|| format!("refused: {name}"));
        case(&mut out, "interception", &name, failure, &obstacle.hint);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, class: &str, name: &str, failure: Option<String>, text: &str) {
    let (class, text) = (xml(class), xml(text));
    let _ = writeln!(
        out,
        "    <testcase classname=\"outgate.{class}\" name=\"{}\">",
        xml(name)
    );
    let _ = match failure {
        None => writeln!(out, "      <system-out>{text}</system-out>"),
        Some(message) => writeln!(
            out,
            "      <failure type=\"{class}\" message=\"{}\">{text}</failure>",
            xml(&message)
        ),
    };
    out.push_str("    </testcase>\n");
}

/// What a person reads first.
fn sentence(kind: &Kind, found: &Found) -> String {
    let first = &found.first;
    let mut out = String::new();
    if let Some(finding) = &first.finding {
        out.push_str(&finding.hint);
        out.push('\n');
    }
    let request = [first.method.as_deref(), first.url.as_deref()];
    let request: Vec<&str> = request.into_iter().flatten().collect();
    let _ = writeln!(
        out,
        "{} of {} requests: {}",
        kind.did.id(),
        found.count,
        request.join(" ")
    );
    if let Some(process) = &first.process {
        let _ = writeln!(
            out,
            "first by {process} ({})",
            first.pid.unwrap_or_default()
        );
    }
    let _ = write!(out, "first at {}, id {}", first.time, found.id);
    out
}

/// Text as XML 1.0 can carry it.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

fn sarif(facts: &Facts<'_>, tally: &Tally) -> Value {
    let mut ids: Vec<&str> = tally
        .kinds()
        .keys()
        .map(|kind| kind.rule.as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let rules: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "name": id, "shortDescription": { "text": id }, "helpUri": format!("{RULES}#{id}") }))
        .collect();
    // Viewers want a file; the record is the one that shows it.
    let artifact = facts
        .record
        .and_then(|path| url::Url::from_file_path(path).ok())
        .map_or_else(|| facts.program.clone(), String::from);
    let not_seen = tally.obstacles().map(|(count, obstacle)| {
        json!({
            "ruleId": "interception",
            "level": if obstacle.is_let_through { "note" } else { "error" },
            "message": { "text": obstacle.hint },
            "occurrenceCount": count,
            "locations": [{
                "physicalLocation": { "artifactLocation": { "uri": artifact } },
                "logicalLocations": [{ "name": obstacle.host, "kind": "resource" }],
            }],
            "partialFingerprints": { "outgate/v1": format!("{}/{}", obstacle.kind, obstacle.host) },
        })
    });
    let results: Vec<Value> = tally
        .kinds()
        .iter()
        .map(|(kind, found)| {
            let level = match kind.did {
                Did::Refused | Did::WouldRefuse => "error",
                Did::Reported => "warning",
            };
            let host = json!({ "name": kind.host, "fullyQualifiedName": found.first.url, "kind": "resource" });
            json!({
                "ruleId": kind.rule,
                "ruleIndex": ids.iter().position(|id| *id == kind.rule),
                "level": level,
                "message": { "text": sentence(kind, found) },
                "occurrenceCount": found.count,
                "locations": [{
                    "physicalLocation": { "artifactLocation": { "uri": artifact } },
                    "logicalLocations": [host],
                }],
                "partialFingerprints": { "outgate/v1": format!("{}/{}/{}/{}", kind.did.id(), kind.rule, kind.kind, kind.host) },
            })
        })
        .chain(not_seen)
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "outgate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": facts.exit_code == 0,
                "exitCode": facts.exit_code,
                "startTimeUtc": facts.started,
                "endTimeUtc": facts.ended,
            }],
            "results": results,
        }],
    })
}
