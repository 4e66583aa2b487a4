//! Networks and the parent proxy, from their texts.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::settings::ParentProxy;
use crate::model::Authority;
use crate::model::Host;

/// Reads a network, or one address as the network of it alone.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(net.trunc());
    }
    match text.parse::<IpAddr>() {
        Ok(addr) => Ok(addr.into()),
        Err(_) => Err(format!(
            "{text:?} is not a network; write it as 10.0.0.0/8, fd00::/8 or 10.1.2.3"
        )),
    }
}

/// Reads `http://HOST:PORT` or `https://HOST:PORT`. The text is not repeated where it may hold
/// a password.
pub(super) fn parent_proxy(text: &str) -> Result<ParentProxy, String> {
    const FORM: &str = "write it as http://HOST:PORT or https://HOST:PORT";
    let url = url::Url::parse(text).map_err(|_| format!("is not a URL; {FORM}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must not hold a user or password: the file and `config show` are read by \
                    others"
                .to_owned(),
        );
    }
    let tls = match url.scheme() {
        "http" => false,
        "https" => true,
        scheme => return Err(format!("{scheme}:// is no kind of parent proxy; {FORM}")),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("has more than host and port; {FORM}"));
    }
    let host = url
        .host_str()
        .ok_or_else(|| format!("has no host; {FORM}"))?;
    let host = Host::parse(host).map_err(|error| format!("{error}; {FORM}"))?;
    let port = url
        .port_or_known_default()
        .ok_or_else(|| format!("has no port; {FORM}"))?;
    Ok(ParentProxy {
        tls,
        authority: Authority { host, port },
    })
}
