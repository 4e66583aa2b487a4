//! What is measured.

use std::sync::Arc;
use std::time::Duration;

use crate::contest::{Contest, median};
use crate::rival::Rival;
use crate::scripted::Script;
use crate::{load, table};

const GIGABYTE: u64 = 1_000_000_000;

/// Tunnels: the rivals and what they carry.
pub struct Tunnels {
    pub contest: Contest<Rival>,
    pub direct: load::Way,
    pub script: Arc<Script>,
}

/// CPU of a new tunnel: CONNECT, both hellos, one exchange, close.
pub fn new_tunnels(tunnels: &Tunnels) {
    let contest = &tunnels.contest;
    let count = if contest.quick { 500 } else { 1500 };
    for (what, together) in [
        ("new tunnel, one by one", 1),
        ("new tunnel, 16 at a time", 16),
    ] {
        let figures = contest.run(contest.rounds(9, 5), |rival| {
            let cpu = rival.meter.cpu_of(|| {
                load::many(&rival.way, &tunnels.script, count, together);
            });
            cpu.as_secs_f64() * 1e6 / count as f64
        });
        table::line(contest, what, "us", 0, &figures);
    }
}

/// CPU of a gigabyte through one tunnel, each way.
pub fn gigabyte(tunnels: &Tunnels) {
    let contest = &tunnels.contest;
    let bytes = if contest.quick {
        GIGABYTE / 4
    } else {
        GIGABYTE
    };
    let per_gigabyte = |cpu: Duration| cpu.as_secs_f64() * GIGABYTE as f64 / bytes as f64;
    let rounds = contest.rounds(7, 3);
    let up = contest.run(rounds, |rival| {
        let work = || load::upload(&rival.way, &tunnels.script, bytes);
        per_gigabyte(rival.meter.cpu_of(work))
    });
    table::line(contest, "a gigabyte up", "s", 3, &up);
    let down = contest.run(rounds, |rival| {
        let work = || load::download(&rival.way, &tunnels.script, bytes);
        per_gigabyte(rival.meter.cpu_of(work))
    });
    table::line(contest, "a gigabyte down", "s", 3, &down);
}

/// The time from connect to the first answer, beside the same without a proxy.
pub fn latency(tunnels: &Tunnels) {
    let contest = &tunnels.contest;
    let count = if contest.quick { 200 } else { 500 };
    let p50 = |way: &load::Way| {
        let times = load::many(way, &tunnels.script, count, 1);
        median(times.iter().map(|time| time.as_secs_f64() * 1e6).collect())
    };
    let figures = contest.run(contest.rounds(7, 3), |rival| p50(&rival.way));
    table::line(
        contest,
        "new tunnel, p50 until the answer",
        "us",
        0,
        &figures,
    );
    let direct = median((0..5).map(|_| p50(&tunnels.direct)).collect());
    println!("{:<38}  direct {direct:.0} us", "");
}

/// Resident memory of a tunnel that has done its first exchange and is quiet: in fresh processes,
/// so that nothing an allocator kept from before hides it.
pub fn idle(tunnels: &Tunnels) {
    let contest = &tunnels.contest;
    const TUNNELS: usize = 1000;
    let figures = contest.run(contest.rounds(3, 1), |rival| {
        let fresh = rival.again();
        load::many(&fresh.way, &tunnels.script, 100, 4);
        let before = fresh.meter.resident();
        let during = load::while_idle(&fresh.way, &tunnels.script, TUNNELS, || {
            std::thread::sleep(Duration::from_millis(300));
            fresh.meter.resident()
        });
        during.saturating_sub(before) as f64 / 1024.0 / TUNNELS as f64
    });
    table::line(contest, "an idle tunnel, of a thousand", "KiB", 1, &figures);
}

/// Ten thousand short tunnels: what is open, resident and on record at the end.
pub fn endurance(tunnels: &Tunnels) {
    let contest = &tunnels.contest;
    let count = if contest.quick { 2000 } else { 10_000 };
    for rival in &contest.rivals {
        let (fds, memory, lines) = state(rival);
        load::many(&rival.way, &tunnels.script, count, 32);
        std::thread::sleep(Duration::from_millis(500));
        let (fds_after, memory_after, lines_after) = state(rival);
        print!(
            "{count} tunnels through {}: descriptors {fds} -> {fds_after}, resident {:.1} -> {:.1} MiB",
            rival.name,
            memory as f64 / 1048576.0,
            memory_after as f64 / 1048576.0,
        );
        if rival.record.is_some() {
            print!(", lines on record {}", lines_after - lines);
            assert_eq!(lines_after - lines, 2 * count, "two lines a tunnel");
            assert_eq!(fds_after, fds, "nothing stays open");
        }
        println!();
    }
}

fn state(rival: &Rival) -> (usize, u64, usize) {
    let lines = rival.record.as_ref().map_or(0, |path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.iter().filter(|byte| **byte == b'\n').count()
    });
    (rival.meter.descriptors(), rival.meter.resident(), lines)
}
