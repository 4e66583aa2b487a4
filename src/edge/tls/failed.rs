//! Why there is no session with an upstream.

use std::fmt;
use std::io;

use rustls::{AlertDescription, InvalidMessage, PeerIncompatible, PeerMisbehaved};

use super::judged::BadChain;
use super::originate::Peer;
use crate::logic::wire::tls::{CertificateFault, alert_name};

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The certificate is bad.
    #[error("{}", .0.words())]
    Certificate(CertificateFault, Peer),
    /// The server does not go on without a client certificate, which outgate has not got. It said
    /// so with an alert, or closed after it had asked.
    #[error("the server demands a client certificate")]
    ClientCertificate { alert: Option<u8> },
    /// The server speaks nothing that outgate's own TLS speaks, in words. A tunnel, in which the
    /// client speaks for itself, may work.
    #[error("{0}")]
    Incompatible(String),
    #[error("{0}")]
    Other(String),
}

impl Failed {
    /// What mends it where it stands in the way of an interception.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Failed::ClientCertificate { .. } => Some(
                "only the client itself can show its certificate: put the host in intercept.except",
            ),
            Failed::Incompatible(_) => {
                Some("where the client itself can speak to it, put the host in intercept.except")
            }
            Failed::Certificate(..) | Failed::Other(_) => None,
        }
    }

    /// `asked`: the server asked for a client certificate.
    pub(super) fn of(error: &io::Error, asked: bool) -> Failed {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            None if asked && has_closed(error) => Failed::ClientCertificate { alert: None },
            None => Failed::Other(error.to_string()),
            Some(inner) => Failed::of_tls(inner, asked),
        }
    }

    fn of_tls(error: &rustls::Error, asked: bool) -> Failed {
        if let Some(bad) = BadChain::in_error(error) {
            let peer = Peer {
                chain: bad.chain.clone(),
                client_auth: asked,
                ..Peer::default()
            };
            return Failed::Certificate(bad.fault, peer);
        }
        match error {
            rustls::Error::NoCertificatesPresented => {
                Failed::Certificate(CertificateFault::Missing, Peer::default())
            }
            rustls::Error::AlertReceived(alert) if wants_certificate(*alert, asked) => {
                Failed::ClientCertificate {
                    alert: Some(u8::from(*alert)),
                }
            }
            rustls::Error::AlertReceived(alert) => alerted(*alert),
            rustls::Error::PeerIncompatible(what) => Failed::Incompatible(lacking(what)),
            rustls::Error::InvalidMessage(
                InvalidMessage::CertificatePayloadTooLarge
                | InvalidMessage::HandshakePayloadTooLarge,
            ) => Failed::Incompatible(
                "the server's certificates are longer than 64 KiB together, more than outgate's \
                 own TLS reads"
                    .to_owned(),
            ),
            rustls::Error::InvalidMessage(
                InvalidMessage::UnsupportedCurveType
                | InvalidMessage::UnsupportedKeyExchangeAlgorithm(_),
            ) => Failed::Incompatible(
                "the server chose a key exchange that outgate's own TLS does not speak".to_owned(),
            ),
            rustls::Error::PeerMisbehaved(what) if is_not_offered(what) => {
                let what = in_words(what);
                Failed::Incompatible(format!(
                    "the server chose what outgate's own TLS did not offer ({what})"
                ))
            }
            rustls::Error::PeerMisbehaved(what) => {
                let what = in_words(what);
                Failed::Other(format!("the server breaks the rules of TLS ({what})"))
            }
            rustls::Error::InvalidMessage(what) => {
                let what = in_words(what);
                Failed::Other(format!(
                    "what the server sends is not well-formed TLS ({what})"
                ))
            }
            rustls::Error::InappropriateMessage { got_type, .. } => Failed::Other(format!(
                "the server sent a message out of order ({})",
                in_words(got_type)
            )),
            rustls::Error::InappropriateHandshakeMessage { got_type, .. } => {
                Failed::Other(format!(
                    "the server sent a message out of order ({})",
                    in_words(got_type)
                ))
            }
            rustls::Error::DecryptError => Failed::Other(
                "what the server sends cannot be decrypted with the keys agreed on".to_owned(),
            ),
            other => Failed::Other(other.to_string()),
        }
    }
}

/// Whether the server answered with parameters of its own: what it speaks and what outgate's own
/// TLS speaks may have nothing in common.
const fn is_not_offered(what: &PeerMisbehaved) -> bool {
    matches!(
        what,
        PeerMisbehaved::SelectedUnofferedCipherSuite
            | PeerMisbehaved::SelectedUnofferedKxGroup
            | PeerMisbehaved::SelectedUnofferedCompression
            | PeerMisbehaved::SelectedUnofferedApplicationProtocol
            | PeerMisbehaved::WrongGroupForKeyShare
            | PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedCipherSuite
            | PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedNamedGroup
            | PeerMisbehaved::IllegalHelloRetryRequestWithUnsupportedVersion
            | PeerMisbehaved::SignedKxWithWrongAlgorithm
            | PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme
    )
}

/// The name of a variant as words: rustls has them as `SelectedUnofferedCipherSuite`.
fn in_words(what: &impl fmt::Debug) -> String {
    let name = format!("{what:?}");
    let mut words = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_lower {
            words.push(' ');
        }
        was_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        match letter {
            'A'..='Z' => words.push(letter.to_ascii_lowercase()),
            '(' | ')' | '"' | '{' | '}' | ':' | ' ' => {
                if !words.ends_with(' ') {
                    words.push(' ');
                }
            }
            other => words.push(other),
        }
    }
    words.trim_end().to_owned()
}

fn has_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// TLS 1.3 has an alert of its own for this. TLS 1.2 has not: servers use `handshake_failure`
/// (OpenSSL), `bad_certificate` (Go, Java) or another one about certificates.
fn wants_certificate(alert: AlertDescription, asked: bool) -> bool {
    match alert {
        AlertDescription::CertificateRequired => true,
        AlertDescription::HandshakeFailure
        | AlertDescription::NoCertificate
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => asked,
        _ => false,
    }
}

fn alerted(alert: AlertDescription) -> Failed {
    let name = alert_name(u8::from(alert));
    match alert {
        AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity
        | AlertDescription::ProtocolVersion => Failed::Incompatible(format!(
            "the server accepts nothing that outgate's own TLS offers within the profile (alert \
             {name}); outgate speaks ECDHE with AES-GCM and ChaCha20-Poly1305, and neither \
             finite-field DHE nor CBC suites nor the curves P-521 and X448"
        )),
        AlertDescription::NoApplicationProtocol => Failed::Incompatible(format!(
            "the server speaks neither HTTP/2 nor HTTP/1.1 (alert {name})"
        )),
        AlertDescription::UnrecognisedName => {
            Failed::Other(format!("the server does not know the name (alert {name})"))
        }
        _ => Failed::Other(format!("the server ended the handshake (alert {name})")),
    }
}

/// What a server lacks, in words.
fn lacking(what: &PeerIncompatible) -> String {
    let lack = match what {
        PeerIncompatible::ServerDoesNotSupportTls12Or13 => "neither TLS 1.2 nor TLS 1.3",
        PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "only a version of TLS that the profile excludes"
        }
        PeerIncompatible::NoCipherSuitesInCommon => "no cipher suite in common",
        PeerIncompatible::NoKxGroupsInCommon => "no key exchange group in common",
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "no signature scheme in common (Ed448 is one that outgate's own TLS does not verify)"
        }
        PeerIncompatible::UncompressedEcPointsRequired
        | PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::EcPointsExtensionRequired => "no uncompressed curve points",
        other => {
            let other = in_words(other);
            return format!("the server's TLS lacks what outgate's own TLS needs ({other})");
        }
    };
    format!("the server speaks {lack}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variants_become_words() {
        for (what, words) in [
            (
                in_words(&PeerMisbehaved::SelectedUnofferedCipherSuite),
                "selected unoffered cipher suite",
            ),
            (
                in_words(&InvalidMessage::TrailingData("ServerHelloDone")),
                "trailing data server hello done",
            ),
            (
                in_words(&PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported),
                "attempted downgrade to tls12 when tls13 is supported",
            ),
        ] {
            assert_eq!(what, words);
        }
    }

    #[test]
    fn a_missing_client_certificate_is_told_from_other_ends() {
        let alert = |code: u8| {
            let error = rustls::Error::AlertReceived(AlertDescription::from(code));
            io::Error::new(io::ErrorKind::InvalidData, error)
        };
        let closed = || io::Error::from(io::ErrorKind::UnexpectedEof);
        // error; whether it tells of a client certificate when one was asked for, and when not
        for (error, asked, not_asked) in [
            (alert(116), true, true),
            (alert(40), true, false),
            (alert(42), true, false),
            (alert(48), true, false),
            (alert(70), false, false),
            (alert(80), false, false),
            (closed(), true, false),
            (io::ErrorKind::TimedOut.into(), false, false),
        ] {
            for (was_asked, expected) in [(true, asked), (false, not_asked)] {
                let failed = Failed::of(&error, was_asked);
                let is_it = matches!(failed, Failed::ClientCertificate { .. });
                assert_eq!(is_it, expected, "{error} {was_asked}");
            }
        }
    }
}
