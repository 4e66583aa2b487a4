//! An `exec` inside an `exec`: the outer one's proxy, and its record.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use super::caller::{MARKER, MARKER_RECORD};
use super::seen::{Obstacle, Seen};
use super::tally::Tally;
use crate::cli::load::Environment;

/// A proxy on loopback answers at once, or is gone.
const ANSWER: Duration = Duration::from_secs(1);

/// The `exec` that we are in.
#[derive(Debug)]
pub(super) struct Outer {
    pub(super) url: String,
    pub(super) record: Option<PathBuf>,
}

/// The outer one, if it is there: its mark stands, the proxy variables still name it, and it
/// listens.
pub(super) fn outer(environment: &Environment) -> Option<Outer> {
    let url = environment.get(MARKER)?;
    let is_used = ["https_proxy", "HTTPS_PROXY"]
        .into_iter()
        .all(|name| environment.get(name) == Some(url));
    let address: SocketAddr = url.strip_prefix("http://")?.parse().ok()?;
    (is_used && TcpStream::connect_timeout(&address, ANSWER).is_ok()).then(|| Outer {
        url: url.to_owned(),
        record: environment.get(MARKER_RECORD).map(PathBuf::from),
    })
}

/// The outer record from a moment on.
#[derive(Debug)]
pub(super) struct From {
    path: PathBuf,
    offset: u64,
}

impl Outer {
    /// Remembers how far the outer record has come.
    ///
    /// # Errors
    /// A sentence for the user, where it cannot be read.
    pub(super) fn record_now(&self) -> Result<From, String> {
        let path = self.record.clone().ok_or(
            "--fail-on and --report need the record of the outer exec, which goes to no file",
        )?;
        let length = File::open(&path).and_then(|file| Ok(file.metadata()?.len()));
        match length {
            Ok(offset) => Ok(From { path, offset }),
            Err(error) => Err(format!(
                "cannot read the record of the outer exec, {}: {error}",
                path.display()
            )),
        }
    }
}

impl From {
    /// Counts what was written since.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn tally(&self) -> Result<Tally, String> {
        let read = || -> std::io::Result<Tally> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.offset))?;
            let mut tally = Tally::default();
            for line in BufReader::new(file).split(b'\n') {
                let line = line?;
                if let Some(seen) = Seen::read(&line) {
                    tally.add(seen);
                } else if let Some(obstacle) = Obstacle::read(&line) {
                    tally.add_obstacle(obstacle);
                }
            }
            Ok(tally.settled())
        };
        read().map_err(|error| {
            format!(
                "cannot read the record of the outer exec, {}: {error}",
                self.path.display()
            )
        })
    }
}
