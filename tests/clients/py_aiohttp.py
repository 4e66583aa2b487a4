"""aiohttp (proxies from the environment only with trust_env)."""
import asyncio, hashlib, os, ssl, sys
import aiohttp

base = sys.argv[1]
data = bytes(range(256)) * 20000
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


async def main():
    async with aiohttp.ClientSession(trust_env=True, connector=aiohttp.TCPConnector(ssl=trust)) as session:
        async with session.put(f"{base}/sum", data=data) as answer:
            said = (await answer.text()).split()
            assert said == [str(len(data)), hashlib.sha256(data).hexdigest()], said
        async with session.get(f"{base}/bytes/5000000") as answer:
            print(hashlib.sha256(await answer.read()).hexdigest())


asyncio.run(main())
