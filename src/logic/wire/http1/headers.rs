//! Header fields in their order, each exactly as it was sent.

use std::fmt;

use super::HeadError;
use super::is_token_byte;
use super::trim;

/// The header lines of a head. Names keep their case, values their bytes, lines their spacing.
///
/// `Debug` shows names and lengths only: values hold credentials.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers {
    /// The lines, each with its CR LF.
    block: Vec<u8>,
    spans: Vec<Span>,
}

/// One field. `line` is the whole line without CR LF.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a str,
    /// Without the whitespace around it; any bytes but controls.
    pub value: &'a [u8],
    pub line: &'a [u8],
}

/// Offsets into the block; `start <= name_end < value_start <= value_end <= end`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    name_end: usize,
    value_start: usize,
    value_end: usize,
    end: usize,
}

/// Enough for nearly every head without asking the allocator.
const USUAL_FIELDS: usize = 64;

/// Whether a block of header lines is whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// Its closing empty line is there.
    Whole,
    /// More lines may follow.
    Begun,
}

impl Headers {
    /// Reads `count` complete lines that have passed the line reader. With [`Block::Begun`] they
    /// are only checked, and nothing is kept.
    pub(super) fn read(block: &[u8], count: usize, kind: Block) -> Result<Headers, HeadError> {
        let mut usual = [httparse::EMPTY_HEADER; USUAL_FIELDS];
        let mut many = Vec::new();
        let slots = match usual.get_mut(..count) {
            Some(slots) => slots,
            None => {
                many.resize(count, httparse::EMPTY_HEADER);
                many.as_mut_slice()
            }
        };
        let fields = match (httparse::parse_headers(block, slots), kind) {
            (Ok(httparse::Status::Complete((_, fields))), Block::Whole) => fields,
            (Ok(httparse::Status::Partial), Block::Begun) => return Ok(Headers::default()),
            // The line reader and httparse see different lines: two ways to read it.
            (Ok(_), _) => return Err(HeadError::HeaderLine),
            (Err(_), _) => return Err(diagnose(block)),
        };
        let mut headers = Headers {
            block: block.to_vec(),
            spans: Vec::with_capacity(fields.len()),
        };
        let mut start = 0;
        for (field, line) in fields.iter().zip(lines(block)) {
            let name_end = start + field.name.len();
            let after = line.get(field.name.len() + 1..).unwrap_or_default();
            let pad = after.len() - after.trim_ascii_start().len();
            // httparse drops the padding of an all-blank value from its other end.
            let pad = pad.min(after.len() - field.value.len());
            let value_start = name_end + 1 + pad;
            headers.spans.push(Span {
                start,
                name_end,
                value_start,
                value_end: value_start + field.value.len(),
                end: start + line.len(),
            });
            start += line.len() + 2;
        }
        if headers.spans.len() != count {
            return Err(HeadError::HeaderLine);
        }
        Ok(headers)
    }

    /// The fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.spans.iter().filter_map(|span| {
            Some(Field {
                name: str::from_utf8(self.block.get(span.start..span.name_end)?).ok()?,
                value: self.block.get(span.value_start..span.value_end)?,
                line: self.block.get(span.start..span.end)?,
            })
        })
    }

    /// The values of every field of that name, in their order; letter case does not count.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(|field| field.is(name))
            .map(|field| field.value)
    }

    /// The first value of that name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|field| field.is(name))
            .map(|field| field.value)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The length of all lines with their CR LF.
    pub(super) fn byte_len(&self) -> usize {
        self.block.len()
    }
}

impl Field<'_> {
    /// Whether the field has that name; letter case does not count.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ({} bytes)", self.name, self.value.len())
    }
}

/// The comma-separated members of `value`, trimmed, empty ones left out (RFC 9110, section
/// 5.6.1). For fields whose members are tokens; quoted commas are not known here.
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// The lines of a block without their CR LF.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

/// Names what httparse only calls an invalid name or value.
fn diagnose(block: &[u8]) -> HeadError {
    lines(block)
        .find_map(|line| field_line_fault(line).err())
        .unwrap_or(HeadError::HeaderLine)
}

/// Checks one header or trailer line (RFC 9112, section 5) and gives its name.
pub(super) fn field_line_fault(line: &[u8]) -> Result<&[u8], HeadError> {
    if line
        .first()
        .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
    {
        return Err(HeadError::FoldedLine);
    }
    if line
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
    {
        return Err(HeadError::ControlByte);
    }
    let colon = memchr::memchr(b':', line).ok_or(HeadError::HeaderLine)?;
    let name = line.get(..colon).unwrap_or_default();
    if name.last().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(HeadError::SpaceBeforeColon);
    }
    if name.is_empty() || !name.iter().copied().all(is_token_byte) {
        return Err(HeadError::HeaderName);
    }
    Ok(name)
}
