//! Records that name the client's process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::Read;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use support::PATIENCE;
use support::Proxy;
use support::http::Answer;

/// Asks again and again on one connection, until a record names a process or the time is up.
fn named(proxy: &Proxy, mut stream: impl Read + Write) -> (u64, String) {
    let origin = support::origin(|mut stream| {
        while !support::read_head(&mut stream).0.is_empty() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        write!(
            stream,
            "GET http://{origin}/ HTTP/1.1\r\nHost: {origin}\r\n\r\n"
        )
        .unwrap();
        assert_eq!(Answer::read(&mut stream).status, 200);
        let lines = proxy.lines();
        if let Some(line) = lines.iter().find(|line| line["client"]["pid"].is_u64()) {
            let client = &line["client"];
            let process = client["process"].as_str().unwrap().to_owned();
            return (client["pid"].as_u64().unwrap(), process);
        }
    }
    panic!("no process in {:#?}", proxy.lines());
}

fn own() -> (u64, String) {
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    (std::process::id().into(), name.trim_end().to_owned())
}

#[test]
fn a_client_on_this_machine_is_named_where_that_is_asked_for() {
    let proxy = Proxy::start_with(&[], &[("OUTGATE_AUDIT_PROCESS", "true")]);
    assert_eq!(named(&proxy, proxy.connect()), own());
}

#[test]
fn a_client_on_a_unix_socket_is_named_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outgate.sock");
    let proxy = Proxy::start(&["--listen", &format!("unix:{}", path.display())]);
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(named(&proxy, stream), own());
}

#[test]
fn else_nobody_is_looked_up() {
    let proxy = Proxy::start(&[]);
    for _ in 0..3 {
        proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for line in proxy.lines() {
        assert!(line["client"]["pid"].is_null(), "{line}");
    }
}
