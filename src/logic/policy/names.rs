//! What the request line alone shows: judged before any name is resolved.

use std::borrow::Cow;

use crate::logic::policy::Policy;
use crate::logic::policy::Redirect;
use crate::logic::policy::effective::Effective;
use crate::logic::policy::effective::Target;
use crate::logic::policy::effective::Way;
use crate::logic::policy::effective::text;
use crate::logic::policy::spec::Access;
use crate::model::Action;
use crate::model::Finding;
use crate::model::Host;
use crate::model::Rule;
use crate::model::Severity;

/// What SDKs must ask directly, in the dialect that every client's NO_PROXY knows.
pub(super) const NO_PROXY: &str =
    "169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23";

/// Names that clouds give to their metadata services.
const METADATA_NAMES: [&str; 6] = [
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.tencentyun.com",
];

impl Policy {
    /// The findings on the destination by name, port and way. An address literal is also judged
    /// as an address, except on whether it is one of our own listeners.
    pub fn judge_name(&self, target: &Target<'_>, effective: &Effective) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(addr) = target.authority.host.ip() {
            // What is redirected is not the address that would be dialled.
            let redirected = self
                .connect_to(target.authority)
                .is_some_and(Redirect::names_host);
            if !redirected {
                found.extend(self.judge_space(target, effective, addr));
            }
        } else {
            found.extend(self.metadata_name(target, effective));
        }
        found.extend(self.plaintext(target, effective));
        found.extend(self.port(target, effective));
        found.extend(self.access(target, effective));
        found.extend(self.perimeter(target, effective));
        found.retain(|finding| finding.action != Action::Off);
        found
    }

    fn metadata_name(&self, target: &Target<'_>, effective: &Effective) -> Option<Finding> {
        let name = target.authority.host.name()?.as_str();
        let redirected = self
            .connect_to(target.authority)
            .is_some_and(Redirect::names_host);
        (METADATA_NAMES.contains(&name) && !redirected).then(|| {
            finding(
                Rule::InstanceMetadata,
                "metadata-name",
                "host",
                effective.actions.get(Rule::InstanceMetadata),
                Severity::High,
                format!(
                    "{name} is the cloud's instance metadata service, which must be asked \
                     directly and never through a proxy; add it to NO_PROXY: {name},{NO_PROXY}"
                ),
            )
        })
    }

    fn plaintext(&self, target: &Target<'_>, effective: &Effective) -> Option<Finding> {
        if !target.is_plain() {
            return None;
        }
        let authority = target.authority;
        let host = &authority.host;
        let (kind, what) = match target.way {
            Way::Forward => ("plain-http", format!("plain HTTP to {authority}")),
            Way::Connect | Way::Intercepted => (
                "connect-80",
                format!("CONNECT to {authority}, plain HTTP's port"),
            ),
        };
        if target.endpoint().is_none() {
            return Some(finding(
                Rule::Plaintext,
                kind,
                "scheme",
                effective.actions.get(Rule::Plaintext),
                Severity::Low,
                format!("{what}: anyone on the way can read and change it; use https://{host}"),
            ));
        }
        let action = match (effective.actions.get(Rule::AwsPlaintext), target.way) {
            // A tunnel's bytes are the client's own: there is nothing to upgrade.
            (Action::Upgrade | Action::Strip, Way::Connect | Way::Intercepted) => Action::Block,
            (action, _) => action,
        };
        let upgrade = match target.way {
            Way::Forward => "; or set rules.aws-plaintext = \"upgrade\" to have it sent over TLS",
            Way::Connect | Way::Intercepted => "",
        };
        Some(finding(
            Rule::AwsPlaintext,
            kind,
            "scheme",
            action,
            Severity::High,
            format!(
                "{what}: an AWS endpoint is only reached over TLS; use https://{host} \
                 (in the SDK: endpoint_url, use_ssl){upgrade}"
            ),
        ))
    }

    fn port(&self, target: &Target<'_>, effective: &Effective) -> Option<Finding> {
        let port = target.authority.port;
        let open = match target.way {
            // CONNECT's own port was judged with it.
            Way::Forward | Way::Intercepted => true,
            Way::Connect => {
                effective.port_allowed || self.destinations.connect_ports.contains(&port)
            }
        };
        (!open).then(|| {
            let allowed: Vec<String> = self
                .destinations
                .connect_ports
                .iter()
                .map(u16::to_string)
                .collect();
            finding(
                Rule::Port,
                "connect-port",
                "port",
                effective.actions.get(Rule::Port),
                Severity::Medium,
                format!(
                    "CONNECT to port {port} is outside destinations.connect_ports = [{}]; add \
                     {port} there, or allow it for this host alone with a [[destinations.rule]]: \
                     hosts = [\"{}\"], ports = [{port}], action = \"allow\"",
                    allowed.join(", "),
                    target.authority.host,
                ),
            )
        })
    }

    fn access(&self, target: &Target<'_>, effective: &Effective) -> Option<Finding> {
        (effective.access == Access::Deny)
            .then(|| self.denied(&target.authority.host, effective, "host"))
    }

    /// The finding of a destination that `effective` denies.
    pub(super) fn denied(
        &self,
        host: &Host,
        effective: &Effective,
        place: &'static str,
    ) -> Finding {
        let (kind, hint) = match effective.access_rule {
            None => (
                "not-listed",
                format!(
                    "{host} is not on the list (destinations.default = \"deny\"); to allow it add \
                     a [[destinations.rule]]: hosts = [\"{host}\"], action = \"allow\""
                ),
            ),
            Some(number) => {
                let reason = self
                    .destinations
                    .rules
                    .get(number)
                    .and_then(|rule| rule.reason.as_deref());
                let because = reason.map_or(String::new(), |reason| format!(": {reason}"));
                (
                    "denied",
                    format!("destinations.rule {} denies {host}{because}", number + 1),
                )
            }
        };
        finding(
            Rule::Destination,
            kind,
            place,
            effective.actions.get(Rule::Destination),
            Severity::Medium,
            hint,
        )
    }

    /// What of the perimeter a name alone shows. A global name has no region to judge.
    fn perimeter(&self, target: &Target<'_>, effective: &Effective) -> Vec<Finding> {
        let Some(endpoint) = target.endpoint() else {
            return Vec::new();
        };
        let host = &target.authority.host;
        let mut found = Vec::new();
        if let Some(region) = text(&endpoint.region)
            && !self.aws.regions.is_empty()
            && !self.aws.regions.iter().any(|allowed| allowed == region)
        {
            found.push(finding(
                Rule::AwsRegion,
                "endpoint-region",
                "host",
                effective.actions.get(Rule::AwsRegion),
                Severity::Medium,
                format!(
                    "{host} is in {region}, outside aws.regions = [{}]; use an endpoint of an \
                     allowed region (AWS_REGION, region_name), or add \"{region}\" to aws.regions",
                    quoted(&self.aws.regions),
                ),
            ));
        }
        if let Some(account) = text(&endpoint.account)
            && !self.aws.accounts.is_empty()
            && !self.aws.accounts.iter().any(|allowed| allowed == account)
        {
            found.push(finding(
                Rule::AwsAccount,
                "endpoint-account",
                "host",
                effective.actions.get(Rule::AwsAccount),
                Severity::Medium,
                format!(
                    "{host} belongs to account {account}, which is not in aws.accounts; add \
                     \"{account}\" there if it is meant"
                ),
            ));
        }
        if self.aws.require_fips && !endpoint.fips {
            found.push(finding(
                Rule::AwsFips,
                "endpoint",
                "host",
                effective.actions.get(Rule::AwsFips),
                Severity::Medium,
                format!(
                    "{host} is not a FIPS endpoint and aws.require_fips is set; set \
                     AWS_USE_FIPS_ENDPOINT=true for the client, or name the FIPS endpoint"
                ),
            ));
        }
        found
    }
}

/// A finding of the request line, where length and fingerprint mean nothing.
pub(super) fn finding(
    rule: Rule,
    kind: &'static str,
    place: &'static str,
    action: Action,
    severity: Severity,
    hint: String,
) -> Finding {
    Finding {
        rule,
        kind,
        place: Cow::Borrowed(place),
        action,
        severity,
        length: None,
        fingerprint: None,
        hint,
    }
}

fn quoted(list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().map(|entry| format!("\"{entry}\"")).collect();
    quoted.join(", ")
}
