//! The certificates of intercepted hosts: minted once per name, kept, renewed in time.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::DefaultClock;
use quick_cache::sync::Cache;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use rcgen::SubjectPublicKeyInfo;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::CertifiedKey;
use rustls::sign::SigningKey;

use crate::edge::ca::error::CaError;
use crate::edge::ca::error::LeafError;
use crate::edge::ca::issuer::BACKDATED;
use crate::edge::ca::issuer::Issuer;
use crate::edge::ca::issuer::Span;
use crate::edge::ca::quota::Quotas;
use crate::edge::clock;
use crate::model::Host;

/// How long a leaf is good for.
const LIFETIME: u64 = 7 * 24 * 60 * 60;
/// A leaf with less than this left is replaced: whoever is given one may keep it open for days.
const RENEWED: u64 = LIFETIME / 2;

/// How many, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafBounds {
    /// Leaves kept; about 2 KB each.
    pub kept: usize,
    /// Leaves that a client may cause at once,
    pub burst: NonZeroU32,
    /// and how many more in a second. One costs a tenth of a millisecond.
    pub per_second: NonZeroU32,
}

impl Default for LeafBounds {
    fn default() -> LeafBounds {
        const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
        const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
        LeafBounds {
            kept: 4096,
            burst: BURST,
            per_second: PER_SECOND,
        }
    }
}

/// Leaves of one issuer, with one key for all, which is never the issuer's.
pub struct Leaves {
    issuer: Issuer,
    key: Arc<dyn SigningKey>,
    public: SubjectPublicKeyInfo,
    kept: Cache<Host, Leaf>,
    quotas: Quotas,
    now: fn() -> u64,
}

#[derive(Clone)]
struct Leaf {
    certified: Arc<CertifiedKey>,
    /// From then on another one is minted.
    renew: u64,
}

impl Leaves {
    /// Leaves by `issuer`.
    ///
    /// # Errors
    /// [`CaError`] when no key can be made.
    pub fn new(issuer: Issuer, bounds: LeafBounds) -> Result<Leaves, CaError> {
        let pair = KeyPair::generate()?;
        let public = SubjectPublicKeyInfo::from_der(&pair.subject_public_key_info())?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let key =
            rustls::crypto::aws_lc_rs::sign::any_supported_type(&secret).map_err(CaError::Key)?;
        Ok(Leaves {
            issuer,
            key,
            public,
            kept: Cache::new(bounds.kept),
            quotas: Quotas::new(bounds.burst, bounds.per_second, DefaultClock::default()),
            now: clock::unix_seconds,
        })
    }

    /// Who signs them.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The certificate for exactly `host`, with its chain and key. `client` is who pays for one
    /// that has to be minted; those who wait for the same one do not.
    ///
    /// # Errors
    /// [`LeafError`] says why there is none.
    pub fn leaf(
        &self,
        host: &Host,
        client: Option<IpAddr>,
    ) -> Result<Arc<CertifiedKey>, LeafError> {
        let now = (self.now)();
        // A second turn only where one was kept past its time.
        for _ in 0..2 {
            let leaf = self
                .kept
                .get_or_insert_with(host, || self.mint(host, client, now))?;
            if now < leaf.renew {
                return Ok(leaf.certified);
            }
            self.kept.remove_if(host, |kept| now >= kept.renew);
        }
        Ok(self.mint(host, client, now)?.certified)
    }

    fn mint(&self, host: &Host, client: Option<IpAddr>, now: u64) -> Result<Leaf, LeafError> {
        let end = self.issuer.valid().until;
        if now >= end {
            return Err(LeafError::Ended);
        }
        if !self.issuer.constraints().permits(host) {
            return Err(LeafError::Outside(host.clone()));
        }
        if !self.quotas.take(client) {
            return Err(LeafError::Limited);
        }
        let valid = Span {
            from: now.saturating_sub(BACKDATED),
            until: end.min(now.saturating_add(LIFETIME)),
        };
        let leaf = self.issuer.sign(host, &self.public, valid)?;
        let above = self.issuer.authority().chain();
        let mut chain = Vec::with_capacity(1 + above.len());
        chain.push(leaf);
        chain.extend(above.iter().cloned());
        Ok(Leaf {
            certified: Arc::new(CertifiedKey::new(chain, Arc::clone(&self.key))),
            // The last one of an authority that ends soon is kept until it ends.
            renew: now + (valid.until - now).min(RENEWED),
        })
    }
}

/// Never the keys.
impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves")
            .field("issuer", &self.issuer)
            .field("kept", &self.kept.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::ServerName;
    use rustls::pki_types::UnixTime;
    use x509_parser::extensions::GeneralName;
    use x509_parser::prelude::FromDer as _;
    use x509_parser::prelude::X509Certificate;

    use super::*;

    fn leaves(bounds: LeafBounds) -> Leaves {
        Leaves::new(Issuer::ephemeral().unwrap(), bounds).unwrap()
    }

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    /// What rustls' verifier says of a chain that `leaves` gave.
    fn verify(
        leaves: &Leaves,
        chain: &[CertificateDer<'_>],
        name: &str,
    ) -> Result<(), webpki::Error> {
        let anchor = webpki::anchor_from_trusted_cert(leaves.issuer().root_der())?;
        let leaf = webpki::EndEntityCert::try_from(&chain[0])?;
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor],
            &chain[1..],
            UnixTime::since_unix_epoch(Duration::from_secs(clock::unix_seconds())),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        )?;
        leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap())
    }

    #[test]
    fn a_leaf_says_exactly_what_was_asked_for() {
        let leaves = leaves(LeafBounds::default());
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(longest.len(), 253);
        for text in [
            "a.example",
            "x_y.s3.amazonaws.com",
            "192.0.2.7",
            "2001:db8::7",
            &longest,
        ] {
            let certified = leaves.leaf(&host(text), None).unwrap();
            certified.keys_match().unwrap();
            assert_eq!(verify(&leaves, &certified.cert, text), Ok(()), "{text}");
            let (_, leaf) = X509Certificate::from_der(&certified.cert[0]).unwrap();
            let names = &leaf.subject_alternative_name().unwrap().unwrap().value;
            let names: Vec<String> = names
                .general_names
                .iter()
                .map(|name| match name {
                    GeneralName::DNSName(name) => (*name).to_owned(),
                    GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
                        Ok(bytes) => IpAddr::from(bytes).to_string(),
                        Err(_) => IpAddr::from(<[u8; 16]>::try_from(*bytes).unwrap()).to_string(),
                    },
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(names, [text]);
            assert_eq!(leaf.subject().to_string(), "CN=Intercepted by outgate");
            assert!(!leaf.is_ca());
        }
    }

    #[test]
    fn one_key_for_all_leaves_and_another_for_the_issuer() {
        let leaves = leaves(LeafBounds::default());
        let key = |der: &[u8]| {
            let (_, certificate) = X509Certificate::from_der(der).unwrap();
            certificate.public_key().raw.to_vec()
        };
        let serial = |der: &[u8]| {
            let (_, certificate) = X509Certificate::from_der(der).unwrap();
            certificate.raw_serial().to_vec()
        };
        let a = leaves.leaf(&host("a.example"), None).unwrap();
        let b = leaves.leaf(&host("b.example"), None).unwrap();
        assert_eq!(key(&a.cert[0]), key(&b.cert[0]));
        assert_ne!(key(&a.cert[0]), key(leaves.issuer().root_der()));
        assert_ne!(serial(&a.cert[0]), serial(&b.cert[0]));
        assert_eq!(serial(&a.cert[0]).len(), 16);
    }

    #[test]
    fn concurrent_first_requests_mint_once() {
        // A second mint for any of them would find the quota spent.
        let bounds = LeafBounds {
            burst: NonZeroU32::MIN,
            per_second: NonZeroU32::MIN,
            ..LeafBounds::default()
        };
        for round in 0..20 {
            let leaves = leaves(bounds);
            let host = host(&format!("{round}.example"));
            let start = Barrier::new(16);
            let got: Vec<_> = std::thread::scope(|scope| {
                let ask = || {
                    start.wait();
                    leaves.leaf(&host, None).unwrap()
                };
                let asking: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
                asking.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert!(got.iter().all(|leaf| Arc::ptr_eq(leaf, &got[0])));
        }
    }

    #[test]
    fn who_asks_for_too_many_is_told_and_others_are_not() {
        let bounds = LeafBounds {
            burst: NonZeroU32::MIN,
            per_second: NonZeroU32::MIN,
            ..LeafBounds::default()
        };
        let leaves = leaves(bounds);
        let client = |last| Some(IpAddr::from([192, 0, 2, last]));
        leaves.leaf(&host("a.example"), client(1)).unwrap();
        let refused = leaves.leaf(&host("b.example"), client(1)).unwrap_err();
        assert!(matches!(refused, LeafError::Limited));
        leaves.leaf(&host("a.example"), client(1)).unwrap();
        leaves.leaf(&host("b.example"), client(2)).unwrap();
        leaves.leaf(&host("b.example"), client(1)).unwrap();
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let leaves = leaves(LeafBounds {
            kept: 8,
            ..LeafBounds::default()
        });
        for number in 0..64 {
            leaves
                .leaf(&host(&format!("{number}.example")), None)
                .unwrap();
        }
        assert!(leaves.kept.len() <= 8);
    }

    #[test]
    fn a_leaf_is_renewed_long_before_it_ends_and_never_outlives_its_issuer() {
        static NOW: AtomicU64 = AtomicU64::new(0);
        const DAY: u64 = 24 * 60 * 60;
        let mut leaves = leaves(LeafBounds::default());
        leaves.now = || NOW.load(Ordering::Relaxed);
        let begin = clock::unix_seconds();
        let end = leaves.issuer().valid().until;
        let at = |leaves: &Leaves, time| {
            NOW.store(time, Ordering::Relaxed);
            leaves.leaf(&host("a.example"), None)
        };
        let until = |leaf: &CertifiedKey| {
            let (_, leaf) = X509Certificate::from_der(&leaf.cert[0]).unwrap();
            let (from, until) = (leaf.validity().not_before, leaf.validity().not_after);
            assert!(until.timestamp() - from.timestamp() <= 8 * DAY.cast_signed());
            until.timestamp().cast_unsigned()
        };
        let first = at(&leaves, begin).unwrap();
        let later = at(&leaves, begin + 3 * DAY).unwrap();
        assert!(Arc::ptr_eq(&first, &later));
        let renewed = at(&leaves, begin + 4 * DAY).unwrap();
        assert!(until(&renewed) > until(&first) + 3 * DAY);
        let last = at(&leaves, end - DAY).unwrap();
        assert_eq!(until(&last), end);
        let last_again = at(&leaves, end - 1).unwrap();
        assert!(Arc::ptr_eq(&last, &last_again));
        assert!(matches!(at(&leaves, end), Err(LeafError::Ended)));
    }

    #[test]
    fn no_key_shows() {
        let leaves = leaves(LeafBounds::default());
        let shown = format!("{leaves:?}");
        assert!(!shown.contains("key") && shown.len() < 200, "{shown}");
    }
}
