"""Differences that are known: each with what tells it, and why it is there.

A sequence goes on after a difference that leaves the data alone, and ends, without its data being
compared, after any other.
"""
from typing import Callable, NamedTuple

from .words import KEYS


class Known(NamedTuple):
    """A difference that is no finding."""
    name: str
    reason: str
    tells: Callable  # of the request, our reply and theirs
    goes_on: bool = True
    before: tuple = (99,)  # The first version of redis-server without it.


def name_of(request):
    """The command, with its subcommand where it has any."""
    words = [word.upper().decode("latin1") for word in request[:2]]
    containers = ("ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY",
                  "MEMORY", "MODULE", "OBJECT", "PUBSUB", "SCRIPT", "SLOWLOG", "XGROUP", "XINFO")
    return " ".join(words if words and words[0] in containers else words[:1])


def is_error(reply):
    return reply is not None and reply[0] == "-"


def sets_far(request):
    """LSET at an index that takes more than 32 bits."""
    digits = [word.lstrip(b"-") for word in request[2:]]
    is_far = any(word.isdigit() and int(word) >= 1 << 31 for word in digits)
    return is_far and any(word.upper() == b"LSET" for word in request)


def asks_for_help(request):
    """HELP of a container of commands."""
    return len(request) == 2 and request[1].upper() == b"HELP"


def is_one_message(ours, theirs):
    """The same message, for another pattern."""
    if ours is None or theirs is None or not (ours[1] and theirs[1]):
        return False
    return ours[1][0] == ("$", b"pmessage") and ours[1][2:] == theirs[1][2:]


def is_more(ours, theirs):
    """All the keys that one server told to be changed, and more."""
    return (ours is not None and theirs is not None and ours[0] == theirs[0] == "~"
            and set(ours[1]) < set(theirs[1]))


def goes_by_name(request):
    """Is it a range by name, of other sets than those whose scores are all the same?"""
    words = [word.upper() for word in request]
    by_name = words[:1] == [b"ZLEXCOUNT"] or any(b"BYLEX" in word for word in words)
    from_words = request[2:3] if words[:1] == [b"ZRANGESTORE"] else request
    return by_name and not any(key in from_words for key in KEYS["lexical"])


def asks_for_odd_keys(request):
    """COMMAND GETKEYS of streams, or of a script with a number of keys that is none."""
    name = request[2].upper() if len(request) > 2 else b""
    is_odd = name.startswith((b"EVAL", b"FCALL")) and not all(map(bytes.isdigit, request[4:5]))
    is_of_streams = name in (b"XREAD", b"XREADGROUP")
    return name_of(request).startswith("COMMAND GETKEYS") and (is_odd or is_of_streams)


def asks_for(*names):
    return lambda request, ours, theirs: name_of(request) in names


def runs(*names):
    """Is it one of these commands, or a script that is given its name?"""

    def is_asked(request, ours, theirs):
        is_script = request[0].upper().startswith((b"EVAL", b"FCALL"))
        return any(word.upper() in names for word in (request if is_script else request[:1]))

    return is_asked


OLD = (7, 2)
DRAWING = (b"HRANDFIELD", b"SRANDMEMBER", b"ZRANDMEMBER")
KNOWN = [
    Known("chance", "which elements are drawn", runs(*DRAWING)),
    Known("drawn", "which elements are drawn and removed", runs(b"SPOP"), goes_on=False),
    Known("cursors", "what SCAN gives at once, and where it goes on",
          lambda request, ours, theirs: any(word.upper().endswith(b"SCAN") for word in request)),
    Known("sizes", "how much memory a value takes", asks_for("MEMORY USAGE")),
    Known("refcount", "small integers are not shared (README, Differences)",
          asks_for("OBJECT REFCOUNT")),
    Known("patterns", "a message that fits several patterns comes for each, in any order",
          lambda request, ours, theirs: is_one_message(ours, theirs)),
    Known("growth", "a string that BITFIELD only makes longer is changed (README, Differences)",
          asks_for("BITFIELD"), goes_on=False),
    Known("memory", "redis-server makes room for as many entries as may be claimed at once",
          lambda request, ours, theirs: is_error(theirs) and b"Insufficient memory" in theirs[1],
          goes_on=False),
    Known("HyperLogLog", "redis-server takes one with more behind its registers",
          lambda request, ours, theirs: is_error(ours) and ours[1].startswith(b"INVALIDOBJ"),
          goes_on=False),
    Known("own scripts", "what a script changes is told to who runs it, in spite of NOLOOP with "
          "BCAST (README, Differences)", lambda request, ours, theirs: is_more(ours, theirs)
          and name_of(request) in ("EVAL", "EXEC")),
    Known("commands", "each server has some of its own", asks_for("COMMAND COUNT", "COMMAND LIST")),
    Known("help", "it has words of its own", lambda request, ours, theirs: asks_for_help(request)),
    Known("advice", "each server has words of its own", asks_for("MEMORY DOCTOR")),
    Known("passwords", "those made up", asks_for("ACL GENPASS")),
    Known("own part", "a key that others changed too is told, in spite of NOLOOP with BCAST",
          lambda request, ours, theirs: is_more(theirs, ours) and name_of(request) == "EXEC"),
    Known("large settings", "sizes beyond 63 bits are refused",
          lambda request, ours, theirs: name_of(request) == "CONFIG SET" and is_error(ours),
          goes_on=False),
    Known("keys", "of a request that is none: redis-server goes by the first STREAMS, and by what "
          "begins with digits", lambda request, ours, theirs: asks_for_odd_keys(request)),
    Known("large form", "redis-server 7.2 keeps what ZRANGESTORE selects by score or name in it",
          lambda request, ours, theirs: name_of(request) == "OBJECT ENCODING"
          and (ours, theirs) == (("$", b"listpack"), ("$", b"skiplist"))),
    Known("rights", "redis-server does not look at the key of a PFMERGE that has but one",
          lambda request, ours, theirs: name_of(request) == "ACL DRYRUN" and b"PFMERGE" in request),
    Known("no text", "bytes that are no text, in an error that shows them",
          lambda request, ours, theirs: is_error(ours) and is_error(theirs)
          and "\N{REPLACEMENT CHARACTER}".encode() in ours[1]),
    Known("syntax", "what LuaJIT says of a script that is none (README, Differences)",
          lambda request, ours, theirs: is_error(ours) and is_error(theirs)
          and all(b"Error compiling script" in text for _, text in (ours, theirs))),
    Known("times", "how long commands took, and how far the replication has come",
          asks_for("LATENCY HISTOGRAM", "ROLE")),
    Known("index beyond 32 bits", "redis-server cuts it to 32 bits where a list is small",
          lambda request, ours, theirs: sets_far(request),
          goes_on=False),
    Known("counts", "how many may be drawn has a limit (README, Differences)",
          lambda request, ours, theirs: "value is out of range" in repr(ours)
          and any(word.upper() in DRAWING for word in request), goes_on=False),
    Known("no order", "what ranges by name give where scores differ",
          lambda request, ours, theirs: goes_by_name(request), goes_on=False),
    # Of an older redis-server:
    Known("texts", "some errors had other words",
          lambda request, ours, theirs: is_error(ours) and is_error(theirs), before=OLD),
    Known("lexical", "what ranges by name give where scores differ",
          asks_for("ZLEXCOUNT", "ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZRANGE"), before=OLD),
    Known("events", "fewer, for BITFIELD that leaves all as it was",
          lambda request, ours, theirs: name_of(request) == "BITFIELD", before=OLD),
    Known("consumers", "those without entries were made later",
          asks_for("XGROUP CREATECONSUMER", "XINFO GROUPS", "XINFO CONSUMERS"), before=OLD),
    Known("inside", "what a client in RESP3 was told by its own EXEC stood inside of the reply",
          lambda request, ours, theirs: theirs is not None and theirs[0] == ">", goes_on=False,
          before=OLD),
    Known("errors", "some odd arguments were taken",
          lambda request, ours, theirs: is_error(ours), goes_on=False, before=OLD),
]


def known(request, ours, theirs, version):
    """The difference that this is, if it is one of them."""
    for one in KNOWN:
        if version < one.before and one.tells(request, ours, theirs):
            return one
    return None


# What redis-server 7.0 has not, by words; its small lists had another encoding, and numbers that
# scripts hand to commands had more digits.
NEWER = (b"SET-MAX-LISTPACK-ENTRIES", b"SET-MAX-LISTPACK-VALUE", b"ENCODING", b"WAITAOF",
         b"SETINFO", b"NO-TOUCH", b"WITHSCORE")
NEWER_SCRIPTS = (b'"ECHO"', b'"WAIT"')


def is_too_new(request, version):
    """Has a redis-server of this version no such request?"""
    if version >= OLD:
        return False
    words = [word.upper() for word in request]
    return (any(word in NEWER for word in words)
            or any(part in words[1] for part in NEWER_SCRIPTS if len(words) > 1)
            or name_of(request) == "COMMAND GETKEYS" and len(request) < 4)
