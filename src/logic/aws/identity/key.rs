//! Access key ids.

use std::borrow::Cow;
use std::fmt;

/// An access key id, which is no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey<'a>(Cow<'a, str>);

/// What a key id's prefix says (IAM User Guide, "Unique identifiers").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `AKIA`: of a user or an account, until somebody deletes it.
    LongTerm,
    /// `ASIA`: of a session.
    Temporary,
    /// `ABIA`: an STS service bearer token.
    BearerToken,
    /// `ACCA`: a context-specific credential.
    ContextSpecific,
    Other,
}

/// An AWS account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

const MAX_ACCOUNT: u64 = 999_999_999_999;

impl<'a> AccessKey<'a> {
    /// IAM's form: 16 to 128 characters, in practice capitals and digits. A secret key has both
    /// cases.
    pub fn read(text: Cow<'a, str>) -> Option<AccessKey<'a>> {
        let fits = (16..=128).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        fits.then_some(AccessKey(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_owned(self) -> AccessKey<'static> {
        AccessKey(Cow::Owned(self.0.into_owned()))
    }

    pub fn kind(&self) -> KeyKind {
        match self.0.get(..4) {
            Some("AKIA") => KeyKind::LongTerm,
            Some("ASIA") => KeyKind::Temporary,
            Some("ABIA") => KeyKind::BearerToken,
            Some("ACCA") => KeyKind::ContextSpecific,
            Some(_) | None => KeyKind::Other,
        }
    }

    /// The account that the key belongs to, where the id carries it.
    ///
    /// Behind the prefix stand 16 characters of base32. Their first bit is the generation: 0 is the
    /// old one, which carries no account; in the new one the account is the next 40 bits.
    pub fn account(&self) -> Option<AccountId> {
        if self.kind() == KeyKind::Other || self.0.len() != 20 {
            return None;
        }
        let mut bits: u64 = 0;
        for (at, byte) in self.0.bytes().skip(4).enumerate() {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return None,
            };
            // Nine digits hold the 41 bits, and four more.
            if at < 9 {
                bits = bits << 5 | u64::from(digit);
            }
        }
        let is_new = bits >> 44 == 1;
        let account = bits >> 4 & 0xff_ffff_ffff;
        (is_new && account <= MAX_ACCOUNT).then_some(AccountId(account))
    }
}

impl AccountId {
    /// Reads twelve digits.
    pub fn read(text: &str) -> Option<AccountId> {
        let fits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse().ok().map(AccountId)).flatten()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}
