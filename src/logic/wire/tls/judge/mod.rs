//! The judge: one machine that is fed both directions and says how much may pass.
//!
//! It owns no socket, no clock and none of the bytes it judges, but for the handshake message under
//! way ([`limits::MAX_CLIENT_HELLO`] or [`limits::MAX_SERVER_FLIGHT`] bytes at most). The verdict
//! depends on the bytes of each direction and on which came first, never on how they were cut.
//!
//! What it holds back, as raw bytes with record headers, is bounded too: a record carries one
//! handshake byte at least beside its five of header, so six times those limits.

mod client;
mod flight12;
mod lane;
mod server;
mod state;

use lane::{Lane, Treat};
use state::{Agreed, Client12, ClientState, ServerState};

use super::alert::{Alert, AlertSeen, alert_record};
use super::certificate::CertificateVerifier;
use super::client_hello::ClientHello;
use super::code::{Group, Version};
use super::facts::{Facts, TlsFinding};
use super::fault::Fault;
use super::record::{ContentType, Piece, RecordFault, RecordHeader};
use super::step::{Close, Question, Refusal, Side, Step};
use crate::model::limits;
use crate::model::{Action, DnsName, Host};

/// The most dummy ChangeCipherSpec records of one side (RFC 8446, appendix D.4 asks for one).
const MAX_CHANGE_CIPHER_SPECS: u8 = 4;
/// The most warning alerts of one side.
const MAX_WARNINGS: u8 = 4;
/// How many alerts the facts keep.
const MAX_ALERTS_SEEN: usize = 8;
/// The longest plaintext of a record (RFC 8446, section 5.1).
const MAX_PLAINTEXT: usize = 1 << 14;
/// The shortest protected record: TLS 1.3 has a content type and a tag of 8 bytes at least, TLS 1.2
/// a nonce or a block beside it.
const MIN_PROTECTED_13: usize = 9;
const MIN_PROTECTED_12: usize = 16;

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
    suite: super::code::Suite,
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
        self.end = Some(End::Refuse(refusal.clone()));
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
        held < limits::MAX_EARLY as u64
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

    // Reading.

    fn read(&mut self, side: Side, bytes: &[u8]) -> Result<(), Stop> {
        if !bytes.is_empty() {
            self.check_turn(side, bytes.len())?;
        }
        let mut input = bytes;
        // What follows the end of the handshake is no longer judged, however the reads were cut.
        while !self.is_complete() {
            let before = input.len();
            let piece = self.lane_mut(side).records.next(&mut input);
            let used = before - input.len();
            self.lane_mut(side).read += used as u64;
            match piece {
                Ok(Piece::More) => return Ok(()),
                Ok(Piece::Header(header)) => self.on_header(side, header)?,
                Ok(Piece::Payload { data, last }) => self.on_payload(side, data, last)?,
                Err(fault) => {
                    let fault = self.record_fault(side, fault);
                    return Err(self.hard(fault));
                }
            }
        }
        self.lane_mut(side).read += input.len() as u64;
        Ok(())
    }

    /// Both sides have shown protected records in their places.
    const fn is_complete(&self) -> bool {
        self.client.protected
            && self.server.protected
            && !self.client.ended
            && !self.server.ended
            && self.facts.hellos_judged
    }

    fn on_header(&mut self, side: Side, header: RecordHeader) -> Result<(), Stop> {
        let treat = match side {
            Side::Client => self.client_state.treat(header.kind, &self.agreed),
            Side::Server => self.server_state.treat(header.kind),
        };
        let Some(treat) = treat else {
            let fault = self.misplaced(side, header.kind);
            return Err(self.hard(fault));
        };
        let lane = self.lane(side);
        // RFC 8446, section 5.1: nothing comes between the parts of a handshake message.
        let cut = treat != Treat::Join && !lane.joined.is_empty();
        let after_end = lane.ended && treat != Treat::Alert;
        if cut || after_end {
            let fault = self.misplaced(side, header.kind);
            return Err(self.hard(fault));
        }
        let protected_first = treat == Treat::Protected
            && self.agreed.before_tls13
            && !lane.protected
            && header.kind != ContentType::Handshake;
        if protected_first {
            // RFC 5246, section 7.4.9: Finished is the first thing after ChangeCipherSpec.
            let fault = self.misplaced(side, header.kind);
            return Err(self.hard(fault));
        }
        self.check_length(side, treat, header)?;
        let early = matches!(treat, Treat::Protected | Treat::ChangeCipherSpec);
        let lane = self.lane_mut(side);
        lane.treat = treat;
        lane.went_on |= early;
        Ok(())
    }

    /// The server has nothing to say before the client's hello has gone to it.
    fn check_turn(&mut self, side: Side, count: usize) -> Result<(), Stop> {
        let early =
            self.server_state == ServerState::Silent || (self.question.hold && self.name_is_open());
        if side == Side::Server && early {
            self.server.read += count as u64;
            let fault = self.server_first();
            return Err(self.hard(fault));
        }
        Ok(())
    }

    fn check_length(&mut self, side: Side, treat: Treat, header: RecordHeader) -> Result<(), Stop> {
        let (min, max) = match treat {
            Treat::Join => (1, MAX_PLAINTEXT),
            Treat::Alert => (2, 2),
            Treat::ChangeCipherSpec => (1, 1),
            Treat::Protected if self.agreed.before_tls13 => {
                (MIN_PROTECTED_12, MAX_PLAINTEXT + 2048)
            }
            Treat::Protected => (MIN_PROTECTED_13, MAX_PLAINTEXT + 256),
        };
        if (min..=max).contains(&header.length) {
            return Ok(());
        }
        let fault = Fault::not_tls(
            "record-length",
            Alert::DecodeError,
            format!(
                "{} sent a TLS record of type {} with {} bytes, which none has there",
                side.name(),
                header.kind.name(),
                header.length
            ),
        );
        Err(self.hard(fault))
    }

    fn on_payload(&mut self, side: Side, data: &[u8], last: bool) -> Result<(), Stop> {
        match self.lane(side).treat {
            Treat::Join => {
                self.lane_mut(side).joined.extend_from_slice(data);
                self.on_joined(side)?;
                let lane = self.lane(side);
                if last && lane.joined.is_empty() && self.messages_pass_singly(side) {
                    self.lane_mut(side).mark();
                }
                Ok(())
            }
            Treat::Alert | Treat::ChangeCipherSpec => {
                self.lane_mut(side).short.extend_from_slice(data);
                if !last {
                    return Ok(());
                }
                let short = std::mem::take(&mut self.lane_mut(side).short);
                match short.as_slice() {
                    [1] => self.on_change_cipher_spec(side),
                    [level, code] => self.on_alert(side, *level, *code),
                    _ => {
                        let fault = Fault::not_tls(
                            "change-cipher-spec",
                            Alert::IllegalParameter,
                            format!("{} sent a ChangeCipherSpec that is none", side.name()),
                        );
                        Err(self.hard(fault))
                    }
                }
            }
            Treat::Protected => {
                let ends_handshake = match side {
                    // Early data says nothing about the handshake's end.
                    Side::Client => matches!(
                        self.client_state,
                        ClientState::Tls13 | ClientState::Tls12(Client12::Protected)
                    ),
                    Side::Server => true,
                };
                let lane = self.lane_mut(side);
                lane.mark();
                lane.protected |= last && ends_handshake;
                Ok(())
            }
        }
    }

    /// Whether handshake messages pass as soon as each is judged; else with their flight.
    const fn messages_pass_singly(&self, side: Side) -> bool {
        match side {
            Side::Client => true,
            Side::Server => matches!(self.server_state, ServerState::Finish12 { .. }),
        }
    }

    fn on_joined(&mut self, side: Side) -> Result<(), Stop> {
        while let Some((kind, length)) = self.lane(side).message_header() {
            self.check_message(side, kind, length)?;
            let Some((kind, body)) = self.lane_mut(side).message() else {
                break;
            };
            let lane = self.lane_mut(side);
            lane.flight = lane.flight.saturating_add(body.len() + 4);
            let alone = self.lane(side).message_ended_record();
            match side {
                Side::Client => self.on_client_message(kind, &body, alone)?,
                Side::Server => self.on_server_message(kind, &body, alone)?,
            }
        }
        Ok(())
    }

    /// Judges a message by its header, so that nothing is gathered that has no place.
    fn check_message(&mut self, side: Side, kind: u8, length: usize) -> Result<(), Stop> {
        let allowed = match side {
            Side::Client => self.client_state.messages(),
            Side::Server => self.server_state.messages(&self.agreed),
        };
        if !allowed.contains(&kind) {
            let fault = self.unexpected(side, kind);
            return Err(self.hard(fault));
        }
        let (limit, word, what) = match side {
            Side::Client if kind == state::CLIENT_HELLO => {
                (limits::MAX_CLIENT_HELLO, "client-hello-size", "ClientHello")
            }
            Side::Client => (limits::MAX_SERVER_FLIGHT, "client-flight-size", "flight"),
            Side::Server => (limits::MAX_SERVER_FLIGHT, "server-flight-size", "flight"),
        };
        let used = if kind == state::CLIENT_HELLO {
            0
        } else {
            self.lane(side).flight
        };
        if used.saturating_add(length).saturating_add(4) > limit {
            let fault = Fault::limit(
                word,
                format!("{}'s {what} is longer than {limit} bytes", side.name()),
            );
            return Err(self.hard(fault));
        }
        Ok(())
    }

    /// RFC 8446, section 6; RFC 5246, section 7.2.
    fn on_alert(&mut self, side: Side, level: u8, code: u8) -> Result<(), Stop> {
        let tls13 = self.server_state == ServerState::Tls13;
        let fatal = level == 2 || code == 0 || (tls13 && code != 90);
        if !matches!(level, 1 | 2) {
            let fault = Fault::not_tls(
                "malformed-alert",
                Alert::DecodeError,
                format!("{} sent an alert of no known level", side.name()),
            );
            return Err(self.hard(fault));
        }
        if self.facts.alerts.len() < MAX_ALERTS_SEEN {
            self.facts.alerts.push(AlertSeen {
                from: side,
                fatal,
                code,
            });
        }
        let lane = self.lane_mut(side);
        lane.warnings = lane.warnings.saturating_add(1);
        let (count, flight) = (lane.warnings, lane.flight);
        if fatal {
            lane.ended = true;
        }
        if count > MAX_WARNINGS {
            let fault = Fault::limit(
                "alerts",
                format!("{} sent more than {MAX_WARNINGS} alerts", side.name()),
            );
            return Err(self.hard(fault));
        }
        // A server's fatal alert shows the client the real reason, so all before it passes as
        // well; a warning within a flight waits for the flight.
        let within_flight = side == Side::Server && flight > 0 && !self.facts.hellos_judged;
        if fatal || !within_flight {
            self.lane_mut(side).mark();
        }
        Ok(())
    }

    fn on_change_cipher_spec(&mut self, side: Side) -> Result<(), Stop> {
        match (side, self.client_state, self.server_state) {
            (Side::Client, ClientState::Tls12(_), _) => self.client_changes_cipher(),
            (Side::Server, _, ServerState::Finish12 { .. } | ServerState::Flight12(_)) => {
                self.server_changes_cipher()
            }
            (Side::Client | Side::Server, _, _) => {
                let lane = self.lane_mut(side);
                lane.change_cipher_specs = lane.change_cipher_specs.saturating_add(1);
                if lane.change_cipher_specs > MAX_CHANGE_CIPHER_SPECS {
                    let fault = self.misplaced(side, ContentType::ChangeCipherSpec);
                    return Err(self.hard(fault));
                }
                lane.mark();
                Ok(())
            }
        }
    }

    // Faults.

    /// A fault beyond which judging can go on: refuses, or notes and goes on, as the rule says.
    fn soft(&mut self, fault: Fault) -> Result<(), Stop> {
        match self.question.actions.get(fault.rule) {
            Action::Off => Ok(()),
            Action::Report => {
                self.facts.findings.push(TlsFinding {
                    rule: fault.rule,
                    kind: fault.kind,
                    hint: fault.hint,
                });
                Ok(())
            }
            // Strip and upgrade mean nothing here; nothing passes for want of meaning.
            Action::Upgrade | Action::Strip | Action::Block => Err(Stop::Refuse(fault)),
        }
    }

    /// A fault after which nothing can be read on: refuses, or notes and passes.
    fn hard(&mut self, fault: Fault) -> Stop {
        match self.soft(fault) {
            Ok(()) => Stop::Blind,
            Err(stop) => stop,
        }
    }

    fn refusal(&self, fault: Fault) -> Refusal {
        let version = self
            .hello
            .as_ref()
            .map_or(Version::TLS12, |hello| hello.legacy_version);
        let to_client = fault
            .alert
            .filter(|_| self.client_reads_plaintext())
            .map(|alert| alert_record(alert, version));
        Refusal {
            rule: fault.rule,
            kind: fault.kind,
            alert: fault.alert,
            to_client,
            hint: fault.hint,
        }
    }

    /// Whether an alert in plaintext can be read: nothing released so far began protection, and
    /// plaintext is released by whole records.
    fn client_reads_plaintext(&self) -> bool {
        self.question.hold
            && self
                .protected_from
                .is_none_or(|from| self.server.released < from)
    }

    fn record_fault(&self, side: Side, fault: RecordFault) -> Fault {
        match (side, fault) {
            (Side::Server, _) if self.server_state == ServerState::Silent => self.server_first(),
            (Side::Client, RecordFault::Sslv2Hello) => Fault::weak(
                "sslv2-hello",
                Alert::ProtocolVersion,
                "the client begins with an SSLv2-compatible hello; update its TLS library",
            ),
            (_, fault) => {
                let what = match fault {
                    RecordFault::Type(byte) => format!("byte 0x{byte:02x} where a record begins"),
                    RecordFault::Version => "a record of no TLS version".to_owned(),
                    RecordFault::Length => "a record without bytes or with too many".to_owned(),
                    RecordFault::Sslv2Hello => "an SSLv2 record".to_owned(),
                };
                let fresh = self.lane(side).judged == 0 && self.lane(side).joined.is_empty();
                let (kind, alert) = match (side, fresh) {
                    (Side::Client, true) => ("client-not-tls", None),
                    (Side::Client, false) => ("client-record", Some(Alert::UnexpectedMessage)),
                    (Side::Server, true) => ("server-not-tls", Some(Alert::HandshakeFailure)),
                    (Side::Server, false) => ("server-record", Some(Alert::UnexpectedMessage)),
                };
                Fault {
                    rule: crate::model::Rule::NotTls,
                    kind,
                    alert,
                    hint: format!(
                        "{} does not speak TLS ({what}); a tunnel carries TLS from the first byte \
                         on both sides",
                        side.name()
                    ),
                }
            }
        }
    }

    fn server_first(&self) -> Fault {
        let mut fault = Fault::not_tls(
            "server-first",
            Alert::UnexpectedMessage,
            "the server speaks before the client's hello, which no TLS server does",
        );
        if self.client.read == 0 {
            fault.alert = None;
        }
        fault
    }

    fn misplaced(&self, side: Side, kind: ContentType) -> Fault {
        if side == Side::Client && self.client_state == ClientState::Hello {
            return Fault {
                rule: crate::model::Rule::NotTls,
                kind: "client-not-tls",
                alert: Some(Alert::UnexpectedMessage),
                hint: format!(
                    "the client begins with a TLS record of type {} instead of a ClientHello",
                    kind.name()
                ),
            };
        }
        Fault::not_tls(
            "unexpected-record",
            Alert::UnexpectedMessage,
            format!(
                "{} sent a TLS record of type {} where none may come (awaited: {})",
                side.name(),
                kind.name(),
                self.awaited()
            ),
        )
    }

    fn unexpected(&self, side: Side, kind: u8) -> Fault {
        Fault::not_tls(
            "unexpected-message",
            Alert::UnexpectedMessage,
            format!(
                "{} sent {} where it may not come (awaited: {})",
                side.name(),
                state::message_name(kind),
                self.awaited()
            ),
        )
    }

    /// What the handshake waits for: a stable word, also of a timeout.
    const fn awaited(&self) -> &'static str {
        if self.name_is_open() {
            return "name";
        }
        if self.client.ended || self.server.ended {
            return "close";
        }
        match (self.client_state, self.server_state) {
            (ClientState::Hello, _) => "client-hello",
            (ClientState::SecondHello { .. }, _) => "second-client-hello",
            (_, ServerState::Silent | ServerState::Hello | ServerState::HelloAgain) => {
                "server-hello"
            }
            (_, ServerState::Flight12(_)) => "server-flight",
            (_, ServerState::Asked) => "second-client-hello",
            (
                ClientState::Waiting { .. } | ClientState::Tls13 | ClientState::Tls12(_),
                ServerState::Finish12 { .. } | ServerState::Protected12 | ServerState::Tls13,
            ) => {
                if self.client.protected {
                    "server-finished"
                } else {
                    "client-finished"
                }
            }
        }
    }

    fn close(&self, by: Side) -> Close {
        let alert = self
            .facts
            .ending_alert(Side::Server)
            .or_else(|| self.facts.ending_alert(Side::Client))
            .copied();
        let awaited = self.awaited();
        let why = match &alert {
            Some(alert) => format!(
                "{} ended the handshake with the alert {} ({})",
                alert.from.name(),
                alert.name(),
                alert.code
            ),
            None => format!(
                "{} closed during the handshake (awaited: {awaited})",
                by.name()
            ),
        };
        Close {
            by,
            alert,
            awaited,
            why,
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
