//! What is told: lines, the summary, reports, and --fail-on.

use serde_json::Value;

use crate::stage::Stage;

const PLAINTEXT: &str = "curl -s -o /dev/null http://s3.us-east-1.amazonaws.com/$1;";

fn read(stage: &Stage, name: &str) -> String {
    std::fs::read_to_string(stage.path(name)).unwrap()
}

#[test]
fn retries_are_one_line() {
    let stage = Stage::new();
    let done = stage.sh(&[], &PLAINTEXT.repeat(3));
    let lines: Vec<&str> = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("outgate: refused: "))
        .collect();
    assert_eq!(lines.len(), 1, "{}", done.stderr);
    assert!(
        lines[0].starts_with("outgate: refused: aws-plaintext s3.us-east-1.amazonaws.com: ")
            && lines[0].contains("use https://"),
        "{}",
        lines[0]
    );
    assert!(
        done.stderr
            .contains("outgate: 3 requests to 1 host, 3 refused\n"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr
            .contains("  refused 3x aws-plaintext s3.us-east-1.amazonaws.com\n"),
        "{}",
        done.stderr
    );
    assert_eq!(done.code, Some(0));
}

#[test]
fn a_refusal_is_told_at_once() {
    let stage = Stage::new();
    // The command itself waits for the line, which goes where its own stderr goes.
    let said = stage.path("said");
    let script = format!(
        "{PLAINTEXT} n=0; until grep -q 'outgate: refused' '{0}'; do n=$((n+1)); [ $n -gt 20000 ] && exit 1; done; exit 0",
        said.display()
    );
    let mut exec = stage.exec(&[], &["sh", "-c", &script]);
    exec.stderr(std::fs::File::create(&said).unwrap());
    let status = exec.status().unwrap();
    assert_eq!(status.code(), Some(0), "{}", read(&stage, "said"));
}

#[test]
fn quiet_is_quiet() {
    let stage = Stage::new();
    let done = stage.sh(&["--quiet"], PLAINTEXT);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    // But for what explains the exit code.
    let done = stage.sh(&["--quiet", "--fail-on", "block"], PLAINTEXT);
    assert_eq!(done.code, Some(3));
    assert_eq!(
        done.stderr,
        "outgate: exit code 3: 1 request would be blocked (--fail-on)\n"
    );
}

#[test]
fn fail_on_turns_zero_and_nothing_else() {
    let stage = Stage::new();
    let origin = crate::support::origin(|mut stream| {
        let _ = crate::support::read_head(&mut stream);
        let _ = std::io::Write::write_all(
            &mut stream,
            b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
        );
    });
    let to = format!("plain.example:80:{origin}");
    let reported = "curl -sf http://plain.example/ || exit 99;";
    let both = format!("{reported}{PLAINTEXT}");
    let report_mode = ["--mode", "report"];
    let cases: [(&[&str], &str, &str, i32); 13] = [
        (&[], &both, "exit 0", 0),
        (&["--fail-on", "never"], &both, "exit 0", 0),
        (&["--fail-on", "block"], "", "exit 0", 0),
        (&["--fail-on", "block"], reported, "exit 0", 0),
        (&["--fail-on", "block"], &both, "exit 0", 3),
        (
            &["--fail-on", "block", "--fail-code", "42"],
            &both,
            "exit 0",
            42,
        ),
        (&["--fail-on", "block"], &both, "exit 7", 7),
        (&["--fail-on", "block"], &both, "kill -TERM $$", 143),
        (&["--fail-on", "report"], "", "exit 0", 0),
        (&["--fail-on", "report"], reported, "exit 0", 3),
        (&["--fail-on", "report"], PLAINTEXT, "exit 0", 3),
        // What enforce mode would do counts, also where nothing is blocked.
        (
            &["--fail-on", "block", "--mode", "report"],
            PLAINTEXT,
            "exit 0",
            3,
        ),
        (&report_mode, PLAINTEXT, "exit 0", 0),
    ];
    for (flags, requests, end, code) in cases {
        let flags = [
            &[
                "--connect-to",
                &to,
                "--connect-to",
                "s3.us-east-1.amazonaws.com:80:127.0.0.1:9",
            ],
            flags,
        ]
        .concat();
        let done = stage.sh(&flags, &format!("{requests} {end}"));
        assert_eq!(
            done.code,
            Some(code),
            "{flags:?} {requests} {end}: {}",
            done.stderr
        );
    }
}

#[test]
fn what_would_be_refused_is_told_in_report_mode() {
    let stage = Stage::new();
    let to = "s3.us-east-1.amazonaws.com:80:127.0.0.1:9";
    let done = stage.sh(&["--mode", "report", "--connect-to", to], PLAINTEXT);
    assert!(
        done.stderr
            .contains("outgate: would be refused: aws-plaintext s3.us-east-1.amazonaws.com: "),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("1 would be refused"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_report_as_json() {
    let stage = Stage::new();
    let path = stage.path("report.json").display().to_string();
    let secret = "s3cr3t-argument";
    let script = format!("{PLAINTEXT}{PLAINTEXT} : {secret}; exit 4");
    assert_eq!(stage.sh(&["--report", &path], &script).code, Some(4));
    let text = read(&stage, "report.json");
    assert!(!text.contains(secret), "arguments may hold secrets: {text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["program"], "sh");
    assert_eq!(report["command_code"], 4);
    assert_eq!(report["exit_code"], 4);
    assert_eq!(report["requests"], 2);
    assert_eq!(report["refused"], 2);
    assert_eq!(report["record"], stage.records()[0].display().to_string());
    assert_eq!(report["hosts"][0]["host"], "s3.us-east-1.amazonaws.com");
    assert_eq!(report["hosts"][0]["refused"], 2);
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "aws-plaintext");
    assert_eq!(finding["outcome"], "refused");
    assert_eq!(finding["count"], 2);
    assert_eq!(finding["first"]["method"], "GET");
    assert_eq!(
        finding["first"]["url"],
        "http://s3.us-east-1.amazonaws.com/"
    );
    assert!(finding["hint"].as_str().unwrap().contains("https://"));
}

#[test]
fn a_report_as_junit() {
    let stage = Stage::new();
    let path = stage.path("report.xml").display().to_string();
    stage.sh(&["--report", &path], "exit 0");
    let clean = read(&stage, "report.xml");
    assert!(clean.contains("tests=\"1\" failures=\"0\""), "{clean}");
    stage.sh(&["--report", &path, "--fail-on", "block"], PLAINTEXT);
    let text = read(&stage, "report.xml");
    assert!(text.contains("tests=\"1\" failures=\"1\""), "{text}");
    assert!(text.contains("<failure type=\"aws-plaintext\""), "{text}");
    if crate::stage::can("python3", &["-c", "import xml.dom.minidom"]) {
        let parse = "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])";
        assert!(
            crate::stage::can("python3", &["-c", parse, &path]),
            "{text}"
        );
    }
}

#[test]
fn a_report_as_sarif() {
    let stage = Stage::new();
    let path = stage.path("report.sarif").display().to_string();
    stage.sh(&["--report", &path], PLAINTEXT);
    let report: Value = serde_json::from_str(&read(&stage, "report.sarif")).unwrap();
    assert_eq!(report["version"], "2.1.0");
    let run = &report["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "outgate");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "aws-plaintext");
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "aws-plaintext");
    assert_eq!(result["ruleIndex"], 0);
    assert_eq!(result["level"], "error");
    assert_eq!(result["occurrenceCount"], 1);
    let place = &result["locations"][0];
    assert_eq!(
        place["logicalLocations"][0]["name"],
        "s3.us-east-1.amazonaws.com"
    );
    let uri = place["physicalLocation"]["artifactLocation"]["uri"].as_str();
    assert!(uri.unwrap().starts_with("file:///"), "{place}");
}
