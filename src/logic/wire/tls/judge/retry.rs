//! The HelloRetryRequest (RFC 8446, section 4.1.4).

use super::state::{ClientState, ServerState};
use super::{Judge, Retry, Stop};
use crate::logic::wire::tls::alert::Alert;
use crate::logic::wire::tls::client_hello::ClientHello;
use crate::logic::wire::tls::code::Version;
use crate::logic::wire::tls::extension as ext;
use crate::logic::wire::tls::facts::GroupFact;
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::server_hello::ServerHello;

impl Judge {
    pub(super) fn judge_retry(
        &mut self,
        hello: &ClientHello,
        answer: &ServerHello,
        alone: bool,
    ) -> Result<(), Stop> {
        if self.retry.is_some() {
            // RFC 8446, section 4.1.4.
            let fault = Fault::not_tls(
                "unexpected-message",
                Alert::UnexpectedMessage,
                "the server sent a second HelloRetryRequest",
            );
            return Err(self.hard(fault));
        }
        self.facts.retried = true;
        // A HelloRetryRequest exists in TLS 1.3 only.
        if answer.selected_version != Some(Version::TLS13) {
            let fault = Fault::weak(
                "version",
                Alert::IllegalParameter,
                "the server sent a HelloRetryRequest that does not select TLS 1.3",
            );
            return Err(self.hard(fault));
        }
        self.judge_version(hello, answer)?;
        self.judge_suite(hello, answer.suite, Version::TLS13)?;
        self.check_form13(hello, answer, alone)?;
        // A cookie comes unasked (RFC 8446, section 4.2); ECH confirms itself (RFC 9849, 7.2.1).
        let allowed = [
            ext::SUPPORTED_VERSIONS,
            ext::KEY_SHARE,
            ext::ENCRYPTED_CLIENT_HELLO,
        ];
        self.check_extensions(answer, |number| {
            number == ext::COOKIE || (allowed.contains(&number) && hello.has(number))
        })?;
        let (group, cookie) = match (answer.retry_group(), answer.cookie()) {
            (Ok(group), Ok(cookie)) => (group, cookie),
            (Err(what), _) | (_, Err(what)) => return Err(self.bad_server_hello(what)),
        };
        if let Some(group) = group {
            if let Some(upstream) = &mut self.facts.upstream {
                upstream.group = Some(GroupFact::Named(group));
            }
            let shared = hello.shares.iter().flatten().any(|share| *share == group);
            if shared || hello.groups.is_none() || !hello.offers_group(group) {
                self.soft(Fault::weak(
                    "hello-retry",
                    Alert::IllegalParameter,
                    format!(
                        "the server asks for a share of {group}, which the client did not offer or sent already"
                    ),
                ))?;
            }
            self.judge_group(group, Version::TLS13)?;
        } else if cookie.is_none() {
            self.soft(Fault::weak(
                "hello-retry",
                Alert::IllegalParameter,
                "the server sent a HelloRetryRequest that changes nothing",
            ))?;
        }
        self.retry = Some(Retry {
            suite: answer.suite,
            group,
            cookie: cookie.map(<[u8]>::to_vec),
        });
        let early_data = hello.early_data;
        self.complete_flight(ClientState::SecondHello { early_data }, ServerState::Asked);
        Ok(())
    }
}
