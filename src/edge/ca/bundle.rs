//! Certificates for other programs to trust, in the forms that they read.

use p12_keystore::Certificate;
use p12_keystore::KeyStore;
use p12_keystore::KeyStoreEntry;
use rustls::pki_types::CertificateDer;
use sha1::Digest as _;
use sha1::Sha1;

use crate::edge::ca::authority::pem;
use crate::edge::ca::error::CaError;
use crate::edge::clock;

/// Java's own word for its trust stores, which every tool tries first.
pub const JAVA_PASSWORD: &str = "changeit";

/// Trusted certificates, each once, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    certificates: Vec<CertificateDer<'static>>,
}

impl Bundle {
    /// Adds those that are not in it yet.
    pub fn add(&mut self, more: impl IntoIterator<Item = CertificateDer<'static>>) {
        for certificate in more {
            // A few hundred at most; comparing them costs less than hashing would.
            if !self.certificates.contains(&certificate) {
                self.certificates.push(certificate);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// As OpenSSL, Python, curl, Node and most others read it.
    pub fn pem(&self) -> String {
        self.certificates.iter().map(|der| pem(der)).collect()
    }

    /// As a Java trust store of the kind that every Java reads (JKS), whatever its version and
    /// cryptography settings. It is not encrypted, since it holds no secret: so it is written and
    /// read in no time. Its password is [`JAVA_PASSWORD`].
    pub fn java_store(&self) -> Vec<u8> {
        const MAGIC: u32 = 0xfeed_feed;
        const VERSION: u32 = 2;
        const TRUSTED: u32 = 2;
        let millis = clock::unix_seconds().saturating_mul(1000);
        let room: usize = self.certificates.iter().map(|der| der.len() + 48).sum();
        let mut store = Vec::with_capacity(room + 64);
        store.extend(MAGIC.to_be_bytes());
        store.extend(VERSION.to_be_bytes());
        store.extend(length(self.certificates.len()));
        for (number, der) in self.certificates.iter().enumerate() {
            store.extend(TRUSTED.to_be_bytes());
            text(&mut store, &format!("outgate-{number}"));
            store.extend(millis.to_be_bytes());
            text(&mut store, "X.509");
            store.extend(length(der.len()));
            store.extend_from_slice(der);
        }
        // Not a signature: it only shows that the file is whole.
        let mut digest = Sha1::new();
        for unit in JAVA_PASSWORD.encode_utf16() {
            digest.update(unit.to_be_bytes());
        }
        digest.update(b"Mighty Aphrodite");
        digest.update(&store);
        store.extend(digest.finalize());
        store
    }

    /// As PKCS#12 with `password`, for what reads nothing else; marked as trusted, as Java wants
    /// it.
    ///
    /// # Errors
    /// [`CaError::Store`] when it cannot be written.
    pub fn p12(&self, password: &str) -> Result<Vec<u8>, CaError> {
        let failed = |error: p12_keystore::error::Error| CaError::Store(error.to_string());
        let mut store = KeyStore::new();
        for (number, der) in self.certificates.iter().enumerate() {
            let certificate = Certificate::from_der(der).map_err(failed)?;
            let alias = if number == 0 {
                "outgate".to_owned()
            } else {
                format!("outgate-{number}")
            };
            store.add_entry(&alias, KeyStoreEntry::Certificate(certificate));
        }
        store.writer(password).write().map_err(failed)
    }
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// Java's `writeUTF`, of ASCII.
fn text(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend(text.as_bytes());
}
