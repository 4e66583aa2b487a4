"""websockets through the proxy: text, binary, a large message, close."""
import asyncio, os, ssl, sys
import websockets

url = sys.argv[1].replace("https://", "wss://") + "/ws"
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


async def main():
    async with websockets.connect(url, ssl=trust, proxy=os.environ["HTTPS_PROXY"], max_size=None) as socket:
        for message in ["hello", b"\0\1\2", os.urandom(1_000_000), "x" * 70_000]:
            await socket.send(message)
            assert await socket.recv() == message
    print("ok")


asyncio.run(main())
