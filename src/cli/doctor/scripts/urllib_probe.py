import platform, sys
import urllib.request

print("version", platform.python_version(), flush=True)
print(urllib.request.urlopen(sys.argv[1], timeout=20).read())
