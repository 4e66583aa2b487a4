//! Fingerprints: two sightings of one secret can be matched, and the secret cannot be found from
//! its fingerprint without the key.

use std::fmt;

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Sha256;

/// The key; whoever has it can try out guesses, so it is kept as a secret is.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// A key that the caller drew by chance.
    pub const fn new(key: [u8; 32]) -> FingerprintKey {
        FingerprintKey(key)
    }

    /// Sixteen bytes of HMAC-SHA-256, in hex.
    pub fn of(&self, secret: &[u8]) -> String {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(b"outgate-fingerprint-v1\n");
        mac.update(secret);
        let digest = mac.finalize().into_bytes();
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(***)")
    }
}
