//! What a person reads when the settings are wrong: every mistake, with its place, at once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

use outgate::config;
use outgate::config::FlagValue;
use outgate::config::Sources;

/// The messages, one a line.
fn messages(sources: &Sources<'_>) -> String {
    match config::load(sources) {
        Ok(loaded) => {
            let unsupported = loaded.settings.unsupported().iter();
            let lines: Vec<String> = unsupported
                .map(ToString::to_string)
                .chain(loaded.warnings)
                .collect();
            format!("fine\n{}", lines.join("\n"))
        }
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
    }
}

fn of_file(text: &str) -> String {
    messages(&Sources {
        file: Some(("outgate.toml", text)),
        ..Sources::default()
    })
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    insta::assert_snapshot!(of_file(
        r#"
mode = "enforced"
profile = "strict"
mod = "report"

[listen]
proxy = ["localhost:3128", "0.0.0.0:3128", "ftp://1.2.3.4:1", "unix:sock", ":80", "3128", "::1:80"]
admin = "127.0.0.1"
port = 3128

[clients]
allow = ["10.0.0.0/33", "10.1.2.3", "example.com"]

[tls]
profile = "basline"
preflight = true
extra_roots = "ca.pem"

[rules]
weak-tls = "warn"
weak_tls = "off"
plaintext = "upgrade"
malformed-request = "off"
limits = "report"

[destinations]
connect_ports = [443, 0, 70000, "22"]
rules = []
[[destinations.rule]]
hosts = ["https://example.com", "example.com:443", "10.0.0.0/40", "a.*.b"]
action = "drop"
[[destinations.rule]]
hosts = ["a.example"]
[[destinations.rule]]
action = "allow"
weak-tls = "off"
rules.weak-tls = "off"
rules.limits = "off"
colour = "blue"

[aws]
accounts = ["1234", 123456789012]
regions = ["EU-central-1"]

[upstream]
connect_to = ["a:1:b"]
allow_private = ["private"]
proxy = "http://user:hunter2@proxy:3128"
no_proxy = ["example.com", "http://a.example", "10.*"]

[timeouts]
handshake = "10"
connect = 10
idle = "90d"

[limits]
connections = 0
head_bytes = "64 kilobytes"
hello_bytes = 16
headers = 1.5

[audit]
stall = "5 s"
sync = "always"
"#
    ));
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    insta::assert_snapshot!(of_file(
        "mode = \"enforce\"\n[listen\nproxy = [\"127.0.0.1:1\"\n\n[tls]\nprofile = strict\nprofile = \"strict\"\n"
    ));
}

#[test]
fn a_key_that_stands_twice_hides_no_other_mistake() {
    insta::assert_snapshot!(of_file(
        "mode = \"report\"\nmode = \"enforce\"\nmod = 1\n[tls]\nprofile = \"weak\"\n[tls]\nroots = 1\n"
    ));
}

#[test]
fn sections_and_keys_are_not_confused() {
    insta::assert_snapshot!(of_file(
        "tls = \"strict\"\n[mode]\na = 1\n[destinations.rule]\naction = \"allow\"\n[nonsense]\na = 1\n"
    ));
}

#[test]
fn listeners_that_others_reach_need_clients() {
    let cases = [
        (
            "proxy = [\"127.0.0.1:1\", \"[::1]:1\", \"unix:/run/o.sock\"]",
            true,
        ),
        ("proxy = [\"0.0.0.0:3128\"]", false),
        ("proxy = [\"127.0.0.1:1\", \"10.0.0.1:1\"]", false),
        (
            "proxy = [\"0.0.0.0:3128\"]\n[clients]\nallow = [\"127.0.0.0/8\"]",
            true,
        ),
        (
            "proxy = [\"0.0.0.0:3128\"]\n[clients]\nbasic_auth_file = \"users\"",
            true,
        ),
        ("proxy = []", false),
        ("proxy = [\"127.0.0.1:1\", \"127.0.0.1:1\"]", false),
        ("proxy = [\"127.0.0.1:0\", \"127.0.0.1:0\"]", true),
        ("proxy = [\"127.0.0.1:3129\"]", false),
        ("proxy = [\"127.0.0.1:3129\"]\nadmin = \"\"", true),
    ];
    let mut text = String::new();
    for (listen, is_fine) in cases {
        let told = of_file(&format!("[listen]\n{listen}\n"));
        assert_eq!(told.starts_with("fine"), is_fine, "{listen}: {told}");
        if !is_fine {
            text.push_str(&format!("{listen}\n  {told}\n"));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_a_tunnel_cannot_see_is_refused_unless_accepted() {
    let rule = "[[destinations.rule]]\nhosts = [\"*.amazonaws.com\"]\naction = \"deny\"\n";
    let cases = [
        ("[aws]\naccounts = [\"123456789012\"]\nrequire_kms = true\n".to_owned(), false),
        ("[aws]\nrequire_temporary_credentials = true\n".to_owned(), false),
        ("[aws]\nregions = [\"us-east-1\"]\nrequire_fips = true\n".to_owned(), true),
        ("allow_unseen = true\n[aws]\naccounts = [\"123456789012\"]\n".to_owned(), true),
        ("[aws]\naccounts = [\"123456789012\"]\nallow_unseen = true\n".to_owned(), true),
        ("intercept.hosts = \"aws\"\n[aws]\nrequire_kms = true\n".to_owned(), true),
        ("intercept.hosts = \"aws\"\nintercept.except = [\"a.example\"]\naws.require_kms = true\n".to_owned(), false),
        (format!("{rule}operations = [\"s3:PutObject\"]\nbuckets = [\"b\"]\n"), false),
        (format!("{rule}services = [\"s3\"]\nregions = [\"us-east-1\"]\n"), true),
        (format!("{rule}buckets = [\"b\"]\nallow_unseen = true\n"), true),
        (format!("{rule}buckets = [\"b\"]\nintercept = true\n"), true),
        (format!("intercept.hosts = [\"*.amazonaws.com\"]\n{rule}buckets = [\"b\"]\n"), true),
        (format!("intercept.hosts = [\"a.example\"]\n{rule}buckets = [\"b\"]\n"), false),
    ];
    let mut text = String::new();
    for (file, is_fine) in cases {
        let told = of_file(&file);
        assert_eq!(told.starts_with("fine"), is_fine, "{file}: {told}");
        if !is_fine {
            text.push_str(&format!("{told}\n"));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn only_hosts_listed_one_by_one_may_fall_back_to_a_tunnel() {
    let cases = [
        ("[\"a.example\", \"10.0.0.1\"]", true),
        ("[\"a.example\", \"*.b.example\"]", false),
        ("[\"10.0.0.0/8\"]", false),
        ("[\"*\"]", false),
        ("\"aws\"", false),
        ("\"all\"", false),
        ("\"none\"", false),
    ];
    for (hosts, is_fine) in cases {
        let told = of_file(&format!(
            "[intercept]\non_client_rejects = \"tunnel\"\nhosts = {hosts}\n"
        ));
        assert_eq!(told.starts_with("fine"), is_fine, "{hosts}: {told}");
    }
    insta::assert_snapshot!(of_file("intercept.on_client_rejects = \"tunnel\"\n"));
}

#[test]
fn a_parent_proxys_password_has_its_places() {
    let of = |text: &str, env: &[(&str, &str)]| {
        let env: Vec<(String, String)> = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        messages(&Sources {
            file: Some(("outgate.toml", text)),
            env: &env,
            ..Sources::default()
        })
    };
    let password = [("OUTGATE_UPSTREAM_PROXY_PASSWORD", "hunter2")];
    let cases: [(&str, &[(&str, &str)]); 7] = [
        ("upstream.proxy = \"http://me@proxy:3128\"\n", &password),
        ("upstream.proxy = \"http://me@proxy:3128\"\n", &[]),
        ("upstream.proxy = \"http://proxy:3128\"\n", &password),
        (
            "upstream.proxy = \"http://proxy:3128\"\nupstream.proxy_password_file = \"/f\"\n",
            &[],
        ),
        ("upstream.proxy = \"http://me:hunter2@proxy:3128\"\n", &[]),
        (
            "upstream.no_proxy = [\"a.example\"]\nupstream.proxy_password_file = \"/f\"\n",
            &[],
        ),
        (
            "",
            &[("OUTGATE_UPSTREAM_PROXY", "http://me:hunter2@proxy:3128")],
        ),
    ];
    let told: Vec<String> = cases.iter().map(|(text, env)| of(text, env)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_interception_would_show_and_is_not_read_yet_is_told() {
    insta::assert_snapshot!(of_file(
        r#"
intercept.hosts = "aws"
[aws]
accounts = ["123456789012"]
[[destinations.rule]]
action = "deny"
operations = ["s3:PutObject"]
[[destinations.rule]]
action = "deny"
buckets = ["b"]
allow_unseen = true
"#
    ));
}

#[test]
fn what_is_not_built_yet_is_told_and_not_passed_over() {
    insta::assert_snapshot!(of_file(
        r#"
[listen]
proxy = ["tls://127.0.0.1:3128"]
transparent = ["127.0.0.1:3130"]
[clients]
basic_auth_file = "users"
tls_client_ca = ""
[intercept]
hosts = "aws"
[upstream]
resolver = "dns"
proxy = "http://proxy:3128"
[audit]
process = true
rotate_size = "100MiB"
keep = 0
[[destinations.rule]]
hosts = ["a.example"]
intercept = true
"#
    ));
}

#[test]
fn variables_and_flags_are_named_as_they_were_typed() {
    let env: Vec<(String, String)> = [
        ("OUTGATE_MODE", "audit"),
        ("OUTGATE_LISTEN_PROXY", "127.0.0.1:1, localhost:2"),
        ("OUTGATE_AWS_REQUIRE_FIPS", "yes"),
        ("OUTGATE_LIMITS_CONNECTIONS", "many"),
        ("OUTGATE_TLS_PROFIL", "strict"),
        ("OUTGATE_CONFIG", "/etc/outgate.toml"),
        ("OUTGATE_PORT", "tcp://10.0.0.1:3128"),
        ("OUTGATE_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let flags = vec![
        FlagValue {
            flag: "--allow-private".to_owned(),
            key: "upstream.allow_private".to_owned(),
            values: vec!["10.0.0.0/8".to_owned(), "internal".to_owned()],
        },
        FlagValue {
            flag: "--mode".to_owned(),
            key: "mode".to_owned(),
            values: vec!["off".to_owned()],
        },
        FlagValue {
            flag: "--intercept".to_owned(),
            key: "intercept.hosts".to_owned(),
            values: vec!["al".to_owned()],
        },
    ];
    insta::assert_snapshot!(messages(&Sources {
        file: None,
        env: &env,
        flags,
    }));
    let only_unknown = Sources {
        file: None,
        env: &env[4..5],
        flags: Vec::new(),
    };
    insta::assert_snapshot!("an_unknown_variable_is_a_warning", messages(&only_unknown));
}
