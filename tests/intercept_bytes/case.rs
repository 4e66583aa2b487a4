//! What a case says: which bytes go in at one end, which must come out at the other.

use crate::differences::Difference;
use crate::peer::{Leave, Seen};

/// A script for both ends, in one order.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: &'static str,
    pub scope: Scope,
    pub steps: Vec<Step>,
}

/// Where a case makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    /// About what only an interception does: its connections, its refusals.
    Inside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Origin,
}

#[derive(Debug, Clone)]
pub enum Step {
    Send(Side, Vec<u8>),
    See(Side, Expected<Vec<u8>>),
    /// The sender writes while the other side reads; for what fits in no buffer.
    Pour(Side, Vec<u8>),
    Leave(Side, Leave),
    End(Side, Expected<Seen>),
    /// The client gets a refusal with that status, and that rule if it is one's.
    Refusal(u16, Option<&'static str>),
    /// From here on the client's steps are those of a new connection.
    NewClient,
    /// From here on the origin's steps are those of the next connection.
    NextOrigin,
}

/// What must be seen: the same everywhere, or with permitted differences inside an interception.
#[derive(Debug, Clone)]
pub struct Expected<T> {
    pub unchanged: T,
    pub inside: Option<(&'static [Difference], T)>,
}

impl<T> Expected<T> {
    const fn same(unchanged: T) -> Expected<T> {
        Expected {
            unchanged,
            inside: None,
        }
    }
}

impl Case {
    pub const fn new(name: &'static str) -> Case {
        Case {
            name,
            scope: Scope::Everywhere,
            steps: Vec::new(),
        }
    }

    pub const fn inside(name: &'static str) -> Case {
        Case {
            name,
            scope: Scope::Inside,
            steps: Vec::new(),
        }
    }

    fn step(mut self, step: Step) -> Case {
        self.steps.push(step);
        self
    }

    /// The client sends it; the origin must see the same.
    pub fn up(self, bytes: impl AsRef<[u8]>) -> Case {
        self.sends(Side::Client, &bytes).sees(Side::Origin, bytes)
    }

    /// The origin sends it; the client must see the same.
    pub fn down(self, bytes: impl AsRef<[u8]>) -> Case {
        self.sends(Side::Origin, &bytes).sees(Side::Client, bytes)
    }

    /// As [`Case::up`], but for these differences, by which `inside` arrives.
    pub fn up_as(
        self,
        differences: &'static [Difference],
        bytes: impl AsRef<[u8]>,
        inside: impl AsRef<[u8]>,
    ) -> Case {
        self.sends(Side::Client, &bytes)
            .sees_as(Side::Origin, differences, bytes, inside)
    }

    /// As [`Case::down`], but for these differences, by which `inside` arrives.
    pub fn down_as(
        self,
        differences: &'static [Difference],
        bytes: impl AsRef<[u8]>,
        inside: impl AsRef<[u8]>,
    ) -> Case {
        self.sends(Side::Origin, &bytes)
            .sees_as(Side::Client, differences, bytes, inside)
    }

    /// A lot of bytes from the client.
    pub fn pour_up(self, bytes: Vec<u8>) -> Case {
        self.step(Step::Pour(Side::Client, bytes))
    }

    /// A lot of bytes from the origin.
    pub fn pour_down(self, bytes: Vec<u8>) -> Case {
        self.step(Step::Pour(Side::Origin, bytes))
    }

    pub fn client_sends(self, bytes: impl AsRef<[u8]>) -> Case {
        self.sends(Side::Client, bytes)
    }

    pub fn client_sees(self, bytes: impl AsRef<[u8]>) -> Case {
        self.sees(Side::Client, bytes)
    }

    pub fn client_sees_as(
        self,
        differences: &'static [Difference],
        unchanged: impl AsRef<[u8]>,
        inside: impl AsRef<[u8]>,
    ) -> Case {
        self.sees_as(Side::Client, differences, unchanged, inside)
    }

    pub fn origin_sends(self, bytes: impl AsRef<[u8]>) -> Case {
        self.sends(Side::Origin, bytes)
    }

    pub fn origin_sees(self, bytes: impl AsRef<[u8]>) -> Case {
        self.sees(Side::Origin, bytes)
    }

    pub fn origin_sees_as(
        self,
        differences: &'static [Difference],
        unchanged: impl AsRef<[u8]>,
        inside: impl AsRef<[u8]>,
    ) -> Case {
        self.sees_as(Side::Origin, differences, unchanged, inside)
    }

    fn sends(self, side: Side, bytes: impl AsRef<[u8]>) -> Case {
        self.step(Step::Send(side, bytes.as_ref().to_vec()))
    }

    fn sees(self, side: Side, bytes: impl AsRef<[u8]>) -> Case {
        self.step(Step::See(side, Expected::same(bytes.as_ref().to_vec())))
    }

    fn sees_as(
        self,
        side: Side,
        differences: &'static [Difference],
        unchanged: impl AsRef<[u8]>,
        inside: impl AsRef<[u8]>,
    ) -> Case {
        let (unchanged, inside) = (unchanged.as_ref().to_vec(), inside.as_ref().to_vec());
        assert!(
            unchanged != inside && !differences.is_empty(),
            "{}: a permission that nothing needs",
            self.name
        );
        self.step(Step::See(
            side,
            Expected {
                unchanged,
                inside: Some((differences, inside)),
            },
        ))
    }

    pub fn client_leaves(self, how: Leave) -> Case {
        self.step(Step::Leave(Side::Client, how))
    }

    pub fn origin_leaves(self, how: Leave) -> Case {
        self.step(Step::Leave(Side::Origin, how))
    }

    pub fn client_end(self, seen: Seen) -> Case {
        self.step(Step::End(Side::Client, Expected::same(seen)))
    }

    pub fn client_end_as(
        self,
        differences: &'static [Difference],
        unchanged: Seen,
        inside: Seen,
    ) -> Case {
        self.end_as(Side::Client, differences, unchanged, inside)
    }

    pub fn origin_end(self, seen: Seen) -> Case {
        self.step(Step::End(Side::Origin, Expected::same(seen)))
    }

    pub fn origin_end_as(
        self,
        differences: &'static [Difference],
        unchanged: Seen,
        inside: Seen,
    ) -> Case {
        self.end_as(Side::Origin, differences, unchanged, inside)
    }

    fn end_as(
        self,
        side: Side,
        differences: &'static [Difference],
        unchanged: Seen,
        inside: Seen,
    ) -> Case {
        assert!(unchanged != inside && !differences.is_empty());
        self.step(Step::End(
            side,
            Expected {
                unchanged,
                inside: Some((differences, inside)),
            },
        ))
    }

    pub fn client_refused(self, status: u16, rule: Option<&'static str>) -> Case {
        self.step(Step::Refusal(status, rule))
    }

    pub fn new_client(self) -> Case {
        self.step(Step::NewClient)
    }

    pub fn next_origin(self) -> Case {
        self.step(Step::NextOrigin)
    }

    /// The differences that the case shows.
    pub fn differences(&self) -> impl Iterator<Item = Difference> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::See(_, expected) => expected.inside.as_ref().map(|inside| inside.0),
                Step::End(_, expected) => expected.inside.as_ref().map(|inside| inside.0),
                _ => None,
            })
            .flatten()
            .copied()
    }
}
