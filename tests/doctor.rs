//! `outgate doctor` with the tools of this machine, and with tools that are made to fail.
#![cfg(target_os = "linux")]
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// What README and docs/clients.md claim, and how each is to come out.
const CLAIMED: [(&str, &str); 17] = [
    ("curl", "works"),
    ("wget", "works"),
    ("git", "works"),
    ("pip", "works"),
    ("uv", "works"),
    ("python urllib", "works"),
    ("python requests", "works"),
    ("python httpx", "works"),
    ("python aiohttp", "mended"),
    ("python boto3", "works"),
    ("aws", "works"),
    ("node fetch", "works"),
    ("node https", "works"),
    ("npm", "works"),
    ("java", "works"),
    ("go", "works"),
    ("cargo", "works"),
];

/// The doctor with a home of its own.
fn doctor(home: &Path) -> Command {
    let mut command = support::outgate();
    command
        .env("HOME", home)
        .env("TMPDIR", home)
        .env_remove("XDG_RUNTIME_DIR")
        .args(["doctor", "--json"]);
    command
}

fn tools(output: &Output) -> Vec<Value> {
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    said["tools"].as_array().unwrap().clone()
}

#[test]
fn the_tools_of_this_machine_work_as_is_claimed() {
    let home = tempfile::tempdir().unwrap();
    let mut command = doctor(home.path());
    // Programs that a home of their own would hide: rustup's cargo, pyenv's python.
    for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")] {
        if std::env::var_os(name).is_none() {
            let own = std::env::var("HOME").unwrap_or_default();
            command.env(name, Path::new(&own).join(folder));
        }
    }
    let found = tools(&command.output().unwrap());
    let mut tried = 0;
    for (name, wanted) in CLAIMED {
        let tool = found.iter().find(|tool| tool["tool"] == name).unwrap();
        if tool["verdict"] == "absent" {
            eprintln!("skipped: {name} is not installed");
            continue;
        }
        assert_eq!(tool["verdict"], wanted, "{tool:#}");
        assert!(tool["version"].is_string(), "{tool:#}");
        tried += 1;
    }
    assert!(tried > 0);
    // What the tools wrote went with the folder.
    let left = std::fs::read_dir(home.path()).unwrap().flatten();
    let left: Vec<_> = left
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().starts_with("outgate"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_line_is_told_only_if_it_mends() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl is not installed");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let rc = home.path().join(".curlrc");
    std::fs::write(&rc, "proxy = http://127.0.0.1:1\n").unwrap();
    let output = doctor(home.path())
        .args(["--only", "curl"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found = tools(&output);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["verdict"], "mended", "{found:#?}");
    assert_eq!(found[0]["trouble"], "went-around");
    let line = found[0]["lines"][0].as_str().unwrap();
    assert!(line.starts_with("curl -q --cacert"), "{line}");

    std::fs::remove_file(&rc).unwrap();
    let output = doctor(home.path())
        .args(["--only", "curl"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn who_goes_around_or_fails_is_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = |name: &str, script: &str| {
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    // It says that all is well, and has asked for nothing.
    program("curl", "echo 1.0; exit 0");
    program("wget", "echo 'wget: no \u{1b}[31mway' >&2; exit 4");
    let output = doctor(home.path())
        .env("PATH", &bin)
        .args(["--only", "curl", "--only", "wget", "--only", "git"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found = tools(&output);
    let of = |name: &str| found.iter().find(|tool| tool["tool"] == name).unwrap();
    assert_eq!(of("curl")["verdict"], "broken");
    assert_eq!(of("curl")["trouble"], "went-around");
    assert_eq!(of("wget")["trouble"], "went-around");
    assert_eq!(of("wget")["detail"], "wget: no ?[31mway");
    assert_eq!(of("git")["verdict"], "absent");
}

#[test]
fn an_unknown_tool_is_wrong_usage() {
    let home = tempfile::tempdir().unwrap();
    let output = doctor(home.path())
        .args(["--only", "netscape"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("netscape") && said.contains("curl"), "{said}");
}
