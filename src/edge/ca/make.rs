//! Making an authority.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::BasicConstraints;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;

use crate::edge::ca::error::CaError;
use crate::edge::ca::issuer::BACKDATED;
use crate::edge::ca::issuer::Issuer;
use crate::edge::ca::issuer::Span;
use crate::edge::ca::issuer::params;
use crate::edge::ca::issuer::random;

const DAY: u64 = 24 * 60 * 60;

/// A root that signs leaves by itself: for an authority whose key never leaves memory, an
/// intermediate would add a certificate to every handshake and protect nothing.
pub(super) fn alone(valid: Span) -> Result<Issuer, CaError> {
    let key = KeyPair::generate()?;
    let mut params = params(&format!("outgate {}", mark()?), valid)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root = params.self_signed(&key)?;
    Ok(Issuer {
        signer: rcgen::Issuer::new(params, key),
        chain: Vec::new(),
        root: root.into(),
        valid,
    })
}

/// `days` from `now`, begun a little before it.
pub(super) const fn valid_for(now: u64, days: u64) -> Span {
    Span {
        from: now.saturating_sub(BACKDATED),
        until: now.saturating_add(days.saturating_mul(DAY)),
    }
}

/// Tells authorities apart by name: clients that look a root up by its name must not meet another
/// one's key.
fn mark() -> Result<String, CaError> {
    let bytes: [u8; 4] = random()?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

/// PEM as RFC 7468 writes it.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
