//! What every client test stands on: an origin, a certificate for its names, a proxy before it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Authority, Proxy};

/// How long one client may take. Never waited for when all is well.
const PATIENCE: Duration = Duration::from_secs(120);

/// The origin's name; the proxy is told where it is.
pub const ORIGIN: &str = "origin.example";
/// The AWS names that the origin plays too.
pub const S3: &str = "s3.eu-west-1.amazonaws.com";
pub const BUCKET: &str = "bucket-of-tests.s3.eu-west-1.amazonaws.com";
pub const STS: &str = "sts.eu-west-1.amazonaws.com";

/// Servers with TLS, one without, and what a proxy must know of them.
pub struct Origins {
    pub folder: tempfile::TempDir,
    pub ca: String,
    /// Flags for `serve` and `exec`.
    pub flags: Vec<String>,
    _helpers: Vec<Helper>,
    _authority: Authority,
}

impl Origins {
    /// Starts them; `None` (and a note) without Python, in which they are written. `more` is given
    /// certificate and key, and gives names and further servers.
    pub fn start(more: impl FnOnce(&str, &str) -> Vec<(&'static str, Helper)>) -> Option<Origins> {
        if !has("python3") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let names = [
            ORIGIN,
            S3,
            BUCKET,
            STS,
            "h2.example",
            "grpc.example",
            "localhost",
        ];
        let (certificate, key) = authority.issue(&names);
        let script = here("origin.py");
        let files = folder.path().display().to_string();
        let secure = Helper::start("python3", &[&script, &files, &certificate, &key]);
        let plain = Helper::start("python3", &[&script, &files]);
        let mut helpers = Vec::new();
        let mut flags = vec!["--extra-root".to_owned(), authority.ca()];
        let mut map = |name: &str, port: u16, to: u16| {
            flags.extend([
                "--connect-to".to_owned(),
                format!("{name}:{port}:127.0.0.1:{to}"),
            ]);
        };
        for name in [ORIGIN, S3, BUCKET, STS] {
            map(name, 443, secure.port);
        }
        map(ORIGIN, 80, plain.port);
        for (name, helper) in more(&certificate, &key) {
            map(name, 443, helper.port);
            helpers.push(helper);
        }
        helpers.extend([secure, plain]);
        Some(Origins {
            folder,
            ca: authority.ca(),
            flags,
            _helpers: helpers,
            _authority: authority,
        })
    }

    /// A file in their folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of `length` bytes as the origin makes them; gives its path.
    pub fn payload(&self, length: usize) -> PathBuf {
        let path = self.file("payload");
        let block = pattern(65521 * 16);
        let mut file = std::fs::File::create(&path).unwrap();
        let mut left = length;
        while left > 0 {
            let piece = left.min(block.len());
            file.write_all(&block[..piece]).unwrap();
            left -= piece;
        }
        path
    }

    /// A command with a bare environment, in their folder.
    pub fn bare(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.folder.path());
        for name in ["PATH", "LANG", "JAVA_HOME", "GOROOT"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.folder.path());
        command
    }
}

/// The origins, and a proxy before them that leaves TLS as it is.
pub struct House {
    pub proxy: Proxy,
    pub ca: String,
    origins: Origins,
}

impl House {
    /// Opens one; `None` (and a note) without Python.
    pub fn open() -> Option<House> {
        House::with(|_, _| Vec::new())
    }

    /// As [`House::open`], with further origins.
    pub fn with(more: impl FnOnce(&str, &str) -> Vec<(&'static str, Helper)>) -> Option<House> {
        let origins = Origins::start(more)?;
        let args: Vec<&str> = origins.flags.iter().map(String::as_str).collect();
        Some(House {
            proxy: Proxy::start(&args),
            ca: origins.ca.clone(),
            origins,
        })
    }

    /// A client's command: the proxy and the roots in its environment, and nothing of ours.
    pub fn client(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.origins.bare(program);
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
            command.env(name, self.proxy.url());
        }
        for name in [
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "AWS_CA_BUNDLE",
            "GIT_SSL_CAINFO",
            "PIP_CERT",
        ] {
            command.env(name, &self.ca);
        }
        command
    }

    /// A file in the house's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.origins.file(name)
    }

    /// A file of `length` bytes as the origin makes them; gives its path.
    pub fn payload(&self, length: usize) -> PathBuf {
        self.origins.payload(length)
    }

    /// Every request for `host` has its two lines, both of this verdict; gives how many there are.
    pub fn assert_recorded(&self, host: &str, verdict: &str) -> usize {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let lines: Vec<Value> = self.proxy.lines();
            let of = |stage: &str| -> Vec<&Value> {
                let is = |line: &&Value| line["request"]["host"] == host && line["stage"] == stage;
                lines.iter().filter(is).collect()
            };
            let (decided, completed) = (of("decision"), of("complete"));
            if decided.is_empty() || completed.len() < decided.len() {
                assert!(
                    Instant::now() < deadline,
                    "no whole pairs for {host}: {lines:#?}"
                );
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            assert_eq!(decided.len(), completed.len(), "{lines:#?}");
            for line in decided.iter().chain(&completed) {
                assert_eq!(line["verdict"], verdict, "{line:#}");
            }
            for line in &decided {
                let pair = completed.iter().filter(|other| other["id"] == line["id"]);
                assert_eq!(pair.count(), 1, "{line:#}");
            }
            return decided.len();
        }
    }
}

/// Runs a client to its end; gives its standard output. Fails with all it said if it fails.
pub fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let said = drain(child.stdout.take().unwrap());
    let complained = drain(child.stderr.take().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let (said, complained) = (said.join().unwrap(), complained.join().unwrap());
    let ok = status.is_some_and(|status| status.success());
    assert!(ok, "{shown}\n{status:?}\n{said}\n{complained}");
    said
}

fn drain(mut stream: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether a program is there; says so if it is not.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// A file beside this one.
pub fn here(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    folder.join(name).display().to_string()
}

/// The first `length` bytes of what the origin serves under `/bytes/`.
pub fn pattern(length: usize) -> Vec<u8> {
    let byte = |place: usize| {
        let place = place % 65521;
        (place * 7 + (place >> 8) * 13) as u8
    };
    (0..length).map(byte).collect()
}

/// SHA-256 in hex.
pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file in hex, by a program that is quick in every build.
pub fn digest_of(path: &Path) -> String {
    let said = run(Command::new("sha256sum").arg(path));
    said.split(' ').next().unwrap().to_owned()
}

/// A server of ours in another language; ends when this is dropped.
pub struct Helper {
    child: Child,
    pub port: u16,
}

impl Helper {
    /// Starts it and reads its port from its first line.
    pub fn start(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Helper {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().strip_prefix("port ").unwrap().parse().unwrap();
        Helper { child, port }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python of an environment with the pinned packages, made once under `target/`. `None` (and
/// a note) if it cannot be made: no Python, or no way to a package index.
pub fn python() -> Option<PathBuf> {
    use std::sync::OnceLock;
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make_python).clone()
}

fn make_python() -> Option<PathBuf> {
    if !has("python3") {
        return None;
    }
    let wanted = std::fs::read(here("requirements.txt")).unwrap();
    let name = format!("clients-{}", &digest(&wanted)[..12]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let whole = folder.join("whole");
    if whole.exists() {
        return Some(python);
    }
    let made = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .status();
    let installed = made.is_ok_and(|status| status.success())
        && Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--only-binary",
                ":all:",
                "-r",
            ])
            .arg(here("requirements.txt"))
            .status()
            .is_ok_and(|status| status.success());
    if !installed {
        eprintln!("skipped: the packages of tests/clients/requirements.txt cannot be installed");
        return None;
    }
    std::fs::write(whole, "").unwrap();
    Some(python)
}

/// A folder with the packages of package.json, made once under `target/`. `None` (and a note) if it
/// cannot be made.
pub fn node_packages() -> Option<PathBuf> {
    use std::sync::OnceLock;
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make_node_packages).clone()
}

fn make_node_packages() -> Option<PathBuf> {
    if !has("node") || !has("npm") {
        return None;
    }
    let wanted = std::fs::read(here("package.json")).unwrap();
    let name = format!("node-{}", &digest(&wanted)[..12]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let whole = folder.join("whole");
    if whole.exists() {
        return Some(folder);
    }
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("package.json"), wanted).unwrap();
    let installed = Command::new("npm")
        .args([
            "install",
            "--silent",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ])
        .current_dir(&folder)
        .status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: the packages of tests/clients/package.json cannot be installed");
        return None;
    }
    std::fs::write(whole, "").unwrap();
    Some(folder)
}
