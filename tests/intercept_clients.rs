//! Real clients whose TLS is ended by the proxy, by `exec` and by `serve` with what `env` hands
//! out: what each sends and gets arrives byte for byte, and each request is on record. A client
//! that is not installed is skipped with a note.
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
#[allow(dead_code, reason = "tests/clients.rs uses the rest")]
mod house;
#[path = "clients/inside.rs"]
mod inside;
mod support;

use std::path::Path;
use std::process::Command;

use house::{
    BUCKET, Helper, ORIGIN, Origins, STS, digest, digest_of, has, here, node_packages, pattern,
    python, run,
};
use inside::{Inside, Way};

const MEDIUM: usize = 5_000_000;
const LARGE: usize = 256 << 20;

/// Both ways to the origins; nothing without them.
fn both(client: impl Fn(&Inside<'_>)) {
    both_with(|_, _| Vec::new(), client);
}

fn both_with(
    more: impl FnOnce(&str, &str) -> Vec<(&'static str, Helper)>,
    client: impl Fn(&Inside<'_>),
) {
    let Some(origins) = Origins::start(more) else {
        return;
    };
    for way in [Way::Exec, Way::Serve] {
        client(&Inside::open(&origins, way));
    }
}

/// An echo over HTTP/2 alone.
fn echo(certificate: &str, key: &str) -> Vec<(&'static str, Helper)> {
    let helper = Helper::start("node", &[&here("h2.js"), certificate, key]);
    vec![("h2.example", helper)]
}

fn base() -> String {
    format!("https://{ORIGIN}")
}

fn curl(inside: &Inside<'_>) -> Command {
    let mut curl = inside.client("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "60"]);
    curl
}

#[test]
fn curl_over_http_1() {
    if !has("curl") {
        return;
    }
    both(|inside| {
        let payload = inside.origins.payload(MEDIUM);
        let sum = digest_of(&payload);
        let got = inside.file("got");
        for version in [
            ["--tlsv1.2", "--tls-max", "1.2"],
            ["--tlsv1.3", "--tls-max", "1.3"],
        ] {
            let url = format!("{}/bytes/{MEDIUM}", base());
            run(curl(inside)
                .args(version)
                .arg("--output")
                .arg(&got)
                .arg(url));
            assert_eq!(digest_of(&got), sum, "{version:?}");
        }
        for framing in [
            "Transfer-Encoding: chunked",
            "Expect: 100-continue",
            "X-Plain: 1",
        ] {
            let mut upload = curl(inside);
            upload
                .args(["--header", framing, "--upload-file"])
                .arg(&payload);
            let said = run(upload.arg(format!("{}/sum", base())));
            assert_eq!(said.trim(), format!("{MEDIUM} {sum}"), "{framing}");
        }
        // One connection, several requests, one of them HEAD.
        let small = format!("{}/bytes/1000", base());
        let said = run(curl(inside).args([&small, &small, &small]));
        assert_eq!(
            said.len(),
            String::from_utf8_lossy(&pattern(1000)).len() * 3
        );
        let head = run(curl(inside).args(["--head", &small]));
        assert!(head.contains("Content-Length: 1000"), "{head}");
        let requests = inside.requests(ORIGIN);
        assert_eq!(requests.len(), 9);
        for line in &requests {
            assert_eq!(line["tls"]["upstream"]["verified"], true, "{line:#}");
            assert_eq!(line["request"]["http"], "1.1", "{line:#}");
        }
    });
}

#[test]
fn curl_over_http_2() {
    if !has("curl") || !has("node") {
        return;
    }
    both_with(echo, |inside| {
        let payload = inside.origins.payload(MEDIUM);
        let got = inside.file("got");
        let mut echo = curl(inside);
        echo.args(["--http2", "--write-out", "%{http_version}", "--data-binary"]);
        echo.arg(format!("@{}", payload.display()))
            .arg("--output")
            .arg(&got);
        assert_eq!(run(echo.arg("https://h2.example/")), "2");
        assert_eq!(digest_of(&got), digest(&pattern(MEDIUM)));
        let requests = inside.requests("h2.example");
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0]["request"]["http"], "2", "{:#}", requests[0]);
    });
}

#[test]
fn wget_downloads() {
    if !has("wget") {
        return;
    }
    both(|inside| {
        let got = inside.file("got");
        let mut wget = inside.client("wget");
        wget.args(["--quiet", "--tries=1", "--timeout=30"]);
        if inside.way == Way::Serve {
            // No variable tells it whom to trust; `exec` has a settings file for it.
            let bundle = inside.variable("SSL_CERT_FILE");
            wget.arg(format!("--ca-certificate={bundle}"));
        }
        run(wget
            .arg("-O")
            .arg(&got)
            .arg(format!("{}/bytes/{MEDIUM}", base())));
        assert_eq!(digest_of(&got), digest(&pattern(MEDIUM)));
        assert_eq!(inside.requests(ORIGIN).len(), 1);
    });
}

#[test]
fn git_clones_and_pushes() {
    if !has("git") {
        return;
    }
    both(|inside| {
        let git = |args: &[&str]| {
            let mut git = inside.client("git");
            git.env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_TERMINAL_PROMPT", "0");
            let name = "user.name=t";
            let email = "user.email=t@example.org";
            let branch = "init.defaultBranch=main";
            git.args(["-c", name, "-c", email, "-c", branch]);
            run(git.args(args))
        };
        let name = format!("{:?}", inside.way).to_lowercase();
        let bare = format!("git/{name}.git");
        git(&["init", "--quiet", "--bare", &bare]);
        git(&["-C", &bare, "config", "http.receivepack", "true"]);
        let url = format!("{}/{bare}", base());
        let (work, again) = (format!("work-{name}"), format!("again-{name}"));
        git(&["clone", "--quiet", &url, &work]);
        let payload = inside.origins.payload(MEDIUM);
        std::fs::copy(payload, inside.file(&work).join("file")).unwrap();
        git(&["-C", &work, "add", "file"]);
        git(&["-C", &work, "commit", "--quiet", "--message", "one"]);
        git(&["-C", &work, "push", "--quiet", "origin", "HEAD:main"]);
        git(&[
            "clone", "--quiet", "--depth", "1", "--branch", "main", &url, &again,
        ]);
        let got = inside.file(&again).join("file");
        assert_eq!(digest_of(&got), digest(&pattern(MEDIUM)));
        assert!(inside.requests(ORIGIN).len() >= 6);
    });
}

#[test]
fn pip_and_uv_install() {
    let Some(python) = python() else {
        return;
    };
    both(|inside| {
        let folder = inside.file("simple/outgate-probe");
        std::fs::create_dir_all(&folder).unwrap();
        let name = "outgate_probe-1.0-py3-none-any.whl";
        run(Command::new(&python)
            .arg(here("make_wheel.py"))
            .arg(folder.join(name)));
        let index = format!("{}/simple/", base());
        let got = format!("got-{:?}", inside.way);
        let mut pip = inside.client(&python);
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-cache-dir",
        ]);
        pip.args(["--index-url", &index, "--dest", &got, "outgate-probe"]);
        run(&mut pip);
        let (there, here) = (folder.join(name), inside.file(&got).join(name));
        assert_eq!(digest_of(&here), digest_of(&there));
        let before = inside.requests(ORIGIN).len();
        let mut uv = inside.client(python.with_file_name("uv"));
        uv.args([
            "pip",
            "install",
            "--quiet",
            "--no-cache",
            "--no-deps",
            "--python",
        ])
        .arg(&python)
        .args(["--target", &format!("target-{:?}", inside.way)]);
        run(uv.args(["--index-url", &index, "outgate-probe"]));
        assert!(inside.requests(ORIGIN).len() >= before + 2);
    });
}

/// A Python script that prints the checksum of what it downloaded, or `ok`.
fn python_client(script: &str, wanted: &str) {
    let Some(python) = python() else {
        return;
    };
    both(|inside| {
        let mut client = inside.client(&python);
        let said = run(client.arg(here(script)).arg(base()));
        assert_eq!(said.trim(), wanted);
        inside.requests(ORIGIN);
    });
}

#[test]
fn python_requests() {
    python_client("py_requests.py", &digest(&pattern(MEDIUM)));
}

#[test]
fn python_urllib() {
    python_client("py_urllib.py", &digest(&pattern(MEDIUM)));
}

#[test]
fn python_urllib3() {
    python_client("py_urllib3.py", &digest(&pattern(MEDIUM)));
}

#[test]
fn python_httpx() {
    python_client("py_httpx.py", &digest(&pattern(MEDIUM)));
}

#[test]
fn python_aiohttp() {
    python_client("py_aiohttp.py", &digest(&pattern(MEDIUM)));
}

#[test]
fn python_pycurl() {
    python_client("py_pycurl.py", &digest(&pattern(MEDIUM)));
}

#[test]
fn python_websockets() {
    python_client("py_websockets.py", "ok");
}

#[test]
fn python_websocket_client() {
    python_client("py_websocket_client.py", "ok");
}

#[test]
fn events_arrive_when_they_are_sent() {
    python_client("py_events.py", "ok");
}

#[test]
fn python_httpx_over_http_2() {
    let Some(python) = python().filter(|_| has("node")) else {
        return;
    };
    both_with(echo, |inside| {
        let mut client = inside.client(&python);
        let said = run(client.arg(here("py_h2.py")).arg("https://h2.example/"));
        assert_eq!(said.trim(), "ok");
        assert_eq!(inside.requests("h2.example").len(), 40);
    });
}

#[test]
fn boto3_speaks_to_s3_and_sts() {
    let Some(python) = python() else {
        return;
    };
    both(|inside| {
        let said = run(inside.client(&python).arg(here("py_boto3.py")));
        assert_eq!(said.trim(), "ok");
        for host in [STS, BUCKET] {
            for line in inside.requests(host) {
                assert_eq!(line["destination"]["class"], "aws", "{line:#}");
            }
        }
    });
}

#[test]
fn boto3_moves_a_large_object_in_parts() {
    let Some(origins) = python().and_then(|_| Origins::start(|_, _| Vec::new())) else {
        return;
    };
    let inside = Inside::open(&origins, Way::Exec);
    let mut client = inside.client(python().unwrap());
    let said = run(client.arg(here("py_s3_large.py")).arg(LARGE.to_string()));
    assert_eq!(said.trim(), "ok");
    assert!(inside.requests(BUCKET).len() > LARGE >> 24);
}

#[test]
fn a_streaming_signature_covers_what_arrives() {
    let Some(python) = python() else {
        return;
    };
    both(|inside| {
        let said = run(inside.client(&python).arg(here("py_s3_streaming.py")));
        assert_eq!(said.trim(), "ok");
        assert_eq!(inside.requests(BUCKET).len(), 1);
    });
}

#[test]
fn boto3_with_its_crt_client() {
    let Some(python) = python() else {
        return;
    };
    both(|inside| {
        let mut client = inside.client(&python);
        assert_eq!(run(client.arg(here("py_s3_crt.py"))).trim(), "ok");
        let requests = inside.requests(BUCKET);
        let by_crt = requests.iter().filter(|line| {
            let agent = line["request"]["user_agent"].as_str().unwrap_or_default();
            agent.contains("CRTS3NativeClient")
        });
        assert!(by_crt.count() > 4, "{requests:#?}");
    });
}

#[test]
fn awscli_copies_both_ways() {
    let Some(python) = python() else {
        return;
    };
    both(|inside| {
        let aws = |args: &[&str]| {
            let mut aws = inside.client(&python);
            aws.arg(python.with_file_name("aws"));
            run(signed(&mut aws).args(args))
        };
        let payload = inside.origins.payload(24 << 20).display().to_string();
        let got = inside.file("got").display().to_string();
        let object = "s3://bucket-of-tests/large";
        assert!(aws(&["sts", "get-caller-identity"]).contains("123456789012"));
        aws(&["s3", "cp", "--quiet", &payload, object]);
        aws(&["s3", "cp", "--quiet", object, &got]);
        assert_eq!(digest_of(got.as_ref()), digest_of(payload.as_ref()));
        inside.requests(STS);
        inside.requests(BUCKET);
    });
}

fn signed(command: &mut Command) -> &mut Command {
    command
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        )
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

fn grpc_server(python: &Path) -> impl FnOnce(&str, &str) -> Vec<(&'static str, Helper)> {
    move |certificate, key| {
        let script = here("py_grpc.py");
        let args = [script.as_str(), "serve", certificate, key];
        vec![("grpc.example", Helper::start(python, &args))]
    }
}

#[test]
fn grpc_of_python_calls_and_streams() {
    let Some(python) = python() else {
        return;
    };
    both_with(grpc_server(&python), |inside| {
        let mut client = inside.client(&python);
        client
            .arg(here("py_grpc.py"))
            .args(["call", "grpc.example:443"]);
        assert_eq!(run(&mut client).trim(), "ok");
        assert_eq!(inside.requests("grpc.example").len(), 5);
    });
}

#[test]
fn node_fetch_that_knows_of_no_proxy() {
    if !has("node") {
        return;
    }
    both(|inside| {
        let mut node = inside.client("node");
        let said = run(node.arg(here("node_fetch.mjs")).arg(base()));
        assert_eq!(said.trim(), digest(&pattern(MEDIUM)));
        assert_eq!(inside.requests(ORIGIN).len(), 10);
    });
}

#[test]
fn node_https_with_agents_of_its_own() {
    if !has("node") {
        return;
    }
    both(|inside| {
        let mut node = inside.client("node");
        let said = run(node.arg(here("node_https.cjs")).arg(base()));
        assert_eq!(said.trim(), digest(&pattern(MEDIUM)));
        assert_eq!(inside.requests(ORIGIN).len(), 4);
    });
}

#[test]
fn packages_of_node() {
    let Some(folder) = node_packages() else {
        return;
    };
    let sum = digest(&pattern(MEDIUM));
    both(|inside| {
        let node = |which: &str, base: &str| {
            let mut node = inside.client("node");
            // Where the packages are found.
            node.current_dir(&folder).arg(here("node_packages.mjs"));
            run(signed(&mut node).args([which, base])).trim().to_owned()
        };
        for which in ["axios", "undici", "agent"] {
            assert_eq!(node(which, &base()), sum, "{which}");
        }
        assert_eq!(node("ws", &base()), "ok");
        assert_eq!(inside.requests(ORIGIN).len(), 6);
        assert_eq!(node("sdk", &base()), "ok");
        assert_eq!(inside.requests(BUCKET).len(), 2);
        assert_eq!(inside.requests(STS).len(), 1);
    });
}

#[test]
fn grpc_of_node_calls_and_streams() {
    let Some((folder, python)) = node_packages().zip(python()) else {
        return;
    };
    both_with(grpc_server(&python), |inside| {
        let mut node = inside.client("node");
        node.current_dir(&folder).arg(here("node_packages.mjs"));
        assert_eq!(run(node.args(["grpc", "grpc.example:443"])).trim(), "ok");
        assert_eq!(inside.requests("grpc.example").len(), 2);
    });
}

#[test]
fn java_old_and_new() {
    if !has("java") || !has("node") {
        return;
    }
    both_with(echo, |inside| {
        let said = run(inside.client("java").arg(here("Client.java")).arg(base()));
        assert_eq!(said.trim(), digest(&pattern(MEDIUM)));
        let mut java = inside.client("java");
        java.arg(here("Modern.java"))
            .args([&base(), "https://h2.example/"]);
        assert_eq!(run(&mut java).trim(), "ok");
        assert_eq!(inside.requests(ORIGIN).len(), 4);
        assert_eq!(inside.requests("h2.example").len(), 1);
    });
}

#[test]
fn go_over_both_versions() {
    if !has("go") || !has("node") {
        return;
    }
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/go-cache");
    both_with(echo, |inside| {
        for (script, url, wanted) in [
            ("client.go", base(), digest(&pattern(MEDIUM))),
            ("h2.go", "https://h2.example/".to_owned(), "ok".to_owned()),
        ] {
            let program = inside.file(script).with_extension("bin");
            let mut build = Command::new("go");
            build.env("GOCACHE", cache).env("GO111MODULE", "off");
            run(build.args(["build", "-o"]).arg(&program).arg(here(script)));
            assert_eq!(run(inside.client(&program).arg(url)).trim(), wanted);
        }
        assert_eq!(inside.requests(ORIGIN).len(), 2);
        assert_eq!(inside.requests("h2.example").len(), 20);
    });
}

#[test]
fn kubectl_reads_raw() {
    if !has("kubectl") {
        return;
    }
    both(|inside| {
        let mut kubectl = inside.client("kubectl");
        kubectl.args([
            "--token=t",
            "--server",
            &base(),
            "get",
            "--raw",
            "/bytes/100000",
        ]);
        let said = run(&mut kubectl);
        assert_eq!(said, String::from_utf8_lossy(&pattern(100_000)));
        inside.requests(ORIGIN);
    });
}
