//! `outgate exec`: a private proxy, a command behind it, and what is told of it afterwards.

#[cfg(target_os = "linux")]
mod caller;
#[cfg(target_os = "linux")]
mod course;
#[cfg(target_os = "linux")]
mod nested;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod seen;
#[cfg(target_os = "linux")]
mod tally;
#[cfg(target_os = "linux")]
mod tell;
#[cfg(target_os = "linux")]
mod trust;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
pub(super) use caller::{Caller, Handed};
#[cfg(target_os = "linux")]
pub(super) use course::{become_command, is_helper, run};
#[cfg(target_os = "linux")]
pub(super) use place::Folder;
#[cfg(target_os = "linux")]
pub(super) use trust::Trust;

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{become_command, is_helper, run};

/// outgate itself cannot start: the code that `env` and `timeout` have for it.
const CANNOT_START: u8 = 125;

/// The way of a command needs what only Linux has: signals from a descriptor, orphans that come
/// to us, a child that ends with its parent.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::ffi::OsString;

    use super::CANNOT_START;
    use crate::cli::args::ExecArgs;
    use crate::cli::complain;

    pub(in crate::cli) fn run(_: &ExecArgs) -> u8 {
        complain("exec runs on Linux only; elsewhere: outgate serve, and eval \"$(outgate env)\"");
        CANNOT_START
    }

    pub(in crate::cli) fn is_helper(_: &[OsString]) -> bool {
        false
    }

    pub(in crate::cli) fn become_command(_: &[OsString]) -> u8 {
        CANNOT_START
    }
}
