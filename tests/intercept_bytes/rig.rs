//! Plays cases: directly, through a tunnel, behind interception.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;

use crate::case::{Case, Expected, Scope, Side, Step};
use crate::peer::{Leave, Peer, Seen};
use crate::support::http::Answer;
use crate::support::{Authority, PATIENCE, Proxy, record, tls};

/// The way between the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// No proxy: what the harness itself does.
    Direct,
    Tunnel,
    Intercepted,
}

/// Where a client goes, and what it trusts.
#[derive(Clone)]
pub struct Route {
    pub way: Way,
    /// The proxy, unless the way is direct.
    pub proxy: Option<SocketAddr>,
    record: Option<PathBuf>,
    client: Arc<rustls::ClientConfig>,
}

/// An origin of one case.
pub struct Origin {
    pub name: String,
    pub address: SocketAddr,
    connections: mpsc::Receiver<Result<Peer, String>>,
}

/// Everything that the cases of one table share.
pub struct Rig {
    pub route: Route,
    pub proxy: Option<Proxy>,
    /// Its files must last as long as the proxy.
    _authority: Authority,
}

const ALPN: &[u8] = b"http/1.1";

impl Origin {
    /// Listens, and shakes hands with whoever comes.
    fn start(name: String, config: &Arc<rustls::ServerConfig>) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, connections) = mpsc::channel();
        let config = Arc::clone(config);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let peer = Peer::new(session.into(), socket);
                if sender.send(peer).is_err() {
                    break;
                }
            }
        });
        Origin {
            name,
            address,
            connections,
        }
    }

    /// The next connection.
    pub fn accept(&self) -> Result<Peer, String> {
        self.connections
            .recv_timeout(PATIENCE)
            .map_err(|_| "no connection reached the origin".to_owned())?
    }
}

impl Route {
    pub fn connect(&self, origin: &Origin) -> Result<Peer, String> {
        let socket = match self.proxy {
            None => TcpStream::connect(origin.address).map_err(|error| error.to_string())?,
            Some(proxy) => tunnel(proxy, &origin.name)?,
        };
        let name = ServerName::try_from(origin.name.clone()).unwrap();
        let session = rustls::ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let peer = Peer::new(session.into(), socket)?;
        match peer.session().alpn_protocol() {
            Some(ALPN) => Ok(peer),
            other => Err(format!("agreed on {other:?} and not on HTTP/1.1")),
        }
    }
}

impl Route {
    /// Waits until the record has the ends of that many connections to `name`: what was kept of
    /// them is there for others then.
    fn wait_for_ends(&self, name: &str, many: usize) -> Result<(), String> {
        let Some(path) = &self.record else {
            return Ok(());
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = record::read(path);
            let is_end = |line: &&Value| {
                line["stage"] == "complete"
                    && line["request"]["method"] == "CONNECT"
                    && line["request"]["host"] == name
            };
            if lines.iter().filter(is_end).count() >= many {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("the connection's end is not on record".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn tunnel(proxy: SocketAddr, name: &str) -> Result<TcpStream, String> {
    use std::io::Write as _;
    let mut socket = TcpStream::connect(proxy).map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        socket,
        "CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n"
    )
    .map_err(|error| error.to_string())?;
    let (head, rest) = crate::support::read_head(&mut socket);
    if !head.starts_with("HTTP/1.1 200 ") || !rest.is_empty() {
        return Err(format!("no tunnel: {head}"));
    }
    Ok(socket)
}

impl Rig {
    /// A proxy (unless the way is direct) and an origin for each of `names`.
    pub fn new(way: Way, names: usize) -> (Rig, Vec<Origin>) {
        let authority = Authority::new();
        let identity = authority.issue(&["*.bytes.test"]);
        let mut config = tls::server_config(&identity, rustls::ALL_VERSIONS);
        let settings = Arc::get_mut(&mut config).unwrap();
        settings.alpn_protocols = vec![ALPN.to_vec()];
        let origins: Vec<Origin> = (0..names)
            .map(|number| Origin::start(format!("c{number}.bytes.test"), &config))
            .collect();

        let ca = authority.ca();
        let mut args = vec!["--extra-root".to_owned(), ca.clone()];
        for origin in &origins {
            args.push("--connect-to".to_owned());
            args.push(format!("{}:443:{}", origin.name, origin.address));
        }
        let (proxy, trusted) = match way {
            Way::Direct => (None, ca),
            Way::Tunnel => (Some(start(&args)), ca),
            Way::Intercepted => {
                let folder = authority.folder().join("intercept");
                crate::support::make_ca(&folder);
                args.extend(["--intercept", "all", "--ca-dir"].map(str::to_owned));
                args.push(folder.display().to_string());
                let root = folder.join("ca.pem").display().to_string();
                (Some(start(&args)), root)
            }
        };
        let route = Route {
            way,
            proxy: proxy.as_ref().map(|proxy| proxy.address),
            record: proxy.as_ref().map(|proxy| proxy.record.clone()),
            client: client_config(&trusted),
        };
        let rig = Rig {
            route,
            proxy,
            _authority: authority,
        };
        (rig, origins)
    }

    fn stop(self) {
        drop(self.proxy.map(Proxy::stop));
    }
}

fn start(args: &[String]) -> Proxy {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Proxy::start(&args)
}

fn client_config(ca: &str) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(
        CertificateDer::pem_file_iter(ca)
            .unwrap()
            .map(Result::unwrap),
    );
    let mut config = rustls::ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// Plays all cases that make sense on this way; the faults of all that went wrong.
pub fn play_all(way: Way, cases: Vec<Case>) -> Vec<String> {
    const AT_ONCE: usize = 8;
    let cases: Vec<Case> = cases
        .into_iter()
        .filter(|case| case.scope == Scope::Everywhere || way == Way::Intercepted)
        .collect();
    let (rig, origins) = Rig::new(way, cases.len());
    let queue = Mutex::new(cases.into_iter().zip(origins));
    let (faults, played) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((case, origin)) = queue.lock().unwrap().next() else {
                        return;
                    };
                    match play(&rig.route, &origin, &case) {
                        Ok(kept) => played.lock().unwrap().push((case.name, origin, kept)),
                        Err(fault) => {
                            let fault = format!("{}: {fault}", case.name);
                            faults.lock().unwrap().push(fault);
                        }
                    }
                }
            });
        }
    });
    rig.stop();
    let mut faults = faults.into_inner().unwrap();
    for (name, origin, kept) in played.into_inner().unwrap() {
        faults.extend(left_over(&origin, kept).map(|fault| format!("{name}: {fault}")));
    }
    faults
}

/// What reached an origin that no case named. The proxy has stopped.
fn left_over(origin: &Origin, kept: Vec<Peer>) -> Option<String> {
    if origin.connections.try_recv().is_ok() {
        return Some("a connection that nobody took".to_owned());
    }
    let faults = kept.into_iter().filter_map(|mut peer| peer.see_end().err());
    faults
        .map(|fault| format!("the origin, at the end: {fault}"))
        .next()
}

/// The two ends while a case is played.
struct Stage<'a> {
    route: &'a Route,
    origin: &'a Origin,
    client: Peer,
    client_left: bool,
    /// How many clients have gone.
    clients: usize,
    server: Option<Peer>,
    earlier: Vec<Peer>,
}

/// Plays one case; the origin's connections that may still be open.
pub fn play(route: &Route, origin: &Origin, case: &Case) -> Result<Vec<Peer>, String> {
    let mut stage = Stage {
        route,
        origin,
        client: route.connect(origin)?,
        client_left: false,
        clients: 0,
        server: None,
        earlier: Vec::new(),
    };
    for (number, step) in case.steps.iter().enumerate() {
        stage
            .step(step)
            .map_err(|fault| format!("step {}, {fault}", number + 1))?;
    }
    stage.finish()
}

impl Stage<'_> {
    fn peer(&mut self, side: Side) -> Result<&mut Peer, String> {
        match side {
            Side::Client => Ok(&mut self.client),
            Side::Origin => {
                if self.server.is_none() {
                    self.server = Some(self.origin.accept()?);
                }
                self.server.as_mut().ok_or_else(String::new)
            }
        }
    }

    fn named(&self, bytes: &[u8]) -> Vec<u8> {
        let name = self.origin.name.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(at) = rest.windows(6).position(|window| window == b"{host}") {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(name);
            rest = &rest[at + 6..];
        }
        out.extend_from_slice(rest);
        out
    }

    fn expected<'e, T>(&self, expected: &'e Expected<T>) -> &'e T {
        match (&expected.inside, self.route.way) {
            (Some((_, inside)), Way::Intercepted) => inside,
            _ => &expected.unchanged,
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Send(side, bytes) => {
                let bytes = self.named(bytes);
                let sent = self.peer(*side)?.send(&bytes);
                sent.map_err(|error| format!("{side:?} sends: {error}"))
            }
            Step::See(side, expected) => {
                let bytes = self.named(self.expected::<Vec<u8>>(expected));
                let seen = self.peer(*side)?.see(&bytes);
                seen.map_err(|fault| format!("{side:?} {fault}"))
            }
            Step::Pour(side, bytes) => {
                self.peer(Side::Origin)?;
                let (client, server) = (&mut self.client, self.server.as_mut().unwrap());
                let (from, to) = match side {
                    Side::Client => (client, server),
                    Side::Origin => (server, client),
                };
                std::thread::scope(|scope| {
                    let sent = scope.spawn(|| from.send(bytes));
                    let seen = to.see(bytes);
                    let sent = sent.join().unwrap();
                    sent.map_err(|error| format!("{side:?} pours: {error}"))?;
                    seen.map_err(|fault| format!("what {side:?} poured: {fault}"))
                })
            }
            Step::Leave(side, how) => {
                if *side == Side::Client {
                    self.client_left = true;
                }
                let left = self.peer(*side)?.leave(*how);
                left.map_err(|error| format!("{side:?} leaves: {error}"))
            }
            Step::End(side, expected) => {
                let wanted = *self.expected(expected);
                let seen = self.peer(*side)?.see_end();
                match seen.map_err(|fault| format!("{side:?} {fault}"))? {
                    seen if seen == wanted => Ok(()),
                    seen => Err(format!("{side:?} saw {seen:?} and not {wanted:?}")),
                }
            }
            Step::Refusal(status, rule) => {
                let answer = Answer::read(&mut self.client);
                let kind = answer.header("content-type");
                if answer.status != *status || kind != Some("application/problem+json") {
                    return Err(format!("no refusal with {status}: {answer:?}"));
                }
                match (rule, answer.problem()["rule"].as_str()) {
                    (Some(rule), Some(named)) if *rule == named => Ok(()),
                    (None, None) => Ok(()),
                    _ => Err(format!("not refused by {rule:?}: {answer:?}")),
                }
            }
            Step::NewClient => {
                self.end_client()?;
                self.clients += 1;
                self.route.wait_for_ends(&self.origin.name, self.clients)?;
                self.client = self.route.connect(self.origin)?;
                self.client_left = false;
                Ok(())
            }
            Step::NextOrigin => {
                self.earlier.extend(self.server.take());
                Ok(())
            }
        }
    }

    /// The client goes in order; nothing may have come that the case did not name.
    fn end_client(&mut self) -> Result<(), String> {
        if self.client_left {
            return Ok(());
        }
        let _ = self.client.leave(Leave::Close);
        // Whatever its end looks like: the case says so where it matters.
        self.client
            .see_end()
            .map(|_: Seen| ())
            .map_err(|fault| format!("Client, at the end: {fault}"))
    }

    fn finish(mut self) -> Result<Vec<Peer>, String> {
        if self.route.way != Way::Intercepted
            && let Some(server) = self.server.as_mut()
            && !self.client_left
        {
            // A client whose connection is gone already leaves nothing to see.
            let _ = self.client.leave(Leave::Close);
            server
                .see_end()
                .map_err(|fault| format!("Origin, at the end: {fault}"))?;
            let _ = server.leave(Leave::Close);
        }
        self.end_client()?;
        if self.route.way == Way::Intercepted {
            // The upstream is asked before the client is answered, whatever it then wants.
            if self.server.is_none() {
                self.peer(Side::Origin)?;
            }
            self.earlier.extend(self.server);
            return Ok(self.earlier);
        }
        Ok(Vec::new())
    }
}
