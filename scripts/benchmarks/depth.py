"""One in, one out, where there is much data already; load: tests/load, 50 clients, pipeline 32.
The time of one pair must not grow with the depth."""
from . import load
from .contenders import Cost, Workload

SECONDS = 2
DEPTHS = {"1e3": 10**3, "1e5": 10**5, "1e7": 10**7}

# kind of data: the pair of commands
PAIRS = {
    "list": ("LPUSH filled " + "x" * load.VALUE_BYTES, "RPOP filled"),
    "zset": ("ZADD filled __rand__ member:__rand__", "ZPOPMIN filled"),
    "stream": (
        "XADD filled * data " + "x" * load.VALUE_BYTES,
        "XREADGROUP GROUP group consumer COUNT 1 NOACK STREAMS filled >",
    ),
}


def workload(kind, name):
    def run(contender, scale):
        with contender.start() as server:
            count = scale.count(DEPTHS[name], min(DEPTHS[name], 10_000))
            load.fill(server, scale, kind, count)
            if kind == "stream":
                server.connect().call("XGROUP", "CREATE", "filled", "group", "0")
            cost = Cost(server)
            values = {"seconds": scale.seconds(SECONDS), "pipeline": 32, "keys": 10**11}
            figures = load.generate(server, scale, "commands", *PAIRS[kind], **values)
            figures["cpu_us"] = cost.us_each(figures.pop("requests"))
            return {name: figures[name] for name in ("per_second", "cpu_us")}

    seconds = SECONDS * 1.2 + 1 + DEPTHS[name] / 300_000
    return Workload("depth-%s-%s" % (kind, name), "depth", seconds, run, 3 if name == "1e7" else 100)


WORKLOADS = [workload(kind, name) for kind in PAIRS for name in DEPTHS]
