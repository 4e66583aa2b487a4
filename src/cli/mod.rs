//! The commands. stdout is data, stderr is everything else.
#![expect(clippy::print_stderr, reason = "a command line talks to its user")]

mod args;
mod assemble;
mod ca;
mod certificate;
mod check;
mod completions;
mod config;
#[cfg(target_os = "linux")]
mod doctor;
mod env;
mod exec;
mod explain;
mod load;
mod logs;
mod output;
mod serve;
mod variables;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};

/// Everything went as asked.
const FINE: u8 = 0;
/// A check failed.
const FAILED: u8 = 1;
/// Wrong usage, configuration or unreadable input.
const USAGE: u8 = 2;

/// Runs the command that `args` (the program's name first) ask for.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if exec::is_helper(&args) {
        return ExitCode::from(exec::become_command(&args));
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { FINE };
            // A closed pipe behind --help is no error.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    logs::start(cli.log_format);
    let code = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Exec(args) => exec::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Env(args) => env::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Ca(args) => ca::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    ExitCode::from(code)
}

/// It gives the tools what `exec` gives a command.
#[cfg(not(target_os = "linux"))]
mod doctor {
    pub(super) fn run(_: &super::args::DoctorArgs) -> u8 {
        super::complain("doctor runs on Linux only");
        super::USAGE
    }
}

/// Says what went wrong, in one sentence where it can.
fn complain(message: impl std::fmt::Display) {
    eprintln!("outgate: {message}");
}
