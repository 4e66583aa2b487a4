//! What a process has used, read from `/proc`.

use std::time::Duration;

/// A process under the meter.
#[derive(Debug, Clone, Copy)]
pub struct Meter(pub u32);

impl Meter {
    /// CPU time of all its threads and its children's, in nanoseconds' precision.
    pub fn cpu(self) -> Duration {
        let main = format!("/proc/{0}/task/{0}/children", self.0);
        let children = std::fs::read_to_string(main).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        children.map(threads).sum::<Duration>() + threads(self.0)
    }

    /// What `work` costs the process. Closing is part of it, so a moment is waited.
    pub fn cpu_of(self, work: impl FnOnce()) -> Duration {
        let before = self.cpu();
        work();
        let mut last = self.cpu();
        loop {
            std::thread::sleep(Duration::from_millis(30));
            let now = self.cpu();
            if now - last < Duration::from_micros(300) {
                return now.saturating_sub(before);
            }
            last = now;
        }
    }

    /// Resident memory, in bytes.
    pub fn resident(self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024
    }

    /// Open descriptors.
    pub fn descriptors(self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0))
            .unwrap()
            .count()
    }
}

fn threads(id: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task"));
    let nanos = tasks.into_iter().flatten().flatten().map(|task| {
        let line = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let first = line.split(' ').next().and_then(|text| text.parse().ok());
        first.unwrap_or(0_u64)
    });
    Duration::from_nanos(nanos.sum())
}
