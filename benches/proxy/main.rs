//! What a tunnel costs: the CPU of the proxy's process alone, per new tunnel and per gigabyte,
//! the memory of idle tunnels, the latency that it adds; beside it, in the same run and in turn,
//! squid (if it is installed) and a bare relay that only copies.
//!
//! ```text
//! cargo bench --bench proxy                       everything, about twelve minutes
//! cargo bench --bench proxy -- --quick            fewer rounds
//! cargo bench --bench proxy -- --only new,gigabyte,idle,latency,endurance
//! cargo bench --bench proxy -- --only connections,requests,streams,bytes,first,memory
//! cargo bench --bench proxy -- --only intercept   the same: what ends TLS, about ten minutes
//! cargo bench --bench proxy -- --without squid    leave a rival out (squid, bare, mitmproxy, hudsucker)
//! cargo bench --bench proxy -- --squid PATH       a squid with OpenSSL; also --mitmdump, --hudsucker,
//!                                                 --outgate (another build in place of this one)
//! cargo bench --bench proxy -- --beside PATH      another build of outgate as a rival
//! ```
//!
//! Under interception both legs are real TLS, and the rivals are proxies that end it as well.
//!
//! For tunnels the handshake is a real one, captured at the start and then replayed byte for byte, so that
//! neither side of the load spends time on cryptography. Ratios are taken round by round between
//! neighbours in time; the median is printed with the smallest and the largest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a bench is read by the person who runs it; what fails shall stop it"
)]

mod contest;
mod intercept;
mod load;
mod meter;
mod origin;
mod rival;
mod scripted;
mod section;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use contest::Contest;
use rival::{Kind, Rival};
use scripted::Script;
use section::Tunnels;

/// Set in the environment of the process that plays the bare relay.
const RELAY_TO: &str = "OUTGATE_BENCH_RELAY_TO";

fn main() {
    if let Ok(origin) = std::env::var(RELAY_TO) {
        return rival::relay(origin.parse().unwrap());
    }
    let options = Options::read(std::env::args().skip(1));
    if SECTIONS.iter().any(|(name, _)| options.wants(name)) {
        tunnels(&options);
    }
    let whole = options.wants("intercept");
    let wants = |part: &str| whole || options.wants(part);
    if intercept::parts().any(wants) {
        intercept::run(
            &options.programs,
            &options.beside,
            options.quick,
            wants,
            |name| options.wants_rival(name),
        );
    }
}

type Section = (&'static str, fn(&Tunnels));

const SECTIONS: [Section; 5] = [
    ("new", section::new_tunnels),
    ("gigabyte", section::gigabyte),
    ("latency", section::latency),
    ("idle", section::idle),
    ("endurance", section::endurance),
];

fn tunnels(options: &Options) {
    let script = Arc::new(Script::capture("bench.example"));
    let origin = origin::start(Arc::clone(&script));
    let mut rivals =
        vec![Rival::start(Kind::Outgate(options.programs.outgate.clone()), origin).unwrap()];
    for path in &options.beside {
        rivals.extend(Rival::start(Kind::Beside(path.clone()), origin));
    }
    if options.wants_rival("squid") {
        match Rival::start(Kind::Squid, origin) {
            Some(squid) => rivals.push(squid),
            None => println!("squid is left out: it is not installed, or does not start"),
        }
    }
    if options.wants_rival("bare") {
        rivals.extend(Rival::start(Kind::BareRelay, origin));
    }
    let tunnels = Tunnels {
        contest: Contest {
            rivals,
            quick: options.quick,
        },
        direct: load::Way {
            address: origin,
            connect: None,
        },
        script,
    };
    for (name, run) in SECTIONS {
        if options.wants(name) {
            run(&tunnels);
        }
    }
}

/// What was asked for on the command line.
#[derive(Default)]
struct Options {
    quick: bool,
    only: Vec<String>,
    without: Vec<String>,
    beside: Vec<PathBuf>,
    programs: intercept::Programs,
}

impl Options {
    fn read(mut args: impl Iterator<Item = String>) -> Options {
        let mut options = Options::default();
        let list = |value: Option<String>| -> Vec<String> {
            let value = value.expect("a comma-separated list");
            value.split(',').map(str::to_owned).collect()
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--only" => options.only = list(args.next()),
                "--beside" => {
                    options.beside = list(args.next()).into_iter().map(PathBuf::from).collect();
                }
                "--without" => options.without = list(args.next()),
                "--outgate" => options.programs.outgate = args.next().expect("a path").into(),
                "--squid" => options.programs.squid = args.next().expect("a path").into(),
                "--mitmdump" => options.programs.mitmdump = args.next().expect("a path").into(),
                "--hudsucker" => options.programs.hudsucker = args.next().expect("a path").into(),
                // What cargo adds by itself.
                "--bench" => {}
                other => panic!("unknown option {other}; see the head of benches/proxy/main.rs"),
            }
        }
        options
    }

    fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == section)
    }

    fn wants_rival(&self, name: &str) -> bool {
        !self.without.iter().any(|without| without == name)
    }
}
