//! What the tests that run the real binary share: a proxy, scripted origins, the record.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

pub mod http;
pub mod record;
pub mod rig;
pub mod tls;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before a test gives up. Never waited for when all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running `outgate serve` with a record of its own; killed when dropped.
pub struct Proxy {
    child: Child,
    pub address: SocketAddr,
    pub record: PathBuf,
    stderr: mpsc::Receiver<String>,
    pub said: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts `outgate serve` on a free port with `args` added.
    pub fn start(args: &[&str]) -> Proxy {
        Proxy::start_with(args, &[])
    }

    /// As [`Proxy::start`], with these variables set.
    pub fn start_with(args: &[&str], env: &[(&str, &str)]) -> Proxy {
        Proxy::start_in(tempfile::tempdir().unwrap(), args, env)
    }

    /// Starts it with a settings file of this text; `{}` in it stands for the proxy's folder.
    pub fn configured(settings: &str, args: &[&str]) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outgate.toml");
        std::fs::write(
            &path,
            settings.replace("{}", &folder.path().display().to_string()),
        )
        .unwrap();
        let path = path.display().to_string();
        let args: Vec<&str> = ["--config", &path]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        Proxy::start_in(folder, &args, &[])
    }

    fn start_in(folder: tempfile::TempDir, args: &[&str], env: &[(&str, &str)]) -> Proxy {
        let record = folder.path().join("audit.jsonl");
        let mut command = outgate();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        if !args.contains(&"--audit") {
            command.arg("--audit").arg(&record);
        }
        command.args(args).envs(env.iter().copied());
        Proxy::spawn(command, folder, record)
    }

    /// Starts a prepared command and waits until it listens. Its record is at `record`.
    pub fn spawn(mut command: Command, folder: tempfile::TempDir, record: PathBuf) -> Proxy {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = lines_of(child.stderr.take().unwrap());
        let mut said = Vec::new();
        let address = loop {
            match stderr.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let found = line
                        .split("listening on http://")
                        .nth(1)
                        .and_then(|rest| rest.trim().parse().ok());
                    said.push(line);
                    if let Some(address) = found {
                        break address;
                    }
                }
                Err(_) => panic!("outgate did not start: {said:#?}"),
            }
        };
        Proxy {
            child,
            address,
            record,
            stderr,
            said,
            _folder: folder,
        }
    }

    /// `http://ADDRESS`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// curl through this proxy, with `args`.
    pub fn curl(&self, args: &[&str]) -> Output {
        let mut curl = Command::new("curl");
        for name in [
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "CURL_CA_BUNDLE",
            "NO_PROXY",
            "no_proxy",
        ] {
            curl.env_remove(name);
        }
        curl.args([
            "--silent",
            "--show-error",
            "--noproxy",
            "",
            "--max-time",
            "15",
            "--proxy",
            &self.url(),
        ]);
        curl.args(args).output().expect("curl is installed")
    }

    /// A raw connection to the proxy.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `bytes` raw, reads the answer to its end.
    pub fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A reset behind the answer is an end as well.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// The record so far, one value a line.
    pub fn lines(&self) -> Vec<Value> {
        record::read(&self.record)
    }

    /// Waits until the record has a line for which `wanted` holds; gives it.
    pub fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines();
            if let Some(line) = lines.iter().find(|line| wanted(line)) {
                return line.clone();
            }
            assert!(Instant::now() < deadline, "no such line in {lines:#?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The line of that stage for that host.
    pub fn line_for(&self, host: &str, stage: &str) -> Value {
        self.line(|line| line["request"]["host"] == host && line["stage"] == stage)
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop and waits until it has; gives the exit code and the whole record.
    pub fn stop(mut self) -> (Option<i32>, Vec<Value>) {
        self.signal("TERM");
        let code = wait(&mut self.child);
        (code, self.lines())
    }

    /// As [`Proxy::stop`]; gives also all that it said on stderr.
    pub fn stop_and_tell(mut self) -> (Option<i32>, Vec<Value>, String) {
        self.signal("TERM");
        let code = wait(&mut self.child);
        let mut said = std::mem::take(&mut self.said);
        said.extend(self.stderr.iter());
        (code, self.lines(), said.join("\n"))
    }

    /// Kills it without a chance to finish anything; gives the record.
    pub fn kill(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines()
    }

    /// Its folder: the settings file and the record are there.
    pub fn folder(&self) -> &std::path::Path {
        self._folder.path()
    }

    /// Puts another settings file in place, as editors do.
    pub fn change_settings(&self, settings: &str) {
        let fresh = self.folder().join("outgate.toml.new");
        std::fs::write(&fresh, settings).unwrap();
        std::fs::rename(fresh, self.folder().join("outgate.toml")).unwrap();
    }

    /// Sends `bytes`, reads one answer, whatever the connection does then.
    pub fn ask(&self, bytes: impl AsRef<[u8]>) -> http::Answer {
        let mut stream = self.connect();
        // A refusal may come before all is written.
        let _ = stream.write_all(bytes.as_ref());
        http::Answer::read(&mut stream)
    }

    /// Opens a tunnel; the stream behind the 200.
    pub fn tunnel(&self, authority: &str) -> TcpStream {
        let mut stream = self.connect();
        write!(
            stream,
            "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
        )
        .unwrap();
        let (head, rest) = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(rest.is_empty());
        stream
    }

    /// Waits for its end, after a signal.
    pub fn ended(&mut self) -> Option<i32> {
        wait(&mut self.child)
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on stderr that contains `text`.
    pub fn hear(&mut self, text: &str) -> String {
        loop {
            match self.stderr.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => self.said.push(line),
                Err(_) => panic!("outgate did not say {text:?}: {:#?}", self.said),
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, in an environment without settings of its own.
pub fn outgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outgate"));
    let ours = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("OUTGATE_"));
    for name in ours {
        command.env_remove(name);
    }
    command
        .env_remove("RUST_LOG")
        .env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// Makes an authority for interception in `folder`; its certificate is `ca.pem` there.
pub fn make_ca(folder: &std::path::Path) {
    let made = outgate()
        .args(["ca", "init", "--intercept", "all", "--ca-dir"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// Waits for a process, within [`PATIENCE`].
pub fn wait(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the process does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lines_of(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// An origin that runs `serve` for each connection, in a thread of its own.
pub fn origin(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = std::sync::Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = std::sync::Arc::clone(&serve);
            let _ = stream.set_read_timeout(Some(PATIENCE));
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads up to the end of an HTTP head; gives the head, and what came behind it.
pub fn read_head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return (String::from_utf8_lossy(&bytes).into_owned(), rest);
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return (String::from_utf8_lossy(&bytes).into_owned(), Vec::new()),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A TLS origin: certificate authority, key and certificate for some names, made for this test.
pub struct Authority {
    folder: tempfile::TempDir,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    /// A fresh authority; `ca.pem` is its certificate.
    pub fn new() -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "test authority");
        params.key_usages = vec![
            rcgen::KeyUsagePurpose::KeyCertSign,
            rcgen::KeyUsagePurpose::CrlSign,
        ];
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Authority {
            folder,
            issuer: rcgen::Issuer::new(params, key),
        }
    }

    /// Where the authority's certificate lies.
    pub fn ca(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Its folder, which goes with it.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A key and a certificate for `names`; gives the paths of both (PEM).
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        self.issue_with(names, |_| {})
    }

    /// As [`Authority::issue`], with the certificate changed by `change`.
    pub fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(
            names.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
        .unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let stem = self.folder.path().join(names[0].replace(['*', ':'], "_"));
        let (cert_path, key_path) = (
            stem.with_extension("cert.pem"),
            stem.with_extension("key.pem"),
        );
        std::fs::write(&cert_path, certificate.pem()).unwrap();
        std::fs::write(&key_path, key.serialize_pem()).unwrap();
        (
            cert_path.display().to_string(),
            key_path.display().to_string(),
        )
    }
}

/// `openssl s_server -www` with `args`; killed when dropped.
pub struct OpensslServer {
    child: Child,
    pub address: SocketAddr,
}

impl OpensslServer {
    /// Starts it on a free port and waits until it accepts.
    #[expect(
        clippy::zombie_processes,
        reason = "waited for when dropped; where this panics the test is over"
    )]
    pub fn start(args: &[&str]) -> OpensslServer {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        let lines = lines_of(child.stdout.take().unwrap());
        loop {
            let line = lines
                .recv_timeout(PATIENCE)
                .expect("openssl s_server starts");
            if let Some(address) = line
                .strip_prefix("ACCEPT ")
                .and_then(|rest| rest.trim().parse().ok())
            {
                // The rest of what it says is of no interest, but must be read.
                std::thread::spawn(move || lines.iter().count());
                return OpensslServer { child, address };
            }
        }
    }
}

impl Drop for OpensslServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
