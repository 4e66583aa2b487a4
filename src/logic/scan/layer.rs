//! Percent-decoding in layers, each of which knows where its bytes came from.

/// A text: as given, or what a part of another decodes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) text: &'a [u8],
    /// The text that it was decoded from, and where in that it begins.
    pub(super) under: Option<(&'a Layer<'a>, usize)>,
}

impl Layer<'_> {
    /// Where the byte at `at` stands in the text as given.
    pub(super) fn origin(&self, at: usize) -> usize {
        let Some((under, start)) = self.under else {
            return at;
        };
        let mut from = start;
        for _ in 0..at {
            let rest = under.text.get(from..).unwrap_or_default();
            from += if escaped(rest).is_some() { 3 } else { 1 };
        }
        under.origin(from)
    }

    /// How often it was decoded.
    pub(super) fn depth(&self) -> u8 {
        self.under.map_or(0, |(under, _)| under.depth() + 1)
    }
}

/// Decodes into `out`, which is at least as long; gives the length. What is no escape stays.
pub(super) fn decode(text: &[u8], out: &mut [u8]) -> usize {
    let mut length = 0;
    let mut at = 0;
    for slot in out {
        let Some(&byte) = text.get(at) else {
            break;
        };
        *slot = byte;
        at += 1;
        length += 1;
        if byte == b'%'
            && let (Some(&high), Some(&low)) = (text.get(at), text.get(at + 1))
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            *slot = high * 16 + low;
            at += 2;
        }
    }
    length
}

/// The byte of the escape that the text begins with.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    Some(digit(*high)? * 16 + digit(*low)?)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_again_where_it_stood() {
        let text = b"a%2Fb%%20c%2";
        let whole = Layer { text, under: None };
        let mut out = [0; 16];
        let length = decode(&text[1..], &mut out);
        assert_eq!(&out[..length], b"/b% c%2");
        let layer = Layer {
            text: &out[..length],
            under: Some((&whole, 1)),
        };
        let origins: Vec<usize> = (0..=length).map(|at| layer.origin(at)).collect();
        assert_eq!(origins, [1, 4, 5, 6, 9, 10, 11, 12]);
        assert_eq!(layer.depth(), 1);
    }
}
