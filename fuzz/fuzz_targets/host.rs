//! The canonical host: a fixed point of its own reading, and classified without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::logic::aws::classify;
use outgate::model::{Authority, Host, SafeUrl};

fuzz_target!(|text: &str| {
    if let Ok(host) = Host::parse(text) {
        let canonical = host.to_string();
        assert_eq!(Host::parse(&canonical).as_ref(), Ok(&host), "{canonical:?} is another host than {text:?}");
        let _ = classify(&host);
    }
    if let Ok(authority) = Authority::parse(text, Some(443)) {
        assert_eq!(Authority::parse(&authority.to_string(), None), Ok(authority));
    }
    let shown = SafeUrl::redact(text);
    assert!(!shown.as_str().contains(|c: char| c.is_control()));
});
