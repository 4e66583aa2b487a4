//! The one table of settings: reading, variables, schema and documents all follow it.

use std::time::Duration;

use crate::config::keys::Form;
use crate::config::keys::Item;
use crate::config::keys::Key;
use crate::config::keys::Kind;
use crate::model::limits;

const fn key(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        doc,
        later: false,
    }
}

const fn span(min: Duration, max: Duration) -> Kind {
    Kind::Duration { min, max }
}

const MS: Duration = Duration::from_millis(1);
const NONE: Duration = Duration::ZERO;
const MINUTES: Duration = Duration::from_secs(600);
const MONTH: Duration = Duration::from_secs(30 * 86_400);
const ON_OFF: Kind = Kind::Word(&["block", "report", "off"]);
const PROFILES: Kind = Kind::Word(&["baseline", "strict", "tls13", "fips", "post-quantum"]);
const PREFLIGHT: Kind = Kind::Word(&["off", "aws", "all"]);
const MODE: Kind = Kind::Word(&["enforce", "report"]);
const ACCESS: Kind = Kind::Word(&["allow", "deny"]);
const PATH: Kind = Kind::Text(Form::Path);
const HOSTS: Kind = Kind::List(Item::Host);
const PORTS: Kind = Kind::List(Item::Port);
const TEXTS: Kind = Kind::List(Item::Text);
const NETWORKS: Kind = Kind::List(Item::Network);
/// Head and hello bounds: below a KiB nothing works, above a MiB nothing is bounded.
const MESSAGE: Kind = Kind::Size {
    min: 1024,
    max: 1 << 20,
};

pub(super) const BEFORE_RULES: &[Key] = &[
    key(
        "mode",
        MODE,
        "\"enforce\"",
        "`\"report\"` decides and records, and blocks nothing",
    ),
    key(
        "allow_unseen",
        Kind::Bool,
        "false",
        "accept settings that the way of carrying cannot see",
    ),
    key(
        "listen.proxy",
        Kind::List(Item::Listener),
        "[\"127.0.0.1:3128\"]",
        "where clients connect: `IP:PORT`, `tls://IP:PORT` or `unix:/path`",
    ),
    key(
        "listen.transparent",
        Kind::List(Item::Listener),
        "[]",
        "where redirected connections arrive",
    )
    .later(),
    key(
        "listen.admin",
        Kind::Text(Form::Address),
        "\"127.0.0.1:3129\"",
        "metrics and health; `\"\"` turns it off",
    ),
    key(
        "clients.allow",
        NETWORKS,
        "[\"127.0.0.0/8\", \"::1/128\"]",
        "who may use the proxy; `[clients]` must be set as soon as a listener is neither loopback nor a Unix socket",
    ),
    key(
        "clients.basic_auth_file",
        PATH,
        "\"\"",
        "htpasswd file with bcrypt hashes; records carry the name",
    )
    .later(),
    key(
        "clients.tls_client_ca",
        PATH,
        "\"\"",
        "authority whose client certificates are asked for on `tls://` listeners",
    )
    .later(),
    key(
        "intercept.hosts",
        Kind::WordOrList(&["none", "aws", "all"], Item::Host),
        "\"none\"",
        "whose TLS is ended here",
    ),
    key(
        "intercept.except",
        HOSTS,
        "[]",
        "hosts that stay in a tunnel",
    ),
    key(
        "intercept.on_client_rejects",
        Kind::Word(&["block", "tunnel"]),
        "\"block\"",
        "what follows when a client refuses our certificate; `\"tunnel\"` needs hosts listed by name",
    ),
    key(
        "intercept.ca_dir",
        PATH,
        "\"\"",
        "where the authority lies, made by `outgate ca init` or elsewhere; empty: the user's data directory",
    ),
    key(
        "tls.profile",
        PROFILES,
        "\"baseline\"",
        "what counts as strong enough",
    ),
    key(
        "tls.preflight",
        PREFLIGHT,
        "\"aws\"",
        "whose certificates a verified handshake of our own looks at",
    ),
    key(
        "tls.roots",
        Kind::Word(&["system", "mozilla"]),
        "\"system\"",
        "the roots that upstream certificates are verified against",
    ),
    key(
        "tls.extra_roots",
        Kind::List(Item::Path),
        "[]",
        "PEM files with further roots",
    ),
];

pub(super) const AFTER_RULES: &[Key] = &[
    key(
        "destinations.default",
        ACCESS,
        "\"allow\"",
        "`\"deny\"` makes the rules below an allowlist",
    ),
    key(
        "destinations.connect_ports",
        PORTS,
        "[443, 8443]",
        "the ports that CONNECT may name",
    ),
    key(
        "aws.accounts",
        Kind::List(Item::Account),
        "[]",
        "accounts whose keys may be used; read from the key id itself",
    ),
    key(
        "aws.unknown_accounts",
        ON_OFF,
        "\"block\"",
        "key ids that carry no account, unsigned and bearer calls, while `accounts` is set",
    ),
    key(
        "aws.regions",
        TEXTS,
        "[]",
        "regions whose endpoints may be reached",
    ),
    key(
        "aws.require_fips",
        Kind::Bool,
        "false",
        "only FIPS endpoints",
    ),
    key(
        "aws.require_temporary_credentials",
        Kind::Bool,
        "false",
        "no long-term keys (`AKIA...`)",
    ),
    key(
        "aws.require_kms",
        Kind::Bool,
        "false",
        "S3 writes name a KMS key",
    ),
    key(
        "aws.allow_unseen",
        Kind::Bool,
        "false",
        "as `allow_unseen`, for `[aws]` alone",
    ),
    key(
        "upstream.resolver",
        Kind::Word(&["system", "dns"]),
        "\"system\"",
        "`\"system\"`: getaddrinfo; `\"dns\"` follows TTLs by itself",
    )
    .later(),
    key(
        "upstream.connect_to",
        Kind::List(Item::Redirect),
        "[]",
        "curl's `--connect-to`: `HOST:PORT:HOST:PORT`; a host named on the right is exempt from the address guard",
    ),
    key(
        "upstream.allow_private",
        NETWORKS,
        "[]",
        "networks that `private-address` lets be; never opens a metadata address",
    ),
    key(
        "upstream.proxy",
        Kind::Text(Form::Url),
        "\"\"",
        "parent proxy: `http://HOST:PORT` or `https://HOST:PORT`, with `USER@` before the host if it asks for one",
    ),
    key(
        "upstream.proxy_password_file",
        PATH,
        "\"\"",
        "file with the password of that user; `OUTGATE_UPSTREAM_PROXY_PASSWORD` is stronger",
    ),
    key(
        "upstream.no_proxy",
        TEXTS,
        "[]",
        "hosts that are reached without the parent proxy, as in `NO_PROXY`",
    ),
    key(
        "timeouts.head",
        span(MS, MINUTES),
        "\"30s\"",
        "from a connection's start until its request head is whole",
    ),
    key(
        "timeouts.handshake",
        span(MS, MINUTES),
        "\"10s\"",
        "from CONNECT until both hellos are judged",
    ),
    key(
        "timeouts.connect",
        span(MS, MINUTES),
        "\"10s\"",
        "for the TCP connection to the destination",
    ),
    key(
        "timeouts.idle",
        span(MS, MONTH),
        "\"1h\"",
        "a connection on which nothing moves is closed",
    ),
    key(
        "timeouts.drain",
        span(NONE, MINUTES),
        "\"25s\"",
        "what live connections get at the end",
    ),
    key(
        "limits.connections",
        Kind::Int {
            min: 1,
            max: 1_000_000,
        },
        "10000",
        "client connections at a time",
    ),
    key(
        "limits.connections_per_client",
        Kind::Int {
            min: 1,
            max: 1_000_000,
        },
        "10000",
        "the same, for one client address",
    ),
    key("limits.head_bytes", MESSAGE, "65536", "a request head"),
    key(
        "limits.headers",
        Kind::Int { min: 8, max: 4096 },
        "256",
        "header lines in a request head",
    ),
    key("limits.hello_bytes", MESSAGE, "65536", "a ClientHello"),
    key(
        "limits.flight_bytes",
        MESSAGE,
        "196608",
        "a server's first flight",
    ),
    key(
        "limits.early_bytes",
        MESSAGE,
        "65536",
        "client bytes that wait behind a ClientHello until the server's first flight is judged",
    ),
    key(
        "audit.path",
        PATH,
        "\"\"",
        "the record; `\"-\"` is stdout; empty: `outgate/audit.jsonl` under the first writable of `$XDG_STATE_HOME`, `/var/log`, `$TMPDIR`, `/dev/shm`",
    ),
    key(
        "audit.sync",
        Kind::Word(&["write", "fsync", "none"]),
        "\"write\"",
        "how far a line has gone before its request is forwarded",
    ),
    key(
        "audit.stall",
        span(MS, MINUTES),
        "\"5s\"",
        "a sink that takes nothing for so long is `audit-unavailable`",
    ),
    key(
        "audit.on_failure",
        Kind::Word(&["block", "pass"]),
        "\"block\"",
        "`\"pass\"` forwards unrecorded while the record cannot be written",
    )
    .later(),
    key(
        "audit.process",
        Kind::Bool,
        "false",
        "look up the process of clients on this machine, beside the decision (always for Unix sockets; Linux)",
    ),
    key(
        "audit.rotate_size",
        Kind::Size {
            min: 0,
            max: 1 << 40,
        },
        "0",
        "begin a new file at this size; 0: never",
    )
    .later(),
    key(
        "audit.rotate_age",
        span(NONE, MONTH),
        "\"0s\"",
        "begin a new file at this age; 0: never",
    )
    .later(),
    key(
        "audit.keep",
        Kind::Int {
            min: 0,
            max: 100_000,
        },
        "0",
        "how many old files are kept; 0: all",
    )
    .later(),
];

pub(super) const RULES: &[Key] = &[
    key(
        "rules.url-credentials",
        Kind::Word(&["block", "report", "off", "strip"]),
        "\"block\"",
        "a credential in a URL; `\"strip\"` takes it out and forwards",
    ),
    key(
        "rules.instance-metadata",
        ON_OFF,
        "\"block\"",
        "metadata and container credentials through the proxy",
    ),
    key(
        "rules.private-address",
        ON_OFF,
        "\"report\"",
        "a name that resolves to private space; `\"block\"` unless every listener is loopback or a Unix socket",
    ),
    key(
        "rules.aws-plaintext",
        Kind::Word(&["block", "report", "off", "upgrade"]),
        "\"block\"",
        "plaintext to AWS; `\"upgrade\"` sends it over TLS",
    ),
    key(
        "rules.port",
        ON_OFF,
        "\"report\"",
        "CONNECT outside `destinations.connect_ports`; `\"block\"` unless every listener is loopback or a Unix socket",
    ),
    key(
        "rules.destination",
        ON_OFF,
        "\"block\"",
        "what `[destinations]` denies",
    ),
    key(
        "rules.sni-mismatch",
        ON_OFF,
        "\"block\"",
        "the handshake names another host",
    ),
    key(
        "rules.not-tls",
        ON_OFF,
        "\"block\"",
        "a tunnel that is not TLS",
    ),
    key(
        "rules.weak-tls",
        ON_OFF,
        "\"block\"",
        "TLS below the profile",
    ),
    key(
        "rules.invalid-certificate",
        ON_OFF,
        "\"block\"",
        "a certificate that does not verify",
    ),
    key(
        "rules.aws-account",
        ON_OFF,
        "\"block\"",
        "a key outside `aws.accounts`",
    ),
    key(
        "rules.aws-region",
        ON_OFF,
        "\"block\"",
        "an endpoint outside `aws.regions`",
    ),
    key(
        "rules.aws-fips",
        ON_OFF,
        "\"block\"",
        "no FIPS endpoint while `aws.require_fips` is set",
    ),
    key(
        "rules.aws-long-term-key",
        ON_OFF,
        "\"block\"",
        "a long-term key while `aws.require_temporary_credentials` is set",
    ),
    key(
        "rules.aws-signature",
        ON_OFF,
        "\"report\"",
        "SigV2, or no signature where one is asked for",
    ),
    key(
        "rules.aws-guardrail",
        ON_OFF,
        "\"report\"",
        "weaker protection than the API offers",
    ),
    key(
        "rules.presigned-url",
        ON_OFF,
        "\"report\"",
        "a time-limited signed URL",
    ),
    key(
        "rules.sensitive-data",
        ON_OFF,
        "\"report\"",
        "an identifier in a free-form field of an AWS request",
    ),
    key(
        "rules.plaintext",
        ON_OFF,
        "\"report\"",
        "plain HTTP to any other destination",
    ),
];

pub(super) const DESTINATION_RULE: &[Key] = &[
    key(
        "hosts",
        HOSTS,
        "[]",
        "names, `*.example.com` (one or more labels, not the apex), addresses, networks, or `*`",
    ),
    key(
        "ports",
        PORTS,
        "[]",
        "with `action = \"allow\"` it also opens these ports to CONNECT",
    ),
    key(
        "services",
        TEXTS,
        "[]",
        "AWS services by signing name, such as `s3`",
    ),
    key("regions", TEXTS, "[]", "AWS regions"),
    key(
        "operations",
        Kind::List(Item::Operation),
        "[]",
        "such as `s3:PutObject`; seen only under interception",
    ),
    key(
        "buckets",
        TEXTS,
        "[]",
        "S3 buckets; seen only under interception",
    ),
    key(
        "action",
        ACCESS,
        "",
        "whether the destination may be reached; unset: later rules or `destinations.default` say",
    ),
    key(
        "reason",
        Kind::Text(Form::Any),
        "",
        "told to the user who is refused",
    ),
    key(
        "mode",
        MODE,
        "",
        "as the general `mode`, for these destinations",
    ),
    key(
        "intercept",
        Kind::Bool,
        "",
        "whether their TLS is ended here",
    ),
    key(
        "allow_unseen",
        Kind::Bool,
        "false",
        "as the general `allow_unseen`, for this rule alone",
    ),
    key("tls.profile", PROFILES, "", "as the general `tls.profile`"),
    key(
        "tls.preflight",
        PREFLIGHT,
        "",
        "as the general `tls.preflight`",
    ),
];

/// Sizes in the table are written out; these are what they mean.
const _: () = {
    assert!(limits::MAX_HEAD == 65536 && limits::MAX_CLIENT_HELLO == 65536);
    assert!(limits::MAX_SERVER_FLIGHT == 196_608 && limits::MAX_EARLY == 65536);
    assert!(limits::MAX_HEADERS == 256);
};
