//! Through a parent proxy: a scripted one over http:// and https://, and squid where there is one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;
use support::Authority;
use support::PATIENCE;
use support::Proxy;
use support::http::Answer;
use support::tls;

trait Both: Read + Write + Send {}

impl<T: Read + Write + Send> Both for T {}

/// A parent proxy that notes every request head and answers by its script.
struct Parent {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

/// Says what follows a head: how the parent goes on.
type Script = dyn Fn(&str, &mut dyn Both) + Send + Sync;

impl Parent {
    fn http(script: impl Fn(&str, &mut dyn Both) + Send + Sync + 'static) -> Parent {
        let heads = Arc::default();
        let (notes, script): (Arc<Mutex<_>>, Box<Script>) = (Arc::clone(&heads), Box::new(script));
        let address = support::origin(move |mut stream| serve(&mut stream, &notes, &script));
        Parent { address, heads }
    }

    /// The same behind TLS, as `identity`.
    fn https(
        identity: &(String, String),
        script: impl Fn(&str, &mut dyn Both) + Send + Sync + 'static,
    ) -> Parent {
        let heads = Arc::default();
        let (notes, script): (Arc<Mutex<_>>, Box<Script>) = (Arc::clone(&heads), Box::new(script));
        let address = tls::origin(identity, rustls::ALL_VERSIONS, move |mut session| {
            serve(&mut session, &notes, &script);
            session.conn.send_close_notify();
            let _ = session.flush();
        });
        Parent { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The first lines of what it was asked.
    fn asked(&self) -> Vec<String> {
        let first = |head: &String| head.lines().next().unwrap().to_owned();
        self.heads().iter().map(first).collect()
    }
}

/// Head after head, until the script has not got another one to read.
fn serve(stream: &mut dyn Both, notes: &Mutex<Vec<String>>, script: &Script) {
    loop {
        let head = Answer::read_as(&mut &mut *stream, true).head;
        if head.is_empty() {
            return;
        }
        notes.lock().unwrap().push(head.clone());
        script(&head, stream);
        if head.starts_with("CONNECT ") {
            return;
        }
    }
}

/// Agrees to a tunnel and is the origin itself, with the certificate of `identity`.
fn be_origin(stream: &mut dyn Both, identity: &(String, String)) {
    // Together with what the origin says first, so that bytes lie behind the head.
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\nVia: parent\r\n\r\n")
        .unwrap();
    let config = tls::server_config(identity, rustls::ALL_VERSIONS);
    let session = rustls::ServerConnection::new(config).unwrap();
    let mut inner = rustls::StreamOwned::new(session, stream);
    if Answer::read_as(&mut inner, true).head.is_empty() {
        return;
    }
    let _ =
        inner.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    inner.conn.send_close_notify();
    let _ = inner.flush();
}

fn say(stream: &mut dyn Both, words: &str) {
    let _ = stream.write_all(words.as_bytes());
}

/// A proxy whose parent is at `url`, with `upstream` added to that section.
fn through(url: &str, upstream: &str, args: &[&str]) -> Proxy {
    Proxy::configured(
        &format!("[upstream]\nproxy = \"{url}\"\n{upstream}\n"),
        args,
    )
}

fn url(parent: &Parent) -> String {
    format!("http://{}", parent.address)
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Status and body of a plain request that a client of HTTP/2 makes.
fn over_h2(proxy: &Proxy, url: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get(url).body(()).unwrap();
        let (answer, _) = sender.send_request(request, true).unwrap();
        let answer = answer.await.unwrap();
        let (status, mut body) = (answer.status().as_u16(), answer.into_body());
        let mut read = Vec::new();
        while let Some(chunk) = body.data().await {
            read.extend_from_slice(&chunk.unwrap());
        }
        (status, String::from_utf8(read).unwrap())
    })
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_tunnel_goes_through_and_its_name_is_resolved_there() {
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    let parent = Parent::http(move |_, stream| be_origin(stream, &identity));
    let proxy = through(&url(&parent), "", &[]);
    let output = proxy.curl(&["--cacert", &authority.ca(), "https://origin.invalid/"]);
    assert_eq!(told(&output), "hello");
    assert_eq!(parent.asked(), ["CONNECT origin.invalid:443 HTTP/1.1"]);
    assert!(!parent.heads()[0].contains("Authorization"));
    for stage in ["decision", "complete"] {
        let line = proxy.line_for("origin.invalid", stage);
        assert_eq!(line["verdict"], "allow");
        assert_eq!(line["destination"]["addr"], Value::Null);
        assert_eq!(line["destination"]["parent"], parent.address.to_string());
    }
    let complete = proxy.line_for("origin.invalid", "complete");
    assert_eq!(complete["tls"]["upstream"]["version"], "1.3");
}

#[test]
fn a_parent_over_tls_is_verified() {
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    let own = authority.issue(&["localhost"]);
    let parent = Parent::https(&own, move |_, stream| be_origin(stream, &identity));
    let place = format!("https://localhost:{}", parent.address.port());

    let trusting = through(&place, "", &["--extra-root", &authority.ca()]);
    let ask = ["--cacert", &authority.ca(), "https://origin.invalid/"];
    assert_eq!(told(&trusting.curl(&ask)), "hello");
    assert_eq!(parent.asked(), ["CONNECT origin.invalid:443 HTTP/1.1"]);

    // By an address that its certificate does not name, and by nobody's word.
    let by_address = format!("https://{}", parent.address);
    for proxy in [
        through(&by_address, "", &["--extra-root", &authority.ca()]),
        through(&place, "", &[]),
    ] {
        let answer =
            proxy.ask("CONNECT origin.invalid:443 HTTP/1.1\r\nHost: origin.invalid\r\n\r\n");
        assert_eq!(answer.status, 502, "{}", answer.head);
        assert!(
            text(&answer).contains("no TLS with it"),
            "{}",
            text(&answer)
        );
        assert!(
            answer.head.contains("error=tls_certificate_error"),
            "{}",
            answer.head
        );
    }
    assert_eq!(
        parent.heads().len(),
        1,
        "nothing is asked of an unknown parent"
    );
}

#[test]
fn a_login_is_sent_and_never_shown() {
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    // me:pass word
    let expected = "Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n";
    let parent = Parent::http(move |head, stream| {
        if head.contains(expected) {
            be_origin(stream, &identity);
        } else {
            say(
                stream,
                "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n",
            );
        }
    });
    let place = format!("http://me@{}", parent.address);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "pass word\n").unwrap();
    let file = format!("proxy_password_file = \"{}\"", path.display());
    let ask = ["--cacert", &authority.ca(), "https://origin.invalid/"];

    let by_file = through(&place, &file, &[]);
    assert_eq!(told(&by_file.curl(&ask)), "hello");
    let variables = [
        ("OUTGATE_UPSTREAM_PROXY", place.as_str()),
        ("OUTGATE_UPSTREAM_PROXY_PASSWORD", "pass word"),
    ];
    let by_variable = Proxy::start_with(&[], &variables);
    assert_eq!(told(&by_variable.curl(&ask)), "hello");

    // Wrong at first, mended by the file.
    std::fs::write(&path, "mistaken").unwrap();
    let mut wrong = through(&place, &file, &[]);
    let request = "CONNECT origin.invalid:443 HTTP/1.1\r\nHost: origin.invalid\r\n\r\n";
    let answer = wrong.ask(request);
    assert_eq!(answer.status, 502);
    assert!(
        text(&answer).contains("does not take the user and password"),
        "{}",
        text(&answer)
    );
    std::fs::write(&path, "pass word").unwrap();
    wrong.signal("HUP");
    wrong.hear("other rules are in force");
    assert_eq!(told(&wrong.curl(&ask)), "hello");

    let nobody = through(&url(&parent), "", &[]);
    let answer = nobody.ask(request);
    assert_eq!(answer.status, 502);
    assert!(text(&answer).contains("wants a login"), "{}", text(&answer));

    for proxy in [by_file, by_variable, wrong, nobody] {
        let (_, lines, said) = proxy.stop_and_tell();
        let all = format!("{lines:?}{said}");
        for secret in [
            "pass word",
            "bWU6cGFzcyB3b3Jk",
            "mistaken",
            "bWU6bWlzdGFrZW4",
        ] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }
}

#[test]
fn a_parent_that_opens_no_tunnel_is_told() {
    let cases = [
        (
            "HTTP/1.1 403 Not from here\r\nContent-Length: 0\r\n\r\n",
            502,
            "answers 403 \\\"Not from here\\\"",
            "destination_unavailable",
        ),
        (
            "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n",
            504,
            "answers 504",
            "connection_timeout",
        ),
        (
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\n\r\n",
            502,
            "by NTLM, and outgate speaks Basic only",
            "proxy_configuration_error",
        ),
        (
            "220 mail.example ESMTP\r\n",
            502,
            "cannot be read",
            "http_protocol_error",
        ),
        ("", 502, "closed the connection", "connection_terminated"),
    ];
    for (words, status, detail, error) in cases {
        let parent = Parent::http(move |_, stream| say(stream, words));
        let proxy = through(&url(&parent), "", &[]);
        let answer =
            proxy.ask("CONNECT origin.invalid:443 HTTP/1.1\r\nHost: origin.invalid\r\n\r\n");
        assert_eq!(answer.status, status, "{words}: {}", text(&answer));
        assert!(text(&answer).contains(detail), "{words}: {}", text(&answer));
        assert!(
            answer.head.contains(&format!("error={error};")),
            "{}",
            answer.head
        );
        let line = proxy.line_for("origin.invalid", "complete");
        assert_eq!(line["verdict"], "error");
        assert_eq!(line["destination"]["parent"], parent.address.to_string());
    }
}

#[test]
fn a_parent_that_is_silent_or_gone_does_not_hold_anybody_up() {
    let (tell, hold) = std::sync::mpsc::channel::<()>();
    let hold = Mutex::new(hold);
    let parent = Parent::http(move |_, _| {
        let _ = hold.lock().unwrap().recv();
    });
    let proxy = through(&url(&parent), "[timeouts]\nconnect = \"200ms\"", &[]);
    let request = "CONNECT origin.invalid:443 HTTP/1.1\r\nHost: origin.invalid\r\n\r\n";
    let answer = proxy.ask(request);
    assert_eq!(answer.status, 504, "{}", text(&answer));
    assert!(text(&answer).contains("within 0.2 s"), "{}", text(&answer));
    drop(tell);

    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = through(&format!("http://{gone}"), "", &[]);
    let answer = proxy.ask(request);
    assert_eq!(answer.status, 502);
    assert!(
        text(&answer).contains(&format!("the parent proxy {gone} cannot be reached")),
        "{}",
        text(&answer)
    );

    let proxy = through("http://nowhere.invalid:3128", "", &[]);
    let answer = proxy.ask(request);
    assert_eq!(answer.status, 502);
    assert!(answer.head.contains("error=dns_error;"), "{}", answer.head);
}

#[test]
fn plain_http_goes_in_absolute_form() {
    let parent = Parent::http(|head, stream| {
        let body = head.lines().next().unwrap();
        say(
            stream,
            &format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
    });
    let place = format!("http://me@{}", parent.address);
    let proxy = Proxy::start_with(
        &[],
        &[
            ("OUTGATE_UPSTREAM_PROXY", &place),
            ("OUTGATE_UPSTREAM_PROXY_PASSWORD", "pass"),
        ],
    );
    let mut stream = proxy.connect();
    for (request, expected) in [
        (
            "GET http://Origin.invalid/a?b HTTP/1.1\r\nHost: Origin.invalid\r\nProxy-Authorization: Basic c2VjcmV0\r\nX-A: 1\r\n\r\n",
            "GET http://Origin.invalid/a?b HTTP/1.1\r\nHost: Origin.invalid\r\nX-A: 1\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n",
        ),
        (
            "GET http://origin.invalid HTTP/1.1\r\nHost: origin.invalid\r\n\r\n",
            "GET http://origin.invalid/ HTTP/1.1\r\nHost: origin.invalid\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n",
        ),
        (
            "OPTIONS http://other.invalid:8080 HTTP/1.1\r\nHost: other.invalid:8080\r\n\r\n",
            "OPTIONS http://other.invalid:8080 HTTP/1.1\r\nHost: other.invalid:8080\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n",
        ),
    ] {
        stream.write_all(request.as_bytes()).unwrap();
        let answer = Answer::read(&mut stream);
        assert_eq!(answer.status, 200, "{}", text(&answer));
        assert_eq!(parent.heads().last().unwrap(), expected);
    }
    let line = proxy.line_for("origin.invalid", "complete");
    assert_eq!(line["destination"]["parent"], parent.address.to_string());
    assert_eq!(line["destination"]["addr"], Value::Null);

    let (status, body) = over_h2(&proxy, "http://origin.invalid/c?d");
    assert_eq!(
        (status, body.as_str()),
        (200, "GET http://origin.invalid:80/c?d HTTP/1.1")
    );
    let head = parent.heads().last().unwrap().to_ascii_lowercase();
    assert!(
        head.contains("\r\nproxy-authorization: basic bwu6cgfzcw==\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nhost: origin.invalid\r\n"), "{head}");
}

#[test]
fn a_parents_wish_for_a_login_is_not_the_clients_to_answer() {
    let parent = Parent::http(|_, stream| {
        say(
            stream,
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n",
        );
    });
    let proxy = through(&url(&parent), "", &[]);
    let answer = proxy.ask("GET http://origin.invalid/ HTTP/1.1\r\nHost: origin.invalid\r\n\r\n");
    assert_eq!(answer.status, 502, "{}", text(&answer));
    assert!(
        text(&answer).contains("wants a login (407)"),
        "{}",
        text(&answer)
    );
    assert!(
        !answer.head.contains("Proxy-Authenticate"),
        "{}",
        answer.head
    );

    let over_h2 = over_h2(&proxy, "http://origin.invalid/");
    assert_eq!(over_h2.0, 502);
    assert!(over_h2.1.contains("wants a login (407)"), "{}", over_h2.1);
}

#[test]
fn what_is_excepted_or_on_this_machine_is_reached_directly() {
    let parent = Parent::http(|_, stream| {
        say(
            stream,
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        );
    });
    let origin = support::origin(|mut stream| {
        support::read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect");
    });
    let port = origin.port();
    let proxy = through(
        &url(&parent),
        &format!(
            "no_proxy = [\".excepted.invalid\", \"10.0.0.0/8\"]\n\
             connect_to = [\"moved.invalid:80:127.0.0.1:{port}\", \"a.excepted.invalid:80:localhost:{port}\"]"
        ),
        &[],
    );
    let get = |host: &str| {
        proxy.ask(format!(
            "GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"
        ))
    };
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "moved.invalid".to_owned(),
        "a.excepted.invalid".to_owned(),
    ] {
        let answer = get(&host);
        assert_eq!(
            (answer.status, text(&answer).as_str()),
            (200, "direct"),
            "{host}"
        );
    }
    assert_eq!(parent.asked(), [""; 0]);
    let line = proxy.line_for("moved.invalid", "complete");
    assert_eq!(line["destination"]["parent"], Value::Null);
    assert_eq!(line["destination"]["addr"], format!("127.0.0.1:{port}"));
    // Excepted, so resolved here.
    let answer = get("b.excepted.invalid");
    assert_eq!(answer.status, 502);
    assert!(
        text(&answer).contains("does not resolve"),
        "{}",
        text(&answer)
    );
    assert_eq!(get("a.invalid").status, 403);
    assert_eq!(parent.asked(), ["GET http://a.invalid/ HTTP/1.1"]);
}

#[test]
fn rules_on_names_and_named_addresses_hold_and_the_parent_is_not_asked() {
    let parent = Parent::http(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    let proxy = through(
        &url(&parent),
        "[[destinations.rule]]\nhosts = [\"denied.invalid\", \"203.0.113.0/24\"]\naction = \"deny\"\n[rules]\nprivate-address = \"block\"",
        &[],
    );
    for (target, rule) in [
        ("denied.invalid:443", "destination"),
        ("203.0.113.9:443", "destination"),
        ("169.254.169.254:443", "instance-metadata"),
        ("10.1.2.3:443", "private-address"),
        ("s3.amazonaws.com:80", "aws-plaintext"),
    ] {
        let answer = proxy.ask(format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
        ));
        assert_eq!(answer.status, 403, "{target}");
        assert!(answer.head.contains(rule), "{target}: {}", answer.head);
    }
    assert_eq!(parent.asked(), [""; 0]);
}

#[test]
fn a_hello_for_a_name_at_a_named_address_cannot_be_compared() {
    let parent = Parent::http(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\n");
        let _ = stream.read(&mut [0; 1]);
    });
    let proxy = through(&url(&parent), "", &[]);
    let mut stream = proxy.tunnel("203.0.113.9:443");
    stream
        .write_all(&tls::client_hello("origin.invalid"))
        .unwrap();
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    assert_eq!(got.last(), Some(&112), "unrecognized_name: {got:02x?}");
    let line = proxy.line_for("203.0.113.9", "complete");
    assert_eq!(line["rule"], "sni-mismatch");
    assert!(
        line["error"]
            .as_str()
            .unwrap()
            .contains("behind a parent proxy"),
        "{line}"
    );
}

#[test]
fn preflights_and_upgrades_go_through_as_well() {
    let host = "sts.us-east-1.amazonaws.com";
    let authority = Authority::new();
    let good = authority.issue(&[host]);
    let bad = authority.issue_with(&["expired.test", host], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let ca = authority.ca();
    let serve =
        |identity: (String, String)| Parent::http(move |_, stream| be_origin(stream, &identity));
    // Its certificate is hidden by TLS 1.3 from the tunnel.
    let parent = serve(bad);
    let proxy = through(&url(&parent), "", &["--extra-root", &ca]);
    let output = proxy.curl(&["--insecure", &format!("https://{host}/")]);
    assert!(!output.status.success(), "{}", told(&output));
    let line = proxy.line_for(host, "complete");
    assert_eq!(line["rule"], "invalid-certificate", "{line}");
    assert_eq!(line["tls"]["upstream"]["preflight"], "failed");
    assert_eq!(
        parent.asked(),
        vec![format!("CONNECT {host}:443 HTTP/1.1"); 2]
    );

    let parent = serve(good);
    let upgrade = "[rules]\naws-plaintext = \"upgrade\"";
    let proxy = through(&url(&parent), upgrade, &["--extra-root", &ca]);
    let output = proxy.curl(&["--cacert", &ca, &format!("https://{host}/")]);
    assert_eq!(told(&output), "hello");
    let line = proxy.line_for(host, "complete");
    assert_eq!(line["tls"]["upstream"]["preflight"], "verified");
    let asked = parent.heads().len();
    assert_eq!(told(&proxy.curl(&[&format!("http://{host}/")])), "hello");
    assert_eq!(
        parent.asked()[asked..],
        [format!("CONNECT {host}:443 HTTP/1.1")]
    );
}

#[test]
fn what_is_intercepted_goes_through_as_well() {
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    let parent = Parent::http(move |_, stream| be_origin(stream, &identity));
    let settings = format!(
        "[intercept]\nhosts = \"all\"\nca_dir = \"{{}}/ca\"\n[upstream]\nproxy = \"{}\"\n",
        url(&parent)
    );
    let folder = tempfile::tempdir().unwrap();
    let settings = settings.replace("{}", &folder.path().display().to_string());
    let made = support::outgate()
        .args(["ca", "init", "--ca-dir"])
        .arg(folder.path().join("ca"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", told(&made));
    let proxy = Proxy::configured(&settings, &["--extra-root", &authority.ca()]);
    let trusted = folder.path().join("ca/ca.pem").display().to_string();
    let output = proxy.curl(&["--cacert", &trusted, "https://origin.invalid/path"]);
    assert_eq!(told(&output), "hello");
    assert_eq!(parent.asked(), ["CONNECT origin.invalid:443 HTTP/1.1"]);
    let line = proxy.line(|line| {
        line["stage"] == "complete" && line["request"]["url"] == "https://origin.invalid/path"
    });
    assert_eq!(line["carried"], "intercept");
    assert_eq!(line["destination"]["parent"], parent.address.to_string());
    assert_eq!(line["destination"]["addr"], Value::Null);
}

#[test]
fn exec_takes_over_the_callers_proxy_with_its_password() {
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    let parent = Parent::http(move |_, stream| be_origin(stream, &identity));
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("audit.jsonl");
    let output = support::outgate()
        .args(["exec", "--extra-root", &authority.ca(), "--audit"])
        .arg(&record)
        .args(["--", "curl", "--silent", "--show-error", "--max-time", "15"])
        .arg("https://origin.invalid/")
        .env("HTTPS_PROXY", format!("http://me:pass@{}", parent.address))
        .env_remove("https_proxy")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "hello",
        "{}",
        told(&output)
    );
    assert_eq!(parent.asked(), ["CONNECT origin.invalid:443 HTTP/1.1"]);
    assert!(parent.heads()[0].contains("\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n"));
    let all = format!(
        "{}{}",
        told(&output),
        std::fs::read_to_string(&record).unwrap()
    );
    for secret in ["me:pass", "bWU6cGFzcw"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[test]
fn check_goes_through_too() {
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    let parent = Parent::http(move |_, stream| be_origin(stream, &identity));
    let output = support::outgate()
        .args([
            "check",
            "--json",
            "--extra-root",
            &authority.ca(),
            "origin.invalid",
        ])
        .env("OUTGATE_UPSTREAM_PROXY", url(&parent))
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["verdict"], "allow", "{found}");
    assert_eq!(found["tls"]["verified"], true, "{found}");
    assert_eq!(parent.asked(), ["CONNECT origin.invalid:443 HTTP/1.1"]);
}

#[test]
fn a_parent_that_is_this_proxy_itself_is_refused_at_start() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let output = support::outgate()
            .args(["serve", "--listen", &free.to_string(), "--audit"])
            .arg(folder.path().join("audit.jsonl"))
            .env(
                "OUTGATE_UPSTREAM_PROXY",
                format!("http://{host}:{}", free.port()),
            )
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(
            told(&output).contains("this proxy itself listens"),
            "{}",
            told(&output)
        );
    }
}

/// A squid that knows `origin.invalid` as loopback and wants me:pass; `None` where there is none.
struct Squid {
    child: std::process::Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Squid {
    fn start() -> Option<Squid> {
        const HELPER: &str = "/usr/lib/squid/basic_ncsa_auth";
        let binary = ["/usr/sbin/squid", "/usr/local/sbin/squid"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())?;
        if !std::path::Path::new(HELPER).exists() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Its workers run as somebody else.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let coded = Command::new("openssl")
            .args(["passwd", "-apr1", "pass"])
            .output()
            .unwrap();
        let coded = String::from_utf8(coded.stdout).unwrap();
        std::fs::write(at("users"), format!("me:{coded}")).unwrap();
        std::fs::write(at("hosts"), "127.0.0.1 origin.invalid\n").unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let config = format!(
            "http_port {address}\nhosts_file {}\npid_filename none\ncache deny all\n\
             access_log none\ncache_log {}\ncoredump_dir {}\nshutdown_lifetime 0 seconds\n\
             auth_param basic program {HELPER} {}\nauth_param basic children 1\n\
             acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n",
            at("hosts"),
            at("cache.log"),
            folder.path().display(),
            at("users"),
        );
        std::fs::write(at("squid.conf"), config).unwrap();
        let child = Command::new(binary)
            .args(["-N", "-f", &at("squid.conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut squid = Squid {
            child,
            address,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(squid.address).is_err() {
            let ended = squid.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "squid: {ended:?}"
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Some(squid)
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn squid_as_the_parent() {
    let Some(squid) = Squid::start() else {
        eprintln!("skipped: no squid here");
        return;
    };
    let authority = Authority::new();
    let identity = authority.issue(&["origin.invalid"]);
    let secure = tls::origin(&identity, rustls::ALL_VERSIONS, |mut session| {
        Answer::read_as(&mut session, true);
        let _ = session
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        session.conn.send_close_notify();
        let _ = session.flush();
    });
    let plain = support::origin(|mut stream| {
        support::read_head(&mut stream);
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain");
    });
    let place = format!("http://me@{}", squid.address);
    let with = |password: &str| {
        Proxy::start_with(
            &[],
            &[
                ("OUTGATE_UPSTREAM_PROXY", place.as_str()),
                ("OUTGATE_UPSTREAM_PROXY_PASSWORD", password),
            ],
        )
    };
    let known = with("pass");
    let secure = format!("https://origin.invalid:{}/", secure.port());
    let plain = format!("http://origin.invalid:{}/", plain.port());
    assert_eq!(
        told(&known.curl(&["--cacert", &authority.ca(), &secure])),
        "hello"
    );
    assert_eq!(told(&known.curl(&[&plain])), "plain");

    let unknown = with("wrong");
    let status = |url: &str| {
        let ask = [
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_connect} %{http_code}",
            url,
        ];
        told(&unknown.curl(&ask))
    };
    assert!(
        status(&secure).starts_with("502 000"),
        "{}",
        status(&secure)
    );
    assert_eq!(status(&plain), "000 502");
}
