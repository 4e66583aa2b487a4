//! The URL without its credentials.

use std::ops::Range;

use super::Cut;
use super::Reach;
use super::Sighting;
use crate::model::Rule;

/// Whether a signature in the request's headers covers its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// None does.
    None,
    /// SigV4 does: its path and query cannot be changed.
    Headers,
}

/// Why a credential cannot be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unstrippable {
    #[error("it is part of the path, which the server needs")]
    Path,
    #[error("it stands in another URL, inside a parameter")]
    Nested,
    #[error("the URL is signed, so that no parameter can be taken out")]
    Signed,
}

/// A URL that was cleaned.
#[derive(Clone, PartialEq, Eq)]
pub struct Stripped {
    pub url: Vec<u8>,
    /// Where in the original the userinfo stood, without its `@`.
    pub userinfo: Option<Range<usize>>,
}

/// Takes the credentials out of a URL: userinfo is dropped, parameters are removed whole, and no
/// other byte is touched. What is reported at most stays, and signatures do.
///
/// # Errors
/// [`Unstrippable`] where a credential is left that cannot be taken out: the request is to be
/// refused, with that reason.
pub fn strip(url: &[u8], found: &[Sighting], signing: Signing) -> Result<Stripped, Unstrippable> {
    let is_signed = signing == Signing::Headers
        || found
            .iter()
            .any(|sighting| sighting.rule() == Rule::PresignedUrl);
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut userinfo = None;
    let credentials = found.iter().filter(|sighting| {
        sighting.rule() == Rule::UrlCredentials && sighting.kind.reach == Reach::AsSet
    });
    for sighting in credentials {
        match sighting.cut {
            Cut::Never if sighting.place == "path" => return Err(Unstrippable::Path),
            Cut::Never => return Err(Unstrippable::Nested),
            Cut::Parameter(..) if is_signed => return Err(Unstrippable::Signed),
            Cut::Userinfo(from, to) => {
                userinfo = Some(from..to);
                cuts.push((from, to + 1));
            }
            Cut::Parameter(from, to) => cuts.push((from, to)),
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut clean: Vec<u8> = Vec::with_capacity(url.len());
    let mut at = 0;
    for (from, to) in cuts {
        clean.extend_from_slice(url.get(at..from).unwrap_or_default());
        at = to;
        let is_parameter = url.get(to.saturating_sub(1)) != Some(&b'@')
            || userinfo.as_ref().is_none_or(|found| found.end + 1 != to);
        if !is_parameter {
            continue;
        }
        // One of the two delimiters goes along: the one behind, or before the last parameter the
        // one in front of it.
        match url.get(to) {
            Some(b'&' | b';') => at = to + 1,
            _ => {
                if matches!(clean.last(), Some(b'&' | b';' | b'?' | b'#')) {
                    clean.pop();
                }
            }
        }
    }
    clean.extend_from_slice(url.get(at..).unwrap_or_default());
    Ok(Stripped {
        url: clean,
        userinfo,
    })
}

impl std::fmt::Debug for Stripped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripped")
            .field("length", &self.url.len())
            .field("userinfo", &self.userinfo)
            .finish()
    }
}
