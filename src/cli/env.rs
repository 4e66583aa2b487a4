//! `outgate env`: the variables that point programs at the proxy.

mod handed;

use std::path::Path;

use serde_json::json;

use self::handed::Handed;
use super::args::{EnvArgs, EnvFormat};
use super::load::{Environment, settings};
use super::output::print;
use super::variables::{self, Own};
use super::{FINE, USAGE, complain};
use crate::config::Listener;

pub(super) fn run(args: &EnvArgs) -> u8 {
    let environment = Environment::read();
    let loaded = match settings(&args.settings, &environment) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let address = loaded
        .settings
        .listen
        .proxy
        .iter()
        .find_map(|listen| match listen {
            Listener::Tcp(address) => Some(*address),
            Listener::Tls(_) | Listener::Unix(_) => None,
        });
    let Some(address) = address else {
        complain("no listener that a proxy variable could name: add an ADDR:PORT to listen.proxy");
        return USAGE;
    };
    if address.port() == 0 {
        complain(
            "listen.proxy has port 0: serve prints the port that it got; name one to have it here",
        );
        return USAGE;
    }
    let address = reachable(address);
    let handed = match Handed::of(&loaded.settings, &environment) {
        Ok(handed) => handed,
        Err(why) => {
            complain(why);
            return USAGE;
        }
    };
    let own = match args.format {
        // What is printed for elsewhere must not carry what this shell has.
        EnvFormat::Sh | EnvFormat::Fish | EnvFormat::Powershell => Own {
            java: environment.get("JAVA_TOOL_OPTIONS"),
            node: environment.get("NODE_OPTIONS"),
        },
        EnvFormat::Docker
        | EnvFormat::DockerBuild
        | EnvFormat::K8s
        | EnvFormat::Systemd
        | EnvFormat::KernelJson
        | EnvFormat::Vscode => Own::default(),
    };
    let direct = variables::DIRECT.map(str::to_owned);
    let variables = variables::all(
        address,
        &direct,
        handed.as_ref().map(Handed::files),
        handed.as_ref().map(|handed| handed.script.as_path()),
        own,
    );
    if args.json {
        return print(&format!("{}\n", object(&variables)), FINE);
    }
    let shown = Shown {
        url: format!("http://{address}"),
        variables: &variables,
        is_loopback: address.ip().is_loopback(),
        folder: handed.as_ref().map(|handed| handed.folder.as_path()),
    };
    print(&shown.text(args.format), FINE)
}

/// An address to listen on everywhere is no address to connect to.
pub(super) fn reachable(mut address: std::net::SocketAddr) -> std::net::SocketAddr {
    match address.ip() {
        std::net::IpAddr::V4(ip) if ip.is_unspecified() => {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into())
        }
        std::net::IpAddr::V6(ip) if ip.is_unspecified() => {
            address.set_ip(std::net::Ipv6Addr::LOCALHOST.into())
        }
        std::net::IpAddr::V4(_) | std::net::IpAddr::V6(_) => {}
    }
    address
}

/// What is printed.
struct Shown<'a> {
    url: String,
    variables: &'a [(String, String)],
    is_loopback: bool,
    /// Where the files are that the variables name.
    folder: Option<&'a Path>,
}

impl Shown<'_> {
    fn text(&self, format: EnvFormat) -> String {
        let set = self.variables;
        match format {
            EnvFormat::Sh => self.lines(|name, value| format!("export {name}={}", sh(value))),
            EnvFormat::Fish => self.lines(|name, value| {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                format!("set -gx {name} '{value}'")
            }),
            EnvFormat::Powershell => {
                self.lines(|name, value| format!("$env:{name} = '{}'", value.replace('\'', "''")))
            }
            EnvFormat::Docker => {
                let volume = self.folder.map(|folder| {
                    let folder = folder.display();
                    format!("--volume {} ", sh(&format!("{folder}:{folder}:ro")))
                });
                format!(
                    "{}{}{}\n",
                    self.note(),
                    volume.unwrap_or_default(),
                    self.options("--env")
                )
            }
            EnvFormat::DockerBuild => format!(
                "# The daemon itself fetches base images: its proxy is set in /etc/docker/daemon.json (\"proxies\"),\n\
                 # and 127.0.0.1 there is the daemon's machine.\n{}{}{}\n",
                self.note(),
                self.build_note(),
                self.options("--build-arg")
            ),
            EnvFormat::K8s => {
                let note = if self.is_loopback {
                    "# As a sidecar: containers of one pod share 127.0.0.1.\n"
                } else {
                    ""
                };
                let mount = self.folder.map(|folder| {
                    format!(
                        "# Mount the files of {0} at {0}, from a ConfigMap (kubectl create configmap outgate --from-file={0}).\n",
                        folder.display()
                    )
                });
                format!(
                    "{note}{}env:\n{}",
                    mount.unwrap_or_default(),
                    self.lines(|name, value| format!(
                        "  - name: {name}\n    value: {}",
                        json!(value)
                    ))
                )
            }
            EnvFormat::Systemd => format!(
                "[Service]\n{}",
                self.lines(|name, value| {
                    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                    format!("Environment=\"{name}={}\"", value.replace('%', "%%"))
                })
            ),
            EnvFormat::KernelJson => pretty(&json!({ "env": object(set) })),
            // The editor's own requests do not ask the terminal's environment.
            EnvFormat::Vscode => pretty(&json!({
                "http.proxy": self.url,
                "terminal.integrated.env.linux": object(set),
                "terminal.integrated.env.osx": object(set),
            })),
        }
    }

    fn lines(&self, line: impl Fn(&str, &str) -> String) -> String {
        let line = |(name, value): &(String, String)| line(name, value) + "\n";
        self.variables.iter().map(line).collect()
    }

    fn options(&self, option: &str) -> String {
        let one = |(name, value): &(String, String)| {
            format!("{option} {}", sh(&format!("{name}={value}")))
        };
        self.variables.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn note(&self) -> &'static str {
        if self.is_loopback {
            "# 127.0.0.1 inside a container is the container itself: listen on an address that it can reach \
             (and set clients.allow), or run outgate in the same network namespace.\n"
        } else {
            ""
        }
    }

    fn build_note(&self) -> String {
        self.folder.map_or_else(String::new, |folder| {
            format!(
                "# A build sees no folder of this machine: COPY the files of {0} to {0} in the image, and name each\n\
                 # variable but the proxies' with ARG.\n",
                folder.display()
            )
        })
    }
}

/// As one word of a shell.
fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn object(variables: &[(String, String)]) -> serde_json::Value {
    variables
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::variables::Files;

    #[test]
    fn every_format_has_every_variable() {
        let direct = variables::DIRECT.map(str::to_owned);
        let files = Files {
            bundle: Path::new("/data/trust/ca-bundle.pem"),
            java: Path::new("/data/trust/ca-bundle.jks"),
        };
        let script = Path::new("/data/trust/node-proxy.cjs");
        let address = "127.0.0.1:3128".parse().unwrap();
        for files in [None, Some(files)] {
            let script = files.map(|_| script);
            let variables = variables::all(address, &direct, files, script, Own::default());
            let shown = Shown {
                url: "http://127.0.0.1:3128".to_owned(),
                variables: &variables,
                is_loopback: true,
                folder: files.map(|_| Path::new("/data/trust")),
            };
            for format in <EnvFormat as clap::ValueEnum>::value_variants() {
                let text = shown.text(*format);
                for (name, value) in &variables {
                    let plain = value.replace('"', "\\\"");
                    assert!(
                        text.contains(name.as_str())
                            && (text.contains(value.as_str()) || text.contains(&plain)),
                        "{format:?} lacks {name}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_quote_stays_within_its_word() {
        assert_eq!(sh("it's"), r"'it'\''s'");
    }
}
