use proptest::prelude::*;

use super::*;
use crate::logic::aws::Class;
use crate::logic::aws::classify;
use crate::model::Host;

/// A request by host, method, path with query, headers and body; `Operation label=value ...`.
fn told(
    host: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    body_is_whole: bool,
) -> String {
    let Class::Aws(endpoint) = classify(&Host::parse(host).unwrap()) else {
        return "other".to_owned();
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let call = Call {
        endpoint: &endpoint,
        host,
        method,
        path,
        query,
        fields: headers,
        body,
        body_is_whole,
    };
    let service = endpoint.service.clone().unwrap_or_default();
    let Some(operation) = operation(&service, &call) else {
        return "-".to_owned();
    };
    let mut told = format!("{} {}", operation.access.id(), operation.name);
    for (name, value) in &operation.labels {
        told.push_str(&format!(" {name}={value}"));
    }
    told
}

/// host, method and target, what is told
type Case = (&'static str, &'static str, &'static str);

fn check(cases: &[Case]) {
    for (host, asked, expected) in cases {
        let (method, target) = asked.split_once(' ').unwrap();
        assert_eq!(
            told(host, method, target, &[], b"", true),
            *expected,
            "{host} {asked}"
        );
    }
}

#[test]
fn s3_is_told_in_every_addressing_style() {
    check(&[
        ("s3.us-east-1.amazonaws.com", "GET /", "read ListBuckets"),
        (
            "s3.us-east-1.amazonaws.com",
            "GET /bucket",
            "read ListObjects Bucket=bucket",
        ),
        (
            "s3.us-east-1.amazonaws.com",
            "GET /bucket/?list-type=2&prefix=a%2F",
            "read ListObjectsV2 Bucket=bucket",
        ),
        (
            "s3.dualstack.us-east-1.amazonaws.com",
            "PUT /bucket/a/b%20c",
            "write PutObject Bucket=bucket Key=a/b c",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /a//b/",
            "write PutObject Bucket=bucket Key=a//b/",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /../x",
            "write PutObject Bucket=bucket Key=../x",
        ),
        (
            "my.bucket.s3-fips.dualstack.us-east-1.amazonaws.com",
            "HEAD /k",
            "read HeadObject Bucket=my.bucket Key=k",
        ),
        (
            "bucket.s3-accelerate.amazonaws.com",
            "GET /k?uploadId=x",
            "read ListParts Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "POST /k?uploads",
            "write CreateMultipartUpload Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "POST /k?uploadId=x",
            "write CompleteMultipartUpload Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /k?partNumber=1&uploadId=x",
            "write UploadPart Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "DELETE /k?uploadId=x",
            "write AbortMultipartUpload Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "DELETE /k?versionId=x",
            "write DeleteObject Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /k?tagging",
            "write PutObjectTagging Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "GET /k?acl=",
            "read GetObjectAcl Bucket=bucket Key=k",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /?acl",
            "write PutBucketAcl Bucket=bucket",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /?policy",
            "write PutBucketPolicy Bucket=bucket",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "POST /?delete",
            "write DeleteObjects Bucket=bucket",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "GET /?inventory",
            "read ListBucketInventoryConfigurations Bucket=bucket",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "GET /?inventory&id=x",
            "read GetBucketInventoryConfiguration Bucket=bucket",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "GET /k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0",
            "read GetObject Bucket=bucket Key=k",
        ),
        (
            "point-111122223333.s3-accesspoint.us-east-1.amazonaws.com",
            "GET /k",
            "read GetObject Bucket=point-111122223333 Key=k",
        ),
        (
            "alias.accesspoint.s3-global.amazonaws.com",
            "GET /k",
            "read GetObject Bucket=alias Key=k",
        ),
        (
            "point-111122223333.s3-object-lambda.us-east-1.amazonaws.com",
            "GET /k",
            "read GetObject Bucket=point-111122223333 Key=k",
        ),
        (
            "route.s3-object-lambda.us-east-1.amazonaws.com",
            "POST /WriteGetObjectResponse",
            "write WriteGetObjectResponse",
        ),
        (
            "bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
            "GET /?session",
            "write CreateSession Bucket=bucket--use1-az4--x-s3",
        ),
        (
            "s3express-control.us-east-1.amazonaws.com",
            "GET /",
            "read ListDirectoryBuckets",
        ),
        (
            "111122223333.s3-control.us-east-1.amazonaws.com",
            "GET /v20180820/accesspoint/name",
            "read GetAccessPoint name=name",
        ),
        (
            "bucket.vpce-0123-abcd.s3.us-east-1.vpce.amazonaws.com",
            "GET /bucket2/k",
            "read GetObject Bucket=bucket2 Key=k",
        ),
        (
            "amzn-bucket.bucket.vpce-0123-abcd.s3.us-east-1.vpce.amazonaws.com",
            "GET /k",
            "read GetObject Bucket=amzn-bucket Key=k",
        ),
        (
            "bucket.s3-website.eu-central-1.amazonaws.com",
            "GET /",
            "read GetObject Bucket=bucket",
        ),
        // Two operations at once, one that nobody knows, and no method of S3.
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /k?acl&tagging",
            "-",
        ),
        (
            "bucket.s3.us-east-1.amazonaws.com",
            "PUT /k?yetunknown",
            "-",
        ),
        ("bucket.s3.us-east-1.amazonaws.com", "OPTIONS /k", "-"),
    ]);
    let host = "bucket.s3.us-east-1.amazonaws.com";
    for (headers, asked, expected) in [
        (
            ("x-amz-copy-source", "from/k"),
            "/k",
            "write CopyObject Bucket=bucket Key=k",
        ),
        (
            ("X-Amz-Copy-Source", "from/k"),
            "/k?partNumber=1&uploadId=x",
            "write UploadPartCopy Bucket=bucket Key=k",
        ),
        // A name in a header is nothing to S3.
        (
            ("X-Amz-Target", "DynamoDB_20120810.ListTables"),
            "/k",
            "write PutObject Bucket=bucket Key=k",
        ),
    ] {
        assert_eq!(
            told(host, "PUT", asked, &[headers], b"", true),
            expected,
            "{asked}"
        );
    }
    let form = [("Content-Type", "multipart/form-data; boundary=x")];
    assert_eq!(
        told(host, "POST", "/", &form, b"", true),
        "write PostObject Bucket=bucket"
    );
}

#[test]
fn routes_are_told_with_their_labels() {
    check(&[
        (
            "runtime.sagemaker.us-east-1.amazonaws.com",
            "POST /endpoints/name/invocations",
            "write InvokeEndpoint EndpointName=name",
        ),
        (
            "runtime.sagemaker.us-east-1.amazonaws.com",
            "POST /endpoints/name/async-invocations",
            "write InvokeEndpointAsync EndpointName=name",
        ),
        (
            "bedrock-runtime.us-east-1.amazonaws.com",
            "POST /model/vendor.model-v1%3A0/converse",
            "write Converse modelId=vendor.model-v1:0",
        ),
        (
            "bedrock-runtime.us-east-1.amazonaws.com",
            "POST /model/arn%3Aaws%3Abedrock%3Aus-east-1%3A111122223333%3Ainference-profile%2Fx/invoke",
            "write InvokeModel modelId=arn:aws:bedrock:us-east-1:111122223333:inference-profile/x",
        ),
        (
            "lambda.us-east-1.amazonaws.com",
            "GET /2015-03-31/functions/",
            "read ListFunctions",
        ),
        (
            "lambda.us-east-1.amazonaws.com",
            "POST /2015-03-31/functions/f/invocations",
            "write Invoke FunctionName=f",
        ),
        (
            "lambda.us-east-1.amazonaws.com",
            "GET /2018-10-31/layers?find=LayerVersion&Arn=x",
            "read GetLayerVersionByArn",
        ),
        (
            "cloudfront.amazonaws.com",
            "POST /2020-05-31/tagging?Operation=Tag&Resource=x",
            "write TagResource",
        ),
        (
            "cloudfront.amazonaws.com",
            "POST /2020-05-31/distribution?WithTags",
            "write CreateDistributionWithTags",
        ),
        (
            "lambda.us-east-1.amazonaws.com",
            "GET /2015-03-31/functions/../functions/",
            "-",
        ),
        (
            "lambda.us-east-1.amazonaws.com",
            "GET /2015-03-31/functions/%2E%2e/f",
            "-",
        ),
        ("lambda.us-east-1.amazonaws.com", "GET /", "-"),
        // A customer's own API is none of AWS's.
        (
            "abcdef1234.execute-api.us-east-1.amazonaws.com",
            "POST /participant/connection",
            "-",
        ),
        (
            "workspaces-web.us-east-1.amazonaws.com",
            "GET /portals/arn:aws:workspaces-web:us-east-1:111122223333:portal/x",
            "read GetPortal portalArn=arn:aws:workspaces-web:us-east-1:111122223333:portal/x",
        ),
        (
            "workspaces-web.us-east-1.amazonaws.com",
            "PUT /portals/arn:aws:workspaces-web:us-east-1:111122223333:portal/x/browserSettings",
            "write AssociateBrowserSettings portalArn=arn:aws:workspaces-web:us-east-1:111122223333:portal/x",
        ),
    ]);
}

#[test]
fn a_registry_is_told_by_its_actions() {
    let host = "111122223333.dkr.ecr.us-east-1.amazonaws.com";
    for (asked, expected) in [
        (
            "GET /v2/team/app/manifests/latest",
            "read BatchGetImage repositoryName=team/app",
        ),
        (
            "HEAD /v2/app/manifests/sha256:00",
            "read BatchGetImage repositoryName=app",
        ),
        (
            "PUT /v2/app/manifests/1",
            "write PutImage repositoryName=app",
        ),
        (
            "GET /v2/app/blobs/sha256:00",
            "read GetDownloadUrlForLayer repositoryName=app",
        ),
        (
            "HEAD /v2/app/blobs/sha256:00",
            "read BatchCheckLayerAvailability repositoryName=app",
        ),
        (
            "POST /v2/app/blobs/uploads/",
            "write InitiateLayerUpload repositoryName=app",
        ),
        (
            "PATCH /v2/team/app/blobs/uploads/0",
            "write UploadLayerPart repositoryName=team/app",
        ),
        (
            "PUT /v2/app/blobs/uploads/0?digest=sha256:00",
            "write CompleteLayerUpload repositoryName=app",
        ),
        (
            "GET /v2/app/tags/list",
            "read ListImages repositoryName=app",
        ),
        ("GET /v2/_catalog", "read DescribeRepositories"),
        ("GET /v2/", "-"),
        ("GET /v2/x/../manifests/1", "-"),
        ("DELETE /v2/app/blobs/sha256:00", "-"),
    ] {
        let (method, target) = asked.split_once(' ').unwrap();
        assert_eq!(
            told(host, method, target, &[], b"", true),
            expected,
            "{asked}"
        );
    }
    let target = [(
        "X-Amz-Target",
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    )];
    let found = told(
        "api.ecr.us-east-1.amazonaws.com",
        "POST",
        "/",
        &target,
        b"{}",
        true,
    );
    assert_eq!(found, "read GetAuthorizationToken");
}

#[test]
fn names_in_header_form_and_path_have_to_agree() {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let json = ("Content-Type", "application/x-amz-json-1.1");
    let target = |name| ("X-Amz-Target", name);
    /// host, headers, path, body, whether it is whole, what is told
    type Asked<'a> = (
        &'a str,
        &'a [(&'a str, &'a str)],
        &'a str,
        &'a str,
        bool,
        &'a str,
    );
    let (sts, sqs) = ("sts.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com");
    let monitoring = "monitoring.us-east-1.amazonaws.com";
    let cases: &[Asked<'_>] = &[
        (
            "api.sagemaker.us-east-1.amazonaws.com",
            &[json, target("SageMaker.CreateTrainingJob")],
            "/",
            "{}",
            true,
            "write CreateTrainingJob",
        ),
        (
            "kms.us-east-1.amazonaws.com",
            &[json, target("TrentService.Decrypt")],
            "/",
            "{}",
            true,
            "write Decrypt",
        ),
        (
            "logs.us-east-1.amazonaws.com",
            &[json, target("Logs_20140328.PutLogEvents")],
            "/",
            "{\"&Action=x&\":1}",
            true,
            "write PutLogEvents",
        ),
        (
            "secretsmanager.us-east-1.amazonaws.com",
            &[json, target("secretsmanager.GetSecretValue")],
            "/",
            "",
            true,
            "read GetSecretValue",
        ),
        (
            sts,
            &[form],
            "/",
            "Action=GetCallerIdentity&Version=2011-06-15",
            true,
            "read GetCallerIdentity",
        ),
        (
            sts,
            &[form],
            "/",
            "Version=2011-06-15&A%63tion=AssumeRole",
            true,
            "write AssumeRole",
        ),
        (
            sts,
            &[],
            "/?Action=GetCallerIdentity&Version=2011-06-15",
            "",
            true,
            "read GetCallerIdentity",
        ),
        // Cut within the name.
        (
            sts,
            &[form],
            "/",
            "Version=2011-06-15&Action=Assume",
            false,
            "-",
        ),
        (
            sts,
            &[form],
            "/",
            "Action=AssumeRole&Ro",
            false,
            "write AssumeRole",
        ),
        (
            sts,
            &[form],
            "/?Action=GetCallerIdentity",
            "Action=AssumeRole",
            true,
            "-",
        ),
        (
            sts,
            &[form],
            "/",
            "Action=GetCallerIdentity&Action=AssumeRole",
            true,
            "-",
        ),
        (sts, &[form], "/", "Action=Get%20Caller", true, "-"),
        // The old and the new protocol of one service.
        (
            sqs,
            &[form],
            "/111122223333/q",
            "Action=SendMessage",
            true,
            "write SendMessage",
        ),
        (
            sqs,
            &[json, target("AmazonSQS.SendMessage")],
            "/",
            "{}",
            true,
            "write SendMessage",
        ),
        (
            sqs,
            &[form, target("AmazonSQS.ListQueues")],
            "/",
            "Action=SendMessage",
            true,
            "-",
        ),
        (
            sqs,
            &[
                target("AmazonSQS.ListQueues"),
                target("AmazonSQS.SendMessage"),
            ],
            "/",
            "",
            true,
            "-",
        ),
        (sqs, &[target("ListQueues")], "/", "", true, "-"),
        (
            monitoring,
            &[("smithy-protocol", "rpc-v2-cbor")],
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            "",
            true,
            "write PutMetricData",
        ),
        (
            monitoring,
            &[target("GraniteServiceVersion20100801.ListMetrics")],
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            "",
            true,
            "-",
        ),
        // A service that no table has.
        (
            "brandnew.us-east-1.amazonaws.com",
            &[target("BrandNew.GetThing")],
            "/",
            "{}",
            true,
            "read GetThing",
        ),
        // Bedrock's runtime reads paths only, though a relative of it reads targets.
        (
            "bedrock-runtime.us-east-1.amazonaws.com",
            &[target("X.ListThings")],
            "/model/m/invoke",
            "{}",
            true,
            "write InvokeModel modelId=m",
        ),
    ];
    for (host, headers, path, body, is_whole, expected) in cases {
        let found = told(host, "POST", path, headers, body.as_bytes(), *is_whole);
        assert_eq!(found, *expected, "{host} {path} {headers:?} {body}");
    }
}

fn target_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just("/v2/".to_owned()),
        Just("/blobs/uploads".to_owned()),
        Just("/manifests/".to_owned()),
        Just("/v20180820/".to_owned()),
        Just("/portals/".to_owned()),
        Just("/service/x/operation/".to_owned()),
        Just("?acl".to_owned()),
        Just("&uploadId=".to_owned()),
        Just("&Action=".to_owned()),
        Just("%2e".to_owned()),
        "[a-z]{0,4}",
        "\\PC{0,3}",
        "%[0-9a-f]{0,2}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_request_has_one_name_or_none(
        target in target_like(),
        method in prop::sample::select(vec!["GET", "PUT", "POST", "HEAD", "DELETE", "x"]),
        header in target_like(),
        body in prop::collection::vec(any::<u8>(), 0..32),
        is_whole: bool,
    ) {
        for host in [
            "s3.us-east-1.amazonaws.com",
            "bucket.s3.us-east-1.amazonaws.com",
            "s3-control.us-east-1.amazonaws.com",
            "111122223333.dkr.ecr.us-east-1.amazonaws.com",
            "workspaces-web.us-east-1.amazonaws.com",
            "bedrock.us-east-1.amazonaws.com",
            "sqs.us-east-1.amazonaws.com",
        ] {
            let headers = [("x-amz-target", header.as_str()), ("content-type", header.as_str())];
            let found = told(host, method, &target, &headers, &body, is_whole);
            prop_assert!(found == "-" || found.starts_with("read ") || found.starts_with("write "));
        }
    }
}
