#!/usr/bin/env python3
"""Generates outgate's table of AWS endpoints, and the corpus that tests it, from botocore's data.

    python3 tools/endpoints.py BOTOCORE

BOTOCORE is a botocore wheel or a directory that holds the `botocore` package. Nothing is fetched.
The rule sets are evaluated by botocore's own EndpointProvider, the reference implementation, so
what that imports (python-dateutil, urllib3, jmespath) must be importable; the rest is the standard
library. docs/aws-endpoints.md says what is written and why.
"""

import pathlib
import sys

from endpoint_data import corpus, facts, source, tables

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    botocore = source.Botocore(arguments[0])
    known = facts.settle(botocore, facts.gather(botocore))
    tables.write(ROOT / "src/logic/aws/generated.rs", botocore, known)
    corpus.write(ROOT / "tests/data/aws-endpoints.tsv", botocore, known)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
