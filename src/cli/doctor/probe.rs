//! What a probe is: a tool, how to make it fetch something, and the lines that may mend it.

use std::path::{Path, PathBuf};

/// The exit code with which a script of ours says that what it would try is not installed.
pub(super) const ABSENT: i32 = 77;

/// Names under it exist nowhere (RFC 6761), and no list of direct hosts has them.
const DOMAIN: &str = "doctor.outgate.test";

/// One tool. Texts may name places, see [`Places`].
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) name: &'static str,
    /// The program's names; the first that is on the path counts.
    pub(super) programs: &'static [&'static str],
    pub(super) version: Version,
    /// Written to the probe's folder before it runs.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Copied there from the user's own, where they exist.
    pub(super) copies: &'static [Copied],
    pub(super) args: &'static [&'static str],
    pub(super) set: &'static [(&'static str, &'static str)],
    /// Under which its host stands, where the tool does not let us choose.
    pub(super) domain: &'static str,
    /// What it says if a part of it is missing, and what that part is.
    pub(super) lacking: &'static [(&'static str, &'static str)],
    /// What the user agent of its requests has, if it is the part that is meant, and else is absent.
    pub(super) agent: Option<(&'static str, &'static str)>,
    /// From the likeliest on.
    pub(super) remedies: &'static [Remedy],
}

impl Probe {
    /// What most probes leave empty.
    pub(super) const BLANK: Probe = Probe {
        name: "",
        programs: &[],
        version: Version::Asked(&["--version"]),
        files: &[],
        copies: &[],
        args: &[],
        set: &[],
        domain: DOMAIN,
        lacking: &[],
        agent: None,
        remedies: &[],
    };
}

/// How a tool's version is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// The program says it when started with these.
    Asked(&'static [&'static str]),
    /// The probe's first line says it.
    Said,
}

/// A settings file that the probe's folder gets a copy of, so that the tool's own folder stays as
/// it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copied {
    /// The variable that names its folder.
    pub(super) variable: &'static str,
    /// The folder under the home directory where it is not set.
    pub(super) under_home: &'static str,
    pub(super) file: &'static str,
    pub(super) to: &'static str,
}

/// What makes a tool trust the authority or use the proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remedy {
    /// For people, to be copied into a shell.
    pub(super) line: &'static str,
    /// The same, for the probe's environment.
    pub(super) set: &'static [(&'static str, &'static str)],
    /// The same, for its arguments: they stand before all others.
    pub(super) args: &'static [&'static str],
}

/// What the texts of a probe may name, in braces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) host: &'a str,
    /// The host's first label, which serves as a bucket's name.
    pub(super) label: &'a str,
    pub(super) folder: &'a Path,
    pub(super) bundle: &'a Path,
    pub(super) proxy: &'a str,
    pub(super) java: &'a str,
    /// Where the user stands: packages may be installed there.
    pub(super) here: &'a Path,
}

impl Places<'_> {
    /// `text` with the places in it.
    pub(super) fn fill(&self, text: &str) -> String {
        let path = |path: &Path| path.display().to_string();
        text.replace("{url}", &format!("https://{}", self.host))
            .replace("{host}", self.host)
            .replace("{label}", self.label)
            .replace("{folder}", &path(self.folder))
            .replace("{bundle}", &path(self.bundle))
            .replace("{proxy}", self.proxy)
            .replace("{java}", self.java)
            .replace("{here}", &path(self.here))
    }
}

/// The first of `names` that `path` (as in the variable of that name) has as a program.
pub(super) fn find(names: &[&str], path: &std::ffi::OsStr) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program = |file: &PathBuf| {
        std::fs::metadata(file)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    names.iter().find_map(|name| {
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(is_program)
    })
}
