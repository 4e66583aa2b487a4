//! Plays cases: directly, and behind interception.

use std::net::{SocketAddr, TcpListener, TcpStream};
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
pub struct Ends<'a> {
    pub way: Way,
    /// The origin's name.
    pub host: String,
    pub client: Peer,
    pub origin: Peer,
    rig: &'a Rig,
    number: usize,
}

impl Ends<'_> {
    pub fn is_direct(&self) -> bool {
        self.way == Way::Direct
    }

    /// From here on the origin is the next connection.
    pub fn next_origin(&mut self) {
        self.origin = self.rig.origin(self.number);
    }
}

/// A proxy (unless the way is direct), and origins.
pub struct Rig {
    pub proxy: Option<Proxy>,
    origins: Vec<(SocketAddr, mpsc::Receiver<Peer>)>,
    root: String,
    /// Its files must last as long as the proxy.
    _authority: Authority,
}

impl Rig {
    /// `many` origins, `c0.frames.test` and so on; the proxy has these settings besides.
    pub fn new(way: Way, many: usize, settings: &str) -> Rig {
        let authority = Authority::new();
        let identity = authority.issue(&["*.frames.test"]);
        let mut config = tls::server_config(&identity, rustls::ALL_VERSIONS);
        Arc::get_mut(&mut config).unwrap().alpn_protocols = vec![b"h2".to_vec()];
        let origins: Vec<_> = (0..many)
            .map(|_| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                (address, serve(listener, Arc::clone(&config)))
            })
            .collect();
        let folder = authority.folder().join("intercept");
        let (proxy, root) = match way {
            Way::Direct => (None, authority.ca()),
            Way::Intercepted => {
                make_ca(&folder);
                let mut args = vec!["--extra-root".to_owned(), authority.ca()];
                args.extend(["--intercept", "all", "--ca-dir"].map(str::to_owned));
                args.push(folder.display().to_string());
                for (number, (address, _)) in origins.iter().enumerate() {
                    args.push("--connect-to".to_owned());
                    args.push(format!("c{number}.frames.test:443:{address}"));
                }
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                let proxy = Proxy::configured(settings, &args);
                (Some(proxy), folder.join("ca.pem").display().to_string())
            }
        };
        Rig {
            proxy,
            origins,
            root,
            _authority: authority,
        }
    }

    /// A client of that origin.
    pub fn client(&self, number: usize) -> Peer {
        self.client_of(
            &format!("c{number}.frames.test"),
            Some(self.origins[number].0),
        )
    }

    /// A client of `host`, whoever serves it.
    pub fn client_of(&self, host: &str, direct: Option<SocketAddr>) -> Peer {
        let socket = match &self.proxy {
            None => TcpStream::connect(direct.unwrap()).unwrap(),
            Some(proxy) => proxy.tunnel(&format!("{host}:443")),
        };
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Peer::client(Box::new(session(&self.root, host, socket)))
    }

    /// The next connection of that origin.
    pub fn origin(&self, number: usize) -> Peer {
        self.origins[number].1.recv_timeout(PATIENCE).unwrap()
    }
}

/// Plays all; gives what went wrong.
pub fn play_all(way: Way, cases: &[Case]) -> Vec<String> {
    let rig = Rig::new(way, cases.len(), "");
    let play = |(number, case): (usize, &Case)| {
        let played = catch_unwind(AssertUnwindSafe(|| {
            let client = rig.client(number);
            (case.play)(&mut Ends {
                way,
                host: format!("c{number}.frames.test"),
                client,
                origin: rig.origin(number),
                rig: &rig,
                number,
            });
        }));
        played.err().map(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("{}: {}", case.name, text.unwrap_or_default())
        })
    };
    cases.iter().enumerate().filter_map(play).collect()
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

fn session(root: &str, host: &str, mut socket: TcpStream) -> tls::ClientSide {
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
