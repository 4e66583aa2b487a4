//! `outgate completions SHELL`.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};

pub(super) fn run(args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "outgate", &mut script);
    super::output::print(&String::from_utf8_lossy(&script), super::FINE)
}
