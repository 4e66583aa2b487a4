//! Every name that botocore's data can produce, against the classifier. tools/endpoints.py writes
//! the data, with botocore's own resolver: the classifier has no part in it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests may panic as tests do"
)]

use outgate::logic::aws::{Class, Operator, classify};
use outgate::model::Host;
use proptest::prelude::*;

static CORPUS: &str = include_str!("data/aws-endpoints.tsv");

static HARD_NAMES: &str = include_str!("data/aws-hard-names.txt");

/// Names that are classified otherwise than the data says, and why. None at present.
const EXCEPTIONS: &[(&str, &str)] = &[];

struct Expected {
    host: String,
    service: &'static str,
    region: Option<&'static str>,
    partition: &'static str,
    fips: bool,
    dualstack: bool,
}

#[test]
fn every_name_of_the_data_is_classified_as_the_data_says() {
    let (mut seen, mut faults) = (0_u32, Vec::new());
    for_each(|expected| {
        seen += 1;
        if let Some(fault) = fault(&expected) {
            faults.push(fault);
        }
    });
    assert!(seen > 90_000, "the corpus shrank to {seen} names");
    let unexplained: Vec<_> = faults
        .iter()
        .filter(|fault| {
            !EXCEPTIONS
                .iter()
                .any(|(host, _)| fault.starts_with(&format!("{host}:")))
        })
        .collect();
    assert!(
        unexplained.is_empty(),
        "{} of {seen} names are wrong, the first:\n{}",
        unexplained.len(),
        unexplained
            .iter()
            .take(40)
            .map(|fault| fault.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
    );
    assert_eq!(faults.len(), EXCEPTIONS.len(), "an exception has gone");
}

fn fault(expected: &Expected) -> Option<String> {
    let host = Host::parse(&expected.host).ok()?;
    let Class::Aws(found) = classify(&host) else {
        return Some(format!("{host}: other"));
    };
    let same = found.service.as_deref() == Some(expected.service)
        && found.region.as_deref() == expected.region
        && found.partition == expected.partition
        && found.fips == expected.fips
        && found.dualstack == expected.dualstack;
    (!same).then(|| {
        format!(
            "{host}: {:?} instead of {:?} {:?} {} fips {} dualstack {}",
            found,
            expected.service,
            expected.region,
            expected.partition,
            expected.fips,
            expected.dualstack
        )
    })
}

/// Unfolds the corpus: a template stands for a name in each region of a numbered list.
fn for_each(mut visit: impl FnMut(Expected)) {
    let mut lists: Vec<Vec<&'static str>> = Vec::new();
    for line in CORPUS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(list) = line.strip_prefix('@') {
            let (number, regions) = list.split_once('\t').unwrap();
            assert_eq!(number.parse(), Ok(lists.len()));
            lists.push(regions.split(' ').collect());
            continue;
        }
        let fields: Vec<_> = line.split('\t').collect();
        let [template, service, partition, flags, place] = fields[..] else {
            panic!("{line}");
        };
        let expected = |host: String, region| Expected {
            host,
            service,
            region,
            partition,
            fips: flags.starts_with('f'),
            dualstack: flags.ends_with('d'),
        };
        match place.strip_prefix('*') {
            Some(number) => {
                for region in &lists[number.parse::<usize>().unwrap()] {
                    visit(expected(template.replace("{}", region), Some(region)));
                }
            }
            None if place == "-" => visit(expected(template.to_owned(), None)),
            None => visit(expected(template.to_owned(), Some(place))),
        }
    }
}

#[test]
fn hard_names() {
    let mut seen = 0;
    for line in HARD_NAMES.lines() {
        let columns: Vec<_> = line.split_whitespace().collect();
        match columns[..] {
            [] | ["#", ..] => continue,
            [name, ref expected @ ..] => {
                assert_eq!(described(name), expected.join(" "), "{name}");
                seen += 1;
            }
        }
    }
    assert!(seen > 250, "{seen}");
}

/// A classification in the words of the table.
fn described(name: &str) -> String {
    let Class::Aws(found) = classify(&Host::parse(name).unwrap()) else {
        return "other".to_owned();
    };
    let flags = [
        (found.fips, 'f'),
        (found.operator == Operator::Customer, 'c'),
        (found.dualstack, 'd'),
        (found.private_link, 'p'),
    ];
    let flags: String = flags
        .iter()
        .filter_map(|(set, letter)| set.then_some(*letter))
        .collect();
    [
        found.service.as_deref().unwrap_or("-"),
        found.region.as_deref().unwrap_or("-"),
        found.partition,
        if flags.is_empty() { "-" } else { &flags },
        found.bucket.as_deref().unwrap_or("-"),
        found.account.as_deref().unwrap_or("-"),
    ]
    .join(" ")
}

/// Suffixes to be imitated, and names under them.
const SUFFIXES: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "amazonaws-us-gov.com",
    "amazonaws.cn",
    "amazoncognito.com",
    "api.aws",
    "on.aws",
    "api.amazonwebservices.com.cn",
    "on.amazonwebservices.eu",
    "api.aws.scloud",
    "api.aws.ic.gov",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "csp.hci.ic.gov",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "sagemaker.aws",
    "signin.aws",
    "aws.amazon.com",
];
const HEADS: &[&str] = &["", "s3.", "s3.us-east-1.", "bucket.s3.us-gov-west-1."];

#[test]
fn lookalikes_are_other_peoples() {
    let (mut seen, mut taken) = (0, Vec::new());
    for suffix in SUFFIXES {
        for lookalike in lookalikes(suffix) {
            if SUFFIXES.contains(&lookalike.as_str()) {
                continue;
            }
            for head in HEADS {
                let name = format!("{head}{lookalike}");
                // What IDNA refuses is no host at all.
                let Ok(host) = Host::parse(&name) else {
                    continue;
                };
                seen += 1;
                if classify(&host) != Class::Other {
                    taken.push(name);
                }
            }
        }
    }
    assert!(seen > 4_000, "{seen}");
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn another_spelling_is_the_same_name() {
    let spellings = [
        "S3.US-EAST-1.AMAZONAWS.COM",
        "s3.us-east-1.amazonaws.com.",
        "s3.us-east-1.aｍazonaws.com",
        "s3.us-east-1。amazonaws．com",
        "s3.us-east-1.ama\u{ad}zonaws.com",
        "%73%33.us-east-1.amazonaw%73.com",
        "ſ3.us-east-1.amazonaws.com",
    ];
    for spelling in spellings {
        assert_eq!(class(spelling), class("s3.us-east-1.amazonaws.com"));
    }
}

/// Every way in which one name is made to look like another.
fn lookalikes(suffix: &str) -> Vec<String> {
    let mut names = vec![
        format!("evil{suffix}"),
        format!("evil-{suffix}"),
        format!("{suffix}.evil.example"),
        format!("{suffix}.com.example"),
        format!("{suffix}x"),
        format!("{suffix}-evil.example"),
        suffix.replace('.', "-"),
        suffix.replace("aws", "aws.") + ".example",
    ];
    let chars: Vec<char> = suffix.chars().collect();
    for (at, &char) in chars.iter().enumerate() {
        let edit = |replacement: &[char]| {
            let mut edited = chars.clone();
            edited.splice(at..=at, replacement.iter().copied());
            edited.into_iter().collect::<String>()
        };
        names.push(edit(&[]));
        names.push(edit(&[char, 'z']));
        if char.is_ascii_alphanumeric() {
            names.push(edit(&[char, char]));
            names.push(edit(&['z', '.', char]).replacen("z.", "z-", 1));
        }
        for (like, homoglyph) in HOMOGLYPHS {
            if *like == char {
                names.push(edit(&[*homoglyph]));
            }
        }
        if let Some(&next) = chars.get(at + 1)
            && next != char
        {
            let mut swapped = chars.clone();
            swapped.swap(at, at + 1);
            names.push(swapped.into_iter().collect());
        }
    }
    names
}

/// Cyrillic, Greek and accented letters, and ASCII that the eye takes for another.
const HOMOGLYPHS: &[(char, char)] = &[
    ('a', 'а'),
    ('a', 'ɑ'),
    ('a', 'á'),
    ('c', 'с'),
    ('e', 'е'),
    ('g', 'ɡ'),
    ('i', 'і'),
    ('i', '1'),
    ('l', '1'),
    ('m', 'ṃ'),
    ('n', 'ո'),
    ('o', 'о'),
    ('o', 'ο'),
    ('o', '0'),
    ('p', 'р'),
    ('s', 'ѕ'),
    ('s', '5'),
    ('w', 'ԝ'),
    ('w', 'v'),
    ('z', '2'),
    ('-', '‐'),
    ('.', '·'),
];

fn class(name: &str) -> Class {
    classify(&Host::parse(name).unwrap())
}

/// Labels that mean something, somewhere.
fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        // What claims to be Punycode and is none is no host (and no bucket may begin so).
        "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?"
            .prop_filter("no A-label", |label| !label.starts_with("xn--")),
        proptest::sample::select(
            "s3 s3-us-west-2 s3-fips us-east-1 us-gov-west-1 cn-north-1 us-gov global aws-global \
             aws-cn-global vpce vpce-1a2b dualstack fips api dkr ecr iot queue elb compute cache \
             use1 signin com amazonaws aws 111122223333 execute-api s3express-use1-az4 zz-east-1"
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ),
    ]
}

fn labels(most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(label(), 1..=most).prop_map(|labels| labels.join("."))
}

proptest! {
    #[test]
    fn anything_under_a_suffix_is_aws(
        head in labels(6),
        suffix in proptest::sample::select(SUFFIXES),
    ) {
        let name = format!("{head}.{suffix}");
        prop_assert_ne!(class(&name), Class::Other, "{}", name);
    }

    #[test]
    fn anything_after_a_suffix_is_other_peoples(
        head in labels(3),
        suffix in proptest::sample::select(SUFFIXES),
        tail in "[a-z0-9-]{0,8}[a-z]",
    ) {
        prop_assume!(format!("{suffix}.{tail}") != "amazonaws.com.cn");
        let Ok(host) = Host::parse(&format!("{head}.{suffix}.{tail}")) else {
            return Ok(());
        };
        prop_assert_eq!(classify(&host), Class::Other, "{}", host);
    }

    #[test]
    fn a_bucket_changes_nothing_but_the_bucket(bucket in labels(5)) {
        for endpoint in ["s3.amazonaws.com", "s3.us-east-1.amazonaws.com", "s3-accelerate.amazonaws.com",
            "s3.dualstack.us-gov-east-1.amazonaws.com", "s3-website-us-west-2.amazonaws.com"] {
            let (Class::Aws(mut with), Class::Aws(without)) =
                (class(&format!("{bucket}.{endpoint}")), class(endpoint))
            else {
                panic!("{bucket}.{endpoint} is other people's");
            };
            let taken = with.bucket.take();
            prop_assert_eq!(taken.as_deref(), Some(bucket.as_str()));
            prop_assert_eq!(with, without, "{}.{}", bucket, endpoint);
        }
    }

    #[test]
    fn more_on_the_left_moves_no_regional_name(
        head in labels(4),
        endpoint in proptest::sample::select(vec![
            "dkr.ecr.us-east-1.amazonaws.com", "execute-api.us-gov-west-1.amazonaws.com",
            "lambda-url.eu-west-1.on.aws", "ddb.cn-north-1.amazonaws.com.cn",
            "vpce-1a2b.kms.us-west-2.vpce.amazonaws.com", "notebook.us-east-1.sagemaker.aws",
        ]),
    ) {
        let (Class::Aws(with), Class::Aws(without)) =
            (class(&format!("{head}.{endpoint}")), class(endpoint))
        else {
            panic!("{head}.{endpoint} is other people's");
        };
        prop_assert_eq!(with.service, without.service);
        prop_assert_eq!(with.region, without.region);
        prop_assert_eq!(with.partition, without.partition);
        // A label that says fips or dualstack may be meant so.
        if !head.split('.').any(|label| label.contains("fips")) {
            prop_assert_eq!(with.fips, without.fips);
        }
        if !head.contains("dualstack") {
            prop_assert_eq!(with.dualstack, without.dualstack);
        }
    }

    #[test]
    fn an_address_is_other_peoples(address: std::net::IpAddr) {
        prop_assert_eq!(classify(&Host::from(address)), Class::Other);
    }
}
