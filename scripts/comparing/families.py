"""The forms of requests (see words.py), by family of commands."""

TEXT = {
    "string": """
        SET string value
        SET string value [{NX|XX}] [GET] [{EX seconds|PX ms|EXAT unix|PXAT unix-ms|KEEPTTL}]
        SET string value [NX] [XX] [GET] [EX seconds] [PX ms] [KEEPTTL]
        GET string
        GETSET string value
        GETDEL string
        GETEX string [{EX seconds|PX ms|EXAT unix|PXAT unix-ms|PERSIST}]
        GETEX string [PERSIST] [EX seconds]
        SETEX string seconds value
        PSETEX string ms value
        SETNX string value
        MSET <string value>
        MSETNX <string value>
        MGET <string>
        APPEND string value
        STRLEN string
        SETRANGE string offset value
        {GETRANGE|SUBSTR} string int int
        {INCR|DECR} string
        {INCRBY|DECRBY} string int
        INCRBYFLOAT string float
        LCS string string [LEN] [IDX] [MINMATCHLEN int] [WITHMATCHLEN]
        """,
    "bits": """
        SETBIT string offset {0|1|2}
        GETBIT string offset
        BITCOUNT string [int int [{BYTE|BIT}]]
        BITPOS string {0|1|2} [int [int [{BYTE|BIT}]]]
        BITOP {AND|OR|XOR|NOT|X} string <string>
        BITFIELD string <{GET bit-type bit-offset|SET bit-type bit-offset int|INCRBY bit-type
            bit-offset int|OVERFLOW {WRAP|SAT|FAIL|X}}>
        BITFIELD_RO string <{GET bit-type bit-offset}>
        SET string value
        GET string
        PFADD counter [<value>]
        PFCOUNT <counter>
        PFMERGE counter [<counter>]
        """,
    "list": """
        LPUSH list <value>
        RPUSH list <value>
        RPUSH list <value>
        RPUSH list <{a|b|1|2}>
        {LPUSHX|RPUSHX} list <value>
        LINSERT list {BEFORE|AFTER|X} value value
        LPOS list value [RANK int] [COUNT int] [MAXLEN int]
        {LPOP|RPOP} list [int]
        LLEN list
        LINDEX list int
        LSET list int value
        LRANGE list int int
        LRANGE list 0 -1
        LTRIM list int int
        LREM list int value
        LMOVE list list {LEFT|RIGHT} {LEFT|RIGHT}
        RPOPLPUSH list list
        LMPOP keys:list {LEFT|RIGHT|UP} [COUNT count]
        """,
    "set": """
        SADD set <member>
        SADD set <member>
        SREM set <member>
        SISMEMBER set member
        SMISMEMBER set <member>
        SCARD set
        SMEMBERS set
        SMOVE set set member
        {SINTER|SUNION|SDIFF} <set>
        {SINTERSTORE|SUNIONSTORE|SDIFFSTORE} set <set>
        SINTERCARD keys:set [LIMIT int]
        SSCAN set 0 [MATCH pattern] COUNT 1000
        SPOP gone [int]
        SPOP set 1000
        SRANDMEMBER gone int
        """,
    "hash": """
        HSET hash <field value>
        HSET hash <field value>
        HMSET hash <field value>
        HSETNX hash field value
        HGET hash field
        HMGET hash <field>
        HDEL hash <field>
        HEXISTS hash field
        HLEN hash
        HSTRLEN hash field
        HINCRBY hash field int
        HINCRBYFLOAT hash field float
        {HKEYS|HVALS|HGETALL} hash
        HSCAN hash 0 [MATCH pattern] COUNT 1000
        HRANDFIELD gone [int [WITHVALUES]]
        HRANDFIELD hash 0 WITHVALUES
        """,
    "zset": """
        ZADD zset [{NX|XX}] [{GT|LT}] [CH] [INCR] <float member>
        ZADD zset <float member>
        ZADD zset <float member>
        ZADD zset [NX] [XX] [GT] [LT] [CH] [INCR] <float member>
        ZADD lexical <0 member>
        ZINCRBY zset float member
        ZREM zset <member>
        ZSCORE zset member
        ZMSCORE zset <member>
        ZCARD zset
        ZCOUNT zset score score
        ZLEXCOUNT lexical lex lex
        {ZRANK|ZREVRANK} zset member [WITHSCORE]
        ZRANGE zset int int [REV] [WITHSCORES]
        ZRANGE zset 0 -1 WITHSCORES
        ZRANGE zset score score BYSCORE [REV] [LIMIT int int] [WITHSCORES]
        ZRANGE lexical lex lex BYLEX [REV] [LIMIT int int] [WITHSCORES]
        {ZRANGEBYSCORE|ZREVRANGEBYSCORE} zset score score [WITHSCORES] [LIMIT int int]
        {ZRANGEBYLEX|ZREVRANGEBYLEX} lexical lex lex [LIMIT int int]
        ZREVRANGE zset int int [WITHSCORES]
        ZRANGESTORE zset zset int int [REV]
        ZRANGESTORE zset zset score score BYSCORE [REV] [LIMIT int int]
        ZRANGESTORE lexical lexical lex lex BYLEX [REV] [LIMIT int int]
        ZREMRANGEBYRANK zset int int
        ZREMRANGEBYSCORE zset score score
        ZREMRANGEBYLEX lexical lex lex
        {ZPOPMIN|ZPOPMAX} zset [int]
        ZMPOP keys:zset {MIN|MAX|X} [COUNT count]
        {ZUNION|ZINTER} keys:zset weights [AGGREGATE {SUM|MIN|MAX|X}] [WITHSCORES]
        ZDIFF keys:zset [WITHSCORES]
        ZINTERCARD keys:zset [LIMIT int]
        {ZUNIONSTORE|ZINTERSTORE} zset keys:zset weights [AGGREGATE {SUM|MIN|MAX}]
        ZDIFFSTORE zset keys:zset
        ZUNIONSTORE zset keys:set weights
        ZRANDMEMBER gone [int [WITHSCORES]]
        ZSCAN zset 0 [MATCH pattern] COUNT 1000
        """,
    "geo": """
        GEOADD places [{NX|XX}] [CH] <float float member>
        GEOADD places <float float member>
        GEODIST places member member [{m|km|ft|mi|q}]
        GEOPOS places <member>
        GEOHASH places <member>
        GEOSEARCH places {FROMMEMBER member|FROMLONLAT float float} {BYRADIUS float
            {m|km}|BYBOX float float km} [{ASC|DESC}] [COUNT count [ANY]] [WITHCOORD]
            [WITHDIST] [WITHHASH]
        GEOSEARCHSTORE places places {FROMMEMBER member|FROMLONLAT float float}
            {BYRADIUS 1000 km|BYBOX float float km} [{ASC|DESC}] [STOREDIST]
        GEORADIUS places float float float km [WITHDIST] [STORE places]
        GEORADIUSBYMEMBER places member float km [WITHCOORD] [WITHDIST] [WITHHASH]
            [COUNT count [ANY]] [{ASC|DESC}]
        GEORADIUSBYMEMBER places member float km [{ASC|DESC}] [{STORE|STOREDIST} places]
        """,
    "stream": """
        XADD stream new-id <field value>
        XADD stream new-id <field value>
        XADD stream new-id <field value>
        XADD stream [NOMKSTREAM] [{MAXLEN|MINID} [{=|~}] {int|id} [LIMIT int]] new-id <field
            value>
        XADD stream [NOMKSTREAM] [MAXLEN [=] int] new-id field value
        XLEN stream
        {XRANGE|XREVRANGE} stream range-id range-id [COUNT int]
        XDEL stream <id>
        XTRIM stream {MAXLEN|MINID} [{=|~}] {int|id} [LIMIT int]
        XTRIM stream MAXLEN int
        XTRIM stream MINID id
        XSETID stream id [ENTRIESADDED int] [MAXDELETEDID id]
        XSETID stream 18446744073709551615-18446744073709551615
        XREAD [COUNT int] STREAMS streams:last-id
        XREADGROUP GROUP group consumer [COUNT int] [NOACK] STREAMS streams:group-id
        XREADGROUP GROUP group consumer [COUNT int] [NOACK] STREAMS streams:group-id
        XREADGROUP GROUP group consumer STREAMS stream '>
        XACK stream group <id>
        XACK stream group <id>
        XPENDING stream group
        XPENDING stream group [IDLE {0|100000}] range-id range-id int [consumer]
        XPENDING stream group - + 10 [consumer]
        XCLAIM stream group consumer {0|1000000} <id> [IDLE {5000000|0|-1|abc}] [TIME
            {1000|int}] [RETRYCOUNT int] [FORCE] [JUSTID] [LASTID id]
        XCLAIM stream group consumer int <id> [{JUSTID|FORCE}]
        XAUTOCLAIM stream group consumer {0|1000000|int} id [COUNT count] [JUSTID]
        XAUTOCLAIM stream group consumer 0 {0|-} [COUNT count] [JUSTID]
        XGROUP CREATE stream group last-id [MKSTREAM] [ENTRIESREAD int]
        XGROUP CREATE stream {g0|g1} {0|$} MKSTREAM
        XGROUP CREATE stream {g0|g1} {0|$} MKSTREAM
        XGROUP SETID stream group last-id [ENTRIESREAD int]
        XGROUP DESTROY stream {g1|group}
        XGROUP {CREATECONSUMER|DELCONSUMER} stream group consumer
        XINFO STREAM stream
        XINFO STREAM stream FULL [COUNT int]
        XINFO GROUPS stream
        XINFO CONSUMERS stream group
        {XGROUP|XINFO} FOO [stream]
        """,
    "keys": """
        {DEL|UNLINK|EXISTS|TOUCH} <key>
        DEL key
        TYPE key
        EXPIRE key seconds [{NX|XX|GT|LT}]
        EXPIRE key seconds [NX] [XX] [GT] [LT]
        PEXPIRE key ms [{NX|XX|GT|LT}]
        EXPIREAT key unix [{NX|XX|GT|LT}]
        PEXPIREAT key unix-ms [{NX|XX|GT|LT}]
        PERSIST key
        {TTL|PTTL|EXPIRETIME|PEXPIRETIME} key
        {RENAME|RENAMENX} key key
        COPY key key [DB db] [REPLACE]
        COPY key key REPLACE
        MOVE key db
        SWAPDB db db
        SORT list [BY {nosort|w_*|'h0->@*|#|*}] [LIMIT int int] [<GET {#|w_*|'h*->f|*}>]
            [{ASC|DESC}] [ALPHA] [STORE key]
        SORT key [LIMIT int int] [<GET {#|w_*|'h*->f|*}>] [{ASC|DESC}] ALPHA [STORE key]
        SORT list [ALPHA] [STORE list]
        SORT_RO key [ALPHA] [LIMIT int int]
        SORT zset BY nosort [{ASC|DESC}] [LIMIT int int] [ALPHA]
        OBJECT {ENCODING|REFCOUNT|FREQ|X} key
        OBJECT IDLETIME key
        KEYS pattern
        DBSIZE
        SCAN 0 [MATCH pattern] COUNT 1000 [TYPE {'list|'zset|'string|foo|'hash|'set|'stream}]
        RESTORE key {0|100000|-1|abc} value [REPLACE] [ABSTTL] [IDLETIME int] [FREQ int]
        SELECT db
        SELECT {0|0|1}
        """,
    "blocking": """
        {BLPOP|BRPOP} <list> timeout
        {BLPOP|BRPOP} <list> 0
        BLMOVE list list {LEFT|RIGHT} {LEFT|RIGHT} {timeout|0}
        BRPOPLPUSH list list {timeout|0}
        BLMPOP timeout keys:list {LEFT|RIGHT} [COUNT count]
        {BZPOPMIN|BZPOPMAX} <zset> {timeout|0}
        BZMPOP timeout keys:zset {MIN|MAX} [COUNT count]
        XREAD [COUNT count] BLOCK block-ms STREAMS streams:last-id
        XREADGROUP GROUP group consumer [COUNT int] BLOCK block-ms [NOACK] STREAMS
            streams:group-id
        XREADGROUP GROUP {g0|g1} {c0|c1} [COUNT count] BLOCK 0 [NOACK] STREAMS stream '>
        XREADGROUP GROUP {g0|g1} {c0|c1} BLOCK 0 STREAMS stream stream '> '>
        """,
    # What serves, ends or changes the waits of others.
    "wake": """
        {RPUSH|LPUSH} list <value>
        RPUSH list value
        ZADD zset <float member>
        XADD stream new-id <field value>
        XGROUP CREATE stream {g0|g1} {0|$} MKSTREAM
        XGROUP DESTROY stream {g0|g1}
        XGROUP SETID stream {g0|g1} {0|$}
        DEL {key|list|stream}
        DEL key key key
        RENAME {key key|list list}
        COPY {key key|list list} REPLACE
        SORT list ALPHA STORE list
        MOVE key {0|1}
        SELECT {0|1}
        SET key value
        {LPOP|LLEN} list
        LMOVE list list LEFT RIGHT
        LINSERT list BEFORE value value
        XTRIM stream MAXLEN 0
        ZUNIONSTORE zset 2 zset zset
        ZRANGESTORE zset zset 0 -1
        EXPIRE key {0|-1}
        FLUSHDB
        SUNIONSTORE key set
        {ZPOPMIN|ZPOPMAX} zset
        GEOADD zset 1 1 member
        """,
    "transaction": """
        MULTI
        MULTI
        EXEC
        EXEC
        EXEC
        DISCARD
        WATCH <key>
        UNWATCH
        """,
    "pubsub": """
        {SUBSCRIBE|SUBSCRIBE|UNSUBSCRIBE} <channel>
        {PSUBSCRIBE|PUNSUBSCRIBE} <pattern>
        {SSUBSCRIBE|SUNSUBSCRIBE} channel
        {UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE}
        PUBLISH channel value
        PUBLISH channel value
        SPUBLISH channel value
        PUBSUB {CHANNELS [pattern]|NUMSUB [<channel>]|NUMPAT|SHARDCHANNELS|SHARDNUMSUB
            channel|FOO}
        PING [value]
        GET string
        """,
    "tracking": """
        CLIENT TRACKING ON [NOLOOP]
        CLIENT TRACKING ON {OPTIN|OPTOUT} [NOLOOP]
        CLIENT TRACKING ON BCAST [NOLOOP] [PREFIX {l|x|t}]
        CLIENT TRACKING {ON|OFF|X} [BCAST] [PREFIX {l|x|value}] [OPTIN] [OPTOUT] [NOLOOP]
        CLIENT TRACKING OFF
        CLIENT CACHING {YES|YES|NO|X}
        CLIENT {TRACKINGINFO|GETREDIR}
        GET string
        GET string
        MGET string string
        SET string value
        {INCR|GETDEL|STRLEN|GET} string
        DEL key
        LRANGE list 0 1
        {LPUSH|RPUSH} list value
        LPOP list
        BLPOP list 0.0123
        HGET hash field
        HSET hash field value
        ZADD zset float member
        ZRANGE zset 0 1
        XADD stream new-id field value
        XRANGE stream - +
        XREAD STREAMS stream 0
        SADD set member
        SMEMBERS set
        {EXISTS|TTL|TYPE|PERSIST} key
        EXPIRE key {1000|-1}
        RENAME key key
        COPY key key REPLACE
        SORT list ALPHA STORE list
        SUNIONSTORE set set
        GETEX string EX 100
        SETRANGE string 2 value
        MSET string value string value
        MULTI
        EXEC
        EXEC
        HELLO 3
        """,
    "connection": """
        PING [value]
        ECHO value
        HELLO [{2|3|4|abc}] [SETNAME {foo|a|value}] [AUTH default value]
        CLIENT {GETNAME|SETNAME {n1|value}|NO-EVICT {ON|OFF|X}|NO-TOUCH {ON|OFF}|REPLY ON|FOO}
        CLIENT {SETINFO {lib-name|lib-ver|X} value|UNPAUSE|PAUSE {abc|-1}}
        CLIENT {KILL TYPE {foo|slave}|KILL 'ID int|KILL {1:2|value}|UNBLOCK int
            [{TIMEOUT|ERROR|X}]}
        CLIENT LIST {TYPE {foo|replica}|ID {abc|-1}}
        RESET
        SELECT db
        AUTH [default] value
        {ASKING|READONLY|READWRITE|NOSUCH}
        WAIT {0|abc|1} {0|1|abc|-1}
        WAITAOF {0|1|2|abc} 0 {1|-1}
        """,
    "server": """
        {ACL|CLIENT|CLUSTER|COMMAND|CONFIG|FUNCTION|LATENCY|MEMORY|MODULE|OBJECT|PUBSUB|SCRIPT|
            SLOWLOG|XGROUP|XINFO} HELP [value]
        COMMAND {COUNT value|'LIST value|'LIST FILTERBY {ACLCAT {@list|nosuch}|PATTERN
            {x*|[a-c]*o|*}|MODULE value|FOO value}}
        COMMAND GETKEYS {SET key value|XREADGROUP GROUP g c STREAMS a b 0 0|EVAL return 2 a b}
        COMMAND {GETKEYSANDFLAGS BLMOVE a b LEFT RIGHT 0|GETKEYS {GET|PING|NOSUCH}|FOO}
        CONFIG {GET {maxmemory|list-max-listpack-size|nosuch}|SET {nosuch 1|maxmemory abc}|FOO}
        CONFIG RESETSTAT
        MEMORY {FOO|USAGE gone}
        {SLOWLOG|DEBUG|OBJECT|MODULE} FOO
        LATENCY {FOO|HISTORY value|RESET}
        ACL {WHOAMI|FOO|CAT nosuch|GETUSER nosuch|DRYRUN default GET [key]}
        SCRIPT {EXISTS {abc|e0e1f9fabfc9d4800c877a703b823ac0578ff8db}|LOAD {abc|return}|FOO}
        SCRIPT {FLUSH [{SYNC|ASYNC|X}]|KILL}
        FUNCTION {'LIST|DELETE value|KILL|FOO|STATS|FLUSH [{ASYNC|X}]}
        FCALL value int
        EVALSHA {abc|e0e1f9fabfc9d4800c877a703b823ac0578ff8db} 0
        CLUSTER {INFO|FOO|KEYSLOT key}
        {FLUSHDB|FLUSHALL} [{SYNC|ASYNC|X}]
        {ROLE|RANDOMKEY} value value
        LATENCY {LATEST|HISTOGRAM gone gone|HISTORY gone}
        {LASTSAVE|TIME} value value
        {MEMORY DOCTOR|DUMP|MONITOR} value value
        SLOWLOG {GET {abc|-2|0}|LEN value|RESET value}
        """,
    # Users with some rights, and what they may do.
    "acl": """
        ACL SETUSER {u0|u1} nopass on
        ACL SETUSER {u0|u1} nopass on +@all ~* &*
        ACL SETUSER {u0|u1} [reset] nopass on <rule>
        ACL SETUSER {u0|u1} <rule>
        ACL SETUSER {u0|u1} <rule>
        ACL GETUSER {u0|u1|u2}
        ACL {'LIST|USERS|WHOAMI}
        ACL DELUSER {u0|u2|default} [u1]
        ACL {CAT @read|CAT hyperloglog|GENPASS {0|abc}|SAVE|LOAD|LOG {abc|RESET|1}}
        AUTH {u0|u1} value
        AUTH {u0|u1} value
        RESET
        MULTI
        EXEC
        {GET|INCR|DEL|TTL} string
        SET string value [GET]
        {LPUSH|RPUSH} list value
        {LPOP|LLEN} list
        LMOVE list list LEFT RIGHT
        MGET string string key
        COPY key key REPLACE
        RENAME key key
        SORT list ALPHA [GET #] [STORE list]
        ZADD zset float member
        SUNIONSTORE set set set
        XADD stream new-id field value
        XREAD STREAMS stream 0
        {CONFIG GET maxmemory|CLIENT GETNAME|SELECT {0|1}|PING|DBSIZE|KEYS *}
        {PUBLISH|SPUBLISH} channel value
        {SUBSCRIBE|PSUBSCRIBE|SSUBSCRIBE|UNSUBSCRIBE} channel
        EVAL {'return 1 0|'return(redis.call('get',KEYS[1])) 1 string}
        BITFIELD string {GET u8 0|SET u8 0 1}
        """,
    # Libraries of functions.
    "function": """
        FUNCTION LOAD [REPLACE] library
        FUNCTION LOAD [REPLACE] library
        FUNCTION LOAD REPLACE library
        {FCALL|FCALL_RO} function {1 key|1 string|0} [<value>]
        {FCALL|FCALL_RO} function {1 key|1 string|0} [<value>]
        {FCALL|FCALL_RO} function {1|2|-1|abc} key
        FUNCTION 'LIST [LIBRARYNAME {lib*|a|nosuch}] [WITHCODE]
        FUNCTION {DELETE {a|b|value}|FLUSH [{SYNC|ASYNC|X}]|STATS|KILL}
        FUNCTION RESTORE value [{FLUSH|APPEND|REPLACE|X}]
        SET string value
        {EVALSHA|EVALSHA_RO} 5332031c6b470dc5a0dd9b4bf2030dea6d65de91 0
        SCRIPT LOAD 'return
        """,
}


def forms(text):
    """One form a line; what is indented further goes on with the line before."""
    joined = text.replace("\n" + " " * 12, " ")
    return [line.strip() for line in joined.strip().splitlines()]


FAMILIES = {name: forms(text) for name, text in TEXT.items()}
# Families of plain commands on data: scripts run them, too.
DATA = ("string", "bits", "list", "set", "hash", "zset", "geo", "stream", "keys")
