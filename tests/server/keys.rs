//! The group `generic`, but for expiry and SORT.

use std::collections::HashSet;

use crate::harness::{Server, check, run, walk};

#[test]
fn what_there_is() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("MSET a 1 b 2 c 3", "OK"),
            ("RPUSH list x", "1"),
            ("TYPE a", "string"),
            ("TYPE list", "list"),
            ("TYPE nope", "none"),
            ("EXISTS a b nope a", "3"),
            ("TOUCH a nope list", "2"),
            ("DEL a nope b a", "2"),
            ("UNLINK c list c", "2"),
            ("DBSIZE", "0"),
            ("RANDOMKEY", "nil"),
            ("SET only 1", "OK"),
            ("RANDOMKEY", "\"only\""),
        ],
    );
}

#[test]
fn new_names() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SET a 1 EX 100", "OK"),
            ("RENAME a b", "OK"),
            ("EXISTS a", "0"),
            ("TTL b", "100"),
            ("SET c 2 EX 500", "OK"),
            ("RENAMENX b c", "0"),
            ("RENAME b c", "OK"),
            ("GET c", "\"1\""),
            ("TTL c", "100"),
            ("SET plain 1", "OK"),
            ("RENAME plain c", "OK"),
            ("TTL c", "-1"),
            ("RENAMENX c d", "1"),
            ("RENAME d d", "OK"),
            ("RENAMENX d d", "0"),
            ("RENAME nope x", "(ERR no such key)"),
            ("RENAMENX nope x", "(ERR no such key)"),
            ("RENAME nope nope", "(ERR no such key)"),
        ],
    );
}

#[test]
fn copies_and_moves() {
    let server = Server::start(&[]);
    let same = "(ERR source and destination objects are the same)";
    check(
        &mut server.client(),
        &[
            ("SET a 1 EX 100", "OK"),
            ("COPY a b", "1"),
            ("TTL b", "100"),
            ("COPY a b", "0"),
            ("SET a 2", "OK"),
            ("COPY a b REPLACE", "1"),
            ("GET b", "\"2\""),
            ("TTL b", "-1"),
            ("COPY nope b REPLACE", "0"),
            ("GET b", "\"2\""),
            ("COPY a a", same),
            ("COPY a a DB 1", "1"),
            ("COPY a b DB 99", "(ERR DB index is out of range)"),
            ("COPY a b WHAT", "(ERR syntax error)"),
            ("MOVE a 1", "0"),
            ("MOVE b 1", "1"),
            ("EXISTS b", "0"),
            ("MOVE b 1", "0"),
            ("MOVE a 0", same),
            ("MOVE a 99", "(ERR DB index is out of range)"),
            ("MOVE a x", "(ERR value is not an integer or out of range)"),
            ("SELECT 1", "OK"),
            ("MGET a b", "[\"2\" \"2\"]"),
            ("RPUSH list x y", "2"),
            ("COPY list other", "1"),
            ("RPOP list", "\"y\""),
            ("LRANGE other 0 -1", "[\"x\" \"y\"]"),
        ],
    );
}

#[test]
fn a_moved_list_serves_who_waits_for_it_there() {
    let server = Server::start(&[]);
    let mut waiting = server.raw();
    waiting.send(b"SELECT 3\r\n");
    waiting.expect(b"+OK\r\n");
    waiting.send(b"BLMOVE here there LEFT LEFT 0\r\n");
    server.wait_info("blocked_clients", "1");
    let client = &mut server.client();
    check(client, &[("RPUSH here x", "1"), ("MOVE here 3", "1")]);
    waiting.expect(b"$1\r\nx\r\n");
}

#[test]
fn patterns() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<()>(client, "MSET hello 1 hallo 2 hxllo 3 h?llo 4 other 5");
    for (pattern, expected) in [
        ("*", "h?llo hallo hello hxllo other"),
        ("h?llo", "h?llo hallo hello hxllo"),
        ("h[ae]llo", "hallo hello"),
        ("h[^e]llo", "h?llo hallo hxllo"),
        ("h\\?llo", "h?llo"),
        ("nope*", ""),
        ("other", "other"),
    ] {
        let mut found: Vec<String> = run(client, &format!("KEYS {pattern}"));
        found.sort();
        assert_eq!(found.join(" "), expected, "{pattern}");
    }
}

#[test]
fn scan_finds_all() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    assert!(walk::<String>(client, "SCAN", "", |_| ()).is_empty());
    for n in 0..2000 {
        run::<()>(client, &format!("SET key:{n} x"));
    }
    run::<()>(client, "RPUSH list a");
    for options in ["", "COUNT 1", "COUNT 37", "COUNT 10000"] {
        let found = walk::<String>(client, "SCAN", options, |_| ());
        assert_eq!(found.len(), 2001, "{options}");
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), 2001, "{options}");
    }
    assert_eq!(walk::<String>(client, "SCAN", "MATCH key:19?? COUNT 100", |_| ()).len(), 100);
    assert_eq!(walk::<String>(client, "SCAN", "TYPE LIST COUNT 100", |_| ()), ["list"]);
    assert_eq!(walk::<String>(client, "SCAN", "TYPE string COUNT 5000", |_| ()).len(), 2000);
    assert!(walk::<String>(client, "SCAN", "TYPE nope COUNT 5000", |_| ()).is_empty());
}

#[test]
fn scan_keeps_its_promise_while_keys_come_and_go() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for n in 0..500 {
        run::<()>(client, &format!("SET stays:{n} x"));
        run::<()>(client, &format!("SET goes:{n} x"));
    }
    let mut step = 0;
    let found = walk::<String>(client, "SCAN", "COUNT 20", |client| {
        for n in step * 10..(step + 1) * 10 {
            run::<()>(client, &format!("DEL goes:{n}"));
            run::<()>(client, &format!("SET comes:{n} x"));
        }
        step += 1;
    });
    let unique: HashSet<_> = found.iter().collect();
    assert_eq!(unique.len(), found.len(), "a key came twice");
    assert_eq!(unique.iter().filter(|key| key.starts_with("stays:")).count(), 500);
}

#[test]
fn scan_refuses_what_makes_no_sense() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SCAN x", "(ERR invalid cursor)"),
            ("SCAN 0 COUNT 0", "(ERR syntax error)"),
            ("SCAN 0 COUNT x", "(ERR value is not an integer or out of range)"),
            ("SCAN 0 MATCH", "(ERR syntax error)"),
            ("SCAN 0 WHAT", "(ERR syntax error)"),
            ("SCAN 18446744073709551615", "[\"0\" []]"),
            ("SCAN 99999999999999999999", "(ERR invalid cursor)"),
        ],
    );
}

#[test]
fn how_values_are_kept() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let long = "x".repeat(45);
    run::<()>(client, &format!("SET long {long}"));
    check(
        client,
        &[
            ("SET n 12", "OK"),
            ("SET s 012", "OK"),
            ("RPUSH list a", "1"),
            ("OBJECT ENCODING n", "\"int\""),
            ("OBJECT ENCODING s", "\"embstr\""),
            ("OBJECT ENCODING long", "\"raw\""),
            ("OBJECT ENCODING list", "\"listpack\""),
            ("OBJECT ENCODING nope", "nil"),
            ("APPEND s x", "4"),
            ("OBJECT ENCODING s", "\"raw\""),
            ("OBJECT REFCOUNT s", "1"),
            ("OBJECT IDLETIME s", "0"),
            ("OBJECT IDLETIME nope", "nil"),
            ("OBJECT FREQ nope", "nil"),
            ("CONFIG SET list-max-listpack-size 1", "OK"),
            ("RPUSH list b", "2"),
            ("OBJECT ENCODING list", "\"quicklist\""),
            ("OBJECT WHAT s", "(ERR unknown subcommand 'WHAT'. Try OBJECT HELP.)"),
        ],
    );
    let help: Vec<String> = run(client, "OBJECT HELP");
    assert!(help.iter().any(|line| line.starts_with("ENCODING key")), "{help:?}");
}

#[test]
fn large_values_are_freed() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for n in 0..2000 {
        run::<i64>(client, &format!("RPUSH a {n}"));
        run::<i64>(client, &format!("RPUSH b {n}"));
    }
    check(client, &[("UNLINK a", "1"), ("SET b x", "OK"), ("EXISTS a b", "1"), ("DBSIZE", "1")]);
    server.wait_info("lazyfreed_objects", "2");
    server.wait_info("lazyfree_pending_objects", "0");
}
