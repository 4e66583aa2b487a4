//! What the caller's environment says, and what the command's says instead.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::place::Folder;
use super::trust::Trust;
use crate::cli::load::Environment;
use crate::cli::variables::{self, DIRECT, Files, Own};
use crate::config::ParentProxy;
use crate::logic::policy::NoProxy;
use crate::model::Host;

/// The address and the record of the proxy, for an `exec` inside this one.
pub(super) const MARKER: &str = "OUTGATE_EXEC";
pub(super) const MARKER_RECORD: &str = "OUTGATE_EXEC_RECORD";

/// Where SageMaker tells a training container who trains with it.
const RESOURCES: &str = "/opt/ml/input/config/resourceconfig.json";
/// A longer list of direct hosts would be a mistake, and variables have their limits.
const MAX_DIRECT: usize = 256;

/// The files that the command shall trust.
#[derive(Debug)]
pub(in crate::cli) struct Handed {
    bundle: PathBuf,
    java: PathBuf,
}

impl Handed {
    /// Writes them; nothing where nothing is intercepted, since what the command trusts already
    /// is right then.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(in crate::cli) fn write(trust: &Trust, folder: &Folder) -> Result<Option<Handed>, String> {
        if trust.authority.is_none() {
            return Ok(None);
        }
        Ok(Some(Handed {
            bundle: folder.write("ca-bundle.pem", trust.bundle.pem().as_bytes())?,
            java: folder.write("ca-bundle.jks", &trust.bundle.java_store())?,
        }))
    }

    /// The roots in PEM.
    pub(in crate::cli) fn bundle(&self) -> &Path {
        &self.bundle
    }
}

/// The caller's proxies and direct hosts.
pub(in crate::cli) struct Caller {
    /// What leads to the outside, in the caller's words, which may hold a password.
    proxy: Option<(String, String)>,
    no_proxy: String,
    direct: Vec<String>,
    java: Option<String>,
    wgetrc: Option<String>,
    node: Option<String>,
}

impl Caller {
    /// Reads it.
    ///
    /// # Errors
    /// A proxy that outgate cannot go through.
    pub(in crate::cli) fn read(environment: &Environment) -> Result<Caller, String> {
        let proxy = proxy(environment)?;
        let no_proxy = either(environment, "NO_PROXY").unwrap_or_default();
        let resources = std::fs::read_to_string(RESOURCES).ok();
        let machine = Machine {
            name: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            addresses: own_addresses(),
            master: environment.get("MASTER_ADDR"),
            hosts: environment.get("SM_HOSTS"),
            resources: resources.as_deref(),
        };
        let home = environment.get("HOME");
        let wgetrc = environment.get("WGETRC").map(str::to_owned);
        Ok(Caller {
            proxy,
            no_proxy: no_proxy.to_owned(),
            direct: machine.direct(),
            java: environment.get("JAVA_TOOL_OPTIONS").map(str::to_owned),
            node: environment.get("NODE_OPTIONS").map(str::to_owned),
            wgetrc: wgetrc.or_else(|| home.map(|home| format!("{home}/.wgetrc"))),
        })
    }

    /// What the caller's variables said, for the settings: the URL may hold a password.
    ///
    /// # Errors
    /// A sentence that names the variable and not what is in it.
    pub(super) fn upstream(&self) -> Result<Option<(ParentProxy, NoProxy)>, String> {
        let Some((variable, url)) = &self.proxy else {
            return Ok(None);
        };
        let parent = ParentProxy::of_variable(url).map_err(|why| format!("{variable}: {why}"))?;
        Ok(Some((parent, NoProxy::of_variable(&self.no_proxy))))
    }

    /// What is set for the command.
    ///
    /// # Errors
    /// When a file of ours cannot be written.
    pub(in crate::cli) fn variables(
        &self,
        address: SocketAddr,
        handed: Option<&Handed>,
        folder: &Folder,
        record: Option<&Path>,
    ) -> Result<Vec<(OsString, OsString)>, String> {
        let files = handed.map(|handed| Files {
            bundle: &handed.bundle,
            java: &handed.java,
        });
        let script = folder.write("node-proxy.cjs", variables::NODE_PROXY.as_bytes())?;
        let own = Own {
            java: self.java.as_deref(),
            node: self.node.as_deref(),
        };
        let mut set = variables::all(address, &self.direct, files, Some(&script), own);
        if let Some(Handed { bundle, .. }) = handed {
            // GNU Wget reads no variable for its roots, but one for its settings.
            let own = self
                .wgetrc
                .as_ref()
                .filter(|path| Path::new(path).is_file())
                .and_then(|path| std::fs::read(path).ok());
            let mut wgetrc = own.unwrap_or_default();
            let line = format!("\nca_certificate = {}\n", bundle.display());
            wgetrc.extend_from_slice(line.as_bytes());
            let wgetrc = folder.write("wgetrc", &wgetrc)?;
            set.push(("WGETRC".to_owned(), wgetrc.display().to_string()));
        }
        set.push((MARKER.to_owned(), format!("http://{address}")));
        let record = record.map(|path| path.display().to_string());
        set.push((MARKER_RECORD.to_owned(), record.unwrap_or_default()));
        Ok(set
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect())
    }
}

/// A variable that is written in either case; the lower one counts, as for curl.
fn either<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment
        .get(&name.to_ascii_lowercase())
        .or_else(|| environment.get(name))
}

/// The proxy that leads to the outside: HTTPS is what matters most.
fn proxy(environment: &Environment) -> Result<Option<(String, String)>, String> {
    let mut foreign = None;
    // What an `exec` that has ended left behind leads nowhere.
    let stale = environment.get(MARKER);
    for name in ["HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"] {
        let Some(value) = either(environment, name) else {
            continue;
        };
        if Some(value.trim_end_matches('/')) == stale {
            continue;
        }
        match value.split_once("://") {
            None => return Ok(Some((name.to_owned(), format!("http://{value}")))),
            Some(("http" | "https", _)) => {
                return Ok(Some((
                    name.to_owned(),
                    value.trim_end_matches('/').to_owned(),
                )));
            }
            Some((scheme, _)) => {
                foreign.get_or_insert_with(|| {
                    format!(
                        "{name} is a {scheme} proxy, which outgate cannot go through; set upstream.proxy to an HTTP proxy, or unset {name} to go directly"
                    )
                });
            }
        }
    }
    foreign.map_or(Ok(None), Err)
}

/// Who must be reached without the proxy.
#[derive(Debug, Default)]
struct Machine<'a> {
    name: String,
    addresses: Vec<IpAddr>,
    master: Option<&'a str>,
    hosts: Option<&'a str>,
    resources: Option<&'a str>,
}

impl Machine<'_> {
    fn direct(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Resources {
            #[serde(default)]
            current_host: Option<String>,
            #[serde(default)]
            hosts: Vec<String>,
        }
        let mut found: Vec<String> = vec![self.name.clone()];
        // Rendezvous also asks for the name without its domain.
        found.extend(self.name.split_once('.').map(|(short, _)| short.to_owned()));
        found.extend(self.master.map(str::to_owned));
        found.extend(
            self.hosts
                .and_then(|text| serde_json::from_str::<Vec<String>>(text).ok())
                .unwrap_or_default(),
        );
        if let Some(resources) = self
            .resources
            .and_then(|text| serde_json::from_str::<Resources>(text).ok())
        {
            found.extend(resources.current_host);
            found.extend(resources.hosts);
        }
        let addresses = self.addresses.iter().map(ToString::to_string);
        let mut seen = BTreeSet::new();
        let mut direct = Vec::new();
        for host in DIRECT
            .iter()
            .map(|host| (*host).to_owned())
            .chain(addresses)
        {
            add(&mut direct, &mut seen, &host);
        }
        for host in found {
            // A pattern would open more than one host.
            if Host::parse(&host).is_ok() {
                add(&mut direct, &mut seen, &host);
            }
        }
        direct.truncate(MAX_DIRECT);
        direct
    }
}

/// An IPv6 address goes in twice, since clients disagree about the brackets.
fn add(direct: &mut Vec<String>, seen: &mut BTreeSet<String>, host: &str) {
    let mut push = |host: String| {
        if seen.insert(host.clone()) {
            direct.push(host);
        }
    };
    push(host.to_owned());
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        push(format!("[{host}]"));
    }
}

/// This machine's addresses, but for those that are only good on one link.
fn own_addresses() -> Vec<IpAddr> {
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let ips = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address
            .as_sockaddr_in()
            .map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| {
            let v6 = address.as_sockaddr_in6()?.ip();
            (!v6.is_unicast_link_local()).then_some(IpAddr::V6(v6))
        })
    });
    ips.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_trains_together_is_reached_directly() {
        let machine = Machine {
            name: "algo-1.example.internal".to_owned(),
            addresses: vec!["10.0.0.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
            master: Some("algo-9"),
            hosts: Some(r#"["algo-1","algo-2"]"#),
            resources: Some(
                r#"{"current_host":"algo-1","hosts":["algo-1","algo-3"],"network_interface_name":"eth0"}"#,
            ),
        };
        let direct = machine.direct();
        for host in DIRECT.iter().copied().chain([
            "algo-1.example.internal",
            "algo-1",
            "algo-2",
            "algo-3",
            "algo-9",
            "10.0.0.7",
            "2001:db8::7",
            "[2001:db8::7]",
        ]) {
            assert_eq!(
                direct.iter().filter(|known| *known == host).count(),
                1,
                "{host} in {direct:?}"
            );
        }
        assert_eq!(direct.len(), DIRECT.len() + 8);
    }

    #[test]
    fn a_pattern_opens_nothing() {
        let machine = Machine {
            name: "*".to_owned(),
            master: Some("*.com"),
            hosts: Some(r#"["*", "a,b", ".com", ""]"#),
            resources: Some("no json"),
            ..Machine::default()
        };
        assert_eq!(machine.direct(), DIRECT);
    }

    #[test]
    fn the_callers_proxy_is_the_one_for_https() {
        let of = |vars: &[(&str, &str)]| {
            let environment = Environment::of(vars);
            proxy(&environment).map(|found| found.map(|(_, url)| url))
        };
        let some = |url: &str| Ok(Some(url.to_owned()));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("HTTPS_PROXY", "")]), Ok(None));
        assert_eq!(
            of(&[("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "http://b:2/")]),
            some("http://b:2")
        );
        assert_eq!(
            of(&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "b:2")]),
            some("http://b:2")
        );
        assert_eq!(
            of(&[("ALL_PROXY", "socks5h://a:1"), ("HTTP_PROXY", "http://b:2")]),
            some("http://b:2")
        );
        assert!(of(&[("all_proxy", "socks5h://a:1")]).is_err());
        assert_eq!(
            of(&[
                (MARKER, "http://127.0.0.1:9"),
                ("https_proxy", "http://127.0.0.1:9")
            ]),
            Ok(None)
        );
    }
}
