//! Where interception cannot work, and what follows.

use std::time::Duration;

use serde_json::json;

use crate::edge::clock;
use crate::logic::record::{Event, EventKind};
use crate::logic::wire::tls::alert_name;
use crate::model::Authority;

use super::Course;

/// Why the inside of a connection cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Obstacle {
    /// The client does not accept our certificate; it said so with this alert.
    ClientRejects(u8),
    /// The server asks for a client certificate, which only the client has.
    ClientCertificate,
    /// What is spoken inside is no HTTP.
    NotHttp,
}

impl Obstacle {
    /// The stable word.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Obstacle::ClientRejects(_) => "client-rejects",
            Obstacle::ClientCertificate => "client-certificate",
            Obstacle::NotHttp => "not-http",
        }
    }
}

impl Course<'_> {
    /// Puts an obstacle on record; gives for how long the host goes in tunnels, if it does.
    pub(super) async fn note(&self, authority: &Authority, obstacle: Obstacle) -> Option<Duration> {
        let host = &authority.host;
        let through = self.interceptor.let_through(&self.active.policy, host);
        let alert = match obstacle {
            Obstacle::ClientRejects(alert) => Some(alert_name(alert)),
            Obstacle::ClientCertificate | Obstacle::NotHttp => None,
        };
        let event = Event {
            time: clock::timestamp(),
            kind: EventKind::ClientError,
            detail: json!({
                "conn": &*self.visitor.conn,
                "client": self.visitor.client.addr.as_deref(),
                "host": host.to_string(),
                "port": authority.port,
                "obstacle": obstacle.kind(),
                "alert": alert,
                "tunnel_seconds": through.map(|through| through.as_secs()),
                "error": hint(obstacle, authority),
            }),
        };
        // The writer cannot be gone while a connection is open.
        let _ = self.shared.journal.note(&event).await;
        through
    }
}

/// What stands in the way, and what mends it.
pub(super) fn hint(obstacle: Obstacle, authority: &Authority) -> String {
    let host = &authority.host;
    let except = format!("or list {host} in intercept.except: its traffic then goes in a tunnel");
    match obstacle {
        Obstacle::ClientRejects(alert) => format!(
            "the client refuses the certificate it was shown for {host} (alert {}): it does not trust outgate's authority, \
             or pins another certificate. Give it the bundle (outgate env prints the variables, outgate doctor the line \
             for each tool), {except}",
            alert_name(alert)
        ),
        Obstacle::ClientCertificate => format!(
            "{host} asks for a client certificate, which only the client has, so its TLS cannot be ended here. \
             List {host} in intercept.except: its traffic then goes in a tunnel"
        ),
        Obstacle::NotHttp => format!(
            "what is spoken with {host} inside TLS is not HTTP, and only HTTP can be read there. \
             List {host} in intercept.except: its traffic then goes in a tunnel"
        ),
    }
}
