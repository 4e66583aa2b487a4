//! The sink: a file that no other process shares, or standard output.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::logic::record::{Chain, Tail, TailError};

/// Where lines go, and the chain that they continue.
#[derive(Debug)]
pub struct Sink {
    out: Out,
    pub(super) chain: Chain,
    /// Set when an earlier run left half a line, which now lies in this file.
    pub(super) torn: Option<PathBuf>,
}

#[derive(Debug)]
enum Out {
    Stdout(io::Stdout),
    /// A pipe or a device: no length, no second look.
    Stream(File),
    Regular {
        file: File,
        path: PathBuf,
        identity: Identity,
        /// How far the file holds whole lines.
        good: u64,
    },
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(file: &fs::Metadata) -> Identity {
        Identity {
            device: file.dev(),
            inode: file.ino(),
        }
    }
}

/// Why the record cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "cannot open the record {path}: {source}; name another place with --audit FILE, or --audit - for standard output"
    )]
    Open { path: PathBuf, source: io::Error },
    #[error(
        "the record {0} is in use by another process; give this one a place of its own with --audit FILE"
    )]
    Locked(PathBuf),
    #[error("the record {path} cannot be continued: {source}")]
    Tail { path: PathBuf, source: TailError },
}

impl Sink {
    /// Standard output.
    pub fn stdout() -> Sink {
        Sink {
            out: Out::Stdout(io::stdout()),
            chain: Chain::new(),
            torn: None,
        }
    }

    /// Opens or creates the file at `path`, locks it and finds the end of its chain. A torn last
    /// line is moved to a file beside it.
    ///
    /// # Errors
    /// [`OpenError`], worded for the user.
    pub fn open(path: &Path) -> Result<Sink, OpenError> {
        let open = |source| OpenError::Open {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs::create_dir_all(folder).map_err(open)?;
        }
        let is_stream = fs::metadata(path).is_ok_and(|meta| {
            meta.file_type().is_fifo()
                || meta.file_type().is_char_device()
                || meta.file_type().is_socket()
        });
        if is_stream {
            let file = OpenOptions::new().write(true).open(path).map_err(open)?;
            return Ok(Sink {
                out: Out::Stream(file),
                chain: Chain::new(),
                torn: None,
            });
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(open)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(open(source)),
        }
        let ending = ending(&mut file).map_err(open)?;
        let torn = match &ending.torn {
            Some(bytes) => Some(set_aside(&file, path, bytes, ending.good).map_err(open)?),
            None => None,
        };
        let chain = match ending.line {
            None => Chain::new(),
            Some(line) => {
                let tail = Tail::read(&line).map_err(|source| OpenError::Tail {
                    path: path.to_owned(),
                    source,
                })?;
                Chain::after(tail)
            }
        };
        Ok(Sink {
            out: Out::Regular {
                identity: Identity::of(&file.metadata().map_err(open)?),
                file,
                path: path.to_owned(),
                good: ending.good,
            },
            chain,
            torn,
        })
    }

    /// The file's path; `None` for standard output and pipes.
    pub fn path(&self) -> Option<&Path> {
        match &self.out {
            Out::Stdout(_) | Out::Stream(_) => None,
            Out::Regular { path, .. } => Some(path),
        }
    }

    /// Whether it is a file on a disk, and not a pipe that somebody has to empty.
    pub(super) const fn is_regular(&self) -> bool {
        matches!(self.out, Out::Regular { .. })
    }

    /// Writes whole lines, all or (in a regular file) none.
    pub(super) fn write(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        match &mut self.out {
            Out::Stdout(out) => {
                let mut out = out.lock();
                out.write_all(lines)?;
                out.flush()
            }
            Out::Stream(file) => file.write_all(lines),
            Out::Regular {
                file,
                path,
                identity,
                good,
            } => {
                // A deleted or replaced file would swallow lines without an error. No other file
                // can have its identity while it is open.
                if !fs::metadata(&*path).is_ok_and(|there| Identity::of(&there) == *identity) {
                    return Err(io::Error::new(
                        io::ErrorKind::NotFound,
                        "the file was moved or deleted",
                    ));
                }
                let written = file
                    .write_all(lines)
                    .and_then(|()| if sync { file.sync_data() } else { Ok(()) });
                match written {
                    Ok(()) => {
                        *good += lines.len() as u64;
                        Ok(())
                    }
                    Err(error) => {
                        // Half a batch must not stay: it is written again when the sink is back.
                        let _ = file.set_len(*good);
                        Err(error)
                    }
                }
            }
        }
    }

    /// After a failure: opens the file again if it was moved away.
    ///
    /// Returns whether the sink is another file now.
    pub(super) fn reopen(&mut self) -> Result<bool, OpenError> {
        let Out::Regular { path, identity, .. } = &self.out else {
            return Ok(false);
        };
        if fs::metadata(path).is_ok_and(|there| Identity::of(&there) == *identity) {
            return Ok(false);
        }
        let path = path.clone();
        let fresh = Sink::open(&path)?;
        self.out = fresh.out;
        Ok(true)
    }

    /// Whether nothing has been written to this file yet.
    pub(super) fn is_empty(&self) -> bool {
        match &self.out {
            Out::Stdout(_) | Out::Stream(_) => self.chain == Chain::new(),
            Out::Regular { good, .. } => *good == 0,
        }
    }
}

struct Ending {
    /// Where the last whole line ends.
    good: u64,
    /// The last whole line, without its newline.
    line: Option<Vec<u8>>,
    /// What stands after it.
    torn: Option<Vec<u8>>,
}

/// Reads a record from its end, a block at a time, up to the beginning of its last whole line.
fn ending(file: &mut File) -> io::Result<Ending> {
    const BLOCK: u64 = 64 * 1024;
    /// Lines have bounded fields and stay far below this.
    const MAX_TAIL: usize = 8 * 1024 * 1024;
    let length = file.metadata()?.len();
    let mut tail: Vec<u8> = Vec::new();
    let mut start = length;
    while start > 0 && tail.len() < MAX_TAIL {
        let from = start.saturating_sub(BLOCK);
        let mut block = vec![0; usize::try_from(start - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut block)?;
        block.extend_from_slice(&tail);
        tail = block;
        start = from;
        // The newline that ends the last whole line, and the one before that line.
        if let Some(end) = memchr::memrchr(b'\n', &tail)
            && memchr::memrchr(b'\n', tail.get(..end).unwrap_or_default()).is_some()
        {
            break;
        }
    }
    let (whole, torn) = match memchr::memrchr(b'\n', &tail) {
        Some(end) => (tail.get(..end), tail.get(end + 1..)),
        None => (None, Some(tail.as_slice())),
    };
    let torn = torn.filter(|bytes| !bytes.is_empty());
    let line = whole.map(|whole| {
        let from = memchr::memrchr(b'\n', whole).map_or(0, |newline| newline + 1);
        whole.get(from..).unwrap_or_default().to_vec()
    });
    Ok(Ending {
        good: length - torn.map_or(0, |bytes| bytes.len() as u64),
        line,
        torn: torn.map(<[u8]>::to_vec),
    })
}

/// Moves a torn line to `PATH.torn`, `PATH.torn.1`, ... and cuts it off.
fn set_aside(file: &File, path: &Path, bytes: &[u8], good: u64) -> io::Result<PathBuf> {
    for number in 0..10_000 {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 {
            ".torn".to_owned()
        } else {
            format!(".torn.{number}")
        });
        let aside = PathBuf::from(name);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)
        {
            Ok(mut out) => {
                out.write_all(bytes)?;
                out.sync_all()?;
                file.set_len(good)?;
                return Ok(aside);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "ten thousand torn lines lie beside it",
    ))
}
