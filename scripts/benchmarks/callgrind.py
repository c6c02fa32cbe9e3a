"""Instructions outside the kernel, by valgrind's callgrind: of a program, or of a server that has clients."""
import collections
import os
import re
import shutil
import subprocess
import tempfile

import servers

from . import commands, contenders, load

# A line of callgrind's file that tells where what follows was spent, with a number for the name.
PLACE = re.compile(r"(fn|cfn)=\((\d+)\)(?: (.*))?")
# By what a server takes more for the second number of requests than for the first.
REQUESTS = {1: (10_000, 30_000), 32: (32_000, 128_000)}


def install_valgrind():
    if shutil.which("valgrind"):
        return
    as_root = [] if os.getuid() == 0 else ["sudo"]
    subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True)
    subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "valgrind"], check=True)


def spent(path):
    """Instructions by function in a file that callgrind wrote, without those of the functions called."""
    names, totals = {}, collections.Counter()
    function, after_calls, in_body = None, False, False
    with open(path) as lines:
        for line in lines:
            place = PLACE.match(line)
            if place:
                kind, number, name = place.groups()
                names.setdefault(number, name)
                if kind == "fn":
                    function, in_body = names[number], True
            elif line.startswith("calls="):
                after_calls = True
            elif in_body and line[:1] in "0123456789+-*":
                if not after_calls:
                    totals[function] += int(line.split()[1])
                after_calls = False
            elif line.startswith("totals:"):
                break
    return totals


def count(words, *settings):
    """Instructions by function of a program that runs to its end."""
    with tempfile.TemporaryDirectory(prefix="respq-") as folder:
        out = os.path.join(folder, "callgrind.out")
        ended = subprocess.run(under(out, *settings) + words, capture_output=True, text=True)
        if ended.returncode != 0:
            raise SystemExit(ended.stderr)
        return spent(out)


def under(out, *settings):
    """What comes before the words of a program that is to be counted."""
    return ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, *settings]


class CountedServer(servers.Server):
    """A server whose instructions are counted; they are in `instructions` when it has stopped."""

    def command(self):
        self.out = os.path.join(self.directory, "callgrind.out")
        return under(self.out) + super().command()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(servers.PATIENCE_SECONDS)
            self.instructions = spent(self.out)
        super().stop()


def count_server(contender, name, pipeline):
    """Instructions by function that a server spends on each request of 50 clients."""
    few, many = (serve(contender, name, pipeline, requests) for requests in REQUESTS[pipeline])
    requests = REQUESTS[pipeline][1] - REQUESTS[pipeline][0]
    each = {function: (many[function] - few[function]) / requests for function in many}
    return {function: count for function, count in each.items() if not of_the_clock(function)}


def serve(contender, name, pipeline, requests):
    """All that a server spends from its start to its end."""
    prepare, line, _ = commands.COMMANDS[name]
    options = [*contenders.QUIET, *contenders.NO_LOG, *contender.words]
    scale = contenders.Scale(quick=False)
    with CountedServer(contender.binary, options) as server:
        if prepare == "list":
            load.fill(server, scale, "list", REQUESTS[pipeline][1], "list")
        elif prepare == "keys":
            load.fill(server, scale, "keys", commands.KEYS)
        load.redis_benchmark(server, line.split(), requests, pipeline=pipeline, keys=commands.KEYS)
    return server.instructions


def of_the_clock(function):
    """Is it what asks the allocator how much memory is in use? Servers do so some times a second,
    between which there are far fewer requests under valgrind than without it."""
    return bool(re.search(r"(je_|_rjem_)?(ctl_|stats_|arena_stats|mallctl)", function))
