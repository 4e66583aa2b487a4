//! The ServerHello of TLS 1.2 (RFC 5246, section 7.4.1.3): what it may answer with, and whether a
//! session may resume behind it.

use super::state::{Flight12, ServerState};
use super::{Judge, Stop};
use crate::logic::wire::tls::alert::Alert;
use crate::logic::wire::tls::client_hello::ClientHello;
use crate::logic::wire::tls::code::Version;
use crate::logic::wire::tls::extension as ext;
use crate::logic::wire::tls::fault::Fault;
use crate::logic::wire::tls::server_hello::ServerHello;

impl Judge {
    pub(super) fn judge_tls12(
        &mut self,
        hello: &ClientHello,
        answer: &ServerHello,
    ) -> Result<(), Stop> {
        self.agreed.before_tls13 = true;
        self.agreed.server_random = answer.random;
        self.agreed.ticket = answer.extension(ext::SESSION_TICKET).is_some();
        self.agreed.status = [ext::STATUS_REQUEST, ext::STATUS_REQUEST_V2]
            .into_iter()
            .any(|number| answer.extension(number).is_some());
        let only_tls13 = [
            ext::KEY_SHARE,
            ext::PRE_SHARED_KEY,
            ext::COOKIE,
            ext::EARLY_DATA,
        ];
        // renegotiation_info may come unasked: some servers know no better, and it does no harm.
        self.check_extensions(answer, |number| {
            !only_tls13.contains(&number)
                && (hello.has(number) || number == ext::RENEGOTIATION_INFO)
        })?;
        if answer.extension(ext::TRUNCATED_HMAC).is_some() {
            self.soft(Fault::weak(
                "truncated-hmac",
                Alert::HandshakeFailure,
                "the server agrees to shortened authentication codes",
            ))?;
        }
        self.check_certificate_types(answer)?;
        self.judge_alpn(hello, answer)?;
        // What the client sent behind its hello would be early data or an early change of keys.
        if self.client.went_on {
            let fault = Fault::not_tls(
                "unexpected-record",
                Alert::UnexpectedMessage,
                "the client went on in TLS 1.3 (early data), but the server agrees to TLS 1.2",
            );
            return Err(self.hard(fault));
        }
        let echoed = !hello.session_id.is_empty() && hello.session_id == answer.session_id;
        let lenient = !self
            .question
            .profile
            .allows_suite(answer.suite, Version::TLS12)
            || answer.version() != Version::TLS12;
        self.server_state = ServerState::Flight12(if lenient {
            Flight12::Lenient
        } else {
            Flight12::Certificate {
                may_resume: echoed || hello.ticket,
            }
        });
        Ok(())
    }

    /// RFC 7250 and RFC 6091 could agree on keys without certificates.
    fn check_certificate_types(&mut self, answer: &ServerHello) -> Result<(), Stop> {
        let types = [
            ext::CERTIFICATE_TYPE,
            ext::CLIENT_CERTIFICATE_TYPE,
            ext::SERVER_CERTIFICATE_TYPE,
        ];
        let odd = types
            .into_iter()
            .filter_map(|number| answer.extension(number))
            .any(|body| body != [0]);
        if odd {
            return self.soft(Fault::certificate(
                "not-x509",
                Alert::UnsupportedCertificate,
                "the server agrees to certificates that are not X.509",
            ));
        }
        Ok(())
    }

    fn judge_alpn(&mut self, hello: &ClientHello, answer: &ServerHello) -> Result<(), Stop> {
        match answer.alpn() {
            Ok(None) => Ok(()),
            Ok(Some(name)) => {
                if let Some(upstream) = &mut self.facts.upstream {
                    upstream.alpn = Some(String::from_utf8_lossy(name).into_owned());
                }
                if hello.alpn.iter().any(|offered| offered == name) {
                    return Ok(());
                }
                self.soft(Fault::weak(
                    "application-protocol",
                    Alert::IllegalParameter,
                    "the server selects an application protocol that the client did not offer",
                ))
            }
            Err(what) => Err(self.bad_server_hello(what)),
        }
    }
}
