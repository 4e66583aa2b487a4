"""Server-sent events: each arrives when it is sent, not when the answer ends."""
import sys
import requests

base = sys.argv[1]
got = []
with requests.get(f"{base}/events", stream=True, timeout=20) as answer:
    for line in answer.iter_lines(chunk_size=1):
        if line:
            got.append(line)
            requests.get(f"{base}/more", timeout=20).raise_for_status()
assert got == [b"data: 1", b"data: 2"], got
print("ok")
