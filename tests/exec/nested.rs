//! An `exec` inside an `exec`.

use std::net::TcpListener;

use crate::stage::{Stage, done};

const OUTGATE: &str = env!("CARGO_BIN_EXE_outgate");
const PLAINTEXT: &str = "curl -s -o /dev/null http://s3.us-east-1.amazonaws.com/";

#[test]
fn the_inner_one_uses_the_outer_proxy() {
    let stage = Stage::new();
    let script = format!(
        "env | sort > '{0}.outer'; '{OUTGATE}' exec -- sh -c \"env | sort > '{0}.inner'; exit 6\"",
        stage.path("env").display()
    );
    let done = stage.sh(&[], &script);
    assert_eq!(done.code, Some(6), "{}", done.stderr);
    let read = |name: &str| {
        let text = std::fs::read_to_string(stage.path(name)).unwrap();
        // What shells set for themselves.
        let own = |line: &&str| {
            !["_=", "SHLVL=", "PWD=", "OLDPWD="]
                .iter()
                .any(|name| line.starts_with(name))
        };
        text.lines()
            .filter(own)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(read("env.outer"), read("env.inner"));
    assert!(
        done.stderr
            .contains("outgate: inside another outgate exec: its proxy http://127.0.0.1:"),
        "{}",
        done.stderr
    );
    assert_eq!(stage.records().len(), 1);
}

#[test]
fn the_inner_one_fails_and_reports_by_the_outer_record() {
    let stage = Stage::new();
    let report = stage.path("inner.json");
    // What happened before the inner one began is not its own.
    let script = format!(
        "{PLAINTEXT}; '{OUTGATE}' exec --fail-on block -- true; echo $?; \
         '{OUTGATE}' exec --fail-on block --report '{}' -- {PLAINTEXT}; echo $?; exit 0",
        report.display()
    );
    let done = stage.sh(&[], &script);
    assert_eq!(done.stdout, "0\n3\n", "{}", done.stderr);
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["refused"], 1);
    assert_eq!(report["findings"][0]["rule"], "aws-plaintext");
    assert!(
        done.stderr
            .contains("outgate: 2 requests to 1 host, 2 refused"),
        "{}",
        done.stderr
    );
}

#[test]
fn without_a_record_to_read_it_does_not_pretend() {
    let stage = Stage::new();
    let script = format!("'{OUTGATE}' exec --fail-on block -- true; echo inner $? >&2");
    let done = stage.sh(&["--audit", "-"], &script);
    assert!(done.stderr.contains("inner 125"), "{}", done.stderr);
    assert!(
        done.stderr.contains("need the record of the outer exec"),
        "{}",
        done.stderr
    );
}

#[test]
fn settings_are_the_outer_ones() {
    let stage = Stage::new();
    let script = format!("'{OUTGATE}' exec --mode report -- {PLAINTEXT} -w '%{{http_code}}'");
    let done = stage.sh(&[], &script);
    assert_eq!(done.stdout, "403", "{}", done.stderr);
    assert!(
        done.stderr
            .contains("flags for settings have no effect inside another exec"),
        "{}",
        done.stderr
    );
}

#[test]
fn exit_codes_and_ends_hold_inside_too() {
    let stage = Stage::new();
    for (script, code) in [
        ("exit 9", 9),
        ("kill -TERM $$", 143),
        ("exec /nonexistent", 127),
    ] {
        let done = stage.run(
            &["--quiet"],
            &[OUTGATE, "exec", "--quiet", "--", "sh", "-c", script],
        );
        assert_eq!(done.code, Some(code), "{script}: {}", done.stderr);
    }
}

#[test]
fn a_mark_that_is_stale_counts_for_nothing() {
    let stage = Stage::new();
    // Bound and closed: nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{gone}");
    let mut exec = stage.exec(&[], &["sh", "-c", "echo $HTTPS_PROXY; echo $OUTGATE_EXEC"]);
    for name in [
        "OUTGATE_EXEC",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
    ] {
        exec.env(name, &url);
    }
    exec.env(
        "SSL_CERT_FILE",
        "/nonexistent/outgate-exec-gone/ca-bundle.pem",
    );
    let told = done(&mut exec);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines[0], lines[1]);
    assert_ne!(lines[0], url);
    // Nor does a mark that the proxy variables no longer follow.
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", open.local_addr().unwrap());
    let mut exec = stage.exec(&[], &["sh", "-c", "echo $OUTGATE_EXEC"]);
    let told = done(exec.env("OUTGATE_EXEC", &url));
    assert_ne!(told.stdout.trim(), url, "{}", told.stderr);
    assert!(!told.stderr.contains("inside another"), "{}", told.stderr);
}
