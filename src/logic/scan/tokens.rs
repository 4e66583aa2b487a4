//! Tokens that are known by their form: a prefix at the start of a word, then so many characters of
//! a class, and a check sum where the format has one.
//!
//! The bytes are read once; only words that are long enough are compared with the prefixes, and a
//! form reads on from its word over the next ones at most, so the time is linear in the input.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::check::has_crc;
use super::check::holds;
use super::check::is_varied;
use super::check::is_word;
use super::kinds;
use super::kinds::Kind;

/// A shorter word is no token.
const SHORTEST: usize = 19;

/// One form.
struct Form {
    prefix: &'static str,
    kind: &'static Kind,
    body: Body,
}

/// What follows the prefix.
#[derive(Clone, Copy)]
enum Body {
    /// From so many to so many characters, up to the end of the word.
    Of(Class, usize, usize),
    /// Thirty characters and their check sum.
    Crc,
    /// Told by a function: given the text from the prefix on and the length of its word, the length
    /// of the token.
    Told(fn(&[u8], usize) -> Option<usize>),
}

#[derive(Clone, Copy)]
enum Class {
    Hex,
    Base62,
    /// Letters, digits, `_` and `-`.
    Word,
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Class::Hex => byte.is_ascii_hexdigit(),
            Class::Base62 => byte.is_ascii_alphanumeric(),
            Class::Word => is_word(byte),
        }
    }
}

use Body::{Crc, Of, Told};
use Class::{Base62, Hex, Word};

macro_rules! forms {
    ($($prefix:literal $kind:ident $body:expr;)*) => {
        &[$(Form { prefix: $prefix, kind: kinds::$kind, body: $body }),*]
    };
}

/// Sorted by the first byte. Where two prefixes fit, both are tried. docs/credentials.md has the
/// sources.
const FORMS: &[Form] = forms! {
    "-----BEGIN" PRIVATE_KEY Told(pem);
    "AGE-SECRET-KEY-1" PRIVATE_KEY Of(Base62, 58, 58);
    "ABSKQmVkcm9ja0FQSUtleS" AWS_SECRET Of(Base62, 16, 400);
    "AIza" GOOGLE_KEY Of(Word, 35, 35);
    "AKCp" SERVICE_TOKEN Of(Base62, 69, 73);
    "ATATT3xFfGF0" SERVICE_TOKEN Of(Word, 60, 400);
    "FwoGZXIvYXdzE" AWS_SECRET Told(session_token);
    "GOCSPX-" GOOGLE_KEY Of(Word, 28, 28);
    "GR1348941" GITLAB_TOKEN Of(Word, 20, 20);
    "IQoJb3JpZ2luX2Vj" AWS_SECRET Told(session_token);
    "KGAT_" SERVICE_TOKEN Of(Hex, 32, 32);
    "LS0tLS1CRUdJTi" PRIVATE_KEY Told(pem_in_base64);
    "NRAK-" SERVICE_TOKEN Of(Base62, 27, 27);
    "PMAK-" SERVICE_TOKEN Of(Word, 59, 59);
    "SK" TWILIO_KEY Of(Hex, 32, 32);
    "api_org_" HUGGINGFACE_TOKEN Of(Base62, 34, 34);
    "bedrock-api-key-" AWS_SECRET Of(Word, 40, 4000);
    "dapi" DATABRICKS_TOKEN Told(databricks);
    "dckr_oat_" DOCKER_TOKEN Of(Word, 27, 40);
    "dckr_pat_" DOCKER_TOKEN Of(Word, 27, 40);
    "doo_v1_" SERVICE_TOKEN Of(Hex, 64, 64);
    "dop_v1_" SERVICE_TOKEN Of(Hex, 64, 64);
    "dor_v1_" SERVICE_TOKEN Of(Hex, 64, 64);
    "eyJ" JWT Told(jwt);
    "figd_" SERVICE_TOKEN Of(Word, 38, 60);
    "ghp_" GITHUB_TOKEN Crc;
    "gho_" GITHUB_TOKEN Crc;
    "ghr_" GITHUB_TOKEN Told(github_refresh);
    "ghs_" GITHUB_TOKEN Crc;
    "ghs_" GITHUB_TOKEN Told(github_stateless);
    "ghu_" GITHUB_TOKEN Crc;
    "github_pat_" GITHUB_TOKEN Told(github_fine);
    "glagent-" GITLAB_TOKEN Of(Word, 20, 300);
    "glcbt-" GITLAB_TOKEN Of(Word, 20, 300);
    "gldt-" GITLAB_TOKEN Of(Word, 20, 300);
    "glffct-" GITLAB_TOKEN Of(Word, 20, 300);
    "glft-" GITLAB_TOKEN Of(Word, 20, 300);
    "glimt-" GITLAB_TOKEN Of(Word, 20, 300);
    "gloas-" GITLAB_TOKEN Of(Word, 64, 64);
    "glpat-" GITLAB_TOKEN Of(Word, 20, 300);
    "glptt-" GITLAB_TOKEN Of(Word, 20, 300);
    "glrt-" GITLAB_TOKEN Of(Word, 20, 300);
    "glrtr-" GITLAB_TOKEN Of(Word, 20, 300);
    "glsa_" SERVICE_TOKEN Of(Word, 41, 41);
    "glsoat-" GITLAB_TOKEN Of(Word, 20, 300);
    "glwt-" GITLAB_TOKEN Of(Word, 20, 300);
    "gsk_" SERVICE_TOKEN Of(Base62, 52, 52);
    "hf_" HUGGINGFACE_TOKEN Of(Base62, 34, 34);
    "lin_api_" SERVICE_TOKEN Of(Base62, 40, 40);
    "lsv2_pt_" SERVICE_TOKEN Of(Word, 32, 60);
    "lsv2_sk_" SERVICE_TOKEN Of(Word, 32, 60);
    "nfp_" SERVICE_TOKEN Of(Base62, 36, 36);
    "npm_" NPM_TOKEN Crc;
    "ntn_" SERVICE_TOKEN Of(Base62, 43, 50);
    "nvapi-" SERVICE_TOKEN Of(Word, 60, 70);
    "pcsk_" SERVICE_TOKEN Of(Word, 40, 90);
    "pplx-" SERVICE_TOKEN Of(Base62, 48, 56);
    "pscale_pw_" SERVICE_TOKEN Of(Word, 32, 64);
    "pscale_tkn_" SERVICE_TOKEN Of(Word, 32, 64);
    "pul-" SERVICE_TOKEN Of(Hex, 40, 40);
    "pypi-AgEIcHlwaS5vcmc" PYPI_TOKEN Of(Word, 50, 1000);
    "pypi-AgENdGVzdC5weXBpLm9yZw" PYPI_TOKEN Of(Word, 50, 1000);
    "r8_" SERVICE_TOKEN Of(Base62, 37, 37);
    "rk_live_" STRIPE_KEY Of(Base62, 24, 247);
    "rk_test_" STRIPE_KEY Of(Base62, 24, 247);
    "rpa_" SERVICE_TOKEN Of(Base62, 40, 50);
    "rubygems_" SERVICE_TOKEN Of(Hex, 48, 48);
    "sbp_" SERVICE_TOKEN Of(Hex, 40, 40);
    "shpat_" SERVICE_TOKEN Of(Hex, 32, 32);
    "shpca_" SERVICE_TOKEN Of(Hex, 32, 32);
    "shppa_" SERVICE_TOKEN Of(Hex, 32, 32);
    "shpss_" SERVICE_TOKEN Of(Hex, 32, 32);
    "sk-ant-" ANTHROPIC_KEY Told(anthropic);
    "sk-" OPENAI_KEY Told(openai);
    "sk_live_" STRIPE_KEY Of(Base62, 24, 247);
    "sk_test_" STRIPE_KEY Of(Base62, 24, 247);
    "sk_" SERVICE_TOKEN Of(Hex, 48, 48);
    "sntryu_" SERVICE_TOKEN Of(Hex, 64, 64);
    "tskey-" SERVICE_TOKEN Of(Word, 24, 80);
    "tvly-" SERVICE_TOKEN Of(Word, 32, 60);
    "wandb_v1_" WANDB_KEY Of(Word, 40, 100);
    "whsec_" STRIPE_KEY Of(Base62, 32, 64);
    "xai-" SERVICE_TOKEN Of(Base62, 80, 80);
    "xapp-" SLACK_TOKEN Told(slack);
    "xoxa-" SLACK_TOKEN Told(slack);
    "xoxb-" SLACK_TOKEN Told(slack);
    "xoxe-" SLACK_TOKEN Told(slack);
    "xoxo-" SLACK_TOKEN Told(slack);
    "xoxp-" SLACK_TOKEN Told(slack);
    "xoxr-" SLACK_TOKEN Told(slack);
    "xoxs-" SLACK_TOKEN Told(slack);
};

/// Forms that begin with a short word and a dot.
const DOTTED: &[Form] = forms! {
    "SG." SENDGRID_KEY Told(sendgrid);
    "hvb." SERVICE_TOKEN Told(dotted_word::<24>);
    "hvr." SERVICE_TOKEN Told(dotted_word::<24>);
    "hvs." SERVICE_TOKEN Told(dotted_word::<24>);
    "ya29." GOOGLE_KEY Told(dotted_word::<30>);
};

/// The places of a text where something may stand, as one pass over it finds them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hit {
    Token(&'static Kind, usize, usize),
    /// `://`: here its colon stands.
    Authority(usize),
}

/// The forms by their first byte.
#[derive(Debug, Clone)]
pub(super) struct Forms {
    /// Where the forms of a first byte begin and end.
    by_first: [(u8, u8); 128],
}

impl Forms {
    #[allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "evaluated by the compiler, which would refuse what is out of bounds"
    )]
    pub(super) const fn new() -> Forms {
        let mut by_first = [(0, 0); 128];
        let mut at = 0;
        while at < FORMS.len() {
            let first = FORMS[at].prefix.as_bytes()[0] as usize;
            if by_first[first].1 == 0 {
                by_first[first].0 = at as u8;
            }
            by_first[first].1 = at as u8 + 1;
            at += 1;
        }
        Forms { by_first }
    }

    /// Tells every hit in the part of `text`; one pass.
    pub(super) fn search(&self, text: &[u8], part: Range<usize>, mut tell: impl FnMut(Hit)) {
        let end = part.end.min(text.len());
        let mut start = None;
        let mut at = part.start;
        while at <= end {
            let byte = if at < end {
                text.get(at).copied()
            } else {
                None
            };
            if let Some(byte) = byte
                && WORD.get(usize::from(byte)).copied().unwrap_or(false)
            {
                start = start.or(Some(at));
                at += 1;
                continue;
            }
            let rest = |from: usize| text.get(from..end).unwrap_or_default();
            if let Some(from) = start {
                let length = at - from;
                if length >= SHORTEST || (length >= 10 && text.get(from) == Some(&b'-')) {
                    self.word(rest(from), length, |kind, length| {
                        tell(Hit::Token(kind, from, from + length));
                    });
                }
                match byte {
                    Some(b'.')
                        if matches!(
                            text.get(from..at),
                            Some(b"SG" | b"hvb" | b"hvr" | b"hvs" | b"ya29")
                        ) =>
                    {
                        if let Some((kind, length)) = first_of(DOTTED, rest(from), length + 1) {
                            tell(Hit::Token(kind, from, from + length));
                        }
                    }
                    Some(b'~') => {
                        if let Some((from, to)) = azure_client_secret(text, from, at, end) {
                            tell(Hit::Token(kinds::AZURE_SECRET, from, to));
                        }
                    }
                    Some(b':') => {
                        if rest(at).starts_with(b"://") {
                            tell(Hit::Authority(at));
                        } else if let Some((from, to)) = telegram(text, from, at, end) {
                            tell(Hit::Token(kinds::TELEGRAM_TOKEN, from, to));
                        }
                    }
                    Some(b'=') => {
                        let name = text.get(from..at).unwrap_or_default();
                        if let Some(length) = connection_key(name, rest(at + 1)) {
                            let from = at + 1;
                            // Its bytes are read.
                            at += length;
                            tell(Hit::Token(kinds::CONNECTION_STRING, from, from + length));
                        }
                    }
                    Some(_) | None => {}
                }
            }
            start = None;
            at += 1;
        }
    }

    /// The kind of a text that is one token and nothing else.
    pub(super) fn whole(&self, text: &[u8]) -> Option<&'static Kind> {
        let mut kind = None;
        self.search(text, 0..text.len(), |hit| {
            if let Hit::Token(found, 0, end) = hit
                && end == text.len()
            {
                kind = Some(found);
            }
        });
        kind
    }

    fn word(&self, text: &[u8], length: usize, mut tell: impl FnMut(&'static Kind, usize)) {
        let first = text.first().copied().unwrap_or(0);
        let Some(&(from, to)) = self.by_first.get(usize::from(first)) else {
            return;
        };
        let forms = FORMS
            .get(usize::from(from)..usize::from(to))
            .unwrap_or_default();
        if let Some((kind, length)) = first_of(forms, text, length) {
            tell(kind, length);
        } else if let Some(length) = azure_devops(text, length) {
            tell(kinds::AZURE_SECRET, length);
        }
    }
}

/// Letters, digits, `_`, `-`.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        #[allow(clippy::indexing_slicing, reason = "a byte is within 256")]
        {
            table[byte as usize] = is_word(byte);
        }
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table
};

/// The first form that fits the text, whose first word has that length.
fn first_of(forms: &[Form], text: &[u8], word: usize) -> Option<(&'static Kind, usize)> {
    forms.iter().find_map(|form| {
        let behind = text.strip_prefix(form.prefix.as_bytes())?;
        let length = match form.body {
            Body::Told(tell) => tell(text, word)?,
            Body::Crc => {
                let body = behind.get(..36)?;
                let ends = !behind.get(36).is_some_and(u8::is_ascii_alphanumeric);
                (ends && has_crc(body) && is_varied(body)).then_some(form.prefix.len() + 36)?
            }
            Body::Of(class, least, most) => {
                let body = text.get(form.prefix.len()..word)?;
                let fits = (least..=most).contains(&body.len())
                    && body.iter().all(|&byte| class.has(byte))
                    && is_varied(body)
                    && !is_documented(text.get(..word)?);
                fits.then_some(word)?
            }
        };
        Some((form.kind, length))
    })
}

/// Keys that their vendor prints for everybody to try.
fn is_documented(token: &[u8]) -> bool {
    const KEYS: [[&str; 2]; 2] = [
        ["sk_test_4eC39Hq", "LyjWDarjtT1zdp7dc"],
        ["sk_test_BQokikJ", "OvBiI2HlWgH4olfQ2"],
    ];
    KEYS.iter().any(|[head, tail]| {
        token
            .strip_prefix(head.as_bytes())
            .is_some_and(|rest| rest == tail.as_bytes())
    })
}

/// Three parts with dots between them, of which the first is base64 of a JSON object that names an
/// algorithm (RFC 7515, RFC 7516; CodeArtifact's tokens are of the latter form). Other base64 of
/// JSON (cursors, say) is none.
fn jwt(text: &[u8], word: usize) -> Option<usize> {
    let head = text.get(..word.min(1024))?;
    let mut decoded = [0; 768];
    let whole = head.len() - head.len() % 4;
    let head = if word <= 1024 {
        head
    } else {
        head.get(..whole)?
    };
    let length = URL_SAFE_NO_PAD.decode_slice(head, &mut decoded).ok()?;
    let head = decoded.get(..length)?;
    if !holds(head, b"\"alg\"") && !holds(head, b"\"enc\"") {
        return None;
    }
    let mut end = word;
    for part in 0..4 {
        let behind = text.get(end..).unwrap_or_default();
        let Some(rest) = behind.strip_prefix(b".") else {
            break;
        };
        let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
        if length == 0 && part == 0 {
            // A JWE may have no key, but then has what follows it.
            if rest.first() != Some(&b'.') {
                return None;
            }
        }
        end += 1 + length;
    }
    (end >= word + 5).then_some(end)
}

/// Base64 that begins as session tokens of STS do, and is as long as they are.
fn session_token(text: &[u8], _: usize) -> Option<usize> {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let length = text.iter().take_while(|&&byte| is_part(byte)).count();
    (length >= 100 && is_varied(text.get(16..length)?)).then_some(length)
}

/// `-----BEGIN ... PRIVATE KEY`, its spaces written in any way.
fn pem(text: &[u8], _: usize) -> Option<usize> {
    let head = text.get(..text.len().min(64))?;
    let at = memchr::memmem::find(head, b"PRIVATE")?;
    let rest = head.get(at + b"PRIVATE".len()..)?;
    let key = memchr::memmem::find(rest, b"KEY").filter(|&gap| gap <= 3)?;
    let begin = at + b"PRIVATE".len() + key;
    let body = text.get(begin..)?;
    let length = body
        .iter()
        .take_while(|&&byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'+' | b'/' | b'=' | b'-' | b' ' | b'\r' | b'\n' | b'\\' | b'%'
                )
        })
        .count();
    Some(begin + length)
}

/// The same in base64 once more, as environment variables have it.
fn pem_in_base64(text: &[u8], _: usize) -> Option<usize> {
    let mut decoded = [0; 48];
    let length = decode(&STANDARD_NO_PAD, text.get(..64)?, &mut decoded)?;
    let head = decoded.get(..length)?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    (holds(head, b"PRIVATE KEY") || holds(head, b"PRIVATE "))
        .then(|| text.iter().take_while(|&&byte| is_part(byte)).count())
}

fn decode(engine: &GeneralPurpose, text: &[u8], out: &mut [u8]) -> Option<usize> {
    engine.decode_slice(text, out).ok()
}

fn github_fine(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(11..word)?;
    let cut = body.get(22) == Some(&b'_');
    let plain = |part: &[u8]| part.iter().all(u8::is_ascii_alphanumeric);
    let fits = body.len() == 82 && cut && plain(body.get(..22)?) && plain(body.get(23..)?);
    (fits && is_varied(body)).then_some(word)
}

fn github_refresh(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(4..word)?;
    let plain = body.iter().all(u8::is_ascii_alphanumeric) && is_varied(body);
    let fits = match body.len() {
        36 => has_crc(body),
        76 => plain,
        _ => false,
    };
    fits.then_some(word)
}

/// `ghs_` and an app's number before a JWT.
fn github_stateless(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(4..)?;
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let token = body.get(digits..)?.strip_prefix(b"_")?;
    let before = 4 + digits + 1;
    if !token.starts_with(b"eyJ") {
        return None;
    }
    Some(before + jwt(token, word.checked_sub(before)?)?)
}

fn databricks(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(4..word)?;
    let (hex, tail) = body.split_at_checked(32)?;
    let ends = match tail {
        [] => true,
        [b'-', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    (ends && hex.iter().all(u8::is_ascii_hexdigit) && is_varied(hex)).then_some(word)
}

fn anthropic(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(7..word)?;
    // What it is for, two digits: `api03`, `admin01`, `oat01`.
    let purpose = body
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let mark = body.get(purpose..purpose + 3)?;
    let [first, second, b'-'] = mark else {
        return None;
    };
    let secret = body.get(purpose + 3..)?;
    let fits = (2..=8).contains(&purpose)
        && first.is_ascii_digit()
        && second.is_ascii_digit()
        && (40..=200).contains(&secret.len());
    (fits && is_varied(secret)).then_some(word)
}

/// OpenAI's keys have a mark in their middle; services with its API have keys of one word. What is
/// cut into words by `-` is a name (`sk-learn-contrib`).
fn openai(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(3..word)?;
    if body.len() > 400 || !is_varied(body) {
        return None;
    }
    let mark = memchr::memmem::find(body, concat!("T3Bl", "bkFJ").as_bytes());
    let has_mark = mark.is_some_and(|at| at >= 16 && body.len() - at >= 20);
    let is_named = ["proj-", "svcacct-", "admin-", "None-", "or-v1-", "lf-"]
        .iter()
        .any(|name| {
            body.strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.len() >= 32)
        });
    let has = |test: fn(&u8) -> bool| body.iter().any(test);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    let is_one = body.len() >= 32 && body.iter().all(u8::is_ascii_alphanumeric);
    (has_mark || ((is_named || is_one) && is_mixed)).then_some(word)
}

/// Numbers and a secret, with `-` between them.
fn slack(text: &[u8], word: usize) -> Option<usize> {
    let body = text.get(5..word)?;
    let last = body.rsplit(|&byte| byte == b'-').next()?;
    let fits = (20..=300).contains(&body.len())
        && last.len() >= 16
        && body.iter().any(u8::is_ascii_digit)
        && is_varied(last);
    fits.then_some(word)
}

fn sendgrid(text: &[u8], _: usize) -> Option<usize> {
    let id = text.get(3..25)?;
    let rest = text.get(25..)?.strip_prefix(b".")?;
    let length = rest
        .iter()
        .take(44)
        .take_while(|&&byte| is_word(byte))
        .count();
    let secret = rest.get(..length)?;
    let fits = id.iter().all(|&byte| is_word(byte)) && secret.len() == 43 && is_varied(secret);
    fits.then_some(3 + 22 + 1 + 43)
}

/// After the dot a word of at least so many characters, drawn by chance.
fn dotted_word<const LEAST: usize>(text: &[u8], prefix: usize) -> Option<usize> {
    let rest = text.get(prefix..)?;
    let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
    let body = rest.get(..length)?;
    let has_both = body.iter().any(u8::is_ascii_digit) && body.iter().any(u8::is_ascii_alphabetic);
    (length >= LEAST && has_both && is_varied(body)).then_some(prefix + length)
}

/// `abc8Q~` and 31 to 34 characters: a client secret of Microsoft Entra.
fn azure_client_secret(text: &[u8], from: usize, at: usize, end: usize) -> Option<(usize, usize)> {
    let before = text.get(from..at)?;
    let [_, _, _, digit, b'Q'] = before else {
        return None;
    };
    let rest = text.get(at + 1..end)?;
    let is_part = |byte: u8| is_word(byte) || matches!(byte, b'.' | b'~');
    let length = rest
        .iter()
        .take(40)
        .take_while(|&&byte| is_part(byte))
        .count();
    let fits = digit.is_ascii_digit() && (31..=34).contains(&length);
    (fits && is_varied(rest.get(..length)?)).then_some((from, at + 1 + length))
}

/// 84 letters and digits with `AZDO` before the last four: a personal access token of Azure DevOps.
fn azure_devops(text: &[u8], word: usize) -> Option<usize> {
    let token = text.get(..word).filter(|token| token.len() == 84)?;
    let fits = token.get(76..80) == Some(b"AZDO") && token.iter().all(u8::is_ascii_alphanumeric);
    fits.then_some(word)
}

/// A bot's number, `:AA` and 33 characters.
fn telegram(text: &[u8], from: usize, at: usize, end: usize) -> Option<(usize, usize)> {
    let before = text.get(from..at)?;
    let digits = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_bot = matches!(before.get(..before.len() - digits)?, b"" | b"bot");
    let rest = text.get(at + 1..end)?;
    let length = rest
        .iter()
        .take(40)
        .take_while(|&&byte| is_word(byte))
        .count();
    let fits = is_bot && (8..=10).contains(&digits) && length == 35 && rest.starts_with(b"AA");
    (fits && is_varied(rest.get(..length)?)).then_some((at - digits, at + 1 + length))
}

/// `AccountKey=` and `SharedAccessKey=` of connection strings, with base64 of 64 or 32 bytes.
fn connection_key(name: &[u8], value: &[u8]) -> Option<usize> {
    let least = match name {
        b"AccountKey" => 80,
        b"SharedAccessKey" => 40,
        _ => return None,
    };
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let length = value
        .iter()
        .take(120)
        .take_while(|&&byte| is_part(byte))
        .count();
    (length >= least && is_varied(value.get(..length)?)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_before_a_dot_is_a_form() {
        let prefixes: Vec<&str> = DOTTED.iter().map(|form| form.prefix).collect();
        assert_eq!(prefixes, ["SG.", "hvb.", "hvr.", "hvs.", "ya29."]);
    }

    #[test]
    fn the_forms_are_sorted_and_fit_the_index() {
        assert!(FORMS.len() < 255);
        assert!(
            FORMS
                .iter()
                .zip(FORMS.iter().skip(1))
                .all(|(one, next)| one.prefix.as_bytes()[0] <= next.prefix.as_bytes()[0])
        );
        for form in FORMS {
            assert!(form.prefix.bytes().all(is_word), "{}", form.prefix);
        }
    }
}
