"""Scripts: what an expression of Lua comes to as a reply, and commands that a script runs.

Left out is what differs by design: the texts of the interpreter's own errors and those of errors
in tail calls (README, Differences); numbers beyond 64 bits, whose conversion C leaves open; and
`error({})` in EVAL_RO, which ends redis-server 7.2.4.
"""
from .families import DATA, FAMILIES
from .words import INTEGERS, VALUES

EXPRESSIONS = r"""
tonumber(ARGV[1])
ARGV[1]
nil
true
false
{1,2,3.7,nil,4}
{ok="fine"}
{err="MYERR x"}
{err="noprefix"}
{double=3.5}
{map={a=1}}
{set={a=true}}
{big_number="123"}
{verbatim_string={format="txt",string="hi"}}
3.99
-0.5
2^53
{}
{{1},{2}}
redis.status_reply("S")
redis.error_reply("E")
redis.error_reply("-E x")
redis.error_reply("E\r\nx")
redis.sha1hex("a")
{nil,1}
function() end
{ok=1}
{err=1}
#KEYS
{KEYS[1],ARGV[1]}
redis.LOG_WARNING
tostring(1e15)
tostring(12345678901234567)
{1,{ok="a"},{err="b"},"c",1.9,true,false}
type(redis)
cjson.encode({1,2,{a=1}})
cjson.encode(1.5)
cjson.encode({})
cjson.decode("[1,2,null,{\"a\":1.5}]")
cjson.encode(12345678901234)
cjson.encode("\0\1/\"")
cmsgpack.pack(1,2,"a",{1,2},{a=1},1.5,-1,nil,true)
{cmsgpack.unpack(cmsgpack.pack(ARGV[1] or "",1e10,-70000,2^40))}
struct.pack(">I2i4<bBhHlLs",1,2,3,4,5,6,7,8,ARGV[1] or "")
struct.size("!8bi8")
bit.tohex(255)
bit.band(0xff,tonumber(ARGV[1]) or 0)
bit.lshift(1,31)
bit.tobit(2^32+5)
bit.bswap(1)
unpack({1,2,3})
select("#",1,2)
math.floor(-1.5)
table.concat({1,2,3},",")
pcall(error,"x")
{pcall(error,"x")}
{pcall(error,{err="Q q"})}
select(2,pcall(redis.call,"nosuch"))
select(2,pcall(redis.call,"GET"))
error({err="Z z"})
redis.call()
redis.call({})
redis.pcall()
redis.call("GET",1.5)
redis.call("SET",KEYS[1],1.0)
redis.call("SET",KEYS[1],1e100)
redis.call("SET",KEYS[1],2^53+1)
redis.call("ECHO",0.1)
redis.call("ECHO",-0.0)
redis.call("ECHO",123456789012345680)
redis.call("ECHO",3.3)
redis.call("PING")
redis.pcall("SELECT","99")
redis.call("MULTI")
redis.pcall("SUBSCRIBE","x")
redis.pcall("EVAL","return 1",0)
redis.pcall("HELLO",3)
redis.pcall("DEBUG","SLEEP",0)
redis.pcall("WAIT",0,0)
redis.pcall("SCRIPT","LOAD","return 1")
redis.pcall("AUTH","x")
redis.acl_check_cmd("GET","a")
redis.acl_check_cmd("nosuch","a")
redis.set_repl(redis.REPL_ALL)
redis.replicate_commands()
redis.log(redis.LOG_DEBUG,"x")
redis.log(1)
redis.setresp(2)
redis.setresp(4)
redis.sha1hex()
redis.error_reply()
redis.status_reply({})
collectgarbage("count")>0
loadstring("return 7")()
""".strip().splitlines()


def script(author):
    """EVAL with an expression, or with a script that runs a few commands."""
    dice = author.dice
    keys = [author.key() for _ in range(dice.choice([1, 1, 1, 2]))]
    name = dice.choice([b"EVAL"] * 6 + [b"EVAL_RO"])
    if dice.random() < 0.35:
        body = "return " + dice.choice(EXPRESSIONS)
        if dice.random() < 0.2:
            body = "redis.setresp(3) " + body
        words = [dice.choice(VALUES + INTEGERS) for _ in range(dice.randint(0, 2))]
    else:
        requests = [plain(author) for _ in range(dice.choice([1, 1, 2, 3]))]
        body = calls(dice, requests)
        words = [word for request in requests for word in request]
    return [name, body.encode(), b"%d" % len(keys), *keys, *words]


def plain(author):
    """A command on data."""
    return author.spoil(author.fill(author.dice.choice(FAMILIES[author.dice.choice(DATA)])))


def calls(dice, requests):
    """The text of a script that runs these requests, which come as its ARGV."""
    body, first = "redis.setresp(3) " if dice.random() < 0.3 else "", 1
    for number, request in enumerate(requests):
        last = first + len(request) - 1
        call = dice.choice(["call", "call", "pcall"])
        body += f"local r{number} = redis.{call}(unpack(ARGV, {first}, {last})) "
        first = last + 1
    names = [f"r{number}" for number in range(len(requests))]
    return body + "return " + dice.choice([names[-1], "{" + ", ".join(names) + "}"])
