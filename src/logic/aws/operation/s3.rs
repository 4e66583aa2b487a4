//! S3 in all its addressing styles, by the routes of its models.

use std::borrow::Cow;

use super::Call;
use super::Operation;
use super::labels;
use super::route;
use super::table::Models;
use super::table::Node;
use crate::logic::aws::classify::pattern;
use crate::logic::aws::fields::Fields;
use crate::logic::aws::percent;

pub(super) fn is_s3(service: &str) -> bool {
    matches!(
        service,
        "s3" | "s3express" | "s3-outposts" | "s3-object-lambda"
    )
}

/// Whose routes a host's paths are, and whether it names the bucket already.
enum Style<'a> {
    /// The bucket, or an access point that stands for one, is in the host.
    Hosted(Cow<'a, str>),
    Path,
    /// A bucket as a web site.
    Website(Cow<'a, str>),
    Control,
}

impl<'a> Style<'a> {
    fn of<F: ?Sized>(service: &str, call: &Call<'a, F>) -> Style<'a> {
        let pattern = pattern(call.host).unwrap_or_default();
        let bucket = call.endpoint.bucket.as_deref().map(Cow::Borrowed);
        let first = || call.host.split('.').next().unwrap_or_default();
        let has = |label: &str| call.host.split('.').any(|other| other == label);
        let is_named = |words: &[&str]| words.iter().any(|word| *word == pattern);
        if let Some(bucket) = bucket {
            return if pattern == "s3-website" {
                Style::Website(bucket)
            } else {
                Style::Hosted(bucket)
            };
        }
        if is_named(&["s3-control"])
            || (call.endpoint.private_link && has("control"))
            || (matches!(service, "s3-outposts" | "s3express")
                && call.path.starts_with("/v20180820/"))
        {
            return Style::Control;
        }
        // `NAME-ACCOUNT.s3-accesspoint.REGION`, `ALIAS.accesspoint.s3-global`, and the like.
        let is_point = is_named(&["s3-accesspoint", "s3-object-lambda", "s3-outposts"])
            || pattern.ends_with("s3-global")
            || (call.endpoint.private_link && has("accesspoint"));
        let own = ["s3", "accesspoint", "control"];
        if is_point && !own.iter().any(|word| first().starts_with(word)) {
            return Style::Hosted(Cow::Borrowed(first()));
        }
        Style::Path
    }
}

pub(super) fn operation<'a, F: Fields + ?Sized>(
    service: &str,
    call: &Call<'a, F>,
) -> Option<Operation<'a>> {
    if service == "s3-outposts" && call.path.starts_with("/S3Outposts/") {
        return super::by_route(Models::find("s3-outposts")?.next()?, call);
    }
    let routes = |name: &str| Models::find("s3")?.find(|model| model.name == name)?.routes;
    let root = routes("s3")?;
    let inside = root.label()?;
    match Style::of(service, call) {
        Style::Control => {
            let model = Models::find("s3")?.find(|model| model.name == "s3control")?;
            super::by_route(model, call)
        }
        Style::Website(bucket) => {
            let name = match call.method {
                "GET" => "GetObject",
                "HEAD" => "HeadObject",
                _ => return None,
            };
            let key = call.path.strip_prefix('/').unwrap_or(call.path);
            let mut labels = vec![("Bucket", bucket)];
            if !key.is_empty() {
                labels.push(("Key", percent::decode(key)?));
            }
            Some(Operation::new(Cow::Borrowed(name), labels))
        }
        Style::Hosted(bucket) => {
            if call.path == "/WriteGetObjectResponse" && service == "s3-object-lambda" {
                return at(root, call, None);
            }
            at(inside, call, Some(bucket))
        }
        Style::Path if is_root(call.path) && is_listing(call) => {
            // S3 Express lists its own buckets.
            let name = if service == "s3express" {
                "ListDirectoryBuckets"
            } else {
                "ListBuckets"
            };
            Some(Operation::new(Cow::Borrowed(name), Vec::new()))
        }
        Style::Path => at(root, call, None),
    }
}

fn is_root(path: &str) -> bool {
    matches!(path, "" | "/")
}

fn is_listing<F: ?Sized>(call: &Call<'_, F>) -> bool {
    call.method == "GET" && !has_unknown_subresource(call.query)
}

/// The operation under a node, behind the bucket if that is known already.
fn at<'a, F: Fields + ?Sized>(
    node: Node,
    call: &Call<'a, F>,
    bucket: Option<Cow<'a, str>>,
) -> Option<Operation<'a>> {
    let Some(found) = route::find(node, call.path, call, Vec::new()) else {
        return post_object(call, bucket);
    };
    if !found.is_conditional && has_unknown_subresource(call.query) {
        return None;
    }
    let name = Cow::Borrowed(found.operation);
    let labels = match bucket {
        None => labels(found.labels, &found.values),
        Some(bucket) => {
            let behind = found
                .labels
                .split_once('/')
                .map_or("", |(_, behind)| behind);
            let mut all = vec![("Bucket", bucket)];
            all.extend(labels(behind, &found.values));
            all
        }
    };
    Some(Operation::new(name, labels))
}

/// `?acl` is a subresource. One that no model has is an operation that nobody here can name; it is
/// none of those that need no subresource.
fn has_unknown_subresource(query: &str) -> bool {
    percent::pairs(query).any(|(_, value)| value.is_none())
}

/// A browser's upload: a form with its own policy and signature, which no model has.
fn post_object<'a, F: Fields + ?Sized>(
    call: &Call<'a, F>,
    bucket: Option<Cow<'a, str>>,
) -> Option<Operation<'a>> {
    let kind = call.fields.field("content-type").one()?;
    let form = "multipart/form-data";
    let is_form = kind.get(..form.len())?.eq_ignore_ascii_case(form);
    if call.method != "POST" || !is_form || !call.query.is_empty() {
        return None;
    }
    let path = call.path.strip_prefix('/').unwrap_or(call.path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let bucket = match bucket {
        Some(bucket) => bucket,
        None => percent::decode(path).filter(|name| !name.is_empty() && !name.contains('/'))?,
    };
    Some(Operation::new(
        Cow::Borrowed("PostObject"),
        vec![("Bucket", bucket)],
    ))
}
