//! The key that signs, and the certificates between a leaf and what clients trust.

use std::fmt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PublicKeyData;
use rcgen::SanType;
use rcgen::SerialNumber;
use rustls::crypto::SecureRandom;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::edge::ca::authority::Authority;
use crate::edge::ca::check;
use crate::edge::ca::error::CaError;
use crate::edge::ca::files;
use crate::edge::ca::make;
use crate::edge::ca::signer::Signer;
use crate::edge::clock;
use crate::logic::policy::Constraints;
use crate::model::Host;

/// How long before now a certificate begins: clocks of clients run behind.
pub(super) const BACKDATED: u64 = 24 * 60 * 60;

/// Every leaf's subject. Never the host: names count only as subject alternative names, a common
/// name ends at 64 bytes, and one that looks like a host may be held against name constraints.
const SUBJECT: &str = "Intercepted by outgate";

/// Signs leaves.
pub struct Issuer {
    pub(super) signer: Signer,
    pub(super) authority: Authority,
    pub(super) constraints: Constraints,
    pub(super) valid: Span,
}

/// Seconds since 1970, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: u64,
    pub until: u64,
}

impl Issuer {
    /// An authority that lives in memory only and ends with this process.
    ///
    /// # Errors
    /// [`CaError`] when no key can be made.
    pub fn ephemeral() -> Result<Issuer, CaError> {
        // Longer than anything runs; a leaf never outlives it.
        make::alone(365)
    }

    /// The authority in `dir`: one that [`make::create`] made, or one made elsewhere (`ca.pem`,
    /// `ca.key`). All that would make clients refuse it, or others able to use it, is found here.
    ///
    /// # Errors
    /// [`CaError`] says what to do.
    pub fn load(dir: &Path) -> Result<Issuer, CaError> {
        let mut authority = Authority::read(dir)?;
        let key_path = dir.join(if authority.path.ends_with(files::INTERMEDIATE) {
            files::INTERMEDIATE_KEY
        } else {
            files::ROOT_KEY
        });
        let Some(pem) = files::read_key(&key_path)? else {
            return Err(CaError::Part {
                missing: key_path,
                found: authority.path,
            });
        };
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .ok()
            .and_then(|key| KeyPair::try_from(&key).ok())
            .ok_or_else(|| CaError::NoKey(key_path.clone()))?;
        authority.begin_with(&key, &key_path)?;
        check::authority(&authority, clock::unix_seconds())?;
        let issuer = Issuer {
            signer: Signer::of(authority.signing(), key)
                .ok_or_else(|| CaError::Subject(authority.path.clone()))?,
            constraints: authority.constraints()?,
            valid: authority.valid(),
            authority,
        };
        check::leaf(&issuer, clock::unix_seconds())?;
        Ok(issuer)
    }

    /// Its certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What it may sign for.
    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// What clients must trust, in DER.
    pub fn root_der(&self) -> &CertificateDer<'static> {
        self.authority.root_der()
    }

    /// What clients must trust, in PEM.
    pub fn root_pem(&self) -> String {
        self.authority.root_pem()
    }

    /// When the authority begins and ends.
    pub fn valid(&self) -> Span {
        self.valid
    }

    /// Signs a certificate for exactly `host`, whether or not clients will accept it from this
    /// authority.
    ///
    /// # Errors
    /// [`CaError`] when it cannot be made.
    pub fn sign(
        &self,
        host: &Host,
        key: &impl PublicKeyData,
        valid: Span,
    ) -> Result<CertificateDer<'static>, CaError> {
        let name = match host {
            Host::Name(name) => SanType::DnsName(name.as_str().try_into()?),
            Host::V4(addr) => SanType::IpAddress((*addr).into()),
            Host::V6(addr) => SanType::IpAddress((*addr).into()),
        };
        let mut params = params(SUBJECT, valid)?;
        params.subject_alt_names = vec![name];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(self.signer.sign(&params, key)?)
    }
}

/// Never the key.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("valid", &self.valid)
            .finish_non_exhaustive()
    }
}

/// What every certificate of ours has: a subject, its time, a random serial number.
pub(super) fn params(subject: &str, valid: Span) -> Result<CertificateParams, CaError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, subject);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(valid.from);
    params.not_after = epoch + Duration::from_secs(valid.until);
    params.serial_number = Some(serial()?);
    Ok(params)
}

/// 126 random bits, always in 16 bytes (RFC 5280, section 4.1.2.2: positive, at most 20).
fn serial() -> Result<SerialNumber, CaError> {
    let mut bytes: [u8; 16] = random()?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], CaError> {
    // The provider's lists need not be made for every serial number.
    static RANDOM: LazyLock<&dyn SecureRandom> =
        LazyLock::new(|| rustls::crypto::aws_lc_rs::default_provider().secure_random);
    let mut bytes = [0; N];
    RANDOM.fill(&mut bytes).map_err(|_| CaError::Random)?;
    Ok(bytes)
}
