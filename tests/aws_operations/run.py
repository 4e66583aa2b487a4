#!/usr/bin/env python3
"""Has botocore serialise each operation of each service and asks outgate what each request is.

    python3 tests/aws_operations/run.py --outgate target/debug/outgate [--only GLOB] [--json]

The exit code is 1 where an operation comes out as another one, or as none, that
`exceptions.txt` does not have, or where one that it has comes out right.
"""

import argparse
import base64
import concurrent.futures
import fnmatch
import json
import pathlib
import subprocess
import sys

import requests

HERE = pathlib.Path(__file__).resolve().parent


class Outgate:
    """A batch that answers line by line."""

    def __init__(self, command):
        self._process = subprocess.Popen(
            [command, "explain", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, lines):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            written = pool.submit(self._write, lines)
            answers = [json.loads(self._process.stdout.readline()) for _ in lines]
            written.result()
        return answers

    def _write(self, lines):
        for line in lines:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
        self._process.stdin.flush()

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def line_of(request):
    body = request.body
    if body is None:
        body = b""
    elif hasattr(body, "read"):
        body = body.read()
    elif isinstance(body, str):
        body = body.encode()
    as_text = lambda value: value.decode("latin-1") if isinstance(value, bytes) else str(value)
    # What a client adds when it sends.
    left_out = ("content-length", "transfer-encoding", "expect")
    return {
        "method": request.method,
        "url": request.url,
        "headers": [
            [name, as_text(value)] for name, value in request.headers.items() if name.lower() not in left_out
        ],
        "body": base64.b64encode(bytes(body)[:65536]).decode(),
        "body_encoding": "base64",
    }


def exceptions():
    """Operations that come out otherwise, and as what: `service Operation OtherName|-`."""
    rows = [line.split() for line in (HERE / "exceptions.txt").read_text().splitlines()]
    return {tuple(row[:2]): row[2] for row in rows if row and not row[0].startswith("#")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--outgate", required=True)
    parser.add_argument("--only", default="*", help="a glob of services")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    services = requests.Services()
    outgate = Outgate(options.outgate)
    expected = exceptions()
    wrong, not_made, right, excepted = [], [], 0, 0
    for name in fnmatch.filter(services.names, options.only):
        try:
            client = services.client(name)
        except Exception as error:  # a service without an address in any region
            not_made.append([name, "*", f"{type(error).__name__}: {error}"])
            continue
        operations, lines, signers = [], [], []
        for operation in client.meta.service_model.operation_names:
            try:
                lines.append(line_of(requests.request(client, operation)))
                operations.append(operation)
            except requests.Unserialisable as error:
                not_made.append([name, operation, str(error)[:200]])
        for operation, line, answer in zip(operations, lines, outgate.ask(lines)):
            aws = answer["aws"] or {}
            found = aws.get("operation")
            signed = any(n.lower() == "authorization" and v.startswith("AWS4") for n, v in line["headers"])
            key = requests.KEY if signed else aws.get("access_key_id")
            wanted = expected.get((name, operation), operation)
            if (found or "-") == wanted and aws.get("access_key_id") == key:
                right += wanted == operation
                excepted += wanted != operation
            else:
                wrong.append([name, operation, found, aws.get("access_key_id"), line["method"], line["url"]])
    outgate.close()
    result = {
        "right": right,
        "excepted": excepted,
        "wrong": wrong,
        "not_made": not_made,
        "botocore": __import__("botocore").__version__,
    }
    if options.json:
        print(json.dumps(result))
    else:
        for row in wrong:
            print("wrong:", *row)
        for row in not_made:
            print("not made:", *row)
        print(f"{right} right, {excepted} as excepted, {len(wrong)} wrong, {len(not_made)} not made")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
