"""Messages with unique numbers that many clients push and take at once.

Each kind of queue knows what was acknowledged and what was only sent, and compares that with what
is there after a crash. `check` replies three counts:

lost       an acknowledged message that is nowhere, though no request that could have taken it is
           unanswered; or a delivered entry of a stream that its group does not know as pending
returned   a message whose removal or delivery was acknowledged, and which is there again, or twice
half       a transaction or script of which one part is there and another is not
"""
import threading

from servers import ReplyError


class Numbers:
    """Unique numbers, and a count of what was acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = 0

    def take(self, count=1):
        with self.lock:
            self.next += count
            return range(self.next - count, self.next)

    def count(self, operations):
        with self.lock:
            self.acknowledged += operations


class Queue:
    """A list, a set or a sorted set: pushes, and pops that take any message."""

    PUSH = {
        "list": lambda number: ("LPUSH", "queue", number),
        "set": lambda number: ("SADD", "bag", number),
        "zset": lambda number: ("ZADD", "delayed", number % 100, number),
    }
    LOOK = {
        "list": [("LRANGE", "queue", 0, -1), ("LRANGE", "active", 0, -1)],
        "set": [("SMEMBERS", "bag")],
        "zset": [("ZRANGE", "delayed", 0, -1)],
    }

    def __init__(self, numbers, kind):
        self.numbers, self.kind, self.lock = numbers, kind, threading.Lock()
        self.pushed, self.popped = set(), set()
        self.unanswered = self.twice = 0

    def produce(self, client, dice, _name):
        batch = self.numbers.take(dice.choice([1, 1, 2, 10]))
        client.send(*[self.PUSH[self.kind](number) for number in batch])
        for number in batch:
            if not isinstance(client.read(), ReplyError):
                with self.lock:
                    self.pushed.add(number)
                self.numbers.count(1)

    def pop(self, client, dice):
        if self.kind == "set":
            return client.call("SPOP", "bag")
        if self.kind == "zset":
            popped = (client.call("BZPOPMIN", "delayed", "0.2") if dice.random() < 0.5
                      else client.call("ZPOPMIN", "delayed"))
            return popped[-2] if popped else None
        if dice.random() < 0.5:
            popped = client.call("BRPOP", "queue", "0.2")
            return popped[1] if popped else None
        moved = client.call("LMOVE", "queue", "active", "RIGHT", "LEFT")
        if moved is not None:
            client.call("LREM", "active", 1, moved)
        return moved

    def consume(self, client, dice, _name):
        with self.lock:
            self.unanswered += 1
        try:
            popped = self.pop(client, dice)
        except ReplyError:
            popped = None
        with self.lock:
            self.unanswered -= 1
            if popped is not None:
                number = int(popped)
                self.twice += number in self.popped
                self.popped.add(number)
        self.numbers.count(popped is not None)

    def check(self, client):
        found = [int(number) for look in self.LOOK[self.kind] for number in client.call(*look)]
        there = set(found)
        missing = self.pushed - self.popped - there
        lost = max(0, len(missing) - self.unanswered)
        returned = len(self.popped & there) + len(found) - len(there) + self.twice
        # From here on the state is what was found.
        self.popped |= missing
        self.pushed |= there
        self.unanswered = self.twice = 0
        return lost, returned, 0


class Whole:
    """Numbers that are put into three keys, or taken out of them, by a transaction or a script."""

    SCRIPT_ADD = ("redis.call('RPUSH', KEYS[1], ARGV[1]) redis.call('HSET', KEYS[2], ARGV[1], 1) "
                  "redis.call('ZADD', KEYS[3], 1, ARGV[1])")
    SCRIPT_REMOVE = ("redis.call('LREM', KEYS[1], 1, ARGV[1]) redis.call('HDEL', KEYS[2], ARGV[1])"
                     "redis.call('ZREM', KEYS[3], ARGV[1])")

    def __init__(self, numbers):
        self.numbers, self.lock = numbers, threading.Lock()
        self.added, self.removed, self.unsure = set(), set(), set()
        self.open = set()  # added, and nobody is removing them

    def run(self, client, dice, commands, script, number):
        """Runs it either way; replies whether it was done."""
        if dice.random() < 0.5:
            reply = client.call("EVAL", script, 3, "left", "table", "board", number)
            return not isinstance(reply, ReplyError)
        client.send(("MULTI",), *commands, ("EXEC",))
        replies = [client.read() for _ in range(len(commands) + 2)]
        return isinstance(replies[-1], list)

    def produce(self, client, dice, _name):
        number = self.numbers.take()[0]
        commands = [("RPUSH", "left", number), ("HSET", "table", number, 1),
                    ("ZADD", "board", 1, number)]
        if self.change(client, dice, (commands, self.SCRIPT_ADD, number), self.added):
            with self.lock:
                self.open.add(number)

    def consume(self, client, dice, _name):
        with self.lock:
            if not self.open:
                return
            number = self.open.pop()
        commands = [("LREM", "left", 1, number), ("HDEL", "table", number),
                    ("ZREM", "board", number)]
        if not self.change(client, dice, (commands, self.SCRIPT_REMOVE, number), self.removed):
            with self.lock:
                self.open.add(number)

    def change(self, client, dice, work, done):
        number = work[2]
        with self.lock:
            self.unsure.add(number)
        try:
            went_well = self.run(client, dice, *work)
        except ReplyError:
            went_well = False
        with self.lock:
            self.unsure.discard(number)
            if went_well:
                done.add(number)
        self.numbers.count(went_well)
        return went_well

    def check(self, client):
        left, table, board = (
            {int(number) for number in numbers} for numbers in (
                client.call("LRANGE", "left", 0, -1), client.call("HKEYS", "table"),
                client.call("ZRANGE", "board", 0, -1)))
        everywhere = left & table & board
        half = len((left | table | board) - everywhere)
        lost = len(self.added - self.removed - self.unsure - left)
        returned = len(self.removed & left)
        self.removed |= self.added - left
        self.added |= left
        self.unsure, self.open = set(), set(left)
        return lost, returned, half


class Tasks:
    """A stream with a group: delivered, claimed, acknowledged, deleted."""

    def __init__(self, numbers):
        self.numbers, self.lock = numbers, threading.Lock()
        self.added, self.deleted = set(), set()
        self.delivered, self.done = {}, set()  # id: who got it; ids that were acknowledged
        self.unsure_done, self.unsure_deleted, self.unsure_claims = set(), set(), set()
        self.twice = 0

    def prepare(self, client):
        """Makes the group, if it is not there."""
        client.send(("XGROUP", "CREATE", "tasks", "g", 0, "MKSTREAM"))
        client.read()

    def produce(self, client, _dice, _name):
        number = self.numbers.take()[0]
        try:
            added = client.call("XADD", "tasks", "*", "number", number)
        except ReplyError:
            return
        with self.lock:
            self.added.add(added)
        self.numbers.count(1)

    def consume(self, client, dice, name):
        try:
            if dice.random() < 0.15:
                self.claim(client, name)
            else:
                self.read(client, dice, name)
        except ReplyError:
            pass  # Refused: nothing has changed.

    def claim(self, client, name):
        with self.lock:
            self.unsure_claims.add(name)
        _, entries, _ = client.call("XAUTOCLAIM", "tasks", "g", name, 0, "0", "COUNT", 3)
        with self.lock:
            for entry in entries:
                self.delivered.setdefault(entry[0], set()).add(name)
        self.numbers.count(1)

    def read(self, client, dice, name):
        reply = client.call("XREADGROUP", "GROUP", "g", name, "COUNT", 1, "BLOCK", 100,
                            "STREAMS", "tasks", ">")
        if not reply:
            return
        entry = reply[0][1][0][0]
        with self.lock:
            owners = self.delivered.setdefault(entry, set())
            self.twice += name in owners or entry in self.done
            owners.add(name)
        self.numbers.count(1)
        way = dice.random()
        if way < 0.2:
            self.finish(client, [("XACK", "tasks", "g", entry)], entry, deletes=False)
        elif way < 0.9:
            self.finish(client, [("MULTI",), ("XACK", "tasks", "g", entry),
                                 ("XDEL", "tasks", entry), ("EXEC",)], entry, deletes=True)

    def finish(self, client, commands, entry, deletes):
        with self.lock:
            self.unsure_done.add(entry)
            if deletes:
                self.unsure_deleted.add(entry)
        client.send(*commands)
        last = [client.read() for _ in commands][-1]
        with self.lock:
            self.unsure_done.discard(entry)
            self.unsure_deleted.discard(entry)
            if isinstance(last, ReplyError):
                return
            self.done.add(entry)
            if deletes:
                self.deleted.add(entry)
        self.numbers.count(1)

    def check(self, client):
        def key(entry):
            return tuple(int(part) for part in entry.split(b"-"))

        self.prepare(client)
        there = {entry[0] for entry in client.call("XRANGE", "tasks", "-", "+")}
        group = client.call("XINFO", "GROUPS", "tasks")[0]
        last = group[group.index(b"last-delivered-id") + 1]
        pending = {row[0]: row[1].decode()
                   for row in client.call("XPENDING", "tasks", "g", "-", "+", 1_000_000)}
        lost = len(self.added - there - self.deleted - self.unsure_deleted)
        open_entries = set(self.delivered) - self.done - self.unsure_done
        lost += len(open_entries - set(pending))
        lost += sum(owner not in self.delivered[entry] | self.unsure_claims
                    for entry, owner in pending.items() if entry in self.delivered)
        returned = len(self.done & set(pending)) + len(self.deleted & there) + self.twice
        returned += sum(key(entry) > key(last) for entry in self.delivered)
        half = sum((entry in there) != (entry in pending) for entry in self.unsure_deleted)
        self.deleted |= self.unsure_deleted - there
        self.done |= self.unsure_done - set(pending)
        self.added |= there
        for entry, owner in pending.items():
            self.delivered.setdefault(entry, set()).add(owner)
        self.unsure_done, self.unsure_deleted, self.unsure_claims = set(), set(), set()
        self.twice = 0
        return lost, returned, half


class Messages:
    """All kinds together, and the threads that work on them."""

    def __init__(self):
        self.numbers = Numbers()
        self.kinds = [Queue(self.numbers, kind) for kind in Queue.PUSH]
        self.kinds += [Whole(self.numbers), Tasks(self.numbers)]

    def start(self, server, dice, producers=3, consumers=4):
        """Starts the threads; they end when the server does."""
        def work(role, name, seed):
            own = type(dice)(seed)
            try:
                client = server.connect()
                self.kinds[-1].prepare(client)
                while True:
                    getattr(own.choice(self.kinds), role)(client, own, name)
            except (OSError, ValueError):
                pass  # The server is gone.

        roles = [("produce", "p%d" % n) for n in range(producers)]
        roles += [("consume", "c%d" % n) for n in range(consumers)]
        threads = [threading.Thread(target=work, args=(*role, dice.random())) for role in roles]
        for thread in threads:
            thread.start()
        return threads

    def check(self, client):
        """Compares what is there with what was acknowledged; replies (lost, returned, half)."""
        return tuple(map(sum, zip(*(kind.check(client) for kind in self.kinds))))
