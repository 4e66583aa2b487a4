import sys

try:
    import requests
except ImportError:
    sys.exit(77)

print("version", requests.__version__, flush=True)
requests.get(sys.argv[1], timeout=20).raise_for_status()
