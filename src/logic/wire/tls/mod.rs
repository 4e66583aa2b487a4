//! The TLS handshake as it passes: records, messages, profiles and the judge.
//!
//! Nothing here decrypts or alters a byte. [`Judge`] is fed what each side sends and says how much
//! of it may pass; it ends in exactly one of pass, refuse or close. Everything is bounded by
//! [`crate::model::limits`].

mod alert;
mod certificate;
mod client_hello;
mod code;
mod codec;
mod extension;
mod facts;
mod fault;
mod ja4;
mod judge;
mod key_exchange;
mod offer;
mod profile;
mod record;
mod server_hello;
mod sni;
mod step;

pub use alert::{Alert, AlertSeen, alert_name, alert_record};
pub use certificate::{CertificateFacts, CertificateFault, CertificateVerifier, check_chain};
pub use client_hello::ClientHello;
pub use code::{Exchange, Group, Scheme, Suite, Version, is_grease};
pub use codec::Malformed;
pub use facts::{ClientFacts, Facts, GroupFact, TlsFinding, UpstreamFacts};
pub use ja4::ja4;
pub use judge::Judge;
pub use profile::{CertificateRules, FiniteField, Profile, ProfileView};
pub use sni::{Sni, SniFault};
pub use step::{Bounds, Close, Question, Refusal, Side, Step};
