//! An authority, for a person and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::super::certificate::Certificate;
use crate::edge::ca::{Authority, Issuer};
use crate::edge::clock;
use crate::logic::policy::Constraints;

/// Names that are printed for a person; AWS alone has some forty.
const NAMES: usize = 12;

/// What there is to say.
pub(super) struct Report<'a> {
    dir: &'a Path,
    root: Certificate,
    /// Null where the root itself signs.
    intermediate: Option<Certificate>,
    constraints: Constraints,
    /// Why `serve` would not take it.
    fault: Option<String>,
}

impl<'a> Report<'a> {
    pub(super) fn of(dir: &'a Path, authority: &Authority) -> Result<Report<'a>, String> {
        let now = i64::try_from(clock::unix_seconds()).unwrap_or(i64::MAX);
        let read = |der: &[u8]| {
            let unreadable = || format!("a certificate in {} cannot be read", dir.display());
            Certificate::read(der, now).ok_or_else(unreadable)
        };
        let intermediate = authority.chain().first().map(|der| read(der)).transpose()?;
        Ok(Report {
            dir,
            root: read(authority.root_der())?,
            intermediate,
            constraints: authority.constraints().map_err(|error| error.to_string())?,
            fault: Issuer::load(dir).err().map(|error| error.to_string()),
        })
    }

    pub(super) fn is_usable(&self) -> bool {
        self.fault.is_none()
    }

    /// One object and a newline. The fields are in docs/commands.md.
    pub(super) fn json(&self) -> String {
        let certificate = |certificate: &Certificate| {
            json!({
                "subject": certificate.subject,
                "sha256": certificate.sha256,
                "not_before": certificate.not_before,
                "not_after": certificate.not_after,
                "days_left": certificate.days_left,
                "key": certificate.key,
            })
        };
        let mut shown = certificate(&self.root);
        let networks = |networks: &[ipnet::IpNet]| -> Vec<String> {
            networks.iter().map(ToString::to_string).collect()
        };
        let constraints = (!self.constraints.is_unlimited()).then(|| {
            json!({
                "permitted_names": self.constraints.permitted_names,
                "excluded_names": self.constraints.excluded_names,
                "permitted_networks": self.constraints.permitted_networks.as_deref().map(networks),
                "excluded_networks": networks(&self.constraints.excluded_networks),
            })
        });
        if let Value::Object(shown) = &mut shown {
            shown.insert("folder".into(), json!(self.dir.display().to_string()));
            let intermediate = self.intermediate.as_ref().map(certificate);
            shown.insert("intermediate".into(), json!(intermediate));
            shown.insert("constraints".into(), json!(constraints));
            shown.insert("error".into(), json!(self.fault));
        }
        format!("{shown}\n")
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("Authority in {}\n", self.dir.display());
        let mut line = |label: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {label:<13}  {value}");
        };
        line("root", &self.root.subject);
        line("sha-256", &fingerprint(&self.root.sha256));
        line("valid", &validity(&self.root));
        match &self.intermediate {
            None => line("key", &self.root.key),
            Some(intermediate) => {
                line("signs with", &intermediate.subject);
                line("key", &intermediate.key);
                if intermediate.not_after != self.root.not_after {
                    line("valid", &validity(intermediate));
                }
            }
        }
        line("may sign for", &self.names());
        if let Some(fault) = &self.fault {
            line("of no use", fault);
        }
        text
    }

    /// What `init` says: what was made, and what to do next.
    pub(super) fn made(&self, is_usual_place: bool) -> String {
        let pem = self.dir.join("ca.pem");
        let pem = pem.display();
        let flag = if is_usual_place {
            String::new()
        } else {
            format!(" --ca-dir {}", self.dir.display())
        };
        let mut text = self.text();
        text.push_str(
            "The root's key signed the intermediate and is gone: nothing can be added later.\n",
        );
        if self.constraints.is_unlimited() {
            text.push_str(
                "It may sign for every host. To bind it to some, set intercept.hosts to \"aws\" or to a list, and make it again.\n",
            );
        }
        let _ = write!(
            text,
            "\n\
             Have clients trust {pem}:\n\
             \x20 Debian, Ubuntu   sudo cp {pem} /usr/local/share/ca-certificates/outgate.crt && sudo update-ca-certificates\n\
             \x20 Fedora, RHEL     sudo trust anchor {pem}\n\
             \x20 Node.js          export NODE_EXTRA_CA_CERTS={pem}\n\
             \x20 other programs   outgate ca bundle{flag} --output bundle.pem, then export SSL_CERT_FILE, REQUESTS_CA_BUNDLE and AWS_CA_BUNDLE with its path\n\
             \x20 Java             outgate ca export{flag} --format p12 --output outgate.p12\n\
             Then: outgate serve{flag} --intercept aws. For one command, no authority is needed: outgate exec -- COMMAND\n"
        );
        text
    }

    /// What it may sign for, in words.
    fn names(&self) -> String {
        let permitted = &self.constraints;
        let mut text = match (&permitted.permitted_names, &permitted.permitted_networks) {
            (None, None) => "every name and address".to_owned(),
            (None, Some(_)) => format!("every name, {}", shortened(&permitted.listed())),
            (Some(_), None) if !self.excludes_addresses() => {
                format!("{}, every address", shortened(&permitted.listed()))
            }
            (Some(_), _) => shortened(&permitted.listed()),
        };
        let networks = permitted.excluded_networks.iter().map(ToString::to_string);
        let excluded: Vec<String> = permitted
            .excluded_names
            .iter()
            .cloned()
            .chain(networks.filter(|_| !self.excludes_addresses()))
            .collect();
        if !excluded.is_empty() {
            text.push_str(", but not ");
            text.push_str(&shortened(&excluded));
        }
        text
    }

    /// Whether no address is permitted, as with a list of names alone.
    fn excludes_addresses(&self) -> bool {
        let excluded = self.constraints.excluded_networks.iter();
        excluded.filter(|network| network.prefix_len() == 0).count() == 2
    }
}

fn shortened(all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(NAMES).map(String::as_str).collect();
    let mut text = shown.join(", ");
    if let Some(more) = all.len().checked_sub(NAMES).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} more (--json has all)");
    }
    text
}

/// In pairs, as other tools print it.
fn fingerprint(hex: &str) -> String {
    let pairs: Vec<String> = hex
        .to_ascii_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    pairs.join(":")
}

fn validity(certificate: &Certificate) -> String {
    let day = |time: &str| time.chars().take_while(|c| *c != 'T').collect::<String>();
    format!(
        "{} to {} ({} days left)",
        day(&certificate.not_before),
        day(&certificate.not_after),
        certificate.days_left
    )
}
