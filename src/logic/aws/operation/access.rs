//! Whether an operation reads or writes, by the verb of its name.

/// What an operation does to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It changes nothing.
    Read,
    /// It changes something, or may: whatever is not known to read.
    Write,
}

/// The verbs that the models mark as reading, and those that mean the same.
const READS: [&str; 27] = [
    "Autocomplete",
    "Calculate",
    "Check",
    "Compare",
    "Count",
    "Describe",
    "Estimate",
    "Geocode",
    "Get",
    "Head",
    "Introspect",
    "Is",
    "List",
    "Lookup",
    "Preview",
    "Query",
    "Read",
    "Resolve",
    "Retrieve",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Suggest",
    "Validate",
    "Verify",
    "View",
];

impl Access {
    pub const fn id(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
        }
    }

    pub(super) fn of(name: &str) -> Access {
        let rest = ["Batch", "Admin", "Transact"]
            .iter()
            .find_map(|word| name.strip_prefix(word).filter(|rest| begins_word(rest)))
            .unwrap_or(name);
        let reads = READS
            .iter()
            .any(|verb| rest.strip_prefix(verb).is_some_and(begins_word));
        // `CheckInLicense` gives it back.
        if reads && !rest.starts_with("CheckIn") {
            Access::Read
        } else {
            Access::Write
        }
    }
}

fn begins_word(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|first: char| !first.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_tell() {
        for (name, access) in [
            ("GetObject", Access::Read),
            ("HeadObject", Access::Read),
            ("ListBuckets", Access::Read),
            ("BatchGetImage", Access::Read),
            ("TransactGetItems", Access::Read),
            ("AdminGetUser", Access::Read),
            ("Scan", Access::Read),
            ("ScanSbom", Access::Read),
            ("CheckInLicense", Access::Write),
            ("CheckoutLicense", Access::Write),
            ("IssueCertificate", Access::Write),
            ("BatchWriteItem", Access::Write),
            ("PutObject", Access::Write),
            ("AssumeRole", Access::Write),
            ("Gettysburg", Access::Write),
            ("", Access::Write),
        ] {
            assert_eq!(Access::of(name), access, "{name}");
        }
    }
}
