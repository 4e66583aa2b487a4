//! TLS alerts (RFC 8446, section 6): the ones that outgate sends, and names for those it sees.

use std::fmt;

use super::code::Version;

/// An alert that ends a refused handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alert {
    UnexpectedMessage,
    HandshakeFailure,
    BadCertificate,
    UnsupportedCertificate,
    CertificateExpired,
    IllegalParameter,
    UnknownCa,
    AccessDenied,
    DecodeError,
    DecryptError,
    ProtocolVersion,
    InsufficientSecurity,
    InternalError,
    UnsupportedExtension,
    UnrecognizedName,
}

impl Alert {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Alert::UnexpectedMessage => 10,
            Alert::HandshakeFailure => 40,
            Alert::BadCertificate => 42,
            Alert::UnsupportedCertificate => 43,
            Alert::CertificateExpired => 45,
            Alert::IllegalParameter => 47,
            Alert::UnknownCa => 48,
            Alert::AccessDenied => 49,
            Alert::DecodeError => 50,
            Alert::DecryptError => 51,
            Alert::ProtocolVersion => 70,
            Alert::InsufficientSecurity => 71,
            Alert::InternalError => 80,
            Alert::UnsupportedExtension => 110,
            Alert::UnrecognizedName => 112,
        }
    }

    /// The alert that is sent for this one: a refused client sees one of the five that the
    /// documents name. The fine distinction stays with the kind and the record.
    #[must_use]
    pub const fn told(self) -> Alert {
        match self {
            Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::HandshakeFailure
            | Alert::UnrecognizedName
            | Alert::BadCertificate => self,
            Alert::UnsupportedCertificate
            | Alert::CertificateExpired
            | Alert::UnknownCa
            | Alert::DecryptError => Alert::BadCertificate,
            Alert::UnexpectedMessage
            | Alert::IllegalParameter
            | Alert::AccessDenied
            | Alert::DecodeError
            | Alert::InternalError
            | Alert::UnsupportedExtension => Alert::HandshakeFailure,
        }
    }

    /// The name in the RFC.
    pub const fn name(self) -> &'static str {
        alert_name(self.code())
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An alert that passed in plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlertSeen {
    pub from: super::Side,
    pub fatal: bool,
    pub code: u8,
}

impl AlertSeen {
    /// The name in the RFC, or `unknown`.
    pub const fn name(&self) -> &'static str {
        alert_name(self.code)
    }
}

/// The name of an alert code.
pub const fn alert_name(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unknown",
    }
}

/// A fatal alert as one plaintext record. `version` is the hello's; TLS 1.3 freezes the record
/// version at 1.2 (RFC 8446, section 5.1).
pub fn alert_record(alert: Alert, version: Version) -> [u8; 7] {
    let version = version.clamp(Version(0x0300), Version::TLS12);
    let [major, minor] = version.0.to_be_bytes();
    [21, major, minor, 0, 2, 2, alert.code()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_one_that_any_client_reads() {
        let cases = [
            (0x0304, [21, 3, 3, 0, 2, 2, 70]),
            (0x0303, [21, 3, 3, 0, 2, 2, 70]),
            (0x0301, [21, 3, 1, 0, 2, 2, 70]),
            (0x0002, [21, 3, 0, 0, 2, 2, 70]),
        ];
        for (version, bytes) in cases {
            assert_eq!(
                alert_record(Alert::ProtocolVersion, Version(version)),
                bytes
            );
        }
        assert_eq!(Alert::UnrecognizedName.name(), "unrecognized_name");
    }
}
