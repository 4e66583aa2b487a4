//! HTTP/2 with prior knowledge.

use std::sync::Arc;

use crate::edge::client::ClientStream;
use crate::edge::http1::Conn;

use super::drain::Drain;
use super::front::Visitor;
use super::state::Shared;

pub(super) async fn serve(
    shared: Arc<Shared>,
    visitor: Visitor,
    conn: Conn<ClientStream>,
    drain: Drain,
) {
    drop((shared, visitor, conn, drain));
}
