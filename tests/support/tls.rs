//! TLS peers made of rustls: for what `openssl s_server` and curl do not do, such as half-close.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

pub type ServerSide = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;
pub type ClientSide = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

/// What all sessions are made with.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A server's settings, from the paths that an authority gave.
pub fn server_config(
    (cert, key): &(String, String),
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<rustls::ServerConfig> {
    let chain = CertificateDer::pem_file_iter(cert)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// An origin that ends TLS and runs `serve` on each session whose handshake succeeds.
pub fn origin(
    identity: &(String, String),
    versions: &[&'static rustls::SupportedProtocolVersion],
    serve: impl Fn(ServerSide) + Send + Sync + 'static,
) -> SocketAddr {
    let config = server_config(identity, versions);
    super::origin(move |mut stream| {
        let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        while session.is_handshaking() {
            if session.complete_io(&mut stream).is_err() {
                return;
            }
        }
        serve(rustls::StreamOwned::new(session, stream));
    })
}

/// A client session over `stream`, not yet begun.
pub fn client(ca: &str, name: &str, stream: TcpStream) -> ClientSide {
    client_of(ca, name, stream, rustls::ALL_VERSIONS)
}

/// As [`client`], in these versions.
pub fn client_of(
    ca: &str,
    name: &str,
    stream: TcpStream,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientSide {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(
        CertificateDer::pem_file_iter(ca)
            .unwrap()
            .map(Result::unwrap),
    );
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    rustls::StreamOwned::new(
        rustls::ClientConnection::new(Arc::new(config), name).unwrap(),
        stream,
    )
}

/// The first flight of a client that asks for `name`, raw.
pub fn client_hello(name: &str) -> Vec<u8> {
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    hello
}
