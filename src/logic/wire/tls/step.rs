//! The words between the judge and the I/O layer: the question, and what to do next.

use super::alert::{Alert, AlertSeen};
use super::profile::Profile;
use crate::model::limits;
use crate::model::{DnsName, Host, Rule, RuleActions};

/// A direction's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Client,
    Server,
}

impl Side {
    pub const fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Side::Client => "the client",
            Side::Server => "the server",
        }
    }
}

/// What the tunnel was asked to be.
#[derive(Debug, Clone)]
pub struct Question {
    /// CONNECT's host.
    pub connect: Host,
    pub profile: &'static Profile,
    /// What each rule does: `Block` refuses, `Report` notes a finding and goes on, `Off` goes on.
    pub actions: RuleActions,
    /// Whether bytes wait until they are judged. Without it every byte may pass at once, and the
    /// judge only watches.
    pub hold: bool,
    pub bounds: Bounds,
}

/// How much of a handshake is held, in bytes of handshake messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub client_hello: usize,
    /// The server's first flight, and any later message of either side.
    pub flight: usize,
    /// Client bytes behind the hello, until the server's first flight is judged.
    pub early: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            client_hello: limits::MAX_CLIENT_HELLO,
            flight: limits::MAX_SERVER_FLIGHT,
            early: limits::MAX_EARLY,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Pass on this many bytes from the front of what is held of each side's stream, in addition
    /// to what earlier steps named.
    Forward { client: usize, server: usize },
    /// Nothing yet.
    Hold,
    /// CONNECT named an address and the client's hello names a host: judge that name (policy; one
    /// of its addresses must be CONNECT's) and call [`super::Judge::name_judged`].
    Name(DnsName),
    /// Pass on everything held and relay from now on. Final.
    Pass,
    /// The handshake ended by itself; nothing more will be passed on. Final.
    Close(Close),
    /// Final.
    Refuse(Refusal),
}

/// A handshake that a peer ended, neither passed nor refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Who closed.
    pub by: Side,
    /// The alert that was seen before, if any.
    pub alert: Option<AlertSeen>,
    /// What was awaited: `client-hello`, `server-hello` and so on, as in a timeout's kind.
    pub awaited: &'static str,
    /// A sentence for the record.
    pub why: String,
}

/// A refused tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub rule: Rule,
    /// The stable word within the rule.
    pub kind: &'static str,
    /// The alert that fits, if the fault is one that TLS has a word for.
    pub alert: Option<Alert>,
    /// The alert as a record, where the client can still read plaintext: everything that the
    /// judge has released to it so far are whole records in plaintext.
    pub to_client: Option<[u8; 7]>,
    /// What was seen, what the profile asks for, how to mend it.
    pub hint: String,
}
