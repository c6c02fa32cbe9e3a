"""Celery: immediate, delayed, prioritised, retried, failing, late-acknowledged tasks, and canvases."""
import os
import signal
import sys
import time

import celery
from celery import Celery, chain, chord, group
from kombu import Queue

from checks import URL, Checks, Workers, begun, ran, tally, wait_for

app = Celery("celery_app", broker=URL, backend=URL)
app.conf.update(
    broker_transport_options={"visibility_timeout": 5, "queue_order_strategy": "priority", "priority_steps": [0, 5, 9]},
    result_backend_transport_options={"visibility_timeout": 5},
    task_queues=[Queue("celery"), Queue("priority")],
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    result_extended=True,
    beat_schedule={"tick": {"task": "celery_app.tick", "schedule": 1.0}},
)


@app.task
def add(job, left, right):
    ran(job)
    return left + right


@app.task(bind=True, max_retries=3)
def flaky(self, job, failures):
    if ran(job) <= failures:
        raise self.retry(countdown=0.2)
    return "at last"


@app.task
def hopeless(job):
    ran(job)
    raise ValueError("never")


@app.task
def total(numbers, job):
    ran(job)
    return sum(numbers)


@app.task
def double(number, job):
    ran(job)
    return 2 * number


@app.task
def ordered(job):
    tally().rpush("check:order", job)


@app.task
def tick():
    ran("tick")


@app.task(acks_late=True, reject_on_worker_lost=True)
def slow(job):
    tally().set("check:pid", os.getppid())
    is_first = tally().incr("check:slow") == 1
    begun(job)
    if is_first:
        time.sleep(120)
    ran(job)
    return "done"


@app.task(rate_limit="20/s")
def limited(job):
    ran(job)


def main():
    checks = Checks("Celery", celery.__version__)
    workers = Workers()

    def worker(name, queues):
        command = ["worker", "-c", "2", "-Q", queues, "-n", name + "@%h", "--without-mingle", "-l", "warning"]
        return workers.start(sys.executable, "-m", "celery", "-A", "celery_app", *command)

    for n in range(6):
        ordered.apply_async(["late-%d" % n], queue="priority", priority=9)
    for n in range(6):
        ordered.apply_async(["early-%d" % n], queue="priority", priority=0)
    try:
        worker("one", "celery,priority")
        immediate = [add.delay("add-%d" % n, n, n) for n in range(200)]
        delayed = [add.apply_async(["later-%d" % n, n, 1], countdown=1) for n in range(20)]
        retried = [flaky.delay("flaky-%d" % n, 2) for n in range(10)]
        failing = [hopeless.delay("hopeless-%d" % n) for n in range(10)]
        grouped = group(add.s("group-%d" % n, n, 0) for n in range(20)).apply_async()
        chords = [
            chord([add.s("part-%d-%d" % (c, n), n, 0) for n in range(5)])(total.s("chord-%d" % c)) for c in range(5)
        ]
        chains = [chain(add.s("link-%d" % c, 1, 2), double.s("double-%d" % c))() for c in range(10)]
        rated = [limited.delay("limited-%d" % n) for n in range(20)]
        checks.equal("results", [task.get(timeout=90) for task in immediate], [2 * n for n in range(200)])
        checks.equal("delayed", [task.get(timeout=90) for task in delayed], [n + 1 for n in range(20)])
        checks.equal("retried", {task.get(timeout=90) for task in retried}, {"at last"})
        checks.equal("group", sum(grouped.get(timeout=90)), 190)
        checks.equal("chords", [task.get(timeout=90) for task in chords], [10] * 5)
        checks.equal("chains", [task.get(timeout=90) for task in chains], [6] * 10)
        errors = [task.get(timeout=90, propagate=False) for task in failing]
        checks.that("failing tasks keep their error", all(isinstance(e, ValueError) for e in errors), errors)
        [task.get(timeout=90) for task in rated]
        wait_for(lambda: tally().llen("check:order") == 12, what="prioritised tasks")
        checks.equal("prioritised tasks all ran", tally().llen("check:order"), 12)

        victim = worker("two", "late")
        killed = slow.apply_async(["killed"], queue="late")
        wait_for(lambda: tally().sismember("check:begun", "killed"), what="the slow task to begin")
        workers.kill(victim)
        worker("three", "late")
        checks.equal("a killed worker's task", killed.get(timeout=300), "done")

        workers.start(sys.executable, "-m", "celery", "-A", "celery_app", "beat", "-s", "/tmp/beat-%d" % os.getpid())
        wait_for(lambda: int(tally().hget("check:runs", "tick") or 0) >= 2, what="the periodic task")
        checks.that("periodic", int(tally().hget("check:runs", "tick") or 0) >= 2)
        for what, names, times in (
            ("immediate", ["add-%d" % n for n in range(200)], 1),
            ("delayed", ["later-%d" % n for n in range(20)], 1),
            ("retried", ["flaky-%d" % n for n in range(10)], 3),
            ("failing", ["hopeless-%d" % n for n in range(10)], 1),
            ("group", ["group-%d" % n for n in range(20)], 1),
            ("chord parts", ["part-%d-%d" % (c, n) for c in range(5) for n in range(5)], 1),
            ("chord", ["chord-%d" % c for c in range(5)], 1),
            ("chain", ["double-%d" % c for c in range(10)], 1),
            ("rate-limited", ["limited-%d" % n for n in range(20)], 1),
            ("killed in mid-task", ["killed"], 1),
        ):
            checks.each_ran(what, names, times)
    finally:
        workers.stop()
    checks.finish()


if __name__ == "__main__":
    import celery_app  # the tasks under the name that workers know

    celery_app.main()
