"""redis-py, synchronous: RESP2 or RESP3 as the word on the command line says."""
import os
import sys
import threading
import time

import redis

PORT, PROTOCOL = int(os.environ["PORT"]), int(sys.argv[1])
client = redis.Redis(port=PORT, protocol=PROTOCOL, socket_timeout=10)
passed = 0


def equal(what, found, expected):
    global passed
    if found != expected:
        sys.exit("redis-py RESP%d: %s: found %r" % (PROTOCOL, what, found))
    passed += 1


equal("ping", client.ping(), True)
equal("version", client.info("server")["redis_version"].split(".")[0].isdigit(), True)
binary = bytes(range(256))
client.set("binary", binary)
equal("binary", client.get("binary"), binary)
with client.pipeline(transaction=False) as pipe:
    for n in range(100):
        pipe.rpush("pipeline", n)
    pipe.lrange("pipeline", 0, 2)
    replies = pipe.execute()
equal("pipeline", (replies[99], replies[100]), (100, [b"0", b"1", b"2"]))
threading.Timer(0.2, lambda: redis.Redis(port=PORT).rpush("blocking", "job")).start()
equal("blocking pop", client.blpop(["blocking"], 10), [b"blocking", b"job"] if PROTOCOL == 3 else (b"blocking", b"job"))
equal("time-out", client.brpop(["blocking"], 0.05), None)


def move(pipe):
    value = int(pipe.get("counter") or 0)
    pipe.multi()
    pipe.set("counter", value + 1)
    pipe.hset("hash", mapping={"a": 1, "b": 2})


equal("transaction", client.transaction(move, "counter"), [True, 2])
with client.pipeline() as pipe:
    pipe.watch("counter")
    redis.Redis(port=PORT).incr("counter")
    pipe.multi()
    pipe.set("counter", 100)
    try:
        pipe.execute()
        equal("watch", "ran", "failed")
    except redis.WatchError:
        equal("watch", client.get("counter"), b"2")
script = client.register_script("return {KEYS[1], ARGV[1], redis.call('GET', KEYS[1])}")
equal("script", script(keys=["counter"], args=["x"]), [b"counter", b"x", b"2"])
equal("script again", script(keys=["counter"], args=["y"]), [b"counter", b"y", b"2"])
client.xgroup_create("stream", "group", id="0", mkstream=True)
ids = [client.xadd("stream", {"n": n}) for n in range(3)]
read = client.xreadgroup("group", "consumer", {"stream": ">"}, count=10)
entries = read[b"stream"][0] if isinstance(read, dict) else read[0][1]
equal("stream group", [entry[0] for entry in entries], ids)
equal("ack", client.xack("stream", "group", ids[0]), 1)
equal("pending", client.xpending("stream", "group")["pending"], 2)
equal("claim", [entry[0] for entry in client.xautoclaim("stream", "group", "other", 0, "0-0")[1]], ids[1:])
subscriber = client.pubsub(ignore_subscribe_messages=True)
subscriber.subscribe("news")
subscriber.psubscribe("new*")
while client.publish("news", "hello") != 2:
    time.sleep(0.01)
seen = []
while len(seen) < 2:
    message = subscriber.get_message(timeout=5)
    if message:
        seen.append((message["type"], message["data"]))
equal("pub/sub", sorted(set(seen)), [("message", b"hello"), ("pmessage", b"hello")])
client.zadd("ranks", {"a": 1.5, "b": 2})
equal("scores", client.zrange("ranks", 0, -1, withscores=True)[0][1], 1.5)
equal("hash", client.hgetall("hash"), {b"a": b"1", b"b": b"2"})
client.acl_log_reset()
client.acl_setuser("worker", enabled=True, reset=True, passwords=["+secret"], keys=["own*"],
                   commands=["+@list", "+@connection", "+acl|whoami"])
worker = redis.Redis(port=PORT, protocol=PROTOCOL, username="worker", password="secret", decode_responses=True)
equal("user", worker.acl_whoami(), "worker")
equal("own key", worker.lpush("own", "job"), 1)
for what, refused, error in (
    ("key of others", lambda: worker.lpush("others", "job"), redis.exceptions.NoPermissionError),
    ("command of others", lambda: worker.set("own", "x"), redis.exceptions.NoPermissionError),
    ("wrong password", redis.Redis(port=PORT, protocol=PROTOCOL, username="worker", password="x").ping,
     redis.exceptions.AuthenticationError),
    ("no such user", redis.Redis(port=PORT, protocol=PROTOCOL, username="nobody", password="secret").ping,
     redis.exceptions.AuthenticationError),
):
    try:
        equal(what, refused(), "refused")
    except error:
        passed += 1
equal("rights", client.acl_getuser("worker")["keys"], ["~own*"])
equal("denied", [entry["reason"] for entry in client.acl_log()].count("auth"), 2)
equal("user removed", client.acl_deluser("worker"), 1)
print("restart", flush=True)
sys.stdin.readline()
for _ in range(100):
    try:
        client.ping()
        break
    except redis.ConnectionError:
        time.sleep(0.05)
equal("data after the restart", (client.get("counter"), client.llen("pipeline"), client.xlen("stream")), (b"2", 100, 3))
print("redis-py %s RESP%d: %d checks passed" % (redis.__version__, PROTOCOL, passed))
