"""taskiq with its list broker: results, retries, failures, schedules.

Its list broker pops with BRPOP: a killed worker's task is lost, so none is killed here.
"""
import asyncio
import sys
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from taskiq import SimpleRetryMiddleware, TaskiqScheduler
from taskiq_redis import ListQueueBroker, ListRedisScheduleSource, RedisAsyncResultBackend

from checks import URL, Checks, Workers, ran, tally, wait_for

results = RedisAsyncResultBackend(URL)
# The broker blocks for longer than redis-py's own default for a socket.
lists = ListQueueBroker(URL, queue_name="taskiq:list", socket_timeout=None).with_result_backend(results)
lists = lists.with_middlewares(SimpleRetryMiddleware(default_retry_count=3))
source = ListRedisScheduleSource(URL, prefix="taskiq:schedule")
scheduler = TaskiqScheduler(lists, [source])


@lists.task
async def add(job, left, right):
    ran(job)
    return left + right


@lists.task(retry_on_error=True, max_retries=3)
async def flaky(job, failures):
    if ran(job) <= failures:
        raise ValueError("not yet")
    return "at last"


@lists.task
async def hopeless(job):
    ran(job)
    raise ValueError("never")


async def check(checks, workers):
    await lists.startup()
    command = [sys.executable, "-m", "taskiq"]
    workers.start(*command, "worker", "taskiq_app:lists", "--workers", "2")
    immediate = [await add.kiq("add-%d" % n, n, n) for n in range(200)]
    retried = [await flaky.kiq("flaky-%d" % n, 2) for n in range(10)]
    failing = [await hopeless.kiq("hopeless-%d" % n) for n in range(10)]
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    for n in range(5):
        await add.schedule_by_time(source, soon, "later-%d" % n, n, 1)
    workers.start(*command, "scheduler", "taskiq_app:scheduler", "--skip-first-run")
    found = [(await task.wait_result(timeout=90)).return_value for task in immediate]
    checks.equal("results", found, [2 * n for n in range(200)])
    last = [await task.wait_result(timeout=90) for task in failing]
    checks.that("failing tasks are errors", all(result.is_err for result in last), last)
    done = lambda: all(tally().hget("check:runs", "flaky-%d" % n) == "3" for n in range(10))  # noqa: E731
    await asyncio.to_thread(wait_for, done, 90, "retries")
    done = lambda: all(tally().hget("check:runs", "later-%d" % n) for n in range(5))  # noqa: E731
    await asyncio.to_thread(wait_for, done, 150, "scheduled tasks")
    for what, names, times in (
        ("immediate", ["add-%d" % n for n in range(200)], 1),
        ("retried", ["flaky-%d" % n for n in range(10)], 3),
        ("failing", ["hopeless-%d" % n for n in range(10)], 1),
        ("scheduled", ["later-%d" % n for n in range(5)], 1),
    ):
        checks.each_ran(what, names, times)
    checks.equal("retried tasks", len(retried), 10)


def main():
    checks, workers = Checks("taskiq", version("taskiq")), Workers()
    try:
        asyncio.run(check(checks, workers))
    finally:
        workers.stop()
    checks.finish()


if __name__ == "__main__":
    import taskiq_app

    taskiq_app.main()
