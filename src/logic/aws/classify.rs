//! From a host name to what AWS calls it.

use std::borrow::Cow;

use super::generated::{HIDDEN_DUAL_STACK, HIDDEN_FIPS};
use super::head::{Head, pop, says_fips, without_fips};
use super::tables::{Exact, Hidden, Services, Suffix};
use crate::model::Host;

/// Whose name a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Under one of AWS's suffixes, by whole labels.
    Aws(Endpoint),
    /// Anything else, also an address, and an endpoint service (`vpce-svc-*`) that somebody offers
    /// by PrivateLink: AWS only lends it the name.
    Other,
}

impl Class {
    /// Whether it is an AWS name.
    pub const fn is_aws(&self) -> bool {
        matches!(self, Class::Aws(_))
    }
}

/// What an AWS name says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The SigV4 signing name where known, else the name's own word for the service.
    pub service: Option<Cow<'static, str>>,
    /// Null for a global name.
    pub region: Option<Box<str>>,
    /// botocore's id.
    pub partition: &'static str,
    pub fips: bool,
    pub dualstack: bool,
    /// Whether this is a PrivateLink name of an AWS service.
    pub private_link: bool,
    pub operator: Operator,
    /// The S3 bucket, where the name has it.
    pub bucket: Option<Box<str>>,
    /// The account id, where the name has it.
    pub account: Option<Box<str>>,
}

/// Who runs what answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Aws,
    /// A customer's machine under AWS's suffix: an EC2 instance, what is behind a load balancer or
    /// a VPC Lattice service.
    Customer,
}

/// Classifies a host by its name alone.
pub fn classify(host: &Host) -> Class {
    let Some(name) = host.name() else {
        return Class::Other;
    };
    let Some((suffix, text)) = Suffix::find(name.as_str()) else {
        return Class::Other;
    };
    if let Some(exact) = Exact::find(name.as_str()) {
        return Class::Aws(from_exact(exact));
    }
    let head = Head::read(text, suffix.services == Services::Named);
    if head.is_somebodys_service() {
        return Class::Other;
    }
    Class::Aws(from_head(suffix, &head))
}

/// The labels by which a host names its service, without `fips`.
pub(super) fn pattern(host: &str) -> Option<Cow<'_, str>> {
    let (suffix, text) = Suffix::find(host)?;
    let head = Head::read(text, suffix.services == Services::Named);
    Some(without_fips(head.pattern))
}

fn from_exact(exact: &'static Exact) -> Endpoint {
    Endpoint {
        service: Some(Cow::Borrowed(exact.service)),
        region: exact.region.map(Box::from),
        partition: exact.partition,
        fips: exact.fips,
        dualstack: exact.dualstack,
        private_link: false,
        operator: Operator::Aws,
        bucket: None,
        account: None,
    }
}

fn from_head(suffix: &'static Suffix, head: &Head<'_>) -> Endpoint {
    let partition = head.partition.unwrap_or(suffix.partition);
    let known = head
        .service
        .filter(|service| suffix.services != Services::Pages || service.name == "signin");
    let is_hidden = |table| {
        !head.vpce
            && suffix.services == Services::Named
            && Hidden::holds(
                table,
                head.pattern,
                partition,
                suffix.dualstack,
                head.place,
                head.region.is_some(),
            )
    };
    let service = match suffix.services {
        Services::Fixed(service) => Some(Cow::Borrowed(service)),
        Services::Pages => known.map(|service| Cow::Borrowed(service.name)),
        Services::Named => known
            .map(|service| Cow::Borrowed(service.name))
            .or_else(|| own_word(head.pattern)),
    };
    let only_region = known.and_then(|service| service.only_region);
    let named = suffix.services == Services::Named;
    Endpoint {
        region: head.region.or(only_region).map(Box::from),
        partition,
        // `fips.eks` shows how a service yet unknown may say it; what stands left of a known one
        // is its customers' (a bucket called `fips`).
        fips: says_fips(head.pattern)
            || (head.service.is_none() && head.left == "fips")
            || is_hidden(HIDDEN_FIPS),
        dualstack: suffix.dualstack || head.dualstack || is_hidden(HIDDEN_DUAL_STACK)
            // A load balancer's second name.
            || (known.is_some_and(|service| service.customer) && head.left.starts_with("dualstack.")),
        private_link: head.vpce,
        operator: match known {
            Some(service) if service.customer => Operator::Customer,
            Some(_) | None => Operator::Aws,
        },
        bucket: bucket(head).filter(|_| named).map(Box::from),
        account: account(head).filter(|_| named).map(Box::from),
        service,
    }
}

/// The word by which a name calls a service that no table knows.
fn own_word(pattern: &str) -> Option<Cow<'static, str>> {
    let word = without_fips(pattern);
    let plausible = word.starts_with(|first: char| first.is_ascii_lowercase())
        && !word.starts_with("vpce-")
        && !word.contains('_');
    plausible.then(|| Cow::Owned(word.into_owned()))
}

/// The bucket stands left of S3's own labels; of a PrivateLink name, left of `bucket.vpce-ID`.
fn bucket<'a>(head: &Head<'a>) -> Option<&'a str> {
    if !matches!(head.service?.name, "s3" | "s3express") {
        return None;
    }
    let pattern = without_fips(head.pattern);
    let takes_buckets = matches!(
        &*pattern,
        "s3" | "s3-accelerate" | "s3-external-1" | "s3-website"
    ) || (pattern.starts_with("s3express-") && pattern != "s3express-control");
    let left = if head.vpce {
        pop(head.left).0.strip_suffix(".bucket").unwrap_or_default()
    } else {
        head.left
    };
    (takes_buckets && !left.is_empty()).then_some(left)
}

/// An account id is a whole label beside the service; access points and CodeArtifact domains join
/// it to their own name.
fn account<'a>(head: &Head<'a>) -> Option<&'a str> {
    let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let pattern = without_fips(head.pattern);
    let joined = match &*pattern {
        "s3" | "s3-accelerate" | "s3-external-1" | "s3-website" if !head.vpce => return None,
        "s3-accesspoint" | "s3-object-lambda" | "s3-outposts" | "d.codeartifact" => true,
        _ => false,
    };
    head.left.split('.').find_map(|label| {
        let tail = label.rsplit_once('-').map(|(_, tail)| tail);
        Some(label)
            .filter(is_account)
            .or_else(|| tail.filter(|_| joined).filter(is_account))
    })
}
