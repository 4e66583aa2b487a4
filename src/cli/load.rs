//! Settings from their places: the file, the environment, the flags.

use std::io;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::config::{self, FlagValue, Listener, Loaded, Settings, Sources, load};
use crate::edge::tls::{RootSource, Roots, Verifier};
use crate::model::{Login, Secret};

use zeroize::Zeroizing;

use super::args::SettingsArgs;
use super::{USAGE, complain};

/// What the environment says, read once.
#[derive(Debug)]
pub(super) struct Environment {
    vars: Vec<(String, String)>,
}

impl Environment {
    /// Reads it; a variable that is not UTF-8 is none of ours.
    pub(super) fn read() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment {
            vars: std::env::vars_os().filter_map(text).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn of(vars: &[(&str, &str)]) -> Environment {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment {
            vars: vars.iter().map(own).collect(),
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.vars
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// `$XDG_...` or its default under the home directory.
    fn xdg(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        let named = self
            .get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        named.or_else(|| {
            self.get("HOME")
                .map(|home| Path::new(home).join(under_home))
        })
    }

    /// Where an authority is kept when nobody says where.
    pub(super) fn data_folder(&self) -> Option<PathBuf> {
        self.xdg("XDG_DATA_HOME", ".local/share")
            .map(|folder| folder.join("outgate"))
    }

    /// Where records go when nobody says where: the first of these that can be written.
    pub(super) fn record_places(&self) -> Vec<PathBuf> {
        let state = self.xdg("XDG_STATE_HOME", ".local/state");
        let temporary = self
            .get("TMPDIR")
            .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        state
            .into_iter()
            .chain([
                PathBuf::from("/var/log"),
                temporary,
                PathBuf::from("/dev/shm"),
            ])
            .map(|folder| folder.join("outgate").join("audit.jsonl"))
            .collect()
    }
}

/// Loads the settings; mistakes are told, all of them.
///
/// # Errors
/// The exit code.
pub(super) fn settings(args: &SettingsArgs, environment: &Environment) -> Result<Loaded, u8> {
    sources_and(args, environment, load)?.map_err(|errors| {
        for error in &errors {
            complain(error);
        }
        USAGE
    })
}

/// Gathers the sources and hands them to `work`.
///
/// # Errors
/// The exit code, when the settings file cannot be read.
pub(super) fn sources_and<T>(
    args: &SettingsArgs,
    environment: &Environment,
    work: impl FnOnce(&Sources<'_>) -> T,
) -> Result<T, u8> {
    sources_with(args, environment, Vec::new(), work)
}

/// As [`sources_and`]; `fixed` are settings that a command makes for itself, over all others.
///
/// # Errors
/// The exit code, when the settings file cannot be read.
pub(super) fn sources_with<T>(
    args: &SettingsArgs,
    environment: &Environment,
    fixed: Vec<FlagValue>,
    work: impl FnOnce(&Sources<'_>) -> T,
) -> Result<T, u8> {
    let file = find_file(args, environment).map_err(|(path, error)| {
        complain(format_args!(
            "cannot read the settings in {}: {error}",
            path.display()
        ));
        USAGE
    })?;
    let shown = file
        .as_ref()
        .map(|(path, text)| (path.display().to_string(), text.as_str()));
    Ok(work(&Sources {
        file: shown.as_ref().map(|(path, text)| (path.as_str(), *text)),
        env: &environment.vars,
        flags: flags(args).into_iter().chain(fixed).collect(),
    }))
}

/// The settings file, if there is one; the working directory is never asked.
pub(super) fn file_path(args: &SettingsArgs, environment: &Environment) -> Option<PathBuf> {
    let named = args
        .config
        .clone()
        .or_else(|| environment.get("OUTGATE_CONFIG").map(PathBuf::from));
    named.or_else(|| {
        let user = environment
            .xdg("XDG_CONFIG_HOME", ".config")
            .map(|folder| folder.join("outgate/outgate.toml"));
        let places = user
            .into_iter()
            .chain([PathBuf::from("/etc/outgate/outgate.toml")]);
        // A file that is there but cannot be read must stop us, not be passed over.
        places
            .into_iter()
            .find(|path| !matches!(std::fs::metadata(path), Err(error) if is_absent(&error)))
    })
}

fn find_file(
    args: &SettingsArgs,
    environment: &Environment,
) -> Result<Option<(PathBuf, String)>, (PathBuf, io::Error)> {
    let Some(path) = file_path(args, environment) else {
        return Ok(None);
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) => Err((path, error)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// What upstream certificates are verified with.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn verifier(settings: &Settings) -> Result<Verifier, String> {
    roots(settings).map(Verifier::new)
}

/// The roots that the settings name.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn roots(settings: &Settings) -> Result<Roots, String> {
    let source = match settings.tls.roots {
        config::Roots::System => RootSource::System,
        config::Roots::Mozilla => RootSource::Mozilla,
    };
    Roots::load(source, &settings.tls.extra_roots).map_err(|error| error.to_string())
}

/// Who we are at the parent proxy; the password's file is read here.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn parent_login(settings: &Settings) -> Result<Option<Login>, String> {
    let Some((parent, user)) = settings
        .upstream
        .proxy
        .as_ref()
        .and_then(|parent| Some((parent, parent.user.clone()?)))
    else {
        return Ok(None);
    };
    let password = match (&parent.password, &parent.password_file) {
        (Some(password), _) => password.clone(),
        (None, None) => Secret::new(""),
        (None, Some(path)) => read_password(path).map_err(|why| {
            let path = path.display();
            format!("upstream.proxy_password_file: cannot read {path}: {why}")
        })?,
    };
    Ok(Some(Login { user, password }))
}

/// The first line of the file, which is all of it.
fn read_password(path: &Path) -> Result<Secret, String> {
    const MOST: u64 = 4096;
    let mut text = Zeroizing::new(String::new());
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    match read {
        Ok(count) if count as u64 > MOST => return Err("it is too long for a password".to_owned()),
        Ok(_) => {}
        Err(error) => return Err(error.to_string()),
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("it is empty".to_owned());
    }
    if line.chars().any(char::is_control) {
        return Err("it has more than one line, or control characters".to_owned());
    }
    Ok(Secret::new(line))
}

/// Where `serve` would listen with these settings.
pub(super) fn own_addresses(settings: &Settings) -> Vec<SocketAddr> {
    settings
        .listen
        .proxy
        .iter()
        .filter_map(|listener| match listener {
            Listener::Tcp(address) | Listener::Tls(address) => Some(*address),
            Listener::Unix(_) => None,
        })
        .collect()
}

fn flags(args: &SettingsArgs) -> Vec<FlagValue> {
    let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    let all = [
        ("--listen", "listen.proxy", args.listen.clone()),
        ("--admin", "listen.admin", one(&args.admin)),
        ("--intercept", "intercept.hosts", one(&args.intercept)),
        ("--ca-dir", "intercept.ca_dir", one(&args.ca_dir)),
        ("--mode", "mode", one(&args.mode)),
        ("--audit", "audit.path", one(&args.audit)),
        (
            "--connect-to",
            "upstream.connect_to",
            args.connect_to.clone(),
        ),
        (
            "--allow-private",
            "upstream.allow_private",
            args.allow_private.clone(),
        ),
        ("--extra-root", "tls.extra_roots", args.extra_root.clone()),
    ];
    let given = all.into_iter().filter(|(_, _, values)| !values.is_empty());
    given
        .map(|(flag, key, values)| FlagValue {
            flag: flag.to_owned(),
            key: key.to_owned(),
            values,
        })
        .collect()
}
