"""A wheel with one incompressible file: make_wheel.py PATH."""
import random, sys, zipfile

with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    info = "outgate_probe-1.0.dist-info"
    wheel.writestr("outgate_probe/data.bin", random.Random(1).randbytes(3_000_000))
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: outgate-probe\nVersion: 1.0\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
