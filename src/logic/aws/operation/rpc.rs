//! Operations that a request names outright: `X-Amz-Target` (AWS JSON), `Action` (query and EC2), the
//! path of Smithy's RPC v2. A service may speak several of these, so all have to agree.

use std::borrow::Cow;

use super::Call;
use super::Operation;
use crate::logic::aws::fields::Field;
use crate::logic::aws::fields::Fields;
use crate::logic::aws::percent;

/// The names found so far.
#[derive(Default)]
struct Named<'a> {
    name: Option<Cow<'a, str>>,
    is_torn: bool,
}

impl<'a> Named<'a> {
    fn add(&mut self, name: Option<Cow<'a, str>>) {
        match (name, &self.name) {
            (Some(name), None) if is_name(&name) => self.name = Some(name),
            (Some(name), Some(known)) if name == *known => {}
            (Some(_) | None, Some(_) | None) => self.is_torn = true,
        }
    }

    fn add_actions(&mut self, pairs: impl Iterator<Item = (&'a str, Option<&'a str>)>) {
        for (name, value) in pairs {
            let could_be = name.len() >= 6 && name.starts_with(['A', '%']);
            if could_be && percent::decode_form(name).is_some_and(|name| name == "Action") {
                self.add(percent::decode_form(value.unwrap_or_default()));
            }
        }
    }
}

/// The operation that all the places name.
pub(super) fn operation<'a, F: Fields + ?Sized>(call: &Call<'a, F>) -> Option<Operation<'a>> {
    let mut named = Named::default();
    match call.fields.field("x-amz-target") {
        Field::Absent => {}
        // `DynamoDB_20120810.ListTables`
        Field::One(target) => {
            let name = target.rsplit_once('.').map(|(_, name)| name);
            named.add(name.map(Cow::Borrowed));
        }
        Field::Unclear => named.is_torn = true,
    }
    if let Some(path) = call.path.strip_prefix("/service/") {
        let name = path.split_once("/operation/").map(|(_, name)| name);
        named.add(name.map(|name| Cow::Borrowed(name.strip_suffix('/').unwrap_or(name))));
    }
    named.add_actions(percent::pairs(call.query));
    if !call.body.is_empty() && may_be_form(call.fields) {
        named.add_actions(percent::pairs(form(call.body, call.body_is_whole)));
    }
    let name = named.name.filter(|_| !named.is_torn)?;
    Some(Operation::new(name, Vec::new()))
}

/// Some services take a form whatever its type says, so only what is surely none is left out.
fn may_be_form<F: Fields + ?Sized>(fields: &F) -> bool {
    let kind = fields.field("content-type").one().unwrap_or_default();
    ![
        "application/x-amz-json",
        "application/json",
        "application/cbor",
    ]
    .iter()
    .any(|other| {
        kind.get(..other.len())
            .is_some_and(|kind| kind.eq_ignore_ascii_case(other))
    })
}

/// What of a body can be read as a form: up to what is no text, and without a last pair that the
/// bytes at hand may have cut.
fn form(body: &[u8], is_whole: bool) -> &str {
    let text = match str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => body
            .get(..error.valid_up_to())
            .and_then(|valid| str::from_utf8(valid).ok())
            .unwrap_or_default(),
    };
    if is_whole && text.len() == body.len() {
        text.trim_ascii_end()
    } else {
        text.rsplit_once('&').map_or("", |(whole, _)| whole)
    }
}

fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
