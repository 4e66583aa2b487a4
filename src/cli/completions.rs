//! `outgate completions SHELL`.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};

pub(super) fn run(args: &CompletionsArgs) -> u8 {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "outgate",
        &mut std::io::stdout(),
    );
    super::FINE
}
