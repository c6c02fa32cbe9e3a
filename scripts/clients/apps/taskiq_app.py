"""taskiq: list and stream brokers, results, retries, failures, schedules, a killed worker's task."""
import asyncio
import sys
import time
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from taskiq import SimpleRetryMiddleware, TaskiqScheduler
from taskiq_redis import ListQueueBroker, ListRedisScheduleSource, RedisAsyncResultBackend, RedisStreamBroker

from checks import URL, Checks, Workers, begun, ran, tally, wait_for

results = RedisAsyncResultBackend(URL)
# The brokers block for longer than redis-py's own default for a socket.
lists = ListQueueBroker(URL, queue_name="taskiq:list", socket_timeout=None).with_result_backend(results)
lists = lists.with_middlewares(SimpleRetryMiddleware(default_retry_count=3))
streams = RedisStreamBroker(
    URL, queue_name="taskiq:stream", idle_timeout=3000, unacknowledged_lock_timeout=2, socket_timeout=None
).with_result_backend(results)
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


@streams.task
async def streamed(job, number):
    ran(job)
    return number


@streams.task
async def slow(job):
    begun(job)
    if tally().incr("check:slow") == 1:
        await asyncio.sleep(60)
    ran(job)
    return "done"


async def check(checks, workers):
    await lists.startup()
    await streams.startup()
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
    victim = workers.start(*command, "worker", "taskiq_app:streams", "--workers", "1", "--ack-type", "when_executed")
    killed = await slow.kiq("killed")
    await asyncio.to_thread(wait_for, lambda: tally().sismember("check:begun", "killed"), 90, "the slow task")
    workers.kill(victim)
    workers.start(*command, "worker", "taskiq_app:streams", "--workers", "2", "--ack-type", "when_executed")
    sent = [await streamed.kiq("stream-%d" % n, n) for n in range(200)]
    found = [(await task.wait_result(timeout=90)).return_value for task in sent]
    checks.equal("results of the stream", found, list(range(200)))
    checks.equal("a killed worker's task", (await killed.wait_result(timeout=90)).return_value, "done")
    done = lambda: all(tally().hget("check:runs", "flaky-%d" % n) == "3" for n in range(10))  # noqa: E731
    await asyncio.to_thread(wait_for, done, 90, "retries")
    done = lambda: all(tally().hget("check:runs", "later-%d" % n) for n in range(5))  # noqa: E731
    await asyncio.to_thread(wait_for, done, 150, "scheduled tasks")
    for what, names, times in (
        ("immediate", ["add-%d" % n for n in range(200)], 1),
        ("retried", ["flaky-%d" % n for n in range(10)], 3),
        ("failing", ["hopeless-%d" % n for n in range(10)], 1),
        ("scheduled", ["later-%d" % n for n in range(5)], 1),
        ("killed in mid-task", ["killed"], 1),
    ):
        checks.each_ran(what, names, times)
    # An entry that is not acknowledged within idle_timeout is claimed by another worker.
    checks.each_ran("streamed", ["stream-%d" % n for n in range(200)], 1, most=3)
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
