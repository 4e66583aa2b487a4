//! What the pure parts cost, in nanoseconds a call.
//!
//! ```text
//! cargo bench --bench pure
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a bench is read by the person who runs it; what fails shall stop it"
)]

#[path = "proxy/scripted.rs"]
#[allow(dead_code, reason = "this bench uses its part")]
mod scripted;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outgate::logic::aws::classify;
use outgate::logic::policy::{Policy, Target, Way};
use outgate::logic::record::{
    Body, Bytes, Carried, Chain, Client, ClientTls, Destination, Line, Request, Stage, Tls,
    UpstreamTls, Via,
};
use outgate::logic::scan::BUILTIN;
use outgate::logic::wire::http1::{HeadLimits, read_request_head};
use outgate::logic::wire::tls::{
    CertificateFault, CertificateVerifier, Judge, Profile, Question, Side, Step,
};
use outgate::model::{Authority, Decision, Host, Mode, Verdict};

use scripted::Script;

/// How long one sample runs, and how many are taken; the median counts.
const SAMPLE: Duration = Duration::from_millis(60);
const SAMPLES: usize = 9;

fn main() {
    hosts();
    head();
    scan();
    handshake();
    decision();
    record();
}

fn hosts() {
    for name in [
        "s3.us-east-1.amazonaws.com",
        "my-bucket.s3-fips.dualstack.us-gov-west-1.amazonaws.com",
        "registry.npmjs.org",
    ] {
        time(&format!("canonical host, {name}"), || {
            black_box(Host::parse(black_box(name)).unwrap());
        });
        let host = Host::parse(name).unwrap();
        time(&format!("classify {name}"), || {
            black_box(classify(black_box(&host)));
        });
    }
}

fn head() {
    let small = b"CONNECT s3.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com:443\r\nUser-Agent: curl/8.5.0\r\nProxy-Connection: Keep-Alive\r\n\r\n";
    let mut large =
        b"GET http://example.org/a/path?with=a&query=string HTTP/1.1\r\nHost: example.org\r\n"
            .to_vec();
    for number in 0..20 {
        large.extend_from_slice(
            format!("X-Header-{number}: a value of some length {number}\r\n").as_bytes(),
        );
    }
    large.extend_from_slice(b"\r\n");
    for (what, bytes) in [
        ("CONNECT, 4 lines", small.as_slice()),
        ("GET, 21 headers", &large),
    ] {
        time(&format!("read a request head: {what}"), || {
            black_box(read_request_head(black_box(bytes), HeadLimits::default()).unwrap());
        });
    }
}

/// URLs as they mostly are, and 8 KiB of what is hard to read.
fn scan() {
    let plain = "https://my-bucket.s3.us-east-1.amazonaws.com/train/2026/01/01/part-00000-of-00128.parquet?versionId=3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY&response-content-type=application/octet-stream&x-id=GetObject&n=1";
    let encoded = "https://example.com/api/models/org%2Fname/resolve?filename=a%20b%2Fc.bin&cursor=ZXlKamNtVmhkR1ZrUVhRaU9p&sort=created%3Adesc&expand=siblings&limit=100&page=2&filter=task%3Atext-generation&full=true";
    let url = |what: &str, url: &[u8]| {
        let mut found = Vec::new();
        time(&format!("scan {} bytes: {what}", url.len()), || {
            found.clear();
            BUILTIN.url(black_box(url), &mut found);
        });
    };
    url("a plain URL", plain.as_bytes());
    url("an encoded URL", encoded.as_bytes());
    for piece in [
        "&",
        "&se=1",
        "a=%41&",
        "%25",
        "%2525",
        "/sk-learnabcdefghijkl",
        "/eyJhbGciOiJIUzI1NiJ9",
        ".SG",
        "a://",
        "://a:b",
        "?u=/?a=",
        "&u=https://h/?",
        "&u=https%3A%2F%2Fh%2F%3Fa%3D",
        "&access_token=x",
        "abc8Q~",
        "AccountKey=",
        "&x={\"a\":\"b\",",
        "&AbCdEfGhIjKlMnOpQrSt=aaaa",
    ] {
        let mut hard = b"https://h.example/x?".to_vec();
        hard.extend(piece.bytes().cycle().take(8172));
        url(&format!("many {piece}"), &hard);
    }
}

fn handshake() {
    let script = Script::capture("bench.example");
    let connect = Host::parse("bench.example").unwrap();
    let policy = policy();
    let actions = effective(&policy, "bench.example:443").actions;
    let profile = Profile::by_name("baseline").unwrap();
    time("judge a TLS 1.3 handshake", || {
        let question = Question {
            connect: connect.clone(),
            profile,
            actions,
            hold: true,
            bounds: Default::default(),
        };
        let mut judge = Judge::new(question, Box::new(Nobody));
        black_box(judge.feed(Side::Client, &script.hello));
        black_box(judge.feed(Side::Server, &script.flight));
        let last = judge.feed(Side::Client, &script.finished);
        assert!(matches!(last, Step::Pass), "{last:?}");
    });
}

fn decision() {
    let policy = policy();
    for authority in ["s3.us-east-1.amazonaws.com:443", "registry.npmjs.org:443"] {
        let address = "203.0.113.9:443".parse().unwrap();
        let parsed = Authority::parse(authority, None).unwrap();
        time(&format!("decide on CONNECT {authority}"), || {
            let class = classify(&parsed.host);
            let target = Target {
                authority: black_box(&parsed),
                class: &class,
                way: Way::Connect,
            };
            let effective = policy.effective(&target);
            let found = policy.judge_name(&target, &effective);
            black_box(policy.permit(&target, &effective, found, &[address], &[]));
        });
    }
}

fn record() {
    let line = line();
    time("encode a completion", || {
        black_box(Body::line(black_box(&line)));
    });
    let body = Body::line(&line);
    let mut chain = Chain::new();
    let mut out = Vec::with_capacity(1 << 16);
    time(
        &format!("chain a line of {} bytes", body.as_bytes().len()),
        || {
            out.clear();
            chain.append(black_box(&body), &mut out);
            black_box(&out);
        },
    );
}

fn policy() -> Policy {
    let sources = outgate::config::Sources::default();
    outgate::config::load(&sources).unwrap().settings.policy
}

fn effective(policy: &Policy, authority: &str) -> outgate::logic::policy::Effective {
    let authority = Authority::parse(authority, None).unwrap();
    let class = classify(&authority.host);
    policy.effective(&Target {
        authority: &authority,
        class: &class,
        way: Way::Connect,
    })
}

fn line() -> Line {
    let text = |text: &str| Some(text.to_owned());
    Line {
        time: "2026-11-23T14:30:00.123456Z".to_owned(),
        id: "019ab1c2-3d4e-7f50-8192-a3b4c5d6e7f8".to_owned(),
        conn: Arc::from("019ab1c2-3d4e-7f50-8192-a3b4c5d6e7f7"),
        stage: Stage::Complete,
        client: Client {
            addr: Some(Arc::from("127.0.0.1:53122")),
            ..Client::default()
        },
        via: Some(Via::Connect),
        carried: Some(Carried::Tunnel),
        request: Request {
            method: text("CONNECT"),
            url: text("registry.npmjs.org:443"),
            host: text("registry.npmjs.org"),
            port: Some(443),
            http: Some("1.1"),
            user_agent: text("curl/8.5.0"),
        },
        destination: Some(Destination {
            class: "other",
            addr: text("203.0.113.9:443"),
            ..Destination::default()
        }),
        aws: None,
        tls: Tls {
            client: Some(Arc::new(ClientTls {
                version: text("1.3"),
                sni: text("registry.npmjs.org"),
                alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
                ja4: text("t13d1516h2_8daaf6152771_b186095e22b6"),
            })),
            upstream: Some(Arc::new(UpstreamTls {
                version: text("1.3"),
                cipher: text("TLS_AES_128_GCM_SHA256"),
                group: text("X25519MLKEM768"),
                ..UpstreamTls::default()
            })),
        },
        verdict: Verdict::Allow,
        would: Verdict::Allow,
        rule: Decision::from_findings(Vec::new(), Mode::Enforce).rule,
        findings: Vec::new(),
        policy: Arc::from("8daaf61527718daaf61527718daaf615"),
        status: None,
        bytes: Some(Bytes {
            sent: 1234,
            received: 56789,
        }),
        duration_ms: Some(123.456),
        error: None,
    }
}

/// Prints the median time of a call of `work`.
fn time(what: &str, mut work: impl FnMut()) {
    let mut calls = 1_u32;
    let mut sample = |calls: u32| {
        let started = Instant::now();
        for _ in 0..calls {
            work();
        }
        started.elapsed()
    };
    while sample(calls) < SAMPLE {
        calls *= 2;
    }
    let mut times: Vec<f64> = (0..SAMPLES)
        .map(|_| sample(calls).as_secs_f64() * 1e9 / f64::from(calls))
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{what:<75} {:>8.0} ns  ({:.0}..{:.0})",
        times[SAMPLES / 2],
        times[0],
        times[SAMPLES - 1]
    );
}

/// Verifies nothing: a TLS 1.3 tunnel shows no certificate.
struct Nobody;

impl CertificateVerifier for Nobody {
    fn verify_chain(&self, _: &[&[u8]], _: &Host) -> Result<(), CertificateFault> {
        Err(CertificateFault::Missing)
    }

    fn verify_signature(
        &self,
        _: &[u8],
        _: u16,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), CertificateFault> {
        Err(CertificateFault::Missing)
    }
}
