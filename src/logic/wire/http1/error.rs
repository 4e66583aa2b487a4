//! Why a head or a body's framing is refused: a stable short kind for records and metrics, a
//! sentence for the person, and what to do about it. Holds none of the bytes that were refused.

use crate::model::Rule;

/// Why a head could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HeadError {
    #[error("a line ends with a bare LF")]
    BareLf,
    #[error("a CR stands without its LF")]
    BareCr,
    #[error("the head has a control byte")]
    ControlByte,
    #[error("empty lines stand before the request line")]
    EmptyLine,
    #[error("the request line is not method, target and version with one space between")]
    RequestLine,
    #[error("the method is not a token")]
    Method,
    #[error("the HTTP version is neither 1.0 nor 1.1")]
    Version,
    #[error("the request target has none of the forms that this method takes")]
    Target,
    #[error("the request target has no valid host")]
    TargetHost,
    #[error("the request target has no valid port")]
    TargetPort,
    #[error("the request target has userinfo (text before an @) that cannot be taken")]
    TargetUserinfo,
    #[error("the request target has a fragment")]
    Fragment,
    #[error("the request target's scheme is neither http nor https")]
    Scheme,
    #[error("the status line is not a version, a status from 100 to 999 and a reason")]
    StatusLine,
    #[error("a header line has no colon")]
    HeaderLine,
    #[error("a header's name is not a token")]
    HeaderName,
    #[error("whitespace stands before a header's colon")]
    SpaceBeforeColon,
    #[error("a header line begins with whitespace (line folding)")]
    FoldedLine,
    #[error("an HTTP/1.1 request has no Host")]
    HostMissing,
    #[error("the request has more than one Host")]
    HostTwice,
    #[error("the Host header is not a host with an optional port")]
    HostValue,
    #[error("Content-Length is given more than once")]
    LengthTwice,
    #[error("Content-Length is not a decimal number that fits in 64 bits")]
    LengthValue,
    #[error("Content-Length stands beside Transfer-Encoding")]
    LengthAndEncoding,
    #[error("Transfer-Encoding is something else than chunked, once")]
    TransferEncoding,
    #[error("Transfer-Encoding stands in an HTTP/1.0 message")]
    EncodingInHttp10,
    #[error("a CONNECT request announces a body")]
    ConnectBody,
    #[error("Connection names a header that must reach the server")]
    ConnectionNames,
    #[error("the head is longer than the limit")]
    HeadBytes,
    #[error("the head has more header lines than the limit")]
    HeaderCount,
}

impl HeadError {
    /// All of them, for tests and documents.
    pub const ALL: [HeadError; 30] = [
        HeadError::BareLf,
        HeadError::BareCr,
        HeadError::ControlByte,
        HeadError::EmptyLine,
        HeadError::RequestLine,
        HeadError::Method,
        HeadError::Version,
        HeadError::Target,
        HeadError::TargetHost,
        HeadError::TargetPort,
        HeadError::TargetUserinfo,
        HeadError::Fragment,
        HeadError::Scheme,
        HeadError::StatusLine,
        HeadError::HeaderLine,
        HeadError::HeaderName,
        HeadError::SpaceBeforeColon,
        HeadError::FoldedLine,
        HeadError::HostMissing,
        HeadError::HostTwice,
        HeadError::HostValue,
        HeadError::LengthTwice,
        HeadError::LengthValue,
        HeadError::LengthAndEncoding,
        HeadError::TransferEncoding,
        HeadError::EncodingInHttp10,
        HeadError::ConnectBody,
        HeadError::ConnectionNames,
        HeadError::HeadBytes,
        HeadError::HeaderCount,
    ];

    /// The stable kind, as in findings, records and metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            HeadError::BareLf => "bare-lf",
            HeadError::BareCr => "bare-cr",
            HeadError::ControlByte => "control-byte",
            HeadError::EmptyLine => "empty-line",
            HeadError::RequestLine => "request-line",
            HeadError::Method => "method",
            HeadError::Version => "version",
            HeadError::Target => "target",
            HeadError::TargetHost => "target-host",
            HeadError::TargetPort => "target-port",
            HeadError::TargetUserinfo => "target-userinfo",
            HeadError::Fragment => "fragment",
            HeadError::Scheme => "scheme",
            HeadError::StatusLine => "status-line",
            HeadError::HeaderLine => "header-line",
            HeadError::HeaderName => "header-name",
            HeadError::SpaceBeforeColon => "space-before-colon",
            HeadError::FoldedLine => "folded-line",
            HeadError::HostMissing => "host-missing",
            HeadError::HostTwice => "host-twice",
            HeadError::HostValue => "host-value",
            HeadError::LengthTwice => "content-length-twice",
            HeadError::LengthValue => "content-length",
            HeadError::LengthAndEncoding => "length-and-encoding",
            HeadError::TransferEncoding => "transfer-encoding",
            HeadError::EncodingInHttp10 => "encoding-in-http10",
            HeadError::ConnectBody => "connect-body",
            HeadError::ConnectionNames => "connection-names",
            HeadError::HeadBytes => "head-bytes",
            HeadError::HeaderCount => "header-count",
        }
    }

    /// What to do about it, in a sentence.
    pub const fn hint(self) -> &'static str {
        match self {
            HeadError::BareLf | HeadError::BareCr => "End every line of the head with CR LF.",
            HeadError::ControlByte => {
                "Take control bytes out of the head, or percent-encode them in the target."
            }
            HeadError::EmptyLine => {
                "Begin with the request line; one empty line before it is allowed."
            }
            HeadError::RequestLine => {
                "Send `METHOD target HTTP/1.1`; percent-encode spaces in the target as %20."
            }
            HeadError::Method => "Use a method of letters, such as GET.",
            HeadError::Version => "Speak HTTP/1.1, or HTTP/2 with its full connection preface.",
            HeadError::Target => {
                "Send `CONNECT host:port`, or a full URL such as `GET http://host/path`."
            }
            HeadError::TargetHost => {
                "Name the host as a DNS name in ASCII (xn-- for others), an IPv4 address, or an IPv6 address in brackets."
            }
            HeadError::TargetPort => {
                "Write the port as a number from 1 to 65535; CONNECT needs one."
            }
            HeadError::TargetUserinfo => {
                "Take user and password out of the target; send them in a header to the server that they are for."
            }
            HeadError::Fragment => {
                "Take the # and what follows it out of the target; it never goes to a server."
            }
            HeadError::Scheme => "Use an http:// or https:// URL, or CONNECT for other protocols.",
            HeadError::StatusLine => {
                "The server's answer is not HTTP/1; see what listens on that port."
            }
            HeadError::HeaderLine => "Write every header line as `Name: value`.",
            HeadError::HeaderName => "Use letters, digits and hyphens in header names.",
            HeadError::SpaceBeforeColon => "Put the colon directly behind the header's name.",
            HeadError::FoldedLine => "Write every header on one line.",
            HeadError::HostMissing | HeadError::HostTwice => "Send exactly one Host header.",
            HeadError::HostValue => {
                "Send Host as `host` or `host:port`, without user, path or list."
            }
            HeadError::LengthTwice => "Send Content-Length once.",
            HeadError::LengthValue => "Send Content-Length as plain decimal digits.",
            HeadError::LengthAndEncoding => {
                "Send either Content-Length or Transfer-Encoding, not both."
            }
            HeadError::TransferEncoding => {
                "Use `Transfer-Encoding: chunked` alone; compress with Content-Encoding."
            }
            HeadError::EncodingInHttp10 => "Use Content-Length, or speak HTTP/1.1.",
            HeadError::ConnectBody => {
                "Send CONNECT without a body; what follows the head belongs to the tunnel."
            }
            HeadError::ConnectionNames => {
                "Take Host, Authorization, Content-Length, Transfer-Encoding and X-Amz-* out of Connection."
            }
            HeadError::HeadBytes => {
                "Send fewer or shorter headers, or raise the limit on the head's bytes."
            }
            HeadError::HeaderCount => "Send fewer headers, or raise the limit on header lines.",
        }
    }

    /// The rule that refuses the request.
    pub const fn rule(self) -> Rule {
        if matches!(self, HeadError::HeadBytes | HeadError::HeaderCount) {
            Rule::Limits
        } else {
            Rule::MalformedRequest
        }
    }

    /// The status of the refusal.
    pub const fn status(self) -> u16 {
        self.rule().status()
    }
}

/// Why a body's framing is refused. The message cannot be completed; its connection must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FramingError {
    #[error("a chunk's size is not 1 to 16 hexadecimal digits")]
    ChunkSize,
    #[error("a chunk's extensions are longer than the limit or have a control byte")]
    ChunkExtension,
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    #[error("a line of the chunked framing does not end with CR LF")]
    LineEnd,
    #[error("a trailer line is malformed")]
    Trailer,
    #[error("a trailer has a name that must stand in the head")]
    TrailerName,
    #[error("the trailers are longer than the limit")]
    TrailerBytes,
    #[error("the connection ended in the middle of the body")]
    Truncated,
}

impl FramingError {
    /// The stable kind, as in records and metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            FramingError::ChunkSize => "chunk-size",
            FramingError::ChunkExtension => "chunk-extension",
            FramingError::ChunkEnd => "chunk-end",
            FramingError::LineEnd => "chunk-line-end",
            FramingError::Trailer => "trailer",
            FramingError::TrailerName => "trailer-name",
            FramingError::TrailerBytes => "trailer-bytes",
            FramingError::Truncated => "truncated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_unique_and_every_hint_is_a_sentence() {
        let mut kinds: Vec<_> = HeadError::ALL.iter().map(|error| error.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), HeadError::ALL.len());
        for error in HeadError::ALL {
            assert!(error.hint().ends_with('.'), "{error:?}");
            let expected = if error.rule() == Rule::Limits {
                503
            } else {
                400
            };
            assert_eq!(error.status(), expected, "{error:?}");
        }
    }
}
