//! The flight of TLS 1.2: certificates and key exchanges.

use super::super::build::*;
use super::*;

pub fn bad_flights() -> Vec<Case> {
    let flight_of = |messages: Vec<Vec<u8>>| {
        full12(
            &Ch::tls12(),
            [vec![Sh::tls12().bytes()], messages].concat().concat(),
        )
    };
    let exchange = |message: Vec<u8>| flight_of(vec![certificate(&["rsa"]), message, done()]);
    let dh = |prime: &[u8], generator: &[u8], public: &[u8]| {
        let hello = Sh::tls12().with(|hello| hello.suite = 0x009e).bytes();
        full12(
            &Ch::tls12(),
            [
                hello,
                certificate(&["rsa"]),
                ske_dh(prime, generator, public, 0x0401),
                done(),
            ]
            .concat(),
        )
    };
    let certificates = |name: &str, kind: &'static str, chain: &[&str]| {
        Case::new(
            name,
            flight_of(vec![certificate(chain), ske(0x1d, 0x0804), done()]),
            Outcome::refuse("invalid-certificate", kind),
        )
    };
    let mut below = prime(2048);
    below[255] -= 1;
    let mut cases = vec![
        certificates("rsa of 1024 bits", "weak-key", &["rsa1024"]),
        certificates("rsa of 2047 bits", "weak-key", &["rsa2047"]),
        certificates("p-224", "weak-key", &["p224"]),
        certificates("secp256k1", "weak-key", &["k256"]),
        certificates("sha-1 leaf", "weak-signature", &["sha1"]),
        certificates("sha-1 above", "weak-signature", &["rsa", "sha1"]),
        certificates("weak key above", "weak-key", &["rsa", "rsa1024"]),
        certificates("no certificate", "missing", &[]),
        Case::new(
            "garbage certificate",
            flight_of(vec![
                hs(11, v24(v24([0x30; 300]))),
                ske(0x1d, 0x0804),
                done(),
            ]),
            Outcome::refuse("invalid-certificate", "malformed"),
        ),
        not_tls(
            "cut certificate list",
            "malformed-handshake",
            flight_of(vec![
                hs(11, [0, 0, 9, 0, 0, 7, 1, 2]),
                ske(0x1d, 0x0804),
                done(),
            ]),
        ),
        weak(
            "dh of 1024 bits",
            "dh-size",
            dh(&prime(1024), &[2], &[7; 100]),
        ),
        weak(
            "dh of 2047 bits",
            "dh-size",
            dh(&prime(2047), &[2], &[7; 100]),
        ),
        weak(
            "dh with public 1",
            "key-share",
            dh(&prime(2048), &[2], &[1]),
        ),
        weak(
            "dh with public 0",
            "key-share",
            dh(&prime(2048), &[2], &[0]),
        ),
        weak(
            "dh with public p - 1",
            "key-share",
            dh(&prime(2048), &[2], &below),
        ),
        weak(
            "dh with generator 1",
            "key-share",
            dh(&prime(2048), &[1], &[7; 256]),
        ),
        weak(
            "dh with an even prime",
            "key-share",
            dh(&below, &[2], &[7; 256]),
        ),
        weak(
            "dh with leading zeros",
            "dh-size",
            dh(&[vec![0; 200], prime(1024)].concat(), &[2], &[7; 100]),
        ),
        weak("curve not offered", "group", exchange(ske(0x19, 0x0804))),
        weak("weak curve", "group", exchange(ske(0x15, 0x0804))),
        weak("hybrid as a curve", "group", exchange(ske(0x11ec, 0x0804))),
        weak("explicit curve", "key-share", exchange(hs(12, [1; 200]))),
        weak(
            "compressed point",
            "key-share",
            exchange(ske_point(0x17, &[2; 33], 0x0804)),
        ),
        weak(
            "point of zeros",
            "key-share",
            exchange(ske_point(0x1d, &[0; 32], 0x0804)),
        ),
        weak(
            "signed with sha-1",
            "signature",
            exchange(ske(0x1d, 0x0201)),
        ),
        weak("signed with md5", "signature", exchange(ske(0x1d, 0x0101))),
        weak(
            "signed with sha-224",
            "signature",
            exchange(ske(0x1d, 0x0301)),
        ),
        weak(
            "signed with a scheme not offered",
            "signature",
            exchange(ske(0x1d, 0x0501)),
        ),
        weak(
            "signed with ecdsa for an rsa suite",
            "signature",
            exchange(ske(0x1d, 0x0403)),
        ),
        not_tls(
            "cut key exchange",
            "malformed-handshake",
            exchange(hs(12, [3, 0, 0x1d, 32, 1, 2])),
        ),
        not_tls(
            "trailing in key exchange",
            "malformed-handshake",
            exchange(hs(
                12,
                [
                    vec![3],
                    codes(&[0x1d]),
                    v8(point(0x1d)),
                    codes(&[0x0804]),
                    v16([5; 256]),
                    vec![0],
                ]
                .concat(),
            )),
        ),
        not_tls(
            "body in done",
            "malformed-handshake",
            flight_of(vec![certificate(&["rsa"]), ske(0x1d, 0x0804), hs(14, [0])]),
        ),
        not_tls(
            "no certificate message",
            "unexpected-message",
            flight_of(vec![ske(0x1d, 0x0804), done()]),
        ),
        not_tls(
            "no key exchange",
            "unexpected-message",
            flight_of(vec![certificate(&["rsa"]), done()]),
        ),
        not_tls("done alone", "unexpected-message", flight_of(vec![done()])),
        not_tls(
            "certificate twice",
            "unexpected-message",
            flight_of(vec![
                certificate(&["rsa"]),
                certificate(&["rsa"]),
                ske(0x1d, 0x0804),
                done(),
            ]),
        ),
        not_tls(
            "key exchange twice",
            "unexpected-message",
            flight_of(vec![
                certificate(&["rsa"]),
                ske(0x1d, 0x0804),
                ske(0x1d, 0x0804),
                done(),
            ]),
        ),
        not_tls(
            "server hello twice",
            "unexpected-message",
            flight_of(vec![Sh::tls12().bytes()]),
        ),
        not_tls(
            "status not announced",
            "unexpected-message",
            flight_of(vec![
                certificate(&["rsa"]),
                hs(22, [1, 0, 0, 1, 1]),
                ske(0x1d, 0x0804),
                done(),
            ]),
        ),
        not_tls(
            "request before key exchange",
            "unexpected-message",
            flight_of(vec![
                certificate(&["rsa"]),
                request(),
                ske(0x1d, 0x0804),
                done(),
            ]),
        ),
        not_tls(
            "more in done's record",
            "unexpected-message",
            vec![
                c(Ch::tls12().bytes()),
                s([
                    Sh::tls12().bytes(),
                    certificate(&["rsa"]),
                    ske(0x1d, 0x0804),
                    record(22, [14, 0, 0, 0, 4]),
                ]
                .concat()),
            ],
        )
        .raw(),
        Case::new(
            "flight without end",
            {
                let flood = hs(11, vec![0; 200_000]);
                vec![
                    c(Ch::tls12().bytes()),
                    s([Sh::tls12().bytes(), flood].concat()),
                ]
            },
            Outcome::refuse("limits", "server-flight-size"),
        ),
    ];
    for (name, fault, kind) in [
        ("expired", CertificateFault::Expired, "expired"),
        (
            "untrusted",
            CertificateFault::UntrustedIssuer,
            "untrusted-issuer",
        ),
        ("other name", CertificateFault::WrongName, "wrong-name"),
        (
            "unsupported",
            CertificateFault::UnsupportedAlgorithm,
            "unsupported-algorithm",
        ),
    ] {
        let mut case = Case::new(
            name,
            full12(&Ch::tls12(), flight()),
            Outcome::refuse("invalid-certificate", kind),
        );
        case.chain = Some(fault);
        cases.push(case);
    }
    let mut case = Case::new(
        "bad signature",
        full12(&Ch::tls12(), flight()),
        Outcome::refuse("invalid-certificate", "bad-signature"),
    );
    case.signature = Some(CertificateFault::BadSignature);
    cases.push(case);
    cases
}
