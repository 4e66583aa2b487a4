//! The tools that are known, as data.

use super::probe::{Copied, Probe, Remedy, Version};

/// In the order in which they are shown.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "curl",
        programs: &["curl"],
        args: &["--silent", "--show-error", "--fail", "{url}/"],
        remedies: &[Remedy {
            line: "curl -q --cacert \"$SSL_CERT_FILE\" --proxy \"$HTTPS_PROXY\" ...   (something in ~/.curlrc stands against it)",
            set: &[],
            args: &["-q", "--cacert", "{bundle}", "--proxy", "{proxy}"],
        }],
        ..Probe::BLANK
    },
    Probe {
        name: "wget",
        programs: &["wget"],
        args: &["--quiet", "--tries=1", "--output-document=-", "{url}/"],
        remedies: &[
            Remedy {
                line: "wget --ca-certificate=\"$SSL_CERT_FILE\" ...",
                set: &[],
                args: &["--ca-certificate={bundle}"],
            },
            Remedy {
                line: "wget --execute use_proxy=on --execute https_proxy=\"$HTTPS_PROXY\" ...",
                set: &[],
                args: &[
                    "--execute",
                    "use_proxy=on",
                    "--execute",
                    "https_proxy={proxy}",
                ],
            },
        ],
        ..Probe::BLANK
    },
    Probe {
        name: "git",
        programs: &["git"],
        args: &["ls-remote", "{url}/probe.git"],
        set: &[("GIT_TERMINAL_PROMPT", "0"), ("GIT_ASKPASS", "")],
        remedies: &[
            Remedy {
                line: "git -c http.proxy=\"$HTTPS_PROXY\" ...",
                set: &[],
                args: &["-c", "http.proxy={proxy}"],
            },
            Remedy {
                line: "git -c http.sslBackend=openssl -c http.sslCAInfo=\"$SSL_CERT_FILE\" ...",
                set: &[],
                args: &[
                    "-c",
                    "http.sslBackend=openssl",
                    "-c",
                    "http.sslCAInfo={bundle}",
                ],
            },
        ],
        ..Probe::BLANK
    },
    Probe {
        name: "pip",
        programs: &["pip", "pip3"],
        args: &[
            "download",
            "--quiet",
            "--no-deps",
            "--no-cache-dir",
            "--no-input",
            "--retries=0",
            "--disable-pip-version-check",
            "--index-url={url}/simple/",
            "--dest={folder}/got",
            "outgate-probe",
        ],
        set: &[("PIP_EXTRA_INDEX_URL", ""), ("PIP_FIND_LINKS", "")],
        remedies: &[
            Remedy {
                line: "pip --cert \"$PIP_CERT\" --proxy \"$HTTPS_PROXY\" ...",
                set: &[],
                args: &["--cert", "{bundle}", "--proxy", "{proxy}"],
            },
            Remedy {
                line: "pip --use-deprecated=legacy-certs ...",
                set: &[],
                args: &["--use-deprecated=legacy-certs"],
            },
        ],
        ..Probe::BLANK
    },
    Probe {
        name: "uv",
        programs: &["uv"],
        files: &[("requirements.in", "outgate-probe\n")],
        args: &[
            "pip",
            "compile",
            "--quiet",
            "--no-cache",
            "--index-url={url}/simple/",
            "{folder}/requirements.in",
        ],
        set: &[
            ("UV_EXTRA_INDEX_URL", ""),
            ("UV_INDEX", ""),
            ("UV_HTTP_RETRIES", "0"),
        ],
        remedies: &[Remedy {
            line: "export UV_NATIVE_TLS=1",
            set: &[("UV_NATIVE_TLS", "1")],
            args: &[],
        }],
        ..Probe::BLANK
    },
    Probe {
        name: "conda",
        programs: &["conda", "mamba", "micromamba"],
        args: &[
            "search",
            "--override-channels",
            "--channel={url}/conda",
            "outgate-probe",
        ],
        set: &[
            ("CONDA_PKGS_DIRS", "{folder}/packages"),
            ("CONDA_REMOTE_MAX_RETRIES", "0"),
        ],
        remedies: &[Remedy {
            line: "export CONDA_SSL_VERIFY=\"$SSL_CERT_FILE\" CONDA_DEFAULT_THREADS=1   (and no proxy_servers in .condarc)",
            set: &[
                ("CONDA_SSL_VERIFY", "{bundle}"),
                ("CONDA_DEFAULT_THREADS", "1"),
            ],
            args: &[],
        }],
        ..Probe::BLANK
    },
    Probe {
        name: "python urllib",
        args: &["urllib_probe.py", "{url}/"],
        files: &[("urllib_probe.py", include_str!("scripts/urllib_probe.py"))],
        ..PYTHON
    },
    Probe {
        name: "python requests",
        args: &["requests_probe.py", "{url}/"],
        files: &[(
            "requests_probe.py",
            include_str!("scripts/requests_probe.py"),
        )],
        ..PYTHON
    },
    Probe {
        name: "python httpx",
        args: &["httpx_probe.py", "{url}/"],
        files: &[("httpx_probe.py", include_str!("scripts/httpx_probe.py"))],
        ..PYTHON
    },
    Probe {
        name: "python aiohttp",
        args: &["aiohttp_probe.py", "{url}/"],
        files: &[("aiohttp_probe.py", include_str!("scripts/aiohttp_probe.py"))],
        remedies: &[Remedy {
            line: "in the code: aiohttp.ClientSession(trust_env=True)",
            set: &[("OUTGATE_PROBE_TRUST_ENV", "True")],
            args: &[],
        }],
        ..PYTHON
    },
    Probe {
        name: "python boto3",
        args: &["boto3_probe.py", "{url}"],
        files: &[("boto3_probe.py", include_str!("scripts/boto3_probe.py"))],
        set: NO_ACCOUNT,
        ..PYTHON
    },
    Probe {
        name: "python boto3 (crt)",
        args: &["boto3_crt_probe.py", "{label}", "{folder}/object"],
        // Its client takes no other endpoint; the region exists nowhere.
        domain: "s3.us-doctor-1.amazonaws.com",
        files: &[(
            "boto3_crt_probe.py",
            include_str!("scripts/boto3_crt_probe.py"),
        )],
        set: NO_ACCOUNT,
        agent: Some(("CRTS3NativeClient", "the awscrt package")),
        remedies: &[Remedy {
            line: "in the code: TransferConfig(preferred_transfer_client=\"classic\")",
            set: &[("OUTGATE_PROBE_CLIENT", "classic")],
            args: &[],
        }],
        ..PYTHON
    },
    Probe {
        name: "aws",
        programs: &["aws"],
        args: &[
            "sts",
            "get-caller-identity",
            "--region=us-east-1",
            "--endpoint-url={url}",
        ],
        set: NO_ACCOUNT,
        remedies: CA_BUNDLE,
        ..Probe::BLANK
    },
    Probe {
        name: "aws (crt)",
        programs: &["aws"],
        files: &[(
            "config",
            "[default]\ns3 =\n  preferred_transfer_client = crt\n",
        )],
        args: &[
            "s3",
            "cp",
            "--only-show-errors",
            "--region=us-east-1",
            "--endpoint-url={url}",
            "s3://outgate-probe/object",
            "{folder}/object",
        ],
        set: CRT_ACCOUNT,
        agent: Some(("CRTS3NativeClient", "version 2")),
        lacking: &[("Missing Dependency", "the awscrt package")],
        remedies: &[
            CA_BUNDLE_REMEDY,
            Remedy {
                line: "aws configure set default.s3.preferred_transfer_client classic",
                set: &[("AWS_CONFIG_FILE", "/dev/null")],
                args: &[],
            },
        ],
        ..Probe::BLANK
    },
    Probe {
        name: "node fetch",
        args: &["fetch.js", "{url}/"],
        files: &[("fetch.js", include_str!("scripts/fetch.js"))],
        ..NODE
    },
    Probe {
        name: "node https",
        args: &["https.js", "{url}/"],
        files: &[("https.js", include_str!("scripts/https.js"))],
        ..NODE
    },
    Probe {
        name: "node aws-sdk",
        version: Version::Said,
        args: &["aws_sdk.js", "{url}", "{here}"],
        files: &[("aws_sdk.js", include_str!("scripts/aws_sdk.js"))],
        set: NO_ACCOUNT,
        ..NODE
    },
    Probe {
        name: "npm",
        programs: &["npm"],
        args: &[
            "view",
            "outgate-probe",
            "version",
            "--registry={url}/npm/",
            "--cache={folder}/cache",
            "--fetch-retries=0",
            "--no-update-notifier",
        ],
        remedies: &[Remedy {
            line: "export npm_config_https_proxy=\"$HTTPS_PROXY\" npm_config_cafile=\"$SSL_CERT_FILE\"",
            set: &[
                ("npm_config_https_proxy", "{proxy}"),
                ("npm_config_cafile", "{bundle}"),
            ],
            args: &[],
        }],
        ..Probe::BLANK
    },
    Probe {
        name: "java",
        programs: &["java"],
        version: Version::Asked(&["-version"]),
        files: &[("Probe.java", include_str!("scripts/Probe.java"))],
        args: &["Probe.java", "{url}/"],
        lacking: &[
            ("jdk.compiler", "a JDK (11 or later)"),
            (
                "Could not find or load main class Probe.java",
                "a JDK (11 or later)",
            ),
        ],
        remedies: &[Remedy {
            line: "export _JAVA_OPTIONS=\"$JAVA_TOOL_OPTIONS\"",
            set: &[("_JAVA_OPTIONS", "{java}")],
            args: &[],
        }],
        ..Probe::BLANK
    },
    Probe {
        name: "go",
        programs: &["go"],
        version: Version::Asked(&["version"]),
        args: &["list", "-m", "-versions", "example.com/outgate-probe"],
        set: &[
            ("GOPROXY", "{url}/go"),
            ("GOSUMDB", "off"),
            ("GOPRIVATE", ""),
            ("GONOPROXY", "none"),
            ("GOFLAGS", "-mod=mod -modcacherw"),
            ("GOPATH", "{folder}/path"),
            ("GOMODCACHE", "{folder}/modules"),
            ("GOCACHE", "{folder}/cache"),
            ("GOTOOLCHAIN", "local"),
            ("GOWORK", "off"),
        ],
        ..Probe::BLANK
    },
    Probe {
        name: "cargo",
        programs: &["cargo"],
        files: &[
            (
                "Cargo.toml",
                "[package]\nname = \"probe\"\nversion = \"1.0.0\"\n[workspace]\n[dependencies]\noutgate-probe = \"1\"\n",
            ),
            ("src/lib.rs", ""),
            (
                ".cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"probe\"\n[source.probe]\nregistry = \"sparse+{url}/crates/\"\n",
            ),
        ],
        copies: &[Copied {
            variable: "CARGO_HOME",
            under_home: ".cargo",
            file: "config.toml",
            to: "home/config.toml",
        }],
        args: &["generate-lockfile", "--quiet"],
        set: &[("CARGO_HOME", "{folder}/home"), ("CARGO_NET_RETRY", "0")],
        remedies: &[Remedy {
            line: "export CARGO_HTTP_PROXY=\"$HTTPS_PROXY\" CARGO_HTTP_CAINFO=\"$SSL_CERT_FILE\"",
            set: &[
                ("CARGO_HTTP_PROXY", "{proxy}"),
                ("CARGO_HTTP_CAINFO", "{bundle}"),
            ],
            args: &[],
        }],
        ..Probe::BLANK
    },
];

const PYTHON: Probe = Probe {
    programs: &["python3", "python"],
    version: Version::Said,
    // What the user has beside the code must not stand in for a package.
    set: &[("PYTHONDONTWRITEBYTECODE", "1")],
    ..Probe::BLANK
};

const NODE: Probe = Probe {
    programs: &["node", "nodejs"],
    ..Probe::BLANK
};

/// A call is signed with keys of nobody: the user's own stay where they are.
const NO_ACCOUNT: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("AWS_SESSION_TOKEN", ""),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_MAX_ATTEMPTS", "1"),
    ("AWS_PAGER", ""),
];

const CRT_ACCOUNT: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("AWS_SESSION_TOKEN", ""),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_MAX_ATTEMPTS", "1"),
    ("AWS_PAGER", ""),
    ("AWS_CONFIG_FILE", "{folder}/config"),
];

const CA_BUNDLE_REMEDY: Remedy = Remedy {
    line: "aws --ca-bundle \"$AWS_CA_BUNDLE\" ...",
    set: &[],
    args: &["--ca-bundle", "{bundle}"],
};

const CA_BUNDLE: &[Remedy] = &[CA_BUNDLE_REMEDY];
