//! The follower of body framing: tables, and the same answer for every split.
#![allow(clippy::unwrap_used, reason = "tests")]

use outgate::logic::wire::http1::Body;
use outgate::logic::wire::http1::Framing;
use outgate::logic::wire::http1::FramingError;
use proptest::prelude::*;

/// How many bytes belong to the body, and whether it ended; fed in pieces of `step`.
fn follow(framing: Framing, bytes: &[u8], step: usize) -> Result<(usize, bool), FramingError> {
    let mut body = Body::new(framing);
    let mut taken = 0;
    for piece in bytes.chunks(step) {
        let here = body.advance(piece)?;
        taken += here;
        if here < piece.len() {
            break;
        }
    }
    Ok((taken, body.is_done()))
}

#[test]
fn bodies_end_where_their_framing_says() {
    let cases: [(Framing, &str, &str); 11] = [
        (Framing::None, "", "GET"),
        (Framing::Length(0), "", "GET"),
        (Framing::Length(3), "abc", "GET"),
        (Framing::Chunked, "0\r\n\r\n", "GET"),
        (Framing::Chunked, "3\r\nabc\r\n0\r\n\r\n", "GET"),
        (
            Framing::Chunked,
            "0000000000000003\r\na\r\n\r\n0\r\n\r\n",
            "GET",
        ),
        (
            Framing::Chunked,
            "A\r\n0123456789\r\nb\r\n0123456789a\r\n000\r\n\r\n",
            "\r\n",
        ),
        (
            Framing::Chunked,
            "3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n",
            "GET",
        ),
        (
            Framing::Chunked,
            "0\r\nA: b\r\nx-checksum:\t\u{fc} \r\n\r\n",
            "GET",
        ),
        (Framing::Chunked, "1\r\n\n\r\n0\r\nA:\r\n\r\n", "0"),
        (Framing::Chunked, "2\r\n\r\n\r\n0\r\n\r\n", ""),
    ];
    for (framing, body, behind) in cases {
        let bytes = format!("{body}{behind}").into_bytes();
        for step in 1..=bytes.len().max(1) {
            assert_eq!(
                follow(framing, &bytes, step),
                Ok((body.len(), true)),
                "{body:?} by {step}"
            );
        }
        for end in 0..body.len() {
            let (taken, done) = follow(framing, bytes.get(..end).unwrap(), 4).unwrap();
            assert_eq!((taken, done), (end, false), "{body:?} to {end}");
        }
    }
}

#[test]
fn faulty_chunks_are_refused_by_name() {
    let long = format!("1;{}", "e".repeat(4096));
    let trailers = format!("0\r\n{}", "A: b\r\n".repeat(11_000));
    let cases: [(&str, FramingError); 26] = [
        ("\r\n", FramingError::ChunkSize),
        (";a\r\n", FramingError::ChunkSize),
        ("g\r\n", FramingError::ChunkSize),
        ("+1\r\n", FramingError::ChunkSize),
        ("-1\r\n", FramingError::ChunkSize),
        ("0x1\r\n", FramingError::ChunkSize),
        (" 1\r\n", FramingError::ChunkSize),
        ("1 \r\n", FramingError::ChunkSize),
        ("1\t;a\r\n", FramingError::ChunkSize),
        ("1_0\r\n", FramingError::ChunkSize),
        ("00000000000000001\r\n", FramingError::ChunkSize),
        ("1\n", FramingError::LineEnd),
        ("1\rx", FramingError::LineEnd),
        ("1;a\n", FramingError::LineEnd),
        ("1;a\rb", FramingError::LineEnd),
        ("1;a\0", FramingError::ChunkExtension),
        (&long, FramingError::ChunkExtension),
        ("1\r\nab", FramingError::ChunkEnd),
        ("1\r\na\n", FramingError::ChunkEnd),
        ("1\r\na\r0", FramingError::ChunkEnd),
        ("0\r\nA: b\n", FramingError::LineEnd),
        ("0\r\n\n", FramingError::LineEnd),
        ("0\r\nA b\r\n", FramingError::Trailer),
        ("0\r\n A: b\r\n", FramingError::Trailer),
        ("0\r\ncontent-length: 1\r\n", FramingError::TrailerName),
        (&trailers, FramingError::TrailerBytes),
    ];
    for (bytes, error) in cases {
        for step in [1, 2, 3, 7, bytes.len()] {
            assert_eq!(
                follow(Framing::Chunked, bytes.as_bytes(), step),
                Err(error),
                "{:?} by {step}",
                bytes.get(..20).unwrap_or(bytes)
            );
        }
    }
}

#[test]
fn an_end_of_the_connection_is_an_end_only_where_framing_says_so() {
    let mut body = Body::new(Framing::UntilClose);
    assert_eq!(body.advance(b"abc"), Ok(3));
    assert!(!body.is_done());
    assert_eq!(body.end(), Ok(()));
    assert!(body.is_done());
    for (framing, bytes) in [
        (Framing::Length(4), "abc"),
        (Framing::Chunked, "3\r\nabc\r\n0\r\n"),
        (Framing::Chunked, ""),
    ] {
        let mut body = Body::new(framing);
        body.advance(bytes.as_bytes()).unwrap();
        assert_eq!(body.end(), Err(FramingError::Truncated));
    }
    assert_eq!(Body::new(Framing::None).end(), Ok(()));
}

#[test]
fn lengths_beyond_memory_are_only_counted() {
    let mut body = Body::new(Framing::Length(u64::MAX));
    assert_eq!(body.advance(&[0; 1000]), Ok(1000));
    let mut body = Body::new(Framing::Chunked);
    assert_eq!(body.advance(b"ffffffffffffffff\r\nabc"), Ok(21));
    assert!(!body.is_done());
}

proptest! {
    #[test]
    fn every_split_gives_the_same_answer(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
        trailer in prop::option::of("x-[a-z]{1,9}: [ -~]{0,9}"),
        broken_at in any::<prop::sample::Index>(),
        broken_to in prop::option::of(any::<u8>()),
        step in 1usize..30,
    ) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            bytes.extend_from_slice(format!("{:x};e\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n");
        if let Some(trailer) = &trailer {
            bytes.extend_from_slice(trailer.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        if let Some(byte) = broken_to {
            let at = broken_at.index(bytes.len());
            *bytes.get_mut(at).unwrap() = byte;
        }
        let whole = follow(Framing::Chunked, &bytes, bytes.len());
        prop_assert_eq!(follow(Framing::Chunked, &bytes, step), whole);
        if broken_to.is_none() {
            prop_assert_eq!(whole, Ok((bytes.len(), true)));
        }
    }
}
