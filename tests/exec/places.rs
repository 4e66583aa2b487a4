//! Unprivileged, without a home, on a read-only root.

use std::process::Command;

use crate::stage::{Stage, can, done};

#[test]
fn no_home_and_no_place_named() {
    let stage = Stage::new();
    let mut exec = stage.exec(&[], &["sh", "-c", "test -r \"$SSL_CERT_FILE\""]);
    for name in [
        "HOME",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "PATH",
    ] {
        exec.env_remove(name);
    }
    // Nobody's home is /root here, and nothing but TMPDIR is asked for.
    exec.env("PATH", "/usr/bin:/bin");
    let done = done(&mut exec);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.contains("outgate: record: /"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_read_only_root() {
    if !can(
        "unshare",
        &[
            "--mount",
            "sh",
            "-c",
            "mount -o remount,ro,bind / && test ! -w /tmp && test -w /dev/shm",
        ],
    ) {
        return;
    }
    let stage = Stage::new();
    let exec = stage.exec(
        &[],
        &[
            "sh",
            "-c",
            "echo \"$SSL_CERT_FILE\"; test -r \"$SSL_CERT_FILE\"",
        ],
    );
    let mut unshare = Command::new("unshare");
    unshare
        .args([
            "--mount",
            "sh",
            "-c",
            "mount -o remount,ro,bind / && exec \"$@\"",
            "sh",
        ])
        .arg(exec.get_program())
        .args(exec.get_args())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let done = done(&mut unshare);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.starts_with("/dev/shm/outgate-exec-"),
        "{}",
        done.stdout
    );
    assert!(
        done.stderr
            .contains("outgate: record: /dev/shm/outgate/exec/"),
        "{}",
        done.stderr
    );
    assert!(!std::path::Path::new(done.stdout.trim()).exists());
    let record = done.stderr.split("record: ").nth(1).unwrap().trim();
    std::fs::remove_file(record).unwrap();
}

#[test]
fn as_nobody() {
    let binary = env!("CARGO_BIN_EXE_outgate");
    let stage = Stage::new();
    if !can(
        "setpriv",
        &[
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "test",
            "-x",
            binary,
        ],
    ) {
        return;
    }
    let mut setpriv = Command::new("setpriv");
    setpriv
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            binary,
            "exec",
            "--",
        ])
        .args(["sh", "-c", "test -r \"$SSL_CERT_FILE\" && exit 8"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", "/tmp");
    let done = done(&mut setpriv);
    assert_eq!(done.code, Some(8), "{}", done.stderr);
    let record = done.stderr.split("record: ").nth(1).unwrap().trim();
    std::fs::remove_file(record).unwrap();
    drop(stage);
}
