//! Where things lie: a private folder for what the command reads, a place for the record.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::load::Environment;
use crate::edge::clock;
use crate::edge::journal::Sink;

/// How many records are kept, this one among them.
const KEPT: usize = 20;
const PREFIX: &str = "outgate-exec-";
/// A folder that young may not have been locked yet by whoever made it.
const SETTLED: Duration = Duration::from_secs(60);

/// A folder that only we can look into, and that goes when we do.
#[derive(Debug)]
pub(in crate::cli) struct Folder {
    path: PathBuf,
    /// Held as long as the folder is in use.
    _lock: File,
}

impl Folder {
    /// Makes one in the first place that can be written.
    ///
    /// # Errors
    /// A sentence that names what was tried.
    pub(in crate::cli) fn create(environment: &Environment) -> Result<Folder, String> {
        let named = ["XDG_RUNTIME_DIR", "TMPDIR"];
        let places = named
            .iter()
            .filter_map(|name| environment.get(name))
            .chain(["/tmp", "/dev/shm"])
            .map(Path::new)
            .filter(|place| place.is_absolute());
        let mut tried = Vec::new();
        for place in places {
            match Folder::create_in(place) {
                Ok(folder) => {
                    sweep(place);
                    return Ok(folder);
                }
                Err(error) => tried.push(format!("{}: {error}", place.display())),
            }
        }
        Err(format!(
            "no place for the roots that the command shall trust; set TMPDIR to a folder that can be written. Tried: {}",
            tried.join("; ")
        ))
    }

    fn create_in(place: &Path) -> std::io::Result<Folder> {
        let path = place.join(format!("{PREFIX}{}", clock::new_id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let locked = File::open(&path).and_then(|lock| {
            lock.lock()?;
            Ok(lock)
        });
        match locked {
            Ok(lock) => Ok(Folder { path, _lock: lock }),
            Err(error) => {
                let _ = fs::remove_dir(&path);
                Err(error)
            }
        }
    }

    /// Where it is.
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(in crate::cli) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
        let path = self.path.join(name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of those that were killed and could not.
fn sweep(place: &Path) {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let is_old = |meta: &fs::Metadata| {
            meta.modified()
                .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > SETTLED))
        };
        let is_ours = is_named
            && fs::symlink_metadata(entry.path())
                .is_ok_and(|meta| meta.is_dir() && meta.uid() == own && is_old(&meta));
        if is_ours && File::open(entry.path()).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The record: where it was asked for, or one of its own under the first place that can be
/// written.
///
/// # Errors
/// A sentence that names what was tried.
pub(super) fn record(environment: &Environment, named: Option<&str>) -> Result<Sink, String> {
    if let Some(path) = named {
        if path == "-" {
            return Ok(Sink::stdout());
        }
        return Sink::open(Path::new(path)).map_err(|error| error.to_string());
    }
    let name = format!(
        "{}-{}.jsonl",
        compact(&clock::timestamp()),
        std::process::id()
    );
    let mut tried = Vec::new();
    for place in environment.record_places() {
        let Some(folder) = place.parent().map(|folder| folder.join("exec")) else {
            continue;
        };
        match Sink::open(&folder.join(&name)) {
            Ok(sink) => {
                prune(&folder);
                return Ok(sink);
            }
            Err(error) => tried.push(error.to_string()),
        }
    }
    Err(format!(
        "no place for the record; set one with --audit FILE. Tried: {}",
        tried.join("; ")
    ))
}

/// `2026-11-23T14:30:00.123456Z` as `20261123T143000.123456Z`: sorts as text, and is a name
/// everywhere.
fn compact(time: &str) -> String {
    time.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// Removes the oldest records; one that is being written is let be.
fn prune(folder: &Path) {
    let mut records: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    records.sort();
    let surplus = records.len().saturating_sub(KEPT);
    for path in records.into_iter().take(surplus) {
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_twenty_records_are_kept_and_those_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: u32| folder.path().join(format!("2026{number:04}-1.jsonl"));
        for number in 0..25 {
            fs::write(path(number), "").unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let used = File::open(path(1)).unwrap();
        used.lock().unwrap();
        prune(folder.path());
        let left: Vec<u32> = (0..25).filter(|number| path(*number).exists()).collect();
        assert_eq!(left, [1].into_iter().chain(5..25).collect::<Vec<_>>());
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn names_sort_by_time() {
        assert_eq!(
            compact("2026-11-23T14:30:00.123456Z"),
            "20261123T143000.123456Z"
        );
    }
}
