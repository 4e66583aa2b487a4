//! Which process a client on this machine is: beside the request, never before it.
//!
//! One thread looks for all that is asked meanwhile at once: the kernel's table of sockets gives an
//! inode, and the processes' open files tell whose it is. What cannot be told stays unknown.

mod table;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use table::{Row, rows};

/// How many questions wait at most; what comes on top stays unknown.
const WAITING: usize = 1024;
/// How many are answered at once.
const TOGETHER: usize = 256;
/// How many processes that were found are looked at first.
const RECENT: usize = 16;

/// A process, as the kernel names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub name: String,
}

/// A process that is being looked for.
#[derive(Debug, Clone, Default)]
pub struct Caller(Option<Arc<OnceLock<Process>>>);

impl Caller {
    /// The process, if it is found by now.
    pub fn get(&self) -> Option<&Process> {
        self.0.as_ref()?.get()
    }
}

/// Looks processes up; the thread ends with it.
#[derive(Debug)]
pub struct Processes {
    ask: SyncSender<(Wanted, Arc<OnceLock<Process>>)>,
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// Whoever holds the socket with these ends.
    Socket {
        client: SocketAddr,
        proxy: SocketAddr,
    },
    Pid(u32),
}

impl Processes {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start() -> io::Result<Processes> {
        let (ask, asked) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("processes".to_owned())
            .spawn(move || work(&asked))?;
        Ok(Processes { ask })
    }

    /// Looks for the client of a TCP connection; nowhere if it is on another machine.
    pub fn of_socket(&self, client: SocketAddr, proxy: SocketAddr) -> Caller {
        let is_here = client.ip().to_canonical() == proxy.ip().to_canonical()
            || client.ip().to_canonical().is_loopback();
        if !is_here {
            return Caller::default();
        }
        self.look(Wanted::Socket { client, proxy })
    }

    /// Looks for the name of a process that is known.
    pub fn of_pid(&self, pid: u32) -> Caller {
        self.look(Wanted::Pid(pid))
    }

    fn look(&self, wanted: Wanted) -> Caller {
        let slot = Arc::new(OnceLock::new());
        match self.ask.try_send((wanted, Arc::clone(&slot))) {
            Ok(()) => Caller(Some(slot)),
            Err(_) => Caller::default(),
        }
    }
}

fn work(asked: &Receiver<(Wanted, Arc<OnceLock<Process>>)>) {
    let mut recent = VecDeque::new();
    while let Ok(first) = asked.recv() {
        let batch = std::iter::once(first).chain(asked.try_iter().take(TOGETHER));
        let mut sockets = Vec::new();
        for (wanted, slot) in batch {
            match wanted {
                Wanted::Pid(pid) => tell(&slot, pid),
                Wanted::Socket { client, proxy } => sockets.push((client, proxy, slot)),
            }
        }
        if !sockets.is_empty() {
            find(sockets, &mut recent);
        }
    }
}

fn find(
    sockets: Vec<(SocketAddr, SocketAddr, Arc<OnceLock<Process>>)>,
    recent: &mut VecDeque<u32>,
) {
    let ends = |client: SocketAddr, proxy: SocketAddr| (plain(client), plain(proxy));
    let mut asked: HashMap<_, _> = sockets
        .into_iter()
        .map(|(client, proxy, slot)| (ends(client, proxy), slot))
        .collect();
    let mut wanted = HashMap::new();
    let mut users = HashSet::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        for Row {
            local,
            remote,
            user,
            inode,
        } in rows(&text)
        {
            if let Some(slot) = asked.remove(&ends(local, remote)) {
                users.insert(user);
                wanted.insert(inode, slot);
            }
        }
    }
    // Whoever has asked before is likely to ask again.
    for pid in recent.clone() {
        look_into(pid, &mut wanted, recent);
    }
    if wanted.is_empty() {
        return;
    }
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    // The newest first: what connects now has often just begun.
    let mut pids: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable_by(|one, other| other.cmp(one));
    for pid in pids {
        if wanted.is_empty() {
            return;
        }
        if is_of(pid, &users) {
            look_into(pid, &mut wanted, recent);
        }
    }
}

/// Answers what the process' open files answer.
fn look_into(
    pid: u32,
    wanted: &mut HashMap<u64, Arc<OnceLock<Process>>>,
    recent: &mut VecDeque<u32>,
) {
    // Of another user, or gone by now.
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        recent.retain(|known| *known != pid);
        return;
    };
    for file in files.flatten() {
        if wanted.is_empty() {
            return;
        }
        let Some(slot) = inode_of(&file.path()).and_then(|inode| wanted.remove(&inode)) else {
            continue;
        };
        tell(&slot, pid);
        recent.retain(|known| *known != pid);
        recent.push_front(pid);
        recent.truncate(RECENT);
    }
}

fn tell(slot: &OnceLock<Process>, pid: u32) {
    if let Ok(name) = std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        let name = name.trim_end_matches('\n').to_owned();
        // Each slot is told once.
        let _ = slot.set(Process { pid, name });
    }
}

/// `socket:[12345]`.
fn inode_of(file: &Path) -> Option<u64> {
    let target = std::fs::read_link(file).ok()?;
    let inode = target.to_str()?.strip_prefix("socket:[")?;
    inode.strip_suffix(']')?.parse().ok()
}

#[cfg(unix)]
fn is_of(pid: u32, users: &HashSet<u32>) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|folder| users.contains(&folder.uid()))
}

#[cfg(not(unix))]
fn is_of(_: u32, _: &HashSet<u32>) -> bool {
    false
}

/// Without the notation that a socket of both families gives to IPv4.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    fn awaited(caller: &Caller) -> Process {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = caller.get() {
                return found.clone();
            }
            assert!(Instant::now() < deadline, "not found");
            std::thread::yield_now();
        }
    }

    #[test]
    fn this_process_finds_itself_by_socket_and_by_pid() {
        let processes = Processes::start().unwrap();
        let own = std::process::id();
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(place) else {
                continue;
            };
            let address = listener.local_addr().unwrap();
            let client = TcpStream::connect(address).unwrap();
            let (ours, peer) = listener.accept().unwrap();
            let found = awaited(&processes.of_socket(peer, address));
            assert_eq!(found.pid, own);
            assert!(!found.name.is_empty());
            drop((client, ours));
        }
        assert_eq!(awaited(&processes.of_pid(own)).pid, own);
    }

    #[test]
    fn who_is_elsewhere_is_not_looked_for() {
        let processes = Processes::start().unwrap();
        let caller = processes.of_socket(
            "203.0.113.9:5".parse().unwrap(),
            "198.51.100.7:3128".parse().unwrap(),
        );
        assert!(caller.0.is_none());
    }
}
