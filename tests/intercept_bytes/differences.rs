//! What may arrive otherwise behind an interception. Nothing else may.

/// A permitted difference. docs/interception.md has the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    HopByHop,
    TransferCodings,
    AbsoluteTarget,
    EmptyLine,
    EarlyAnswer,
    Lengths,
    OwnContinue,
    InterimForOld,
    Truncation,
    ClientReset,
}

impl Difference {
    pub const ALL: [Difference; 10] = [
        Difference::HopByHop,
        Difference::TransferCodings,
        Difference::AbsoluteTarget,
        Difference::EmptyLine,
        Difference::EarlyAnswer,
        Difference::Lengths,
        Difference::OwnContinue,
        Difference::InterimForOld,
        Difference::Truncation,
        Difference::ClientReset,
    ];

    /// As the document names it.
    pub const fn name(self) -> &'static str {
        match self {
            Difference::HopByHop => "hop-by-hop fields",
            Difference::TransferCodings => "transfer codings",
            Difference::AbsoluteTarget => "absolute target",
            Difference::EmptyLine => "empty line",
            Difference::EarlyAnswer => "early answer",
            Difference::Lengths => "contradicting lengths",
            Difference::OwnContinue => "100 after a second",
            Difference::InterimForOld => "interim answers to HTTP/1.0",
            Difference::Truncation => "truncated answer",
            Difference::ClientReset => "reset by the client",
        }
    }

    /// What arrives instead, word for word as the document says it.
    pub const fn what(self) -> &'static str {
        match self {
            Difference::HopByHop => {
                "`Keep-Alive`, the fields that `Connection` names, and an `Upgrade` to HTTP/2 or TLS stay behind, and so do their names in `Connection`"
            }
            Difference::TransferCodings => "`TE` keeps `trailers` alone",
            Difference::AbsoluteTarget => "`GET https://host/path` arrives as `GET /path`",
            Difference::EmptyLine => "an empty line before a request is left out",
            Difference::EarlyAnswer => {
                "a final answer that comes before the request is whole has `Connection: close`"
            }
            Difference::Lengths => {
                "of an answer's contradicting or repeated `Content-Length` and `Transfer-Encoding`, the one that counts is left"
            }
            Difference::OwnContinue => {
                "a client that waits for `100 Continue` gets one after a second of the server's silence, and the server's own is then left out"
            }
            Difference::InterimForOld => {
                "a client that speaks HTTP/1.0 gets the final answer alone"
            }
            Difference::Truncation => {
                "an answer that ends before it is whole ends without `close_notify`, also where the server sent one"
            }
            Difference::ClientReset => {
                "a client that resets its connection ends the server's without `close_notify`"
            }
        }
    }
}
