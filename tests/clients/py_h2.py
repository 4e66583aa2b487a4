"""httpx over HTTP/2: many streams at once, large bodies both ways."""
import asyncio, os, ssl, sys
import httpx

url = sys.argv[1]
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


async def main():
    async with httpx.AsyncClient(verify=trust, timeout=60, http2=True) as client:
        bodies = [os.urandom(200_000 + number) for number in range(40)]
        answers = await asyncio.gather(*(client.post(url, content=body) for body in bodies))
        for body, answer in zip(bodies, answers):
            assert answer.http_version == "HTTP/2" and answer.content == body, answer
    print("ok")


asyncio.run(main())
