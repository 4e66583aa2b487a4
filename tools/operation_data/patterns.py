"""By which labels the hosts of a model are called, where several models sign by one name."""

import re
from urllib.parse import urlsplit

from endpoint_data import names

# What rule sets do not say: data planes that are called by a customer's own name, left of the control
# plane's, and the words that location's operations put before its own.
FURTHER = {
    "cloudsearchdomain": ["cloudsearch"],
    "location": ["maps.geo", "places.geo", "routes.geo"],
    "mediastore-data": ["mediastore"],
}
REGIONS = ("us-east-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1")


def add(botocore, services):
    several = {model.name: model for models in services.values() if len(models) > 1 for model in models}
    reader = names.Reader(botocore)
    for name, rule_set, described in botocore.services():
        if name in several:
            found = {described["metadata"]["endpointPrefix"], *FURTHER.get(name, [])}
            found.update(_patterns(botocore, reader, rule_set))
            several[name].patterns = sorted(found)


def _patterns(botocore, reader, rule_set):
    from botocore.endpoint_provider import EndpointProvider
    from botocore.exceptions import EndpointProviderError

    provider = EndpointProvider(rule_set, botocore.partitions)
    declared = rule_set["parameters"]
    for region in REGIONS:
        for fips in (False, True):
            for dual in (False, True):
                given = {"Region": region}
                given.update({"UseFIPS": True} if fips and "UseFIPS" in declared else {})
                given.update({"UseDualStack": True} if dual and "UseDualStack" in declared else {})
                try:
                    host = urlsplit(provider.resolve_endpoint(**given).url).hostname
                except EndpointProviderError:
                    continue
                suffix = reader.suffix(host)
                head = host.removesuffix("." + suffix) if suffix else host
                labels = [label for label in head.split(".") if label not in (region, "dualstack")]
                yield without_fips(".".join(labels))


def without_fips(pattern):
    """As the classifier takes `fips` out of a pattern."""
    labels = [re.sub(r"(^|-)fips(?=-|$)", "", label).lstrip("-") for label in pattern.split(".")]
    return ".".join(label for label in labels if label)
