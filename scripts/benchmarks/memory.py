"""Memory: bytes for each message above its own, by kind and size, and for each idle connection.

`above_bytes` is from `used_memory`, the server's own account; `rss_bytes` is the growth of the
process for each message, payload included.
"""
import resource
import time

from . import load
from .contenders import Workload

# bytes of a message: how many are put
SIZES = {32: 1_000_000, 200: 500_000, 1000: 200_000}
# Sizes at which what a member of a sorted set has besides just misses a piece of the allocator.
UNLUCKY = {250: 400_000, 500: 300_000, 1010: 200_000}
# What a message has beside its text: the name of its field, or its key and other fields.
OTHER_BYTES = {"list": 0, "stream": 0, "zset": 0, "hash": 16, "jobs": 100, "keys": 16}
CONNECTIONS = 5000
SETTLED_SECONDS = 30


def used(server):
    return int(server.connect().info("used_memory"))


def bytes_each(kind, size):
    def run(contender, scale):
        with contender.start() as server:
            load.fill(server, scale, kind, 1000, "warm", size)
            server.connect().call("FLUSHALL")
            before, rss_before = used(server), server.rss_bytes()
            count = scale.count({**SIZES, **UNLUCKY}[size], 20_000)
            load.fill(server, scale, kind, count, size=size)
            payload = size + OTHER_BYTES[kind]
            return {
                "above_bytes": (used(server) - before) / count - payload,
                "rss_bytes": (server.rss_bytes() - rss_before) / count,
            }

    return Workload("bytes-%s-%d" % (kind, size), "memory", 4, run, 1)


def idle(contender, scale):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = scale.count(CONNECTIONS, 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * count + 1000)), hard))
    with contender.start(["--appendonly", "no", "--maxclients", "9000"]) as server:
        watch = server.connect()
        before, rss_before = int(watch.info("used_memory")), server.rss_bytes()
        connections = [server.connect() for _ in range(count)]
        for connection in connections:
            connection.call("PING")
        # Buffers of idle clients are given back after a while.
        end = time.monotonic() + scale.seconds(SETTLED_SECONDS)
        least = None
        while time.monotonic() < end:
            now = int(watch.info("used_memory"))
            least = now if least is None else min(least, now)
            time.sleep(0.5)
        figures = {
            "used_bytes": (least - before) / count,
            "rss_bytes": (server.rss_bytes() - rss_before) / count,
        }
        for connection in connections:
            connection.close()
        return figures


WORKLOADS = [bytes_each(kind, size) for kind in OTHER_BYTES for size in SIZES]
WORKLOADS += [bytes_each("zset", size) for size in UNLUCKY]
WORKLOADS.append(Workload("idle-connection", "memory", 35, idle, 1))
