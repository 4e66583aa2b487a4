//! Who signs a request: no input panics, and no signature is kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::logic::aws::Identity;

fuzz_target!(|input: (Vec<&[u8]>, &str)| {
    let (values, query) = input;
    let names = ["authorization", "x-amz-content-sha256", "x-amz-region-set", "x-amz-security-token"];
    let headers: Vec<(&str, &[u8])> = names.into_iter().cycle().zip(values).collect();
    let identity = Identity::read(headers.as_slice(), query);
    if let Some(key) = &identity.key {
        assert!(key.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
        let _ = key.account();
    }
    assert!(!identity.presigned || identity.scheme.is_signature());
});
