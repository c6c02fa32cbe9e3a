"""Dramatiq: immediate, delayed, prioritised, retried, failing messages, groups, pipelines, results."""
import os
import sys
import time

import dramatiq
from dramatiq import group, pipeline
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as LimiterBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from checks import PORT, URL, Checks, Workers, begun, ran, tally, wait_for

broker = RedisBroker(url=URL, heartbeat_timeout=4000, maintenance_chance=100000)
broker.add_middleware(Results(backend=RedisBackend(url=URL)))
broker.add_middleware(dramatiq.middleware.GroupCallbacks(LimiterBackend(url=URL)))
dramatiq.set_broker(broker)
limiter = ConcurrentRateLimiter(LimiterBackend(url=URL), "one-at-a-time", limit=1)


@dramatiq.actor(store_results=True)
def add(job, left, right):
    ran(job)
    return left + right


@dramatiq.actor(store_results=True)
def double(job, number):
    ran(job)
    return 2 * number


@dramatiq.actor(max_retries=3, min_backoff=100, max_backoff=200)
def flaky(job, failures):
    if ran(job) <= failures:
        raise ValueError("not yet")


@dramatiq.actor(max_retries=1, min_backoff=100, max_backoff=200)
def hopeless(job):
    ran(job)
    raise ValueError("never")


@dramatiq.actor
def limited(job):
    with limiter.acquire():
        active = tally().incr("check:active")
        tally().sadd("check:most", active)
        time.sleep(0.01)
        tally().decr("check:active")
        ran(job)


limited.options.update(max_retries=200, min_backoff=20, max_backoff=60)


@dramatiq.actor
def finished(job):
    ran(job)


@dramatiq.actor(queue_name="slow", max_retries=5, min_backoff=100)
def slow(job):
    is_first = tally().incr("check:slow") == 1
    begun(job)
    if is_first:
        time.sleep(60)
    ran(job)


def main():
    checks = Checks("Dramatiq", dramatiq.__version__)
    workers = Workers()

    def worker(*queues):
        return workers.start(sys.executable, "-m", "dramatiq", "dramatiq_app", "-p", "1", "-t", "4", "-Q", *queues)

    try:
        worker("default")
        immediate = [add.send("add-%d" % n, n, n) for n in range(200)]
        delayed = [add.send_with_options(args=("later-%d" % n, n, 1), delay=1000) for n in range(20)]
        for n in range(10):
            flaky.send("flaky-%d" % n, 2)
            hopeless.send("hopeless-%d" % n)
            limited.send("limited-%d" % n)
        together = group([add.message("group-%d" % n, n, 0) for n in range(20)])
        together.add_completion_callback(finished.message("group-done"))
        together = together.run()
        pipes = [pipeline([add.message("link-%d" % n, n, 1), double.message("double-%d" % n)]).run() for n in range(10)]
        checks.equal("results", [m.get_result(block=True, timeout=90000) for m in immediate], [2 * n for n in range(200)])
        checks.equal("delayed", [m.get_result(block=True, timeout=90000) for m in delayed], [n + 1 for n in range(20)])
        checks.equal("group", sum(together.get_results(block=True, timeout=90000)), 190)
        checks.equal("pipelines", [p.get_result(block=True, timeout=90000) for p in pipes], [2 * n + 2 for n in range(10)])
        wait_for(lambda: all(tally().hget("check:runs", "hopeless-%d" % n) == "2" for n in range(10)), what="failures")
        wait_for(lambda: all(tally().hget("check:runs", "limited-%d" % n) for n in range(10)), what="limited jobs")
        wait_for(lambda: tally().hget("check:runs", "group-done"), what="the group's callback")
        victim = worker("slow")
        slow.send("killed")
        wait_for(lambda: tally().sismember("check:begun", "killed"), what="the slow job to begin")
        workers.kill(victim)
        worker("slow")
        wait_for(lambda: tally().hget("check:runs", "killed"), what="the killed worker's job")
        for what, names, times in (
            ("immediate", ["add-%d" % n for n in range(200)], 1),
            ("delayed", ["later-%d" % n for n in range(20)], 1),
            ("retried", ["flaky-%d" % n for n in range(10)], 3),
            ("failing", ["hopeless-%d" % n for n in range(10)], 2),
            ("rate-limited", ["limited-%d" % n for n in range(10)], 1),
            ("group", ["group-%d" % n for n in range(20)], 1),
            ("callback", ["group-done"], 1),
            ("pipeline", ["double-%d" % n for n in range(10)], 1),
            ("killed in mid-job", ["killed"], 1),
        ):
            checks.each_ran(what, names, times)
        checks.equal("one at a time", tally().smembers("check:most"), {"1"})
        import redis

        wait_for(lambda: redis.Redis(port=PORT).zcard("dramatiq:default.XQ") == 10, what="dead letters")
        checks.equal("dead letters", redis.Redis(port=PORT).zcard("dramatiq:default.XQ"), 10)
    finally:
        workers.stop()
    checks.finish()


if __name__ == "__main__":
    import dramatiq_app

    dramatiq_app.main()
