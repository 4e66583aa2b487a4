//! What both sides of the load trust: an authority for the proxies to sign with, and a server
//! certificate by another one.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The name that all load is for; fresh hosts are below it.
pub const HOST: &str = "bench.example";

/// Files for the proxies, settings for the load.
pub struct Trust {
    /// `ca.pem`, `ca.key`: whom the proxies sign as. `roots.pem`: what they verify servers against.
    pub folder: tempfile::TempDir,
    roots: RootCertStore,
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

/// What is spoken, on both sides alike: a proxy that translates would do other work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/1.1, no session is gone on with.
    Http1,
    /// HTTP/1.1, sessions are gone on with.
    Resumed,
    /// HTTP/2.
    Http2,
}

impl Speech {
    pub const ALL: [Speech; 3] = [Speech::Http1, Speech::Resumed, Speech::Http2];

    fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Speech::Http1 | Speech::Resumed => vec![b"http/1.1".to_vec()],
            Speech::Http2 => vec![b"h2".to_vec()],
        }
    }
}

impl Trust {
    pub fn new() -> Trust {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        let mut roots = RootCertStore::empty();

        let (params, key) = authority("Bench interception");
        let certificate = params.self_signed(&key).unwrap();
        write("ca.pem", certificate.pem());
        write("ca.key", key.serialize_pem());
        // mitmproxy wants both in one file.
        write("mitmproxy-ca.pem", key.serialize_pem() + &certificate.pem());
        private(&folder.path().join("ca.key"));
        roots.add(certificate.der().clone()).unwrap();

        let (params, key) = authority("Bench servers");
        let certificate = params.self_signed(&key).unwrap();
        write("roots.pem", certificate.pem());
        roots.add(certificate.der().clone()).unwrap();
        let issuer = Issuer::from_params(&params, &key);

        let server_key = KeyPair::generate().unwrap();
        let names = vec![HOST.to_owned(), format!("*.{HOST}")];
        let server = CertificateParams::new(names).unwrap();
        let server = server.signed_by(&server_key, &issuer).unwrap();
        Trust {
            folder,
            roots,
            chain: vec![server.der().clone()],
            key: server_key.serialize_der(),
        }
    }

    /// A server's settings.
    pub fn server(&self, speech: Speech) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .unwrap();
        config.alpn_protocols = speech.alpn();
        match speech {
            Speech::Resumed => config.ticketer = aws_lc_rs::Ticketer::new().unwrap(),
            Speech::Http1 | Speech::Http2 => {
                config.send_tls13_tickets = 0;
                config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
            }
        }
        Arc::new(config)
    }

    /// A client's settings.
    pub fn client(&self, speech: Speech) -> Arc<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = speech.alpn();
        if speech != Speech::Resumed {
            config.resumption = Resumption::disabled();
        }
        Arc::new(config)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 1, 1);
    (params, KeyPair::generate().unwrap())
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
