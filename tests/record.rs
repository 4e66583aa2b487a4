//! What the record promises, tried on the running proxy: its schema, its chain, and that nothing
//! passes unrecorded, whatever becomes of the process or the disk.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::Value;
use support::Authority;
use support::PATIENCE;
use support::Proxy;
use support::http::Answer;
use support::origin;
use support::outgate;
use support::read_head;
use support::record;
use support::tls;

/// An origin that answers 200, and the paths that it was asked for.
fn witness() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let address = origin(move |mut stream| {
        loop {
            let (head, _) = read_head(&mut stream);
            let Some(path) = head.split(' ').nth(1) else {
                break;
            };
            log.lock().unwrap().push(path.to_owned());
            if stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .is_err()
            {
                break;
            }
        }
    });
    (address, seen)
}

fn get(origin: SocketAddr, path: &str) -> String {
    format!("GET http://{origin}{path} HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n")
}

/// A proxy whose record is at `record`, outside its own folder.
fn serve_at(record: &Path, args: &[&str]) -> Proxy {
    let mut command = outgate();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--audit"])
        .arg(record)
        .args(args);
    Proxy::spawn(command, tempfile::tempdir().unwrap(), record.to_owned())
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .keys()
        .map(String::as_str)
        .collect()
}

fn is_uuid_v7(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default();
    let shape: Vec<usize> = text.split('-').map(str::len).collect();
    shape == [8, 4, 4, 4, 12]
        && text.split('-').nth(2).unwrap().starts_with('7')
        && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_time(text: &Value) -> bool {
    let pattern = "0000-00-00T00:00:00.000000Z";
    let text = text.as_str().unwrap_or_default();
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(is, wanted)| {
            if wanted == b'0' {
                is.is_ascii_digit()
            } else {
                is == wanted
            }
        })
}

/// `value` is null, or `holds` for it.
fn maybe(value: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    value.is_null() || holds(value)
}

fn is_one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|text| words.contains(&text))
}

const VERDICTS: [&str; 6] = ["allow", "report", "strip", "upgrade", "block", "error"];
const ACTIONS: [&str; 4] = ["report", "strip", "upgrade", "block"];

/// The fields that a request's line has, no more, no less, each of its type.
fn assert_schema(line: &Value) {
    let fields = "v seq time id conn stage client via carried request destination aws tls verdict would rule findings policy status bytes duration_ms error prev";
    assert_eq!(keys(line), fields.split(' ').collect(), "{line}");
    let check = |holds: bool, what: &str| assert!(holds, "{what}: {line:#}");
    check(line["v"] == 1 && line["seq"].is_u64(), "v, seq");
    check(is_time(&line["time"]), "time");
    check(
        is_uuid_v7(&line["id"]) && is_uuid_v7(&line["conn"]),
        "id, conn",
    );
    check(
        is_one_of(&line["stage"], &["decision", "complete", "progress"]),
        "stage",
    );
    let client = &line["client"];
    assert_eq!(keys(client), ["addr", "name", "pid", "process"].into());
    check(
        maybe(&client["addr"], |addr| {
            addr.as_str().unwrap().parse::<SocketAddr>().is_ok()
        }),
        "client.addr",
    );
    check(
        maybe(&line["via"], |via| {
            is_one_of(via, &["connect", "forward", "transparent"])
        }),
        "via",
    );
    check(
        maybe(&line["carried"], |carried| {
            is_one_of(carried, &["tunnel", "intercept", "forward"])
        }),
        "carried",
    );
    let request = &line["request"];
    assert_eq!(
        keys(request),
        ["host", "http", "method", "port", "url", "user_agent"].into()
    );
    for name in ["host", "http", "method", "url", "user_agent"] {
        check(maybe(&request[name], Value::is_string), name);
    }
    check(
        maybe(&request["port"], |port| {
            (1..=65535).contains(&port.as_u64().unwrap_or(0))
        }),
        "port",
    );
    let destination = &line["destination"];
    check(
        maybe(destination, |destination| {
            keys(destination)
                == [
                    "addr",
                    "answered",
                    "class",
                    "parent",
                    "partition",
                    "region",
                    "service",
                ]
                .into()
                && is_one_of(&destination["class"], &["aws", "other"])
                && maybe(&destination["addr"], |addr| {
                    addr.as_str().unwrap().parse::<SocketAddr>().is_ok()
                })
        }),
        "destination",
    );
    check(
        maybe(&line["aws"], |aws| {
            let fields = "access_key_id account_id auth extended_request_id operation presigned region request_id service";
            keys(aws) == fields.split(' ').collect()
        }),
        "aws",
    );
    let tls = &line["tls"];
    assert_eq!(keys(tls), ["client", "upstream"].into());
    check(
        maybe(&tls["client"], |side| {
            keys(side) == ["alpn", "ja4", "sni", "version"].into()
        }),
        "tls.client",
    );
    let upstream = "cipher group issuer not_after preflight sha256 verified version";
    check(
        maybe(&tls["upstream"], |side| {
            keys(side) == upstream.split(' ').collect()
        }),
        "tls.upstream",
    );
    check(
        is_one_of(&line["verdict"], &VERDICTS) && is_one_of(&line["would"], &VERDICTS),
        "verdict",
    );
    check(maybe(&line["rule"], Value::is_string), "rule");
    for finding in line["findings"].as_array().unwrap() {
        let fields = "action fingerprint hint kind length rule severity where";
        assert_eq!(keys(finding), fields.split(' ').collect());
        check(is_one_of(&finding["action"], &ACTIONS), "action");
        check(
            is_one_of(&finding["severity"], &["info", "low", "medium", "high"]),
            "severity",
        );
    }
    // The rule is the one of a finding with the strongest action.
    let strongest = line["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            ACTIONS
                .iter()
                .position(|action| finding["action"] == *action)
        })
        .max();
    check(
        maybe(&line["rule"], |rule| {
            let named = line["findings"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|finding| finding["rule"] == *rule);
            named
                .map(|finding| {
                    ACTIONS
                        .iter()
                        .position(|action| finding["action"] == *action)
                })
                .max()
                == strongest
        }),
        "rule and findings",
    );
    check(
        line["policy"].as_str().is_some_and(|hash| hash.len() == 64),
        "policy",
    );
    check(
        maybe(&line["status"], |status| {
            (100..600).contains(&status.as_u64().unwrap_or(0))
        }),
        "status",
    );
    check(
        maybe(&line["bytes"], |bytes| {
            keys(bytes) == ["received", "sent"].into()
                && bytes["sent"].is_u64()
                && bytes["received"].is_u64()
        }),
        "bytes",
    );
    check(
        maybe(&line["duration_ms"], Value::is_number) && maybe(&line["error"], Value::is_string),
        "duration, error",
    );
    check(
        line["prev"].as_str().is_some_and(|hash| hash.len() == 64),
        "prev",
    );
    // What is not known yet is null in a decision.
    if line["stage"] == "decision" && line["verdict"] != "block" {
        for later in ["status", "bytes", "duration_ms", "error"] {
            check(line[later].is_null(), later);
        }
        check(tls["upstream"].is_null(), "tls.upstream in a decision");
    }
}

#[test]
fn every_line_has_the_documented_fields_and_requests_have_two() {
    let (plain, _) = witness();
    let authority = Authority::new();
    let identity = authority.issue(&["tunnel.test"]);
    let secure = tls::origin(&identity, &[&rustls::version::TLS13], |mut session| {
        let _ = session.write_all(b"ping");
    });
    let to = format!("tunnel.test:443:127.0.0.1:{}", secure.port());
    let proxy = Proxy::start(&["--connect-to", &to]);
    assert_eq!(proxy.ask(get(plain, "/a?b=c")).status, 200);
    let mut client = tls::client(
        &authority.ca(),
        "tunnel.test",
        proxy.tunnel("tunnel.test:443"),
    );
    client.read_exact(&mut [0; 4]).unwrap();
    drop(client);
    proxy.line_for("tunnel.test", "complete");
    let refused = [
        proxy.ask("GET http://s3.amazonaws.com/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n"),
        proxy.ask("CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"),
        proxy.ask("nonsense\r\n\r\n"),
    ];
    let failed = proxy.ask("CONNECT nowhere.invalid:443 HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n");
    assert_eq!(failed.status, 502);
    record::assert_whole(&proxy.record);
    let (_, lines) = proxy.stop();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["id"].is_string()).collect();
    requests.iter().for_each(|line| assert_schema(line));
    for line in lines.iter().filter(|line| line["id"].is_null()) {
        match line["stage"].as_str().unwrap() {
            "file" => assert_eq!(
                keys(line),
                ["file", "prev", "seq", "stage", "time", "v"].into()
            ),
            "event" => assert_eq!(
                keys(line),
                ["detail", "event", "prev", "seq", "stage", "time", "v"].into()
            ),
            other => panic!("a line of stage {other}"),
        }
    }
    // Two lines for what was let through, one for what was not; the id ties them.
    let ids: BTreeSet<&str> = requests
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 6);
    for id in &ids {
        let stages: Vec<Value> = record::of(&lines, id)
            .iter()
            .map(|line| line["stage"].clone())
            .collect();
        let is_refused = refused.iter().any(|answer| answer.request_id() == *id);
        assert_eq!(
            stages,
            if is_refused {
                vec!["decision"]
            } else {
                vec!["decision", "complete"]
            }
        );
    }
    let failed = record::of(&lines, &failed.request_id());
    assert_eq!(failed[0]["verdict"], "allow");
    assert_eq!(
        (&failed[1]["verdict"], &failed[1]["status"]),
        (&"error".into(), &502.into())
    );
    assert!(
        failed[1]["error"]
            .as_str()
            .unwrap()
            .contains("nowhere.invalid")
    );
}

#[test]
fn requests_of_one_connection_share_conn_and_nothing_else() {
    let (origin, _) = witness();
    let proxy = Proxy::start(&[]);
    let mut stream = proxy.connect();
    for number in 0..3 {
        write!(
            stream,
            "GET http://{origin}/{number} HTTP/1.1\r\nHost: {origin}\r\n\r\n"
        )
        .unwrap();
        assert_eq!(Answer::read(&mut stream).status, 200);
    }
    assert_eq!(proxy.ask(get(origin, "/other")).status, 200);
    let (_, lines) = proxy.stop();
    let complete: Vec<&Value> = lines
        .iter()
        .filter(|line| line["stage"] == "complete")
        .collect();
    let conns: BTreeSet<&str> = complete
        .iter()
        .map(|line| line["conn"].as_str().unwrap())
        .collect();
    let ids: BTreeSet<&str> = complete
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!((complete.len(), conns.len(), ids.len()), (4, 2, 4));
}

#[test]
fn the_chain_goes_on_over_restarts() {
    let (origin, _) = witness();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for run in 1..=3 {
        let proxy = serve_at(&path, &[]);
        assert_eq!(proxy.ask(get(origin, "/")).status, 200);
        // The second run has no chance to finish.
        if run == 2 {
            proxy.line(|line| line["stage"] == "complete" && line["seq"].as_u64() > Some(7));
            proxy.kill();
        } else {
            assert_eq!(proxy.stop().0, Some(0));
        }
        record::assert_whole(&path);
    }
    let lines = record::read(&path);
    assert_eq!(
        lines.iter().filter(|line| line["stage"] == "file").count(),
        1,
        "one file"
    );
    assert_eq!(
        lines.iter().filter(|line| line["event"] == "start").count(),
        3
    );
    assert_eq!(
        lines.iter().filter(|line| line["event"] == "stop").count(),
        2
    );
}

/// The verifier must see what it is for.
#[test]
fn the_verifier_sees_what_was_changed() {
    let (origin, _) = witness();
    let proxy = Proxy::start(&[]);
    for _ in 0..3 {
        proxy.ask(get(origin, "/"));
    }
    let path = proxy.record.clone();
    let text = {
        proxy.signal("TERM");
        let mut proxy = proxy;
        assert_eq!(proxy.ended(), Some(0));
        std::fs::read(&path).unwrap()
    };
    let count = record::verify(&text).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len() as u64, count);
    let without = |gone: usize| {
        lines
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != gone)
            .flat_map(|(_, line)| line.to_vec())
            .collect::<Vec<u8>>()
    };
    for gone in 0..lines.len() - 1 {
        assert!(
            record::verify(&without(gone)).is_err(),
            "line {gone} is missing"
        );
    }
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert!(record::verify(&swapped.concat()).is_err());
    let changed = String::from_utf8(text.clone())
        .unwrap()
        .replacen("\"allow\"", "\"block\"", 1)
        .replacen("\"report\"", "\"block\"", 1);
    assert!(record::verify(changed.as_bytes()).is_err());
    assert!(record::verify(&text[..text.len() - 1]).is_err(), "torn");
}

#[test]
fn a_killed_process_loses_no_decision_whose_request_was_forwarded() {
    for round in 0..3 {
        let (origin, seen) = witness();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let proxy = serve_at(&path, &[]);
        let address = proxy.address;
        let stop = Arc::new(AtomicBool::new(false));
        let load: Vec<_> = (0..8)
            .map(|worker| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || {
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let Ok(mut stream) = std::net::TcpStream::connect(address) else {
                            break;
                        };
                        let _ = stream.set_read_timeout(Some(PATIENCE));
                        let _ = stream
                            .write_all(get(origin, &format!("/{worker}/{number}")).as_bytes());
                        Answer::read(&mut stream);
                    }
                })
            })
            .collect();
        let deadline = Instant::now() + PATIENCE;
        while seen.lock().unwrap().len() < 100 + round * 37 {
            assert!(Instant::now() < deadline, "no load");
            std::thread::yield_now();
        }
        proxy.kill();
        stop.store(true, Ordering::Relaxed);
        load.into_iter().for_each(|worker| worker.join().unwrap());
        let seen = seen.lock().unwrap().clone();
        let decided: BTreeSet<String> = record::read(&path)
            .iter()
            .filter(|line| line["stage"] == "decision")
            .map(|line| line["request"]["url"].as_str().unwrap().to_owned())
            .collect();
        for path in &seen {
            assert!(
                decided.contains(&format!("http://{origin}{path}")),
                "{path} was forwarded and is not on record"
            );
        }
        // And the next run goes on from there.
        let proxy = serve_at(&path, &[]);
        assert_eq!(proxy.ask(get(origin, "/after")).status, 200);
        assert_eq!(proxy.stop().0, Some(0));
        record::assert_whole(&path);
    }
}

#[test]
fn a_torn_last_line_is_set_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    assert_eq!(serve_at(&path, &[]).stop().0, Some(0));
    for (number, name) in ["audit.jsonl.torn", "audit.jsonl.torn.1"]
        .into_iter()
        .enumerate()
    {
        let half = format!("{{\"v\":1,\"seq\":{number},\"time\":\"20");
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(half.as_bytes())
            .unwrap();
        assert!(record::verify(&std::fs::read(&path).unwrap()).is_err());
        let proxy = serve_at(&path, &[]);
        let aside = folder.path().join(name);
        let event = proxy.line(|line| {
            line["event"] == "mended" && line["detail"]["torn_line"] == aside.display().to_string()
        });
        assert!(event["seq"].as_u64() > Some(3));
        assert_eq!(std::fs::read_to_string(&aside).unwrap(), half);
        assert_eq!(proxy.stop().0, Some(0));
        record::assert_whole(&path);
    }
    // A record that holds nothing but half a line begins anew.
    let other = folder.path().join("other.jsonl");
    std::fs::write(&other, "{\"v\":1,").unwrap();
    assert_eq!(serve_at(&other, &[]).stop().0, Some(0));
    record::assert_whole(&other);
    assert_eq!(record::read(&other)[0]["stage"], "file");
}

#[test]
fn the_record_on_standard_output_is_clean() {
    let (origin, _) = witness();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command = outgate();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--audit", "-"])
        .env("RUST_LOG", "trace");
    // `spawn` sets standard output itself, so a shell gives it away first.
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg("exec \"$@\" >\"$OUT\"")
        .arg("sh")
        .arg(command.get_program())
        .args(command.get_args())
        .env("OUT", &out);
    shell
        .env("RUST_LOG", "trace")
        .env("XDG_CONFIG_HOME", "/nonexistent");
    let proxy = Proxy::spawn(shell, folder, out.clone());
    assert_eq!(proxy.ask(get(origin, "/")).status, 200);
    assert_eq!(proxy.ask("GET / HTTP/1.1\r\n\r\n").status, 400);
    let (code, lines) = proxy.stop();
    assert_eq!(code, Some(0));
    assert_eq!(
        lines.iter().filter(|line| line["id"].is_string()).count(),
        3
    );
    assert_eq!(lines.last().unwrap()["event"], "stop");
}

#[test]
fn a_device_that_is_full_from_the_start_is_told() {
    let mut child = outgate()
        .args(["serve", "--listen", "127.0.0.1:0", "--audit", "/dev/full"])
        .stdin(Stdio::null())
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
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("record cannot be written") && said.contains("--audit"),
        "{said}"
    );
}

/// A proxy that may write `bytes` to any one file; [`lift`] takes that away.
fn limited(bytes: u32, record: &Path) -> Proxy {
    let mut shell = Command::new("sh");
    // What exceeds the limit must be an error, as on a full disk, and no signal.
    let script = format!("trap '' XFSZ; exec prlimit --fsize={bytes}: \"$@\"");
    let command = outgate();
    shell
        .arg("-c")
        .arg(script)
        .arg("sh")
        .arg(command.get_program())
        .args(["serve", "--listen", "127.0.0.1:0", "--audit"])
        .arg(record);
    shell.env("XDG_CONFIG_HOME", "/nonexistent");
    Proxy::spawn(shell, tempfile::tempdir().unwrap(), record.to_owned())
}

fn lift(proxy: &Proxy) {
    let status = Command::new("prlimit")
        .args(["--fsize=unlimited:", "--pid", &proxy.pid().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Asks until an answer satisfies `wanted`; gives the answers before it, and it.
fn ask_until(
    proxy: &Proxy,
    request: impl Fn(usize) -> String,
    wanted: impl Fn(&Answer) -> bool,
) -> (usize, Answer) {
    let deadline = Instant::now() + PATIENCE;
    for number in 0.. {
        let answer = proxy.ask(request(number));
        if wanted(&answer) {
            return (number, answer);
        }
        assert!(Instant::now() < deadline, "{}", answer.head);
    }
    unreachable!("the counter ends before time does")
}

#[test]
fn a_full_disk_refuses_and_recovers_with_a_gap() {
    let (origin, seen) = witness();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let proxy = limited(16 * 1024, &path);
    let (_, refused) = ask_until(
        &proxy,
        |number| get(origin, &format!("/{number}")),
        |answer| answer.status != 200,
    );
    assert_eq!(
        (refused.status, refused.rule().as_str()),
        (503, "audit-unavailable"),
        "{}",
        refused.head
    );
    assert!(refused.header("retry-after").is_some());
    assert!(
        refused.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("File too large"),
        "{}",
        refused.problem()
    );
    for number in 0..20 {
        assert_eq!(
            proxy.ask(get(origin, &format!("/during/{number}"))).status,
            503
        );
        assert_eq!(
            proxy
                .ask("CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n")
                .status,
            503
        );
    }
    assert!(
        !seen
            .lock()
            .unwrap()
            .iter()
            .any(|path| path.starts_with("/during")),
        "something passed unrecorded"
    );
    lift(&proxy);
    ask_until(
        &proxy,
        |_| get(origin, "/after"),
        |answer| answer.status == 200,
    );
    let gap = proxy.line(|line| line["event"] == "gap");
    assert!(gap["detail"]["refused"].as_u64().unwrap() >= 41, "{gap}");
    assert!(is_time(&gap["detail"]["since"]), "{gap}");
    let (code, lines, said) = proxy.stop_and_tell();
    assert_eq!(code, Some(0));
    assert!(
        said.contains("record cannot be written") && said.contains("can be written again"),
        "{said}"
    );
    record::assert_whole(&path);
    assert_eq!(
        lines.iter().filter(|line| line["event"] == "gap").count(),
        1
    );
    // Each request that was let through has both lines, also the one that was open at the time.
    for path in seen.lock().unwrap().iter() {
        let url = format!("http://{origin}{path}");
        let stages: Vec<&Value> = lines
            .iter()
            .filter(|line| line["request"]["url"] == url.as_str() && line["verdict"] != "block")
            .map(|line| &line["stage"])
            .collect();
        assert!(
            stages.contains(&&"decision".into()) && stages.contains(&&"complete".into()),
            "{url}: {stages:?}"
        );
    }
}

#[test]
fn a_deleted_or_moved_record_is_begun_anew_and_the_chain_goes_on() {
    let (origin, seen) = witness();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let proxy = serve_at(&path, &[]);
    assert_eq!(proxy.ask(get(origin, "/first")).status, 200);
    proxy.line(|line| line["stage"] == "complete");
    let moved = folder.path().join("moved.jsonl");
    std::fs::rename(&path, &moved).unwrap();
    let answer = proxy.ask(get(origin, "/lost"));
    assert_eq!(answer.rule(), "audit-unavailable");
    assert!(!seen.lock().unwrap().contains(&"/lost".to_owned()));
    ask_until(
        &proxy,
        |_| get(origin, "/after"),
        |answer| answer.status == 200,
    );
    assert_eq!(proxy.stop().0, Some(0));
    // Both files, one behind the other, are one chain.
    let [old, new] = [&moved, &path].map(|path| std::fs::read(path).unwrap());
    record::verify(&old).unwrap();
    record::verify(&[old.clone(), new.clone()].concat()).unwrap();
    let first = &record::parse(&new)[0];
    assert_eq!(first["stage"], "file");
    assert_eq!(first["file"]["first_seq"], first["seq"]);
    assert_eq!(first["file"]["previous_head"], first["prev"]);
    assert_eq!(record::parse(&new)[1]["event"], "gap");
}

/// A named pipe, and a thread that reads it when it is told to.
struct Fifo {
    path: std::path::PathBuf,
    read: Arc<Mutex<Vec<u8>>>,
    go: std::sync::mpsc::Sender<()>,
    _folder: tempfile::TempDir,
}

impl Fifo {
    /// Reads what the start writes, then stalls until [`Fifo::resume`].
    fn new() -> Fifo {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let (go, may_go) = std::sync::mpsc::channel();
        let read = Arc::new(Mutex::new(Vec::new()));
        let (into, from) = (Arc::clone(&read), path.clone());
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::open(from).unwrap();
            let mut buffer = [0; 4096];
            let mut is_stalled = true;
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..count]);
                if is_stalled && (may_go.recv().is_err()) {
                    return;
                }
                is_stalled = false;
            }
        });
        Fifo {
            path,
            read,
            go,
            _folder: folder,
        }
    }

    fn resume(&self) {
        self.go.send(()).unwrap();
    }
}

fn serve_into(fifo: &Fifo) -> Proxy {
    let settings = format!(
        "[audit]\npath = \"{}\"\nstall = \"300ms\"\n[timeouts]\ndrain = \"200ms\"\n",
        fifo.path.display()
    );
    let path = fifo.path.display().to_string();
    Proxy::configured(&settings, &["--audit", &path])
}

#[test]
fn a_reader_that_stalls_refuses_and_recovers_with_a_gap() {
    let (origin, seen) = witness();
    let fifo = Fifo::new();
    let proxy = serve_into(&fifo);
    let filler = "f".repeat(3000);
    let (_, refused) = ask_until(
        &proxy,
        |number| get(origin, &format!("/{number}/{filler}")),
        |answer| answer.status != 200,
    );
    assert_eq!(
        (refused.status, refused.rule().as_str()),
        (503, "audit-unavailable")
    );
    assert!(
        refused.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("took nothing for 0.3 s"),
        "{}",
        refused.problem()
    );
    let refusals = 5;
    for number in 0..refusals {
        assert_eq!(
            proxy.ask(get(origin, &format!("/during/{number}"))).status,
            503
        );
    }
    assert!(
        !seen
            .lock()
            .unwrap()
            .iter()
            .any(|path| path.starts_with("/during")),
        "something passed unrecorded"
    );
    fifo.resume();
    ask_until(
        &proxy,
        |_| get(origin, "/after"),
        |answer| answer.status == 200,
    );
    assert_eq!(proxy.stop().0, Some(0));
    let deadline = Instant::now() + PATIENCE;
    let text = loop {
        let text = fifo.read.lock().unwrap().clone();
        if record::verify(&text).is_ok() && record::parse(&text).last().unwrap()["event"] == "stop"
        {
            break text;
        }
        assert!(
            Instant::now() < deadline,
            "{}",
            String::from_utf8_lossy(&text)
        );
        std::thread::yield_now();
    };
    let lines = record::parse(&text);
    for path in seen.lock().unwrap().iter() {
        let url = format!("http://{origin}{path}");
        let is_there = |line: &&Value| {
            line["request"]["url"] == url.as_str()
                && line["stage"] == "decision"
                && line["verdict"] != "block"
        };
        assert!(
            lines.iter().any(|line| is_there(&line)),
            "{url} passed unrecorded"
        );
    }
    // No decision stands that says `allowed` of what was refused.
    let wrong = lines.iter().find(|line| {
        line["request"]["url"]
            .as_str()
            .is_some_and(|url| url.contains("/during/"))
            && line["verdict"] != "block"
    });
    assert!(wrong.is_none(), "{wrong:?}");
}

#[test]
fn a_stop_is_bounded_also_when_the_record_takes_nothing() {
    let (origin, _) = witness();
    let fifo = Fifo::new();
    let proxy = serve_into(&fifo);
    let filler = "f".repeat(3000);
    ask_until(
        &proxy,
        |number| get(origin, &format!("/{number}/{filler}")),
        |answer| answer.status == 503,
    );
    let (code, _, said) = proxy.stop_and_tell();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("record could not be completed"), "{said}");
}

#[test]
fn nothing_in_the_record_steers_a_terminal() {
    let (origin, _) = witness();
    let proxy = Proxy::start(&[]);
    let agent = "a\u{202e}b\u{85}c\u{2066}d\u{feff}";
    let answer = proxy.ask(format!("GET http://{origin}/\u{202e}x HTTP/1.1\r\nHost: {origin}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"));
    let plain = proxy.ask(format!("GET http://{origin}/x HTTP/1.1\r\nHost: {origin}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"));
    assert_eq!(plain.status, 200);
    assert!(matches!(answer.status, 200 | 400));
    for target in [
        "http://h/\x1b[2J",
        "http://h\u{202e}/",
        "\x1b]0;title\x07",
        "h\x1b:443",
    ] {
        for method in ["GET", "CONNECT", "G\x1bET", "G\u{202e}ET"] {
            assert_eq!(
                proxy
                    .ask(format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n"))
                    .status,
                400
            );
        }
    }
    let path = proxy.record.clone();
    let text = std::fs::read_to_string(&path).unwrap();
    let steering = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{feff}')
    };
    let found = text.chars().find(|c| steering(*c));
    assert_eq!(found, None);
    assert!(
        text.contains("a\\u202eb\\u0085c\\u2066d\\ufeff"),
        "the agent is there, escaped"
    );
    let (_, _, said) = proxy.stop_and_tell();
    assert_eq!(said.chars().find(|c| steering(*c)), None, "{said:?}");
}

#[test]
fn long_fields_are_cut_and_say_so() {
    let (origin, _) = witness();
    let proxy = Proxy::start(&[]);
    let long = "l".repeat(30_000);
    let answer = proxy.ask(format!("GET http://{origin}/{long} HTTP/1.1\r\nHost: {origin}\r\nUser-Agent: {long}\r\nConnection: close\r\n\r\n"));
    assert_eq!(answer.status, 200);
    let line = proxy.line_for("127.0.0.1", "complete");
    for name in ["url", "user_agent"] {
        let text = line["request"][name].as_str().unwrap();
        assert!(
            text.len() < 5000 && text.contains("[cut from 30"),
            "{name}: {} bytes",
            text.len()
        );
    }
}

const SECRET: &str = "hunter2sEcReT";

#[test]
fn no_secret_reaches_the_record_a_log_or_an_answer() {
    let (origin, _) = witness();
    let proxy = Proxy::start_with(&[], &[("RUST_LOG", "trace")]);
    let s = SECRET;
    let targets = [
        format!("http://user:{s}@{origin}/"),
        format!("http://{s}:x@{origin}/"),
        format!("http://user:a%40{s}@{origin}/"),
        format!("http://user:{s}@@{origin}/"),
        format!("http://user:p@{s}@{origin}/"),
        format!("http://user:{s}/x@{origin}/"),
        format!("http://user:x/{s}@{origin}/"),
        format!("http://user:{s}?x@{origin}/"),
        format!("http://user:x?{s}@{origin}/"),
        format!("http://user:{s}#x@{origin}/"),
        format!("http://user:{s}\\@{origin}/"),
        format!("http:/user:{s}@{origin}/"),
        format!("http:user:{s}@{origin}/"),
        format!("//user:{s}@{origin}/"),
        format!("user:{s}@{origin}"),
        format!("ftp://user:{s}@{origin}/"),
        format!("https://user:{s}@{origin}/"),
        format!("http://{origin}/?password={s}"),
        format!("http://{origin}/?X-Amz-Signature={s}&X-Amz-Security-Token={s}"),
        format!("http://{origin}/?action=x;password={s}"),
        format!("http://{origin}/?a%26password={s}"),
        format!("http://{origin}/#{s}"),
        format!("http://{origin}/?x#{s}"),
    ];
    let heads = [
        format!("Authorization: Basic {s}"),
        format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={s}"
        ),
        format!("Proxy-Authorization: Basic {s}"),
        format!("Cookie: session={s}"),
        format!("X-Amz-Security-Token: {s}"),
        format!("Referer: http://user:{s}@h/"),
        format!("{s}: x"),
        format!("Host: {s}"),
        format!("X: {s}\x01"),
        s.to_string(),
        format!(" {s}"),
        format!("Content-Length: {s}"),
        format!("Transfer-Encoding: {s}"),
        format!("Connection: {s}"),
    ];
    let mut answers = Vec::new();
    let mut ask = |bytes: String| {
        let mut stream = proxy.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        answers.push((bytes, Answer::read(&mut stream)));
    };
    for target in &targets {
        for method in ["GET", "CONNECT", "get"] {
            ask(format!(
                "{method} {target} HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n"
            ));
        }
        ask(format!("{target}\r\n\r\n"));
    }
    for head in &heads {
        ask(format!(
            "GET http://{origin}/ HTTP/1.1\r\nHost: {origin}\r\n{head}\r\nConnection: close\r\n\r\n"
        ));
        ask(format!(
            "CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n{head}\r\n\r\n"
        ));
        // A body that is taken for a head, as after a framing fault.
        ask(format!("{{\"password\":\"{s}\"}} x\r\n\r\n"));
        ask(format!("password={s} x HTTP/1.1\r\n\r\n"));
        ask(format!("{s} x HTTP/1.1\r\n\r\n"));
        ask(format!("GET {s} HTTP/1.1\r\n\r\n"));
    }
    for (asked, answer) in &answers {
        let text = answer.head.clone() + &String::from_utf8_lossy(&answer.body);
        assert!(!text.contains(s), "{asked:?} is answered\n{text}");
    }
    let (code, lines, said) = proxy.stop_and_tell();
    assert_eq!(code, Some(0));
    assert!(lines.len() > targets.len() * 4);
    for line in lines.iter().map(ToString::to_string) {
        assert!(!line.contains(s), "on record: {line}");
    }
    for line in said.lines() {
        assert!(!line.contains(s), "in the log: {line}");
    }
}
