//! Exchanges between scripted peers, over connections in memory.

mod bounds;
mod endings;
mod interim;
mod messages;
mod rig;
