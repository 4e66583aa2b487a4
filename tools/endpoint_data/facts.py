"""What each hostname is, according to botocore: gathered from every source, then settled."""

import collections
import re
from urllib.parse import urlsplit

from . import names, parameters

# One source's word on a host. `region` is what was asked for, which the name need not hold.
Fact = collections.namedtuple("Fact", "host service region partition fips dualstack rank")

# What is expected of a host. `label` is the region or pseudo-region as it stands in the name.
Known = collections.namedtuple("Known", "host service region partition fips dualstack label")

# How much a source's word on the service counts; the lowest rank wins. An operation's prefix comes
# last: `maps.geo.REGION` is geo-maps itself, and also what an old service's prefix would produce.
RULES, ENDPOINTS, PREFIXED = range(3)


def gather(botocore):
    """Yields every fact that the data holds."""
    yield from _from_rule_sets(botocore)
    yield from _from_endpoints_json(botocore)


def settle(botocore, facts):
    """One `Known` for each host, sorted by host."""
    by_host = collections.defaultdict(list)
    for fact in facts:
        by_host[fact.host].append(fact)
    reader = names.Reader(botocore)
    ranks = {host: min(fact.rank for fact in found) for host, found in by_host.items()}
    settled = [
        _settle_one(host, found, ranks[host], reader) for host, found in sorted(by_host.items())
    ]
    # In partitions where the new service (geo-routes) has other names, what the prefix would
    # produce is named like the new service all the same.
    own = {_front(known): known.service for known in settled if ranks[known.host] != PREFIXED}
    return [
        known
        if ranks[known.host] != PREFIXED
        else known._replace(service=own.get(_front(known), known.service))
        for known in settled
    ]


def _front(known):
    return re.sub(r"-fips\b", "", known.host.partition("." + (known.label or "-"))[0])


def _settle_one(host, facts, rank, reader):
    services = {fact.service for fact in facts if fact.rank == rank}
    if len(services) > 1:
        # rds also stands under its tenants' keys (neptune, docdb) in endpoints.json.
        services &= set(host.split("."))
    (service,) = services
    label = reader.region_label(host)
    region, partition = reader.meaning(label)
    partitions = {fact.partition for fact in facts}
    if partition is None:
        suffix = reader.suffix_partition(host)
        partition = suffix if suffix in partitions or len(partitions) > 1 else partitions.pop()
    if label is None:
        # A name of one region only, in a partition that has several: `sdb.amazonaws.com`.
        asked = {fact.region for fact in facts}
        if len(asked) == 1 and reader.has_several_regions(partition):
            region, _ = reader.meaning(asked.pop())
    return Known(
        host,
        service,
        region,
        partition,
        any(fact.fips for fact in facts) or names.says_fips(host),
        # Sign-in's own domains have one name each, whatever the flag says.
        any(fact.dualstack for fact in facts if reader.suffix(host)) or reader.is_dual_stack(host),
        label,
    )


def signing_name(model):
    metadata = model["metadata"]
    return metadata.get("signingName", metadata["endpointPrefix"])


def _from_rule_sets(botocore):
    from botocore.endpoint_provider import EndpointProvider
    from botocore.exceptions import EndpointProviderError

    regions = botocore.region_partition()
    for service, rule_set, model in botocore.services():
        provider = EndpointProvider(rule_set, botocore.partitions)
        declared = rule_set["parameters"]
        resolved = {}
        for region, partition in regions.items():
            for variation, extra in enumerate(parameters.variations(service, region, partition)):
                for fips, dualstack in _flags(declared):
                    given = {"Region": region, **extra}
                    given.update({"UseFIPS": True} if fips else {})
                    given.update({"UseDualStack": True} if dualstack else {})
                    try:
                        endpoint = provider.resolve_endpoint(**given)
                    except EndpointProviderError:
                        continue
                    schemes = endpoint.properties.get("authSchemes", [])
                    name = next((s["signingName"] for s in schemes if "signingName" in s), None)
                    host = urlsplit(endpoint.url).hostname
                    if "." in host:  # dynamodb's `local` region is localhost
                        resolved[variation, region, fips, dualstack] = (host, name)
        prefixes = parameters.host_prefixes(service, model)
        # Rules that name the service in one partition only (importexport) mean it for all.
        told = {name for _, name in resolved.values() if name}
        default = told.pop() if len(told) == 1 else signing_name(model)
        heeds_fips = _heeds(resolved, lambda v, r, f, d: (v, r, False, d))
        heeds_dualstack = _heeds(resolved, lambda v, r, f, d: (v, r, f, False))
        for (variation, region, fips, dualstack), (host, name) in resolved.items():
            for prefix in ["", *prefixes]:
                yield Fact(
                    prefix + host,
                    name or default,
                    region,
                    regions[region],
                    fips and variation in heeds_fips,
                    dualstack and variation in heeds_dualstack,
                    PREFIXED if prefix else RULES,
                )


def _flags(declared):
    for fips in (False, True) if "UseFIPS" in declared else (False,):
        for dualstack in (False, True) if "UseDualStack" in declared else (False,):
            yield fips, dualstack


def _heeds(resolved, unflagged):
    """The variations for which a flag changes some region's name.

    A name that comes out the same whatever the flag says, in every region, is no FIPS or dual-stack
    name on that account: the rules never look at the flag (S3 on Outposts' aliases, sign-in).
    """
    return {
        key[0]
        for key, value in resolved.items()
        if resolved.get(unflagged(*key)) != value
    }


def _from_endpoints_json(botocore):
    signing = {}
    for _, _, model in botocore.services():
        signing.setdefault(model["metadata"]["endpointPrefix"], signing_name(model))
    for partition in botocore.endpoints["partitions"]:
        for key, service in partition["services"].items():
            regions = list(service["endpoints"])
            if service.get("isRegionalized", True):
                regions += [region for region in partition["regions"] if region not in regions]
            for region in regions:
                yield from _endpoint(partition, key, region, signing)


def _endpoint(partition, key, region, signing):
    service = partition["services"][key]
    own = service["endpoints"].get(region, {})
    layers = [partition["defaults"], service.get("defaults", {}), own]
    plain = {}
    for layer in layers:
        plain.update({k: v for k, v in layer.items() if k != "variants"})
    scope = plain.get("credentialScope", {})
    # A pseudo-region (`fips-us-east-1`, `aws-global`) stands in no name, it selects a hostname.
    is_region = region in partition["regions"]
    for tags in ([], ["fips"], ["dualstack"], ["dualstack", "fips"]):
        variants = [v for layer in layers for v in layer.get("variants", []) if sorted(v["tags"]) == tags]
        if tags and not variants:
            continue
        chosen = {} if tags else dict(plain)
        for variant in variants:
            chosen.update(variant)
        templates = [chosen["hostname"]]
        if is_region and not tags:
            templates.append(plain.get("sslCommonName", chosen["hostname"]))
        for template in templates:
            if ("{region}" in template and not is_region) or "localhost" in template:
                continue
            yield Fact(
                template.format(
                    service=key,
                    region=region,
                    dnsSuffix=chosen.get("dnsSuffix", partition["dnsSuffix"]),
                ),
                scope.get("service", signing.get(key, key)),
                region if is_region or region.endswith("-global") else scope.get("region", region),
                partition["partition"],
                "fips" in tags or (not tags and not is_region and "fips" in region.lower()),
                "dualstack" in tags,
                ENDPOINTS,
            )
