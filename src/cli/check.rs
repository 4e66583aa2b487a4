//! `outgate check URL|HOST[:PORT]...`: connects as the proxy would, and says what it finds.

mod course;
mod hello;
mod probe;
mod report;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use self::course::{Checked, Context};
use super::args::CheckArgs;
use super::load::{Environment, own_addresses, parent_login, settings, verifier};
use super::output::{Paint, finish};
use super::{FAILED, FINE, USAGE, complain};
use crate::edge::resolve::Resolver;
use crate::logic::explain::Named;
use crate::logic::wire::http1::HeadLimits;
use crate::proxy::{Dialler, Parent};

/// How many targets are looked at side by side.
const TOGETHER: usize = 16;
/// After this long a person is told what is waited for.
const SLOW: Duration = Duration::from_secs(1);

pub(super) fn run(args: &CheckArgs) -> u8 {
    let environment = Environment::read();
    let loaded = match settings(&args.settings, &environment) {
        Ok(loaded) => loaded.settings,
        Err(code) => return code,
    };
    for setting in loaded.unsupported() {
        eprintln!("outgate: warning: serve would not start: {setting}");
    }
    let Some(targets) = read(&args.targets) else {
        return USAGE;
    };
    let verifier = match verifier(&loaded) {
        Ok(verifier) => verifier,
        Err(why) => {
            complain(why);
            return USAGE;
        }
    };
    let login = match parent_login(&loaded) {
        Ok(login) => login,
        Err(why) => {
            complain(why);
            return USAGE;
        }
    };
    let (own, verifier) = (own_addresses(&loaded), Arc::new(verifier));
    let resolver = Arc::new(Resolver::new());
    let context = Context {
        dialler: Dialler::new(
            Arc::clone(&resolver),
            Arc::clone(&verifier),
            own.clone(),
            loaded.timeouts.connect,
            HeadLimits::default(),
        ),
        parent: Parent::new(&loaded.policy, login.map(Arc::new)),
        own,
        policy: loaded.policy,
        resolver,
        verifier,
        connect: loaded.timeouts.connect,
        handshake: loaded.timeouts.handshake,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(check_all(
                context,
                targets,
                args.json,
                Paint::of_stdout(&environment),
            ));
            // A resolver that hangs must not keep us.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(format_args!("cannot start: {error}"));
            USAGE
        }
    }
}

/// All targets, or none where one is no target; each fault is told.
fn read(targets: &[String]) -> Option<Vec<Named>> {
    let mut read = Vec::new();
    let mut all = true;
    for (place, target) in targets.iter().enumerate() {
        match Named::read(target) {
            Ok(named) => read.push(named),
            // Not repeated: it may hold a password.
            Err(why) => {
                complain(format_args!("argument {}: {why}", place + 1));
                all = false;
            }
        }
    }
    all.then_some(read)
}

async fn check_all(context: Context, targets: Vec<Named>, as_json: bool, paint: Paint) -> u8 {
    let context = Arc::new(context);
    let room = Arc::new(Semaphore::new(TOGETHER));
    let begun: Vec<(String, JoinHandle<Checked>)> = targets
        .into_iter()
        .map(|named| {
            let (context, room) = (Arc::clone(&context), Arc::clone(&room));
            let shown = named.shown.clone();
            let task = tokio::spawn(async move {
                // Never closed, so there is always a place in the end.
                let _place = room.acquire().await;
                course::check(&context, named).await
            });
            (shown, task)
        })
        .collect();
    let mut out = io::stdout().lock();
    let mut code = FINE;
    for (place, (shown, task)) in begun.into_iter().enumerate() {
        let checked = match patiently(&shown, task).await {
            Ok(checked) => checked,
            Err(error) => {
                complain(format_args!("{shown}: {error}"));
                code = FAILED;
                continue;
            }
        };
        if !checked.is_good() {
            code = FAILED;
        }
        let gap = if place == 0 || as_json { "" } else { "\n" };
        let text = if as_json {
            report::json(&checked) + "\n"
        } else {
            report::text(&checked, paint)
        };
        // Each as soon as it is there.
        if let Err(error) = write!(out, "{gap}{text}").and_then(|()| out.flush()) {
            return finish(Err(error), code);
        }
    }
    code
}

/// Waits, and on a terminal says for what.
async fn patiently(
    shown: &str,
    mut task: JoinHandle<Checked>,
) -> Result<Checked, tokio::task::JoinError> {
    if io::stderr().is_terminal() {
        match tokio::time::timeout(SLOW, &mut task).await {
            Ok(done) => return done,
            Err(_) => eprintln!("outgate: waiting for {shown} ..."),
        }
    }
    task.await
}
