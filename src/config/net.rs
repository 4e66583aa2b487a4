//! Networks and the parent proxy, from their texts.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::settings::ParentProxy;
use crate::model::Authority;
use crate::model::Host;
use crate::model::Secret;

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

/// Reads `http://HOST:PORT` or `https://HOST:PORT`, with `USER@` in front of the host. The text is
/// not repeated, because it may hold a password.
pub(super) fn parent_proxy(text: &str) -> Result<ParentProxy, String> {
    let parent = with_password(text)?;
    if parent.password.is_some() {
        return Err(
            "must not hold a password: the settings and `config show` are read by others; \
             put it into upstream.proxy_password_file or OUTGATE_UPSTREAM_PROXY_PASSWORD"
                .to_owned(),
        );
    }
    Ok(parent)
}

/// As [`parent_proxy`], with the password in the URL, and without a scheme for `http://`.
pub(super) fn proxy_variable(text: &str) -> Result<ParentProxy, String> {
    if text.contains("://") {
        with_password(text)
    } else {
        with_password(&format!("http://{text}"))
    }
}

fn with_password(text: &str) -> Result<ParentProxy, String> {
    const FORM: &str = "write it as http://HOST:PORT or https://HOST:PORT";
    let url = url::Url::parse(text).map_err(|_| format!("is not a URL; {FORM}"))?;
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
        .filter(|port| *port != 0)
        .ok_or_else(|| format!("has no port; {FORM}"))?;
    let user = decoded(url.username())?;
    let password = url.password().map(decoded).transpose()?;
    if user.contains(':') {
        return Err("has a user with a colon, which no login can carry".to_owned());
    }
    if user.is_empty() && password.is_some() {
        return Err(format!("has a password and no user; {FORM}"));
    }
    Ok(ParentProxy {
        tls,
        authority: Authority { host, port },
        user: (!user.is_empty()).then_some(user),
        password: password.map(Secret::new),
        password_file: None,
    })
}

/// A part of a URL's userinfo, as it was before it was percent-encoded.
fn decoded(text: &str) -> Result<String, String> {
    let bad = || "has a user or password that cannot be read".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(bad());
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
    }
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    // RFC 7617, section 2.
    if text.chars().any(char::is_control) {
        return Err(bad());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_proxy_in_all_its_forms() {
        let cases = [
            ("http://proxy:3128", "http proxy:3128 - -"),
            ("https://Proxy.Example./", "https proxy.example:443 - -"),
            ("http://proxy", "http proxy:80 - -"),
            ("http://[fd00::1]:3128", "http [fd00::1]:3128 - -"),
            ("http://me@proxy:3128", "http proxy:3128 me -"),
            ("http://me%40corp@proxy:3128", "http proxy:3128 me@corp -"),
            ("proxy:3128", "http proxy:3128 - -"),
            ("me:p%3ass%25@proxy:3128", "http proxy:3128 me p:ss%"),
            ("https://me:@proxy", "https proxy:443 me -"),
        ];
        for (text, expected) in cases {
            let parent = proxy_variable(text).unwrap();
            let shown = format!(
                "{} {} {} {}",
                if parent.tls { "https" } else { "http" },
                parent.authority,
                parent.user.as_deref().unwrap_or("-"),
                parent.password.as_ref().map_or("-", Secret::expose),
            );
            assert_eq!(shown, expected, "{text}");
            let is_setting = text.contains("://") && parent.password.is_none();
            assert_eq!(parent_proxy(text).is_ok(), is_setting, "{text}");
        }
    }

    #[test]
    fn a_bad_one_is_told_without_its_password() {
        let cases = [
            "http://me:hunter2@proxy:3128/path",
            "socks5://me:hunter2@proxy:1080",
            "http://:hunter2@proxy:3128",
            "http://me:hunter2@",
            "http://me:hunter2@proxy:99999",
            "http://me:hunter2%0d%0aX@proxy:3128",
            "http://a%3ab:hunter2@proxy:3128",
            "http://me:hunter2%f@proxy:3128",
        ];
        for text in cases {
            let error = proxy_variable(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
        let error = parent_proxy("http://me:hunter2@proxy:3128").unwrap_err();
        assert!(error.contains("upstream.proxy_password_file"), "{error}");
    }
}
