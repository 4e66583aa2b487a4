//! Who signs a request, by its head alone: the scheme, the access key, the credential scope.
//!
//! A reader of structure. Signatures and tokens are looked at only for their form and never kept,
//! and what has not the form of a key id is not taken for one, since it may be a secret in the wrong
//! place. Nothing is verified: that is the service's part.

mod header;
mod key;
mod query;
mod scope;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::fields::Field;
use super::fields::Fields;
use super::fields::text;
pub use key::AccessKey;
pub use key::AccountId;
pub use key::KeyKind;
pub use scope::Region;
pub use scope::Scope;

/// Who a request says that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    pub scheme: Scheme,
    /// The signature stands in the query.
    pub presigned: bool,
    pub key: Option<AccessKey<'a>>,
    pub scope: Option<Scope<'a>>,
    /// As signed: in lower case, joined by `;`.
    pub signed_headers: Option<Cow<'a, str>>,
    /// How the signature covers the body, where the request says it.
    pub payload: Option<Payload>,
    /// For how many seconds a presigned URL holds.
    pub expires: Option<u32>,
    /// Whether a session token comes with it.
    pub has_token: bool,
    /// What the form of the signature leaves to be desired; a service refuses such a request.
    pub fault: Option<Fault>,
}

/// How a request is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Not at all.
    None,
    Basic,
    Bearer,
    /// Signature version 2: HMAC over less than V4 covers, and turned off nearly everywhere.
    SigV2,
    SigV4,
    /// With an asymmetric key, for a set of regions.
    SigV4a,
    /// V4 with a certificate's key (IAM Roles Anywhere); its credential has no access key id.
    SigV4X509,
    Other,
}

impl Scheme {
    /// As records and answers have it.
    pub const fn id(self) -> Option<&'static str> {
        Some(match self {
            Scheme::None => "none",
            Scheme::Basic => "basic",
            Scheme::Bearer => "bearer",
            Scheme::SigV2 => "sigv2",
            Scheme::SigV4 => "sigv4",
            Scheme::SigV4a => "sigv4a",
            Scheme::SigV4X509 => "sigv4-x509",
            Scheme::Other => return None,
        })
    }

    /// Whether it is one of AWS's signatures.
    pub const fn is_signature(self) -> bool {
        matches!(
            self,
            Scheme::SigV2 | Scheme::SigV4 | Scheme::SigV4a | Scheme::SigV4X509
        )
    }

    /// By the name that V4 gives its algorithms.
    fn of_algorithm(name: &str) -> Option<Scheme> {
        const NAMES: [(&str, Scheme); 4] = [
            ("AWS4-HMAC-SHA256", Scheme::SigV4),
            ("AWS4-ECDSA-P256-SHA256", Scheme::SigV4a),
            ("AWS4-X509-RSA-SHA256", Scheme::SigV4X509),
            ("AWS4-X509-ECDSA-SHA256", Scheme::SigV4X509),
        ];
        NAMES
            .into_iter()
            .find_map(|(known, scheme)| known.eq_ignore_ascii_case(name).then_some(scheme))
    }
}

/// How a signature covers the body (`x-amz-content-sha256`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// By its SHA-256.
    Hash,
    /// Not at all (`UNSIGNED-PAYLOAD`).
    Unsigned,
    /// Chunk by chunk, each with a signature of its own.
    Chunks,
    /// The same, and a trailer.
    ChunksAndTrailer,
    /// In chunks that are not signed, with a checksum in the trailer.
    UnsignedChunksAndTrailer,
    /// Event by event, in an event stream.
    Events,
    /// By something that this version does not know.
    Other,
}

impl Payload {
    fn read(text: &str) -> Payload {
        match text {
            "UNSIGNED-PAYLOAD" => Payload::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" => {
                Payload::Chunks
            }
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => Payload::ChunksAndTrailer,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Payload::UnsignedChunksAndTrailer,
            "STREAMING-AWS4-HMAC-SHA256-EVENTS" => Payload::Events,
            _ if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Payload::Hash
            }
            _ => Payload::Other,
        }
    }

    /// Whether the body comes in AWS's own chunks (`aws-chunked`).
    pub const fn is_chunked(self) -> bool {
        matches!(
            self,
            Payload::Chunks | Payload::ChunksAndTrailer | Payload::UnsignedChunksAndTrailer
        )
    }
}

/// What is wrong with the form of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the request is authenticated in more than one way")]
    Several,
    #[error("the signature's algorithm is missing or not known")]
    Algorithm,
    #[error("the signature's credential has not the form KEY/DATE/REGION/SERVICE/aws4_request")]
    Credential,
    #[error("the signature's list of signed headers is missing, malformed, or without the host")]
    SignedHeaders,
    #[error("the signature itself is missing or malformed")]
    Signature,
    #[error("a parameter of the signature is there twice, malformed, or not known")]
    Parameter,
}

impl<'a> Identity<'a> {
    /// Reads a head's fields, and its query as it was sent, without the question mark.
    pub fn read<F: Fields + ?Sized>(fields: &'a F, query: &'a str) -> Identity<'a> {
        let mut identity = Identity::of_headers(fields);
        if let Some(signed) = query::read(query) {
            let is_first = identity.scheme == Scheme::None;
            if identity.scheme.is_signature() {
                identity.fault = Some(Fault::Several);
            } else {
                identity = signed;
                if !is_first {
                    identity.fault = Some(Fault::Several);
                }
            }
        }
        identity.complete(fields);
        identity
    }

    fn of_headers<F: Fields + ?Sized>(fields: &'a F) -> Identity<'a> {
        let mut identity = Identity::new(Scheme::None);
        let mut count = 0_usize;
        fields.each("authorization", &mut |value| {
            count += 1;
            // Of several, the one that carries a signature: it is what must not be overlooked.
            if count == 1 || !identity.scheme.is_signature() {
                identity = match text(value) {
                    Some(value) => header::read(value),
                    None => header::unreadable(value),
                };
            }
        });
        if count > 1 {
            identity.fault = Some(Fault::Several);
        }
        identity
    }

    /// What stands beside the signature.
    fn complete<F: Fields + ?Sized>(&mut self, fields: &'a F) {
        self.has_token |= ["x-amz-security-token", "x-amz-s3session-token"]
            .iter()
            .any(|name| !fields.field(name).is_absent());
        if !self.scheme.is_signature() {
            return;
        }
        match fields.field("x-amz-content-sha256") {
            Field::Absent => {}
            Field::One(value) => self.payload = Some(Payload::read(value)),
            Field::Unclear => self.set_fault(Fault::Parameter),
        }
        if self.scheme == Scheme::SigV4a
            && !self.presigned
            && let Some(scope) = &mut self.scope
        {
            match fields.field("x-amz-region-set").one().map(Cow::Borrowed) {
                Some(set) if scope::is_region_set(&set) => scope.region = Region::Set(set),
                Some(_) | None => self.set_fault(Fault::Parameter),
            }
        }
    }

    fn new(scheme: Scheme) -> Identity<'a> {
        Identity {
            scheme,
            presigned: false,
            key: None,
            scope: None,
            signed_headers: None,
            payload: None,
            expires: None,
            has_token: false,
            fault: None,
        }
    }

    /// The first fault is the one that is told.
    fn set_fault(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Takes a credential: `KEY/DATE/REGION/SERVICE/aws4_request`; V4A has no region there.
    fn set_credential(&mut self, text: Cow<'a, str>) {
        match scope::read(self.scheme, text) {
            Some((key, scope)) => (self.key, self.scope) = (key, Some(scope)),
            None => self.set_fault(Fault::Credential),
        }
    }

    fn set_signed_headers(&mut self, text: Cow<'a, str>) {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| matches!(byte, b'!'..=b'~') && !byte.is_ascii_uppercase())
        };
        let names_host = text
            .split(';')
            .any(|name| matches!(name, "host" | ":authority"));
        if names_host && text.split(';').all(is_name) {
            self.signed_headers = Some(text);
        } else {
            self.set_fault(Fault::SignedHeaders);
        }
    }
}

/// The form of a V4 signature; DER where it is asymmetric.
fn is_signature(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
