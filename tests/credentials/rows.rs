//! Rows with their secrets drawn.

/// Always the same numbers for the same seed (SplitMix64).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    /// Characters of the alphabet; letters and digits at both ends, as tokens mostly have them.
    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let all = alphabet.as_bytes();
        let plain = alphabet.trim_end_matches(['-', '_', '+', '/']).len();
        (0..length)
            .map(|at| {
                let bound = if at == 0 || at + 1 == length {
                    plain
                } else {
                    all.len()
                };
                char::from(all[self.below(bound)])
            })
            .collect()
    }
}

const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split('\t').collect())
}

/// A template with its braces filled.
pub(crate) fn expand(template: &str, draw: &mut Draw) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let behind = &rest[open + 1..];
        let close = if behind.starts_with("json:") {
            behind.find("}}").map_or(behind.len(), |at| at + 1)
        } else {
            behind.find('}').unwrap_or(behind.len())
        };
        let close = if behind.starts_with("json:") && behind[close..].starts_with("}}") {
            close + 1
        } else {
            close
        };
        let field = &behind[..close];
        let (name, size) = field.split_once(':').unwrap_or((field, "0"));
        let count = size.parse().unwrap_or(0);
        match name {
            "hex" => text.push_str(&draw.text("0123456789abcdef", count)),
            "b62" => text.push_str(&draw.text(BASE62, count)),
            "word" => text.push_str(&draw.text(&format!("{BASE62}_-"), count)),
            "b64" => text.push_str(&draw.text(&format!("{BASE62}+/"), count)),
            "dec" => text.push_str(&draw.text("123456789", count)),
            "up" => text.push_str(&draw.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", count)),
            "crc" => {
                let body = draw.text(BASE62, 30);
                text.push_str(&body);
                text.push_str(&check_sum(body.as_bytes()));
            }
            "jwt" => {
                let claims = format!("{{\"sub\":\"{}\"}}", draw.text(BASE62, 12));
                text.push_str(&base64(br#"{"alg":"HS256","typ":"JWT"}"#));
                text.push('.');
                text.push_str(&base64(claims.as_bytes()));
                text.push('.');
                text.push_str(&draw.text(&format!("{BASE62}_-"), 43));
            }
            "json" => text.push_str(&base64(size.as_bytes())),
            "join" => {}
            // Braces of the URL itself.
            _ => {
                text.push('{');
                rest = behind;
                continue;
            }
        }
        rest = &behind[close + 1..];
    }
    text.push_str(rest);
    text
}

/// The token made wrong in several ways, each with its name.
pub(crate) fn broken(token: &str, template: &str) -> Vec<(&'static str, String)> {
    let prefix = template.find('{').unwrap_or(0);
    let (head, body) = token.split_at(prefix);
    let mut all = vec![
        (
            "cut short",
            format!("{head}{}", &body[..body.len().min(12)]),
        ),
        (
            "of one character",
            format!("{head}{}", "x".repeat(body.len())),
        ),
    ];
    if !head.is_empty() {
        all.push(("behind a letter", format!("x{token}")));
        all.push(("its prefix alone", head.to_owned()));
        all.push(("in the middle of a word", format!("some_{token}")));
    }
    if template.contains("{crc}") {
        let last = if token.ends_with('0') { "1" } else { "0" };
        let text = &token[..token.len() - 1];
        all.push(("with a wrong check sum", format!("{text}{last}")));
    }
    all
}

fn check_sum(text: &[u8]) -> String {
    let mut crc = u32::MAX;
    for &byte in text {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut value = !crc as usize;
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.push(char::from(BASE62.as_bytes()[value % 62]));
        value /= 62;
    }
    digits.iter().rev().collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[group >> (18 - 6 * place) & 63]));
        }
    }
    text
}
