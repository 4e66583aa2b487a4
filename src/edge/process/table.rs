//! `/proc/net/tcp` and `/proc/net/tcp6` (proc_pid_net(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One connection, seen from the process that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) user: u32,
    pub(super) inode: u64,
}

/// The connections that belong to somebody; the head and what cannot be read are passed over.
pub(super) fn rows(text: &str) -> impl Iterator<Item = Row> + '_ {
    text.lines().filter_map(row)
}

fn row(line: &str) -> Option<Row> {
    // sl local remote state queues timer retransmits uid timeout inode ...
    let mut fields = line.split_ascii_whitespace();
    let number = fields.next()?;
    number.strip_suffix(':')?;
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let user = fields.nth(4)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    // Closed by its process, and not yet by the protocol.
    (inode != 0).then_some(Row {
        local,
        remote,
        user,
        inode,
    })
}

/// Words of 32 bits in the machine's own byte order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (words, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    let mut rest = words;
    while !rest.is_empty() {
        let (word, after) = rest.split_at_checked(8)?;
        bytes.extend_from_slice(&u32::from_str_radix(word, 16).ok()?.to_ne_bytes());
        rest = after;
    }
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => IpAddr::V4(Ipv4Addr::from(four)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)),
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn connections_of_both_families_are_read() {
        let text = format!(
            "{HEAD}   0: 0100007F:CF08 0100007F:0C38 01 00000000:00000000 00:00000000 00000000  1000        0 54321 1 0000000000000000 20 4 30 10 -1\n\
             \x20  1: 0100007F:0C38 0100007F:CF08 06 00000000:00000000 03:00000176 00000000     0        0 0 3 0000000000000000\n\
             12345: 00000000000000000000000001000000:0050 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000\n"
        );
        let found: Vec<Row> = rows(&text).collect();
        assert_eq!(
            found,
            [
                Row {
                    local: "127.0.0.1:53000".parse().unwrap(),
                    remote: "127.0.0.1:3128".parse().unwrap(),
                    user: 1000,
                    inode: 54321,
                },
                Row {
                    local: "[::1]:80".parse().unwrap(),
                    remote: "[::ffff:127.0.0.1]:8080".parse().unwrap(),
                    user: 0,
                    inode: 7,
                },
            ]
        );
    }

    #[test]
    fn what_is_no_row_is_passed_over() {
        for line in [
            "",
            HEAD,
            "0: 0100007F 0100007F:0C38 01 a b c 0 0 1",
            "0: 0100007:CF08 0100007F:0C38 01 0:0 0:0 0 0 0 1",
            "0: 010000é7F:CF08 0100007F:0C38 01 0:0 0:0 0 0 0 1",
            "0: 0100007F:CF08 0100007F:0C38 01 0:0 0:0 0",
            "0: 0100007F0100007F:CF08 0100007F:0C38 01 0:0 0:0 0 0 0 1",
        ] {
            assert_eq!(rows(line).next(), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9A-F: \né]{0,120}") {
            let _ = rows(&text).count();
        }
    }
}
