//! `outgate config check | show | schema`.

use serde_json::json;

use super::args::{ConfigArgs, ConfigCommand, SettingsArgs};
use super::load::{Environment, sources_and};
use super::{FINE, USAGE, complain};
use crate::config::{Loaded, load, schema};
use crate::logic::wire::tls::Profile;

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
            println!(
                "{}",
                serde_json::to_string_pretty(&schema()).unwrap_or_default()
            );
            FINE
        }
    }
}

fn check(args: &SettingsArgs, as_json: bool) -> u8 {
    let loaded = match sources_and(args, &Environment::read(), |sources| load(sources)) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let (errors, warnings) = match &loaded {
        Ok(loaded) => (
            loaded.settings.unsupported().to_vec(),
            loaded.warnings.clone(),
        ),
        Err(errors) => (errors.clone(), Vec::new()),
    };
    if as_json {
        let errors: Vec<_> = errors
            .iter()
            .map(|error| json!({ "where": error.origin.to_string(), "key": error.key, "message": error.message, "hint": error.hint }))
            .collect();
        println!(
            "{}",
            json!({ "ok": errors.is_empty(), "errors": errors, "warnings": warnings })
        );
    } else {
        for warning in &warnings {
            eprintln!("outgate: warning: {warning}");
        }
        for error in &errors {
            complain(error);
        }
        if errors.is_empty() {
            println!("The settings are fine.");
        }
    }
    if errors.is_empty() { FINE } else { USAGE }
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
        println!(
            "{}",
            json!({ "policy": loaded.settings.policy.hash(), "settings": settings })
        );
        return FINE;
    }
    let width = loaded
        .shown
        .iter()
        .map(|setting| setting.key.len() + setting.value.len() + 3)
        .max()
        .unwrap_or(0)
        .min(60);
    for setting in &loaded.shown {
        let line = format!("{} = {}", setting.key, setting.value);
        println!("{line:width$}  # {}", setting.origin);
    }
    FINE
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
    if as_json {
        println!("{}", json!({ "name": profile.name(), "profile": view }));
        return FINE;
    }
    println!("{}: {}", profile.name(), view.about);
    for (what, names) in [
        ("versions", &view.versions),
        ("groups", &view.groups),
        ("suites", &view.suites),
        ("signatures", &view.schemes),
    ] {
        println!("{what}:");
        for name in names {
            println!("  {name}");
        }
    }
    FINE
}
