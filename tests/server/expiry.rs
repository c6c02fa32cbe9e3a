//! When keys expire, and that nothing of them is seen afterwards.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::{Server, check, run, wait_until};

#[test]
fn times_to_live() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SET a 1", "OK"),
            ("TTL a", "-1"),
            ("PTTL nope", "-2"),
            ("EXPIRETIME nope", "-2"),
            ("EXPIRETIME a", "-1"),
            ("PEXPIRETIME a", "-1"),
            ("EXPIRE a 100", "1"),
            ("TTL a", "100"),
            ("PEXPIRE a 5300", "1"),
            ("TTL a", "5"),
            ("EXPIREAT a 33177117420", "1"),
            ("EXPIRETIME a", "33177117420"),
            ("PEXPIRETIME a", "33177117420000"),
            ("PEXPIREAT a 33177117420001", "1"),
            ("PEXPIRETIME a", "33177117420001"),
            ("PERSIST a", "1"),
            ("PERSIST a", "0"),
            ("PERSIST nope", "0"),
            ("EXPIRE nope 100", "0"),
            ("TTL a", "-1"),
        ],
    );
}

#[test]
fn conditions() {
    let server = Server::start(&[]);
    let with_nx = "(ERR NX and XX, GT or LT options at the same time are not compatible)";
    check(
        &mut server.client(),
        &[
            ("SET a 1", "OK"),
            ("EXPIRE a 100 XX", "0"),
            ("EXPIRE a 100 GT", "0"),
            ("EXPIRE a 100 NX", "1"),
            ("EXPIRE a 200 NX", "0"),
            ("EXPIRE a 200 XX", "1"),
            ("EXPIRE a 100 GT", "0"),
            ("EXPIRE a 300 gt", "1"),
            ("EXPIRE a 400 LT", "0"),
            ("EXPIRE a 100 LT", "1"),
            ("EXPIRE a 200 XX GT", "1"),
            ("TTL a", "200"),
            ("PERSIST a", "1"),
            ("EXPIRE a 100 LT", "1"),
            ("EXPIRE a 1 NX XX", with_nx),
            ("EXPIRE a 1 NX GT", with_nx),
            ("EXPIRE a 1 GT LT", "(ERR GT and LT options at the same time are not compatible)"),
            ("EXPIRE a 1 AB", "(ERR Unsupported option AB)"),
            ("EXPIRE a 1.5", "(ERR value is not an integer or out of range)"),
        ],
    );
}

#[test]
fn times_out_of_range() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SET a 1", "OK"),
            ("EXPIRE a 9223372036854775807", "(ERR invalid expire time in 'expire' command)"),
            ("EXPIRE a -9223372036854775808", "(ERR invalid expire time in 'expire' command)"),
            ("PEXPIRE a 9223372036854775807", "(ERR invalid expire time in 'pexpire' command)"),
            ("EXPIREAT a 9223372036854775", "1"),
            ("PEXPIREAT a 9223372036854775807", "1"),
            ("PEXPIRETIME a", "9223372036854775807"),
            ("EXPIRE a -10", "1"),
            ("EXISTS a", "0"),
        ],
    );
}

#[test]
fn a_time_that_has_passed_deletes() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("MSET a 1 b 1 c 1 d 1", "OK"),
            ("EXPIRE a 0", "1"),
            ("PEXPIRE b -1", "1"),
            ("EXPIREAT c 1", "1"),
            ("PEXPIREAT d 1", "1"),
            ("EXISTS a b c d", "0"),
            ("DBSIZE", "0"),
        ],
    );
}

#[test]
fn what_has_expired_is_seen_nowhere() {
    let server = Server::start(&["--active-expire", "no"]);
    let client = &mut server.client();
    for n in 0..50 {
        run::<()>(client, &format!("SET key:{n} x PX 1"));
    }
    run::<()>(client, "SET stays x");
    let end = now_ms() + 1;
    wait_until(|| now_ms() > end);
    check(
        client,
        &[
            ("KEYS *", "[\"stays\"]"),
            ("RANDOMKEY", "\"stays\""),
            ("SCAN 0 COUNT 1000", "[\"0\" [\"stays\"]]"),
            ("DBSIZE", "1"),
            ("EXISTS key:1 key:2", "0"),
            ("TYPE key:1", "none"),
            ("GET key:1", "nil"),
            ("TTL key:1", "-2"),
            ("RENAME key:1 x", "(ERR no such key)"),
            ("COPY key:1 x", "0"),
            ("PERSIST key:1", "0"),
            ("DEL key:1", "0"),
            ("SET key:1 y NX", "OK"),
            ("TTL key:1", "-1"),
        ],
    );
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

#[test]
fn memory_comes_back_unasked() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for n in 0..1000 {
        run::<()>(client, &format!("SET key:{n} x PX 20"));
    }
    run::<()>(client, "SET stays x EX 1000");
    wait_until(|| run::<i64>(client, "DBSIZE") == 1);
    server.wait_info("expired_keys", "1000");
}

#[test]
fn what_has_expired_stays_gone_after_a_kill() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    check(
        &mut server.client(),
        &[
            ("SET a 1", "OK"),
            ("SET b 1", "OK"),
            ("EXPIRE a 1000", "1"),
            ("PEXPIRE b 1", "1"),
            ("SET c 1 EX 1000", "OK"),
            ("EXPIRE c -1", "1"),
            ("SET d 1 EX 1000", "OK"),
            ("RENAME d e", "OK"),
            ("COPY e f", "1"),
        ],
    );
    server.kill();
    server.start_again();
    let client = &mut server.client();
    wait_until(|| run::<i64>(client, "EXISTS b") == 0);
    check(client, &[("EXISTS b c d", "0"), ("EXISTS a e f", "3")]);
    for key in ["a", "e", "f"] {
        let ttl: i64 = run(client, &format!("TTL {key}"));
        assert!((900..=1000).contains(&ttl), "{key}: {ttl}");
    }
}

/// A script sees one instant, here `now`.
fn at_one_instant(client: &mut redis::Connection, source: &str) -> Vec<i64> {
    let now = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) ";
    redis::cmd("EVAL").arg(format!("{now}{source}")).arg(0).query(client).expect("it runs")
}

#[test]
fn at_the_very_instant_a_key_is_still_there() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let source = "redis.call('SET', 'k', 'v', 'PXAT', now) \
                  return {redis.call('EXISTS', 'k'), redis.call('PTTL', 'k')}";
    assert_eq!(at_one_instant(client, source), [1, 0]);
    // Who sets such a time on what is there has it go at once all the same.
    let source = "redis.call('SET', 'k', 'v') \
                  return {redis.call('PEXPIREAT', 'k', now), redis.call('EXISTS', 'k')}";
    assert_eq!(at_one_instant(client, source), [1, 0]);
    let source = "redis.call('SET', 'k', 'v') redis.call('GETEX', 'k', 'PXAT', now) \
                  return {redis.call('EXISTS', 'k')}";
    assert_eq!(at_one_instant(client, source), [0]);
    let source = "redis.call('HSET', 'h', 'f', 'v') \
                  return redis.call('HPEXPIREAT', 'h', now, 'FIELDS', 1, 'f')";
    assert_eq!(at_one_instant(client, source), [2]);
}
