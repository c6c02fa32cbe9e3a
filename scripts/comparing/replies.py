"""Which replies count as equal: what has no order has none here, and what tells of time is near.

Everything else must be the same to the byte.
"""
import re

NO_ORDER = (b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"SPOP", b"HKEYS", b"HVALS", b"KEYS",
            b"PUBSUB", b"CONFIG")
SCANS = (b"SCAN", b"SSCAN", b"HSCAN", b"ZSCAN")
TELL_AGES = (b"OBJECT", b"XINFO", b"XPENDING")
SCRIPTS = (b"EVAL", b"EVAL_RO", b"FCALL")
# By how much a time may differ.
TIMES = {b"TTL": 2, b"EXPIRETIME": 2, b"PTTL": 1500, b"PEXPIRETIME": 1500}
AGE_MS = 4000
# What stands behind these names in replies depends on the clock, on the server, or on chance.
AGES = (b"idle", b"inactive", b"seen-time", b"active-time")
OWN = (b"radix-tree-keys", b"radix-tree-nodes", b"version", b"id", b"client-info", b"age-seconds",
       b"entry-id")
CONSUMERS = (b"consumers", b"inactive", b"seen-time", b"active-time")
# Larger numbers are points in time.
LONG_AGO_MS = 10**9
NUMBER = re.compile(rb"-?\d+(\.\d+)?(e[-+]?\d+)?$")
MESSAGES = (b"message", b"pmessage", b"smessage", b"subscribe", b"psubscribe", b"ssubscribe",
            b"unsubscribe", b"punsubscribe", b"sunsubscribe", b"invalidate")


def is_told(reply):
    """Is it a push, or what RESP2 has in place of it?"""
    kind, value = reply
    if kind == ">":
        return True
    return kind == "*" and bool(value) and value[0][0] == "$" and value[0][1] in MESSAGES


def is_reply(reply):
    return not is_told(reply)


def is_message(reply):
    """Of a channel; not of the end of a key, whose time is left to each server."""
    if not is_told(reply) or reply[1][0][1] == b"invalidate":
        return False
    last = [part[1] for part in reply[1][-2:] if isinstance(part[1], bytes)]
    return not any(word.endswith(b"expired") for word in last)


def invalidated(replies):
    """The keys told to be changed; in how many messages, and how often, is left to each server."""
    told = [reply[1][1] for reply in replies
            if is_told(reply) and reply[1][0][1] == b"invalidate"]
    keys = [key for _, part in told for key in part or [("_", b"all")]]
    return sorted(set(keys))


def equal(request, ours, theirs):
    """Are these as good as the same reply to a request?"""
    if ours == theirs:
        return True
    if ours is None or theirs is None or ours[0] != theirs[0] or not request:
        return False
    name, lists = request[0].upper(), isinstance(ours[1], list) and isinstance(theirs[1], list)
    if name in TIMES:
        return near(ours, theirs, TIMES[name])
    if name == b"OBJECT" and request[1].upper() == b"IDLETIME":
        return near(ours, theirs, 5)
    if name == b"CLIENT" and request[1].upper() in (b"ID", b"LIST", b"INFO"):
        return True
    if name in SCRIPTS:
        has_ages = any(word.upper() in TELL_AGES for word in request)
        return bag(ours, not has_ages) == bag(theirs, not has_ages)
    if not lists:
        return False
    if name in NO_ORDER or has_no_order(request) or is_catalog(request):
        return bag(ours) == bag(theirs)
    if name == b"HGETALL":
        return pairs(ours) == pairs(theirs)
    if name in SCANS:
        return ours[1][0] == theirs[1][0] and bag(ours[1][1]) == bag(theirs[1][1])
    if name in (b"XINFO", b"XPENDING", b"HELLO"):
        return same_but_ages(ours, theirs)
    return False


def is_catalog(request):
    """Does it list commands, libraries, or what was refused?"""
    words = [word.upper() for word in request[:2]]
    return words in ([b"ACL", b"CAT"], [b"ACL", b"LOG"], [b"COMMAND", b"LIST"],
                     [b"FUNCTION", b"LIST"])


def has_no_order(request):
    """SORT that is told not to sort, of a set."""
    words = [word.upper() for word in request]
    if words[0] not in (b"SORT", b"SORT_RO") or b"BY" not in words[2:-1]:
        return False
    return b"*" not in words[words.index(b"BY", 2) + 1]


def near(ours, theirs, slack):
    return ours[0] == theirs[0] == ":" and abs(int(ours[1]) - int(theirs[1])) <= slack


def pairs(reply):
    return sorted(zip(map(repr, reply[1][::2]), map(repr, reply[1][1::2])))


def bag(reply, has_small=True):
    """All that is in a reply, without order; of times it is only told that they are there."""
    kind, value = without(OWN, reply)
    if not isinstance(value, list):
        is_time = kind == ":" and (not has_small or abs(int(value)) > 1000)
        return [repr((kind, "time") if is_time else reply)]
    parts = [part for one in value for part in bag(one, has_small)]
    return sorted(parts + [repr((kind, len(value)))])


def without(names, reply):
    """Without these names and what stands behind them."""
    kind, value = reply
    if not isinstance(value, list):
        return reply
    drop = [at for at, part in enumerate(value) if part[0] in "$+" and part[1] in names]
    return kind, [without(names, part) for at, part in enumerate(value)
                  if at not in drop and at - 1 not in drop]


def same_but_ages(ours, theirs):
    """The same, but for times and ages, which are near, and what each server has of its own."""
    if ours == theirs:
        return True
    if not (isinstance(ours[1], list) and isinstance(theirs[1], list)):
        return False
    ours_parts, theirs_parts = without(OWN, ours)[1], without(OWN, theirs)[1]
    if ours[0] != theirs[0] or len(ours_parts) != len(theirs_parts):
        return False
    for at, (mine, other) in enumerate(zip(ours_parts, theirs_parts)):
        if same_but_ages(mine, other):
            continue
        named = at > 0 and ours_parts[at - 1][1] in AGES
        # A row of XPENDING: id, consumer, idle time, deliveries.
        in_row = at == 2 and len(ours_parts) == 4
        if not near(mine, other, AGE_MS):
            return False
        if not (named or in_row or int(mine[1]) > LONG_AGO_MS):
            return False
        if min(int(mine[1]), int(other[1])) < 0:
            return False
    return True


def as_newer(reply):
    """What replies of redis-server 7.0 and 7.2 have in common: doubles had 17 digits there, and
    consumers were made later."""
    return with_one_zero(without(CONSUMERS, with_short_numbers(reply)))


def with_short_numbers(reply):
    kind, value = reply
    if isinstance(value, list):
        return kind, [with_short_numbers(part) for part in value]
    is_long = kind in "$," and value and (len(value) > 15 or b"e" in value)
    if is_long and NUMBER.match(value):
        return kind, b"%.15g" % float(value)
    return reply


def with_one_zero(reply):
    """Without negative zeros, which scores are not (README, Differences), and with the shortest
    texts of doubles, which redis-server now and then misses."""
    kind, value = reply
    if isinstance(value, list):
        return kind, [with_one_zero(part) for part in value]
    is_long = kind in "$," and value and len(value) > 20 and b"." not in value
    if is_long and NUMBER.match(value):
        return kind, b"%r" % float(value)
    return (kind, b"0") if value == b"-0" else reply
