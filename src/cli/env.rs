//! `outgate env`: the variables that point programs at the proxy.

use serde_json::json;

use super::args::{EnvArgs, EnvFormat};
use super::load::{Environment, settings};
use super::output::print;
use super::{FINE, USAGE, complain, variables};
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
    let url = format!("http://{}", reachable(address));
    let variables = variables::proxy(&url, &variables::DIRECT.join(","));
    if args.json {
        let object: serde_json::Map<_, _> = variables
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        return print(&format!("{}\n", serde_json::Value::Object(object)), FINE);
    }
    let text = text(args.format, &url, &variables, address.ip().is_loopback());
    print(&text, FINE)
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

fn text(format: EnvFormat, url: &str, variables: &[(String, String)], is_loopback: bool) -> String {
    let lines = |line: &dyn Fn(&str, &str) -> String| {
        variables
            .iter()
            .map(|(name, value)| line(name, value) + "\n")
            .collect::<String>()
    };
    let note = |mark: &str| {
        if is_loopback {
            format!(
                "{mark} 127.0.0.1 inside a container is the container itself: listen on an address that it can reach \
                 (and set clients.allow), or run outgate in the same network namespace.\n"
            )
        } else {
            String::new()
        }
    };
    match format {
        EnvFormat::Sh => lines(&|name, value| format!("export {name}='{value}'")),
        EnvFormat::Fish => lines(&|name, value| format!("set -gx {name} '{value}'")),
        EnvFormat::Powershell => lines(&|name, value| format!("$env:{name} = '{value}'")),
        EnvFormat::Docker => {
            let options: Vec<String> = variables
                .iter()
                .map(|(name, value)| format!("--env '{name}={value}'"))
                .collect();
            format!("{}{}\n", note("#"), options.join(" "))
        }
        EnvFormat::DockerBuild => {
            let options: Vec<String> = variables
                .iter()
                .map(|(name, value)| format!("--build-arg '{name}={value}'"))
                .collect();
            let daemon = "# The daemon itself fetches base images: its proxy is set in /etc/docker/daemon.json (\"proxies\").\n";
            format!("{daemon}{}{}\n", note("#"), options.join(" "))
        }
        EnvFormat::K8s => {
            let note = if is_loopback {
                "# As a sidecar: containers of one pod share 127.0.0.1.\n"
            } else {
                ""
            };
            format!(
                "{note}env:\n{}",
                lines(&|name, value| format!("  - name: {name}\n    value: \"{value}\""))
            )
        }
        EnvFormat::Systemd => format!(
            "[Service]\n{}",
            lines(&|name, value| format!("Environment=\"{name}={value}\""))
        ),
        EnvFormat::KernelJson => pretty(&json!({ "env": object(variables) })),
        // The editor's own requests do not ask the terminal's environment.
        EnvFormat::Vscode => pretty(&json!({
            "http.proxy": url,
            "terminal.integrated.env.linux": object(variables),
            "terminal.integrated.env.osx": object(variables),
        })),
    }
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

    #[test]
    fn every_format_has_every_variable() {
        let variables = variables::proxy("http://127.0.0.1:3128", &variables::DIRECT.join(","));
        for format in <EnvFormat as clap::ValueEnum>::value_variants() {
            let text = text(*format, "http://127.0.0.1:3128", &variables, true);
            for (name, value) in &variables {
                assert!(
                    text.contains(name.as_str()) && text.contains(value.as_str()),
                    "{format:?} lacks {name}"
                );
            }
        }
        assert!(
            variables
                .iter()
                .any(|(name, value)| name == "no_proxy" && value.contains("169.254.170.23"))
        );
    }
}
