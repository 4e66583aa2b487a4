//! How it ends: exit codes, and nobody left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::stage::{Running, Stage, can, done, is_gone, kill, state};

#[test]
fn the_exit_code_is_the_commands_own() {
    let stage = Stage::new();
    let cases = [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 3", 3),
        ("exit 125", 125),
        ("exit 255", 255),
        ("kill -HUP $$", 129),
        ("kill -INT $$", 130),
        ("kill -ABRT $$", 134),
        ("kill -KILL $$", 137),
        ("kill -SEGV $$", 139),
        ("kill -TERM $$", 143),
    ];
    for (script, code) in cases {
        let done = stage.sh(&[], script);
        assert_eq!(done.code, Some(code), "{script}: {}", done.stderr);
    }
    assert!(stage.folders_left().is_empty());
}

#[test]
fn a_command_that_cannot_be_run_has_the_shells_codes() {
    let stage = Stage::new();
    let plain = stage.path("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    let scripted = stage.path("scripted");
    fs::write(&scripted, "#!/bin/sh\nexit 9\n").unwrap();
    fs::set_permissions(&scripted, fs::Permissions::from_mode(0o755)).unwrap();
    let cases = [
        ("/nonexistent/command", 127, "command not found"),
        ("no-such-command-here", 127, "command not found"),
        (plain.to_str().unwrap(), 126, "ermission denied"),
        ("/", 126, "cannot run /"),
        (scripted.to_str().unwrap(), 9, ""),
    ];
    for (command, code, said) in cases {
        let done = stage.run(&[], &[command]);
        assert_eq!(done.code, Some(code), "{command}: {}", done.stderr);
        assert!(done.stderr.contains(said), "{command}: {}", done.stderr);
    }
}

#[test]
fn outgate_that_cannot_start_is_125_and_starts_nothing() {
    let stage = Stage::new();
    let witness = stage.path("witness");
    let touch = ["touch", witness.to_str().unwrap()];
    let cases: [(&[&str], &str); 4] = [
        (
            &["--config", "/nonexistent.toml"],
            "cannot read the settings",
        ),
        (&["--mode", "sometimes"], "mode"),
        (&["--audit", "/dev/null/audit.jsonl"], "--audit"),
        (
            &["--report", "/dev/null/report.json"],
            "cannot write the report",
        ),
    ];
    for (flags, said) in cases {
        let done = stage.run(flags, &touch);
        assert_eq!(done.code, Some(125), "{flags:?}: {}", done.stderr);
        assert!(done.stderr.contains(said), "{flags:?}: {}", done.stderr);
        assert!(!witness.exists(), "{flags:?}");
    }
    // A command line that cannot be understood is 2, as everywhere.
    for flags in [
        &["--no-such-flag"][..],
        &["--report", "report.txt"],
        &["--fail-code", "0"],
    ] {
        assert_eq!(stage.run(flags, &touch).code, Some(2), "{flags:?}");
    }
    assert_eq!(done(stage.outgate().args(["exec", "--"])).code, Some(2));
    assert!(!witness.exists());
}

#[test]
fn the_helper_is_of_no_use_to_others() {
    let stage = Stage::new();
    for args in [&["exec-become"][..], &["exec-become", "1", "", "-", "true"]] {
        let done = done(stage.outgate().args(args));
        assert_eq!(done.code, Some(125), "{args:?}: {}", done.stderr);
    }
}

#[test]
fn arguments_and_streams_pass_unchanged() {
    let stage = Stage::new();
    let done = stage.run(
        &["--quiet"],
        &["printf", "%s|", "-n", "--", "a b", "", "--quiet", "\u{e9}"],
    );
    assert_eq!(done.stdout, "-n|--|a b||--quiet|\u{e9}|");
    assert_eq!(done.stderr, "");
    let mut cat = Running::start(stage.exec(&["--quiet"], &["cat"]));
    cat.tell("through");
    cat.hear("through");
    assert_eq!(cat.end(), (Some(0), Vec::new()));
}

#[test]
fn what_the_command_leaves_behind_ends_with_its_proxy() {
    let stage = Stage::new();
    // A job, one of another session, one that is deaf to SIGTERM, one that is stopped.
    let script = "sleep 1000 & echo $!\n\
        setsid sh -c 'echo $$; exec sleep 1000' &\n\
        sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1000; done' &\n\
        sh -c 'echo $$; kill -STOP $$' &\n\
        exec 3>&-; read line; exit 5";
    let mut running = Running::start(stage.exec(&[], &["sh", "-c", script]));
    let pids: Vec<u32> = (0..4).map(|_| running.line().parse().unwrap()).collect();
    for pid in &pids {
        assert!(state(*pid).is_some(), "{pid}");
    }
    let (code, _) = running.end();
    assert_eq!(code, Some(5));
    for pid in pids {
        assert_eq!(state(pid), None, "{pid} is still there");
    }
}

#[test]
fn it_says_whom_it_ended() {
    let stage = Stage::new();
    let done = stage.sh(
        &[],
        "sleep 1000 >/dev/null 2>&1 & until [ \"$(cat /proc/$!/comm)\" = sleep ]; do :; done",
    );
    assert_eq!(done.code, Some(0));
    assert!(
        done.stderr
            .contains("1 process left behind by the command ended with the proxy: sleep ("),
        "{}",
        done.stderr
    );
}

#[test]
fn orphans_are_reaped_while_the_command_runs() {
    let stage = Stage::new();
    // The grandchild becomes an orphan and ends; its number is free only when somebody reaped it.
    let script = "sh -c 'sh -c \"read line <&3; exit 0\" & echo $!' ; read line; echo done";
    let fifo = stage.path("fifo");
    assert!(can("mkfifo", &[fifo.to_str().unwrap()]));
    let script = format!("exec 3<>'{}'; {script}", fifo.display());
    let mut running = Running::start(stage.exec(&["--quiet"], &["sh", "-c", &script]));
    let orphan: u32 = running.line().parse().unwrap();
    assert!(state(orphan).is_some());
    fs::write(&fifo, "go\n").unwrap();
    crate::stage::until("the orphan is reaped", || state(orphan).is_none());
    running.tell("end");
    running.hear("done");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn the_command_dies_with_a_killed_outgate() {
    let stage = Stage::new();
    let mut running =
        Running::start(stage.exec(&["--quiet"], &["sh", "-c", "echo $$; exec sleep 1000"]));
    let pid: u32 = running.line().parse().unwrap();
    assert!(state(pid).is_some());
    running.signal("KILL");
    is_gone(pid);
    drop(running);
    // What it could not remove is removed by the next one, once it is old enough to be sure.
    let [left] = &stage.folders_left()[..] else {
        panic!("{:?}", stage.folders_left());
    };
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::open(left).unwrap().set_modified(old).unwrap();
    assert_eq!(stage.sh(&["--quiet"], "exit 0").code, Some(0));
    assert!(stage.folders_left().is_empty());
}

#[test]
fn it_is_a_good_pid_1() {
    let namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    if !can("unshare", &[&namespace[..], &["true"]].concat()) {
        return;
    }
    let stage = Stage::new();
    let exec = stage.exec(
        &["--quiet"],
        // Its parent is PID 1; an orphan comes to it, and is reaped; one is left behind.
        &[
            "sh",
            "-c",
            "echo parent $PPID; sh -c 'sleep 0 & :'; sleep 1000 >/dev/null & \
             while ps -e -o stat= 2>/dev/null | grep -q Z; do :; done; exit 7",
        ],
    );
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(namespace).arg(exec.get_program());
    unshare.args(exec.get_args());
    for (name, value) in exec.get_envs() {
        match value {
            Some(value) => unshare.env(name, value),
            None => unshare.env_remove(name),
        };
    }
    let done = done(&mut unshare);
    assert_eq!(done.code, Some(7), "{}", done.stderr);
    assert_eq!(done.stdout, "parent 1\n");
}

#[test]
fn a_signal_in_the_grace_ends_it() {
    let stage = Stage::new();
    let script = "sh -c 'trap \"echo asked\" TERM; echo $$; while :; do sleep 1000 & wait $!; done' & read line; exit 4";
    let mut running = Running::start(stage.exec(&["--quiet"], &["sh", "-c", script]));
    let deaf: u32 = running.line().parse().unwrap();
    running.tell("end");
    running.hear("asked");
    kill("TERM", &running.pid().to_string());
    assert_eq!(running.end().0, Some(4));
    assert_eq!(state(deaf), None);
}
