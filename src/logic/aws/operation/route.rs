//! Method, path and query against the routes of a model.

use std::borrow::Cow;

use super::Call;
use super::table::Condition;
use super::table::Node;
use super::table::Route;
use crate::logic::aws::fields::Fields;
use crate::logic::aws::percent;

/// How many ends a label of several segments is tried with before it takes all that is left: more
/// than any path of the table has behind such a label.
const ENDS: usize = 4;

/// A route that fits.
pub(super) struct Found<'a> {
    pub(super) operation: &'static str,
    /// The names of `values`, joined by `/`.
    pub(super) labels: &'static str,
    /// The labels' contents as they were sent.
    pub(super) values: Vec<&'a str>,
    /// Whether the query or the head had a say.
    pub(super) is_conditional: bool,
}

/// Finds the operation of a path under `node`, where `values` are the labels that led there. A
/// literal counts before a label, and a label before one of several segments (Smithy's order).
pub(super) fn find<'a, F: Fields + ?Sized>(
    node: Node,
    path: &'a str,
    call: &Call<'a, F>,
    values: Vec<&'a str>,
) -> Option<Found<'a>> {
    let mut walk = Walk {
        call,
        values,
        budget: 4096,
    };
    let (route, is_conditional) =
        walk.at(node, path.strip_prefix('/').filter(|rest| !rest.is_empty()))?;
    Some(Found {
        operation: route.operation,
        labels: route.labels,
        values: walk.values,
        is_conditional,
    })
}

struct Walk<'a, 'c, F: ?Sized> {
    call: &'c Call<'a, F>,
    values: Vec<&'a str>,
    /// Steps that are left: no path may cost more than a few microseconds.
    budget: u32,
}

impl<'a, F: Fields + ?Sized> Walk<'a, '_, F> {
    /// `rest` is what is left of the path, without the slash before it. Segments that are empty do
    /// not count at the path's end.
    fn at(&mut self, node: Node, rest: Option<&'a str>) -> Option<(Route, bool)> {
        self.budget = self.budget.checked_sub(1)?;
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
            return self.chosen(node);
        };
        let (segment, behind) = match rest.split_once('/') {
            Some((segment, behind)) => (segment, Some(behind)),
            None => (rest, None),
        };
        let decoded = if segment.contains('%') {
            percent::decode(segment).unwrap_or_default()
        } else {
            Cow::Borrowed(segment)
        };
        if let Some(child) = node.literal(&decoded)
            && let Some(found) = self.at(child, behind)
        {
            return Some(found);
        }
        if !segment.is_empty()
            && let Some(child) = node.label()
            && let Some(found) = self.with(segment, child, behind)
        {
            return Some(found);
        }
        let child = node.rest()?;
        if child.goes_on() {
            for (end, _) in rest.rmatch_indices('/').take(ENDS) {
                let (value, behind) = rest.split_at_checked(end)?;
                let behind = behind.strip_prefix('/').filter(|behind| !behind.is_empty());
                if !value.is_empty()
                    && behind.is_some()
                    && let Some(found) = self.with(value, child, behind)
                {
                    return Some(found);
                }
            }
        }
        self.with(rest, child, None)
    }

    fn with(
        &mut self,
        value: &'a str,
        child: Node,
        rest: Option<&'a str>,
    ) -> Option<(Route, bool)> {
        self.values.push(value);
        let found = self.at(child, rest);
        if found.is_none() {
            self.values.pop();
        }
        found
    }

    /// The route with the most conditions, of those whose conditions all hold; none where two
    /// operations have equally many, since nobody can say which one the service reads.
    fn chosen(&self, node: Node) -> Option<(Route, bool)> {
        let mut best: Option<Route> = None;
        let mut is_tie = false;
        for route in node.routes() {
            if route.method != self.call.method {
                continue;
            }
            if !route
                .conditions
                .clone()
                .all(|condition| self.holds(condition))
            {
                continue;
            }
            let count = route.conditions.left;
            let so_far = best.as_ref().map(|best| best.conditions.left);
            if so_far.is_none_or(|most| count > most) {
                (best, is_tie) = (Some(route), false);
            } else if so_far == Some(count) {
                is_tie |= best
                    .as_ref()
                    .is_some_and(|best| best.operation != route.operation);
            }
        }
        best.filter(|_| !is_tie).map(|route| {
            let is_conditional = route.conditions.left > 0;
            (route, is_conditional)
        })
    }

    fn holds(&self, condition: Condition) -> bool {
        let has = |wanted: &str, value: Option<&str>| {
            percent::pairs(self.call.query).any(|(name, found)| {
                percent::decode_form(name).is_some_and(|name| name == wanted)
                    && value.is_none_or(|value| {
                        percent::decode_form(found.unwrap_or_default())
                            .is_some_and(|found| found == value)
                    })
            })
        };
        match condition {
            Condition::Present(name) => has(name, None),
            Condition::Equal(name, value) => has(name, Some(value)),
            Condition::Field(name) => !self.call.fields.field(name).is_absent(),
        }
    }
}
