//! What the profile asks of keys and signatures, over certificates made with OpenSSL.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are outside #[test] functions"
)]

mod judge_support;

use judge_support::build::der;
use outgate::logic::wire::tls::{CertificateFacts, CertificateFault, Profile, check_chain};

#[test]
fn keys_and_signatures() {
    use CertificateFault::{WeakKey, WeakSignature};
    let rows: [(&[&str], Result<(), CertificateFault>); 17] = [
        (&["rsa"], Ok(())),
        (&["rsa", "root"], Ok(())),
        (&["pss"], Ok(())),
        (&["p256"], Ok(())),
        (&["p384"], Ok(())),
        (&["p521"], Ok(())),
        (&["ed25519"], Ok(())),
        (&["ed448"], Ok(())),
        (&["expired"], Ok(())),
        (&["rsa1024"], Err(WeakKey)),
        (&["rsa2047"], Err(WeakKey)),
        (&["p224"], Err(WeakKey)),
        (&["k256"], Err(WeakKey)),
        (&["sha1"], Err(WeakSignature)),
        // A root's own signature is nobody's concern, unless it stands as the leaf.
        (&["under-old-root", "old-root"], Ok(())),
        (&["old-root"], Err(WeakSignature)),
        (&["rsa", "sha1", "old-root"], Err(WeakSignature)),
    ];
    for name in Profile::NAMES {
        let rules = Profile::by_name(name).unwrap().certificates();
        for (names, expected) in rows {
            let chain: Vec<_> = names.iter().map(|name| der(name)).collect();
            let chain: Vec<_> = chain.iter().map(Vec::as_slice).collect();
            assert_eq!(check_chain(&chain, rules), expected, "{names:?}");
        }
    }
}

/// No prefix and no changed byte makes it panic; a prefix is never a certificate.
#[test]
fn broken_certificates() {
    let rules = Profile::by_name("baseline").unwrap().certificates();
    let whole = der("rsa");
    for end in 0..whole.len() {
        let fault = check_chain(&[&whole[..end]], rules);
        assert_eq!(fault, Err(CertificateFault::Malformed), "{end}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(
        check_chain(&[&longer], rules),
        Err(CertificateFault::Malformed)
    );
    for place in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[place] ^= 1 << bit;
            let _ = check_chain(&[&changed], rules);
            let _ = CertificateFacts::read(&changed);
        }
    }
}

#[test]
fn facts() {
    let facts = CertificateFacts::read(&der("expired")).unwrap();
    assert_eq!(facts.not_after, 1_609_459_200); // 2021-01-01
    assert_eq!(facts.issuer, "O=outgate tests, CN=root");
    assert_eq!(CertificateFacts::read(b"x"), None);
}
