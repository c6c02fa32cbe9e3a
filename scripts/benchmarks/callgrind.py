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
COUNTS = 3
# Servers do that some times a second, between which there are far fewer requests under callgrind.
ASKING = "asking the allocator, which does not count"


def install_valgrind():
    if shutil.which("valgrind"):
        return
    as_root = [] if os.getuid() == 0 else ["sudo"]
    subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True)
    subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "valgrind"], check=True)


def spent(path):
    """Instructions by function in a file that callgrind wrote, without those of the functions called;
    and, below zero, what was spent in all on asking the allocator how much memory is in use."""
    names, totals = {}, collections.Counter()
    function, callee, in_body = None, None, False
    with open(path) as lines:
        for line in lines:
            place = PLACE.match(line)
            if place:
                kind, number, name = place.groups()
                names.setdefault(number, name)
                if kind == "fn":
                    function, in_body = names[number], True
                else:
                    called = names[number]
            elif line.startswith("calls="):
                callee = called
            elif in_body and line[:1] in "0123456789+-*":
                instructions = int(line.split()[1])
                if callee is None:
                    totals[function] += instructions
                elif "mallctl" in callee:
                    totals[ASKING] -= instructions
                callee = None
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
        try:
            if self.process.poll() is not None:
                raise SystemExit("%s ended while it was counted" % self.binary)
            self.process.terminate()
            self.process.wait(servers.PATIENCE_SECONDS)
            self.instructions = spent(self.out)
        finally:
            super().stop()


def count_server(contender, name, pipeline):
    """Instructions by function that a server spends on each request of 50 clients: of three counts
    the one in the middle, as now and then a server happens to do something else meanwhile."""
    counts = [count_once(contender, name, pipeline) for _ in range(COUNTS)]
    return sorted(counts, key=lambda functions: sum(functions.values()))[COUNTS // 2]


def count_once(contender, name, pipeline):
    """The same, counted once."""
    few, many = (serve(contender, name, pipeline, requests) for requests in REQUESTS[pipeline])
    requests = REQUESTS[pipeline][1] - REQUESTS[pipeline][0]
    many.subtract(few)
    return {function: instructions / requests for function, instructions in many.items()}


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
