//! Both TLS legs of an interception, against rustls and OpenSSL.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the test functions"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use outgate::edge::tls::{
    AcceptError, Agreed, Alpn, ClientLeg, Failed, Offer, Originator, Peer, RootSource, Roots,
    UpstreamTls, Verifier, await_rejection,
};
use outgate::logic::wire::tls::{CertificateFault, Profile};
use outgate::model::Host;
use rustls::client::{Resumption, Tls12Resumption};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use support::{Authority, OpensslServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const NAME: &str = "asked.test";
const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

fn profile(name: &str) -> &'static Profile {
    Profile::by_name(name).unwrap()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

// The client's leg.

fn leaf((cert, key): &(String, String)) -> Arc<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(cert)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = provider()
        .key_provider
        .load_private_key(PrivateKeyDer::from_pem_file(key).unwrap())
        .unwrap();
    Arc::new(CertifiedKey::new(chain, key))
}

/// A client's settings: roots, one version, protocols.
fn client(ca: &str, version: &'static SupportedProtocolVersion, alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(
        CertificateDer::pem_file_iter(ca)
            .unwrap()
            .map(Result::unwrap),
    );
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// What the client saw of a handshake that succeeded: its kind, the protocol.
type Saw = Option<(HandshakeKind, Option<Vec<u8>>)>;

/// One connection of `config` to `leg`: both sides' results. A word each way follows a handshake.
async fn meet(
    leg: &ClientLeg,
    leaf: &Arc<CertifiedKey>,
    profile: &'static Profile,
    alpn: Option<Alpn>,
    config: &Arc<ClientConfig>,
    name: &str,
) -> (Result<Agreed, AcceptError>, Saw) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (config, name) = (Arc::clone(config), name.to_owned());
    let client = std::thread::spawn(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        let name = ServerName::try_from(name).unwrap();
        let session = rustls::ClientConnection::new(config, name).unwrap();
        let mut tls = rustls::StreamOwned::new(session, stream);
        let mut word = [0; 5];
        tls.write_all(b"hello").ok()?;
        tls.read_exact(&mut word).ok()?;
        let protocol = tls.conn.alpn_protocol().map(<[u8]>::to_vec);
        tls.conn.handshake_kind().map(|kind| (kind, protocol))
    });
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = TcpStream::from_std(stream).unwrap();
    let accepted = match leg.accept(stream, Arc::clone(leaf), profile, alpn).await {
        Ok((mut tls, agreed)) => {
            let mut word = [0; 5];
            tls.read_exact(&mut word).await.unwrap();
            tls.write_all(&word).await.unwrap();
            tls.shutdown().await.unwrap();
            Ok(agreed)
        }
        Err(error) => Err(error),
    };
    (accepted, client.join().unwrap())
}

#[tokio::test]
async fn a_client_is_given_the_protocol_that_was_chosen() {
    let authority = Authority::new();
    let leaf = leaf(&authority.issue(&[NAME]));
    let leg = ClientLeg::new();
    let both: &[&str] = &["h2", "http/1.1"];
    let cases = [
        (both, Some(Alpn::H2), Some("h2")),
        (both, Some(Alpn::Http11), Some("http/1.1")),
        (both, None, None),
        (&[], Some(Alpn::H2), None),
    ];
    for version in BOTH {
        for (offered, given, got) in cases {
            let config = Arc::new(client(&authority.ca(), version, offered));
            let (agreed, saw) = meet(&leg, &leaf, profile("baseline"), given, &config, NAME).await;
            let agreed = agreed.unwrap();
            assert_eq!(agreed.version, Some(u16::from(version.version)));
            assert!(agreed.suite.is_some() && agreed.group.is_some() && !agreed.resumed);
            assert_eq!(
                saw,
                Some((
                    HandshakeKind::Full,
                    got.map(|name| name.as_bytes().to_vec())
                ))
            );
            let named = got.and_then(|name| Alpn::by_name(name.as_bytes()));
            assert_eq!(agreed.alpn, named, "{offered:?} {given:?}");
        }
    }
    // A client that speaks neither of ours is told so, as by any server.
    let config = Arc::new(client(&authority.ca(), &TLS13, &["smtp"]));
    let (refused, _) = meet(
        &leg,
        &leaf,
        profile("baseline"),
        Some(Alpn::H2),
        &config,
        NAME,
    )
    .await;
    assert!(matches!(refused, Err(AcceptError::Other(_))), "{refused:?}");
}

#[tokio::test]
async fn a_client_goes_on_with_its_session_under_the_same_profile_only() {
    let authority = Authority::new();
    let leaf = leaf(&authority.issue(&[NAME]));
    let sessions_alone = || Resumption::default().tls12_resumption(Tls12Resumption::SessionIdOnly);
    for (version, resumption) in [
        (&TLS12, Resumption::default()),
        (&TLS12, sessions_alone()),
        (&TLS13, Resumption::default()),
    ] {
        let leg = ClientLeg::new();
        let mut config = client(&authority.ca(), version, &[]);
        config.resumption = resumption;
        let config = Arc::new(config);
        for (name, resumed) in [
            ("baseline", false),
            ("baseline", true),
            ("strict", false),
            ("strict", true),
        ] {
            let (agreed, saw) = meet(&leg, &leaf, profile(name), None, &config, NAME).await;
            assert_eq!(agreed.unwrap().resumed, resumed, "{name} {version:?}");
            let is_full = saw.unwrap().0 != HandshakeKind::Resumed;
            assert_eq!(is_full, !resumed);
        }
    }
}

#[tokio::test]
async fn long_names_and_addresses() {
    let authority = Authority::new();
    let long = [
        &["a".repeat(62).as_str(); 3].join("."),
        "long.name.that.is.asked.test",
    ]
    .join(".");
    let longest = format!("{}.{long}", "b".repeat(253 - 1 - long.len()));
    assert_eq!(longest.len(), 253);
    let leg = ClientLeg::new();
    for name in [longest.as_str(), "127.0.0.1", "::1"] {
        let identity = authority.issue_with(&["short"], |params| {
            params.subject_alt_names = rcgen::CertificateParams::new(vec![name.to_owned()])
                .unwrap()
                .subject_alt_names;
        });
        let leaf = leaf(&identity);
        for version in BOTH {
            let config = Arc::new(client(&authority.ca(), version, &[]));
            let (agreed, saw) = meet(&leg, &leaf, profile("baseline"), None, &config, name).await;
            agreed.unwrap();
            assert!(saw.is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_us_says_so() {
    let ours = Authority::new();
    // Theirs has another name; the one before ours has the same.
    let folder = tempfile::tempdir().unwrap();
    let [theirs, ..] = long_chain(folder.path(), 0, 0);
    let before = Authority::new();
    let stale = ours.issue_with(&[NAME], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let cases = [
        (ours.issue(&["other.test"]), theirs, 48),
        (ours.issue(&["another.test"]), before.ca(), 51),
        (ours.issue(&["foreign.test"]), ours.ca(), 42),
        (stale, ours.ca(), 45),
    ];
    let leg = ClientLeg::new();
    for (identity, roots, alert) in cases {
        let leaf = leaf(&identity);
        for version in BOTH {
            let config = Arc::new(client(&roots, version, &[]));
            let (refused, saw) = meet(&leg, &leaf, profile("baseline"), None, &config, NAME).await;
            assert_eq!(refused, Err(AcceptError::Rejected { alert }));
            assert_eq!(saw, None);
        }
    }
}

/// `openssl s_client` with `args`; what the leg made of it.
async fn openssl_client(
    leg: &ClientLeg,
    leaf: &Arc<CertifiedKey>,
    args: &[&str],
) -> Result<Agreed, AcceptError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-servername", NAME])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let accepted = leg
        .accept(stream, Arc::clone(leaf), profile("strict"), None)
        .await
        .map(|(_, agreed)| agreed);
    let _ = child.kill();
    child.wait().unwrap();
    accepted
}

#[tokio::test]
async fn openssl_as_a_client() {
    let (ours, before) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let [theirs, ..] = long_chain(folder.path(), 0, 0);
    let leaf = leaf(&ours.issue(&[NAME]));
    let (ours, before) = (ours.ca(), before.ca());
    let leg = ClientLeg::new();
    for (flag, version) in [("-tls1_2", 0x0303), ("-tls1_3", 0x0304)] {
        let trusting = [flag, "-CAfile", &ours, "-verify_return_error"];
        let agreed = openssl_client(&leg, &leaf, &trusting).await.unwrap();
        assert_eq!(agreed.version, Some(version));
        for (roots, alert) in [(&theirs, 48), (&before, 51)] {
            let distrusting = [flag, "-CAfile", roots, "-verify_return_error"];
            let refused = openssl_client(&leg, &leaf, &distrusting).await;
            assert_eq!(refused, Err(AcceptError::Rejected { alert }), "{flag}");
        }
    }
    for weak in [
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"][..],
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
        &["-tls1_2", "-sigalgs", "RSA+SHA256"],
        &["-tls1_3", "-groups", "P-521"],
        &["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"],
    ] {
        let refused = openssl_client(&leg, &leaf, weak).await;
        assert!(
            matches!(refused, Err(AcceptError::Weak(_))),
            "{weak:?} {refused:?}"
        );
    }
}

#[tokio::test]
async fn weak_and_vanishing_clients() {
    let authority = Authority::new();
    let leaf = leaf(&authority.issue(&[NAME]));
    let leg = ClientLeg::new();
    let config = Arc::new(client(&authority.ca(), &TLS12, &[]));
    let (refused, _) = meet(&leg, &leaf, profile("tls13"), None, &config, NAME).await;
    let Err(AcceptError::Weak(words)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        words,
        "the client cannot be intercepted under the profile tls13 (TLS 1.3): it offers no version \
         in common"
    );
    for profile in [profile("baseline"), Profile::nothing()] {
        let (near, far) = tokio::io::duplex(1000);
        drop(far);
        let gone = leg.accept(near, Arc::clone(&leaf), profile, None).await;
        match gone.map(|_| ()) {
            Err(AcceptError::Closed) => assert_eq!(profile.name(), "baseline"),
            Err(AcceptError::Other(_)) => assert_eq!(profile.name(), ""),
            other => panic!("{other:?}"),
        }
    }
}

// The upstream's leg.

fn originator(authority: &Authority) -> Originator {
    let roots = Roots::load(RootSource::Mozilla, &[authority.ca().into()]).unwrap();
    Originator::new(Arc::new(Verifier::new(roots)))
}

async fn originate(
    originator: &Originator,
    address: SocketAddr,
    profile: &'static Profile,
    alpn: &[Alpn],
) -> Result<(UpstreamTls<TcpStream>, Peer), Failed> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = Host::parse(NAME).unwrap();
    originator
        .originate(&name, stream, profile, Offer::Profile, alpn)
        .await
}

/// A server that greets each client, with `change`d settings.
fn server(
    identity: &(String, String),
    version: &'static SupportedProtocolVersion,
    change: impl FnOnce(&mut ServerConfig),
) -> SocketAddr {
    let mut config = (*support::tls::server_config(identity, &[version])).clone();
    change(&mut config);
    serve(Arc::new(config))
}

fn serve(config: Arc<ServerConfig>) -> SocketAddr {
    support::origin(move |stream| {
        let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut tls = rustls::StreamOwned::new(session, stream);
        let _ = tls.write_all(b"greeting");
        let _ = tls.flush();
        // Until the client is gone, so that the close is not a reset.
        let _ = tls.read(&mut [0; 16]);
    })
}

async fn greeting(tls: &mut UpstreamTls<TcpStream>) {
    let mut word = [0; 8];
    tls.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"greeting");
}

#[tokio::test]
async fn the_server_chooses_the_protocol() {
    let authority = Authority::new();
    let identity = authority.issue(&[NAME]);
    let originator = originator(&authority);
    let cases: [(&[Alpn], &[&str], Option<Alpn>); 4] = [
        (&Alpn::ALL, &["h2", "http/1.1"], Some(Alpn::H2)),
        (&Alpn::ALL, &["http/1.1"], Some(Alpn::Http11)),
        (&[Alpn::Http11], &["h2", "http/1.1"], Some(Alpn::Http11)),
        (&[], &["h2", "http/1.1"], None),
    ];
    for version in BOTH {
        for (offered, spoken, chosen) in cases {
            let address = server(&identity, version, |config| {
                config.alpn_protocols =
                    spoken.iter().map(|name| name.as_bytes().to_vec()).collect();
            });
            let (mut tls, peer) = originate(&originator, address, profile("baseline"), offered)
                .await
                .unwrap();
            greeting(&mut tls).await;
            assert_eq!(peer.alpn, chosen);
            assert_eq!(peer.chain.len(), 1);
            assert!(!peer.client_auth && peer.version == Some(u16::from(version.version)));
        }
        let address = server(&identity, version, |config| {
            config.alpn_protocols = vec![b"smtp".to_vec()];
        });
        let failed = originate(&originator, address, profile("baseline"), &Alpn::ALL)
            .await
            .unwrap_err();
        assert!(matches!(failed, Failed::Incompatible(_)), "{failed:?}");
    }
}

#[tokio::test]
async fn sessions_go_on_within_a_profile_and_originator_only() {
    let authority = Authority::new();
    let identity = authority.issue(&[NAME]);
    for version in BOTH {
        let address = server(&identity, version, |config| {
            config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        });
        let ours = originator(&authority);
        let other_roots = originator(&authority);
        let blind = Originator::without_resumption(Arc::new(Verifier::new(
            Roots::load(RootSource::Mozilla, &[authority.ca().into()]).unwrap(),
        )));
        let h2 = [Alpn::H2];
        let steps: [(&Originator, &str, &[Alpn], bool); 8] = [
            (&ours, "baseline", &[], false),
            (&ours, "baseline", &[], true),
            (&ours, "strict", &[], false),
            (&ours, "baseline", &h2, false),
            (&ours, "baseline", &[], true),
            (&other_roots, "baseline", &[], false),
            (&blind, "baseline", &[], false),
            (&blind, "baseline", &[], false),
        ];
        for (step, (originator, name, alpn, resumed)) in steps.into_iter().enumerate() {
            let (mut tls, peer) = originate(originator, address, profile(name), alpn)
                .await
                .unwrap();
            // Tickets are read along with the data.
            greeting(&mut tls).await;
            assert_eq!(peer.resumed, resumed, "{version:?} {step}");
            assert_eq!(
                peer.chain.len(),
                1,
                "what was shown is known, resumed or not"
            );
        }
    }
}

#[tokio::test]
async fn a_certificate_that_went_bad_between_two_sessions_is_seen() {
    let authority = Authority::new();
    let originator = originator(&authority);
    for version in BOTH {
        let address = server(&authority.issue(&[NAME]), version, |_| {});
        let (mut tls, _) = originate(&originator, address, profile("baseline"), &[])
            .await
            .unwrap();
        greeting(&mut tls).await;
        // The same name from now on shows an expired one: it has no key to the session.
        let stale = authority.issue_with(&[NAME], |params| {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        });
        let address = server(&stale, version, |_| {});
        let failed = originate(&originator, address, profile("baseline"), &[])
            .await
            .unwrap_err();
        let Failed::Certificate(CertificateFault::Expired, peer) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(peer.chain.len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_demands_a_client_certificate_is_told_apart() {
    let authority = Authority::new();
    let identity = authority.issue(&[NAME]);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(
        CertificateDer::pem_file_iter(authority.ca())
            .unwrap()
            .map(Result::unwrap),
    );
    let roots = Arc::new(roots);
    let originator = originator(&authority);
    let long = Duration::from_secs(20);
    for version in BOTH {
        for demanded in [true, false] {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider());
            let verifier = match demanded {
                true => verifier.build(),
                false => verifier.allow_unauthenticated().build(),
            };
            let chain = CertificateDer::pem_file_iter(&identity.0)
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let key = PrivateKeyDer::from_pem_file(&identity.1).unwrap();
            let config = ServerConfig::builder_with_provider(provider())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_client_cert_verifier(verifier.unwrap())
                .with_single_cert(chain, key)
                .unwrap();
            let address = serve(Arc::new(config));
            let result = originate(&originator, address, profile("baseline"), &[]).await;
            match (result, demanded) {
                (Ok((mut tls, peer)), demanded) => {
                    assert!(peer.client_auth);
                    let waited = await_rejection(&mut tls, long).await;
                    if demanded {
                        assert_eq!(version.version, TLS13.version);
                        assert!(
                            matches!(waited, Err(Failed::ClientCertificate { alert: Some(116) })),
                            "{waited:?}"
                        );
                    } else {
                        waited.unwrap();
                        greeting(&mut tls).await;
                    }
                }
                (Err(failed), true) => {
                    assert_eq!(version.version, TLS12.version);
                    assert!(
                        matches!(failed, Failed::ClientCertificate { alert: Some(_) }),
                        "{failed:?}"
                    );
                }
                (Err(failed), false) => panic!("{failed:?}"),
            }
        }
    }
}

#[tokio::test]
async fn openssl_demands_a_client_certificate() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&[NAME]);
    let ca = authority.ca();
    let originator = originator(&authority);
    for (flag, demand) in [
        ("-tls1_2", "-Verify"),
        ("-tls1_3", "-Verify"),
        ("-tls1_2", "-verify"),
        ("-tls1_3", "-verify"),
    ] {
        let server = OpensslServer::start(&[
            "-cert", &cert, "-key", &key, "-CAfile", &ca, flag, demand, "1",
        ]);
        let result = originate(&originator, server.address, profile("baseline"), &[]).await;
        let result = match result {
            Ok((mut tls, peer)) => {
                assert!(peer.client_auth, "{flag} {demand}");
                await_rejection(&mut tls, Duration::from_secs(20)).await
            }
            Err(failed) => Err(failed),
        };
        let is_demanded = matches!(result, Err(Failed::ClientCertificate { .. }));
        assert_eq!(
            is_demanded,
            demand == "-Verify",
            "{flag} {demand} {result:?}"
        );
    }
}

/// Where our own TLS is stricter or laxer than OpenSSL's. The table is in docs/interception.md.
#[tokio::test]
async fn servers_that_only_openssl_could_speak_to() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&[NAME]);
    let originator = originator(&authority);
    let incompatible: [&[&str]; 5] = [
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM"],
        &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
        &["-tls1_3", "-groups", "P-521"],
        &["-tls1_3", "-groups", "X448"],
    ];
    for args in incompatible {
        let server = OpensslServer::start(&[&["-cert", &cert, "-key", &key], args].concat());
        let failed = originate(&originator, server.address, profile("baseline"), &[])
            .await
            .unwrap_err();
        assert!(
            matches!(failed, Failed::Incompatible(_)),
            "{args:?} {failed:?}"
        );
        assert!(failed.hint().unwrap().ends_with("intercept.except"));
    }
}

/// A chain with `count` authorities between the trusted one and the leaf, as PEM files in
/// `folder`: the trusted one, chain, key. `pad` bytes lie in each authority's name.
fn long_chain(folder: &std::path::Path, count: usize, pad: usize) -> [String; 3] {
    let authority = |number: usize| {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(
            rcgen::DnType::CommonName,
            format!("authority {number} {}", "x".repeat(pad)),
        );
        params
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let root = authority(0).self_signed(&key).unwrap().pem();
    let mut issuer = rcgen::Issuer::new(authority(0), key);
    let mut chain = Vec::new();
    for number in 1..=count {
        let key = rcgen::KeyPair::generate().unwrap();
        chain.push(authority(number).signed_by(&key, &issuer).unwrap().pem());
        issuer = rcgen::Issuer::new(authority(number), key);
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    chain.push(params.signed_by(&key, &issuer).unwrap().pem());
    chain.reverse();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    [
        write("root.pem", root),
        write("chain.pem", chain.concat()),
        write("key.pem", key.serialize_pem()),
    ]
}

#[tokio::test]
async fn long_chains_and_large_certificates() {
    for (count, pad, expected) in [
        (6, 0, "good"),
        (7, 0, "too-long"),
        (5, 20_000, "incompatible"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let [root, chain, key] = long_chain(folder.path(), count, pad);
        let roots = Roots::load(RootSource::Mozilla, &[root.into()]).unwrap();
        let originator = Originator::new(Arc::new(Verifier::new(roots)));
        for version in BOTH {
            let address = server(&(chain.clone(), key.clone()), version, |_| {});
            let got = match originate(&originator, address, profile("baseline"), &[]).await {
                Ok(_) => "good",
                Err(Failed::Certificate(fault, _)) => fault.kind(),
                Err(Failed::Incompatible(_)) => "incompatible",
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(got, expected, "{count} {pad} {version:?}");
        }
    }
}

#[tokio::test]
async fn keys_are_used_for_what_they_are_made() {
    use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};
    let (sign, encipher) = (vec![DigitalSignature], vec![KeyEncipherment]);
    // usage of the leaf, of the authority between; what comes of it
    for (of_leaf, of_issuer, expected) in [
        (vec![], vec![], "good"),
        (sign.clone(), vec![KeyCertSign], "good"),
        (encipher, vec![], "good"),
        (vec![KeyCertSign], vec![], "wrong-purpose"),
        (sign, vec![CrlSign], "not-signing"),
    ] {
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = |name: &str, usages: Vec<rcgen::KeyUsagePurpose>| {
            let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, name);
            params.key_usages = usages;
            params
        };
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let root = authority("root", vec![]).self_signed(&key).unwrap().pem();
        let root = write("root.pem", root);
        let above = rcgen::Issuer::new(authority("root", vec![]), key);
        let between = rcgen::KeyPair::generate().unwrap();
        let params = authority("between", of_issuer);
        let issuer_pem = params.signed_by(&between, &above).unwrap().pem();
        let issuer = rcgen::Issuer::new(params, between);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params.key_usages = of_leaf.clone();
        let leaf_pem = params.signed_by(&key, &issuer).unwrap().pem();
        let identity = (
            write("chain.pem", leaf_pem + &issuer_pem),
            write("key.pem", key.serialize_pem()),
        );
        let address = server(&identity, &TLS13, |_| {});
        let roots = Roots::load(RootSource::Mozilla, &[root.into()]).unwrap();
        let originator = Originator::new(Arc::new(Verifier::new(roots)));
        let got = match originate(&originator, address, profile("baseline"), &[]).await {
            Ok(_) => "good",
            Err(Failed::Certificate(fault, _)) => fault.kind(),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "{of_leaf:?}");
    }
}

#[tokio::test]
async fn keys_that_openssl_knows_better() {
    let folder = tempfile::tempdir().unwrap();
    // algorithm; what comes of a self-issued certificate that is trusted by itself
    for (algorithm, expected) in [
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-384"][..], "good"),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], "good"),
        (&["rsa:2048"], "good"),
        (&["rsa:1024"], "weak-key"),
        (&["ed25519"], "good"),
        (&["ed448"], "incompatible"),
    ] {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-nodes", "-subj", "/CN=any", "-days", "2", "-addext",
            ])
            .arg(format!("subjectAltName=DNS:{NAME}"))
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &key, "-out", &cert, "-newkey"])
            .args(algorithm)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        // OpenSSL itself refuses the short key elsewhere.
        let lax = ["-cipher", "DEFAULT@SECLEVEL=0"];
        let server = OpensslServer::start(&[&["-cert", &cert, "-key", &key], &lax[..]].concat());
        let roots = Roots::load(RootSource::Mozilla, &[cert.into()]).unwrap();
        let originator = Originator::new(Arc::new(Verifier::new(roots)));
        let got = match originate(&originator, server.address, profile("baseline"), &[]).await {
            Ok(_) => "good",
            Err(Failed::Certificate(fault, _)) => fault.kind(),
            Err(Failed::Incompatible(_)) => "incompatible",
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "{algorithm:?}");
    }
}
