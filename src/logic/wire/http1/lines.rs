//! The lines of a head: CR LF only, no folding, no control bytes, within the limits.

use memchr::memchr;

use super::HeadError;
use super::HeadLimits;

/// A head as far as it is there.
pub(super) struct Lines<'a> {
    /// Without CR LF; none until it is complete.
    pub(super) start_line: Option<&'a [u8]>,
    /// The complete header lines with their CR LF, and the closing empty line once it is there.
    pub(super) fields: &'a [u8],
    /// How many header lines `fields` holds.
    pub(super) count: usize,
    /// What stops the reading behind `fields`.
    pub(super) fault: Option<HeadError>,
    /// The length of the head, once it is complete.
    pub(super) end: Option<usize>,
}

impl<'a> Lines<'a> {
    /// Splits what is there of a head into lines. A fault is the first in the order of bytes, so
    /// more bytes never change it.
    pub(super) fn split(bytes: &'a [u8], limits: HeadLimits) -> Lines<'a> {
        let window = bytes.get(..limits.bytes).unwrap_or(bytes);
        let mut lines = Lines {
            start_line: None,
            fields: &[],
            count: 0,
            fault: None,
            end: None,
        };
        let mut at = 0;
        let mut fields_at = 0;
        loop {
            let rest = window.get(at..).unwrap_or_default();
            let is_field = lines.start_line.is_some();
            let Some(line) = whole_line(rest, is_field) else {
                lines.fault = first_fault(rest, is_field);
                break;
            };
            let next = at + line.len() + 2;
            if !is_field {
                lines.start_line = Some(line);
                fields_at = next;
            } else if line.is_empty() {
                lines.end = Some(next);
                at = next;
                break;
            } else if lines.count == limits.headers {
                lines.fault = Some(HeadError::HeaderCount);
                break;
            } else {
                lines.count += 1;
            }
            at = next;
        }
        lines.fields = window.get(fields_at..at).unwrap_or_default();
        if lines.end.is_none() && lines.fault.is_none() && bytes.len() >= limits.bytes {
            lines.fault = Some(HeadError::HeadBytes);
        }
        lines
    }
}

/// The first line of `rest` without its CR LF, if it is whole and sound.
fn whole_line(rest: &[u8], is_field: bool) -> Option<&[u8]> {
    let line = rest.get(..memchr(b'\n', rest)?)?.strip_suffix(b"\r")?;
    // No early exit, so that the compiler can check many bytes at once.
    let sound = line
        .iter()
        .fold(true, |sound, byte| sound & !is_control(*byte));
    (sound && !(is_field && begins_blank(line))).then_some(line)
}

/// The first fault in a line that is not whole or not sound. `None`: it may yet become sound.
fn first_fault(rest: &[u8], is_field: bool) -> Option<HeadError> {
    if is_field && begins_blank(rest) {
        return Some(HeadError::FoldedLine);
    }
    let at = rest.iter().position(|byte| is_control(*byte))?;
    match (rest.get(at)?, rest.get(at + 1)) {
        (b'\n', _) => Some(HeadError::BareLf),
        (b'\r', None | Some(b'\n')) => None,
        (b'\r', Some(_)) => Some(HeadError::BareCr),
        _ => Some(HeadError::ControlByte),
    }
}

fn begins_blank(line: &[u8]) -> bool {
    line.first()
        .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
}

/// A tab is legal in values (RFC 9110, section 5.5); where it is not, the start line's own
/// readers say so.
const fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}
