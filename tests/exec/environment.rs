//! What the command finds in its environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::stage::{Stage, done};
use crate::support::Authority;

const BUNDLES: [&str; 11] = [
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CONDA_SSL_VERIFY",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
];

/// The command's environment, with these variables set for the caller.
fn environment(stage: &Stage, flags: &[&str], set: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut exec = stage.exec(flags, &["env", "-0"]);
    let done = done(exec.envs(set.iter().copied()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let pairs = done
        .stdout
        .split('\0')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn proxies_are_set_in_both_cases_and_what_was_there_is_not_kept() {
    let stage = Stage::new();
    let found = environment(
        &stage,
        &[],
        &[
            ("no_proxy", "example.com"),
            ("NO_PROXY", "example.com"),
            ("UNRELATED", "kept"),
        ],
    );
    let url = &found["HTTPS_PROXY"];
    let port = url.strip_prefix("http://127.0.0.1:").unwrap();
    assert!(port.parse::<u16>().unwrap() > 0);
    for name in [
        "HTTP_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "OUTGATE_EXEC",
    ] {
        assert_eq!(&found[name], url, "{name}");
    }
    // Addresses in brackets stand in the upper case alone: some Python clients give up at them.
    let bare: Vec<&str> = found["NO_PROXY"]
        .split(',')
        .filter(|host| !host.starts_with('['))
        .collect();
    assert_eq!(found["no_proxy"], bare.join(","));
    assert!(!found["NO_PROXY"].contains("example.com"));
    assert_eq!(found["NODE_USE_ENV_PROXY"], "1");
    assert_eq!(found["UNRELATED"], "kept");
    assert!(Path::new(&found["OUTGATE_EXEC_RECORD"]).exists());
}

#[test]
fn who_must_be_reached_directly_is() {
    let stage = Stage::new();
    let found = environment(
        &stage,
        &[],
        &[
            ("MASTER_ADDR", "algo-1"),
            ("SM_HOSTS", r#"["algo-1","algo-2"]"#),
        ],
    );
    let direct: Vec<&str> = found["NO_PROXY"].split(',').collect();
    for host in [
        "localhost",
        "127.0.0.1",
        "::1",
        "[::1]",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "[fd00:ec2::254]",
        "fd00:ec2::23",
        "[fd00:ec2::23]",
        "algo-1",
        "algo-2",
    ] {
        assert_eq!(
            direct.iter().filter(|known| **known == host).count(),
            1,
            "{host} in {direct:?}"
        );
    }
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(direct.contains(&name.trim()), "{name} in {direct:?}");
}

#[test]
fn every_variable_names_one_private_bundle() {
    let stage = Stage::new();
    let script = "stat -c '%a %n' \"$SSL_CERT_FILE\" \"$(dirname \"$SSL_CERT_FILE\")\"; env";
    let done = stage.sh(&[], script);
    let modes: Vec<&str> = done.stdout.lines().take(2).collect();
    assert!(
        modes[0].starts_with("600 ") && modes[1].starts_with("700 "),
        "{modes:?}"
    );
    let bundle = modes[0].split_once(' ').unwrap().1;
    for name in BUNDLES {
        let line = format!("{name}={bundle}");
        assert!(
            done.stdout.lines().any(|known| known == line),
            "{line} in {}",
            done.stdout
        );
    }
    assert!(!Path::new(bundle).exists(), "it goes when outgate goes");
    assert!(stage.folders_left().is_empty());
}

#[test]
fn without_interception_the_roots_are_left_alone() {
    let stage = Stage::new();
    let found = environment(
        &stage,
        &["--intercept", "none"],
        &[("SSL_CERT_FILE", "/etc/mine.pem")],
    );
    assert_eq!(found["SSL_CERT_FILE"], "/etc/mine.pem");
    assert!(!found.contains_key("AWS_CA_BUNDLE") && !found.contains_key("WGETRC"));
    assert!(!found["JAVA_TOOL_OPTIONS"].contains("trustStore"));
}

#[test]
fn the_bundle_is_the_union_of_all_that_was_trusted() {
    let stage = Stage::new();
    let (one, two, three) = (Authority::new(), Authority::new(), Authority::new());
    let folder = stage.path("roots");
    fs::create_dir(&folder).unwrap();
    fs::copy(three.ca(), folder.join("three.pem")).unwrap();
    fs::write(folder.join("README"), "no certificate").unwrap();
    // An outgate's own authority, of whichever: what it vouches for was not looked at.
    let outer = stage.path("outer.pem");
    fs::write(&outer, own_authority()).unwrap();
    let mut exec = stage.exec(&[], &["sh", "-c", "cat \"$SSL_CERT_FILE\""]);
    exec.env("SSL_CERT_FILE", one.ca())
        .env("AWS_CA_BUNDLE", two.ca())
        .env("REQUESTS_CA_BUNDLE", &folder)
        .env("CURL_CA_BUNDLE", one.ca())
        .env("PIP_CERT", &outer)
        .env("GIT_SSL_CAINFO", "/nonexistent/roots.pem")
        .env("CONDA_SSL_VERIFY", "false");
    let done = done(&mut exec);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let bundle = certificates(&done.stdout);
    for ca in [one.ca(), two.ca(), three.ca()] {
        let own = certificates(&fs::read_to_string(ca).unwrap());
        assert_eq!(bundle.iter().filter(|known| **known == own[0]).count(), 1);
    }
    let foreign = certificates(&fs::read_to_string(&outer).unwrap());
    assert!(
        !bundle.contains(&foreign[0]),
        "an outgate's authority was handed on"
    );
    let system = certificates(&fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap());
    for root in &system {
        assert!(bundle.contains(root));
    }
    // Those three, and ours.
    assert_eq!(bundle.len(), system.len() + 4);
    assert!(
        done.stderr
            .contains("GIT_SSL_CAINFO is passed over: /nonexistent/roots.pem"),
        "{}",
        done.stderr
    );
    assert!(!done.stderr.contains("CONDA"), "{}", done.stderr);
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let stage = Stage::new();
    let pipe = stage.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for endless in ["/dev/zero".to_owned(), pipe.display().to_string()] {
        let mut exec = stage.exec(&[], &["true"]);
        let done = done(exec.env("SSL_CERT_FILE", &endless).env("WGETRC", &endless));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let told = format!("SSL_CERT_FILE is passed over: {endless}: neither a file nor a folder");
        assert!(done.stderr.contains(&told), "{}", done.stderr);
    }
}

#[test]
fn java_gets_proxy_and_roots_beside_its_own_options() {
    let stage = Stage::new();
    let found = environment(&stage, &[], &[("JAVA_TOOL_OPTIONS", "-Xmx64m")]);
    let options: Vec<&str> = found["JAVA_TOOL_OPTIONS"].split(' ').collect();
    let port = found["HTTPS_PROXY"].rsplit_once(':').unwrap().1;
    assert_eq!(options[0], "-Xmx64m");
    for wanted in [
        "-Dhttps.proxyHost=127.0.0.1".to_owned(),
        format!("-Dhttps.proxyPort={port}"),
        format!("-Dhttp.proxyPort={port}"),
    ] {
        assert!(
            options.contains(&wanted.as_str()),
            "{wanted} in {options:?}"
        );
    }
    let direct = options
        .iter()
        .find_map(|option| option.strip_prefix("-Dhttp.nonProxyHosts="));
    assert!(
        direct
            .unwrap()
            .split('|')
            .any(|host| host == "169.254.169.254")
    );
    assert!(
        options
            .iter()
            .any(|option| option.starts_with("-Djavax.net.ssl.trustStore=/"))
    );
}

#[test]
fn wget_keeps_its_users_settings() {
    let stage = Stage::new();
    fs::write(stage.path(".wgetrc"), "tries = 7").unwrap();
    let done = stage.sh(&["--quiet"], "cat \"$WGETRC\"; echo \"$SSL_CERT_FILE\"");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines[0], "tries = 7");
    assert_eq!(lines[1], format!("ca_certificate = {}", lines[2]));
}

#[test]
fn settings_for_serve_do_not_get_in_the_way() {
    let stage = Stage::new();
    let file = stage.path("outgate.toml");
    fs::write(
        &file,
        "[listen]\nproxy = [\"0.0.0.0:3128\"]\nadmin = \"127.0.0.1:3129\"\n\
         [clients]\nallow = [\"10.0.0.0/8\"]\n\
         [audit]\npath = \"/dev/null/audit.jsonl\"\n\
         [intercept]\nexcept = [\"pinned.example\"]\n",
    )
    .unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let flags = ["--config", file.to_str().unwrap()];
    let done = stage.sh(
        &flags,
        "curl -s -o /dev/null -w '%{http_code}' http://s3.us-east-1.amazonaws.com/",
    );
    // Refused by a rule, and not because it is no client of this proxy.
    assert_eq!(done.stdout, "403", "{}", done.stderr);
    assert!(done.stderr.contains("aws-plaintext"), "{}", done.stderr);
    assert_eq!(stage.records().len(), 1);
}

/// A certificate such as an `exec` hands to its command.
fn own_authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "outgate 0123abcd");
    params.self_signed(&key).unwrap().pem()
}

/// The bodies of a PEM file's certificates, whatever their line ends.
fn certificates(pem: &str) -> Vec<String> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks
        .map(|block| {
            let body = block.split("-----END").next().unwrap();
            body.split_whitespace().collect()
        })
        .collect()
}
