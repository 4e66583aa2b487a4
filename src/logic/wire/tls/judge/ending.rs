//! How a handshake ends badly: faults and what rules make of them, refusals, closes, and the words
//! for what was awaited.

use super::state::{self, ClientState, ServerState};
use super::{Judge, Stop};
use crate::logic::wire::tls::alert::{Alert, alert_record};
use crate::logic::wire::tls::code::Version;
use crate::logic::wire::tls::facts::TlsFinding;
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::record::{ContentType, RecordFault};
use crate::logic::wire::tls::step::{Close, Refusal, Side};
use crate::model::{Action, Rule};

impl Judge {
    /// A fault beyond which judging can go on: refuses, or notes and goes on, as the rule says.
    pub(super) fn soft(&mut self, fault: Fault) -> Result<(), Stop> {
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
    pub(super) fn hard(&mut self, fault: Fault) -> Stop {
        match self.soft(fault) {
            Ok(()) => Stop::Blind,
            Err(stop) => stop,
        }
    }

    pub(super) fn refusal(&self, fault: Fault) -> Refusal {
        let version = self
            .hello
            .as_ref()
            .map_or(Version::TLS12, |hello| hello.legacy_version);
        let alert = fault.alert.map(Alert::told);
        let to_client = alert
            .filter(|_| self.client_reads_plaintext())
            .map(|alert| alert_record(alert, version));
        Refusal {
            rule: fault.rule,
            kind: fault.kind,
            alert,
            to_client,
            hint: fault.hint,
        }
    }

    /// Whether an alert in plaintext can be read: nothing released so far began protection, and
    /// plaintext is released by whole records.
    pub(super) fn client_reads_plaintext(&self) -> bool {
        self.question.hold
            && self
                .protected_from
                .is_none_or(|from| self.server.released < from)
    }

    pub(super) fn record_fault(&self, side: Side, fault: RecordFault) -> Fault {
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
                let mend = match (side, fault) {
                    (Side::Client, RecordFault::Type(b'A'..=b'Z')) => {
                        "; if it is plain HTTP, send it to the proxy without CONNECT, or write https://"
                    }
                    _ => "",
                };
                let lane = self.lane(side);
                let fresh = lane.judged == 0 && lane.flight == 0 && lane.joined.is_empty();
                let (kind, alert) = match (side, fresh) {
                    (Side::Client, true) => ("client-not-tls", None),
                    (Side::Client, false) => ("client-record", Some(Alert::UnexpectedMessage)),
                    (Side::Server, true) => ("server-not-tls", Some(Alert::HandshakeFailure)),
                    (Side::Server, false) => ("server-record", Some(Alert::UnexpectedMessage)),
                };
                Fault {
                    rule: Rule::NotTls,
                    kind,
                    alert,
                    hint: not_tls_hint(side, fresh, &what, mend),
                }
            }
        }
    }

    pub(super) fn server_first(&self) -> Fault {
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

    pub(super) fn misplaced(&self, side: Side, kind: ContentType) -> Fault {
        if side == Side::Client && self.client_state == ClientState::Hello {
            return Fault {
                rule: Rule::NotTls,
                kind: "client-not-tls",
                alert: Some(Alert::UnexpectedMessage),
                hint: format!(
                    "the client begins with a TLS record of type {} instead of a ClientHello",
                    kind.name()
                ),
            };
        }
        let word = match kind {
            ContentType::Handshake => "unexpected-message",
            ContentType::ChangeCipherSpec | ContentType::Alert | ContentType::ApplicationData => {
                "unexpected-record"
            }
        };
        Fault::not_tls(
            word,
            Alert::UnexpectedMessage,
            format!(
                "{} sent a TLS record of type {} where none may come (awaited: {})",
                side.name(),
                kind.name(),
                self.awaited()
            ),
        )
    }

    pub(super) fn unexpected(&self, side: Side, kind: u8) -> Fault {
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
    pub(super) const fn awaited(&self) -> &'static str {
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

    pub(super) fn close(&self, by: Side) -> Close {
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
}

fn not_tls_hint(side: Side, fresh: bool, what: &str, mend: &str) -> String {
    let who = side.name();
    if fresh {
        format!(
            "{who} does not speak TLS ({what}); a tunnel carries TLS from the first byte on both \
             sides{mend}"
        )
    } else {
        format!("{who} left TLS in the middle of the handshake ({what}){mend}")
    }
}
