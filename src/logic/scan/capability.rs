//! Addresses that are themselves the key: webhooks and bots, which their vendors offer in no other
//! form. Told by host and path.

use std::ops::Range;

use super::check::holds;
use super::check::is_varied;

/// What makes an address a key.
struct Hook {
    /// A whole host, or with a dot in front all under it.
    host: &'static str,
    path: &'static str,
    key: Key,
}

enum Key {
    /// What follows in the path.
    Behind,
    /// The parameter of that name.
    Parameter(&'static str),
}

use Key::{Behind, Parameter};

const fn hook(host: &'static str, path: &'static str, key: Key) -> Hook {
    Hook { host, path, key }
}

const HOOKS: [Hook; 23] = [
    hook("hooks.slack.com", "/services/", Behind),
    hook("hooks.slack.com", "/workflows/", Behind),
    hook("hooks.slack.com", "/triggers/", Behind),
    hook("hooks.slack-gov.com", "/services/", Behind),
    hook("discord.com", "/api/", Behind),
    hook(".discord.com", "/api/", Behind),
    hook("discordapp.com", "/api/", Behind),
    hook(".webhook.office.com", "/webhookb2/", Behind),
    hook("outlook.office.com", "/webhook/", Behind),
    hook("outlook.office365.com", "/webhook/", Behind),
    hook("api.telegram.org", "/bot", Behind),
    hook("api.telegram.org", "/file/bot", Behind),
    hook("hooks.zapier.com", "/hooks/catch/", Behind),
    hook("maker.ifttt.com", "/trigger/", Behind),
    hook("open.feishu.cn", "/open-apis/bot/v2/hook/", Behind),
    hook("open.larksuite.com", "/open-apis/bot/v2/hook/", Behind),
    hook("hc-ping.com", "/", Behind),
    hook("chat.googleapis.com", "/v1/spaces/", Parameter("token")),
    hook(".logic.azure.com", "/workflows/", Parameter("sig")),
    hook(".api.powerplatform.com", "/", Parameter("sig")),
    hook(
        "oapi.dingtalk.com",
        "/robot/send",
        Parameter("access_token"),
    ),
    hook("qyapi.weixin.qq.com", "/cgi-bin/webhook/", Parameter("key")),
    hook("api.pushover.net", "/1/glances", Parameter("token")),
];

/// Where the key of such an address stands. The ranges are of host, path and query within `text`.
pub(super) fn key(
    text: &[u8],
    host: Range<usize>,
    path: Range<usize>,
    query: Range<usize>,
) -> Option<Range<usize>> {
    let name = host_name(text.get(host)?);
    let path_text = text.get(path.clone())?;
    HOOKS.iter().find_map(|hook| {
        let rest = path_text.strip_prefix(hook.path.as_bytes())?;
        if !is_host(name, hook.host) {
            return None;
        }
        match hook.key {
            Key::Behind => {
                if hook.path == "/api/" {
                    let at = memchr::memmem::find(rest, b"webhooks/")?;
                    // Directly, or behind a version.
                    if !matches!(rest.get(..at)?, b"" | [b'v', _, b'/'] | [b'v', _, _, b'/']) {
                        return None;
                    }
                }
                if hook.path.ends_with("/bot") && !holds(rest, b":AA") && !holds(rest, b"%3AAA") {
                    return None;
                }
                let fits = rest.len() >= 16 && is_varied(rest);
                fits.then(|| path.end - rest.len()..path.end)
            }
            Key::Parameter(wanted) => {
                let mut at = query.start;
                for pair in text.get(query.clone())?.split(|&byte| byte == b'&') {
                    let value = pair
                        .strip_prefix(wanted.as_bytes())
                        .and_then(|rest| rest.strip_prefix(b"="));
                    if let Some(value) = value.filter(|value| value.len() >= 16 && is_varied(value))
                    {
                        let end = at + pair.len();
                        return Some(end - value.len()..end);
                    }
                    at += pair.len() + 1;
                }
                None
            }
        }
    })
}

/// The token of a conda channel's URL: `/t/TOKEN/channel/noarch/...`.
pub(super) fn conda(text: &[u8], host: Range<usize>, path: Range<usize>) -> Option<Range<usize>> {
    let path_text = text.get(path.clone())?;
    let at = memchr::memmem::find(path_text, b"/t/")?;
    let rest = path_text.get(at + 3..)?;
    let length = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let token = rest.get(..length)?;
    let host = text.get(host)?;
    let subdirs: [&[u8]; 5] = [b"/noarch", b"/linux-", b"/osx-", b"/win-", b"repodata.json"];
    let is_channel = holds(host, b"conda")
        || holds(host, b"prefix.dev")
        || holds(path_text, b"/conda/")
        || subdirs.iter().any(|subdir| holds(rest, subdir));
    let fits = is_channel
        && length >= 16
        && token
            .iter()
            .all(|&byte| super::check::is_word(byte) || byte == b'.')
        && token.iter().any(u8::is_ascii_digit)
        && is_varied(token);
    let start = path.start + at + 3;
    fits.then_some(start..start + length)
}

/// Whether SageMaker signs the addresses of that host: notebooks, Studio, partner applications.
pub(super) fn is_sagemaker(host: &[u8]) -> bool {
    is_host(host_name(host), ".sagemaker.aws")
}

/// Without the port and a closing dot.
fn host_name(host: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b':', host).unwrap_or(host.len());
    let host = host.get(..end).unwrap_or_default();
    host.strip_suffix(b".").unwrap_or(host)
}

fn is_host(host: &[u8], wanted: &str) -> bool {
    if !wanted.starts_with('.') {
        return host.eq_ignore_ascii_case(wanted.as_bytes());
    }
    let tail = host.len().checked_sub(wanted.len());
    tail.and_then(|at| host.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(wanted.as_bytes()))
}
