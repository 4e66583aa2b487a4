//! A URL as it may be shown, once it is known what stands in it.

use super::Sighting;
use crate::model::SafeUrl;

/// The URL without what was found, and then as [`SafeUrl`] shows every URL.
pub fn redact(url: &str, found: &[Sighting]) -> SafeUrl {
    // Userinfo is masked there, and the whole of it.
    let mut spans: Vec<_> = found
        .iter()
        .filter(|sighting| !matches!(sighting.cut, super::Cut::Userinfo(..)))
        .map(|sighting| sighting.span.clone())
        .collect();
    if spans.is_empty() {
        return SafeUrl::redact(url);
    }
    spans.sort_by_key(|span| span.start);
    let bytes = url.as_bytes();
    let mut masked = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for span in spans {
        if span.end <= at {
            continue;
        }
        masked.extend_from_slice(bytes.get(at..span.start.max(at)).unwrap_or_default());
        masked.extend_from_slice(b"***");
        at = span.end;
    }
    masked.extend_from_slice(bytes.get(at..).unwrap_or_default());
    SafeUrl::redact(&String::from_utf8_lossy(&masked))
}
