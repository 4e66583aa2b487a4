//! Extension blocks, and the numbers of the extensions that the judge reads.

use super::codec::{Malformed, Reader};

pub(super) const SERVER_NAME: u16 = 0;
pub(super) const TRUNCATED_HMAC: u16 = 4;
pub(super) const STATUS_REQUEST: u16 = 5;
pub(super) const CLIENT_CERTIFICATE_TYPE: u16 = 19;
pub(super) const SERVER_CERTIFICATE_TYPE: u16 = 20;
pub(super) const CERTIFICATE_TYPE: u16 = 9;
pub(super) const SUPPORTED_GROUPS: u16 = 10;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const ALPN: u16 = 16;
pub(super) const STATUS_REQUEST_V2: u16 = 17;
pub(super) const SESSION_TICKET: u16 = 35;
pub(super) const PRE_SHARED_KEY: u16 = 41;
pub(super) const EARLY_DATA: u16 = 42;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
pub(super) const COOKIE: u16 = 44;
pub(super) const PSK_KEY_EXCHANGE_MODES: u16 = 45;
pub(super) const KEY_SHARE: u16 = 51;
pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;

/// Reads a block of extensions to its end, in order, each number with its body.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    what: &'static str,
) -> Result<Vec<(u16, &'a [u8])>, Malformed> {
    let mut reader = Reader::new(bytes, what);
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push((reader.u16()?, reader.vec16()?));
    }
    Ok(all)
}

/// A number that stands twice, if one does.
pub(super) fn doubled(all: &[(u16, &[u8])]) -> Option<u16> {
    let mut numbers: Vec<u16> = all.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers
        .iter()
        .zip(numbers.iter().skip(1))
        .find(|(a, b)| a == b)
        .map(|(a, _)| *a)
}
