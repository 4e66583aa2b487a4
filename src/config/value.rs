//! Values by kind: what a key takes, read from TOML or from text.

use std::fmt;
use std::time::Duration;

use crate::config::keys::Item;
use crate::config::keys::Kind;
use crate::config::origin::Origin;

/// A value that is right for its key's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Bool(bool),
    /// An integer or a size in bytes.
    Number(u64),
    Duration(Duration),
    Text(String),
    List(Vec<Entry>),
    /// A list of numbers.
    Ports(Vec<u16>),
}

/// One entry of a list, with its own line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sited {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A value as its source gave it, before the kind is asked.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    Bool(bool),
    Number(i128),
    Text(String),
    /// Text from outside TOML that is nothing but text.
    Unquoted(String),
    List(Vec<(Raw, Origin)>),
    /// Something no key takes, by its name in TOML.
    Other(&'static str),
}

impl Raw {
    /// Text from a variable or a flag, as `kind` would be written.
    pub(super) fn from_text(kind: &Kind, texts: &[String], origin: &Origin) -> Raw {
        let whole = texts.join(",");
        let list = |item: Item| {
            // A flag is given once for each entry, so a path in it may hold a comma.
            let whole_paths = item == Item::Path && matches!(origin, Origin::Flag(_));
            let entries: Vec<&str> = if whole_paths {
                texts.iter().map(String::as_str).collect()
            } else {
                let parts = whole.split(',').map(str::trim);
                parts.filter(|text| !text.is_empty()).collect()
            };
            let raw = |text: &str| match text.parse() {
                Ok(value) if item == Item::Port => Raw::Number(value),
                Ok(_) | Err(_) => Raw::Text(text.to_owned()),
            };
            let sited = |text| (raw(text), origin.clone());
            Raw::List(entries.into_iter().map(sited).collect())
        };
        match kind {
            Kind::Bool => match whole.as_str() {
                "true" | "1" => Raw::Bool(true),
                "false" | "0" => Raw::Bool(false),
                _ => Raw::Unquoted(whole),
            },
            Kind::Int { .. } => match whole.parse() {
                Ok(number) => Raw::Number(number),
                Err(_) => Raw::Unquoted(whole),
            },
            Kind::List(item) => list(*item),
            // What has no dot is a word, if a mistyped one, and not a host.
            Kind::WordOrList(_, item) if whole.contains(['.', ':']) => list(*item),
            Kind::WordOrList(..)
            | Kind::Word(_)
            | Kind::Size { .. }
            | Kind::Duration { .. }
            | Kind::Text(_) => Raw::Text(whole),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Raw::Bool(_) => "a boolean",
            Raw::Number(_) => "a number",
            Raw::Text(_) | Raw::Unquoted(_) => "a string",
            Raw::List(_) => "a list",
            Raw::Other(name) => name,
        }
    }
}

/// A value that does not fit, and the origin of the part that does not, where it has its own.
pub(super) struct Misfit {
    pub(super) message: String,
    pub(super) origin: Option<Origin>,
}

impl From<String> for Misfit {
    fn from(message: String) -> Misfit {
        Misfit {
            message,
            origin: None,
        }
    }
}

impl Kind {
    /// Reads a value; all that is wrong with it comes back at once.
    pub(super) fn read(&self, raw: Raw) -> Result<Value, Vec<Misfit>> {
        let wrong = |raw: &Raw| vec![format!("wants {self}, not {}", raw.name()).into()];
        match (self, raw) {
            (Kind::Bool, Raw::Bool(value)) => Ok(Value::Bool(value)),
            (Kind::Word(words), Raw::Text(text))
            | (Kind::WordOrList(words, _), Raw::Text(text)) => {
                if words.contains(&text.as_str()) {
                    return Ok(Value::Text(text));
                }
                Err(vec![not_one_of(&text, words, self).into()])
            }
            (Kind::Int { min, max }, Raw::Number(number)) => {
                ranged(number, *min, *max).map(Value::Number)
            }
            (Kind::Size { min, max }, Raw::Number(number)) => {
                ranged(number, *min, *max).map(Value::Number)
            }
            (Kind::Size { min, max }, Raw::Text(text)) => match parse_size(&text) {
                Some(size) => ranged(size.into(), *min, *max).map(Value::Number),
                None => Err(vec![
                    format!("{text:?} is not a size; write bytes or \"64KiB\", \"1MiB\"").into(),
                ]),
            },
            (Kind::Duration { min, max }, Raw::Text(text)) => match parse_duration(&text) {
                Some(span) if span < *min || span > *max => Err(vec![
                    format!(
                        "{text:?} is out of bounds; it goes from {} to {}",
                        Span(*min),
                        Span(*max)
                    )
                    .into(),
                ]),
                Some(span) => Ok(Value::Duration(span)),
                None => Err(vec![
                    format!(
                        "{text:?} is not a duration; write \"500ms\", \"10s\", \"5m\" or \"1h\""
                    )
                    .into(),
                ]),
            },
            (Kind::Text(_), Raw::Text(text)) => Ok(Value::Text(text)),
            (Kind::List(item), Raw::List(raws)) | (Kind::WordOrList(_, item), Raw::List(raws)) => {
                item.read(raws)
            }
            (_, Raw::Unquoted(text)) => Err(vec![format!("{text:?} is not {self}").into()]),
            (Kind::List(_), Raw::Text(text)) => Err(vec![
                format!("wants {self}, not a string; write [{text:?}]").into(),
            ]),
            (_, raw) => Err(wrong(&raw)),
        }
    }
}

impl Item {
    fn read(&self, raws: Vec<(Raw, Origin)>) -> Result<Value, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mut texts = Vec::new();
        let mut ports = Vec::new();
        for (raw, origin) in raws {
            match (self, raw) {
                (Item::Port, Raw::Number(number)) => match u16::try_from(number) {
                    Ok(port) if port != 0 => ports.push(port),
                    Ok(_) | Err(_) => misfits.push(Misfit {
                        message: format!("{number} is not a port (1 to 65535)"),
                        origin: Some(origin),
                    }),
                },
                (Item::Port, raw) => misfits.push(Misfit {
                    message: format!("wants numbers from 1 to 65535, not {}", raw.name()),
                    origin: Some(origin),
                }),
                (_, Raw::Text(text)) => texts.push(Entry { text, origin }),
                (_, raw) => misfits.push(Misfit {
                    message: format!(
                        "wants strings in its list, not {}; put it in quotes",
                        raw.name()
                    ),
                    origin: Some(origin),
                }),
            }
        }
        match self {
            _ if !misfits.is_empty() => Err(misfits),
            Item::Port => Ok(Value::Ports(ports)),
            _ => Ok(Value::List(texts)),
        }
    }
}

fn not_one_of(text: &str, words: &[&str], kind: &Kind) -> String {
    let near = nearest(text, words.iter().copied());
    let meant = near.map_or(String::new(), |word| format!("; did you mean \"{word}\"?"));
    format!("{text:?} is not {kind}{meant}")
}

/// The candidate that was probably meant.
pub(super) fn nearest<'a>(
    text: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let text = plain(text);
    candidates
        .map(|word| (strsim::damerau_levenshtein(&text, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

fn ranged(number: i128, min: u64, max: u64) -> Result<u64, Vec<Misfit>> {
    match u64::try_from(number) {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        Ok(_) | Err(_) => Err(vec![
            format!("{number} is out of bounds; it goes from {min} to {max}").into(),
        ]),
    }
}

/// `64KiB`, `1MiB`, `2GiB`, with KB and K as people write them: all powers of 1024.
fn parse_size(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A number and a unit, from `ms` to `d`.
fn parse_duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(end)?;
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let total = digits.parse::<u64>().ok()?.checked_mul(millis)?;
    Some(Duration::from_millis(total))
}

/// A duration as the settings write it.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            0 => f.write_str("0s"),
            _ if millis.is_multiple_of(86_400_000) => write!(f, "{}d", millis / 86_400_000),
            _ if millis.is_multiple_of(3_600_000) => write!(f, "{}h", millis / 3_600_000),
            _ if millis.is_multiple_of(60_000) => write!(f, "{}m", millis / 60_000),
            _ if millis.is_multiple_of(1000) => write!(f, "{}s", millis / 1000),
            _ => write!(f, "{millis}ms"),
        }
    }
}

/// As TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        match self {
            Value::Bool(value) => value.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::Duration(span) => write!(f, "\"{}\"", Span(*span)),
            Value::Text(text) => f.write_str(&quoted(text)),
            Value::List(entries) => f.write_str(&list(
                entries.iter().map(|entry| quoted(&entry.text)).collect(),
            )),
            Value::Ports(ports) => f.write_str(&list(ports.iter().map(u16::to_string).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_and_durations() {
        let sizes = [
            ("65536", Some(65_536)),
            ("64KiB", Some(65_536)),
            ("64 KiB", Some(65_536)),
            ("1m", Some(1 << 20)),
            ("1.5MiB", None),
            ("KiB", None),
            ("-1", None),
            ("99999999999GiB", None),
        ];
        for (text, size) in sizes {
            assert_eq!(parse_size(text), size, "{text}");
        }
        let spans = [
            ("500ms", Some(500)),
            ("10s", Some(10_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("1d", Some(86_400_000)),
            ("10", None),
            ("s", None),
            ("1h30m", None),
            ("-1s", None),
            ("99999999999999999999s", None),
        ];
        for (text, millis) in spans {
            assert_eq!(
                parse_duration(text),
                millis.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_shown_duration_reads_back(millis in 0u64..=40 * 86_400_000) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&Span(span).to_string()), Some(span));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = parse_size(&text);
            let _ = parse_duration(&text);
        }
    }
}
