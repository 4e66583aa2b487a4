use proptest::prelude::*;

use super::*;
use crate::logic::aws::percent;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// What is told of a signature, in one line.
fn told(identity: &Identity<'_>) -> String {
    let scope = identity.scope.as_ref();
    let words = [
        identity.scheme.id(),
        identity.presigned.then_some("presigned"),
        identity.key.as_ref().map(AccessKey::as_str),
        scope.map(|scope| scope.date.as_ref()),
        scope.and_then(|scope| scope.region.as_str()),
        scope.map(|scope| scope.service.as_ref()),
        identity.signed_headers.as_deref(),
        identity.has_token.then_some("token"),
    ];
    let mut told: Vec<String> = words.into_iter().flatten().map(str::to_owned).collect();
    told.extend(identity.expires.map(|expires| expires.to_string()));
    told.extend(identity.payload.map(|payload| format!("{payload:?}")));
    told.extend(identity.fault.map(|fault| format!("!{fault:?}")));
    told.join(" ")
}

/// headers, query, what is told
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

fn check(cases: &[Case<'_>]) {
    for (headers, query, expected) in cases {
        assert_eq!(
            told(&Identity::read(*headers, query)),
            *expected,
            "{headers:?} {query}"
        );
    }
}

#[test]
fn headers_are_told_and_no_secret_is_taken_for_a_key_id() {
    check(&[
        (&[], "", "none"),
        (&[("Authorization", "bearer x")], "", "bearer"),
        (&[("authorization", "Basic QVdTOng=")], "", "basic"),
        (&[("authorization", "Digest x")], "", ""),
        (&[("authorization", "")], "", ""),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
            )],
            "",
            "sigv4 AKIAIOSFODNN7EXAMPLE 20260101 us-east-1 s3 host;x-amz-date",
        ),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/sts/aws4_request,Signature=00",
            )],
            "",
            "sigv4 AKIAIOSFODNN7EXAMPLE 20260101 eu-west-1 sts host",
        ),
        (
            &[
                (
                    "Authorization",
                    "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/s3/aws4_request, SignedHeaders=host;x-amz-region-set, Signature=3046",
                ),
                ("X-Amz-Region-Set", "us-east-1,eu-*"),
                ("X-Amz-Security-Token", "x"),
            ],
            "",
            "sigv4a AKIAIOSFODNN7EXAMPLE 20260101 us-east-1,eu-* s3 host;x-amz-region-set token",
        ),
        (
            &[(
                "Authorization",
                "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/s3/aws4_request, SignedHeaders=host, Signature=00",
            )],
            "",
            "sigv4a AKIAIOSFODNN7EXAMPLE 20260101 s3 host !Parameter",
        ),
        (
            &[(
                "Authorization",
                "AWS4-X509-RSA-SHA256 Credential=1234567890/20260101/us-east-1/rolesanywhere/aws4_request, SignedHeaders=host, Signature=00",
            )],
            "",
            "sigv4-x509 20260101 us-east-1 rolesanywhere host",
        ),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )],
            "",
            "sigv4 !Credential",
        ),
        (
            &[("Authorization", "AWS4-HMAC-SHA256")],
            "",
            "sigv4 !Parameter",
        ),
        (
            &[("Authorization", "AWS4-HMAC-SHA512 Credential=x")],
            "",
            "sigv4 !Algorithm",
        ),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, Credential=AKIAI44QH8DHBEXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
            )],
            "",
            "sigv4 !Parameter",
        ),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=x-amz-date, Signature=00",
            )],
            "",
            "sigv4 AKIAIOSFODNN7EXAMPLE 20260101 us-east-1 s3 !SignedHeaders",
        ),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=Host, Signature=00",
            )],
            "",
            "sigv4 AKIAIOSFODNN7EXAMPLE 20260101 us-east-1 s3 !SignedHeaders",
        ),
        (
            &[(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none",
            )],
            "",
            "sigv4 AKIAIOSFODNN7EXAMPLE 20260101 us-east-1 s3 host !Signature",
        ),
        (
            &[(
                "Authorization",
                "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=",
            )],
            "",
            "sigv2 AKIAIOSFODNN7EXAMPLE",
        ),
        (&[("Authorization", "AWS x:y")], "", "sigv2 !Credential"),
        (
            &[("Authorization", "AWS AKIAIOSFODNN7EXAMPLE")],
            "",
            "sigv2 AKIAIOSFODNN7EXAMPLE !Signature",
        ),
        // A second field never hides a signature.
        (
            &[
                ("Authorization", "Bearer x"),
                ("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:eA=="),
            ],
            "",
            "sigv2 AKIAIOSFODNN7EXAMPLE !Several",
        ),
        (
            &[("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:\u{e9}")],
            "",
            "sigv2 !Parameter",
        ),
    ]);
}

#[test]
fn presigned_urls_are_told() {
    check(&[
        (
            &[],
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=x&X-Amz-Signature=00",
            "sigv4 presigned AKIAIOSFODNN7EXAMPLE 20260101 us-west-2 s3 host token 900",
        ),
        (
            &[],
            "x-amz-algorithm=AWS4-HMAC-SHA256&X%2DAmz-Credential=%41KIAIOSFODNN7EXAMPLE/20260101/us-west-2/s3/aws4_request&X-Amz-SignedHeaders=content-type%3Bhost&x-amz-signature=00&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
            "sigv4 presigned AKIAIOSFODNN7EXAMPLE 20260101 us-west-2 s3 content-type;host Unsigned",
        ),
        (
            &[],
            "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fs3%2Faws4_request&X-Amz-Region-Set=%2A&X-Amz-SignedHeaders=host&X-Amz-Signature=30",
            "sigv4a presigned AKIAIOSFODNN7EXAMPLE 20260101 * s3 host",
        ),
        (
            &[],
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature=x%3D",
            "sigv2 presigned AKIAIOSFODNN7EXAMPLE",
        ),
        (&[], "X-Amz-Algorithm=AWS4-HMAC-SHA256", "none"),
        (&[], "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE", "none"),
        (&[], "X-Amz-Signature=00", "sigv4 presigned !Algorithm"),
        (
            &[],
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Credential=x&X-Amz-SignedHeaders=host&X-Amz-Signature=00",
            "sigv4 presigned !Parameter",
        ),
        (
            &[("Authorization", "Bearer x")],
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature=x%3D",
            "sigv2 presigned AKIAIOSFODNN7EXAMPLE !Several",
        ),
        (
            &[("Authorization", "AWS AKIAI44QH8DHBEXAMPLE:eA==")],
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature=x%3D",
            "sigv2 AKIAI44QH8DHBEXAMPLE !Several",
        ),
    ]);
}

#[test]
fn what_a_signature_covers_of_the_body_is_told() {
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (value, payload, is_chunked) in [
        (hash, Payload::Hash, false),
        ("UNSIGNED-PAYLOAD", Payload::Unsigned, false),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Payload::Chunks, true),
        (
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Payload::ChunksAndTrailer,
            true,
        ),
        (
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
            Payload::Chunks,
            true,
        ),
        (
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Payload::UnsignedChunksAndTrailer,
            true,
        ),
        ("STREAMING-AWS4-HMAC-SHA256-EVENTS", Payload::Events, false),
        ("required", Payload::Other, false),
    ] {
        let headers = [
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
            ),
            ("X-Amz-Content-SHA256", value),
        ];
        let identity = Identity::read(headers.as_slice(), "");
        assert_eq!(identity.payload, Some(payload), "{value}");
        assert_eq!(payload.is_chunked(), is_chunked, "{value}");
        assert_eq!(identity.fault, None, "{value}");
    }
}

#[test]
fn key_ids_tell_their_kind_and_the_new_ones_their_account() {
    for (id, kind, account) in [
        // Made up: 20 bits of prefix, a generation bit of 1, 40 bits of account, the rest.
        (
            "AKIAQZ3XR7WKAAAAAAAA",
            KeyKind::LongTerm,
            Some("055548444052"),
        ),
        (
            "ASIAQAAAAAAAQAAAAAAA",
            KeyKind::Temporary,
            Some("000000000001"),
        ),
        ("ASIA7777777777777777", KeyKind::Temporary, None), // more than twelve digits
        (
            "ABIAQAAAAAAAQAAAAAAA",
            KeyKind::BearerToken,
            Some("000000000001"),
        ),
        (
            "ACCAQAAAAAAAQAAAAAAA",
            KeyKind::ContextSpecific,
            Some("000000000001"),
        ),
        ("AIDAQAAAAAAAQAAAAAAA", KeyKind::Other, None),
        // The old generation.
        ("AKIAIOSFODNN7EXAMPLE", KeyKind::LongTerm, None),
        ("AKIAJAAAAAAAQAAAAAAA", KeyKind::LongTerm, None),
        // No base32, and another length.
        ("AKIAQAAAAAAAQAAAAAA1", KeyKind::LongTerm, None),
        ("AKIAQAAAAAAAQAAAAAAAA", KeyKind::LongTerm, None),
    ] {
        let key = AccessKey::read(id.into()).unwrap();
        assert_eq!(key.kind(), kind, "{id}");
        let told = key.account().map(|account| account.to_string());
        assert_eq!(told.as_deref(), account, "{id}");
    }
    for id in [
        "AKIA",
        "akiaiosfodnn7example",
        "wJalrXUtnFEMI/K7MDENG",
        "AKIAIOSFODNN7EXAMPL\u{c9}",
    ] {
        assert_eq!(AccessKey::read(id.into()), None, "{id}");
    }
}

/// The id of a key of `account`, of the new generation.
fn id_of(account: u64, rest: u64) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = 1_u128 << 79 | u128::from(account) << 39 | u128::from(rest) & 0x7f_ffff_ffff;
    let digits = (0..16)
        .rev()
        .map(|at| char::from(DIGITS[(bits >> (at * 5) & 31) as usize]));
    format!("ASIA{}", digits.collect::<String>())
}

fn header_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("AWS4-HMAC-SHA256 ".to_owned()),
        Just("AWS4-ECDSA-P256-SHA256 ".to_owned()),
        Just("AWS ".to_owned()),
        Just(format!(
            "Credential={KEY}/20260101/us-east-1/s3/aws4_request"
        )),
        Just("SignedHeaders=host".to_owned()),
        Just("Signature=00ff".to_owned()),
        Just(", ".to_owned()),
        Just("=".to_owned()),
        Just("/".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn query_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("X-Amz-Algorithm=AWS4-HMAC-SHA256&".to_owned()),
        Just(format!(
            "X-Amz-Credential={KEY}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&"
        )),
        Just("X-Amz-SignedHeaders=host&".to_owned()),
        Just("X-Amz-Signature=00ff&".to_owned()),
        Just("X-Amz-Expires=".to_owned()),
        Just(format!("AWSAccessKeyId={KEY}&")),
        Just("Signature=".to_owned()),
        "[ -~]{0,6}",
        "%[0-9a-fA-F]{0,2}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_account_is_read_back(account in 0..=999_999_999_999_u64, rest: u64) {
        let key = AccessKey::read(id_of(account, rest).into()).unwrap();
        let told = key.account().unwrap().to_string();
        prop_assert_eq!(&told, &format!("{account:012}"));
        prop_assert_eq!(AccountId::read(&told), key.account());
    }

    #[test]
    fn any_head_is_told_the_same_twice_and_without_its_signature(
        header in header_like(),
        query in query_like(),
        has_header: bool,
    ) {
        let headers: Vec<_> = has_header.then_some(("authorization", header.as_str())).into_iter().collect();
        let identity = Identity::read(headers.as_slice(), &query);
        prop_assert_eq!(&identity, &Identity::read(headers.as_slice(), &query));
        let debug = format!("{identity:?}");
        prop_assert!(!debug.contains("00ff"), "{}", debug);
        // Only what has the form of an id is shown, whole.
        if let Some(key) = &identity.key {
            prop_assert!(header.contains(key.as_str()) || percent::decode_form(&query).is_none_or(|query| query.contains(key.as_str())));
        }
        prop_assert!(identity.scheme != Scheme::None || identity.key.is_none());
    }
}
