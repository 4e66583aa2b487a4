//! The processes that descend from us, as /proc shows them.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// Our descendants at one moment.
#[derive(Debug)]
pub(super) struct Family {
    members: Vec<Process>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pid: i32,
    parent: i32,
    state: char,
    name: String,
    /// When it began: numbers are given again.
    began: u64,
}

impl Family {
    /// Reads it. Empty where /proc is not there, or speaks of another namespace's numbers.
    pub(super) fn read() -> Family {
        if !is_ours() {
            return Family {
                members: Vec::new(),
            };
        }
        let all: Vec<Process> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(Process::read)
            .collect();
        Family::of(rustix::process::getpid().as_raw_nonzero().get(), all)
    }

    fn of(ancestor: i32, mut rest: Vec<Process>) -> Family {
        let mut known = HashSet::from([ancestor]);
        let mut members = Vec::new();
        loop {
            let (found, others): (Vec<_>, Vec<_>) = rest
                .into_iter()
                .partition(|process| known.contains(&process.parent));
            if found.is_empty() {
                return Family { members };
            }
            known.extend(found.iter().map(|process| process.pid));
            members.extend(found);
            rest = others;
        }
    }

    /// Those that are not only waiting to be reaped.
    pub(super) fn living(&self) -> impl Iterator<Item = &Process> {
        self.members
            .iter()
            .filter(|process| !matches!(process.state, 'Z' | 'X'))
    }

    /// Whether that process is one of them.
    pub(super) fn contains(&self, pid: i32) -> bool {
        self.members.iter().any(|process| process.pid == pid)
    }
}

impl Process {
    fn read(pid: i32) -> Option<Process> {
        // A name may hold any bytes.
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Process::parse(pid, &String::from_utf8_lossy(&stat))
    }

    /// Reads `PID (NAME) STATE PARENT ...`; a name may hold spaces and parentheses itself.
    fn parse(pid: i32, stat: &str) -> Option<Process> {
        let (front, rest) = stat.rsplit_once(')')?;
        let (_, name) = front.split_once('(')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Process {
            pid,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            began: fields.get(19)?.parse().ok()?,
            name: name.to_owned(),
        })
    }

    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends it a signal, unless its number belongs to another process by now.
    pub(super) fn send(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return;
        };
        // Where there are no such handles the check is all there is.
        let handle = pidfd_open(pid, PidfdFlags::empty());
        let is_same = Process::read(self.pid).is_some_and(|now| now.began == self.began);
        if is_same {
            let _ = match handle {
                Ok(handle) => pidfd_send_signal(handle, signal),
                Err(_) => kill_process(pid, signal),
            };
        }
    }
}

/// Whether /proc knows us by the number that we have: else all of its numbers are others'.
fn is_ours() -> bool {
    let own = rustix::process::getpid().to_string();
    fs::read_link("/proc/self").is_ok_and(|shown| shown.as_os_str() == own.as_str())
}

/// Whether that process is stopped at this moment.
pub(super) fn is_stopped(pid: Pid) -> bool {
    is_ours()
        && Process::read(pid.as_raw_nonzero().get()).is_some_and(|process| process.state == 'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        let stat =
            format!("{pid} (a) b) S {parent} 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 {pid}7 0");
        Process::parse(pid, &stat).unwrap()
    }

    #[test]
    fn a_name_may_look_like_anything() {
        let found = process(12, 3);
        assert_eq!(
            (found.name.as_str(), found.state, found.parent, found.began),
            ("a) b", 'S', 3, 127)
        );
        assert_eq!(Process::parse(1, "1 (x"), None);
    }

    #[test]
    fn the_family_is_whoever_descends_in_whatever_order() {
        let family = Family::of(
            10,
            vec![
                process(14, 13),
                process(13, 11),
                process(2, 1),
                process(11, 10),
                process(1, 0),
            ],
        );
        let mut pids: Vec<i32> = family.living().map(Process::pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [11, 13, 14]);
        assert!(family.contains(14) && !family.contains(10) && !family.contains(2));
    }
}
