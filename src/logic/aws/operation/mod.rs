//! What a request to AWS asks for, by its head and, of form bodies, its first bytes.
//!
//! A service is believed to read what its protocol reads and nothing else: a header cannot give the
//! name of one operation to a request that S3 takes by its path for another. Where a request names
//! two operations in two places, none is believed. docs/aws-operations.md has the exceptions.

mod access;
mod registry;
mod route;
mod rpc;
mod s3;
mod table;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::classify::Endpoint;
use super::classify::Operator;
use super::classify::pattern;
use super::fields::Fields;
pub use access::Access;
use table::Model;
use table::Models;

/// A request, as far as it says what it asks for.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a, F: ?Sized> {
    pub endpoint: &'a Endpoint,
    /// Canonical.
    pub host: &'a str,
    pub method: &'a str,
    /// As it was sent, without the query.
    pub path: &'a str,
    /// As it was sent, without the question mark.
    pub query: &'a str,
    pub fields: &'a F,
    /// The first bytes of the body, as many as there are at hand.
    pub body: &'a [u8],
    /// Whether that is all of it.
    pub body_is_whole: bool,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<'a> {
    pub name: Cow<'a, str>,
    pub access: Access,
    /// What the path (of S3 also the host) calls its parts: `FunctionName`, `Bucket`, `Key`.
    pub labels: Vec<(&'static str, Cow<'a, str>)>,
}

impl Operation<'_> {
    fn new<'a>(name: Cow<'a, str>, labels: Vec<(&'static str, Cow<'a, str>)>) -> Operation<'a> {
        Operation {
            access: Access::of(&name),
            name,
            labels,
        }
    }

    /// What the path calls by this name.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find_map(|(known, value)| (*known == name).then_some(value.as_ref()))
    }
}

/// The operation that `call` asks of `service`, which is a signing name.
pub fn operation<'a, F: Fields + ?Sized>(
    service: &str,
    call: &Call<'a, F>,
) -> Option<Operation<'a>> {
    if call.endpoint.operator == Operator::Customer {
        return None;
    }
    if registry::is_registry(service, call.host) {
        return registry::operation(call);
    }
    if s3::is_s3(service) {
        return s3::operation(service, call);
    }
    let Some(models) = Models::find(service) else {
        // Nobody knows how it is spoken to, so only what names an operation outright counts.
        return rpc::operation(call);
    };
    let models = those_of_host(models, call.host);
    let mut found: Option<Operation<'a>> = None;
    let has_rpc = models.clone().any(|model| model.routes.is_none());
    let by_name = has_rpc.then(|| rpc::operation(call)).flatten();
    let by_route = models.filter_map(|model| by_route(model, call));
    for operation in by_name.into_iter().chain(by_route) {
        if found
            .as_ref()
            .is_some_and(|found| found.name != operation.name)
        {
            return None;
        }
        found.get_or_insert(operation);
    }
    found
}

/// Of several models, those whose hosts are called like this one; all, if none is.
fn those_of_host(models: Models, host: &str) -> impl Iterator<Item = Model> + Clone + use<> {
    let pattern = (models.len() > 1).then(|| pattern(host)).flatten();
    let is_called = move |model: &Model| {
        pattern
            .as_deref()
            .is_some_and(|pattern| model.patterns.hold(pattern))
    };
    let is_any = models.clone().any(|model| is_called(&model));
    let kept: Vec<Model> = models.filter(|model| !is_any || is_called(model)).collect();
    kept.into_iter()
}

fn by_route<'a, F: Fields + ?Sized>(model: Model, call: &Call<'a, F>) -> Option<Operation<'a>> {
    // What is before and behind them a service may leave out, or may not.
    if call.path.split('/').any(is_dots) {
        return None;
    }
    let found = route::find(model.routes?, call.path, call, Vec::new())?;
    Some(Operation::new(
        Cow::Borrowed(found.operation),
        labels(found.labels, &found.values),
    ))
}

fn is_dots(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while let Some(behind) = strip_dot(rest) {
        dots += 1;
        rest = behind;
    }
    rest.is_empty() && (1..=2).contains(&dots)
}

fn strip_dot(text: &str) -> Option<&str> {
    text.strip_prefix('.')
        .or_else(|| text.strip_prefix("%2e"))
        .or_else(|| text.strip_prefix("%2E"))
}

/// The labels by name, decoded. One that cannot be decoded is as it was sent.
fn labels<'a>(names: &'static str, values: &[&'a str]) -> Vec<(&'static str, Cow<'a, str>)> {
    let decoded = |value: &&'a str| super::percent::decode(value).unwrap_or(Cow::Borrowed(*value));
    names.split('/').zip(values.iter().map(decoded)).collect()
}
