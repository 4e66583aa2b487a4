//! Signals as values, with their sender.
//!
//! They are blocked in every thread and read from a descriptor, so nothing is handled in between,
//! and what the caller ignores (`nohup`) the command still inherits as ignored.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal as Name};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::Signal;

/// What is read here. A signal that is not in this list does to us what it does to anybody.
const WATCHED: [Name; 10] = [
    Name::SIGCHLD,
    Name::SIGCONT,
    Name::SIGHUP,
    Name::SIGINT,
    Name::SIGQUIT,
    Name::SIGTERM,
    Name::SIGTSTP,
    Name::SIGUSR1,
    Name::SIGUSR2,
    Name::SIGWINCH,
];

/// `si_code` of a signal that the kernel itself sent, as it does for a terminal.
const SI_KERNEL: i32 = 0x80;
/// Up to here a process sent it: kill, sigqueue, tgkill, a timer.
const SI_USER: i32 = 0;

/// Who sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// The terminal's driver, which sends to the whole foreground group.
    Terminal,
    /// A process that we can see.
    Process(i32),
    Unknown,
}

/// The signals sent to us.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    borrowed: Borrowed,
}

/// What is blocked for our own sake, and not for the command's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Borrowed(Vec<i32>);

impl Borrowed {
    /// As the helper is told.
    pub(super) fn to_arg(&self) -> String {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        numbers.join(",")
    }

    /// As the helper reads it.
    pub(super) fn of_arg(text: &str) -> Option<Borrowed> {
        let numbers = text.split(',').filter(|number| !number.is_empty());
        numbers
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()
            .map(Borrowed)
    }

    /// Gives it back, in the helper: what has come meanwhile arrives at once.
    pub(super) fn give_back(&self) {
        let set: SigSet = self
            .0
            .iter()
            .filter_map(|number| Name::try_from(*number).ok())
            .collect();
        let _ = set.thread_unblock();
    }
}

impl Signals {
    /// Takes them from here on. To be called before any thread is started: each inherits what is
    /// blocked.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn take() -> io::Result<Signals> {
        let watched: SigSet = WATCHED.into_iter().collect();
        let mut blocked = watched;
        // Blocked, it does not stop us when we write from the background.
        blocked.add(Name::SIGTTOU);
        let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let ours = blocked.iter().filter(|name| !before.contains(*name));
        let borrowed = Borrowed(ours.map(|name| name as i32).collect());
        undo_ignored_children()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Signals {
            fd: SignalFd::with_flags(&watched, flags)?,
            borrowed,
        })
    }

    /// What the helper has to give back.
    pub(super) const fn borrowed(&self) -> &Borrowed {
        &self.borrowed
    }

    /// The next one; `None` when none came in time.
    pub(super) fn next(&self, within: Option<Duration>) -> Option<(Signal, Sender)> {
        let timeout = within.map_or(PollTimeout::NONE, |within| {
            // Rounded up: a wait of no time at all would spin.
            PollTimeout::try_from(within + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        });
        loop {
            match self.fd.read_signal() {
                Ok(Some(info)) => {
                    let number = i32::try_from(info.ssi_signo).unwrap_or(0);
                    let Some(signal) = Signal::from_named_raw(number) else {
                        continue;
                    };
                    let sender = match info.ssi_code {
                        SI_KERNEL => Sender::Terminal,
                        code if code <= SI_USER => i32::try_from(info.ssi_pid)
                            .ok()
                            .filter(|pid| *pid > 0)
                            .map_or(Sender::Unknown, Sender::Process),
                        _ => Sender::Unknown,
                    };
                    return Some((signal, sender));
                }
                Ok(None) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return None,
            }
            let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) | Err(_) if within.is_some() => return None,
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Stops the whole process as `signal` would have, and returns when it goes on.
    pub(super) fn stop_ourselves(&self, signal: Signal) {
        let set: SigSet = [Name::SIGTSTP, Name::SIGTTOU].into_iter().collect();
        // Sent first and let in second: the terminal's own, which may still wait, is one with it.
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        if set.thread_unblock().is_ok() {
            let _ = set.thread_block();
        }
    }
}

/// Whoever starts us may have chosen not to hear of its children, and that is inherited: the
/// kernel would then reap ours, and their exit codes with them. Any handler undoes it; this one
/// never runs, since the signal is blocked.
fn undo_ignored_children() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _inside = runtime.enter();
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child()).map(drop)
}
