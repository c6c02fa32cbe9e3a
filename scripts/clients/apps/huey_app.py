"""Huey: immediate, scheduled, prioritised, retried, failing, periodic, locked tasks, pipelines, groups."""
import sys
import time

import huey as huey_module
from huey import PriorityRedisHuey, RedisHuey, crontab
from huey.exceptions import TaskException

from checks import PORT, Checks, Workers, ran, tally, wait_for

huey = RedisHuey("plain", port=PORT)
ranked = PriorityRedisHuey("ranked", port=PORT)


@huey.task()
def add(job, left, right):
    ran(job)
    return left + right


@huey.task()
def double(job, number):
    ran(job)
    return 2 * number


@huey.task(retries=3, retry_delay=1)
def flaky(job, failures):
    if ran(job) <= failures:
        raise ValueError("not yet")
    return "at last"


@huey.task(retries=1)
def hopeless(job):
    ran(job)
    raise ValueError("never")


@huey.task(retries=100, retry_delay=1)
@huey.lock_task("alone")
def alone(job):
    tally().sadd("check:most", tally().incr("check:active"))
    time.sleep(0.05)
    tally().decr("check:active")
    ran(job)


@huey.periodic_task(crontab())
def each_minute():
    tally().incr("check:periodic")


@ranked.task()
def ordered(job):
    ran(job)
    tally().rpush("check:order", job)


def main():
    checks = Checks("Huey", huey_module.__version__)
    workers = Workers()
    numbers = list(range(20))
    for n in numbers:
        ordered("rank-%d" % n, priority=n)
    try:
        command = [sys.executable, "-m", "huey.bin.huey_consumer"]
        workers.start(*command, "huey_app.ranked", "-w", "1")
        workers.start(*command, "huey_app.huey", "-w", "4", "-s", "1")
        immediate = [add("add-%d" % n, n, n) for n in range(200)]
        delayed = [add.schedule(("later-%d" % n, n, 1), delay=1) for n in range(20)]
        retried = [flaky("flaky-%d" % n, 2) for n in range(10)]
        failing = [hopeless("hopeless-%d" % n) for n in range(10)]
        pipes = [huey.enqueue(add.s("link-%d" % n, n, 1).then(double, "double-%d" % n)) for n in range(10)]
        [alone("alone-%d" % n) for n in range(4)]
        revoked = add.schedule(("revoked", 0, 0), delay=2)
        revoked.revoke()
        checks.equal("results", [r.get(blocking=True, timeout=90) for r in immediate], [2 * n for n in range(200)])
        checks.equal("delayed", [r.get(blocking=True, timeout=90) for r in delayed], [n + 1 for n in range(20)])
        done = lambda: all(tally().hget("check:runs", "flaky-%d" % n) == "3" for n in range(10))  # noqa: E731
        wait_for(done, what="retried tasks")
        checks.equal("retried tasks", len(retried), 10)
        checks.equal("pipelines", [p.get(blocking=True, timeout=90)[1] for p in pipes], [2 * n + 2 for n in range(10)])
        errors = 0
        for result in failing:
            try:
                result.get(blocking=True, timeout=90)
            except TaskException:
                errors += 1
        checks.equal("failing tasks raise", errors, 10)
        wait_for(lambda: all(tally().hget("check:runs", "alone-%d" % n) for n in range(4)), what="locked tasks")
        wait_for(lambda: all(tally().hget("check:runs", "hopeless-%d" % n) == "2" for n in range(10)), what="failures")
        wait_for(lambda: tally().llen("check:order") == 20, what="prioritised tasks")
        wait_for(lambda: tally().get("check:periodic"), what="the task of each minute")
        order = tally().lrange("check:order", 0, -1)
        checks.equal("the highest priority goes first", order, ["rank-%d" % n for n in reversed(numbers)])
        for what, names, times in (
            ("immediate", ["add-%d" % n for n in range(200)], 1),
            ("delayed", ["later-%d" % n for n in range(20)], 1),
            ("retried", ["flaky-%d" % n for n in range(10)], 3),
            ("failing", ["hopeless-%d" % n for n in range(10)], 2),
            ("pipeline", ["double-%d" % n for n in range(10)], 1),
            ("locked", ["alone-%d" % n for n in range(4)], 1),
            ("revoked", ["revoked"], 0),
        ):
            checks.each_ran(what, names, times)
        checks.equal("locked tasks run one at a time", tally().smembers("check:most"), {"1"})
    finally:
        workers.stop()
    checks.finish()


if __name__ == "__main__":
    import huey_app

    huey_app.main()
