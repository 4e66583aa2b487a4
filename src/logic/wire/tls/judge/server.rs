//! The server's hellos: what it agrees to, against what was offered and what the profile allows.

use super::state::{ClientState, ServerState};
use super::{Judge, Stop};
use crate::logic::wire::tls::alert::Alert;
use crate::logic::wire::tls::client_hello::ClientHello;
use crate::logic::wire::tls::code::{Group, Suite, Version};
use crate::logic::wire::tls::codec::Malformed;
use crate::logic::wire::tls::extension as ext;
use crate::logic::wire::tls::facts::{GroupFact, UpstreamFacts};
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::key_exchange::share_is_sound;
use crate::logic::wire::tls::server_hello::ServerHello;
use crate::logic::wire::tls::step::Side;

impl Judge {
    /// `alone`: the message ended its record.
    pub(super) fn on_server_message(
        &mut self,
        kind: u8,
        body: &[u8],
        alone: bool,
    ) -> Result<(), Stop> {
        match self.server_state {
            ServerState::Hello | ServerState::HelloAgain => self.on_server_hello(body, alone),
            ServerState::Flight12(flight) => self.on_flight(flight, kind, body, alone),
            // A ticket is for the client alone; its place is checked already.
            ServerState::Finish12 { .. } => {
                self.server_state = ServerState::Finish12 { ticket: false };
                Ok(())
            }
            ServerState::Silent
            | ServerState::Asked
            | ServerState::Protected12
            | ServerState::Tls13 => {
                let fault = self.unexpected(Side::Server, kind);
                Err(self.hard(fault))
            }
        }
    }

    fn on_server_hello(&mut self, body: &[u8], alone: bool) -> Result<(), Stop> {
        let parsed = ServerHello::parse(body);
        let answer = match parsed {
            Ok(answer) => answer,
            Err(what) => return Err(self.bad_server_hello(what)),
        };
        let Some(hello) = self.hello.take() else {
            let fault = self.server_first();
            return Err(self.hard(fault));
        };
        // First what is seen, so that a refusal's record has it too.
        self.facts.upstream = Some(UpstreamFacts {
            version: answer.version(),
            suite: answer.suite,
            group: None,
            alpn: None,
            certificate: None,
            resumed: false,
            client_auth: false,
        });
        let outcome = if answer.is_retry() {
            self.judge_retry(&hello, &answer, alone)
        } else {
            self.judge_server_hello(&hello, &answer, alone)
        };
        self.hello = Some(hello);
        outcome
    }

    fn judge_server_hello(
        &mut self,
        hello: &ClientHello,
        answer: &ServerHello,
        alone: bool,
    ) -> Result<(), Stop> {
        let version = answer.version();
        self.agreed.suite = Some(answer.suite);
        self.judge_version(hello, answer)?;
        self.judge_suite(hello, answer.suite, version)?;
        if answer.compression != 0 {
            self.soft(Fault::weak(
                "compression",
                Alert::IllegalParameter,
                "the server agrees to TLS compression, which leaks what is compressed",
            ))?;
        }
        if let Some(retry) = &self.retry
            && (retry.suite != answer.suite || version != Version::TLS13)
        {
            self.soft(Fault::weak(
                "second-hello",
                Alert::IllegalParameter,
                "the ServerHello agrees to something else than the HelloRetryRequest before it",
            ))?;
        }
        if version == Version::TLS13 {
            self.judge_tls13(hello, answer, alone)
        } else {
            self.judge_tls12(hello, answer)
        }
    }

    /// The version: a real one, offered, allowed, said in the way of its RFC, and no downgrade.
    pub(super) fn judge_version(
        &mut self,
        hello: &ClientHello,
        answer: &ServerHello,
    ) -> Result<(), Stop> {
        let version = answer.version();
        let profile = self.question.profile;
        let fault = |kind, alert, hint: String| Fault::weak(kind, alert, hint);
        // RFC 8446, section 4.2.1: the extension names 1.3 or later, and legacy_version stays 1.2.
        let odd = match answer.selected_version {
            Some(selected) => selected < Version::TLS13 || answer.legacy_version != Version::TLS12,
            None => version >= Version::TLS13,
        };
        if version.name().is_none() || odd || version < Version(0x0300) {
            let fault = fault(
                "version",
                Alert::IllegalParameter,
                format!(
                    "the server selects {} in a way that no version of TLS has; profile {} asks for {}",
                    version.in_words(),
                    profile.name(),
                    profile.versions_in_words()
                ),
            );
            return Err(self.hard(fault));
        }
        if !profile.allows_version(version) {
            self.soft(fault(
                "version",
                Alert::ProtocolVersion,
                format!(
                    "the server agrees to {}, and profile {} asks for {}; the server has to be updated",
                    version.in_words(),
                    profile.name(),
                    profile.versions_in_words()
                ),
            ))?;
        }
        if !hello.offers_version(version) {
            self.soft(fault(
                "version",
                Alert::IllegalParameter,
                format!(
                    "the server selects {}, which the client did not offer",
                    version.in_words()
                ),
            ))?;
        }
        // RFC 8446, section 4.1.3; only a client that offers 1.3 looks at it.
        let downgraded = version < Version::TLS13
            && hello.offers_version(Version::TLS13)
            && answer.has_downgrade_sentinel();
        if downgraded {
            self.soft(fault(
                "downgrade",
                Alert::IllegalParameter,
                format!(
                    "the server signals that it knows TLS 1.3 and the client offers it, but {version} \
                     was agreed: somebody between them lowers the version"
                ),
            ))?;
        }
        Ok(())
    }

    pub(super) fn judge_suite(
        &mut self,
        hello: &ClientHello,
        suite: Suite,
        version: Version,
    ) -> Result<(), Stop> {
        if !hello.offers_suite(suite) || suite == Suite::RENEGOTIATION_SCSV {
            self.soft(Fault::weak(
                "suite",
                Alert::IllegalParameter,
                format!("the server selects {suite}, which the client did not offer"),
            ))?;
        }
        let profile = self.question.profile;
        if !profile.allows_suite(suite, version) {
            self.soft(Fault::weak(
                "suite",
                Alert::InsufficientSecurity,
                format!(
                    "the server agrees to {suite} in TLS {version}, which profile {} does not \
                     allow: it asks for an ephemeral key exchange and a sound cipher \
                     (config show --profile {0})",
                    profile.name()
                ),
            ))?;
        }
        Ok(())
    }

    fn judge_tls13(
        &mut self,
        hello: &ClientHello,
        answer: &ServerHello,
        alone: bool,
    ) -> Result<(), Stop> {
        self.check_form13(hello, answer, alone)?;
        let allowed = [ext::SUPPORTED_VERSIONS, ext::KEY_SHARE, ext::PRE_SHARED_KEY];
        self.check_extensions(answer, |number| {
            allowed.contains(&number) && hello.has(number)
        })?;
        match answer.psk() {
            Ok(None) => {}
            Ok(Some(place)) => {
                if let Some(upstream) = &mut self.facts.upstream {
                    upstream.resumed = true;
                }
                if place >= hello.psks {
                    self.soft(Fault::weak(
                        "pre-shared-key",
                        Alert::IllegalParameter,
                        "the server selects a pre-shared key that the client did not offer",
                    ))?;
                }
            }
            Err(what) => return Err(self.bad_server_hello(what)),
        }
        self.judge_share(hello, answer)?;
        self.protected_from = Some(self.server.read);
        self.complete_flight(ClientState::Tls13, ServerState::Tls13);
        Ok(())
    }

    /// The key share: there, of an offered and allowed group, and sound.
    fn judge_share(&mut self, hello: &ClientHello, answer: &ServerHello) -> Result<(), Stop> {
        let share = match answer.share() {
            Ok(Some(share)) => share,
            Ok(None) => {
                return self.soft(Fault::weak(
                    "no-key-share",
                    Alert::HandshakeFailure,
                    "the server sends no key share: a pre-shared key alone gives no forward secrecy",
                ));
            }
            Err(what) => return Err(self.bad_server_hello(what)),
        };
        let group = share.group;
        if let Some(upstream) = &mut self.facts.upstream {
            upstream.group = Some(GroupFact::Named(group));
        }
        let shared = hello
            .shares
            .as_ref()
            .is_some_and(|shares| shares.contains(&group));
        let retried = self.retry.as_ref().and_then(|retry| retry.group);
        if !shared || retried.is_some_and(|wanted| wanted != group) {
            self.soft(Fault::weak(
                "group",
                Alert::IllegalParameter,
                format!("the server selects the group {group}, for which the client sent no share"),
            ))?;
        }
        self.judge_group(group, Version::TLS13)?;
        if !share_is_sound(group, share.bytes) {
            self.soft(Fault::weak(
                "key-share",
                Alert::IllegalParameter,
                format!("the server's key share is no sound one of {group}"),
            ))?;
        }
        Ok(())
    }

    pub(super) fn judge_group(&mut self, group: Group, version: Version) -> Result<(), Stop> {
        let profile = self.question.profile;
        if profile.allows_group(group, version) {
            return Ok(());
        }
        self.soft(Fault::weak(
            "group",
            Alert::InsufficientSecurity,
            format!(
                "the server agrees to the group {group} in TLS {version}, which profile {} does \
                 not allow; its groups are {}",
                profile.name(),
                profile.groups_in_words(version)
            ),
        ))
    }

    /// What holds for every hello of a TLS 1.3 server (RFC 8446, section 4.1.3).
    pub(super) fn check_form13(
        &mut self,
        hello: &ClientHello,
        answer: &ServerHello,
        alone: bool,
    ) -> Result<(), Stop> {
        if !alone {
            // Keys change here, so the record ends here (RFC 8446, section 5.1).
            let fault = Fault::not_tls(
                "unexpected-message",
                Alert::UnexpectedMessage,
                "the server sent more behind its ServerHello in plaintext",
            );
            return Err(self.hard(fault));
        }
        if answer.session_id != hello.session_id {
            self.soft(Fault::weak(
                "session-id",
                Alert::IllegalParameter,
                "the server does not echo the client's session id, as TLS 1.3 asks",
            ))?;
        }
        if hello.compressions != [0] {
            self.soft(Fault::weak(
                "compression",
                Alert::IllegalParameter,
                "TLS 1.3 was agreed with a client that offers compression, which RFC 8446 forbids",
            ))?;
        }
        Ok(())
    }

    pub(super) fn check_extensions(
        &mut self,
        answer: &ServerHello,
        expected: impl Fn(u16) -> bool,
    ) -> Result<(), Stop> {
        let odd = answer
            .extensions
            .iter()
            .map(|(number, _)| *number)
            .find(|number| !expected(*number));
        match odd {
            None => Ok(()),
            Some(number) => self.soft(Fault::weak(
                "unsolicited-extension",
                Alert::UnsupportedExtension,
                format!("the server answers with extension {number}, which has no place there"),
            )),
        }
    }

    pub(super) fn bad_server_hello(&mut self, what: Malformed) -> Stop {
        let fault = Fault::malformed("malformed-server-hello", "the ServerHello", what);
        self.hard(fault)
    }
}
