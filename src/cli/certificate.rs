//! What a person wants to know of a certificate.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::logic::record::cut;

const SECONDS_A_DAY: i64 = 86_400;
/// How many names of a certificate are kept; shared ones have hundreds.
const NAMES: usize = 200;

/// One certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// DNS names and addresses of the subject alternative name.
    pub(super) names: Vec<String>,
    /// `RSA 2048`, `ECDSA P-256`.
    pub(super) key: String,
    pub(super) signature: String,
    /// RFC 3339.
    pub(super) not_before: String,
    pub(super) not_after: String,
    /// Whole days from now; negative when it has expired.
    pub(super) days_left: i64,
    pub(super) sha256: String,
}

impl Certificate {
    /// Reads a certificate; `now` in seconds since 1970.
    pub(super) fn read(der: &[u8], now: i64) -> Option<Certificate> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let validity = parsed.validity();
        let not_after = validity.not_after.timestamp();
        Some(Certificate {
            subject: cut(&parsed.subject().to_string(), 512),
            issuer: cut(&parsed.issuer().to_string(), 512),
            names: names(&parsed),
            key: key(&parsed),
            signature: signature(&parsed.signature_algorithm.algorithm),
            not_before: rfc3339(validity.not_before.timestamp()),
            not_after: rfc3339(not_after),
            days_left: not_after.saturating_sub(now).div_euclid(SECONDS_A_DAY),
            sha256: Sha256::digest(der)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "unknown".to_owned(), |time| time.to_string())
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(cut(name, 253)),
            GeneralName::IPAddress(bytes) => address(bytes),
            // What servers are not asked by.
            _ => None,
        })
        .take(NAMES)
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|octets| std::net::IpAddr::from(octets).to_string());
    let sixteen =
        <[u8; 16]>::try_from(bytes).map(|octets| std::net::IpAddr::from(octets).to_string());
    four.or(sixteen).ok()
}

fn key(certificate: &X509Certificate<'_>) -> String {
    let info = certificate.public_key();
    let algorithm = info.algorithm.algorithm.to_id_string();
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(point)) => {
            let curve = info
                .algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok())
                .map(|oid| oid.to_id_string());
            match curve.as_deref() {
                Some("1.2.840.10045.3.1.7") => "ECDSA P-256".to_owned(),
                Some("1.3.132.0.34") => "ECDSA P-384".to_owned(),
                Some("1.3.132.0.35") => "ECDSA P-521".to_owned(),
                _ => format!("EC {} bits", point.key_size()),
            }
        }
        Ok(_) | Err(_) => match algorithm.as_str() {
            "1.3.101.112" => "Ed25519".to_owned(),
            "1.3.101.113" => "Ed448".to_owned(),
            _ => algorithm,
        },
    }
}

/// The names of RFC 8017, RFC 5758 and RFC 8410; an unknown one by its number.
fn signature(oid: &Oid<'_>) -> String {
    let id = oid.to_id_string();
    let name = match id.as_str() {
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        _ => return id,
    };
    name.to_owned()
}
