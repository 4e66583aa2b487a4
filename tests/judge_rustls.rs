//! Live handshakes of rustls' client and server with the judge between them: each side gets only
//! what the judge lets pass, so a byte held too long hangs the handshake and fails the test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are outside #[test] functions"
)]

mod judge_support;

use std::io::{Read, Write};
use std::sync::Arc;

use judge_support::{Any, Driver, HOST, Outcome, question};
use outgate::logic::wire::tls::{Facts, Judge, Side};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

fn provider(groups: Vec<&'static dyn SupportedKxGroup>) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: groups,
        ..aws_lc_rs::default_provider()
    })
}

struct Pair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

fn pair(
    version: &'static rustls::SupportedProtocolVersion,
    client_groups: Vec<&'static dyn SupportedKxGroup>,
    server_groups: Vec<&'static dyn SupportedKxGroup>,
    client_auth: bool,
) -> Pair {
    let key = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).unwrap();
    let chain = vec![CertificateDer::from(key.cert.der().to_vec())];
    let secret = || PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let roots = Arc::new(roots);
    let server = ServerConfig::builder_with_provider(provider(server_groups.clone()))
        .with_protocol_versions(&[version])
        .unwrap();
    let mut server = if client_auth {
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            roots.clone(),
            provider(server_groups),
        );
        server.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        server.with_no_client_auth()
    }
    .with_single_cert(chain.clone(), secret())
    .unwrap();
    server.max_early_data_size = 16_384;
    // rustls takes early data with its own session store only, so tickets are for TLS 1.2.
    if version.version == rustls::ProtocolVersion::TLSv1_2 {
        server.ticketer = aws_lc_rs::Ticketer::new().unwrap();
    }
    let client = ClientConfig::builder_with_provider(provider(client_groups))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut client = if client_auth {
        client.with_client_auth_cert(chain, secret()).unwrap()
    } else {
        client.with_no_client_auth()
    };
    client.enable_early_data = true;
    Pair {
        client: Arc::new(client),
        server: Arc::new(server),
    }
}

/// One connection, with data both ways. `chunk` cuts the reads.
fn connect(pair: &Pair, profile: &str, chunk: usize) -> (Outcome, Facts, bool) {
    let name = ServerName::try_from(HOST).unwrap();
    let mut client = ClientConnection::new(pair.client.clone(), name).unwrap();
    let mut server = ServerConnection::new(pair.server.clone()).unwrap();
    let judge = Judge::new(question(profile), Box::new(Any::default()));
    let mut driver = Driver::new(judge);
    let mut early = false;
    if let Some(mut data) = client.early_data() {
        data.write_all(b"early").unwrap();
        early = true;
    }
    let mut outcome = Outcome::Open;
    let (mut got_server, mut got_client) = (Vec::new(), Vec::new());
    let mut sent = false;
    for _ in 0..50 {
        for side in [Side::Client, Side::Server] {
            let mut bytes = Vec::new();
            match side {
                Side::Client => {
                    while client.wants_write() {
                        client.write_tls(&mut bytes).unwrap();
                    }
                }
                Side::Server => {
                    while server.wants_write() {
                        server.write_tls(&mut bytes).unwrap();
                    }
                }
            }
            for part in bytes.chunks(chunk) {
                if outcome == Outcome::Pass {
                    match side {
                        Side::Client => driver.to_server.extend(part),
                        Side::Server => driver.to_client.extend(part),
                    }
                    continue;
                }
                outcome = driver.feed(side, part);
                if matches!(outcome, Outcome::Refuse(..)) {
                    return (outcome, driver.judge.facts().clone(), early);
                }
            }
            let passed = std::mem::take(&mut driver.to_server);
            let mut input = passed.as_slice();
            while !input.is_empty() {
                server.read_tls(&mut input).unwrap();
                server.process_new_packets().unwrap();
            }
            let passed = std::mem::take(&mut driver.to_client);
            let mut input = passed.as_slice();
            while !input.is_empty() {
                client.read_tls(&mut input).unwrap();
                client.process_new_packets().unwrap();
            }
            if let Some(mut data) = server.early_data() {
                let _ = data.read_to_end(&mut got_server);
            }
            let _ = server.reader().read_to_end(&mut got_server);
            let _ = client.reader().read_to_end(&mut got_client);
        }
        if !client.is_handshaking() && !server.is_handshaking() && !sent {
            sent = true;
            client.writer().write_all(b"question").unwrap();
            server.writer().write_all(b"answer").unwrap();
        }
    }
    assert!(got_server.ends_with(b"question"), "the handshake hangs");
    assert_eq!(got_client, b"answer");
    assert_eq!(got_server.starts_with(b"early"), early);
    (outcome, driver.judge.facts().clone(), early)
}

#[test]
fn every_group_version_and_resumption() {
    use aws_lc_rs::kx_group::{SECP256R1, SECP256R1MLKEM768, SECP384R1, X25519, X25519MLKEM768};
    let groups = [
        X25519,
        SECP256R1,
        SECP384R1,
        X25519MLKEM768,
        SECP256R1MLKEM768,
    ];
    for chunk in [1, 100, usize::MAX] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            for group in groups {
                let hybrid =
                    [X25519MLKEM768.name(), SECP256R1MLKEM768.name()].contains(&group.name());
                if hybrid && version.version == rustls::ProtocolVersion::TLSv1_2 {
                    continue;
                }
                for client_auth in [false, true] {
                    let pair = pair(version, vec![group], vec![group], client_auth);
                    for again in [false, true] {
                        let (outcome, facts, early) = connect(&pair, "baseline", chunk);
                        assert_eq!(outcome, Outcome::Pass);
                        let upstream = facts.upstream.unwrap();
                        let resumed = again && !client_auth;
                        assert!(upstream.resumed || !resumed);
                        let tls13 = version.version == rustls::ProtocolVersion::TLSv1_3;
                        assert!(!resumed || early == tls13);
                        assert_eq!(facts.certificate_verified, !upstream.resumed && !tls13);
                    }
                }
            }
        }
    }
}

#[test]
fn retries() {
    use aws_lc_rs::kx_group::{SECP384R1, X25519, X25519MLKEM768};
    for chunk in [1, usize::MAX] {
        for group in [SECP384R1, X25519MLKEM768] {
            let pair = pair(
                &rustls::version::TLS13,
                vec![X25519, group],
                vec![group],
                false,
            );
            let (outcome, facts, _) = connect(&pair, "baseline", chunk);
            assert_eq!(outcome, Outcome::Pass);
            assert!(facts.retried);
        }
    }
}

#[test]
fn profiles() {
    use aws_lc_rs::kx_group::{SECP256R1, X25519, X25519MLKEM768};
    let rows = [
        ("post-quantum", X25519MLKEM768, Outcome::Pass),
        ("post-quantum", X25519, Outcome::refuse("weak-tls", "group")),
        ("fips", SECP256R1, Outcome::Pass),
        ("fips", X25519, Outcome::refuse("weak-tls", "group")),
        ("strict", X25519, Outcome::Pass),
        ("tls13", X25519, Outcome::Pass),
    ];
    for (profile, group, expected) in rows {
        let all = vec![group, SECP256R1, X25519MLKEM768];
        let pair = pair(&rustls::version::TLS13, all, vec![group], false);
        assert_eq!(connect(&pair, profile, 1000).0, expected, "{profile}");
    }
}
