//! Asks a server what it would agree to, and has the proxy's own judge read the answer.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::hello::Offer;
use crate::edge::tls::Verifier;
use crate::logic::wire::tls::{
    AlertSeen, Bounds, Facts, Judge, Profile, Question, Refusal, Side, Step,
};
use crate::model::{Action, Host, RuleActions};

/// What came of a hello.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) facts: Facts,
    pub(super) end: ProbeEnd,
}

#[derive(Debug)]
pub(super) enum ProbeEnd {
    /// What the server agreed to is within the profile.
    Agreed,
    Refused(Refusal),
    /// The server ended the handshake, with an alert or without.
    Closed(Option<AlertSeen>),
    Failed(String),
}

/// Offers `offer` over `stream` and reads on until the answer is judged.
pub(super) async fn probe<S: AsyncRead + AsyncWrite + Unpin>(
    verifier: &Arc<Verifier>,
    host: &Host,
    mut stream: S,
    profile: &'static Profile,
    offer: &Offer,
) -> Probe {
    let question = Question {
        connect: host.clone(),
        profile,
        // What the settings make of a fault is looked up where the finding is made.
        actions: RuleActions::all(Action::Block),
        hold: true,
        bounds: Bounds::default(),
    };
    let mut judge = Judge::new(question, Box::new(Arc::clone(verifier)));
    let end = match converse(&mut judge, host, &mut stream, offer).await {
        Ok(end) => end,
        Err(error) => ProbeEnd::Failed(error.to_string()),
    };
    Probe {
        facts: judge.facts().clone(),
        end,
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    judge: &mut Judge,
    host: &Host,
    stream: &mut S,
    offer: &Offer,
) -> std::io::Result<ProbeEnd> {
    let mut random = [0; 32];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut random)
        .map_err(|_| std::io::Error::other("no random bytes"))?;
    let hello = offer.hello(host, random);
    let mut step = judge.feed(Side::Client, &hello);
    stream.write_all(&hello).await?;
    let mut buffer = [0; 8 * 1024];
    loop {
        match step {
            Step::Refuse(refusal) => return Ok(ProbeEnd::Refused(refusal)),
            Step::Close(close) => return Ok(ProbeEnd::Closed(close.alert)),
            Step::Pass => return Ok(ProbeEnd::Agreed),
            Step::Name(_) => step = judge.name_judged(true),
            Step::Hold | Step::Forward { .. } => {
                if judge.facts().server_flight_judged {
                    return Ok(ProbeEnd::Agreed);
                }
                // Some wait for us to close.
                if let Some(alert) = judge.facts().ending_alert(Side::Server) {
                    return Ok(ProbeEnd::Closed(Some(*alert)));
                }
                let count = stream.read(&mut buffer).await?;
                step = match buffer.get(..count) {
                    Some([]) | None => judge.eof(Side::Server),
                    Some(bytes) => judge.feed(Side::Server, bytes),
                };
            }
        }
    }
}
