//! What a run shows. Pure: what the program did, what the proxy and the origin saw, a verdict out.

use super::child::{Ending, Run};
use super::probe::ABSENT;
use super::seen::Traffic;

/// The longest excerpt of what a tool said.
const EXCERPT: usize = 300;

/// What one run shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// It did its work, and all of it went through the proxy.
    Fine,
    /// It is not there; or this part of it.
    Absent(Option<&'static str>),
    Trouble(Trouble),
}

/// What is wrong, and what was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) detail: Option<String>,
}

/// Which kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing came to the proxy.
    WentAround,
    /// It came, and did not go on after the certificate.
    Distrusts,
    /// It was served, and failed all the same.
    Failed,
    Late,
    Unstarted,
}

impl Kind {
    /// The stable word.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Kind::WentAround => "went-around",
            Kind::Distrusts => "distrusts",
            Kind::Failed => "failed",
            Kind::Late => "late",
            Kind::Unstarted => "unstarted",
        }
    }

    /// For people.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Kind::WentAround => "does not use the proxy",
            Kind::Distrusts => "does not trust the authority",
            Kind::Failed => "fails through the proxy",
            Kind::Late => "did not end in time",
            Kind::Unstarted => "cannot be started",
        }
    }
}

/// Judges a run. `visits`: how many of its requests the origin answered.
pub(super) fn judge(
    run: &Run,
    traffic: &Traffic,
    visits: u64,
    lacking: &[(&str, &'static str)],
    agent: Option<(&str, &'static str)>,
) -> Shown {
    let trouble = |kind| {
        Shown::Trouble(Trouble {
            kind,
            detail: last_words(run).or_else(|| traffic.error.clone()),
        })
    };
    let missing = lacking
        .iter()
        .find(|(word, _)| run.stderr.contains(word) || run.stdout.contains(word));
    let other = agent.filter(|(word, _)| {
        let named = traffic.agent.as_ref();
        named.is_some_and(|named| !named.contains(word))
    });
    if let Some((_, part)) = other {
        return Shown::Absent(Some(part));
    }
    match run.ending {
        Ending::Code(0) if traffic.requests > 0 && visits > 0 => Shown::Fine,
        Ending::Code(0) => trouble(Kind::WentAround),
        Ending::Code(ABSENT) => Shown::Absent(None),
        Ending::Unstarted => trouble(Kind::Unstarted),
        Ending::Code(_) | Ending::Signal if missing.is_some() => {
            Shown::Absent(missing.map(|(_, part)| *part))
        }
        Ending::Late if traffic.connects == 0 => trouble(Kind::WentAround),
        Ending::Late => trouble(Kind::Late),
        Ending::Code(_) | Ending::Signal if traffic.connects == 0 => trouble(Kind::WentAround),
        Ending::Code(_) | Ending::Signal if traffic.requests == 0 => trouble(Kind::Distrusts),
        Ending::Code(_) | Ending::Signal => trouble(Kind::Failed),
    }
}

/// The last line that a tool said, without what would steer a terminal.
fn last_words(run: &Run) -> Option<String> {
    let line = run
        .stderr
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(
        line.chars()
            .map(|c| {
                if crate::model::is_unprintable(c) {
                    '?'
                } else {
                    c
                }
            })
            .take(EXCERPT)
            .collect(),
    )
}

/// A version out of what a program says: its first word that begins with a digit.
pub(super) fn version(said: &str) -> Option<String> {
    let word = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let number = word
            .strip_prefix("go")
            .or(word.strip_prefix('v'))
            .unwrap_or(word);
        number
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| number.chars().take(24).collect::<String>())
    };
    said.lines()
        .filter(|line| !line.starts_with("Picked up "))
        .take(3)
        .flat_map(|line| line.split([' ', '/']))
        .find_map(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_judged_by_its_ending_and_by_what_arrived() {
        let lacking = [("No such part", "the part")];
        let cases = [
            (Ending::Code(0), 1, 1, 1, "", "fine"),
            (Ending::Code(0), 0, 0, 0, "", "went-around"),
            // It reached the origin, but not by us.
            (Ending::Code(0), 0, 0, 1, "", "went-around"),
            (Ending::Code(1), 0, 0, 0, "", "went-around"),
            (Ending::Code(60), 2, 0, 0, "", "distrusts"),
            (Ending::Signal, 1, 0, 0, "", "distrusts"),
            (Ending::Code(1), 1, 1, 1, "", "failed"),
            (Ending::Late, 0, 0, 0, "", "went-around"),
            (Ending::Late, 1, 1, 0, "", "late"),
            (Ending::Unstarted, 0, 0, 0, "", "unstarted"),
            (Ending::Code(77), 0, 0, 0, "", "absent"),
            (Ending::Code(1), 0, 0, 0, "x: No such part\n", "absent"),
        ];
        for (ending, connects, requests, visits, said, wanted) in cases {
            let run = Run {
                ending,
                stdout: String::new(),
                stderr: said.to_owned(),
            };
            let traffic = Traffic {
                connects,
                requests,
                ..Traffic::default()
            };
            let shown = match judge(&run, &traffic, visits, &lacking, None) {
                Shown::Fine => "fine",
                Shown::Absent(_) => "absent",
                Shown::Trouble(trouble) => trouble.kind.id(),
            };
            assert_eq!(shown, wanted, "{ending:?} {connects} {requests} {visits}");
        }
    }

    #[test]
    fn another_client_than_the_one_that_is_meant_shows_nothing_of_it() {
        let run = Run {
            ending: Ending::Code(0),
            stdout: String::new(),
            stderr: String::new(),
        };
        let judged = |agent: &str| {
            let traffic = Traffic {
                connects: 1,
                requests: 1,
                agent: Some(agent.to_owned()),
                error: None,
            };
            judge(
                &run,
                &traffic,
                1,
                &[],
                Some(("Special/", "the special part")),
            )
        };
        assert_eq!(judged("Tool/1 Special/2"), Shown::Fine);
        assert_eq!(judged("Tool/1"), Shown::Absent(Some("the special part")));
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let cases = [
            ("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1", "7.88.1"),
            ("GNU Wget 1.21.3 built on linux-gnu.", "1.21.3"),
            ("git version 2.47.3", "2.47.3"),
            ("pip 23.2.1 from /usr/lib (python 3.11)", "23.2.1"),
            ("uv 0.13.9 (abc 2026-01-01)", "0.13.9"),
            ("aws-cli/1.45.11 Python/3.11.7 Linux/6.18", "1.45.11"),
            ("v20.20.2", "20.20.2"),
            ("openjdk version \"17.0.15\" 2025-04-15", "17.0.15"),
            ("go version go1.19.8 linux/amd64", "1.19.8"),
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95.0"),
            ("11.19.1", "11.19.1"),
            (
                "Picked up JAVA_TOOL_OPTIONS: -Dhttp.proxyHost=x\nopenjdk version \"21\"",
                "21",
            ),
        ];
        for (said, wanted) in cases {
            assert_eq!(version(said).as_deref(), Some(wanted), "{said}");
        }
        assert_eq!(version("no number"), None);
    }
}
