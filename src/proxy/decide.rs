//! From a request to its decision on record, for every way of carrying.

use crate::edge::journal::Unavailable;
use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Permit, Target, Way};
use crate::logic::record::{Carried, Request, Via};
use crate::model::{Authority, Finding};

use super::answer::Answer;
use super::entry::{Draft, Entry, Outcome, unrecorded_answer};
use super::reach::Parent;
use super::route::{HeadFacts, Routed, described, route};
use super::state::{Active, Shared};

/// What is asked for, and how it is to be carried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) authority: &'a Authority,
    pub(super) way: Way,
    pub(super) carried: Carried,
    /// What the same connection was allowed to reach before.
    pub(super) known: Option<&'a Permit>,
}

/// A request that ends here; all that belongs on record is there.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) answer: Answer,
    /// The request's id.
    pub(super) id: String,
    /// Why, if a rule refused it; none where its upstream failed.
    pub(super) findings: Vec<Finding>,
}

impl From<(Answer, String)> for Stopped {
    fn from((answer, id): (Answer, String)) -> Stopped {
        Stopped {
            answer,
            id,
            findings: Vec::new(),
        }
    }
}

/// A request that may go on: its decision is on record.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) entry: Entry,
    pub(super) permit: Permit,
    pub(super) effective: Effective,
    pub(super) is_aws: bool,
    /// How the parent proxy is spoken to, if the permit leads through one.
    pub(super) parent: Option<Parent>,
}

/// Judges a request and puts the decision on record. `look` is asked for what the head shows
/// under the settings of its destination.
///
/// # Errors
/// [`Stopped`], with the answer.
pub(super) async fn decide(
    shared: &Shared,
    active: &Active,
    mut draft: Draft,
    request: Request,
    ask: Ask<'_>,
    look: impl FnOnce(&Effective) -> HeadFacts,
) -> Result<Decided, Stopped> {
    let Ask {
        authority,
        way,
        carried,
        known,
    } = ask;
    let policy = &active.policy;
    let class = classify(&authority.host);
    let target = Target {
        authority,
        class: &class,
        way,
    };
    let effective = policy.effective(&target);
    draft.set_mode(effective.mode);
    let via = match way {
        Way::Connect | Way::Intercepted => Via::Connect,
        Way::Forward => Via::Forward,
    };
    draft.set_way(via, carried);
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
        known,
    )
    .await
    {
        Routed::Refused(decision) => {
            let answer = Answer::refusal(&decision);
            let id = draft.id().to_owned();
            draft
                .refuse(&shared.journal, &decision, Some(answer.status))
                .await;
            return Err(Stopped {
                answer,
                id,
                findings: decision.findings,
            });
        }
        Routed::Unresolved { decision, reason } => {
            let entry = draft
                .open(&shared.journal, &decision)
                .await
                .map_err(unrecorded)?;
            return Err(fail(entry, Answer::upstream(502, "dns_error", reason))
                .await
                .into());
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
            draft.set_parent(
                permit
                    .through_parent()
                    .map(|by_name| by_name.proxy.to_string()),
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
        parent: active.parent.clone(),
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

fn unrecorded((unavailable, id): (Unavailable, String)) -> Stopped {
    (unrecorded_answer(&unavailable), id).into()
}
