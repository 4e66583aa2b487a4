//! One tool from its discovery to its verdict.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::child::{Groups, Run, Start};
use super::probe::{Places, Probe, Remedy, Version, find};
use super::room::Room;
use super::verdict::{Shown, Trouble, judge, version};

/// How long one run of a tool may take. A cold Java or a Python on a network disk is slow.
const DEADLINE: Duration = Duration::from_secs(45);

/// What became of one tool.
#[derive(Debug, Clone)]
pub(super) struct Examined {
    pub(super) name: &'static str,
    pub(super) path: Option<PathBuf>,
    pub(super) version: Option<String>,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Clone)]
pub(super) enum Verdict {
    Fine,
    /// Trouble, and the lines with which there is none.
    Mended(Trouble, Vec<&'static str>),
    /// Trouble that no known line mends.
    Broken(Trouble),
    /// Not on this machine; or a part that is needed to try it.
    Absent(Option<&'static str>),
}

/// What all probes share.
#[derive(Debug)]
pub(super) struct Clinic<'a> {
    pub(super) room: &'a Room,
    pub(super) groups: &'a Groups,
    /// `PATH`.
    pub(super) path: OsString,
    pub(super) home: Option<PathBuf>,
    pub(super) here: PathBuf,
}

impl Clinic<'_> {
    /// Finds the tool, tries it, and tries what may mend it.
    pub(super) fn examine(&self, probe: &'static Probe) -> Examined {
        let Some(program) = find(probe.programs, &self.path) else {
            return Examined {
                name: probe.name,
                path: None,
                version: None,
                verdict: Verdict::Absent(None),
            };
        };
        let (run, shown) = self.attempt(probe, &program, 0, &[]);
        let said = match probe.version {
            Version::Said => version(
                run.stdout
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("version "))
                    .unwrap_or_default(),
            ),
            Version::Asked(args) => self.ask_version(&program, args),
        };
        let verdict = match shown {
            Shown::Fine => Verdict::Fine,
            Shown::Absent(part) => Verdict::Absent(part),
            Shown::Trouble(trouble) => self.mend(probe, &program, trouble),
        };
        Examined {
            name: probe.name,
            path: Some(program),
            version: said,
            verdict,
        }
    }

    /// Tries each remedy by itself, then all together.
    fn mend(&self, probe: &'static Probe, program: &Path, trouble: Trouble) -> Verdict {
        let remedies = probe.remedies;
        let each = remedies.chunks(1);
        let all = (remedies.len() > 1).then_some(remedies);
        for (number, remedies) in (1..).zip(each.chain(all)) {
            let (_, shown) = self.attempt(probe, program, number, remedies);
            if matches!(shown, Shown::Fine) {
                let lines = remedies.iter().map(|remedy| remedy.line).collect();
                return Verdict::Mended(trouble, lines);
            }
        }
        Verdict::Broken(trouble)
    }

    /// One run in a folder and with a host name of its own.
    fn attempt(
        &self,
        probe: &'static Probe,
        program: &Path,
        number: u32,
        remedies: &[Remedy],
    ) -> (Run, Shown) {
        let label = format!("{}-{number}", slug(probe.name));
        let host = format!("{label}.{}", probe.domain);
        let folder = self.room.place(&label);
        let java = self.room.variable("JAVA_TOOL_OPTIONS");
        let places = Places {
            host: &host,
            label: &label,
            folder: &folder,
            bundle: &self.room.bundle,
            proxy: &self.room.proxy,
            java: &java,
            here: &self.here,
        };
        if let Err(error) = self.furnish(probe, &places) {
            let run = Run {
                ending: super::child::Ending::Unstarted,
                stdout: String::new(),
                stderr: error.to_string(),
            };
            let shown = judge(&run, &self.room.seen.of(&host), 0, probe.lacking, None);
            return (run, shown);
        }
        let mended = remedies.iter().flat_map(|remedy| remedy.args);
        let args: Vec<String> = mended
            .chain(probe.args)
            .map(|arg| places.fill(arg))
            .collect();
        let mended = remedies.iter().flat_map(|remedy| remedy.set);
        let set = probe
            .set
            .iter()
            .chain(mended)
            .map(|(name, value)| (OsString::from(name), places.fill(value).into()));
        let set: Vec<(OsString, OsString)> =
            self.room.variables.iter().cloned().chain(set).collect();
        let run = self.groups.run(&Start {
            program,
            args: &args,
            set: &set,
            folder: &folder,
            deadline: DEADLINE,
        });
        let shown = judge(
            &run,
            &self.room.seen.of(&host),
            self.room.visits.of(&host),
            probe.lacking,
            probe.agent,
        );
        (run, shown)
    }

    /// Writes what the probe wants in its folder.
    fn furnish(&self, probe: &Probe, places: &Places<'_>) -> std::io::Result<()> {
        // A settings file that is copied here may hold a token.
        DirBuilder::new().mode(0o700).create(places.folder)?;
        let place = |name: &str| -> std::io::Result<PathBuf> {
            let path = places.folder.join(name);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            Ok(path)
        };
        for (name, text) in probe.files {
            fs::write(place(name)?, places.fill(text))?;
        }
        for copied in probe.copies {
            let named = std::env::var_os(copied.variable).map(PathBuf::from);
            let home = self.home.as_ref();
            let folder = named.or_else(|| home.map(|home| home.join(copied.under_home)));
            if let Some(text) = folder.and_then(|folder| fs::read(folder.join(copied.file)).ok()) {
                fs::write(place(copied.to)?, text)?;
            }
        }
        Ok(())
    }

    fn ask_version(&self, program: &Path, args: &[&str]) -> Option<String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let run = self.groups.run(&Start {
            program,
            args: &args,
            set: &[],
            folder: self.room.folder.path(),
            deadline: DEADLINE,
        });
        version(&run.stdout).or_else(|| version(&run.stderr))
    }
}

/// A name as a host's label and a folder's name.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// Whether `name` is what somebody means by `wanted`: the whole, or its last word.
pub(super) fn is_meant(name: &str, wanted: &str) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    slug(name) == slug(&wanted) || name.split([' ', '(', ')']).any(|word| word == wanted)
}

/// `PATH`, or where programs are on every system.
pub(super) fn search_path() -> OsString {
    std::env::var_os("PATH")
        .unwrap_or_else(|| OsStr::new("/usr/local/bin:/usr/bin:/bin").to_owned())
}
