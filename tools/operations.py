#!/usr/bin/env python3
"""Generates outgate's table of AWS operations from botocore's data.

    python3 tools/operations.py BOTOCORE

BOTOCORE is a botocore wheel or a directory that holds the `botocore` package. Nothing is fetched.
The same packages must be importable as for tools/endpoints.py. docs/aws-operations.md says what is
written, in which format, and why.
"""

import pathlib
import sys

from endpoint_data import source
from operation_data import binary, patterns, routes

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    botocore = source.Botocore(arguments[0])
    services = routes.services(botocore)
    patterns.add(botocore, services)
    data = binary.encode(services)
    (ROOT / "src/logic/aws/operation/table.bin").write_bytes(data)
    models = [model for models in services.values() for model in models]
    count = sum(len(model.routes) for model in models)
    print(f"botocore {botocore.version}: {len(models)} models, {count} routes, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
