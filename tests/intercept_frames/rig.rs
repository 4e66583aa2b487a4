//! Plays cases: directly, and behind interception.

use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::cases::Case;
use crate::peer::Peer;
use crate::support::{Authority, PATIENCE, Proxy, make_ca, tls};

/// The way between the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// No proxy: what the harness itself does.
    Direct,
    Intercepted,
}

/// Both ends of one case.
pub struct Ends {
    pub way: Way,
    /// The origin's name.
    pub host: String,
    pub client: Peer,
    pub origin: Peer,
    connections: mpsc::Receiver<Peer>,
}

impl Ends {
    pub fn is_direct(&self) -> bool {
        self.way == Way::Direct
    }

    /// From here on the origin is the next connection.
    pub fn next_origin(&mut self) {
        self.origin = self.connections.recv_timeout(PATIENCE).unwrap();
    }
}

/// Plays all; gives what went wrong.
pub fn play_all(way: Way, cases: &[Case]) -> Vec<String> {
    let authority = Authority::new();
    let identity = authority.issue(&["*.frames.test"]);
    let mut config = tls::server_config(&identity, rustls::ALL_VERSIONS);
    Arc::get_mut(&mut config).unwrap().alpn_protocols = vec![b"h2".to_vec()];
    let folder = authority.folder().join("intercept");
    make_ca(&folder);
    let mut args = vec!["--extra-root".to_owned(), authority.ca()];
    args.extend(["--intercept", "all", "--ca-dir"].map(str::to_owned));
    args.push(folder.display().to_string());
    let origins: Vec<_> = (0..cases.len())
        .map(|number| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            args.push("--connect-to".to_owned());
            args.push(format!("c{number}.frames.test:443:{address}"));
            (address, serve(listener, Arc::clone(&config)))
        })
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let proxy = (way == Way::Intercepted).then(|| Proxy::start(&args));
    let root = match way {
        Way::Direct => authority.ca(),
        Way::Intercepted => folder.join("ca.pem").display().to_string(),
    };
    let play =
        |(number, (case, (address, connections))): (usize, (&Case, (_, mpsc::Receiver<Peer>)))| {
            let host = format!("c{number}.frames.test");
            let played = catch_unwind(AssertUnwindSafe(|| {
                let socket = match &proxy {
                    None => std::net::TcpStream::connect::<std::net::SocketAddr>(address).unwrap(),
                    Some(proxy) => proxy.tunnel(&format!("{host}:443")),
                };
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                let client = Peer::client(Box::new(session(&root, &host, socket)));
                let origin = connections.recv_timeout(PATIENCE).unwrap();
                (case.play)(&mut Ends {
                    way,
                    host,
                    client,
                    origin,
                    connections,
                });
            }));
            played.err().map(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                let text =
                    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                format!("{}: {}", case.name, text.unwrap_or_default())
            })
        };
    cases
        .iter()
        .zip(origins)
        .enumerate()
        .filter_map(play)
        .collect()
}

fn serve(listener: TcpListener, config: Arc<rustls::ServerConfig>) -> mpsc::Receiver<Peer> {
    let (sender, connections) = mpsc::channel();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            while session.is_handshaking() {
                if session.complete_io(&mut socket).is_err() {
                    break;
                }
            }
            if !session.is_handshaking() {
                let io = rustls::StreamOwned::new(session, socket);
                if sender.send(Peer::server(Box::new(io))).is_err() {
                    return;
                }
            }
        }
    });
    connections
}

fn session(root: &str, host: &str, mut socket: std::net::TcpStream) -> tls::ClientSide {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(
        CertificateDer::pem_file_iter(root)
            .unwrap()
            .map(Result::unwrap),
    );
    let mut config = rustls::ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket).unwrap();
    }
    assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
    rustls::StreamOwned::new(session, socket)
}
