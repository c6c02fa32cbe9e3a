"""arq: immediate, deferred, retried, failing, unique, periodic and aborted jobs, results."""
import asyncio
import sys
from datetime import timedelta

import arq
from arq import Retry, create_pool, cron
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus

from checks import PORT, Checks, Workers, begun, ran, tally, wait_for

SETTINGS = RedisSettings(port=PORT)


async def add(context, job, left, right):
    ran(job)
    return left + right


async def flaky(context, job, failures):
    if ran(job) <= failures:
        raise Retry(defer=0.2)
    return "at last"


async def hopeless(context, job):
    ran(job)
    raise ValueError("never")


async def slow(context, job):
    is_first = tally().incr("check:slow") == 1
    begun(job)
    if is_first:
        await asyncio.sleep(60)
    ran(job)
    return "done"


async def endless(context, job):
    begun(job)
    await asyncio.sleep(300)


async def tick(context):
    ran("tick")


class WorkerSettings:
    functions = [add, flaky, hopeless, endless]
    cron_jobs = [cron(tick, second=set(range(60)))]
    redis_settings = SETTINGS
    poll_delay = 0.1
    allow_abort_jobs = True
    keep_result = 300
    job_timeout = 60


class SlowSettings:
    functions = [slow]
    redis_settings = SETTINGS
    queue_name = "arq:slow"
    poll_delay = 0.1
    job_timeout = 3
    max_tries = 5


async def check(checks, workers):
    pool = await create_pool(SETTINGS)
    command = [sys.executable, "-m", "arq"]
    workers.start(*command, "arq_app.WorkerSettings")
    workers.start(*command, "arq_app.WorkerSettings")
    immediate = [await pool.enqueue_job("add", "add-%d" % n, n, n) for n in range(200)]
    later = timedelta(seconds=1)
    deferred = [await pool.enqueue_job("add", "later-%d" % n, n, 1, _defer_by=later) for n in range(20)]
    retried = [await pool.enqueue_job("flaky", "flaky-%d" % n, 2) for n in range(10)]
    failing = [await pool.enqueue_job("hopeless", "hopeless-%d" % n) for n in range(10)]
    unique = [await pool.enqueue_job("add", "unique", 1, 1, _job_id="unique", _defer_by=later) for _ in range(5)]
    checks.equal("only the first of a job id is taken", [job is not None for job in unique], [True] + [False] * 4)
    checks.equal("results", [await job.result(timeout=90) for job in immediate], [2 * n for n in range(200)])
    checks.equal("deferred", [await job.result(timeout=90) for job in deferred], [n + 1 for n in range(20)])
    checks.equal("retried", {await job.result(timeout=90) for job in retried}, {"at last"})
    await unique[0].result(timeout=90)
    errors = await asyncio.gather(*[job.result(timeout=90) for job in failing], return_exceptions=True)
    checks.that("failing jobs keep their error", all(isinstance(e, ValueError) for e in errors), errors)
    aborted = await pool.enqueue_job("endless", "aborted")
    await asyncio.to_thread(wait_for, lambda: tally().sismember("check:begun", "aborted"), 90, "the endless job")
    checks.equal("aborted", await aborted.abort(timeout=30), True)
    checks.equal("status", await aborted.status(), JobStatus.complete)

    victim = workers.start(*command, "arq_app.SlowSettings")
    killed = await pool.enqueue_job("slow", "killed", _queue_name="arq:slow")
    await asyncio.to_thread(wait_for, lambda: tally().sismember("check:begun", "killed"), 90, "the slow job")
    workers.kill(victim)
    workers.start(*command, "arq_app.SlowSettings")
    checks.equal("a killed worker's job", await Job(killed.job_id, pool, "arq:slow").result(timeout=90), "done")
    await asyncio.to_thread(wait_for, lambda: int(tally().hget("check:runs", "tick") or 0) >= 2, 90, "periodic")
    for what, names, times in (
        ("immediate", ["add-%d" % n for n in range(200)], 1),
        ("deferred", ["later-%d" % n for n in range(20)], 1),
        ("retried", ["flaky-%d" % n for n in range(10)], 3),
        ("failing", ["hopeless-%d" % n for n in range(10)], 1),
        ("unique", ["unique"], 1),
        ("killed in mid-job", ["killed"], 1),
    ):
        checks.each_ran(what, names, times)


def main():
    checks, workers = Checks("arq", arq.VERSION), Workers()
    try:
        asyncio.run(check(checks, workers))
    finally:
        workers.stop()
    checks.finish()


if __name__ == "__main__":
    import arq_app

    arq_app.main()
