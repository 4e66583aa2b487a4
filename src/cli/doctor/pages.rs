//! What the origin has: for each kind of tool just enough for one honest request.

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
}

impl Page {
    fn new(kind: &'static str, body: impl Into<Vec<u8>>) -> Option<Page> {
        Some(Page {
            kind,
            body: body.into(),
        })
    }
}

const WHEEL: &str = "outgate_probe-1.0-py3-none-any.whl";
const METADATA: &str = "Metadata-Version: 2.1\nName: outgate-probe\nVersion: 1.0\n";
/// A commit that nobody made.
const COMMIT: &str = "6f75746761746520646f63746f722070726f6265";

/// What stands under `path`.
pub(super) fn page(host: &str, method: &str, path: &str) -> Option<Page> {
    let (text, json) = ("text/plain", "application/json");
    if method == "POST" {
        return Page::new("text/xml", IDENTITY);
    }
    match path {
        "/" => Page::new(text, "outgate doctor\n"),
        "/probe.git/info/refs" => Page::new("application/x-git-upload-pack-advertisement", git()),
        "/simple/outgate-probe/" => Page::new("text/html", simple()),
        "/crates/config.json" => Page::new(
            json,
            format!("{{\"dl\":\"https://{host}/dl\",\"api\":\"https://{host}\"}}"),
        ),
        "/crates/ou/tg/outgate-probe" => Page::new(text, crates()),
        "/go/example.com/outgate-probe/@v/list" => Page::new(text, "v1.0.0\n"),
        "/go/example.com/outgate-probe/@v/v1.0.0.info" => Page::new(
            json,
            "{\"Version\":\"v1.0.0\",\"Time\":\"2026-01-01T00:00:00Z\"}",
        ),
        "/go/example.com/outgate-probe/@v/v1.0.0.mod" => {
            Page::new(text, "module example.com/outgate-probe\n")
        }
        "/npm/outgate-probe" => Page::new(json, npm(host)),
        // A bucket stands before the path or before the host.
        "/object" | "/outgate-probe/object" => Page::new("application/octet-stream", [b'o'; 8192]),
        _ if path.starts_with("/conda/") && path.ends_with("repodata.json") => {
            Page::new(json, conda(path))
        }
        _ => match path.strip_prefix("/simple/outgate-probe/")? {
            file if file == WHEEL => Page::new("application/octet-stream", wheel()),
            file if file.strip_suffix(".metadata") == Some(WHEEL) => Page::new(text, METADATA),
            _ => None,
        },
    }
}

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/probe</Arn><UserId>probe</UserId>\
    <Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata>\
    <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></GetCallerIdentityResponse>";

/// The advertisement of a repository with one branch (git-http-protocol, version 0).
fn git() -> String {
    let packet = |line: &str| format!("{:04x}{line}", line.len() + 4);
    format!(
        "{}0000{}{}0000",
        packet("# service=git-upload-pack\n"),
        packet(&format!("{COMMIT} HEAD\0agent=outgate\n")),
        packet(&format!("{COMMIT} refs/heads/main\n")),
    )
}

/// PEP 503, with the metadata of PEP 658 beside the wheel.
fn simple() -> String {
    format!(
        "<!DOCTYPE html><html><body><a href=\"{WHEEL}\" data-dist-info-metadata=\"true\" \
         data-core-metadata=\"true\">{WHEEL}</a></body></html>"
    )
}

fn crates() -> String {
    let sum = "0".repeat(64);
    format!(
        "{{\"name\":\"outgate-probe\",\"vers\":\"1.0.0\",\"deps\":[],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false}}\n"
    )
}

fn npm(host: &str) -> String {
    format!(
        "{{\"name\":\"outgate-probe\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{\"1.0.0\":{{\
         \"name\":\"outgate-probe\",\"version\":\"1.0.0\",\"dist\":{{\"tarball\":\"https://{host}/npm/none.tgz\",\
         \"shasum\":\"0000000000000000000000000000000000000000\"}}}}}}}}"
    )
}

fn conda(path: &str) -> String {
    let subdir = path.split('/').nth(2).unwrap_or("noarch");
    let sum = "0".repeat(32);
    format!(
        "{{\"info\":{{\"subdir\":\"{subdir}\"}},\"packages\":{{\"outgate-probe-1.0-0.tar.bz2\":{{\
         \"name\":\"outgate-probe\",\"version\":\"1.0\",\"build\":\"0\",\"build_number\":0,\"depends\":[],\
         \"md5\":\"{sum}\",\"size\":1,\"subdir\":\"{subdir}\"}}}},\"packages.conda\":{{}},\"removed\":[],\
         \"repodata_version\":1}}"
    )
}

fn wheel() -> Vec<u8> {
    let wheel =
        "Wheel-Version: 1.0\nGenerator: outgate\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let record = "outgate_probe-1.0.dist-info/METADATA,,\noutgate_probe-1.0.dist-info/WHEEL,,\noutgate_probe-1.0.dist-info/RECORD,,\n";
    zip(&[
        ("outgate_probe-1.0.dist-info/METADATA", METADATA),
        ("outgate_probe-1.0.dist-info/WHEEL", wheel),
        ("outgate_probe-1.0.dist-info/RECORD", record),
    ])
}

/// A ZIP archive without compression.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, text) in files {
        let begin = small(archive.len());
        // Version 2.0, no flags, stored, 1980-01-01 00:00.
        let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        head.extend(crc32(text.as_bytes()).to_le_bytes());
        head.extend(small(text.len()));
        head.extend(small(text.len()));
        head.extend(small(name.len()).into_iter().take(2));
        head.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&head);
        archive.extend(name.as_bytes());
        archive.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(begin);
        directory.extend(name.as_bytes());
    }
    let count = small(files.len());
    let begin = small(archive.len());
    let size = small(directory.len());
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.into_iter().take(2));
    archive.extend(count.into_iter().take(2));
    archive.extend(size);
    archive.extend(begin);
    archive.extend([0, 0]);
    archive
}

fn small(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = 0u32.wrapping_sub(crc & 1);
            crc = (crc >> 1) ^ (0xedb8_8320 & carry);
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_is_not_there_is_not_served() {
        for path in [
            "/simple/outgate-probe/other.whl",
            "/conda/noarch/repodata.json.zst",
            "/x",
        ] {
            assert_eq!(page("h", "GET", path), None, "{path}");
        }
        let metadata = format!("/simple/outgate-probe/{WHEEL}.metadata");
        assert!(page("h", "GET", &metadata).is_some());
    }

    #[test]
    fn structured_pages_are_sound() {
        for path in [
            "/npm/outgate-probe",
            "/crates/config.json",
            "/crates/ou/tg/outgate-probe",
            "/conda/linux-64/repodata.json",
            "/go/example.com/outgate-probe/@v/v1.0.0.info",
        ] {
            let page = page("h", "GET", path).unwrap();
            serde_json::from_slice::<serde_json::Value>(&page.body).unwrap();
        }
    }
}
