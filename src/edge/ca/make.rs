//! Making an authority.

use std::path::Path;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;
use zeroize::Zeroize as _;
use zeroize::Zeroizing;

use crate::edge::ca::authority::Authority;
use crate::edge::ca::constraints;
use crate::edge::ca::error::CaError;
use crate::edge::ca::files;
use crate::edge::ca::files::Readers;
use crate::edge::ca::issuer::BACKDATED;
use crate::edge::ca::issuer::Issuer;
use crate::edge::ca::issuer::Span;
use crate::edge::ca::issuer::params;
use crate::edge::ca::issuer::random;
use crate::edge::ca::signer::Signer;
use crate::edge::clock;
use crate::logic::policy::Constraints;

/// How the subject of every authority of ours begins; a [`mark`] is its end.
const OURS: &str = "outgate ";

const DAY: u64 = 24 * 60 * 60;

/// Makes an authority in `dir`, good for `days`: a root, whose key signs one intermediate and is
/// then destroyed, and that intermediate, which alone carries the constraints: clients must heed
/// them there, and several do not on a root.
///
/// # Errors
/// [`CaError`]; nothing is overwritten, and nothing half made is left.
pub fn create(
    dir: &Path,
    constraints: Option<&Constraints>,
    days: u32,
) -> Result<Authority, CaError> {
    let valid = valid_for(clock::unix_seconds(), u64::from(days));
    let mark = mark()?;

    let mut root_key = KeyPair::generate()?;
    let root_params = authority(&format!("{OURS}root {mark}"), 1, valid)?;
    let root = root_params.self_signed(&root_key)?;

    let key = KeyPair::generate()?;
    let mut params = authority(&format!("{OURS}intermediate {mark}"), 0, valid)?;
    params.use_authority_key_identifier_extension = true;
    // So that a stolen key signs neither code nor mail nor clients.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.name_constraints = constraints.map(constraints::write);
    let signed = params.signed_by(&key, &rcgen::Issuer::from_params(&root_params, &root_key));
    root_key.zeroize();
    drop(root_key);
    let intermediate = signed?;

    let key = Zeroizing::new(key.serialize_pem());
    files::write_all(
        dir,
        &[
            (files::INTERMEDIATE_KEY, Readers::Owner, &key),
            (files::INTERMEDIATE, Readers::Everybody, &intermediate.pem()),
            (files::ROOT, Readers::Everybody, &root.pem()),
        ],
    )?;
    // As everybody else will.
    Authority::read(dir)
}

/// A root that signs leaves by itself: for an authority whose key never leaves memory, an
/// intermediate would add a certificate to every handshake and protect nothing.
pub(super) fn alone(days: u64) -> Result<Issuer, CaError> {
    let key = KeyPair::generate()?;
    let valid = valid_for(clock::unix_seconds(), days);
    let params = authority(&format!("{OURS}{}", mark()?), 0, valid)?;
    let root = params.self_signed(&key)?;
    Ok(Issuer {
        signer: Signer::Plain(rcgen::Issuer::new(params, key)),
        authority: Authority {
            root: root.into(),
            chain: Vec::new(),
            path: "memory".into(),
        },
        constraints: Constraints::default(),
        valid,
    })
}

fn authority(subject: &str, below: u8, valid: Span) -> Result<CertificateParams, CaError> {
    let mut params = params(subject, valid)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// `days` from `now`, begun a little before it.
const fn valid_for(now: u64, days: u64) -> Span {
    Span {
        from: now.saturating_sub(BACKDATED),
        until: now.saturating_add(days.saturating_mul(DAY)),
    }
}

/// Begins to seed the random numbers, which takes some tens of milliseconds once in a process:
/// whoever is about to make an authority can do other things meanwhile.
pub fn warm_up() {
    let seed = || {
        let _ = random::<1>();
    };
    // Without a thread it is only later.
    let _ = std::thread::Builder::new()
        .name("seed".to_owned())
        .spawn(seed);
}

/// Whether `certificate` is an authority that an outgate made, this one or another: told by its
/// name. `exec` leaves such out of what it trusts upstream.
pub fn is_ours(certificate: &[u8]) -> bool {
    let is_mark = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_named = |name: &str| {
        let rest = name.strip_prefix(OURS);
        rest.is_some_and(|rest| {
            let kinds = ["root ", "intermediate ", ""].into_iter();
            kinds
                .filter_map(|kind| rest.strip_prefix(kind))
                .any(is_mark)
        })
    };
    X509Certificate::from_der(certificate).is_ok_and(|(_, parsed)| {
        parsed
            .subject()
            .iter_common_name()
            .any(|name| name.as_str().is_ok_and(is_named))
    })
}

/// Tells authorities apart by name: clients that look a root up by its name must not meet another
/// one's key.
fn mark() -> Result<String, CaError> {
    let bytes: [u8; 4] = random()?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_authorities_are_known_by_name_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let authority = create(&dir.path().join("ca"), None, 1).unwrap();
        let alone = alone(1).unwrap();
        for der in [authority.root_der(), authority.signing(), alone.root_der()] {
            assert!(is_ours(der));
        }
        for name in [
            "outgate",
            "outgate test authority",
            "outgate root",
            "x outgate 01234567",
        ] {
            let key = KeyPair::generate().unwrap();
            let params = authority_named(name);
            assert!(!is_ours(params.self_signed(&key).unwrap().der()), "{name}");
        }
        assert!(!is_ours(b"no certificate"));
    }

    fn authority_named(name: &str) -> CertificateParams {
        super::authority(name, 0, valid_for(clock::unix_seconds(), 1)).unwrap()
    }
}
