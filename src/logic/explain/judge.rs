//! The verdict on what a line asks about: the proxy's own steps, less those that need a network.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use super::Explainer;
use super::input::Input;
use super::input::Request;
use super::output::AwsCall;
use super::output::Destination;
use super::output::Explanation;
use super::output::endpoint;
use super::output::region;
use super::output::service;
use crate::logic::aws::AccessKey;
use crate::logic::aws::Call;
use crate::logic::aws::Class;
use crate::logic::aws::Identity;
use crate::logic::aws::classify;
use crate::logic::aws::operation;
use crate::logic::policy::Effective;
use crate::logic::policy::Passage;
use crate::logic::policy::Policy;
use crate::logic::policy::Target;
use crate::logic::policy::Way;
use crate::logic::scan;
use crate::logic::scan::FingerprintKey;
use crate::logic::scan::Sighting;
use crate::logic::wire::http1::HeadError;
use crate::logic::wire::http1::HeadLimits;
use crate::logic::wire::http1::read_request_head;
use crate::model::Action;
use crate::model::Authority;
use crate::model::Decision;
use crate::model::Finding;
use crate::model::Host;
use crate::model::Rule;
use crate::model::SafeUrl;
use crate::model::Severity;
use crate::model::Verdict;

/// Judges as if the proxy saw all of it.
pub(super) fn judge(explainer: &Explainer<'_>, input: &Input) -> Explanation {
    let (policy, own) = (explainer.policy, explainer.own);
    match input {
        Input::Request(request) => judge_request(policy, own, explainer.key, request),
        Input::Destination(authority) => judge_destination(policy, own, authority),
        // No rule of this version looks into fields, so no configuration sees them.
        Input::Field => Explanation {
            verdict: Some(Verdict::Allow),
            rule: None,
            enforced: Some(false),
            findings: Vec::new(),
            destination: None,
            aws: None,
            url: None,
            error: None,
        },
    }
}

fn judge_destination(policy: &Policy, own: &[SocketAddr], authority: &Authority) -> Explanation {
    let class = classify(&authority.host);
    let target = Target {
        authority,
        class: &class,
        way: Way::Connect,
    };
    let effective = policy.effective(&target);
    let decision = decide(policy, own, &target, &effective, Vec::new(), false);
    let aws = endpoint(&class).map(|endpoint| AwsCall {
        service: service(endpoint),
        region: region(endpoint),
        ..AwsCall::default()
    });
    let url = SafeUrl::redact(&authority.to_string());
    explanation(decision, true, &target, aws, url)
}

fn judge_request(
    policy: &Policy,
    own: &[SocketAddr],
    key: Option<&FingerprintKey>,
    request: &Request,
) -> Explanation {
    let url = &request.url;
    let class = classify(&url.authority.host);
    let target = Target {
        authority: &url.authority,
        class: &class,
        way: url.way,
    };
    let effective = policy.effective(&target);
    let identity = Identity::read(request.headers.as_slice(), &url.query);
    let is_plain = url.way == Way::Forward;
    let is_signed = is_plain && identity.scheme.is_signature();

    let mut inside = secret_findings(request, &effective, key);
    inside.extend(head_findings(request, &effective));
    // In a tunnel only the destination is seen, and elsewhere less than is looked at here: does
    // what is seen lead to the same verdict?
    let is_open = is_plain || effective.intercept;
    let mut seen = inside.clone();
    seen.retain(|finding| is_open && is_looked_at(finding));
    let decision = decide(policy, own, &target, &effective, inside, is_signed);
    let enforced = {
        let seen = decide(policy, own, &target, &effective, seen, is_signed && is_open);
        (seen.verdict, seen.rule) == (decision.verdict, decision.rule)
    };
    let aws = aws_call(&class, &identity, request);
    explanation(decision, enforced, &target, aws, url.shown.clone())
}

/// Whether the proxy looks for this as well. Of what the scanner finds it reads the userinfo alone.
fn is_looked_at(finding: &Finding) -> bool {
    let is_of_url = finding.rule == Rule::UrlCredentials;
    finding.rule != Rule::PresignedUrl
        && (!is_of_url || matches!(finding.kind, "userinfo" | "username"))
}

fn explanation(
    decision: Decision,
    enforced: bool,
    target: &Target<'_>,
    aws: Option<AwsCall>,
    url: SafeUrl,
) -> Explanation {
    Explanation {
        verdict: Some(decision.verdict),
        rule: decision.rule,
        enforced: Some(enforced),
        findings: decision.findings,
        destination: Some(Destination::new(target.authority, target.class)),
        aws,
        url: Some(url),
        error: None,
    }
}

/// The proxy's way from what the head showed to the decision, where an address is judged only if
/// no name has to be resolved for it.
fn decide(
    policy: &Policy,
    own: &[SocketAddr],
    target: &Target<'_>,
    effective: &Effective,
    mut found: Vec<Finding>,
    is_signed: bool,
) -> Decision {
    found.extend(policy.judge_name(target, effective));
    let so_far = Decision::from_findings(found.clone(), effective.mode);
    if so_far.is_block() {
        return so_far;
    }
    let mut asked = target.authority.clone();
    if so_far.is_upgrade() && asked.port == 80 {
        asked.port = 443;
    }
    let passage = policy.passage(&asked);
    let (Passage::Direct(led) | Passage::Parent(led)) = &passage;
    let address = known_address(&led.host).map(|addr| SocketAddr::new(addr, led.port));
    let addresses: Vec<SocketAddr> = address.into_iter().collect();
    if is_signed {
        found.extend(policy.judge_plain_signature(target, effective, &addresses));
    }
    let target = Target {
        authority: &asked,
        ..*target
    };
    // Nothing is dialled here, so the permit is of no use.
    let (decision, _) = match passage {
        Passage::Direct(_) => policy.permit(&target, effective, found, &addresses, own),
        Passage::Parent(led) => policy.permit_by_name(&target, effective, found, led, own),
    };
    decision
}

/// The address that is known without asking anybody: a literal's, and loopback for `localhost` and
/// all under it (RFC 6761, section 6.3).
fn known_address(host: &Host) -> Option<IpAddr> {
    match host {
        Host::V4(addr) => Some(IpAddr::V4(*addr)),
        Host::V6(addr) => Some(IpAddr::V6(*addr)),
        Host::Name(name) => name
            .is_under("localhost")
            .then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    }
}

/// Credentials in the URL, and in the headers that hold URLs. What a server would answer with
/// (`Location`, `Link`) is reported at most.
fn secret_findings(
    request: &Request,
    effective: &Effective,
    key: Option<&FingerprintKey>,
) -> Vec<Finding> {
    let of = |sighting: &Sighting, text: &[u8], most: Action| {
        let action = sighting.action(effective.actions.get(sighting.rule()));
        Finding {
            rule: sighting.rule(),
            kind: sighting.kind.id,
            place: sighting.place.clone().into(),
            action: action.min(most),
            severity: sighting.severity(),
            length: u64::try_from(sighting.span.len()).ok(),
            fingerprint: key.map(|key| sighting.fingerprint(key, text)),
            hint: sighting.hint(),
        }
    };
    let url = &request.url;
    let text = url.text.as_bytes();
    let mut found: Vec<Finding> = url
        .sightings
        .iter()
        .map(|sighting| of(sighting, text, Action::Block))
        .collect();
    for (name, value) in &request.headers {
        let mut sightings = Vec::new();
        scan::BUILTIN.header(name, value.as_bytes(), &mut sightings);
        let is_answer = ["location", "content-location", "link"]
            .iter()
            .any(|answer| name.eq_ignore_ascii_case(answer));
        let most = if is_answer {
            Action::Report
        } else {
            Action::Block
        };
        found.extend(
            sightings
                .iter()
                .map(|sighting| of(sighting, value.as_bytes(), most)),
        );
    }
    found.retain(|finding| finding.action != Action::Off);
    found
}

/// What is wrong with the head, by the reader that the proxy itself has.
fn head_findings(request: &Request, effective: &Effective) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut names = Vec::new();
    match read_head(request) {
        Ok(host) => names.extend(host.map(|host| (host, "header.host"))),
        Err(error) => {
            let rule = error.rule();
            let hint = format!("{error}: {}", error.hint());
            let action = effective.actions.get(rule);
            found.push(finding(rule, error.kind(), "head", action, &hint));
        }
    }
    let pseudo = request
        .headers
        .iter()
        .filter(|(name, _)| name == ":authority");
    for (_, value) in pseudo {
        match Authority::parse(value, Some(request.url.authority.port)) {
            Ok(authority) => names.push((authority.host, "header.:authority")),
            Err(error) => found.push(finding(
                Rule::MalformedRequest,
                "authority",
                "header.:authority",
                Action::Block,
                &format!("The :authority cannot be read: {error}."),
            )),
        }
    }
    let foreign = names
        .iter()
        .find_map(|(named, place)| effective.judge_host(named, place, &request.url.authority));
    found.extend(foreign);
    found
}

/// Reads the head as it would arrive; gives the host that its own Host header names.
fn read_head(request: &Request) -> Result<Option<Host>, HeadError> {
    let fields = request
        .headers
        .iter()
        .filter(|(name, _)| !name.starts_with(':'));
    if fields.clone().next().is_none() {
        return Ok(None);
    }
    let authority = &request.url.authority;
    let is_connect = request.method == "CONNECT";
    let target = if is_connect {
        authority.to_string()
    } else {
        "/".to_owned()
    };
    let mut text = format!("{} {target} HTTP/1.1\r\n", request.method);
    let mut has_host = false;
    for (name, value) in fields {
        // What would end the line early is told here, since behind it the reader sees another line.
        if name.contains(['\r', '\n']) || value.contains(['\r', '\n']) {
            return Err(HeadError::ControlByte);
        }
        has_host |= name.eq_ignore_ascii_case("host");
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        text.push_str("\r\n");
    }
    if !has_host {
        text.push_str(&format!("Host: {authority}\r\n"));
    }
    text.push_str("\r\n");
    let head = read_request_head(text.as_bytes(), HeadLimits::default())?;
    let host = head.and_then(|(head, _)| head.host).map(|host| host.host);
    Ok(host.filter(|_| has_host))
}

fn aws_call(class: &Class, identity: &Identity<'_>, request: &Request) -> Option<AwsCall> {
    let endpoint = endpoint(class)?;
    let key = identity.key.as_ref();
    let scope = identity.scope.as_ref();
    let signed_for = scope.and_then(|scope| scope.region.as_str());
    // A global name has no region, and an unknown one perhaps no service: the scope has both.
    let service = service(endpoint).or_else(|| scope.map(|scope| scope.service.to_string()));
    let host = request.url.authority.host.to_string();
    let call = Call {
        endpoint,
        host: &host,
        method: &request.method,
        path: &request.url.path,
        query: &request.url.query,
        fields: request.headers.as_slice(),
        body: &request.body,
        body_is_whole: true,
    };
    let asked = service
        .as_deref()
        .and_then(|service| operation(service, &call));
    Some(AwsCall {
        operation: asked.map(|asked| asked.name.into_owned()),
        service,
        region: region(endpoint).or_else(|| signed_for.map(str::to_owned)),
        access_key_id: key.map(|key| key.as_str().to_owned()),
        account_id: key.and_then(AccessKey::account).map(|id| id.to_string()),
        auth: identity.scheme.id(),
        presigned: Some(identity.presigned),
    })
}

fn finding(
    rule: Rule,
    kind: &'static str,
    place: &'static str,
    action: Action,
    hint: &str,
) -> Finding {
    Finding {
        rule,
        kind,
        place: place.into(),
        action,
        severity: Severity::High,
        length: None,
        fingerprint: None,
        hint: hint.to_owned(),
    }
}
