//! Addresses to listen on.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One entry of `listen.proxy`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Listener {
    Tcp(SocketAddr),
    /// The proxy itself is spoken to over TLS.
    Tls(SocketAddr),
    Unix(PathBuf),
}

impl Listener {
    /// Reads `IP:PORT`, `tls://IP:PORT` or `unix:/path`.
    pub(super) fn parse(text: &str) -> Result<Listener, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.strip_prefix("//").unwrap_or(path) {
                path if path.starts_with('/') => Ok(Listener::Unix(path.into())),
                _ => Err(format!(
                    "{text:?} needs an absolute path, as in unix:/run/outgate.sock"
                )),
            };
        }
        match text.split_once("://") {
            Some(("tls", rest)) => address(rest).map(Listener::Tls),
            Some(("http", rest)) => address(rest).map(Listener::Tcp),
            Some((scheme, _)) => Err(format!(
                "{scheme}:// is no kind of listener; write IP:PORT, tls://IP:PORT or unix:/path"
            )),
            None => address(text).map(Listener::Tcp),
        }
    }

    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Listener::Tcp(addr) | Listener::Tls(addr) => addr.ip().to_canonical().is_loopback(),
            Listener::Unix(_) => true,
        }
    }
}

/// Reads `IP:PORT`. Names are not looked up: which address one gets would be chance.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(addr) = text.parse() {
        return Ok(addr);
    }
    let mend = match text.rsplit_once(':') {
        Some(("", port)) => format!("write 127.0.0.1:{port}, or 0.0.0.0:{port} for all interfaces"),
        Some(("localhost", port)) => format!("write 127.0.0.1:{port}"),
        Some((host, port)) if host.contains(':') && !host.starts_with('[') => {
            format!("write [{host}]:{port}")
        }
        None if text.parse::<u16>().is_ok() => format!("write 127.0.0.1:{text}"),
        Some(_) | None => "write it as 127.0.0.1:3128 or [::1]:3128".to_owned(),
    };
    Err(format!("{text:?} is not an address and port; {mend}"))
}

/// As it is written in the settings.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listener::Tcp(addr) => addr.fmt(f),
            Listener::Tls(addr) => write!(f, "tls://{addr}"),
            Listener::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
