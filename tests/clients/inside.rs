//! The origins behind an interception: by `exec`, or by `serve` and the variables of `env`.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::house::{Origins, run};
use crate::support::{Proxy, outgate, record};

/// How a client gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Exec,
    Serve,
}

/// One way to the origins.
pub struct Inside<'a> {
    pub origins: &'a Origins,
    pub way: Way,
    pub record: PathBuf,
    /// With `serve` alone.
    proxy: Option<Proxy>,
    variables: Vec<(String, String)>,
    _folder: Option<tempfile::TempDir>,
}

impl<'a> Inside<'a> {
    pub fn open(origins: &'a Origins, way: Way) -> Inside<'a> {
        match way {
            Way::Exec => Inside {
                origins,
                way,
                record: origins.file("exec.jsonl"),
                proxy: None,
                variables: Vec::new(),
                _folder: None,
            },
            Way::Serve => Inside::serve(origins),
        }
    }

    fn serve(origins: &'a Origins) -> Inside<'a> {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("ca").display().to_string();
        run(outgate().args(["ca", "init", "--ca-dir", &dir]));
        let mut args: Vec<&str> = origins.flags.iter().map(String::as_str).collect();
        args.extend(["--intercept", "all", "--ca-dir", &dir]);
        let proxy = Proxy::start(&args);
        let address = proxy.address.to_string();
        let env = ["env", "--json", "--intercept", "all", "--ca-dir", &dir];
        let said = run(outgate().args(env).args(["--listen", &address]));
        let variables: serde_json::Map<String, Value> = serde_json::from_str(&said).unwrap();
        let text = |(name, value): (String, Value)| (name, value.as_str().unwrap().to_owned());
        Inside {
            origins,
            way: Way::Serve,
            record: proxy.record.clone(),
            proxy: Some(proxy),
            variables: variables.into_iter().map(text).collect(),
            _folder: Some(folder),
        }
    }

    /// A client's command: a bare environment, and what `exec` or `env` add to it.
    pub fn client(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        if self.proxy.is_some() {
            let mut command = self.origins.bare(program);
            command.envs(self.variables.iter().map(|(name, value)| (name, value)));
            return command;
        }
        let mut command = self.origins.bare(outgate().get_program());
        command.args(["exec", "--audit"]).arg(&self.record);
        command.args(&self.origins.flags).arg("--").arg(program);
        command
    }

    /// What `env` set.
    pub fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    /// A file in the origins' folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.origins.file(name)
    }

    /// The requests for `host` that were seen inside TLS: each has its two lines, and was let
    /// through unhindered.
    pub fn requests(&self, host: &str) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let lines = record::read(&self.record);
            let of = |stage: &str| -> Vec<&Value> {
                let is = |line: &&Value| {
                    line["request"]["host"] == host
                        && line["stage"] == stage
                        && line["request"]["method"] != "CONNECT"
                        && line["carried"] != "forward"
                };
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
            for line in decided.iter().chain(&completed) {
                assert_eq!(line["carried"], "intercept", "{line:#}");
                assert!(
                    line["verdict"] == "allow" || line["verdict"] == "report",
                    "{line:#}"
                );
                let pair = completed.iter().filter(|other| other["id"] == line["id"]);
                assert_eq!(pair.count(), 1, "{line:#}");
            }
            return completed.into_iter().cloned().collect();
        }
    }
}
