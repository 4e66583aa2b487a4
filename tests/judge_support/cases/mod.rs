//! The scripted corpus: good and bad exchanges, each with the verdict that it must get.

mod answers;
mod flights;
mod good;
mod hellos;
mod order;

use super::build::*;
use super::{Event, HOST, Outcome};
use outgate::logic::wire::tls::CertificateFault;

pub struct Case {
    pub name: String,
    pub profile: &'static str,
    pub connect: String,
    pub chain: Option<CertificateFault>,
    pub signature: Option<CertificateFault>,
    pub events: Vec<Event>,
    pub expect: Outcome,
    /// Not made of whole records, so that it is only cut into reads.
    pub raw: bool,
}

impl Case {
    fn new(name: &str, events: Vec<Event>, expect: Outcome) -> Case {
        Case {
            name: name.to_owned(),
            profile: "baseline",
            connect: HOST.to_owned(),
            chain: None,
            signature: None,
            events,
            expect,
            raw: false,
        }
    }

    fn profile(mut self, profile: &'static str) -> Case {
        self.profile = profile;
        self.name = format!("{} ({profile})", self.name);
        self
    }

    fn connect(mut self, connect: &str) -> Case {
        self.connect = connect.to_owned();
        self
    }

    fn raw(mut self) -> Case {
        self.raw = true;
        self
    }
}

fn good(name: &str, events: Vec<Event>) -> Case {
    Case::new(name, events, Outcome::Pass)
}

fn weak(name: &str, kind: &'static str, events: Vec<Event>) -> Case {
    Case::new(name, events, Outcome::refuse("weak-tls", kind))
}

fn not_tls(name: &str, kind: &'static str, events: Vec<Event>) -> Case {
    Case::new(name, events, Outcome::refuse("not-tls", kind))
}

fn bad_sni(name: &str, kind: &'static str, client: Ch) -> Case {
    Case::new(
        name,
        full13(&client, &Sh::new()),
        Outcome::refuse("sni-mismatch", kind),
    )
}

pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(good::good_hellos());
    all.extend(good::good_flights());
    all.extend(good::profiles());
    all.extend(hellos::names());
    all.extend(hellos::bad_client_hellos());
    all.extend(hellos::weak_offers());
    all.extend(answers::bad_server_hellos());
    all.extend(answers::bad_retries());
    all.extend(flights::bad_flights());
    all.extend(order::bad_order());
    all.extend(order::bad_records());
    all.extend(order::alerts());
    all
}

fn with_retry(second: Ch, answer: Sh) -> Vec<Event> {
    let mut events = vec![
        c(Ch::new().bytes()),
        s([Sh::retry(0x17).bytes(), ccs()].concat()),
        c([ccs(), second.bytes()].concat()),
        s(answer.bytes()),
    ];
    events.extend(finish13());
    events
}

fn p256() -> Sh {
    Sh::new().ext(51, share(0x17, 65))
}

fn early() -> Ch {
    Ch::new().ext(42, []).psk()
}
