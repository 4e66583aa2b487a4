//! Messages, records and alerts where they may not come.

use super::super::build::*;
use super::*;

pub fn bad_order() -> Vec<Case> {
    let after13 = |side: fn(Vec<u8>) -> Event, bytes: Vec<u8>| {
        vec![c(Ch::new().bytes()), s(Sh::new().bytes()), side(bytes)]
    };
    let after12 = |side: fn(Vec<u8>) -> Event, bytes: Vec<u8>| {
        vec![c(Ch::tls12().bytes()), s(flight()), side(bytes)]
    };
    let asked = |bytes: Vec<u8>| {
        let flight = [
            Sh::tls12().bytes(),
            certificate(&["rsa"]),
            ske(0x1d, 0x0804),
            request(),
            done(),
        ]
        .concat();
        vec![c(Ch::tls12().bytes()), s(flight), c(bytes)]
    };
    let no_session = |client: Ch, server: Sh| {
        vec![
            c(client.bytes()),
            s([server.bytes(), ccs(), finished()].concat()),
        ]
    };
    let echo = |hello: &mut Sh| hello.sid = vec![2; 32];
    let http = || b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    vec![
        not_tls("server first", "server-first", vec![s(b"SSH-2.0-x\r\n")]).raw(),
        not_tls(
            "server first in tls",
            "server-first",
            vec![s(Sh::new().bytes()), c(Ch::new().bytes())],
        ),
        not_tls(
            "server amid the hello",
            "server-first",
            vec![c(&Ch::new().bytes()[..50]), s(alert(2, 40))],
        )
        .raw(),
        not_tls(
            "plain http server",
            "server-not-tls",
            vec![c(Ch::new().bytes()), s(http())],
        )
        .raw(),
        not_tls(
            "ssh server",
            "server-not-tls",
            vec![c(Ch::new().bytes()), s(b"SSH-2.0-OpenSSH\r\n")],
        )
        .raw(),
        not_tls(
            "application data for a server hello",
            "unexpected-record",
            vec![c(Ch::new().bytes()), s(app())],
        ),
        not_tls(
            "change of keys for a server hello",
            "unexpected-record",
            vec![c(Ch::new().bytes()), s([ccs(), Sh::new().bytes()].concat())],
        ),
        not_tls(
            "client hello for a server hello",
            "unexpected-message",
            vec![c(Ch::new().bytes()), s(Ch::new().bytes())],
        ),
        not_tls(
            "second server hello",
            "unexpected-message",
            after13(s, Sh::new().bytes()),
        ),
        not_tls(
            "more in the server hello's record",
            "unexpected-message",
            vec![
                c(Ch::new().bytes()),
                s(record(
                    22,
                    [handshake(2, Sh::new().body()), vec![8]].concat(),
                )),
            ],
        )
        .raw(),
        not_tls(
            "encrypted extensions in plaintext",
            "unexpected-message",
            after13(s, hs(8, [0, 0])),
        ),
        not_tls(
            "certificate in plaintext",
            "unexpected-message",
            after13(s, certificate(&["rsa"])),
        ),
        not_tls(
            "certificate in plaintext after the dummy",
            "unexpected-message",
            after13(s, [ccs(), certificate(&["rsa"])].concat()),
        ),
        not_tls(
            "http after server hello",
            "server-record",
            after13(s, http()),
        )
        .raw(),
        not_tls(
            "http after server's finished",
            "server-record",
            after13(s, [app(), http()].concat()),
        )
        .raw(),
        not_tls(
            "http from the client after the hellos",
            "client-record",
            after13(c, b"GET / HTTP/1.1\r\n".to_vec()),
        )
        .raw(),
        not_tls(
            "plaintext finished from the client",
            "unexpected-message",
            after13(c, hs(20, [0; 32])),
        ),
        not_tls(
            "five dummies",
            "unexpected-record",
            after13(s, [ccs(), ccs(), ccs(), ccs(), ccs()].concat()),
        ),
        not_tls(
            "early data not offered",
            "unexpected-record",
            vec![c([Ch::new().bytes(), app()].concat())],
        ),
        not_tls(
            "http behind the hello",
            "client-record",
            vec![c(
                [Ch::new().bytes(), b"GET / HTTP/1.1\r\n".to_vec()].concat()
            )],
        )
        .raw(),
        not_tls(
            "resumed without id and ticket",
            "unexpected-record",
            no_session(Ch::tls12().with(|hello| hello.sid.clear()), Sh::tls12()),
        ),
        not_tls(
            "resumed with another id",
            "unexpected-record",
            no_session(Ch::tls12(), Sh::tls12()),
        ),
        not_tls(
            "ticket not announced when resuming",
            "unexpected-message",
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().with(echo).bytes(), hs(4, [0; 10])].concat()),
            ],
        ),
        not_tls(
            "change of keys after the certificate",
            "unexpected-record",
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().with(echo).bytes(), certificate(&["rsa"]), ccs()].concat()),
            ],
        ),
        not_tls(
            "application data before finished",
            "unexpected-record",
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().with(echo).bytes(), ccs(), app()].concat()),
            ],
        ),
        not_tls(
            "client changes keys before the server when resuming",
            "unexpected-record",
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().with(echo).bytes(), ccs()].concat()),
                c([ccs(), finished()].concat()),
            ],
        ),
        not_tls(
            "server changes keys first",
            "unexpected-record",
            after12(s, [ccs(), finished()].concat()),
        ),
        not_tls(
            "server changes keys before the client",
            "unexpected-record",
            vec![
                c(Ch::tls12().bytes()),
                s(flight()),
                c(cke(0x1d)),
                s([ccs(), finished()].concat()),
            ],
        ),
        not_tls(
            "ticket not announced",
            "unexpected-message",
            vec![
                c(Ch::tls12().bytes()),
                s(flight()),
                c([cke(0x1d), ccs(), finished()].concat()),
                s(hs(4, [0; 10])),
            ],
        ),
        not_tls(
            "application data in 1.2's flight",
            "unexpected-record",
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().bytes(), app()].concat()),
            ],
        ),
        not_tls(
            "http in 1.2's flight",
            "server-record",
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().bytes(), http()].concat()),
            ],
        )
        .raw(),
        not_tls(
            "http after 1.2's flight",
            "server-record",
            after12(s, http()),
        )
        .raw(),
        not_tls(
            "client's http after 1.2's flight",
            "client-record",
            after12(c, b"GET / HTTP/1.1\r\n".to_vec()),
        )
        .raw(),
        not_tls(
            "client's data before its finished",
            "unexpected-record",
            after12(c, app()),
        ),
        not_tls(
            "client's change of keys without a key",
            "unexpected-record",
            after12(c, [ccs(), finished()].concat()),
        ),
        not_tls(
            "client's data instead of finished",
            "unexpected-record",
            after12(c, [cke(0x1d), ccs(), app()].concat()),
        ),
        not_tls(
            "client's change of keys twice",
            "unexpected-record",
            after12(c, [cke(0x1d), ccs(), ccs()].concat()),
        ),
        not_tls(
            "client's key twice",
            "unexpected-message",
            after12(c, [cke(0x1d), cke(0x1d)].concat()),
        ),
        not_tls(
            "client's certificate unasked",
            "unexpected-message",
            after12(c, certificate(&["p256"])),
        ),
        not_tls(
            "no certificate though asked",
            "unexpected-message",
            asked(cke(0x1d)),
        ),
        not_tls(
            "no proof of the certificate",
            "unexpected-record",
            asked([certificate(&["p256"]), cke(0x1d), ccs()].concat()),
        ),
        not_tls(
            "server's flight twice",
            "unexpected-message",
            after12(s, certificate(&["rsa"])),
        ),
    ]
}

pub fn bad_records() -> Vec<Case> {
    let first = |bytes: &[u8]| vec![c(bytes)];
    let hello = Ch::new().bytes();
    let half = hello.len() / 2;
    vec![
        not_tls("http", "client-not-tls", first(b"GET / HTTP/1.1\r\n\r\n")).raw(),
        not_tls("ssh", "client-not-tls", first(b"SSH-2.0-x\r\n")).raw(),
        not_tls("zero", "client-not-tls", first(&[0; 10])).raw(),
        not_tls("alert first", "client-not-tls", first(&alert(2, 40))),
        not_tls("application data first", "client-not-tls", first(&app())),
        not_tls(
            "heartbeat first",
            "client-not-tls",
            first(&record(24, [1; 10])),
        )
        .raw(),
        weak(
            "sslv2 hello",
            "sslv2-hello",
            first(&[0x80, 46, 1, 3, 1, 0, 21, 0, 0, 0, 16]),
        )
        .raw(),
        weak(
            "sslv2",
            "sslv2-hello",
            first(&[0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16]),
        )
        .raw(),
        not_tls(
            "version 2.0",
            "client-not-tls",
            first(&[22, 2, 0, 0, 50, 1]),
        )
        .raw(),
        not_tls(
            "empty handshake record",
            "client-not-tls",
            first(&[22, 3, 1, 0, 0]),
        )
        .raw(),
        not_tls(
            "empty record amid the hello",
            "client-record",
            vec![c([record(22, &hello[5..50]), record(22, [])].concat())],
        )
        .raw(),
        not_tls(
            "record beyond 16 KB",
            "record-length",
            first(&[22, 3, 1, 0x40, 1]),
        )
        .raw(),
        not_tls(
            "alert amid the hello",
            "client-not-tls",
            vec![c([record(22, &hello[5..half]), alert(1, 0)].concat())],
        )
        .raw(),
        not_tls(
            "heartbeat after the hellos",
            "server-record",
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), record(24, [1; 10])].concat()),
            ],
        )
        .raw(),
        not_tls(
            "alert amid the server hello",
            "unexpected-record",
            vec![
                c(Ch::new().bytes()),
                s([record(22, &Sh::new().bytes()[5..40]), alert(2, 40)].concat()),
            ],
        )
        .raw(),
        not_tls(
            "long alert",
            "record-length",
            vec![c(Ch::new().bytes()), s(record(21, [2, 40, 0]))],
        ),
        not_tls(
            "short alert",
            "record-length",
            vec![c(Ch::new().bytes()), s(record(21, [2]))],
        ),
        not_tls(
            "alert of level 3",
            "malformed-alert",
            vec![c(Ch::new().bytes()), s(alert(3, 40))],
        ),
        not_tls(
            "dummy of 2 bytes",
            "record-length",
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), record(20, [1, 1])].concat()),
            ],
        ),
        not_tls(
            "dummy of value 2",
            "change-cipher-spec",
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), record(20, [2])].concat()),
            ],
        ),
        not_tls(
            "protected record too long",
            "record-length",
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), vec![23, 3, 3, 0x41, 1]].concat()),
            ],
        )
        .raw(),
        not_tls(
            "empty application data",
            "server-record",
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), record(23, [])].concat()),
            ],
        )
        .raw(),
    ]
}

pub fn alerts() -> Vec<Case> {
    let closed = |name: &str, alert: Option<&'static str>, events: Vec<Event>| {
        Case::new(name, events, Outcome::Close(alert))
    };
    vec![
        closed("nothing", None, vec![]),
        closed("hello alone", None, vec![c(Ch::new().bytes())]),
        closed("half a hello", None, vec![c(&Ch::new().bytes()[..100])]).raw(),
        closed(
            "half a server hello",
            None,
            vec![c(Ch::new().bytes()), s(&Sh::new().bytes()[..50])],
        )
        .raw(),
        closed(
            "half a flight",
            None,
            vec![
                c(Ch::tls12().bytes()),
                s([Sh::tls12().bytes(), certificate(&["rsa"])].concat()),
            ],
        ),
        closed(
            "server refuses",
            Some("handshake_failure"),
            vec![c(Ch::new().bytes()), s(alert(2, 40))],
        ),
        closed(
            "server refuses the version",
            Some("protocol_version"),
            vec![c(Ch::new().bytes()), s(alert(2, 70))],
        ),
        closed(
            "server says goodbye",
            Some("close_notify"),
            vec![c(Ch::new().bytes()), s(alert(1, 0))],
        ),
        closed(
            "client refuses the server hello",
            Some("illegal_parameter"),
            vec![c(Ch::new().bytes()), s(Sh::new().bytes()), c(alert(2, 47))],
        ),
        closed(
            "client refuses the certificate",
            Some("unknown_ca"),
            vec![
                c(Ch::new().bytes()),
                s([Sh::new().bytes(), ccs(), app()].concat()),
                c(alert(2, 48)),
            ],
        ),
        closed(
            "client refuses 1.2's certificate",
            Some("unknown_ca"),
            vec![c(Ch::tls12().bytes()), s(flight()), c(alert(2, 48))],
        ),
        closed(
            "server refuses 1.2's client",
            Some("handshake_failure"),
            vec![
                c(Ch::tls12().bytes()),
                s(flight()),
                c([cke(0x1d), ccs(), finished()].concat()),
                s(alert(2, 40)),
            ],
        ),
        not_tls(
            "http after an alert",
            "server-record",
            vec![
                c(Ch::new().bytes()),
                s([alert(2, 40), b"HTTP/1.1 200 OK\r\n".to_vec()].concat()),
            ],
        )
        .raw(),
        not_tls(
            "server hello after an alert",
            "unexpected-message",
            vec![
                c(Ch::new().bytes()),
                s([alert(2, 40), Sh::new().bytes()].concat()),
            ],
        ),
        Case::new(
            "alerts without end",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    alert(1, 112),
                    alert(1, 112),
                    alert(1, 112),
                    alert(1, 112),
                    alert(1, 112),
                ]
                .concat()),
            ],
            Outcome::refuse("limits", "alerts"),
        ),
    ]
}
