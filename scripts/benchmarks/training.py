"""What a server is to be fast at, as scripts/pgo runs it on a build that counts. The shapes are those of
job libraries, not those that scripts/bench measures: other sizes, mixed commands, other pipelines."""
import tempfile

from . import load
from .commands import ADD_JOB
from .contenders import NO_LOG

SECONDS = 1.0
PIPELINES = (1, 16)
CLIENTS = 30
KEYS = 20_000
MESSAGES = 200_000
LOG = ["--appendonly", "yes", "--appendfsync"]

# Each family in turn; what one command adds, another one takes.
FAMILIES = (
    ("LPUSH queue " + "m" * 48, "RPOP queue", "RPUSH queue " + "m" * 120, "LPOP queue", "LLEN queue"),
    ("RPUSH wait job:__rand__", "LMOVE wait active LEFT RIGHT", "LREM active 1 job:__rand__", "RPOP active"),
    ("SET key:__rand__ " + "v" * 80 + " EX 600", "GET key:__rand__", "EXISTS key:__rand__", "DEL key:__rand__"),
    ("INCR count:__rand__", "EXPIRE count:__rand__ 60", "SET lock:__rand__ owner NX PX 30000", "TTL key:__rand__"),
    ("HSET job:__rand__ name resize data " + "d" * 64 + " tries 0", "HGETALL job:__rand__",
     "HINCRBY job:__rand__ tries 1", "HMGET job:__rand__ name data", "DEL job:__rand__"),
    ("SADD queues q__rand__", "SISMEMBER queues q__rand__", "SREM queues q__rand__", "SCARD queues"),
    ("ZADD delayed __rand__ job:__rand__", "ZRANGEBYSCORE delayed -inf __rand__ LIMIT 0 3", "ZPOPMIN delayed",
     "ZREM delayed job:__rand__", "ZSCORE delayed job:__rand__"),
    ("XADD events MAXLEN ~ 5000 * event added job __rand__", "XRANGE events - + COUNT 5", "XLEN events",
     "PUBLISH events:__rand__ added"),
    ("PING",),
)
TRANSACTION = ("MULTI", "HSET job:tx state done", "LPUSH queue:tx id", "RPOP queue:tx", "ZADD zset:tx 1 id", "EXEC")

FETCH_JOB = """
local id = redis.call('RPOPLPUSH', KEYS[1] .. ':wait', KEYS[1] .. ':active')
if not id then return {} end
local key = KEYS[1] .. ':' .. id
redis.call('HSET', key, 'started', ARGV[1])
local job = redis.call('HGETALL', key)
redis.call('LREM', KEYS[1] .. ':active', 1, id)
redis.call('ZADD', KEYS[1] .. ':done', ARGV[1], id)
redis.call('ZREMRANGEBYRANK', KEYS[1] .. ':done', 0, -1000)
redis.call('DEL', key)
return {id, job, cjson.encode({id = id, at = tonumber(ARGV[1])})}
"""


def commands(server, scale, families=FAMILIES):
    seconds = scale.seconds(SECONDS)
    for family in families:
        for pipeline in PIPELINES:
            # Each client begins with another command.
            load.generate(server, scale, "commands", *family, seconds=seconds, pipeline=pipeline, clients=CLIENTS, keys=KEYS)


def transactions(server, scale):
    """One client, whose pieces are whole transactions."""
    load.generate(server, scale, "commands", *TRANSACTION, seconds=scale.seconds(SECONDS), pipeline=2 * len(TRANSACTION), clients=1)


def scripts(server, scale):
    connection = server.connect()
    add, fetch = (connection.call("SCRIPT", "LOAD", source).decode() for source in (ADD_JOB, FETCH_JOB))
    lines = (
        "EVALSHA %s 1 jobs resize %s" % (add, "d" * 48),
        "EVALSHA %s 1 jobs 1700000000" % fetch,
    )
    load.generate(server, scale, "commands", *lines, seconds=scale.seconds(3 * SECONDS), clients=CLIENTS)


def queues(server, scale):
    for values in ({"kind": "brpop"}, {"kind": "blmove"}, {"kind": "stream", "count": 5}):
        load.generate(server, scale, "queue", seconds=scale.seconds(SECONDS), **values)
    load.generate(server, scale, "fanout", seconds=scale.seconds(SECONDS), subscribers=20)


def files(server, scale):
    """Fills each type, rewrites the log, loads it."""
    for kind in ("list", "keys", "hash", "stream", "zset"):
        load.fill(server, scale, kind, scale.count(MESSAGES), "filled:" + kind, 60)
    server.connect().call("BGREWRITEAOF")
    commands(server, scale, FAMILIES[:3])
    server.stop()
    server.start()


def run(contender, scale):
    """All of it; the counters of a build that counts are written when a server stops."""
    for options in (NO_LOG, [*LOG, "everysec"]):
        with contender.start(options) as server:
            for part in (commands, transactions, scripts, queues):
                part(server, scale)
    with contender.start([*LOG, "always"]) as server:
        commands(server, scale, FAMILIES[:2])
    with tempfile.TemporaryDirectory() as directory:
        # Rewritten when told to, not by itself.
        options = [*LOG, "everysec", "--auto-aof-rewrite-percentage", "0"]
        with contender.start(options, directory) as server:
            files(server, scale)
