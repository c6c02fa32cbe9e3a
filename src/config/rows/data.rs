//! Settings of the data and their memory.

use super::super::text;
use super::{BYTES, COUNT, EVICTION_POLICIES, INT, Kind, Row, Setting, number, row};

pub(super) const ROWS: &[Row] = &[
    row(
        Setting::ActiveExpire,
        "active-expire",
        Kind::Flag,
        "yes",
        "Remove expired keys that nobody asks for.",
    )
    .hidden(),
    row(
        Setting::ActiveExpireEffort,
        "active-expire-effort",
        number(1, 10),
        "1",
        "How hard to look for expired keys.",
    )
    .without_effect("expired keys are found by their time, at once"),
    row(
        Setting::BusyReplyThreshold,
        "busy-reply-threshold",
        COUNT,
        "5000",
        "Milliseconds after which a script that still runs makes others get BUSY; 0: never.",
    )
    .alias(&["lua-time-limit"]),
    row(Setting::Databases, "databases", number(1, 1024), "16", "Number of databases.").at_start(),
    row(
        Setting::HashMaxListpackEntries,
        "hash-max-listpack-entries",
        COUNT,
        "512",
        "Most fields of a hash in its small form.",
    )
    .alias(&["hash-max-ziplist-entries"]),
    row(
        Setting::HashMaxListpackValue,
        "hash-max-listpack-value",
        BYTES,
        "64",
        "Longest field or value of a hash that counts as small.",
    )
    .alias(&["hash-max-ziplist-value"]),
    row(
        Setting::HllSparseMaxBytes,
        "hll-sparse-max-bytes",
        BYTES,
        "3000",
        "Largest HyperLogLog in its small form.",
    ),
    row(
        Setting::LazyfreeLazyEviction,
        "lazyfree-lazy-eviction",
        Kind::Flag,
        "no",
        "Log evictions as UNLINK, not DEL; large values are always freed in the background.",
    ),
    row(
        Setting::LazyfreeLazyExpire,
        "lazyfree-lazy-expire",
        Kind::Flag,
        "no",
        "Free expired values in the background.",
    )
    .without_effect("large values are always freed in the background"),
    row(
        Setting::LazyfreeLazyServerDel,
        "lazyfree-lazy-server-del",
        Kind::Flag,
        "no",
        "Free overwritten values in the background.",
    )
    .without_effect("large values are always freed in the background"),
    row(
        Setting::LazyfreeLazyUserDel,
        "lazyfree-lazy-user-del",
        Kind::Flag,
        "no",
        "Let DEL work as UNLINK.",
    )
    .without_effect("large values are always freed in the background"),
    row(
        Setting::LazyfreeLazyUserFlush,
        "lazyfree-lazy-user-flush",
        Kind::Flag,
        "no",
        "Let FLUSHDB, FLUSHALL, SCRIPT FLUSH and FUNCTION FLUSH free in the background.",
    ),
    row(
        Setting::LfuDecayTime,
        "lfu-decay-time",
        INT,
        "1",
        "Minutes after which the access count of a key goes down.",
    ),
    row(
        Setting::LfuLogFactor,
        "lfu-log-factor",
        INT,
        "10",
        "How many accesses it takes to raise a key's access count.",
    ),
    row(
        Setting::ListCompressDepth,
        "list-compress-depth",
        INT,
        "0",
        "Kept for OBJECT and DEBUG; lists are not compressed.",
    )
    .without_effect("lists are not compressed"),
    row(
        Setting::ListMaxListpackSize,
        "list-max-listpack-size",
        number(i32::MIN as i64, i32::MAX as i64),
        "-2",
        "Most elements, or bytes by a negative number, of a list in its small form.",
    )
    .alias(&["list-max-ziplist-size"]),
    row(
        Setting::MaxMemory,
        "maxmemory",
        BYTES,
        "0",
        "Memory above which keys are evicted, or writes that need more are refused; 0: no limit.",
    ),
    row(
        Setting::MaxMemoryEvictionTenacity,
        "maxmemory-eviction-tenacity",
        number(0, 100),
        "10",
        "How long a command may be held up by eviction.",
    ),
    row(
        Setting::MaxMemoryPolicy,
        "maxmemory-policy",
        Kind::Word(EVICTION_POLICIES),
        "noeviction",
        "Which keys go when memory is full.",
    ),
    row(
        Setting::MaxMemorySamples,
        "maxmemory-samples",
        number(1, i32::MAX as i64),
        "5",
        "Keys compared to find one to evict.",
    ),
    row(
        Setting::NotifyKeyspaceEvents,
        "notify-keyspace-events",
        Kind::Text,
        "",
        "Classes of keyspace events that are published.",
    )
    .accepting(text::event_classes),
    row(
        Setting::SetMaxIntsetEntries,
        "set-max-intset-entries",
        COUNT,
        "512",
        "Most integers of a set in its smallest form.",
    ),
    row(
        Setting::SetMaxListpackEntries,
        "set-max-listpack-entries",
        COUNT,
        "128",
        "Most members of a set in its small form.",
    ),
    row(
        Setting::SetMaxListpackValue,
        "set-max-listpack-value",
        COUNT,
        "64",
        "Longest member of a set that counts as small.",
    ),
    row(
        Setting::Shards,
        "shards",
        number(1, 64),
        "16",
        "Parts of the keyspace with a lock each; rounded up to a power of two.",
    )
    .at_start()
    .hidden(),
    row(
        Setting::StreamNodeMaxBytes,
        "stream-node-max-bytes",
        BYTES,
        "65536",
        "Most bytes of a block of stream entries; 0: no limit.",
    ),
    row(
        Setting::StreamNodeMaxEntries,
        "stream-node-max-entries",
        COUNT,
        "100",
        "Most entries of a block of a stream; 0: no limit.",
    ),
    row(
        Setting::ZsetMaxListpackEntries,
        "zset-max-listpack-entries",
        COUNT,
        "128",
        "Most members of a sorted set in its small form.",
    )
    .alias(&["zset-max-ziplist-entries"]),
    row(
        Setting::ZsetMaxListpackValue,
        "zset-max-listpack-value",
        BYTES,
        "64",
        "Longest member of a sorted set in its small form.",
    )
    .alias(&["zset-max-ziplist-value"]),
];
