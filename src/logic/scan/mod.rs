//! Credentials in URLs, and what is none: bytes in, sightings out.
//!
//! A sighting says what kind of thing stands where; it never holds the value. The bytes are read
//! in one pass a layer (as written, percent-decoded once, and twice), and checks run on what that
//! pass hits, so the time is linear in the input. Nothing is allocated where nothing is found, for
//! URLs up to [`ON_STACK`] bytes.

mod capability;
mod check;
mod fingerprint;
mod kinds;
mod layer;
mod names;
mod redact;
mod search;
mod signed;
mod strip;
mod tokens;

use std::ops::Range;

use crate::model::Action;
use crate::model::Rule;
use crate::model::Severity;

pub use fingerprint::FingerprintKey;
pub use kinds::KINDS;
pub use kinds::Kind;
pub use kinds::Reach;
pub use redact::redact;
pub use strip::Signing;
pub use strip::Unstrippable;
pub use strip::strip;

use search::Search;
use tokens::Forms;

/// Up to this length a URL is decoded on the stack.
pub const ON_STACK: usize = 8 * 1024;

/// More sightings than these are not told: the first is enough to decide.
const MAX_SIGHTINGS: usize = 32;

/// What is known, compiled once.
#[derive(Debug, Clone)]
pub struct Scanner {
    forms: Forms,
}

/// The scanner with all kinds that are built in.
pub const BUILTIN: &Scanner = &Scanner::builtin();

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub kind: &'static Kind,
    /// The part: `userinfo`, `path`, `query.NAME`, `fragment.NAME`, and behind these the part of a
    /// URL that stands in there.
    pub place: String,
    /// Where it stands in the bytes as given.
    pub span: Range<usize>,
    /// The secret itself, within the span.
    secret: Range<usize>,
    /// How often it was decoded until it was seen.
    depth: u8,
    cut: Cut,
    sign: Option<names::Sign>,
}

/// What is to be taken out to be rid of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Nothing can be: it stands in the path, or in another URL.
    Never,
    /// From the first byte to the `@`.
    Userinfo(usize, usize),
    /// A parameter, without what stands around it.
    Parameter(usize, usize),
}

impl Scanner {
    /// All kinds that are built in.
    pub const fn builtin() -> Scanner {
        Scanner {
            forms: Forms::new(),
        }
    }

    /// Looks through a URL, in absolute form or from its path on.
    pub fn url(&self, url: &[u8], found: &mut Vec<Sighting>) {
        let mut search = Search::new(&self.forms, found);
        if memchr::memchr(b'%', url).is_none() {
            search.top(url, &mut []);
        } else if url.len() <= 1024 {
            search.top(url, &mut [&mut [0; 1024], &mut [0; 1024]]);
        } else if url.len() <= ON_STACK {
            search.top(url, &mut [&mut [0; ON_STACK], &mut [0; ON_STACK]]);
        } else {
            let (mut once, mut twice) = (vec![0; url.len()], vec![0; url.len()]);
            search.top(url, &mut [&mut once, &mut twice]);
        }
    }

    /// Looks through a header that holds a URL: `Referer`, `Origin`, `Location`,
    /// `Content-Location`, `Link`. Spans are within the value.
    pub fn header(&self, name: &str, value: &[u8], found: &mut Vec<Sighting>) {
        let named = |wanted: &&str| name.eq_ignore_ascii_case(wanted);
        if let Some(name) = URL_HEADERS.iter().find(|name| named(name)) {
            self.part_of(name, value, 0..value.len(), found);
        } else if named(&"link") {
            let mut from = 0;
            // `<URL>; rel=next, <URL>; rel=last`
            while let Some(open) = find(value, from, b'<') {
                let Some(close) = find(value, open, b'>') else {
                    break;
                };
                self.part_of("link", value, open + 1..close, found);
                from = close;
            }
        }
    }

    fn part_of(&self, header: &str, value: &[u8], part: Range<usize>, found: &mut Vec<Sighting>) {
        let before = found.len();
        let offset = part.start;
        self.url(value.get(part).unwrap_or_default(), found);
        for sighting in found.iter_mut().skip(before) {
            sighting.place = format!("header.{header}.{}", sighting.place);
            sighting.cut = Cut::Never;
            for range in [&mut sighting.span, &mut sighting.secret] {
                *range = range.start + offset..range.end + offset;
            }
        }
    }
}

const URL_HEADERS: [&str; 4] = ["referer", "origin", "location", "content-location"];

fn find(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    memchr::memchr(byte, text.get(from..)?).map(|at| from + at)
}

impl Sighting {
    /// The rule that it is a finding of.
    pub const fn rule(&self) -> Rule {
        self.kind.rule
    }

    /// How grave it is.
    pub const fn severity(&self) -> Severity {
        self.kind.severity
    }

    /// What was wrong and how to mend it; never the value.
    pub fn hint(&self) -> String {
        self.kind.hint(&self.place)
    }

    /// What is done about it where the settings say `action` for its rule.
    pub fn action(&self, action: Action) -> Action {
        match self.kind.reach {
            Reach::AsSet => action,
            Reach::Report => action.min(Action::Report),
        }
    }

    /// The same secret has the same fingerprint under the same key, however it is encoded. `text`
    /// is what was looked through.
    pub fn fingerprint(&self, key: &FingerprintKey, text: &[u8]) -> String {
        let secret = text.get(self.secret.clone()).unwrap_or_default();
        let mut secret = secret.to_vec();
        for _ in 0..self.depth.max(1) {
            let mut decoded = vec![0; secret.len()];
            let length = layer::decode(&secret, &mut decoded);
            decoded.truncate(length);
            secret = decoded;
        }
        key.of(&secret)
    }
}
