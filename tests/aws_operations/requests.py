"""Requests as botocore serialises them, one for each operation, without sending any."""

import re

import botocore.exceptions
import botocore.session
import botocore.tokens
from botocore.awsrequest import AWSResponse
from botocore.config import Config

REGION = "us-east-1"
KEY = "AKIAIOSFODNN7EXAMPLE"

# Services that are called at an address that another operation hands out.
OWN_ADDRESS = {
    "apigatewaymanagementapi": "https://abcdef1234.execute-api.us-east-1.amazonaws.com/stage",
    "cloudsearchdomain": "https://search-name-abcdef.us-east-1.cloudsearch.amazonaws.com",
    "iot-data": "https://abcdef-ats.iot.us-east-1.amazonaws.com",
    "mediastore-data": "https://abcdef.data.mediastore.us-east-1.amazonaws.com",
    "kinesis-video-archived-media": "https://b-1234abcd.kinesisvideo.us-east-1.amazonaws.com",
    "kinesis-video-media": "https://s-1234abcd.kinesisvideo.us-east-1.amazonaws.com",
    "timestream-query": "https://query-cell1.timestream.us-east-1.amazonaws.com",
    "timestream-write": "https://ingest-cell1.timestream.us-east-1.amazonaws.com",
}
# Values that rules for endpoints or botocore's own checks ask for.
VALUES = {
    "AccountId": "111122223333",
    "accountId": "111122223333",
    "Bucket": "amzn-bucket",
    "CopySource": "amzn-bucket/from",
    "QueueARN": "arn:aws:kinesis:us-east-1:111122223333:queue/name",
    "ChannelARN": "arn:aws:kinesis:us-east-1:111122223333:channel/name",
    "PredictEndpoint": "https://realtime.machinelearning.us-east-1.amazonaws.com",
    "KvsARN": "arn:aws:cloudfront::111122223333:key-value-store/name",
    "QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/name",
}


class Unserialisable(Exception):
    """botocore makes no request of this."""


class Services:
    """The clients, and what each would send."""

    def __init__(self):
        self._session = botocore.session.Session()
        self._session.set_credentials(KEY, "secret", None)
        # For services that take bearer tokens.
        self._session._auth_token = botocore.tokens.FrozenAuthToken("token")
        self.names = self._session.get_available_services()

    def client(self, name):
        regions = self._session.get_available_regions(name)
        region = REGION if REGION in regions or not regions else regions[0]
        config = Config(
            retries={"total_max_attempts": 1},
            parameter_validation=True,
            endpoint_discovery_enabled=False,
            s3={"us_east_1_regional_endpoint": "regional"},
        )
        return self._session.create_client(
            name, region, config=config, endpoint_url=OWN_ADDRESS.get(name)
        )


class Sent(Exception):
    """Carries the request out of botocore."""

    def __init__(self, request):
        self.request = request


def _stop(request, **_):
    raise Sent(request)


def request(client, operation):
    """What the client would send for an operation by its name in the model."""
    model = client.meta.service_model.operation_model(operation)
    method = next(
        (method for method, name in client.meta.method_to_api_mapping.items() if name == operation), None
    )
    if method is None:
        raise Unserialisable("botocore has no method for it")
    service = client.meta.service_model.signing_name
    given = dummy(model.input_shape, service) if model.input_shape else {}
    client.meta.events.register_first("before-send", _stop, unique_id="stop")
    try:
        getattr(client, method)(**given)
    except Sent as sent:
        return sent.request
    except (botocore.exceptions.BotoCoreError, AttributeError, TypeError, ValueError) as error:
        raise Unserialisable(f"{type(error).__name__}: {error}") from error
    raise Unserialisable("nothing was sent")


def dummy(shape, service, name="", depth=0):
    """A value of a shape with its required members alone."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return {}
        required = list(shape.required_members)
        if getattr(shape, "is_tagged_union", False) and not required:
            required = list(shape.members)[:1]
        return {
            member: dummy(shape.members[member], service, member, depth + 1)
            for member in required
            if depth < 12
        }
    if kind == "list":
        count = shape.metadata.get("min", 1) or 1
        return [dummy(shape.member, service, name, depth + 1)] * count
    if kind == "map":
        key, value = (dummy(part, service, "", depth + 1) for part in (shape.key, shape.value))
        return {key: value}
    if kind == "string":
        return text(shape, service, name)
    if kind in ("integer", "long"):
        return int(shape.metadata.get("min", 1))
    if kind in ("float", "double"):
        return float(shape.metadata.get("min", 1))
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return 1_700_000_000
    if kind == "blob":
        return b"x" * max(1, int(shape.metadata.get("min", 1)))
    raise Unserialisable(f"a shape of the kind {kind}")


def text(shape, service, name):
    if shape.enum:
        return shape.enum[0]
    known = VALUES.get(name)
    if known and (service == "kinesis" or "arn:aws:kinesis" not in known):
        return known
    least = max(1, int(shape.metadata.get("min", 1)))
    if re.search(r"[aA]rn$|ARN$", name) and least <= 60:
        return f"arn:aws:{service}:us-east-1:111122223333:stream/name-1234567890"[: shape.metadata.get("max", 99)]
    return ("name" + "x" * least)[: max(least, min(4, shape.metadata.get("max", 4)))]
