//! A command as our child.
//!
//! It is started by re-executing ourselves, so that what must happen between fork and exec happens
//! in ordinary code ([`become_command`]). One thread reads the signals, forwards what only we got,
//! and reaps: nothing else in the process waits for children.

mod family;
mod setup;
mod signals;
mod status;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use family::Family;
pub use setup::{Descriptors, Failure, become_command};
use signals::Sender;
pub use signals::Signals;
use status::{Change, changes};

/// How long processes that are killed may take to be gone; one in the kernel's hands may never be.
const KILLED: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The first argument by which this program knows that it is to become the command.
    pub helper: &'static str,
    /// What is set anew in its environment.
    pub set: Vec<(OsString, OsString)>,
    /// How many descriptors it may have: as many as whoever called us.
    pub descriptors: Descriptors,
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(u8),
    Killed(u8),
}

impl End {
    /// The code that a shell would show.
    pub const fn code(self) -> u8 {
        match self {
            End::Exited(code) => code,
            End::Killed(signal) => signal.saturating_add(128),
        }
    }
}

/// Why the command cannot be started at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot find its own program, to start the command with: {0}")]
    Own(io::Error),
    #[error("cannot start the command: {0}")]
    Spawn(io::Error),
}

/// A process that the command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    pub pid: i32,
    pub name: String,
}

/// The command while it runs.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    /// The terminal has asked the whole group to stop.
    asked_to_stop: bool,
}

impl Plan {
    /// Starts the command. From here on orphans of its family come to us.
    ///
    /// # Errors
    /// [`StartError`]; a command that is not there shows only as its exit code 127.
    pub fn start(self, signals: &Signals) -> Result<Running, StartError> {
        adopt_orphans();
        let mut command = Command::new(own_program().map_err(StartError::Own)?);
        command
            .arg0("outgate")
            .arg(self.helper)
            .arg(rustix::process::getpid().to_string())
            .arg(signals.borrowed().to_arg())
            .arg(self.descriptors.to_arg())
            .args(&self.command)
            .envs(self.set);
        // Reaped with all others, where signals are read.
        let child = command.spawn().map_err(StartError::Spawn)?;
        Ok(Running {
            pid: Pid::from_child(&child),
            asked_to_stop: false,
        })
    }
}

impl Running {
    /// Waits for the end of the command: forwards signals, reaps orphans, stops when it stops.
    pub fn wait(mut self, signals: &Signals) -> End {
        loop {
            match signals.next(None) {
                Some((Signal::CHILD, _)) | None => {
                    if let Some(end) = self.reap(signals) {
                        return end;
                    }
                }
                Some((Signal::CONT, _)) => {
                    self.asked_to_stop = false;
                    // Who continues us alone means the command as well.
                    if family::is_stopped(self.pid) {
                        self.send(Signal::CONT);
                    }
                }
                Some((signal, sender)) => {
                    self.asked_to_stop |= signal == Signal::TSTP;
                    if self.is_for_us_alone(signal, sender) {
                        self.send(signal);
                    }
                }
            }
        }
    }

    /// Reaps whoever has ended. Returns the command's end, if it is among them.
    fn reap(&mut self, signals: &Signals) -> Option<End> {
        let mut end = None;
        for (pid, change) in changes() {
            if pid != self.pid {
                continue;
            }
            match change {
                Change::Exited(code) => end = Some(End::Exited(code)),
                Change::Killed(signal) => end = Some(End::Killed(signal)),
                Change::Stopped(signal) => self.stop_as_well(signal, signals),
                Change::Other => {}
            }
        }
        end
    }

    /// A command that the terminal has stopped takes us along, so that the shell sees its job
    /// stop. One that a debugger holds does not.
    fn stop_as_well(&mut self, signal: Signal, signals: &Signals) {
        let by_terminal = match signal {
            Signal::TSTP | Signal::TTIN | Signal::TTOU => true,
            // Programs that tidy the screen first stop themselves with this.
            Signal::STOP => std::mem::take(&mut self.asked_to_stop),
            _ => false,
        };
        // It may have been continued meanwhile, and then nobody would continue us.
        if by_terminal && family::is_stopped(self.pid) {
            signals.stop_ourselves(if signal == Signal::STOP {
                Signal::TSTP
            } else {
                signal
            });
        }
    }

    /// Whether a signal reached us and not the command: what a terminal sends goes to the whole
    /// group.
    fn is_for_us_alone(&self, signal: Signal, sender: Sender) -> bool {
        use rustix::process::{getpgid, getpgrp, getpid, getsid};
        match sender {
            Sender::Terminal => {
                // One that hangs up tells the leader of its session alone.
                let leads = getsid(None).is_ok_and(|session| session == getpid());
                let is_in_group = getpgid(Some(self.pid)).is_ok_and(|group| group == getpgrp());
                (signal == Signal::HUP && leads) || !is_in_group
            }
            // `kill 0` inside the command: sending it back would be once too often.
            Sender::Process(pid) => !Family::read().contains(pid),
            Sender::Unknown => true,
        }
    }

    /// It has not been reaped, so its number is still its own.
    fn send(&self, signal: Signal) {
        let _ = rustix::process::kill_process(self.pid, signal);
    }
}

/// Ends what is left of the command's family: asks first, then kills. Returns who was asked.
pub fn end_family(signals: &Signals, grace: Duration) -> Vec<LeftBehind> {
    let mut left: Vec<LeftBehind> = Vec::new();
    let deadline = Instant::now() + grace;
    // Whoever is born while we ask is asked as well.
    while is_anybody_left() {
        let now = Family::read();
        for process in now.living() {
            if left.iter().all(|known| known.pid != process.pid()) {
                process.send(Signal::TERM);
                // One that is stopped would never hear of it.
                process.send(Signal::CONT);
                left.push(LeftBehind {
                    pid: process.pid(),
                    name: process.name().to_owned(),
                });
            }
        }
        let Some(rest) = deadline.checked_duration_since(Instant::now()) else {
            break;
        };
        match signals.next(Some(rest)) {
            Some((Signal::CHILD, _)) => {
                changes().for_each(drop);
            }
            Some((Signal::INT | Signal::TERM | Signal::QUIT | Signal::HUP, _)) => break,
            Some(_) => {}
            None => break,
        }
    }
    let deadline = Instant::now() + KILLED;
    while is_anybody_left() && Instant::now() < deadline {
        for process in Family::read().living() {
            process.send(Signal::KILL);
        }
        let _ = signals.next(Some(Duration::from_millis(50)));
        changes().for_each(drop);
    }
    left
}

/// Orphans come to us, so whoever is left of the family has an ancestor among our children.
fn is_anybody_left() -> bool {
    changes().for_each(drop);
    status::has_children()
}

/// Ourselves, also when the file has been replaced meanwhile.
fn own_program() -> io::Result<PathBuf> {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() {
        return Ok(own);
    }
    std::env::current_exe()
}

/// Processes whose parent ends become our children instead of those of PID 1.
fn adopt_orphans() {
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Whether `name` is the helper's argument.
pub fn is_helper(args: &[OsString], helper: &str) -> bool {
    args.get(1).is_some_and(|first| first == OsStr::new(helper))
}
