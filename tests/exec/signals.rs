//! Signals: each arrives once, whoever sent it.

use std::process::Command;

use crate::stage::{Running, Stage, can, kill};

/// Says each signal that it gets, and ends at a line on its standard input.
const COUNTER: &str = r#"
import os, signal, sys
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "WINCH", "TSTP", "CONT"):
    def say(number, frame, name=name):
        os.write(1, (name + "\n").encode())
    signal.signal(getattr(signal, "SIG" + name), say)
print("ready", flush=True)
sys.stdin.readline()
"#;

fn counter(stage: &Stage) -> Option<Running> {
    if !can("python3", &["-c", "pass"]) {
        return None;
    }
    let mut running = Running::start(stage.exec(&["--quiet"], &["python3", "-c", COUNTER]));
    running.hear("ready");
    Some(running)
}

#[test]
fn what_outgate_is_sent_reaches_the_command_once() {
    let stage = Stage::new();
    let Some(mut running) = counter(&stage) else {
        return;
    };
    for name in ["HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "WINCH"] {
        for _ in 0..2 {
            running.signal(name);
            running.hear(name);
        }
    }
    running.tell("end");
    assert_eq!(running.end(), (Some(0), Vec::new()));
}

#[test]
fn a_signal_that_the_command_sends_to_all_does_not_come_back() {
    let stage = Stage::new();
    let Some(mut running) = counter(&stage) else {
        return;
    };
    drop(running.stdin.take());
    drop(running);
    // The command itself signals its whole group; the sender gets it once, by itself.
    let script = format!(
        "{}\nos.kill(0, signal.SIGUSR1)\nsys.stdin.readline()",
        COUNTER.replace("sys.stdin.readline()", "")
    );
    let mut running = Running::start(stage.exec(&["--quiet"], &["python3", "-c", &script]));
    running.hear("ready");
    running.hear("USR1");
    // outgate reads signals in order of their number: when this one arrives, it has dealt with
    // the one above.
    running.signal("USR2");
    running.hear("USR2");
    running.tell("end");
    assert_eq!(running.end(), (Some(0), Vec::new()));
}

#[test]
fn a_stopped_command_goes_on_when_outgate_is_continued() {
    let stage = Stage::new();
    let Some(mut running) = counter(&stage) else {
        return;
    };
    let pid = Command::new("pgrep")
        .args(["-P", &running.pid().to_string()])
        .output()
        .unwrap();
    let pid = String::from_utf8(pid.stdout).unwrap();
    let pid: u32 = pid.trim().parse().unwrap();
    kill("STOP", &pid.to_string());
    crate::stage::until("it is stopped", || crate::stage::state(pid) == Some('T'));
    // Whoever holds the command does not hold the proxy.
    assert_ne!(crate::stage::state(running.pid()), Some('T'));
    running.signal("CONT");
    running.hear("CONT");
    running.tell("end");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn what_the_caller_ignores_is_ignored() {
    let stage = Stage::new();
    let exec = stage.exec(
        &["--quiet"],
        &["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"],
    );
    let run = |prefix: &str| {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("{prefix} exec \"$@\""))
            .arg("sh");
        shell.arg(exec.get_program()).args(exec.get_args());
        for (name, value) in exec.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let done = crate::stage::done(&mut shell);
        let masks = done.stdout.lines().map(|line| {
            let mask = line.split_whitespace().nth(1).unwrap();
            // The real-time signals that the C library keeps for itself are its own matter.
            u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff
        });
        let masks: Vec<u64> = masks.collect();
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        masks
    };
    assert_eq!(run(""), [0, 0]);
    // HUP is 1 and USR1 is 10; a child that is waited for must not be ignored by ourselves.
    let ignored = (1 << 0) | (1 << 9);
    assert_eq!(run("trap '' HUP USR1 CHLD;")[1] & ignored, ignored);
}

#[test]
fn the_descriptor_limit_is_the_callers() {
    let stage = Stage::new();
    let mut shell = Command::new("sh");
    let exec = stage.exec(&["--quiet"], &["sh", "-c", "ulimit -Sn; ulimit -Hn"]);
    shell
        .arg("-c")
        .arg("ulimit -Sn 200; ulimit -Hn 2048; exec \"$@\"")
        .arg("sh");
    shell.arg(exec.get_program()).args(exec.get_args());
    for (name, value) in exec
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
    {
        shell.env(name, value);
    }
    let done = crate::stage::done(&mut shell);
    assert_eq!(done.stdout, "200\n2048\n", "{}", done.stderr);
}
