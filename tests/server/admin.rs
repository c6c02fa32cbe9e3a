//! The group `server`, but for CONFIG, COMMAND and INFO: SLOWLOG, LATENCY, MEMORY, DEBUG, FLUSHALL.

use redis::Value;

use crate::harness::{Server, check, error, run, wait_until};

#[test]
fn slow_commands_are_noted() {
    let server = Server::start(&["--slowlog-log-slower-than", "0", "--slowlog-max-len", "3"]);
    let client = &mut server.client();
    run::<Value>(client, "CLIENT SETNAME me");
    run::<Value>(client, "SLOWLOG RESET");
    for line in ["SET a 1", "GET a"] {
        run::<Value>(client, line);
    }
    let calls: Vec<(u64, u64, u64, Vec<String>, String, String)> = run(client, "SLOWLOG GET 2");
    assert_eq!(calls[0].3, ["GET", "a"]);
    assert_eq!(calls[1].3, ["SET", "a", "1"]);
    assert_eq!(calls[0].0, calls[1].0 + 1);
    assert!(calls[0].4.starts_with("127.0.0.1:") && calls[0].5 == "me");
    assert!(calls[0].1 > 1_600_000_000);
    check(
        client,
        &[
            ("SLOWLOG LEN", "3"),
            ("CONFIG SET slowlog-log-slower-than -1", "OK"),
            ("SLOWLOG RESET", "OK"),
            ("SLOWLOG LEN", "0"),
            ("SLOWLOG GET -1", "[]"),
            ("SLOWLOG GET -2", "(ERR count should be greater than or equal to -1)"),
            (
                "SLOWLOG GET 1 2",
                "(ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.)",
            ),
        ],
    );
    assert!(run::<Vec<String>>(client, "SLOWLOG HELP").len() > 4);
}

#[test]
fn long_events_are_noted() {
    let server =
        Server::start(&["--latency-monitor-threshold", "20", "--enable-debug-command", "yes"]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("LATENCY LATEST", "[]"),
            ("DEBUG SLEEP 0.03", "OK"),
            ("LATENCY HISTORY nope", "[]"),
            ("LATENCY GRAPH nope", "(ERR No samples available for event 'nope')"),
        ],
    );
    // The server's own work may have had to wait, too.
    let mut latest: Vec<(String, u64, u64, u64)> = run(client, "LATENCY LATEST");
    latest.retain(|event| event.0 == "command");
    assert_eq!(latest.len(), 1);
    assert!(latest[0].2 >= 30 && latest[0].3 >= latest[0].2, "{latest:?}");
    let history: Vec<(u64, u64)> = run(client, "LATENCY HISTORY command");
    assert_eq!(history, [(latest[0].1, latest[0].2)]);
    assert!(run::<String>(client, "LATENCY GRAPH command").starts_with("command - high"));
    assert!(run::<String>(client, "LATENCY DOCTOR").contains("command: 1 spikes"));
    let times: Vec<Value> = run(client, "LATENCY HISTOGRAM debug nope");
    assert_eq!(times.len(), 2);
    assert!(run::<Vec<String>>(client, "LATENCY HELP").len() > 10);
    check(client, &[("LATENCY RESET command nope", "1")]);
    run::<u64>(client, "LATENCY RESET");
    check(client, &[("LATENCY RESET", "0")]);
}

#[test]
fn memory_is_accounted_for() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let long = "x".repeat(10_000);
    run::<Value>(client, &format!("SET a {long}"));
    let bytes: usize = run(client, "MEMORY USAGE a");
    assert!((10_000..12_000).contains(&bytes), "{bytes}");
    check(
        client,
        &[
            ("MEMORY USAGE nope", "nil"),
            ("MEMORY USAGE a SAMPLES -1", "(ERR syntax error)"),
            ("MEMORY USAGE a SAMPLES x", "(ERR value is not an integer or out of range)"),
            ("MEMORY USAGE a WHAT", "(ERR syntax error)"),
            ("MEMORY PURGE", "OK"),
        ],
    );
    let stats: std::collections::HashMap<String, Value> = run(client, "MEMORY STATS");
    assert_eq!(stats["keys.count"], Value::Int(1));
    assert!(run::<String>(client, "MEMORY MALLOC-STATS").contains("jemalloc"));
    assert!(run::<String>(client, "MEMORY DOCTOR").contains("in use"));
    assert!(run::<Vec<String>>(client, "MEMORY HELP").len() > 4);
}

#[test]
fn databases_are_flushed() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("MSET a 1 b 2", "OK"),
            ("SELECT 1", "OK"),
            ("SET c 3", "OK"),
            ("FLUSHDB", "OK"),
            ("DBSIZE", "0"),
            ("SELECT 0", "OK"),
            ("DBSIZE", "2"),
            ("FLUSHALL WHAT", "(ERR syntax error)"),
            ("FLUSHALL ASYNC SYNC", "(ERR syntax error)"),
            ("FLUSHDB sync", "OK"),
            ("SET d 4", "OK"),
            ("FLUSHALL ASYNC", "OK"),
            ("FLUSHALL", "OK"),
            ("SET e 5", "OK"),
        ],
    );
    server.wait_info("lazyfreed_objects", "1");
    assert_eq!(server.info("lazyfree_pending_objects"), "0");
    assert!(server.stop());
    server.start_again();
    check(&mut server.client(), &[("DBSIZE", "1"), ("GET e", "\"5\"")]);
}

#[test]
fn watches_see_a_flush() {
    let server = Server::start(&[]);
    let (client, other) = (&mut server.client(), &mut server.client());
    for (flush, expected) in [("FLUSHALL", "nil"), ("FLUSHDB", "nil"), ("SWAPDB 0 5", "nil")] {
        check(client, &[("SET a 1", "OK"), ("WATCH a nope", "OK")]);
        check(other, &[(flush, "OK")]);
        check(client, &[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", expected)]);
    }
    check(client, &[("WATCH nope", "OK")]);
    check(other, &[("FLUSHALL", "OK")]);
    check(client, &[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
}

#[test]
fn databases_are_exchanged() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SET a 0", "OK"),
            ("SELECT 1", "OK"),
            ("SET a 1 EX 100", "OK"),
            ("SWAPDB 0 1", "OK"),
            ("GET a", "\"0\""),
            ("TTL a", "-1"),
            ("SELECT 0", "OK"),
            ("TTL a", "100"),
            ("SWAPDB 3 3", "OK"),
            ("SWAPDB x 1", "(ERR invalid first DB index)"),
            ("SWAPDB 1 x", "(ERR invalid second DB index)"),
            ("SWAPDB 0 16", "(ERR DB index is out of range)"),
            ("SWAPDB 0 -1", "(ERR DB index is out of range)"),
        ],
    );
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("GET a", "\"1\"")]);
}

#[test]
fn who_waits_is_served_by_an_exchange() {
    let server = Server::start(&[]);
    let mut waiting = server.raw();
    waiting.send(b"BLPOP q 0\r\n");
    server.wait_info("blocked_clients", "1");
    assert_eq!(server.info("total_blocking_keys"), "1");
    let client = &mut server.client();
    check(client, &[("SELECT 9", "OK"), ("RPUSH q x", "1"), ("SWAPDB 0 9", "OK")]);
    waiting.expect(b"*2\r\n$1\r\nq\r\n$1\r\nx\r\n");
    check(client, &[("EXISTS q", "0")]);
}

#[test]
fn small_commands() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let (seconds, us): (u64, u64) = run(client, "TIME");
    assert!(seconds > 1_600_000_000 && us < 1_000_000);
    let saved: u64 = run(client, "LASTSAVE");
    assert!(saved.abs_diff(seconds) < 60);
    assert!(run::<String>(client, "LOLWUT").contains("respq ver."));
}

#[test]
fn full_memory_refuses_what_needs_more() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let full = "(OOM command not allowed when used memory > 'maxmemory'.)";
    let aborted = "(EXECABORT Transaction discarded because of: OOM command not allowed when used \
                   memory > 'maxmemory'.)";
    check(client, &[("SET a 1", "OK"), ("MULTI", "OK"), ("SET a 2", "QUEUED")]);
    check(&mut server.client(), &[("CONFIG SET maxmemory 1kb", "OK")]);
    check(client, &[("EXEC", aborted), ("DISCARD", "(ERR DISCARD without MULTI)")]);
    check(client, &[("SET a 3", full), ("GET a", "\"1\""), ("DEL a", "1"), ("PING", "PONG")]);
    let refused = error(client, "EVAL return(redis.call('set','a','3')) 0");
    assert!(refused.starts_with("OOM command not allowed"), "{refused}");
    check(client, &[("EVAL return(redis.call('get','a')) 0", "nil")]);
    check(client, &[("CONFIG SET maxmemory 0", "OK"), ("SET a 3", "OK")]);
}

#[test]
fn debug_needs_permission() {
    let server = Server::start(&[]);
    for line in ["DEBUG SLEEP 0", "DEBUG HELP"] {
        let text = error(&mut server.client(), line);
        assert!(text.starts_with("ERR DEBUG command not allowed"), "{text}");
    }
    // Whatever state the connection is in.
    let mut raw = server.raw();
    raw.send(b"MULTI\r\nDEBUG HELP\r\nEXEC\r\nSUBSCRIBE c\r\n");
    assert_eq!(raw.read_line(), "+OK");
    assert!(raw.read_line().starts_with("-ERR DEBUG command not allowed"));
    assert!(raw.read_line().starts_with("-EXECABORT"));
    raw.expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    assert!(raw.line("DEBUG HELP").starts_with("-ERR DEBUG command not allowed"));
    let server = Server::start(&["--enable-debug-command", "local"]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("DEBUG SLEEP 0", "OK"),
            ("DEBUG SLEEP x", "(ERR value is not a valid float)"),
            ("DEBUG STRINGMATCH-LEN aaa a*", "1"),
            ("DEBUG QUICKLIST-PACKED-THRESHOLD 200b", "OK"),
            ("DEBUG CHANGE-REPL-ID", "OK"),
            ("DEBUG PAUSE-CRON 1", "OK"),
            ("DEBUG PAUSE-CRON 0", "OK"),
            ("DEBUG REPLYBUFFER RESIZING 0", "OK"),
            ("DEBUG REPLYBUFFER PEAK-RESET-TIME never", "OK"),
            ("DEBUG REPLYBUFFER WHAT 0", "(ERR syntax error)"),
            ("DEBUG LOG hello", "OK"),
            ("DEBUG ERROR ERR_MINE", "(\"ERR_MINE\")"),
            ("DEBUG POPULATE 3 k 5", "OK"),
            ("DBSIZE", "3"),
            ("STRLEN k:2", "5"),
            ("DEBUG OBJECT nope", "(ERR no such key)"),
            ("DEBUG PROTOCOL integer", "12345"),
            ("DEBUG PROTOCOL attrib", "\"Some real reply following the attribute\""),
            ("DEBUG PROTOCOL bignum", "\"1234567999999999999999999999999999999\""),
            (
                "DEBUG JMAP",
                "(ERR unknown subcommand or wrong number of arguments for 'JMAP'. Try DEBUG HELP.)",
            ),
        ],
    );
    assert!(run::<String>(client, "DEBUG OBJECT k:0").contains("encoding:"));
    assert!(run::<Vec<String>>(client, "DEBUG HELP").len() > 10);
}

#[test]
fn expired_keys_stay_if_nobody_may_look() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let client = &mut server.client();
    check(client, &[("DEBUG SET-ACTIVE-EXPIRE 0", "OK"), ("PSETEX a 1 x", "OK")]);
    check(client, &[("DEBUG SLEEP 0.002", "OK"), ("DBSIZE", "1"), ("EXISTS a", "0")]);
    check(client, &[("DBSIZE", "0"), ("PSETEX a 1 x", "OK"), ("DEBUG SET-ACTIVE-EXPIRE 1", "OK")]);
    wait_until(|| run::<u64>(client, "DBSIZE") == 0);
    assert_eq!(server.info("expired_keys"), "2");
}

#[test]
fn a_digest_is_of_the_data() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let client = &mut server.client();
    let empty: String = run(client, "DEBUG DIGEST");
    assert_eq!(empty, "0".repeat(40));
    let lines = [
        "SET s 1",
        "RPUSH l a b c",
        "SADD u 1 2 3",
        "SADD v x y",
        "HSET h f 1 g 2",
        "ZADD z 1 a 2 b",
        "XADD x 1-1 f v",
    ];
    for line in lines {
        drop(run::<Value>(client, line));
    }
    let full: String = run(client, "DEBUG DIGEST");
    check(client, &[("DEBUG RELOAD", "OK")]);
    assert_eq!(run::<String>(client, "DEBUG DIGEST"), full);
    let values: Vec<String> = run(client, "DEBUG DIGEST-VALUE s l nope");
    assert_eq!(values[2], empty);
    assert!(server.stop());
    server.start_again();
    let client = &mut server.client();
    assert_eq!(run::<String>(client, "DEBUG DIGEST"), full);
    run::<Value>(client, "ZADD z 3 a");
    assert_ne!(run::<String>(client, "DEBUG DIGEST"), full);
    check(client, &[("ZADD z 1 a", "0"), ("SADD u 4", "1"), ("SREM u 4", "1")]);
    assert_eq!(run::<String>(client, "DEBUG DIGEST"), full);
}

#[test]
fn there_are_no_modules() {
    let server = Server::start(&[]);
    let refused = "(ERR modules are not supported)";
    check(
        &mut server.client(),
        &[
            ("MODULE LIST", "[]"),
            ("MODULE LOAD /lib/x.so", refused),
            ("MODULE LOADEX /lib/x.so CONFIG a b", refused),
            ("MODULE UNLOAD x", refused),
        ],
    );
}
