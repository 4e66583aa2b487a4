"""Checks, offline, that every dependency has a licence we take, and that every direct one is
explained in docs/dependencies.md. `deny.toml` says the same for cargo-deny."""

import json
import pathlib
import re
import subprocess
import sys

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}


def is_allowed(expression):
    """Whether an SPDX expression can be met with allowed licences alone."""
    # Before SPDX expressions, a slash meant OR.
    tokens = re.findall(r"\(|\)|[^\s()/]+", expression.replace("/", " OR "))
    place = 0

    def peek():
        return tokens[place] if place < len(tokens) else None

    def take():
        nonlocal place
        place += 1
        return tokens[place - 1]

    def either():
        met = both()
        while peek() == "OR":
            take()
            # Both sides are read, whatever the first says.
            met = both() or met
        return met

    def both():
        met = one()
        while peek() == "AND":
            take()
            met = one() and met
        return met

    def one():
        word = take() if peek() is not None else ")"
        if word == "(":
            met = either()
            if peek() is None or take() != ")":
                raise ValueError(f"unbalanced: {expression}")
            return met
        if word in {")", "AND", "OR", "WITH"}:
            raise ValueError(f"unreadable: {expression}")
        if peek() == "WITH":
            take()
            word = f"{word} WITH {take()}"
        return word in ALLOWED

    met = either()
    if place != len(tokens):
        raise ValueError(f"unreadable: {expression}")
    return met


def self_test():
    """A check that cannot fail checks nothing."""
    for good in ("MIT", "MIT/GPL-3.0", "GPL-3.0 OR (ISC AND MIT)", "Apache-2.0 WITH LLVM-exception"):
        assert is_allowed(good), good
    for bad in ("GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND AGPL-3.0", "MIT WITH Strange-exception"):
        assert not is_allowed(bad), bad
    for unreadable in ("", "MIT OR", "(MIT", "MIT MIT"):
        try:
            is_allowed(unreadable)
        except ValueError:
            continue
        raise AssertionError(unreadable)


def main():
    self_test()
    root = pathlib.Path(__file__).resolve().parent.parent
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    run = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)
    metadata = json.loads(run.stdout)
    faults = []
    for package in metadata["packages"]:
        name = f"{package['name']} {package['version']}"
        try:
            if not is_allowed(package["license"] or ""):
                faults.append(f"{name}: the licence {package['license']} is not on the list")
        except ValueError as error:
            faults.append(f"{name}: no readable licence ({error})")
    members = set(metadata["workspace_members"])
    ours = next(package for package in metadata["packages"] if package["id"] in members)
    explained = (root / "docs/dependencies.md").read_text(encoding="utf-8")
    for name in sorted({dependency["name"] for dependency in ours["dependencies"]}):
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", explained):
            faults.append(f"{name}: docs/dependencies.md does not say what it is for")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(metadata['packages'])} packages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
