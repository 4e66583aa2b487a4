//! Listening sockets, accepting, and the descriptor limit.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// How long accepting pauses when the process or the machine has no descriptor left.
const PAUSE: Duration = Duration::from_millis(200);
/// The queue of connections that the kernel holds for us.
const BACKLOG: u32 = 4096;

/// Why a place cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "{0} is in use by another program; stop it, or listen elsewhere with --listen ADDR:PORT (port 0 takes a free one)"
    )]
    InUse(String),
    #[error(
        "no permission to listen on {0}; ports below 1024 need CAP_NET_BIND_SERVICE: take a higher one with --listen ADDR:PORT"
    )]
    Permission(String),
    #[error("{0} is not an address of this machine; see --listen")]
    NotOurs(String),
    #[error("cannot listen on {place}: {source}")]
    Other { place: String, source: io::Error },
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// An accepted connection.
#[derive(Debug)]
pub enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    /// Listens on a TCP address.
    ///
    /// # Errors
    /// [`ListenError`], worded for the user.
    pub fn tcp(address: SocketAddr) -> Result<Listener, ListenError> {
        let listen = || -> io::Result<TcpListener> {
            let socket = if address.is_ipv4() {
                tokio::net::TcpSocket::new_v4()?
            } else {
                tokio::net::TcpSocket::new_v6()?
            };
            // A restart must not wait for connections of the last run to time out.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        };
        listen()
            .map(Listener::Tcp)
            .map_err(|source| listen_error(format!("{address}"), source))
    }

    /// Listens on a Unix socket; a stale one of an earlier run is replaced.
    ///
    /// # Errors
    /// [`ListenError`], worded for the user.
    pub fn unix(path: &Path) -> Result<Listener, ListenError> {
        let place = || format!("unix:{}", path.display());
        let is_stale = std::fs::symlink_metadata(path)
            .is_ok_and(|meta| meta.file_type().is_socket())
            && std::os::unix::net::UnixStream::connect(path).is_err();
        if is_stale {
            std::fs::remove_file(path).map_err(|source| listen_error(place(), source))?;
        }
        UnixListener::bind(path)
            .map(|listener| Listener::Unix(listener, path.to_owned()))
            .map_err(|source| listen_error(place(), source))
    }

    /// The next connection. Waits out a lack of descriptors and says so; errors of a single
    /// connection are skipped.
    pub async fn accept(&self) -> Accepted {
        let mut said = false;
        loop {
            let error = match self {
                Listener::Tcp(listener) => match listener.accept().await {
                    Ok((stream, peer)) => return Accepted::Tcp(stream, peer),
                    Err(error) => error,
                },
                Listener::Unix(listener, _) => match listener.accept().await {
                    Ok((stream, _)) => return Accepted::Unix(stream),
                    Err(error) => error,
                },
            };
            if is_exhaustion(&error) {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "no descriptor left: accepting pauses; raise the limit (ulimit -n) or lower limits.connections");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// The TCP addresses under which it is reached, with the port that was given for port 0: all
    /// of this machine's, where it listens on every interface.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let address = match self {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            Listener::Unix(..) => None,
        };
        match address {
            Some(address) if address.ip().is_unspecified() => {
                let all = nix::ifaddrs::getifaddrs().into_iter().flatten();
                let ips = all.filter_map(|interface| ip_of(interface.address?));
                std::iter::once(address)
                    .chain(ips.map(|ip| SocketAddr::new(ip, address.port())))
                    .collect()
            }
            Some(address) => vec![address],
            None => Vec::new(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// As a client would name it.
impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Listener::Tcp(listener) => match listener.local_addr() {
                Ok(address) => write!(f, "http://{address}"),
                Err(_) => f.write_str("a socket without an address"),
            },
            Listener::Unix(_, path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn ip_of(address: nix::sys::socket::SockaddrStorage) -> Option<std::net::IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

fn listen_error(place: String, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(place),
        io::ErrorKind::PermissionDenied => ListenError::Permission(place),
        io::ErrorKind::AddrNotAvailable => ListenError::NotOurs(place),
        _ => ListenError::Other { place, source },
    }
}

fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = Errno::from_io_error(error);
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .into_iter()
        .any(|exhausted| code == Some(exhausted))
}

/// Raises the soft limit of open descriptors to the hard one. Returns the limit in force.
pub fn raise_descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current
}
