//! The server's flight of TLS 1.2 (RFC 5246, section 7.3): certificate, key exchange, and the
//! short way of a resumed session, which shows neither.

use super::state::{self, Client12, ClientState, Flight12, ServerState};
use super::{Judge, Stop};
use crate::logic::wire::tls::alert::Alert;
use crate::logic::wire::tls::certificate::{CertificateFacts, CertificateFault, check_chain};
use crate::logic::wire::tls::code::{Exchange, Scheme, Version};
use crate::logic::wire::tls::codec::{Malformed, Reader};
use crate::logic::wire::tls::facts::GroupFact;
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::key_exchange::{
    KeyExchange, Params, bits, finite_field_is_sound, named_prime, share_is_sound,
};
use crate::logic::wire::tls::step::Side;

impl Judge {
    pub(super) fn on_flight(
        &mut self,
        flight: Flight12,
        kind: u8,
        body: &[u8],
        alone: bool,
    ) -> Result<(), Stop> {
        let lenient = flight == Flight12::Lenient;
        let next = match kind {
            state::CERTIFICATE => {
                self.judge_certificates(body)?;
                if self.agreed.status {
                    Flight12::StatusOrKeyExchange
                } else {
                    Flight12::KeyExchange
                }
            }
            state::CERTIFICATE_STATUS => {
                if body.len() < 4 {
                    return Err(self.bad_flight(Malformed("CertificateStatus")));
                }
                Flight12::KeyExchange
            }
            state::SERVER_KEY_EXCHANGE => {
                if !lenient {
                    self.judge_key_exchange(body)?;
                }
                Flight12::RequestOrDone
            }
            state::CERTIFICATE_REQUEST => {
                if let Err(what) = certificate_request(body) {
                    return Err(self.bad_flight(what));
                }
                self.agreed.client_auth = true;
                if let Some(upstream) = &mut self.facts.upstream {
                    upstream.client_auth = true;
                }
                Flight12::Done
            }
            state::SERVER_HELLO_DONE => return self.on_done(body, alone, lenient),
            state::NEW_SESSION_TICKET => Flight12::Resuming,
            _ => {
                let fault = self.unexpected(Side::Server, kind);
                return Err(self.hard(fault));
            }
        };
        self.server_state = ServerState::Flight12(if lenient { flight } else { next });
        Ok(())
    }

    fn on_done(&mut self, body: &[u8], alone: bool, lenient: bool) -> Result<(), Stop> {
        if !body.is_empty() {
            return Err(self.bad_flight(Malformed("ServerHelloDone")));
        }
        if !alone {
            let fault = Fault::not_tls(
                "unexpected-message",
                Alert::UnexpectedMessage,
                "the server sent more behind its ServerHelloDone, where the client has the turn",
            );
            return Err(self.hard(fault));
        }
        let client = if lenient {
            Client12::Lenient
        } else if self.agreed.client_auth {
            Client12::Certificate
        } else {
            Client12::KeyExchange { verify: false }
        };
        let ticket = self.agreed.ticket;
        self.complete_flight(ClientState::Tls12(client), ServerState::Finish12 { ticket });
        Ok(())
    }

    /// The server's ChangeCipherSpec: the end of a full handshake, or of a resumed one's flight.
    pub(super) fn server_changes_cipher(&mut self) -> Result<(), Stop> {
        let resuming = match self.server_state {
            ServerState::Flight12(
                Flight12::Certificate { .. } | Flight12::Resuming | Flight12::Lenient,
            ) => true,
            // Not before the client has changed to the new keys (RFC 5246, section 7.3).
            ServerState::Finish12 { .. }
                if self.client_state == ClientState::Tls12(Client12::Protected) =>
            {
                false
            }
            ServerState::Silent
            | ServerState::Hello
            | ServerState::Asked
            | ServerState::HelloAgain
            | ServerState::Flight12(_)
            | ServerState::Finish12 { .. }
            | ServerState::Protected12
            | ServerState::Tls13 => {
                let fault = self.misplaced(
                    Side::Server,
                    crate::logic::wire::tls::record::ContentType::ChangeCipherSpec,
                );
                return Err(self.hard(fault));
            }
        };
        self.protected_from = Some(self.server.read);
        if resuming {
            if let Some(upstream) = &mut self.facts.upstream {
                upstream.resumed = true;
            }
            self.complete_flight(
                ClientState::Tls12(Client12::ChangeCipherSpec),
                ServerState::Protected12,
            );
        } else {
            self.server.mark();
            self.server_state = ServerState::Protected12;
        }
        Ok(())
    }

    fn judge_certificates(&mut self, body: &[u8]) -> Result<(), Stop> {
        let chain = match certificate_list(body) {
            Ok(chain) => chain,
            Err(what) => return Err(self.bad_flight(what)),
        };
        let Some(leaf) = chain.first() else {
            return self.bad_certificate(CertificateFault::Missing);
        };
        self.agreed.leaf = leaf.to_vec();
        if let Some(upstream) = &mut self.facts.upstream {
            upstream.certificate = CertificateFacts::read(leaf);
        }
        let mut good = true;
        let rules = self.question.profile.certificates();
        if let Err(fault) = check_chain(&chain, rules) {
            good = false;
            self.bad_certificate(fault)?;
        }
        let name = self.certificate_name();
        if let Err(fault) = self.verifier.verify_chain(&chain, &name) {
            good = false;
            self.bad_certificate(fault)?;
        }
        self.facts.certificate_verified = good;
        Ok(())
    }

    fn bad_certificate(&mut self, fault: CertificateFault) -> Result<(), Stop> {
        let hint = format!("{} (asked for: {})", fault.words(), self.certificate_name());
        self.soft(Fault::certificate(fault.kind(), fault.alert(), hint))
    }

    fn judge_key_exchange(&mut self, body: &[u8]) -> Result<(), Stop> {
        let exchange = self
            .agreed
            .suite
            .map_or(Exchange::Other, |suite| suite.exchange());
        let message = match KeyExchange::parse(body, exchange) {
            Ok(message) => message,
            Err(what) => return Err(self.bad_flight(what)),
        };
        self.judge_params(&message.params)?;
        if message.params == Params::ExplicitCurve {
            return Ok(()); // only reported, and unsigned as far as can be read
        }
        self.judge_scheme(message.scheme, exchange)?;
        let client_random = self.hello.as_ref().map_or([0; 32], |hello| hello.random);
        let signed = [
            client_random.as_slice(),
            self.agreed.server_random.as_slice(),
            message.signed,
        ]
        .concat();
        let verdict = self.verifier.verify_signature(
            &self.agreed.leaf,
            message.scheme.0,
            &signed,
            message.signature,
        );
        match verdict {
            Ok(()) => {
                self.facts.signature_verified = true;
                Ok(())
            }
            // The profile allows the scheme and the chain is trusted, but this verifier cannot
            // compute it (Ed448): the client, which offered it, can and must.
            Err(CertificateFault::UnsupportedAlgorithm)
                if self.facts.certificate_verified
                    && self.question.profile.allows_scheme(message.scheme) =>
            {
                Ok(())
            }
            Err(fault) => {
                let hint = format!(
                    "{} (over the key exchange, {})",
                    fault.words(),
                    message.scheme
                );
                self.soft(Fault::certificate(fault.kind(), Alert::DecryptError, hint))
            }
        }
    }

    fn judge_params(&mut self, params: &Params<'_>) -> Result<(), Stop> {
        let (fact, sound) = match params {
            Params::Curve { group, point } => {
                self.agreed.curve = Some(*group);
                (GroupFact::Named(*group), share_is_sound(*group, point))
            }
            Params::ExplicitCurve => (GroupFact::ExplicitCurve, false),
            Params::FiniteField {
                prime,
                generator,
                public,
            } => (
                named_prime(prime).map_or(GroupFact::Prime(bits(prime)), GroupFact::Named),
                finite_field_is_sound(prime, generator, public),
            ),
        };
        if let Some(upstream) = &mut self.facts.upstream {
            upstream.group = Some(fact);
        }
        match params {
            Params::Curve { group, .. } => {
                let offered = self
                    .hello
                    .as_ref()
                    .is_some_and(|hello| hello.offers_group(*group));
                if !offered {
                    self.soft(Fault::weak(
                        "group",
                        Alert::IllegalParameter,
                        format!(
                            "the server uses the curve {group}, which the client did not offer"
                        ),
                    ))?;
                }
                self.judge_group(*group, Version::TLS12)?;
            }
            Params::ExplicitCurve => {}
            Params::FiniteField { prime, .. } => {
                let profile = self.question.profile;
                let named = matches!(fact, GroupFact::Named(_));
                if !profile.allows_finite_field(bits(prime), named) {
                    self.soft(Fault::weak(
                        "dh-size",
                        Alert::InsufficientSecurity,
                        format!(
                            "the server exchanges keys over a prime of {} bits ({fact}), which \
                             profile {} does not allow; 2048 bits is the least anywhere",
                            bits(prime),
                            profile.name()
                        ),
                    ))?;
                }
            }
        }
        if !sound {
            self.soft(Fault::weak(
                "key-share",
                Alert::IllegalParameter,
                format!("the server's key exchange parameters are not sound ({fact})"),
            ))?;
        }
        Ok(())
    }

    /// The scheme: allowed, offered, and of the suite's kind of certificate.
    fn judge_scheme(&mut self, scheme: Scheme, exchange: Exchange) -> Result<(), Stop> {
        let profile = self.question.profile;
        let fits = match exchange {
            Exchange::EcdheRsa | Exchange::DheRsa => scheme.is_rsa(),
            Exchange::EcdheEcdsa => !scheme.is_rsa(),
            Exchange::Tls13 | Exchange::Other => false,
        };
        // A client that lists nothing means SHA-1 (RFC 5246, section 7.4.1.4.1), which no profile
        // allows; a better hash than meant does no harm.
        let offered = self.hello.as_ref().is_some_and(|hello| {
            hello
                .schemes
                .as_ref()
                .is_none_or(|schemes| schemes.contains(&scheme))
        });
        if !profile.allows_scheme(scheme) {
            self.soft(Fault::weak(
                "signature",
                Alert::InsufficientSecurity,
                format!(
                    "the server signs its key exchange with {scheme}; profile {} asks for SHA-256 \
                     or better",
                    profile.name()
                ),
            ))?;
        }
        if !offered || !fits {
            self.soft(Fault::weak(
                "signature",
                Alert::IllegalParameter,
                format!(
                    "the server signs its key exchange with {scheme}, which the client did not \
                     offer or the suite does not fit"
                ),
            ))?;
        }
        Ok(())
    }

    fn bad_flight(&mut self, what: Malformed) -> Stop {
        let fault = Fault::malformed("malformed-handshake", "the server's flight", what);
        self.hard(fault)
    }
}

/// The certificates, leaf first (RFC 5246, section 7.4.2).
fn certificate_list(body: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let what = "Certificate";
    let mut outer = Reader::new(body, what);
    let mut list = Reader::new(outer.vec24()?, what);
    outer.end()?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let certificate = list.vec24()?;
        if certificate.is_empty() {
            return Err(Malformed(what));
        }
        chain.push(certificate);
    }
    Ok(chain)
}

/// RFC 5246, section 7.4.4.
fn certificate_request(body: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(body, "CertificateRequest");
    if reader.vec8()?.is_empty() {
        return Err(Malformed("CertificateRequest"));
    }
    reader.codes16()?;
    reader.vec16()?;
    reader.end()
}
