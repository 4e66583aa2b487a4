//! wip
use super::args::CheckArgs;
pub fn run(_: &CheckArgs) -> u8 { super::USAGE }
