//! Has botocore serialise each operation of each service, and asks the real binary what each is.
//!
//! Without a Python that has botocore the test says so and passes; with `OUTGATE_BOTOCORE=require` in
//! the environment that is a failure. `OUTGATE_BOTOCORE_PYTHON` names the interpreter.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "the helpers of tests may panic as tests do, and read their own switches"
)]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn every_operation_of_botocore_comes_out_as_itself() {
    let python = std::env::var_os("OUTGATE_BOTOCORE_PYTHON").unwrap_or_else(|| "python3".into());
    let required = std::env::var_os("OUTGATE_BOTOCORE").is_some_and(|value| value == "require");
    if !has_botocore(&python) {
        let missing = format!("{} has no botocore 1.44.5", python.display());
        assert!(!required, "{missing}");
        println!("not run: {missing}");
        return;
    }
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws_operations/run.py");
    let output = Command::new(&python)
        .arg("-B")
        .arg(runner)
        .args(["--json", "--outgate", env!("CARGO_BIN_EXE_outgate")])
        .output()
        .expect("the runner starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    let result: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("the runner's answer is no JSON: {error}\n{complaint}"));
    let count = |key: &str| result[key].as_array().map_or(0, Vec::len);
    assert_eq!(count("wrong"), 0, "{:#}", result["wrong"]);
    let right = result["right"].as_u64().unwrap_or_default();
    assert!(right > 19_000, "only {right} operations were asked for");
    println!("{right} right, {} not made by botocore", count("not_made"));
}

/// The table and the test are of one version: another one has other operations.
fn has_botocore(python: &OsString) -> bool {
    let check = "import botocore, sys; sys.exit(botocore.__version__ != '1.44.5')";
    Command::new(python)
        .args(["-c", check])
        .output()
        .is_ok_and(|output| output.status.success())
}
