//! ECR's registry (OCI Distribution Specification 1.1), by the actions that IAM asks for there.

use std::borrow::Cow;

use super::Call;
use super::Operation;

/// Whether a host is a registry, which speaks `/v2/` and nothing of ECR's own API.
pub(super) fn is_registry(service: &str, host: &str) -> bool {
    let is_word = |label: &str| matches!(label, "dkr" | "dkr-ecr" | "dkr-ecr-fips");
    match service {
        "ecr" => host.split('.').any(is_word),
        "ecr-public" => matches!(host, "public.ecr.aws" | "ecr-public.aws.com"),
        _ => false,
    }
}

pub(super) fn operation<'a, F: ?Sized>(call: &Call<'a, F>) -> Option<Operation<'a>> {
    let path = call.path.strip_prefix("/v2/")?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.split('/').any(super::is_dots) {
        return None;
    }
    if path == "_catalog" {
        let name = (call.method == "GET").then_some("DescribeRepositories")?;
        return Some(Operation::new(Cow::Borrowed(name), Vec::new()));
    }
    // A repository's name has slashes too, so the path is read from its end.
    let mut from_end = path.rsplitn(4, '/');
    let (last, second, third) = (from_end.next()?, from_end.next()?, from_end.next());
    let uploads = match (third, second, last) {
        (Some("blobs"), "uploads", _) => Some("/blobs/uploads/"),
        (_, "blobs", "uploads") => Some("/blobs/uploads"),
        _ => None,
    };
    let name = match (call.method, uploads, second) {
        ("POST", Some("/blobs/uploads"), _) => "InitiateLayerUpload",
        ("PATCH", Some("/blobs/uploads/"), _) => "UploadLayerPart",
        ("PUT", Some("/blobs/uploads/"), _) => "CompleteLayerUpload",
        ("GET" | "HEAD", None, "manifests") => "BatchGetImage",
        ("PUT", None, "manifests") => "PutImage",
        ("DELETE", None, "manifests") => "BatchDeleteImage",
        ("GET", None, "blobs") => "GetDownloadUrlForLayer",
        ("HEAD", None, "blobs") => "BatchCheckLayerAvailability",
        ("GET", None, "tags") if last == "list" => "ListImages",
        ("GET", None, "referrers") => "ListImageReferrers",
        _ => return None,
    };
    let end = match uploads {
        Some(uploads) => path.rfind(uploads)?,
        None => path.len().checked_sub(last.len() + second.len() + 2)?,
    };
    let repository = path.get(..end).filter(|name| !name.is_empty())?;
    let labels = vec![("repositoryName", Cow::Borrowed(repository))];
    Some(Operation::new(Cow::Borrowed(name), labels))
}
