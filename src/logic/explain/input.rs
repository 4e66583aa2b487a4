//! From a line to what it asks about. Errors name the fault and never the text.

use std::net::Ipv6Addr;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::Value;

use super::url::Url;
use crate::model::Authority;
use crate::model::AuthorityError;
use crate::model::Host;

/// What a line asks about.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Request(Request),
    /// A destination alone, as CONNECT names it.
    Destination(Authority),
    /// A free-form field.
    Field,
}

/// A request, with its headers where they are given.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) method: String,
    /// In order; names as written.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Why a line could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the line is empty")]
    Empty,
    #[error("the line is longer than {} bytes", super::MAX_LINE)]
    TooLong,
    #[error("the line is not UTF-8")]
    NotUtf8,
    #[error(
        "the line is neither a URL with its scheme nor a JSON object; a host alone is written {{\"host\":\"...\"}}"
    )]
    NoUrl,
    #[error("the URL's scheme is neither http nor https")]
    Scheme,
    #[error("the URL has whitespace or a control character, which must be percent-encoded")]
    Character,
    #[error("the URL has a backslash before its path: some programs read another host than others")]
    Backslash,
    #[error("the URL's host or port cannot be read: {0}")]
    Authority(AuthorityError),
    #[error("the host cannot be read: {0}")]
    Host(AuthorityError),
    #[error("the JSON is broken at character {0}")]
    Json(usize),
    #[error("the JSON object has the same key twice")]
    Twice,
    #[error("the JSON object has none of \"url\", \"host\" and \"field\"")]
    NoKey,
    #[error("the JSON object mixes \"url\", \"host\" and \"field\", which are three kinds of line")]
    Mixed,
    #[error("\"{0}\" must be a string")]
    NotText(&'static str),
    #[error("\"method\" is no HTTP method")]
    Method,
    #[error("\"headers\" must be an object of strings, or a list of [name, value] pairs")]
    Headers,
    #[error("\"body_encoding\" must be \"utf-8\" or \"base64\"")]
    BodyEncoding,
    #[error("\"body\" is not base64, as \"body_encoding\" says")]
    Base64,
}

impl Unreadable {
    /// Whether it is a request to a target that the proxy itself would refuse as malformed.
    pub(super) const fn is_bad_target(self) -> bool {
        matches!(self, Unreadable::Authority(_) | Unreadable::Backslash)
    }
}

/// Reads a line of a batch.
pub(super) fn read_line(line: &[u8]) -> Result<Input, Unreadable> {
    if line.len() > super::MAX_LINE {
        return Err(Unreadable::TooLong);
    }
    let text = str::from_utf8(line).map_err(|_| Unreadable::NotUtf8)?;
    let text = text.trim_ascii();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    if text.starts_with('{') {
        return read_object(text);
    }
    if text.contains("://") {
        return bare(text);
    }
    // A word alone is more likely an accident than a host.
    let authority = Authority::parse(text, Some(443)).map_err(|_| Unreadable::NoUrl)?;
    if !text.contains(['.', ':']) {
        return Err(Unreadable::NoUrl);
    }
    Ok(Input::Destination(authority))
}

/// Reads a URL, a host, or `HOST:PORT`.
pub(super) fn read_target(text: &str) -> Result<Input, Unreadable> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    if text.contains("://") {
        return bare(text);
    }
    destination(text)
}

fn destination(text: &str) -> Result<Input, Unreadable> {
    // Without brackets it has no port, as where a host alone is asked for.
    if let Ok(addr) = text.parse::<Ipv6Addr>() {
        return Ok(Input::Destination(Authority {
            host: Host::V6(addr),
            port: 443,
        }));
    }
    let authority = Authority::parse(text, Some(443)).map_err(Unreadable::Host)?;
    Ok(Input::Destination(authority))
}

/// A URL by itself is a GET of it without headers.
fn bare(text: &str) -> Result<Input, Unreadable> {
    Ok(Input::Request(Request {
        url: Url::read(text)?,
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }))
}

/// The keys that are known; others are passed over, so that a line may carry its own marks. Values
/// are taken as they are, so that a wrong one is told by its key.
#[derive(Deserialize)]
struct Object {
    method: Option<Value>,
    url: Option<Value>,
    headers: Option<Value>,
    body: Option<Value>,
    body_encoding: Option<Value>,
    field: Option<Value>,
    value: Option<Value>,
    host: Option<Value>,
}

fn read_object(text: &str) -> Result<Input, Unreadable> {
    // serde_json's own words may quote the input.
    let object: Object = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Unreadable::Twice
        } else {
            Unreadable::Json(error.column())
        }
    })?;
    match (object.url, object.host, object.field) {
        (Some(url), None, None) => read_request(
            &url,
            object.method.as_ref(),
            object.headers,
            object.body.as_ref(),
            object.body_encoding.as_ref(),
        ),
        (None, Some(host), None) => {
            let host = text_of(&host, "host")?.trim_ascii();
            if host.contains("://") {
                bare(host)
            } else {
                destination(host)
            }
        }
        (None, None, Some(field)) => {
            text_of(&field, "field")?;
            text_of(&object.value.unwrap_or(Value::Null), "value")?;
            Ok(Input::Field)
        }
        (None, None, None) => Err(Unreadable::NoKey),
        (Some(_) | None, Some(_) | None, Some(_) | None) => Err(Unreadable::Mixed),
    }
}

fn read_request(
    url: &Value,
    method: Option<&Value>,
    headers: Option<Value>,
    body: Option<&Value>,
    encoding: Option<&Value>,
) -> Result<Input, Unreadable> {
    let url = text_of(url, "url")?.trim_ascii();
    let method = method.map_or(Ok("GET"), |method| text_of(method, "method"))?;
    let is_token = |byte| crate::logic::wire::http1::is_token_byte(byte);
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(Unreadable::Method);
    }
    let body = body.map_or(Ok(""), |body| text_of(body, "body"))?;
    let body = match encoding.map(|encoding| text_of(encoding, "body_encoding")) {
        None => body.as_bytes().to_vec(),
        Some(encoding) => match encoding?.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => body.as_bytes().to_vec(),
            "base64" => {
                let decoded = base64::engine::general_purpose::STANDARD.decode(body);
                decoded.map_err(|_| Unreadable::Base64)?
            }
            _ => return Err(Unreadable::BodyEncoding),
        },
    };
    let headers = headers.map_or_else(|| Ok(Vec::new()), read_headers)?;
    Ok(Input::Request(Request {
        url: if method == "CONNECT" && !url.contains("://") {
            connect_target(url)?
        } else if url.contains("://") {
            Url::read(url)?
        } else {
            return Err(Unreadable::NoUrl);
        },
        method: method.to_owned(),
        headers,
        body,
    }))
}

fn connect_target(text: &str) -> Result<Url, Unreadable> {
    let authority = Authority::parse(text, None).map_err(Unreadable::Authority)?;
    Ok(Url::of_authority(authority))
}

fn read_headers(headers: Value) -> Result<Vec<(String, String)>, Unreadable> {
    let mut read = Vec::new();
    match headers {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(value) => read.push((name, value)),
                    // Several of one name.
                    Value::Array(values) => {
                        for value in values {
                            let Value::String(value) = value else {
                                return Err(Unreadable::Headers);
                            };
                            read.push((name.clone(), value));
                        }
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                        return Err(Unreadable::Headers);
                    }
                }
            }
        }
        Value::Array(pairs) => {
            for pair in pairs {
                let pair: [String; 2] =
                    serde_json::from_value(pair).map_err(|_| Unreadable::Headers)?;
                let [name, value] = pair;
                read.push((name, value));
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(Unreadable::Headers),
    }
    Ok(read)
}

fn text_of<'a>(value: &'a Value, key: &'static str) -> Result<&'a str, Unreadable> {
    value.as_str().ok_or(Unreadable::NotText(key))
}
