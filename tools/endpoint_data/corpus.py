"""Writes the test corpus: every name with what is expected of it, folded over regions."""

import collections


def write(path, botocore, known):
    folded = collections.defaultdict(list)
    for entry in known:
        template, where = entry.host, "-"
        if entry.region and entry.label == entry.region:
            template, where = "{}".join(entry.host.rsplit(entry.region, 1)), "*"
        elif entry.region:
            where = entry.region
        flags = ("f" if entry.fips else "-") + ("d" if entry.dualstack else "-")
        folded[template, entry.service, entry.partition, flags, where].append(entry.region)
    sets = {}
    rows = []
    for (template, service, partition, flags, where), regions in sorted(folded.items()):
        if where == "*":
            key = " ".join(regions)
            where = f"*{sets.setdefault(key, len(sets))}"
        rows.append("\t".join((template, service, partition, flags, where)))
    lines = [
        f"# {len(known)} names that botocore {botocore.version} can produce. tools/endpoints.py wrote this.",
        "# @ a numbered list of regions",
        "# name, {} for its region; service; partition; f(ips) d(ual stack); region: *list, its own or -",
    ]
    lines += [f"@{number}\t{regions}" for regions, number in sets.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines + rows) + "\n")
