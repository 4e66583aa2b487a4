//! Client hellos: names, form, offers.

use super::super::build::*;
use super::*;

pub fn names() -> Vec<Case> {
    let of = |name: &[u8]| Ch::new().ext(0, sni(name));
    let two = |names: [&[u8]; 2]| v16([vec![0], v16(names[0]), vec![0], v16(names[1])].concat());
    let mut twice = Ch::new();
    twice.exts.push((0, sni(HOST.as_bytes())));
    let ech = [vec![0, 0, 1, 0, 1, 7], v16([4; 32]), v16([5; 144])].concat();
    let foreign = |name: &str| full13(&Ch::new().ext(0, sni(name.as_bytes())), &Sh::new());
    vec![
        good("no sni", full13(&Ch::new().without(0), &Sh::new())),
        good(
            "sni in upper case",
            full13(&of(HOST.to_uppercase().as_bytes()), &Sh::new()),
        ),
        good(
            "sni with a trailing dot",
            full13(&of(b"server.outgate.test."), &Sh::new()),
        ),
        bad_sni("other sni", "mismatch", of(b"other.outgate.test")),
        bad_sni("sni's parent", "mismatch", of(b"outgate.test")),
        bad_sni("sni with a prefix", "mismatch", of(b"xserver.outgate.test")),
        bad_sni("empty name", "empty", of(b"")),
        bad_sni("empty list", "empty", Ch::new().ext(0, v16([]))),
        bad_sni("empty extension", "empty", Ch::new().ext(0, [])),
        bad_sni(
            "two names",
            "doubled",
            Ch::new().ext(0, two([HOST.as_bytes(), b"other.test"])),
        ),
        bad_sni(
            "the same name twice",
            "doubled",
            Ch::new().ext(0, two([HOST.as_bytes(), HOST.as_bytes()])),
        ),
        bad_sni("two extensions", "doubled", twice),
        bad_sni(
            "nul behind the name",
            "malformed",
            of(b"server.outgate.test\0"),
        ),
        bad_sni(
            "nul within",
            "malformed",
            of(b"server.outgate.test\0.evil.test"),
        ),
        bad_sni(
            "not ascii",
            "malformed",
            of("sérver.outgate.test".as_bytes()),
        ),
        bad_sni("percent", "malformed", of(b"server%2eoutgate.test")),
        bad_sni("space", "malformed", of(b"server.outgate.test ")),
        bad_sni("two dots", "malformed", of(b"server.outgate.test..")),
        bad_sni("address", "address", of(b"127.0.0.1")),
        bad_sni("v6 address", "address", of(b"::1")),
        bad_sni(
            "other name type",
            "malformed",
            Ch::new().ext(0, v16([vec![1], v16(HOST)].concat())),
        ),
        bad_sni(
            "cut list",
            "malformed",
            Ch::new().ext(0, [0, 40, 0, 0, 3, b'a']),
        ),
        bad_sni(
            "ech's outer name",
            "mismatch",
            of(b"cover.test").ext(0xfe0d, ech),
        ),
        bad_sni(
            "sni beyond 16 KB",
            "mismatch",
            Ch::new()
                .without(0)
                .ext(21, vec![0; 20_000])
                .ext(0, sni(b"other.test")),
        ),
        good("address with a good name", foreign(HOST)).connect("127.0.0.1"),
        good(
            "address without a name",
            full13(&Ch::new().without(0), &Sh::new()),
        )
        .connect("127.0.0.1"),
        bad_sni("address with the same address", "address", of(b"127.0.0.1")).connect("127.0.0.1"),
        Case::new(
            "address with a foreign name",
            foreign("foreign.test"),
            Outcome::refuse("sni-mismatch", "foreign-address"),
        )
        .connect("::1"),
        Case::new(
            "second hello with another name",
            with_retry(Ch::again(0x17, 65).ext(0, sni(b"other.test")), p256()),
            Outcome::refuse("sni-mismatch", "changed"),
        ),
        Case::new(
            "second hello without a name",
            with_retry(Ch::again(0x17, 65).without(0), p256()),
            Outcome::refuse("sni-mismatch", "changed"),
        ),
    ]
}

pub fn bad_client_hellos() -> Vec<Case> {
    let malformed =
        |name: &str, hello: Ch| not_tls(name, "malformed-client-hello", full13(&hello, &Sh::new()));
    let mut doubled = Ch::new();
    doubled.exts.push((43, v8(codes(&[0x0304]))));
    let mut early_psk = Ch::new().psk();
    early_psk.exts.push((21, vec![0; 4]));
    vec![
        malformed(
            "trailing bytes",
            Ch::new().with(|hello| hello.trailing = vec![0]),
        ),
        malformed(
            "session id of 33",
            Ch::new().with(|hello| hello.sid = vec![1; 33]),
        ),
        malformed("no suites", Ch::new().with(|hello| hello.suites.clear())),
        malformed(
            "no null compression",
            Ch::new().with(|hello| hello.compressions = vec![1]),
        ),
        malformed(
            "no compression",
            Ch::new().with(|hello| hello.compressions.clear()),
        ),
        malformed(
            "legacy version 2",
            Ch::new().with(|hello| hello.legacy = 0x0200),
        ),
        malformed("doubled extension", doubled),
        malformed("psk that is not last", early_psk),
        malformed("psk without modes", Ch::new().without(45).psk()),
        malformed("early data without psk", Ch::new().ext(42, [])),
        malformed("early data with a body", Ch::new().ext(42, [0]).psk()),
        malformed("odd versions", Ch::new().ext(43, v8([3, 4, 3]))),
        malformed("empty versions", Ch::new().ext(43, v8([]))),
        malformed("odd groups", Ch::new().ext(10, v16([0, 0x1d, 0]))),
        malformed("empty schemes", Ch::new().ext(13, v16([]))),
        malformed("trailing in groups", Ch::new().ext(10, [0, 2, 0, 0x1d, 0])),
        malformed("empty share", Ch::new().ext(51, v16(share(0x1d, 0)))),
        malformed(
            "share of no offered group",
            Ch::new().ext(51, v16(share(0x19, 133))),
        ),
        malformed(
            "share twice",
            Ch::new().ext(51, v16([share(0x1d, 32), share(0x1d, 32)].concat())),
        ),
        malformed("cut share", Ch::new().ext(51, [0, 36, 0, 0x1d, 0, 32])),
        malformed("empty alpn", Ch::new().ext(16, v16([]))),
        malformed("alpn with an empty name", Ch::new().ext(16, v16([0]))),
        malformed("cookie at first", Ch::new().ext(44, v16(b"x"))),
        malformed("inner ech", Ch::new().ext(0xfe0d, [1])),
        malformed("renegotiation", Ch::new().ext(0xff01, v8([1; 12]))),
        not_tls(
            "cut extension block",
            "malformed-client-hello",
            vec![c(hs(1, {
                let mut body = Ch::new().body();
                body.truncate(body.len() - 3);
                body
            }))],
        ),
        not_tls(
            "two hellos in a record",
            "unexpected-message",
            vec![c(record(
                22,
                [
                    handshake(1, Ch::new().body()),
                    handshake(1, Ch::new().body()),
                ]
                .concat(),
            ))],
        ),
        not_tls(
            "two hellos",
            "unexpected-message",
            vec![c([Ch::new().bytes(), Ch::new().bytes()].concat())],
        ),
        not_tls(
            "server hello from the client",
            "unexpected-message",
            vec![c(Sh::new().bytes())],
        ),
        not_tls(
            "finished at first",
            "unexpected-message",
            vec![c(hs(20, [0; 12]))],
        ),
        Case::new(
            "hello beyond 64 KB",
            vec![c(hs(1, vec![0; 65_533]))],
            Outcome::refuse("limits", "client-hello-size"),
        ),
    ]
}

pub fn weak_offers() -> Vec<Case> {
    let tls12 = |change: fn(&mut Ch)| full12(&Ch::tls12().with(change), flight());
    vec![
        weak(
            "offers tls 1.1",
            "version",
            tls12(|hello| hello.legacy = 0x0302),
        ),
        weak(
            "offers tls 1.0 without extensions",
            "version",
            tls12(|hello| {
                hello.legacy = 0x0301;
                hello.no_exts = true;
            }),
        ),
        weak(
            "offers ssl 3",
            "version",
            tls12(|hello| hello.legacy = 0x0300),
        ),
        weak(
            "offers 1.1 by extension",
            "version",
            full13(&Ch::new().ext(43, v8(codes(&[0x0302, 0x0301]))), &Sh::new()),
        ),
        weak(
            "offers a draft",
            "version",
            full13(&Ch::new().ext(43, v8(codes(&[0x7f1c, 0x7f17]))), &Sh::new()),
        ),
        weak(
            "offers grease alone",
            "version",
            full13(&Ch::new().ext(43, v8(codes(&[0x0a0a]))), &Sh::new()),
        ),
        weak(
            "offers static rsa",
            "suite",
            tls12(|hello| hello.suites = vec![0x002f, 0x009c, 0x00ff]),
        ),
        weak(
            "offers rc4, 3des, null, anonymous, export",
            "suite",
            tls12(|hello| hello.suites = vec![0xc011, 0xc012, 0xc010, 0xc018, 0x00a6, 0x0003]),
        ),
        weak(
            "offers integrity alone",
            "suite",
            full13(
                &Ch::new()
                    .ext(43, v8(codes(&[0x0304])))
                    .with(|hello| hello.suites = vec![0xc0b4, 0xc0b5]),
                &Sh::new(),
            ),
        ),
        weak(
            "offers 1.2 suites for 1.3",
            "suite",
            full13(
                &Ch::new()
                    .ext(43, v8(codes(&[0x0304])))
                    .with(|hello| hello.suites = vec![0xc02f]),
                &Sh::new(),
            ),
        ),
        weak(
            "offers small curves",
            "group",
            full13(
                &Ch::new()
                    .ext(43, v8(codes(&[0x0304])))
                    .ext(10, v16(codes(&[0x15, 0x13])))
                    .ext(51, v16([])),
                &Sh::new(),
            ),
        ),
        weak(
            "offers a draft group",
            "group",
            full13(
                &Ch::new()
                    .ext(10, v16(codes(&[0x6399])))
                    .ext(51, v16(share(0x6399, 1216)))
                    .with(|hello| hello.suites = vec![0x1301]),
                &Sh::new(),
            ),
        ),
        weak(
            "offers sha-1",
            "signature",
            full13(
                &Ch::new().ext(13, v16(codes(&[0x0201, 0x0203, 0x0101]))),
                &Sh::new(),
            ),
        ),
        weak(
            "1.3 without shares",
            "group",
            full13(
                &Ch::new().ext(43, v8(codes(&[0x0304]))).without(51),
                &Sh::new(),
            ),
        ),
    ]
}
