"""All data of both servers: by the commands that read them, and by what DUMP gives the other."""
from .match import Difference
from .replies import AGES, bag, near, pairs, same_but_ages, without
from .wire import text_of

DATABASES = (0, 1)
COPY = "copy-of-the-other"
SLACK_MS = 2000


def look(side, key, kind):
    """What a key holds, without order where there is none."""
    call = side.control.call
    if kind == b"string":
        return call("GET", key)
    if kind == b"list":
        return call("LRANGE", key, 0, -1)
    if kind == b"set":
        return bag(call("SMEMBERS", key))
    if kind == b"hash":
        return pairs(call("HGETALL", key))
    if kind == b"zset":
        return side.settle(call("ZRANGE", key, 0, -1, "WITHSCORES"))
    return "*", [call("XRANGE", key, "-", "+"),
                 side.settle(call("XINFO", "STREAM", key, "FULL", "COUNT", 0))]


def same(kind, ours, theirs):
    return ours == theirs or kind == b"stream" and same_but_ages(ours, theirs)


def same_copy(kind, ours, theirs):
    """The same, but for when consumers were active: DUMP has the form of Redis 7.0."""
    if kind == b"stream":
        ours, theirs = [without(AGES, held) for held in (ours, theirs)]
    return same(kind, ours, theirs)


def compare_contents(sides):
    """Raises the first `Difference` of the data."""
    for db in DATABASES:
        for side in sides:
            side.control.call("SELECT", db)
        keys = [sorted(key for _, key in side.control.call("KEYS", "*")[1]) for side in sides]
        if keys[0] != keys[1]:
            raise Difference("data: keys", f"db {db}", *map(repr, keys))
        for key in keys[0]:
            compare_key(sides, f"db {db}, {key!r}", key)


def compare_key(sides, where, key):
    kinds = [side.control.call("TYPE", key)[1] for side in sides]
    if kinds[0] != kinds[1]:
        raise Difference("data: type", where, *map(repr, kinds))
    kind = kinds[0]
    held = [look(side, key, kind) for side in sides]
    if not same(kind, *held):
        raise Difference("data: " + kind.decode(), where, *map(show, held))
    times = [side.control.call("PTTL", key) for side in sides]
    if times[0] != times[1] and not near(*times, SLACK_MS):
        raise Difference("data: time to live", where, *map(text_of, times))
    ours, theirs = sides
    ways = [(ours, theirs, "theirs to ours"), (theirs, ours, "ours to theirs")]
    for reader, writer, what in ways:
        dump = writer.control.call("DUMP", key)[1]
        reply = reader.control.call("RESTORE", COPY, 0, dump, "REPLACE")
        copy = look(reader, COPY, kind)
        reader.control.call("DEL", COPY)
        if reply != ("+", b"OK") or not same_copy(kind, copy, held[0]):
            raise Difference(f"data: DUMP of a {kind.decode()}, {what}", where,
                             f"{text_of(reply)} for {dump!r}", f"{show(copy)} of {show(held[0])}")


def show(held):
    return text_of(held) if isinstance(held, tuple) else repr(held)
