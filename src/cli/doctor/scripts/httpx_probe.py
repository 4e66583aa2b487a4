import sys

try:
    import httpx
except ImportError:
    sys.exit(77)

print("version", httpx.__version__, flush=True)
httpx.get(sys.argv[1], timeout=20).raise_for_status()
