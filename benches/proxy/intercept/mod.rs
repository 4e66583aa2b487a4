//! What it costs where TLS is ended in the proxy: connections, requests, bytes, memory, beside
//! other proxies that do so.

mod authority;
mod load;
mod origin;
mod rivals;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authority::{Speech, Trust};
use load::Way;
use origin::Origin;
use rivals::{Interceptor, Kind, fresh_host};

pub use rivals::Programs;

use crate::contest::{Contest, median};
use crate::table;

/// Every ratio is the median of so many.
const ROUNDS: usize = 5;
const GIGABYTE: u64 = 1_000_000_000;

type Carry = fn(&Way, u64) -> std::io::Result<()>;
type Part = (&'static str, fn(&Bench));

const PARTS: [Part; 6] = [
    ("connections", Bench::connections),
    ("requests", Bench::requests),
    ("streams", Bench::streams),
    ("bytes", Bench::bytes),
    ("first", Bench::first),
    ("memory", Bench::memory),
];

/// The names of the parts.
pub fn parts() -> impl Iterator<Item = &'static str> {
    PARTS.into_iter().map(|(name, _)| name)
}

struct Bench {
    contest: Contest<Interceptor>,
    origin: Origin,
    trust: Arc<Trust>,
    next_host: Cell<usize>,
}

/// Runs those parts that `wants` names.
pub fn run(
    programs: &Programs,
    beside: &[PathBuf],
    quick: bool,
    wants: impl Fn(&str) -> bool,
    wants_rival: impl Fn(&str) -> bool,
) {
    let trust = Arc::new(Trust::new());
    let origin = Origin::start(&trust);
    let mut kinds = vec![("outgate", Kind::Outgate(programs.outgate.clone()))];
    kinds.extend(
        beside
            .iter()
            .map(|path| ("beside", Kind::Outgate(path.clone()))),
    );
    let others = [
        ("squid", Kind::Squid(programs.squid.clone())),
        ("mitmproxy", Kind::Mitmproxy(programs.mitmdump.clone())),
        ("hudsucker", Kind::Hudsucker(programs.hudsucker.clone())),
    ];
    kinds.extend(others.into_iter().filter(|(name, _)| wants_rival(name)));
    let rivals: Vec<Interceptor> = kinds
        .into_iter()
        .filter_map(|(name, kind)| Interceptor::start(name, kind, &trust, origin))
        .collect();
    assert!(rivals.first().is_some_and(|rival| rival.name == "outgate"));
    let bench = Bench {
        contest: Contest { rivals, quick },
        origin,
        trust,
        next_host: Cell::new(0),
    };
    for (name, part) in PARTS {
        if wants(name) {
            part(&bench);
        }
    }
}

impl Bench {
    /// CPU of a connection with one request: CONNECT, both handshakes, the request, close.
    fn connections(&self) {
        let cases = [
            ("new, own upstream, full", Speech::Http1, "/close", 1),
            (
                "new, own upstream, full, 16 at a time",
                Speech::Http1,
                "/close",
                16,
            ),
            ("new, own upstream, resumed", Speech::Resumed, "/close", 1),
            ("new, upstream kept", Speech::Http1, "/", 1),
        ];
        let count = self.contest.rounds(400, 150);
        for (what, speech, path, together) in cases {
            let figures = self.contest.run(ROUNDS, |rival| {
                let count = count / rival.ease;
                let way = rival.way(speech);
                let cpu = rival.meter.cpu_of(|| {
                    load::connections(|_| way.clone(), path, count, together);
                });
                micros(cpu) / count as f64
            });
            table::line(&self.contest, what, "us", 0, &figures);
        }
    }

    /// CPU of a request on a connection that stays open.
    fn requests(&self) {
        let count = self.contest.rounds(4000, 1500);
        for (what, open) in [
            ("HTTP/1.1 request, one by one", 1),
            ("HTTP/1.1 request, 16 at a time", 16),
        ] {
            let figures = self.contest.run(ROUNDS, |rival| {
                let each = count / rival.ease / open;
                let way = rival.way(Speech::Http1);
                load::requests(&way, open, each, |work| {
                    micros(rival.meter.cpu_of(work)) / (each * open) as f64
                })
            });
            table::line(&self.contest, what, "us", 1, &figures);
        }
    }

    /// The same over HTTP/2.
    fn streams(&self) {
        if !self.contest.rivals[0].speaks_http2 {
            println!("HTTP/2 is left out: outgate does not speak it inside");
            return;
        }
        let count = self.contest.rounds(4000, 1500);
        for (what, open) in [
            ("HTTP/2 request, one by one", 1),
            ("HTTP/2 request, 16 at a time", 16),
        ] {
            let figures = self.contest.run(ROUNDS, |rival| {
                if !rival.speaks_http2 {
                    return f64::NAN;
                }
                let each = count / rival.ease / open;
                let way = rival.way(Speech::Http2);
                load::streams(&way, open, each, |work| {
                    micros(rival.meter.cpu_of(work)) / (each * open) as f64
                })
            });
            table::line(&self.contest, what, "us", 1, &figures);
        }
    }

    /// CPU of a gigabyte inside, each way.
    fn bytes(&self) {
        // A part of it.
        let bytes = if self.contest.quick {
            GIGABYTE / 8
        } else {
            GIGABYTE / 4
        };
        for (what, carry) in [
            ("a gigabyte up", load::upload as Carry),
            ("a gigabyte down", load::download),
        ] {
            let figures = self.contest.run(ROUNDS, |rival| {
                let bytes = bytes / rival.ease as u64;
                let way = rival.way(Speech::Http1);
                let mut carried = Ok(());
                let cpu = rival.meter.cpu_of(|| carried = carry(&way, bytes));
                match carried {
                    Ok(()) => cpu.as_secs_f64() * GIGABYTE as f64 / bytes as f64,
                    Err(error) if rival.name == "outgate" => panic!("{what}: {error}"),
                    Err(error) => {
                        println!(
                            "{what}: {} fails ({error}), a round is left out",
                            rival.name
                        );
                        f64::NAN
                    }
                }
            });
            table::line(&self.contest, what, "s", 3, &figures);
        }
    }

    /// The time of the first request to a host that was never asked for, from connect to answer,
    /// beside the same without a proxy, and one handshake with the server.
    fn first(&self) {
        let count = self.contest.rounds(40, 10);
        let p50 = |times: Vec<Duration>| median(times.into_iter().map(micros).collect());
        let figures = self.contest.run(ROUNDS, |rival| {
            let count = if rival.ease > 1 { count / 4 } else { count };
            p50(load::connections(
                |_| rival.way_to(self.fresh(), Speech::Http1),
                "/close",
                count,
                1,
            ))
        });
        table::line(
            &self.contest,
            "first request to a host, p50",
            "us",
            0,
            &figures,
        );
        let way = Way {
            address: self.origin.of(Speech::Http1),
            connect: None,
            name: authority::HOST.to_owned(),
            tls: self.trust.client(Speech::Http1),
        };
        let rounds = || 0..ROUNDS;
        let direct = median(
            rounds()
                .map(|_| p50(load::connections(|_| way.clone(), "/close", count, 1)))
                .collect(),
        );
        let handshake = median(
            rounds()
                .map(|_| p50(load::handshakes(&way, count)))
                .collect(),
        );
        let ours = figures.median(0);
        println!(
            "{:<38}  direct {direct:.0} us, of it the handshake {handshake:.0} us; outgate adds {:.0} us: a handshake and {:.0} us",
            "",
            ours - direct,
            ours - direct - handshake
        );
    }

    fn fresh(&self) -> String {
        let number = self.next_host.get();
        self.next_host.set((number + 1) % rivals::HOSTS);
        fresh_host(number)
    }

    /// Resident memory of a connection that has done one request and is quiet, in fresh processes.
    fn memory(&self) {
        let held = self.contest.rounds(500, 200);
        let figures = self.contest.run(ROUNDS.min(3), |rival| {
            let fresh = rival.again();
            let way = fresh.way(Speech::Http1);
            let held = held / fresh.ease.min(5);
            load::connections(|_| way.clone(), "/", 50, 4);
            let before = fresh.meter.resident();
            let during = load::while_idle(&way, held, || {
                std::thread::sleep(Duration::from_millis(300));
                fresh.meter.resident()
            });
            during.saturating_sub(before) as f64 / 1024.0 / held as f64
        });
        table::line(&self.contest, "an idle connection", "KiB", 1, &figures);
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Default for Programs {
    fn default() -> Programs {
        let hudsucker = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("benches/rivals/hudsucker/target/release/outgate-bench-hudsucker");
        Programs {
            outgate: env!("CARGO_BIN_EXE_outgate").into(),
            squid: "/usr/sbin/squid".into(),
            mitmdump: "mitmdump".into(),
            hudsucker,
        }
    }
}
