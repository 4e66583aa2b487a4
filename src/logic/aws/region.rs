//! Regions and pseudo-regions, as labels of a name.

use super::{additions, generated};

/// What a label says of the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// A region of this partition.
    Region(&'static str),
    /// No region, but where one would stand: `aws-cn-global`, `us-gov` (these with a partition), `global`.
    Global(Option<&'static str>),
}

/// Reads a whole label.
pub(super) fn read(label: &str) -> Option<Place> {
    match label {
        "global" => return Some(Place::Global(None)),
        // Stands in names of GovCloud's global services; partitions.json does not list it.
        "us-gov" => return Some(Place::Global(Some("aws-us-gov"))),
        _ if !label.contains('-') => return None,
        _ => {}
    }
    if let Some(partition) = partition(label) {
        return Some(Place::Region(partition));
    }
    if !label.ends_with("-global") {
        return None;
    }
    generated::PARTITIONS
        .iter()
        .find(|partition| partition.pseudo.contains(&label))
        .map(|partition| Place::Global(Some(partition.id)))
}

/// The partition whose region pattern the label fits, known region or not.
pub(super) fn partition(label: &str) -> Option<&'static str> {
    if !label.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let fits = |prefix: &&str| label.strip_prefix(*prefix).is_some_and(is_place_and_number);
    generated::PARTITIONS
        .iter()
        .find(|partition| partition.regions.iter().any(fits))
        .map(|partition| partition.id)
}

/// Whether the label is built as regions are (`xx-place-1`), known pattern or not.
pub(super) fn looks_like_one(label: &str) -> bool {
    label.split_once('-').is_some_and(|(area, rest)| {
        (2..=4).contains(&area.len())
            && area.bytes().all(|byte| byte.is_ascii_lowercase())
            && is_place_and_number(rest)
    })
}

/// Splits a label that joins a word to a region by a hyphen, as `s3-us-west-2` does.
pub(super) fn joined(label: &str) -> Option<(&str, &str)> {
    label.match_indices('-').find_map(|(at, _)| {
        let (word, region) = (label.get(..at)?, label.get(at + 1..)?);
        (!word.is_empty() && partition(region).is_some()).then_some((word, region))
    })
}

/// The region that a short code (`use1`) stands for.
pub(super) fn of_code(code: &str) -> Option<&'static str> {
    let table = additions::REGION_CODES;
    let at = table.binary_search_by(|(key, _)| (*key).cmp(code)).ok()?;
    table.get(at).map(|(_, region)| *region)
}

/// `\w+-\d+`, the end of every partition's region pattern.
fn is_place_and_number(text: &str) -> bool {
    text.split_once('-').is_some_and(|(place, number)| {
        !place.is_empty()
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && place
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}
