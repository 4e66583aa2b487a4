//! The ServerHello and HelloRetryRequest (RFC 8446, section 4.1.3; RFC 5246, section 7.4.1.3).
//!
//! Reads the form only; whether the answer fits the question is judged in [`super::judge`].

use super::code::{Group, Suite, Version};
use super::codec::{Malformed, Reader};
use super::extension as ext;

/// SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) legacy_version: Version,
    pub(super) random: [u8; 32],
    pub(super) session_id: Vec<u8>,
    pub(super) suite: Suite,
    pub(super) compression: u8,
    /// The extensions, each with its body.
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
    /// `supported_versions`, if sent.
    pub(super) selected_version: Option<Version>,
}

/// The server's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServerShare<'a> {
    pub(super) group: Group,
    pub(super) bytes: &'a [u8],
}

impl ServerHello {
    pub(super) fn parse(body: &[u8]) -> Result<ServerHello, Malformed> {
        let mut reader = Reader::new(body, "ServerHello");
        let legacy_version = Version(reader.u16()?);
        let random = reader.array()?;
        let session_id = reader.vec8()?;
        if session_id.len() > 32 {
            return Err(Malformed("legacy_session_id_echo"));
        }
        let suite = Suite(reader.u16()?);
        let compression = reader.u8()?;
        let block = if reader.is_empty() {
            &[]
        } else {
            reader.vec16()?
        };
        reader.end()?;
        let all = ext::read(block, "ServerHello extensions")?;
        if ext::doubled(&all).is_some() {
            return Err(Malformed("an extension that stands twice"));
        }
        let extensions: Vec<_> = all
            .iter()
            .map(|(number, body)| (*number, body.to_vec()))
            .collect();
        let mut hello = ServerHello {
            legacy_version,
            random,
            session_id: session_id.to_vec(),
            suite,
            compression,
            extensions,
            selected_version: None,
        };
        if let Some(body) = hello.extension(ext::SUPPORTED_VERSIONS) {
            let mut reader = Reader::new(body, "supported_versions");
            let version = Version(reader.u16()?);
            reader.end()?;
            hello.selected_version = Some(version);
        }
        Ok(hello)
    }

    /// Whether this is a HelloRetryRequest.
    pub(super) fn is_retry(&self) -> bool {
        self.random == RETRY_RANDOM
    }

    /// The version that is agreed.
    pub(super) fn version(&self) -> Version {
        self.selected_version.unwrap_or(self.legacy_version)
    }

    pub(super) fn extension(&self, number: u16) -> Option<&[u8]> {
        self.extensions
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, body)| body.as_slice())
    }

    /// `key_share` of a ServerHello.
    pub(super) fn share(&self) -> Result<Option<ServerShare<'_>>, Malformed> {
        let Some(body) = self.extension(ext::KEY_SHARE) else {
            return Ok(None);
        };
        let mut reader = Reader::new(body, "key_share");
        let group = Group(reader.u16()?);
        let bytes = reader.vec16()?;
        reader.end()?;
        Ok(Some(ServerShare { group, bytes }))
    }

    /// `key_share` of a HelloRetryRequest: a group alone.
    pub(super) fn retry_group(&self) -> Result<Option<Group>, Malformed> {
        let Some(body) = self.extension(ext::KEY_SHARE) else {
            return Ok(None);
        };
        let mut reader = Reader::new(body, "key_share");
        let group = Group(reader.u16()?);
        reader.end()?;
        Ok(Some(group))
    }

    /// `cookie` of a HelloRetryRequest.
    pub(super) fn cookie(&self) -> Result<Option<&[u8]>, Malformed> {
        let Some(body) = self.extension(ext::COOKIE) else {
            return Ok(None);
        };
        let mut reader = Reader::new(body, "cookie");
        let cookie = reader.vec16()?;
        reader.end()?;
        if cookie.is_empty() {
            return Err(Malformed("cookie"));
        }
        Ok(Some(cookie))
    }

    /// `pre_shared_key`: the place of the key that was taken.
    pub(super) fn psk(&self) -> Result<Option<usize>, Malformed> {
        let Some(body) = self.extension(ext::PRE_SHARED_KEY) else {
            return Ok(None);
        };
        let mut reader = Reader::new(body, "pre_shared_key");
        let place = reader.u16()?;
        reader.end()?;
        Ok(Some(usize::from(place)))
    }

    /// `application_layer_protocol_negotiation`: the protocol, which is one.
    pub(super) fn alpn(&self) -> Result<Option<&[u8]>, Malformed> {
        let Some(body) = self.extension(ext::ALPN) else {
            return Ok(None);
        };
        let what = "application_layer_protocol_negotiation";
        let mut outer = Reader::new(body, what);
        let mut list = Reader::new(outer.vec16()?, what);
        outer.end()?;
        let name = list.vec8()?;
        list.end()?;
        if name.is_empty() {
            return Err(Malformed(what));
        }
        Ok(Some(name))
    }

    /// The downgrade sentinel (RFC 8446, section 4.1.3): the server knows a newer version.
    pub(super) fn has_downgrade_sentinel(&self) -> bool {
        self.random.ends_with(b"DOWNGRD\x01") || self.random.ends_with(b"DOWNGRD\x00")
    }
}
