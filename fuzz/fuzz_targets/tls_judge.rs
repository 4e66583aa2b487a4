//! The handshake judge: no panic, no byte released that it has not got, one end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outgate::logic::wire::tls::{CertificateFault, CertificateVerifier, Judge, Profile, Question, Side, Step};
use outgate::model::{Action, Host, RuleActions};

struct Nobody;

impl CertificateVerifier for Nobody {
    fn verify_chain(&self, _: &[&[u8]], _: &Host) -> Result<(), CertificateFault> {
        Ok(())
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> Result<(), CertificateFault> {
        Ok(())
    }
}

// The first byte of each turn: which side, and how many bytes.
fuzz_target!(|bytes: &[u8]| {
    let question = Question {
        connect: Host::parse("example.com").expect("a host"),
        profile: Profile::by_name("baseline").expect("a profile"),
        actions: RuleActions::all(Action::Block),
        hold: true,
        bounds: Default::default(),
    };
    let mut judge = Judge::new(question, Box::new(Nobody));
    let mut held = [0_usize; 2];
    let mut rest = bytes;
    while let [turn, more @ ..] = rest {
        let side = if turn & 1 == 0 { Side::Client } else { Side::Server };
        let count = usize::from(turn >> 1).min(more.len());
        let (now, later) = more.split_at(count);
        rest = later;
        held[usize::from(side == Side::Server)] += now.len();
        let step = if now.is_empty() { judge.eof(side) } else { judge.feed(side, now) };
        match step {
            Step::Forward { client, server } => {
                assert!(client <= held[0] && server <= held[1], "released what never came");
                held[0] -= client;
                held[1] -= server;
            }
            Step::Hold => {}
            Step::Name(_) => {
                judge.name_judged(true);
            }
            Step::Pass | Step::Close(_) | Step::Refuse(_) => return,
        }
    }
});
