//! What an interception answers by itself, puts on record, and holds back.

use serde_json::Value;

use crate::cases::{OK, ask};
use crate::peer::{Event, Peer};
use crate::rig::{Rig, Way};

/// An answer of outgate's own: its head, and its body.
fn answer(client: &mut Peer, stream: u32) -> (Vec<(String, String)>, Vec<u8>) {
    let Event::Head(fields, mut ended) = client.next(stream) else {
        panic!("no answer");
    };
    let mut body = Vec::new();
    while !ended {
        match client.next(stream) {
            Event::Data(bytes, last) => {
                body.extend(bytes);
                ended = last;
            }
            other => panic!("{other:?}"),
        }
    }
    let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8(value).unwrap());
    (fields.into_iter().map(text).collect(), body)
}

fn field<'a>(head: &'a [(String, String)], name: &str) -> &'a str {
    let found = head.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// Status, rule and detail of a refusal.
fn refusal(client: &mut Peer, stream: u32) -> (String, Value, String) {
    let (head, body) = answer(client, stream);
    assert_eq!(field(&head, "content-type"), "application/problem+json");
    assert!(field(&head, "proxy-status").starts_with("outgate; error="));
    let problem: Value = serde_json::from_slice(&body).unwrap();
    let detail = problem["detail"].as_str().unwrap().to_owned();
    (
        field(&head, ":status").to_owned(),
        problem["rule"].clone(),
        detail,
    )
}

#[test]
fn one_stream_names_one_host() {
    let rig = Rig::new(Way::Intercepted, 1, "");
    let (mut client, mut origin) = (rig.client(0), rig.origin(0));
    let host = "c0.frames.test";
    let refused = [
        (
            ask("GET", b"/", "c1.frames.test", &[]),
            "421",
            "sni-mismatch",
        ),
        (
            ask("GET", b"/", host, &[("host", b"other.test")]),
            "403",
            "sni-mismatch",
        ),
        (
            ask("GET", b"/", "user@c0.frames.test", &[]),
            "400",
            "malformed-request",
        ),
        (
            vec![
                (":method", &b"GET"[..]),
                (":scheme", b"https"),
                (":path", b"/"),
            ],
            "400",
            "malformed-request",
        ),
        // No tunnel within the tunnel.
        (
            vec![
                (":method", &b"CONNECT"[..]),
                (":authority", b"c0.frames.test:443"),
            ],
            "400",
            "malformed-request",
        ),
    ];
    let mut stream = 1;
    for (head, status, rule) in &refused {
        client.head(stream, head, true);
        let (seen, named, detail) = refusal(&mut client, stream);
        assert_eq!(
            (seen.as_str(), named.as_str()),
            (*status, Some(*rule)),
            "{detail}"
        );
        stream += 2;
    }
    // A refusal is one stream's, and five came to nothing. The port that CONNECT names may stand there, and case is none.
    for host in [host, "c0.frames.test:443", "C0.Frames.Test"] {
        let head = ask("GET", b"/", host, &[]);
        client.head(stream, &head, true);
        let of_origin = match origin.next(stream - 10) {
            Event::Head(fields, true) => fields,
            other => panic!("{other:?}"),
        };
        assert!(of_origin.contains(&(":authority".to_owned(), host.as_bytes().to_vec())));
        origin.head(stream - 10, OK, true);
        client.sees_head(stream, OK, true);
        stream += 2;
    }
}

#[test]
fn too_many_fields_are_told() {
    let rig = Rig::new(
        Way::Intercepted,
        1,
        "[limits]\nheaders = 20\nhead_bytes = 4096\n",
    );
    let mut client = rig.client(0);
    let many: Vec<(&str, &[u8])> = vec![("x", b"1"); 21];
    client.head(1, &ask("GET", b"/", "c0.frames.test", &many), true);
    let (status, rule, detail) = refusal(&mut client, 1);
    assert_eq!(
        (status.as_str(), rule.as_str()),
        ("503", Some("limits")),
        "{detail}"
    );
    // A list that is too long is answered by the HTTP library.
    let long = vec![b'v'; 5000];
    client.head(
        3,
        &ask("GET", b"/", "c0.frames.test", &[("x", &long)]),
        true,
    );
    client.sees_head(3, &[(":status", b"431")], true);
}

#[test]
fn a_grpc_client_is_told_in_its_own_words() {
    let settings = "[[destinations.rule]]\nhosts = [\"refused.invalid\"]\naction = \"deny\"\nreason = \"not this one\"\n";
    let rig = Rig::new(Way::Intercepted, 0, settings);
    let mut client = rig.client_of("refused.invalid", None);
    let head = ask(
        "POST",
        b"/s.S/M",
        "refused.invalid",
        &[("content-type", b"application/grpc+proto")],
    );
    client.head(1, &head, false);
    let (head, body) = answer(&mut client, 1);
    assert_eq!(field(&head, ":status"), "200");
    assert_eq!(field(&head, "content-type"), "application/grpc");
    assert_eq!(field(&head, "grpc-status"), "7");
    let message = field(&head, "grpc-message");
    assert!(
        message.contains("destination") && message.contains("not this one"),
        "{message}"
    );
    assert!(body.is_empty());
    // The record says what it is.
    let line = rig
        .proxy
        .as_ref()
        .unwrap()
        .line(|line| line["request"]["method"] == "POST");
    assert_eq!(
        (&line["status"], &line["verdict"]),
        (&403.into(), &"block".into())
    );
}

#[test]
fn every_stream_is_on_record_and_the_connection_serves_the_next_client() {
    let rig = Rig::new(Way::Intercepted, 1, "");
    let (mut client, mut origin) = (rig.client(0), rig.origin(0));
    let host = "c0.frames.test";
    let head = ask("POST", b"/a?token=secret", host, &[("user-agent", b"raw")]);
    client.head(1, &head, false);
    client.data(1, b"12345", true);
    origin.sees_head(1, &head, false);
    origin.sees_data(1, b"12345", true);
    origin.head(
        1,
        &[(":status", b"201"), ("x-amzn-requestid", b"r-1")],
        false,
    );
    origin.data(1, b"123", true);
    client.sees_head(
        1,
        &[(":status", b"201"), ("x-amzn-requestid", b"r-1")],
        false,
    );
    client.sees_data(1, b"123", true);
    client.close();
    let proxy = rig.proxy.as_ref().unwrap();
    proxy.line(|line| line["request"]["method"] == "CONNECT" && line["stage"] == "complete");
    let lines = proxy.lines();
    let of = |stage: &str| {
        let wanted = |line: &&Value| line["request"]["method"] == "POST" && line["stage"] == stage;
        lines.iter().find(wanted).unwrap().clone()
    };
    let (decision, complete) = (of("decision"), of("complete"));
    assert!(decision["seq"].as_u64() < complete["seq"].as_u64());
    assert_eq!(complete["id"], decision["id"]);
    assert_eq!(complete["request"]["http"], "2");
    assert_eq!(
        complete["request"]["url"],
        "https://c0.frames.test/a?token=***"
    );
    assert_eq!(complete["request"]["user_agent"], "raw");
    assert_eq!(complete["carried"], "intercept");
    assert_eq!(complete["status"], 201);
    assert_eq!(
        complete["bytes"],
        serde_json::json!({"sent": 5, "received": 3})
    );
    assert_eq!(complete["tls"]["upstream"]["verified"], true);
    // The next client's streams go on where this one's ended.
    let mut client = rig.client(0);
    let head = ask("GET", b"/", host, &[]);
    client.head(1, &head, true);
    origin.sees_head(3, &head, true);
    origin.head(3, OK, true);
    client.sees_head(1, OK, true);
}

#[test]
fn a_stop_lets_streams_end() {
    let rig = Rig::new(Way::Intercepted, 1, "");
    let (mut client, mut origin) = (rig.client(0), rig.origin(0));
    let head = ask("GET", b"/", "c0.frames.test", &[]);
    client.head(1, &head, true);
    origin.sees_head(1, &head, true);
    let proxy = rig.proxy.unwrap();
    proxy.signal("TERM");
    // The last stream that will be served.
    assert_eq!(client.next(1), Event::GoAway(1, 0));
    origin.head(1, OK, false);
    origin.data(1, b"whole", true);
    client.sees_head(1, OK, false);
    client.sees_data(1, b"whole", true);
    let (code, lines) = proxy.stop();
    assert_eq!(code, Some(0));
    let complete =
        |line: &&Value| line["request"]["method"] == "GET" && line["stage"] == "complete";
    let line = lines.iter().find(complete).unwrap();
    assert_eq!(
        (&line["status"], &line["error"]),
        (&200.into(), &Value::Null)
    );
}
