"""The anatomy of an AWS hostname, as far as the data itself says it."""

import re

PSEUDO = re.compile(r"(?:aws(?:-\w+)*-global|us-gov)")


def says_fips(host):
    """Whether a label has the word `fips` between hyphens. (No sample bucket has.)"""
    return "fips" in re.split(r"[-.]", host)


class Reader:
    """Finds regions and suffixes in names, by partitions.json."""

    def __init__(self, botocore):
        self._regions = botocore.region_partition()
        self._several = {
            partition["id"]: sum(not name.endswith("-global") for name in partition["regions"]) > 1
            for partition in botocore.partitions["partitions"]
        }
        self.suffixes = {}
        for partition in botocore.partitions["partitions"]:
            outputs = partition["outputs"]
            on = re.sub(r"^api\.", "on.", outputs["dualStackDnsSuffix"])
            for suffix, dual in (
                (outputs["dnsSuffix"], False),
                (outputs["dualStackDnsSuffix"], True),
                (on, True),
            ):
                self.suffixes.setdefault(suffix, (partition["id"], dual))
        longest = sorted(self._regions, key=len, reverse=True)
        self._within = re.compile("|".join(map(re.escape, longest)))

    def region_label(self, host):
        """The region or pseudo-region in the name, the rightmost one, or None."""
        suffix = self.suffix(host)
        head = host.removesuffix("." + suffix) if suffix else host
        if head.startswith("us-west-2.s3"):
            head = head.removeprefix("us-west-2.")  # the sample bucket of that name
        labels = [l for l in reversed(head.split(".")) if l in self._regions or PSEUDO.fullmatch(l)]
        if labels:
            return next((label for label in labels if not PSEUDO.fullmatch(label)), labels[0])
        found = self._within.findall(head.split(".")[-1])
        return found[-1] if found else None

    def meaning(self, label):
        """(region, partition): a pseudo-region is no region, but has a partition."""
        if label is None or label == "aws-global":
            return None, None if label is None else "aws"
        if label == "us-gov":
            return None, "aws-us-gov"
        partition = self._regions[label]
        return (None if label.endswith("-global") else label), partition

    def suffix(self, host):
        under = [s for s in self.suffixes if host.endswith("." + s)]
        return max(under, key=len, default=None)

    def suffix_partition(self, host):
        return self.suffixes.get(self.suffix(host), (None, False))[0]

    def is_dual_stack(self, host):
        suffix = self.suffix(host)
        dual = self.suffixes.get(suffix, (None, False))[1]
        return dual or "dualstack" in host.split(".")

    def has_several_regions(self, partition):
        return self._several[partition]
