//! Code points of the TLS registries and their names. What may be used is the profile's business.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

/// The names, by registry. Built once from the data file.
struct Names {
    suites: HashMap<u16, &'static str>,
    groups: HashMap<u16, &'static str>,
    schemes: HashMap<u16, &'static str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| read_names(include_str!("iana.txt")));

/// A protocol version as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16);

/// A cipher suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suite(pub u16);

/// A named group ("supported group", once "elliptic curve").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u16);

/// A signature scheme (TLS 1.2: a pair of hash and signature algorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheme(pub u16);

/// Whether a code point is a GREASE value (RFC 8701): noise that a peer must ignore in an offer
/// and must never agree to.
pub const fn is_grease(code: u16) -> bool {
    code & 0x0f0f == 0x0a0a && code >> 8 == code & 0xff
}

impl Version {
    pub const TLS10: Version = Version(0x0301);
    pub const TLS12: Version = Version(0x0303);
    pub const TLS13: Version = Version(0x0304);

    /// The version of that name, `1.2` say.
    pub fn by_name(name: &str) -> Option<Version> {
        (0x0300..=0x0304)
            .map(Version)
            .find(|version| version.name() == Some(name))
    }

    /// The records' word; none for what is no published version.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            0x0002 => Some("ssl2"),
            0x0300 => Some("ssl3"),
            0x0301 => Some("1.0"),
            0x0302 => Some("1.1"),
            0x0303 => Some("1.2"),
            0x0304 => Some("1.3"),
            _ => None,
        }
    }
}

impl Version {
    /// For hints: "TLS 1.2", "SSL 3.0", "version 0x7F1C".
    pub(super) fn in_words(self) -> String {
        match self.0 {
            0x0002 => "SSL 2.0".to_owned(),
            0x0300 => "SSL 3.0".to_owned(),
            _ => match self.name() {
                Some(name) => format!("TLS {name}"),
                None => format!("version {self}"),
            },
        }
    }
}

impl Suite {
    /// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV` (RFC 5746): not a suite, but the wish for an extension.
    pub const RENEGOTIATION_SCSV: Suite = Suite(0x00ff);

    /// The suite of that IANA name.
    pub fn by_name(name: &str) -> Option<Suite> {
        code_of(&NAMES.suites, name).map(Suite)
    }

    /// The IANA name.
    pub fn name(self) -> Option<&'static str> {
        NAMES.suites.get(&self.0).copied()
    }

    /// How keys are exchanged and the server is authenticated, read off the IANA name.
    pub fn exchange(self) -> Exchange {
        let Some(name) = self.name() else {
            return Exchange::Other;
        };
        match name.split_once("_WITH_").map(|(head, _)| head) {
            // TLS 1.3 names no exchange; the other suites without `_WITH_` are not suites of TLS.
            None if matches!(self.0 >> 8, 0x13)
                || matches!(self.0, 0x00c6 | 0x00c7 | 0xc0b4 | 0xc0b5) =>
            {
                Exchange::Tls13
            }
            Some("TLS_ECDHE_RSA") => Exchange::EcdheRsa,
            Some("TLS_ECDHE_ECDSA") => Exchange::EcdheEcdsa,
            Some("TLS_DHE_RSA") => Exchange::DheRsa,
            None | Some(_) => Exchange::Other,
        }
    }
}

/// How a suite exchanges keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// A suite of TLS 1.3: the key exchange is agreed apart.
    Tls13,
    EcdheRsa,
    EcdheEcdsa,
    DheRsa,
    /// Static, anonymous, pre-shared, exported or unknown.
    Other,
}

impl Group {
    /// The group of that IANA name.
    pub fn by_name(name: &str) -> Option<Group> {
        code_of(&NAMES.groups, name).map(Group)
    }

    /// The IANA name.
    pub fn name(self) -> Option<&'static str> {
        NAMES.groups.get(&self.0).copied()
    }

    /// Whether TLS 1.2 knows this group as a curve. ML-KEM hybrids and the `tls13` brainpool
    /// code points exist in TLS 1.3 only (RFC 8734), RFC 7919's primes are no curves.
    pub const fn is_curve_of_tls12(self) -> bool {
        matches!(self.0, 0x0017..=0x001e)
    }

    /// Whether TLS 1.3 may agree on this group: RFC 8446, section 4.2.7 took the first brainpool
    /// code points away.
    pub const fn is_of_tls13(self) -> bool {
        !matches!(self.0, 0x0001..=0x0016 | 0x001a..=0x001c)
    }

    /// The bytes of a share: the client's and the server's (they differ where ML-KEM takes part).
    pub const fn share_lengths(self) -> Option<(usize, usize)> {
        match self.0 {
            0x0017 => Some((65, 65)),
            0x0018 => Some((97, 97)),
            0x0019 => Some((133, 133)),
            0x001a | 0x001f => Some((65, 65)),
            0x001b | 0x0020 => Some((97, 97)),
            0x001c | 0x0021 => Some((129, 129)),
            0x001d => Some((32, 32)),
            0x001e => Some((56, 56)),
            0x0100 => Some((256, 256)),
            0x0101 => Some((384, 384)),
            0x0102 => Some((512, 512)),
            0x0103 => Some((768, 768)),
            0x0104 => Some((1024, 1024)),
            // draft-ietf-tls-ecdhe-mlkem: key 1184 or 1568 and ciphertext 1088 or 1568, plus the point.
            0x11eb => Some((65 + 1184, 65 + 1088)),
            0x11ec => Some((1184 + 32, 1088 + 32)),
            0x11ed => Some((97 + 1568, 97 + 1568)),
            _ => None,
        }
    }
}

impl Scheme {
    /// The scheme of that IANA name.
    pub fn by_name(name: &str) -> Option<Scheme> {
        code_of(&NAMES.schemes, name).map(Scheme)
    }

    /// The IANA name.
    pub fn name(self) -> Option<&'static str> {
        NAMES.schemes.get(&self.0).copied()
    }

    /// Whether an RSA certificate makes this signature.
    pub const fn is_rsa(self) -> bool {
        matches!(self.0, 0x0804..=0x0806 | 0x0809..=0x080b)
            || (self.0 & 0xff == 1 && self.0 >> 8 <= 6)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_hex(f, self.name(), self.0)
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_hex(f, self.name(), self.0)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_hex(f, self.name(), self.0)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_hex(f, self.name(), self.0)
    }
}

fn name_or_hex(f: &mut fmt::Formatter<'_>, name: Option<&str>, code: u16) -> fmt::Result {
    match name {
        Some(name) => f.write_str(name),
        None => write!(f, "0x{code:04X}"),
    }
}

fn code_of(names: &HashMap<u16, &'static str>, wanted: &str) -> Option<u16> {
    names
        .iter()
        .find(|(_, name)| **name == wanted)
        .map(|(code, _)| *code)
}

/// Reads the data file. A line that cannot be read names nothing; a test holds the file whole.
fn read_names(text: &'static str) -> Names {
    let mut names = Names {
        suites: HashMap::new(),
        groups: HashMap::new(),
        schemes: HashMap::new(),
    };
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(kind), Some(code), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let Ok(code) = u16::from_str_radix(code, 16) else {
            continue;
        };
        let table = match kind {
            "suite" => &mut names.suites,
            "group" => &mut names.groups,
            "scheme" => &mut names.schemes,
            _ => continue,
        };
        table.insert(code, name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_file_names_one_code_point() {
        let lines = include_str!("iana.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count();
        let names = NAMES.suites.len() + NAMES.groups.len() + NAMES.schemes.len();
        assert_eq!(names, lines);
        for (code, name) in &NAMES.suites {
            assert_eq!(Suite::by_name(name), Some(Suite(*code)), "{name}");
        }
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(Suite(0x1301).to_string(), "TLS_AES_128_GCM_SHA256");
        assert_eq!(Suite(0xfefe).to_string(), "0xFEFE");
        assert_eq!(Group(0x11ec).to_string(), "X25519MLKEM768");
        assert_eq!(Scheme(0x0804).to_string(), "rsa_pss_rsae_sha256");
        assert_eq!(Version(0x0304).to_string(), "1.3");
        assert_eq!(Version(0x7f1c).to_string(), "0x7F1C");
        assert_eq!(Version::by_name("1.2"), Some(Version::TLS12));
        assert!(is_grease(0x0a0a) && is_grease(0xfafa));
        assert!(!is_grease(0x0a1a) && !is_grease(0x1301) && !is_grease(0x0b0b));
    }

    #[test]
    fn exchanges() {
        let cases = [
            (0x1301, Exchange::Tls13),
            (0xc02f, Exchange::EcdheRsa),
            (0xc02b, Exchange::EcdheEcdsa),
            (0x009e, Exchange::DheRsa),
            (0x002f, Exchange::Other),
            (0xc018, Exchange::Other),
            (0xd001, Exchange::Other),
            (0x00ff, Exchange::Other),
            (0xfefe, Exchange::Other),
        ];
        for (code, exchange) in cases {
            assert_eq!(Suite(code).exchange(), exchange, "{code:04x}");
        }
    }
}
