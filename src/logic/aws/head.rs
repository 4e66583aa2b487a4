//! Reads what stands before the suffix, from the right: place, service, and what the customer chose.

use std::borrow::Cow;

use super::region::{self, Place};
use super::tables::Service;

/// The most labels that a pattern has; a test holds the tables to it.
pub(super) const PATTERN_LABELS: usize = 3;

/// The head of a name, taken apart.
pub(super) struct Head<'a> {
    pub(super) region: Option<&'a str>,
    /// The label that says where, region or not; empty if none does.
    pub(super) place: &'a str,
    /// The partition that the place is in, if there is a place and it tells.
    pub(super) partition: Option<&'static str>,
    pub(super) dualstack: bool,
    /// A PrivateLink name: `vpce` stands where the service or region would.
    pub(super) vpce: bool,
    /// The labels that name the service, as they stand.
    pub(super) pattern: &'a str,
    pub(super) service: Option<Service>,
    /// The labels left of the pattern.
    pub(super) left: &'a str,
}

impl<'a> Head<'a> {
    /// Reads `text`. `joins` says whether a region may be joined to the last label by a hyphen:
    /// not under suffixes where that label is a customer's.
    pub(super) fn read(text: &'a str, joins: bool) -> Head<'a> {
        let mut head = Head {
            region: None,
            place: "",
            partition: None,
            dualstack: false,
            vpce: false,
            pattern: "",
            service: None,
            left: "",
        };
        let mut rest = text;
        if let (left, "vpce") = pop(rest) {
            head.vpce = true;
            rest = left;
        }
        rest = head.take_places(rest);
        if let (left, "dualstack") = pop(rest) {
            head.dualstack = true;
            rest = left;
        }
        if !head.place.is_empty() || !head.take_service_first(rest, joins) {
            head.take_service(rest);
        }
        head
    }

    /// Whether this is an endpoint service that somebody offers: it bears AWS's name alone.
    pub(super) fn is_somebodys_service(&self) -> bool {
        self.vpce && pop(self.pattern).1.starts_with("vpce-svc-")
    }

    /// Takes the places at the right end. One name has both kinds
    /// (`routes.geo.us-gov-east-1.us-gov`): then the region counts, and ends the search.
    fn take_places(&mut self, mut rest: &'a str) -> &'a str {
        loop {
            let (left, label) = pop(rest);
            match region::read(label) {
                None => return rest,
                Some(Place::Global(partition)) => {
                    self.partition = self.partition.or(partition);
                    self.place = label;
                    rest = left;
                }
                Some(Place::Region(partition)) => {
                    self.set_region(label, partition);
                    return left;
                }
            }
        }
    }

    /// Takes names whose rightmost label is the service: `us-east-1.queue`, `bucket.s3-us-west-2`,
    /// `x.use1.cache`. False if it is none of these shapes.
    fn take_service_first(&mut self, rest: &'a str, joins: bool) -> bool {
        let (left, label) = pop(rest);
        let known = find(label);
        if joins
            && known.is_none()
            && let Some((word, region)) = region::joined(label)
        {
            self.set_region(region, region::partition(region).unwrap_or_default());
            self.service = find(word);
            (self.pattern, self.left) = (word, left);
            return true;
        }
        if known.is_some_and(|service| service.name == "s3") {
            return false; // what stands left of S3 is a bucket, even if it is called us-west-2
        }
        let (before, place) = pop(left);
        let code = if label == "cache" {
            region::of_code(place)
        } else {
            None
        };
        let place = code.unwrap_or(place);
        match region::read(place) {
            Some(Place::Region(partition)) => self.set_region(place, partition),
            Some(Place::Global(Some(partition))) => {
                (self.place, self.partition) = (place, Some(partition));
            }
            Some(Place::Global(None)) | None => return false,
        }
        self.service = under(before, label).or(known);
        (self.pattern, self.left) = (label, before);
        true
    }

    /// Takes the longest known pattern at the right end, or the last label if there is none.
    fn take_service(&mut self, rest: &'a str) {
        let (before, label) = pop(rest);
        let found = longest(rest).or_else(|| {
            // A region of no known shape is still no service's name.
            region::looks_like_one(label)
                .then(|| longest(before))
                .flatten()
        });
        match found {
            Some((left, pattern, service)) => {
                (self.left, self.pattern) = (left, pattern);
                self.service = Some(service);
            }
            None => (self.left, self.pattern) = (before, label),
        }
    }

    fn set_region(&mut self, region: &'a str, partition: &'static str) {
        self.region = Some(region);
        self.place = region;
        self.partition = Some(partition);
    }
}

/// Splits off the rightmost label.
pub(super) fn pop(text: &str) -> (&str, &str) {
    text.rsplit_once('.').unwrap_or(("", text))
}

/// Whether `fips` stands in one of the labels as a word of its own.
pub(super) fn says_fips(pattern: &str) -> bool {
    // Most names have no such letters at all; the windows see that in one quick pass.
    pattern.as_bytes().windows(4).any(|bytes| bytes == b"fips")
        && pattern.split(['.', '-']).any(|word| word == "fips")
}

/// The pattern without the word `fips` where that is joined to another by a hyphen.
pub(super) fn without_fips(pattern: &str) -> Cow<'_, str> {
    if !says_fips(pattern) {
        return Cow::Borrowed(pattern);
    }
    let mut plain = String::with_capacity(pattern.len());
    for label in pattern.split('.') {
        if !plain.is_empty() {
            plain.push('.');
        }
        let start = plain.len();
        for word in label.split('-') {
            if word != "fips" || label == "fips" {
                if plain.len() > start {
                    plain.push('-');
                }
                plain.push_str(word);
            }
        }
    }
    Cow::Owned(plain)
}

/// The longest known pattern at the right end of `text`, what is left of it, and its service.
fn longest(text: &str) -> Option<(&str, &str, Service)> {
    let mut found = None;
    let mut rest = text;
    for _ in 0..PATTERN_LABELS {
        if rest.is_empty() {
            break;
        }
        let (left, label) = pop(rest);
        let start = rest.len() - label.len();
        let pattern = text.get(start..)?;
        if let Some(service) = find(pattern) {
            found = Some((left, pattern, service));
        }
        rest = left;
    }
    let (left, pattern, service) = found?;
    Some((left, pattern, under(left, pattern).unwrap_or(service)))
}

/// The service of a pattern that stands for another one when something is left of it.
fn under(left: &str, pattern: &str) -> Option<Service> {
    let something = !left.is_empty();
    something.then(|| Service::find_under(pattern)).flatten()
}

fn find(pattern: &str) -> Option<Service> {
    let plain = without_fips(pattern);
    Service::find(&plain).or_else(|| {
        // S3 Express names its availability zone: `s3express-use1-az4`.
        let zone = plain.strip_prefix("s3express-")?;
        let is_zone = zone.contains("-az") && !zone.contains('.');
        is_zone.then_some(Service::plain("s3express"))
    })
}
