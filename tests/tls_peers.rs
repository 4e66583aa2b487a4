//! Plays the scripted TLS peers of `tests/peers` through the real binary.
//!
//! The runner is Python, because tlslite-ng and the openssl command speak what no Rust
//! library does any more. Where Python or openssl is missing the test says so and passes;
//! with `OUTGATE_PEERS=require` in the environment that is a failure. `OUTGATE_PEERS_PYTHON`
//! names another interpreter, `OUTGATE_PEERS_ONLY` a glob of scenarios.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests stand outside the test functions"
)]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn no_scripted_peer_gets_a_wrong_verdict() {
    play(&[], &[]);
}

/// The families whose servers are met in earnest; the others differ in what only a judge tells
/// apart (`run.py --intercept` plays them all).
const BEHIND: &[&str] = &[
    "aws/*",
    "certificate/*",
    "client-certificate/*",
    "good/*",
    "real-old/*",
    "retry/*",
    "server/group13/*",
    "server/hello/*",
    "server/signature/*",
    "server/suite13/*",
    "server/version/*",
    "silence/*",
    "speaks-first/*",
];

#[test]
fn behind_an_interception_every_server_is_told_in_plain_words_or_passes() {
    play(&["--intercept"], BEHIND);
}

/// `only`: the scenarios, unless the environment says which.
fn play(flags: &[&str], only: &[&str]) {
    let python = setting("OUTGATE_PEERS_PYTHON").unwrap_or_else(|| "python3".into());
    let required = setting("OUTGATE_PEERS").is_some_and(|value| value == "require");
    if let Some(missing) = missing_tool(&python) {
        assert!(!required, "{missing}");
        println!("not run: {missing}");
        return;
    }

    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/run.py");
    let mut command = Command::new(&python);
    command
        .arg(runner)
        .args(["--json", "--outgate", env!("CARGO_BIN_EXE_outgate")])
        .args(flags);
    match setting("OUTGATE_PEERS_ONLY") {
        Some(only) => {
            command.arg("--only").arg(only);
        }
        None => {
            command.args(only.iter().flat_map(|only| ["--only", only]));
        }
    }
    let output = command.output().expect("the runner starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    let result: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("the runner's answer is no JSON: {error}\n{complaint}"));

    let skipped = items(&result, "skipped");
    if !skipped.is_empty() {
        let text = format!(
            "{} scenarios need what tests/peers/requirements.txt names, or curl",
            skipped.len()
        );
        assert!(!required, "{text}");
        println!("not run: {text}");
    }
    let faults = items(&result, "faults");
    let wrong = items(&result, "wrong");
    assert!(
        faults.is_empty() && wrong.is_empty(),
        "{} of {} verdicts are wrong\n\n{}{}",
        wrong.len(),
        result["total"],
        table(wrong),
        faults
            .iter()
            .map(|fault| format!("fault: {}\n", text(fault)))
            .collect::<String>(),
    );
    println!("{} verdicts in {} s", result["total"], result["seconds"]);
}

#[expect(clippy::disallowed_methods, reason = "a test's own switches")]
fn setting(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn missing_tool(python: &OsString) -> Option<String> {
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 11))";
    let has = |program: &OsString, args: &[&str]| {
        Command::new(program)
            .args(args)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !has(python, &["-c", new_enough]) {
        return Some(format!("{} is not Python 3.11 or later", python.display()));
    }
    if !has(&"openssl".into(), &["version"]) {
        return Some("the openssl command is missing".into());
    }
    None
}

fn items<'a>(result: &'a Value, key: &str) -> &'a [Value] {
    result[key].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn table(rows: &[Value]) -> String {
    let line = |row: &Value| {
        format!(
            "{} [{}]\n    expected {}\n    got      {}\n    wrong    {}\n    because  {}\n",
            text(&row["scenario"]),
            text(&row["variant"]),
            text(&row["expected"]),
            text(&row["got"]),
            text(&row["wrong"]),
            text(&row["why"]),
        )
    };
    rows.iter().map(line).collect()
}
