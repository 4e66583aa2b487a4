//! The line of a request: a decision before its first byte goes upstream, a completion after
//! its last. Shapes: docs/audit.md.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::model::{Action, Finding, Rule, Verdict};

/// One decision or completion.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// RFC 3339 with microseconds, UTC.
    pub time: String,
    /// The request (UUID v7).
    pub id: String,
    /// The client connection that it came on (UUID v7).
    pub conn: Arc<str>,
    pub stage: Stage,
    pub client: Client,
    pub via: Option<Via>,
    pub carried: Option<Carried>,
    pub request: Request,
    pub destination: Option<Destination>,
    pub aws: Option<AwsCall>,
    pub tls: Tls,
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    #[serde(serialize_with = "verdict")]
    pub would: Verdict,
    #[serde(serialize_with = "rule")]
    pub rule: Option<Rule>,
    pub findings: Vec<FindingLine>,
    /// The hash of the policy that decided.
    pub policy: Arc<str>,
    /// The HTTP status that the client got, where HTTP is visible or outgate answered.
    pub status: Option<u16>,
    pub bytes: Option<Bytes>,
    pub duration_ms: Option<f64>,
    pub error: Option<String>,
}

/// Which of the two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Decision,
    /// An open tunnel, every hour.
    Progress,
    Complete,
}

/// How the client asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    Connect,
    Forward,
    Transparent,
}

/// How it was carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Carried {
    Tunnel,
    Intercept,
    Forward,
}

/// Who asked. `process` and `pid` are known only where the settings ask for them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Client {
    pub addr: Option<Arc<str>>,
    pub name: Option<String>,
    pub process: Option<String>,
    pub pid: Option<u32>,
}

/// What was asked, as far as it could be read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    pub method: Option<String>,
    /// Redacted.
    pub url: Option<String>,
    /// Canonical.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub http: Option<&'static str>,
    pub user_agent: Option<String>,
}

/// Where it goes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Destination {
    pub class: &'static str,
    pub service: Option<String>,
    pub region: Option<String>,
    pub partition: Option<&'static str>,
    /// The address dialled (in a decision: the first that will be tried); `None` where a parent
    /// proxy was asked.
    pub addr: Option<String>,
    /// The parent proxy that was asked.
    pub parent: Option<String>,
    /// The name that answered, where the resolver followed an alias or a search domain.
    pub answered: Option<String>,
}

/// What is known of an AWS call; in a tunnel only what the endpoint's name tells.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AwsCall {
    pub service: Option<String>,
    pub operation: Option<String>,
    pub region: Option<String>,
    pub access_key_id: Option<String>,
    pub account_id: Option<String>,
    pub auth: Option<&'static str>,
    pub presigned: Option<bool>,
    pub request_id: Option<String>,
    pub extended_request_id: Option<String>,
}

/// What was seen of TLS on either side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tls {
    /// Shared by the requests of one connection.
    pub client: Option<Arc<ClientTls>>,
    pub upstream: Option<Arc<UpstreamTls>>,
}

/// The client's hello. `version` is the highest offered.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ClientTls {
    pub version: Option<String>,
    pub sni: Option<String>,
    pub alpn: Vec<String>,
    pub ja4: Option<String>,
}

/// What was agreed with the upstream.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UpstreamTls {
    pub version: Option<String>,
    pub cipher: Option<String>,
    pub group: Option<String>,
    /// Whether outgate itself verified the certificate: in the handshake (TLS 1.2), or by a
    /// preflight; null where it could not be seen.
    pub verified: Option<bool>,
    pub preflight: Option<Preflight>,
    pub issuer: Option<String>,
    pub not_after: Option<String>,
    /// Of the leaf certificate (DER), hex.
    pub sha256: Option<String>,
}

/// What the preflight came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preflight {
    Verified,
    Failed,
    Inconclusive,
}

/// Bytes relayed, `sent` towards the upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    pub sent: u64,
    pub received: u64,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct FindingLine {
    #[serde(serialize_with = "rule_id")]
    pub rule: Rule,
    pub kind: &'static str,
    #[serde(rename = "where")]
    pub place: String,
    #[serde(serialize_with = "action")]
    pub action: Action,
    pub severity: &'static str,
    pub length: Option<u64>,
    pub fingerprint: Option<String>,
    pub hint: String,
}

impl From<&Finding> for FindingLine {
    fn from(finding: &Finding) -> FindingLine {
        FindingLine {
            rule: finding.rule,
            kind: finding.kind,
            place: super::cut(&finding.place, 256),
            action: finding.action,
            severity: finding.severity.id(),
            length: finding.length,
            fingerprint: finding.fingerprint.clone(),
            hint: super::cut(&finding.hint, 1024),
        }
    }
}

fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.id())
}

fn rule<S: Serializer>(rule: &Option<Rule>, serializer: S) -> Result<S::Ok, S::Error> {
    match rule {
        Some(rule) => serializer.serialize_str(rule.id()),
        None => serializer.serialize_none(),
    }
}

fn rule_id<S: Serializer>(rule: &Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.id())
}

fn action<S: Serializer>(action: &Action, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(action.id())
}
