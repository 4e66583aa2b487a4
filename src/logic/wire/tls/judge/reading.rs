//! Reading: bytes to records to messages, alerts and changes of keys, each checked against what may
//! come next before anything of it is kept.

use super::lane::Treat;
use super::state::{self, Client12, ClientState, ServerState};
use super::{Judge, Stop};
use crate::logic::wire::tls::alert::{Alert, AlertSeen};
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::record::{ContentType, Piece, RecordHeader};
use crate::logic::wire::tls::step::Side;

/// The most dummy ChangeCipherSpec records of one side (RFC 8446, appendix D.4 asks for one).
const MAX_CHANGE_CIPHER_SPECS: u8 = 4;
/// The most warning alerts of one side.
const MAX_WARNINGS: u8 = 4;
/// How many alerts the facts keep.
const MAX_ALERTS_SEEN: usize = 8;
/// The longest plaintext of a record (RFC 8446, section 5.1).
const MAX_PLAINTEXT: usize = 1 << 14;
/// The shortest protected record that is taken for one. Whether it decrypts is the peers' to say.
const MIN_PROTECTED: usize = 1;

impl Judge {
    pub(super) fn read(&mut self, side: Side, bytes: &[u8]) -> Result<(), Stop> {
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
    pub(super) const fn is_complete(&self) -> bool {
        self.client.protected
            && self.server.protected
            && !self.client.ended
            && !self.server.ended
            && self.facts.hellos_judged
    }

    pub(super) fn on_header(&mut self, side: Side, header: RecordHeader) -> Result<(), Stop> {
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
    pub(super) fn check_turn(&mut self, side: Side, count: usize) -> Result<(), Stop> {
        let early =
            self.server_state == ServerState::Silent || (self.question.hold && self.name_is_open());
        if side == Side::Server && early {
            self.server.read += count as u64;
            let fault = self.server_first();
            return Err(self.hard(fault));
        }
        Ok(())
    }

    pub(super) fn check_length(
        &mut self,
        side: Side,
        treat: Treat,
        header: RecordHeader,
    ) -> Result<(), Stop> {
        let (min, max) = match treat {
            Treat::Join => (1, MAX_PLAINTEXT),
            Treat::Alert => (2, 2),
            Treat::ChangeCipherSpec => (1, 1),
            Treat::Protected if self.agreed.before_tls13 => (MIN_PROTECTED, MAX_PLAINTEXT + 2048),
            Treat::Protected => (MIN_PROTECTED, MAX_PLAINTEXT + 256),
        };
        if (min..=max).contains(&header.length) {
            return Ok(());
        }
        let fault = Fault::not_tls(
            "record-length",
            Alert::DecodeError,
            format!(
                "{} sent a TLS record of type {} with {} bytes, a length that it cannot have",
                side.name(),
                header.kind.name(),
                header.length
            ),
        );
        Err(self.hard(fault))
    }

    pub(super) fn on_payload(&mut self, side: Side, data: &[u8], last: bool) -> Result<(), Stop> {
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
    pub(super) const fn messages_pass_singly(&self, side: Side) -> bool {
        match side {
            Side::Client => true,
            Side::Server => matches!(self.server_state, ServerState::Finish12 { .. }),
        }
    }

    pub(super) fn on_joined(&mut self, side: Side) -> Result<(), Stop> {
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
    pub(super) fn check_message(
        &mut self,
        side: Side,
        kind: u8,
        length: usize,
    ) -> Result<(), Stop> {
        let allowed = match side {
            Side::Client => self.client_state.messages(),
            Side::Server => self.server_state.messages(&self.agreed),
        };
        if !allowed.contains(&kind) {
            let fault = self.unexpected(side, kind);
            return Err(self.hard(fault));
        }
        let (limit, word, what) = match side {
            Side::Client if kind == state::CLIENT_HELLO => (
                self.question.bounds.client_hello,
                "client-hello-size",
                "ClientHello",
            ),
            Side::Client => (self.question.bounds.flight, "client-flight-size", "flight"),
            Side::Server => (self.question.bounds.flight, "server-flight-size", "flight"),
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
    pub(super) fn on_alert(&mut self, side: Side, level: u8, code: u8) -> Result<(), Stop> {
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

    pub(super) fn on_change_cipher_spec(&mut self, side: Side) -> Result<(), Stop> {
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
}
