"""A worker of the demo: takes jobs from a queue, hashes and compresses the file, records the result.

  worker.py PORT NAME MODE    MODE: `blmove` (a processing list, at least once) or `brpop` (at most once)
"""
import gzip
import hashlib
import json
import sys
import time

import redis

port, name, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = redis.Redis(port=port, socket_timeout=10)
processing = "processing:" + name


def again(action):
    """Runs an action until the server is there to take it."""
    while True:
        try:
            return action()
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            time.sleep(0.05)


def work(path):
    with open(path, "rb") as file:
        data = file.read()
    return "%s %d" % (hashlib.sha256(data).hexdigest(), len(gzip.compress(data)))


def record(job, result):
    """Result, count of runs and the end of the job are one transaction."""
    with client.pipeline(transaction=True) as pipe:
        pipe.hset("results", json.loads(job)["path"], result)
        pipe.hincrby("runs:" + mode, json.loads(job)["path"], 1)
        pipe.hincrby("workers", name, 1)
        if mode == "blmove":
            pipe.lrem(processing, 1, job)
        pipe.execute()


def take():
    if mode == "blmove":
        return client.blmove("jobs:blmove", processing, 1, "RIGHT", "LEFT")
    popped = client.brpop(["jobs:brpop"], 1)
    return popped and popped[1]


while True:
    job = again(take)
    if job:
        result = work(json.loads(job)["path"])
        again(lambda: record(job, result))
