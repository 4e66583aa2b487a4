//! The judge's hands: reads both sides of a tunnel, shows the bytes to the judge, and passes on
//! what it releases.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::logic::record::Bytes;
use crate::logic::wire::first_bytes::{FirstBytes, first_bytes};
use crate::logic::wire::tls::{Close, Facts, Judge, Refusal, Side, Step};
use crate::model::DnsName;

/// One read of a handshake. Most hellos and many flights fit.
const READ: usize = 4096;

/// A tunnel whose handshake is being judged.
pub(super) struct Handshake<C, U> {
    judge: Judge,
    client: Leg<C>,
    upstream: Leg<U>,
    flight_shown: bool,
    /// A step that waits until the caller has looked at what it rests on.
    next: Option<Step>,
    /// Bytes that the caller read along with the request.
    early: Vec<u8>,
}

/// What the caller has to do next.
#[derive(Debug)]
pub(super) enum Turn {
    /// CONNECT named an address, the hello names this: judge it, then [`Handshake::name_judged`].
    Name(DnsName),
    /// The server's first flight is judged and about to be passed on.
    Flight,
    /// Relay from here.
    Pass,
    /// Refuse.
    Refuse(Refusal),
    /// A side ended before there was a verdict; nothing undecided was passed on.
    Ended(Close),
    /// A side failed.
    Failed(Side, io::Error),
    /// The proxy stops.
    Stopped,
}

/// One side: its stream, and what it sent that the other has not got yet.
#[derive(Debug)]
struct Leg<S> {
    stream: S,
    held: Vec<u8>,
    /// Of `held`, what may go.
    free: usize,
    passed: u64,
    ended: bool,
}

impl<C, U> Handshake<C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    /// `early`: bytes that came from the client behind its request.
    pub(super) fn new(judge: Judge, client: C, upstream: U, early: Vec<u8>) -> Handshake<C, U> {
        Handshake {
            judge,
            client: Leg::new(client),
            upstream: Leg::new(upstream),
            flight_shown: false,
            next: None,
            early,
        }
    }

    /// Goes on until the caller is needed. Can be dropped and called again.
    pub(super) async fn turn(&mut self) -> Turn {
        loop {
            if let Err((side, error)) = self.pass_on().await {
                return Turn::Failed(side, error);
            }
            let step = match self.next.take() {
                Some(step) => step,
                None => match self.read_and_judge().await {
                    Ok(step) => step,
                    Err((side, error)) => return Turn::Failed(side, error),
                },
            };
            match step {
                Step::Hold => {}
                Step::Forward { .. } | Step::Pass
                    if !self.flight_shown && self.judge.facts().server_flight_judged =>
                {
                    self.flight_shown = true;
                    self.next = Some(step);
                    return Turn::Flight;
                }
                Step::Forward { client, server } => {
                    self.client.free += client;
                    self.upstream.free += server;
                }
                Step::Name(name) => return Turn::Name(name),
                Step::Pass => {
                    self.client.free = self.client.held.len();
                    self.upstream.free = self.upstream.held.len();
                    // Should this be dropped while writing, the next call comes here again.
                    self.next = Some(Step::Pass);
                    if let Err((side, error)) = self.pass_on().await {
                        return Turn::Failed(side, error);
                    }
                    return Turn::Pass;
                }
                Step::Refuse(refusal) => return Turn::Refuse(refusal),
                Step::Close(close) => return Turn::Ended(close),
            }
        }
    }

    /// The answer to [`Turn::Name`].
    pub(super) fn name_judged(&mut self, ok: bool) {
        self.next = Some(self.judge.name_judged(ok));
    }

    /// Report mode, and the time is up: nothing more is judged, all that is held passes.
    pub(super) fn pass_unjudged(&mut self) {
        self.next = Some(Step::Pass);
        self.flight_shown = true;
    }

    /// The time is up.
    pub(super) fn timeout(&mut self) -> Refusal {
        self.judge.timeout()
    }

    /// What was seen so far.
    pub(super) const fn facts(&self) -> &Facts {
        self.judge.facts()
    }

    /// Bytes passed on so far.
    pub(super) const fn bytes(&self) -> Bytes {
        Bytes {
            sent: self.client.passed,
            received: self.upstream.passed,
        }
    }

    /// Whether the client speaks plain HTTP into the tunnel: then it can read an HTTP answer.
    pub(super) fn client_speaks_http(&self) -> bool {
        matches!(first_bytes(&self.client.held), FirstBytes::Http1)
    }

    /// The streams, and whether each side's end was read.
    pub(super) fn into_parts(self) -> (C, U, bool, bool) {
        (
            self.client.stream,
            self.upstream.stream,
            self.client.ended,
            self.upstream.ended,
        )
    }

    /// The client's stream, for last words.
    pub(super) const fn client_mut(&mut self) -> &mut C {
        &mut self.client.stream
    }

    async fn read_and_judge(&mut self) -> Result<Step, (Side, io::Error)> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            self.client.held.extend_from_slice(&early);
            return Ok(self.judge.feed(Side::Client, &early));
        }
        let from_client = !self.client.ended && self.judge.wants(Side::Client);
        let from_upstream = !self.upstream.ended && self.judge.wants(Side::Server);
        if !from_client && !from_upstream {
            // The judge has closed or refused by then; waiting on would be for ever.
            return Err((Side::Client, io::ErrorKind::UnexpectedEof.into()));
        }
        tokio::select! {
            read = self.client.read(), if from_client => self.judged(Side::Client, read),
            read = self.upstream.read(), if from_upstream => self.judged(Side::Server, read),
        }
    }

    fn judged(&mut self, side: Side, read: io::Result<usize>) -> Result<Step, (Side, io::Error)> {
        let count = read.map_err(|error| (side, error))?;
        let held = match side {
            Side::Client => &self.client.held,
            Side::Server => &self.upstream.held,
        };
        if count == 0 {
            return Ok(self.judge.eof(side));
        }
        let fresh = held
            .len()
            .checked_sub(count)
            .and_then(|start| held.get(start..))
            .unwrap_or_default();
        Ok(self.judge.feed(side, fresh))
    }

    async fn pass_on(&mut self) -> Result<(), (Side, io::Error)> {
        self.client
            .pass_to(&mut self.upstream.stream)
            .await
            .map_err(|error| (Side::Server, error))?;
        self.upstream
            .pass_to(&mut self.client.stream)
            .await
            .map_err(|error| (Side::Client, error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Leg<S> {
    const fn new(stream: S) -> Leg<S> {
        Leg {
            stream,
            held: Vec::new(),
            free: 0,
            passed: 0,
            ended: false,
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        self.held.reserve(READ);
        let count = self.stream.read_buf(&mut self.held).await?;
        self.ended = count == 0;
        Ok(count)
    }

    async fn pass_to<T: AsyncWrite + Unpin>(&mut self, other: &mut T) -> io::Result<()> {
        while self.free > 0 {
            let written = other
                .write(self.held.get(..self.free).unwrap_or(&self.held))
                .await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.held.drain(..written);
            self.free -= written;
            self.passed += written as u64;
            if self.free == 0 {
                other.flush().await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::duplex;

    use super::*;
    use crate::logic::wire::tls::{
        Bounds, CertificateFault, CertificateVerifier, Profile, Question,
    };
    use crate::model::{Action, Host, RuleActions};

    struct Nobody;

    impl CertificateVerifier for Nobody {
        fn verify_chain(&self, _: &[&[u8]], _: &Host) -> Result<(), CertificateFault> {
            Err(CertificateFault::UntrustedIssuer)
        }

        fn verify_signature(
            &self,
            _: &[u8],
            _: u16,
            _: &[u8],
            _: &[u8],
        ) -> Result<(), CertificateFault> {
            Err(CertificateFault::BadSignature)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn in_report_mode_no_byte_is_lost_when_the_time_is_up() {
        let judge = Judge::new(
            Question {
                connect: Host::parse("example.com").unwrap(),
                profile: Profile::nothing(),
                actions: RuleActions::all(Action::Report),
                hold: false,
                bounds: Bounds::default(),
            },
            Box::new(Nobody),
        );
        let (mut client, ours) = duplex(64 * 1024);
        // An upstream that does not read: what the client sent is stuck half-way.
        let (theirs, mut upstream) = duplex(10);
        let sent: Vec<u8> = (0..3000_u32).map(|n| n as u8).collect();
        client.write_all(&sent).await.unwrap();
        let mut handshake = Handshake::new(judge, ours, theirs, Vec::new());
        let stuck = tokio::time::timeout(Duration::from_secs(10), handshake.turn()).await;
        assert!(stuck.is_err(), "{stuck:?}");
        handshake.pass_unjudged();
        let (turn, got) = tokio::join!(handshake.turn(), async {
            let mut got = vec![0; sent.len()];
            upstream.read_exact(&mut got).await.unwrap();
            got
        });
        assert!(matches!(turn, Turn::Pass), "{turn:?}");
        assert!(got == sent);
        assert_eq!(handshake.bytes().sent, sent.len() as u64);
    }
}
