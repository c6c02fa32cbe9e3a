//! Requests in one piece: each is run as if it had come alone, at its own time and by the settings
//! of then, and none keeps the other clients waiting for long.

use crate::harness::{Raw, Server, check, run, wait_until};

/// Takes some tens of milliseconds.
const SLOW: &str = "local n = 0 for i = 1, 5000000 do n = n + i end return 1";

/// One request as clients send it.
fn encoded(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

fn number(raw: &mut Raw) -> u64 {
    let line = raw.read_line();
    line[1..].parse().unwrap_or_else(|_| panic!("{line} is a number"))
}

/// Reads two bulk strings: seconds, and microseconds of them; replies milliseconds.
fn time_ms(raw: &mut Raw) -> u64 {
    let lines: Vec<_> = (0..5).map(|_| raw.read_line()).collect();
    lines[2].parse::<u64>().unwrap() * 1000 + lines[4].parse::<u64>().unwrap() / 1000
}

#[test]
fn what_comes_behind_a_slow_request_runs_at_a_later_time() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    let piece = [
        encoded(&["TIME"]),
        encoded(&["EVAL", SLOW, "1", "k"]),
        encoded(&["SET", "k", "v", "PX", "100000000"]),
        encoded(&["PEXPIRETIME", "k"]),
        encoded(&["TIME"]),
    ];
    let piece = piece.concat();
    // The system may take the processor away between two of them, but not each time.
    wait_until(|| {
        raw.send(&piece);
        let before_ms = time_ms(&mut raw);
        raw.expect(b":1\r\n+OK\r\n");
        let set_ms = number(&mut raw) - 100_000_000;
        let after_ms = time_ms(&mut raw);
        assert!(after_ms > before_ms, "the script is slow");
        after_ms - set_ms < set_ms - before_ms
    });
}

#[test]
fn settings_changed_in_a_transaction_hold_within_it() {
    let server = Server::start(&[]);
    let mut subscriber = server.raw();
    subscriber.send(b"PSUBSCRIBE __key*\r\n");
    subscriber.expect(b"*3\r\n$10\r\npsubscribe\r\n$6\r\n__key*\r\n:1\r\n");
    let mut raw = server.raw();
    raw.send(b"MULTI\r\nCONFIG SET notify-keyspace-events KA\r\nSET k v\r\nEXEC\r\nSET k v\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n+OK\r\n");
    let event = b"*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@0__:k\r\n$3\r\nset\r\n";
    subscriber.expect(&[&event[..], event].concat());
}

#[test]
fn a_larger_limit_holds_for_the_next_request() {
    let server = Server::start(&["--proto-max-bulk-len", "1mb"]);
    let mut raw = server.raw();
    let large = "x".repeat(2_000_000);
    let wider = encoded(&["CONFIG", "SET", "proto-max-bulk-len", "512mb"]);
    raw.send(&[wider, encoded(&["SET", "large", &large])].concat());
    raw.expect(b"+OK\r\n+OK\r\n");
}

#[test]
fn others_have_their_turn_between_slow_requests() {
    const REQUESTS: usize = 100;
    let server = Server::start(&["--io-threads", "1"]);
    let client = &mut server.client();
    run::<()>(client, "PING");
    let mut raw = server.raw();
    let script = format!("redis.call('INCR', KEYS[1]) {SLOW}");
    raw.send(&encoded(&["EVAL", &script, "1", "n"]).repeat(REQUESTS));
    let mut seen = 0;
    wait_until(|| {
        seen = run::<Option<usize>>(client, "GET n").unwrap_or(0);
        seen > 0
    });
    assert!(seen < REQUESTS, "{seen} of {REQUESTS} were run in a row");
}

#[test]
fn messages_come_before_the_protocol_changes() {
    let server = Server::start(&[]);
    for change in ["HELLO 2", "RESET"] {
        let mut raw = server.raw();
        raw.send(b"HELLO 3\r\nSUBSCRIBE ch\r\n");
        while raw.read_line() != "subscribe" {}
        raw.expect(b"$2\r\nch\r\n:1\r\n");
        raw.send(format!("PUBLISH ch m\r\n{change}\r\nPING x\r\nQUIT\r\n").as_bytes());
        raw.expect(b":1\r\n>3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1\r\nm\r\n");
        let rest = raw.read_to_end();
        assert!(!rest.contains('>') && rest.contains("+OK"), "{rest}");
    }
}

#[test]
fn who_wants_no_reply_gets_none_for_what_it_waited_for() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (mode, wait) in [("SKIP", "BLPOP q 0"), ("OFF", "BLPOP q 0"), ("SKIP", "BLPOP q 0.01")] {
        let mut raw = server.raw();
        raw.send(format!("CLIENT REPLY {mode}\r\n{wait}\r\n").as_bytes());
        if wait.ends_with(" 0") {
            server.wait_info("blocked_clients", "1");
            check(client, &[("RPUSH q a", "1")]);
        }
        raw.send(b"CLIENT REPLY ON\r\nPING\r\n");
        assert_eq!((raw.read_line(), raw.read_line()), ("+OK".into(), "+PONG".into()), "{mode}");
        check(client, &[("LLEN q", "0")]);
    }
}

#[test]
fn who_has_gone_before_it_waits_gets_nothing() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[(&format!("SET large {}", "x".repeat(100_000)), "OK")]);
    let mut raw = server.raw();
    raw.send(&[b"GET large\r\n".repeat(300), b"BLPOP q 0\r\n".to_vec()].concat());
    raw.shut_down();
    assert!(raw.read_to_end().len() > 100_000);
    wait_until(|| !run::<String>(client, "CLIENT LIST").contains("cmd=blpop"));
    check(client, &[("RPUSH q a", "1"), ("LLEN q", "1")]);
}

#[test]
fn who_is_not_authenticated_and_does_not_read_is_let_go() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut raw = server.raw();
    let pings = b"PING\r\n".repeat(10_000);
    let taken = (0..1000).take_while(|_| raw.try_send(&pings)).count();
    assert!(taken < 1000, "{} bytes were taken", taken * pings.len());
    let mut known = server.raw();
    assert_eq!(known.line("AUTH secret"), "+OK");
    assert_eq!(known.line("PING"), "+PONG");
}

#[test]
fn a_pipeline_is_answered_though_others_run_for_ever() {
    let server = Server::start(&["--io-threads", "1", "--busy-reply-threshold", "0"]);
    let mut clients: Vec<_> = (0..4).map(|_| server.raw()).collect();
    for client in &mut clients {
        assert_eq!(client.line("PING"), "+PONG");
    }
    // While the first script runs, all others arrive, in this order.
    clients[0].send(b"EVAL \"for i = 1, 1e8 do end\" 0\r\n");
    clients[1].send(b"PING\r\nPING\r\n");
    clients[2].send(b"EVAL \"for i = 1, 1e7 do end\" 0\r\n");
    clients[3].send(b"EVAL \"while true do end\" 0\r\n");
    assert_eq!((clients[1].read_line(), clients[1].read_line()), ("+PONG".into(), "+PONG".into()));
}

#[test]
fn what_was_read_ahead_waits_for_the_end_of_a_pause() {
    let server = Server::start(&["--io-threads", "1"]);
    let mut raw = server.raw();
    for round in 0..3 {
        let value = round.to_string();
        let piece = [
            encoded(&["DEL", "a", "b"]),
            encoded(&["GET", "a"]),
            encoded(&["CLIENT", "PAUSE", "20", "WRITE"]),
            encoded(&["GET", "a"]),
            encoded(&["SET", "a", &value]),
            encoded(&["GET", "b"]),
            encoded(&["SET", "b", &value]),
            encoded(&["MGET", "a", "b"]),
        ];
        raw.send(&piece.concat());
        let deleted = if round == 0 { 0 } else { 2 };
        raw.expect(format!(":{deleted}\r\n$-1\r\n+OK\r\n$-1\r\n+OK\r\n$-1\r\n+OK\r\n").as_bytes());
        raw.expect(format!("*2\r\n$1\r\n{value}\r\n$1\r\n{value}\r\n").as_bytes());
    }
}

#[test]
fn what_was_read_ahead_is_run_when_a_script_ends_that_others_did_not_wait_for() {
    let server = Server::start(&["--io-threads", "1", "--busy-reply-threshold", "1"]);
    let mut raw = server.raw();
    let piece = [
        encoded(&["SET", "a", "1"]),
        encoded(&["INCR", "b"]),
        encoded(&["EVAL", SLOW, "1", "k"]),
        encoded(&["INCR", "a"]),
        encoded(&["INCR", "b"]),
    ];
    raw.send(&piece.concat());
    raw.send(&encoded(&["MGET", "a", "b"]));
    raw.expect(b"+OK\r\n:1\r\n:1\r\n:2\r\n:2\r\n*2\r\n$1\r\n2\r\n$1\r\n2\r\n");
}
