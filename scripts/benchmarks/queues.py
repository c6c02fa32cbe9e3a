"""Producers and consumers; load: tests/load. CPU is that of the server for each message, which may
be several commands. At a fixed rate latency is the figure, else throughput: there, latency follows
from the number of messages that are allowed under way. Latency at a fixed rate depends on whether
the system puts server and load on one core or on two, so one workload is bound to each as well."""
from . import load
from .contenders import Cost, Workload

RATE = 5000
SECONDS = 4
# More than any server here gives out in that time.
BACKLOG = 8_000_000
AT_SATURATION = ("per_second", "cpu_us", "own_cpu_us", "load_busy")


def workload(name, scenario, fixed=True, messages_each=1, reply=None, cores=(None, None), **values):
    """`cores`: those of the server and of the load."""

    def run(contender, scale):
        with load.bound(cores[0]), contender.start() as server, load.bound(cores[1]):
            cost = Cost(server)
            figures = load.generate(
                server, scale, scenario, seconds=scale.seconds(SECONDS), **values
            )
            requests = figures.pop("requests")
            figures["cpu_us"] = cost.us_each(requests)
            figures["own_cpu_us"] = cost.own_us_each(requests)
            if fixed:
                expected = values["rate"] * messages_each
                if figures.pop("per_second") < 0.9 * expected:
                    print("    %s: %s did not keep up" % (name, contender.name))
                return figures
            return {name: figures[name] for name in AT_SATURATION}

    def missing():
        return None if all(core is None or core < len(load.CORES) for core in cores) else "a second core"

    return Workload(name, "queues", SECONDS * 1.2 + 1, run, reply=reply, missing=missing)


def backlog(count):
    """A group that works off what has piled up in a stream."""

    def run(contender, scale):
        messages = scale.count(BACKLOG, 200_000)
        with contender.start() as server:
            load.fill(server, scale, "stream", messages, "stream")
            cost = Cost(server)
            figures = load.generate(
                server, scale, "queue", kind="backlog", count=count, seconds=scale.seconds(SECONDS)
            )
            if figures["requests"] >= messages:
                raise SystemExit("%s gave out all there was" % contender.name)
            figures["cpu_us"] = cost.us_each(figures["requests"])
            figures["own_cpu_us"] = cost.own_us_each(figures["requests"])
            return {name: figures[name] for name in AT_SATURATION}

    return Workload("backlog-%d" % count, "queues", SECONDS * 4, run)


def ping(contender, scale):
    """A request and its reply: as many hops as from a producer by the server to a consumer."""
    with contender.start() as server:
        cost = Cost(server)
        figures = load.generate(server, scale, "commands", "PING", seconds=scale.seconds(SECONDS), rate=RATE)
        requests = figures.pop("requests")
        del figures["per_second"]
        return {**figures, "cpu_us": cost.us_each(requests), "own_cpu_us": cost.own_us_each(requests)}


WORKLOADS = [
    Workload("ping-5000", "queues", SECONDS * 1.2 + 1, ping, reply="+PONG"),
    workload("handoff-5000", "queue", reply="message", kind="brpop", rate=RATE),
    workload("handoff-5000-one-core", "queue", reply="message", kind="brpop", rate=RATE, cores=(0, 0)),
    workload("handoff-5000-two-cores", "queue", reply="message", kind="brpop", rate=RATE, cores=(0, 1)),
    workload("handoff-full", "queue", fixed=False, reply="message", kind="brpop"),
    workload("reliable-5000", "queue", kind="blmove", rate=RATE),
    workload("reliable-full", "queue", fixed=False, kind="blmove"),
    workload("stream-5000", "queue", kind="stream", count=10, rate=RATE),
    workload("stream-1", "queue", fixed=False, kind="stream", count=1),
    workload("stream-10", "queue", fixed=False, kind="stream", count=10),
    workload("stream-100", "queue", fixed=False, kind="stream", count=100),
    backlog(1),
    backlog(10),
    workload("blocked-1000", "queue", kind="brpop", rate=RATE, consumers=1000),
    workload("blocked-1000-full", "queue", fixed=False, kind="brpop", consumers=1000),
    workload("fanout-100", "fanout", messages_each=100, rate=200, subscribers=100),
    workload("fanout-100-full", "fanout", fixed=False, subscribers=100),
]
