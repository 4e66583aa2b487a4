//! What an authority is asked before it is used: all that would make clients refuse its leaves.

use std::time::Duration;

use rcgen::KeyPair;
use rustls::pki_types::UnixTime;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::edge::ca::authority::Authority;
use crate::edge::ca::error::CaError;
use crate::edge::ca::issuer::Issuer;
use crate::edge::ca::issuer::Span;
use crate::edge::clock;
use crate::logic::policy::Constraints;
use crate::model::Host;

/// Its dates, and whether its certificate says that it may sign others.
pub(super) fn authority(authority: &Authority, now: u64) -> Result<(), CaError> {
    let path = || authority.path.clone();
    let not = |why| CaError::NotAnAuthority { path: path(), why };
    let (_, signing) = X509Certificate::from_der(authority.signing())
        .map_err(|_| CaError::NoCertificate(path()))?;
    if !signing.is_ca() {
        return Err(not("its basic constraints do not say CA"));
    }
    match signing.key_usage() {
        Ok(Some(usage)) if !usage.value.key_cert_sign() => {
            return Err(not("its key usage leaves out keyCertSign"));
        }
        Ok(_) => {}
        Err(_) => return Err(not("its key usage cannot be read")),
    }
    let valid = authority.valid();
    if now < valid.from {
        return Err(CaError::NotYet {
            path: path(),
            when: day(valid.from),
        });
    }
    if now > valid.until {
        return Err(CaError::Ended {
            path: path(),
            when: day(valid.until),
        });
    }
    Ok(())
}

/// Signs a leaf that the constraints permit, and has it verified as a client would.
pub(super) fn leaf(issuer: &Issuer, now: u64) -> Result<(), CaError> {
    let authority = issuer.authority();
    let refused = |error: webpki::Error| CaError::Chain {
        path: authority.path.clone(),
        why: error.to_string(),
    };
    let Some(host) = permitted(issuer.constraints()) else {
        return Ok(());
    };
    let valid = Span {
        from: now,
        until: issuer.valid().until,
    };
    let der = issuer.sign(&host, &KeyPair::generate()?, valid)?;
    let names_match = X509Certificate::from_der(&der).is_ok_and(|(_, leaf)| {
        X509Certificate::from_der(authority.signing())
            .is_ok_and(|(_, signing)| leaf.issuer().as_raw() == signing.subject().as_raw())
    });
    if !names_match {
        return Err(CaError::Subject(authority.path.clone()));
    }
    let anchor = webpki::anchor_from_trusted_cert(authority.root_der()).map_err(refused)?;
    let leaf = webpki::EndEntityCert::try_from(&der).map_err(refused)?;
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        authority.chain(),
        UnixTime::since_unix_epoch(Duration::from_secs(now)),
        webpki::KeyUsage::server_auth(),
        None,
        None,
    )
    .map_err(refused)?;
    Ok(())
}

/// Some host that may be signed for.
fn permitted(constraints: &Constraints) -> Option<Host> {
    let names = match &constraints.permitted_names {
        Some(names) => names
            .iter()
            .map(|name| format!("x.{}", name.trim_start_matches('.')))
            .collect(),
        None => vec!["x.invalid".to_owned()],
    };
    let networks = constraints.permitted_networks.iter().flatten();
    let names = names.iter().filter_map(|name| Host::parse(name).ok());
    names
        .chain(networks.map(|network| network.addr().into()))
        .find(|host| constraints.permits(host))
}

fn day(seconds: u64) -> String {
    let time = clock::format_time(std::time::UNIX_EPOCH + Duration::from_secs(seconds));
    time.chars().take_while(|c| *c != 'T').collect()
}
