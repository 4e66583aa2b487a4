"""Reads a botocore package, as a wheel or as a directory, without installing it."""

import gzip
import json
import pathlib
import re
import sys
import zipfile


class Botocore:
    def __init__(self, path):
        path = pathlib.Path(path)
        sys.path.insert(0, str(path))
        if path.is_dir():
            names = [str(file.relative_to(path)) for file in path.glob("botocore/data/**/*.json*")]
            read = lambda name: (path / name).read_bytes()
        else:
            wheel = zipfile.ZipFile(path)
            names, read = wheel.namelist(), wheel.read
        self._read = read
        self._names = sorted(names)
        self._present = set(names)
        init = read("botocore/__init__.py").decode()
        self.version = re.search(r"__version__ = '([^']+)'", init).group(1)
        self.endpoints = self._json("botocore/data/endpoints.json")
        self.partitions = self._json("botocore/data/partitions.json")

    def _json(self, name):
        data = self._read(name)
        return json.loads(gzip.decompress(data) if name.endswith(".gz") else data)

    def services(self):
        """Yields (name, rule set, model) of each service, the newest API version last."""
        pattern = re.compile(r"botocore/data/([^/]+)/([^/]+)/endpoint-rule-set-1\.json")
        for name in self._names:
            found = pattern.match(name)
            stem = name.removesuffix(".gz").replace("endpoint-rule-set-1", "service-2")
            model = next((n for n in (stem, stem + ".gz") if n in self._present), None)
            if found and model:
                yield found.group(1), self._json(name), self._json(model)

    def region_partition(self):
        """Each region, pseudo-regions too, with its partition's id."""
        return {
            region: partition["id"]
            for partition in self.partitions["partitions"]
            for region in partition["regions"]
        }
