//! Chunked bodies: the same end however the bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::logic::wire::http1::{Body, Framing};

fn follow(bytes: &[u8], step: usize) -> Result<(usize, bool), String> {
    let mut body = Body::new(Framing::Chunked);
    let mut taken = 0;
    for piece in bytes.chunks(step) {
        if body.is_done() {
            break;
        }
        taken += body.advance(piece).map_err(|error| error.kind().to_owned())?;
    }
    Ok((taken, body.is_done()))
}

fuzz_target!(|bytes: &[u8]| {
    if bytes.is_empty() {
        return;
    }
    let whole = follow(bytes, bytes.len());
    for step in [1, 2, 3, 7] {
        assert_eq!(follow(bytes, step), whole, "in pieces of {step}");
    }
});
