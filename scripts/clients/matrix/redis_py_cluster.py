"""redis-py's client for clusters."""
import os
import sys

import redis
from redis.cluster import RedisCluster

client = RedisCluster(host="127.0.0.1", port=int(os.environ["PORT"]))
passed = 0


def equal(what, found, expected):
    global passed
    if found != expected:
        sys.exit("redis-py RedisCluster: %s: found %r" % (what, found))
    passed += 1


equal("nodes", len(client.get_primaries()), 1)
equal("state", client.cluster_info()["cluster_state"], "ok")
for n in range(100):
    client.set("key:%d" % n, n)
equal("size", client.dbsize(), 100)
equal("across slots", client.mget_nonatomic(["key:1", "key:2"]), [b"1", b"2"])
pipe = client.pipeline()
for n in range(100):
    pipe.get("key:%d" % n)
equal("pipeline", pipe.execute()[99], b"99")
client.mset({"{tag}a": 1, "{tag}b": 2})
equal("one slot", client.mget("{tag}a", "{tag}b"), [b"1", b"2"])
equal("its keys", sorted(client.cluster_get_keys_in_slot(client.keyslot("{tag}"), 10)), ["{tag}a", "{tag}b"])
try:
    client.get_default_node().redis_connection.delete("a", "b")
    equal("keys across slots", "run", "refused")
except redis.exceptions.ClusterCrossSlotError:
    equal("keys across slots", None, None)
equal("script", client.eval("return redis.call('GET', KEYS[1])", 1, "{tag}a"), b"1")
client.rpush("list", "job")
equal("blocking pop", list(client.blpop(["list"], 5)), [b"list", b"job"])
subscriber = client.pubsub(ignore_subscribe_messages=True)
subscriber.ssubscribe("news")
while client.spublish("news", "hello") != 1:
    pass
message = None
while message is None:
    message = subscriber.get_sharded_message(timeout=5)
equal("shard channel", message["data"], b"hello")
print("redis-py %s RedisCluster: %d checks passed" % (redis.__version__, passed))
