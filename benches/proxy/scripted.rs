//! A TLS 1.3 handshake, made once between two real endpoints and kept as bytes.

use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};

/// The bytes of a handshake, in the order in which they are sent.
#[derive(Debug)]
pub struct Script {
    /// ClientHello.
    pub hello: Vec<u8>,
    /// ServerHello, ChangeCipherSpec, and the encrypted rest of the flight.
    pub flight: Vec<u8>,
    /// The client's ChangeCipherSpec and Finished.
    pub finished: Vec<u8>,
}

/// The length of an order and of a short answer, as records.
pub const ORDER: usize = 5 + 32;
pub const ANSWER: usize = 5 + 256;

/// What the origin is asked to do once the handshake has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Answer with one record.
    Answer,
    /// Swallow so many bytes, then answer with one record.
    Swallow(u64),
    /// Send so many bytes.
    Pour(u64),
}

impl Script {
    /// Shakes hands as a client of `name` with a server that has a fresh certificate for it.
    pub fn capture(name: &'static str) -> Script {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut server = rustls::ServerConnection::new(Arc::new(server)).unwrap();
        let at = ServerName::try_from(name).unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(client), at).unwrap();

        let mut script = Script {
            hello: Vec::new(),
            flight: Vec::new(),
            finished: Vec::new(),
        };
        client.write_tls(&mut script.hello).unwrap();
        server.read_tls(&mut script.hello.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        while server.wants_write() {
            server.write_tls(&mut script.flight).unwrap();
        }
        client.read_tls(&mut script.flight.as_slice()).unwrap();
        client.process_new_packets().unwrap();
        while client.wants_write() {
            client.write_tls(&mut script.finished).unwrap();
        }
        assert!(!client.is_handshaking());
        script
    }
}

impl Order {
    /// The order as a record.
    pub fn record(self) -> [u8; ORDER] {
        let (kind, count) = match self {
            Order::Answer => (1, 0),
            Order::Swallow(count) => (2, count),
            Order::Pour(count) => (3, count),
        };
        let mut record = [0; ORDER];
        record[..5].copy_from_slice(&[23, 3, 3, 0, 32]);
        record[5] = kind;
        record[6..14].copy_from_slice(&count.to_be_bytes());
        record
    }

    /// The order of a record.
    pub fn read(record: [u8; ORDER]) -> Order {
        let count = u64::from_be_bytes(record[6..14].try_into().unwrap());
        match record[5] {
            1 => Order::Answer,
            2 => Order::Swallow(count),
            3 => Order::Pour(count),
            other => panic!("the tunnel altered bytes: order {other}"),
        }
    }
}

/// A short answer, as a record.
pub fn answer() -> [u8; ANSWER] {
    let mut record = [0x5a; ANSWER];
    record[..5].copy_from_slice(&[23, 3, 3, 1, 0]);
    record
}
