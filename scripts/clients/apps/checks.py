"""What the Python applications share: counting runs, waiting for a state, and the verdict.

An application gets the server's port in $PORT. Every job counts its runs in the hash `check:runs` of
database 9, so that a job that was lost or run too often shows whatever its library says.
"""
import os
import signal
import subprocess
import sys
import time

import redis

PORT = int(os.environ["PORT"])
URL = "redis://127.0.0.1:%d/0" % PORT


def tally():
    """A client of the database with the counts."""
    return redis.Redis(port=PORT, db=9, decode_responses=True)


def ran(job):
    """Counts a run of a job; returns how many there were."""
    return tally().hincrby("check:runs", job, 1)


def begun(job):
    """Says that a job has begun, for a test that kills its worker: what the test or the next run needs is noted before."""
    tally().sadd("check:begun", job)


def runs():
    """Runs by job."""
    return {job: int(count) for job, count in tally().hgetall("check:runs").items()}


def wait_for(state, seconds=90, what=""):
    """Waits until `state()` holds; returns whether it came about."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if state():
            return True
        time.sleep(0.05)
    print("waited in vain: %s" % (what or state), file=sys.stderr)
    return False


class Checks:
    """Collects what was found; `finish` prints a line and exits with 1 if anything was wrong."""

    def __init__(self, library, version):
        self.name = "%s %s" % (library, version)
        self.passed = 0
        self.failed = []

    def that(self, what, holds, found=None):
        if holds:
            self.passed += 1
        else:
            self.failed.append("%s (found %r)" % (what, found))

    def equal(self, what, found, expected):
        self.that(what, found == expected, found)

    def each_ran(self, what, jobs, times):
        """Each of these jobs ran just so often."""
        counts = runs()
        wrong = {job: counts.get(job, 0) for job in jobs if counts.get(job, 0) != times}
        self.that("%s: each of %d ran %d time(s)" % (what, len(jobs), times), not wrong, dict(list(wrong.items())[:5]))

    def finish(self):
        for failure in self.failed:
            print("FAILED %s: %s" % (self.name, failure))
        print("%s: %d checks passed, %d failed, %d runs" % (self.name, self.passed, len(self.failed), sum(runs().values())))
        sys.exit(1 if self.failed else 0)


class Workers:
    """Worker processes of an application, each with a process group of its own."""

    def __init__(self):
        self.children = []

    def start(self, *command, **environment):
        log = open(os.environ.get("WORKER_LOG", os.devnull), "ab")
        child = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.children.append(child)
        return child

    def kill(self, child):
        """SIGKILL to the worker and all its children."""
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()

    def stop(self):
        for child in self.children:
            self.kill(child)
