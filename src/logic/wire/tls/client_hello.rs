//! The ClientHello (RFC 8446, section 4.1.2; RFC 5246, section 7.4.1.2), read strictly and whole.
//!
//! What is wrong with the server name is kept apart ([`Sni`]), because it is another rule's matter.

use super::code::{Group, Scheme, Suite, Version, is_grease};
use super::codec::{Malformed, Reader};
use super::extension as ext;
use super::sni::{self, Sni};

/// What a ClientHello offers. GREASE values stand where the client put them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    pub legacy_version: Version,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub suites: Vec<Suite>,
    pub compressions: Vec<u8>,
    /// The numbers of the extensions, in order.
    pub extensions: Vec<u16>,
    /// The same, sorted.
    offered: Vec<u16>,
    pub sni: Sni,
    /// `supported_versions`, if sent.
    pub versions: Option<Vec<Version>>,
    /// `supported_groups`, if sent.
    pub groups: Option<Vec<Group>>,
    /// The groups of `key_share`, if sent; it may be empty.
    pub shares: Option<Vec<Group>>,
    /// `signature_algorithms`, if sent.
    pub schemes: Option<Vec<Scheme>>,
    pub alpn: Vec<Vec<u8>>,
    /// The number of pre-shared keys offered.
    pub psks: usize,
    pub early_data: bool,
    pub cookie: Option<Vec<u8>>,
    /// A session ticket that is not empty (RFC 5077).
    pub ticket: bool,
    /// An encrypted hello, or what looks like one.
    pub ech: bool,
}

impl ClientHello {
    /// Reads the body of the message, without its handshake header.
    ///
    /// # Errors
    /// [`Malformed`] names the part that the RFC would have otherwise.
    pub fn parse(body: &[u8]) -> Result<ClientHello, Malformed> {
        let mut reader = Reader::new(body, "ClientHello");
        let legacy_version = Version(reader.u16()?);
        if legacy_version.0 >> 8 != 3 {
            return Err(Malformed("legacy_version"));
        }
        let random = reader.array()?;
        let session_id = reader.vec8()?;
        if session_id.len() > 32 {
            return Err(Malformed("legacy_session_id"));
        }
        let suites = reader.codes16().map_err(|_| Malformed("cipher_suites"))?;
        let compressions = reader.vec8()?;
        if !compressions.contains(&0) {
            return Err(Malformed("legacy_compression_methods"));
        }
        let mut hello = ClientHello {
            legacy_version,
            random,
            session_id: session_id.to_vec(),
            suites: suites.into_iter().map(Suite).collect(),
            compressions: compressions.to_vec(),
            extensions: Vec::new(),
            offered: Vec::new(),
            sni: Sni::Absent,
            versions: None,
            groups: None,
            shares: None,
            schemes: None,
            alpn: Vec::new(),
            psks: 0,
            early_data: false,
            cookie: None,
            ticket: false,
            ech: false,
        };
        if reader.is_empty() {
            return Ok(hello); // before TLS 1.3 a hello may have no extensions at all
        }
        let block = reader.vec16()?;
        reader.end()?;
        hello.read_extensions(&ext::read(block, "ClientHello extensions")?)?;
        Ok(hello)
    }

    fn read_extensions(&mut self, all: &[(u16, &[u8])]) -> Result<(), Malformed> {
        self.extensions = all.iter().map(|(number, _)| *number).collect();
        self.offered.clone_from(&self.extensions);
        self.offered.sort_unstable();
        // A doubled server name is judged as such; nothing else may stand twice.
        let names = all.iter().filter(|(number, _)| *number == ext::SERVER_NAME);
        if names.count() > 1 {
            self.sni = Sni::Bad(sni::SniFault::Doubled);
        }
        match ext::doubled(all) {
            None | Some(ext::SERVER_NAME) => {}
            Some(_) => return Err(Malformed("an extension that stands twice")),
        }
        for (place, (number, body)) in all.iter().enumerate() {
            // RFC 8446, section 4.2.11: binders cover everything before them.
            if *number == ext::PRE_SHARED_KEY && place + 1 != all.len() {
                return Err(Malformed("pre_shared_key that is not last"));
            }
            self.read_extension(*number, body)?;
        }
        self.check_shares()?;
        if self.psks > 0 && !self.has(ext::PSK_KEY_EXCHANGE_MODES) {
            return Err(Malformed("pre_shared_key without psk_key_exchange_modes"));
        }
        if self.early_data && self.psks == 0 {
            return Err(Malformed("early_data without pre_shared_key"));
        }
        Ok(())
    }

    fn read_extension(&mut self, number: u16, body: &[u8]) -> Result<(), Malformed> {
        match number {
            ext::SERVER_NAME if self.sni == Sni::Absent => self.sni = sni::read(body),
            ext::SUPPORTED_VERSIONS => {
                let mut reader = Reader::new(body, "supported_versions");
                self.versions = Some(reader.codes8()?.into_iter().map(Version).collect());
                reader.end()?;
            }
            ext::SUPPORTED_GROUPS => {
                let mut reader = Reader::new(body, "supported_groups");
                self.groups = Some(reader.codes16()?.into_iter().map(Group).collect());
                reader.end()?;
            }
            ext::SIGNATURE_ALGORITHMS => {
                let mut reader = Reader::new(body, "signature_algorithms");
                self.schemes = Some(reader.codes16()?.into_iter().map(Scheme).collect());
                reader.end()?;
            }
            ext::KEY_SHARE => self.shares = Some(read_shares(body)?),
            ext::ALPN => self.alpn = read_alpn(body)?,
            ext::PRE_SHARED_KEY => self.psks = read_psks(body)?,
            ext::PSK_KEY_EXCHANGE_MODES => {
                let mut reader = Reader::new(body, "psk_key_exchange_modes");
                if reader.vec8()?.is_empty() {
                    return Err(Malformed("psk_key_exchange_modes"));
                }
                reader.end()?;
            }
            ext::EARLY_DATA => {
                Reader::new(body, "early_data").end()?;
                self.early_data = true;
            }
            ext::COOKIE => {
                let mut reader = Reader::new(body, "cookie");
                self.cookie = Some(reader.vec16()?.to_vec());
                reader.end()?;
            }
            ext::SESSION_TICKET => self.ticket = !body.is_empty(),
            ext::ENCRYPTED_CLIENT_HELLO => {
                check_ech(body)?;
                self.ech = true;
            }
            // RFC 5746, section 3.6: empty in a first handshake.
            ext::RENEGOTIATION_INFO if body != [0] => {
                return Err(Malformed("renegotiation_info in a first handshake"));
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 8446, section 4.2.8: every share is of an offered group.
    fn check_shares(&self) -> Result<(), Malformed> {
        let Some(shares) = &self.shares else {
            return Ok(());
        };
        // Sorted, so that a hello full of groups costs no quadratic time.
        let mut groups = self.groups.clone().unwrap_or_default();
        groups.sort_unstable();
        if shares
            .iter()
            .any(|share| groups.binary_search(share).is_err())
        {
            return Err(Malformed("key_share of a group that is not offered"));
        }
        Ok(())
    }

    /// Whether an extension of that number was sent.
    pub fn has(&self, number: u16) -> bool {
        self.offered.binary_search(&number).is_ok()
    }

    pub fn offers_suite(&self, suite: Suite) -> bool {
        self.suites.contains(&suite)
    }

    /// Whether the version is offered; without `supported_versions`, all up to `legacy_version`.
    pub fn offers_version(&self, version: Version) -> bool {
        match &self.versions {
            Some(versions) => versions.contains(&version),
            None => version <= self.legacy_version && version <= Version::TLS12,
        }
    }

    /// The highest version offered, of those that exist; of others only where no real one is.
    pub fn highest_version(&self) -> Version {
        let Some(versions) = &self.versions else {
            return self.legacy_version.min(Version::TLS12);
        };
        let real = |version: &&Version| version.name().is_some();
        let noise = |version: &&Version| is_grease(version.0);
        let highest = versions.iter().filter(real).max();
        highest
            .or_else(|| versions.iter().filter(|version| !noise(version)).max())
            .copied()
            .unwrap_or(self.legacy_version)
    }

    /// Whether the group is offered; a client that sends no list takes any (RFC 8422, section 4).
    pub fn offers_group(&self, group: Group) -> bool {
        self.groups
            .as_ref()
            .is_none_or(|groups| groups.contains(&group))
    }
}

fn read_shares(body: &[u8]) -> Result<Vec<Group>, Malformed> {
    let what = "key_share";
    let mut outer = Reader::new(body, what);
    let mut list = Reader::new(outer.vec16()?, what);
    outer.end()?;
    let mut groups = Vec::new();
    while !list.is_empty() {
        let group = Group(list.u16()?);
        let share = list.vec16()?;
        // A share of a wrong length is the server's to refuse: it is an offer, and no more.
        if share.is_empty() {
            return Err(Malformed("key_share that is empty"));
        }
        // At most one share a group, so the list stays as short as a message can make it.
        groups.push(group);
    }
    let mut sorted = groups.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != groups.len() {
        return Err(Malformed("key_share with a group that stands twice"));
    }
    Ok(groups)
}

fn read_alpn(body: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let what = "application_layer_protocol_negotiation";
    let mut outer = Reader::new(body, what);
    let mut list = Reader::new(outer.vec16()?, what);
    outer.end()?;
    let mut names = Vec::new();
    loop {
        let name = list.vec8()?;
        if name.is_empty() {
            return Err(Malformed(what));
        }
        names.push(name.to_vec());
        if list.is_empty() {
            return Ok(names);
        }
    }
}

/// The number of identities (RFC 8446, section 4.2.11); each has its binder.
fn read_psks(body: &[u8]) -> Result<usize, Malformed> {
    let what = "pre_shared_key";
    let mut outer = Reader::new(body, what);
    let mut identities = Reader::new(outer.vec16()?, what);
    let mut binders = Reader::new(outer.vec16()?, what);
    outer.end()?;
    let mut count = 0;
    while !identities.is_empty() {
        if identities.vec16()?.is_empty() {
            return Err(Malformed(what));
        }
        identities.take(4)?; // obfuscated_ticket_age
        if binders.vec8()?.len() < 32 {
            return Err(Malformed(what));
        }
        count += 1;
    }
    binders.end()?;
    if count == 0 {
        return Err(Malformed(what));
    }
    Ok(count)
}

/// RFC 9849, section 5: on the wire only the outer form stands.
fn check_ech(body: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(body, "encrypted_client_hello");
    if reader.u8()? != 0 {
        return Err(Malformed("encrypted_client_hello"));
    }
    reader.take(5)?; // HPKE KDF and AEAD, config_id
    reader.vec16()?; // enc; empty in a second hello
    if reader.vec16()?.is_empty() {
        return Err(Malformed("encrypted_client_hello"));
    }
    reader.end()
}
