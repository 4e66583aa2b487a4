//! Settings to the parts of a proxy, for every command that runs one.

use std::sync::Arc;

use crate::config::{self, Listener as ListenSetting, Settings};
use crate::edge::ca::{Issuer, LeafBounds, Leaves};
use crate::edge::journal::{Journal, Sink, Sync, Writer};
use crate::edge::listen::Listener;
use crate::edge::tls::Verifier;
use crate::logic::wire::http1::HeadLimits;
use crate::logic::wire::tls::Bounds;
use crate::proxy::{Attribution, Interception, Limits, OnObstacle, Parts, Timeouts};

use super::load::parent_login;

/// Listens where the settings say.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn listeners(settings: &Settings) -> Result<Vec<Listener>, String> {
    let listen = |place: &ListenSetting| match place {
        ListenSetting::Tcp(address) => Listener::tcp(*address).map_err(|error| error.to_string()),
        ListenSetting::Unix(path) => Listener::unix(path).map_err(|error| error.to_string()),
        ListenSetting::Tls(address) => Err(format!(
            "tls://{address} cannot be listened on by this version"
        )),
    };
    settings.listen.proxy.iter().map(listen).collect()
}

/// Starts the record's writer.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn journal(settings: &Settings, sink: Sink) -> Result<(Journal, Writer), String> {
    let sync = match settings.audit.sync {
        config::AuditSync::Write => Sync::Write,
        config::AuditSync::Fsync => Sync::Fsync,
        config::AuditSync::None => Sync::None,
    };
    Journal::start(sink, sync, settings.audit.stall)
        .map_err(|error| format!("cannot start the record's writer: {error}"))
}

/// What ends TLS, where the settings name hosts for it.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn interception(
    settings: &Settings,
    issuer: impl FnOnce() -> Result<Issuer, String>,
) -> Result<Option<Interception>, String> {
    if !settings.policy.intercepts_names() {
        return Ok(None);
    }
    let issuer = issuer()?;
    let leaves = Leaves::new(issuer, LeafBounds::default()).map_err(|error| error.to_string())?;
    let on_obstacle = match settings.intercept.on_client_rejects {
        config::OnClientRejects::Block => OnObstacle::Block,
        config::OnClientRejects::Tunnel => OnObstacle::TunnelListed,
    };
    Ok(Some(Interception {
        leaves,
        on_obstacle,
    }))
}

/// The parts of a proxy with these settings.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn parts(
    settings: &Settings,
    listeners: Vec<Listener>,
    journal: Journal,
    verifier: Verifier,
    interception: Option<Interception>,
) -> Result<Parts, String> {
    let own: Vec<_> = listeners.iter().flat_map(Listener::addresses).collect();
    if let Some(parent) = &settings.policy.parent
        && let Some(looped) = parent.is_among(&own)
    {
        return Err(looped.to_string());
    }
    Ok(Parts {
        listeners,
        policy: settings.policy.clone(),
        parent_login: parent_login(settings)?,
        journal,
        verifier: Arc::new(verifier),
        timeouts: Timeouts {
            head: settings.timeouts.head,
            handshake: settings.timeouts.handshake,
            connect: settings.timeouts.connect,
            idle: settings.timeouts.idle,
            drain: settings.timeouts.drain,
        },
        limits: Limits {
            connections: settings.limits.connections,
            connections_per_client: settings.limits.connections_per_client,
            head: HeadLimits {
                bytes: settings.limits.head_bytes,
                headers: settings.limits.headers,
            },
            handshake: Bounds {
                client_hello: settings.limits.hello_bytes,
                flight: settings.limits.flight_bytes,
                early: settings.limits.early_bytes,
            },
        },
        clients: settings.clients.allow.clone(),
        attribution: if settings.audit.process {
            Attribution::All
        } else {
            Attribution::Unix
        },
        interception,
    })
}
