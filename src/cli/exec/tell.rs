//! What is said on stderr: a line for each new refusal, a summary at the end.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::seen::{Detail, Obstacle};
use super::tally::{Did, Kind, Tally};
use crate::cli::args::FailOn;
use crate::edge::child::LeftBehind;
use crate::model::is_unprintable;

/// Lines that wait for a terminal; more are left to the summary.
const WAITING: usize = 64;
/// Lines while the command runs; more are left to the summary.
const MAX_LINES: usize = 100;
/// Kinds and hosts that a summary lists.
const MAX_LISTED: usize = 20;
/// How long a terminal that takes nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says things, in a thread of its own: a terminal may be stopped, a pipe full.
#[derive(Debug)]
pub(super) struct Teller {
    voice: Voice,
    thread: JoinHandle<()>,
    look: Look,
    is_quiet: bool,
}

/// For those who have something to tell.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    lines: SyncSender<Say>,
    look: Look,
    is_quiet: bool,
}

#[derive(Debug)]
enum Say {
    Line(String),
    Last(String),
}

/// How it looks.
#[derive(Debug, Clone, Copy)]
struct Look {
    has_colour: bool,
    /// A command may have told the terminal not to return at a newline.
    is_terminal: bool,
}

impl Look {
    fn of_stderr() -> Look {
        let is_terminal = io::stderr().is_terminal();
        #[expect(clippy::disallowed_methods, reason = "only how words look")]
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_plain = var("NO_COLOR").is_some() || var("TERM").is_some_and(|term| term == "dumb");
        Look {
            has_colour: is_terminal && !is_plain,
            is_terminal,
        }
    }

    fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn doubtful(self, text: &str) -> String {
        self.paint("33", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.has_colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

impl Teller {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(is_quiet: bool) -> io::Result<Teller> {
        let look = Look::of_stderr();
        let (lines, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("teller".to_owned())
            .spawn(move || say(&waiting, look))?;
        Ok(Teller {
            voice: Voice {
                lines,
                look,
                is_quiet,
            },
            thread,
            look,
            is_quiet,
        })
    }

    pub(super) fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Says the rest, and waits for it to be said.
    pub(super) fn finish(self, told: &Told<'_>) {
        let text = if self.is_quiet {
            // Else nothing would say where the exit code comes from.
            failing(told, self.look).unwrap_or_default()
        } else {
            summary(told, self.look)
        };
        let deadline = Instant::now() + PATIENCE;
        let mut last = Some(Say::Last(text));
        while !self.thread.is_finished() && Instant::now() < deadline {
            if let Some(say) = last.take()
                && let Err(TrySendError::Full(say)) = self.voice.lines.try_send(say)
            {
                last = Some(say);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Voice {
    /// Tells of a finding that is the first of its kind. Never waits.
    pub(super) fn tell(&self, kind: &Kind, detail: &Detail) {
        if self.is_quiet || kind.did == Did::Reported {
            return;
        }
        let word = match kind.did {
            Did::Refused => self.look.bad("refused"),
            Did::WouldRefuse | Did::Reported => self.look.doubtful("would be refused"),
        };
        let hint = detail
            .finding
            .as_ref()
            .map_or_else(String::new, |finding| format!(": {}", safe(&finding.hint)));
        let line = format!("outgate: {word}: {} {}{hint}", kind.rule, safe(&kind.host));
        let _ = self.lines.try_send(Say::Line(line));
    }
}

impl Voice {
    /// Tells where interception cannot work. Never waits.
    pub(super) fn tell_obstacle(&self, obstacle: &Obstacle) {
        if self.is_quiet {
            return;
        }
        let word = if obstacle.is_let_through {
            self.look.doubtful("in a tunnel from now on")
        } else {
            self.look.bad("refused")
        };
        let (host, hint) = (safe(&obstacle.host), safe(&obstacle.hint));
        let line = format!("outgate: {word}: {host}: {hint}");
        let _ = self.lines.try_send(Say::Line(line));
    }
}

/// Text of others, without what would steer a terminal.
fn safe(text: &str) -> String {
    text.chars()
        .map(|c| if is_unprintable(c) { '?' } else { c })
        .collect()
}

fn say(lines: &Receiver<Say>, look: Look) {
    let mut number = 0;
    for say in lines {
        match say {
            Say::Line(_) if number >= MAX_LINES => {}
            Say::Line(text) => {
                number += 1;
                write(&text, look);
            }
            Say::Last(text) => {
                write(&text, look);
                return;
            }
        }
    }
}

fn write(text: &str, look: Look) {
    let end = if look.is_terminal { "\r\n" } else { "\n" };
    let out: String = text.lines().flat_map(|line| [line, end]).collect();
    let mut stderr = io::stderr().lock();
    let _ = stderr
        .write_all(out.as_bytes())
        .and_then(|()| stderr.flush());
}

/// What a summary tells.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) tally: &'a Tally,
    pub(super) left: &'a [LeftBehind],
    pub(super) record: Option<&'a Path>,
    pub(super) is_nested: bool,
    /// The exit code, the number of requests and the flag that turned 0 into it.
    pub(super) failing: Option<(u8, u64, FailOn)>,
}

fn failing(told: &Told<'_>, look: Look) -> Option<String> {
    let (code, requests, what) = told.failing?;
    let what = match what {
        FailOn::Block => "would be blocked",
        FailOn::Never | FailOn::Report => "were reported or would be blocked",
    };
    Some(format!(
        "outgate: {}: {} {what} (--fail-on)\n",
        look.bad(&format!("exit code {code}")),
        counted(requests, "request")
    ))
}

fn summary(told: &Told<'_>, look: Look) -> String {
    let mut out = String::new();
    if !told.left.is_empty() {
        let names: Vec<String> = told
            .left
            .iter()
            .take(MAX_LISTED)
            .map(|process| format!("{} ({})", safe(&process.name), process.pid))
            .collect();
        let _ = writeln!(
            out,
            "outgate: {} left behind by the command ended with the proxy: {}",
            match told.left.len() {
                1 => "1 process".to_owned(),
                more => format!("{more} processes"),
            },
            names.join(", ")
        );
    }
    if !told.is_nested {
        counts(&mut out, told.tally, look);
    }
    out.extend(failing(told, look));
    if let Some(record) = told.record {
        let _ = writeln!(out, "outgate: record: {}", record.display());
    }
    out
}

fn counts(out: &mut String, tally: &Tally, look: Look) {
    let mut parts = vec![format!(
        "{} to {}",
        counted(tally.requests(), "request"),
        counted(tally.hosts().len() as u64, "host")
    )];
    let would = tally.would_refuse() - tally.refused();
    let numbers = [
        (tally.refused(), "refused"),
        (would, "would be refused"),
        (tally.reported(), "reported"),
        (tally.failed(), "failed"),
    ];
    for (number, word) in numbers.into_iter().filter(|(number, _)| *number > 0) {
        parts.push(format!("{number} {word}"));
    }
    let _ = writeln!(out, "outgate: {}", parts.join(", "));
    for (kind, found) in tally.kinds().iter().take(MAX_LISTED) {
        let word = match kind.did {
            Did::Refused => look.bad("refused"),
            Did::WouldRefuse => look.doubtful("would be refused"),
            Did::Reported => look.doubtful("reported"),
        };
        let _ = writeln!(
            out,
            "  {word} {}x {} {}",
            found.count,
            kind.rule,
            safe(&kind.host)
        );
    }
    for (count, obstacle) in tally.obstacles().take(MAX_LISTED) {
        let word = if obstacle.is_let_through {
            look.doubtful("not looked into")
        } else {
            look.bad("refused")
        };
        // The line that mends it belongs here too: the other one may be far up.
        let _ = writeln!(
            out,
            "  {word} {count}x {} {}: {}",
            safe(&obstacle.kind),
            safe(&obstacle.host),
            safe(&obstacle.hint)
        );
    }
    let unlisted = tally.kinds().len().saturating_sub(MAX_LISTED);
    if unlisted > 0 || tally.unlisted() > 0 {
        let _ = writeln!(out, "  and more kinds, which are in the record");
    }
}

fn counted(number: u64, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}
