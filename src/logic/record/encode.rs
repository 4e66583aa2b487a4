//! A line's text: JSON without the parts that the chain adds, bounded and safe to print.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

use super::{Event, EventKind, Line};

/// The text of one line between `"seq":N,` and `,"prev"`: ready for the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(Vec<u8>);

impl Body {
    /// The body of a decision or completion.
    pub fn line(line: &Line) -> Body {
        Body(object_inside(line))
    }

    /// The body of an event; a `file` event is a stage of its own.
    pub fn event(event: &Event) -> Body {
        #[derive(Serialize)]
        struct File<'a> {
            time: &'a str,
            stage: &'static str,
            file: &'a serde_json::Value,
        }
        #[derive(Serialize)]
        struct Staged<'a> {
            time: &'a str,
            stage: &'static str,
            event: EventKind,
            detail: &'a serde_json::Value,
        }
        Body(match event.kind {
            EventKind::File => object_inside(&File {
                time: &event.time,
                stage: "file",
                file: &event.detail,
            }),
            EventKind::Start
            | EventKind::Stop
            | EventKind::Policy
            | EventKind::Gap
            | EventKind::Mended
            | EventKind::ClientError => object_inside(&Staged {
                time: &event.time,
                stage: "event",
                event: event.kind,
                detail: &event.detail,
            }),
        })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `text` if it has at most `max` bytes, else its beginning with a note of the whole length.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!(
        "{}…[cut from {} bytes]",
        text.get(..end).unwrap_or_default(),
        text.len()
    )
}

/// The members of `value`, which is a struct, without the braces around them.
fn object_inside(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Printable);
    // A struct of strings and numbers has no way to fail into a Vec.
    if value.serialize(&mut serializer).is_err() || out.len() < 2 {
        return br#""error":"a record could not be encoded""#.to_vec();
    }
    out.pop();
    out.remove(0);
    out
}

/// JSON whose strings cannot steer a terminal: bidi controls are escaped too (JSON itself
/// escapes only U+0000 to U+001F).
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        let mut bytes = [0; 4];
        for c in fragment.chars() {
            if crate::model::is_unprintable(c) {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_all(c.encode_utf8(&mut bytes).as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…[cut from 4 bytes]");
        assert_eq!(cut("aé", 2), "a…[cut from 3 bytes]");
    }

    #[test]
    fn nothing_in_a_string_reaches_a_terminal_raw() {
        let event = Event {
            time: "t".to_owned(),
            kind: EventKind::ClientError,
            detail: serde_json::json!({ "x": "a\u{202e}b\u{1b}[31m\u{85}é" }),
        };
        let text = String::from_utf8(Body::event(&event).as_bytes().to_vec()).unwrap();
        assert!(text.contains(r"a\u202eb\u001b[31m\u0085é"), "{text}");
    }
}
