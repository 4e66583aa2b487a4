//! Every name that botocore's data can produce, against the classifier. tools/endpoints.py writes
//! the data, with botocore's own resolver: the classifier has no part in it.

use outgate::logic::aws::{Class, classify};
use outgate::model::Host;

static CORPUS: &str = include_str!("data/aws-endpoints.tsv");

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
