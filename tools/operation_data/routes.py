"""What botocore's models say of operations and their routes."""

import collections
import dataclasses
import re
import sys

from endpoint_data.facts import signing_name

# A condition on the query or on a field of the head.
PRESENT, EQUAL, FIELD = range(3)


@dataclasses.dataclass
class Model:
    name: str
    is_rest: bool
    routes: list = dataclasses.field(default_factory=list)
    # The labels beside the region by which its hosts are called, where a signing name has several models.
    patterns: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Route:
    method: str
    # A literal, `{}` for one segment, `{+}` for one or more.
    segments: tuple
    labels: tuple
    conditions: tuple
    operation: str


# Told apart by the host alone; src/logic/aws/operation/s3.rs does.
BY_HOST = {("s3", "ListDirectoryBuckets")}

# Hosts that a later service of another signing name shares: `maps.geo` is called by both.
SHARED = {"location": ["geo-maps", "geo-places", "geo-routes"]}


def services(botocore):
    """The models of each signing name, in order. Older API versions add their own routes."""
    versions = collections.defaultdict(list)
    for name, _, model in botocore.services():
        versions[name].append(model)
    found = collections.defaultdict(list)
    for name, models in sorted(versions.items()):
        metadata = models[-1]["metadata"]
        protocols = metadata.get("protocols", [metadata["protocol"]])
        model = Model(name, any(protocol.startswith("rest") for protocol in protocols))
        if model.is_rest:
            routes = {}
            for version in models:
                routes.update(dict.fromkeys(_routes(name, version)))
            model.routes = list(dict.fromkeys(_as_sent(name, routes)))
        for signs in [signing_name(models[-1]), *SHARED.get(name, [])]:
            found[signs].append(model)
    return dict(sorted(found.items()))


def _as_sent(name, routes):
    """The routes, and what else clients send."""
    for route in routes:
        yield route
        if (name, route.operation) == ("cloudsearchdomain", "Search"):
            # botocore sends long searches, and so all of them, as a form.
            yield dataclasses.replace(route, method="POST", conditions=())
        if name == "apigatewaymanagementapi":
            # The API's stage stands before the path.
            yield dataclasses.replace(
                route, segments=("{}", *route.segments), labels=("stage", *route.labels)
            )


def _routes(name, model):
    alike = collections.defaultdict(list)
    for operation, described in model["operations"].items():
        if (name, operation) in BY_HOST:
            continue
        path, _, query = described["http"]["requestUri"].partition("?")
        segments, labels = _segments(path)
        literal = tuple(
            (EQUAL, key, value) if value else (PRESENT, key, "")
            for key, _, value in (pair.partition("=") for pair in query.split("&") if pair)
        )
        key = (described["http"]["method"], segments, literal)
        alike[key].append((operation, labels, described))
    for (method, segments, literal), operations in alike.items():
        current = [entry for entry in operations if not entry[2].get("deprecated")]
        operations = current or operations
        required = {entry[0]: _required(model, entry[2]) for entry in operations}
        common = set.intersection(*required.values()) if required else set()
        seen = set()
        for operation, labels, _ in operations:
            further = () if len(operations) == 1 else tuple(sorted(required[operation] - common))
            if further in seen:
                print(f"{name}.{operation} cannot be told from another", file=sys.stderr)
            seen.add(further)
            yield Route(method, segments, labels, literal + further, operation)


def _segments(path):
    segments, labels = [], []
    for part in path.strip("/").split("/") if path.strip("/") else []:
        label = re.fullmatch(r"\{([^{}+]+)(\+?)\}", part)
        if label:
            labels.append(label[1])
            segments.append("{" + label[2] + "}")
        elif "{" in part:
            raise ValueError(f"a segment of a kind that is not known: {path}")
        else:
            segments.append(part)
    return tuple(segments), tuple(labels)


def _required(model, described):
    """Conditions that each request of an operation fulfils by its required members."""
    shape = model["shapes"].get(described.get("input", {}).get("shape"), {})
    found = set()
    for member in shape.get("required", []):
        placed = shape["members"][member]
        if placed.get("location") == "querystring":
            found.add((PRESENT, placed["locationName"], ""))
        elif placed.get("location") == "header":
            found.add((FIELD, placed["locationName"].lower(), ""))
    return found
