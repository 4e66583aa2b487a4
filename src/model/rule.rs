//! The rules by name, and what a rule may do.

use std::fmt;

/// One rule of docs/rules.md. The order is the table's: of several findings with the strongest
/// action, the first in this order names the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    MalformedRequest,
    ClientAuth,
    Limits,
    AuditUnavailable,
    UrlCredentials,
    InstanceMetadata,
    PrivateAddress,
    AwsPlaintext,
    Port,
    Destination,
    SniMismatch,
    NotTls,
    WeakTls,
    InvalidCertificate,
    AwsAccount,
    AwsRegion,
    AwsFips,
    AwsLongTermKey,
    AwsSignature,
    AwsGuardrail,
    PresignedUrl,
    SensitiveData,
    Plaintext,
}

impl Rule {
    /// All rules, in the table's order.
    pub const ALL: [Rule; 23] = [
        Rule::MalformedRequest,
        Rule::ClientAuth,
        Rule::Limits,
        Rule::AuditUnavailable,
        Rule::UrlCredentials,
        Rule::InstanceMetadata,
        Rule::PrivateAddress,
        Rule::AwsPlaintext,
        Rule::Port,
        Rule::Destination,
        Rule::SniMismatch,
        Rule::NotTls,
        Rule::WeakTls,
        Rule::InvalidCertificate,
        Rule::AwsAccount,
        Rule::AwsRegion,
        Rule::AwsFips,
        Rule::AwsLongTermKey,
        Rule::AwsSignature,
        Rule::AwsGuardrail,
        Rule::PresignedUrl,
        Rule::SensitiveData,
        Rule::Plaintext,
    ];

    /// The stable id, as in answers, records, metrics and settings.
    pub const fn id(self) -> &'static str {
        match self {
            Rule::MalformedRequest => "malformed-request",
            Rule::ClientAuth => "client-auth",
            Rule::Limits => "limits",
            Rule::AuditUnavailable => "audit-unavailable",
            Rule::UrlCredentials => "url-credentials",
            Rule::InstanceMetadata => "instance-metadata",
            Rule::PrivateAddress => "private-address",
            Rule::AwsPlaintext => "aws-plaintext",
            Rule::Port => "port",
            Rule::Destination => "destination",
            Rule::SniMismatch => "sni-mismatch",
            Rule::NotTls => "not-tls",
            Rule::WeakTls => "weak-tls",
            Rule::InvalidCertificate => "invalid-certificate",
            Rule::AwsAccount => "aws-account",
            Rule::AwsRegion => "aws-region",
            Rule::AwsFips => "aws-fips",
            Rule::AwsLongTermKey => "aws-long-term-key",
            Rule::AwsSignature => "aws-signature",
            Rule::AwsGuardrail => "aws-guardrail",
            Rule::PresignedUrl => "presigned-url",
            Rule::SensitiveData => "sensitive-data",
            Rule::Plaintext => "plaintext",
        }
    }

    /// The rule of that id.
    pub fn from_id(id: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.id() == id)
    }

    /// The HTTP status of a refusal by this rule (docs/rules.md).
    pub const fn status(self) -> u16 {
        match self {
            Rule::MalformedRequest => 400,
            Rule::ClientAuth => 407,
            Rule::Limits | Rule::AuditUnavailable => 503,
            Rule::UrlCredentials
            | Rule::InstanceMetadata
            | Rule::PrivateAddress
            | Rule::AwsPlaintext
            | Rule::Port
            | Rule::Destination
            | Rule::SniMismatch
            | Rule::NotTls
            | Rule::WeakTls
            | Rule::InvalidCertificate
            | Rule::AwsAccount
            | Rule::AwsRegion
            | Rule::AwsFips
            | Rule::AwsLongTermKey
            | Rule::AwsSignature
            | Rule::AwsGuardrail
            | Rule::PresignedUrl
            | Rule::SensitiveData
            | Rule::Plaintext => 403,
        }
    }

    /// Whether `[rules]` and report mode can soften this rule. The others always act.
    pub const fn is_tunable(self) -> bool {
        !matches!(
            self,
            Rule::MalformedRequest | Rule::ClientAuth | Rule::Limits | Rule::AuditUnavailable
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What a rule does when it fires; ordered by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Not even listed.
    Off,
    /// Listed in `findings`; the request goes on.
    Report,
    /// Send it over TLS instead (`aws-plaintext`).
    Upgrade,
    /// Take the finding out and forward (`url-credentials`).
    Strip,
    /// Refuse.
    Block,
}

impl Action {
    /// The settings' and records' word.
    pub const fn id(self) -> &'static str {
        match self {
            Action::Off => "off",
            Action::Report => "report",
            Action::Upgrade => "upgrade",
            Action::Strip => "strip",
            Action::Block => "block",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The action of each rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleActions([Action; Rule::ALL.len()]);

impl RuleActions {
    /// The same action for every rule.
    pub const fn all(action: Action) -> RuleActions {
        RuleActions([action; Rule::ALL.len()])
    }

    /// What `rule` does.
    pub fn get(&self, rule: Rule) -> Action {
        self.0.get(rule as usize).copied().unwrap_or(Action::Block)
    }

    /// Sets what `rule` does.
    pub fn set(&mut self, rule: Rule, action: Action) {
        if let Some(slot) = self.0.get_mut(rule as usize) {
            *slot = action;
        }
    }

    /// As in report mode: what can be softened only reports.
    #[must_use]
    pub fn softened(mut self) -> RuleActions {
        for rule in Rule::ALL.into_iter().filter(|rule| rule.is_tunable()) {
            self.set(rule, self.get(rule).min(Action::Report));
        }
        self
    }
}

/// `mode`: whether verdicts are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Decide, record, act.
    #[default]
    Enforce,
    /// Decide and record; block nothing.
    Report,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
}

impl Severity {
    /// The records' word.
    pub const fn id(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_found_again() {
        for (place, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!(Rule::from_id(rule.id()), Some(rule));
            assert_eq!(rule as usize, place, "ALL is in the enum's order");
        }
    }
}
