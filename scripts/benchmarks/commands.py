"""Single commands, a script that adds a job, and the policies of appendfsync; load: redis-benchmark.

At pipeline 32 redis-benchmark fills a core by itself. What it shows there is what the pair of both
does; the server's CPU for each request is the figure to compare.
"""
import hashlib

from . import load
from .contenders import NO_LOG, Cost, Workload

PIPELINES = (1, 32)
KEYS = 100_000

VALUE = r"$%d\r\n%s" % (load.VALUE_BYTES, "x" * load.VALUE_BYTES)
# name: (what is put there first, the command, its reply)
COMMANDS = {
    "LPUSH": ("", "LPUSH list __data__", ":1000000"),
    "RPOP": ("list", "RPOP list", VALUE),
    "XADD": ("", "XADD stream * data __data__", r"$17\r\n1700000000000-100"),
    "SET": ("", "SET key:__rand_int__ __data__", "+OK"),
    "GET": ("keys", "GET key:__rand_int__", VALUE),
    "HSET": ("", "HSET hash field:__rand_int__ __data__", ":0"),
    "ZADD": ("", "ZADD zset __rand_int__ member:__rand_int__", ":0"),
}

ADD_JOB = """
local id = redis.call('INCR', KEYS[1] .. ':id')
redis.call('HSET', KEYS[1] .. ':' .. id, 'name', ARGV[1], 'data', ARGV[2], 'opts', '{}')
redis.call('LPUSH', KEYS[1] .. ':wait', id)
redis.call('XADD', KEYS[1] .. ':events', 'MAXLEN', '~', 10000, '*', 'event', 'added', 'jobId', id)
return id
"""


# The same commands without a script, in one pipeline: what is left if the interpreter were free.
ADD_JOB_COMMANDS = (
    "INCR q:id",
    'HSET q:__rand__ name resize data {"file":"cat.jpg"} opts {}',
    "LPUSH q:wait 100000",
    "XADD q:events MAXLEN ~ 10000 * event added jobId 100000",
)
SECONDS = 2


def measure(server, words, requests, **values):
    cost = Cost(server)
    figures = load.redis_benchmark(server, words, requests, **values)
    figures["cpu_us"] = cost.us_each(requests)
    figures["own_cpu_us"] = cost.own_us_each(requests)
    return figures


def command(name, pipeline):
    prepare, line, reply = COMMANDS[name]

    def run(contender, scale):
        requests = scale.count(200_000 if pipeline == 1 else 2_000_000, 20_000)
        with contender.start() as server:
            if prepare == "list":
                load.fill(server, scale, "list", requests, "list")
            elif prepare == "keys":
                load.fill(server, scale, "keys", KEYS)
            return measure(server, line.split(), requests, pipeline=pipeline, keys=KEYS)

    return Workload("%s-%d" % (name, pipeline), "commands", 5, run, reply=reply)


def script(contender, scale):
    with contender.start() as server:
        server.connect().call("SCRIPT", "LOAD", ADD_JOB)
        sha = hashlib.sha1(ADD_JOB.encode()).hexdigest()
        words = ["EVALSHA", sha, "1", "{q}", "resize", '{"file":"cat.jpg"}']
        return measure(server, words, scale.count(100_000, 2000))


def script_commands(contender, scale):
    each = len(ADD_JOB_COMMANDS)
    with contender.start() as server:
        cost = Cost(server)
        values = {"seconds": scale.seconds(SECONDS), "pipeline": each, "keys": 10**11}
        figures = load.generate(server, scale, "commands", *ADD_JOB_COMMANDS, **values)
        jobs = figures.pop("requests") / each
        figures["per_second"] /= each
        return {**figures, "cpu_us": cost.us_each(jobs), "own_cpu_us": cost.own_us_each(jobs)}


def policy(name, clients, pipeline):
    """`appendfsync`, against peers with the same and against respq without a log."""
    # One client waits for the disk each time.
    requests = 20_000 if clients == 1 else 100_000 if pipeline == 1 else 1_000_000

    def run(contender, scale, options=("--appendonly", "yes", "--appendfsync", name)):
        with contender.start(list(options)) as server:
            words = ["LPUSH", "list", "__data__"]
            return measure(server, words, scale.count(requests), clients=clients, pipeline=pipeline)

    label = "fsync-%s-%s" % (name, "pipeline" if pipeline > 1 else "%d" % clients)
    without = lambda one, scale: run(one, scale, NO_LOG)
    return Workload(label, "fsync", 8, run, extra=without, reply=COMMANDS["LPUSH"][2])


WORKLOADS = [command(name, pipeline) for pipeline in PIPELINES for name in COMMANDS]
WORKLOADS += [
    Workload("script-add-job", "script", 5, script, reply=":1000000"),
    Workload("script-add-job-commands", "script", 5, script_commands, reply=":1000000"),
]
WORKLOADS += [
    policy(name, clients, pipeline)
    for name in ("no", "everysec", "always")
    for clients, pipeline in ((1, 1), (50, 1), (50, 32))
]
