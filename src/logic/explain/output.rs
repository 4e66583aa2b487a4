//! The answer to a line, and its JSON.

use serde::Serialize;
use serde::ser::SerializeSeq as _;
use serde::ser::Serializer;

use super::input::Unreadable;
use crate::logic::aws::Class;
use crate::logic::aws::Endpoint;
use crate::model::Action;
use crate::model::Authority;
use crate::model::Decision;
use crate::model::Finding;
use crate::model::Rule;
use crate::model::SafeUrl;
use crate::model::Severity;
use crate::model::Verdict;

/// What would be decided, and why. What does not apply is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    #[serde(serialize_with = "verdict")]
    pub verdict: Option<Verdict>,
    #[serde(serialize_with = "rule")]
    pub rule: Option<Rule>,
    /// Whether this configuration sees what the verdict rests on, and so would come to it.
    pub enforced: Option<bool>,
    #[serde(serialize_with = "findings")]
    pub findings: Vec<Finding>,
    pub destination: Option<Destination>,
    pub aws: Option<AwsCall>,
    #[serde(serialize_with = "url")]
    pub url: Option<SafeUrl>,
    /// Why the line could not be read.
    pub error: Option<String>,
}

/// Where it goes, by name alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// Canonical.
    pub host: String,
    pub port: u16,
    /// `aws` or `other`.
    pub class: &'static str,
    pub service: Option<String>,
    pub region: Option<String>,
    pub partition: Option<&'static str>,
    pub fips: Option<bool>,
    pub dualstack: Option<bool>,
}

/// What is known of an AWS call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AwsCall {
    pub service: Option<String>,
    pub operation: Option<String>,
    pub region: Option<String>,
    pub access_key_id: Option<String>,
    pub account_id: Option<String>,
    pub auth: Option<&'static str>,
    pub presigned: Option<bool>,
}

impl Explanation {
    /// The JSON, without a newline.
    pub fn json(&self) -> String {
        // A struct of strings and numbers has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The answer to a line that cannot be read. A request to a target that nobody can reach by
    /// what it says is refused by the proxy; about anything else there is no verdict.
    pub(super) fn unreadable(why: Unreadable) -> Explanation {
        let decision = why.is_bad_target().then(|| {
            let finding = Finding {
                rule: Rule::MalformedRequest,
                kind: "target",
                place: "target".into(),
                action: Action::Block,
                severity: Severity::Medium,
                length: None,
                fingerprint: None,
                hint: format!("{why}."),
            };
            Decision::from_findings(vec![finding], crate::model::Mode::Enforce)
        });
        let (verdict, enforced) = match &decision {
            Some(decision) => (Some(decision.verdict), Some(true)),
            None => (None, None),
        };
        let (rule, findings) =
            decision.map_or((None, Vec::new()), |found| (found.rule, found.findings));
        Explanation {
            verdict,
            rule,
            enforced,
            findings,
            destination: None,
            aws: None,
            url: None,
            error: Some(why.to_string()),
        }
    }
}

impl Destination {
    pub(super) fn new(authority: &Authority, class: &Class) -> Destination {
        let endpoint = endpoint(class);
        Destination {
            host: authority.host.to_string(),
            port: authority.port,
            class: if endpoint.is_some() { "aws" } else { "other" },
            service: endpoint.and_then(service),
            region: endpoint.and_then(region),
            partition: endpoint.map(|endpoint| endpoint.partition),
            fips: endpoint.map(|endpoint| endpoint.fips),
            dualstack: endpoint.map(|endpoint| endpoint.dualstack),
        }
    }
}

pub(super) const fn endpoint(class: &Class) -> Option<&Endpoint> {
    match class {
        Class::Aws(endpoint) => Some(endpoint),
        Class::Other => None,
    }
}

pub(super) fn service(endpoint: &Endpoint) -> Option<String> {
    endpoint.service.as_ref().map(ToString::to_string)
}

pub(super) fn region(endpoint: &Endpoint) -> Option<String> {
    endpoint.region.as_ref().map(ToString::to_string)
}

#[derive(Serialize)]
struct FindingJson<'a> {
    rule: &'static str,
    kind: &'static str,
    #[serde(rename = "where")]
    place: &'a str,
    action: &'static str,
    severity: &'static str,
    length: Option<u64>,
    fingerprint: Option<&'a str>,
    hint: &'a str,
}

fn findings<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(findings.len()))?;
    for finding in findings {
        list.serialize_element(&FindingJson {
            rule: finding.rule.id(),
            kind: finding.kind,
            place: &finding.place,
            action: finding.action.id(),
            severity: finding.severity.id(),
            length: finding.length,
            fingerprint: finding.fingerprint.as_deref(),
            hint: &finding.hint,
        })?;
    }
    list.end()
}

fn verdict<S: Serializer>(verdict: &Option<Verdict>, serializer: S) -> Result<S::Ok, S::Error> {
    verdict.map(Verdict::id).serialize(serializer)
}

fn rule<S: Serializer>(rule: &Option<Rule>, serializer: S) -> Result<S::Ok, S::Error> {
    rule.map(Rule::id).serialize(serializer)
}

fn url<S: Serializer>(url: &Option<SafeUrl>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(SafeUrl::as_str).serialize(serializer)
}
