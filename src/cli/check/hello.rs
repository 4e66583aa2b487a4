//! A ClientHello made by hand: it offers what our own TLS does not speak, so that a weak server
//! answers and shows what it is. It has no key share, so no session can come of it.

use crate::logic::wire::tls::{Group, Profile, Scheme, Suite, Version};
use crate::model::Host;

/// What TLS has outlived, in the order of the harm: static RSA, CBC with finite fields, SHA-1,
/// 3DES, RC4, NULL, anonymous.
const OUTLIVED_SUITES: [u16; 20] = [
    0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0067, 0x006b, 0x0033, 0x0039, 0xc013, 0xc014,
    0xc012, 0x0016, 0x000a, 0xc011, 0x0005, 0x0004, 0x0002, 0x0034,
];
const OUTLIVED_SCHEMES: [u16; 2] = [0x0201, 0x0203];
const OUTLIVED_VERSIONS: [u16; 2] = [0x0302, 0x0301];

/// What a hello offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    versions: Vec<u16>,
    suites: Vec<u16>,
    groups: Vec<u16>,
    schemes: Vec<u16>,
}

impl Offer {
    /// What the profile allows and nothing else.
    pub(super) fn profile(profile: &Profile) -> Offer {
        let codes =
            |keep: &dyn Fn(u16) -> bool| (0..=u16::MAX).filter(|code| keep(*code)).collect();
        let versions = [Version::TLS13, Version::TLS12];
        let in_any = |allows: &dyn Fn(Version) -> bool| versions.into_iter().any(allows);
        Offer {
            versions: versions
                .into_iter()
                .filter(|version| profile.allows_version(*version))
                .map(|version| version.0)
                .collect(),
            suites: codes(&|code| in_any(&|version| profile.allows_suite(Suite(code), version))),
            groups: codes(&|code| in_any(&|version| profile.allows_group(Group(code), version))),
            schemes: codes(&|code| profile.allows_scheme(Scheme(code))),
        }
    }

    /// All that a server might still speak, the good first.
    pub(super) fn everything() -> Offer {
        let mut offer =
            Offer::profile(Profile::by_name("baseline").unwrap_or_else(Profile::nothing));
        offer.versions.extend(OUTLIVED_VERSIONS);
        offer.suites.extend(OUTLIVED_SUITES);
        offer.suites.dedup();
        offer.schemes.extend(OUTLIVED_SCHEMES);
        offer
    }

    /// The hello in its record.
    pub(super) fn hello(&self, host: &Host, random: [u8; 32]) -> Vec<u8> {
        let mut extensions = Vec::new();
        if let Host::Name(name) = host {
            let entry = [&[0][..], &block16(name.as_str().as_bytes())].concat();
            extensions.extend(extension(0, &block16(&entry)));
        }
        extensions.extend(extension(10, &block16(&words(&self.groups))));
        extensions.extend(extension(11, &[1, 0]));
        extensions.extend(extension(13, &block16(&words(&self.schemes))));
        extensions.extend(extension(23, &[]));
        extensions.extend(extension(0xff01, &[0]));
        extensions.extend(extension(43, &block8(&words(&self.versions))));
        // No share: a server of TLS 1.3 asks for the group that it wants.
        extensions.extend(extension(51, &block16(&[])));

        let mut body = vec![3, 3];
        body.extend(random);
        body.push(0);
        body.extend(block16(&words(&self.suites)));
        body.extend([1, 0]);
        body.extend(block16(&extensions));
        let [_, high, middle, low] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let message = [&[1, high, middle, low][..], &body].concat();
        [&[22, 3, 1][..], &block16(&message)].concat()
    }
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &block16(body)].concat()
}

/// A vector with a length of two bytes. Nothing here comes near its bound.
fn block16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

fn block8(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [&[length][..], bytes].concat()
}

fn words(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::wire::tls::ClientHello;

    #[test]
    fn the_hello_is_one_and_offers_what_it_says() {
        let host = Host::parse("example.com").unwrap();
        for profile in Profile::NAMES {
            let offer = Offer::profile(Profile::by_name(profile).unwrap());
            let record = offer.hello(&host, [7; 32]);
            assert!(record.len() < 1024, "{profile}: {} bytes", record.len());
            let hello = ClientHello::parse(&record[9..]).unwrap();
            assert_eq!(hello.suites.len(), offer.suites.len(), "{profile}");
            assert!(!offer.groups.is_empty() && !offer.schemes.is_empty());
            assert_eq!(hello.shares, Some(Vec::new()));
        }
        let all = Offer::everything();
        let hello = ClientHello::parse(&all.hello(&host, [7; 32])[9..]).unwrap();
        assert!(hello.suites.contains(&Suite(0x002f)) && hello.suites.contains(&Suite(0x1301)));
        assert_eq!(hello.versions.unwrap().len(), 4);
    }
}
