"""urllib.request."""
import hashlib, sys
import urllib.request

base = sys.argv[1]
data = bytes(range(256)) * 20000
asked = urllib.request.Request(f"{base}/sum", data=data, method="PUT")
said = urllib.request.urlopen(asked, timeout=30).read().decode().split()
assert said == [str(len(data)), hashlib.sha256(data).hexdigest()], said
print(hashlib.sha256(urllib.request.urlopen(f"{base}/bytes/5000000", timeout=30).read()).hexdigest())
