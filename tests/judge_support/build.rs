//! Handshakes made by hand: small builders whose parts can each be wrong.

use super::{Event, HOST};
use outgate::logic::wire::tls::Side;

pub fn codes(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|code| code.to_be_bytes()).collect()
}

pub fn v8(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let mut out = vec![bytes.len() as u8];
    out.extend(bytes);
    out
}

pub fn v16(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let mut out = (bytes.len() as u16).to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

pub fn v24(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let mut out = (bytes.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend(bytes);
    out
}

pub fn handshake(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(v24(body));
    out
}

/// One record, whatever its length.
pub fn record(kind: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = vec![kind, 3, 3];
    out.extend(v16(payload));
    out
}

/// Handshake bytes in records of at most `size`.
pub fn records(bytes: &[u8], size: usize) -> Vec<u8> {
    bytes
        .chunks(size)
        .flat_map(|part| record(22, part))
        .collect()
}

pub fn hs(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    records(&handshake(kind, body), 16384)
}

pub fn ccs() -> Vec<u8> {
    record(20, [1])
}

pub fn app() -> Vec<u8> {
    record(23, [0x5a; 64])
}

/// A Finished of TLS 1.2, which is protected.
pub fn finished() -> Vec<u8> {
    record(22, [0x5a; 40])
}

pub fn alert(level: u8, code: u8) -> Vec<u8> {
    record(21, [level, code])
}

pub fn c(bytes: impl AsRef<[u8]>) -> Event {
    (Side::Client, bytes.as_ref().to_vec())
}

pub fn s(bytes: impl AsRef<[u8]>) -> Event {
    (Side::Server, bytes.as_ref().to_vec())
}

pub fn sni(name: &[u8]) -> Vec<u8> {
    v16([vec![0], v16(name)].concat())
}

pub fn share(group: u16, length: usize) -> Vec<u8> {
    let mut bytes = vec![9; length];
    if !matches!(group, 0x1d | 0x1e | 0x11ec) {
        bytes[0] = 4;
    }
    [codes(&[group]), v16(bytes)].concat()
}

/// A ClientHello; `Ch::new()` is that of a modern client.
#[derive(Clone)]
pub struct Ch {
    pub legacy: u16,
    pub random: [u8; 32],
    pub sid: Vec<u8>,
    pub suites: Vec<u16>,
    pub compressions: Vec<u8>,
    pub exts: Vec<(u16, Vec<u8>)>,
    pub no_exts: bool,
    pub trailing: Vec<u8>,
}

impl Ch {
    pub fn new() -> Ch {
        Ch {
            legacy: 0x0303,
            random: [1; 32],
            sid: vec![2; 32],
            suites: vec![
                0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc030, 0xcca8, 0xc013, 0x009e,
                0x002f, 0x000a, 0xc011, 0xc018, 0x00ff,
            ],
            compressions: vec![0],
            exts: vec![
                (0x1a1a, vec![]),
                (0, sni(HOST.as_bytes())),
                (
                    10,
                    v16(codes(&[
                        0x2a2a, 0x1d, 0x17, 0x18, 0x1e, 0x1a, 0x100, 0x11ec, 0x15,
                    ])),
                ),
                (11, v8([0])),
                (
                    13,
                    v16(codes(&[
                        0x0403, 0x0804, 0x0401, 0x0503, 0x0601, 0x0807, 0x0201, 0x0203,
                    ])),
                ),
                (16, v16([v8(b"h2"), v8(b"http/1.1")].concat())),
                (23, vec![]),
                (35, vec![]),
                (5, vec![1, 0, 0, 0, 0]),
                (45, vec![1, 1]),
                (43, v8(codes(&[0x3a3a, 0x0304, 0x0303]))),
                (
                    51,
                    v16([codes(&[0x2a2a]), v16([0]), share(0x1d, 32)].concat()),
                ),
                (0x4a4a, vec![0]),
            ],
            no_exts: false,
            trailing: vec![],
        }
    }

    /// A client of TLS 1.2 alone.
    pub fn tls12() -> Ch {
        Ch::new().without(43).without(51).without(45)
    }

    /// The second hello after a request for `group`.
    pub fn again(group: u16, length: usize) -> Ch {
        Ch::new().ext(51, v16(share(group, length)))
    }

    pub fn with(mut self, change: impl FnOnce(&mut Ch)) -> Ch {
        change(&mut self);
        self
    }

    /// Sets or adds an extension.
    pub fn ext(mut self, number: u16, body: impl AsRef<[u8]>) -> Ch {
        let body = body.as_ref().to_vec();
        match self.exts.iter_mut().find(|(known, _)| *known == number) {
            Some(found) => found.1 = body,
            None => self.exts.push((number, body)),
        }
        self
    }

    pub fn without(mut self, number: u16) -> Ch {
        self.exts.retain(|(known, _)| *known != number);
        self
    }

    /// One pre-shared key.
    pub fn psk(self) -> Ch {
        let identity = [v16([7; 20]), vec![0; 4]].concat();
        let body = [v16(identity), v16(v8([8; 32]))].concat();
        self.without(41).ext(41, body)
    }

    pub fn body(&self) -> Vec<u8> {
        let block: Vec<u8> = self
            .exts
            .iter()
            .flat_map(|(number, body)| [codes(&[*number]), v16(body)].concat())
            .collect();
        let mut out = codes(&[self.legacy]);
        out.extend(self.random);
        out.extend(v8(&self.sid));
        out.extend(v16(codes(&self.suites)));
        out.extend(v8(&self.compressions));
        if !self.no_exts {
            out.extend(v16(block));
        }
        out.extend(&self.trailing);
        out
    }

    pub fn bytes(&self) -> Vec<u8> {
        hs(1, self.body())
    }
}

/// A ServerHello; `Sh::new()` is TLS 1.3's, `Sh::tls12()` TLS 1.2's.
#[derive(Clone)]
pub struct Sh {
    pub legacy: u16,
    pub random: [u8; 32],
    pub sid: Vec<u8>,
    pub suite: u16,
    pub compression: u8,
    pub exts: Vec<(u16, Vec<u8>)>,
    pub trailing: Vec<u8>,
}

pub const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl Sh {
    pub fn new() -> Sh {
        Sh {
            legacy: 0x0303,
            random: [3; 32],
            sid: vec![2; 32],
            suite: 0x1301,
            compression: 0,
            exts: vec![(43, codes(&[0x0304])), (51, share(0x1d, 32))],
            trailing: vec![],
        }
    }

    pub fn tls12() -> Sh {
        let mut hello = Sh::new();
        hello.sid = vec![6; 32];
        hello.suite = 0xc02f;
        hello.exts = vec![(0xff01, vec![0]), (23, vec![]), (11, v8([0]))];
        hello
    }

    /// A HelloRetryRequest for `group`.
    pub fn retry(group: u16) -> Sh {
        let mut hello = Sh::new();
        hello.random = RETRY;
        hello.ext(51, codes(&[group]))
    }

    pub fn with(mut self, change: impl FnOnce(&mut Sh)) -> Sh {
        change(&mut self);
        self
    }

    pub fn ext(mut self, number: u16, body: impl AsRef<[u8]>) -> Sh {
        let body = body.as_ref().to_vec();
        match self.exts.iter_mut().find(|(known, _)| *known == number) {
            Some(found) => found.1 = body,
            None => self.exts.push((number, body)),
        }
        self
    }

    pub fn without(mut self, number: u16) -> Sh {
        self.exts.retain(|(known, _)| *known != number);
        self
    }

    pub fn body(&self) -> Vec<u8> {
        let block: Vec<u8> = self
            .exts
            .iter()
            .flat_map(|(number, body)| [codes(&[*number]), v16(body)].concat())
            .collect();
        let mut out = codes(&[self.legacy]);
        out.extend(self.random);
        out.extend(v8(&self.sid));
        out.extend(codes(&[self.suite]));
        out.push(self.compression);
        out.extend(v16(block));
        out.extend(&self.trailing);
        out
    }

    pub fn bytes(&self) -> Vec<u8> {
        hs(2, self.body())
    }
}

pub fn der(name: &str) -> Vec<u8> {
    std::fs::read(super::data().join(format!("{name}.der"))).unwrap()
}

pub fn certificate(names: &[&str]) -> Vec<u8> {
    let list: Vec<u8> = names.iter().flat_map(|name| v24(der(name))).collect();
    hs(11, v24(list))
}

pub fn point(group: u16) -> Vec<u8> {
    let length = match group {
        0x17 | 0x1a => 65,
        0x18 | 0x1b => 97,
        0x19 => 133,
        0x1c => 129,
        0x1e => 56,
        0x15 => 57,
        _ => 32,
    };
    share(group, length)[4..].to_vec()
}

/// A ServerKeyExchange over a curve.
pub fn ske(group: u16, scheme: u16) -> Vec<u8> {
    ske_point(group, &point(group), scheme)
}

pub fn ske_point(group: u16, point: &[u8], scheme: u16) -> Vec<u8> {
    let body = [
        vec![3],
        codes(&[group]),
        v8(point),
        codes(&[scheme]),
        v16([5; 256]),
    ]
    .concat();
    hs(12, body)
}

pub fn prime(bits: usize) -> Vec<u8> {
    let mut prime = vec![0xf1; bits.div_ceil(8)];
    if !bits.is_multiple_of(8) {
        prime[0] = (1 << (bits % 8)) - 1;
    }
    prime
}

pub fn ske_dh(prime: &[u8], generator: &[u8], public: &[u8], scheme: u16) -> Vec<u8> {
    let body = [
        v16(prime),
        v16(generator),
        v16(public),
        codes(&[scheme]),
        v16([5; 256]),
    ]
    .concat();
    hs(12, body)
}

pub fn request() -> Vec<u8> {
    hs(
        13,
        [v8([1, 64]), v16(codes(&[0x0403, 0x0401])), v16([])].concat(),
    )
}

pub fn done() -> Vec<u8> {
    hs(14, [])
}

pub fn cke(group: u16) -> Vec<u8> {
    hs(16, v8(point(group)))
}

/// The server's flight of TLS 1.2 over ECDHE and RSA.
pub fn flight() -> Vec<u8> {
    [
        Sh::tls12().bytes(),
        certificate(&["rsa"]),
        ske(0x1d, 0x0804),
        done(),
    ]
    .concat()
}

/// Both last flights of TLS 1.2.
pub fn finish12() -> Vec<Event> {
    vec![
        c([cke(0x1d), ccs(), finished()].concat()),
        s([ccs(), finished()].concat()),
        c(app()),
    ]
}

/// What follows the hellos of TLS 1.3.
pub fn finish13() -> Vec<Event> {
    vec![
        s([ccs(), app(), app()].concat()),
        c([ccs(), app()].concat()),
        c(app()),
    ]
}

pub fn full13(client: &Ch, server: &Sh) -> Vec<Event> {
    let mut all = vec![c(client.bytes()), s(server.bytes())];
    all.extend(finish13());
    all
}

pub fn full12(client: &Ch, flight: Vec<u8>) -> Vec<Event> {
    let mut all = vec![c(client.bytes()), s(flight)];
    all.extend(finish12());
    all
}
