//! What a rule found, and what follows from all findings of a request.

use std::borrow::Cow;

use super::{Action, Mode, Rule, Severity};

/// One thing that a rule found. Never holds the value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: Rule,
    /// The kind within the rule, e.g. `userinfo`.
    pub kind: &'static str,
    /// The part of the request, e.g. `userinfo` or `query.token`.
    pub place: Cow<'static, str>,
    /// What the settings say to do.
    pub action: Action,
    pub severity: Severity,
    /// The length of what was found in bytes, where that means something.
    pub length: Option<u64>,
    /// A keyed fingerprint of what was found, so that two sightings can be matched.
    pub fingerprint: Option<String>,
    /// What was wrong and how to mend it, in a sentence or two.
    pub hint: String,
}

/// What was done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Allow,
    Report,
    Upgrade,
    Strip,
    Block,
    /// Allowed, but the upstream failed.
    Error,
}

impl Verdict {
    /// The records' word.
    pub const fn id(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Report => "report",
            Verdict::Upgrade => "upgrade",
            Verdict::Strip => "strip",
            Verdict::Block => "block",
            Verdict::Error => "error",
        }
    }

    fn of(action: Action) -> Verdict {
        match action {
            Action::Off => Verdict::Allow,
            Action::Report => Verdict::Report,
            Action::Upgrade => Verdict::Upgrade,
            Action::Strip => Verdict::Strip,
            Action::Block => Verdict::Block,
        }
    }
}

/// The verdict with all its reasons. Answer, record and tests read the same value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is done.
    pub verdict: Verdict,
    /// What enforce mode does.
    pub would: Verdict,
    /// The first rule in the table's order among the findings with the strongest action.
    pub rule: Option<Rule>,
    pub findings: Vec<Finding>,
}

impl Decision {
    /// Nothing found.
    pub const fn allow() -> Decision {
        Decision {
            verdict: Verdict::Allow,
            would: Verdict::Allow,
            rule: None,
            findings: Vec::new(),
        }
    }

    /// The decision that follows from the findings. Findings of a rule that is off are dropped;
    /// in report mode only the rules that always act still block.
    pub fn from_findings(mut findings: Vec<Finding>, mode: Mode) -> Decision {
        findings.retain(|finding| finding.action != Action::Off);
        findings.sort_by_key(|finding| finding.rule);
        let strongest = |softened: bool| {
            findings
                .iter()
                .map(|finding| {
                    if softened && finding.rule.is_tunable() {
                        finding.action.min(Action::Report)
                    } else {
                        finding.action
                    }
                })
                .max()
                .unwrap_or(Action::Off)
        };
        let would = strongest(false);
        let done = match mode {
            Mode::Enforce => would,
            Mode::Report => strongest(true),
        };
        let rule = findings
            .iter()
            .find(|finding| finding.action == would)
            .map(|finding| finding.rule);
        Decision {
            verdict: Verdict::of(done),
            would: Verdict::of(would),
            rule,
            findings,
        }
    }

    /// Whether the request is refused.
    pub fn is_block(&self) -> bool {
        self.verdict == Verdict::Block
    }

    /// Whether the request goes over TLS instead. The verdict alone does not tell: a stronger
    /// finding beside it (a credential that is stripped) names the verdict, and must not take the
    /// TLS away.
    pub fn is_upgrade(&self) -> bool {
        let acts = match self.verdict {
            Verdict::Upgrade | Verdict::Strip => true,
            // In report mode nothing is done; what is blocked goes nowhere.
            Verdict::Allow | Verdict::Report | Verdict::Block | Verdict::Error => false,
        };
        acts && self
            .findings
            .iter()
            .any(|finding| finding.action == Action::Upgrade)
    }

    /// The finding that names the verdict.
    pub fn leading(&self) -> Option<&Finding> {
        let rule = self.rule?;
        self.findings
            .iter()
            .filter(|finding| finding.rule == rule)
            .max_by_key(|finding| (finding.action, finding.severity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: Rule, action: Action) -> Finding {
        Finding {
            rule,
            kind: "k",
            place: Cow::Borrowed("p"),
            action,
            severity: Severity::Low,
            length: None,
            fingerprint: None,
            hint: String::new(),
        }
    }

    #[test]
    fn the_strongest_action_wins_and_the_first_rule_names_it() {
        type Case = (
            &'static [(Rule, Action)],
            Mode,
            Verdict,
            Verdict,
            Option<Rule>,
        );
        let cases: [Case; 7] = [
            (&[], Mode::Enforce, Verdict::Allow, Verdict::Allow, None),
            (
                &[(Rule::Port, Action::Off)],
                Mode::Enforce,
                Verdict::Allow,
                Verdict::Allow,
                None,
            ),
            (
                &[
                    (Rule::NotTls, Action::Block),
                    (Rule::AwsPlaintext, Action::Block),
                ],
                Mode::Enforce,
                Verdict::Block,
                Verdict::Block,
                Some(Rule::AwsPlaintext),
            ),
            (
                &[
                    (Rule::UrlCredentials, Action::Report),
                    (Rule::Plaintext, Action::Block),
                ],
                Mode::Enforce,
                Verdict::Block,
                Verdict::Block,
                Some(Rule::Plaintext),
            ),
            (
                &[(Rule::WeakTls, Action::Block)],
                Mode::Report,
                Verdict::Report,
                Verdict::Block,
                Some(Rule::WeakTls),
            ),
            (
                &[(Rule::Limits, Action::Block)],
                Mode::Report,
                Verdict::Block,
                Verdict::Block,
                Some(Rule::Limits),
            ),
            (
                &[(Rule::AwsPlaintext, Action::Upgrade)],
                Mode::Report,
                Verdict::Report,
                Verdict::Upgrade,
                Some(Rule::AwsPlaintext),
            ),
        ];
        for (findings, mode, verdict, would, rule) in cases {
            let all = findings.iter().map(|&(r, a)| finding(r, a)).collect();
            let decision = Decision::from_findings(all, mode);
            assert_eq!(
                (decision.verdict, decision.would, decision.rule),
                (verdict, would, rule),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn no_other_finding_takes_the_tls_away() {
        type Case = (&'static [(Rule, Action)], Mode, bool);
        let cases: [Case; 6] = [
            (
                &[(Rule::AwsPlaintext, Action::Upgrade)],
                Mode::Enforce,
                true,
            ),
            (
                &[
                    (Rule::AwsPlaintext, Action::Upgrade),
                    (Rule::UrlCredentials, Action::Strip),
                ],
                Mode::Enforce,
                true,
            ),
            (
                &[
                    (Rule::AwsPlaintext, Action::Upgrade),
                    (Rule::Port, Action::Block),
                ],
                Mode::Enforce,
                false,
            ),
            (
                &[(Rule::UrlCredentials, Action::Strip)],
                Mode::Enforce,
                false,
            ),
            (
                &[(Rule::AwsPlaintext, Action::Upgrade)],
                Mode::Report,
                false,
            ),
            (&[], Mode::Enforce, false),
        ];
        for (findings, mode, upgrades) in cases {
            let all = findings.iter().map(|&(r, a)| finding(r, a)).collect();
            let decision = Decision::from_findings(all, mode);
            assert_eq!(decision.is_upgrade(), upgrades, "{findings:?}");
        }
    }
}
