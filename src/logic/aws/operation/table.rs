//! The generated table (`tools/operations.py`), searched where it lies: nothing is loaded, built or
//! cached. docs/aws-operations.md has the format.

static BYTES: &[u8] = include_bytes!("table.bin");

const HEADER: usize = 4;

/// A number of the table. Where the table is broken, which a test rules out, nothing is found.
fn number<const N: usize>(at: usize) -> Option<usize> {
    let bytes = BYTES.get(at..at.checked_add(N)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    )
}

fn text(at: usize) -> Option<&'static str> {
    let start = at.checked_add(1)?;
    let end = start.checked_add(number::<1>(at)?)?;
    str::from_utf8(BYTES.get(start..end)?).ok()
}

/// Reads on from a place.
struct Reader(usize);

impl Reader {
    fn number<const N: usize>(&mut self) -> Option<usize> {
        let found = number::<N>(self.0)?;
        self.0 += N;
        Some(found)
    }

    fn text(&mut self) -> Option<&'static str> {
        text(self.number::<3>()?)
    }
}

/// One of AWS's APIs, by botocore's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: &'static str,
    /// Where its routes begin, if it has any.
    pub(super) routes: Option<Node>,
    pub(super) patterns: Patterns,
}

/// The labels that name a model in a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patterns {
    at: usize,
    count: usize,
}

impl Patterns {
    pub(super) fn hold(self, pattern: &str) -> bool {
        let mut reader = Reader(self.at);
        (0..self.count).any(|_| reader.text() == Some(pattern))
    }
}

/// The models that sign by one name.
#[derive(Debug, Clone)]
pub(super) struct Models {
    at: usize,
    left: usize,
}

impl Models {
    pub(super) fn find(service: &str) -> Option<Models> {
        const ENTRY: usize = 6;
        let start = number::<3>(HEADER)?;
        let mut low = 0;
        let mut high = number::<3>(HEADER + 3)?;
        while low < high {
            let middle = low.midpoint(high);
            let entry = start + middle * ENTRY;
            match text(number::<3>(entry)?)?.cmp(service) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let at = number::<3>(entry + 3)?;
                    return Some(Models {
                        at: at + 1,
                        left: number::<1>(at)?,
                    });
                }
            }
        }
        None
    }
}

impl Iterator for Models {
    type Item = Model;

    fn next(&mut self) -> Option<Model> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader(self.at);
        let name = reader.text()?;
        let routes = reader.number::<3>()?;
        let count = reader.number::<1>()?;
        let patterns = Patterns {
            at: reader.0,
            count,
        };
        self.at = reader.0 + count * 3;
        Some(Model {
            name,
            routes: (routes != 0).then_some(Node(routes)),
            patterns,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Models {}

/// A place in the tree of path segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(usize);

impl Node {
    const CHILD: usize = 6;

    fn count(self) -> Option<usize> {
        number::<2>(self.0)
    }

    /// Where the fixed part behind the children begins.
    fn tail(self) -> Option<usize> {
        Some(self.0 + 2 + self.count()? * Node::CHILD)
    }

    /// By a segment that stands there as it is.
    pub(super) fn literal(self, segment: &str) -> Option<Node> {
        let mut low = 0;
        let mut high = self.count()?;
        while low < high {
            let middle = low.midpoint(high);
            let child = self.0 + 2 + middle * Node::CHILD;
            match text(number::<3>(child)?)?.cmp(segment) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return number::<3>(child + 3).map(Node),
            }
        }
        None
    }

    /// By a segment of any content.
    pub(super) fn label(self) -> Option<Node> {
        let at = number::<3>(self.tail()?)?;
        (at != 0).then_some(Node(at))
    }

    /// By one or more segments of any content.
    pub(super) fn rest(self) -> Option<Node> {
        let at = number::<3>(self.tail()? + 3)?;
        (at != 0).then_some(Node(at))
    }

    /// Whether paths go on behind it.
    pub(super) fn goes_on(self) -> bool {
        self.count() != Some(0) || self.label().is_some() || self.rest().is_some()
    }

    /// The operations whose path ends here.
    pub(super) fn routes(self) -> Routes {
        let count = || number::<1>(self.tail()? + 6);
        Routes {
            at: self.tail().map_or(0, |tail| tail + 7),
            left: count().unwrap_or(0),
        }
    }
}

/// The routes of a node.
pub(super) struct Routes {
    at: usize,
    left: usize,
}

/// An operation by its method, and by what its query and head have to have.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) operation: &'static str,
    /// The names of the path's labels in order, joined by `/`.
    pub(super) labels: &'static str,
    pub(super) conditions: Conditions,
}

/// What a request has to have beside method and path.
#[derive(Clone)]
pub(super) struct Conditions {
    at: usize,
    pub(super) left: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Present(&'static str),
    Equal(&'static str, &'static str),
    /// A field of the head, not of the query.
    Field(&'static str),
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];

impl Iterator for Routes {
    type Item = Route;

    fn next(&mut self) -> Option<Route> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader(self.at);
        let method = METHODS.get(reader.number::<1>()?)?;
        let operation = reader.text()?;
        let labels = reader.text()?;
        let left = reader.number::<1>()?;
        let conditions = Conditions { at: reader.0, left };
        let mut all = conditions.clone();
        all.by_ref().for_each(drop);
        self.at = all.at;
        Some(Route {
            method,
            operation,
            labels,
            conditions,
        })
    }
}

impl Iterator for Conditions {
    type Item = Condition;

    fn next(&mut self) -> Option<Condition> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader(self.at);
        let kind = reader.number::<1>()?;
        let name = reader.text()?;
        let condition = match kind {
            0 => Condition::Present(name),
            1 => Condition::Equal(name, reader.text()?),
            _ => Condition::Field(name),
        };
        self.at = reader.0;
        Some(condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every node under `node`, walked through once, with its routes counted.
    fn count(node: Node, depth: usize) -> usize {
        assert!(depth < 40);
        let children = (0..node.count().unwrap()).map(|place| {
            let child = node.0 + 2 + place * Node::CHILD;
            let segment = text(number::<3>(child).unwrap()).unwrap();
            assert!(
                !segment.is_empty() && !segment.contains(['/', '{']),
                "{segment}"
            );
            let found = node.literal(segment).unwrap();
            assert_eq!(Some(found.0), number::<3>(child + 3), "{segment}");
            found
        });
        let below: usize = children
            .chain(node.label())
            .chain(node.rest())
            .map(|child| count(child, depth + 1))
            .sum();
        let routes = node.routes();
        let (expected, mut found) = (routes.left, 0);
        for route in routes {
            assert!(!route.operation.is_empty());
            let conditions = route.conditions.left;
            assert_eq!(route.conditions.count(), conditions, "{}", route.operation);
            found += 1;
        }
        assert_eq!(found, expected);
        below + found
    }

    #[test]
    fn the_whole_table_can_be_read() {
        assert_eq!(BYTES.get(..HEADER), Some(b"ogo1".as_slice()));
        let start = number::<3>(HEADER).unwrap();
        let services = number::<3>(HEADER + 3).unwrap();
        assert_eq!(start + services * 6, BYTES.len());
        let (mut models, mut routes) = (0, 0);
        for place in 0..services {
            let service = text(number::<3>(start + place * 6).unwrap()).unwrap();
            let found = Models::find(service).unwrap();
            let expected = found.len();
            let mut several = 0;
            for model in found {
                several += 1;
                routes += model.routes.map_or(0, |root| count(root, 0));
            }
            assert_eq!(several, expected, "{service}");
            models += several;
        }
        assert!(
            services > 300 && models > 400 && routes > 10_000,
            "{services} {models} {routes}"
        );
        assert!(Models::find("").is_none() && Models::find("zzz").is_none());
    }
}
