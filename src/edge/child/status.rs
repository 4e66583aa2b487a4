//! The one place that waits for children.

use rustix::process::{Pid, Signal, WaitOptions, wait};

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Exited(u8),
    Killed(u8),
    Stopped(Signal),
    Other,
}

/// The children that ended, stopped or went on since the last call.
pub(super) fn changes() -> impl Iterator<Item = (Pid, Change)> {
    std::iter::from_fn(|| {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED;
        let (pid, status) = loop {
            match wait(options) {
                Ok(changed) => break changed?,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
        };
        let byte = |number: i32| u8::try_from(number & 0xff).unwrap_or(u8::MAX);
        let change = if let Some(code) = status.exit_status() {
            Change::Exited(byte(code))
        } else if let Some(signal) = status.terminating_signal() {
            Change::Killed(byte(signal))
        } else if let Some(signal) = status.stopping_signal().and_then(Signal::from_named_raw) {
            Change::Stopped(signal)
        } else {
            Change::Other
        };
        Some((pid, change))
    })
}

/// Whether there is any child at all, dead or alive.
pub(super) fn has_children() -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    // Looks, and leaves whoever it finds for `changes`.
    let look = WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT | WaitIdOptions::EXITED;
    !matches!(waitid(WaitId::All, look), Err(rustix::io::Errno::CHILD))
}
