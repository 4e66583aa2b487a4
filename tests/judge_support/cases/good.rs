//! Good exchanges that others break, and what the profiles make of them.

use super::super::build::*;
use super::*;

pub fn good_hellos() -> Vec<Case> {
    let mut psk = Sh::new();
    psk.exts.push((41, vec![0, 0]));
    let hybrid = Ch::new().ext(51, v16([share(0x11ec, 1216), share(0x1d, 32)].concat()));
    let mut padded = Ch::new();
    padded.exts.push((21, vec![0; 40_000]));
    let far_sni = Ch::new()
        .without(0)
        .ext(21, vec![0; 20_000])
        .ext(0, sni(HOST.as_bytes()));
    let ech = [vec![0, 0, 1, 0, 1, 7], v16([4; 32]), v16([5; 144])].concat();
    let mut cookie = Sh::retry(0x17);
    cookie.exts.push((44, v16(b"cookie")));
    let mut early_events = vec![
        c([early().bytes(), ccs(), app(), app()].concat()),
        s([psk.bytes(), ccs(), app()].concat()),
        c([app(), app()].concat()),
    ];
    early_events.push(s(app()));
    vec![
        good("tls13", full13(&Ch::new(), &Sh::new())),
        // What only the peers can check is theirs to refuse.
        good(
            "a share of an odd length",
            full13(
                &Ch::new().ext(51, v16([share(0x1d, 32), share(0x17, 3)].concat())),
                &Sh::new(),
            ),
        ),
        good("protected records of a byte", {
            let short = record(23, [1]);
            vec![
                c(Ch::new().bytes()),
                s(Sh::new().bytes()),
                s(&short),
                c(&short),
                s(&short),
            ]
        }),
        good(
            "tls13 without compatibility",
            vec![
                c(Ch::new().with(|hello| hello.sid.clear()).bytes()),
                s([Sh::new().with(|hello| hello.sid.clear()).bytes(), app()].concat()),
                c(app()),
            ],
        ),
        good(
            "tls13 alone",
            full13(&Ch::new().ext(43, v8(codes(&[0x0304]))), &Sh::new()),
        ),
        good(
            "server data before the client's finished",
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), ccs(), app(), app(), app(), app()].concat()),
                s(app()),
                c(app()),
            ],
        ),
        good(
            "record version 3.1",
            vec![
                c({
                    let mut b = Ch::new().bytes();
                    b[2] = 1;
                    b
                }),
                s([Sh::new().bytes(), app()].concat()),
                c(app()),
            ],
        )
        .raw(),
        good("retry", with_retry(Ch::again(0x17, 65), p256())),
        good("retry with a cookie", {
            let second = Ch::again(0x17, 65).ext(44, v16(b"cookie"));
            let mut events = vec![
                c(Ch::new().bytes()),
                s(cookie.bytes()),
                c(second.bytes()),
                s(p256().bytes()),
            ];
            events.extend(finish13());
            events
        }),
        good("retry with a cookie alone", {
            let retry = cookie.clone().without(51);
            let second = Ch::new().ext(44, v16(b"cookie"));
            let mut events = vec![
                c(Ch::new().bytes()),
                s(retry.bytes()),
                c(second.bytes()),
                s(Sh::new().bytes()),
            ];
            events.extend(finish13());
            events
        }),
        good(
            "retry's late dummy",
            vec![
                c(Ch::new().bytes()),
                s(Sh::retry(0x17).bytes()),
                c(Ch::again(0x17, 65).bytes()),
                s(ccs()),
                s([p256().bytes(), app()].concat()),
                c(app()),
            ],
        ),
        good("early data", early_events),
        good(
            "early data refused with a retry",
            vec![
                c([early().bytes(), ccs(), app(), app()].concat()),
                s([Sh::retry(0x17).bytes(), ccs()].concat()),
                c(app()),
                c(Ch::again(0x17, 65).psk().bytes()),
                s([p256().bytes(), app()].concat()),
                c(app()),
            ],
        ),
        good("resumed with psk", full13(&Ch::new().psk(), &psk)),
        good(
            "hybrid key share",
            full13(&hybrid, &Sh::new().ext(51, share(0x11ec, 1120))),
        ),
        good("hello of 40 KB", full13(&padded, &Sh::new())),
        good("sni beyond 16 KB", full13(&far_sni, &Sh::new())),
        good(
            "ech grease",
            full13(&Ch::new().ext(0xfe0d, ech), &Sh::new()),
        ),
        good("empty share list, then retry", {
            let first = Ch::new().ext(51, v16([]));
            let mut events = vec![
                c(first.bytes()),
                s(Sh::retry(0x17).bytes()),
                c(Ch::again(0x17, 65).bytes()),
                s(p256().bytes()),
            ];
            events.extend(finish13());
            events
        }),
        good("sentinel-like random where 1.3 is not offered", {
            let random = |hello: &mut Sh| hello.random[24..].copy_from_slice(b"DOWNGRD\x01");
            full12(
                &Ch::tls12(),
                [
                    Sh::tls12().with(random).bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat(),
            )
        }),
    ]
}

pub fn good_flights() -> Vec<Case> {
    let resumed = |client: Ch, server: Sh, ticket: bool| {
        let ticket = if ticket {
            hs(4, [vec![0; 4], v16([1; 100])].concat())
        } else {
            vec![]
        };
        vec![
            c(client.bytes()),
            s([server.bytes(), ticket, ccs(), finished()].concat()),
            c([ccs(), finished(), app()].concat()),
        ]
    };
    let echo = |hello: &mut Sh| hello.sid = vec![2; 32];
    let flight_of = |suite: u16, cert: &str, exchange: Vec<u8>| {
        [
            Sh::tls12().with(|hello| hello.suite = suite).bytes(),
            certificate(&[cert]),
            exchange,
            done(),
        ]
        .concat()
    };
    let ticketed = Sh::tls12().ext(35, []);
    let stapled = Sh::tls12().ext(5, []);
    let ecdsa_cases = [("p256", 0x0403u16), ("p384", 0x0503), ("ed25519", 0x0807)];
    let mut cases = vec![
        good("tls12", full12(&Ch::tls12(), flight())),
        good("tls12 with a client of both", full12(&Ch::new(), flight())),
        good(
            "tls12 without a session id",
            full12(&Ch::tls12().with(|hello| hello.sid.clear()), flight()),
        ),
        good("tls12 each message in its record, each record by itself", {
            let mut events = vec![
                c(Ch::tls12().bytes()),
                s(Sh::tls12().bytes()),
                s(certificate(&["rsa"])),
                s(ske(0x1d, 0x0401)),
                s(done()),
            ];
            events.extend(finish12());
            events
        }),
        good("tls12 dhe", {
            let exchange = ske_dh(&prime(2048), &[2], &[7; 256], 0x0401);
            vec![
                c(Ch::tls12().bytes()),
                s(flight_of(0x009e, "rsa", exchange)),
                c([hs(16, v16([7; 256])), ccs(), finished()].concat()),
                s([ccs(), finished()].concat()),
            ]
        }),
        good(
            "tls12 cbc",
            full12(&Ch::tls12(), flight_of(0xc013, "rsa", ske(0x1d, 0x0401))),
        ),
        good(
            "tls12 with root",
            full12(
                &Ch::tls12(),
                [
                    Sh::tls12().bytes(),
                    certificate(&["under-old-root", "old-root"]),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat(),
            ),
        ),
        good(
            "tls12 client auth",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    Sh::tls12().bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    request(),
                    done(),
                ]
                .concat()),
                c([
                    certificate(&["p256"]),
                    cke(0x1d),
                    hs(15, [codes(&[0x0403]), v16([1; 70])].concat()),
                    ccs(),
                    finished(),
                ]
                .concat()),
                s([ccs(), finished()].concat()),
            ],
        ),
        good(
            "tls12 client auth without a certificate",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    Sh::tls12().bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    request(),
                    done(),
                ]
                .concat()),
                c([hs(11, v24([])), cke(0x1d), ccs(), finished()].concat()),
                s([ccs(), finished()].concat()),
            ],
        ),
        good(
            "tls12 new ticket",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    ticketed.bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat()),
                c([cke(0x1d), ccs(), finished()].concat()),
                s([
                    hs(4, [vec![0; 4], v16([1; 100])].concat()),
                    ccs(),
                    finished(),
                ]
                .concat()),
            ],
        ),
        good(
            "tls12 stapled",
            full12(
                &Ch::tls12(),
                [
                    stapled.bytes(),
                    certificate(&["rsa"]),
                    hs(22, [vec![1], v24([0x30; 500])].concat()),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat(),
            ),
        ),
        good(
            "tls12 stapling announced and not sent",
            full12(
                &Ch::tls12(),
                [
                    stapled.bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat(),
            ),
        ),
        good(
            "tls12 resumed by id",
            resumed(Ch::tls12(), Sh::tls12().with(echo), false),
        ),
        good(
            "tls12 resumed by id of a client of both",
            resumed(Ch::new(), Sh::tls12().with(echo), false),
        ),
        good(
            "tls12 resumed by ticket",
            resumed(
                Ch::tls12()
                    .ext(35, [7; 100])
                    .with(|hello| hello.sid.clear()),
                Sh::tls12().with(|hello| hello.sid.clear()),
                false,
            ),
        ),
        good(
            "tls12 resumed with a new ticket",
            resumed(
                Ch::tls12().ext(35, [7; 100]),
                ticketed.clone().with(echo),
                true,
            ),
        ),
        good(
            "tls12 echoes the id and goes the long way",
            full12(
                &Ch::tls12(),
                [
                    Sh::tls12().with(echo).bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    done(),
                ]
                .concat(),
            ),
        ),
        good(
            "tls12 false start",
            vec![
                c(Ch::tls12().bytes()),
                s(flight()),
                c([cke(0x1d), ccs(), finished(), app(), app()].concat()),
                s([ccs(), finished(), app()].concat()),
            ],
        ),
        good(
            "tls12 unknown name warning",
            full12(&Ch::tls12(), [alert(1, 112), flight()].concat()),
        ),
        good(
            "tls12 p256 curve",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    Sh::tls12().bytes(),
                    certificate(&["rsa"]),
                    ske(0x17, 0x0804),
                    done(),
                ]
                .concat()),
                c([cke(0x17), ccs(), finished()].concat()),
                s([ccs(), finished()].concat()),
            ],
        ),
        good(
            "tls12 without groups and schemes",
            full12(&Ch::tls12().without(10).without(13), flight()),
        ),
        good(
            "tls12 signature that cannot be computed here",
            full12(&Ch::tls12(), flight()),
        ),
    ];
    if let Some(last) = cases.last_mut() {
        last.signature = Some(CertificateFault::UnsupportedAlgorithm);
    }
    for (name, scheme) in ecdsa_cases {
        cases.push(good(
            &format!("tls12 with a {name} certificate"),
            full12(&Ch::tls12(), flight_of(0xc02b, name, ske(0x1d, scheme))),
        ));
    }
    cases
}

pub fn profiles() -> Vec<Case> {
    let hybrid = Ch::new().ext(51, v16([share(0x11ec, 1216), share(0x1d, 32)].concat()));
    let answer = Sh::new().ext(51, share(0x11ec, 1120));
    let suite = |suite: u16| Sh::new().with(|hello| hello.suite = suite);
    let cbc = [
        Sh::tls12().with(|hello| hello.suite = 0xc013).bytes(),
        certificate(&["rsa"]),
        ske(0x1d, 0x0401),
        done(),
    ]
    .concat();
    let both = Ch::new().ext(51, v16([share(0x17, 65), share(0x1d, 32)].concat()));
    vec![
        good("tls13", full13(&Ch::new(), &Sh::new())).profile("tls13"),
        good("tls13", full13(&Ch::new(), &Sh::new())).profile("strict"),
        good("hybrid", full13(&hybrid, &answer)).profile("post-quantum"),
        good("p256", full13(&both, &p256())).profile("fips"),
        weak("x25519", "group", full13(&both, &Sh::new())).profile("fips"),
        weak("x25519", "group", full13(&hybrid, &Sh::new())).profile("post-quantum"),
        weak(
            "no hybrid offered",
            "group",
            full13(
                &Ch::new()
                    .ext(10, v16(codes(&[0x1d])))
                    .ext(51, v16(share(0x1d, 32))),
                &Sh::new(),
            ),
        )
        .profile("post-quantum"),
        weak("chacha", "suite", full13(&both, &suite(0x1303))).profile("fips"),
        weak("tls12", "version", full12(&Ch::new(), flight())).profile("tls13"),
        weak("tls12 alone", "version", full12(&Ch::tls12(), flight())).profile("tls13"),
        weak("cbc", "suite", full12(&Ch::tls12(), cbc)).profile("strict"),
        weak("retry to x25519", "group", {
            let first = both.clone().ext(51, v16(share(0x17, 65)));
            vec![c(first.bytes()), s(Sh::retry(0x1d).bytes())]
        })
        .profile("fips"),
        weak(
            "own prime",
            "dh-size",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    Sh::tls12().with(|hello| hello.suite = 0x009e).bytes(),
                    certificate(&["rsa"]),
                    ske_dh(&prime(3072), &[2], &[7; 256], 0x0401),
                    done(),
                ]
                .concat()),
            ],
        )
        .profile("fips"),
    ]
}
