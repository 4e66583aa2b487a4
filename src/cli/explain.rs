//! `outgate explain [URL]... | --batch`: what would be decided, without any network.

mod batch;
mod text;

use std::io::{self, Write as _};

pub(super) use text::push_finding;

use super::args::ExplainArgs;
use super::load::{Environment, own_addresses, settings};
use super::output::{Paint, finish};
use super::{FINE, USAGE};
use crate::logic::explain::Explainer;
use crate::logic::scan::FingerprintKey;

pub(super) fn run(args: &ExplainArgs) -> u8 {
    let environment = Environment::read();
    let loaded = match settings(&args.settings, &environment) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    for setting in loaded.settings.unsupported() {
        eprintln!("outgate: warning: serve would not start: {setting}");
    }
    let own = own_addresses(&loaded.settings);
    let key = fingerprint_key();
    let explainer = Explainer::new(&loaded.settings.policy, &own);
    let explainer = match &key {
        Some(key) => explainer.with_key(key),
        None => explainer,
    };
    if args.batch {
        return batch::run(explainer, &mut io::stdin().lock(), &mut io::stdout().lock());
    }
    let paint = Paint::of_stdout(&environment);
    let mut out = io::stdout().lock();
    let mut code = FINE;
    for (place, target) in args.urls.iter().enumerate() {
        let explanation = explainer.target(target);
        if explanation.error.is_some() {
            code = USAGE;
        }
        let written = if args.json {
            writeln!(out, "{}", explanation.json())
        } else {
            let gap = if place == 0 { "" } else { "\n" };
            write!(out, "{gap}{}", text::of(&explanation, paint))
        };
        if let Err(error) = written {
            return finish(Err(error), code);
        }
    }
    finish(out.flush(), code)
}

/// Drawn anew, so that fingerprints match within one run and tell nothing outside it.
fn fingerprint_key() -> Option<FingerprintKey> {
    let mut key = [0; 32];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.secure_random.fill(&mut key).ok()?;
    Some(FingerprintKey::new(key))
}
