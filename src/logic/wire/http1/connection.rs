//! The Connection header: what concerns this leg only (RFC 9110, section 7.6.1).

use super::HeadError;
use super::Headers;
use super::Manner;
use super::headers::members;

/// What Connection says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connection {
    pub close: bool,
    pub keep_alive: bool,
    /// The message asks for or grants the protocol in its Upgrade header.
    pub upgrade: bool,
    /// Lower-case names of the fields that end with this leg.
    names: Vec<String>,
}

impl Connection {
    pub(super) fn read(headers: &Headers) -> Connection {
        let mut connection = Connection::default();
        for member in headers.all("connection").flat_map(members) {
            let name = member.to_ascii_lowercase();
            match name.as_slice() {
                b"close" => connection.close = true,
                b"keep-alive" => connection.keep_alive = true,
                b"upgrade" => connection.upgrade = true,
                // What is no token names no field.
                _ => connection.names.extend(String::from_utf8(name)),
            }
        }
        connection
    }

    /// As [`Connection::read`], for a request: one that would have us take away what the server
    /// needs to tell requests apart, or what a signature covers, is refused.
    pub(super) fn read_request(headers: &Headers) -> Result<Connection, HeadError> {
        let connection = Connection::read(headers);
        let is_needed = |name: &String| {
            matches!(
                name.as_str(),
                "host" | "authorization" | "content-length" | "transfer-encoding"
            ) || name.starts_with("x-amz-")
        };
        if connection.names.iter().any(is_needed) {
            return Err(HeadError::ConnectionNames);
        }
        Ok(connection)
    }

    /// Whether the field ends with this leg: it is named, or always one of these.
    pub(super) fn is_hop_by_hop(&self, name: &str, manner: Manner) -> bool {
        const ALWAYS: [&str; 4] = ["connection", "keep-alive", "te", "upgrade"];
        // Inside TLS there is no proxy that they could be meant for.
        const OF_PROXIES: [&str; 4] = [
            "proxy-connection",
            "proxy-authorization",
            "proxy-authenticate",
            "proxy-authentication-info",
        ];
        let of_proxies = match manner {
            Manner::Forward => OF_PROXIES.as_slice(),
            Manner::Intercept => &[],
        };
        ALWAYS
            .iter()
            .chain(of_proxies)
            .any(|known| name.eq_ignore_ascii_case(known))
            || self
                .names
                .iter()
                .any(|named| name.eq_ignore_ascii_case(named))
    }
}
