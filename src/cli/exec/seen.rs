//! One line of the record as `exec` looks at it: from the proxy itself, or read from a file.

use serde::Deserialize;
use serde_json::Value;

use crate::logic::record::{Carried, Event, EventKind, Line, Stage};
use crate::model::Verdict;

/// A decision or a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) conn: String,
    pub(super) is_complete: bool,
    /// A CONNECT whose TLS is ended here: the requests inside have lines of their own.
    pub(super) is_outside: bool,
    /// A request inside such a one.
    pub(super) is_inside: bool,
    pub(super) host: Option<String>,
    pub(super) verdict: Outcome,
    pub(super) would: Outcome,
    pub(super) rule: Option<String>,
    /// What is only of interest where there is a finding or a fault.
    pub(super) detail: Option<Detail>,
}

/// What a rule found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) time: String,
    pub(super) method: Option<String>,
    pub(super) url: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) process: Option<String>,
    pub(super) pid: Option<u32>,
    pub(super) finding: Option<FindingSeen>,
    pub(super) error: Option<String>,
}

/// The finding that names the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct FindingSeen {
    pub(super) rule: String,
    pub(super) kind: String,
    #[serde(rename = "where")]
    pub(super) place: String,
    pub(super) severity: String,
    pub(super) hint: String,
}

/// A verdict, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Allow,
    /// The upstream failed.
    Error,
    /// Reported, stripped or upgraded.
    Report,
    Block,
}

impl Outcome {
    fn of(verdict: &str) -> Outcome {
        match verdict {
            "block" => Outcome::Block,
            "report" | "strip" | "upgrade" => Outcome::Report,
            "error" => Outcome::Error,
            _ => Outcome::Allow,
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::Allow => Outcome::Allow,
            Verdict::Error => Outcome::Error,
            Verdict::Report | Verdict::Strip | Verdict::Upgrade => Outcome::Report,
            Verdict::Block => Outcome::Block,
        }
    }
}

impl Seen {
    /// What the proxy says. `None` for an open tunnel's signs of life.
    pub(super) fn of(line: &Line) -> Option<Seen> {
        let is_complete = match line.stage {
            Stage::Decision => false,
            Stage::Complete => true,
            Stage::Progress => return None,
        };
        let verdict = Outcome::from(line.verdict);
        let would = Outcome::from(line.would);
        let is_plain = verdict == Outcome::Allow && would == Outcome::Allow;
        let detail = (!is_plain || line.error.is_some()).then(|| Detail {
            time: line.time.clone(),
            method: line.request.method.clone(),
            url: line.request.url.clone(),
            user_agent: line.request.user_agent.clone(),
            process: line.client.process.clone(),
            pid: line.client.pid,
            finding: line
                .findings
                .iter()
                .filter(|finding| Some(finding.rule) == line.rule)
                .max_by_key(|finding| finding.action)
                .map(|finding| FindingSeen {
                    rule: finding.rule.id().to_owned(),
                    kind: finding.kind.to_owned(),
                    place: finding.place.clone(),
                    severity: finding.severity.to_owned(),
                    hint: finding.hint.clone(),
                }),
            error: line.error.clone(),
        });
        let is_connect = line.request.method.as_deref() == Some("CONNECT");
        let is_intercepted = line.carried == Some(Carried::Intercept);
        Some(Seen {
            id: line.id.clone(),
            conn: line.conn.to_string(),
            is_complete,
            is_outside: is_intercepted && is_connect,
            is_inside: is_intercepted && !is_connect,
            host: line.request.host.clone(),
            verdict,
            would,
            rule: line.rule.map(|rule| rule.id().to_owned()),
            detail,
        })
    }

    /// What a line of a record says; `None` for one that is about no request.
    pub(super) fn read(line: &[u8]) -> Option<Seen> {
        let raw: Raw = serde_json::from_slice(line).ok()?;
        let is_complete = match raw.stage.as_str() {
            "decision" => false,
            "complete" => true,
            _ => return None,
        };
        let verdict = Outcome::of(&raw.verdict);
        let would = Outcome::of(&raw.would);
        let finding = raw
            .findings
            .into_iter()
            .find(|finding| Some(&finding.rule) == raw.rule.as_ref());
        let is_plain = verdict == Outcome::Allow && would == Outcome::Allow;
        let detail = (!is_plain || raw.error.is_some()).then_some(Detail {
            time: raw.time,
            method: raw.request.method.clone(),
            url: raw.request.url,
            user_agent: raw.request.user_agent,
            process: raw.client.process,
            pid: raw.client.pid,
            finding,
            error: raw.error,
        });
        let is_connect = raw.request.method.as_deref() == Some("CONNECT");
        let is_intercepted = raw.carried.as_deref() == Some("intercept");
        Some(Seen {
            id: raw.id,
            conn: raw.conn,
            is_complete,
            is_outside: is_intercepted && is_connect,
            is_inside: is_intercepted && !is_connect,
            host: raw.request.host,
            verdict,
            would,
            rule: raw.rule,
            detail,
        })
    }
}

/// What stood in the way of interception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) host: String,
    /// `client-rejects` and the like.
    pub(super) kind: String,
    /// The host goes in tunnels from then on; else it was refused.
    pub(super) is_let_through: bool,
    pub(super) hint: String,
}

impl Obstacle {
    /// What the proxy says; `None` for other events.
    pub(super) fn of(event: &Event) -> Option<Obstacle> {
        Obstacle::of_detail(&event.detail)
    }

    /// What a line of a record says; `None` for other lines.
    pub(super) fn read(line: &[u8]) -> Option<Obstacle> {
        #[derive(Deserialize)]
        struct Raw {
            event: String,
            detail: Value,
        }
        let raw: Raw = serde_json::from_slice(line).ok()?;
        (raw.event == EventKind::ClientError.id())
            .then(|| Obstacle::of_detail(&raw.detail))
            .flatten()
    }

    fn of_detail(detail: &Value) -> Option<Obstacle> {
        let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Obstacle {
            kind: text("obstacle")?,
            host: text("host")?,
            is_let_through: detail.get("tunnel_seconds").is_some_and(Value::is_u64),
            hint: text("error").unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    id: String,
    #[serde(default)]
    conn: String,
    #[serde(default)]
    time: String,
    stage: String,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    would: String,
    rule: Option<String>,
    carried: Option<String>,
    #[serde(default)]
    request: RawRequest,
    #[serde(default)]
    client: RawClient,
    #[serde(default)]
    findings: Vec<FindingSeen>,
    error: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawRequest {
    method: Option<String>,
    url: Option<String>,
    host: Option<String>,
    user_agent: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawClient {
    process: Option<String>,
    pid: Option<u32>,
}
