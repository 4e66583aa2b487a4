"""httpx, one after the other and many at once."""
import asyncio, hashlib, os, ssl, sys
import httpx

base = sys.argv[1]
data = bytes(range(256)) * 20000
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
with httpx.Client(verify=trust, timeout=30) as client:
    said = client.put(f"{base}/sum", content=data).text.split()
    assert said == [str(len(data)), hashlib.sha256(data).hexdigest()], said


async def many():
    async with httpx.AsyncClient(verify=trust, timeout=30) as client:
        return await asyncio.gather(*(client.get(f"{base}/bytes/5000000") for _ in range(4)))


sums = {hashlib.sha256(answer.content).hexdigest() for answer in asyncio.run(many())}
assert len(sums) == 1
print(sums.pop())
