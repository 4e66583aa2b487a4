//! What the client sends in plaintext: its hello, a second one, and its flight of TLS 1.2.

use super::state::{self, Client12, ClientState, ServerState};
use super::{Judge, NameQuestion, Retry, Stop};
use crate::logic::wire::tls::alert::Alert;
use crate::logic::wire::tls::client_hello::ClientHello;
use crate::logic::wire::tls::codec::{Malformed, Reader};
use crate::logic::wire::tls::facts::ClientFacts;
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::ja4::ja4;
use crate::logic::wire::tls::offer;
use crate::logic::wire::tls::sni::{Sni, SniFault};
use crate::logic::wire::tls::step::Side;
use crate::model::Host;

impl Judge {
    /// `alone`: the message ended its record.
    pub(super) fn on_client_message(
        &mut self,
        kind: u8,
        body: &[u8],
        alone: bool,
    ) -> Result<(), Stop> {
        match self.client_state {
            ClientState::Hello | ClientState::SecondHello { .. } => {
                self.on_client_hello(body, alone)
            }
            ClientState::Tls12(step) => self.on_client_flight(step, kind, body),
            ClientState::Waiting { .. } | ClientState::Tls13 => {
                let fault = self.unexpected(Side::Client, kind);
                Err(self.hard(fault))
            }
        }
    }

    fn on_client_hello(&mut self, body: &[u8], alone: bool) -> Result<(), Stop> {
        let hello = match ClientHello::parse(body) {
            Ok(hello) => hello,
            Err(what) => {
                let fault = Fault::malformed("malformed-client-hello", "the ClientHello", what);
                return Err(self.hard(fault));
            }
        };
        // A client waits for the answer, and keys change here (RFC 8446, section 5.1).
        if !alone {
            let fault = Fault::not_tls(
                "unexpected-message",
                Alert::UnexpectedMessage,
                "the client sent more behind its ClientHello in the same record",
            );
            return Err(self.hard(fault));
        }
        let early_data = hello.early_data;
        let outcome = match (self.hello.take(), self.retry.clone()) {
            (Some(first), Some(retry)) => self.judge_second_hello(&first, &hello, &retry),
            (Some(_) | None, _) => self.judge_first_hello(&hello),
        };
        self.hello = Some(hello);
        outcome?;
        self.client.mark();
        self.client.gate = Some(self.client.read);
        self.client_state = ClientState::Waiting { early_data };
        self.server_state = match self.server_state {
            ServerState::Asked => ServerState::HelloAgain,
            ServerState::Silent
            | ServerState::Hello
            | ServerState::HelloAgain
            | ServerState::Flight12(_)
            | ServerState::Finish12 { .. }
            | ServerState::Protected12
            | ServerState::Tls13 => ServerState::Hello,
        };
        Ok(())
    }

    fn judge_first_hello(&mut self, hello: &ClientHello) -> Result<(), Stop> {
        self.facts.client = Some(client_facts(hello));
        if hello.cookie.is_some() {
            let what = Malformed("cookie in a first hello");
            let fault = Fault::malformed("malformed-client-hello", "the ClientHello", what);
            return Err(self.hard(fault));
        }
        self.judge_name(hello)?;
        match offer::check(hello, self.question.profile) {
            Ok(()) => Ok(()),
            Err(fault) => self.soft(fault),
        }
    }

    /// Beside what RFC 8446 lets differ nothing does, so the first one's verdict holds on.
    fn judge_second_hello(
        &mut self,
        first: &ClientHello,
        second: &ClientHello,
        retry: &Retry,
    ) -> Result<(), Stop> {
        if first.sni != second.sni {
            self.soft(Fault::sni(
                "changed",
                "the second ClientHello asks for another server name than the first",
            ))?;
        }
        match check_second(first, second, retry) {
            Ok(()) => Ok(()),
            Err(what) => self.soft(Fault::weak(
                "second-hello",
                Alert::IllegalParameter,
                format!("the second ClientHello differs from the first in {what}"),
            )),
        }
    }

    /// The hello's name against CONNECT's. Without a name the server chooses its certificate by
    /// itself, which is judged against CONNECT's host all the same.
    fn judge_name(&mut self, hello: &ClientHello) -> Result<(), Stop> {
        let name = match &hello.sni {
            Sni::Absent => return Ok(()),
            Sni::Bad(fault) => {
                let connect = &self.question.connect;
                let mend = match fault {
                    SniFault::Address => "; leave the server name out for an address",
                    SniFault::Empty | SniFault::Doubled | SniFault::Malformed => "",
                };
                let hint = format!("{}; CONNECT asks for {connect}{mend}", fault.words());
                return self.soft(Fault::sni(fault.kind(), hint));
            }
            Sni::Name(name) => name,
        };
        match &self.question.connect {
            Host::Name(connect) if connect == name => Ok(()),
            Host::Name(connect) => {
                let outer = if hello.ech {
                    " (the outer name of an encrypted hello counts)"
                } else {
                    ""
                };
                let hint = format!(
                    "CONNECT asks for {connect}, but the ClientHello asks for {name}{outer}; \
                     both must name the same host"
                );
                self.soft(Fault::sni("mismatch", hint))
            }
            Host::V4(_) | Host::V6(_) => {
                // A second hello has the same name, or is refused above.
                if self.name == NameQuestion::None {
                    self.name = NameQuestion::Due(name.clone());
                }
                Ok(())
            }
        }
    }

    /// RFC 5246, section 7.3: [Certificate] ClientKeyExchange [CertificateVerify].
    fn on_client_flight(&mut self, step: Client12, kind: u8, body: &[u8]) -> Result<(), Stop> {
        let next = match (step, kind) {
            (Client12::Lenient, _) => Ok(Client12::Lenient),
            (Client12::Certificate, state::CERTIFICATE) => {
                certificates(body).map(|count| Client12::KeyExchange { verify: count > 0 })
            }
            (Client12::KeyExchange { verify }, state::CLIENT_KEY_EXCHANGE) => {
                // What is in it is between the peers: nothing is agreed by it any more.
                Ok(if verify {
                    Client12::Verify
                } else {
                    Client12::ChangeCipherSpec
                })
            }
            (Client12::Verify, state::CERTIFICATE_VERIFY) => {
                certificate_verify(body).map(|()| Client12::ChangeCipherSpec)
            }
            (
                Client12::Certificate
                | Client12::KeyExchange { .. }
                | Client12::Verify
                | Client12::ChangeCipherSpec
                | Client12::Protected,
                _,
            ) => {
                let fault = self.unexpected(Side::Client, kind);
                return Err(self.hard(fault));
            }
        };
        match next {
            Ok(next) => {
                self.client_state = ClientState::Tls12(next);
                Ok(())
            }
            Err(what) => {
                let fault = Fault::malformed("malformed-handshake", "the client's flight", what);
                Err(self.hard(fault))
            }
        }
    }

    pub(super) fn client_changes_cipher(&mut self) -> Result<(), Stop> {
        // When resuming, the server goes first (RFC 5246, section 7.3, figure 2).
        let too_early = self
            .facts
            .upstream
            .as_ref()
            .is_some_and(|upstream| upstream.resumed)
            && !self.server.protected;
        if too_early {
            let fault = self.misplaced(
                Side::Client,
                crate::logic::wire::tls::record::ContentType::ChangeCipherSpec,
            );
            return Err(self.hard(fault));
        }
        self.client.mark();
        self.client_state = ClientState::Tls12(Client12::Protected);
        Ok(())
    }
}

fn client_facts(hello: &ClientHello) -> ClientFacts {
    ClientFacts {
        version: hello.highest_version(),
        sni: hello.sni.clone(),
        alpn: hello
            .alpn
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
        ja4: ja4(hello),
        ech: hello.ech,
        early_data: hello.early_data,
    }
}

/// RFC 8446, section 4.1.2: what may differ in a second hello, and what may not.
fn check_second(
    first: &ClientHello,
    second: &ClientHello,
    retry: &Retry,
) -> Result<(), &'static str> {
    let same = first.legacy_version == second.legacy_version
        && first.random == second.random
        && first.session_id == second.session_id
        && first.compressions == second.compressions;
    let shares = second.shares.as_deref().unwrap_or_default();
    let share = match retry.group {
        Some(group) => shares == [group],
        None => first.shares == second.shares,
    };
    let rows = [
        (first.suites == second.suites, "its cipher suites"),
        (first.versions == second.versions, "its versions"),
        (first.groups == second.groups, "its groups"),
        (first.schemes == second.schemes, "its signature algorithms"),
        (first.alpn == second.alpn, "its application protocols"),
        (same, "its random, session id or compression"),
        (!second.early_data, "that it offers early data again"),
        (
            second.cookie == retry.cookie,
            "its cookie, which is not the server's",
        ),
        (share, "its key share, which is not the one asked for"),
    ];
    match rows.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, what)) => Err(what),
    }
}

/// The number of certificates in a client's Certificate message, which may be none.
fn certificates(body: &[u8]) -> Result<usize, Malformed> {
    let what = "Certificate";
    let mut outer = Reader::new(body, what);
    let mut list = Reader::new(outer.vec24()?, what);
    outer.end()?;
    let mut count = 0;
    while !list.is_empty() {
        if list.vec24()?.is_empty() {
            return Err(Malformed(what));
        }
        count += 1;
    }
    Ok(count)
}

fn certificate_verify(body: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(body, "CertificateVerify");
    reader.u16()?;
    reader.vec16()?;
    reader.end()
}
