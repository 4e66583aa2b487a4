//! `outgate config`, `env` and `completions` as people run them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::process::{Command, Output};

use serde_json::Value;
use support::outgate;

fn run(args: &[&str]) -> Output {
    outgate().args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn the_shipped_examples_are_fine() {
    for entry in std::fs::read_dir("examples").unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let path = path.display().to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            let output = run(&["config", "check", "--config", &path]);
            // Some show what a later version has, and are refused with a sentence until then.
            let later =
                stderr(&output).contains("not yet") || stderr(&output).contains("this version");
            assert!(
                output.status.code() == Some(0) || later,
                "{path}: {output:?}\n{text}"
            );
        }
    }
}

#[test]
fn mistakes_are_told_all_at_once_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outgate.toml");
    std::fs::write(
        &file,
        "mode = \"enforced\"\n[rules]\naws-plaintxt = \"block\"\nport = \"maybe\"\n",
    )
    .unwrap();
    let path = file.display().to_string();
    let output = run(&["config", "check", "--config", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = stderr(&output);
    for part in [":1", ":3", ":4", "aws-plaintext"] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    let output = run(&["config", "check", "--json", "--config", &path]);
    assert_eq!(output.status.code(), Some(2));
    let value = json(&output);
    assert_eq!(value["ok"], false);
    assert_eq!(value["file"], path);
    assert_eq!(value["errors"].as_array().unwrap().len(), 3, "{value}");
    assert!(
        value["errors"][0]["where"].as_str().unwrap().contains(":1"),
        "{value}"
    );

    let absent = run(&["config", "check", "--config", "/nonexistent/outgate.toml"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(stderr(&absent).contains("/nonexistent/outgate.toml"));
    let flag = run(&["config", "check", "--allow-private", "10.0.0.0/99"]);
    assert_eq!(flag.status.code(), Some(2));
    assert!(stderr(&flag).contains("--allow-private"), "{flag:?}");

    let fine = run(&["config", "check"]);
    assert_eq!(fine.status.code(), Some(0));
    assert!(stdout(&fine).contains("fine"), "{fine:?}");
    assert_eq!(json(&run(&["config", "check", "--json"]))["ok"], true);
}

#[test]
fn show_says_where_each_setting_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outgate.toml");
    std::fs::write(&file, "[timeouts]\nidle = \"5m\"\n").unwrap();
    let path = file.display().to_string();
    let mut command = outgate();
    command
        .args(["config", "show", "--config", &path, "--mode", "report"])
        .env("OUTGATE_TIMEOUTS_CONNECT", "3s");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let line = |key: &str| {
        let found = text.lines().find(|line| line.starts_with(key));
        found
            .unwrap_or_else(|| panic!("{key} is not in\n{text}"))
            .to_owned()
    };
    assert!(line("mode = ").contains("--mode"), "{}", line("mode = "));
    assert!(
        line("timeouts.idle = ").contains("outgate.toml:2"),
        "{}",
        line("timeouts.idle")
    );
    assert!(line("timeouts.connect = ").contains("OUTGATE_TIMEOUTS_CONNECT"));
    assert!(line("tls.profile = ").contains("default"));

    let value = json(&command.arg("--json").output().unwrap());
    assert_eq!(value["policy"].as_str().unwrap().len(), 64);
    assert!(
        value["settings"]["mode"]["origin"]
            .as_str()
            .unwrap()
            .contains("--mode")
    );

    // The schema knows every key that is shown.
    let schema = json(&run(&["config", "schema"]));
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for key in value["settings"].as_object().unwrap().keys() {
        let found = key
            .split('.')
            .try_fold(&schema, |schema, part| schema["properties"].get(part));
        assert!(found.is_some(), "the schema lacks {key}");
    }
}

#[test]
fn profiles_are_shown_by_name_and_as_set() {
    for name in ["baseline", "strict", "tls13", "fips", "post-quantum"] {
        let output = run(&["config", "show", "--profile", name]);
        assert_eq!(output.status.code(), Some(0));
        let text = stdout(&output);
        assert!(
            text.starts_with(name) && text.contains("  1.3\n") && text.contains("  TLS_AES_"),
            "{text}"
        );
        let value = json(&run(&["config", "show", "--json", "--profile", name]));
        assert_eq!(value["name"], name);
        assert_eq!(value["certificates"]["rsa-bits"], 2048, "{value}");
    }
    assert!(stdout(&run(&["config", "show", "--profile"])).starts_with("baseline"));
    let unknown = run(&["config", "show", "--profile", "weak"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("post-quantum"), "{unknown:?}");
}

#[test]
fn a_shell_takes_what_env_prints() {
    let script = stdout(&run(&["env", "--listen", "127.0.0.1:4321"]));
    let shell = Command::new("sh")
        .arg("-c")
        .arg(format!("{script}\nprintf '%s\\n' \"$HTTPS_PROXY\" \"$https_proxy\" \"$HTTP_PROXY\" \"$no_proxy\" \"$NODE_USE_ENV_PROXY\""))
        .env_clear()
        .output()
        .unwrap();
    assert!(shell.status.success(), "{shell:?}");
    let text = stdout(&shell);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(&lines[..3], ["http://127.0.0.1:4321"; 3]);
    assert!(lines[3].contains("169.254.169.254") && lines[3].contains(",fd00:ec2::23"));
    assert_eq!(lines[4], "1");
    // Everything is exported: a child of the shell has it.
    let child = Command::new("sh")
        .arg("-c")
        .arg(format!("{script}\nsh -c 'echo $ALL_PROXY'"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    assert_eq!(stdout(&child).trim(), "http://127.0.0.1:4321");
    // docker's options are words of a shell, too.
    let options = stdout(&run(&["env", "--format", "docker"]));
    let words = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "printf '%s\\n' {}",
            options.lines().last().unwrap()
        ))
        .output()
        .unwrap();
    let words = stdout(&words);
    assert!(
        words
            .lines()
            .any(|word| word == "HTTPS_PROXY=http://127.0.0.1:3128"),
        "{words}"
    );
    assert_eq!(words.lines().filter(|word| *word == "--env").count(), 10);
}

#[test]
fn where_tls_is_ended_env_names_what_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ca").display().to_string();
    let intercept = ["env", "--intercept", "all", "--ca-dir", &dir];
    let without = run(&intercept);
    assert_eq!(without.status.code(), Some(2));
    assert!(stderr(&without).contains("outgate ca init"), "{without:?}");

    assert!(run(&["ca", "init", "--ca-dir", &dir]).status.success());
    let value = json(&run(&[&intercept[..], &["--json"]].concat()));
    let bundle = value["SSL_CERT_FILE"].as_str().unwrap();
    let ours = std::fs::read_to_string(folder.path().join("ca/ca.pem")).unwrap();
    let bundled = std::fs::read_to_string(bundle).unwrap();
    let body = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
    assert!(bundled.contains(&body(&ours)));
    assert_eq!(value["AWS_CA_BUNDLE"], bundle);
    for (name, file) in [
        ("JAVA_TOOL_OPTIONS", "ca-bundle.jks"),
        ("NODE_OPTIONS", "node-proxy.cjs"),
    ] {
        let path = format!("{dir}/trust/{file}");
        assert!(value[name].as_str().unwrap().contains(&path), "{value:#}");
        assert!(std::path::Path::new(&path).is_file());
    }
    // Without interception nobody needs to trust anything new.
    assert!(
        json(&run(&["env", "--json"]))
            .get("SSL_CERT_FILE")
            .is_none()
    );
}

#[test]
fn every_format_is_what_it_says() {
    for format in ["kernel-json", "vscode"] {
        let value = json(&run(&["env", "--format", format]));
        assert!(
            value.to_string().contains("http://127.0.0.1:3128"),
            "{value}"
        );
    }
    assert_eq!(
        json(&run(&["env", "--json"]))["HTTPS_PROXY"],
        "http://127.0.0.1:3128"
    );
    let starts = [
        ("fish", "set -gx HTTP_PROXY"),
        ("powershell", "$env:HTTP_PROXY = "),
        ("systemd", "[Service]\nEnvironment=\"HTTP_PROXY="),
        ("docker-build", "#"),
        ("k8s", "#"),
    ];
    for (format, start) in starts {
        let text = stdout(&run(&["env", "--format", format]));
        assert!(text.starts_with(start), "{format}: {text}");
    }
    // An address to listen on everywhere is none to connect to; IPv6 stands in brackets.
    for (listen, url) in [
        ("0.0.0.0:3128", "http://127.0.0.1:3128"),
        ("[::1]:3128", "http://[::1]:3128"),
    ] {
        let output = outgate()
            .args(["env", "--json", "--listen", listen])
            .env("OUTGATE_CLIENTS_ALLOW", "10.0.0.0/8")
            .output()
            .unwrap();
        assert_eq!(json(&output)["HTTP_PROXY"], url, "{output:?}");
    }
    for listen in ["127.0.0.1:0", "unix:/tmp/outgate.sock"] {
        let output = run(&["env", "--listen", listen]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("listen.proxy"), "{output:?}");
    }
}

#[test]
fn completions_are_scripts() {
    for (shell, part) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef outgate"),
        ("fish", "complete -c outgate"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let text = stdout(&run(&["completions", shell]));
        assert!(text.contains(part) && text.contains("explain"), "{shell}");
    }
    let script = stdout(&run(&["completions", "bash"]));
    let parsed = Command::new("bash")
        .args(["-n", "-c", &script])
        .output()
        .unwrap();
    assert!(parsed.status.success(), "{parsed:?}");
    assert_eq!(run(&["completions", "tcsh"]).status.code(), Some(2));
}
