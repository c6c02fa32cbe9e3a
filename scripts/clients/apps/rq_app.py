"""RQ: immediate, prioritised, scheduled, retried, failing, dependent, unique and repeated jobs."""
import os
import signal
import sys
import time
from datetime import timedelta

import rq
from rq import Queue, Repeat, Retry

from checks import PORT, URL, Checks, Workers, begun, ran, tally, wait_for

import redis


def add(job, left, right):
    ran(job)
    return left + right


def flaky(job, failures):
    if ran(job) <= failures:
        raise ValueError("not yet")
    return "at last"


def hopeless(job):
    ran(job)
    raise ValueError("never")


def ordered(job):
    ran(job)
    tally().rpush("check:order", job)


def slow(job):
    tally().set("check:horse", os.getpid())
    is_first = tally().incr("check:slow") == 1
    begun(job)
    if is_first:
        time.sleep(60)
    ran(job)


def main():
    checks = Checks("RQ", rq.VERSION)
    connection = redis.Redis(port=PORT)
    queue, high, low = (Queue(name, connection=connection) for name in ("default", "high", "low"))
    prioritised = [low.enqueue(ordered, "low-%d" % n).id for n in range(5)]
    prioritised += [high.enqueue(ordered, "high-%d" % n).id for n in range(5)]
    workers = Workers()
    command = [sys.executable, "-m", "rq.cli", "worker", "--url", URL, "--with-scheduler", "high", "default", "low"]
    workers.start(*command)
    try:
        wait_for(lambda: tally().llen("check:order") == 10, what="prioritised jobs")
        order = tally().lrange("check:order", 0, -1)
        checks.that("jobs of the first queue go first", all(job.startswith("high") for job in order[:5]), order)
        workers.start(*command)
        immediate = [queue.enqueue(add, "add-%d" % n, n, n) for n in range(200)]
        with connection.pipeline() as pipe:
            queue.enqueue_many([Queue.prepare_data(add, ("many-%d" % n, n, 1)) for n in range(50)], pipeline=pipe)
            pipe.execute()
        delayed = [queue.enqueue_in(timedelta(seconds=1), add, "later-%d" % n, n, 1) for n in range(20)]
        retried = [queue.enqueue(flaky, "flaky-%d" % n, 2, retry=Retry(max=3, interval=[0, 1, 1])) for n in range(10)]
        failing = [queue.enqueue(hopeless, "hopeless-%d" % n) for n in range(10)]
        first = queue.enqueue(add, "first", 1, 1)
        dependent = [queue.enqueue(add, "dependent-%d" % n, n, 0, depends_on=first) for n in range(10)]
        repeated = queue.enqueue(add, "repeated", 0, 0, repeat=Repeat(times=2, interval=1))
        killed = queue.enqueue(slow, "killed", retry=Retry(max=1))
        wait_for(lambda: tally().sismember("check:begun", "killed"), what="the slow job to begin")
        os.kill(int(tally().get("check:horse")), signal.SIGKILL)
        wanted = immediate + delayed + retried + dependent + [repeated, killed]
        wait_for(lambda: all(job.get_status(refresh=True) == "finished" for job in wanted), what="all to finish")
        wait_for(lambda: len(queue.failed_job_registry) == 10, what="the failed jobs")
        wait_for(lambda: int(tally().hget("check:runs", "repeated") or 0) == 3, what="the repeated job")
        checks.equal("results", [job.return_value() for job in immediate], [2 * n for n in range(200)])
        checks.each_ran("immediate", ["add-%d" % n for n in range(200)], 1)
        checks.each_ran("in bulk", ["many-%d" % n for n in range(50)], 1)
        checks.each_ran("delayed", ["later-%d" % n for n in range(20)], 1)
        checks.each_ran("retried", ["flaky-%d" % n for n in range(10)], 3)
        checks.each_ran("failing", ["hopeless-%d" % n for n in range(10)], 1)
        checks.each_ran("dependent", ["dependent-%d" % n for n in range(10)], 1)
        checks.each_ran("repeated", ["repeated"], 3)
        checks.each_ran("killed in mid-job", ["killed"], 1)
        states = {job.get_status(refresh=True) for job in failing}
        checks.equal("failing jobs end as failed", {str(state.value) for state in states}, {"failed"})
        checks.equal("prioritised jobs", len(prioritised), 10)
    finally:
        workers.stop()
    checks.finish()


if __name__ == "__main__":
    sys.modules["rq_app"] = sys.modules["__main__"]
    for function in (add, flaky, hopeless, ordered, slow):
        function.__module__ = "rq_app"
    main()
