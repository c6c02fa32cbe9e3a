//! INFO: the sections, and whether the figures are true.

use std::collections::HashMap;

use redis::{Connection, Value};

use crate::harness::{Server, check, error, run, wait_until};

/// What CONFIG RESETSTAT sets to zero.
const RESET: &[&str] = &[
    "lazyfreed_objects",
    "rdb_saves",
    "aof_rewrites",
    "aof_rewrites_consecutive_failures",
    "total_connections_received",
    "total_net_input_bytes",
    "total_net_output_bytes",
    "rejected_connections",
    "total_reads_processed",
    "total_writes_processed",
    "client_query_buffer_limit_disconnections",
    "client_output_buffer_limit_disconnections",
    "expired_keys",
    "expired_time_cap_reached_count",
    "expire_cycle_cpu_milliseconds",
    "evicted_keys",
    "evicted_clients",
    "total_eviction_exceeded_time",
    "keyspace_hits",
    "keyspace_misses",
    "total_error_replies",
];
/// The same, but they go on at once.
const RESET_AND_GONE_ON: &[&str] = &[
    "total_commands_processed",
    "eventloop_cycles",
    "eventloop_duration_sum",
    "eventloop_duration_cmd_sum",
];
/// What it leaves as it is.
const KEPT: &[&str] =
    &["used_memory_peak", "rdb_changes_since_last_save", "acl_access_denied_auth"];

/// The values of a field that looks like `a=1,b=2`.
fn parts(line: &str) -> Vec<(String, String)> {
    let pair = |part: &str| part.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    line.split(',').filter_map(pair).collect()
}

fn part(line: &str, name: &str) -> String {
    let found = parts(line).into_iter().find(|(part, _)| part == name);
    found.unwrap_or_else(|| panic!("{line} has no {name}")).1
}

fn number(server: &Server, field: &str) -> u64 {
    server.info(field).parse().unwrap_or_else(|_| panic!("{field} is a number"))
}

#[test]
fn info_has_the_sections_asked_for() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let sections = |text: String| {
        let heads = text.lines().filter_map(|line| line.strip_prefix("# "));
        heads.collect::<Vec<_>>().join(" ")
    };
    let usual = "Server Clients Memory Persistence Stats Replication CPU";
    for (line, expected) in [
        ("INFO", format!("{usual} Modules Errorstats Cluster Keyspace")),
        ("INFO default", format!("{usual} Modules Errorstats Cluster Keyspace")),
        ("INFO all", format!("{usual} Commandstats Errorstats Latencystats Cluster Keyspace")),
        ("INFO SERVER cpu", "Server CPU".to_owned()),
        ("INFO keyspace keyspace", "Keyspace".to_owned()),
        ("INFO nope", String::new()),
    ] {
        assert_eq!(sections(run(client, line)), expected, "{line}");
    }
    let all = sections(run(client, "INFO everything"));
    assert!(all.contains("Modules") && all.contains("Latencystats"), "{all}");
}

#[test]
fn merging_looks_at_each_key_once() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<i64>(client, "PFADD source a b");
    for (hits, misses) in [(1, 1), (3, 1)] {
        run::<()>(client, "PFMERGE merged source");
        let counts = ["keyspace_hits", "keyspace_misses"].map(|field| number(&server, field));
        assert_eq!(counts, [hits, misses]);
    }
}

#[test]
fn info_tells_the_truth() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    assert_eq!(server.info("redis_version"), "7.2.4");
    assert_eq!(server.info("respq_version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(number(&server, "tcp_port"), u64::from(server.port()));
    assert_eq!(number(&server, "process_id"), u64::from(server.pid()));
    for line in ["SET a 1", "SET b 2 EX 1000", "GET a", "GET nope"] {
        run::<Value>(client, line);
    }
    assert_eq!(number(&server, "keyspace_hits"), 1);
    assert_eq!(number(&server, "keyspace_misses"), 1);
    let db0 = server.info("db0");
    assert_eq!((part(&db0, "keys"), part(&db0, "expires")), ("2".to_owned(), "1".to_owned()));
    let ttl: u64 = part(&db0, "avg_ttl").parse().unwrap();
    assert!((900_000..=1_000_000).contains(&ttl), "{ttl}");
    let used = number(&server, "used_memory");
    assert!(used > 100_000 && number(&server, "used_memory_rss") > used);
    assert!(number(&server, "used_memory_peak") >= used);
    assert!(number(&server, "total_net_input_bytes") > 100);
    assert!(number(&server, "total_commands_processed") > 10);
    wait_until(|| server.info("connected_clients") == "2");
}

#[test]
fn calls_and_errors_are_counted() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for line in ["SET a 1", "SET b 2", "GET a"] {
        run::<Value>(client, line);
    }
    for line in ["LPUSH a x", "GET", "NOPE"] {
        error(client, line);
    }
    check(client, &[("MULTI", "OK"), ("SET c 1", "QUEUED"), ("LPUSH a x", "QUEUED")]);
    assert!(error(client, "EXEC").contains("WRONGTYPE"));
    let set = server.info("cmdstat_set");
    assert_eq!((part(&set, "calls"), part(&set, "failed_calls")), ("3".to_owned(), "0".to_owned()));
    let lpush = server.info("cmdstat_lpush");
    assert_eq!((part(&lpush, "calls"), part(&lpush, "failed_calls")), ("2".into(), "2".into()));
    assert_eq!(part(&server.info("cmdstat_get"), "rejected_calls"), "1");
    assert_eq!(part(&server.info("errorstat_WRONGTYPE"), "count"), "2");
    assert_eq!(part(&server.info("errorstat_ERR"), "count"), "2");
    assert_eq!(server.info("total_error_replies"), "4");
    let times = server.info("latency_percentiles_usec_set");
    let names: Vec<_> = parts(&times).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["p50", "p99", "p99.9"]);
    run::<Value>(client, "CONFIG SET latency-tracking-info-percentiles 12.5");
    assert!(server.info("latency_percentiles_usec_set").starts_with("p12.5="));
    run::<Value>(client, "CONFIG RESETSTAT");
    let text: String = run(client, "INFO all");
    assert!(!text.contains("cmdstat_set:") && !text.contains("errorstat_"), "{text}");
}

#[test]
fn info_follows_a_snapshot() {
    let mut server = Server::start(&[
        "--appendonly",
        "no",
        "--rdb-key-save-delay",
        "100000000",
        "--enable-debug-command",
        "yes",
    ]);
    let client = &mut server.client();
    check(client, &[("DEBUG SET-ACTIVE-EXPIRE 0", "OK"), ("SET short 1 PX 1", "OK")]);
    check(client, &[("MSET a 1 b 2 c 3", "OK")]);
    // The keys of the first shard are written at once, so there are large ones in most shards.
    let large = "x".repeat(10_000);
    let names: Vec<String> = (0..40).map(|n| format!("large:{n}")).collect();
    for name in &names {
        check(client, &[(&format!("SET {name} {large}"), "OK")]);
    }
    check(client, &[("BGSAVE", "Background saving started")]);
    wait_until(|| number(&server, "current_save_keys_total") == 44);
    assert!(number(&server, "current_save_keys_processed") < 44);
    check(client, &[(&format!("DEL {}", names.join(" ")), "40")]);
    let kept = number(&server, "current_cow_size");
    assert!(kept > 100_000, "{kept}");
    assert!(number(&server, "current_cow_peak") >= kept);
    check(client, &[("CONFIG SET rdb-key-save-delay 0", "OK")]);
    server.wait_info("rdb_bgsave_in_progress", "0");
    assert!(number(&server, "rdb_last_cow_size") >= kept);
    assert_eq!(server.info("current_save_keys_total"), "0");
    server.kill();
    server.start_again();
    assert_eq!(number(&server, "rdb_last_load_keys_loaded"), 43);
    assert_eq!(number(&server, "rdb_last_load_keys_expired"), 1);
}

#[test]
fn info_follows_waiters_and_loops() {
    let server = Server::start(&[]);
    let (mut patient, mut impatient) = (server.raw(), server.raw());
    patient.send(b"BLPOP nothing 0\r\n");
    impatient.send(b"BLPOP nothing 100\r\n");
    wait_until(|| number(&server, "blocked_clients") == 2);
    assert_eq!(number(&server, "clients_in_timeout_table"), 1);
    let cycles = number(&server, "eventloop_cycles");
    wait_until(|| number(&server, "eventloop_cycles") > cycles + 10);
    assert!(number(&server, "eventloop_duration_sum") > 0);
    wait_until(|| number(&server, "instantaneous_eventloop_cycles_per_sec") > 0);
    let cycles = number(&server, "eventloop_cycles");
    check(&mut server.client(), &[("CONFIG RESETSTAT", "OK"), ("RPUSH nothing 1 2", "2")]);
    assert!(number(&server, "eventloop_cycles") < cycles);
    wait_until(|| number(&server, "clients_in_timeout_table") == 0);
}

/// All fields of INFO that are whole numbers, asked for by a client that is there already.
fn numbers(text: &str) -> HashMap<String, u64> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

fn count(client: &mut Connection, field: &str) -> u64 {
    numbers(&run::<String>(client, "INFO everything"))[field]
}

/// Clients that are turned away and disconnected for every reason.
fn count_clients(server: &Server, client: &mut Connection) {
    check(client, &[("CLIENT NO-EVICT on", "OK"), ("SETRANGE big 20000000 x", "20000001")]);
    let mut silent = server.raw();
    silent.send(b"GET big\r\nGET big\r\n");
    let mut talkative = server.raw();
    talkative.send(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n");
    let piece = vec![b'x'; 100_000];
    while talkative.try_send(&piece) {}
    wait_until(|| count(client, "client_output_buffer_limit_disconnections") > 0);
    let _evicted = server.raw();
    wait_until(|| count(client, "connected_clients") == 2);
    check(client, &[("CONFIG SET maxmemory-clients 1 maxclients 1", "OK")]);
    wait_until(|| count(client, "evicted_clients") > 0);
    assert!(server.raw().read_to_end().contains("max number of clients"));
    check(client, &[("CONFIG SET maxmemory-clients 0 maxclients 1000", "OK")]);
}

/// More keys than one cycle can expire, and others that are evicted a few at a time.
fn count_keys(client: &mut Connection) {
    check(client, &[("DEL big", "1"), ("GET big", "nil"), ("SET a 1", "OK"), ("GET a", "\"1\"")]);
    check(client, &[("SADD large x", "1"), ("DEBUG SET-ACTIVE-EXPIRE 0", "OK")]);
    let fill = |client: &mut Connection, line: &str| {
        redis::cmd("EVAL").arg(line).arg(0).exec(client).expect("it runs");
    };
    fill(client, "for i = 1, 1000 do redis.call('SADD', 'large', i) end");
    check(client, &[("UNLINK large", "1")]);
    fill(client, "for i = 1, 70000 do redis.call('SET', 'short:' .. i, '', 'PX', 1) end");
    check(client, &[("DEBUG SET-ACTIVE-EXPIRE 1", "OK")]);
    wait_until(|| count(client, "expired_time_cap_reached_count") > 0);
    // More than the periodic work can evict before the first look.
    fill(client, "for i = 1, 20000 do redis.call('SET', 'long:' .. i, '') end");
    check(
        client,
        &[("CONFIG SET maxmemory-policy allkeys-lru maxmemory-eviction-tenacity 0", "OK")],
    );
    check(client, &[("CONFIG SET maxmemory 1", "OK")]);
    wait_until(|| count(client, "current_eviction_exceeded_time") > 0);
    check(client, &[("CONFIG SET maxmemory 0", "OK")]);
    wait_until(|| count(client, "current_eviction_exceeded_time") == 0);
}

/// A snapshot, and a rewrite that fails.
fn count_snapshots(server: &Server, client: &mut Connection) {
    check(client, &[("SAVE", "OK"), ("SET b 1", "OK")]);
    let folder = server.dir().join("appendonlydir");
    std::fs::rename(&folder, server.dir().join("away")).expect("it is there");
    std::fs::write(&folder, "no folder").expect("nothing is there");
    run::<()>(client, "BGREWRITEAOF");
    wait_until(|| count(client, "aof_rewrites_consecutive_failures") > 0);
}

#[test]
fn resetstat_resets_what_redis_resets() {
    let server = Server::start(&[
        "--shards",
        "1",
        "--client-query-buffer-limit",
        "1mb",
        "--client-output-buffer-limit",
        "normal 1mb 0 0",
        "--enable-debug-command",
        "yes",
    ]);
    let client = &mut server.client();
    count_clients(&server, client);
    count_keys(client);
    count_snapshots(&server, client);
    error(client, "AUTH nobody x");
    let before = numbers(&run::<String>(client, "INFO everything"));
    check(
        client,
        &[("MULTI", "OK"), ("CONFIG RESETSTAT", "QUEUED"), ("INFO everything", "QUEUED")],
    );
    let (_, text): (Value, String) = run(client, "EXEC");
    let after = numbers(&text);
    for &name in RESET {
        assert!(before[name] > 0 && after[name] == 0, "{name}: {}", after[name]);
    }
    for &name in RESET_AND_GONE_ON {
        assert!(before[name] > after[name], "{name}: {} and {}", before[name], after[name]);
    }
    for &name in KEPT {
        assert!(before[name] > 0 && after[name] >= before[name], "{name}: {}", after[name]);
    }
    for prefix in ["cmdstat_set:", "errorstat_", "latency_percentiles_usec_set:"] {
        assert!(!text.contains(&format!("\n{prefix}")), "{prefix}");
    }
}
