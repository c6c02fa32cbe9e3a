"""From a seed to a sequence of steps, which depends on nothing else.

Each sequence has one family it is about; the others of the chosen ones stand in between. Some begin
with large values of all types. The first clients may wait, the last two seldom do.
"""
import random
from typing import NamedTuple

from .about import question
from .families import DATA, FAMILIES
from .known import OLD, is_too_new
from .scripts import script
from .words import ALL_KEYS, KEYS, LIMITS, VALUES, Author

CLIENTS = 6
WAITING_CLIENTS = 4
AGAIN, PAUSE = "again", "pause"
# Families that are more than forms.
MADE = ("about", "expiry", "script", "watching")
NAMES = tuple(sorted([name for name in FAMILIES if name != "wake"] + list(MADE)))
# What must not stand in one go with others: replies that are more or fewer than requests.
ALONE = (b"SUBSCRIBE", b"UNSUBSCRIBE", b"RESET", b"HELLO", b"CLIENT")


class Step(NamedTuple):
    """Requests that a client sends in one go; or it connects again; or time passes."""
    client: int
    requests: tuple
    way: object = None  # AGAIN, PAUSE, or at which part of the bytes the sending stops.


class Sequence:
    """The steps of one seed."""

    def __init__(self, seed, families, protocol, version, count):
        self.dice = random.Random("%s of %s" % (seed, ",".join(families)))
        dice = self.dice
        self.author = Author(dice, dice.choice([0.01, 0.05, 0.15]))
        # Before 7.2 a script had the keys tracked that it was given, not those it read; and users
        # were shown otherwise.
        if version < OLD:
            families = [name for name in families if name not in ("about", "acl", "tracking")]
        if not families:
            raise SystemExit("these families are compared beside redis-server 7.2 or later only")
        self.topic, self.version = families[seed % len(families)], version
        # When a key that expires is removed is left to each server, and so is when others are told.
        apart = ("tracking", "server") if self.topic == "expiry" else ("expiry",)
        self.families = [name for name in families if name not in apart] or [self.topic]
        self.steps = []
        self.begin(protocol)
        while len(self.steps) < count:
            self.add(self.topic if dice.random() < 0.6 else dice.choice(self.families))

    def begin(self, protocol):
        dice = self.dice
        for client in range(CLIENTS):
            speaks_3 = dice.random() < 0.4 if protocol is None else protocol == 3
            if speaks_3:
                self.send(client, [b"HELLO", b"3"])
        if dice.random() < 0.3 and self.topic != "expiry":
            # A client that is told of every change.
            self.send(CLIENTS - 1, [b"PSUBSCRIBE", b"__key*__:*"])
        for name, values in LIMITS.items():
            request = [b"CONFIG", b"SET", name, dice.choice(values)]
            if dice.random() < 0.05 and not is_too_new(request, self.version):
                self.send(CLIENTS - 1, request)
        if dice.random() < 0.25:
            for request in large_values(dice):
                self.send(0, request)

    def send(self, client, *requests, way=None):
        self.steps.append(Step(client, tuple(tuple(request) for request in requests), way))

    def client(self, may_wait):
        """Who sends it: mostly not one of those who may be waiting."""
        if may_wait or self.dice.random() < 0.4:
            return self.dice.randrange(WAITING_CLIENTS)
        return self.dice.randrange(WAITING_CLIENTS, CLIENTS)

    def add(self, family):
        dice = self.dice
        if dice.random() < 0.015:
            self.send(dice.randrange(CLIENTS), way=AGAIN)
        elif family == "watching":
            self.watch()
        elif family == "expiry":
            self.expire()
        elif family == "blocking":
            if dice.random() < 0.45:
                self.send(self.client(True), self.request("blocking"))
            else:
                self.send(self.client(False), self.request("wake"))
        elif dice.random() < 0.1:
            self.burst(family)
        else:
            self.send(self.client(False), self.request(family))

    def request(self, family):
        while True:
            if family in ("about", "script"):
                request = (question if family == "about" else script)(self.author)
            else:
                forms = FAMILIES[family if family in FAMILIES else self.dice.choice(DATA)]
                request = self.author.spoil(self.author.fill(self.dice.choice(forms)))
            is_lasting = self.topic != "expiry" or request[0].upper() != b"DBSIZE"
            if is_lasting and not is_unfit(request) and not is_too_new(request, self.version):
                return request

    def burst(self, family):
        """Several requests in one go, sometimes in two parts of bytes."""
        dice = self.dice
        requests = [self.request(family) for _ in range(dice.choice([2, 5, 20, 40]))]
        requests = [request for request in requests
                    if not request[0].upper().endswith(ALONE)]
        if requests:
            way = dice.random() if dice.random() < 0.3 else None
            self.send(self.client(False), *requests, way=way)

    def watch(self):
        """Is a command a change of the keys it names, for one who watches them?"""
        dice, request = self.dice, self.request(self.dice.choice(DATA))
        if request[0].upper() == b"PFCOUNT":
            return  # What it keeps in the value is a change for redis-server alone.
        keys = [word for word in request[1:] if word in ALL_KEYS][:3]
        if keys and dice.random() < 0.7:
            watched = ALL_KEYS if dice.random() < 0.2 else keys
            self.send(0, [b"WATCH", *watched])
            self.send(CLIENTS - 1, request)
            self.send(0, [b"MULTI"], [b"PING"], [b"EXEC"])
        else:
            self.send(CLIENTS - 1, request)

    def expire(self):
        """A key that expires while the others go on."""
        dice, author = self.dice, self.author
        key, client = author.key(), dice.randrange(CLIENTS)
        self.send(client, dice.choice([
            [b"PEXPIRE", key, b"4"], [b"SET", key, b"v", b"PX", b"4"], [b"PSETEX", key, b"4", b"9"],
            [b"GETEX", key, b"PX", b"4"], [b"PEXPIRE", key, b"4", b"NX"]]))
        if dice.random() < 0.3:
            self.send(dice.randrange(CLIENTS), [b"WATCH", author.key(), key])
        if dice.random() < 0.2:
            self.send(dice.randrange(CLIENTS), [b"MULTI"])
        self.send(client, way=PAUSE)
        self.send(dice.randrange(CLIENTS), [dice.choice([b"TYPE", b"EXISTS", b"TTL"]), key])


def is_unfit(request):
    """Can its replies not be the same?"""
    words = [word.upper() for word in request]
    # The tables of commands are not the same, and the ids of clients; ids of entries would come
    # from the clock.
    if (words == [b"COMMAND"] or words[0] == b"XADD" and b"*" in words
            or words[:2] == [b"CLIENT", b"KILL"] and any(word.isdigit() for word in words)):
        return True
    # Ranges by name have no order once scores differ.
    if words[0] == b"ZADD" and request[1:2] and request[1] in KEYS["lexical"] \
            and any(score != b"0" for score in request[2::2]):
        return True
    # Of another user than `default`: the error has no reply from redis-server 7.2 if any other
    # reply is still to be sent.
    at = words.index(b"AUTH") if b"AUTH" in words else -1
    return words[0] in (b"AUTH", b"HELLO") and at >= 0 and words[at + 1:at + 2] != [b"DEFAULT"] \
        and len(words) > at + 2


def large_values(dice):
    """Values of many elements, so that what is kept in blocks has several of them."""
    number = lambda most: b"%d" % dice.randrange(most)
    for key in KEYS["list"][:2]:
        for _ in range(dice.choice([1, 3, 6])):
            some = VALUES + [b"y" * 100, b"y" * 3000]
            values = [dice.choice(some) for _ in range(dice.randint(20, 90))]
            yield [dice.choice([b"RPUSH", b"LPUSH"]), key, *values]
    for key in KEYS["zset"][:2]:
        yield [b"ZADD", key, *pairs(200, lambda: number(60), lambda: b"m" + number(250))]
    letters = lambda: bytes(dice.randint(97, 102) for _ in range(dice.randint(1, 4)))
    yield [b"ZADD", KEYS["lexical"][0], *pairs(180, lambda: b"0", letters)]
    for entry in range(dice.choice([60, 130, 230])):
        fields = pairs(dice.choice([1, 1, 2, 9]), lambda: b"f" + number(9), lambda: number(999))
        yield [b"XADD", KEYS["stream"][0], b"%d-%d" % (entry // 4, entry % 4 + 1), *fields]
    yield [b"XGROUP", b"CREATE", KEYS["stream"][0], b"g0", b"0"]
    for consumer in (b"c0", b"c1"):
        yield [b"XREADGROUP", b"GROUP", b"g0", consumer, b"COUNT", b"%d" % dice.randint(10, 100),
               b"STREAMS", KEYS["stream"][0], b">"]
    yield [b"SADD", KEYS["set"][0], *[number(900) for _ in range(700)]]
    yield [b"SADD", KEYS["set"][1], b"a", b"b", *[number(900) for _ in range(300)]]
    yield [b"HSET", KEYS["hash"][0], *pairs(200, lambda: b"f" + number(300), lambda: number(99))]
    yield [b"SETRANGE", KEYS["string"][0], b"%d" % dice.randint(10, 5000), b"tail"]


def pairs(count, first, second):
    return [word for _ in range(count) for word in (first(), second())]
