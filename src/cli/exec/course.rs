//! The order of things, from the caller's environment to the exit code.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::CANNOT_START;
use super::caller::{Caller, Handed};
use super::nested::{self, Outer};
use super::place::{self, Folder};
use super::report::{Facts, Report};
use super::tally::Tally;
use super::tell::{Teller, Told};
use super::trust::Trust;
use super::watch::Watch;
use crate::cli::args::{ExecArgs, FailOn, SettingsArgs};
use crate::cli::assemble::{journal, listeners, parts};
use crate::cli::complain;
use crate::cli::env::reachable;
use crate::cli::load::{Environment, sources_with};
use crate::config::{self, FlagValue, Loaded};
use crate::edge::ca::{self, Issuer, LeafBounds, Leaves};
use crate::edge::child::{self, Descriptors, End, LeftBehind, Plan, Running, Signals, end_family};
use crate::edge::clock;
use crate::edge::journal::Writer;
use crate::edge::listen::{Listener, raise_descriptor_limit};
use crate::proxy::{Attribution, Interception, OnObstacle, Proxy};

/// The argument by which this program knows that it is to become the command.
const HELPER: &str = "exec-become";
/// How long what the command left behind may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);
/// How long connections may stay open when nobody is left who could use them.
const DRAIN: Duration = Duration::from_millis(500);
/// More threads than this serve nobody on one machine's loopback.
const MAX_WORKERS: usize = 8;

pub(in crate::cli) fn is_helper(args: &[OsString]) -> bool {
    child::is_helper(args, HELPER)
}

/// Becomes the command; returns only if that fails.
pub(in crate::cli) fn become_command(args: &[OsString]) -> u8 {
    let failure = child::become_command(args.get(2..).unwrap_or_default());
    complain(&failure);
    failure.code()
}

pub(in crate::cli) fn run(args: &ExecArgs) -> u8 {
    let environment = Environment::read();
    let outcome = match nested::outer(&environment) {
        Some(outer) => inside(args, &outer),
        None => alone(args, &environment),
    };
    outcome.unwrap_or_else(|failed| {
        if let Failed::Because(why) = failed {
            complain(why);
        }
        CANNOT_START
    })
}

/// outgate itself cannot start.
enum Failed {
    /// And has said why.
    Said,
    Because(String),
}

impl From<String> for Failed {
    fn from(why: String) -> Failed {
        Failed::Because(why)
    }
}

/// With a proxy of its own.
fn alone(args: &ExecArgs, environment: &Environment) -> Result<u8, Failed> {
    // Before any thread: each inherits what is blocked.
    let signals = take_signals()?;
    if args.settings.intercept.as_deref() != Some("none") {
        ca::warm_up();
    }
    let descriptors = Descriptors::now();
    raise_descriptor_limit();
    let caller = Caller::read(environment)?;
    let loaded = settings(args, environment, &caller)?;
    let report = Report::open(args.report.as_ref())?;
    let folder = Folder::create(environment)?;
    let trust = Trust::gather(&loaded.settings, environment)?;
    if !args.quiet {
        for warning in loaded.warnings.iter().chain(&trust.warnings) {
            eprintln!("outgate: warning: {warning}");
        }
    }
    let handed = Handed::write(&trust, &folder)?;
    let runtime = runtime().map_err(|error| format!("cannot start: {error}"))?;
    let teller = Teller::start(args.quiet).map_err(|error| format!("cannot start: {error}"))?;
    let watch = Arc::new(Watch::new(teller.voice()));
    let started = Start::now();
    let behind = runtime
        .block_on(async { Behind::start(args, environment, &loaded, trust, Arc::clone(&watch)) })?;

    let record = behind.writer.path().map(Path::to_owned);
    let set = caller.variables(behind.address, handed.as_ref(), &folder, record.as_deref())?;
    let command = Plan {
        command: args.command.clone(),
        helper: HELPER,
        set,
        descriptors,
    }
    .start(&signals)
    .map_err(|error| error.to_string())?;
    let ended = attend(command, &signals);
    runtime.block_on(behind.stop());
    drop(folder);

    let tally = watch.tally();
    Ok(conclude(
        args,
        &report,
        teller,
        &Conclusion {
            tally: &tally,
            ended: &ended,
            started: &started,
            record: record.as_deref(),
            outer: None,
        },
    ))
}

/// Inside another `exec`: its proxy is used, its environment stays as it is.
fn inside(args: &ExecArgs, outer: &Outer) -> Result<u8, Failed> {
    let signals = take_signals()?;
    let descriptors = Descriptors::now();
    let report = Report::open(args.report.as_ref())?;
    let wants_record = args.fail_on != FailOn::Never || args.report.is_some();
    let from = match outer.record_now() {
        Ok(from) => Some(from),
        Err(why) if wants_record => return Err(Failed::Because(why)),
        Err(_) => None,
    };
    let teller = Teller::start(args.quiet).map_err(|error| format!("cannot start: {error}"))?;
    if !args.quiet {
        eprintln!(
            "outgate: inside another outgate exec: its proxy {} is used, with its settings",
            outer.url
        );
        if args.settings != SettingsArgs::default() {
            eprintln!("outgate: warning: flags for settings have no effect inside another exec");
        }
    }
    let started = Start::now();
    let command = Plan {
        command: args.command.clone(),
        helper: HELPER,
        set: Vec::new(),
        descriptors,
    }
    .start(&signals)
    .map_err(|error| error.to_string())?;
    let ended = attend(command, &signals);
    let tally = match from.filter(|_| wants_record) {
        Some(from) => from.tally()?,
        None => Tally::default(),
    };
    Ok(conclude(
        args,
        &report,
        teller,
        &Conclusion {
            tally: &tally,
            ended: &ended,
            started: &started,
            record: outer.record.as_deref(),
            outer: Some(outer),
        },
    ))
}

fn take_signals() -> Result<Signals, Failed> {
    Signals::take().map_err(|error| Failed::Because(format!("cannot read signals: {error}")))
}

/// Settings as `serve` would have them, with what makes this proxy private.
fn settings(args: &ExecArgs, environment: &Environment, caller: &Caller) -> Result<Loaded, Failed> {
    let mut given = args.settings.clone();
    let mut fixed = Vec::new();
    let mut fix = |key: &str, values: Vec<String>| {
        fixed.push(FlagValue {
            flag: "exec".to_owned(),
            key: key.to_owned(),
            values,
        });
    };
    if given.listen.is_empty() {
        given.listen.push("127.0.0.1:0".to_owned());
        // Whoever `serve` shall serve, this one serves the command.
        fix(
            "clients.allow",
            vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
        );
        fix("clients.basic_auth_file", vec![String::new()]);
        fix("clients.tls_client_ca", vec![String::new()]);
    }
    fix("listen.transparent", vec![String::new()]);
    given.admin.get_or_insert_with(String::new);
    given.intercept.get_or_insert_with(|| "all".to_owned());
    if given.audit.is_none() {
        // That of `serve` is locked while it runs.
        fix("audit.path", vec![String::new()]);
    }
    let mut loaded = load(&given, environment, &fixed)?;
    // Whoever sets a parent proxy for outgate means it; else the caller's own is taken over.
    if !loaded.is_set("upstream.proxy")
        && let Some((parent, no_proxy)) = caller.upstream().map_err(Failed::Because)?
    {
        loaded.settings.go_through(parent, no_proxy);
    }
    let unsupported = loaded.settings.unsupported();
    if !unsupported.is_empty() {
        unsupported.iter().for_each(complain);
        return Err(Failed::Said);
    }
    Ok(loaded)
}

fn load(
    given: &SettingsArgs,
    environment: &Environment,
    fixed: &[FlagValue],
) -> Result<Loaded, Failed> {
    sources_with(given, environment, fixed.to_vec(), config::load)
        .map_err(|_| Failed::Said)?
        .map_err(|errors| {
            errors.iter().for_each(complain);
            Failed::Said
        })
}

fn runtime() -> std::io::Result<Runtime> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.min(MAX_WORKERS))
        .max_blocking_threads(64)
        .enable_all()
        .build()
}

/// The proxy that the command is behind.
struct Behind {
    address: SocketAddr,
    writer: Writer,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<usize, crate::edge::journal::Unavailable>>,
}

impl Behind {
    fn start(
        args: &ExecArgs,
        environment: &Environment,
        loaded: &Loaded,
        trust: Trust,
        watch: Arc<Watch>,
    ) -> Result<Behind, String> {
        let settings = &loaded.settings;
        let listeners = listeners(settings)?;
        let address = listeners
            .iter()
            .find_map(|listener| match listener {
                Listener::Tcp(socket) => socket.local_addr().ok(),
                Listener::Unix(..) => None,
            })
            .map(reachable)
            .ok_or("exec needs a TCP address to listen on; leave --listen out")?;
        let sink = place::record(environment, args.settings.audit.as_deref())?;
        let (journal, writer) = journal(settings, sink)?;
        let journal = journal.observed_by(watch);
        let interception = interception(args, trust.authority)?;
        let mut parts = parts(settings, listeners, journal, trust.verifier, interception)?;
        parts.timeouts.drain = parts.timeouts.drain.min(DRAIN);
        // Whoever reads of a refusal wants to know whose it was.
        parts.attribution = Attribution::All;
        parts.attribution = Attribution::All;
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(Proxy::new(parts).run(
            async {
                let _ = stopped.await;
            },
            std::future::pending(),
        ));
        Ok(Behind {
            address,
            writer,
            stop,
            ended,
        })
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        if let Ok(Err(unavailable)) = self.ended.await {
            complain(format_args!(
                "{unavailable}; name another place with --audit FILE"
            ));
        }
        if !self.writer.finish().await {
            complain("the record could not be completed: its place took nothing more");
        }
    }
}

/// A client that refuses our certificate goes in a tunnel from then on, unless somebody asked to
/// hear of everything.
fn interception(
    args: &ExecArgs,
    authority: Option<Issuer>,
) -> Result<Option<Interception>, String> {
    let Some(authority) = authority else {
        return Ok(None);
    };
    let leaves =
        Leaves::new(authority, LeafBounds::default()).map_err(|error| error.to_string())?;
    let on_obstacle = match args.fail_on {
        FailOn::Never => OnObstacle::Tunnel,
        FailOn::Report | FailOn::Block => OnObstacle::Block,
    };
    Ok(Some(Interception {
        leaves,
        on_obstacle,
    }))
}

/// When it began.
pub(super) struct Start {
    pub(super) time: String,
    pub(super) instant: Instant,
}

impl Start {
    fn now() -> Start {
        Start {
            time: clock::timestamp(),
            instant: Instant::now(),
        }
    }
}

/// How the command ended, and whom it left.
struct Ended {
    end: End,
    left: Vec<LeftBehind>,
}

fn attend(command: Running, signals: &Signals) -> Ended {
    let end = command.wait(signals);
    Ended {
        end,
        left: end_family(signals, GRACE),
    }
}

struct Conclusion<'a> {
    tally: &'a Tally,
    ended: &'a Ended,
    started: &'a Start,
    record: Option<&'a Path>,
    outer: Option<&'a Outer>,
}

/// Tells what is to be told; gives the exit code.
fn conclude(args: &ExecArgs, report: &Report<'_>, teller: Teller, end: &Conclusion<'_>) -> u8 {
    let own = end.ended.end.code();
    let failing = match args.fail_on {
        FailOn::Never => 0,
        FailOn::Report => end.tally.would_refuse() + end.tally.shut_out() + end.tally.reported(),
        FailOn::Block => end.tally.would_refuse() + end.tally.shut_out(),
    };
    let mut code = if own == 0 && failing > 0 {
        args.fail_code
    } else {
        own
    };
    let facts = Facts {
        program: args.command.first().map_or_else(String::new, |program| {
            program.to_string_lossy().into_owned()
        }),
        started: &end.started.time,
        ended: clock::timestamp(),
        seconds: end.started.instant.elapsed().as_secs_f64(),
        command_code: own,
        exit_code: code,
        record: end.record,
    };
    if let Err(why) = report.write(&facts, end.tally) {
        complain(why);
        if code == 0 {
            code = CANNOT_START;
        }
    }
    teller.finish(&Told {
        tally: end.tally,
        left: &end.ended.left,
        record: end.record.filter(|_| end.outer.is_none()),
        is_nested: end.outer.is_some(),
        failing: (code != own && failing > 0).then_some((code, failing, args.fail_on)),
    });
    code
}
