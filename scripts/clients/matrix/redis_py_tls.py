"""redis-py over TLS: certificates of both sides, and over a socket of the file system."""
import os
import ssl
import sys
import threading

import redis

PORT, CERTIFICATES = int(os.environ["TLS_PORT"]), os.environ["CERTIFICATES"]
passed = 0


def path(name):
    return os.path.join(CERTIFICATES, name)


def client(name="client", authority="ca.crt", **more):
    shown = {"ssl_certfile": path(name + ".crt"), "ssl_keyfile": path(name + ".key")} if name else {}
    return redis.Redis(port=PORT, ssl=True, ssl_ca_certs=path(authority), socket_timeout=10, retry=None, **shown, **more)


def equal(what, found, expected):
    global passed
    if found != expected:
        sys.exit("redis-py TLS: %s: found %r" % (what, found))
    passed += 1


def fails(what, other):
    try:
        other.ping()
        equal(what, "served", "refused")
    except (redis.ConnectionError, redis.InvalidResponse, ssl.SSLError):
        equal(what, None, None)


good = client()
equal("ping", good.ping(), True)
fails("no certificate", client(name=None))
fails("a certificate of a stranger", client(name="stranger"))
fails("a server that is not trusted", client(authority="stranger-ca.crt"))
fails("no TLS", redis.Redis(port=PORT, socket_timeout=10, retry=None))
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    equal(version.name, client(ssl_min_version=version).ping(), True)
value = bytes(range(256)) * 20_000
good.set("large", value)
equal("a large value", good.get("large"), value)
with good.pipeline(transaction=False) as pipe:
    for n in range(10_000):
        pipe.rpush("list", n)
    equal("pipeline", pipe.execute()[-1], 10_000)
threading.Timer(0.2, lambda: client().rpush("blocking", "job")).start()
equal("blocking pop", list(good.blpop(["blocking"], 10)), [b"blocking", b"job"])
subscriber = good.pubsub(ignore_subscribe_messages=True)
subscriber.subscribe("news")
while good.publish("news", "hello") != 1:
    pass
message = None
while message is None:
    message = subscriber.get_message(timeout=5)
equal("pub/sub", message["data"], b"hello")
equal("many connections", [client().ping() for _ in range(50)], [True] * 50)
by_path = redis.Redis(unix_socket_path=os.environ["SOCKET"])
equal("a socket of the file system", by_path.llen("list"), 10_000)
print("redis-py %s TLS: %d checks passed" % (redis.__version__, passed))
