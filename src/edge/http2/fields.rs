//! Heads for the next leg. Maps are filtered, never rebuilt from names: the order of the values
//! of one name is kept.
//!
//! Fields of one connection (RFC 9113, section 8.2.2) do not come this far: the library resets a
//! stream that carries `connection`, `proxy-connection`, `keep-alive`, `transfer-encoding`,
//! `upgrade`, or a `te` other than `trailers`, with PROTOCOL_ERROR, in trailers too. So it does
//! with what the `http` crate cannot hold: a path with bytes that it refuses, an authority with
//! a bad port.

use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http::request;
use http::uri;

/// The request for the server: the client's, with all its fields (inside TLS none is for a proxy).
/// `:authority` is taken from Host where the client sent that alone (RFC 9113, section 8.3.1);
/// `None` where it sent neither.
pub(super) fn for_server(head: &request::Parts) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = if head.uri.authority().is_some() {
        head.uri.clone()
    } else {
        let host = head.headers.get(header::HOST)?;
        let mut parts = head.uri.clone().into_parts();
        parts.authority = Some(uri::Authority::try_from(host.as_bytes()).ok()?);
        parts.scheme = Some(uri::Scheme::HTTPS);
        uri::Uri::from_parts(parts).ok()?
    };
    *request.headers_mut() = head.headers.clone();
    Some(request)
}

/// An answer, interim or final, for the client.
pub(super) fn for_client(status: StatusCode, headers: HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.version_mut() = http::Version::HTTP_2;
    *response.headers_mut() = headers;
    response
}

/// Whether the client waits for leave to send its body (RFC 9110, section 10.1.1).
pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::EXPECT)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The size of a header list (RFC 9113, section 6.5.2).
pub(super) fn list_size(headers: &HeaderMap<HeaderValue>) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum()
}
