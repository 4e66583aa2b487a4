//! `outgate explain` as programs and people run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Output, Stdio};

use serde_json::Value;
use support::outgate;

static HARD_NAMES: &str = include_str!("data/aws-hard-names.txt");

/// Runs `explain --batch` with `args` over `input`.
fn batch(args: &[&str], input: &[u8]) -> Output {
    let mut child = outgate()
        .args(["explain", "--batch"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside the reading, because the answers fill a pipe as well.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn answers(args: &[&str], input: &[u8]) -> Vec<Value> {
    let output = batch(args, input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn hundreds_of_names_and_lookalikes_are_told_in_order() {
    let rows: Vec<Vec<&str>> = HARD_NAMES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        // In a URL that one needs brackets.
        .filter(|row| row[0] != "::1")
        .collect();
    assert!(rows.len() > 200, "{} names", rows.len());
    // In three forms each: a destination, a URL, and a URL in capitals with a dot behind.
    let mut input = String::new();
    for row in &rows {
        let name = row[0];
        input += &format!("{{\"host\":\"{name}\"}}\nhttps://{name}/x?y=z\n");
        input += &format!("https://{}.:443/\n", name.to_ascii_uppercase());
    }
    let answers = answers(&[], input.as_bytes());
    assert_eq!(answers.len(), rows.len() * 3);
    let mut faults = Vec::new();
    for (row, forms) in rows.iter().zip(answers.chunks(3)) {
        for answer in forms {
            let found = &answer["destination"];
            let text = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
            let good = if row[1] == "other" {
                text("class") == "other" && answer["aws"].is_null() && found["fips"].is_null()
            } else {
                text("class") == "aws"
                    && text("service") == row[1]
                    && text("region") == row[2]
                    && text("partition") == row[3]
                    && found["fips"] == row[4].contains('f')
                    && found["dualstack"] == row[4].contains('d')
                    && answer["aws"]["service"].as_str().unwrap_or("-") == row[1]
            };
            let is_canonical = found["host"] == row[0].to_ascii_lowercase() && found["port"] == 443;
            if !good || !is_canonical {
                faults.push(format!("{row:?}: {found}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn bad_lines_are_answered_in_their_place() {
    let mut input = Vec::new();
    let lines: [&[u8]; 11] = [
        b"https://one.example/",
        b"",
        b"\xff\xfe\x00",
        b"not a url",
        b"{\"url\":",
        b"{}",
        b"https://two.example:0/",
        b"{\"url\":[\"https://x.example/\"]}",
        b"\"https://x.example/\"",
        b"ftp://x.example/",
        b"https://three.example/",
    ];
    for line in lines {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    // No newline behind the last one.
    input.pop();
    let answers = answers(&[], &input);
    assert_eq!(answers.len(), lines.len());
    for (place, answer) in answers.iter().enumerate() {
        assert_eq!(
            answer["error"].is_string(),
            !matches!(place, 0 | 10),
            "{answer}"
        );
    }
    assert_eq!(answers[0]["destination"]["host"], "one.example");
    assert_eq!(answers[10]["destination"]["host"], "three.example");
}

#[test]
fn an_answer_comes_before_the_next_question() {
    let mut child = outgate()
        .args(["explain", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for number in 0..50 {
        // The beginning of the next line must not hold the answer back.
        write!(stdin, "https://h{number}.example/\nhttps://").unwrap();
        stdin.flush().unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["destination"]["host"], format!("h{number}.example"));
        writeln!(stdin, "rest.example/").unwrap();
        stdin.flush().unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.contains("rest.example"), "{answer}");
    }
    drop(stdin);
    assert_eq!(support::wait(&mut child), Some(0));
}

#[test]
fn no_secret_comes_back() {
    let secret = "hunter2hunter2";
    let input = format!(
        "https://user:{secret}@example.com/\n\
         http://user:{secret}@example.com/?token={secret}#{secret}\n\
         https://proxy.example/https://user:{secret}@example.com/\n\
         https://user:{secret}@example.com:bad/\n\
         {{\"url\":\"https://s3.amazonaws.com/?X-Amz-Signature={secret}\",\"headers\":{{\"Authorization\":\"Bearer {secret}\",\"Host\":\"{secret} x\"}},\"body\":\"{secret}\"}}\n\
         {{\"field\":\"{secret}\",\"value\":\"{secret}\"}}\n\
         {{\"url\":\"https://user:{secret}\n"
    );
    let output = batch(&[], input.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 7);
    assert!(!text.contains(secret), "{text}");
    assert!(output.stderr.is_empty());
    let said = outgate()
        .args([
            "explain",
            &format!("user:{secret}@example.com"),
            &format!("https://u:{secret}@h.example/"),
        ])
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(!format!("{said:?}").contains(secret), "{said:?}");
}

#[test]
fn the_settings_count() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outgate.toml");
    std::fs::write(
        &file,
        "[rules]\naws-plaintext = \"upgrade\"\n[destinations]\ndefault = \"deny\"\n\
         [[destinations.rule]]\nhosts = [\"*.amazonaws.com\"]\naction = \"allow\"\n",
    )
    .unwrap();
    let file = file.display().to_string();
    let answers = answers(
        &["--config", &file],
        b"http://s3.amazonaws.com/\nhttps://example.com/\nhttps://s3.amazonaws.com/\n",
    );
    let verdicts: Vec<_> = answers
        .iter()
        .map(|answer| answer["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["upgrade", "block", "allow"]);
    assert_eq!(answers[1]["rule"], "destination");

    std::fs::write(folder.path().join("bad.toml"), "mode = \"off\"\n").unwrap();
    let bad = folder.path().join("bad.toml").display().to_string();
    let output = batch(&["--config", &bad], b"https://example.com/\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let report = batch(&["--mode", "report"], b"http://s3.amazonaws.com/\n");
    let answer: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(
        (
            answer["verdict"].as_str(),
            answer["findings"][0]["action"].as_str()
        ),
        (Some("report"), Some("block"))
    );
}

#[test]
fn a_person_reads_sentences() {
    let output = outgate()
        .args([
            "explain",
            "http://s3.us-east-1.amazonaws.com/bucket",
            "https://10.1.2.3:8443",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "http://s3.us-east-1.amazonaws.com/bucket\n",
        "verdict      block (aws-plaintext)",
        "AWS s3 in us-east-1 (aws)",
        "use https://s3.us-east-1.amazonaws.com",
        "verdict      report (private-address)",
        "--allow-private 10.1.2.3/32",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(
        !text.contains('\u{1b}'),
        "no colour where there is no terminal"
    );
    let json = outgate()
        .args(["explain", "--json", "https://a.example", "b.example:8443"])
        .output()
        .unwrap();
    let hosts: Vec<Value> = String::from_utf8(json.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["destination"]["host"].clone())
        .collect();
    assert_eq!(hosts, ["a.example", "b.example"]);
}

#[test]
fn wrong_usage_says_what_is_missing() {
    let none = outgate().arg("explain").output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    let both = outgate()
        .args(["explain", "--batch", "https://a.example"])
        .output()
        .unwrap();
    assert_eq!(both.status.code(), Some(2));
    // Unreadable input: a directory as stdin.
    let folder = std::fs::File::open("/").unwrap();
    let output = outgate()
        .args(["explain", "--batch"])
        .stdin(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = outgate()
        .args(["explain", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    while stdin.write_all(b"https://a.example/\n").is_ok() {}
    assert_eq!(support::wait(&mut child), Some(0));
}

/// Thousands of lines a second, even in a debug build.
#[test]
fn a_long_batch_is_answered_whole() {
    let input: String = (0..5000)
        .map(|number| format!("https://b{number}.s3.eu-west-1.amazonaws.com/k\n"))
        .collect();
    let answers = answers(&[], input.as_bytes());
    assert_eq!(answers.len(), 5000);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(
            answer["destination"]["host"],
            format!("b{number}.s3.eu-west-1.amazonaws.com")
        );
    }
}
