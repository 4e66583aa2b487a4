//! Faults, as the readers and judges find them, before a rule's action is looked up.

use crate::logic::wire::tls::alert::Alert;
use crate::logic::wire::tls::codec::Malformed;
use crate::model::Rule;

/// Something that a rule forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) kind: &'static str,
    /// What a client is told that still reads plaintext; none where it does not speak TLS.
    pub(super) alert: Option<Alert>,
    pub(super) hint: String,
}

impl Fault {
    pub(super) fn weak(kind: &'static str, alert: Alert, hint: impl Into<String>) -> Fault {
        Fault {
            rule: Rule::WeakTls,
            kind,
            alert: Some(alert),
            hint: hint.into(),
        }
    }

    pub(super) fn not_tls(kind: &'static str, alert: Alert, hint: impl Into<String>) -> Fault {
        Fault {
            rule: Rule::NotTls,
            kind,
            alert: Some(alert),
            hint: hint.into(),
        }
    }

    pub(super) fn malformed(kind: &'static str, who: &str, what: Malformed) -> Fault {
        Fault::not_tls(
            kind,
            Alert::DecodeError,
            format!("{who} is not what its RFC describes (in: {what})"),
        )
    }

    pub(super) fn certificate(kind: &'static str, alert: Alert, hint: impl Into<String>) -> Fault {
        Fault {
            rule: Rule::InvalidCertificate,
            kind,
            alert: Some(alert),
            hint: hint.into(),
        }
    }

    pub(super) fn sni(kind: &'static str, hint: impl Into<String>) -> Fault {
        Fault {
            rule: Rule::SniMismatch,
            kind,
            alert: Some(Alert::UnrecognizedName),
            hint: hint.into(),
        }
    }

    pub(super) fn limit(kind: &'static str, hint: impl Into<String>) -> Fault {
        Fault {
            rule: Rule::Limits,
            kind,
            alert: Some(Alert::InternalError),
            hint: hint.into(),
        }
    }
}
