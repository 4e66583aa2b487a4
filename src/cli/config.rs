//! `outgate config check | show | schema`.

use std::fmt::Write as _;

use serde_json::json;

use super::args::{ConfigArgs, ConfigCommand, SettingsArgs};
use super::load::{Environment, file_path, sources_and};
use super::output::print;
use super::{FINE, USAGE, complain};
use crate::config::{Loaded, load, schema};
use crate::logic::wire::tls::{FiniteField, Profile};

pub(super) fn run(args: &ConfigArgs) -> u8 {
    match &args.command {
        ConfigCommand::Check { json, settings } => check(settings, *json),
        ConfigCommand::Show {
            profile: Some(name),
            json,
            settings,
        } => show_profile(name, settings, *json),
        ConfigCommand::Show {
            profile: None,
            json,
            settings,
        } => show(settings, *json),
        ConfigCommand::Schema => {
            let text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
            print(&(text + "\n"), FINE)
        }
    }
}

fn check(args: &SettingsArgs, as_json: bool) -> u8 {
    let environment = Environment::read();
    let loaded = match sources_and(args, &environment, load) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let (errors, warnings) = match &loaded {
        Ok(loaded) => (
            loaded.settings.unsupported().to_vec(),
            told(loaded, &environment),
        ),
        Err(errors) => (errors.clone(), Vec::new()),
    };
    let code = if errors.is_empty() { FINE } else { USAGE };
    let file = file_path(args, &environment).map(|path| path.display().to_string());
    if as_json {
        let errors: Vec<_> = errors
            .iter()
            .map(|error| json!({ "where": error.origin.to_string(), "key": error.key, "message": error.message, "hint": error.hint }))
            .collect();
        let found = json!({ "ok": errors.is_empty(), "file": file, "errors": errors, "warnings": warnings });
        return print(&format!("{found}\n"), code);
    }
    for warning in &warnings {
        eprintln!("outgate: warning: {warning}");
    }
    errors.iter().for_each(complain);
    if code != FINE {
        return code;
    }
    let place = file.unwrap_or_else(|| "no settings file: the defaults hold".to_owned());
    print(&format!("The settings are fine ({place}).\n"), code)
}

/// The warnings of the settings themselves, and of the authority that they point at.
fn told(loaded: &Loaded, environment: &Environment) -> Vec<String> {
    let authority = super::ca::warnings(&loaded.settings, environment);
    loaded.warnings.iter().cloned().chain(authority).collect()
}

fn show(args: &SettingsArgs, as_json: bool) -> u8 {
    let loaded: Loaded = match super::load::settings(args, &Environment::read()) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if as_json {
        let settings: serde_json::Map<_, _> = loaded
            .shown
            .iter()
            .map(|setting| {
                (
                    setting.key.clone(),
                    json!({ "value": setting.value, "origin": setting.origin.to_string() }),
                )
            })
            .collect();
        let shown = json!({ "policy": loaded.settings.policy.hash(), "settings": settings });
        return print(&format!("{shown}\n"), FINE);
    }
    let width = loaded
        .shown
        .iter()
        .map(|setting| setting.key.len() + setting.value.len() + 3)
        .max()
        .unwrap_or(0)
        .min(60);
    let mut text = String::new();
    for setting in &loaded.shown {
        let line = format!("{} = {}", setting.key, setting.value);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line:width$}  # {}", setting.origin);
    }
    print(&text, FINE)
}

fn show_profile(name: &str, args: &SettingsArgs, as_json: bool) -> u8 {
    let in_force;
    let name = if name.is_empty() {
        match super::load::settings(args, &Environment::read()) {
            Ok(loaded) => in_force = loaded.settings.policy.tls.profile.id(),
            Err(code) => return code,
        }
        in_force
    } else {
        name
    };
    let Some(profile) = Profile::by_name(name) else {
        complain(format_args!(
            "there is no profile {name:?}; known are {}",
            Profile::NAMES.join(", ")
        ));
        return USAGE;
    };
    let view = profile.view();
    let certificates = profile.certificates();
    if as_json {
        let shown =
            json!({ "name": profile.name(), "profile": view, "certificates": certificates });
        return print(&format!("{shown}\n"), FINE);
    }
    let mut text = format!("{}: {}\n", profile.name(), view.about);
    for (what, names) in [
        ("versions", &view.versions),
        ("groups", &view.groups),
        ("suites", &view.suites),
        ("signatures", &view.schemes),
    ] {
        let _ = writeln!(text, "{what}:");
        for name in names {
            let _ = writeln!(text, "  {name}");
        }
    }
    let bits = view.finite_field_bits;
    let primes = match view.finite_field {
        FiniteField::None => "none".to_owned(),
        FiniteField::Named => format!("those of RFC 7919, from {bits} bits"),
        FiniteField::Any => format!("any, from {bits} bits"),
    };
    let _ = writeln!(text, "primes of TLS 1.2 DHE:\n  {primes}");
    let rsa_bits = certificates.rsa_bits;
    let _ = writeln!(
        text,
        "certificates:\n  RSA from {rsa_bits} bits, ECDSA from P-256, Ed25519, Ed448; signed with SHA-256 or better below the root"
    );
    print(&text, FINE)
}
