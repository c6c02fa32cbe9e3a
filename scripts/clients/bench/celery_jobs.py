"""Celery: adds tasks that do nothing, then one worker runs them."""
import json
import os
import subprocess
import sys
import time

import redis
from celery import Celery

URL = "redis://127.0.0.1:%s/0" % os.environ["PORT"]
JOBS = int(os.environ["JOBS"])

app = Celery("celery_jobs", broker=URL)
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@app.task
def nothing(file, width, height):
    pass


@app.task
def last():
    redis.Redis.from_url(URL).lpush("bench:over", "1")


def per_second(begin):
    return JOBS / (time.monotonic() - begin)


def main():
    begin = time.monotonic()
    for _ in range(JOBS):
        nothing.delay("cat.jpg", 640, 480)
    add = per_second(begin)
    folder = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, "-m", "celery", "-A", "celery_jobs", "worker", "-P", "solo", "-l", "ERROR"]
    worker = subprocess.Popen(command, cwd=folder, env=os.environ, stdout=subprocess.DEVNULL)
    client = redis.Redis.from_url(URL)
    # From the first task that is taken, so that the worker's start does not count.
    while client.llen("celery") == JOBS:
        time.sleep(0.005)
    begin = time.monotonic()
    last.delay()
    client.blpop("bench:over", 300)
    process = per_second(begin)
    worker.terminate()
    worker.wait()
    print(json.dumps({"add_per_second": add, "process_per_second": process}))


if __name__ == "__main__":
    main()
