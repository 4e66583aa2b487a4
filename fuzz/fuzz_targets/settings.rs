//! The settings file: every text is read or refused with a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::config::{Sources, load};

fuzz_target!(|text: &str| {
    let sources = Sources { file: Some(("outgate.toml", text)), ..Sources::default() };
    if let Err(errors) = load(&sources) {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(!error.to_string().is_empty());
        }
    }
});
