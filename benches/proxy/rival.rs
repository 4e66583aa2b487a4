//! The proxies under the meter: outgate, squid, and a relay that only copies.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::contest::Named;
use crate::load::Way;
use crate::meter::Meter;

/// Which proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `outgate serve` as it comes: record on, both hellos judged.
    Outgate(PathBuf),
    /// Another build of it, at this path.
    Beside(PathBuf),
    /// squid as a plain CONNECT proxy with its access log on, in one process.
    Squid,
    /// A process that reads a head, says yes and copies: the floor under every proxy.
    BareRelay,
}

/// A running proxy; killed when dropped.
#[derive(Debug)]
pub struct Rival {
    pub name: &'static str,
    kind: Kind,
    origin: SocketAddr,
    pub way: Way,
    pub meter: Meter,
    /// Its record, if it is ours.
    pub record: Option<PathBuf>,
    child: Child,
    _folder: tempfile::TempDir,
}

/// A process, where it listens, and what CONNECT names there.
type Started = (Child, SocketAddr, String);

impl Rival {
    /// Starts one in front of `origin`; `None`: it is not installed.
    pub fn start(kind: Kind, origin: SocketAddr) -> Option<Rival> {
        let folder = tempfile::tempdir().unwrap();
        let (name, (child, address, connect)) = match &kind {
            Kind::Outgate(path) => ("outgate", outgate(path, origin, folder.path())),
            Kind::Beside(path) => ("beside", outgate(path, origin, folder.path())),
            Kind::Squid => ("squid", squid(origin, folder.path())?),
            Kind::BareRelay => ("bare relay", bare_relay(origin)),
        };
        Some(Rival {
            name,
            origin,
            way: Way {
                address,
                connect: Some(connect),
            },
            meter: Meter(child.id()),
            record: Some(folder.path().join(RECORD)).filter(|path| path.exists()),
            child,
            kind,
            _folder: folder,
        })
    }

    /// Another one of the same kind, beside this.
    pub fn again(&self) -> Rival {
        Rival::start(self.kind.clone(), self.origin).unwrap()
    }
}

impl Named for Rival {
    fn name(&self) -> &str {
        self.name
    }
}

const RECORD: &str = "audit.jsonl";

fn outgate(binary: &Path, origin: SocketAddr, folder: &Path) -> Started {
    let record = folder.join(RECORD);
    let mut child = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg("--connect-to")
        .arg(format!("bench.example:443:{origin}"))
        .arg("--audit")
        .arg(&record)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let address = outgate_address(&mut child).expect("outgate starts");
    (child, address, "bench.example:443".to_owned())
}

/// Where an outgate listens that was just started.
pub fn outgate_address(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        line.split("listening on http://")
            .nth(1)?
            .trim()
            .parse()
            .ok()
    });
    std::thread::spawn(move || lines.count());
    address
}

fn squid(origin: SocketAddr, folder: &Path) -> Option<Started> {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    open_to_all(folder);
    let here = folder.display();
    std::fs::write(folder.join("hosts"), "127.0.0.1 bench.example\n").unwrap();
    let settings = format!(
        "http_port 127.0.0.1:{port}\nhttp_access allow all\naccess_log stdio:{here}/access.log squid\n\
             cache_log {here}/cache.log\npid_filename none\ncache deny all\nhosts_file {here}/hosts\n\
             pinger_enable off\ncoredump_dir {here}\nshutdown_lifetime 1 seconds\n\
             max_filedescriptors 65536\nvisible_hostname bench\n"
    );
    let file = folder.join("squid.conf");
    std::fs::write(&file, settings).unwrap();
    let mut child = ["squid", "/usr/sbin/squid"]
        .into_iter()
        .find_map(|program| {
            let mut command = Command::new(program);
            command.args(["-N", "-f"]).arg(&file);
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        })?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    if !is_listening(address) {
        println!("squid does not start; see its cache.log. Left out.");
        let _ = child.kill();
        let _ = child.wait();
        return None;
    }
    Some((child, address, format!("bench.example:{}", origin.port())))
}

fn bare_relay(origin: SocketAddr) -> Started {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(crate::RELAY_TO, origin.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (
        child,
        line.trim().parse().unwrap(),
        "bench.example:443".to_owned(),
    )
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// squid, started by root, writes as a user of its own.
pub fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

pub fn is_listening(address: SocketAddr) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// The bare relay's process.
pub fn relay(origin: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(4096).unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = carry(client, origin).await;
            });
        }
    });
}

async fn carry(mut client: tokio::net::TcpStream, origin: SocketAddr) -> std::io::Result<()> {
    const BUFFER: usize = 64 * 1024;
    client.set_nodelay(true)?;
    let mut head = Vec::with_capacity(1024);
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let mut upstream = tokio::net::TcpStream::connect(origin).await?;
    upstream.set_nodelay(true)?;
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    tokio::io::copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER, BUFFER).await?;
    Ok(())
}
