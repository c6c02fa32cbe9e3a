"""Job libraries: jobs that do nothing, added and then processed. One process of the library's own
language is busier than any server here; the server's CPU for each job tells more than the rate."""
import json
import os
import shutil
import subprocess

import servers

from . import load
from .contenders import Cost, Workload

CLIENTS = os.path.join(servers.ROOT, "target", "clients")
PROGRAMS = os.path.join(servers.ROOT, "scripts", "clients", "bench")


def bullmq():
    # It runs where its packages are.
    folder = os.path.join(CLIENTS, "node")
    shutil.copy(os.path.join(PROGRAMS, "bullmq.mjs"), os.path.join(folder, "bench_bullmq.mjs"))
    return ["node", os.path.join(folder, "bench_bullmq.mjs")]


def celery():
    return [os.path.join(CLIENTS, "venv", "bin", "python"), os.path.join(PROGRAMS, "celery_jobs.py")]


def asynq():
    return [os.path.join(CLIENTS, "asynq-bench")]


# library: how it is run, the file without which it cannot, jobs
LIBRARIES = {
    "bullmq": (bullmq, os.path.join(CLIENTS, "node", "node_modules", "bullmq"), 20_000),
    "celery": (celery, os.path.join(CLIENTS, "venv", "bin", "celery"), 3000),
    "asynq": (asynq, os.path.join(CLIENTS, "asynq-bench"), 20_000),
}


def workload(name):
    command, needed, usual = LIBRARIES[name]

    def run(contender, scale):
        jobs = scale.count(usual)
        with contender.start() as server:
            environment = {**os.environ, "PORT": str(server.port), "JOBS": str(jobs)}
            cost, figures = Cost(server), {}
            with load.watched(figures):
                ended = subprocess.run(command(), env=environment, capture_output=True, text=True)
            if ended.returncode != 0:
                raise SystemExit("%s failed:\n%s%s" % (name, ended.stdout, ended.stderr))
            figures.update(json.loads(ended.stdout.splitlines()[-1]))
            figures["cpu_us"] = cost.us_each(jobs)
            figures["own_cpu_us"] = cost.own_us_each(jobs)
            # How much of the time of a job the server works; the rest is the library's.
            us_each = sum(1e6 / figures[phase] for phase in ("add_per_second", "process_per_second"))
            figures["busy"] = figures["cpu_us"] / us_each
            return figures

    def missing():
        return None if os.path.exists(needed) else "run scripts/setup first"

    return Workload("jobs-" + name, "jobs", 20, run, 3, missing=missing)


WORKLOADS = [workload(name) for name in LIBRARIES]
