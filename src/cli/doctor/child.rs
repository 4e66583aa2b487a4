//! A program that is started, waited for until a deadline, and ended with all that it started.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// What is kept of a program's output. More is read and dropped, so that it never waits for us.
const KEPT: u64 = 64 * 1024;
/// How long what a program left running may keep its output open.
const LINGER: Duration = Duration::from_millis(500);
/// How often an ending is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Code(i32),
    Signal,
    /// It was ended at its deadline.
    Late,
    /// It could not be started.
    Unstarted,
}

/// What a program did.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) ending: Ending,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// What to start.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) program: &'a Path,
    pub(super) args: &'a [String],
    /// On top of our own environment.
    pub(super) set: &'a [(OsString, OsString)],
    pub(super) folder: &'a Path,
    pub(super) deadline: Duration,
}

/// The groups of the programs that run, to be ended when we are.
#[derive(Debug, Default)]
pub(super) struct Groups(Mutex<Vec<Pid>>);

impl Groups {
    /// Runs a program to its end.
    pub(super) fn run(&self, start: &Start<'_>) -> Run {
        let mut command = Command::new(start.program);
        command
            .args(start.args.iter().map(OsStr::new))
            .envs(start.set.iter().map(|(name, value)| (name, value)))
            .current_dir(start.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                return Run {
                    ending: Ending::Unstarted,
                    stdout: String::new(),
                    stderr: error.to_string(),
                };
            }
        };
        let group = Pid::from_child(&child);
        self.lock().push(group);
        let stdout = child.stdout.take().map(read);
        let stderr = child.stderr.take().map(read);
        let deadline = Instant::now() + start.deadline;
        let ending = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.code().map_or(Ending::Signal, Ending::Code),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK),
                Ok(None) | Err(_) => break Ending::Late,
            }
        };
        // Also what it started and left: nothing of a probe outlives it.
        let _ = kill_process_group(group, Signal::KILL);
        if ending == Ending::Late {
            let _ = child.wait();
        }
        self.lock().retain(|known| *known != group);
        let text = |output: Option<mpsc::Receiver<Vec<u8>>>| {
            let bytes = output.and_then(|output| output.recv_timeout(LINGER).ok());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        Run {
            ending,
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// Ends them all.
    pub(super) fn end(&self) {
        for group in self.lock().drain(..) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads to the end in a thread of its own.
fn read(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.by_ref().take(KEPT).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        let _ = tell.send(bytes);
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Duration) -> Run {
        Groups::default().run(&Start {
            program: Path::new("/bin/sh"),
            args: &["-c".to_owned(), script.to_owned()],
            set: &[("WORD".into(), "set".into())],
            folder: Path::new("/"),
            deadline,
        })
    }

    #[test]
    fn an_ending_is_told_with_what_was_said() {
        let patient = Duration::from_secs(20);
        let run = sh("echo out $WORD; echo err >&2; exit 7", patient);
        assert_eq!(run.ending, Ending::Code(7));
        assert_eq!((run.stdout.trim(), run.stderr.trim()), ("out set", "err"));
        assert_eq!(sh("kill -9 $$", patient).ending, Ending::Signal);
        let long = sh("head -c 1000000 /dev/zero", patient);
        assert_eq!((long.ending, long.stdout.len()), (Ending::Code(0), 65536));
    }

    #[test]
    fn whoever_takes_too_long_is_ended_with_its_family() {
        let begun = Instant::now();
        let run = sh(
            "sleep 600 & echo begun; sleep 600",
            Duration::from_millis(300),
        );
        assert_eq!((run.ending, run.stdout.trim()), (Ending::Late, "begun"));
        assert!(begun.elapsed() < Duration::from_secs(300));
    }
}
