//! The result, for people and as JSON; the progress on the way.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::course::{Examined, Verdict};
use crate::cli::output::{Paint, Tone};

/// A table, and under it what mends whom.
pub(super) fn text(examined: &[Examined], paint: Paint) -> String {
    let shown = |tool: &&Examined| !matches!(tool.verdict, Verdict::Absent(_));
    let width = |of: &dyn Fn(&Examined) -> usize| examined.iter().filter(shown).map(of).max();
    let names = width(&|tool| tool.name.len()).unwrap_or(0);
    let versions = width(&|tool| tool.version.as_ref().map_or(1, String::len)).unwrap_or(1);
    let mut out = String::new();
    for tool in examined.iter().filter(shown) {
        let (tone, word) = match &tool.verdict {
            Verdict::Fine => (Tone::Good, "works".to_owned()),
            Verdict::Mended(trouble, lines) => (
                Tone::Doubtful,
                format!(
                    "{}; works with the line{} below",
                    trouble.kind.sentence(),
                    if lines.len() > 1 { "s" } else { "" }
                ),
            ),
            Verdict::Broken(trouble) => (Tone::Bad, trouble.kind.sentence().to_owned()),
            Verdict::Absent(_) => continue,
        };
        let version = tool.version.as_deref().unwrap_or("-");
        let _ = writeln!(
            out,
            "{:names$}  {version:versions$}  {}",
            tool.name,
            paint.paint(tone, &word)
        );
    }
    for tool in examined {
        match &tool.verdict {
            Verdict::Mended(_, lines) => {
                let _ = writeln!(out, "\n{}:", paint.paint(Tone::Strong, tool.name));
                for line in lines {
                    let _ = writeln!(out, "    {line}");
                }
            }
            Verdict::Broken(trouble) => {
                let _ = writeln!(out, "\n{}:", paint.paint(Tone::Strong, tool.name));
                let said = trouble.detail.as_deref().unwrap_or("it says nothing");
                let _ = writeln!(out, "    {said}");
            }
            Verdict::Fine | Verdict::Absent(_) => {}
        }
    }
    let absent: Vec<String> = examined
        .iter()
        .filter_map(|tool| match tool.verdict {
            Verdict::Absent(Some(part)) => Some(format!("{} (it takes {part})", tool.name)),
            Verdict::Absent(None) => Some(tool.name.to_owned()),
            Verdict::Fine | Verdict::Mended(..) | Verdict::Broken(_) => None,
        })
        .collect();
    if !absent.is_empty() {
        let line = format!("not here: {}", absent.join(", "));
        let _ = writeln!(out, "\n{}", paint.paint(Tone::Quiet, &line));
    }
    out
}

/// One object; its fields are in docs/commands.md.
pub(super) fn json(examined: &[Examined]) -> String {
    let tools: Vec<Value> = examined.iter().map(tool).collect();
    format!("{}\n", json!({ "tools": tools }))
}

fn tool(tool: &Examined) -> Value {
    let (verdict, trouble, lines) = match &tool.verdict {
        Verdict::Fine => ("works", None, &[][..]),
        Verdict::Mended(trouble, lines) => ("mended", Some(trouble), lines.as_slice()),
        Verdict::Broken(trouble) => ("broken", Some(trouble), &[][..]),
        Verdict::Absent(_) => ("absent", None, &[][..]),
    };
    json!({
        "tool": tool.name,
        "path": tool.path.as_ref().map(|path| path.display().to_string()),
        "version": tool.version,
        "verdict": verdict,
        "trouble": trouble.map(|trouble| trouble.kind.id()),
        "detail": trouble.and_then(|trouble| trouble.detail.as_deref()),
        "lines": lines,
    })
}

/// One line on a terminal that says how far it is.
#[derive(Debug)]
pub(super) struct Progress {
    is_shown: bool,
    all: usize,
    under_way: Vec<&'static str>,
    done: usize,
}

impl Progress {
    pub(super) fn new(all: usize) -> Progress {
        Progress {
            is_shown: std::io::stderr().is_terminal(),
            all,
            under_way: Vec::new(),
            done: 0,
        }
    }

    pub(super) fn begin(&mut self, name: &'static str) {
        self.under_way.push(name);
        self.show();
    }

    pub(super) fn end(&mut self, name: &'static str) {
        self.under_way.retain(|known| *known != name);
        self.done += 1;
        self.show();
    }

    fn show(&self) {
        if !self.is_shown {
            return;
        }
        let text = if self.done == self.all {
            String::new()
        } else {
            let names = self.under_way.join(", ");
            format!("{} of {}: {names}", self.done, self.all)
        };
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush());
    }
}
