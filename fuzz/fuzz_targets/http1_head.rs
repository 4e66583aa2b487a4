//! Request heads: the verdict on a head does not depend on how its bytes arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::logic::wire::http1::{HeadLimits, UpstreamLeg, read_request_head, upstream_head};

fuzz_target!(|bytes: &[u8]| {
    let limits = HeadLimits { bytes: 4096, headers: 32 };
    let whole = read_request_head(bytes, limits);
    let mut first = None;
    for end in 0..=bytes.len().min(5000) {
        match read_request_head(&bytes[..end], limits) {
            Ok(None) => {}
            verdict => {
                first = Some(verdict);
                break;
            }
        }
    }
    match (whole, first) {
        (Ok(None), None) => {}
        (whole, Some(first)) => assert_eq!(whole, first),
        (whole, None) => assert!(bytes.len() > 5000, "{whole:?} only at once"),
    }
    if let Ok(Some((head, used))) = read_request_head(bytes, limits) {
        assert!(used <= bytes.len());
        let sent = upstream_head(&head, UpstreamLeg::default());
        assert!(sent.ends_with(b"\r\n\r\n"));
    }
});
