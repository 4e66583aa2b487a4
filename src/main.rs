//! The `outgate` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    outgate::cli::run(std::env::args_os())
}
