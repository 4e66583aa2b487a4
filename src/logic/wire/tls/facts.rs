//! What the judge has seen, for the record. Filled in as it passes; nothing here decides.

use super::Side;
use super::alert::AlertSeen;
use super::certificate::CertificateFacts;
use super::code::{Group, Suite, Version};
use super::sni::Sni;
use crate::model::Rule;

/// Everything seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the client offers; none before its hello is read.
    pub client: Option<ClientFacts>,
    /// What the server agrees to, by its ServerHello or, before that, its HelloRetryRequest.
    pub upstream: Option<UpstreamFacts>,
    /// The server asked for a second hello.
    pub retried: bool,
    /// The server's first flight is judged: a HelloRetryRequest or ServerHello (TLS 1.3), all up to
    /// ServerHelloDone, or ChangeCipherSpec when resuming (TLS 1.2).
    pub server_flight_judged: bool,
    /// The ServerHello itself is judged, so that the handshake's timeout is met.
    pub hellos_judged: bool,
    /// The chain was shown and the verifier trusts it. Never in TLS 1.3, nor when resuming.
    pub certificate_verified: bool,
    /// The signature over the key exchange was computed and fits. Like the chain, in a full TLS 1.2
    /// handshake only; false there as well where the verifier does not know the algorithm.
    pub signature_verified: bool,
    /// Alerts that passed in plaintext, the first few.
    pub alerts: Vec<AlertSeen>,
    /// What rules found that only report.
    pub findings: Vec<TlsFinding>,
}

/// What a rule found that only reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFinding {
    pub rule: Rule,
    pub kind: &'static str,
    pub hint: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    /// The highest version offered.
    pub version: Version,
    pub sni: Sni,
    /// The protocols offered; bytes that are no UTF-8 are replaced.
    pub alpn: Vec<String>,
    pub ja4: String,
    /// The hello carries an encrypted one, or GREASE that looks like it.
    pub ech: bool,
    pub early_data: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamFacts {
    pub version: Version,
    pub suite: Suite,
    pub group: Option<GroupFact>,
    /// In TLS 1.2 only; TLS 1.3 encrypts it.
    pub alpn: Option<String>,
    pub certificate: Option<CertificateFacts>,
    pub resumed: bool,
    /// The server asked the client for a certificate, as far as can be seen (TLS 1.2).
    pub client_auth: bool,
}

/// What the keys were exchanged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupFact {
    Named(Group),
    /// A prime of no name, by its bits.
    Prime(usize),
    /// A curve given by its equation.
    ExplicitCurve,
}

impl std::fmt::Display for GroupFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GroupFact::Named(group) => group.fmt(f),
            GroupFact::Prime(bits) => write!(f, "dh{bits}"),
            GroupFact::ExplicitCurve => f.write_str("explicit curve"),
        }
    }
}

impl Facts {
    /// The alert that ended the handshake, if one did.
    pub fn ending_alert(&self, side: Side) -> Option<&AlertSeen> {
        self.alerts
            .iter()
            .find(|alert| alert.from == side && alert.fatal)
    }
}
