//! A bounded reader over a message that is whole: whatever is missing or left over is an error.

/// A message does not have the form that its RFC gives it. Says which part, never the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Reads from the front of a slice; a read that runs past its end fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// What is being read, for the error.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest: bytes, what }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Malformed(self.what))?;
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Malformed(self.what))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Result<usize, Malformed> {
        let [a, b, c] = self.array()?;
        Ok((usize::from(a) << 16) | (usize::from(b) << 8) | usize::from(c))
    }

    /// A vector with a length of one byte.
    pub(super) fn vec8(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// A vector with a length of two bytes.
    pub(super) fn vec16(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// A vector with a length of three bytes.
    pub(super) fn vec24(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u24()?;
        self.take(length)
    }

    /// A vector of code points, not empty, with a length of two bytes.
    pub(super) fn codes16(&mut self) -> Result<Vec<u16>, Malformed> {
        let bytes = self.vec16()?;
        codes(bytes, self.what)
    }

    /// A vector of code points, not empty, with a length of one byte.
    pub(super) fn codes8(&mut self) -> Result<Vec<u16>, Malformed> {
        let bytes = self.vec8()?;
        codes(bytes, self.what)
    }

    /// Nothing may be left.
    pub(super) const fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed(self.what))
        }
    }
}

fn codes(bytes: &[u8], what: &'static str) -> Result<Vec<u16>, Malformed> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() {
        return Err(Malformed(what));
    }
    Ok(pairs.iter().copied().map(u16::from_be_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut reader = Reader::new(&[0, 3, 1, 2], "x");
        assert_eq!(reader.vec16(), Err(Malformed("x")));
        let mut reader = Reader::new(&[0, 0, 2, 1, 2, 9], "x");
        assert_eq!(reader.vec24(), Ok(&[1u8, 2][..]));
        assert_eq!(reader.end(), Err(Malformed("x")));
        assert_eq!(Reader::new(&[], "x").end(), Ok(()));
    }

    #[test]
    fn lists_are_even_and_not_empty() {
        assert_eq!(
            Reader::new(&[0, 4, 1, 2, 3, 4], "x").codes16(),
            Ok(vec![0x0102, 0x0304])
        );
        assert!(Reader::new(&[0, 0], "x").codes16().is_err());
        assert!(Reader::new(&[3, 1, 2, 3], "x").codes8().is_err());
    }
}
