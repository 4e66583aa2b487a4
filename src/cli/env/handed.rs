//! The files that the variables name: kept beside the authority, made anew with each turn.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::ca;
use crate::cli::load::Environment;
use crate::cli::variables::{Files, NODE_PROXY};
use crate::config::Settings;
use crate::edge::ca::Authority;

/// Under the authority's folder. Its own, so that it can be mounted where the key has no business.
const FOLDER: &str = "trust";

/// Where they are.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) folder: PathBuf,
    bundle: PathBuf,
    java: PathBuf,
    pub(super) script: PathBuf,
}

impl Handed {
    /// Writes them; none where nothing is intercepted.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn of(
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Option<Handed>, String> {
        if !settings.policy.intercepts_names() {
            return Ok(None);
        }
        let dir = ca::folder(settings, environment)?;
        let authority = Authority::read(&dir).map_err(|error| error.to_string())?;
        let bundle = ca::trusted(settings, &authority)?;
        let folder = std::path::absolute(dir.join(FOLDER)).map_err(|error| error.to_string())?;
        // A folder that cannot be made shows with the first file.
        let _ = fs::create_dir(&folder);
        Ok(Some(Handed {
            bundle: keep(&folder, "ca-bundle.pem", bundle.pem().as_bytes())?,
            java: keep(&folder, "ca-bundle.jks", &bundle.java_store())?,
            script: keep(&folder, "node-proxy.cjs", NODE_PROXY.as_bytes())?,
            folder,
        }))
    }

    pub(super) fn files(&self) -> Files<'_> {
        Files {
            bundle: &self.bundle,
            java: &self.java,
        }
    }
}

/// Puts a file in place at once, so that nobody reads half of it. What stands in a folder that
/// cannot be written is used as it is.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let path = folder.join(name);
    let fresh = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create(&fresh)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&fresh, &path));
    match written {
        Ok(()) => Ok(path),
        Err(_) if path.is_file() => Ok(path),
        Err(error) => Err(format!(
            "cannot write {}, which programs are to read: {error}",
            path.display()
        )),
    }
}
