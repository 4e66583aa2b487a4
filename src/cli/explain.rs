//! wip
use super::args::ExplainArgs;
pub(super) fn run(_: &ExplainArgs) -> u8 {
    super::USAGE
}
