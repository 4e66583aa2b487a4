//! `outgate ca init | show | export | bundle`: the authority for interception.

mod report;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::report::Report;
use super::args::{CaArgs, CaCommand, CaFormat, SettingsArgs};
use super::load::{Environment, settings};
use super::output::{finish, print};
use super::{FAILED, FINE, USAGE, complain};
use crate::config::Settings;
use crate::edge::ca::{Authority, Bundle, CaError, Issuer, JAVA_PASSWORD, create};
use crate::edge::tls::{RootSource, Roots};
use crate::logic::policy::{Constraints, Intercepted};

pub(super) fn run(args: &CaArgs) -> u8 {
    let environment = Environment::read();
    let (CaCommand::Init { settings, .. }
    | CaCommand::Show { settings, .. }
    | CaCommand::Export { settings, .. }
    | CaCommand::Bundle { settings, .. }) = &args.command;
    let place = match Place::find(settings, &environment) {
        Ok(place) => place,
        Err(code) => return code,
    };
    let done = match &args.command {
        CaCommand::Init { days, json, .. } => init(&place, *days, *json),
        CaCommand::Show { json, .. } => show(&place, *json),
        CaCommand::Export {
            format,
            output,
            password_file,
            ..
        } => export(&place, *format, output.as_deref(), password_file.as_deref()),
        CaCommand::Bundle { output, .. } => bundle(&place, output.as_deref()),
    };
    done.unwrap_or_else(|why| {
        complain(why);
        USAGE
    })
}

/// The key that signs for these settings' interception.
///
/// # Errors
/// A sentence for the operator, with the command that mends it.
pub(super) fn issuer(settings: &Settings, environment: &Environment) -> Result<Issuer, String> {
    Issuer::load(&folder(settings, environment)?).map_err(|error| match error {
        CaError::Absent(_) => {
            format!("interception is on (intercept.hosts, --intercept), but {error}")
        }
        error => error.to_string(),
    })
}

/// What is to be told of the authority where these settings intercept: that there is none, that it
/// is of no use, or what has outgrown its constraints.
pub(super) fn warnings(settings: &Settings, environment: &Environment) -> Vec<String> {
    if Intercepted::by(&settings.policy).is_empty() {
        return Vec::new();
    }
    let read = || {
        let dir = folder(settings, environment)?;
        let authority = Authority::read(&dir).map_err(|error| error.to_string())?;
        let constraints = authority.constraints().map_err(|error| error.to_string())?;
        Ok::<_, String>((dir, constraints))
    };
    let (dir, constraints) = match read() {
        Ok(found) => found,
        Err(why) => return vec![format!("serve would not start: {why}")],
    };
    let outgrown = constraints.outgrown(&settings.policy);
    if outgrown.is_empty() {
        return Vec::new();
    }
    let parts: Vec<String> = outgrown.iter().map(ToString::to_string).collect();
    vec![format!(
        "what is intercepted has outgrown the authority in {}, whose constraints leave out: {}; clients refuse its certificates for these. Make another one with outgate ca init --ca-dir FOLDER, and have clients trust it",
        dir.display(),
        parts.join(", ")
    )]
}

/// Where the authority lies.
///
/// # Errors
/// A sentence for the operator when no place is known.
pub(super) fn folder(settings: &Settings, environment: &Environment) -> Result<PathBuf, String> {
    let named = settings.intercept.ca_dir.clone();
    named.or_else(|| environment.data_folder()).ok_or_else(|| {
        "there is no home folder to keep the authority in; name a folder with --ca-dir".to_owned()
    })
}

/// The settings, and the folder that they mean.
struct Place {
    settings: Settings,
    dir: PathBuf,
}

impl Place {
    fn find(args: &SettingsArgs, environment: &Environment) -> Result<Place, u8> {
        let settings = settings(args, environment)?.settings;
        match folder(&settings, environment) {
            Ok(dir) => Ok(Place { settings, dir }),
            Err(why) => {
                complain(why);
                Err(USAGE)
            }
        }
    }

    fn authority(&self) -> Result<Authority, String> {
        Authority::read(&self.dir).map_err(|error| error.to_string())
    }
}

fn init(place: &Place, days: u32, as_json: bool) -> Result<u8, String> {
    let constraints = Constraints::of(&place.settings.policy);
    let authority =
        create(&place.dir, constraints.as_ref(), days).map_err(|error| error.to_string())?;
    let report = Report::of(&place.dir, &authority)?;
    if as_json {
        return Ok(print(&report.json(), FINE));
    }
    Ok(print(
        &report.made(place.settings.intercept.ca_dir.is_none()),
        FINE,
    ))
}

fn show(place: &Place, as_json: bool) -> Result<u8, String> {
    let authority = place.authority()?;
    let report = Report::of(&place.dir, &authority)?;
    let code = if report.is_usable() { FINE } else { FAILED };
    let text = if as_json {
        report.json()
    } else {
        report.text()
    };
    Ok(print(&text, code))
}

fn export(
    place: &Place,
    format: CaFormat,
    output: Option<&Path>,
    password_file: Option<&Path>,
) -> Result<u8, String> {
    let authority = place.authority()?;
    let bytes = match format {
        CaFormat::Pem => authority.root_pem().into_bytes(),
        CaFormat::Der => authority.root_der().to_vec(),
        CaFormat::P12 => {
            let password = match password_file {
                Some(path) => password(path)?,
                None => {
                    eprintln!(
                        "outgate: the store's password is {JAVA_PASSWORD}, as Java expects it; it holds no secret (another one: --password-file FILE)"
                    );
                    Zeroizing::new(JAVA_PASSWORD.to_owned())
                }
            };
            let mut bundle = Bundle::default();
            bundle.add([authority.root_der().clone()]);
            bundle.p12(&password).map_err(|error| error.to_string())?
        }
    };
    deliver(&bytes, output)
}

fn bundle(place: &Place, output: Option<&Path>) -> Result<u8, String> {
    let bundle = trusted(&place.settings, &place.authority()?)?;
    deliver(bundle.pem().as_bytes(), output)
}

/// What clients are to trust: the system's roots, those of the settings, and this authority.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn trusted(settings: &Settings, authority: &Authority) -> Result<Bundle, String> {
    let extra = &settings.tls.extra_roots;
    // Mozilla's list as compiled in has no certificates to give away, so here it is the system's
    // whatever `tls.roots` says.
    let roots = Roots::load(RootSource::System, extra).map_err(|error| error.to_string())?;
    let mut bundle = Bundle::default();
    bundle.add(roots.certificates().iter().cloned());
    bundle.add([authority.root_der().clone()]);
    Ok(bundle)
}

/// The first line.
fn password(path: &Path) -> Result<Zeroizing<String>, String> {
    let failed = |why: String| format!("cannot read the password in {}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let text = Zeroizing::new(text);
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(failed("its first line is empty".to_owned()));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// To a new file, or to stdout.
fn deliver(bytes: &[u8], output: Option<&Path>) -> Result<u8, String> {
    let Some(path) = output.filter(|path| path.as_os_str() != "-") else {
        let mut out = io::stdout().lock();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        return Ok(finish(written, FINE));
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(FINE)
}
