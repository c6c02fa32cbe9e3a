"""Load: redis-benchmark for single commands, and this project's generator (tests/load) for the rest."""
import contextlib
import json
import os
import re
import resource
import subprocess
import time

import servers

CLIENTS = 50
VALUE_BYTES = 32
CORES = sorted(os.sched_getaffinity(0))
PERCENTILE = re.compile(r"^(\d+\.\d+)% <= (\d+\.\d+) milliseconds", re.MULTILINE)


@contextlib.contextmanager
def watched(figures):
    """Adds how much of a core the load that runs and ends meanwhile keeps busy: at 1 it has no more
    to give, whatever the server."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures["load_busy"] = spent / (time.monotonic() - begin)


@contextlib.contextmanager
def bound(core):
    """Processes that start meanwhile stay on this core; `None`: where the system puts them."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {CORES[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def redis_benchmark(server, words, requests, clients=CLIENTS, pipeline=1, keys=100_000):
    """Runs a command; `__data__` stands for a value, `__rand_int__` for a number below `keys`."""
    command = ["redis-benchmark", "-p", server.port, "-n", requests, "-c", clients, "-P", pipeline]
    command += ["-d", VALUE_BYTES, "-r", keys, "--precision", 3]
    command += ["x" * VALUE_BYTES if word == "__data__" else word for word in words]
    figures = {}
    with watched(figures):
        ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    found = re.search(r"throughput summary: ([\d.]+)", ended.stdout)
    if not found:
        raise SystemExit("redis-benchmark failed: %s%s" % (ended.stdout[-500:], ended.stderr))
    percentiles = [(float(share), float(ms)) for share, ms in PERCENTILE.findall(ended.stdout)]
    figures["per_second"] = float(found.group(1))
    for name, wanted in (("p50_us", 50), ("p99_us", 99), ("p999_us", 99.9)):
        # The first list of the output has few steps near the end; the next higher one is taken.
        figures[name] = min(ms for share, ms in percentiles if share >= wanted) * 1000
    return figures


def binary(quick):
    """Builds the load generator; the plain build does to show that it works."""
    if not getattr(binary, "built", False):
        words = ["cargo", "build", "--quiet", "--example", "load"] + ([] if quick else ["--release"])
        # It is no part of what is measured, so it can do without the slow link.
        plain = {"CARGO_PROFILE_RELEASE_LTO": "false", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}
        subprocess.run(words, cwd=servers.ROOT, check=True, env={**os.environ, **plain})
        binary.built = True
    return os.path.join(servers.ROOT, "target", "debug" if quick else "release", "examples", "load")


def start(server, scale, scenario, *commands, **values):
    """Starts the generator; commands are lines of words."""
    words = [binary(scale.quick), scenario, "port=%d" % server.port]
    words += ["%s=%s" % item for item in values.items()]
    for number, command in enumerate(commands):
        words += [";" if number else "--", *command.split()]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def finish(child):
    output = child.communicate()[0]
    if child.returncode != 0:
        raise SystemExit("the load generator failed")
    return json.loads(output)


def generate(server, scale, scenario, *commands, **values):
    """Runs the generator; returns its figures, `requests` (all of them) among them."""
    busy = {}
    with watched(busy):
        figures = finish(start(server, scale, scenario, *commands, **values))
    return {**figures, **busy}


def fill(server, scale, kind, count, key="filled", size=VALUE_BYTES):
    generate(server, scale, "fill", kind=kind, count=count, key=key, bytes=size)
