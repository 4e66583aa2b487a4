//! That the tables are what searching them needs. What they lead to is tests/aws_endpoints.rs.

use super::region::{self, Place};
use super::{additions, generated, head, tables};

fn is_sorted<T: Ord>(keys: impl Iterator<Item = T>) -> bool {
    keys.collect::<Vec<_>>().is_sorted_by(|a, b| a < b)
}

#[test]
fn searched_tables_are_sorted_and_have_no_key_twice() {
    assert!(is_sorted(generated::SERVICES.iter().map(|row| row.0)));
    assert!(is_sorted(generated::EXACT.iter().map(|row| row.host)));
    for table in [generated::HIDDEN_FIPS, generated::HIDDEN_DUAL_STACK] {
        assert!(is_sorted(table.iter().map(tables::Hidden::key)));
    }
    for table in [additions::PATTERNS, additions::UNDER] {
        assert!(is_sorted(table.iter().map(|row| row.pattern())));
    }
    assert!(is_sorted(additions::REGION_CODES.iter().map(|row| row.0)));
}

#[test]
fn every_addition_has_a_source_and_adds_something() {
    for row in additions::PATTERNS {
        assert!(!row.source.is_empty(), "{}", row.pattern());
        let known = generated::SERVICES
            .iter()
            .any(|(pattern, _)| *pattern == row.pattern());
        assert!(!known, "{} is in the data by now", row.pattern());
    }
}

#[test]
fn no_pattern_has_more_labels_than_are_looked_at() {
    let additions = additions::PATTERNS.iter().map(|row| row.pattern());
    let longest = generated::SERVICES
        .iter()
        .map(|row| row.0)
        .chain(additions)
        .map(|pattern| pattern.split('.').count())
        .max();
    assert_eq!(longest, Some(head::PATTERN_LABELS));
}

#[test]
fn region_codes_stand_for_regions() {
    for (code, region) in additions::REGION_CODES {
        assert!(region::partition(region).is_some(), "{code}");
    }
}

#[test]
fn regions_by_their_partitions_patterns() {
    let cases = [
        ("us-east-1", Some(Place::Region("aws"))),
        ("us-east-99", Some(Place::Region("aws"))),
        ("us-gov-west-1", Some(Place::Region("aws-us-gov"))),
        ("us-iso-east-1", Some(Place::Region("aws-iso"))),
        ("us-isob-east-1", Some(Place::Region("aws-iso-b"))),
        ("us-isof-south-1", Some(Place::Region("aws-iso-f"))),
        ("eu-isoe-west-1", Some(Place::Region("aws-iso-e"))),
        ("eusc-de-east-1", Some(Place::Region("aws-eusc"))),
        ("cn-northwest-1", Some(Place::Region("aws-cn"))),
        ("us-gov", Some(Place::Global(Some("aws-us-gov")))),
        ("aws-cn-global", Some(Place::Global(Some("aws-cn")))),
        ("global", Some(Place::Global(None))),
        ("us-gov-1", Some(Place::Region("aws"))),
        ("us-east-", None),
        ("us-east-x1", None),
        ("us--1", None),
        ("us-1", None),
        ("xus-east-1", None),
        ("us-east-1a", None),
        ("zz-east-1", None),
        ("x-global", None),
        ("", None),
    ];
    for (label, place) in cases {
        assert_eq!(region::read(label), place, "{label}");
    }
    assert_eq!(region::joined("s3-us-west-2"), Some(("s3", "us-west-2")));
    assert_eq!(
        region::joined("s3-fips-us-gov-west-1"),
        Some(("s3-fips", "us-gov-west-1"))
    );
    assert_eq!(region::joined("us-west-2"), None);
    assert_eq!(region::joined("compute-1"), None);
}
