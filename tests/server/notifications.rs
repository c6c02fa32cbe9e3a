//! Keyspace events.

use crate::harness::{Raw, Server, check, error, run, wait_until};

/// Reads one message of a pattern subscription: channel and payload.
fn event(raw: &mut Raw) -> String {
    assert_eq!(raw.read_line(), "*4");
    let words: Vec<String> = (0..8).map(|_| raw.read_line()).collect();
    format!("{} {}", words[5], words[7])
}

fn subscribed(server: &Server) -> Raw {
    let mut raw = server.raw();
    raw.send(b"PSUBSCRIBE __key*\r\n");
    raw.expect(b"*3\r\n$10\r\npsubscribe\r\n$6\r\n__key*\r\n:1\r\n");
    raw
}

#[test]
fn events_follow_the_setting() {
    let server = Server::start(&["--notify-keyspace-events", "KEA"]);
    let client = &mut server.client();
    let mut raw = subscribed(&server);
    check(client, &[("SELECT 1", "OK"), ("SET a 1", "OK"), ("GET b", "nil"), ("DEL a b", "1")]);
    for expected in [
        "__keyspace@1__:a set",
        "__keyevent@1__:set a",
        "__keyspace@1__:a del",
        "__keyevent@1__:del a",
    ] {
        assert_eq!(event(&mut raw), expected);
    }
    check(client, &[("CONFIG SET notify-keyspace-events Elnm", "OK"), ("SET a 1", "OK")]);
    check(client, &[("GET b", "nil"), ("LPUSH l x", "1"), ("RPOP l", "\"x\"")]);
    for expected in [
        "__keyevent@1__:new a",
        "__keyevent@1__:keymiss b",
        "__keyevent@1__:new l",
        "__keyevent@1__:lpush l",
        "__keyevent@1__:rpop l",
    ] {
        assert_eq!(event(&mut raw), expected);
    }
    check(client, &[("CONFIG SET notify-keyspace-events g", "OK"), ("DEL a", "1")]);
    check(client, &[("PUBLISH __key x", "1")]);
    assert_eq!(event(&mut raw), "__key x");
}

/// As often as redis-server 7.2.4 does.
#[test]
fn each_look_at_a_key_counts() {
    let server = Server::start(&["--notify-keyspace-events", "Em"]);
    let client = &mut server.client();
    let _: () = run(client, "XADD x 1-1 a b");
    let _: () = run(client, "XGROUP CREATE x g 0");
    let _: () = run(client, "SET s 1");
    for (line, looks) in [
        ("XREAD STREAMS KEY 0", 2),
        ("XREADGROUP GROUP g c STREAMS KEY >", 2),
        ("XCLAIM KEY g c 0 1-1", 1),
        ("XAUTOCLAIM KEY g c 0 0", 1),
        ("XACK KEY g 1-1", 1),
        ("OBJECT ENCODING KEY", 1),
        ("OBJECT FREQ KEY", 1),
        ("OBJECT IDLETIME KEY", 1),
        ("OBJECT REFCOUNT KEY", 1),
        ("PFADD KEY a", 0),
    ] {
        for (key, counter) in [("x", "keyspace_hits"), ("none", "keyspace_misses")] {
            let count = || server.info(counter).parse::<i64>().expect("a number");
            let before = count();
            let _ = error(client, &line.replace("KEY", key));
            // A group that is not there ends the second look.
            let ends_early = key == "none" && line.starts_with("XREADGROUP");
            assert_eq!(count() - before, if ends_early { 1 } else { looks }, "{line} {counter}");
        }
    }
    let mut raw = subscribed(&server);
    for line in ["DEL none", "PFADD n a", "OBJECT ENCODING none", "XREAD STREAMS none 0"] {
        let _ = error(client, line);
    }
    for _ in 0..2 {
        assert_eq!(event(&mut raw), "__keyevent@0__:keymiss none");
    }
    let _ = error(client, "XACK other g 1-1");
    assert_eq!(event(&mut raw), "__keyevent@0__:keymiss other");
}

#[test]
fn a_key_in_place_of_another_is_new() {
    let server = Server::start(&["--notify-keyspace-events", "Kgn"]);
    let client = &mut server.client();
    let payload: Vec<u8> = {
        check(client, &[("MSET a 1 b 2 c 3", "OK")]);
        redis::cmd("DUMP").arg("a").query(client).unwrap()
    };
    let mut raw = subscribed(&server);
    check(client, &[("COPY a b REPLACE", "1"), ("RENAME a c", "OK")]);
    let restore = redis::cmd("RESTORE").arg("b").arg(0).arg(payload).arg("REPLACE").to_owned();
    restore.exec(client).unwrap();
    for expected in ["b new", "b copy_to", "c new", "a rename_from", "c rename_to", "b new"] {
        assert_eq!(event(&mut raw), format!("__keyspace@0__:{expected}"));
    }
    assert_eq!(event(&mut raw), "__keyspace@0__:b restore");
}

#[test]
fn a_transaction_tells_in_order() {
    let server = Server::start(&["--notify-keyspace-events", "K$g"]);
    let client = &mut server.client();
    let mut raw = subscribed(&server);
    check(client, &[("MULTI", "OK"), ("SET a 1", "QUEUED"), ("PUBLISH __key x", "QUEUED")]);
    check(client, &[("DEL a", "QUEUED"), ("EXEC", "[OK 1 1]")]);
    for expected in ["__keyspace@0__:a set", "__key x", "__keyspace@0__:a del"] {
        assert_eq!(event(&mut raw), expected);
    }
}

#[test]
fn a_waiting_client_s_pop_is_told() {
    let server = Server::start(&["--notify-keyspace-events", "Elg"]);
    let client = &mut server.client();
    let mut raw = subscribed(&server);
    let mut waiting = server.raw();
    waiting.send(b"BRPOP l 0\r\n");
    wait_until(|| run::<String>(client, "CLIENT LIST").contains("flags=b"));
    check(client, &[("LPUSH l x", "1")]);
    waiting.expect(b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    for expected in ["__keyevent@0__:lpush l", "__keyevent@0__:rpop l", "__keyevent@0__:del l"] {
        assert_eq!(event(&mut raw), expected);
    }
}

#[test]
fn messages_wait_until_their_cause_is_safe() {
    let server = Server::start(&["--appendfsync", "always", "--notify-keyspace-events", "E$"]);
    let client = &mut server.client();
    let mut raw = subscribed(&server);
    for value in 0..50 {
        run::<()>(client, &format!("SET k{value} x"));
        assert_eq!(event(&mut raw), format!("__keyevent@0__:set k{value}"));
    }
}

/// A pipeline may change the setting on its way: what comes behind that goes by the new one.
#[test]
fn events_follow_a_setting_within_a_pipeline() {
    let server = Server::start(&["--io-threads", "1"]);
    let (mut listener, mut client) = (subscribed(&server), server.raw());
    let lines =
        ["PING", "SET a 0", "CONFIG SET notify-keyspace-events KEA", "SET a 1", "SET b 1", "PING"];
    let words = |line: &str| {
        let words = line.split(' ').map(|word| format!("${}\r\n{word}\r\n", word.len()));
        format!("*{}\r\n{}", line.split(' ').count(), words.collect::<String>())
    };
    client.send(lines.map(words).concat().as_bytes());
    client.expect(b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+PONG\r\n");
    for key in ["a", "b"] {
        assert_eq!(event(&mut listener), format!("__keyspace@0__:{key} set"));
        assert_eq!(event(&mut listener), format!("__keyevent@0__:set {key}"));
    }
}
