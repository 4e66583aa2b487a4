//! Real clients through the proxy: what each sends and gets arrives byte for byte, and each
//! request has its two lines. A client that is not installed is skipped with a note.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "helpers of tests stand outside the test functions"
)]

#[path = "clients/house.rs"]
#[allow(dead_code, reason = "tests/intercept_clients.rs uses the rest")]
mod house;
#[path = "../benches/proxy/scripted.rs"]
#[allow(dead_code, reason = "the bench uses the rest")]
mod scripted;
mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use house::{
    BUCKET, Helper, House, ORIGIN, STS, digest, digest_of, has, here, pattern, python, run,
};
use scripted::{ANSWER, Script, answer};
use support::Proxy;

const LARGE: usize = 200_000_000;
const MEDIUM: usize = 5_000_000;

fn curl(house: &House) -> Command {
    let mut curl = house.client("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "60"]);
    curl
}

#[test]
fn curl_moves_large_bodies_over_tls_1_2_and_1_3() {
    let Some(house) = House::open().filter(|_| has("curl")) else {
        return;
    };
    let payload = house.payload(LARGE);
    let sum = digest_of(&payload);
    for version in [
        ["--tlsv1.2", "--tls-max", "1.2"],
        ["--tlsv1.3", "--tls-max", "1.3"],
    ] {
        let got = house.file("got");
        let url = format!("https://{ORIGIN}/bytes/{LARGE}");
        run(curl(&house)
            .args(version)
            .arg("--output")
            .arg(&got)
            .arg(url));
        assert_eq!(digest_of(&got), sum, "{version:?}");
        let url = format!("https://{ORIGIN}/sum");
        let said = run(curl(&house)
            .args(version)
            .arg("--upload-file")
            .arg(&payload)
            .arg(url));
        assert_eq!(said.trim(), format!("{LARGE} {sum}"), "{version:?}");
    }
    assert_eq!(house.assert_recorded(ORIGIN, "allow"), 4);
}

#[test]
fn curl_keeps_a_tunnel_for_several_requests_and_speaks_http_2() {
    let open = || {
        House::with(|certificate, key| {
            vec![(
                "h2.example",
                Helper::start("node", &[&here("h2.js"), certificate, key]),
            )]
        })
    };
    let Some(house) = (has("curl") && has("node")).then(open).flatten() else {
        return;
    };
    let small = format!("https://{ORIGIN}/bytes/1000");
    let said = run(curl(&house).args([&small, &small, &small]));
    assert_eq!(
        said.len(),
        String::from_utf8_lossy(&pattern(1000)).len() * 3
    );
    assert_eq!(house.assert_recorded(ORIGIN, "allow"), 1);

    let payload = house.payload(MEDIUM);
    let got = house.file("got");
    let mut echo = curl(&house);
    echo.args(["--http2", "--write-out", "%{http_version}", "--data-binary"]);
    echo.arg(format!("@{}", payload.display()))
        .arg("--output")
        .arg(&got);
    assert_eq!(run(echo.arg("https://h2.example/")), "2");
    assert_eq!(digest_of(&got), digest(&pattern(MEDIUM)));
    assert_eq!(house.assert_recorded("h2.example", "allow"), 1);
}

#[test]
fn plain_http_goes_through_and_is_reported() {
    let Some(house) = House::open().filter(|_| has("curl")) else {
        return;
    };
    let payload = house.payload(MEDIUM);
    let sum = digest(&pattern(MEDIUM));
    let got = house.file("got");
    let url = format!("http://{ORIGIN}/bytes/{MEDIUM}");
    run(curl(&house).arg("--output").arg(&got).arg(&url));
    assert_eq!(digest_of(&got), sum);
    for framing in ["Transfer-Encoding: chunked", "Expect: 100-continue"] {
        let mut upload = curl(&house);
        upload
            .args(["--header", framing, "--upload-file"])
            .arg(&payload);
        let said = run(upload.arg(format!("http://{ORIGIN}/sum")));
        assert_eq!(said.trim(), format!("{MEDIUM} {sum}"), "{framing}");
    }
    let mut requests = 3;
    if has("wget") {
        run(house
            .client("wget")
            .args(["--quiet", "--tries=1", "-O"])
            .arg(&got)
            .arg(&url));
        assert_eq!(digest_of(&got), sum);
        requests += 1;
    }
    assert_eq!(house.assert_recorded(ORIGIN, "report"), requests);
}

#[test]
fn wget_downloads() {
    let Some(house) = House::open().filter(|_| has("wget")) else {
        return;
    };
    let got = house.file("got");
    let mut wget = house.client("wget");
    wget.args(["--quiet", "--tries=1", "--timeout=30", "--ca-certificate"])
        .arg(&house.ca);
    run(wget
        .arg("-O")
        .arg(&got)
        .arg(format!("https://{ORIGIN}/bytes/{MEDIUM}")));
    assert_eq!(digest_of(&got), digest(&pattern(MEDIUM)));
    assert_eq!(house.assert_recorded(ORIGIN, "allow"), 1);
}

#[test]
fn git_clones_and_pushes() {
    let Some(house) = House::open().filter(|_| has("git")) else {
        return;
    };
    let git = |args: &[&str]| {
        let mut git = house.client("git");
        git.env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        git.args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-c",
            "init.defaultBranch=main",
        ]);
        run(git.args(args))
    };
    git(&["init", "--quiet", "--bare", "git/one.git"]);
    git(&["-C", "git/one.git", "config", "http.receivepack", "true"]);
    let url = format!("https://{ORIGIN}/git/one.git");
    git(&["clone", "--quiet", &url, "work"]);
    std::fs::copy(house.payload(MEDIUM), house.file("work/file")).unwrap();
    git(&["-C", "work", "add", "file"]);
    git(&["-C", "work", "commit", "--quiet", "--message", "one"]);
    git(&["-C", "work", "push", "--quiet", "origin", "HEAD:main"]);
    git(&["clone", "--quiet", "--branch", "main", &url, "again"]);
    assert_eq!(
        digest_of(&house.file("again/file")),
        digest(&pattern(MEDIUM))
    );
    assert!(house.assert_recorded(ORIGIN, "allow") >= 3);
}

#[test]
fn pip_downloads_from_a_simple_index() {
    let Some((house, python)) = House::open().zip(python()) else {
        return;
    };
    let folder = house.file("simple/outgate-probe");
    std::fs::create_dir_all(&folder).unwrap();
    let name = "outgate_probe-1.0-py3-none-any.whl";
    run(Command::new(&python)
        .arg(here("make_wheel.py"))
        .arg(folder.join(name)));
    let mut pip = house.client(&python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-cache-dir",
        "--index-url",
    ]);
    pip.arg(format!("https://{ORIGIN}/simple/"))
        .args(["--dest", "got", "outgate-probe"]);
    run(&mut pip);
    assert_eq!(
        digest_of(&house.file("got").join(name)),
        digest_of(&folder.join(name))
    );
    house.assert_recorded(ORIGIN, "allow");
}

/// A Python script that prints the checksum of what it downloaded.
fn python_client(script: &str) {
    let Some((house, python)) = House::open().zip(python()) else {
        return;
    };
    let said = run(house
        .client(python)
        .arg(here(script))
        .arg(format!("https://{ORIGIN}")));
    assert_eq!(said.trim(), digest(&pattern(MEDIUM)));
    house.assert_recorded(ORIGIN, "allow");
}

#[test]
fn python_requests() {
    python_client("py_requests.py");
}

#[test]
fn python_urllib() {
    python_client("py_urllib.py");
}

#[test]
fn python_httpx() {
    python_client("py_httpx.py");
}

#[test]
fn python_aiohttp() {
    python_client("py_aiohttp.py");
}

#[test]
fn python_websockets() {
    let Some((house, python)) = House::open().zip(python()) else {
        return;
    };
    let url = format!("https://{ORIGIN}");
    let said = run(house.client(python).arg(here("py_websockets.py")).arg(url));
    assert_eq!(said.trim(), "ok");
    assert_eq!(house.assert_recorded(ORIGIN, "allow"), 1);
}

#[test]
fn boto3_speaks_to_s3_and_sts() {
    let Some((house, python)) = House::open().zip(python()) else {
        return;
    };
    let said = run(house.client(python).arg(here("py_boto3.py")));
    assert_eq!(said.trim(), "ok");
    for host in [STS, BUCKET] {
        house.assert_recorded(host, "allow");
        let line = house.proxy.line_for(host, "complete");
        assert_eq!(line["destination"]["class"], "aws", "{line:#}");
        assert_eq!(line["tls"]["upstream"]["preflight"], "verified", "{line:#}");
    }
}

#[test]
fn awscli_copies_both_ways() {
    let Some((house, python)) = House::open().zip(python()) else {
        return;
    };
    let aws = |args: &[&str]| {
        let mut aws = house.client(&python);
        aws.arg(python.with_file_name("aws"));
        aws.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
        aws.env(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        );
        aws.env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        run(aws.args(args))
    };
    assert!(aws(&["sts", "get-caller-identity"]).contains("123456789012"));
    let payload = house.payload(24 << 20).display().to_string();
    let got = house.file("got").display().to_string();
    let object = "s3://bucket-of-tests/large";
    aws(&["s3", "cp", "--quiet", &payload, object]);
    aws(&["s3", "cp", "--quiet", object, &got]);
    assert_eq!(digest_of(got.as_ref()), digest_of(payload.as_ref()));
    for host in [STS, BUCKET] {
        house.assert_recorded(host, "allow");
    }
}

#[test]
fn grpc_calls_and_streams() {
    let Some(python) = python() else {
        return;
    };
    let open = House::with(|certificate, key| {
        let args = [
            here("py_grpc.py"),
            "serve".to_owned(),
            certificate.to_owned(),
            key.to_owned(),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        vec![("grpc.example", Helper::start(&python, &args))]
    });
    let Some(house) = open else {
        return;
    };
    let mut client = house.client(&python);
    client
        .arg(here("py_grpc.py"))
        .args(["call", "grpc.example:443", &house.ca]);
    assert_eq!(run(&mut client).trim(), "ok");
    house.assert_recorded("grpc.example", "allow");
}

#[test]
fn node_through_a_connect_of_its_own() {
    let Some(house) = House::open().filter(|_| has("node")) else {
        return;
    };
    let mut node = house.client("node");
    node.arg(here("node.js"))
        .args([&house.proxy.url(), ORIGIN, &house.ca]);
    assert_eq!(run(&mut node).trim(), digest(&pattern(MEDIUM)));
    assert_eq!(house.assert_recorded(ORIGIN, "allow"), 2);
}

#[test]
fn java_with_its_own_trust_store() {
    let Some(house) = House::open().filter(|_| has("java") && has("keytool")) else {
        return;
    };
    let store = house.file("trust.p12").display().to_string();
    let mut keytool = Command::new("keytool");
    keytool.args([
        "-importcert",
        "-noprompt",
        "-alias",
        "ca",
        "-storetype",
        "PKCS12",
    ]);
    run(keytool.args([
        "-storepass",
        "changeit",
        "-keystore",
        &store,
        "-file",
        &house.ca,
    ]));
    let address = house.proxy.address;
    let mut java = house.client("java");
    java.arg(format!("-Dhttps.proxyHost={}", address.ip()));
    java.arg(format!("-Dhttps.proxyPort={}", address.port()));
    java.arg(format!("-Djavax.net.ssl.trustStore={store}"));
    java.arg("-Djavax.net.ssl.trustStorePassword=changeit");
    let said = run(java
        .arg(here("Client.java"))
        .arg(format!("https://{ORIGIN}")));
    assert_eq!(said.trim(), digest(&pattern(MEDIUM)));
    house.assert_recorded(ORIGIN, "allow");
}

#[test]
fn go_net_http() {
    let Some(house) = House::open().filter(|_| has("go")) else {
        return;
    };
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/go-cache");
    let program = house.file("client").display().to_string();
    let mut build = Command::new("go");
    build
        .env("GOCACHE", cache)
        .env("GOFLAGS", "-mod=mod")
        .env("GO111MODULE", "off");
    run(build.args(["build", "-o", &program]).arg(here("client.go")));
    let said = run(house.client(program).arg(format!("https://{ORIGIN}")));
    assert_eq!(said.trim(), digest(&pattern(MEDIUM)));
    house.assert_recorded(ORIGIN, "allow");
}

#[test]
fn openssl_s_client_through_its_proxy_option() {
    let Some(house) = House::open().filter(|_| has("openssl") && has("sh")) else {
        return;
    };
    for version in ["-tls1_2", "-tls1_3"] {
        let script = format!(
            "printf 'GET /bytes/1000 HTTP/1.1\\r\\nHost: {ORIGIN}\\r\\nConnection: close\\r\\n\\r\\n' | \
             openssl s_client -quiet -ign_eof {version} -proxy {} -connect {ORIGIN}:443 -servername {ORIGIN} \
             -CAfile {} -verify_return_error",
            house.proxy.address, house.ca
        );
        let said = run(house.client("sh").args(["-c", &script]));
        let body = said.split("\r\n\r\n").nth(1).unwrap();
        assert_eq!(body, String::from_utf8_lossy(&pattern(1000)), "{version}");
    }
    assert_eq!(house.assert_recorded(ORIGIN, "allow"), 2);
}

#[test]
fn a_thousand_tunnels_leave_nothing_open_and_nothing_unrecorded() {
    let script = Arc::new(Script::capture("bench.example"));
    let played = Arc::clone(&script);
    let origin = support::origin(move |mut stream| {
        let mut read = |length| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).map(|()| bytes)
        };
        // A connection without a hello is one that a test closed early.
        if read(played.hello.len()).is_err() {
            return;
        }
        let _ = stream.write_all(&played.flight);
        let mut rest = vec![0; played.finished.len()];
        let _ = stream.read_exact(&mut rest);
        let _ = stream.write_all(&answer());
        let _ = stream.read_to_end(&mut rest);
    });
    let redirect = format!("bench.example:443:{origin}");
    let proxy = Proxy::start(&["--connect-to", &redirect]);
    let open = |at: SocketAddr, script: &Script| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
        let head = "CONNECT bench.example:443 HTTP/1.1\r\nHost: bench.example:443\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let (head, rest) = support::read_head(&mut stream);
        assert!(
            head.starts_with("HTTP/1.1 200 ") && rest.is_empty(),
            "{head}"
        );
        stream.write_all(&script.hello).unwrap();
        let mut flight = vec![0; script.flight.len()];
        stream.read_exact(&mut flight).unwrap();
        assert!(flight == script.flight);
        stream.write_all(&script.finished).unwrap();
        let mut got = [0; ANSWER];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(got, answer());
        stream
    };
    let at = proxy.address;
    drop(open(at, &script));
    settle(&proxy, 1);
    let (descriptors, resident) = (descriptors(&proxy), resident(&proxy));

    let threads = (0..8).map(|_| {
        let (at, script) = (proxy.address, Arc::clone(&script));
        std::thread::spawn(move || (0..125).for_each(|_| drop(open(at, &script))))
    });
    threads
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    settle(&proxy, 1001);
    assert_eq!(self::descriptors(&proxy), descriptors);

    let idle: Vec<_> = (0..200).map(|_| open(at, &script)).collect();
    assert_eq!(self::descriptors(&proxy), descriptors + 400);
    drop(idle);
    settle(&proxy, 1201);
    assert_eq!(self::descriptors(&proxy), descriptors);
    let grown = self::resident(&proxy).saturating_sub(resident);
    assert!(grown < 24 << 20, "{grown} bytes more than before");
    support::record::assert_whole(&proxy.record);
}

/// Waits until so many tunnels have their two lines.
fn settle(proxy: &Proxy, tunnels: usize) {
    let deadline = Instant::now() + support::PATIENCE;
    loop {
        let text = std::fs::read_to_string(&proxy.record).unwrap();
        let [decided, completed] = ["decision", "complete"]
            .map(|stage| text.matches(&format!("\"stage\":\"{stage}\"")).count());
        if (decided, completed) == (tunnels, tunnels) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{tunnels} tunnels, but {decided} + {completed} lines"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn descriptors(proxy: &Proxy) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", proxy.pid()))
        .unwrap()
        .count()
}

fn resident(proxy: &Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
