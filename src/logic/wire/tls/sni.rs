//! The server name of a ClientHello (RFC 6066, section 3), read strictly.

use crate::logic::wire::tls::codec::Reader;
use crate::model::{DnsName, Host};

/// What a ClientHello says about the server's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sni {
    /// No extension.
    Absent,
    Name(DnsName),
    Bad(SniFault),
}

/// Why a server name is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SniFault {
    Empty,
    Doubled,
    /// An address literal, which RFC 6066 forbids.
    Address,
    Malformed,
}

impl SniFault {
    /// The finding's kind.
    pub const fn kind(self) -> &'static str {
        match self {
            SniFault::Empty => "empty",
            SniFault::Doubled => "doubled",
            SniFault::Address => "address",
            SniFault::Malformed => "malformed",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            SniFault::Empty => "the server name in the ClientHello is empty",
            SniFault::Doubled => "the ClientHello has more than one server name",
            SniFault::Address => {
                "the server name in the ClientHello is an address, which RFC 6066 forbids"
            }
            SniFault::Malformed => "the server name in the ClientHello is not a DNS name",
        }
    }
}

/// Reads the body of one `server_name` extension.
pub(super) fn read(body: &[u8]) -> Sni {
    entries(body).unwrap_or(Sni::Bad(SniFault::Malformed))
}

fn entries(body: &[u8]) -> Result<Sni, super::codec::Malformed> {
    let what = "server_name";
    if body.is_empty() {
        return Ok(Sni::Bad(SniFault::Empty));
    }
    let mut outer = Reader::new(body, what);
    let mut list = Reader::new(outer.vec16()?, what);
    outer.end()?;
    if list.is_empty() {
        return Ok(Sni::Bad(SniFault::Empty));
    }
    let (kind, name) = (list.u8()?, list.vec16()?);
    if !list.is_empty() {
        // Even one of an unknown type: no client sends it, and servers differ in what they pick.
        return Ok(Sni::Bad(SniFault::Doubled));
    }
    Ok(match kind {
        0 => host_name(name),
        _ => Sni::Bad(SniFault::Malformed),
    })
}

/// Only the bytes that stand in a DNS name count: percent signs, brackets, IDNA and the like would
/// make two readings of one name. Letter case means nothing, and neither does one trailing dot:
/// RFC 6066 asks for the name without it, some clients send it as it stood in the URL, and it is
/// the same name for policy, DNS and certificates.
fn host_name(name: &[u8]) -> Sni {
    if name.is_empty() {
        return Sni::Bad(SniFault::Empty);
    }
    let Ok(text) = std::str::from_utf8(name) else {
        return Sni::Bad(SniFault::Malformed);
    };
    if text
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_ok()
    {
        return Sni::Bad(SniFault::Address);
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.iter().copied().all(known) {
        return Sni::Bad(SniFault::Malformed);
    }
    match Host::parse(text) {
        Ok(Host::Name(name)) => Sni::Name(name),
        Ok(Host::V4(_) | Host::V6(_)) => Sni::Bad(SniFault::Address),
        Err(_) => Sni::Bad(SniFault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(names: &[(u8, &[u8])]) -> Vec<u8> {
        let mut list = Vec::new();
        for (kind, name) in names {
            list.push(*kind);
            list.extend((name.len() as u16).to_be_bytes());
            list.extend(*name);
        }
        let mut body = (list.len() as u16).to_be_bytes().to_vec();
        body.extend(list);
        body
    }

    #[test]
    fn names() {
        let long = [b'a'; 64];
        let cases: [(&[u8], Result<&str, SniFault>); 17] = [
            (b"example.com", Ok("example.com")),
            (b"EXAMPLE.com", Ok("example.com")),
            (b"example.com.", Ok("example.com")),
            (
                b"my_bucket.s3.amazonaws.com",
                Ok("my_bucket.s3.amazonaws.com"),
            ),
            (b"", Err(SniFault::Empty)),
            (b"127.0.0.1", Err(SniFault::Address)),
            (b"127.1", Err(SniFault::Address)),
            (b"0x7f000001", Err(SniFault::Address)),
            (b"::1", Err(SniFault::Address)),
            (b"[::1]", Err(SniFault::Address)),
            (b"example.com\0", Err(SniFault::Malformed)),
            (b"a\0.example.com", Err(SniFault::Malformed)),
            (b"ex%61mple.com", Err(SniFault::Malformed)),
            (b"b\xc3\xbccher.example", Err(SniFault::Malformed)),
            (b"a..b", Err(SniFault::Malformed)),
            (b".", Err(SniFault::Malformed)),
            (&long, Err(SniFault::Malformed)),
        ];
        for (name, expected) in cases {
            let expected = match expected {
                Ok(text) => match Host::parse(text) {
                    Ok(Host::Name(name)) => Sni::Name(name),
                    other => panic!("{other:?}"),
                },
                Err(fault) => Sni::Bad(fault),
            };
            assert_eq!(read(&body(&[(0, name)])), expected, "{name:?}");
        }
    }

    #[test]
    fn lists() {
        let cases: [(Vec<u8>, SniFault); 7] = [
            (vec![], SniFault::Empty),
            (vec![0, 0], SniFault::Empty),
            (
                body(&[(0, b"a.example"), (0, b"a.example")]),
                SniFault::Doubled,
            ),
            (body(&[(0, b"a.example"), (7, b"x")]), SniFault::Doubled),
            (body(&[(1, b"a.example")]), SniFault::Malformed),
            (vec![0, 4, 0, 0, 9, b'a'], SniFault::Malformed),
            (
                [body(&[(0, b"a.example")]), vec![0]].concat(),
                SniFault::Malformed,
            ),
        ];
        for (bytes, fault) in cases {
            assert_eq!(read(&bytes), Sni::Bad(fault), "{bytes:?}");
        }
    }
}
