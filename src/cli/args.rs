//! Flags and arguments. Every flag is its setting's name where it has one.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A local egress proxy: traffic to AWS is held to TLS, and every request is on record.
#[derive(Debug, Parser)]
#[command(
    name = "outgate",
    version,
    about,
    help_expected = true,
    arg_required_else_help = true,
    propagate_version = true
)]
#[command(after_help = "Start it: outgate serve. Then, in another shell: eval \"$(outgate env)\"")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// How log lines on stderr look; RUST_LOG chooses which
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the proxy
    Serve(ServeArgs),
    /// Run a command behind a proxy of its own, and tell what left
    Exec(ExecArgs),
    /// Connect as the proxy would; print TLS facts and the verdict
    Check(CheckArgs),
    /// Say offline what would be decided, and why
    Explain(ExplainArgs),
    /// Print the variables that point programs at the proxy
    Env(EnvArgs),
    /// Say which tools here work behind the proxy, and the line that mends the others
    Doctor(DoctorArgs),
    /// Make, show and hand out the authority for interception
    Ca(CaArgs),
    /// Look at the settings
    Config(ConfigArgs),
    /// Print a shell's completions
    Completions(CompletionsArgs),
}

/// Where settings come from, and the flags that set them.
#[derive(Debug, Clone, Args, Default, PartialEq, Eq)]
pub(super) struct SettingsArgs {
    /// The settings file; else OUTGATE_CONFIG, then outgate.toml in the user's and the system's configuration directory
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen: ADDR:PORT or unix:/path (port 0 takes a free one); may be repeated
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Where metrics and health are served; "" turns it off
    #[arg(long, value_name = "ADDR")]
    pub(super) admin: Option<String>,
    /// Whose TLS is ended here: none, aws or all
    #[arg(long, value_name = "HOSTS")]
    pub(super) intercept: Option<String>,
    /// Where the authority for interception lies
    #[arg(long, value_name = "DIR")]
    pub(super) ca_dir: Option<String>,
    /// Whether verdicts are carried out: enforce or report
    #[arg(long, value_name = "MODE")]
    pub mode: Option<String>,
    /// Where the record goes; - is standard output
    #[arg(long, value_name = "PATH")]
    pub audit: Option<String>,
    /// Connect to another place, in curl's form HOST:PORT:HOST:PORT; exempt from the address guard; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDR:PORT")]
    pub connect_to: Vec<String>,
    /// Private addresses that may be reached; may be repeated
    #[arg(long, value_name = "CIDR")]
    pub allow_private: Vec<String>,
    /// Further trusted roots, in PEM; may be repeated
    #[arg(long, value_name = "FILE")]
    pub extra_root: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: the command's own; 128+N when a signal ended it; 126 not executable, 127 not found, \
    125 when outgate itself cannot start. exec observes: it does not confine a command that unsets the variables."
)]
pub(super) struct ExecArgs {
    /// Which requests turn exit code 0 into a failure: those that would be blocked, or all that are reported
    #[arg(long, value_enum, default_value_t = FailOn::Never, value_name = "WHAT")]
    pub fail_on: FailOn,
    /// The exit code of that failure
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub fail_code: u8,
    /// Write what was found to a file: .json, .xml (JUnit) or .sarif
    #[arg(long, value_name = "FILE", value_parser = ReportFile::parse)]
    pub report: Option<ReportFile>,
    /// Say nothing but what went wrong with outgate itself
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The command and its arguments, after --
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum FailOn {
    /// None
    Never,
    /// Whatever a rule reports, and what it would block
    Report,
    /// What would be blocked
    Block,
}

/// Where a report goes, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportFile {
    pub path: PathBuf,
    pub form: ReportForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportForm {
    Json,
    JUnit,
    Sarif,
}

impl ReportFile {
    fn parse(text: &str) -> Result<ReportFile, String> {
        let path = PathBuf::from(text);
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => ReportForm::Json,
            Some("xml") => ReportForm::JUnit,
            Some("sarif") => ReportForm::Sarif,
            _ => return Err("its name must end in .json, .xml (JUnit) or .sarif".to_owned()),
        };
        Ok(ReportFile { path, form })
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// What to connect to: a URL, a host, or HOST:PORT
    #[arg(required = true, value_name = "URL|HOST[:PORT]")]
    pub targets: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// URLs, or hosts, to judge
    #[arg(
        value_name = "URL",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    pub urls: Vec<String>,
    /// Read one request a line from standard input, write one JSON object a line
    #[arg(long)]
    pub batch: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: 0 if every tool that is here works; 1 if one needs a line or none helps. \
    Nothing leaves the machine: the tools talk to a server on loopback."
)]
pub(super) struct DoctorArgs {
    /// Try this tool alone; may be repeated
    #[arg(long, value_name = "TOOL")]
    pub only: Vec<String>,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    /// For which shell or program
    #[arg(long, value_enum, default_value_t = EnvFormat::Sh)]
    pub format: EnvFormat,
    /// As a JSON object
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EnvFormat {
    Sh,
    Fish,
    Powershell,
    Docker,
    DockerBuild,
    K8s,
    Systemd,
    KernelJson,
    Vscode,
}

#[derive(Debug, Args)]
pub(super) struct CaArgs {
    #[command(subcommand)]
    pub command: CaCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CaCommand {
    /// Make an authority, bound to the hosts that the settings intercept; nothing is overwritten
    Init {
        /// How many days it is good for
        #[arg(long, value_name = "N", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=7300))]
        days: u32,
        /// As a JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Print what it is, what it may sign for, and whether it can be used
    Show {
        /// As a JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Write the certificate that clients trust
    Export {
        /// In which form; p12 is a trust store for Java and Windows
        #[arg(long, value_enum, default_value_t = CaFormat::Pem)]
        format: CaFormat,
        /// Where to; else standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The file whose first line is the password of a p12 store; else it is changeit
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Write the system's roots and this one as one PEM file
    Bundle {
        /// Where to; else standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CaFormat {
    Pem,
    Der,
    P12,
}

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Read the settings and report every mistake
    Check {
        /// As a JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Print the effective settings, and where each came from
    Show {
        /// As a JSON object
        #[arg(long)]
        json: bool,
        /// Print what a TLS profile allows instead
        #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
        profile: Option<String>,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Print the JSON Schema of the settings file
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
