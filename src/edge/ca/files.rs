//! The files of an authority, and who may read them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::edge::ca::error::CaError;

/// What clients trust.
pub(super) const ROOT: &str = "ca.pem";
/// The key of an authority made elsewhere. Ours has none: its root's key is destroyed.
pub(super) const ROOT_KEY: &str = "ca.key";
pub(super) const INTERMEDIATE: &str = "intermediate.pem";
pub(super) const INTERMEDIATE_KEY: &str = "intermediate.key";

const ALL: [&str; 4] = [ROOT, ROOT_KEY, INTERMEDIATE, INTERMEDIATE_KEY];

/// Far above any certificate or key.
const LONGEST: u64 = 1024 * 1024;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Owner,
    Everybody,
}

/// Writes the files of a new authority, in this order, so that the last one makes it whole. None is
/// ever overwritten, and none stays behind when one fails.
pub(super) fn write_all(dir: &Path, files: &[(&str, Readers, &str)]) -> Result<(), CaError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| failed("make", dir, source))?;
    check_folder(dir)?;
    for name in ALL {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(CaError::Exists(path));
        }
    }
    let mut written = Vec::new();
    for (name, readers, text) in files {
        let path = dir.join(name);
        // Before it is written: a torn one must go as well.
        let made = write(&path, *readers, text, &mut written);
        if let Err(error) = made {
            for path in written {
                // What cannot be removed is told at the next attempt.
                let _ = std::fs::remove_file(path);
            }
            return Err(error);
        }
    }
    sync_folder(dir).map_err(|source| failed("write", dir, source))
}

fn write(
    path: &Path,
    readers: Readers,
    text: &str,
    written: &mut Vec<PathBuf>,
) -> Result<(), CaError> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Everybody => 0o644,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => CaError::Exists(path.to_owned()),
            _ => failed("make", path, source),
        })?;
    written.push(path.to_owned());
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| failed("write", path, source))
}

fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// A certificate file's bytes, if it is there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, CaError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|source| failed("read", path, source))?;
    Ok(Some(bytes))
}

/// A key file's bytes, if it is there and nobody else can read it.
pub(super) fn read_key(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, CaError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    let about = file
        .metadata()
        .map_err(|source| failed("read", path, source))?;
    let mode = about.mode() & 0o777;
    // Mounted secrets belong to root and are given to a group; our own need no group.
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    let (others, mend) = if is_ours {
        (0o077, "600")
    } else {
        (0o027, "o-rwx,g-w")
    };
    if mode & others != 0 {
        return Err(CaError::Readable {
            path: path.to_owned(),
            mode,
            mend,
        });
    }
    if let Some(dir) = path.parent() {
        check_folder(dir)?;
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(about.len().min(LONGEST))
            .unwrap_or_default()
            .saturating_add(1),
    ));
    file.take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|source| failed("read", path, source))?;
    Ok(Some(bytes))
}

/// Whoever can write to the folder can put another authority there.
fn check_folder(dir: &Path) -> Result<(), CaError> {
    let about = std::fs::metadata(dir).map_err(|source| failed("read", dir, source))?;
    let mode = about.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(CaError::Writable {
            path: dir.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> CaError {
    CaError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
