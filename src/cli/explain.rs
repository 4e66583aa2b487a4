//! wip
use super::args::ExplainArgs;
pub fn run(_: &ExplainArgs) -> u8 { super::USAGE }
