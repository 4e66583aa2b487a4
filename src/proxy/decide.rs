//! From a request to its decision on record, for every way of carrying.

use crate::edge::journal::Unavailable;
use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Permit, Target, Way};
use crate::logic::record::{Carried, Request, Via};
use crate::model::Authority;

use super::answer::Answer;
use super::entry::{Draft, Entry, Outcome, unrecorded_answer};
use super::route::{HeadFacts, Routed, described, route};
use super::state::{Active, Shared};

/// A request that may go on: its decision is on record.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) entry: Entry,
    pub(super) permit: Permit,
    pub(super) effective: Effective,
    pub(super) is_aws: bool,
}

/// Judges a request and puts the decision on record. `look` is asked for what the head shows
/// under the settings of its destination.
///
/// # Errors
/// The answer, and the request's id; all that belongs on record is there.
pub(super) async fn decide(
    shared: &Shared,
    active: &Active,
    mut draft: Draft,
    request: Request,
    authority: &Authority,
    way: Way,
    look: impl FnOnce(&Effective) -> HeadFacts,
) -> Result<Decided, (Answer, String)> {
    let policy = &active.policy;
    let class = classify(&authority.host);
    let target = Target {
        authority,
        class: &class,
        way,
    };
    let effective = policy.effective(&target);
    draft.set_mode(effective.mode);
    match way {
        Way::Connect => draft.set_way(Via::Connect, Carried::Tunnel),
        Way::Forward => draft.set_way(Via::Forward, Carried::Forward),
    }
    draft.set_request(request);
    let (destination, aws) = described(&class);
    draft.set_destination(destination, aws);
    let head = look(&effective);
    let (decision, permit) = match route(
        policy,
        &shared.resolver,
        &shared.own,
        &target,
        &effective,
        head,
    )
    .await
    {
        Routed::Refused(decision) => {
            let answer = Answer::refusal(&decision);
            let id = draft.id().to_owned();
            draft
                .refuse(&shared.journal, &decision, Some(answer.status))
                .await;
            return Err((answer, id));
        }
        Routed::Unresolved { decision, reason } => {
            let entry = draft
                .open(&shared.journal, &decision)
                .await
                .map_err(unrecorded)?;
            return Err(fail(entry, Answer::upstream(502, "dns_error", reason)).await);
        }
        Routed::Permitted {
            decision,
            permit,
            answered,
        } => {
            draft.set_addr(
                permit.addresses().first().map(ToString::to_string),
                answered,
            );
            (decision, permit)
        }
    };
    let entry = draft
        .open(&shared.journal, &decision)
        .await
        .map_err(unrecorded)?;
    Ok(Decided {
        entry,
        permit,
        effective,
        is_aws: class.is_aws(),
    })
}

/// Completes a request whose upstream failed.
pub(super) async fn fail(entry: Entry, answer: Answer) -> (Answer, String) {
    let id = entry.id().to_owned();
    let error = Some(answer.detail.clone());
    entry
        .complete(Outcome {
            status: Some(answer.status),
            error,
            failed: true,
            ..Outcome::default()
        })
        .await;
    (answer, id)
}

fn unrecorded((unavailable, id): (Unavailable, String)) -> (Answer, String) {
    (unrecorded_answer(&unavailable), id)
}
