//! The judge: one machine that is fed both directions and says how much may pass.
//!
//! It owns no socket, no clock and none of the bytes it judges, but for the handshake message under
//! way (see [`Bounds`](super::Bounds)). The verdict
//! depends on the bytes of each direction and on which came first, never on how they were cut.
//!
//! What it holds back, as raw bytes with record headers, is bounded too: a record carries one
//! handshake byte at least beside its five of header, so six times those limits.

mod client;
mod ending;
mod flight12;
mod lane;
mod reading;
mod retry;
mod server;
mod server12;
mod state;

use lane::Lane;
use state::{Agreed, ClientState, ServerState};

use super::certificate::CertificateVerifier;
use super::client_hello::ClientHello;
use super::code::{Group, Suite};
use super::facts::Facts;
use super::fault::Fault;
use super::step::{Close, Question, Refusal, Side, Step};
use crate::model::{DnsName, Host};

/// Watches a tunnel's handshake. See the module.
pub struct Judge {
    question: Question,
    verifier: Box<dyn CertificateVerifier + Send + Sync>,
    client: Lane,
    server: Lane,
    client_state: ClientState,
    server_state: ServerState,
    /// The last ClientHello.
    hello: Option<ClientHello>,
    /// What a HelloRetryRequest asked for.
    retry: Option<Retry>,
    agreed: Agreed,
    /// Where in the server's stream protection begins: behind ServerHello in TLS 1.3, behind
    /// ChangeCipherSpec in TLS 1.2.
    protected_from: Option<u64>,
    name: NameQuestion,
    facts: Facts,
    end: Option<End>,
}

/// What a HelloRetryRequest settled.
#[derive(Debug, Clone)]
struct Retry {
    suite: Suite,
    group: Option<Group>,
    cookie: Option<Vec<u8>>,
}

/// Whether the hello's name has to be judged by somebody who can resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NameQuestion {
    None,
    /// To be asked.
    Due(DnsName),
    Asked(DnsName),
    Good(DnsName),
}

/// How it ended.
#[derive(Debug, Clone)]
enum End {
    Pass,
    Close(Close),
    Refuse(Refusal),
}

/// Why feeding stops.
enum Stop {
    Refuse(Fault),
    /// A rule that only reports was broken so that nothing further can be judged.
    Blind,
}

impl Judge {
    pub fn new(question: Question, verifier: Box<dyn CertificateVerifier + Send + Sync>) -> Judge {
        Judge {
            question,
            verifier,
            client: Lane::new(),
            server: Lane::new(),
            client_state: ClientState::Hello,
            server_state: ServerState::Silent,
            hello: None,
            retry: None,
            agreed: Agreed::default(),
            protected_from: None,
            name: NameQuestion::None,
            facts: Facts::default(),
            end: None,
        }
    }

    /// Everything seen so far.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// New bytes of `side`, in order.
    pub fn feed(&mut self, side: Side, bytes: &[u8]) -> Step {
        if self.end.is_none() {
            let outcome = self.read(side, bytes);
            self.settle(outcome);
        }
        self.step()
    }

    /// `side` sends nothing more. While a protected record of that side was seen this is a mere
    /// half-close, and the handshake may still end well; else it cannot.
    pub fn eof(&mut self, side: Side) -> Step {
        self.lane_mut(side).eof = true;
        if self.end.is_none() {
            let lane = self.lane(side);
            let half = lane.protected && !lane.ended && self.peer_can_finish(side);
            let both = self.client.eof && self.server.eof;
            if both || (self.question.hold && !half) {
                self.end = Some(End::Close(self.close(side)));
            }
        }
        self.step()
    }

    /// The handshake's time ran out.
    pub fn timeout(&mut self) -> Refusal {
        if let Some(End::Refuse(refusal)) = &self.end {
            return refusal.clone();
        }
        let awaited = self.awaited();
        let hint = match awaited {
            "client-hello" if self.client.read == 0 => {
                "the client sent nothing; a tunnel must begin with a TLS ClientHello".to_owned()
            }
            "client-hello" => "the client did not complete its ClientHello in time".to_owned(),
            _ => format!("the handshake did not go on in time; awaited was: {awaited}"),
        };
        let mut fault = Fault::limit(awaited, hint);
        if self.client.read == 0 {
            fault.alert = None;
        }
        let refusal = self.refusal(fault);
        if self.end.is_none() {
            self.end = Some(End::Refuse(refusal.clone()));
        }
        refusal
    }

    /// Whether more bytes of `side` are wanted now. False while what is held of it is full; the
    /// other side's bytes will make room.
    pub fn wants(&self, side: Side) -> bool {
        let waits = match side {
            Side::Client => self.client.gate.is_some() || self.name_is_open(),
            // The server's flight is bounded by itself, and by a refusal.
            Side::Server => false,
        };
        if !waits || !self.question.hold || self.end.is_some() {
            return true;
        }
        let lane = self.lane(side);
        let held = lane.read.saturating_sub(lane.gate.unwrap_or(lane.released));
        held < self.question.bounds.early as u64
    }

    /// The answer to [`Step::Name`].
    pub fn name_judged(&mut self, ok: bool) -> Step {
        let asked = match &self.name {
            NameQuestion::Due(name) | NameQuestion::Asked(name) => name.clone(),
            NameQuestion::None | NameQuestion::Good(_) => return self.step(),
        };
        self.name = NameQuestion::Good(asked.clone());
        if self.end.is_some() {
            return self.step();
        }
        let mut outcome = Ok(());
        if !ok {
            let fault = Fault::sni(
                "foreign-address",
                format!(
                    "CONNECT asks for {}, but the ClientHello asks for {asked}, which is not \
                     allowed there or has other addresses; CONNECT to the name",
                    self.question.connect
                ),
            );
            outcome = self.soft(fault);
        }
        self.settle(outcome);
        self.step()
    }

    /// Whom the server's certificate must be for.
    fn certificate_name(&self) -> Host {
        match (&self.question.connect, &self.name) {
            (Host::V4(_) | Host::V6(_), NameQuestion::Good(name) | NameQuestion::Asked(name)) => {
                Host::Name(name.clone())
            }
            (connect, _) => connect.clone(),
        }
    }

    const fn name_is_open(&self) -> bool {
        matches!(self.name, NameQuestion::Due(_) | NameQuestion::Asked(_))
    }

    fn settle(&mut self, outcome: Result<(), Stop>) {
        match outcome {
            Ok(()) => {
                if self.is_complete() && !self.name_is_open() {
                    self.end = Some(End::Pass);
                }
            }
            Err(Stop::Blind) => self.end = Some(End::Pass),
            Err(Stop::Refuse(fault)) => {
                let refusal = self.refusal(fault);
                self.end = Some(End::Refuse(refusal));
            }
        }
    }

    fn step(&mut self) -> Step {
        match &self.end {
            Some(End::Pass) => return Step::Pass,
            Some(End::Close(close)) => return Step::Close(close.clone()),
            Some(End::Refuse(refusal)) => return Step::Refuse(refusal.clone()),
            None => {}
        }
        if let NameQuestion::Due(name) = &self.name {
            let name = name.clone();
            self.name = NameQuestion::Asked(name.clone());
            return Step::Name(name);
        }
        if self.question.hold && self.name_is_open() {
            return Step::Hold;
        }
        let all = !self.question.hold;
        let (client, server) = (self.client.release(all), self.server.release(all));
        if client == 0 && server == 0 {
            Step::Hold
        } else {
            Step::Forward { client, server }
        }
    }

    /// After a half-close of `side` the other one can still end the handshake by itself.
    const fn peer_can_finish(&self, side: Side) -> bool {
        let peer = self.lane(side.other());
        !peer.ended && !peer.eof
    }

    const fn lane(&self, side: Side) -> &Lane {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    const fn lane_mut(&mut self, side: Side) -> &mut Lane {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// The server's first flight is in order: it passes, and so does what the client has sent
    /// behind its hello.
    fn complete_flight(&mut self, client: ClientState, server: ServerState) {
        self.server.mark();
        self.server.flight = 0;
        self.client.flight = 0;
        self.client.gate = None;
        self.client_state = client;
        self.server_state = server;
        self.facts.server_flight_judged = true;
        self.facts.hellos_judged = server != ServerState::Asked;
    }
}
