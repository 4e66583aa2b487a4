//! The floors: a path points to a lower floor only, so equal floors never import each other;
//! siblings under `edge` do not either, but for `clock`; `model` imports nothing of ours.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests stand outside the test functions"
)]

use std::path::Path;
use std::path::PathBuf;

/// The floor of a module, by its first one or two names. Edge's siblings share a floor and are
/// told apart by name; so are the folders of F1.
fn floor(module: &[&str]) -> Option<(u8, String)> {
    let floor = match module {
        ["model", ..] => 0,
        ["logic", "wire" | "aws" | "scan", ..] => 1,
        ["logic", "policy", ..] => 2,
        ["logic", "record" | "explain", ..] => 3,
        ["config", ..] => 4,
        ["edge", _, ..] => 5,
        ["proxy", ..] => 6,
        ["cli", ..] => 7,
        _ => return None,
    };
    let depth = if matches!(module[0], "logic" | "edge") {
        2
    } else {
        1
    };
    Some((floor, module[..depth].join("::")))
}

/// Why `from` may not name `to`, if it may not.
fn objection(from: &[&str], to: &[&str]) -> Option<String> {
    let (own_floor, own) = floor(from)?;
    let Some((floor, unit)) = floor(to) else {
        return Some("does not say which floor it means".to_owned());
    };
    let is_open = floor < own_floor || unit == own || (unit == "edge::clock" && own_floor == 5);
    (!is_open).then(|| format!("F{own_floor} {own} must not know F{floor} {unit}"))
}

/// The module that a file is, as names from the crate's root.
fn module_of(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = path
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let last = names.pop().unwrap();
    let stem = last.strip_suffix(".rs").unwrap();
    if !matches!(stem, "mod" | "lib" | "main") {
        names.push(stem.to_owned());
    }
    names
}

/// The paths of ours that a line of code names, from the crate's root, as far as they can be
/// followed: `{`, `*` and whatever else is no name ends one.
fn paths(line: &str, module: &[String]) -> Vec<Vec<String>> {
    let code = line.split("//").next().unwrap();
    let words: Vec<&str> = code.split_inclusive("::").collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        let first = word
            .trim_end_matches("::")
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap();
        if !word.ends_with("::") || !matches!(first, "crate" | "super" | "self") {
            at += 1;
            continue;
        }
        let mut path = match first {
            "crate" => Vec::new(),
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            _ => module.to_vec(),
        };
        at += 1;
        while at < words.len() {
            let name: String = words[at]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            match name.as_str() {
                "" => break,
                "super" => {
                    path.pop();
                }
                _ => path.push(name.clone()),
            }
            let goes_on = words[at] == format!("{name}::");
            at += usize::from(goes_on);
            if !goes_on {
                break;
            }
        }
        found.push(path);
    }
    found
}

/// What is wrong with the imports of one file.
fn faults(file: &Path, text: &str) -> Vec<String> {
    let module = module_of(file);
    let from: Vec<&str> = module.iter().map(String::as_str).collect();
    let mut faults = Vec::new();
    // A nested `mod tests { .. }` is one deeper than its file.
    let mut inside = module.clone();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("mod ") && line.ends_with('{') {
            inside.push(line[4..line.len() - 1].trim().to_owned());
        }
        if line == "}" {
            inside.truncate(module.len());
        }
        for path in paths(line, &inside) {
            let to: Vec<&str> = path.iter().map(String::as_str).collect();
            if to.starts_with(&from) {
                continue;
            }
            if let Some(why) = objection(&from, &to) {
                faults.push(format!(
                    "{}:{}: crate::{}: {why}",
                    file.display(),
                    number + 1,
                    to.join("::")
                ));
            }
        }
    }
    faults
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn imports_point_to_a_lower_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "{} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        wrong.extend(faults(file.strip_prefix(&root).unwrap(), &text));
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_has_its_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let module = module_of(file.strip_prefix(&root).unwrap());
        let names: Vec<&str> = module.iter().map(String::as_str).collect();
        let is_listed =
            names.is_empty() || matches!(names[..], ["logic" | "edge"]) || floor(&names).is_some();
        assert!(is_listed, "{} stands on no floor", file.display());
    }
}

/// The oracle itself: each of these must be seen, and none of the others.
#[test]
fn what_climbs_is_seen() {
    let wrong = [
        ("model/host.rs", "use crate::logic::wire::tls::Judge;"),
        ("logic/wire/tls/sni.rs", "use crate::logic::aws::classify;"),
        ("logic/aws/mod.rs", "use super::wire::http1;"),
        ("logic/aws/region.rs", "use super::super::wire::http1;"),
        ("logic/scan/search.rs", "use crate::logic::aws::classify;"),
        (
            "logic/policy/mod.rs",
            "    let line = crate::logic::record::cut(text, 4);",
        ),
        ("logic/record/line.rs", "use crate::config::Settings;"),
        ("logic/explain.rs", "use crate::logic::record::cut;"),
        ("config/mod.rs", "pub use crate::edge::dial::dial;"),
        ("edge/dial.rs", "use super::resolve::Resolver;"),
        ("edge/tls/verify.rs", "use crate::edge::journal::Journal;"),
        ("edge/dial.rs", "use crate::proxy::Parts;"),
        ("proxy/mod.rs", "use crate::cli::run;"),
        ("proxy/mod.rs", "use crate::{cli, config};"),
        ("edge/dial.rs", "use crate::logic::{wire, policy};"),
    ];
    for (file, line) in wrong {
        let found = faults(Path::new(file), line);
        assert_eq!(found.len(), 1, "{file}: {line}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{file}:1: crate::")),
            "{found:?}"
        );
    }
    let right = [
        ("model/host.rs", "use super::limits::MAX_LABEL;"),
        (
            "logic/wire/tls/sni.rs",
            "use crate::model::DnsName; // crate::proxy",
        ),
        (
            "logic/policy/mod.rs",
            "use crate::logic::aws::{Class, classify};",
        ),
        ("edge/dial.rs", "use crate::edge::clock;"),
        ("edge/tls/verify.rs", "use super::roots::Roots;"),
        (
            "proxy/mod.rs",
            "use crate::config::{Listener as L, Settings};",
        ),
        ("proxy/mod.rs", "mod tests {\n    use super::*;\n}"),
        ("lib.rs", "pub use crate::proxy::Proxy;"),
    ];
    for (file, text) in right {
        assert_eq!(
            faults(Path::new(file), text),
            Vec::<String>::new(),
            "{file}: {text}"
        );
    }
}
