//! `outgate doctor`: really starts the tools of this machine behind a private proxy that
//! intercepts, and says which work, and which line mends the others.
//!
//! The tools get what `exec` would give them. Each is judged by its exit code and by what came
//! through the proxy to an origin on loopback; nothing leaves the machine, and nothing of the
//! user's is written.

mod catalogue;
mod child;
mod course;
mod origin;
mod pages;
mod probe;
mod report;
mod room;
mod seen;
mod verdict;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::args::DoctorArgs;
use super::load::Environment;
use super::output::{Paint, print};
use super::{FAILED, FINE, USAGE, complain};
use catalogue::PROBES;
use child::Groups;
use course::{Clinic, Examined, Verdict, is_meant, search_path};
use probe::Probe;
use report::Progress;
use room::{Room, here};

/// As many tools at once as there are processors, within these.
const AT_ONCE: std::ops::RangeInclusive<usize> = 2..=8;
/// The code of a program that ^C ended.
const INTERRUPTED: u8 = 130;

pub(super) fn run(args: &DoctorArgs) -> u8 {
    let chosen = match chosen(&args.only) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            let names: Vec<&str> = PROBES.iter().map(|probe| probe.name).collect();
            complain(format_args!(
                "no tool {unknown:?} is known; known are: {}",
                names.join(", ")
            ));
            return USAGE;
        }
    };
    let environment = Environment::read();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("cannot start: {error}"));
            return USAGE;
        }
    };
    let room = match runtime.block_on(Room::open(&environment)) {
        Ok(room) => Arc::new(room),
        Err(why) => {
            complain(why);
            return USAGE;
        }
    };
    let groups = Arc::new(Groups::default());
    let examining = {
        let (room, groups) = (Arc::clone(&room), Arc::clone(&groups));
        let home = environment.get("HOME").map(PathBuf::from);
        move || examine(&room, &groups, home, &chosen)
    };
    let ended = runtime.block_on(async {
        let working = tokio::task::spawn_blocking(examining);
        tokio::select! {
            examined = working => examined.ok(),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    groups.end();
    let Some(examined) = ended else {
        // The folder goes with the room, which a worker may still hold for a moment.
        let _ = std::fs::remove_dir_all(room.folder.path());
        runtime.shutdown_background();
        return INTERRUPTED;
    };
    if let Some(room) = Arc::into_inner(room) {
        runtime.block_on(room.close());
    }
    let text = if args.json {
        report::json(&examined)
    } else {
        report::text(&examined, Paint::of_stdout(&environment))
    };
    let is_fine = |tool: &Examined| matches!(tool.verdict, Verdict::Fine | Verdict::Absent(_));
    let code = if examined.iter().all(is_fine) {
        FINE
    } else {
        FAILED
    };
    print(&text, code)
}

/// The probes that are asked for; all, if none is.
fn chosen(only: &[String]) -> Result<Vec<&'static Probe>, String> {
    let known = |wanted: &&String| !PROBES.iter().any(|probe| is_meant(probe.name, wanted));
    if let Some(unknown) = only.iter().find(known) {
        return Err(unknown.clone());
    }
    let is_chosen =
        |probe: &&Probe| only.is_empty() || only.iter().any(|wanted| is_meant(probe.name, wanted));
    Ok(PROBES.iter().filter(is_chosen).collect())
}

/// Examines them, a few at once; gives the results in the probes' order.
fn examine(
    room: &Room,
    groups: &Groups,
    home: Option<PathBuf>,
    probes: &[&'static Probe],
) -> Vec<Examined> {
    let clinic = Clinic {
        room,
        groups,
        path: search_path(),
        home,
        here: here(),
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = processors.clamp(*AT_ONCE.start(), *AT_ONCE.end());
    let waiting = Mutex::new(probes.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let progress = Mutex::new(Progress::new(probes.len()));
    let work = || {
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next();
            let Some((place, probe)) = next else {
                return;
            };
            let tell = || progress.lock().unwrap_or_else(PoisonError::into_inner);
            tell().begin(probe.name);
            let examined = clinic.examine(probe);
            tell().end(probe.name);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((place, examined));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, examined)| examined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_asked_for_by_its_name_or_a_part_of_it() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(&only).map(|probes| probes.iter().map(|probe| probe.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), PROBES.len());
        assert_eq!(names(&["curl"]).unwrap(), ["curl"]);
        assert_eq!(
            names(&["requests", "Git"]).unwrap(),
            ["git", "python requests"]
        );
        assert_eq!(names(&["aws-crt"]).unwrap(), ["aws (crt)"]);
        assert_eq!(names(&["aws"]).unwrap(), ["aws", "aws (crt)"]);
        assert_eq!(names(&["cur"]), Err("cur".to_owned()));
    }

    #[test]
    fn a_line_for_people_says_what_is_applied() {
        for probe in PROBES {
            for remedy in probe.remedies {
                // What is done in code stands for itself.
                if remedy.line.starts_with("in the code:")
                    || remedy.line.starts_with("aws configure")
                {
                    continue;
                }
                for word in remedy
                    .args
                    .iter()
                    .copied()
                    .chain(remedy.set.iter().map(|(name, _)| *name))
                {
                    let fixed = word.split('{').next().unwrap();
                    assert!(remedy.line.contains(fixed), "{}: {word}", probe.name);
                }
            }
        }
    }
}
