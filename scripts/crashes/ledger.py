"""Every type, checked to the last bit against a server that never crashes.

Each worker sends random commands to a database of its own, alone or in transactions and scripts,
and repeats those that were acknowledged on a second server that only keeps memory. After a crash
both must hold the same, but for commands that were sent and not answered: of these the first few
may have been done, each as a whole.
"""
import json
import threading

from servers import ReplyError

FAR_MS = 4_000_000_000_000
# Errors are of no matter, unless the log failed before the script has changed anything.
SCRIPT = ("for i = 1, #ARGV do "
          "local reply = redis.pcall(unpack(cjson.decode(ARGV[i]))) "
          "if type(reply) == 'table' and reply.err and reply.err:find('^MISCONF') then "
          "return reply end end return #ARGV")
REFUSALS = ("MISCONF", "EXECABORT", "LOADING")


class Ledger:
    """A worker's commands: those that were acknowledged, and those that may have been done."""

    def __init__(self, dice, db):
        self.dice, self.db = dice, db
        self.done, self.open = [], []
        self.entries = 0
        self.acknowledged = 0

    def command(self):
        """A command on one of a few keys."""
        dice, pick = self.dice, self.dice.choice
        member = lambda: pick(["a", "b", "c", "%d" % dice.randrange(50), "m" * dice.randrange(90)])
        value = lambda: pick(["1", "value", "x" * pick([30, 70, 300, 20_000])])
        ids = lambda: "%d-0" % dice.randrange(1, self.entries + 2)
        group, consumer = pick(["g", "h"]), pick(["alice", "bob"])
        self.entries += 1
        return pick([
            lambda: ("SET", pick("st"), value()),
            lambda: ("SET", "t", value(), "PXAT", FAR_MS + dice.randrange(1000)),
            lambda: ("APPEND", "s", member()),
            lambda: ("INCR", "n"),
            lambda: ("SETBIT", "bits", dice.randrange(4000), 1),
            lambda: ("PFADD", "hll", member()),
            lambda: ("GETDEL", "t"),
            lambda: ("RENAME", "s", "t"),
            lambda: ("COPY", pick(["l", "h", "z", "x"]), "copy", "REPLACE"),
            lambda: ("DEL", pick(["copy", "l", "h", "set", "z", "s"])),
            lambda: ("RPUSH", "l", value(), member()),
            lambda: ("LPUSH", "l", value()),
            lambda: ("LPOP", "l", 2),
            lambda: ("LTRIM", "l", -30, -1),
            lambda: ("LINSERT", "l", "BEFORE", "value", member()),
            lambda: ("LMOVE", "l", "l2", "LEFT", "RIGHT"),
            lambda: ("HSET", "h", member(), value(), member(), value()),
            lambda: ("HDEL", "h", member()),
            lambda: ("HINCRBYFLOAT", "h", "float", "0.1"),
            lambda: ("HPEXPIREAT", "h", FAR_MS, "FIELDS", 1, member()),
            lambda: ("SADD", "set", member(), dice.randrange(1000)),
            lambda: ("SREM", "set", member()),
            lambda: ("SMOVE", "set", "set2", member()),
            lambda: ("ZADD", "z", dice.random(), member(), dice.randrange(9), member()),
            lambda: ("ZINCRBY", "z", "1.5", member()),
            lambda: ("ZPOPMIN", "z"),
            lambda: ("ZREMRANGEBYRANK", "z", 0, -40),
            lambda: ("ZUNIONSTORE", "copy", 2, "z", "set"),
            lambda: ("XADD", "x", "%d-0" % self.entries, "field", value()),
            lambda: ("XADD", "x", "MAXLEN", 50, "%d-0" % self.entries, "f", "v", "g", "w"),
            lambda: ("XDEL", "x", ids(), ids()),
            lambda: ("XTRIM", "x", "MAXLEN", 40),
            lambda: ("XGROUP", "CREATE", "x", group, "0", "MKSTREAM"),
            lambda: ("XGROUP", "SETID", "x", group, ids()),
            lambda: ("XGROUP", "DELCONSUMER", "x", group, consumer),
            lambda: ("XGROUP", "DESTROY", "x", "h"),
            lambda: ("XREADGROUP", "GROUP", group, consumer, "COUNT", 5, "STREAMS", "x", ">"),
            lambda: ("XREADGROUP", "GROUP", group, consumer, "COUNT", 2, "STREAMS", "x", ">"),
            lambda: ("XACK", "x", group, ids(), ids(), ids()),
            lambda: ("XCLAIM", "x", group, consumer, 0, ids(), ids()),
            lambda: ("XAUTOCLAIM", "x", group, consumer, 0, "0", "COUNT", 3),
        ])()

    def step(self):
        """What is done as a whole: a command, a transaction or a script; a list of requests."""
        way = self.dice.random()
        if way < 0.6:
            return [self.command()]
        commands = [self.command() for _ in range(self.dice.randrange(2, 6))]
        if way < 0.8:
            return [("MULTI",), *commands, ("EXEC",)]
        return [("EVAL", SCRIPT, 0, *[json.dumps([str(word) for word in command])
                                      for command in commands])]

    def send(self, client, steps):
        """Sends steps in one go, and notes which of them were done."""
        self.open += steps
        client.send(*[request for step in steps for request in step])
        for step in steps:
            reply = [client.read() for _ in step][-1]
            refused = isinstance(reply, ReplyError) and str(reply).startswith(REFUSALS)
            self.open.pop(0)
            if not refused:
                self.done.append(step)
                self.acknowledged += 1

    def work(self, server, steps=None):
        """Goes on until the server is gone, or for so many steps."""
        try:
            client = server.connect()
            client.call("SELECT", self.db)
            while steps is None or steps > 0:
                batch = [self.step() for _ in range(self.dice.choice([1, 1, 1, 6]))]
                self.send(client, batch)
                steps = None if steps is None else steps - len(batch)
        except (OSError, ValueError):
            pass  # The server is gone.

    def repeat(self, oracle, steps):
        """Does on the second server what was done on the first."""
        oracle.call("SELECT", self.db)
        for step in steps:
            oracle.send(*step)
            for _ in step:
                oracle.read()

    def check(self, client, oracle, whole=False):
        """Compares both servers; replies (lost, returned): parts that only one of them has.
        `whole`: what is open was done as one, or not at all."""
        client.call("SELECT", self.db)
        found = state(client)
        self.repeat(oracle, self.done)
        self.done = []
        expected = first = state(oracle)
        sent = list(self.open)
        while found != expected and self.open:
            steps, self.open = (self.open, []) if whole else (self.open[:1], self.open[1:])
            self.repeat(oracle, steps)
            expected = state(oracle)
        self.open = []
        if found == expected:
            return 0, 0
        print("db %d, open: %.2000s" % (self.db, sent))
        lost = sum(found.get(key) != value for key, value in first.items())
        returned = sum(key not in first for key in found)
        for key in sorted(set(found) | set(first), key=str):
            if found.get(key) != first.get(key):
                print("db %d, %s: %s" % (self.db, key, difference(found.get(key), first.get(key))))
        return lost, returned or int(lost == 0)


def difference(found, expected):
    """Where two states part, shortly."""
    if isinstance(found, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(found) == len(expected):
            return "; ".join("%d: %s" % (at, difference(a, b))
                             for at, (a, b) in enumerate(zip(found, expected)) if a != b)
        more = [part for part in found if part not in expected]
        less = [part for part in expected if part not in found]
        return "%d more %.500s, %d less %.500s" % (len(more), more, len(less), less)
    return "%.300s in place of %.300s" % (found, expected)


def start(ledgers, server):
    """A thread for each worker; they end when the server does."""
    threads = [threading.Thread(target=ledger.work, args=[server]) for ledger in ledgers]
    for thread in threads:
        thread.start()
    return threads


LOOKS = {
    "string": lambda key: [("GET", key)],
    "list": lambda key: [("LRANGE", key, 0, -1)],
    "hash": lambda key: [("HGETALL", key)],
    "set": lambda key: [("SMEMBERS", key)],
    "zset": lambda key: [("ZRANGE", key, 0, -1, "WITHSCORES")],
    "stream": lambda key: [("XRANGE", key, "-", "+"), ("XINFO", "STREAM", key),
                           ("XINFO", "GROUPS", key), ("XPENDING", key, "g", "-", "+", 100_000),
                           ("XPENDING", key, "h", "-", "+", 100_000)],
}


def state(client):
    """All that can be seen of the selected database, but for what time alone changes."""
    keys = sorted(client.call("KEYS", "*"))
    client.send(*[("TYPE", key) for key in keys])
    types = [client.read() for _ in keys]
    looks = [LOOKS[kind](key) + [("PEXPIRETIME", key)] for key, kind in zip(keys, types)]
    client.send(*[request for look in looks for request in look])
    seen = {key: settled(client, kind, [client.read() for _ in look])
            for key, kind, look in zip(keys, types, looks)}
    for key, kind in zip(keys, types):
        if kind == "hash":
            fields = seen[key][0][0]
            times = client.call("HPEXPIRETIME", key, "FIELDS", len(fields), *fields)
            seen[key].append(times)
    return seen


def settled(_client, kind, replies):
    """Replies without their order where that means nothing, and without idle times."""
    if kind == "set":
        replies[0].sort()
    elif kind == "hash":
        pairs = sorted(zip(replies[0][::2], replies[0][1::2]))
        replies[0] = [[field for field, _ in pairs], [value for _, value in pairs]]
    elif kind == "stream":
        fields = dict(zip(replies[1][::2], replies[1][1::2]))
        replies[1] = [fields[name] for name in (b"length", b"last-generated-id",
                                                b"max-deleted-entry-id", b"entries-added")]
        for at in (3, 4):
            if isinstance(replies[at], list):
                replies[at] = [(row[0], row[1], row[3]) for row in replies[at]]
            else:
                replies[at] = None
    return replies
