//! Where the tools are tried: an origin, a private proxy before it, a folder, the variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::origin::{Origin, Visits};
use super::seen::Seen;
use crate::cli::assemble::{journal, listeners, parts};
use crate::cli::exec::{Caller, Folder, Handed, Trust};
use crate::cli::load::Environment;
use crate::config::{self, FlagValue, Settings, Sources};
use crate::edge::ca::{LeafBounds, Leaves};
use crate::edge::journal::{Sink, Unavailable, Writer};
use crate::edge::listen::Listener;
use crate::edge::tls::{RootSource, Roots, Verifier};
use crate::proxy::{Interception, OnObstacle, Proxy};

/// All that a probe needs.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) folder: Folder,
    /// What `exec` would set for a command.
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) bundle: PathBuf,
    pub(super) proxy: String,
    pub(super) seen: Arc<Seen>,
    pub(super) visits: Arc<Visits>,
    writer: Writer,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<usize, Unavailable>>,
}

impl Room {
    /// Starts the origin and the proxy on the runtime that runs this.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) async fn open(environment: &Environment) -> Result<Room, String> {
        let folder = Folder::create(environment)?;
        let origin = Origin::start().await?;
        let settings = settings(&origin)?;
        let trust = Trust::gather(&settings, environment)?;
        let handed = Handed::write(&trust, &folder)?.ok_or("nothing is intercepted")?;
        let root = folder.write("origin.pem", origin.root.as_bytes())?;
        let roots = Roots::load(RootSource::Mozilla, &[root]).map_err(|error| error.to_string())?;

        let listeners = listeners(&settings)?;
        let address = listeners
            .iter()
            .find_map(|listener| match listener {
                Listener::Tcp(socket) => socket.local_addr().ok(),
                Listener::Unix(..) => None,
            })
            .ok_or("the proxy does not listen")?;
        let sink =
            Sink::open(&folder.path().join("audit.jsonl")).map_err(|error| error.to_string())?;
        let (journal, writer) = journal(&settings, sink)?;
        let seen = Arc::new(Seen::default());
        let observer: Arc<Seen> = Arc::clone(&seen);
        let journal = journal.observed_by(observer);
        let authority = trust.authority.ok_or("nothing is intercepted")?;
        let leaves =
            Leaves::new(authority, LeafBounds::default()).map_err(|error| error.to_string())?;
        let interception = Interception {
            leaves,
            // A tunnel would hide who does not trust us.
            on_obstacle: OnObstacle::Block,
        };
        let parts = parts(
            &settings,
            listeners,
            journal,
            Verifier::new(roots),
            Some(interception),
        )?;
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(Proxy::new(parts).run(
            async {
                let _ = stopped.await;
            },
            std::future::ready(()),
        ));
        let variables =
            Caller::read(environment)?.variables(address, Some(&handed), &folder, None)?;
        Ok(Room {
            bundle: handed.bundle().to_owned(),
            proxy: format!("http://{address}"),
            variables,
            seen,
            visits: origin.visits,
            folder,
            writer,
            stop,
            ended,
        })
    }

    /// A variable that every tool gets.
    pub(super) fn variable(&self, name: &str) -> String {
        let of_name = |(known, _): &&(OsString, OsString)| known == name;
        let found = self.variables.iter().find(of_name);
        found.map_or_else(String::new, |(_, value)| {
            value.to_string_lossy().into_owned()
        })
    }

    /// A place for one probe.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops the proxy.
    pub(super) async fn close(self) {
        let _ = self.stop.send(());
        let _ = self.ended.await;
        self.writer.finish().await;
    }
}

/// Those of a fresh installation: what the user's file says of hosts and rules is beside the
/// point here.
fn settings(origin: &Origin) -> Result<Settings, String> {
    let flag = |key: &str, value: String| FlagValue {
        flag: "doctor".to_owned(),
        key: key.to_owned(),
        values: vec![value],
    };
    let flags = vec![
        flag("listen.proxy", "127.0.0.1:0".to_owned()),
        flag("listen.admin", String::new()),
        flag("intercept.hosts", "all".to_owned()),
        flag("tls.roots", "mozilla".to_owned()),
        flag("timeouts.drain", "0s".to_owned()),
        // Whatever name a tool asks for, it gets no further than here.
        flag("upstream.connect_to", format!("::{}", origin.address)),
    ];
    let sources = Sources {
        file: None,
        env: &[],
        flags,
    };
    match config::load(&sources) {
        Ok(loaded) => Ok(loaded.settings),
        Err(errors) => Err(errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")),
    }
}

/// The folder that the user stands in.
pub(super) fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned())
}
