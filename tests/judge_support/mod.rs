//! What the judge's tests share: transcripts, a driver that plays the I/O layer, verifiers.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod build;
pub mod cases;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outgate::logic::wire::tls::{
    CertificateFault, CertificateVerifier, Judge, Profile, Question, Refusal, Side, Step,
};
use outgate::model::{Action, Host, RuleActions};

pub const HOST: &str = "server.outgate.test";

pub fn question(profile: &str) -> Question {
    Question {
        connect: Host::parse(HOST).unwrap(),
        profile: Profile::by_name(profile).unwrap(),
        actions: RuleActions::all(Action::Block),
        hold: true,
        bounds: Default::default(),
    }
}

/// One read: who sent what.
pub type Event = (Side, Vec<u8>);

/// How a handshake ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    Refuse(String, &'static str),
    Close(Option<&'static str>),
    /// All was fed and nothing was decided.
    Open,
}

impl Outcome {
    pub fn refuse(rule: &str, kind: &'static str) -> Outcome {
        Outcome::Refuse(rule.to_owned(), kind)
    }
}

/// Plays the I/O layer: keeps what is held, checks that steps make sense, and remembers what
/// each side got.
pub struct Driver {
    pub judge: Judge,
    pub client_held: Vec<u8>,
    pub server_held: Vec<u8>,
    /// What went to the server, and to the client.
    pub to_server: Vec<u8>,
    pub to_client: Vec<u8>,
    pub refusal: Option<Refusal>,
    pub name_answer: bool,
}

impl Driver {
    pub fn new(judge: Judge) -> Driver {
        Driver {
            judge,
            client_held: Vec::new(),
            server_held: Vec::new(),
            to_server: Vec::new(),
            to_client: Vec::new(),
            refusal: None,
            name_answer: true,
        }
    }

    pub fn feed(&mut self, side: Side, bytes: &[u8]) -> Outcome {
        match side {
            Side::Client => self.client_held.extend(bytes),
            Side::Server => self.server_held.extend(bytes),
        }
        let step = self.judge.feed(side, bytes);
        self.act(step)
    }

    pub fn eof(&mut self, side: Side) -> Outcome {
        let step = self.judge.eof(side);
        self.act(step)
    }

    fn act(&mut self, step: Step) -> Outcome {
        match step {
            Step::Forward { client, server } => {
                assert!(client + server > 0, "an empty Forward is a Hold");
                self.to_server.extend(self.client_held.drain(..client));
                self.to_client.extend(self.server_held.drain(..server));
                Outcome::Open
            }
            Step::Hold => Outcome::Open,
            Step::Name(_) => {
                let step = self.judge.name_judged(self.name_answer);
                self.act(step)
            }
            Step::Pass => {
                self.to_server.append(&mut self.client_held);
                self.to_client.append(&mut self.server_held);
                Outcome::Pass
            }
            Step::Close(close) => Outcome::Close(close.alert.map(|alert| alert.name())),
            Step::Refuse(refusal) => {
                let outcome = Outcome::refuse(refusal.rule.id(), refusal.kind);
                assert!(!refusal.hint.is_empty());
                self.refusal = Some(refusal);
                outcome
            }
        }
    }

    /// Feeds all events, then both ends, until something is decided.
    pub fn play(&mut self, events: &[Event], chunk: usize) -> Outcome {
        for (side, bytes) in events {
            for part in bytes.chunks(chunk.max(1)) {
                let outcome = self.feed(*side, part);
                if outcome != Outcome::Open {
                    return outcome;
                }
            }
        }
        match self.eof(Side::Server) {
            Outcome::Open => self.eof(Side::Client),
            outcome => outcome,
        }
    }
}

/// A verifier that takes everything, or one fault for the chain and one for signatures.
#[derive(Default, Clone)]
pub struct Any {
    pub chain: Option<CertificateFault>,
    pub signature: Option<CertificateFault>,
}

impl CertificateVerifier for Any {
    fn verify_chain(&self, _: &[&[u8]], _: &Host) -> Result<(), CertificateFault> {
        self.chain.map_or(Ok(()), Err)
    }

    fn verify_signature(
        &self,
        _: &[u8],
        _: u16,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), CertificateFault> {
        self.signature.map_or(Ok(()), Err)
    }
}

/// A real verifier over the recorded roots.
pub struct Recorded {
    roots: Vec<Vec<u8>>,
}

impl Recorded {
    pub fn new() -> Recorded {
        Recorded {
            roots: ["root.der", "old-root.der"]
                .map(|name| fs::read(data().join(name)).unwrap())
                .to_vec(),
        }
    }
}

impl CertificateVerifier for Recorded {
    fn verify_chain(&self, chain: &[&[u8]], name: &Host) -> Result<(), CertificateFault> {
        use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
        let roots: Vec<_> = self
            .roots
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let anchors: Vec<_> = roots
            .iter()
            .map(|der| webpki::anchor_from_trusted_cert(der).unwrap())
            .collect();
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(*der)).collect();
        let leaf = webpki::EndEntityCert::try_from(&chain[0]).map_err(fault)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &chain[1..],
            UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs())),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(fault)?;
        let name = ServerName::try_from(name.to_string()).unwrap();
        leaf.verify_is_valid_for_subject_name(&name).map_err(fault)
    }

    fn verify_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateFault> {
        use webpki::aws_lc_rs as algs;
        let algs: &[&dyn rustls::pki_types::SignatureVerificationAlgorithm] = match scheme {
            0x0401 => &[algs::RSA_PKCS1_2048_8192_SHA256],
            0x0501 => &[algs::RSA_PKCS1_2048_8192_SHA384],
            0x0601 => &[algs::RSA_PKCS1_2048_8192_SHA512],
            0x0403 => &[
                algs::ECDSA_P256_SHA256,
                algs::ECDSA_P384_SHA256,
                algs::ECDSA_P521_SHA256,
            ],
            0x0503 => &[
                algs::ECDSA_P256_SHA384,
                algs::ECDSA_P384_SHA384,
                algs::ECDSA_P521_SHA384,
            ],
            0x0603 => &[algs::ECDSA_P521_SHA512],
            0x0804 => &[algs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
            0x0805 => &[algs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
            0x0806 => &[algs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
            0x0807 => &[algs::ED25519],
            _ => return Err(CertificateFault::UnsupportedAlgorithm),
        };
        let leaf = rustls::pki_types::CertificateDer::from(leaf);
        let leaf = webpki::EndEntityCert::try_from(&leaf).map_err(fault)?;
        let mut last = CertificateFault::UnsupportedAlgorithm;
        for alg in algs {
            match leaf.verify_signature(*alg, message, signature) {
                Ok(()) => return Ok(()),
                Err(webpki::Error::InvalidSignatureForPublicKey) => {
                    last = CertificateFault::BadSignature;
                }
                Err(_) => {}
            }
        }
        Err(last)
    }
}

fn fault(error: webpki::Error) -> CertificateFault {
    match error {
        webpki::Error::CertExpired { .. } => CertificateFault::Expired,
        webpki::Error::CertNotValidForName(_) => CertificateFault::WrongName,
        webpki::Error::UnknownIssuer => CertificateFault::UntrustedIssuer,
        webpki::Error::CaUsedAsEndEntity => CertificateFault::CaAsLeaf,
        _ => CertificateFault::Other,
    }
}

pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge_data")
}

/// A recorded handshake.
pub struct Transcript {
    pub name: String,
    /// The words of its first line.
    pub verdict: Vec<String>,
    pub events: Vec<Event>,
}

/// All recorded handshakes, by name.
pub fn transcripts() -> Vec<Transcript> {
    let mut all: Vec<Transcript> = fs::read_dir(data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .map(|path| read_transcript(&path))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(all.len() > 50);
    all
}

fn read_transcript(path: &Path) -> Transcript {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let verdict = lines.next().unwrap().trim_start_matches("# ");
    Transcript {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        verdict: verdict.split(' ').map(str::to_owned).collect(),
        events: lines
            .map(|line| {
                let (side, hex) = line.split_once(' ').unwrap();
                let side = if side == "C" {
                    Side::Client
                } else {
                    Side::Server
                };
                (side, unhex(hex))
            })
            .collect(),
    }
}

pub fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
        .collect()
}

/// Cuts the plaintext handshake records anew into fragments of `size` bytes; adjacent ones are
/// joined before. `tls13` tells which records are protected.
pub fn refragment(events: &[Event], size: usize, tls13: bool) -> Vec<Event> {
    let mut changed = [false, false];
    let mut out: Vec<Event> = Vec::new();
    let mut partial: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
    let mut joined: Option<(Side, Vec<u8>)> = None;
    let flush = |joined: &mut Option<(Side, Vec<u8>)>, out: &mut Vec<Event>| {
        if let Some((side, bytes)) = joined.take() {
            let mut cut = Vec::new();
            for part in bytes.chunks(size) {
                cut.extend([22, 3, 3]);
                cut.extend((part.len() as u16).to_be_bytes());
                cut.extend(part);
            }
            out.push((side, cut));
        }
    };
    for (side, bytes) in events {
        let which = usize::from(*side == Side::Server);
        let mut rest = std::mem::take(&mut partial[which]);
        rest.extend(bytes);
        while rest.len() >= 5 {
            let length = usize::from(u16::from_be_bytes([rest[3], rest[4]])) + 5;
            if rest.len() < length {
                break;
            }
            let record: Vec<u8> = rest.drain(..length).collect();
            if joined.as_ref().is_some_and(|(other, _)| other != side) {
                flush(&mut joined, &mut out);
            }
            let plain = record[0] == 22 && (tls13 || !changed[which]);
            if plain {
                joined
                    .get_or_insert_with(|| (*side, Vec::new()))
                    .1
                    .extend(&record[5..]);
                continue;
            }
            flush(&mut joined, &mut out);
            changed[which] |= record[0] == 20;
            out.push((*side, record));
        }
        partial[which] = rest;
    }
    flush(&mut joined, &mut out);
    for (side, rest) in [Side::Client, Side::Server].into_iter().zip(partial) {
        if !rest.is_empty() {
            out.push((side, rest));
        }
    }
    out
}
