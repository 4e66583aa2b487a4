//! Writing to stdout: a reader that has gone is no error, and colour is for terminals.

use std::io::{self, IsTerminal as _, Write as _};

use super::load::Environment;
use super::{USAGE, complain};

/// Prints `text` and ends with `code`.
pub(super) fn print(text: &str, code: u8) -> u8 {
    let mut out = io::stdout().lock();
    finish(
        out.write_all(text.as_bytes()).and_then(|()| out.flush()),
        code,
    )
}

/// `code`, unless the output failed. A closed pipe (`| head`) has all that its reader wanted.
pub(super) fn finish(written: io::Result<()>, code: u8) -> u8 {
    match written {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            complain(format_args!("cannot write to standard output: {error}"));
            USAGE
        }
    }
}

/// Whether and how words are coloured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    colour: bool,
}

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Doubtful,
    Bad,
    Quiet,
    Strong,
}

impl Paint {
    /// Colour on a terminal, unless NO_COLOR or a dumb terminal says otherwise.
    pub(super) fn of_stdout(environment: &Environment) -> Paint {
        let wanted =
            environment.get("NO_COLOR").is_none() && environment.get("TERM") != Some("dumb");
        Paint {
            colour: wanted && io::stdout().is_terminal(),
        }
    }

    /// `text` in that tone.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Doubtful => "33",
            Tone::Bad => "31",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
