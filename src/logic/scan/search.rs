//! The way through a URL: its parts, the parameters in them, and the URLs in those.
//!
//! A text is gone through at most four times in all: once decoded, twice decoded, and as a URL
//! within a URL. That bounds the time and the stack.

use std::ops::Range;

use super::Cut;
use super::MAX_SIGHTINGS;
use super::Sighting;
use super::capability;
use super::check::holds;
use super::check::is_placeholder;
use super::check::looks_random;
use super::kinds;
use super::kinds::Kind;
use super::layer::Layer;
use super::layer::decode;
use super::names::Name;
use super::names::SHORTEST_TOKEN;
use super::names::Secret;
use super::names::Sign;
use super::signed::Signs;
use super::tokens::Forms;
use super::tokens::Hit;

/// How often a URL is looked for within a URL, on top of decoding.
const NESTED: u8 = 2;

pub(super) struct Search<'s> {
    forms: &'s Forms,
    found: &'s mut Vec<Sighting>,
}

/// Where the search is.
#[derive(Clone, Copy)]
struct Spot<'a> {
    layer: &'a Layer<'a>,
    trail: &'a Trail<'a>,
    cut: Cut,
    nested: u8,
}

/// The names of the parts, from the outermost one.
enum Trail<'a> {
    Root,
    Part(&'a Trail<'a>, &'static str),
    Parameter(&'a Trail<'a>, &'static str, &'a [u8]),
}

/// A parameter that may carry a signature.
struct Signature {
    sign: Sign,
    name: Range<usize>,
    value: Range<usize>,
}

/// The parts of a URL, without what delimits them.
struct Parts {
    scheme: Range<usize>,
    authority: Option<Range<usize>>,
    path: Range<usize>,
    query: Range<usize>,
    fragment: Range<usize>,
}

impl<'s> Search<'s> {
    pub(super) fn new(forms: &'s Forms, found: &'s mut Vec<Sighting>) -> Search<'s> {
        Search { forms, found }
    }

    /// Goes through a URL. `scratch` takes what is decoded, a slice a layer, each as long as `url`.
    pub(super) fn top(&mut self, url: &[u8], scratch: &mut [&mut [u8]]) {
        let layer = Layer {
            text: url,
            under: None,
        };
        let spot = Spot {
            layer: &layer,
            trail: &Trail::Root,
            cut: Cut::Never,
            nested: 0,
        };
        let parts = Parts::read(url, 0, url.len());
        let begun = self.found.len();
        if let Some(authority) = parts.authority.clone() {
            self.userinfo(spot, authority, &parts.scheme, true);
        }
        let path = Spot {
            trail: &Trail::Part(spot.trail, "path"),
            ..spot
        };
        self.value(path, parts.path.clone(), true, scratch);
        if let Some(at) = super::find(url, parts.path.start, b';').filter(|&at| at < parts.path.end)
        {
            self.pairs(spot, "path", at + 1..parts.path.end, false, false, scratch);
        }
        let host = parts.host(url);
        let is_sagemaker = capability::is_sagemaker(url.get(host).unwrap_or_default());
        self.pairs(
            spot,
            "query",
            parts.query.clone(),
            true,
            is_sagemaker,
            scratch,
        );
        self.pairs(
            spot,
            "fragment",
            parts.fragment.clone(),
            true,
            false,
            scratch,
        );
        self.known_host(spot, &parts, begun);
    }

    /// A URL within a text: its parameters, and what its host tells.
    fn inner_url(
        &mut self,
        spot: Spot<'_>,
        parts: &Parts,
        tokens: bool,
        scratch: &mut [&mut [u8]],
    ) {
        let text = spot.layer.text;
        let begun = self.found.len();
        let spot = Spot {
            cut: Cut::Never,
            nested: spot.nested + 1,
            ..spot
        };
        let is_sagemaker = capability::is_sagemaker(text.get(parts.host(text)).unwrap_or_default());
        self.pairs(
            spot,
            "query",
            parts.query.clone(),
            tokens,
            is_sagemaker,
            scratch,
        );
        self.pairs(
            spot,
            "fragment",
            parts.fragment.clone(),
            tokens,
            false,
            scratch,
        );
        self.known_host(spot, parts, begun);
    }

    /// What host and path tell together.
    fn known_host(&mut self, spot: Spot<'_>, parts: &Parts, begun: usize) {
        if parts.authority.is_none() {
            return;
        }
        let text = spot.layer.text;
        let host = parts.host(text);
        let key = capability::key(text, host.clone(), parts.path.clone(), parts.query.clone());
        if let Some(key) = key {
            // Whatever else it looked like.
            let within = spot.layer.origin(key.start)..spot.layer.origin(key.end);
            let mut place = 0;
            self.found.retain(|sighting| {
                place += 1;
                let is_outside =
                    sighting.span.end <= within.start || within.end <= sighting.span.start;
                // Of a key in the query the other parameters belong to it.
                let is_part = sighting.place.ends_with("query.key");
                place <= begun || (is_outside && !is_part)
            });
            let part = if key.start < parts.path.end {
                "path"
            } else {
                "query"
            };
            let spot = Spot {
                trail: &Trail::Part(spot.trail, part),
                cut: Cut::Never,
                ..spot
            };
            self.push(spot, kinds::CAPABILITY_URL, key.clone(), key);
        } else if let Some(token) = capability::conda(text, host, parts.path.clone()) {
            let spot = Spot {
                trail: &Trail::Part(spot.trail, "path"),
                cut: Cut::Never,
                ..spot
            };
            self.push(spot, kinds::CONDA_TOKEN, token.clone(), token);
        }
    }

    /// A path, a value, or what one decodes to. What it has of a URL's parameters is gone through
    /// as such, the rest here.
    fn value(
        &mut self,
        spot: Spot<'_>,
        part: Range<usize>,
        tokens: bool,
        scratch: &mut [&mut [u8]],
    ) {
        let text = spot.layer.text;
        let Some(bytes) = text.get(part.clone()).filter(|bytes| bytes.len() >= 8) else {
            return;
        };
        let shape = Shape::read(bytes);
        let first = bytes.first().copied().unwrap_or(0);
        let inner = if spot.nested == NESTED {
            None
        } else if let Some(colon) = shape.scheme {
            let start = scheme_start(text, part.start, part.start + colon);
            Some(Parts::read(text, start, part.end))
        } else if shape.question && matches!(first, b'/' | b'?') {
            Some(Parts::read(text, part.start, part.end))
        } else {
            None
        };
        let own = part.start..inner.as_ref().map_or(part.end, |parts| parts.path.end);
        if tokens {
            self.tokens(spot, own.clone());
        }
        if let Some(parts) = inner {
            self.inner_url(spot, &parts, tokens, scratch);
        } else if first == b'{' {
            self.json(spot, own.clone());
        } else if shape.semicolon && spot.layer.under.is_some() {
            self.connection_string(spot, own.clone());
        }
        let bytes = text.get(own.clone()).unwrap_or_default();
        if !shape.percent || memchr::memchr(b'%', bytes).is_none() {
            return;
        }
        let Some((mine, rest)) = scratch.split_first_mut() else {
            return;
        };
        let length = decode(bytes, mine);
        if length == bytes.len() {
            return;
        }
        let layer = Layer {
            text: mine.get(..length).unwrap_or_default(),
            under: Some((spot.layer, own.start)),
        };
        let spot = Spot {
            layer: &layer,
            ..spot
        };
        self.value(spot, 0..length, true, rest);
    }

    /// Tokens by their form, and userinfo of URLs, in one pass.
    fn tokens(&mut self, spot: Spot<'_>, part: Range<usize>) {
        let forms = self.forms;
        let text = spot.layer.text;
        let end = part.end;
        let mut behind = part.start;
        forms.search(text, part, |hit| match hit {
            Hit::Token(kind, from, to) => self.push(spot, kind, from..to, from..to),
            // An authority ends before the next one, so no byte is read twice.
            Hit::Authority(colon) if colon >= behind => {
                let from = colon + 3;
                let rest = text.get(from..end).unwrap_or_default();
                let ends = |byte: &u8| {
                    matches!(
                        byte,
                        b'/' | b'?'
                            | b'#'
                            | b'\\'
                            | b'&'
                            | b'"'
                            | b'\''
                            | b'<'
                            | b'>'
                            | b'`'
                            | b' '
                    ) || byte.is_ascii_control()
                };
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                behind = from + length;
                let scheme = scheme_start(text, colon.saturating_sub(24), colon)..colon;
                let spot = Spot {
                    cut: Cut::Never,
                    ..spot
                };
                self.userinfo(spot, from..from + length, &scheme, false);
            }
            Hit::Authority(_) => {}
        });
    }

    /// What stands before the last `@` of an authority.
    fn userinfo(
        &mut self,
        spot: Spot<'_>,
        authority: Range<usize>,
        scheme: &Range<usize>,
        is_top: bool,
    ) {
        let text = spot.layer.text;
        let bytes = text.get(authority.clone()).unwrap_or_default();
        let Some(length) = memchr::memrchr(b'@', bytes) else {
            return;
        };
        let userinfo = bytes.get(..length).unwrap_or_default();
        if userinfo.is_empty() || (!is_top && holds(userinfo, b"%20")) {
            return;
        }
        let start = authority.start;
        // Some programs read an encoded colon as one.
        let colon = memchr::memchr(b':', userinfo)
            .map(|at| (at, 1))
            .or_else(|| memchr::memmem::find(userinfo, b"%3A").map(|at| (at, 3)))
            .or_else(|| memchr::memmem::find(userinfo, b"%3a").map(|at| (at, 3)));
        let (user, password) = match colon {
            Some((at, width)) => (at, at + width..length),
            None => (length, length..length),
        };
        let name = userinfo.get(..user).unwrap_or_default();
        let is_key = |name: &[u8]| {
            self.forms.whole(name).is_some()
                || (colon.is_some() && name.len() >= 20 && looks_random(name))
        };
        let (kind, secret) = if !password.is_empty() {
            let scheme = text.get(scheme.clone()).unwrap_or_default();
            let kind = if is_web(scheme) {
                kinds::USERINFO
            } else {
                kinds::CONNECTION_STRING
            };
            (kind, password)
        } else if is_key(name) {
            (kinds::USERINFO, 0..user)
        } else if is_top && !name.is_empty() {
            (kinds::USERNAME, 0..user)
        } else {
            return;
        };
        let cut = if is_top {
            Cut::Userinfo(start, start + length)
        } else {
            Cut::Never
        };
        let trail = Trail::Part(spot.trail, "userinfo");
        let spot = Spot {
            trail: &trail,
            cut,
            ..spot
        };
        let secret = start + secret.start..start + secret.end;
        self.push(spot, kind, start..start + length, secret);
    }

    /// Parameters: what their names tell, what stands in their values, and what they make together.
    fn pairs(
        &mut self,
        spot: Spot<'_>,
        part: &'static str,
        range: Range<usize>,
        tokens: bool,
        is_sagemaker: bool,
        scratch: &mut [&mut [u8]],
    ) {
        if range.is_empty() {
            return;
        }
        let text = spot.layer.text;
        let begun = self.found.len();
        let mut signs = Signs::default();
        let mut signatures: [Option<Signature>; 5] = Default::default();
        let mut start = range.start;
        let mut is_pair = true;
        while start < range.end {
            let mut equals = None;
            let mut end = range.end;
            for (at, &byte) in text
                .get(start..range.end)
                .unwrap_or_default()
                .iter()
                .enumerate()
            {
                match byte {
                    b'=' if equals.is_none() => equals = Some(start + at),
                    b'&' | b';' => {
                        end = start + at;
                        break;
                    }
                    // In a path only what follows a semicolon is a parameter.
                    b'/' if part == "path" => {
                        end = start + at;
                        break;
                    }
                    _ => {}
                }
            }
            if is_pair && end - start >= 4 {
                let before = self.found.len();
                let sign = self.pair(spot, part, (start, equals, end), tokens, scratch);
                if let (Some(sign), Some(equals)) = (sign, equals) {
                    let value = equals + 1..end;
                    signs.add(sign);
                    if sign == Sign::Token && is_akamai(text.get(value.clone()).unwrap_or_default())
                    {
                        signs.add(Sign::Akamai);
                    }
                    let slot = match sign {
                        Sign::AmzSignature => 0,
                        Sign::GoogSignature => 1,
                        Sign::SasSignature => 2,
                        Sign::Signature => 3,
                        Sign::Token => 4,
                        Sign::Algorithm
                        | Sign::Credential
                        | Sign::RegionSet
                        | Sign::AwsAccessKeyId
                        | Sign::GoogleAccessId
                        | Sign::Expires
                        | Sign::KeyPairId
                        | Sign::KeyName
                        | Sign::SasVersion
                        | Sign::SasExpiry
                        | Sign::SasPolicy
                        | Sign::Companion
                        | Sign::Akamai => 5,
                    };
                    if let Some(slot) = signatures.get_mut(slot) {
                        *slot = Some(Signature {
                            sign,
                            name: start..equals,
                            value,
                        });
                    }
                    for sighting in self.found.iter_mut().skip(before) {
                        sighting.sign = Some(sign);
                    }
                }
            }
            is_pair = part != "path" || text.get(end) == Some(&b';');
            start = end + 1;
        }
        let Some((kind, signature)) = signs.family(is_sagemaker) else {
            return;
        };
        let mut place = 0;
        self.found.retain(|sighting| {
            place += 1;
            let belongs = sighting
                .sign
                .is_some_and(|sign| sign != Sign::Token || signature == Sign::Token);
            place <= begun || !belongs
        });
        let of = signatures
            .into_iter()
            .flatten()
            .find(|carried| carried.sign == signature);
        if let Some(Signature { name, value, .. }) = of {
            let name = text.get(name).unwrap_or_default();
            let spot = Spot {
                trail: &Trail::Parameter(spot.trail, part, name),
                cut: Cut::Never,
                ..spot
            };
            self.push(spot, kind, value.clone(), value);
        }
    }

    /// One parameter; gives the part of a signature that it is by its name.
    fn pair(
        &mut self,
        spot: Spot<'_>,
        part: &'static str,
        (start, equals, end): (usize, Option<usize>, usize),
        tokens: bool,
        scratch: &mut [&mut [u8]],
    ) -> Option<Sign> {
        let text = spot.layer.text;
        let is_whole = spot.nested == 0 && spot.layer.under.is_none();
        let cut = if is_whole && part != "path" {
            Cut::Parameter(start, end)
        } else {
            Cut::Never
        };
        let bare = Trail::Part(spot.trail, part);
        let Some(equals) = equals else {
            let spot = Spot {
                trail: &bare,
                cut,
                ..spot
            };
            self.value(spot, start..end, tokens, scratch);
            return None;
        };
        let mut decoded = [0; 64];
        let mut name = text.get(start..equals).unwrap_or_default();
        if tokens && name.len() >= 19 {
            let spot = Spot {
                trail: &bare,
                cut,
                ..spot
            };
            self.tokens(spot, start..equals);
        }
        if memchr::memchr(b'%', name).is_some() && name.len() <= 3 * decoded.len() {
            let length = decode(name, &mut decoded);
            name = decoded.get(..length).unwrap_or_default();
        }
        let trail = Trail::Parameter(spot.trail, part, name);
        let spot = Spot {
            trail: &trail,
            cut,
            ..spot
        };
        let value = equals + 1..end;
        self.value(spot, value.clone(), tokens, scratch);
        if value.is_empty() {
            return None;
        }
        let name = Name::read(name)?;
        if let Some(secret) = name.secret(value.len())
            && is_secret(text.get(value.clone()).unwrap_or_default(), secret, &name)
        {
            self.push(spot, kinds::SECRET_PARAMETER, value.clone(), value);
        }
        name.sign()
    }

    /// A JSON object in a value: its names are judged as those of parameters are.
    fn json(&mut self, spot: Spot<'_>, part: Range<usize>) {
        let text = spot.layer.text;
        let mut at = part.start;
        let mut name: Option<Range<usize>> = None;
        while let Some(open) = super::find(text, at, b'"').filter(|&open| open < part.end) {
            let Some(close) = super::find(text, open + 1, b'"').filter(|&close| close < part.end)
            else {
                break;
            };
            let string = open + 1..close;
            let is_name = text.get(close + 1) == Some(&b':');
            if let Some(name) = name.take() {
                let key = text.get(name).unwrap_or_default();
                let trail = Trail::Parameter(spot.trail, "json", key);
                self.named(
                    Spot {
                        trail: &trail,
                        cut: Cut::Never,
                        ..spot
                    },
                    key,
                    string.clone(),
                    kinds::SECRET_PARAMETER,
                );
            }
            let is_text = text.get(close + 1..part.end).unwrap_or_default();
            let is_text = is_text.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
            if is_name && is_text.is_some_and(|rest| rest.first() == Some(&b'"')) {
                name = Some(string);
            }
            at = close + 1;
        }
    }

    /// `Server=...;Password=...`
    fn connection_string(&mut self, spot: Spot<'_>, part: Range<usize>) {
        let text = spot.layer.text;
        let mut at = part.start;
        for piece in text
            .get(part)
            .unwrap_or_default()
            .split(|&byte| byte == b';')
        {
            if let Some(equals) = memchr::memchr(b'=', piece) {
                let key = piece.get(..equals).unwrap_or_default();
                let trail = Trail::Parameter(spot.trail, "string", key);
                let spot = Spot {
                    trail: &trail,
                    cut: Cut::Never,
                    ..spot
                };
                let value = at + equals + 1..at + piece.len();
                let is_password = Name::read(key).and_then(|name| name.secret(value.len()))
                    == Some(Secret::Password);
                if is_password {
                    self.named(spot, key, value, kinds::CONNECTION_STRING);
                }
            }
            at += piece.len() + 1;
        }
    }

    fn named(&mut self, spot: Spot<'_>, key: &[u8], value: Range<usize>, kind: &'static Kind) {
        let bytes = spot.layer.text.get(value.clone()).unwrap_or_default();
        if let Some(name) = Name::read(key)
            && let Some(secret) = name.secret(bytes.len())
            && is_secret(bytes, secret, &name)
        {
            self.push(spot, kind, value.clone(), value);
        }
    }

    fn push(
        &mut self,
        spot: Spot<'_>,
        kind: &'static Kind,
        part: Range<usize>,
        secret: Range<usize>,
    ) {
        if self.found.len() >= MAX_SIGHTINGS {
            return;
        }
        let origin =
            |range: Range<usize>| spot.layer.origin(range.start)..spot.layer.origin(range.end);
        let span = origin(part);
        // The first look at a place names it.
        let is_known = self
            .found
            .iter()
            .any(|sighting| sighting.span.start < span.end && span.start < sighting.span.end);
        if is_known || span.is_empty() {
            return;
        }
        self.found.push(Sighting {
            kind,
            place: spot.trail.place(),
            secret: origin(secret),
            span,
            depth: spot.layer.depth(),
            cut: spot.cut,
            sign: None,
        });
    }
}

impl Trail<'_> {
    fn place(&self) -> String {
        let (up, part, name) = match self {
            Trail::Root => return String::new(),
            Trail::Part(up, part) => (up, part, None),
            Trail::Parameter(up, part, name) => (up, part, shown(name)),
        };
        let mut place = up.place();
        for word in [Some(*part), name].into_iter().flatten() {
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(word);
        }
        place
    }
}

/// A name that may be shown: short, of plain characters, and no secret in the wrong place.
fn shown(name: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.[]$".contains(byte);
    let fits = (1..=40).contains(&name.len()) && name.iter().all(is_plain);
    let digits = name.iter().filter(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(name).ok().filter(|_| fits && digits <= 6)
}

/// Whether a value is what its name says.
fn is_secret(value: &[u8], secret: Secret, name: &Name) -> bool {
    let mut decoded = [0; 256];
    let value = if value.len() <= decoded.len() && memchr::memchr(b'%', value).is_some() {
        let length = decode(value, &mut decoded);
        decoded.get(..length).unwrap_or_default()
    } else {
        value
    };
    if is_placeholder(value) {
        return false;
    }
    // `token=token`, `PASSWORD=PASSWORD`.
    let is_own_name = Name::read(value).is_some_and(|own| own.joined() == name.joined());
    match secret {
        Secret::Password => !is_own_name || value.iter().any(u8::is_ascii_lowercase),
        Secret::Token => {
            value.len() >= SHORTEST_TOKEN
                && !is_own_name
                && !is_access_key_id(value)
                && !holds(value, b"://")
        }
        Secret::Random => value.len() >= 16 && looks_random(value),
    }
}

/// An AWS access key id is a name and no secret.
fn is_access_key_id(value: &[u8]) -> bool {
    value.len() == 20
        && (value.starts_with(b"AKIA") || value.starts_with(b"ASIA"))
        && value
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// `exp=...~acl=...~hmac=...`
fn is_akamai(value: &[u8]) -> bool {
    holds(value, b"hmac=") && holds(value, b"exp=")
}

/// Schemes without an authority, in which an `@` is no userinfo.
fn is_opaque(scheme: &[u8]) -> bool {
    let names: [&[u8]; 6] = [b"mailto", b"data", b"urn", b"about", b"blob", b"javascript"];
    names.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

fn is_web(scheme: &[u8]) -> bool {
    let is_web = |name: &&[u8]| {
        scheme.eq_ignore_ascii_case(name)
            || scheme.get(..4).is_some_and(|head| {
                head.eq_ignore_ascii_case(b"git+") && scheme.get(4..) == Some(name)
            })
    };
    let names: [&[u8]; 8] = [
        b"", b"http", b"https", b"ws", b"wss", b"git", b"ssh", b"ftp",
    ];
    names.iter().any(is_web)
}

/// Where the scheme before a colon begins.
fn scheme_start(text: &[u8], least: usize, colon: usize) -> usize {
    let before = text.get(least..colon).unwrap_or_default();
    let length = before
        .iter()
        .rev()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        .count();
    colon - length
}

/// What a text has, by one pass.
#[derive(Default)]
struct Shape {
    percent: bool,
    question: bool,
    semicolon: bool,
    /// The colon of its first `://`.
    scheme: Option<usize>,
}

impl Shape {
    fn read(text: &[u8]) -> Shape {
        let mut shape = Shape::default();
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'%' => shape.percent = true,
                b'?' | b'#' => shape.question = true,
                b';' => shape.semicolon = true,
                b':' if shape.scheme.is_none()
                    && text.get(at + 1) == Some(&b'/')
                    && text.get(at + 2) == Some(&b'/') =>
                {
                    shape.scheme = Some(at);
                }
                _ => {}
            }
        }
        shape
    }
}

impl Parts {
    fn read(text: &[u8], from: usize, to: usize) -> Parts {
        let bytes = text.get(from..to).unwrap_or_default();
        let scheme = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            .count();
        let behind = bytes.get(scheme..).unwrap_or_default();
        let start = if behind.starts_with(b"://") {
            Some(scheme + 3)
        } else if bytes.starts_with(b"//") {
            Some(2)
        } else if matches!(bytes.first(), Some(b'/' | b'*' | b'?' | b'#') | None)
            || is_opaque(bytes.get(..scheme).unwrap_or_default())
        {
            None
        } else {
            // An authority alone, as CONNECT has it.
            Some(0)
        };
        let until = |from: usize, ends: &[u8]| {
            let rest = bytes.get(from..).unwrap_or_default();
            rest.iter()
                .position(|byte| ends.contains(byte))
                .map_or(bytes.len(), |at| from + at)
        };
        let authority = start.map(|start| start..until(start, b"/?#\\"));
        let path = authority.as_ref().map_or(0, |authority| authority.end);
        let path = path..until(path, b"?#");
        let query = if bytes.get(path.end) == Some(&b'?') {
            path.end + 1..until(path.end + 1, b"#")
        } else {
            path.end..path.end
        };
        let fragment = (query.end + 1).min(bytes.len())..bytes.len();
        let shift = |range: Range<usize>| from + range.start..from + range.end;
        Parts {
            scheme: from..from + if start == Some(scheme + 3) { scheme } else { 0 },
            authority: authority.map(shift),
            path: shift(path),
            query: shift(query),
            fragment: shift(fragment),
        }
    }

    /// The host with its port.
    fn host(&self, text: &[u8]) -> Range<usize> {
        let Some(authority) = self.authority.clone() else {
            return 0..0;
        };
        let bytes = text.get(authority.clone()).unwrap_or_default();
        let at = memchr::memrchr(b'@', bytes).map_or(0, |at| at + 1);
        authority.start + at..authority.end
    }
}
