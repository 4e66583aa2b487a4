//! A request's two lines. Whatever ends a request, its completion is written exactly once: an
//! entry that is dropped unfinished says so on record.

use std::sync::Arc;
use std::time::Instant;

use crate::edge::clock;
use crate::edge::journal::{Journal, Unavailable};
use crate::edge::process::Caller;
use crate::logic::record::{
    AwsCall, Body, Bytes, Carried, Client, Destination, FindingLine, Line, Request, Stage, Tls,
    Via, cut,
};
use crate::model::{Decision, Finding, Mode, Rule, Verdict};

use super::answer::Answer;
use super::state::Active;

const MAX_URL: usize = 4096;
const MAX_METHOD: usize = 32;
const MAX_USER_AGENT: usize = 256;
const MAX_ERROR: usize = 512;

/// What a connection is, for the records of its requests.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub conn: Arc<str>,
    pub client: Client,
    pub caller: Caller,
}

/// What is known of a request before anything is decided.
#[derive(Debug)]
pub(super) struct Draft {
    /// Boxed: a draft goes from step to step.
    line: Box<Line>,
    started: Instant,
    mode: Mode,
    caller: Caller,
}

impl Draft {
    /// A request on the visitor's connection, under the rules in force.
    pub(super) fn new(visitor: &Visitor, active: &Active) -> Draft {
        let line = Line {
            time: String::new(),
            id: clock::new_id(),
            conn: Arc::clone(&visitor.conn),
            stage: Stage::Decision,
            client: visitor.client.clone(),
            via: None,
            carried: None,
            request: Request::default(),
            destination: None,
            aws: None,
            tls: Tls::default(),
            verdict: Verdict::Allow,
            would: Verdict::Allow,
            rule: None,
            findings: Vec::new(),
            policy: Arc::clone(&active.hash),
            status: None,
            bytes: None,
            duration_ms: None,
            error: None,
        };
        Draft {
            line: Box::new(line),
            started: Instant::now(),
            mode: active.policy.mode,
            caller: visitor.caller.clone(),
        }
    }

    /// The request's id, as answers name it.
    pub(super) fn id(&self) -> &str {
        &self.line.id
    }

    /// The mode that holds for its destination.
    pub(super) const fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// The client's connection, and who it is.
    pub(super) fn visitor(&self) -> Visitor {
        Visitor {
            conn: Arc::clone(&self.line.conn),
            client: self.line.client.clone(),
            caller: self.caller.clone(),
        }
    }

    /// How it came and how it is carried.
    pub(super) fn set_way(&mut self, via: Via, carried: Carried) {
        self.line.via = Some(via);
        self.line.carried = Some(carried);
    }

    /// What was asked. `url` must be redacted.
    pub(super) fn set_request(&mut self, request: Request) {
        self.line.request = Request {
            method: request.method.map(|method| cut(&method, MAX_METHOD)),
            url: request.url.map(|url| cut(&url, MAX_URL)),
            user_agent: request.user_agent.map(|agent| cut(&agent, MAX_USER_AGENT)),
            ..request
        };
    }

    /// Where it goes.
    pub(super) fn set_destination(&mut self, destination: Destination, aws: Option<AwsCall>) {
        self.line.destination = Some(destination);
        self.line.aws = aws;
    }

    /// The address that will be tried first, and the name that answered.
    pub(super) fn set_addr(&mut self, addr: Option<String>, answered: Option<String>) {
        if let Some(destination) = &mut self.line.destination {
            destination.addr = addr;
            destination.answered = answered;
        }
    }

    /// The parent proxy that will be asked.
    pub(super) fn set_parent(&mut self, parent: Option<String>) {
        if let Some(destination) = &mut self.line.destination {
            destination.parent = parent;
        }
    }

    /// What is known of TLS beforehand.
    pub(super) fn set_tls(&mut self, tls: Tls) {
        self.line.tls = tls;
    }

    fn set_decision(&mut self, decision: &Decision) {
        self.line.verdict = decision.verdict;
        self.line.would = decision.would;
        self.line.rule = decision.rule;
        self.line.findings = decision.findings.iter().map(FindingLine::from).collect();
    }

    fn body(&mut self, stage: Stage) -> Body {
        self.line.stage = stage;
        self.line.time = clock::timestamp();
        // Looked up beside the request; no line waits for it.
        if let Some(found) = self.caller.get() {
            self.line.client.pid = Some(found.pid);
            self.line.client.process = Some(found.name.clone());
        }
        Body::line(&self.line)
    }

    /// Records a refusal: the decision alone. `status` is what the client is told.
    pub(super) async fn refuse(
        mut self,
        journal: &Journal,
        decision: &Decision,
        status: Option<u16>,
    ) {
        self.set_decision(decision);
        self.line.status = status;
        self.line.duration_ms = Some(millis(self.started));
        let body = self.body(Stage::Decision);
        // The request is refused either way; if the record fails, the gap event counts it.
        if journal.decide(body.clone()).await.is_err() {
            journal.refuse(body);
        }
        journal.tell(&self.line);
    }

    /// Puts the decision on record; only then may anything be dialled.
    ///
    /// # Errors
    /// [`Unavailable`]: the request must be refused; this has been noted.
    pub(super) async fn open(
        mut self,
        journal: &Journal,
        decision: &Decision,
    ) -> Result<Entry, (Unavailable, String)> {
        self.set_decision(decision);
        let body = self.body(Stage::Decision);
        match journal.decide(body).await {
            Ok(()) => {
                journal.tell(&self.line);
                Ok(Entry {
                    draft: Some(self),
                    decision: decision.clone(),
                    journal: journal.clone(),
                })
            }
            Err(unavailable) => {
                let decision =
                    Decision::from_findings(vec![unavailable_finding(&unavailable)], Mode::Enforce);
                self.set_decision(&decision);
                self.line.status = Some(Rule::AuditUnavailable.status());
                self.line.error = Some(cut(&unavailable.to_string(), MAX_ERROR));
                let body = self.body(Stage::Decision);
                journal.refuse(body);
                journal.tell(&self.line);
                Err((unavailable, self.line.id))
            }
        }
    }
}

/// A request whose decision is on record.
#[derive(Debug)]
pub(super) struct Entry {
    draft: Option<Draft>,
    decision: Decision,
    journal: Journal,
}

impl Entry {
    /// The request's id.
    pub(super) fn id(&self) -> &str {
        self.draft.as_ref().map_or("", |draft| draft.id())
    }

    /// The decision that stands; later findings may change it.
    pub(super) const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Adds what showed only after the decision, and judges anew.
    pub(super) fn add_findings(&mut self, findings: Vec<Finding>) {
        if let Some(draft) = &mut self.draft
            && !findings.is_empty()
        {
            let mut all = std::mem::take(&mut self.decision.findings);
            all.extend(findings);
            self.decision = Decision::from_findings(all, draft.mode);
            draft.set_decision(&self.decision);
        }
    }

    /// It is carried otherwise than was decided at first.
    pub(super) fn set_carried(&mut self, carried: Carried) {
        if let Some(draft) = &mut self.draft {
            draft.line.carried = Some(carried);
        }
    }

    /// The address that was dialled in the end.
    pub(super) fn set_addr(&mut self, addr: String) {
        if let Some(destination) = self
            .draft
            .as_mut()
            .and_then(|draft| draft.line.destination.as_mut())
        {
            destination.addr = Some(addr);
        }
    }

    /// The destination turned out to be this as well; what is known of its address stays.
    pub(super) fn set_class(&mut self, (class, aws): (Destination, Option<AwsCall>)) {
        if let Some(draft) = &mut self.draft {
            let known = draft.line.destination.take().unwrap_or_default();
            draft.line.destination = Some(Destination {
                addr: known.addr,
                parent: known.parent,
                answered: known.answered,
                ..class
            });
            draft.line.aws = aws;
        }
    }

    /// The address that was dialled.
    pub(super) fn dialled(&self) -> Option<std::net::SocketAddr> {
        self.draft
            .as_ref()?
            .line
            .destination
            .as_ref()?
            .addr
            .as_ref()?
            .parse()
            .ok()
    }

    /// What was seen of TLS.
    pub(super) fn set_tls(&mut self, tls: Tls) {
        if let Some(draft) = &mut self.draft {
            draft.line.tls = tls;
        }
    }

    /// What the answer told of an AWS call.
    pub(super) fn set_request_ids(&mut self, request_id: Option<String>, extended: Option<String>) {
        if let Some(aws) = self
            .draft
            .as_mut()
            .and_then(|draft| draft.line.aws.as_mut())
        {
            aws.request_id = request_id.map(|id| cut(&id, 128));
            aws.extended_request_id = extended.map(|id| cut(&id, 256));
        }
    }

    /// An hourly sign of life.
    pub(super) async fn progress(&mut self, bytes: Bytes) {
        if let Some(draft) = &mut self.draft {
            draft.line.bytes = Some(bytes);
            draft.line.duration_ms = Some(millis(draft.started));
            let body = draft.body(Stage::Progress);
            // The writer cannot be gone while a request is open.
            let _ = self.journal.complete(body).await;
        }
    }

    /// The last line.
    pub(super) async fn complete(mut self, end: Outcome) {
        if let Some(body) = self.finish(end) {
            // The writer cannot be gone while a request is open.
            let _ = self.journal.complete(body).await;
        }
    }

    /// The last line, of which the client is to hear only when it is written.
    pub(super) async fn complete_first(mut self, end: Outcome) {
        if let Some(body) = self.finish(end)
            && self.journal.decide(body.clone()).await.is_err()
        {
            self.journal.complete_detached(body);
        }
    }

    /// The last line, from where nothing can be awaited.
    pub(super) fn complete_detached(mut self, end: Outcome) {
        if let Some(body) = self.finish(end) {
            self.journal.complete_detached(body);
        }
    }

    fn finish(&mut self, end: Outcome) -> Option<Body> {
        let mut draft = self.draft.take()?;
        draft.line.status = end.status;
        draft.line.bytes = Some(end.bytes);
        draft.line.duration_ms = Some(millis(draft.started));
        draft.line.error = end.error.map(|error| cut(&error, MAX_ERROR));
        if end.failed && draft.line.verdict != Verdict::Block {
            draft.line.verdict = Verdict::Error;
        }
        let body = draft.body(Stage::Complete);
        self.journal.tell(&draft.line);
        Some(body)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let outcome = Outcome {
            error: Some("abandoned: outgate stopped working on it".to_owned()),
            ..Outcome::default()
        };
        if let Some(body) = self.finish(outcome) {
            self.journal.complete_detached(body);
        }
    }
}

/// How a request ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub status: Option<u16>,
    pub bytes: Bytes,
    pub error: Option<String>,
    /// The upstream failed: verdict `error`.
    pub failed: bool,
}

fn unavailable_finding(unavailable: &Unavailable) -> Finding {
    Finding {
        rule: Rule::AuditUnavailable,
        kind: "sink",
        place: "record".into(),
        action: crate::model::Action::Block,
        severity: crate::model::Severity::High,
        length: None,
        fingerprint: None,
        hint: unavailable_hint(unavailable),
    }
}

/// The answer when the record fails.
pub(super) fn unrecorded_answer(unavailable: &Unavailable) -> Answer {
    Answer::by_rule(
        Rule::AuditUnavailable,
        Rule::AuditUnavailable.status(),
        unavailable_hint(unavailable),
    )
}

fn unavailable_hint(unavailable: &Unavailable) -> String {
    format!(
        "Nothing passes unrecorded, and {unavailable}. Free the disk or restore the place that --audit names; \
         outgate goes on by itself as soon as it can write."
    )
}

fn millis(since: Instant) -> f64 {
    // Rounded to microseconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a duration in microseconds is far below 2^52"
    )]
    let micros = since.elapsed().as_micros() as f64;
    micros / 1000.0
}
