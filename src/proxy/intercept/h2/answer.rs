//! Answers of outgate's own on a stream.

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request};

use super::super::super::answer::Answer;

/// Answers a request. Whether that arrives is of no account.
pub(super) fn give(
    respond: &mut SendResponse<Bytes>,
    head: &request::Parts,
    answer: &Answer,
    id: &str,
) {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    if let Ok(status) = HeaderValue::from_str(&answer.proxy_status()) {
        headers.insert("proxy-status", status);
    }
    if is_grpc(&head.headers) {
        grpc_status(headers, answer, id);
        let _ = respond.send_response(response, true);
        return;
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in answer.extra_headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    let body = answer.body(id);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let is_head = head.method == Method::HEAD;
    if let Ok(mut stream) = respond.send_response(response, is_head)
        && !is_head
    {
        let _ = stream.send_data(Bytes::from(body), true);
    }
}

/// gRPC clients report `grpc-status` and `grpc-message`; of any other answer they say its HTTP
/// status and no word of why, and most look at neither unless that status is 200.
fn grpc_status(headers: &mut HeaderMap, answer: &Answer, id: &str) {
    // As clients translate HTTP statuses, but that a rule's refusal is never worth a retry.
    let status = match (answer.status, answer.rule) {
        (502..=504, _) => "14",
        (403 | 407 | 421, _) | (_, Some(_)) => "7",
        _ => "13",
    };
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert("grpc-status", HeaderValue::from_static(status));
    let message = format!("{}: {} (request {id})", answer.title, answer.detail);
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(&message)) {
        headers.insert("grpc-message", message);
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// gRPC's encoding of a status message.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grpc_itself_is_answered_as_grpc() {
        for (kind, want) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=x", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/json", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_grpc(&headers), want, "{kind}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn a_message_is_a_field_value_whatever_it_says() {
        assert_eq!(percent_encoded("50% of é\r\n~"), "50%25 of %C3%A9%0D%0A~");
    }
}
