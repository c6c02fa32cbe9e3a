"""A sequence on both servers at once, until they differ.

After each step both servers have answered twice on a connection of their own, so all that the step
brought about has been written; then what has come on every connection is compared. A client that
waits in a blocking command sends nothing until it is answered: its steps are passed over.
"""
import select
import time
from itertools import zip_longest

from .known import OLD, known, name_of
from .replies import as_newer, equal, invalidated, is_message, is_reply, is_told, with_one_zero
from .steps import AGAIN, CLIENTS, PAUSE
from .wire import Client, text_of
from .words import LIMITS, SHORT

# How long one side may take longer than the other.
PATIENCE_SECONDS = 0.5
PAUSE_SECONDS = 0.011
# All but misses; of an old redis-server not those of streams, which had fewer.
EVENTS, OLD_EVENTS = "KEAn", "KEng$lshzxed"
SUBSCRIPTIONS = (b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE", b"UNSUBSCRIBE", b"PUNSUBSCRIBE",
                 b"SUNSUBSCRIBE")


class Difference(Exception):
    """The servers differ; `kind` is the same for what is likely the same difference."""

    def __init__(self, kind, where, ours, theirs):
        super().__init__(kind)
        self.kind, self.where, self.ours, self.theirs = kind, where, ours, theirs


class Ended(Exception):
    """A known difference after which the data are not the same."""


def shape(reply):
    """What kind of reply it is."""
    if reply is None:
        return "nothing"
    kind, value = reply
    if kind == "-":
        return "-" + "".join("N" if c.isdigit() else c for c in value.decode("latin1"))[:60]
    return kind + ("nil" if value is None else "" if value else "empty")


def is_list(reply, length):
    return reply is not None and isinstance(reply[1], list) and len(reply[1]) == length


class Side:
    """One server, emptied, and the clients of a sequence."""

    def __init__(self, port, version):
        is_old = version < OLD
        self.settle = as_newer if is_old else with_one_zero
        self.connect = lambda: Client(port, self.settle)
        self.control = Client(port)
        events = ["CONFIG", "SET", "notify-keyspace-events", OLD_EVENTS if is_old else EVENTS]
        for words in (["FLUSHALL"], ["SCRIPT", "FLUSH"], ["FUNCTION", "FLUSH"], events,
                      ["CONFIG", "SET", "slowlog-log-slower-than", "-1"], ["SLOWLOG", "RESET"],
                      ["CONFIG", "RESETSTAT"], ["CLIENT", "UNPAUSE"],
                      ["ACL", "DELUSER", "u0", "u1"],
                      # respq forgets what was read once nobody tracks keys any more; this does.
                      ["CLIENT", "TRACKING", "ON"]):
            self.control.call(*words)
        for name, (usual, *_) in LIMITS.items():
            self.control.call(b"CONFIG", b"SET", name, usual)
        self.clients = [self.connect() for _ in range(CLIENTS)]

    def connect_again(self, number):
        self.clients[number].close()
        self.clients[number] = self.connect()

    def close(self):
        for client in [self.control, *self.clients]:
            client.close()


class Talk:
    """What a client has asked and is not answered yet."""

    def __init__(self):
        self.open = []
        self.last = ()
        self.queued, self.ran = [], []

    def ask(self, requests):
        self.open, self.last = list(requests), requests[-1]

    def answer(self, reply):
        """The request that a reply belongs to."""
        request = self.open.pop(0) if self.open else self.last
        name = request[0].upper() if request else b""
        if reply == ("+", b"QUEUED"):
            self.queued.append(request)
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            self.ran, self.queued = self.queued, []
        return request


class Match:
    """Both servers with the clients of one sequence."""

    def __init__(self, ports, version, passed):
        self.sides = [Side(port, version) for port in ports]
        self.version, self.passed = version, passed
        self.talks = [Talk() for _ in range(CLIENTS)]
        self.sent = []

    def close(self):
        for side in self.sides:
            side.close()

    def play(self, steps):
        for step in steps:
            if step.way == PAUSE:
                time.sleep(PAUSE_SECONDS)
            elif step.way == AGAIN or self.is_closed(step.client):
                for side in self.sides:
                    side.connect_again(step.client)
                self.talks[step.client] = Talk()
            elif self.talks[step.client].open:
                continue
            self.sent.append(step)
            if step.requests and step.way != AGAIN:
                self.send(step)
            self.compare(step)

    def is_closed(self, client):
        return any(side.clients[client].is_closed for side in self.sides)

    def send(self, step):
        self.talks[step.client].ask(step.requests)
        for side in self.sides:
            side.clients[step.client].send(step.requests, step.way)
        if any(word in SHORT for request in step.requests for word in request):
            count = len(step.requests)
            self.until(lambda: all(self.count(side, step.client) >= count for side in self.sides))

    def count(self, side, client):
        """How much has come that must come on both sides."""
        side.clients[client].read()
        came = sum(is_reply(reply) or is_message(reply) for reply in side.clients[client].replies)
        return came + side.clients[client].is_closed

    def until(self, reached):
        """Waits for a state, within patience."""
        end = time.monotonic() + PATIENCE_SECONDS
        sockets = [client.socket for side in self.sides for client in side.clients]
        while not reached() and time.monotonic() < end:
            select.select(sockets, [], [], 0.01)

    def catch_up(self):
        """Returns when all that was sent before has been answered."""
        for _ in range(2):
            for side in self.sides:
                side.control.send([(b"PING",)])
            for side in self.sides:
                side.control.answer()

    def is_level(self):
        """Has as much come on both sides?"""
        ours, theirs = self.sides
        return all(self.count(ours, client) == self.count(theirs, client)
                   for client in range(CLIENTS))

    def compare(self, step):
        self.catch_up()
        self.until(self.is_level)
        for client in [step.client, *(c for c in range(CLIENTS) if c != step.client)]:
            self.compare_client(client, step)

    def compare_client(self, number, step):
        """A connection gets its own replies first and then what it is told, so either is compared
        alone, and so are messages and invalidations."""
        clients = [side.clients[number] for side in self.sides]
        taken, talk = [client.take() for client in clients], self.talks[number]
        for replies in zip_longest(*(list(filter(is_reply, all_of)) for all_of in taken)):
            self.compare_replies(number, step, talk.answer(replies[1]), replies)
        self.compare_told(number, step, *(list(filter(is_message, all_of)) for all_of in taken))
        changed = [[("~", keys)] for keys in map(invalidated, taken)]
        self.compare_told(number, step, *changed)
        if number == step.client and talk.last and talk.last[0].upper() in SUBSCRIPTIONS:
            talk.open = []
        if clients[0].is_closed != clients[1].is_closed:
            words = ["closed" if client.is_closed else "open" for client in clients]
            self.found("connection", number, step, *words)

    def compare_replies(self, number, step, request, replies):
        ran, name = self.talks[number].ran, request[0].upper() if request else b""
        if name == b"EXEC" and all(is_list(reply, len(ran)) for reply in replies):
            for one, *parts in zip(ran, *(reply[1] for reply in replies)):
                self.compare_replies(number, step, one, parts)
        elif not equal(request, *replies):
            self.differ(number, step, request, replies)

    def compare_told(self, number, step, ours, theirs):
        request = step.requests[-1] if step.requests else (step.way.encode(),)
        # A request without channels ends all subscriptions, in any order.
        if request[0].upper() in SUBSCRIPTIONS and len(request) == 1:
            ours, theirs = ours[:1] * len(ours), ours[:1] * len(theirs)
        for pair in zip_longest(ours, theirs):
            if pair[0] != pair[1]:
                self.differ(number, step, request, pair)

    def differ(self, number, step, request, replies):
        """Two replies or messages are not the same; raises, or takes note."""
        is_news = any(map(is_told, filter(None, replies)))
        causes = [request, *step.requests] if is_news else [request]
        found = (known(cause, *replies, self.version) for cause in causes)
        one = next(filter(None, found), None)
        if one is None:
            kind = [name_of(request), *map(shape, replies)]
            if number != step.client and step.requests:
                kind.append("by " + name_of(step.requests[-1]))
            self.found(" ".join(kind), number, step, *map(text_of, replies))
        self.passed[one.name] = self.passed.get(one.name, 0) + 1
        if not one.goes_on:
            raise Ended(one.name)

    def found(self, kind, number, step, ours, theirs):
        where = f"client {number}, after a step of client {step.client}"
        raise Difference(kind, where, ours, theirs)
