//! The ServerKeyExchange of TLS 1.2 (RFC 5246, section 7.4.3; RFC 8422, section 5.4), and the
//! soundness of public keys as far as it shows without arithmetic on curves.

use super::code::{Exchange, Group, Scheme};
use super::codec::{Malformed, Reader};

/// What a ServerKeyExchange says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyExchange<'a> {
    pub(super) params: Params<'a>,
    /// The bytes that are signed, after both randoms.
    pub(super) signed: &'a [u8],
    pub(super) scheme: Scheme,
    pub(super) signature: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Params<'a> {
    Curve {
        group: Group,
        point: &'a [u8],
    },
    /// A curve given by its equation, which nobody can check in passing.
    ExplicitCurve,
    FiniteField {
        prime: &'a [u8],
        generator: &'a [u8],
        public: &'a [u8],
    },
}

impl<'a> KeyExchange<'a> {
    pub(super) fn parse(body: &'a [u8], exchange: Exchange) -> Result<KeyExchange<'a>, Malformed> {
        let mut reader = Reader::new(body, "ServerKeyExchange");
        let params = match exchange {
            Exchange::EcdheRsa | Exchange::EcdheEcdsa => match reader.u8()? {
                3 => Params::Curve {
                    group: Group(reader.u16()?),
                    point: reader.vec8()?,
                },
                1 | 2 => {
                    return Ok(KeyExchange {
                        params: Params::ExplicitCurve,
                        signed: body,
                        scheme: Scheme(0),
                        signature: &[],
                    });
                }
                _ => return Err(Malformed("ServerKeyExchange")),
            },
            Exchange::DheRsa => Params::FiniteField {
                prime: strip_zeros(reader.vec16()?),
                generator: strip_zeros(reader.vec16()?),
                public: strip_zeros(reader.vec16()?),
            },
            Exchange::Tls13 | Exchange::Other => return Err(Malformed("ServerKeyExchange")),
        };
        let mut rest = reader;
        let scheme = Scheme(rest.u16()?);
        let signature = rest.vec16()?;
        rest.end()?;
        let trailer = signature.len() + 4;
        let signed = body
            .len()
            .checked_sub(trailer)
            .and_then(|length| body.get(..length))
            .ok_or(Malformed("ServerKeyExchange"))?;
        Ok(KeyExchange {
            params,
            signed,
            scheme,
            signature,
        })
    }
}

/// The bits of a number without leading zeros.
pub(super) fn bits(number: &[u8]) -> usize {
    match number.first() {
        Some(first) => number.len() * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

/// Whether prime, generator and public value are ones that a sound exchange can have: the prime
/// odd, the others in 2 ..= prime - 2 (RFC 7919, section 5.1; a generator of order 2 or 1 fixes
/// the secret).
pub(super) fn finite_field_is_sound(prime: &[u8], generator: &[u8], public: &[u8]) -> bool {
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    odd(prime) && in_range(generator, prime) && in_range(public, prime)
}

/// Whether `1 < value < prime - 1`, the prime being odd and neither having leading zeros.
fn in_range(value: &[u8], prime: &[u8]) -> bool {
    if bits(value) < 2 {
        return false;
    }
    if value.len() != prime.len() {
        return value.len() < prime.len();
    }
    // An odd prime less one differs in its last bit alone, so no borrow runs.
    let mut below = prime.to_vec();
    if let Some(last) = below.last_mut() {
        *last -= 1;
    }
    value < below.as_slice()
}

/// The name of one of RFC 7919's primes, known by its SHA-256.
pub(super) fn named_prime(prime: &[u8]) -> Option<Group> {
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(prime).into();
    PRIMES
        .iter()
        .find(|(_, known)| *known == digest)
        .map(|(group, _)| *group)
}

/// Whether a public value has the form that its group asks for: the length, an uncompressed point
/// (RFC 8422 and RFC 8446 know no other), and none of the values that fix the secret.
pub(super) fn share_is_sound(group: Group, bytes: &[u8]) -> bool {
    if !matches!(group.share_lengths(), Some((_, length)) if length == bytes.len()) {
        return false;
    }
    match group.0 {
        0x0017..=0x001c | 0x001f..=0x0021 | 0x11eb | 0x11ed => bytes.first() == Some(&4),
        0x001d => is_sound_x25519(bytes),
        // draft-ietf-tls-ecdhe-mlkem, section 3.1: the X25519 share stands last.
        0x11ec => bytes
            .last_chunk::<32>()
            .is_some_and(|point| is_sound_x25519(point)),
        0x001e => bytes.iter().any(|byte| *byte > 1),
        0x0100..=0x0104 => bits(strip_zeros(bytes)) >= 2 && !is_at_prime(bytes),
        _ => true,
    }
}

/// Whether a public value is one of RFC 7919's primes or that less one: all of them are odd.
fn is_at_prime(bytes: &[u8]) -> bool {
    let mut odd = bytes.to_vec();
    if let Some(last) = odd.last_mut() {
        *last |= 1;
    }
    named_prime(&odd).is_some()
}

/// RFC 7748, section 6.1: points of low order give a secret of zeros, which peers must refuse.
fn is_sound_x25519(bytes: &[u8]) -> bool {
    let Some(mut point) = bytes.first_chunk::<32>().copied() else {
        return false;
    };
    if let Some(last) = point.last_mut() {
        *last &= 0x7f; // the top bit is not part of the coordinate
    }
    !LOW_ORDER.contains(&point)
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The points of small order on Curve25519, least byte first: 0, 1, two of order 8, and the
/// spellings p - 1, p, p + 1.
const LOW_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    one(),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];

const fn one() -> [u8; 32] {
    let mut point = [0; 32];
    let [first, ..] = &mut point;
    *first = 1;
    point
}

const fn near_p(low: u8) -> [u8; 32] {
    let mut point = [0xff; 32];
    let [first, .., last] = &mut point;
    *first = low;
    *last = 0x7f;
    point
}

/// SHA-256 of the primes of RFC 7919, appendix A, most significant byte first.
const PRIMES: [(Group, [u8; 32]); 5] = [
    (
        Group(0x0100),
        [
            0x9c, 0xd3, 0xb7, 0xf3, 0x36, 0x87, 0x2f, 0x46, 0xc0, 0x94, 0x28, 0xd1, 0xbb, 0xc1,
            0x98, 0x77, 0xa4, 0xd4, 0x40, 0x51, 0x2c, 0xda, 0x8d, 0x1c, 0x1c, 0xf0, 0xcd, 0x6e,
            0x33, 0x69, 0x89, 0x66,
        ],
    ),
    (
        Group(0x0101),
        [
            0x0e, 0xaf, 0x67, 0xdb, 0x3a, 0x83, 0x91, 0x56, 0xd5, 0x01, 0x34, 0x94, 0xa5, 0x31,
            0x8a, 0x77, 0x2b, 0x56, 0x97, 0xd2, 0x70, 0xd7, 0x21, 0xf3, 0x7f, 0x09, 0x2e, 0xfc,
            0x69, 0xea, 0x5a, 0x17,
        ],
    ),
    (
        Group(0x0102),
        [
            0x46, 0x48, 0x41, 0x42, 0x24, 0xac, 0x88, 0x1b, 0x3d, 0x0d, 0xc5, 0x9b, 0x46, 0x6f,
            0x96, 0xd0, 0x6a, 0x55, 0x82, 0x78, 0x77, 0x68, 0x07, 0x79, 0x7e, 0xcf, 0x1f, 0x66,
            0xff, 0x39, 0x7b, 0x3e,
        ],
    ),
    (
        Group(0x0103),
        [
            0x22, 0x7a, 0xc9, 0x06, 0x6b, 0x3d, 0xdd, 0x9e, 0x19, 0x36, 0x70, 0xcd, 0xa2, 0x38,
            0x8f, 0xa8, 0x84, 0xf6, 0x5b, 0xa0, 0xcf, 0x98, 0xb7, 0x42, 0xd1, 0xfe, 0x77, 0xa6,
            0x68, 0x7c, 0x79, 0xc7,
        ],
    ),
    (
        Group(0x0104),
        [
            0x77, 0x0b, 0x14, 0xef, 0xaf, 0x6f, 0x04, 0x99, 0x29, 0xc5, 0x23, 0x11, 0x3b, 0x3f,
            0xa9, 0x9a, 0x8d, 0x11, 0xda, 0xb1, 0xb1, 0x8a, 0xf3, 0x60, 0x95, 0x90, 0x12, 0x20,
            0x75, 0xd1, 0x98, 0x33,
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[1]), 1);
        assert_eq!(bits(&[0x80, 0]), 16);
        assert_eq!(bits(&[0x7f, 0xff]), 15);
        assert_eq!(strip_zeros(&[0, 0, 1, 0]), &[1, 0]);
        let prime = [0x0b, 0xff, 0x05];
        let cases: [(&[u8], bool); 8] = [
            (&[], false),
            (&[1], false),
            (&[2], true),
            (&[0x0b, 0xff, 0x03], true),
            (&[0x0b, 0xff, 0x04], false),
            (&[0x0b, 0xff, 0x05], false),
            (&[0x0c, 0, 0], false),
            (&[1, 0, 0, 0], false),
        ];
        for (value, sound) in cases {
            assert_eq!(
                finite_field_is_sound(&prime, &[2], value),
                sound,
                "{value:?}"
            );
            assert_eq!(
                finite_field_is_sound(&prime, value, &[2]),
                sound,
                "{value:?}"
            );
        }
        assert!(!finite_field_is_sound(&[0x0b, 0xff, 0x04], &[2], &[2]));
    }

    #[test]
    fn shares() {
        let mut point = [7u8; 65];
        assert!(!share_is_sound(Group(0x17), &point));
        point[0] = 4;
        assert!(share_is_sound(Group(0x17), &point));
        assert!(!share_is_sound(Group(0x17), &point[..64]));
        assert!(share_is_sound(Group(0x1d), &[9; 32]));
        for low in LOW_ORDER {
            assert!(!share_is_sound(Group(0x1d), &low));
            let mut high = low;
            high[31] |= 0x80;
            assert!(!share_is_sound(Group(0x1d), &high));
            let hybrid = [vec![5; 1088], low.to_vec()].concat();
            assert!(!share_is_sound(Group(0x11ec), &hybrid));
        }
        assert!(share_is_sound(Group(0x11ec), &[9; 1120]));
        assert!(!share_is_sound(Group(0x11ec), &[9; 1216]));
        assert!(!share_is_sound(Group(0x1e), &[0; 56]));
        assert!(!share_is_sound(Group(0x6399), &[9; 1120]));
    }
}
