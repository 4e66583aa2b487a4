//! Server hellos and requests for a second hello.

use super::super::build::*;
use super::*;

pub fn bad_server_hellos() -> Vec<Case> {
    let with = |change: fn(&mut Sh)| full13(&Ch::new(), &Sh::new().with(change));
    let with12 = |client: Ch, change: fn(&mut Sh)| {
        full12(
            &client,
            [
                Sh::tls12().with(change).bytes(),
                certificate(&["rsa"]),
                ske(0x1d, 0x0804),
                done(),
            ]
            .concat(),
        )
    };
    let ext = |number: u16, body: &[u8]| full13(&Ch::new(), &Sh::new().ext(number, body));
    let ext12 = |number: u16, body: &[u8]| {
        full12(
            &Ch::tls12(),
            [
                Sh::tls12().ext(number, body).bytes(),
                certificate(&["rsa"]),
                ske(0x1d, 0x0804),
                done(),
            ]
            .concat(),
        )
    };
    let malformed =
        |name: &str, hello: Sh| not_tls(name, "malformed-server-hello", full13(&Ch::new(), &hello));
    let mut psk = Sh::new();
    psk.exts.push((41, vec![0, 0]));
    let mut doubled = Sh::new();
    doubled.exts.push((43, vec![3, 4]));
    let mut low = Sh::new().ext(51, [codes(&[0x1d]), v16([0; 32])].concat());
    low.sid = vec![2; 32];
    let compressing = Ch::new().with(|hello| hello.compressions = vec![1, 0]);
    vec![
        weak("draft version", "version", ext(43, &[0x7f, 0x1c])),
        weak("version 1.2 by extension", "version", ext(43, &[3, 3])),
        weak("version 1.5", "version", ext(43, &[3, 5])),
        weak("grease version", "version", ext(43, &[0x3a, 0x3a])),
        weak(
            "legacy version 1.3",
            "version",
            with(|hello| hello.legacy = 0x0304),
        ),
        weak(
            "1.3 in legacy version alone",
            "version",
            with(|hello| {
                hello.legacy = 0x0304;
                hello.exts.clear();
            }),
        ),
        weak(
            "1.3 not offered",
            "version",
            full13(&Ch::tls12(), &Sh::new()),
        ),
        weak(
            "1.2 not offered",
            "version",
            with12(Ch::new().ext(43, v8(codes(&[0x0304]))), |_| ()),
        ),
        weak(
            "tls 1.1",
            "version",
            with12(Ch::tls12(), |hello| hello.legacy = 0x0302),
        ),
        weak(
            "tls 1.0",
            "version",
            with12(Ch::tls12(), |hello| hello.legacy = 0x0301),
        ),
        weak(
            "ssl 3",
            "version",
            with12(Ch::tls12(), |hello| hello.legacy = 0x0300),
        ),
        weak(
            "ssl 2",
            "version",
            with12(Ch::tls12(), |hello| hello.legacy = 0x0002),
        ),
        weak(
            "suite not offered",
            "suite",
            with(|hello| hello.suite = 0x1304),
        ),
        weak(
            "integrity suite",
            "suite",
            full13(
                &Ch::new().with(|hello| hello.suites.push(0xc0b4)),
                &Sh::new().with(|hello| hello.suite = 0xc0b4),
            ),
        ),
        weak("grease suite", "suite", with(|hello| hello.suite = 0x0a0a)),
        weak(
            "1.2 suite in 1.3",
            "suite",
            with(|hello| hello.suite = 0xc02f),
        ),
        weak(
            "1.3 suite in 1.2",
            "suite",
            with12(Ch::new(), |hello| hello.suite = 0x1301),
        ),
        weak(
            "static rsa",
            "suite",
            with12(Ch::tls12(), |hello| hello.suite = 0x002f),
        ),
        weak(
            "3des",
            "suite",
            with12(Ch::tls12(), |hello| hello.suite = 0x000a),
        ),
        weak(
            "rc4",
            "suite",
            with12(Ch::tls12(), |hello| hello.suite = 0xc011),
        ),
        weak(
            "anonymous",
            "suite",
            with12(Ch::tls12(), |hello| hello.suite = 0xc018),
        ),
        weak(
            "scsv as suite",
            "suite",
            with12(Ch::tls12(), |hello| hello.suite = 0x00ff),
        ),
        weak(
            "suite of 1.2 not offered",
            "suite",
            with12(Ch::tls12(), |hello| hello.suite = 0xc027),
        ),
        weak(
            "compression in 1.3",
            "compression",
            with(|hello| hello.compression = 1),
        ),
        weak(
            "compression in 1.2",
            "compression",
            with12(
                compressing.clone().without(43).without(51).without(45),
                |hello| hello.compression = 1,
            ),
        ),
        weak(
            "1.3 with a compressing client",
            "compression",
            full13(&compressing, &Sh::new()),
        ),
        good(
            "1.2 with a compressing client",
            with12(compressing.without(43).without(51).without(45), |_| ()),
        ),
        weak(
            "session id not echoed",
            "session-id",
            with(|hello| hello.sid = vec![9; 32]),
        ),
        weak(
            "session id dropped",
            "session-id",
            with(|hello| hello.sid.clear()),
        ),
        weak(
            "no key share",
            "no-key-share",
            with(|hello| hello.exts.truncate(1)),
        ),
        weak(
            "psk without key share",
            "no-key-share",
            full13(&Ch::new().psk(), &psk.clone().without(51)),
        ),
        weak(
            "psk not offered",
            "unsolicited-extension",
            full13(&Ch::new(), &psk),
        ),
        weak(
            "psk out of range",
            "pre-shared-key",
            full13(&Ch::new().psk(), &psk.clone().ext(41, [0, 1])),
        ),
        weak(
            "group without a share",
            "group",
            full13(&Ch::new(), &p256()),
        ),
        weak(
            "group not offered",
            "group",
            full13(&Ch::new(), &Sh::new().ext(51, share(0x19, 133))),
        ),
        weak(
            "grease group",
            "group",
            full13(&Ch::new(), &Sh::new().ext(51, share(0x2a2a, 1))),
        ),
        weak(
            "short share",
            "key-share",
            full13(&Ch::new(), &Sh::new().ext(51, share(0x1d, 31))),
        ),
        weak(
            "empty share",
            "key-share",
            full13(&Ch::new(), &Sh::new().ext(51, [0, 0x1d, 0, 0])),
        ),
        weak("share of zeros", "key-share", full13(&Ch::new(), &low)),
        weak(
            "unsolicited extension",
            "unsolicited-extension",
            ext(35, &[]),
        ),
        weak(
            "alpn in plaintext",
            "unsolicited-extension",
            ext(16, &v16(v8(b"h2"))),
        ),
        weak(
            "unknown extension",
            "unsolicited-extension",
            ext(0x5555, &[]),
        ),
        weak(
            "grease extension",
            "unsolicited-extension",
            ext(0x1a1a, &[]),
        ),
        weak(
            "cookie in server hello",
            "unsolicited-extension",
            ext(44, &v16(b"x")),
        ),
        malformed("doubled extension", doubled),
        malformed(
            "trailing bytes",
            Sh::new().with(|hello| hello.trailing = vec![0]),
        ),
        malformed(
            "session id of 33",
            Sh::new().with(|hello| hello.sid = vec![2; 33]),
        ),
        malformed("odd version", Sh::new().ext(43, [3, 4, 0])),
        malformed("cut share", Sh::new().ext(51, [0, 0x1d, 0])),
        weak(
            "downgrade to 1.2",
            "downgrade",
            with12(Ch::new(), |hello| {
                hello.random[24..].copy_from_slice(b"DOWNGRD\x01")
            }),
        ),
        weak(
            "downgrade to 1.1, as marked",
            "downgrade",
            with12(Ch::new(), |hello| {
                hello.random[24..].copy_from_slice(b"DOWNGRD\x00")
            }),
        ),
        weak(
            "key share in 1.2",
            "unsolicited-extension",
            ext12(51, &share(0x1d, 32)),
        ),
        weak(
            "unknown extension in 1.2",
            "unsolicited-extension",
            ext12(0x5555, &[]),
        ),
        weak(
            "heartbeat not asked for",
            "unsolicited-extension",
            ext12(15, &[1]),
        ),
        weak(
            "truncated hmac",
            "truncated-hmac",
            full12(
                &Ch::tls12().ext(4, []),
                [
                    Sh::tls12().ext(4, []).bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat(),
            ),
        ),
        weak(
            "alpn not offered in 1.2",
            "application-protocol",
            ext12(16, &v16(v8(b"spdy/3"))),
        ),
        not_tls(
            "two protocols",
            "malformed-server-hello",
            ext12(16, &v16([v8(b"h2"), v8(b"http/1.1")].concat())),
        ),
        not_tls(
            "early data for a 1.2 server",
            "unexpected-record",
            vec![c([early().bytes(), app()].concat()), s(flight())],
        ),
        not_tls(
            "early change of keys for a 1.2 server",
            "unexpected-record",
            vec![c([Ch::new().bytes(), ccs()].concat()), s(flight())],
        ),
    ]
}

pub fn bad_retries() -> Vec<Case> {
    let retry = |answer: Sh| vec![c(Ch::new().bytes()), s(answer.bytes())];
    let second = |hello: Ch| with_retry(hello, p256());
    let again = |change: fn(&mut Ch)| with_retry(Ch::again(0x17, 65).with(change), p256());
    vec![
        weak(
            "retry for a group already shared",
            "hello-retry",
            retry(Sh::retry(0x1d)),
        ),
        weak(
            "retry for a group not offered",
            "hello-retry",
            retry(Sh::retry(0x19)),
        ),
        weak("retry for a weak group", "group", retry(Sh::retry(0x15))),
        weak(
            "retry that changes nothing",
            "hello-retry",
            retry(Sh::retry(0x17).without(51)),
        ),
        weak(
            "retry of 1.2",
            "version",
            retry(Sh::retry(0x17).without(43)),
        ),
        weak(
            "retry with a suite not offered",
            "suite",
            retry(Sh::retry(0x17).with(|hello| hello.suite = 0x1304)),
        ),
        weak(
            "retry with an unknown extension",
            "unsolicited-extension",
            retry(Sh::retry(0x17).ext(0x5555, [])),
        ),
        weak(
            "retry without the session id",
            "session-id",
            retry(Sh::retry(0x17).with(|hello| hello.sid.clear())),
        ),
        not_tls(
            "retry with an empty cookie",
            "malformed-server-hello",
            retry(Sh::retry(0x17).ext(44, v16([]))),
        ),
        not_tls(
            "retry with a share",
            "malformed-server-hello",
            retry(Sh::retry(0x17).ext(51, share(0x17, 65))),
        ),
        not_tls(
            "second retry",
            "unexpected-message",
            with_retry(Ch::again(0x17, 65), Sh::retry(0x18)),
        ),
        not_tls(
            "no second hello",
            "unexpected-message",
            vec![
                c(Ch::new().bytes()),
                s([Sh::retry(0x17).bytes(), p256().bytes()].concat()),
            ],
        ),
        not_tls(
            "application data after retry",
            "unexpected-record",
            vec![c(Ch::new().bytes()), s(Sh::retry(0x17).bytes()), c(app())],
        ),
        weak(
            "second hello with other suites",
            "second-hello",
            again(|hello| hello.suites = vec![0x1301]),
        ),
        weak(
            "second hello with another random",
            "second-hello",
            again(|hello| hello.random = [9; 32]),
        ),
        weak(
            "second hello with another session id",
            "second-hello",
            again(|hello| hello.sid = vec![9; 32]),
        ),
        weak(
            "second hello with other versions",
            "second-hello",
            second(Ch::again(0x17, 65).ext(43, v8(codes(&[0x0304])))),
        ),
        weak(
            "second hello with other groups",
            "second-hello",
            second(Ch::again(0x17, 65).ext(10, v16(codes(&[0x17])))),
        ),
        weak(
            "second hello with the first's share",
            "second-hello",
            second(Ch::new()),
        ),
        weak(
            "second hello with two shares",
            "second-hello",
            second(Ch::new().ext(51, v16([share(0x17, 65), share(0x1d, 32)].concat()))),
        ),
        weak(
            "second hello with a cookie",
            "second-hello",
            second(Ch::again(0x17, 65).ext(44, v16(b"x"))),
        ),
        weak(
            "second hello with early data",
            "second-hello",
            second(Ch::again(0x17, 65).ext(42, []).psk()),
        ),
        weak(
            "other suite than the retry's",
            "second-hello",
            with_retry(
                Ch::again(0x17, 65),
                p256().with(|hello| hello.suite = 0x1302),
            ),
        ),
        weak(
            "other group than the retry's",
            "group",
            with_retry(Ch::again(0x17, 65), Sh::new()),
        ),
        weak("1.2 after a retry", "second-hello", {
            let mut events = with_retry(Ch::again(0x17, 65), p256());
            events[3] = s(flight());
            events
        }),
        not_tls(
            "plain http after a retry",
            "client-record",
            vec![
                c(Ch::new().bytes()),
                s(Sh::retry(0x17).bytes()),
                c(b"GET / HTTP/1.1\r\n\r\n"),
            ],
        )
        .raw(),
    ]
}
