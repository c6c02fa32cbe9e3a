"""Who is compared, and what a workload is."""
import contextlib
import dataclasses
import os
import shlex
import shutil
import subprocess
import time
import types
import typing

import servers

QUIET = ["--save", ""]
NO_LOG = ["--appendonly", "no"]
FLOOR = "floor"
Figures = typing.Dict[str, float]


@dataclasses.dataclass
class Contender:
    """A server that is measured; `words` are options of its own, such as `--io-threads 2`."""

    name: str
    binary: str
    words: typing.List[str] = dataclasses.field(default_factory=list)

    def start(self, options=NO_LOG, directory=None):
        return servers.Server(self.binary, [*QUIET, *options, *self.words], directory)

    def version(self):
        output = subprocess.run([self.binary, "--version"], capture_output=True, text=True).stdout
        return " ".join(output.split())


class FloorServer(servers.Server):
    """Answers each request with the same reply, or hands messages on (`message`), and does nothing
    else (tests/load/floor.rs); with a log, it appends and syncs the requests first."""

    def __init__(self, binary, reply, syncs):
        self.reply, self.syncs = reply, syncs
        super().__init__(binary)

    def command(self):
        words = [self.binary, "floor", "port=%d" % self.port, "reply=" + self.reply]
        return words + (["log=" + os.path.join(self.directory, "log")] if self.syncs else [])


@dataclasses.dataclass
class Floor:
    """About what system, generator and disk cost by themselves; a yardstick, no bound."""

    binary: str
    reply: str
    name: str = FLOOR

    def start(self, options=NO_LOG, directory=None):
        return FloorServer(self.binary, self.reply, "always" in options)


@dataclasses.dataclass
class Workload:
    """Something to measure. `seconds` is about what one run on one server takes."""

    name: str
    group: str
    seconds: float
    run: typing.Callable[[Contender, "Scale"], Figures]
    """Measures one contender."""
    rounds_max: int = 100
    """More rounds than these are not made: it takes long and varies little."""
    extra: typing.Optional[typing.Callable[[Contender, "Scale"], Figures]] = None
    """Measured for respq only: respq in another setting, to compare with itself."""
    missing: typing.Callable[[], typing.Optional[str]] = lambda: None
    """Why it cannot be run here, if it cannot."""
    reply: typing.Optional[str] = None
    """What the floor answers, where it can take part."""


@dataclasses.dataclass
class Scale:
    """How much is done: `quick` only shows that it works."""

    quick: bool = False

    def count(self, usual, quick=None):
        return (quick if quick is not None else max(usual // 100, 100)) if self.quick else usual

    def seconds(self, usual):
        return min(usual, 0.5) if self.quick else usual


def respq():
    return Contender("respq", servers.respq_binary())


def peers(wishes):
    """The peers: redis-server always, Valkey where there is one, and those asked for as NAME=PATH
    with options behind the path."""
    found = [Contender("redis", servers.peer(os.environ.get("PEER", "redis-server")))]
    asked = {}
    for wish in wishes:
        name, separator, words = wish.partition("=")
        words = shlex.split(words)
        if not separator or not words:
            raise SystemExit("--peer takes NAME=PATH, with options behind the path: %s" % wish)
        asked[name] = Contender(name, servers.peer(words[0]), words[1:])
    valkey = shutil.which("valkey-server")
    if valkey and "valkey" not in asked:
        asked["valkey"] = Contender("valkey", valkey)
        asked["valkey-io"] = Contender("valkey-io", valkey, ["--io-threads", "2"])
    return found + list(asked.values())


class Cost:
    """The CPU that a server has spent since this began."""

    def __init__(self, server):
        self.server = server
        self.before = server.cpu_seconds()
        self.ticks_before = server.cpu_ticks()

    def us_each(self, requests):
        return (self.server.cpu_seconds() - self.before) / max(requests, 1) * 1e6

    def own_us_each(self, requests):
        """The part of it that is not the kernel's, by the kernel's samples."""
        user, system = (now - before for now, before in zip(self.server.cpu_ticks(), self.ticks_before))
        return self.us_each(requests) * user / max(user + system, 1)


@contextlib.contextmanager
def timed():
    """Gives an object whose `seconds` say how long the block took."""
    taken = types.SimpleNamespace(seconds=None)
    begin = time.monotonic()
    yield taken
    taken.seconds = time.monotonic() - begin
