//! What came of all requests, in bounded memory.

use std::collections::{BTreeMap, HashMap};

use super::seen::{Detail, Obstacle, Outcome, Seen};

/// Hosts, and kinds of findings, that are kept apart; the rest is counted together.
const MAX_HOSTS: usize = 4096;
const MAX_KINDS: usize = 1024;
/// Requests under way whose decision has been counted as a finding.
const MAX_OPEN: usize = 65_536;

/// The counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    requests: u64,
    failed: u64,
    refused: u64,
    would_refuse: u64,
    reported: u64,
    hosts: BTreeMap<String, HostCount>,
    kinds: BTreeMap<Kind, Found>,
    /// Where interception could not work, by what was found.
    obstacles: BTreeMap<(String, String), (u64, Obstacle)>,
    /// Findings beyond [`MAX_KINDS`].
    unlisted: u64,
    /// What has been counted of requests that are not complete yet.
    open: HashMap<String, Did>,
    /// Connections whose TLS is ended here and whose CONNECT found something. It counts unless a
    /// request inside did.
    outside: HashMap<String, Outside>,
}

#[derive(Debug, Clone)]
enum Outside {
    Found(Kind),
    /// What was found is counted by a request inside.
    ToldInside,
}

/// One host's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HostCount {
    pub(super) requests: u64,
    pub(super) refused: u64,
}

/// What makes two findings the same to a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) did: Did,
    pub(super) rule: String,
    pub(super) kind: String,
    pub(super) host: String,
}

/// What was done about it. The gravest first, as in a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Did {
    Refused,
    /// Report mode: let through, and refused in enforce mode.
    WouldRefuse,
    Reported,
}

impl Did {
    /// As reports name it.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Did::Refused => "refused",
            Did::WouldRefuse => "would-be-refused",
            Did::Reported => "reported",
        }
    }

    const fn of(seen: &Seen) -> Option<Did> {
        match (seen.verdict, seen.would) {
            (Outcome::Block, _) => Some(Did::Refused),
            (_, Outcome::Block) => Some(Did::WouldRefuse),
            (Outcome::Report, _) | (_, Outcome::Report) => Some(Did::Reported),
            (Outcome::Allow | Outcome::Error, _) => None,
        }
    }
}

/// How often, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) id: String,
    pub(super) first: Detail,
}

impl Tally {
    /// Counts one line. Gives its kind if it is the first of a kind that somebody should hear of.
    pub(super) fn add(&mut self, seen: Seen) -> Option<(Kind, Detail)> {
        let host = seen.host.clone().unwrap_or_else(|| "-".to_owned());
        if !seen.is_complete && !seen.is_outside {
            self.requests += 1;
            self.host(&host).requests += 1;
        }
        let before = if seen.is_complete {
            self.open.remove(&seen.id)
        } else {
            None
        };
        if seen.is_complete && seen.verdict == Outcome::Error {
            self.failed += 1;
        }
        let did = Did::of(&seen)?;
        // The completion repeats what the decision found, unless it found something graver.
        if before.is_some_and(|before| before <= did) {
            return None;
        }
        if !seen.is_complete && did != Did::Refused && self.open.len() < MAX_OPEN {
            self.open.insert(seen.id.clone(), did);
        }
        let detail = seen.detail?;
        let finding = detail.finding.as_ref();
        let kind = Kind {
            did,
            rule: seen.rule.unwrap_or_default(),
            kind: finding.map_or_else(String::new, |finding| finding.kind.clone()),
            host,
        };
        if seen.is_outside {
            let entry = self.outside.get(&seen.conn);
            if !matches!(entry, Some(Outside::ToldInside)) && self.outside.len() < MAX_OPEN {
                self.outside.insert(seen.conn, Outside::Found(kind.clone()));
            }
        } else {
            if let Some(entry) = self.outside.get_mut(&seen.conn) {
                *entry = Outside::ToldInside;
            } else if seen.is_inside && self.outside.len() < MAX_OPEN {
                self.outside.insert(seen.conn, Outside::ToldInside);
            }
            self.uncount(before);
            self.count(&kind);
        }
        let times = u64::from(!seen.is_outside);
        if let Some(found) = self.kinds.get_mut(&kind) {
            found.count += times;
            return None;
        }
        if self.kinds.len() >= MAX_KINDS {
            self.unlisted += 1;
            return None;
        }
        let found = Found {
            count: times,
            id: seen.id,
            first: detail.clone(),
        };
        self.kinds.insert(kind.clone(), found);
        Some((kind, detail))
    }

    /// The end: what a CONNECT found and no request inside has told is counted after all.
    #[must_use]
    pub(super) fn settled(mut self) -> Tally {
        for outside in std::mem::take(&mut self.outside).into_values() {
            let Outside::Found(kind) = outside else {
                continue;
            };
            self.requests += 1;
            self.host(&kind.host).requests += 1;
            self.count(&kind);
            if let Some(found) = self.kinds.get_mut(&kind) {
                found.count += 1;
            }
        }
        self.kinds.retain(|_, found| found.count > 0);
        self
    }

    fn count(&mut self, kind: &Kind) {
        match kind.did {
            Did::Refused => {
                self.refused += 1;
                self.host(&kind.host).refused += 1;
            }
            Did::WouldRefuse => self.would_refuse += 1,
            Did::Reported => self.reported += 1,
        }
    }

    /// Counts what stood in the way of interception. Gives it if it is the first of its kind.
    pub(super) fn add_obstacle(&mut self, obstacle: Obstacle) -> Option<Obstacle> {
        let key = (obstacle.host.clone(), obstacle.kind.clone());
        if let Some((count, _)) = self.obstacles.get_mut(&key) {
            *count += 1;
            return None;
        }
        if self.obstacles.len() >= MAX_KINDS {
            self.unlisted += 1;
            return None;
        }
        self.obstacles.insert(key, (1, obstacle.clone()));
        Some(obstacle)
    }

    /// A request that was counted as something milder is that no more; its kind stays listed.
    fn uncount(&mut self, before: Option<Did>) {
        match before {
            Some(Did::WouldRefuse) => self.would_refuse -= 1,
            Some(Did::Reported) => self.reported -= 1,
            Some(Did::Refused) | None => {}
        }
    }

    fn host(&mut self, host: &str) -> &mut HostCount {
        let known = self.hosts.contains_key(host) || self.hosts.len() < MAX_HOSTS;
        let name = if known { host } else { "(others)" };
        self.hosts.entry(name.to_owned()).or_default()
    }

    pub(super) const fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) const fn failed(&self) -> u64 {
        self.failed
    }

    /// Requests that were refused.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// Requests that enforce mode refuses: those that were refused among them.
    pub(super) const fn would_refuse(&self) -> u64 {
        self.refused + self.would_refuse
    }

    /// Requests in which something was only reported.
    pub(super) const fn reported(&self) -> u64 {
        self.reported
    }

    pub(super) const fn hosts(&self) -> &BTreeMap<String, HostCount> {
        &self.hosts
    }

    /// The kinds, gravest first.
    pub(super) const fn kinds(&self) -> &BTreeMap<Kind, Found> {
        &self.kinds
    }

    /// Where interception could not work, and how often it showed.
    pub(super) fn obstacles(&self) -> impl ExactSizeIterator<Item = &(u64, Obstacle)> {
        self.obstacles.values()
    }

    /// How many of them were refused.
    pub(super) fn shut_out(&self) -> u64 {
        let refused = self
            .obstacles
            .values()
            .filter(|(_, one)| !one.is_let_through);
        refused.map(|(count, _)| count).sum()
    }

    pub(super) const fn unlisted(&self) -> u64 {
        self.unlisted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(id: &str, stage: &str, verdict: &str, would: &str) -> Seen {
        request(id, stage, verdict, would, "tunnel", "CONNECT")
    }

    fn request(
        id: &str,
        stage: &str,
        verdict: &str,
        would: &str,
        carried: &str,
        method: &str,
    ) -> Seen {
        let rule = if would == "allow" { "null" } else { "\"port\"" };
        let line = format!(
            r#"{{"id":"{id}","conn":"c","time":"t","stage":"{stage}","carried":"{carried}","verdict":"{verdict}","would":"{would}","rule":{rule},
                "request":{{"method":"{method}","host":"a.example"}},"client":{{}},"error":null,
                "findings":[{{"rule":"port","kind":"k","where":"port","severity":"low","hint":"h"}}]}}"#
        );
        Seen::read(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_counts_once_and_as_its_gravest() {
        type Case = (
            &'static [(&'static str, &'static str, &'static str)],
            [u64; 4],
        );
        let cases: [Case; 7] = [
            (
                &[
                    ("decision", "allow", "allow"),
                    ("complete", "allow", "allow"),
                ],
                [1, 0, 0, 0],
            ),
            (&[("decision", "block", "block")], [1, 1, 1, 0]),
            (
                &[
                    ("decision", "allow", "allow"),
                    ("complete", "block", "block"),
                ],
                [1, 1, 1, 0],
            ),
            (
                &[
                    ("decision", "report", "report"),
                    ("complete", "report", "report"),
                ],
                [1, 0, 0, 1],
            ),
            (
                &[
                    ("decision", "report", "report"),
                    ("complete", "block", "block"),
                ],
                [1, 1, 1, 0],
            ),
            (
                &[
                    ("decision", "report", "block"),
                    ("complete", "report", "block"),
                ],
                [1, 0, 1, 0],
            ),
            (
                &[
                    ("decision", "report", "block"),
                    ("complete", "error", "block"),
                ],
                [1, 0, 1, 0],
            ),
        ];
        for (lines, expected) in cases {
            let mut tally = Tally::default();
            for (stage, verdict, would) in lines {
                tally.add(seen("1", stage, verdict, would));
            }
            let counts = [
                tally.requests(),
                tally.refused(),
                tally.would_refuse(),
                tally.reported(),
            ];
            assert_eq!(counts, expected, "{lines:?}");
            assert!(tally.open.is_empty() || lines.len() == 1, "{lines:?}");
        }
    }

    #[test]
    fn retries_are_merged() {
        let mut tally = Tally::default();
        let first = tally.add(seen("1", "decision", "block", "block"));
        assert_eq!(first.map(|(kind, _)| kind.did), Some(Did::Refused));
        for id in ["2", "3"] {
            assert_eq!(tally.add(seen(id, "decision", "block", "block")), None);
        }
        let found: Vec<u64> = tally.kinds().values().map(|found| found.count).collect();
        assert_eq!(found, [3]);
        assert_eq!(tally.add(seen("4", "decision", "allow", "allow")), None);
    }
    #[test]
    fn a_connect_counts_where_no_request_inside_does() {
        let outside =
            |stage, verdict| request("1", stage, verdict, verdict, "intercept", "CONNECT");
        let inside = |verdict| request("2", "decision", verdict, verdict, "intercept", "GET");
        let cases: [(Vec<Seen>, [u64; 3]); 5] = [
            (vec![outside("decision", "block")], [1, 1, 1]),
            (
                vec![outside("decision", "block"), inside("block")],
                [1, 1, 1],
            ),
            (
                vec![
                    outside("decision", "allow"),
                    inside("block"),
                    outside("complete", "block"),
                ],
                [1, 1, 1],
            ),
            (
                vec![outside("decision", "allow"), outside("complete", "block")],
                [1, 1, 1],
            ),
            (
                vec![
                    outside("decision", "allow"),
                    inside("allow"),
                    outside("complete", "allow"),
                ],
                [1, 0, 0],
            ),
        ];
        for (place, (lines, expected)) in cases.into_iter().enumerate() {
            let mut tally = Tally::default();
            for line in lines {
                tally.add(line);
            }
            let tally = tally.settled();
            let kinds = tally.kinds().values().map(|found| found.count).sum();
            assert_eq!(
                [tally.requests(), tally.refused(), kinds],
                expected,
                "case {place}"
            );
        }
    }
}
