"""What is on disk: the time to load a gigabyte, and requests while the log is rewritten."""
import contextlib
import os
import threading
import time

from . import load
from .contenders import NO_LOG, Cost, Workload, timed

LOG = ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]
GIGABYTE = 10**9
MESSAGES = 10_000_000
MEMBERS = 1_000_000
RATE = 5000
LOOK_SECONDS = 0.05


def fill_mixed(server, scale, total):
    """Half of it in a list of 200-byte messages, the rest in keys, a hash, a sorted set, a stream."""
    for kind, share, size in (
        ("list", 0.5, 200),
        ("keys", 0.125, 200),
        ("hash", 0.125, 200),
        ("stream", 0.125, 200),
        ("zset", 0.125, 32),
    ):
        load.fill(server, scale, kind, int(total * share / size), "filled:" + kind, size)


def folder_bytes(directory):
    sizes = [
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(directory)
        for name in names
    ]
    return sum(sizes)


def restart(server):
    """Stops it and measures the way back until it serves."""
    size = server.connect().call("DBSIZE")
    server.kill()
    with timed() as taken:
        server.start()
    if server.connect().call("DBSIZE") != size:
        raise SystemExit("%s lost keys" % server.binary)
    return {"seconds": taken.seconds, "file_mb": folder_bytes(server.directory) / 1e6}


def load_log(contender, scale):
    with contender.start(LOG) as server:
        fill_mixed(server, scale, scale.count(GIGABYTE, 10**6))
        return restart(server)


def load_snapshot(contender, scale):
    with contender.start(NO_LOG) as server:
        fill_mixed(server, scale, scale.count(GIGABYTE, 10**6))
        server.connect().call("SAVE")
        return restart(server)


class Watch(threading.Thread):
    """Looks at the memory of a server, and at its rewrite, until told to stop."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.peak, self.seconds = server, 0, None
        self.over = threading.Event()
        self.copied = 0
        self.start()

    def run(self):
        connection = self.server.connect()
        begun = None
        while not self.over.wait(LOOK_SECONDS):
            self.peak = max(self.peak, self.server.rss_bytes())
            busy = connection.info("aof_rewrite_in_progress") == "1"
            if busy and begun is None:
                begun = time.monotonic()
            if not busy and begun is not None and self.seconds is None:
                self.seconds = time.monotonic() - begun
                # Pages that a child process has made the parent copy, where there is such a process.
                with contextlib.suppress(KeyError):
                    self.copied = int(connection.info("aof_last_cow_size"))

    def stop(self):
        self.over.set()
        self.join()


def rewrite(contender, scale):
    """BGREWRITEAOF beside 5,000 requests a second; `calm_` figures are from before it."""
    with contender.start(LOG) as server:
        load.fill(server, scale, "list", scale.count(MESSAGES, 50_000), "list")
        load.fill(server, scale, "zset", scale.count(MEMBERS, 10_000), "zset")
        commands = ("LPUSH list " + "x" * 32, "RPOP list", "ZADD zset __rand__ m:__rand__", "ZPOPMIN zset")
        values = {"rate": RATE, "clients": 20, "keys": 10**11}
        calm = load.generate(server, scale, "commands", *commands, seconds=scale.seconds(4), **values)
        before = server.rss_bytes()
        watch = Watch(server)
        cost = Cost(server)
        seconds = scale.seconds(20)
        child = load.start(server, scale, "commands", *commands, seconds=seconds, **values)
        # The generator's warm-up is over by then.
        time.sleep(seconds * 0.3)
        server.connect().call("BGREWRITEAOF")
        figures = load.finish(child)
        watch.stop()
        if watch.seconds is None and not scale.quick:
            raise SystemExit("the rewrite of %s did not end in time" % contender.name)
        return {
            "p99_us": figures["p99_us"],
            "p999_us": figures["p999_us"],
            "max_us": figures["max_us"],
            "calm_p999_us": calm["p999_us"],
            "grown_mb": (watch.peak - before + watch.copied) / 1e6,
            "seconds": watch.seconds or LOOK_SECONDS,
            "cpu_us": cost.us_each(figures["requests"]),
        }


WORKLOADS = [
    Workload("load-log", "files", 30, load_log, 3),
    Workload("load-snapshot", "files", 30, load_snapshot, 3),
    Workload("rewrite", "files", 55, rewrite, 3),
]
