//! wip
use super::args::CheckArgs;
pub(super) fn run(_: &CheckArgs) -> u8 {
    super::USAGE
}
