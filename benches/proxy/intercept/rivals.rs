//! The proxies that end TLS: outgate, squid with ssl_bump, mitmproxy, a logging proxy on hudsucker.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::authority::{HOST, Speech, Trust};
use super::load::Way;
use super::origin::Origin;
use crate::contest::Named;
use crate::meter::Meter;
use crate::rival::{is_listening, open_to_all, outgate_address};

/// How many hosts below [`HOST`] are known everywhere.
pub const HOSTS: usize = 400;

/// Where outgate finds the port of HTTP/2.
const HTTP2_HOST: &str = "two.bench.example";

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    pub outgate: PathBuf,
    pub squid: PathBuf,
    pub mitmdump: PathBuf,
    pub hudsucker: PathBuf,
}

/// Which proxy.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `outgate serve --intercept all` with its record on.
    Outgate(PathBuf),
    /// squid with OpenSSL: peeks, then bumps; access log on.
    Squid(PathBuf),
    /// mitmdump, a line a flow into a file, large bodies streamed.
    Mitmproxy(PathBuf),
    /// `benches/rivals/hudsucker`: a line a request into a file.
    Hudsucker(PathBuf),
}

/// A running proxy; killed when dropped.
pub struct Interceptor {
    pub name: &'static str,
    pub kind: Kind,
    pub meter: Meter,
    pub speaks_http2: bool,
    /// How much less it is given to do, so that a slow one does not hold up the others.
    pub ease: usize,
    trust: Arc<Trust>,
    origin: Origin,
    address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Named for Interceptor {
    fn name(&self) -> &str {
        self.name
    }
}

impl Interceptor {
    /// Starts one; `None`: it is not installed, or does not start, which has been said.
    pub fn start(
        name: &'static str,
        kind: Kind,
        trust: &Arc<Trust>,
        origin: Origin,
    ) -> Option<Interceptor> {
        let folder = tempfile::tempdir().unwrap();
        let started = match &kind {
            Kind::Outgate(program) => outgate(program, trust, origin, folder.path()),
            Kind::Squid(program) => squid(program, trust, folder.path()),
            Kind::Mitmproxy(program) => mitmproxy(program, trust, folder.path()),
            Kind::Hudsucker(program) => hudsucker(program, trust, folder.path()),
        };
        let (child, address) = match started {
            Ok(started) => started,
            Err(why) => {
                println!("{name} is left out: {why}");
                return None;
            }
        };
        let mut rival = Interceptor {
            name,
            meter: Meter(child.id()),
            speaks_http2: false,
            ease: if matches!(kind, Kind::Mitmproxy(_)) {
                10
            } else {
                1
            },
            kind,
            trust: Arc::clone(trust),
            origin,
            address,
            child,
            _folder: folder,
        };
        rival.speaks_http2 = super::load::speaks_http2(&rival.way(Speech::Http2));
        Some(rival)
    }

    /// Another one of the same kind, beside this.
    pub fn again(&self) -> Interceptor {
        Interceptor::start(self.name, self.kind.clone(), &self.trust, self.origin).unwrap()
    }

    /// A way through it to the origin.
    pub fn way(&self, speech: Speech) -> Way {
        self.way_to(HOST.to_owned(), speech)
    }

    /// A way through it to another of the origin's names.
    pub fn way_to(&self, name: String, speech: Speech) -> Way {
        let port = self.origin.of(speech).port();
        let connect = match self.kind {
            // Only 443 and 8443 can be asked for; --connect-to leads on.
            Kind::Outgate(_) => match speech {
                Speech::Http1 => format!("{name}:443"),
                Speech::Resumed => format!("{name}:8443"),
                Speech::Http2 => format!("{HTTP2_HOST}:443"),
            },
            Kind::Squid(_) | Kind::Hudsucker(_) => format!("{name}:{port}"),
            // It has no table of hosts; the name comes with the hello.
            Kind::Mitmproxy(_) => format!("127.0.0.1:{port}"),
        };
        let name = match (&self.kind, speech) {
            (Kind::Outgate(_), Speech::Http2) => HTTP2_HOST.to_owned(),
            _ => name,
        };
        Way {
            address: self.address,
            connect: Some(connect),
            name,
            tls: self.trust.client(speech),
        }
    }
}

impl Drop for Interceptor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Started = Result<(Child, SocketAddr), String>;

fn outgate(program: &Path, trust: &Trust, origin: Origin, folder: &Path) -> Started {
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--intercept", "all"])
        .arg("--ca-dir")
        .arg(trust.folder.path())
        .arg("--extra-root")
        .arg(trust.folder.path().join("roots.pem"))
        .arg("--connect-to")
        .arg(format!("{HTTP2_HOST}:443:{}", origin.of(Speech::Http2)))
        .arg("--connect-to")
        .arg(format!(":443:{}", origin.of(Speech::Http1)))
        .arg("--connect-to")
        .arg(format!(":8443:{}", origin.of(Speech::Resumed)))
        .arg("--audit")
        .arg(folder.join("audit.jsonl"))
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let address = outgate_address(&mut child).ok_or("it does not start")?;
    Ok((child, address))
}

fn squid(program: &Path, trust: &Trust, folder: &Path) -> Started {
    let version = Command::new(program).arg("-v").output();
    let version = version.map_err(|error| format!("{}: {error}", program.display()))?;
    if !String::from_utf8_lossy(&version.stdout).contains("openssl") {
        return Err(format!(
            "{} has no ssl_bump (Debian has it in squid-openssl; --squid names another)",
            program.display()
        ));
    }
    // Beside sbin, as it is installed.
    let helper = program
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("/usr"))
        .join("lib/squid/security_file_certgen");
    open_to_all(folder);
    let database = folder.join("certificates");
    let made = Command::new(&helper)
        .arg("-c")
        .arg("-s")
        .arg(&database)
        .args(["-M", "4MB"])
        .output();
    made.map_err(|error| format!("{}: {error}", helper.display()))?;
    let _ = Command::new("chmod")
        .args(["-R", "a+rwX"])
        .arg(&database)
        .status();
    // It reads the authority after it has ceased to be root.
    for name in ["ca.pem", "ca.key", "roots.pem"] {
        std::fs::copy(trust.folder.path().join(name), folder.join(name)).unwrap();
        let _ = Command::new("chmod")
            .arg("a+r")
            .arg(folder.join(name))
            .status();
    }
    let mut hosts = format!("127.0.0.1 {HOST}\n");
    for number in 0..HOSTS {
        hosts += &format!("127.0.0.1 {}\n", fresh_host(number));
    }
    std::fs::write(folder.join("hosts"), hosts).unwrap();
    let port = free_port();
    let (here, helper) = (folder.display(), helper.display());
    let settings = format!(
        "http_port 127.0.0.1:{port} ssl-bump generate-host-certificates=on \
             dynamic_cert_mem_cache_size=16MB tls-cert={here}/ca.pem tls-key={here}/ca.key\n\
         sslcrtd_program {helper} -s {here}/certificates -M 4MB\nsslcrtd_children 2 startup=1 idle=1\n\
         acl step1 at_step SslBump1\nssl_bump peek step1\nssl_bump bump all\n\
         tls_outgoing_options cafile={here}/roots.pem\n\
         http_access allow all\naccess_log stdio:{here}/access.log squid\n\
         cache_log {here}/cache.log\npid_filename none\ncache deny all\nhosts_file {here}/hosts\n\
         pinger_enable off\ncoredump_dir {here}\nshutdown_lifetime 1 seconds\n\
         max_filedescriptors 65536\nvisible_hostname bench\n"
    );
    let file = folder.join("squid.conf");
    std::fs::write(&file, settings).unwrap();
    let mut command = Command::new(program);
    command.args(["-N", "-f"]).arg(&file);
    listening(command, port, || {
        std::fs::read_to_string(folder.join("cache.log")).unwrap_or_default()
    })
}

fn mitmproxy(program: &Path, trust: &Trust, folder: &Path) -> Started {
    let port = free_port();
    let flows = std::fs::File::create(folder.join("flows.log")).unwrap();
    let own = folder.join("conf");
    std::fs::create_dir(&own).unwrap();
    let name = "mitmproxy-ca.pem";
    std::fs::copy(trust.folder.path().join(name), own.join(name)).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--listen-host", "127.0.0.1", "--listen-port"])
        .arg(port.to_string())
        .arg("--set")
        .arg(format!("confdir={}", own.display()))
        .arg("--set")
        .arg(format!(
            "ssl_verify_upstream_trusted_ca={}",
            trust.folder.path().join("roots.pem").display()
        ))
        .args(["--set", "stream_large_bodies=1m"])
        .stdout(flows.try_clone().unwrap())
        .stderr(flows);
    listening(command, port, || {
        std::fs::read_to_string(folder.join("flows.log")).unwrap_or_default()
    })
}

fn hudsucker(program: &Path, trust: &Trust, folder: &Path) -> Started {
    let mut child = Command::new(program)
        .arg(trust.folder.path())
        .arg(trust.folder.path().join("roots.pem"))
        .arg(folder.join("requests.log"))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| {
            format!(
                "{}: {error} (cargo build --release --manifest-path benches/rivals/hudsucker/Cargo.toml)",
                program.display()
            )
        })?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().parse().map_err(|_| "it does not start")?;
    Ok((child, address))
}

fn listening(mut command: Command, port: u16, log: impl Fn() -> String) -> Started {
    command.stdin(Stdio::null());
    let program = command.get_program().to_owned();
    let mut child = command
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    if is_listening(address) {
        return Ok((child, address));
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("it does not start:\n{}", log()))
}

/// A host that nobody has asked for.
pub fn fresh_host(number: usize) -> String {
    format!("n{number}.{HOST}")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
