"""What stands in requests, and the language in which the forms of requests are written.

A form is a request with names of pools in place of words: "LRANGE list int int". `[x]` may be left
out, `{x|y}` is one of several, `<x>` comes one to four times; what is no pool's name is sent as
it is, and so is what stands behind an apostrophe. Each pool has usual words and odd ones, at the
borders of what is allowed and beyond; how often an odd one is taken differs from seed to seed.
"""
import re

LONG = b"x" * 70
VALUES = [b"a", b"b", b"c", b"d", b"e", b"1", b"2", b"3", b"10", b"-5", b"3.5", b"",
          b"\xfe\x00\xff\r\n", LONG, b"abc", b" 1", b"0", b"foo bar", b"9223372036854775807",
          b"12345678901234567890", b"hello", b"-0"]
INTEGERS = b"0 1 2 3 -1 -2 5 10 100 50 130 -120 300".split()
ODD_INTEGERS = [b"", b"abc", b"1.5", b" 1", b"1 ", b"+1", b"01", b"-0", b"0x1", b"1e3", b"-100",
                b"00", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808",
                b"18446744073709551615", b"4294967296", b"2147483648", b"-2147483649",
                b"99999999999999999999999"]
FLOATS = b"0 1 2 1.5 -1 3 2.25 -2.5 10".split()
ODD_FLOATS = [b"inf", b"-inf", b"+inf", b"nan", b"1e308", b"-1e308", b"1e400", b"0x10", b"1e5",
              b" 1", b"1 ", b"1.", b".5", b"infinity", b"-Infinity", b"", b"abc", b"-0",
              b"3.0000000000000001", b"1e21", b"123456789012345678", b"0.1", b"1e-7",
              b"17179869184.5", b"--1", b"+5", b"1_0", b"1e", b"5e-324", b"0x1p3", b"NaN",
              b"9007199254740993", b"0.30000000000000004"]
IDS = b"0 1-1 1-2 2-1 2-0 3-1 5-1 5-5 7-0 10-10 0-1 4 6 100-1 12-4 20-1 33".split()
ODD_IDS = [b"", b" 1", b"(-", b"(+"] + (
    b"- $ > 0-0 5-* 1- -1 abc 1-1-1 18446744073709551615-18446744073709551615 "
    b"18446744073709551615 18446744073709551616 (1-1 (0 0-* 18446744073709551615-* 01-01 +1-1 "
    b"(18446744073709551615-18446744073709551615 1-18446744073709551616").split()
MEMBERS = [b"a", b"b", b"c", b"d", b"e", b"f", b"1", b"2", b"3", b"-7", b"100000", b"", b"foo",
           b"\xff", LONG, b"70000", b"5000000000", b"99", b"m1", b"m50", b"m100"]
SECONDS_ODD = b"0 -1 9223372036854775807 9223372036854775 abc -9223372036854775808 1.5".split()

KEYS = {
    "list": [b"l0", b"l1", b"l2"], "stream": [b"x0", b"x1"], "zset": [b"z0", b"z1", b"z2"],
    "hash": [b"h0", b"h1"], "set": [b"s0", b"s1", b"s2"], "string": [b"t0", b"t1", b"t2"],
    "lexical": [b"y0", b"y1"], "places": [b"geo0", b"geo1"],
    "counter": [b"p0", b"p1"], "nowhere": [b"nokey", b""],
}
ALL_KEYS = [key for name, keys in KEYS.items() if name != "lexical" for key in keys]
# Up to where values are kept in one piece; the usual limit comes first.
LIMITS = {
    b"hash-max-listpack-entries": [b"128", b"0", b"1", b"4"],
    b"hash-max-listpack-value": [b"64", b"0", b"3"],
    b"list-max-listpack-size": [b"-2", b"1", b"3", b"-5", b"-1"],
    b"set-max-intset-entries": [b"512", b"0", b"2"],
    b"set-max-listpack-entries": [b"128", b"0", b"3"],
    b"set-max-listpack-value": [b"64", b"0", b"2"],
    b"stream-node-max-entries": [b"100", b"1", b"3", b"0"],
    b"zset-max-listpack-entries": [b"128", b"0", b"3"],
    b"zset-max-listpack-value": [b"64", b"0", b"2"],
}
# How often a key is one of any type.
ANY_KEY = 0.07
# Times to wait that end within a step.
SHORT = (b"0.0123", b"13")

def library(name, *calls):
    """The code of a library, in which each call registers a function."""
    lines = ["#!lua name=" + name, *("redis.register_function" + call for call in calls)]
    return "\n".join(lines).encode()


LIBRARIES = [
    library("a", "('f0', function(keys, args) return {#keys, args[1]} end)"),
    library("a", "('f0', function() return redis.error_reply('E x ') end)"),
    library("b\nlocal calls = 0", "{function_name='f1', flags={'no-writes'}, description='counts', "
            "callback=function() calls = calls + 1 return calls end}"),
    library("libc", "{function_name='f2', callback=function(keys, args) "
            "return redis.call('SET', keys[1], args[1] or 'x') end}",
            "{function_name='f3', flags={'no-writes', 'allow-stale'}, callback=function(keys) "
            "return redis.call('GET', keys[1] or 'none') end}"),
]
ODD_LIBRARIES = [
    library("d", "('f0', function() return 1 end)"), library("a-b", "('f0', function() end)"),
    library("e", "('g', 1)"), library("e", "()"), library("e", "{callback=print}"),
    library("e", "{function_name='g', callback=print, flags={'x'}}"),
    library("e", "{function_name='a-b', callback=print}"),
    library("e", "('g', print)", "('g', print)"), library("e", "", "error({err='E x'})"),
    b"", b"return 1", b"#!js name=e\n", b"#!lua\nreturn 1", b"#!lua name=e\nreturn 1",
    b"#!lua name=e foo=bar\nreturn 1", b"#!lua name=e name=f\n", b"#!lua name=e\n'",
    b"#!lua name=e\nredis.call('GET', 'a')", b"#!lua name=e\nx = 1",
    b"#!lua name=e\nerror({err='E x'})",
]

# name: (usual words, odd words)
POOLS = {
    "value": (VALUES, []),
    "member": (MEMBERS, []),
    "field": ([b"f", b"g", b"h", b"1", b"2", b"", b"name", LONG, b"f1", b"f7", b"f100"], []),
    "int": (INTEGERS, ODD_INTEGERS),
    "count": ([b"1", b"2", b"3", b"5", b"10"], INTEGERS + ODD_INTEGERS),
    "float": (FLOATS, ODD_FLOATS),
    "weight": ([b"1", b"2", b"0", b"-1", b"0.5"], ODD_FLOATS),
    "id": (IDS, ODD_IDS),
    "range-id": (IDS + [b"-", b"+", b"-", b"+", b"(1-1", b"(3"], ODD_IDS),
    "group-id": ([b">"] * 4 + [b"0", b"1-1", b"3", b"5-1"], ODD_IDS),
    "last-id": ([b"0", b"1-1", b"3", b"$", b"$", b"7-0"], ODD_IDS),
    "group": ([b"g0", b"g1", b"g0", b"nog"], []),
    "consumer": ([b"c0", b"c1", b"c0", b""], []),
    "lex": (b"- + [a (a [c (c [ ( [e [zz (b".split(), [b"a", b"", b"[\xff", b"-a", b"++"]),
    "pattern": ([b"*", b"l*", b"*1", b"?0", b"[a-z]0", b"\\*", b"[^l]?", b"f*", b"", b"a",
                 b"__key*__:*", b"[", b"h?llo"], []),
    "channel": ([b"ch0", b"ch1", b"p:x"], []),
    "db": ([b"0", b"1", b"0"], [b"16", b"-1", b"abc", b"15", b"9999999999999999999"]),
    "timeout": ([b"0", b"0", b"1000", SHORT[0]],
                b"-1 abc inf nan 1e300 9223372036854775807 0x10 -0 1e18 9223372036854775.807 "
                b"9223372036854775".split() + [b""]),
    "block-ms": ([b"0", b"0", b"100000", SHORT[1]],
                 [b"-1", b"abc", b"1.5", b"9223372036854775807", b""]),
    "seconds": ([b"100", b"1000", b"5000", b"100000"], SECONDS_ODD + [b""]),
    "ms": ([b"100000", b"1000000", b"5000000"], SECONDS_ODD + [b""]),
    "unix": ([b"4000000000", b"5000000000"],
             [b"1", b"0", b"-1", b"9223372036854775807", b"9223372036854776", b"abc"]),
    "unix-ms": ([b"4000000000000", b"5000000000000"],
                [b"1", b"0", b"-1", b"9223372036854775807", b"abc"]),
    "bit-type": (b"u8 i8 u4 i16 u1 i64 u63 i5".split(), b"u64 i65 u0 x8 u i0".split() + [b""]),
    "bit-offset": (b"0 1 #0 #1 8 100 #3".split(),
                   b"-1 #-1 4294967296 abc # #5368709120".split()),
    "rule": (b"""+@all -@all +@read +@write -@write +get -get +set -set +@list -@dangerous
             +client|id -client|id +client +config|get -config ~* ~l* ~x? %R~t* %W~l* %RW~z* %R~*
             allkeys resetkeys &* &ch* allchannels resetchannels on nopass clearselectors +multi
             +exec +@transaction +eval +@scripting allcommands nocommands +acl +auth""".split()
             + [b"(+get ~t*)", b"(+@write %W~s*)", b"(~l* +@list)"],
             b"""+nosuch ~ ( (+get +@nosuch reset off >pw <pw #abc +get|x -get|x !x ) ()
             sanitize-payload skip-sanitize-payload resetpass -client|nosuch +|x ~a( &""".split()
             + [b"", b"( )", b"(on)", b"(+get", b"+get set", b"(reset)", b"(+@all", b"~a b"]),
    "library": (LIBRARIES, ODD_LIBRARIES),
    "function": ([b"f0", b"f1", b"f2", b"f3"], [b"F0", b"nosuch", b""]),
    "offset": ([b"0", b"1", b"2", b"5", b"-1", b"20"],
               [b"abc", b"4294967296", b"-2", b"9223372036854775807", b""]),
}
TOKENS = re.compile(r"'[^\s|\]}]+|[\[\]{}|<>]|[^\s\[\]{}|<>]+")


class Author:
    """Makes up requests, always the same ones from the same dice."""

    def __init__(self, dice, oddity):
        self.dice, self.oddity = dice, oddity

    def odd(self):
        return self.dice.random() < self.oddity

    def key(self, kind=None):
        """A key of a type, or now and then of another."""
        if kind is None or self.dice.random() < ANY_KEY:
            return self.dice.choice(ALL_KEYS)
        return self.dice.choice(KEYS[kind])

    def keys(self, kind):
        """`numkeys key [key ...]`, now and then with another number."""
        keys = [self.key(kind) for _ in range(self.dice.randint(1, 3))]
        number = b"%d" % len(keys)
        if self.odd():
            wrong = [b"0", b"-1", b"%d" % (len(keys) + 1), b"abc", b"9999999999"]
            number = self.dice.choice(wrong + [b"%d" % (len(keys) - 1)])
        return [number, *keys]

    def weights(self):
        if self.dice.random() < 0.5:
            return []
        return [b"WEIGHTS"] + [self.one("weight") for _ in range(self.dice.choice([1, 2, 2, 3]))]

    def new_id(self):
        """An id for XADD."""
        ms, sequence = self.dice.randint(1, 12), self.dice.randint(0, 6)
        usual = [b"%d-*" % ms, b"%d-%d" % (ms, sequence), b"%d-%d" % (ms, sequence), b"%d" % ms]
        return self.dice.choice(ODD_IDS if self.odd() else usual)

    def score(self):
        """A bound of a range of scores."""
        usual = FLOATS + [b"-inf", b"+inf"] * 2
        bound = self.dice.choice(ODD_FLOATS if self.odd() else usual)
        return b"(" + bound if self.dice.random() < 0.25 else bound

    def streams(self, pool):
        """`key [key ...] id [id ...]`"""
        count = self.dice.choice([1, 1, 1, 2, 3])
        keys = [self.key("stream") for _ in range(count)]
        return keys + [self.one(pool) for _ in range(count)]

    def one(self, pool):
        usual, odd = POOLS[pool]
        return self.dice.choice(odd if odd and self.odd() else usual)

    def word(self, token):
        """The words that stand for a token of a form."""
        if token.startswith("'"):
            return [token[1:].encode()]
        if token in POOLS:
            return [self.one(token)]
        if token in KEYS:
            return [self.key(token)]
        if token.startswith("keys:"):
            return self.keys(token[5:])
        if token.startswith("streams:"):
            return self.streams(token[8:])
        made = {"key": lambda: [self.key()], "weights": self.weights,
                "new-id": lambda: [self.new_id()], "score": lambda: [self.score()]}
        return made[token]() if token in made else [token.encode()]

    def fill(self, form):
        """A request of this form."""
        return self.part(TOKENS.findall(form), 0, None)[0]

    def part(self, tokens, at, end):
        """The words of the tokens up to `end`, and where that is."""
        choices = [[]]
        while at < len(tokens) and tokens[at] != end:
            token = tokens[at]
            if token == "|":
                choices.append([])
            elif token == "[":
                words, at = self.part(tokens, at + 1, "]")
                if self.dice.random() < 0.45:
                    choices[-1] += words
            elif token == "{":
                words, at = self.part(tokens, at + 1, "}")
                choices[-1] += words
            elif token == "<":
                start = at + 1
                for _ in range(self.dice.choice([1, 1, 2, 2, 3, 4])):
                    words, at = self.part(tokens, start, ">")
                    choices[-1] += words
            else:
                choices[-1] += self.word(token)
            at += 1
        return self.dice.choice(choices), at

    def spoil(self, request):
        """Now and then another spelling, or a word too many, too few or out of place."""
        dice, request = self.dice, list(request)
        if dice.random() < 0.05:
            request[0] = request[0].lower()
        if dice.random() < 0.03:
            request[2:] = [word.lower() if word.isupper() else word for word in request[2:]]
        if dice.random() > self.oddity:
            return request
        last = len(request) - 1
        way, at, other = dice.randrange(6), dice.randint(min(1, last), last), dice.randint(0, last)
        if way == 0 and last:
            del request[at]
        elif way == 1:
            request.insert(at + 1, dice.choice(VALUES + INTEGERS + ODD_INTEGERS + ODD_FLOATS))
        elif way == 2 and last:
            request[at] = dice.choice(ODD_INTEGERS + ODD_FLOATS + ODD_IDS)
        elif way == 3 and last and other:
            request[at], request[other] = request[other], request[at]
        elif way == 4 and last:
            request.insert(at, request[at])
        elif way == 5:
            request = request[:at + 1]
        return request
