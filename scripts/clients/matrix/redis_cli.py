"""redis-cli's modes, redis-benchmark, and the questions that a browser of keys opens with."""
import os
import pty
import re
import subprocess
import sys
import tempfile

PORT = os.environ["PORT"]
CLI = ["redis-cli", "-p", PORT]
SECONDS_MAX = 60
passed = 0


def run(*words, stdin="", command=CLI):
    """What a command that ends by itself writes."""
    child = subprocess.run(
        [*command, *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=SECONDS_MAX,
    )
    return child.stdout


def watch(pattern, *words):
    """What a mode that never ends writes to a terminal until a pattern occurs in it."""
    terminal, side = pty.openpty()
    child = subprocess.Popen([*CLI, *words], stdin=side, stdout=side, stderr=side)
    os.close(side)
    text = ""
    try:
        while not re.search(pattern, text):
            text += os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        pass  # it has ended
    finally:
        child.kill()
        child.wait()
        os.close(terminal)
    return text


def has(what, text, *parts):
    global passed
    for part in parts:
        if not re.search(part, text):
            sys.exit("redis-cli: %s: no %r in\n%s" % (what, part, text[-2000:]))
    passed += 1


is_respq = "respq_version" in run("INFO")
version = run("--version").split()[1]
has("--pipe", run("--pipe", stdin="".join("RPUSH list:%d a b c\r\nSET string:%d %s\r\n" % (n, n, "x" * n) for n in range(1, 501))), "errors: 0, replies: 1000")
run("HSET", "hash", "a", "1")
run("SADD", "set", "a")
run("ZADD", "zset", "1", "a")
run("XADD", "stream", "*", "a", "1")
has("--bigkeys", run("--bigkeys"), "Sampled 1004 keys", "500 lists with 1500 items", "1 zsets with 1 members", "Biggest string found .* has 500 bytes")
has("--memkeys", run("--memkeys"), "Sampled 1004 keys", r"1 streams with \d+ bytes")
has("--scan", "\n".join(sorted(run("--scan", "--pattern", "list:1?").split())), "^list:10\nlist:11\n")
has("--hotkeys", run("--hotkeys"), "LFU maxmemory policy is not selected|LFU")
has("--latency", run("-i", "1", "--latency"), r"^\d+ \d+ [\d.]+ \d+")
has("--latency-history", watch(r"seconds range", "-i", "1", "--latency-history"), r"min: \d+, max: \d+, avg: [\d.]+")
has("--latency-dist", watch(r"\.01.*\n.*\n", "-i", "1", "--latency-dist"), "milliseconds")
has("--stat", watch(r"\n1004 +\d.*\n", "-i", "0.1", "--stat"), "keys +mem +clients +blocked +requests +connections")
with tempfile.TemporaryDirectory() as folder:
    for mode in ("--rdb", "--functions-rdb"):
        text = run(mode, os.path.join(folder, "dump.rdb"))
        has(mode, text, "replication is not supported" if is_respq else "Transfer finished with success")
with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
    script.write("return {KEYS[1], ARGV[1]}")
    script.flush()
    has("--eval", run("--eval", script.name, "key", ",", "argument"), "key\nargument")
has("-x", run("-x", "SET", "piped", stdin="from standard input"), "OK")
has("GET", run("GET", "piped"), "from standard input")
has("--json", run("-3", "--json", "HGETALL", "hash"), '{"a":"1"}')
has("--csv", run("--csv", "LRANGE", "list:1", "0", "-1"), '"a","b","c"')
has("-r and -n", run("-n", "3", "-r", "3", "INCR", "counter"), "1\n2\n3")
for words, part in [
    (("INFO",), "redis_version:"),
    (("CONFIG", "GET", "databases"), "databases\n16"),
    (("MODULE", "LIST"), "^\n?$"),
    (("CLIENT", "LIST"), "id=\\d+ addr=127.0.0.1:\\d+ laddr="),
    (("CLIENT", "SETNAME", "browser"), "OK"),
    (("COMMAND", "COUNT"), r"^\d{3}"),
    (("COMMAND", "INFO", "GET"), "readonly"),
    (("COMMAND", "DOCS", "GET"), "summary"),
    (("DBSIZE",), "1005"),
    (("SCAN", "0", "MATCH", "list:*", "COUNT", "1000", "TYPE", "list"), "list:1"),
    (("TYPE", "stream"), "stream"),
    (("TTL", "stream"), "-1"),
    (("MEMORY", "USAGE", "stream", "SAMPLES", "0"), r"^\d+"),
    (("MEMORY", "STATS"), "keys.count"),
    (("OBJECT", "ENCODING", "hash"), "listpack"),
    (("SLOWLOG", "GET", "10"), ""),
    (("LATENCY", "LATEST"), ""),
    (("ACL", "WHOAMI"), "default"),
    (("ACL", "CAT"), "dangerous"),
    (("PUBSUB", "CHANNELS"), ""),
    (("FUNCTION", "LIST"), ""),
    (("CLUSTER", "INFO"), "cluster support disabled"),
    (("ROLE",), "master"),
    (("FT._LIST",), "ERR unknown command"),
]:
    has(" ".join(words), run(*words), part)
text = run("-p", PORT, "-n", "1000", "-c", "20", "--csv", command=["redis-benchmark"])
has("redis-benchmark", text, *("\"%s" % name for name in ("PING_INLINE", "SET", "LPUSH", "SPOP", "ZPOPMIN", "LRANGE_600", "MSET")))
print("redis-cli and redis-benchmark %s: %d checks passed" % (version, passed))
