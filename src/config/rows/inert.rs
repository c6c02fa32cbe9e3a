//! Settings of Redis on which nothing depends here, or whose other values are refused.
//!
//! They are known so that a redis.conf and libraries that ask for them work, and so that whoever
//! sets one is told.

use Effect::{None as Without, Refused};

use super::{AS_IT_IS, BYTES, Change, Effect, INT, Kind, Row, number};

const NO_CLUSTER: &str = "there is one node, which knows no others";
const NO_DEFRAG: &str = "memory is not moved around; the allocator keeps it compact";
const NO_REPLICAS: &str = "replicas are not supported";
const NOT_MANAGED: &str = "the service manager or the system does this";

/// A setting without effect, or with one value only.
const fn inert(name: &'static str, kind: Kind, default: &'static str, effect: Effect) -> Row {
    let change = Change::Anytime;
    let (setting, aliases, hidden, accept, doc) = (None, &[] as &[_], false, AS_IT_IS, "");
    Row { setting, name, aliases, kind, default, change, effect, hidden, accept, doc }
}

pub(super) const ROWS: &[Row] = &[
    inert("active-defrag-cycle-max", number(1, 99), "25", Without(NO_DEFRAG)),
    inert("active-defrag-cycle-min", number(1, 99), "1", Without(NO_DEFRAG)),
    inert(
        "active-defrag-ignore-bytes",
        Kind::Bytes { min: 1, max: i64::MAX },
        "104857600",
        Without(NO_DEFRAG),
    ),
    inert("active-defrag-max-scan-fields", number(1, i64::MAX), "1000", Without(NO_DEFRAG)),
    inert("active-defrag-threshold-lower", number(0, 1000), "10", Without(NO_DEFRAG)),
    inert("active-defrag-threshold-upper", number(0, 1000), "100", Without(NO_DEFRAG)),
    inert("activedefrag", Kind::Flag, "no", Without(NO_DEFRAG)),
    inert(
        "activerehashing",
        Kind::Flag,
        "yes",
        Without("tables grow in small steps by themselves"),
    ),
    inert("always-show-logo", Kind::Flag, "no", Without("there is no logo")).at_start(),
    inert(
        "aof-disable-auto-gc",
        Kind::Flag,
        "no",
        Without("old parts of the append-only file are removed at once"),
    )
    .hidden(),
    inert(
        "aof-rewrite-incremental-fsync",
        Kind::Flag,
        "yes",
        Without("a rewrite is always synced bit by bit"),
    ),
    inert("aof_rewrite_cpulist", Kind::Text, "", Without(NOT_MANAGED)).at_start(),
    inert("bgsave_cpulist", Kind::Text, "", Without(NOT_MANAGED)).at_start(),
    inert("bind-source-addr", Kind::Text, "", Without(NO_REPLICAS)),
    inert("bio_cpulist", Kind::Text, "", Without(NOT_MANAGED)).at_start(),
    inert("cluster-allow-pubsubshard-when-down", Kind::Flag, "yes", Without(NO_CLUSTER)),
    inert("cluster-allow-reads-when-down", Kind::Flag, "no", Without(NO_CLUSTER)),
    inert("cluster-allow-replica-migration", Kind::Flag, "yes", Without(NO_CLUSTER)),
    inert("cluster-announce-bus-port", number(0, 65535), "0", Without(NO_CLUSTER)),
    inert("cluster-announce-hostname", Kind::Text, "", Without(NO_CLUSTER)),
    inert("cluster-announce-human-nodename", Kind::Text, "", Without(NO_CLUSTER)),
    inert("cluster-link-sendbuf-limit", BYTES, "0", Without(NO_CLUSTER)),
    inert("cluster-migration-barrier", INT, "1", Without(NO_CLUSTER)),
    inert("cluster-node-timeout", number(0, i64::MAX), "15000", Without(NO_CLUSTER)),
    inert("cluster-ping-interval", number(0, i64::MAX), "0", Without(NO_CLUSTER)).hidden(),
    inert("cluster-port", number(0, 65535), "0", Without(NO_CLUSTER)).at_start(),
    inert(
        "cluster-preferred-endpoint-type",
        Kind::Word(&["ip", "hostname", "unknown-endpoint"]),
        "ip",
        Without(NO_CLUSTER),
    ),
    inert("cluster-replica-no-failover", Kind::Flag, "no", Without(NO_CLUSTER))
        .alias(&["cluster-slave-no-failover"]),
    inert("cluster-replica-validity-factor", INT, "10", Without(NO_CLUSTER))
        .alias(&["cluster-slave-validity-factor"]),
    inert("cluster-require-full-coverage", Kind::Flag, "yes", Without(NO_CLUSTER)),
    inert(
        "crash-log-enabled",
        Kind::Flag,
        "yes",
        Without("the message of a crash always goes to the log"),
    ),
    inert(
        "crash-memcheck-enabled",
        Kind::Flag,
        "yes",
        Without("memory is not tested after a crash"),
    ),
    inert(
        "daemonize",
        Kind::Flag,
        "no",
        Without("respq stays in the foreground; a service manager puts it into the background"),
    )
    .at_start(),
    inert("disable-thp", Kind::Flag, "yes", Without(NOT_MANAGED)).at_start(),
    inert(
        "dynamic-hz",
        Kind::Flag,
        "yes",
        Without("background work does not depend on the number of clients"),
    ),
    inert(
        "enable-module-command",
        Kind::Word(&["no", "yes", "local"]),
        "no",
        Without("modules are not supported, and so there is nothing to enable"),
    )
    .at_start(),
    inert("ignore-warnings", Kind::Text, "", Without("no warning is fatal")),
    inert("io-threads-do-reads", Kind::Flag, "no", Without("each thread reads, runs and writes"))
        .at_start(),
    inert(
        "jemalloc-bg-thread",
        Kind::Flag,
        "yes",
        Without("the allocator gives memory back by itself"),
    ),
    inert(
        "loading-process-events-interval-bytes",
        Kind::Bytes { min: 1024, max: i64::MAX },
        "2097152",
        Without("clients are accepted once the data are loaded"),
    )
    .hidden(),
    inert("locale-collate", Kind::Text, "", Without("SORT ALPHA compares bytes")),
    inert("masterauth", Kind::Text, "", Without(NO_REPLICAS)),
    inert("masteruser", Kind::Text, "", Without(NO_REPLICAS)),
    inert("min-replicas-max-lag", INT, "10", Without(NO_REPLICAS)).alias(&["min-slaves-max-lag"]),
    inert(
        "min-replicas-to-write",
        INT,
        "0",
        Refused("replicas are not supported, so writes would be acknowledged without them"),
    )
    .alias(&["min-slaves-to-write"]),
    inert(
        "oom-score-adj",
        Kind::Word(&["no", "yes", "relative", "absolute"]),
        "no",
        Without(NOT_MANAGED),
    ),
    inert("oom-score-adj-values", Kind::Text, "0 200 800", Without(NOT_MANAGED)),
    inert(
        "proc-title-template",
        Kind::Text,
        "{title} {listen-addr} {server-mode}",
        Without(NOT_MANAGED),
    ),
    inert(
        "propagation-error-behavior",
        Kind::Word(&["ignore", "panic", "panic-on-replicas"]),
        "ignore",
        Without(NO_REPLICAS),
    ),
    inert("rdb-del-sync-files", Kind::Flag, "no", Without(NO_REPLICAS)),
    inert(
        "rdb-save-incremental-fsync",
        Kind::Flag,
        "yes",
        Without("a snapshot is synced at its end"),
    ),
    inert(
        "repl-backlog-size",
        Kind::Bytes { min: 1, max: i64::MAX },
        "1048576",
        Without(NO_REPLICAS),
    ),
    inert("repl-backlog-ttl", number(0, i64::MAX), "3600", Without(NO_REPLICAS)),
    inert("repl-disable-tcp-nodelay", Kind::Flag, "no", Without(NO_REPLICAS)),
    inert(
        "repl-diskless-load",
        Kind::Word(&["disabled", "on-empty-db", "swapdb"]),
        "disabled",
        Without(NO_REPLICAS),
    ),
    inert("repl-diskless-sync", Kind::Flag, "yes", Without(NO_REPLICAS)),
    inert("repl-diskless-sync-delay", INT, "5", Without(NO_REPLICAS)),
    inert("repl-diskless-sync-max-replicas", INT, "0", Without(NO_REPLICAS)),
    inert("repl-ping-replica-period", number(1, i32::MAX as i64), "10", Without(NO_REPLICAS))
        .alias(&["repl-ping-slave-period"]),
    inert("repl-timeout", number(1, i32::MAX as i64), "60", Without(NO_REPLICAS)),
    inert("replica-announce-ip", Kind::Text, "", Without(NO_REPLICAS))
        .alias(&["slave-announce-ip"]),
    inert("replica-announce-port", number(0, 65535), "0", Without(NO_REPLICAS))
        .alias(&["slave-announce-port"]),
    inert("replica-announced", Kind::Flag, "yes", Without(NO_REPLICAS)),
    inert("replica-ignore-disk-write-errors", Kind::Flag, "no", Without(NO_REPLICAS)),
    inert("replica-ignore-maxmemory", Kind::Flag, "yes", Without(NO_REPLICAS))
        .alias(&["slave-ignore-maxmemory"]),
    inert("replica-lazy-flush", Kind::Flag, "no", Without(NO_REPLICAS))
        .alias(&["slave-lazy-flush"]),
    inert("replica-priority", INT, "100", Without(NO_REPLICAS)).alias(&["slave-priority"]),
    inert("replica-read-only", Kind::Flag, "yes", Without(NO_REPLICAS)).alias(&["slave-read-only"]),
    inert("replica-serve-stale-data", Kind::Flag, "yes", Without(NO_REPLICAS))
        .alias(&["slave-serve-stale-data"]),
    inert(
        "replicaof",
        Kind::Text,
        "",
        Refused("replicas are not supported, and this server would not follow its primary"),
    )
    .at_start()
    .alias(&["slaveof"]),
    inert(
        "sanitize-dump-payload",
        Kind::Word(&["no", "yes", "clients"]),
        "no",
        Without("what RESTORE gets is always checked"),
    ),
    inert("server_cpulist", Kind::Text, "", Without(NOT_MANAGED)).at_start(),
    inert("set-proc-title", Kind::Flag, "yes", Without(NOT_MANAGED)).at_start(),
    inert("shutdown-on-sigint", Kind::Text, "default", Without("SIGINT stops as SHUTDOWN does")),
    inert("shutdown-on-sigterm", Kind::Text, "default", Without("SIGTERM stops as SHUTDOWN does")),
    inert("socket-mark-id", number(0, u32::MAX as i64), "0", Without(NOT_MANAGED)).at_start(),
    inert(
        "syslog-enabled",
        Kind::Flag,
        "no",
        Without("the log goes to standard output or to a file"),
    )
    .at_start(),
    inert(
        "syslog-facility",
        Kind::Word(&[
            "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
        ]),
        "local0",
        Without("the log goes to standard output or to a file"),
    )
    .at_start(),
    inert(
        "syslog-ident",
        Kind::Text,
        "redis",
        Without("the log goes to standard output or to a file"),
    )
    .at_start(),
    inert("tls-client-cert-file", Kind::Text, "", Without(NO_REPLICAS)),
    inert("tls-client-key-file", Kind::Text, "", Without(NO_REPLICAS)),
    inert("tls-client-key-file-pass", Kind::Text, "", Without(NO_REPLICAS)),
    inert("tls-cluster", Kind::Flag, "no", Without(NO_CLUSTER)),
    inert(
        "tls-dh-params-file",
        Kind::Text,
        "",
        Without("keys are exchanged over elliptic curves only"),
    ),
    inert(
        "tls-key-file-pass",
        Kind::Text,
        "",
        Refused("encrypted key files are not supported; `openssl pkey` decrypts one"),
    ),
    inert("tls-replication", Kind::Flag, "no", Without(NO_REPLICAS)),
    inert(
        "tls-session-cache-timeout",
        INT,
        "300",
        Without("sessions are forgotten when newer ones need their place"),
    ),
    inert("use-exit-on-panic", Kind::Flag, "no", Without("a crash always aborts")).hidden(),
    inert("watchdog-period", INT, "0", Without("there is no watchdog")).hidden(),
];
