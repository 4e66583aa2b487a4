import asyncio, os, sys

try:
    import aiohttp
except ImportError:
    sys.exit(77)

print("version", aiohttp.__version__, flush=True)


async def main():
    trust_env = bool(os.environ.get("OUTGATE_PROBE_TRUST_ENV"))
    async with aiohttp.ClientSession(trust_env=trust_env) as session:
        async with session.get(sys.argv[1], raise_for_status=True) as answer:
            await answer.read()


asyncio.run(main())
