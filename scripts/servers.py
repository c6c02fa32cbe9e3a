"""Servers for the scripts beside this file: respq or a peer, on a free port, in a folder of its own.

Uses the standard library only. Every server is a child process that is stopped by its process id.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Where cargo, which is run in the root, puts what it builds.
TARGET = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR") or "target")
PATIENCE_SECONDS = 60


def respq_binary():
    """The binary to try: $RESPQ, else the newest build of this checkout."""
    if os.environ.get("RESPQ"):
        return os.environ["RESPQ"]
    builds = [os.path.join(TARGET, profile, "respq") for profile in ("release", "debug")]
    builds = [path for path in builds if os.path.exists(path)]
    if not builds:
        raise SystemExit("build it first: cargo build --release")
    return max(builds, key=os.path.getmtime)


def free_port():
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ReplyError(Exception):
    """An error reply."""


class Connection:
    """A minimal client: sends words, reads RESP2 replies."""

    def __init__(self, port, timeout=PATIENCE_SECONDS):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *requests):
        """Sends requests, each a tuple of words, without reading."""
        out = bytearray()
        for words in requests:
            out += b"*%d\r\n" % len(words)
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                out += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(out)

    def read(self):
        """Reads one reply; an error reply is returned as a `ReplyError`."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.file.read(int(rest) + 2)
            if len(data) != int(rest) + 2:
                raise ConnectionError("the server closed the connection")
            return data[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise ConnectionError("not a reply: %r" % line)

    def call(self, *words):
        """Sends one request and returns its reply; raises on an error reply."""
        self.send(words)
        reply = self.read()
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def info(self, field):
        """The value of a field of INFO, as text."""
        for line in self.call("INFO", "everything").decode().splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
        raise KeyError(field)


class Server:
    """A running server; `options` are spelt as redis-server spells them."""

    def __init__(self, binary, options=(), directory=None, port=None):
        self.binary = binary
        self.options = list(options)
        self.owns_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="respq-")
        self.port = port or free_port()
        self.process = None
        self.start()

    def command(self):
        return [self.binary, "--port", str(self.port), "--dir", self.directory, *self.options]

    def start(self):
        """Starts it, again on the same port and folder if it ran before, and waits until it serves."""
        command = self.command()
        log = open(os.path.join(self.directory, "server.log"), "ab")
        self.process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        log.close()
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                with contextlib.closing(Connection(self.port)) as connection:
                    connection.call("PING")
                    return
            except (OSError, ReplyError):
                time.sleep(0.02)
        self.kill()
        with open(os.path.join(self.directory, "server.log"), errors="replace") as log:
            raise SystemExit("%s did not start:\n%s" % (self.binary, log.read()[-2000:]))

    @property
    def pid(self):
        return self.process.pid

    def connect(self):
        return Connection(self.port)

    def cpu_seconds(self):
        """User and system time of the process so far, of all threads and of children that have ended."""
        with open("/proc/%d/stat" % self.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        of_children = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        # The clock of another process, as the kernel numbers it (CPUCLOCK_SCHED).
        return time.clock_gettime((~self.pid << 3) | 2) + of_children

    def cpu_ticks(self):
        """User and system time in the kernel's ticks."""
        with open("/proc/%d/stat" % self.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]), int(fields[12])

    def rss_bytes(self):
        """Resident memory now."""
        with open("/proc/%d/statm" % self.pid) as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self):
        """As the kernel would: no goodbye, nothing written."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends the server and removes its folder, if it was made here."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def peer(binary):
    """The options that make a Redis or Valkey comparable: no snapshots, no log unless asked."""
    path = shutil.which(binary)
    if path is None:
        raise SystemExit("%s is missing: apt-get install redis-server" % binary)
    return path
