//! Another issuer's name in a certificate.
//!
//! The name in a leaf must be its issuer's subject byte for byte (RFC 5280, section 7.1, is not
//! what verifiers do), and rcgen writes no name that has an attribute twice, as in
//! `DC=example, DC=com`.

/// A certificate to be signed again, with `issuer` (a DER name) for its issuer.
pub(super) struct Renamed {
    /// What is to be signed.
    pub(super) unsigned: Vec<u8>,
    algorithm: Vec<u8>,
}

impl Renamed {
    /// `None` where `certificate` is none.
    pub(super) fn new(certificate: &[u8], issuer: &[u8]) -> Option<Renamed> {
        let outer = Element::first(certificate)?;
        let unsigned = Element::first(outer.content)?;
        let algorithm = Element::first(unsigned.rest)?;
        // Version, serial number, signature algorithm; then the issuer.
        let mut before = 0;
        let mut rest = unsigned.content;
        for _ in 0..3 {
            let field = Element::first(rest)?;
            before += field.whole.len();
            rest = field.rest;
        }
        let old = Element::first(rest)?;
        let content = [unsigned.content.get(..before)?, issuer, old.rest].concat();
        Some(Renamed {
            unsigned: sequence(&content),
            algorithm: algorithm.whole.to_vec(),
        })
    }

    /// The certificate, with the signature over [`Renamed::unsigned`].
    pub(super) fn signed(self, signature: &[u8]) -> Vec<u8> {
        const BIT_STRING: u8 = 0x03;
        // No unused bits.
        let bits = element(BIT_STRING, &[&[0], signature].concat());
        sequence(&[self.unsigned, self.algorithm, bits].concat())
    }
}

/// One element (X.690, section 8.1) and what follows it.
struct Element<'a> {
    whole: &'a [u8],
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Element<'a> {
    fn first(bytes: &'a [u8]) -> Option<Element<'a>> {
        let (_tag, after) = bytes.split_first()?;
        let (first, after) = after.split_first()?;
        let (length, after) = match *first {
            short @ 0..=0x7f => (usize::from(short), after),
            long @ 0x81..=0x84 => {
                let (digits, after) = after.split_at_checked(usize::from(long & 0x7f))?;
                let length = digits
                    .iter()
                    .fold(0, |length, digit| (length << 8) | usize::from(*digit));
                (length, after)
            }
            _ => return None,
        };
        let (content, rest) = after.split_at_checked(length)?;
        Some(Element {
            whole: bytes.get(..bytes.len() - rest.len())?,
            content,
            rest,
        })
    }
}

fn sequence(content: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    element(SEQUENCE, content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => bytes.push(short),
        Ok(_) | Err(_) => {
            let digits = content.len().to_be_bytes();
            let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(0x7f));
            bytes.extend(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_renamed_to_its_own_issuer_is_the_same() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let outer = Element::first(&der).unwrap();
        let unsigned = Element::first(outer.content).unwrap();
        let algorithm = Element::first(unsigned.rest).unwrap();
        let signature = Element::first(algorithm.rest).unwrap();
        let mut fields = unsigned.content;
        for _ in 0..3 {
            fields = Element::first(fields).unwrap().rest;
        }
        let issuer = Element::first(fields).unwrap().whole;
        let renamed = Renamed::new(&der, issuer).unwrap();
        assert_eq!(renamed.unsigned, unsigned.whole);
        assert_eq!(renamed.signed(&signature.content[1..]), der);
    }

    #[test]
    fn what_is_cut_short_is_none() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        for end in 0..der.len() {
            assert!(Renamed::new(&der[..end], &[0x30, 0]).is_none(), "{end}");
        }
    }

    #[test]
    fn lengths_are_written_as_short_as_they_can_be() {
        for (length, head) in [
            (0, vec![0x30, 0]),
            (127, vec![0x30, 127]),
            (128, vec![0x30, 0x81, 128]),
            (256, vec![0x30, 0x82, 1, 0]),
        ] {
            let bytes = sequence(&vec![7; length]);
            assert!(bytes.starts_with(&head), "{length}");
            assert_eq!(Element::first(&bytes).unwrap().content.len(), length);
        }
    }
}
