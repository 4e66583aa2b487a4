//! A proxy that intercepts, before origins that echo.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::tls::{self, ServerSide};
use super::{Authority, Proxy, make_ca};

/// An authority for the origins, one for interception, and a proxy that trusts the first.
pub struct Rig {
    pub proxy: Proxy,
    ca: tempfile::TempDir,
    pub authority: Authority,
}

impl Rig {
    pub fn new(authority: Authority, settings: &str, args: &[String]) -> Rig {
        let ca = tempfile::tempdir().unwrap();
        make_ca(ca.path());
        let folder = ca.path().display().to_string();
        let trusted = authority.ca();
        let mut all = vec![
            "--ca-dir",
            folder.as_str(),
            "--extra-root",
            trusted.as_str(),
        ];
        all.extend(args.iter().map(String::as_str));
        Rig {
            proxy: Proxy::configured(settings, &all),
            ca,
            authority,
        }
    }

    /// The root that clients of the proxy trust.
    pub fn root(&self) -> String {
        self.ca.path().join("ca.pem").display().to_string()
    }

    /// A GET by curl that trusts the authority: status and body.
    pub fn get(&self, url: &str, more: &[&str]) -> (u16, String) {
        let root = self.root();
        let mut args = vec!["--cacert", root.as_str(), "--write-out", "\n%{http_code}"];
        args.extend(more);
        args.push(url);
        let output = self.proxy.curl(&args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text
            .rsplit_once('\n')
            .unwrap_or_else(|| panic!("{output:?}"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(status != "000", "curl: {error}");
        (status.parse().unwrap(), body.to_owned())
    }

    /// As [`Rig::get`], for an answer of outgate's own: status, rule, detail.
    pub fn refused(&self, url: &str, more: &[&str]) -> (u16, Value, String) {
        let (status, body) = self.get(url, more);
        let problem: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"));
        let detail = problem["detail"].as_str().unwrap().to_owned();
        (status, problem["rule"].clone(), detail)
    }

    /// A TLS session inside a tunnel to `authority`, as a client that asks for `name`.
    pub fn inside(&self, authority: &str, name: &str) -> tls::ClientSide {
        tls::client(&self.root(), name, self.proxy.tunnel(authority))
    }
}

/// Everything is intercepted.
pub const ALL: &str = "[intercept]\nhosts = \"all\"\n";

/// The flags that lead `host` to an origin.
pub fn lead(host: &str, to: SocketAddr) -> Vec<String> {
    vec![
        "--connect-to".to_owned(),
        format!("{host}:443:127.0.0.1:{}", to.port()),
    ]
}

/// Answers every request of a session with its number and its head.
pub fn echo(mut session: ServerSide, connection: usize) {
    let mut buffer = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        match session.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
        }
        while let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            let body = format!("connection {connection}\n{head}");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nx-amzn-requestid: r-1\r\n\r\n{body}",
                body.len()
            );
            if session.write_all(answer.as_bytes()).is_err() || session.flush().is_err() {
                return;
            }
        }
    }
}

/// An origin that echoes, and counts its sessions.
pub fn echoing(identity: &(String, String)) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let address = tls::origin(identity, rustls::ALL_VERSIONS, move |session| {
        let connection = counter.fetch_add(1, Ordering::SeqCst) + 1;
        echo(session, connection);
    });
    (address, count)
}

/// A proxy before one echoing origin.
pub fn echo_rig(settings: &str, host: &str) -> (Rig, Arc<AtomicUsize>) {
    let authority = Authority::new();
    let (address, count) = echoing(&authority.issue(&[host]));
    (Rig::new(authority, settings, &lead(host, address)), count)
}
