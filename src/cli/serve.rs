//! `outgate serve`: settings to parts, parts to a proxy, signals to its end.

use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::args::{ServeArgs, SettingsArgs};
use super::assemble::{interception, journal, listeners, parts};
use super::ca::{issuer, warnings};
use super::load::{Environment, file_path, parent_login, settings, sources_and, verifier};
use super::{FAILED, FINE, USAGE, complain};
use crate::config::{self, Loaded, Settings};
use crate::edge::journal::{Sink, Writer};
use crate::edge::listen::raise_descriptor_limit;
use crate::logic::policy::Policy;
use crate::model::Login;
use crate::proxy::{Control, Proxy};

pub(super) fn run(args: &ServeArgs) -> u8 {
    let environment = Environment::read();
    let loaded = match settings(&args.settings, &environment) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    for warning in &loaded.warnings {
        eprintln!("outgate: warning: {warning}");
    }
    let unsupported = loaded.settings.unsupported();
    if !unsupported.is_empty() {
        unsupported.iter().for_each(complain);
        return USAGE;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(64)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(args, &environment, &loaded)),
        Err(error) => {
            complain(format_args!("cannot start: {error}"));
            USAGE
        }
    }
}

async fn serve(args: &ServeArgs, environment: &Environment, loaded: &Loaded) -> u8 {
    raise_descriptor_limit();
    // Before anybody can know that we run: a signal without its handler ends the process at once,
    // with nothing on record.
    let (signals, hangup) = match (count_signals(), signal(SignalKind::hangup())) {
        (Ok(signals), Ok(hangup)) => (signals, hangup),
        (Err(error), _) | (_, Err(error)) => {
            complain(format_args!("cannot handle signals: {error}"));
            return USAGE;
        }
    };
    let (proxy, writer) = match assemble(environment, &loaded.settings) {
        Ok(parts) => parts,
        Err(why) => {
            complain(why);
            return USAGE;
        }
    };
    announce(environment, loaded, &proxy, &writer);
    let reloads = reload_on_change(&args.settings, proxy.control(), hangup);
    let ended = proxy
        .run(asked_to_stop(signals.clone()), asked_to_hurry(signals))
        .await;
    reloads.abort();
    // The reloading task held a handle of the journal; the writer ends when all are gone.
    let _ = reloads.await;
    match ended {
        Ok(closed) => {
            if closed > 0 {
                eprintln!(
                    "outgate: {closed} connections were still open after timeouts.drain and were closed"
                );
            }
            if writer.finish().await {
                return FINE;
            }
            complain("the record could not be completed: its place took nothing more");
            FAILED
        }
        Err(unavailable) => {
            complain(format_args!(
                "{unavailable}; name another place with --audit FILE"
            ));
            USAGE
        }
    }
}

fn assemble(environment: &Environment, settings: &Settings) -> Result<(Proxy, Writer), String> {
    let verifier = verifier(settings)?;
    let listeners = listeners(settings)?;
    let sink = open_record(environment, settings.audit.path.as_deref())?;
    let (journal, writer) = journal(settings, sink)?;
    let interception = interception(settings, || issuer(settings, environment))?;
    let proxy = Proxy::new(parts(settings, listeners, journal, verifier, interception)?);
    Ok((proxy, writer))
}

/// The place that was named, or else the first that can be written.
fn open_record(environment: &Environment, named: Option<&std::path::Path>) -> Result<Sink, String> {
    if let Some(path) = named {
        if path.as_os_str() == "-" {
            return Ok(Sink::stdout());
        }
        return Sink::open(path).map_err(|error| error.to_string());
    }
    let mut tried = Vec::new();
    for place in environment.record_places() {
        match Sink::open(&place) {
            Ok(sink) => return Ok(sink),
            Err(error) => tried.push(error.to_string()),
        }
    }
    Err(format!(
        "no place for the record; set one with --audit FILE, or --audit - for standard output. Tried: {}",
        tried.join("; ")
    ))
}

/// Where it listens, where the record goes, how to point a shell at it.
fn announce(environment: &Environment, loaded: &Loaded, proxy: &Proxy, writer: &Writer) {
    let settings = &loaded.settings;
    let version = env!("CARGO_PKG_VERSION");
    let mut first = None;
    for place in proxy.listeners() {
        eprintln!("outgate {version} listening on {place}");
        first.get_or_insert(place);
    }
    match writer.path() {
        Some(path) => eprintln!("record: {}", path.display()),
        None => eprintln!("record: standard output"),
    }
    if let Some(url) = first.filter(|url| url.starts_with("http://")) {
        eprintln!(
            "use it: export HTTPS_PROXY={url} HTTP_PROXY={url} (for everything else that helps: outgate env)"
        );
    }
    if settings.policy.mode == crate::model::Mode::Report {
        eprintln!("mode: report (nothing is blocked)");
    }
    if settings.listen.admin.is_some() && loaded.is_set("listen.admin") {
        eprintln!("listen.admin is not served by this version");
    }
    for warning in warnings(settings, environment) {
        eprintln!("outgate: warning: {warning}");
    }
    let blind = settings.blind_rules();
    if !blind.is_empty() {
        let names: Vec<&str> = blind.iter().map(|rule| rule.id()).collect();
        eprintln!("not seen inside tunnels: {}", names.join(", "));
    }
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if environment.get(variable).is_some() {
            eprintln!(
                "{variable} is set and does not count here: roots are the system's and tls.extra_roots"
            );
        }
    }
}

/// Counts SIGTERM and SIGINT: the first asks for an orderly stop, the second for a quick one.
fn count_signals() -> std::io::Result<watch::Receiver<u32>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let (tell, count) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            tell.send_modify(|count| *count += 1);
        }
    });
    Ok(count)
}

async fn asked_to_stop(mut count: watch::Receiver<u32>) {
    let _ = count.wait_for(|count| *count >= 1).await;
    eprintln!(
        "outgate: stopping; open connections have timeouts.drain to end (a second signal ends them now)"
    );
}

async fn asked_to_hurry(mut count: watch::Receiver<u32>) {
    let _ = count.wait_for(|count| *count >= 2).await;
}

/// Reads the settings anew at SIGHUP and when their file changes. A bad file changes nothing.
fn reload_on_change(
    args: &SettingsArgs,
    control: Control,
    mut hangup: Signal,
) -> tokio::task::JoinHandle<()> {
    let args = args.clone();
    tokio::spawn(async move {
        let environment = Environment::read();
        let (poke, mut changed) = mpsc::channel(1);
        let path = file_path(&args, &environment);
        // Kept alive as long as this task.
        let _watcher = path
            .as_ref()
            .and_then(|path| watch(path.clone(), poke.clone()));
        // What changed between reading the file and watching it would never be told.
        let _ = poke.try_send(());
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                _ = changed.recv() => {}
            }
            reload(&args, &environment, &control).await;
        }
    })
}

async fn reload(args: &SettingsArgs, environment: &Environment, control: &Control) {
    let loaded = sources_and(args, environment, config::load);
    let errors: Vec<String> = match loaded {
        Ok(Ok(loaded)) if loaded.settings.policy.intercepts_names() && !control.can_intercept() => {
            vec![
                "interception is asked for (intercept.hosts) and was not at start; restart outgate"
                    .to_owned(),
            ]
        }
        Ok(Ok(loaded)) if loaded.settings.unsupported().is_empty() => {
            match parent_login(&loaded.settings) {
                Ok(login) => return put_in_force(control, loaded.settings.policy, login).await,
                Err(error) => vec![error],
            }
        }
        Ok(Ok(loaded)) => loaded
            .settings
            .unsupported()
            .iter()
            .map(ToString::to_string)
            .collect(),
        Ok(Err(errors)) => errors.iter().map(ToString::to_string).collect(),
        Err(_) => vec!["the settings file cannot be read".to_owned()],
    };
    for error in &errors {
        tracing::error!("the changed settings are refused, the rules in force stay: {error}");
    }
    control.policy_refused(&errors).await;
}

async fn put_in_force(control: &Control, policy: Policy, login: Option<Login>) {
    if control.has_policy(policy.hash(), login.as_ref()) {
        return;
    }
    tracing::info!(
        policy = policy.hash(),
        "other rules are in force; listeners, limits and the record's place change only at a restart"
    );
    control.replace_policy(policy, login).await;
}

fn watch(path: PathBuf, poke: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    use notify::Watcher as _;
    // The folder, since editors and configuration maps replace the file.
    let folder = path.parent().map(PathBuf::from)?;
    let name = path.file_name().map(std::ffi::OsStr::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let concerns = event.is_ok_and(|event| {
            !event.kind.is_access()
                && event
                    .paths
                    .iter()
                    .any(|path| path.file_name() == name.as_deref() || path.ends_with("..data"))
        });
        if concerns {
            // A full queue holds a poke already.
            let _ = poke.try_send(());
        }
    })
    .ok()?;
    watcher
        .watch(&folder, notify::RecursiveMode::NonRecursive)
        .ok()?;
    Some(watcher)
}
