//! The scanner against rows of URLs: what must be found, and what must not. See
//! tests/data/credentials/README.md for how the rows are written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

mod credentials {
    pub(crate) mod rows;
}

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use credentials::rows::{Draw, broken, expand, lines};
use outgate::logic::scan::{
    BUILTIN, FingerprintKey, KINDS, Reach, Sighting, Signing, Unstrippable, redact, strip,
};
use outgate::model::{Rule, Severity};
use proptest::prelude::*;

const TOKENS: &str = include_str!("data/credentials/tokens.tsv");
const CONTEXTS: &str = include_str!("data/credentials/contexts.txt");
const URLS: &str = include_str!("data/credentials/urls.tsv");
const NEAR: &str = include_str!("data/credentials/near.tsv");
const REPLAY: &str = include_str!("data/credentials/replay.txt");

fn scan(url: &str) -> Vec<Sighting> {
    let mut found = Vec::new();
    BUILTIN.url(url.as_bytes(), &mut found);
    for sighting in &found {
        assert!(sighting.span.start < sighting.span.end && sighting.span.end <= url.len());
    }
    found
}

fn told(found: &[Sighting]) -> Vec<(&'static str, String)> {
    found
        .iter()
        .map(|sighting| (sighting.kind.id, sighting.place.clone()))
        .collect()
}

fn grave(found: &[Sighting]) -> Vec<(&'static str, String)> {
    let mut told = told(found);
    told.retain(|(kind, _)| {
        KINDS
            .iter()
            .any(|known| known.id == *kind && known.severity > Severity::Info)
    });
    told
}

#[test]
fn tokens_are_found_wherever_they_stand() {
    let mut wrong = Vec::new();
    for (number, row) in lines(TOKENS).enumerate() {
        let [kind, template, _] = row[..] else {
            panic!("{row:?}");
        };
        for (place, context) in CONTEXTS.lines().enumerate() {
            let token = expand(template, &mut Draw::new((number * 1000 + place) as u64));
            let url = context.replacen("{}", &token, 1);
            let found = scan(&url);
            let is_right = found.len() == 1 && found[0].kind.id == kind;
            if !is_right {
                wrong.push(format!("{template} in {context}: {:?}", told(&found)));
                continue;
            }
            if url.contains(&token) {
                let span = &url[found[0].span.clone()];
                if !span.contains(&token) && !token.contains(span) {
                    wrong.push(format!("{template} in {context}: another span"));
                }
                let shown = redact(&url, &found);
                assert!(!shown.as_str().contains(&token), "{template} in {context}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn broken_tokens_are_none() {
    let mut wrong = Vec::new();
    for (number, row) in lines(TOKENS).enumerate() {
        let template = row[1];
        let token = expand(template, &mut Draw::new(number as u64));
        for (how, token) in broken(&token, template) {
            for context in CONTEXTS.lines() {
                let found = grave(&scan(&context.replacen("{}", &token, 1)));
                if !found.is_empty() {
                    wrong.push(format!("{template}, {how}, in {context}: {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn credentials_in_urls_are_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for (number, row) in lines(URLS).enumerate() {
        let [kind, place, template] = row[..] else {
            panic!("{row:?}");
        };
        let found = scan(&expand(template, &mut Draw::new(number as u64)));
        let told = told(&found);
        if told != [(kind, place.to_owned())] {
            wrong.push(format!(
                "{template}\n    is {told:?}\n    not {kind} {place}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_looks_like_a_credential_is_none() {
    let mut wrong = Vec::new();
    for (number, row) in lines(NEAR).enumerate() {
        let found = grave(&scan(&expand(row[1], &mut Draw::new(number as u64))));
        if !found.is_empty() {
            wrong.push(format!("{}: {found:?}", row[1]));
        }
    }
    for url in REPLAY.lines() {
        let found = grave(&scan(url));
        if !found.is_empty() {
            wrong.push(format!("{url}: {found:?}"));
        }
    }
    assert!(REPLAY.lines().count() >= 300);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every kind has at least twenty rows on each side; tokens stand in every context.
#[test]
fn every_kind_has_its_rows() {
    let contexts = CONTEXTS.lines().count();
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in lines(TOKENS) {
        *rows.entry(row[0]).or_default() += contexts;
    }
    for row in lines(URLS) {
        *rows.entry(row[0]).or_default() += 1;
    }
    let near: BTreeSet<&str> = lines(NEAR).map(|row| row[0]).collect();
    for kind in KINDS {
        // A user name is reported and no more; six ways to write one are all there are.
        let least = if kind.reach == Reach::Report && kind.severity == Severity::Info {
            6
        } else {
            20
        };
        let has = rows.get(kind.id).copied().unwrap_or(0);
        assert!(has >= least, "{}: {has} rows", kind.id);
        if kind.rule == Rule::UrlCredentials {
            let is_told = near.contains(kind.id)
                || lines(TOKENS).any(|row| row[0] == kind.id)
                || kind.id == "username";
            assert!(is_told, "{} has no near miss", kind.id);
        }
    }
}

#[test]
fn a_url_is_stripped_without_touching_another_byte() {
    let token = "a1b2c3d4e5f6a7b8";
    let cases = [
        ("https://user:pass@h/p?q=1", Ok("https://h/p?q=1")),
        ("https://h/p?token={}", Ok("https://h/p")),
        ("https://h/p?token={}&q=%20", Ok("https://h/p?q=%20")),
        ("https://h/p?q=1&token={}", Ok("https://h/p?q=1")),
        (
            "https://h/p?a=1&token={}&b=2#f",
            Ok("https://h/p?a=1&b=2#f"),
        ),
        ("https://h/p?token={}&password=xy&b", Ok("https://h/p?b")),
        ("https://h/p?b&token={}&password=xy", Ok("https://h/p?b")),
        ("https://u:p@h/?token={}", Ok("https://h/")),
        (
            "https://h/?a=;;&token={};b=%zz",
            Ok("https://h/?a=;;&b=%zz"),
        ),
        (
            "https://h/?u=https%3A%2F%2Fx%2F%3Ftoken%3D{}",
            Err(Unstrippable::Nested),
        ),
        ("https://h/;jsessionid={}/x", Err(Unstrippable::Nested)),
        ("https://h/p?q=1", Ok("https://h/p?q=1")),
        ("https://user@h/p", Ok("https://user@h/p")),
    ];
    for (url, expected) in cases {
        let url = url.replace("{}", token);
        let stripped = strip(url.as_bytes(), &scan(&url), Signing::None);
        let text = stripped.map(|stripped| String::from_utf8(stripped.url).unwrap());
        assert_eq!(text, expected.map(str::to_owned), "{url}");
    }
    let url = "https://u:p@h/?token=a1b2c3d4e5f6a7b8";
    assert_eq!(
        strip(url.as_bytes(), &scan(url), Signing::Headers),
        Err(Unstrippable::Signed)
    );
    let url = "https://u:p@h/?X-Amz-Credential=A&X-Amz-Signature=00112233";
    let stripped = strip(url.as_bytes(), &scan(url), Signing::None).unwrap();
    assert_eq!(stripped.url, url.replace("u:p@", "").as_bytes());
    assert_eq!(&url[stripped.userinfo.unwrap()], "u:p");
}

#[test]
fn one_secret_has_one_fingerprint_however_it_is_written() {
    let key = FingerprintKey::new([7; 32]);
    let of = |key: &FingerprintKey, url: &str| scan(url)[0].fingerprint(key, url.as_bytes());
    let first = of(&key, "https://h/?token=a1b2c3d4-e5f6");
    assert_eq!(first.len(), 32);
    for same in [
        "https://h/?x=1&access_token=a1b2c3d4%2De5f6",
        "https://u:a1b2c3d4-e5f6@h/",
        "https://h/?u=https%3A%2F%2Fx%2F%3Ftoken%3Da1b2c3d4-e5f6",
    ] {
        assert_eq!(of(&key, same), first, "{same}");
    }
    assert_ne!(of(&key, "https://h/?token=a1b2c3d4-e5f7"), first);
    let other = FingerprintKey::new([8; 32]);
    assert_ne!(of(&other, "https://h/?token=a1b2c3d4-e5f6"), first);
    assert!(!format!("{key:?}").contains('7'));
}

#[test]
fn headers_are_looked_through_where_they_hold_urls() {
    let cases = [
        (
            "Referer",
            "https://u:p@h/",
            "userinfo",
            "header.referer.userinfo",
        ),
        (
            "ORIGIN",
            "https://u:p@h",
            "userinfo",
            "header.origin.userinfo",
        ),
        (
            "location",
            "/x?token=a1b2c3d4e5",
            "secret-parameter",
            "header.location.query.token",
        ),
        (
            "Link",
            "<https://h/?page=2>; rel=\"next\", <https://h/?access_token=a1b2c3d4e5>; rel=last",
            "secret-parameter",
            "header.link.query.access_token",
        ),
    ];
    for (name, value, kind, place) in cases {
        let mut found = Vec::new();
        BUILTIN.header(name, value.as_bytes(), &mut found);
        assert_eq!(told(&found), [(kind, place.to_owned())], "{name}");
        assert!(value.get(found[0].span.clone()).is_some());
    }
    for (name, value) in [
        ("X-Other", "https://u:p@h/"),
        ("Link", "<<>><"),
        ("Referer", ""),
    ] {
        let mut found = Vec::new();
        BUILTIN.header(name, value.as_bytes(), &mut found);
        assert!(found.is_empty(), "{name}");
    }
}

#[test]
fn no_sighting_shows_what_it_saw() {
    for (number, row) in lines(URLS).enumerate() {
        let url = expand(row[2], &mut Draw::new(number as u64));
        for sighting in scan(&url) {
            let secret = &url[sighting.span.clone()];
            let text = format!(
                "{sighting:?} {} {}",
                sighting.hint(),
                redact(&url, &scan(&url))
            );
            assert!(secret.len() < 12 || !text.contains(secret), "{}", row[2]);
        }
    }
}

/// Pieces of which URLs and look-alikes are made.
fn url_like() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "https://",
        "u:p@",
        "@",
        "h.example",
        "/",
        "?",
        "&",
        ";",
        "=",
        "#",
        "%",
        "%25",
        "%2F",
        "%3A%2F%2F",
        "token",
        "password",
        "ghp_",
        "sk-",
        "eyJ",
        "-----BEGIN",
        ".",
        ":AA",
        "Q~",
        "X-Amz-Signature",
        "X-Amz-Credential",
        "sig",
        "sv",
        "se",
        "{\"",
        "\":\"",
        "\"}",
        "xoxb-",
        "abcdefgh01234567",
        "AccountKey=",
        "hooks.slack.com",
        "/services/",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
        2 => "[A-Za-z0-9]{1,40}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_input_is_read(url in url_like()) {
        let mut found = Vec::new();
        BUILTIN.url(&url, &mut found);
        BUILTIN.header("link", &url, &mut Vec::new());
        for sighting in &found {
            prop_assert!(sighting.span.start < sighting.span.end);
            prop_assert!(sighting.span.end <= url.len());
            prop_assert!(!sighting.place.is_empty());
            sighting.fingerprint(&FingerprintKey::new([1; 32]), &url);
        }
        if let Ok(stripped) = strip(&url, &found, Signing::None) {
            prop_assert!(stripped.url.len() <= url.len());
        }
        let text = String::from_utf8_lossy(&url);
        redact(&text, &scan(&text));
    }

    /// A token is found in front of and behind other parameters as it is by itself.
    #[test]
    fn what_stands_around_it_hides_nothing(before in "[a-z]{1,8}=[a-z0-9%]{0,30}", after in "[a-z]{1,8}=[a-z0-9]{0,30}", seed in any::<u64>()) {
        let token = expand("glpat-{word:20}", &mut Draw::new(seed));
        let url = format!("https://h.example/?{before}&zz={token}&{after}");
        let found = scan(&url);
        prop_assert!(found.iter().any(|sighting| sighting.kind.id == "gitlab-token" && url[sighting.span.clone()] == token));
    }
}
