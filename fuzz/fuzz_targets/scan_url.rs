//! Credentials in URLs: every input is read, spans lie within it, and what is stripped is gone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::logic::scan::{BUILTIN, FingerprintKey, Signing, redact, strip};

fuzz_target!(|url: &[u8]| {
    let mut found = Vec::new();
    BUILTIN.url(url, &mut found);
    BUILTIN.header("link", url, &mut Vec::new());
    let key = FingerprintKey::new([1; 32]);
    for sighting in &found {
        assert!(sighting.span.start < sighting.span.end && sighting.span.end <= url.len());
        assert_eq!(sighting.fingerprint(&key, url).len(), 32);
    }
    if let Ok(stripped) = strip(url, &found, Signing::None) {
        assert!(stripped.url.len() <= url.len());
    }
    if let Ok(text) = str::from_utf8(url) {
        let _ = redact(text, &found);
    }
});
