//! What the tests of `exec` share: a home of their own, a running `outgate exec`, processes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, outgate};

/// Variables of whoever runs the tests that would change what `exec` does.
const FOREIGN: [&str; 24] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "JAVA_TOOL_OPTIONS",
    "WGETRC",
    "MASTER_ADDR",
    "SM_HOSTS",
    "XDG_RUNTIME_DIR",
    "TMPDIR",
    "NO_COLOR",
];

/// A home of its own, so that no test meets another's records.
pub struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Stage {
        Stage {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `outgate`, in a process group of its own as a shell's job would be.
    pub fn outgate(&self) -> Command {
        let mut command = outgate();
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("TMPDIR", self.temporary())
            .process_group(0);
        command
    }

    /// Where `exec` makes its folder.
    pub fn temporary(&self) -> PathBuf {
        let path = self.path("tmp");
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// The folders that `exec` left there.
    pub fn folders_left(&self) -> Vec<PathBuf> {
        entries(&self.temporary())
    }

    /// `outgate exec FLAGS -- COMMAND`.
    pub fn exec(&self, flags: &[&str], command: &[&str]) -> Command {
        let mut exec = self.outgate();
        exec.arg("exec").args(flags).arg("--").args(command);
        exec
    }

    /// Runs it to its end.
    pub fn run(&self, flags: &[&str], command: &[&str]) -> Done {
        done(&mut self.exec(flags, command))
    }

    /// Runs a shell script behind it.
    pub fn sh(&self, flags: &[&str], script: &str) -> Done {
        self.run(flags, &["sh", "-c", script])
    }

    /// The records in their usual place, oldest first.
    pub fn records(&self) -> Vec<PathBuf> {
        entries(&self.path("state/outgate/exec"))
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = read.map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end.
pub fn done(command: &mut Command) -> Done {
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    Done {
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// A running `outgate exec` whose command talks.
pub struct Running {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    pub said: Vec<String>,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running {
            stdin: child.stdin.take(),
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// The next line that the command says.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.said.push(line.clone());
                line
            }
            Err(_) => panic!("nothing more was said after {:?}", self.said),
        }
    }

    /// Waits for exactly that line.
    pub fn hear(&mut self, wanted: &str) {
        let line = self.line();
        assert_eq!(line, wanted, "after {:?}", self.said);
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to outgate alone.
    pub fn signal(&self, name: &str) {
        kill(name, &self.pid().to_string());
    }

    /// What is said from here to the end, and the exit code.
    pub fn end(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.stdin.take());
        let code = crate::support::wait(&mut self.child);
        (code, self.lines.iter().collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `kill -NAME TARGET`.
pub fn kill(name: &str, target: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), "--", target])
        .status()
        .unwrap();
    assert!(sent.success(), "kill -{name} {target}");
}

/// The state letter of a process; `None` when it is gone.
pub fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Waits until a process is gone, or only waits to be reaped by another one than outgate.
pub fn is_gone(pid: u32) {
    until(&format!("process {pid} is gone"), || {
        matches!(state(pid), None | Some('Z' | 'X'))
    });
}

/// Waits until `happened`.
pub fn until(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a helper program can do what a test needs; says so when not.
pub fn can(program: &str, args: &[&str]) -> bool {
    let done = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    if !done {
        eprintln!("skipped: {program} {} does not work here", args.join(" "));
    }
    done
}
