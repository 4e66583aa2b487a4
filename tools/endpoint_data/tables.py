"""Writes the classifier's generated tables."""

import collections
import re
import subprocess

from . import names, parameters

# Labels that a customer or AWS's allocation chose, as they stand in the sample parameters.
CHOSEN = re.compile(
    rf"{parameters.ACCOUNT}|.*-{parameters.ACCOUNT}|.*--(x|xa|op)-s3|op-\w{{17}}|ec2|bucket|my|dotted"
    r"|amazonaws|com|us-west-2|g-\d{10}|spaceid\d+|abcde|456|veo|mfzwi23gnjvgw|mrap|[qr]"
    r"|abcd1234|abcdefgh12345678|abcdefghijklmnopqrstuvwxyz"
)
ZONE = re.compile(r"-use1-az4$")


def write(path, botocore, known):
    reader = names.Reader(botocore)
    services, exact = {}, []
    hidden = {"fips": collections.defaultdict(set), "dualstack": collections.defaultdict(set)}
    for entry in known:
        if is_odd(entry, reader):
            exact.append(entry)
            continue
        pattern = pattern_of(entry, reader)
        plain = without_fips(pattern)
        if services.setdefault(plain, entry.service) != entry.service:
            raise SystemExit(f"{plain} is both {services[plain]} and {entry.service}")
        dual = reader.is_dual_stack(entry.host)
        if entry.fips and not names.says_fips(entry.host):
            hidden["fips"][pattern, entry.partition, dual].add(entry.label or "")
        if entry.dualstack and not dual:
            hidden["dualstack"][pattern, entry.partition, dual].add(entry.label or "")
    lines = [
        f"//! What botocore {botocore.version} knows of {len(known)} endpoint names. Written by tools/endpoints.py:",
        "//! change that, not this.",
        "",
        "use super::tables::{Exact, Hidden, Partition, Suffix};",
        "",
        "pub(super) static PARTITIONS: &[Partition] = &[",
        *(partition_row(p) for p in botocore.partitions["partitions"]),
        "];",
        "",
        "pub(super) static SUFFIXES: &[Suffix] = &[",
        *(
            f"Suffix::dns({quote(name)}, {quote(partition)}, {lower(dual)}),"
            for name, (partition, dual) in sorted(reader.suffixes.items())
        ),
        "];",
        "",
        "/// Label patterns beside the region, without `fips`, and the service that signs there.",
        "#[rustfmt::skip]",
        "pub(super) static SERVICES: &[(&str, &str)] = &[",
        *(f"    ({quote(p)}, {quote(s)})," for p, s in sorted(services.items()) if needed(p, services)),
        "];",
        "",
        "/// FIPS endpoints whose name does not say so.",
        *hidden_rows("HIDDEN_FIPS", hidden["fips"], botocore),
        "",
        "/// Dual-stack endpoints whose name does not say so.",
        *hidden_rows("HIDDEN_DUAL_STACK", hidden["dualstack"], botocore),
        "",
        "/// Names that say less than the data knows, or say it out of shape.",
        "pub(super) static EXACT: &[Exact] = &[",
        *(
            f"Exact::new({quote(e.host)}, {quote(e.service)}, {option(e.region)}, "
            f"{quote(e.partition)}, {lower(e.fips)}, {lower(e.dualstack)}),"
            for e in exact
        ),
        "];",
    ]
    path.write_text("\n".join(lines) + "\n")
    subprocess.run(["rustfmt", "--edition", "2024", path], check=True)


def is_odd(entry, reader):
    """Whether the name lacks its region or its partition, or joins the region to a word."""
    if entry.label is None:
        return entry.region is not None or entry.partition != reader.suffix_partition(entry.host)
    return entry.label not in entry.host.split(".")


def pattern_of(entry, reader):
    """The labels that name the service: left of the region, or right of it if there are any."""
    suffix = reader.suffix(entry.host)
    head = entry.host.removesuffix("." + suffix) if suffix else entry.host
    if not suffix:  # sign-in's own domains: the label beside the region
        return next(label for label in head.split(".") if label.startswith("signin"))
    labels = head.split(".")
    if entry.label in labels:
        at = len(labels) - 1 - labels[::-1].index(entry.label)
        labels = [l for l in labels[at + 1 :] if l != "us-gov"] or labels[:at]
    while labels[-1] in ("dualstack", "global"):
        labels.pop()
    while len(labels) > 1 and CHOSEN.fullmatch(labels[0]):
        labels.pop(0)
    return ".".join(ZONE.sub("", label) for label in labels)


def without_fips(pattern):
    return re.sub(r"-fips\b|\bfips-", "", pattern)


def needed(pattern, services):
    """A pattern whose tail already says the same adds nothing."""
    labels = pattern.split(".")
    tails = (".".join(labels[i:]) for i in range(1, len(labels)))
    tail = next((tail for tail in tails if tail in services), None)
    return tail is None or services[tail] != services[pattern] or labels[0] == "fips"


def partition_row(partition):
    found = re.fullmatch(r"\^(.*)\\-\\w\+\\-\\d\+\$", partition["regionRegex"])
    if not found:
        raise SystemExit(f"a new shape of region pattern: {partition['regionRegex']}")
    prefixes = [""]
    for choice in re.findall(r"\(([^)]*)\)|([^()]+)", found.group(1).replace("\\-", "-")):
        options = choice[0].split("|") if choice[0] else [choice[1]]
        prefixes = [prefix + option for prefix in prefixes for option in options]
    pseudo = [name for name in partition["regions"] if name.endswith("-global")]
    return (
        f"Partition::new({quote(partition['id'])}, "
        f"&[{', '.join(quote(p + '-') for p in prefixes)}], "
        f"&[{', '.join(map(quote, pseudo))}]),"
    )


def hidden_rows(name, hidden, botocore):
    real = {
        p["id"]: {region for region in p["regions"] if not region.endswith("-global")}
        for p in botocore.partitions["partitions"]
    }
    rows = []
    for (pattern, partition, dual), regions in sorted(hidden.items()):
        every = regions >= real[partition] and len(real[partition]) > 1
        listed = ["*", *sorted(regions - real[partition])] if every else sorted(regions)
        rows.append(
            f"Hidden::new({quote(pattern)}, {quote(partition)}, {lower(dual)}, "
            f"&[{', '.join(map(quote, listed))}]),"
        )
    return [f"pub(super) static {name}: &[Hidden] = &[", *rows, "];"]


def quote(text):
    return f'"{text}"'


def lower(flag):
    return "true" if flag else "false"


def option(text):
    return f"Some({quote(text)})" if text else "None"
