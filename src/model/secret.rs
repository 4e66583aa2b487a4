//! Secrets, in types that do not show them.

use std::fmt;
use std::ops::Deref as _;

use zeroize::Zeroizing;

/// A secret text: no `Display`, a `Debug` that says nothing, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        self.0.deref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user and a password (RFC 7617).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: Secret,
}

impl Login {
    /// The value of `Proxy-Authorization`.
    pub fn basic(&self) -> Secret {
        use base64::Engine as _;
        let plain = Zeroizing::new(format!("{}:{}", self.user, self.password.expose()));
        let coded = Zeroizing::new(base64::prelude::BASE64_STANDARD.encode(plain.as_bytes()));
        Secret::new(format!("Basic {}", coded.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_coded_and_never_shown() {
        let login = Login {
            user: "Aladdin".to_owned(),
            password: Secret::new("open sesame"),
        };
        // RFC 7617, section 2.
        assert_eq!(login.basic().expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{login:?}").contains("sesame"));
        assert_eq!(format!("{:?}", login.basic()), "***");
    }
}
