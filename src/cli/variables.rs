//! The variables that point programs at a proxy and at the roots they shall trust: one list for
//! `env` and `exec`.

use std::net::SocketAddr;
use std::path::Path;

use crate::edge::ca::JAVA_PASSWORD;

/// What must stay direct: this machine, and the addresses that SDKs ask for credentials.
/// Names and addresses only, which every client's dialect understands.
pub(super) const DIRECT: [&str; 11] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "[::1]",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::254",
    "[fd00:ec2::254]",
    "fd00:ec2::23",
    "[fd00:ec2::23]",
];

/// The variables that hold a file of trusted roots, each read by some program instead of the
/// system's own.
pub(super) const BUNDLES: [&str; 19] = [
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    // npm's own settings may name a file that lacks ours.
    "npm_config_cafile",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CONDA_SSL_VERIFY",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    // Google's command line and its Python libraries.
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTPLIB2_CA_CERTS",
    // Python's websocket-client.
    "WEBSOCKET_CLIENT_CA_BUNDLE",
    // Programs built by Nix, Perl's LWP, Julia, Elixir's Hex.
    "NIX_SSL_CERT_FILE",
    "PERL_LWP_SSL_CA_FILE",
    "JULIA_SSL_CA_ROOTS_PATH",
    "HEX_CACERTS_PATH",
];

/// Files that programs are to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    /// Roots in PEM.
    pub(super) bundle: &'a Path,
    /// The same as a Java trust store.
    pub(super) java: &'a Path,
}

/// What variables say already that hold more than one thing, and so are added to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Own<'a> {
    pub(super) java: Option<&'a str>,
    pub(super) node: Option<&'a str>,
}

/// All of them. `files`: none where no certificate of ours is met. `script`: [`NODE_PROXY`]'s place.
pub(super) fn all(
    address: SocketAddr,
    direct: &[String],
    files: Option<Files<'_>>,
    script: Option<&Path>,
    own: Own<'_>,
) -> Vec<(String, String)> {
    let mut set = proxy(&format!("http://{address}"), &direct.join(","));
    let store = files.map(|files| Store {
        path: files.java,
        kind: "JKS",
        password: JAVA_PASSWORD,
    });
    let (ip, port) = (address.ip(), address.port());
    let options = java(&ip.to_string(), port, direct, store.as_ref());
    let mark = format!("-Dhttp.proxyHost={ip} -Dhttp.proxyPort={port}");
    let options = after(own.java, &mark, &options);
    set.push(("JAVA_TOOL_OPTIONS".to_owned(), options));
    if let Some(script) = script {
        let ours = node_option(script);
        let options = after(own.node, &ours, &ours);
        set.push(("NODE_OPTIONS".to_owned(), options));
    }
    if let Some(files) = files {
        set.extend(trust(files.bundle));
    }
    set
}

/// `ours` behind what stands there, without what an earlier turn of ours has put there.
fn after(own: Option<&str>, mark: &str, ours: &str) -> String {
    let own = own
        .and_then(|own| own.split(mark).next())
        .unwrap_or_default();
    match own.trim() {
        "" => ours.to_owned(),
        own => format!("{own} {ours}"),
    }
}

/// What points programs at the proxy `url`, except for the hosts `direct`.
fn proxy(url: &str, direct: &str) -> Vec<(String, String)> {
    let both = |name: &str| {
        [
            (name.to_owned(), url.to_owned()),
            (name.to_ascii_lowercase(), url.to_owned()),
        ]
    };
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let mut variables: Vec<_> = names.into_iter().flat_map(both).collect();
    // In Python the lower case counts, and an address in brackets there makes httpx give up.
    let bare: Vec<&str> = direct
        .split(',')
        .filter(|host| !host.starts_with('['))
        .collect();
    variables.push(("NO_PROXY".to_owned(), direct.to_owned()));
    variables.push(("no_proxy".to_owned(), bare.join(",")));
    // Node 24 and later asks the environment only if told to.
    variables.push(("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned()));
    variables
}

/// What makes programs trust the roots in `bundle` (PEM).
fn trust(bundle: &Path) -> Vec<(String, String)> {
    let bundle = bundle.display().to_string();
    BUNDLES
        .into_iter()
        .map(|name| (name.to_owned(), bundle.clone()))
        .collect()
}

/// The options that a Java machine needs: it reads none of the variables above.
fn java(host: &str, port: u16, direct: &[String], store: Option<&Store<'_>>) -> String {
    let mut options = vec![
        format!("-Dhttp.proxyHost={host}"),
        format!("-Dhttp.proxyPort={port}"),
        format!("-Dhttps.proxyHost={host}"),
        format!("-Dhttps.proxyPort={port}"),
    ];
    // Its list is separated by bars and wants IPv6 addresses in brackets.
    let hosts: Vec<&str> = direct
        .iter()
        .map(String::as_str)
        .filter(|host| host.starts_with('[') || !host.contains(':'))
        .collect();
    options.push(format!("-Dhttp.nonProxyHosts={}", hosts.join("|")));
    if let Some(store) = store {
        options.push(quoted(&format!(
            "-Djavax.net.ssl.trustStore={}",
            store.path.display()
        )));
        options.push(format!("-Djavax.net.ssl.trustStoreType={}", store.kind));
        options.push(format!(
            "-Djavax.net.ssl.trustStorePassword={}",
            store.password
        ));
    }
    options.join(" ")
}

/// What makes Node use the proxy where it does not by itself; for `NODE_OPTIONS`.
pub(super) const NODE_PROXY: &str = include_str!("node-proxy.cjs");

/// What in `NODE_OPTIONS` loads the script at `path`.
fn node_option(path: &Path) -> String {
    let path = path.display().to_string();
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    format!("--require=\"{path}\"")
}

/// A trust store for Java.
#[derive(Debug)]
struct Store<'a> {
    path: &'a Path,
    kind: &'a str,
    /// No secret: it only detects damage.
    password: &'a str,
}

/// An option that holds a space is quoted as a whole, as the Java machine reads its variable.
fn quoted(option: &str) -> String {
    if option.contains(char::is_whitespace) {
        format!("\"{option}\"")
    } else {
        option.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_set_in_both_cases() {
        let set = proxy("http://127.0.0.1:1", "localhost");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            for name in [name.to_owned(), name.to_ascii_lowercase()] {
                assert!(set.iter().any(|(known, _)| *known == name), "{name}");
            }
        }
    }

    #[test]
    fn brackets_stand_in_the_upper_case_alone() {
        let set = proxy("http://127.0.0.1:1", "localhost,::1,[::1]");
        let of = |name: &str| {
            set.iter()
                .find(|(known, _)| known == name)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(of("NO_PROXY"), "localhost,::1,[::1]");
        assert_eq!(of("no_proxy"), "localhost,::1");
    }

    #[test]
    fn what_stands_in_a_variable_stays_and_ours_stands_there_once() {
        let path = Path::new("/tmp/a b/x.cjs");
        let turn = |own: Own<'_>| {
            let set = all(
                "127.0.0.1:1".parse().unwrap(),
                &["localhost".to_owned()],
                None,
                Some(path),
                own,
            );
            let of = |name: &str| {
                set.iter()
                    .find(|(known, _)| known == name)
                    .unwrap()
                    .1
                    .clone()
            };
            (of("JAVA_TOOL_OPTIONS"), of("NODE_OPTIONS"))
        };
        let (java, node) = turn(Own::default());
        assert_eq!(node, "--require=\"/tmp/a b/x.cjs\"");
        let own = Own {
            java: Some("-Xmx1g"),
            node: Some("--trace-warnings"),
        };
        let (more_java, more_node) = turn(own);
        assert_eq!(more_java, format!("-Xmx1g {java}"));
        assert_eq!(more_node, format!("--trace-warnings {node}"));
        let again = Own {
            java: Some(&more_java),
            node: Some(&more_node),
        };
        assert_eq!(turn(again), (more_java.clone(), more_node.clone()));
    }

    #[test]
    fn java_reads_one_line() {
        let direct = ["localhost", "::1", "[::1]", "10.0.0.1"].map(str::to_owned);
        let store = Store {
            path: Path::new("/tmp/a b/trust.p12"),
            kind: "PKCS12",
            password: "changeit",
        };
        assert_eq!(
            java("127.0.0.1", 3128, &direct, Some(&store)),
            "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=3128 -Dhttps.proxyHost=127.0.0.1 \
             -Dhttps.proxyPort=3128 -Dhttp.nonProxyHosts=localhost|[::1]|10.0.0.1 \
             \"-Djavax.net.ssl.trustStore=/tmp/a b/trust.p12\" \
             -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit"
        );
    }
}
