use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::logic::policy::Access;
use crate::logic::policy::DestinationRule;
use crate::logic::policy::HostPattern;
use crate::logic::policy::InterceptHosts;
use crate::logic::policy::PolicySpec;
use crate::logic::policy::Redirect;
use crate::logic::policy::default_actions;
use crate::logic::scan::FingerprintKey;
use crate::model::Action;
use crate::model::Mode;
use crate::model::Rule;

fn with(change: impl FnOnce(&mut PolicySpec)) -> Policy {
    let mut spec = PolicySpec::default();
    change(&mut spec);
    Policy::new(spec)
}

fn explain(policy: &Policy, line: &str) -> Value {
    let json = Explainer::new(policy, &[]).line(line.as_bytes()).json();
    serde_json::from_str(&json).unwrap()
}

#[test]
fn what_the_proxy_does_not_look_for_is_not_called_enforced() {
    let cases = [
        ("http://user:pass@example.com/", "true"),
        ("http://example.com/?access_token=4f9a2c71be08d365", "false"),
        (
            "http://user:pass@example.com/?access_token=4f9a2c71be08d365",
            "true",
        ),
        ("http://example.com/", "true"),
    ];
    for (line, enforced) in cases {
        assert_eq!(short(&Policy::default(), line).2, enforced, "{line}");
    }
}

/// Verdict, rule and whether it is enforced.
fn short(policy: &Policy, line: &str) -> (String, String, String) {
    let value = explain(policy, line);
    let text = |key: &str| {
        let field = &value[key];
        field
            .as_str()
            .map_or_else(|| field.to_string(), str::to_owned)
    };
    (text("verdict"), text("rule"), text("enforced"))
}

#[test]
fn verdicts_under_the_defaults() {
    let policy = Policy::default();
    let cases = [
        ("https://example.com/a?b=c#d", "allow", "null", "true"),
        ("HTTPS://EXAMPLE.com", "allow", "null", "true"),
        (
            "https://s3.us-east-1.amazonaws.com/b/k",
            "allow",
            "null",
            "true",
        ),
        (
            "http://s3.amazonaws.com/b/k",
            "block",
            "aws-plaintext",
            "true",
        ),
        (
            "http://S3.AMAZONAWS.COM./b/k",
            "block",
            "aws-plaintext",
            "true",
        ),
        ("http://example.com/", "report", "plaintext", "true"),
        (
            "http://s3.amazonaws.com.example.com/",
            "report",
            "plaintext",
            "true",
        ),
        ("ws://example.com/", "report", "plaintext", "true"),
        ("wss://example.com/", "allow", "null", "true"),
        // Credentials: seen in plaintext, not in a tunnel.
        (
            "http://user:pass@example.com/",
            "block",
            "url-credentials",
            "true",
        ),
        (
            "https://user:pass@example.com/",
            "block",
            "url-credentials",
            "false",
        ),
        (
            "https://user:p@ss@example.com/",
            "block",
            "url-credentials",
            "false",
        ),
        (
            "https://:pass@example.com/",
            "block",
            "url-credentials",
            "false",
        ),
        (
            "https://user@example.com/",
            "report",
            "url-credentials",
            "false",
        ),
        (
            "https://user:@example.com/",
            "report",
            "url-credentials",
            "false",
        ),
        ("https://@example.com/", "allow", "null", "true"),
        (
            "http://user:pass@s3.amazonaws.com/",
            "block",
            "url-credentials",
            "true",
        ),
        // Ports and addresses.
        ("https://example.com:8443/", "allow", "null", "true"),
        ("https://example.com:22/", "report", "port", "true"),
        ("https://example.com:80/", "report", "port", "true"),
        (
            "https://s3.amazonaws.com:80/",
            "block",
            "aws-plaintext",
            "true",
        ),
        (
            "http://169.254.169.254/latest/meta-data/",
            "block",
            "instance-metadata",
            "true",
        ),
        (
            "https://169.254.169.254/",
            "block",
            "instance-metadata",
            "true",
        ),
        ("http://0xa9fea9fe/", "block", "instance-metadata", "true"),
        (
            "http://[::ffff:169.254.169.254]/",
            "block",
            "instance-metadata",
            "true",
        ),
        (
            "http://metadata.google.internal/",
            "block",
            "instance-metadata",
            "true",
        ),
        ("https://10.0.0.1/", "report", "private-address", "true"),
        ("https://localhost/", "report", "private-address", "true"),
        ("https://169.254.1.1/", "block", "private-address", "true"),
        ("https://8.8.8.8/", "allow", "null", "true"),
        // Destinations alone.
        (r#"{"host":"s3.amazonaws.com"}"#, "allow", "null", "true"),
        (
            r#"{"host":"s3.amazonaws.com:80"}"#,
            "block",
            "aws-plaintext",
            "true",
        ),
        (
            r#"{"host":"http://s3.amazonaws.com"}"#,
            "block",
            "aws-plaintext",
            "true",
        ),
        (
            r#"{"host":"169.254.170.2"}"#,
            "block",
            "instance-metadata",
            "true",
        ),
        (r#"{"host":"::1"}"#, "report", "private-address", "true"),
        (
            r#"{"host":"fd00:ec2::254"}"#,
            "block",
            "instance-metadata",
            "true",
        ),
        ("example.com", "allow", "null", "true"),
        ("example.com:25", "report", "port", "true"),
        ("[fd00:ec2::254]:443", "block", "instance-metadata", "true"),
        // Requests.
        (r#"{"url":"https://example.com/"}"#, "allow", "null", "true"),
        (
            r#"{"url":"https://example.com/","headers":{"Host":"example.org"}}"#,
            "block",
            "sni-mismatch",
            "false",
        ),
        (
            r#"{"url":"http://example.com/","headers":[["host","EXAMPLE.com:80"]]}"#,
            "report",
            "plaintext",
            "true",
        ),
        (
            r#"{"url":"http://example.com/","headers":{":authority":"example.org"}}"#,
            "block",
            "sni-mismatch",
            "true",
        ),
        (
            r#"{"url":"http://example.com/","headers":[["Host","a"],["Host","b"]]}"#,
            "block",
            "malformed-request",
            "true",
        ),
        (
            r#"{"method":"POST","url":"http://example.com/","headers":{"Content-Length":"1","Transfer-Encoding":"chunked"}}"#,
            "block",
            "malformed-request",
            "true",
        ),
        (
            r#"{"url":"http://example.com/","headers":{"X":"a\r\nHost: b"}}"#,
            "block",
            "malformed-request",
            "true",
        ),
        (
            r#"{"url":"http://minio.example:9000/","headers":{"Authorization":"AWS4-HMAC-SHA256 x"}}"#,
            "block",
            "aws-plaintext",
            "true",
        ),
        (
            r#"{"url":"http://localhost:9000/","headers":{"Authorization":"AWS4-HMAC-SHA256 x"}}"#,
            "report",
            "private-address",
            "true",
        ),
        (
            r#"{"method":"CONNECT","url":"example.com:22"}"#,
            "report",
            "port",
            "true",
        ),
        (
            r#"{"field":"Tags[0].Value","value":"4111 1111 1111 1111"}"#,
            "allow",
            "null",
            "false",
        ),
        // A target that cannot be reached by what it says.
        (
            "https://example.com:99999/",
            "block",
            "malformed-request",
            "true",
        ),
        (
            "http://example.com:0/",
            "block",
            "malformed-request",
            "true",
        ),
        ("http:///path", "block", "malformed-request", "true"),
        (
            r"https://example.com\@s3.amazonaws.com/",
            "block",
            "malformed-request",
            "true",
        ),
        (
            "https://[fe80::1%25eth0]/",
            "block",
            "malformed-request",
            "true",
        ),
    ];
    for (line, verdict, rule, enforced) in cases {
        let found = short(&policy, line);
        let found = (found.0.as_str(), found.1.as_str(), found.2.as_str());
        assert_eq!(found, (verdict, rule, enforced), "{line}");
    }
}

#[test]
fn what_cannot_be_read_is_answered_without_being_repeated() {
    let policy = Policy::default();
    let secret = "hunter2secret";
    let lines = [
        String::new(),
        "   ".to_owned(),
        secret.to_owned(),
        format!("not a url {secret}"),
        format!("ftp://user:{secret}@example.com/"),
        format!("https://user:{secret}@example.com:99999/"),
        format!("https://user:{secret}/x@example.com/"),
        format!("https://user:{secret}\\@example.com/"),
        format!("https://exa mple.com/{secret}"),
        format!("user:{secret}@example.com"),
        format!("{{\"url\":\"https://example.com/{secret}\""),
        format!("{{\"url\":\"https://a/\",\"url\":\"{secret}\"}}"),
        format!("{{\"host\":\"{secret}@\"}}"),
        format!("{{\"method\":\"{secret} x\",\"url\":\"https://a/\"}}"),
        format!("{{\"url\":\"https://a/\",\"headers\":\"{secret}\"}}"),
        format!("{{\"url\":\"https://a/\",\"headers\":[[\"{secret}\"]]}}"),
        format!("{{\"url\":\"https://a/\",\"headers\":{{\"A\":[1,\"{secret}\"]}}}}"),
        format!("{{\"url\":\"https://a/\",\"body\":\"{secret}!\",\"body_encoding\":\"base64\"}}"),
        format!("{{\"url\":\"https://a/\",\"body_encoding\":\"{secret}\"}}"),
        format!("{{\"url\":\"https://a/\",\"host\":\"{secret}\"}}"),
        format!("{{\"field\":\"{secret}\"}}"),
        format!("{{\"other\":\"{secret}\"}}"),
        format!("[\"{secret}\"]"),
        "{\"url\":5}".to_owned(),
        "[".repeat(10_000),
        "{\"a\":".repeat(10_000),
    ];
    for line in lines {
        let value = explain(&policy, &line);
        let text = value.to_string();
        assert!(value["error"].is_string(), "{line}: {text}");
        assert!(
            value["url"].is_null() && value["destination"].is_null(),
            "{text}"
        );
        assert!(!text.contains(secret), "{text}");
        assert_ne!(value["verdict"], "allow", "{text}");
    }
}

#[test]
fn the_answer_has_exactly_its_fields() {
    let policy = Policy::default();
    let line = r#"{"method":"PUT","url":"https://user:pass@bucket.s3.us-east-1.amazonaws.com/k?token=x","headers":{"Authorization":"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"},"body":"aGVsbG8=","body_encoding":"base64"}"#;
    let json = Explainer::new(&policy, &[]).line(line.as_bytes()).json();
    let expected = r#"{"verdict":"block","rule":"url-credentials","enforced":false,"findings":[{"rule":"url-credentials","kind":"userinfo","where":"userinfo","action":"block","severity":"high","length":9,"fingerprint":null,"hint":"The URL carries a user name and a password (user:password@host). Send them in an Authorization header (curl --user, requests auth=), or keep them in a netrc or a git credential helper."}],"destination":{"host":"bucket.s3.us-east-1.amazonaws.com","port":443,"class":"aws","service":"s3","region":"us-east-1","partition":"aws","fips":false,"dualstack":false},"aws":{"service":"s3","operation":"PutObject","region":"us-east-1","access_key_id":"AKIAIOSFODNN7EXAMPLE","account_id":null,"auth":"sigv4","presigned":false},"url":"https://***@bucket.s3.us-east-1.amazonaws.com/k?token=***","error":null}"#;
    assert_eq!(json, expected);

    let other = explain(&policy, "https://example.com/");
    assert_eq!(other["aws"], Value::Null);
    assert_eq!(other["destination"]["class"], "other");
    for key in ["service", "region", "partition", "fips", "dualstack"] {
        assert_eq!(other["destination"][key], Value::Null, "{key}");
    }
    let host = explain(&policy, r#"{"host":"sts.amazonaws.com"}"#);
    assert_eq!(host["aws"]["service"], "sts");
    assert_eq!(host["aws"]["auth"], Value::Null);
    assert_eq!(host["url"], "sts.amazonaws.com:443");
}

#[test]
fn what_is_inside_tls_is_enforced_where_it_is_intercepted() {
    let aws = "https://user:pass@s3.us-east-1.amazonaws.com/b/k";
    let other = "https://user:pass@example.com/";
    let fronted = r#"{"url":"https://example.com/","headers":{"Host":"evil.example"}}"#;
    let hosts = |hosts: InterceptHosts, except: &str| {
        with(|spec| {
            spec.intercept.hosts = hosts;
            spec.intercept
                .except
                .extend(HostPattern::parse(except).ok());
        })
    };
    let by_rule = |host: &str, intercept: bool| {
        with(|spec| {
            spec.intercept.hosts = InterceptHosts::Aws;
            spec.destinations.rules.push(DestinationRule {
                hosts: vec![HostPattern::parse(host).unwrap()],
                intercept: Some(intercept),
                ..DestinationRule::default()
            });
        })
    };
    let listed = |host: &str| InterceptHosts::Listed(vec![HostPattern::parse(host).unwrap()]);
    let cases = [
        (hosts(InterceptHosts::None, ""), [false, false, false]),
        (hosts(InterceptHosts::Aws, ""), [true, false, false]),
        (hosts(InterceptHosts::All, ""), [true, true, true]),
        (
            hosts(InterceptHosts::All, "example.com"),
            [true, false, false],
        ),
        (hosts(listed("example.com"), ""), [false, true, true]),
        (hosts(listed("*.amazonaws.com"), ""), [true, false, false]),
        (by_rule("example.com", true), [true, true, true]),
        (by_rule("*.amazonaws.com", false), [false, false, false]),
    ];
    for (place, (policy, enforced)) in cases.iter().enumerate() {
        for (line, enforced) in [aws, other, fronted].into_iter().zip(enforced) {
            let (verdict, _, found) = short(policy, line);
            assert_eq!(
                (verdict.as_str(), found),
                ("block", enforced.to_string()),
                "case {place}: {line}"
            );
        }
    }
}

#[test]
fn settings_change_the_verdict() {
    let credentials = "https://user:pass@example.com/";
    let plain = "http://s3.amazonaws.com/";
    let cases: [(Policy, &str, &str, &str); 13] = [
        (
            with(|spec| spec.intercept.hosts = InterceptHosts::All),
            credentials,
            "block",
            "true",
        ),
        (
            with(|spec| spec.intercept.hosts = InterceptHosts::Aws),
            credentials,
            "block",
            "false",
        ),
        (
            with(|spec| spec.rules.set(Rule::UrlCredentials, Action::Strip)),
            "http://user:pass@example.com/",
            "strip",
            "true",
        ),
        (
            with(|spec| spec.rules.set(Rule::UrlCredentials, Action::Off)),
            credentials,
            "allow",
            "true",
        ),
        (
            with(|spec| spec.rules.set(Rule::UrlCredentials, Action::Report)),
            credentials,
            "report",
            "false",
        ),
        (
            with(|spec| spec.rules.set(Rule::AwsPlaintext, Action::Upgrade)),
            plain,
            "upgrade",
            "true",
        ),
        (
            with(|spec| spec.mode = Mode::Report),
            plain,
            "report",
            "true",
        ),
        (
            with(|spec| spec.destinations.default = Access::Deny),
            "https://example.com/",
            "block",
            "true",
        ),
        // Refused for its destination in any case.
        (
            with(|spec| spec.destinations.default = Access::Deny),
            "https://user@example.com/",
            "block",
            "true",
        ),
        (
            with(|spec| spec.aws.regions = vec!["eu-west-1".to_owned()]),
            "https://s3.us-east-1.amazonaws.com/",
            "block",
            "true",
        ),
        (
            with(|spec| {
                spec.local = false;
                spec.rules = default_actions(false);
            }),
            "https://example.com:22/",
            "block",
            "true",
        ),
        (
            with(|spec| {
                spec.connect_to
                    .0
                    .push(Redirect::parse("::127.0.0.1:5000").unwrap())
            }),
            "https://s3.amazonaws.com/",
            "allow",
            "true",
        ),
        (
            with(|spec| {
                spec.connect_to
                    .0
                    .push(Redirect::parse("::127.0.0.1:5000").unwrap())
            }),
            plain,
            "block",
            "true",
        ),
    ];
    for (policy, line, verdict, enforced) in cases {
        let found = short(&policy, line);
        assert_eq!(
            (found.0.as_str(), found.2.as_str()),
            (verdict, enforced),
            "{line}"
        );
    }
    let own = ["127.0.0.1:3128".parse().unwrap()];
    let policy = Policy::default();
    let found = Explainer::new(&policy, &own).line(b"http://127.0.0.1:3128/");
    assert!(
        found
            .findings
            .iter()
            .any(|finding| finding.kind == "own-listener")
    );
    assert_eq!(found.verdict, Some(crate::model::Verdict::Block));
}

#[test]
fn secrets_in_urls_and_headers_are_told_and_not_shown() {
    let policy = Policy::default();
    let key = FingerprintKey::new([3; 32]);
    let explain = |line: &str| -> Value {
        let explainer = Explainer::new(&policy, &[]).with_key(&key);
        serde_json::from_str(&explainer.line(line.as_bytes()).json()).unwrap()
    };
    let secret = "a1b2c3d4e5f6a7b8c9d0";
    let hook = "https://hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/";
    let signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=";
    let cases = [
        (
            format!("https://example.com/?api_key={secret}"),
            (
                "block",
                "url-credentials",
                "secret-parameter",
                "query.api_key",
                "high",
            ),
        ),
        (
            format!("https://example.com/?u=https%3A%2F%2Fu%3A{secret}%40h%2F"),
            (
                "block",
                "url-credentials",
                "userinfo",
                "query.u.userinfo",
                "high",
            ),
        ),
        (
            format!("{hook}{secret}"),
            (
                "report",
                "url-credentials",
                "capability-url",
                "path",
                "medium",
            ),
        ),
        (
            format!("https://b.s3.amazonaws.com/k?{signed}{secret}"),
            (
                "report",
                "presigned-url",
                "aws-sigv4",
                "query.X-Amz-Signature",
                "info",
            ),
        ),
        (
            format!(
                r#"{{"url":"https://example.com/","headers":{{"Referer":"https://h/?token={secret}"}}}}"#
            ),
            (
                "block",
                "url-credentials",
                "secret-parameter",
                "header.referer.query.token",
                "high",
            ),
        ),
        (
            format!(
                r#"{{"url":"https://example.com/","headers":{{"Location":"https://h/?token={secret}"}}}}"#
            ),
            (
                "report",
                "url-credentials",
                "secret-parameter",
                "header.location.query.token",
                "high",
            ),
        ),
    ];
    for (line, (verdict, rule, kind, place, severity)) in cases {
        let value = explain(&line);
        assert_eq!(value["verdict"], verdict, "{line}");
        assert_eq!(value["enforced"], false, "{line}");
        let findings = value["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{line}: {value}");
        for (key, expected) in [
            ("rule", rule),
            ("kind", kind),
            ("where", place),
            ("severity", severity),
        ] {
            assert_eq!(findings[0][key], expected, "{line}");
        }
        assert_eq!(findings[0]["fingerprint"].as_str().map(str::len), Some(32));
        assert!(!value.to_string().contains(secret), "{value}");
    }
    let first = explain(&format!("https://example.com/?api_key={secret}"));
    let again = explain(&format!("http://other.example/?x=1&token={secret}"));
    assert_eq!(
        first["findings"][0]["fingerprint"],
        again["findings"][0]["fingerprint"]
    );
}

#[test]
fn a_line_may_be_written_in_many_ways() {
    let policy = Policy::default();
    for line in [
        "https://s3.amazonaws.com/\r",
        "  https://s3.amazonaws.com/\t",
        "\u{feff}https://s3.amazonaws.com/",
        "https://S3.AmazonAWS.com.:443/",
        "https://s3.amazonaws.com:/",
        "https://s3.ａmazonaws.com/",
        "https://%73%33.amazonaws.com/",
        r#"{"url":"https://s3.amazonaws.com","method":"get","headers":null,"body":"","id":7}"#,
        r#"{"url":"https://s3.amazonaws.com","headers":[],"body_encoding":"utf-8","body":"x"}"#,
        r#"{"host":"s3.amazonaws.com"}"#,
        r#"{"host":"S3.amazonaws.com.:443"}"#,
        r#"{"host":"https://s3.amazonaws.com/x"}"#,
        r#"{"method":"CONNECT","url":"s3.amazonaws.com:443"}"#,
        "s3.amazonaws.com",
    ] {
        let value = explain(&policy, line);
        assert_eq!(value["verdict"], "allow", "{line}: {value}");
        assert_eq!(value["destination"]["host"], "s3.amazonaws.com", "{line}");
        assert_eq!(value["destination"]["port"], 443, "{line}");
        assert_eq!(value["destination"]["service"], "s3", "{line}");
    }
}

/// Lines that look like something.
fn line_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("https://".to_owned()),
        Just("http://".to_owned()),
        Just("user:pass@".to_owned()),
        Just("s3.amazonaws.com".to_owned()),
        Just("[::ffff:10.0.0.1]".to_owned()),
        Just("{\"url\":\"".to_owned()),
        Just("\",\"headers\":{\"Host\":\"".to_owned()),
        Just("\"}}".to_owned()),
        Just("%".to_owned()),
        Just(":443".to_owned()),
        Just("\\u0000".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,4}",
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_line_has_one_answer_of_one_line(line in line_like()) {
        let policy = Policy::default();
        let answer = Explainer::new(&policy, &[]).line(&line);
        let json = answer.json();
        prop_assert!(!json.contains('\n'));
        let value: Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(value.as_object().map(serde_json::Map::len), Some(8));
        prop_assert_eq!(value["error"].is_null(), value["destination"].is_object() || answer.url.is_none() && answer.error.is_none());
        // Anywhere else it is a path, which only looks like that.
        prop_assert!(!json.contains("://user:pass@"));
    }
}
