//! Eviction of keys when memory is full.

use redis::Connection;

use crate::harness::{Server, check, error, run};

const VALUE_BYTES: usize = 10_000;
const KEYS: usize = 400;

/// Makes keys with long values; every other one has a time to live, the longer the later it comes.
fn fill(client: &mut Connection, from: usize) {
    let value = "x".repeat(VALUE_BYTES);
    for at in from..from + KEYS {
        let ttl = if at % 2 == 0 { String::new() } else { format!(" EX {}", 1000 + at) };
        run::<()>(client, &format!("SET key:{at} {value}{ttl}"));
    }
}

/// Those of the keys with an even and with an odd number that are left.
fn left(client: &mut Connection) -> (Vec<usize>, Vec<usize>) {
    let mut exists = |at: &usize| run::<usize>(client, &format!("EXISTS key:{at}")) == 1;
    let left: Vec<usize> = (0..2 * KEYS).filter(|at| exists(at)).collect();
    left.into_iter().partition(|at| at % 2 == 0)
}

/// A server with data, and little room for more.
fn full(policy: &str, settings: &[&str]) -> Server {
    let server = Server::start(settings);
    let client = &mut server.client();
    fill(client, 0);
    let used: usize = server.info("used_memory").parse().expect("a number");
    let limit = used + KEYS / 4 * VALUE_BYTES;
    check(client, &[(&format!("CONFIG SET maxmemory-policy {policy} maxmemory {limit}"), "OK")]);
    server
}

#[test]
fn a_snapshot_does_not_make_more_keys_go() {
    // A key that goes stays in memory until the snapshot has got it.
    let server = full("allkeys-lru", &["--rdb-key-save-delay", "100000"]);
    let client = &mut server.client();
    run::<()>(client, "BGSAVE");
    fill(client, KEYS);
    assert_eq!(server.info("rdb_bgsave_in_progress"), "1", "the snapshot is slow");
    let evicted: usize = server.info("evicted_keys").parse().expect("a number");
    // Three quarters would do without what the snapshot itself takes.
    assert!((KEYS / 2..KEYS * 3 / 2).contains(&evicted), "{evicted}");
}

#[test]
fn what_a_snapshot_keeps_does_not_count() {
    let server = full("allkeys-lru", &["--rdb-key-save-delay", "100000"]);
    let client = &mut server.client();
    // The snapshot itself takes more than a megabyte.
    let used: usize = server.info("used_memory").parse().expect("a number");
    let limit = used + KEYS * VALUE_BYTES * 5 / 8;
    check(client, &[(&format!("CONFIG SET maxmemory {limit}"), "OK")]);
    for round in 0..3 {
        run::<()>(client, "BGSAVE");
        // All values are replaced; a third of the keys goes before that.
        for at in (round..KEYS).step_by(3) {
            run::<()>(client, &format!("DEL key:{at}"));
        }
        fill(client, 0);
        assert_eq!(server.info("rdb_bgsave_in_progress"), "1", "the snapshot is slow");
        assert_eq!(server.info("evicted_keys"), "0", "{round}");
        check(client, &[("CONFIG SET rdb-key-save-delay 0", "OK")]);
        server.wait_info("rdb_bgsave_in_progress", "0");
        check(client, &[("CONFIG SET rdb-key-save-delay 100000", "OK")]);
    }
}

#[test]
fn what_went_before_a_limit_was_set_is_not_counted_again() {
    let server = Server::start(&["--appendonly", "no"]);
    let client = &mut server.client();
    for round in 0..5 {
        let oom = "(OOM command not allowed when used memory > 'maxmemory'.)";
        check(
            client,
            &[
                ("SETRANGE big 50000000 x", "50000001"),
                ("CONFIG SET maxmemory 10gb", "OK"),
                ("STRLEN big", "50000001"),
                ("CONFIG SET maxmemory 0", "OK"),
                ("DEL big", "1"),
                // Meanwhile the allocator is asked.
                ("BLPOP nothing 0.3", "nil"),
                ("CONFIG SET maxmemory 1", "OK"),
                (&format!("SET k {round}"), oom),
                ("CONFIG SET maxmemory 0", "OK"),
            ],
        );
    }
}

#[test]
fn policies_choose_what_goes() {
    for policy in [
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ] {
        let server = full(policy, &["--maxmemory-eviction-tenacity", "100"]);
        let client = &mut server.client();
        fill(client, KEYS);
        check(client, &[("CONFIG SET maxmemory 0", "OK")]);
        let (lasting, volatile) = left(client);
        let evicted: usize = server.info("evicted_keys").parse().expect("a number");
        assert_eq!(lasting.len() + volatile.len() + evicted, 2 * KEYS, "{policy}");
        assert!(evicted > KEYS / 3, "{policy}: {evicted}");
        assert_eq!(lasting.len() < KEYS, policy.starts_with("allkeys"), "{policy}");
        if policy == "volatile-ttl" {
            let gone = (0..2 * KEYS).filter(|at| at % 2 == 1 && !volatile.contains(at));
            let last_gone = gone.max().expect("some are gone");
            assert!(
                volatile.iter().filter(|at| **at < last_gone).count() < KEYS / 4,
                "{volatile:?}"
            );
        }
        assert_eq!(server.info("maxmemory_policy"), policy);
    }
}

#[test]
fn what_is_used_stays() {
    for policy in ["allkeys-lfu", "volatile-lfu"] {
        let server = full(policy, &["--maxmemory-samples", "10", "--lfu-log-factor", "0"]);
        let client = &mut server.client();
        for _ in 0..30 {
            (1..20).step_by(2).for_each(|at| {
                run::<String>(client, &format!("GET key:{at}"));
            });
        }
        fill(client, KEYS);
        check(client, &[("CONFIG SET maxmemory 0", "OK")]);
        let (_, volatile) = left(client);
        let used = volatile.iter().filter(|at| **at < 20).count();
        assert!(used >= 9, "{policy}: {volatile:?}");
    }
}

#[test]
fn without_candidates_writes_are_refused() {
    let server = Server::start(&["--appendonly", "no", "--maxmemory-policy", "volatile-lru"]);
    let client = &mut server.client();
    fill(client, 0);
    (0..KEYS).for_each(|at| run::<()>(client, &format!("PERSIST key:{at}")));
    let used: usize = server.info("used_memory").parse().expect("a number");
    let limit = used - KEYS / 4 * VALUE_BYTES;
    check(client, &[(&format!("CONFIG SET maxmemory {limit}"), "OK")]);
    let full = "OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(error(client, "SET a 1"), full);
    let script = "EVAL return(redis.call('set','a','b')) 0";
    assert!(error(client, script).starts_with("OOM"));
    check(client, &[("EVAL return(redis.call('get','a')) 0", "nil"), ("MULTI", "OK")]);
    assert_eq!(error(client, "GET a"), full);
    let aborted = "(EXECABORT Transaction discarded because of previous errors.)";
    check(client, &[("EXEC", aborted), ("GET a", "nil")]);
    for at in 0..KEYS / 2 {
        check(client, &[(&format!("EXPIRE key:{at} 1000"), "1")]);
    }
    check(client, &[("SET a 1", "OK"), (script, "OK")]);
    let (left_with_ttl, left) = (0..KEYS).fold((0, 0), |(with_ttl, all), at| {
        let exists = run::<usize>(client, &format!("EXISTS key:{at}"));
        if at < KEYS / 2 { (with_ttl + exists, all + exists) } else { (with_ttl, all + exists) }
    });
    assert_eq!(left - left_with_ttl, KEYS / 2);
    assert!(left_with_ttl < KEYS / 3, "{left_with_ttl}");
}

#[test]
fn evictions_are_logged_and_told() {
    let mut server = Server::start(&["--notify-keyspace-events", "Ee"]);
    let client = &mut server.client();
    check(client, &[("SET a 1", "OK"), ("SET b 2", "OK"), ("SELECT 3", "OK"), ("SET c 3", "OK")]);
    let mut raw = server.raw();
    raw.send(b"SUBSCRIBE __keyevent@0__:evicted\r\n");
    raw.expect(b"*3\r\n$9\r\nsubscribe\r\n$22\r\n__keyevent@0__:evicted\r\n:1\r\n");
    let mut watching = server.client();
    check(&mut watching, &[("WATCH a", "OK"), ("MULTI", "OK"), ("PING", "QUEUED")]);
    // No command is needed for keys to go.
    check(client, &[("CONFIG SET maxmemory-policy allkeys-random maxmemory 1", "OK")]);
    server.wait_info("evicted_keys", "3");
    for _ in 0..2 {
        assert_eq!(raw.read_line(), "*3");
        let words: Vec<String> = (0..6).map(|_| raw.read_line()).collect();
        assert_eq!(words[3], "__keyevent@0__:evicted");
    }
    check(client, &[("CONFIG SET maxmemory 0", "OK"), ("CONFIG RESETSTAT", "OK")]);
    check(&mut watching, &[("EXEC", "nil")]);
    assert_eq!(server.info("evicted_keys"), "0");
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("DBSIZE", "0"), ("SELECT 3", "OK"), ("DBSIZE", "0")]);
}

#[test]
fn use_is_remembered_across_a_restart() {
    for (policy, told) in [("volatile-lru", "IDLETIME"), ("allkeys-lfu", "FREQ")] {
        for (log, command) in [("yes", "BGREWRITEAOF"), ("yes", ""), ("no", "SAVE")] {
            let settings =
                ["--maxmemory-policy", policy, "--appendonly", log, "--lfu-decay-time", "0"];
            let mut server = Server::start(&settings);
            let client = &mut server.client();
            run::<()>(client, "SET a 1");
            let payload: Vec<u8> = redis::cmd("DUMP").arg("a").query(client).expect("a payload");
            let mut restore = redis::cmd("RESTORE");
            restore.arg(&[&b"b"[..], b"0", &payload, told.as_bytes(), b"200"]);
            restore.exec(client).expect("it is a payload");
            if !command.is_empty() {
                run::<()>(client, command);
                server.wait_info("aof_rewrite_in_progress", "0");
            }
            assert!(server.stop());
            server.start_again();
            let client = &mut server.client();
            let use_of = |key: &str| format!("OBJECT {told} {key}");
            assert!((200..300).contains(&run::<u64>(client, &use_of("b"))), "{policy} {command}");
            assert!(run::<u64>(client, &use_of("a")) < 100, "{policy} {command}");
        }
    }
}

#[test]
fn objects_tell_of_their_use() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0"]);
    let client = &mut server.client();
    let no_time = "(ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that \
                   when switching between policies at runtime LRU and LFU data will take some time \
                   to adjust.)";
    let no_count = "(ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
                    Please note that when switching between policies at runtime LRU and LFU data \
                    will take some time to adjust.)";
    check(
        client,
        &[
            ("SET a 1", "OK"),
            ("OBJECT FREQ a", "5"),
            ("GET a", "\"1\""),
            ("TOUCH a", "1"),
            ("OBJECT FREQ a", "7"),
            ("OBJECT FREQ none", "nil"),
            ("OBJECT IDLETIME none", "nil"),
            ("OBJECT IDLETIME a", no_time),
            ("CLIENT NO-TOUCH on", "OK"),
            ("GET a", "\"1\""),
            ("OBJECT FREQ a", "7"),
        ],
    );
    let payload: Vec<u8> = redis::cmd("DUMP").arg("a").query(client).expect("a payload");
    for (option, value) in [("FREQ", 100), ("IDLETIME", 1000)] {
        let restore = redis::cmd("RESTORE")
            .arg(format!("to:{option}"))
            .arg(0)
            .arg(&payload)
            .arg(option)
            .arg(value)
            .query::<String>(client);
        assert_eq!(restore.as_deref(), Ok("OK"));
    }
    check(client, &[("OBJECT FREQ to:FREQ", "100"), ("OBJECT FREQ to:IDLETIME", "5")]);
    check(
        client,
        &[
            ("CONFIG SET maxmemory-policy allkeys-lru", "OK"),
            ("OBJECT FREQ a", no_count),
            ("CLIENT NO-TOUCH off", "OK"),
            ("GET a", "\"1\""),
        ],
    );
    assert!(run::<i64>(client, "OBJECT IDLETIME a") <= 2);
}
