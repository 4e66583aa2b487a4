//! A head's fields, as whoever holds the head can look them up.

/// Looks up header fields by name, case-insensitively.
pub trait Fields {
    /// Hands over each value of `name`, in order.
    fn each<'a>(&'a self, name: &str, take: &mut dyn FnMut(&'a [u8]));

    /// What there is under `name`.
    fn field<'a>(&'a self, name: &str) -> Field<'a> {
        let mut found = Field::Absent;
        self.each(name, &mut |value| {
            found = match (found, text(value)) {
                (Field::Absent, Some(value)) => Field::One(value),
                (Field::Absent | Field::One(_) | Field::Unclear, _) => Field::Unclear,
            };
        });
        found
    }
}

/// What a head has under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    Absent,
    One(&'a str),
    /// Several, or bytes outside visible ASCII: what one reader takes for its value another does not.
    Unclear,
}

impl<'a> Field<'a> {
    /// The value, if there is exactly one.
    pub const fn one(self) -> Option<&'a str> {
        match self {
            Field::One(value) => Some(value),
            Field::Absent | Field::Unclear => None,
        }
    }

    pub const fn is_absent(self) -> bool {
        matches!(self, Field::Absent)
    }
}

/// Visible ASCII, space and tab, without the white space around it (RFC 9110, section 5.5).
pub(super) fn text(value: &[u8]) -> Option<&str> {
    let is_text = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    let text = str::from_utf8(value.trim_ascii()).ok()?;
    text.as_bytes().iter().all(is_text).then_some(text)
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Fields for [(N, V)] {
    fn each<'a>(&'a self, wanted: &str, take: &mut dyn FnMut(&'a [u8])) {
        for (name, value) in self {
            if name.as_ref().eq_ignore_ascii_case(wanted) {
                take(value.as_ref());
            }
        }
    }
}
