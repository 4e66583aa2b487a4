//! Lines that are about outgate itself, or about a connection that never became a request.

use serde::{Serialize, Serializer};

/// One event line.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// RFC 3339 with microseconds, UTC.
    pub time: String,
    #[serde(rename = "event")]
    pub kind: EventKind,
    /// What belongs to the kind; docs/audit.md has the shapes.
    pub detail: serde_json::Value,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The first line of a file.
    File,
    /// The proxy listens.
    Start,
    /// The proxy ended in order.
    Stop,
    /// Another policy is in force.
    Policy,
    /// Lines could not be written for a while, and can again.
    Gap,
    /// A torn last line of an earlier run was set aside.
    Mended,
    /// A connection that never became a request.
    ClientError,
}

impl EventKind {
    /// The record's word.
    pub const fn id(self) -> &'static str {
        match self {
            EventKind::File => "file",
            EventKind::Start => "start",
            EventKind::Stop => "stop",
            EventKind::Policy => "policy",
            EventKind::Gap => "gap",
            EventKind::Mended => "mended",
            EventKind::ClientError => "client-error",
        }
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
