//! The orderly close of a client's connection.

use std::time::Duration;

use bytes::Buf;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::conn::Conn;

/// How long a client may go on sending what nobody reads.
const TOTAL: Duration = Duration::from_secs(30);
/// How long it may be silent meanwhile.
const QUIET: Duration = Duration::from_secs(2);

/// Closes our sending side, then reads on until the client has closed too: closing with bytes
/// unread resets the connection, and the client may lose the answer (RFC 9112, section 9.6).
/// Bounded in time; the stream can then be dropped.
pub async fn linger<S>(conn: &mut Conn<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let drain = async {
        if conn.stream.shutdown().await.is_err() {
            return;
        }
        while let Ok(Ok(1..)) = timeout(QUIET, conn.read_more()).await {
            conn.buffer.advance(conn.buffer.len());
        }
    };
    // Either way the connection is finished with.
    let _ = timeout(TOTAL, drain).await;
}
