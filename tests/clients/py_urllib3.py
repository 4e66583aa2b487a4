"""urllib3: its own proxy manager, a stream up, a stream down, a range."""
import hashlib, os, sys
import urllib3

base = sys.argv[1]
pool = urllib3.ProxyManager(os.environ["HTTPS_PROXY"], ca_certs=os.environ["SSL_CERT_FILE"], timeout=30)
data = bytes(range(256)) * 20000
said = pool.request("PUT", f"{base}/sum", body=(data[at:at + 7000] for at in range(0, len(data), 7000))).data.split()
assert said == [str(len(data)).encode(), hashlib.sha256(data).hexdigest().encode()], said
total = hashlib.sha256()
answer = pool.request("GET", f"{base}/bytes/5000000", preload_content=False)
for piece in answer.stream(10000):
    total.update(piece)
print(total.hexdigest())
