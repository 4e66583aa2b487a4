//! The moment between fork and exec, in a process of its own: the helper.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::signals::Borrowed;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, setrlimit};

/// How many descriptors the command may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// `None`: as many as the hard limit allows, or more.
    soft: Option<u64>,
}

impl Descriptors {
    /// The limit in force now; to be asked before it is raised for ourselves.
    pub fn now() -> Descriptors {
        Descriptors {
            soft: getrlimit(Resource::Nofile).current,
        }
    }

    /// As the helper is told.
    pub(super) fn to_arg(self) -> String {
        self.soft
            .map_or_else(|| "-".to_owned(), |soft| soft.to_string())
    }
}

/// Why the helper did not become the command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}: command not found", .0.display())]
    NotFound(OsString),
    #[error("cannot run {}: {source}", .program.display())]
    NotExecutable {
        program: OsString,
        source: io::Error,
    },
    /// Whoever started the helper is gone, or somebody started it by hand.
    #[error("this is for outgate's own use: outgate exec -- COMMAND")]
    NotOurs,
}

impl Failure {
    /// The exit code, as shells have it.
    pub const fn code(&self) -> u8 {
        match self {
            Failure::NotFound(_) => 127,
            Failure::NotExecutable { .. } => 126,
            Failure::NotOurs => 125,
        }
    }
}

/// Becomes the command, if all goes well. `args` are those behind the helper's own.
pub fn become_command(args: &[OsString]) -> Failure {
    let [parent, blocked, soft, program, rest @ ..] = args else {
        return Failure::NotOurs;
    };
    let parent = parent
        .to_str()
        .and_then(|text| text.parse().ok())
        .and_then(Pid::from_raw);
    // Without its proxy the command could reach nothing, or go past it.
    if rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_err()
        || parent.is_none()
        // It may have died before it could be tied to us.
        || rustix::process::getppid() != parent
    {
        return Failure::NotOurs;
    }
    if let Some(borrowed) = blocked.to_str().and_then(Borrowed::of_arg) {
        borrowed.give_back();
    }
    let limits = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: soft.to_str().and_then(|text| text.parse().ok()),
            maximum: limits.maximum,
        },
    );
    let error = Command::new(program).args(rest).exec();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound(program.clone()),
        _ => Failure::NotExecutable {
            program: program.clone(),
            source: error,
        },
    }
}
