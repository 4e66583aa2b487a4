//! Heads for the next leg: the same bytes, less what concerns this leg only.
//!
//! Nothing is added but what the next leg itself needs: no Via and no X-Forwarded-For, which
//! would tell the server about the client's network and break no-one's loop here. Names keep
//! their case, lines their order and spacing, so that signatures hold.
//!
//! Inside an interception neither end knows of a third. There a line about the connection that is
//! as true of the next leg stays as it is, and so do the version and the fields of proxies.

use super::Framing;
use super::RequestHead;
use super::RequestTarget;
use super::ResponseHead;
use super::Version;
use super::connection::Connection;
use super::headers::Field;
use super::headers::members;

/// As what a message is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// By a proxy that the client addressed.
    #[default]
    Forward,
    /// From inside TLS that the client believes to end at the server.
    Intercept,
}

/// What the leg to the server needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpstreamLeg {
    pub manner: Manner,
    /// No other request will follow on it.
    pub close: bool,
    /// Pass on the change of protocol that the request asks for, if it can be relayed.
    pub upgrade: bool,
}

/// What the leg to the client needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientLeg {
    pub manner: Manner,
    /// The connection closes after this response, and the client is to be told.
    pub close: bool,
}

/// The head to send to the server, in origin form (RFC 9112, section 3.2.1). Userinfo never
/// leaves; the version is the client's, so that the server answers in what the client reads.
pub fn upstream_head(head: &RequestHead, leg: UpstreamLeg) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.headers.byte_len() + 256);
    out.extend_from_slice(head.method.as_bytes());
    out.push(b' ');
    push_target(&mut out, head);
    push_rest(&mut out, head, leg, None);
    out
}

/// The head to send to a parent proxy, in absolute form (RFC 9112, section 3.2.2).
/// `authorization` is the value of our own Proxy-Authorization; the client's never leaves.
pub fn parent_head(head: &RequestHead, leg: UpstreamLeg, authorization: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.headers.byte_len() + 512);
    out.extend_from_slice(head.method.as_bytes());
    out.push(b' ');
    if let RequestTarget::Absolute {
        scheme,
        authority_as_sent,
        path_and_query,
        ..
    } = &head.target
    {
        out.extend_from_slice(scheme.as_str().as_bytes());
        out.extend_from_slice(b"://");
        out.extend_from_slice(authority_as_sent.as_bytes());
        // RFC 9112, section 3.2.4: an empty path in OPTIONS is a `*` in the end.
        if !(head.method == "OPTIONS" && path_and_query.as_bytes().is_empty()) {
            push_target(&mut out, head);
        }
    } else {
        push_target(&mut out, head);
    }
    push_rest(&mut out, head, leg, authorization);
    out
}

/// All behind the target.
fn push_rest(out: &mut Vec<u8>, head: &RequestHead, leg: UpstreamLeg, authorization: Option<&str>) {
    out.push(b' ');
    out.extend_from_slice(head.version.as_str().as_bytes());
    out.extend_from_slice(b"\r\n");

    let replaced_host = replaced_host(head);
    if let (None, Some(host)) = (&head.host, replaced_host) {
        push_line(out, "Host", host.as_bytes());
    }
    let upgrade = leg.upgrade && head.wants_upgrade();
    let trailers = head.headers.all("te").any(takes_trailers);
    // Where nobody is addressed as a proxy, a TE that Connection does not name is the client's
    // affair.
    let name_te = trailers && leg.manner == Manner::Forward;
    let mut options = Options::new(&[(leg.close, "close"), (upgrade, "upgrade"), (name_te, "TE")]);
    let kept = Kept {
        upgrade,
        te: trailers,
    };
    for field in head.headers.iter() {
        if field.is("connection") {
            match leg.manner {
                Manner::Intercept if !leg.close => kept.push(out, field),
                Manner::Intercept | Manner::Forward => options.write(out, field.name),
            }
        } else if field.is("host") {
            match replaced_host {
                Some(host) => push_line(out, field.name, host.as_bytes()),
                None => push_field(out, field),
            }
        } else if field.is("te") {
            push_te(out, field, leg.manner);
        } else if (upgrade && field.is("upgrade"))
            || !head.connection.is_hop_by_hop(field.name, leg.manner)
        {
            push_field(out, field);
        }
    }
    if leg.manner == Manner::Forward || leg.close {
        options.write(out, "Connection");
    }
    if let Some(authorization) = authorization {
        push_line(out, "Proxy-Authorization", authorization.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// The head to send to the client. The framing headers stay, since the body's bytes are relayed
/// as they are; where they contradict each other, they are mended (RFC 9112, section 6.3).
pub fn client_head(head: &ResponseHead, leg: ClientLeg) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.headers.byte_len() + 64);
    // RFC 9110, section 2.5: a proxy sends its own version. What nobody knows to be one leaves
    // the server's, from which the client concludes whether the connection stays open.
    let version = match leg.manner {
        Manner::Forward => Version::Http11,
        Manner::Intercept => head.version,
    };
    out.extend_from_slice(version.as_str().as_bytes());
    out.extend_from_slice(&head.status_and_reason);
    out.extend_from_slice(b"\r\n");

    // A 426 must name the protocols (RFC 9110, section 15.5.22).
    let upgrade = matches!(head.status, 101 | 426);
    let mut options = Options::new(&[(leg.close, "close"), (upgrade, "upgrade")]);
    let kept = Kept { upgrade, te: false };
    let mut lengths = 0;
    for field in head.headers.iter() {
        if field.is("connection") {
            match leg.manner {
                Manner::Intercept if !leg.close => kept.push(&mut out, field),
                Manner::Intercept | Manner::Forward => options.write(&mut out, field.name),
            }
        } else if field.is("content-length") {
            push_length(&mut out, head, field, lengths);
            lengths += 1;
        } else if field.is("transfer-encoding") && is_bodiless(head.status) {
            // RFC 9112, section 6.1: none in these.
        } else if (upgrade && field.is("upgrade"))
            || !is_dropped(&head.connection, field, leg.manner)
        {
            push_field(&mut out, field);
        }
    }
    if leg.manner == Manner::Forward || leg.close {
        options.write(&mut out, "Connection");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Which options of a Connection line hold for the next leg as well.
#[derive(Clone, Copy)]
struct Kept {
    upgrade: bool,
    te: bool,
}

impl Kept {
    fn has(self, option: &[u8]) -> bool {
        match option.to_ascii_lowercase().as_slice() {
            b"keep-alive" | b"close" => true,
            b"upgrade" => self.upgrade,
            b"te" => self.te,
            _ => false,
        }
    }

    /// The line as it is, where all of it holds; else what does.
    fn push(self, out: &mut Vec<u8>, field: Field<'_>) {
        if members(field.value).all(|option| self.has(option)) {
            return push_field(out, field);
        }
        let kept: Vec<&[u8]> = members(field.value)
            .filter(|option| self.has(option))
            .collect();
        if !kept.is_empty() {
            push_line(out, field.name, &kept.join(&b", "[..]));
        }
    }
}

/// The options of the next leg's Connection header, written once.
struct Options(Vec<u8>);

impl Options {
    fn new(options: &[(bool, &str)]) -> Options {
        let mut list = Vec::new();
        for (_, option) in options.iter().filter(|(wanted, _)| *wanted) {
            if !list.is_empty() {
                list.extend_from_slice(b", ");
            }
            list.extend_from_slice(option.as_bytes());
        }
        Options(list)
    }

    fn write(&mut self, out: &mut Vec<u8>, name: &str) {
        if !self.0.is_empty() {
            push_line(out, name, &self.0);
            self.0.clear();
        }
    }
}

fn push_target(out: &mut Vec<u8>, head: &RequestHead) {
    match &head.target {
        RequestTarget::Absolute { path_and_query, .. } => match path_and_query.as_bytes() {
            // RFC 9112, section 3.2.4: the last proxy makes a `*` of it.
            b"" if head.method == "OPTIONS" => out.push(b'*'),
            path_and_query => {
                if !path_and_query.starts_with(b"/") {
                    out.push(b'/');
                }
                out.extend_from_slice(path_and_query);
            }
        },
        RequestTarget::Origin(path_and_query) => out.extend_from_slice(path_and_query.as_bytes()),
        RequestTarget::Asterisk => out.push(b'*'),
        RequestTarget::Authority(authority) => {
            out.extend_from_slice(authority.to_string().as_bytes());
        }
    }
}

/// The target's host, where Host is missing or names another one (RFC 9112, section 3.2.2). A
/// Host that means the same keeps its spelling: a signature covers it.
fn replaced_host(head: &RequestHead) -> Option<&str> {
    let RequestTarget::Absolute {
        scheme,
        authority,
        authority_as_sent,
        ..
    } = &head.target
    else {
        return None;
    };
    let same = head
        .host
        .as_ref()
        .is_some_and(|host| host.names(authority, scheme.default_port()));
    (!same).then_some(authority_as_sent.as_str())
}

fn push_te(out: &mut Vec<u8>, field: Field<'_>, manner: Manner) {
    if !takes_trailers(field.value) {
        return;
    }
    match manner {
        Manner::Intercept if members(field.value).count() == 1 => push_field(out, field),
        Manner::Intercept | Manner::Forward => push_line(out, field.name, b"trailers"),
    }
}

/// Trailers are relayed, so the wish for them is too; other codings are not ours to promise.
fn takes_trailers(te: &[u8]) -> bool {
    members(te).any(|member| member.eq_ignore_ascii_case(b"trailers"))
}

/// Whether a response field ends here. One that frames the body stays even if Connection names
/// it: without it the body's bytes would read as another response.
fn is_dropped(connection: &Connection, field: Field<'_>, manner: Manner) -> bool {
    !field.is("transfer-encoding") && connection.is_hop_by_hop(field.name, manner)
}

fn push_length(out: &mut Vec<u8>, head: &ResponseHead, field: Field<'_>, before: usize) {
    match head.framing {
        // None belongs there, but a 204 with no bytes is what it says.
        Framing::None if head.status == 204 && field.value == b"0" => push_field(out, field),
        Framing::None if is_bodiless(head.status) => {}
        Framing::None => push_field(out, field),
        Framing::Chunked | Framing::UntilClose => {}
        Framing::Length(_) if before > 0 => {}
        // Leading zeros and all.
        Framing::Length(_) if field.value.iter().all(u8::is_ascii_digit) => push_field(out, field),
        Framing::Length(length) => push_line(out, field.name, length.to_string().as_bytes()),
    }
}

/// Statuses that never carry a framing header (RFC 9110, section 8.6).
const fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204)
}

fn push_field(out: &mut Vec<u8>, field: Field<'_>) {
    out.extend_from_slice(field.line);
    out.extend_from_slice(b"\r\n");
}

fn push_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
