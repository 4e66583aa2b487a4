//! What the requests inside one intercepted connection have in common.

use std::sync::Arc;

use crate::logic::aws::classify;
use crate::logic::policy::{Effective, Permit, Way};
use crate::logic::record::{Carried, ClientTls, Request, Tls, Via};
use crate::model::{Authority, Decision, Finding, Mode};

use super::super::answer::Answer;
use super::super::decide::{Ask, Decided, Stopped, decide, fail};
use super::super::entry::{Draft, Visitor};
use super::super::route::{HeadFacts, described};
use super::super::state::{Active, Shared};
use super::super::upstream::Offers;

/// A connection whose TLS is ended here.
pub(in crate::proxy) struct Inner {
    pub(in crate::proxy) shared: Arc<Shared>,
    pub(in crate::proxy) visitor: Visitor,
    /// What its requests are for: the name of the hello, CONNECT's port.
    pub(in crate::proxy) authority: Authority,
    /// What CONNECT was allowed to reach, under these rules.
    pub(in crate::proxy) known: Option<Permit>,
    pub(in crate::proxy) policy: Arc<str>,
    /// CONNECT named an address: nothing else may be dialled, whatever the name resolves to.
    pub(in crate::proxy) pinned: bool,
    /// What is offered to the upstream.
    pub(in crate::proxy) offers: Offers,
    pub(in crate::proxy) client_tls: Arc<ClientTls>,
}

impl Inner {
    /// Whether the rules have changed since the connection began: what its client agreed to was
    /// judged by those before, so it is to come back.
    pub(in crate::proxy) fn is_outdated(&self) -> bool {
        self.shared.active.load().hash != self.policy
    }

    /// A draft for a request of this connection.
    pub(in crate::proxy) fn draft(&self, active: &Active) -> Draft {
        Draft::new(&self.visitor, active)
    }

    /// Judges a request by the rules that are in force by now, and puts the decision on record.
    ///
    /// # Errors
    /// [`Stopped`], with the answer.
    pub(in crate::proxy) async fn decide(
        &self,
        request: Request,
        look: impl FnOnce(&Effective) -> HeadFacts,
    ) -> Result<Decided, Stopped> {
        let active = self.shared.active.load_full();
        let is_same = active.hash == self.policy;
        let ask = Ask {
            authority: &self.authority,
            way: Way::Intercepted,
            carried: Carried::Intercept,
            known: self.known.as_ref().filter(|_| self.pinned || is_same),
        };
        let mut draft = self.draft(&active);
        draft.set_tls(Tls {
            client: Some(Arc::clone(&self.client_tls)),
            upstream: None,
        });
        decide(&self.shared, &active, draft, request, ask, look).await
    }

    /// Records a request that is answered as its CONNECT was: refused by the same findings, or
    /// failed for the same reason. Gives the request's id.
    pub(in crate::proxy) async fn stop(&self, request: Request, why: &Why) -> String {
        let active = self.shared.active.load_full();
        let mut draft = self.draft(&active);
        draft.set_way(Via::Connect, Carried::Intercept);
        draft.set_request(request);
        let (destination, aws) = described(&classify(&self.authority.host));
        draft.set_destination(destination, aws);
        draft.set_tls(Tls {
            client: Some(Arc::clone(&self.client_tls)),
            upstream: None,
        });
        let id = draft.id().to_owned();
        let journal = &self.shared.journal;
        if why.findings.is_empty() {
            let decision = Decision::from_findings(Vec::new(), active.policy.mode);
            match draft.open(journal, &decision).await {
                Ok(entry) => fail(entry, why.answer.clone()).await.1,
                Err((_, id)) => id,
            }
        } else {
            let decision = Decision::from_findings(why.findings.clone(), Mode::Enforce);
            let status = Some(why.answer.status);
            draft.refuse(journal, &decision, status).await;
            id
        }
    }
}

/// Why every request of a connection is answered by us.
#[derive(Debug, Clone)]
pub(in crate::proxy) struct Why {
    pub(in crate::proxy) answer: Answer,
    /// None: no rule refuses, the upstream failed.
    pub(in crate::proxy) findings: Vec<Finding>,
}

impl From<Stopped> for Why {
    fn from(stopped: Stopped) -> Why {
        Why {
            answer: stopped.answer,
            findings: stopped.findings,
        }
    }
}
