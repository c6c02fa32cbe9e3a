"""redis-py, asyncio."""
import asyncio
import os
import sys

import redis
import redis.asyncio as aio

PORT = int(os.environ["PORT"])
passed = 0


def equal(what, found, expected):
    global passed
    if found != expected:
        sys.exit("redis-py asyncio: %s: found %r" % (what, found))
    passed += 1


async def main():
    client = aio.Redis(port=PORT, decode_responses=True, socket_timeout=10)
    equal("ping", await client.ping(), True)
    async with client.pipeline(transaction=False) as pipe:
        for n in range(100):
            pipe.rpush("pipeline", n)
        equal("pipeline", (await pipe.execute())[-1], 100)

    async def later():
        await asyncio.sleep(0.2)
        await client.rpush("blocking", "job")

    pushing = asyncio.create_task(later())
    equal("blocking pop", list(await client.blpop(["blocking"], 10)), ["blocking", "job"])
    await pushing
    async with client.pipeline(transaction=True) as pipe:
        equal("transaction", await pipe.set("counter", 1).incr("counter").execute(), [True, 2])
    async with client.pipeline(transaction=True) as pipe:
        await pipe.watch("counter")
        await client.set("counter", 2)
        pipe.multi()
        pipe.set("counter", 100)
        try:
            await pipe.execute()
            equal("watch", "ran", "failed")
        except redis.WatchError:
            equal("watch", await client.get("counter"), "2")
    script = client.register_script("return redis.call('GET', KEYS[1])")
    equal("script", await script(keys=["counter"]), "2")
    await client.xgroup_create("stream", "group", id="0", mkstream=True)
    ids = [await client.xadd("stream", {"n": n}) for n in range(3)]
    await client.xreadgroup("group", "consumer", {"stream": ">"}, count=10)
    equal("ack", await client.xack("stream", "group", *ids[:2]), 2)
    equal("pending", (await client.xpending("stream", "group"))["pending"], 1)
    async with client.pubsub() as subscriber:
        await subscriber.subscribe("news")
        await subscriber.get_message(timeout=5)
        await client.publish("news", "hello")
        message = await subscriber.get_message(ignore_subscribe_messages=True, timeout=5)
        equal("pub/sub", message["data"], "hello")
    print("restart", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for _ in range(100):
        try:
            await client.ping()
            break
        except redis.ConnectionError:
            await asyncio.sleep(0.05)
    equal("data after the restart", [await client.get("counter"), await client.llen("pipeline")], ["2", 100])
    await client.aclose()


asyncio.run(main())
print("redis-py %s asyncio: %d checks passed" % (redis.__version__, passed))
