"""requests: sys.argv = URL; proxy and roots by the usual variables."""
import hashlib, sys
import requests

base = sys.argv[1]
with requests.Session() as session:
    for _ in range(3):
        assert session.get(f"{base}/bytes/70000").content[:3] == bytes([0, 7, 14])
    data = bytes(range(256)) * 20000
    said = session.put(f"{base}/sum", data=data).text.split()
    assert said == [str(len(data)), hashlib.sha256(data).hexdigest()], said
    pieces = (data[at:at + 10000] for at in range(0, len(data), 10000))
    said = session.post(f"{base}/sum", data=pieces).text.split()
    assert said == [str(len(data)), hashlib.sha256(data).hexdigest()], said
    print(hashlib.sha256(session.get(f"{base}/bytes/5000000").content).hexdigest())
