//! `outgate serve` as its operator sees it: starting, refusing to start, reloading, stopping.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;
use support::Authority;
use support::Proxy;
use support::http::Answer;
use support::origin;
use support::outgate;
use support::read_head;
use support::record;
use support::tls;

/// Runs `outgate` to its end; exit code and stderr.
fn run(args: &[&str]) -> (Option<i32>, String) {
    let mut child = outgate()
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let code = support::wait(&mut child);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (code, said)
}

/// An origin that answers every request with 200 and `ok`.
fn plain_origin() -> std::net::SocketAddr {
    origin(|mut stream| {
        while !read_head(&mut stream).0.is_empty() {
            if stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .is_err()
            {
                break;
            }
        }
    })
}

fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn it_says_where_it_listens_where_the_record_is_and_how_to_use_it() {
    let mut proxy = Proxy::start(&[]);
    let record = proxy.record.display().to_string();
    assert_eq!(proxy.hear("record: "), format!("record: {record}"));
    let line = proxy.hear("HTTPS_PROXY");
    assert!(
        line.contains(&format!("HTTPS_PROXY={}", proxy.url())),
        "{line}"
    );
    let (code, lines) = proxy.stop();
    assert_eq!(code, Some(0));
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["event"].as_str().or(line["stage"].as_str()))
        .collect();
    assert_eq!(kinds, ["file", "start", "stop"]);
    assert_eq!(lines[2]["detail"]["closed"], 0);
}

#[test]
fn the_record_goes_to_the_first_place_that_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = outgate();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("XDG_STATE_HOME", folder.path());
    let record = folder.path().join("outgate/audit.jsonl");
    let mut proxy = Proxy::spawn(command, folder, record.clone());
    assert_eq!(
        proxy.hear("record: "),
        format!("record: {}", record.display())
    );
    proxy.line(|line| line["event"] == "start");
}

#[test]
fn what_cannot_start_says_why_in_a_sentence_and_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let record = folder.path().join("audit.jsonl").display().to_string();
    let is_folder = folder.path().display().to_string();
    let bad_root = folder.path().join("root.pem");
    std::fs::write(&bad_root, "no certificate").unwrap();
    let bad_root = bad_root.display().to_string();
    let foreign = folder.path().join("foreign.txt");
    std::fs::write(&foreign, "dear diary\n").unwrap();
    let foreign = foreign.display().to_string();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--listen", &taken], &[&taken, "in use", "--listen"]),
        (
            &["--listen", "127.0.0.1:0", "--audit", &is_folder],
            &[&is_folder, "--audit"],
        ),
        (
            &["--listen", "127.0.0.1:0", "--audit", "/proc/no/such/file"],
            &["/proc/no/such/file", "--audit"],
        ),
        (
            &["--listen", "127.0.0.1:0", "--audit", &foreign],
            &[&foreign, "not a line of an outgate record"],
        ),
        (
            &["--listen", "127.0.0.1:0", "--extra-root", &bad_root],
            &[&bad_root],
        ),
        (
            &["--listen", "127.0.0.1:0", "--extra-root", "/nowhere.pem"],
            &["/nowhere.pem"],
        ),
        (&["--listen", "somewhere"], &["--listen", "somewhere"]),
        (&["--mode", "enforced"], &["--mode", "enforce", "report"]),
        (&["--config", "/nowhere.toml"], &["/nowhere.toml"]),
        (&["--no-such-flag"], &["--no-such-flag"]),
        (&["--listen", "0.0.0.0:0"], &["clients"]),
    ];
    for (args, words) in cases {
        let mut all = vec!["serve"];
        if !args.contains(&"--audit") {
            all.extend(["--audit", &record]);
        }
        all.extend(*args);
        let (code, said) = run(&all);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        for word in *words {
            assert!(
                said.contains(word),
                "{args:?} does not say {word:?}: {said}"
            );
        }
        assert!(!said.contains("panicked"), "{said}");
    }
    // Nothing of the foreign file was touched.
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "dear diary\n");
}

#[test]
fn a_record_without_permission_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("audit.jsonl");
    std::fs::write(&record, "").unwrap();
    std::fs::set_permissions(&record, std::fs::Permissions::from_mode(0o400)).unwrap();
    if std::fs::OpenOptions::new()
        .append(true)
        .open(&record)
        .is_ok()
    {
        // For root every file is writable; the immutable /proc stands for this case above.
        return;
    }
    let (code, said) = run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--audit",
        &record.display().to_string(),
    ]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("ermission denied") && said.contains("--audit"),
        "{said}"
    );
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outgate.toml");
    std::fs::write(
        &path,
        "mode = \"enforced\"\n[limits]\nconections = 3\n[timeouts]\nhead = \"soon\"\n",
    )
    .unwrap();
    let (code, said) = run(&["serve", "--config", &path.display().to_string()]);
    assert_eq!(code, Some(2), "{said}");
    for word in [
        "enforced",
        "conections",
        "did you mean `connections`",
        "soon",
        ":3",
        ":5",
    ] {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert_eq!(
        said.lines()
            .filter(|line| line.starts_with("outgate: "))
            .count(),
        3,
        "{said}"
    );
}

#[test]
fn a_second_process_does_not_share_the_record() {
    let proxy = Proxy::start(&[]);
    let record = proxy.record.display().to_string();
    let (code, said) = run(&["serve", "--listen", "127.0.0.1:0", "--audit", &record]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("in use by another process") && said.contains(&record),
        "{said}"
    );
    let (_, lines) = proxy.stop();
    assert_eq!(events(&lines, "start").len(), 1);
}

#[test]
fn a_stop_lets_an_open_tunnel_finish() {
    for signal in ["TERM", "INT"] {
        let authority = Authority::new();
        let identity = authority.issue(&["tunnel.test"]);
        let upstream = tls::origin(&identity, &[&rustls::version::TLS13], |mut session| {
            let mut word = [0; 4];
            while session.read_exact(&mut word).is_ok() {
                session.write_all(&word).unwrap();
            }
        });
        let to = format!("tunnel.test:443:127.0.0.1:{}", upstream.port());
        let mut proxy = Proxy::start(&["--connect-to", &to]);
        let mut client = tls::client(
            &authority.ca(),
            "tunnel.test",
            proxy.tunnel("tunnel.test:443"),
        );
        let mut word = [0; 4];
        client.write_all(b"ping").unwrap();
        client.read_exact(&mut word).unwrap();
        let mut idle = proxy.connect();
        proxy.signal(signal);
        proxy.hear("stopping");
        // A connection that waits for its next request is closed.
        assert_eq!(idle.read(&mut [0]).unwrap(), 0);
        // The listener goes: from some moment on nobody is let in.
        let deadline = std::time::Instant::now() + support::PATIENCE;
        while std::net::TcpStream::connect(proxy.address).is_ok() {
            assert!(std::time::Instant::now() < deadline, "it still listens");
        }
        client.write_all(b"pong").unwrap();
        client.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"pong");
        drop(client);
        assert_eq!(proxy.ended(), Some(0));
        record::assert_whole(&proxy.record);
        let lines = proxy.lines();
        let complete = proxy.line_for("tunnel.test", "complete");
        assert_eq!(complete["error"], Value::Null, "{complete}");
        assert_eq!(events(&lines, "stop")[0]["detail"]["closed"], 0);
        assert_eq!(lines.last().unwrap()["event"], "stop");
    }
}

/// A tunnel that nobody ends, the proxy that carries it, and both of its ends.
fn endless_tunnel(settings: &str) -> (Proxy, tls::ClientSide) {
    let authority = Authority::new();
    let identity = authority.issue(&["tunnel.test"]);
    let upstream = tls::origin(&identity, &[&rustls::version::TLS13], |mut session| {
        let _ = session.write_all(b"ping");
        let _ = session.read(&mut [0]);
    });
    let to = format!("tunnel.test:443:127.0.0.1:{}", upstream.port());
    let proxy = Proxy::configured(settings, &["--connect-to", &to]);
    let mut client = tls::client(
        &authority.ca(),
        "tunnel.test",
        proxy.tunnel("tunnel.test:443"),
    );
    client.read_exact(&mut [0; 4]).unwrap();
    (proxy, client)
}

fn assert_closed_by_the_stop(mut proxy: Proxy) {
    assert_eq!(proxy.ended(), Some(0));
    record::assert_whole(&proxy.record);
    let complete = proxy.line_for("tunnel.test", "complete");
    assert_eq!(complete["error"], "closed: outgate stopped");
    assert_eq!(complete["verdict"], "allow", "{complete}");
    assert!(complete["bytes"]["received"].as_u64().unwrap() > 0);
    let lines = proxy.lines();
    assert_eq!(events(&lines, "stop")[0]["detail"]["closed"], 1);
    assert_eq!(lines.last().unwrap()["event"], "stop");
}

#[test]
fn the_drain_is_bounded_and_what_it_closes_is_on_record() {
    let (proxy, _client) = endless_tunnel("[timeouts]\ndrain = \"200ms\"\n");
    proxy.signal("TERM");
    assert_closed_by_the_stop(proxy);
}

#[test]
fn a_second_signal_ends_the_drain() {
    let (mut proxy, _client) = endless_tunnel("[timeouts]\ndrain = \"10m\"\n");
    proxy.signal("TERM");
    proxy.hear("stopping");
    proxy.signal("INT");
    assert_closed_by_the_stop(proxy);
}

#[test]
fn half_a_request_is_ended_by_the_stop_and_has_its_line() {
    let upstream = plain_origin();
    let mut proxy = Proxy::configured("[timeouts]\ndrain = \"100ms\"\n", &[]);
    let mut client = proxy.connect();
    // The half comes with a whole one, whose answer shows that both were read.
    let half = "GET http://h/ HTTP/1.1\r\nHo";
    write!(
        client,
        "GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n{half}"
    )
    .unwrap();
    assert_eq!(Answer::read(&mut client).status, 200);
    proxy.signal("TERM");
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(proxy.ended(), Some(0));
    let lines = proxy.lines();
    let told = &events(&lines, "client-error")[0]["detail"];
    assert_eq!(told["bytes"], half.len());
    assert_eq!(
        told["error"],
        "outgate stopped before the request was whole"
    );
    assert_eq!(lines.last().unwrap()["event"], "stop");
}

#[test]
fn a_request_under_way_is_answered_during_the_drain() {
    let (arrived, has_arrived) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let upstream = origin(move |mut stream| {
        read_head(&mut stream);
        arrived.send(()).unwrap();
        may_go.lock().unwrap().recv().unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .unwrap();
        read_head(&mut stream);
    });
    let mut proxy = Proxy::start(&[]);
    let mut client = proxy.connect();
    write!(
        client,
        "GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n"
    )
    .unwrap();
    has_arrived.recv_timeout(support::PATIENCE).unwrap();
    proxy.signal("TERM");
    proxy.hear("stopping");
    go.send(()).unwrap();
    let answer = Answer::read(&mut client);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    assert_eq!(
        client.read(&mut [0]).unwrap(),
        0,
        "closed behind the answer"
    );
    assert_eq!(proxy.ended(), Some(0));
    assert_eq!(proxy.line_for("127.0.0.1", "complete")["status"], 200);
}

const DENY: &str =
    "[[destinations.rule]]\nhosts = [\"127.0.0.1\"]\naction = \"deny\"\nreason = \"not today\"\n";

#[test]
fn a_changed_file_changes_the_rules_and_a_bad_one_does_not() {
    let upstream = plain_origin();
    let get = format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    let proxy = Proxy::configured("", &[]);
    let mut kept = proxy.connect();
    kept.write_all(get.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut kept).status, 200);
    let before = proxy.line(|line| line["event"] == "start")["detail"]["policy"].clone();

    proxy.change_settings(DENY);
    let policy = proxy.line(|line| line["event"] == "policy")["detail"]["policy"].clone();
    assert_ne!(policy, before);
    let refused = proxy.ask(&get);
    assert_eq!(
        (refused.status, refused.rule().as_str()),
        (403, "destination")
    );
    assert!(
        refused.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("not today")
    );
    let line = &record::of(&proxy.lines(), &refused.request_id())[0];
    assert_eq!(line["policy"], policy);
    // A connection that was open before is bound by them as well.
    kept.write_all(get.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut kept).status, 403);

    proxy.change_settings("mode = \"off\"\n");
    let event =
        proxy.line(|line| line["event"] == "policy" && line["detail"]["refused"].is_array());
    assert!(
        event["detail"]["refused"][0]
            .as_str()
            .unwrap()
            .contains("mode"),
        "{event}"
    );
    assert_eq!(event["detail"]["policy"], policy, "what is in force stays");
    assert_eq!(proxy.ask(&get).status, 403);
    assert_eq!(proxy.stop().0, Some(0));
}

#[test]
fn sighup_reads_the_settings_anew() {
    let upstream = plain_origin();
    let get = format!("GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\n\r\n");
    // The watched folder holds only a link: what it points to changes unseen.
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("rules.toml");
    std::fs::write(&target, "").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("outgate.toml");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let record = folder.path().join("audit.jsonl");
    let mut command = outgate();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&link)
        .arg("--audit")
        .arg(&record);
    let proxy = Proxy::spawn(command, folder, record);
    assert_eq!(proxy.ask(&get).status, 200);
    std::fs::write(&target, DENY).unwrap();
    assert_eq!(proxy.ask(&get).status, 200, "nobody has told it");
    proxy.signal("HUP");
    proxy.line(|line| line["event"] == "policy");
    assert_eq!(proxy.ask(&get).status, 403);
    // The same again is no change.
    proxy.signal("HUP");
    std::fs::write(&target, "").unwrap();
    proxy.signal("HUP");
    proxy.line(|line| line["event"] == "policy" && line["seq"].as_u64() > Some(8));
    assert_eq!(proxy.ask(&get).status, 200);
}

#[test]
fn a_unix_socket_is_listened_on_and_removed_at_the_end() {
    use std::os::unix::net::UnixStream;
    let upstream = plain_origin();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    // What an earlier run left behind is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let place = format!("unix:{}", path.display());
    let proxy = Proxy::start(&["--listen", &place]);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
    write!(
        stream,
        "GET http://{upstream}/ HTTP/1.1\r\nHost: {upstream}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    let line = proxy.line_for("127.0.0.1", "complete");
    assert_eq!(line["client"]["addr"], Value::Null, "{line}");
    // In use: a second one must not take it over.
    let record = folder.path().join("second.jsonl").display().to_string();
    let (code, said) = run(&["serve", "--listen", &place, "--audit", &record]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("in use"), "{said}");
    let (code, _) = proxy.stop();
    assert_eq!(code, Some(0));
    assert!(!path.exists());
}

#[test]
fn help_is_shown_without_a_command() {
    let output = outgate().output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("Usage: outgate") && said.contains("serve"),
        "{said}"
    );
}

#[test]
fn http2_with_prior_knowledge_reaches_a_plain_origin() {
    let upstream = plain_origin();
    let proxy = Proxy::start(&[]);
    // curl speaks HTTP/2 to servers only: to it the proxy is one, asked for another authority.
    let authority = format!("Host: {upstream}");
    let url = format!("{}/", proxy.url());
    let output = std::process::Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--max-time",
            "15",
            "--http2-prior-knowledge",
        ])
        .args([
            "--write-out",
            "\n%{http_version} %{http_code}",
            "--header",
            &authority,
            &url,
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "ok\n2 200", "{output:?}");
    let line = proxy.line_for("127.0.0.1", "complete");
    assert_eq!(line["request"]["http"], "2");
    assert_eq!(line["status"], 200);
}
