"""What is fed to the rule sets besides region, FIPS and dual stack, so that every kind of name comes out."""

ACCOUNT = "111122223333"
STREAM_ID = "abcd1234-efgh5678"

# Which boolean or literal values each parameter can have (from the operations' static context).
CHOICES = {
    "acm": [{"ServiceType": "ACM"}, {"ServiceType": "ACM-ACME"}],
    "arc-region-switch": [{"UseControlPlaneEndpoint": True}],
    "neptune-graph": [{"ApiType": "ControlPlane"}, {"ApiType": "DataPlane"}],
    "signin": [{"IsControlPlane": True}, {"IsControlPlane": False}, {"IsOAuthEndpoint": True}],
    "sts": [{"UseGlobalEndpoint": True}],
    "wellarchitected": [{"SubServiceType": "AGENT"}],
    "events": [{"EndpointId": "abcde.veo"}],
    "sesv2": [{"EndpointId": "abcde.456"}],
    "opensearchmemory": [{"SpaceId": "spaceid1234"}],
}


def host_prefixes(service, model):
    """The host prefixes of the service's operations, with their labels filled in."""
    if service in ("s3", "s3control"):
        return []  # the rule sets write the account, and `s3()` the request route
    return sorted(
        {
            operation["endpoint"]["hostPrefix"].format(graphIdentifier="g-0123456789")
            for operation in model["operations"].values()
            if operation.get("endpoint", {}).get("hostPrefix")
        }
    )


def variations(service, region, partition):
    """Yields sets of parameters to try for one service in one region."""
    yield {}
    yield from CHOICES.get(service, [])
    special = globals().get(service.replace("-", "_") + "_names")
    if special:
        yield from special(region, partition)


def arn(partition, service, region, rest, account=ACCOUNT):
    return f"arn:{partition}:{service}:{region}:{account}:{rest}"


def dynamodb_names(region, partition):
    for search in ({}, {"IsSearchOperation": True}):
        yield {"AccountId": ACCOUNT, "AccountIdEndpointMode": "preferred", **search}
        yield {
            "ResourceArn": arn(partition, "dynamodb", region, "table/t"),
            "AccountIdEndpointMode": "preferred",
            **search,
        }
        yield search


def dynamodbstreams_names(region, partition):
    yield {"AccountId": ACCOUNT, "AccountIdEndpointMode": "preferred"}
    stream = arn(partition, "dynamodb", region, "table/t/stream/s")
    yield {"StreamArn": stream, "AccountIdEndpointMode": "preferred"}


def eventbridgev2_names(region, partition):
    yield {"AccountId": ACCOUNT, "AccountIdEndpointMode": "preferred"}


def cloudfront_keyvaluestore_names(region, partition):
    yield {"KvsARN": arn(partition, "cloudfront", "", "key-value-store/k")}


def kinesis_names(region, partition):
    for operation in ("control", "data"):
        base = {"OperationType": operation}
        account = {"AccountId": ACCOUNT, "AccountIdEndpointMode": "preferred"}
        yield base
        yield {**base, "StreamARN": arn(partition, "kinesis", region, "stream/s")}
        yield {
            **base,
            "ConsumerARN": arn(partition, "kinesis", region, "stream/s/consumer/c:1"),
        }
        for kind in ("stream", "channel", "queue"):
            resource = arn(partition, "kinesis", region, f"{kind}/r")
            yield {**base, "ResourceARN": resource}
            yield {**base, "ResourceARN": resource, **account}
        for kind in ({}, {"ResourceType": "queue"}):
            yield {**base, **kind}
            yield {**base, **kind, **account}
            for stream in (STREAM_ID, "abcdefgh12345678-us1", "abcdefghijklmnopqrstuvwxyz"):
                yield {**base, **kind, "StreamId": stream}
                yield {**base, **kind, "StreamId": stream, **account}
        for kind in ("channel", "queue"):
            yield {**base, kind.title() + "ARN": arn(partition, "kinesis", region, f"{kind}/q")}
            yield {
                **base,
                kind.title() + "ARN": arn(partition, "kinesis", region, f"{kind}/q"),
                "ResourceType": "queue",
            }


def s3_names(region, partition):
    buckets = [
        "bucket",
        "my.dotted.bucket",
        "s3",
        "us-west-2",
        "amazonaws.com",
        "bucket--use1-az4--x-s3",
        "point--use1-az4--xa-s3",
        arn(partition, "s3", region, "accesspoint/point"),
        arn(partition, "s3-object-lambda", region, "accesspoint/point"),
        arn(partition, "s3-outposts", region, "outpost/op-01234567890123456/accesspoint/point"),
        arn(partition, "s3", "", "accesspoint/mfzwi23gnjvgw.mrap"),
    ]
    for bucket in buckets:
        base = {"Bucket": bucket}
        yield base
        yield {**base, "ForcePathStyle": True}
        yield {**base, "Accelerate": True}
        yield {**base, "UseGlobalEndpoint": True}
        yield {**base, "DisableS3ExpressSessionAuth": True}
        yield {**base, "UseS3ExpressControlEndpoint": True}
    yield {"UseGlobalEndpoint": True}
    yield {"Accelerate": True}
    yield {"UseObjectLambdaEndpoint": True}
    yield {"UseS3ExpressControlEndpoint": True}
    yield {"Bucket": "bucket--op-01234567890123456--op-s3"}
    # An outpost's access point alias: the outpost's id stands at a fixed place, from the right.
    yield {"Bucket": "test-accessp-e0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3"}
    yield {"Bucket": "test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3"}


def s3control_names(region, partition):
    outpost = "op-01234567890123456"
    account = {"AccountId": ACCOUNT, "RequiresAccountId": True}
    yield account
    yield {"AccountId": ACCOUNT}
    yield {**account, "OutpostId": outpost}
    yield {**account, "UseS3ExpressControlEndpoint": True}
    yield {**account, "ResourceArn": arn(partition, "s3express", region, "bucket/b--use1-az4--x-s3")}
    yield {**account, "AccessPointName": "point--use1-az4--xa-s3"}
    yield {
        **account,
        "AccessPointName": arn(partition, "s3-outposts", region, f"outpost/{outpost}/accesspoint/p"),
    }
    yield {
        **account,
        "Bucket": arn(partition, "s3-outposts", region, f"outpost/{outpost}/bucket/b"),
    }
