//! Where each direction stands, and which records and messages may come next. Every combination
//! is named; there is no arm that lets the unknown pass.

use super::lane::Treat;
use crate::logic::wire::tls::code::{Group, Suite};
use crate::logic::wire::tls::record::ContentType;

pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(super) const CERTIFICATE_STATUS: u8 = 22;

/// The client's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientState {
    /// Its hello is to come.
    Hello,
    /// Its hello is judged and the server's answer is not.
    Waiting { early_data: bool },
    /// The server asked for a second hello.
    SecondHello { early_data: bool },
    /// TLS 1.3 is agreed: what follows is protected.
    Tls13,
    /// TLS 1.2 is agreed.
    Tls12(Client12),
}

/// What a TLS 1.2 client sends next (RFC 5246, section 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client12 {
    Certificate,
    KeyExchange {
        verify: bool,
    },
    Verify,
    ChangeCipherSpec,
    Protected,
    /// Something weaker was agreed and only reported: messages in any order.
    Lenient,
}

/// The server's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerState {
    /// The client's hello is not judged, so the server has nothing to answer.
    Silent,
    Hello,
    /// It asked for a second hello, which is to come.
    Asked,
    /// The second hello is judged.
    HelloAgain,
    /// The first flight of TLS 1.2.
    Flight12(Flight12),
    /// The last flight of a full TLS 1.2 handshake: perhaps a ticket, then ChangeCipherSpec.
    Finish12 {
        ticket: bool,
    },
    /// After ChangeCipherSpec.
    Protected12,
    Tls13,
}

/// What a TLS 1.2 server sends next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flight12 {
    /// Its certificate, or the short way of a resumed session.
    Certificate {
        may_resume: bool,
    },
    /// A resumed session's ticket was sent; ChangeCipherSpec ends the flight.
    Resuming,
    /// The stapled status, if it was announced, or the key exchange.
    StatusOrKeyExchange,
    KeyExchange,
    RequestOrDone,
    Done,
    /// Something weaker was agreed and only reported: messages in any order.
    Lenient,
}

/// What both hellos have settled.
#[derive(Debug, Clone, Default)]
pub(super) struct Agreed {
    pub(super) suite: Option<Suite>,
    /// Of TLS 1.2: the server's curve, so that the client's point can be measured.
    pub(super) curve: Option<Group>,
    /// The server answers with `session_ticket` (RFC 5077).
    pub(super) ticket: bool,
    /// The server announced a stapled status (RFC 6066, section 8).
    pub(super) status: bool,
    pub(super) client_auth: bool,
    pub(super) server_random: [u8; 32],
    /// The leaf's DER, for the signature over the key exchange.
    pub(super) leaf: Vec<u8>,
    /// TLS 1.2 or below is agreed.
    pub(super) before_tls13: bool,
}

impl ClientState {
    /// What to do with a record of that type; none where it has no place.
    pub(super) fn treat(self, kind: ContentType, agreed: &Agreed) -> Option<Treat> {
        match (self, kind) {
            (ClientState::Hello, ContentType::Handshake)
            | (ClientState::SecondHello { .. }, ContentType::Handshake) => Some(Treat::Join),
            (ClientState::Hello, _) => None,
            (
                ClientState::Waiting { .. } | ClientState::SecondHello { .. } | ClientState::Tls13,
                ContentType::Alert,
            ) => Some(Treat::Alert),
            // RFC 8446, section 5 and appendix D.4: one dummy record, at any time after the
            // hello. In TLS 1.2 it would come before its time.
            (
                ClientState::Waiting { .. } | ClientState::SecondHello { .. } | ClientState::Tls13,
                ContentType::ChangeCipherSpec,
            ) if !agreed.before_tls13 => Some(Treat::ChangeCipherSpec),
            (
                ClientState::Waiting { early_data } | ClientState::SecondHello { early_data },
                ContentType::ApplicationData,
            ) if early_data && !agreed.before_tls13 => Some(Treat::Protected),
            (ClientState::Tls13, ContentType::ApplicationData) => Some(Treat::Protected),
            (ClientState::Waiting { .. } | ClientState::Tls13, ContentType::Handshake)
            | (
                ClientState::Waiting { .. } | ClientState::SecondHello { .. } | ClientState::Tls13,
                ContentType::ChangeCipherSpec | ContentType::ApplicationData,
            ) => None,
            (ClientState::Tls12(step), kind) => step.treat(kind),
        }
    }

    /// The handshake messages that may come.
    pub(super) const fn messages(self) -> &'static [u8] {
        match self {
            ClientState::Hello | ClientState::SecondHello { .. } => &[CLIENT_HELLO],
            ClientState::Waiting { .. } | ClientState::Tls13 => &[],
            ClientState::Tls12(step) => match step {
                Client12::Certificate => &[CERTIFICATE],
                Client12::KeyExchange { .. } => &[CLIENT_KEY_EXCHANGE],
                Client12::Verify => &[CERTIFICATE_VERIFY],
                Client12::ChangeCipherSpec | Client12::Protected => &[],
                Client12::Lenient => &[CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY],
            },
        }
    }
}

impl Client12 {
    const fn treat(self, kind: ContentType) -> Option<Treat> {
        match (self, kind) {
            (Client12::Protected, ContentType::ChangeCipherSpec) => None,
            (Client12::Protected, _) => Some(Treat::Protected),
            (_, ContentType::Alert) => Some(Treat::Alert),
            (Client12::ChangeCipherSpec | Client12::Lenient, ContentType::ChangeCipherSpec) => {
                Some(Treat::ChangeCipherSpec)
            }
            (Client12::ChangeCipherSpec, ContentType::Handshake) => None,
            (
                Client12::Certificate
                | Client12::KeyExchange { .. }
                | Client12::Verify
                | Client12::Lenient,
                ContentType::Handshake,
            ) => Some(Treat::Join),
            (
                Client12::Certificate | Client12::KeyExchange { .. } | Client12::Verify,
                ContentType::ChangeCipherSpec,
            )
            | (
                Client12::Certificate
                | Client12::KeyExchange { .. }
                | Client12::Verify
                | Client12::ChangeCipherSpec
                | Client12::Lenient,
                ContentType::ApplicationData,
            ) => None,
        }
    }
}

impl ServerState {
    /// What to do with a record of that type; none where it has no place.
    pub(super) const fn treat(self, kind: ContentType) -> Option<Treat> {
        match (self, kind) {
            (ServerState::Silent, _) => None,
            (ServerState::Protected12, ContentType::ChangeCipherSpec) => None,
            (ServerState::Protected12, _) => Some(Treat::Protected),
            (_, ContentType::Alert) => Some(Treat::Alert),
            (
                ServerState::Hello
                | ServerState::HelloAgain
                | ServerState::Flight12(_)
                | ServerState::Finish12 { .. },
                ContentType::Handshake,
            ) => Some(Treat::Join),
            // The dummy record follows the server's first message (RFC 8446, appendix D.4); a
            // retried client can be faster than the record behind the HelloRetryRequest.
            (
                ServerState::Asked
                | ServerState::HelloAgain
                | ServerState::Tls13
                | ServerState::Finish12 { .. }
                | ServerState::Flight12(
                    Flight12::Certificate { may_resume: true }
                    | Flight12::Resuming
                    | Flight12::Lenient,
                ),
                ContentType::ChangeCipherSpec,
            ) => Some(Treat::ChangeCipherSpec),
            (ServerState::Tls13, ContentType::ApplicationData) => Some(Treat::Protected),
            (ServerState::Asked | ServerState::Tls13, ContentType::Handshake)
            | (ServerState::Hello | ServerState::Flight12(_), ContentType::ChangeCipherSpec)
            | (
                ServerState::Hello
                | ServerState::Asked
                | ServerState::HelloAgain
                | ServerState::Flight12(_)
                | ServerState::Finish12 { .. },
                ContentType::ApplicationData,
            ) => None,
        }
    }

    /// The handshake messages that may come.
    pub(super) const fn messages(self, agreed: &Agreed) -> &'static [u8] {
        match self {
            ServerState::Hello | ServerState::HelloAgain => &[SERVER_HELLO],
            ServerState::Silent
            | ServerState::Asked
            | ServerState::Tls13
            | ServerState::Protected12 => &[],
            ServerState::Finish12 { ticket: true } => &[NEW_SESSION_TICKET],
            ServerState::Finish12 { ticket: false } => &[],
            ServerState::Flight12(flight) => match flight {
                Flight12::Certificate { may_resume: true } if agreed.ticket => {
                    &[CERTIFICATE, NEW_SESSION_TICKET]
                }
                Flight12::Certificate { .. } => &[CERTIFICATE],
                Flight12::Resuming => &[],
                Flight12::StatusOrKeyExchange => &[CERTIFICATE_STATUS, SERVER_KEY_EXCHANGE],
                Flight12::KeyExchange => &[SERVER_KEY_EXCHANGE],
                Flight12::RequestOrDone => &[CERTIFICATE_REQUEST, SERVER_HELLO_DONE],
                Flight12::Done => &[SERVER_HELLO_DONE],
                Flight12::Lenient => &[
                    NEW_SESSION_TICKET,
                    CERTIFICATE,
                    CERTIFICATE_STATUS,
                    SERVER_KEY_EXCHANGE,
                    CERTIFICATE_REQUEST,
                    SERVER_HELLO_DONE,
                ],
            },
        }
    }
}

/// The name of a handshake message.
pub(super) const fn message_name(kind: u8) -> &'static str {
    match kind {
        0 => "HelloRequest",
        1 => "ClientHello",
        2 => "ServerHello",
        4 => "NewSessionTicket",
        5 => "EndOfEarlyData",
        8 => "EncryptedExtensions",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        20 => "Finished",
        22 => "CertificateStatus",
        24 => "KeyUpdate",
        67 => "NextProtocol",
        _ => "an unknown handshake message",
    }
}
