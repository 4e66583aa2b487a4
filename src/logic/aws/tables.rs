//! The shape of the tables and how they are searched, in place: there is nothing to load.

use super::{additions, generated};

/// A partition: its id, what its regions begin with, and its names that are no region.
pub(super) struct Partition {
    pub(super) id: &'static str,
    pub(super) regions: &'static [&'static str],
    pub(super) pseudo: &'static [&'static str],
}

/// A DNS suffix that is AWS's, apex included.
#[derive(Clone, Copy)]
pub(super) struct Suffix {
    pub(super) name: &'static str,
    pub(super) partition: &'static str,
    pub(super) dualstack: bool,
    pub(super) services: Services,
}

/// What the labels under a suffix say of the service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Services {
    /// They name it, beside the region.
    Named,
    /// It is this one, whatever they say.
    Fixed(&'static str),
    /// Web pages, whose labels are no services; only sign-in signs there.
    Pages,
}

/// A flag that holds for a pattern in the given regions (`*`: in each of the partition), though the
/// name does not show it.
pub(super) struct Hidden {
    pattern: &'static str,
    partition: &'static str,
    dual_suffix: bool,
    regions: &'static [&'static str],
}

/// One whole name.
pub(super) struct Exact {
    pub(super) host: &'static str,
    pub(super) service: &'static str,
    pub(super) region: Option<&'static str>,
    pub(super) partition: &'static str,
    pub(super) fips: bool,
    pub(super) dualstack: bool,
}

/// The service that a pattern of labels stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    /// Whether customers' own machines answer there.
    pub(super) customer: bool,
    /// The one region that has this pattern, where names leave it out.
    pub(super) only_region: Option<&'static str>,
}

/// The domains that are AWS's, of all partitions; some lie under others.
pub fn suffixes() -> impl Iterator<Item = &'static str> {
    let all = generated::SUFFIXES.iter().chain(additions::SUFFIXES);
    all.map(|suffix| suffix.name)
}

impl Partition {
    pub(super) const fn new(
        id: &'static str,
        regions: &'static [&'static str],
        pseudo: &'static [&'static str],
    ) -> Partition {
        Partition {
            id,
            regions,
            pseudo,
        }
    }
}

impl Suffix {
    pub(super) const fn dns(
        name: &'static str,
        partition: &'static str,
        dualstack: bool,
    ) -> Suffix {
        Suffix {
            name,
            partition,
            dualstack,
            services: Services::Named,
        }
    }

    pub(super) const fn with(mut self, services: Services) -> Suffix {
        self.services = services;
        self
    }

    /// The longest suffix that `host` is or is under, and what stands before it.
    pub(super) fn find(host: &str) -> Option<(&'static Suffix, &str)> {
        generated::SUFFIXES
            .iter()
            .chain(additions::SUFFIXES)
            .filter_map(|suffix| {
                let head = host.strip_suffix(suffix.name)?;
                let head = if head.is_empty() {
                    head
                } else {
                    head.strip_suffix('.')?
                };
                Some((suffix, head))
            })
            .min_by_key(|(_, head)| head.len())
    }
}

impl Hidden {
    pub(super) const fn new(
        pattern: &'static str,
        partition: &'static str,
        dual_suffix: bool,
        regions: &'static [&'static str],
    ) -> Hidden {
        Hidden {
            pattern,
            partition,
            dual_suffix,
            regions,
        }
    }

    pub(super) fn key(&self) -> (&str, &str, bool) {
        (self.pattern, self.partition, self.dual_suffix)
    }

    /// Whether `table` has the flag for this pattern. `place` is the label that says where, empty if
    /// none does.
    pub(super) fn holds(
        table: &[Hidden],
        pattern: &str,
        partition: &str,
        dual_suffix: bool,
        place: &str,
        is_region: bool,
    ) -> bool {
        table
            .binary_search_by(|row| row.key().cmp(&(pattern, partition, dual_suffix)))
            .ok()
            .and_then(|at| table.get(at))
            .is_some_and(|row| {
                row.regions.contains(&place) || (is_region && row.regions.contains(&"*"))
            })
    }
}

impl Exact {
    pub(super) const fn new(
        host: &'static str,
        service: &'static str,
        region: Option<&'static str>,
        partition: &'static str,
        fips: bool,
        dualstack: bool,
    ) -> Exact {
        Exact {
            host,
            service,
            region,
            partition,
            fips,
            dualstack,
        }
    }

    pub(super) fn find(host: &str) -> Option<&'static Exact> {
        let table = generated::EXACT;
        let at = table.binary_search_by(|row| row.host.cmp(host)).ok()?;
        table.get(at)
    }
}

impl Service {
    /// Looks up a pattern from which `fips` has been taken out.
    pub(super) fn find(pattern: &str) -> Option<Service> {
        if let Some(row) = additions::find(additions::PATTERNS, pattern) {
            return Some(row.service());
        }
        let table = generated::SERVICES;
        let at = table
            .binary_search_by(|(key, _)| (*key).cmp(pattern))
            .ok()?;
        table.get(at).map(|(_, name)| Service::plain(name))
    }

    /// Looks up a pattern that has labels to its left, where that changes the service.
    pub(super) fn find_under(pattern: &str) -> Option<Service> {
        additions::find(additions::UNDER, pattern).map(additions::Row::service)
    }

    pub(super) const fn plain(name: &'static str) -> Service {
        Service {
            name,
            customer: false,
            only_region: None,
        }
    }
}
