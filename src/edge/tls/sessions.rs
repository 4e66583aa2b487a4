//! Sessions with upstreams that may go on, each no longer than the certificates that began it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use crate::edge::clock;

/// How many servers are remembered.
const SERVERS: usize = 512;
/// How many tickets of one server: each is used once.
const TICKETS: usize = 4;

/// What is remembered of servers under one configuration.
///
/// What was verified of a chain holds until the first of its certificates expires: name, rules and
/// roots do not change within one store, only time passes. So the very same chain is not verified
/// again until then, and a resumed handshake, which shows no certificate, is offered until then.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<ServerName<'static>, Known>>);

#[derive(Default)]
struct Known {
    group: Option<NamedGroup>,
    verified: Option<Verified>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: VecDeque<Tls13ClientSessionValue>,
}

/// A chain that was found good; seconds since 1970.
struct Verified {
    chain: Vec<Vec<u8>>,
    since: u64,
    /// When the first certificate expires of this chain, and of those that began the sessions.
    until: u64,
}

impl Known {
    /// Drops what was verified, and the sessions with it, if that does not hold any more.
    fn expire(&mut self, now: u64) {
        let holds = |verified: &Verified| (verified.since..verified.until).contains(&now);
        if !self.verified.as_ref().is_some_and(holds) {
            self.verified = None;
            self.tls12 = None;
            self.tls13.clear();
        }
    }
}

impl Sessions {
    /// `chain` of `name` was verified; the first of its certificates expires at `until`.
    pub(super) fn verified(&self, name: &ServerName<'_>, chain: &[&[u8]], until: u64) {
        self.edit(name.to_owned(), |known, now| {
            known.expire(now);
            let before = known.verified.as_ref().map(|verified| verified.until);
            known.verified = Some(Verified {
                chain: chain.iter().map(|der| der.to_vec()).collect(),
                since: now,
                // Of several chains under one name, the shortest lived counts for all sessions.
                until: before.map_or(until, |before| before.min(until)),
            });
        });
    }

    /// Whether exactly this chain was verified for `name`, and that still holds.
    pub(super) fn has_verified(&self, name: &ServerName<'_>, chain: &[&[u8]]) -> bool {
        let same = self.look(name, |known| {
            let verified = known.verified.as_ref()?;
            Some(verified.chain == chain)
        });
        same == Some(true)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServerName<'static>, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn edit(&self, name: ServerName<'static>, edit: impl FnOnce(&mut Known, u64)) {
        let mut servers = self.lock();
        if servers.len() >= SERVERS && !servers.contains_key(&name) {
            // Whichever: a forgotten session costs a full handshake, no more.
            let some = servers.keys().next().cloned();
            some.and_then(|some| servers.remove(&some));
        }
        edit(servers.entry(name).or_default(), clock::unix_seconds());
    }

    fn look<T>(
        &self,
        name: &ServerName<'_>,
        look: impl FnOnce(&mut Known) -> Option<T>,
    ) -> Option<T> {
        let mut servers = self.lock();
        let known = servers.get_mut(&name.to_owned())?;
        known.expire(clock::unix_seconds());
        look(known)
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.edit(name, |known, _| known.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.look(name, |known| known.group)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.edit(name, |known, _| {
            if known.verified.is_some() {
                known.tls12 = Some(value);
            }
        });
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.look(name, |known| known.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.look(name, |known| known.tls12.take());
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.edit(name, |known, _| {
            if known.verified.is_none() {
                return;
            }
            if known.tls13.len() >= TICKETS {
                known.tls13.pop_front();
            }
            known.tls13.push_back(value);
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.look(name, |known| known.tls13.pop_back())
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::client::Resumption;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
    use rustls::{
        ClientConfig, ClientConnection, Connection, DigitallySignedStruct, HandshakeKind,
        ServerConfig, ServerConnection, SignatureScheme,
    };

    use super::*;

    /// Trusts whomever, until a time.
    #[derive(Debug)]
    struct Until(Arc<Sessions>, u64);

    impl ServerCertVerifier for Until {
        fn verify_server_cert(
            &self,
            leaf: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            self.0.verified(name, &[leaf], self.1);
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ECDSA_NISTP256_SHA256]
        }
    }

    fn name() -> ServerName<'static> {
        ServerName::try_from("kept.test").unwrap()
    }

    fn meet(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> HandshakeKind {
        let mut client = ClientConnection::new(Arc::clone(client), name()).unwrap();
        let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
        while client.wants_write() || server.wants_write() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets().unwrap();
        }
        Connection::from(client).handshake_kind().unwrap()
    }

    #[test]
    fn a_session_ends_with_its_certificates() {
        let identity = rcgen::generate_simple_self_signed(vec!["kept.test".to_owned()]).unwrap();
        let chain = vec![identity.cert.der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
            let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain.clone(), key)
                .unwrap();
            let server = Arc::new(server);
            let now = clock::unix_seconds();
            for (until, second) in [
                (now + 3600, HandshakeKind::Resumed),
                (now - 1, HandshakeKind::Full),
            ] {
                let sessions = Arc::new(Sessions::default());
                let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
                    .with_protocol_versions(&[version])
                    .unwrap()
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Until(sessions.clone(), until)))
                    .with_no_client_auth();
                client.resumption = Resumption::store(sessions.clone());
                let client = Arc::new(client);
                assert_eq!(meet(&client, &server), HandshakeKind::Full);
                assert_eq!(meet(&client, &server), second);
                assert_eq!(sessions.has_verified(&name(), &[&chain[0]]), until > now);
                assert!(!sessions.has_verified(&name(), &[&chain[0], &chain[0]]));
                // A chain that ends sooner ends the sessions of the others with it.
                sessions.verified(&name(), &[b"another"], now - 1);
                assert_eq!(meet(&client, &server), HandshakeKind::Full);
            }
        }
    }

    #[test]
    fn servers_are_bounded() {
        let sessions = Sessions::default();
        for number in 0..SERVERS + 100 {
            let name = ServerName::try_from(format!("n{number}.test")).unwrap();
            sessions.verified(&name, &[b"chain"], u64::MAX);
        }
        assert_eq!(sessions.lock().len(), SERVERS);
    }
}
