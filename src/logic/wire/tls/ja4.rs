//! The JA4 fingerprint of a ClientHello (FoxIO, JA4 technical details): what the client software
//! is, by what it offers.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::client_hello::ClientHello;
use super::code::{Version, is_grease};
use super::extension as ext;

/// JA4 over TCP.
pub fn ja4(hello: &ClientHello) -> String {
    let mut suites: Vec<u16> = hello.suites.iter().map(|suite| suite.0).collect();
    suites.retain(|code| !is_grease(*code));
    let mut extensions = hello.extensions.clone();
    extensions.retain(|code| !is_grease(*code));
    let schemes: Vec<u16> = hello
        .schemes
        .iter()
        .flatten()
        .map(|scheme| scheme.0)
        .filter(|code| !is_grease(*code))
        .collect();

    let mut text = format!(
        "t{}{}{:02}{:02}{}",
        version(hello.highest_version()),
        if hello.has(ext::SERVER_NAME) {
            'd'
        } else {
            'i'
        },
        suites.len().min(99),
        extensions.len().min(99),
        alpn(hello.alpn.first()),
    );
    suites.sort_unstable();
    extensions.retain(|code| ![ext::SERVER_NAME, ext::ALPN].contains(code));
    extensions.sort_unstable();
    let mut listed = list(&extensions);
    if !schemes.is_empty() {
        listed.push('_');
        listed.push_str(&list(&schemes));
    }
    text.push('_');
    text.push_str(&digest(suites.is_empty(), &list(&suites)));
    text.push('_');
    text.push_str(&digest(
        extensions.is_empty() && schemes.is_empty(),
        &listed,
    ));
    text
}

const fn version(version: Version) -> &'static str {
    match version.0 {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The first and last character of the first protocol, of its hex digits if either is odd.
fn alpn(first: Option<&Vec<u8>>) -> String {
    let Some((Some(head), Some(tail))) = first.map(|name| (name.first(), name.last())) else {
        return "00".to_owned();
    };
    if head.is_ascii_alphanumeric() && tail.is_ascii_alphanumeric() {
        return [char::from(*head), char::from(*tail)].iter().collect();
    }
    format!("{:x}{:x}", head >> 4, tail & 0xf)
}

fn list(codes: &[u16]) -> String {
    let words: Vec<String> = codes.iter().map(|code| format!("{code:04x}")).collect();
    words.join(",")
}

fn digest(empty: bool, text: &str) -> String {
    if empty {
        return "000000000000".to_owned();
    }
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(6) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the JA4 description.
    #[test]
    fn the_published_example() {
        let mut suites = vec![0x2a2a_u16];
        suites.extend([
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
            0x009c, 0x009d, 0x002f, 0x0035,
        ]);
        let schemes = [
            0x0403u16, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
        ];
        let codes =
            |list: &[u16]| -> Vec<u8> { list.iter().flat_map(|c| c.to_be_bytes()).collect() };
        let with16 = |bytes: Vec<u8>| {
            let mut out = (bytes.len() as u16).to_be_bytes().to_vec();
            out.extend(bytes);
            out
        };
        let sni = with16([vec![0], with16(b"example.com".to_vec())].concat());
        let extensions: Vec<(u16, Vec<u8>)> = vec![
            (0x8a8a, vec![]),
            (0x001b, vec![2, 0, 2]),
            (0x0000, sni),
            (
                0x0033,
                with16([codes(&[0x1d]), with16(vec![9; 32])].concat()),
            ),
            (0x0010, with16([vec![2], b"h2".to_vec()].concat())),
            (0x4469, vec![]),
            (0x0017, vec![]),
            (0x002d, vec![1, 1]),
            (0x000d, with16(codes(&schemes))),
            (0x0005, vec![1, 0, 0, 0, 0]),
            (0x0023, vec![]),
            (0x0012, vec![]),
            (0x002b, vec![4, 3, 4, 3, 3]),
            (0xff01, vec![0]),
            (0x000b, vec![1, 0]),
            (0x000a, with16(codes(&[0x1d, 0x17]))),
            (0x0015, vec![0; 8]),
        ];
        let block: Vec<u8> = extensions
            .into_iter()
            .flat_map(|(number, body)| [number.to_be_bytes().to_vec(), with16(body)].concat())
            .collect();
        let body = [
            vec![3, 3],
            vec![1; 32],
            vec![0],
            with16(codes(&suites)),
            vec![1, 0],
            with16(block),
        ]
        .concat();
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(ja4(&hello), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }
}
