"""A server that is meant to die, and the folder that stays."""
import glob
import os
import signal
import subprocess
import threading

from servers import Connection

PATIENCE_SECONDS = 60


def points(binary):
    """The names of all points at which the server can be made to fail."""
    environment = {**os.environ, "RESPQ_FAULT": "?"}
    told = subprocess.run([binary, "--port", "0"], env=environment, capture_output=True, text=True)
    return told.stderr.split("points are ")[1].split()


class Server:
    """The server under test; `start` again goes on with the same folder."""

    def __init__(self, binary, folder, options):
        self.binary, self.folder, self.options = binary, folder, list(options)
        self.process = self.port = None
        self.said = []

    def start(self, fault=None, options=()):
        """Starts it; `False` if it ended before it was ready."""
        environment = dict(os.environ)
        environment.pop("RESPQ_FAULT", None)
        if fault:
            environment["RESPQ_FAULT"] = fault
        self.process = subprocess.Popen(
            [self.binary, "--port", "0", "--dir", self.folder, *self.options, *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if "is ready on 127.0.0.1:" in line:
                rest = line.split("is ready on 127.0.0.1:")[1]
                self.port = int("".join(c for c in rest.split()[0] if c.isdigit()))
                threading.Thread(target=self.listen, args=[self.process], daemon=True).start()
                return True
        self.process.wait()
        return False

    def listen(self, process):
        said = self.said
        for line in process.stdout:
            said.append(line)

    def connect(self):
        return Connection(self.port, PATIENCE_SECONDS)

    def died(self, seconds):
        """Does it end by itself within this time?"""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def was_killed(self):
        return self.process.returncode == -signal.SIGKILL

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; `False` if it does not."""
        self.process.terminate()
        return self.died(PATIENCE_SECONDS)

    def tear_tail(self):
        """Leaves half a command at the end of the log, as a crash of the machine may. Zeros that an
        earlier one has left there are no content: what is written next takes their place."""
        # A rewrite that was cut short may have left a later file, which is not part of the log.
        for manifest in glob.glob(os.path.join(self.folder, "appendonlydir", "appendonly.aof.manifest")):
            with open(manifest) as lines:
                parts = [line.split() for line in lines if line.rstrip().endswith("type i")]
            if not parts:
                return
            last = os.path.join(os.path.dirname(manifest), parts[-1][1])
            with open(last, "r+b") as file:
                file.seek(len(file.read().rstrip(b"\0")))
                file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
