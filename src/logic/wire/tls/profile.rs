//! Profiles: which code points may be agreed. Allowlists, read once from the data file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::code::{Group, Scheme, Suite, Version};

/// What one profile allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    name: String,
    view: ProfileView,
    versions: Vec<Version>,
    suites: Vec<Suite>,
    groups: Vec<Group>,
    schemes: Vec<Scheme>,
    certificates: CertificateRules,
}

/// The profile as the data file has it: IANA names. For `config show --profile`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProfileView {
    pub about: String,
    pub versions: Vec<String>,
    pub finite_field: FiniteField,
    pub finite_field_bits: usize,
    pub groups: Vec<String>,
    pub suites: Vec<String>,
    pub schemes: Vec<String>,
}

/// Which primes a TLS 1.2 DHE exchange may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FiniteField {
    #[default]
    None,
    /// RFC 7919's only.
    Named,
    /// Any from the stated size up.
    Any,
}

/// What a certificate may be made of; object identifiers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateRules {
    pub rsa_bits: usize,
    pub curves: Vec<String>,
    pub edwards: Vec<String>,
    pub rsa: Vec<String>,
    pub signatures: Vec<String>,
    pub hashes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFile {
    certificates: CertificateRules,
    profile: BTreeMap<String, ProfileView>,
}

/// Empty if the data file could not be read, so that no profile is found and nothing is allowed;
/// a test holds it readable.
static PROFILES: LazyLock<Vec<Profile>> =
    LazyLock::new(|| read(include_str!("profiles.toml")).unwrap_or_default());

impl Profile {
    /// The names, in the order of the documentation.
    pub const NAMES: [&'static str; 5] = ["baseline", "strict", "tls13", "fips", "post-quantum"];

    /// The profile of that name.
    pub fn by_name(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// Allows nothing: what holds where a profile is missing.
    pub fn nothing() -> &'static Profile {
        static NOTHING: LazyLock<Profile> = LazyLock::new(Profile::default);
        &NOTHING
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lists by IANA name.
    pub const fn view(&self) -> &ProfileView {
        &self.view
    }

    pub const fn certificates(&self) -> &CertificateRules {
        &self.certificates
    }

    pub fn allows_version(&self, version: Version) -> bool {
        self.versions.contains(&version)
    }

    /// Whether the suite may be agreed in that version.
    pub fn allows_suite(&self, suite: Suite, version: Version) -> bool {
        self.suites.contains(&suite)
            && (suite.exchange() == super::code::Exchange::Tls13) == (version == Version::TLS13)
    }

    /// Whether the group may be agreed in that version.
    pub fn allows_group(&self, group: Group, version: Version) -> bool {
        let known = if version == Version::TLS13 {
            group.is_of_tls13()
        } else {
            group.is_curve_of_tls12()
        };
        known && self.groups.contains(&group)
    }

    pub fn allows_scheme(&self, scheme: Scheme) -> bool {
        self.schemes.contains(&scheme)
    }

    /// Whether a TLS 1.2 DHE exchange over a prime of `bits` passes; `named` says that the prime
    /// is one of RFC 7919.
    pub const fn allows_finite_field(&self, bits: usize, named: bool) -> bool {
        bits >= self.view.finite_field_bits
            && match self.view.finite_field {
                FiniteField::None => false,
                FiniteField::Named => named,
                FiniteField::Any => true,
            }
    }

    /// For hints: the groups that may be agreed in that version.
    pub(super) fn groups_in_words(&self, version: Version) -> String {
        let names: Vec<_> = self
            .groups
            .iter()
            .filter(|group| self.allows_group(**group, version))
            .map(Group::to_string)
            .collect();
        names.join(", ")
    }

    /// For hints: "TLS 1.2 or 1.3".
    pub fn versions_in_words(&self) -> String {
        format!("TLS {}", self.view.versions.join(" or "))
    }
}

fn read(text: &str) -> Result<Vec<Profile>, String> {
    let file: DataFile = toml::from_str(text).map_err(|error| error.to_string())?;
    file.profile
        .into_iter()
        .map(|(name, view)| {
            Ok(Profile {
                versions: resolve(&view.versions, Version::by_name)?,
                suites: resolve(&view.suites, Suite::by_name)?,
                groups: resolve(&view.groups, Group::by_name)?,
                schemes: resolve(&view.schemes, Scheme::by_name)?,
                certificates: file.certificates.clone(),
                name,
                view,
            })
        })
        .collect()
}

fn resolve<T>(names: &[String], by_name: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    names
        .iter()
        .map(|name| by_name(name).ok_or_else(|| format!("no code point is called {name}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::wire::tls::code::is_grease;

    fn profile(name: &str) -> &'static Profile {
        Profile::by_name(name).unwrap()
    }

    #[test]
    fn the_data_file_is_whole() {
        let profiles = read(include_str!("profiles.toml")).unwrap();
        assert_eq!(profiles.len(), Profile::NAMES.len());
        for name in Profile::NAMES {
            let profile = profile(name);
            assert!(!profile.suites.iter().any(|suite| is_grease(suite.0)));
            assert!(!profile.view().about.is_empty());
        }
        assert_eq!(Profile::by_name("none"), None);
    }

    #[test]
    fn suites_by_profile() {
        let (v12, v13) = (Version::TLS12, Version::TLS13);
        // suite, version, then baseline, strict, tls13, fips, post-quantum
        let cases = [
            (0x1301, v13, [true, true, true, true, true]),
            (0x1303, v13, [true, true, true, false, true]),
            (0x1305, v13, [true, false, true, true, true]),
            (0xc0b4, v13, [false; 5]),
            (0xc0b5, v13, [false; 5]),
            (0x1301, v12, [false; 5]),
            (0xc02f, v13, [false; 5]),
            (0xc02f, v12, [true, true, false, true, false]),
            (0xcca8, v12, [true, true, false, false, false]),
            (0xc013, v12, [true, false, false, false, false]),
            (0x009e, v12, [true, false, false, true, false]),
            (0xc0ae, v12, [true, false, false, true, false]),
            (0x0033, v12, [false; 5]), // DHE with CBC
            (0xc012, v12, [false; 5]), // ECDHE with 3DES
            (0xc011, v12, [false; 5]), // RC4
            (0xc010, v12, [false; 5]), // NULL
            (0x009c, v12, [false; 5]), // static RSA
            (0x00a6, v12, [false; 5]), // anonymous
            (0xc031, v12, [false; 5]), // static ECDH
            (0x00a2, v12, [false; 5]), // DSS
            (0xd001, v12, [false; 5]), // ECDHE_PSK: no certificate
            (0x0a0a, v13, [false; 5]),
        ];
        for (code, version, allowed) in cases {
            for (name, expected) in Profile::NAMES.into_iter().zip(allowed) {
                assert_eq!(
                    profile(name).allows_suite(Suite(code), version),
                    expected,
                    "{name} {code:04x} {version}"
                );
            }
        }
    }

    #[test]
    fn groups_by_profile() {
        let (v12, v13) = (Version::TLS12, Version::TLS13);
        let cases = [
            (0x001d, v12, [true, true, false, false, false]),
            (0x001d, v13, [true, true, true, false, false]),
            (0x0017, v12, [true, true, false, true, false]),
            (0x0017, v13, [true, true, true, true, false]),
            (0x001a, v12, [true, false, false, false, false]),
            (0x001a, v13, [false; 5]),
            (0x001f, v13, [true, false, true, false, false]),
            (0x0100, v13, [true, false, true, true, false]),
            (0x0100, v12, [false; 5]),
            (0x11ec, v13, [true, true, true, false, true]),
            (0x11eb, v13, [true, true, true, true, true]),
            (0x11ed, v13, [true, true, true, true, true]),
            (0x11ec, v12, [false; 5]),
            (0x6399, v13, [false; 5]),
            (0x0201, v13, [false; 5]),
            (0x0015, v12, [false; 5]),
        ];
        for (code, version, allowed) in cases {
            for (name, expected) in Profile::NAMES.into_iter().zip(allowed) {
                assert_eq!(
                    profile(name).allows_group(Group(code), version)
                        && profile(name).allows_version(version),
                    expected,
                    "{name} {code:04x} {version}"
                );
            }
        }
    }

    #[test]
    fn finite_fields() {
        assert!(profile("baseline").allows_finite_field(2048, false));
        assert!(!profile("baseline").allows_finite_field(2047, false));
        assert!(!profile("strict").allows_finite_field(4096, true));
        assert!(profile("fips").allows_finite_field(2048, true));
        assert!(!profile("fips").allows_finite_field(2048, false));
    }
}
