//! What may arrive otherwise behind an interception. Nothing else may.

/// A permitted difference. docs/interception.md has the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    Frames,
    HostAlone,
    Fragment,
    Unreadable,
    Trailers,
    OwnContinue,
    NoErrorTooSoon,
    Lost,
    GoAway,
}

impl Difference {
    pub const ALL: [Difference; 9] = [
        Difference::Frames,
        Difference::HostAlone,
        Difference::Fragment,
        Difference::Unreadable,
        Difference::Trailers,
        Difference::OwnContinue,
        Difference::NoErrorTooSoon,
        Difference::Lost,
        Difference::GoAway,
    ];

    /// As the document names it.
    pub const fn name(self) -> &'static str {
        match self {
            Difference::Frames => "frames",
            Difference::HostAlone => "`host` alone",
            Difference::Fragment => "fragment",
            Difference::Unreadable => "unreadable heads",
            Difference::Trailers => "trailers of the head",
            Difference::OwnContinue => "100 after a second",
            Difference::NoErrorTooSoon => "NO_ERROR before the end",
            Difference::Lost => "connection lost",
            Difference::GoAway => "GOAWAY",
        }
    }

    /// What arrives instead, word for word as the document says it.
    pub const fn what(self) -> &'static str {
        match self {
            Difference::Frames => {
                "data is cut into other frames, without padding; priorities, and names among each other in another order"
            }
            Difference::HostAlone => "a request with `host` and no `:authority` has both",
            Difference::Fragment => "`:path` ends before a `#`",
            Difference::Unreadable => {
                "a request with a field of one connection (`connection`, `te` other than `trailers`, ...), or with a space, `<`, `>`, or in the path a backtick, in the query a `\"`, in its `:path`, is reset with PROTOCOL_ERROR"
            }
            Difference::Trailers => {
                "a request with a field among its trailers that must stand in the head (`content-length`, `host`, ...) gets 400; for the server, CANCEL"
            }
            Difference::OwnContinue => {
                "a client that waits for `100` gets one after a second of the server's silence, and the server's own is then left out"
            }
            Difference::NoErrorTooSoon => {
                "an answer that the server ends with NO_ERROR before it is whole ends with INTERNAL_ERROR"
            }
            Difference::Lost => {
                "a connection that is lost is a 502, or in an answer INTERNAL_ERROR; for the server, CANCEL"
            }
            Difference::GoAway => {
                "a request that the server did not take before it went away goes to a new connection, or is reset with REFUSED_STREAM if its body was read"
            }
        }
    }
}
