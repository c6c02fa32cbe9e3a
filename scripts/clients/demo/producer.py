"""A producer of the demo: pushes a job for each path on standard input.

  producer.py PORT QUEUE
"""
import json
import sys
import time

import redis

client = redis.Redis(port=int(sys.argv[1]), socket_timeout=10)
for number, line in enumerate(sys.stdin):
    job = json.dumps({"id": number, "path": line.rstrip("\n"), "producer": "python"})
    while True:
        try:
            client.lpush(sys.argv[2], job)
            break
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            time.sleep(0.05)
