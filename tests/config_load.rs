//! Sources, precedence, defaults, and what the examples and the documents promise.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use outgate::config;
use outgate::config::FlagValue;
use outgate::config::Listener;
use outgate::config::Loaded;
use outgate::config::Origin;
use outgate::config::Sources;
use outgate::config::keys;
use outgate::logic::policy::InterceptHosts;
use outgate::logic::policy::PolicySpec;
use outgate::logic::policy::ProfileName;
use outgate::model::Action;
use outgate::model::Mode;
use outgate::model::Rule;
use outgate::model::limits;
use proptest::prelude::*;

fn of_file(text: &str) -> Loaded {
    let loaded = config::load(&Sources {
        file: Some(("outgate.toml", text)),
        ..Sources::default()
    });
    loaded.unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

#[test]
fn without_sources_it_is_the_default_proxy() {
    let loaded = config::load(&Sources::default()).unwrap();
    let settings = loaded.settings;
    assert_eq!(
        settings.listen.proxy,
        [Listener::Tcp("127.0.0.1:3128".parse().unwrap())]
    );
    assert_eq!(
        settings.listen.admin,
        Some("127.0.0.1:3129".parse().unwrap())
    );
    assert_eq!(settings.limits.head_bytes, limits::MAX_HEAD);
    assert_eq!(settings.limits.hello_bytes, limits::MAX_CLIENT_HELLO);
    assert!(settings.unsupported().is_empty());
    assert!(loaded.warnings.is_empty());
    // The table's defaults and the policy's own are the same.
    assert_eq!(*settings.policy, PolicySpec::default());
    insta::assert_snapshot!(
        loaded
            .shown
            .iter()
            .map(|setting| format!("{} = {}", setting.key, setting.value))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn listeners_on_a_network_change_two_defaults() {
    let text = "listen.proxy = [\"0.0.0.0:3128\"]\nclients.allow = [\"10.0.0.0/8\"]\n";
    let loaded = of_file(text);
    let policy = &loaded.settings.policy;
    assert!(!policy.local);
    assert_eq!(policy.rules.get(Rule::Port), Action::Block);
    assert_eq!(policy.rules.get(Rule::PrivateAddress), Action::Block);
    let shown = |key: &str| {
        let found = loaded.shown.iter().find(|setting| setting.key == key);
        found.map(|setting| setting.value.as_str())
    };
    assert_eq!(shown("rules.port"), Some("\"block\""));
    // A set value wins on either side.
    let loaded = of_file(&format!("{text}rules.port = \"report\"\n"));
    assert_eq!(loaded.settings.policy.rules.get(Rule::Port), Action::Report);
    let loaded = of_file("rules.port = \"block\"\n");
    assert_eq!(loaded.settings.policy.rules.get(Rule::Port), Action::Block);
}

#[test]
fn the_stronger_source_wins_and_is_named() {
    let env = [
        ("OUTGATE_TLS_PROFILE".to_owned(), "fips".to_owned()),
        (
            "OUTGATE_LISTEN_PROXY".to_owned(),
            "127.0.0.1:1,unix:/run/o.sock".to_owned(),
        ),
        (
            "OUTGATE_DESTINATIONS_CONNECT_PORTS".to_owned(),
            "443, 22".to_owned(),
        ),
        (
            "OUTGATE_RULES_AWS_PLAINTEXT".to_owned(),
            "upgrade".to_owned(),
        ),
        (
            "OUTGATE_INTERCEPT_EXCEPT".to_owned(),
            "a.example,*.b.example".to_owned(),
        ),
        ("OUTGATE_LISTEN_ADMIN".to_owned(), String::new()),
    ];
    let flags = vec![
        FlagValue {
            flag: "--mode".to_owned(),
            key: "mode".to_owned(),
            values: vec!["report".to_owned()],
        },
        FlagValue {
            flag: "--connect-to".to_owned(),
            key: "upstream.connect_to".to_owned(),
            values: vec!["::127.0.0.1:5000".to_owned(), "a:1:[::1]:2".to_owned()],
        },
    ];
    let flags = [
        flags,
        vec![FlagValue {
            flag: "--extra-root".to_owned(),
            key: "tls.extra_roots".to_owned(),
            values: vec!["/a,b.pem".to_owned(), "/c.pem".to_owned()],
        }],
    ]
    .concat();
    let file = "mode = \"enforce\"\n\n[tls]\nprofile = \"strict\"\npreflight = \"all\"\n";
    let loaded = config::load(&Sources {
        file: Some(("/etc/outgate/outgate.toml", file)),
        env: &env,
        flags,
    })
    .unwrap();
    let policy = &loaded.settings.policy;
    assert_eq!(policy.mode, Mode::Report);
    assert_eq!(policy.tls.profile, ProfileName::Fips);
    assert_eq!(policy.destinations.connect_ports, [443, 22]);
    assert_eq!(policy.rules.get(Rule::AwsPlaintext), Action::Upgrade);
    assert_eq!(policy.connect_to.0.len(), 2);
    assert_eq!(policy.intercept.except.len(), 2);
    assert_eq!(loaded.settings.listen.proxy.len(), 2);
    assert_eq!(loaded.settings.listen.admin, None);
    let shown: Vec<String> = loaded
        .shown
        .iter()
        .filter(|setting| setting.origin != Origin::Default)
        .map(|setting| format!("{} = {}  # {}", setting.key, setting.value, setting.origin))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn destination_rules_are_read_and_shown() {
    let loaded = of_file(
        r#"
[destinations]
default = "deny"
[[destinations.rule]]
hosts = ["*.Example.com.", "10.0.0.0/8"]
ports = [443]
services = ["s3"]
regions = ["us-east-1"]
action = "allow"
tls.profile = "strict"
tls.preflight = "off"
weak-tls = "report"
rules.not-tls = "off"
mode = "report"
[[destinations.rule]]
action = "deny"
reason = "told to the user"
"#,
    );
    let rules = &loaded.settings.policy.destinations.rules;
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0].profile, Some(ProfileName::Strict));
    assert_eq!(
        rules[0].rules,
        [(Rule::NotTls, Action::Off), (Rule::WeakTls, Action::Report)]
    );
    assert_eq!(rules[1].reason.as_deref(), Some("told to the user"));
    let shown: Vec<String> = loaded
        .shown
        .iter()
        .filter(|setting| setting.key.starts_with("destinations.rule."))
        .map(|setting| format!("{} = {}  # {}", setting.key, setting.value, setting.origin))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn interception_is_read_in_all_its_forms() {
    let hosts = |text: &str| {
        let loaded = of_file(&format!("intercept.hosts = {text}\n"));
        loaded.settings.policy.intercept.hosts.clone()
    };
    assert_eq!(hosts("\"none\""), InterceptHosts::None);
    assert_eq!(hosts("\"aws\""), InterceptHosts::Aws);
    assert_eq!(hosts("\"all\""), InterceptHosts::All);
    assert!(
        matches!(hosts("[\"*.example.com\"]"), InterceptHosts::Listed(list) if list.len() == 1)
    );
}

#[test]
fn the_rules_that_tunnels_hide_are_those_that_interception_leaves() {
    let blind = |text: &str| {
        let rules = of_file(text).settings.blind_rules();
        rules.iter().map(|rule| rule.id()).collect::<Vec<_>>()
    };
    let all = [
        "url-credentials",
        "aws-signature",
        "aws-guardrail",
        "presigned-url",
        "sensitive-data",
    ];
    assert_eq!(blind(""), all);
    assert_eq!(
        blind("intercept.hosts = \"aws\"\n"),
        ["url-credentials", "presigned-url"]
    );
    assert_eq!(blind("intercept.hosts = \"all\"\n"), [""; 0]);
    let excepted = "intercept.hosts = \"all\"\nintercept.except = [\"a.example\"]\n";
    assert_eq!(blind(excepted), all);
    let by_rule = "intercept.hosts = \"all\"\n[[destinations.rule]]\nintercept = false\n";
    assert_eq!(blind(by_rule), all);
}

#[test]
fn what_is_shown_reads_back_to_the_same_policy() {
    for file in examples() {
        let first = of_file(&file.1);
        let mut text = String::new();
        for setting in &first.shown {
            if !setting.key.starts_with("destinations.rule.") {
                text.push_str(&format!("{} = {}\n", setting.key, setting.value));
            }
        }
        let count = first.settings.policy.destinations.rules.len();
        for number in 1..=count {
            text.push_str("[[destinations.rule]]\n");
            let prefix = format!("destinations.rule.{number}.");
            for setting in &first.shown {
                if let Some(key) = setting.key.strip_prefix(&prefix) {
                    text.push_str(&format!("{key} = {}\n", setting.value));
                }
            }
        }
        let second = of_file(&text);
        assert_eq!(
            first.settings.policy.hash(),
            second.settings.policy.hash(),
            "{}",
            file.0
        );
    }
}

fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            #[expect(clippy::disallowed_methods, reason = "a test reads its own files")]
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    assert!(found.len() >= 4, "the examples are there");
    found
}

#[test]
fn the_examples_are_settings_that_this_version_serves() {
    for (path, text) in examples() {
        let loaded = of_file(&text);
        assert_eq!(loaded.settings.unsupported(), [], "{path}");
        assert_eq!(loaded.warnings, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn the_document_has_every_key_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    #[expect(clippy::disallowed_methods, reason = "a test reads its own files")]
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let mut expected = Vec::new();
    for key in keys::all() {
        expected.push(row(key.name, key));
    }
    // The rules by id are the same as in [rules], and stand there.
    for key in keys::of_rule().filter(|key| key.rule().is_none()) {
        expected.push(row(key.name, key));
    }
    let (rows, expected): (BTreeSet<_>, BTreeSet<_>) = (
        rows.into_iter().collect(),
        expected.iter().map(String::as_str).collect(),
    );
    let missing: Vec<_> = expected.difference(&rows).collect();
    let stray: Vec<_> = rows.difference(&expected).collect();
    assert!(
        missing.is_empty() && stray.is_empty(),
        "missing: {missing:#?}\nstray: {stray:#?}"
    );
}

fn row(name: &str, key: &keys::Key) -> String {
    let default = match key.default {
        "" => "unset".to_owned(),
        default => format!("`{default}`"),
    };
    let later = if key.later { " *(later)*" } else { "" };
    format!("| `{name}` | {default} | {}{later} |", key.doc)
}

#[test]
fn variables_do_not_collide() {
    let mut seen = BTreeMap::new();
    for key in keys::all() {
        if let Some(other) = seen.insert(key.variable(), key.name) {
            panic!("{other} and {} are both {}", key.name, key.variable());
        }
    }
    assert_eq!(seen.get("OUTGATE_LISTEN_PROXY"), Some(&"listen.proxy"));
}

#[test]
fn schema_and_table_have_the_same_keys() {
    fn leaves(prefix: &str, schema: &serde_json::Value, found: &mut BTreeSet<String>) {
        assert_eq!(schema["additionalProperties"], false, "{prefix}");
        for (name, value) in schema["properties"].as_object().unwrap() {
            let path = format!("{prefix}{name}");
            if value.get("properties").is_some() {
                leaves(&format!("{path}."), value, found);
            } else if path == "destinations.rule" {
                leaves("rule:", &value["items"], found);
            } else {
                assert!(value.get("description").is_some(), "{path}");
                found.insert(path);
            }
        }
    }
    let schema = config::schema();
    let mut found = BTreeSet::new();
    leaves("", &schema, &mut found);
    let mut expected: BTreeSet<String> = keys::all().map(|key| key.name.to_owned()).collect();
    expected.extend(keys::of_rule().map(|key| format!("rule:{}", key.name)));
    assert_eq!(found, expected);
}

/// Each key with its own default, set in a file, is accepted, and every word that the schema
/// lists too.
#[test]
fn what_the_schema_lists_is_accepted() {
    for key in keys::all() {
        let loaded = of_file(&format!("{} = {}\n", key.name, key.default));
        let shown = loaded
            .shown
            .iter()
            .find(|setting| setting.key == key.name)
            .unwrap();
        assert_eq!(shown.value, key.default, "{}", key.name);
        if let keys::Kind::Word(words) | keys::Kind::WordOrList(words, _) = key.kind {
            for word in words {
                let needed = match key.name {
                    "intercept.on_client_rejects" => "intercept.hosts = [\"a.example\"]\n",
                    _ => "",
                };
                of_file(&format!("{needed}{} = \"{word}\"\n", key.name));
            }
        }
    }
    for key in keys::of_rule() {
        if let keys::Kind::Word(words) = key.kind {
            for word in words {
                of_file(&format!(
                    "[[destinations.rule]]\n{} = \"{word}\"\n",
                    key.name
                ));
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(mode|tls|\\[|\\]|\\[\\[destinations.rule\\]\\]|=|\"[a-z*./:]{0,8}\"|[0-9.]{1,4}|\n|\\.| |profile|hosts|\\{|\\}|,|#|é){0,24}") {
        let _ = config::load(&Sources { file: Some(("f", &text)), ..Sources::default() });
    }

    #[test]
    fn no_variable_panics(place in 0usize..80, value in ".{0,16}") {
        let keys: Vec<_> = keys::all().collect();
        let env = [(keys[place % keys.len()].variable(), value)];
        let _ = config::load(&Sources { env: &env, ..Sources::default() });
    }
}
