//! SUBSCRIBE and its like, PUBLISH, PUBSUB, MONITOR.

use crate::harness::{Raw, Server, check, error, run, wait_until};

/// A RESP2 array of bulk strings and, behind a colon, integers.
fn array(words: &[&str]) -> Vec<u8> {
    encode('*', words)
}

/// The same as a RESP3 push.
fn push(words: &[&str]) -> Vec<u8> {
    encode('>', words)
}

fn encode(kind: char, words: &[&str]) -> Vec<u8> {
    let encoded = words.iter().map(|word| {
        if word.starts_with(':') || *word == "$-1" || *word == "_" {
            format!("{word}\r\n")
        } else {
            format!("${}\r\n{word}\r\n", word.len())
        }
    });
    let encoded: String = encoded.collect();
    format!("{kind}{}\r\n{encoded}", words.len()).into_bytes()
}

fn resp3(server: &Server) -> Raw {
    let mut raw = server.raw();
    assert_eq!(raw.line("HELLO 3"), "%7");
    while raw.read_line() != "*0" {}
    raw
}

#[test]
fn messages_reach_those_who_subscribed() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = server.raw();
    raw.send(b"SUBSCRIBE a b\r\nPSUBSCRIBE a*\r\nSSUBSCRIBE a\r\n");
    raw.expect(&array(&["subscribe", "a", ":1"]));
    raw.expect(&array(&["subscribe", "b", ":2"]));
    raw.expect(&array(&["psubscribe", "a*", ":3"]));
    raw.expect(&array(&["ssubscribe", "a", ":1"]));
    check(
        client,
        &[
            ("PUBLISH a one", "2"),
            ("PUBLISH ab two", "1"),
            ("PUBLISH c three", "0"),
            ("SPUBLISH a four", "1"),
            ("SPUBLISH ab five", "0"),
        ],
    );
    raw.expect(&array(&["message", "a", "one"]));
    raw.expect(&array(&["pmessage", "a*", "a", "one"]));
    raw.expect(&array(&["pmessage", "a*", "ab", "two"]));
    raw.expect(&array(&["smessage", "a", "four"]));
    raw.send(b"UNSUBSCRIBE a\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nSUNSUBSCRIBE\r\nSUNSUBSCRIBE x\r\n");
    raw.expect(&array(&["unsubscribe", "a", ":2"]));
    raw.expect(&array(&["unsubscribe", "b", ":1"]));
    raw.expect(&array(&["punsubscribe", "a*", ":0"]));
    raw.expect(&array(&["sunsubscribe", "a", ":0"]));
    raw.expect(&array(&["sunsubscribe", "x", ":0"]));
    raw.send(b"UNSUBSCRIBE\r\nPING\r\n");
    raw.expect(&array(&["unsubscribe", "$-1", ":0"]));
    raw.expect(b"+PONG\r\n");
    check(client, &[("PUBLISH a one", "0")]);
}

#[test]
fn a_subscriber_of_resp2_can_run_few_commands() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"SUBSCRIBE a\r\n");
    raw.expect(&array(&["subscribe", "a", ":1"]));
    let refusal =
        "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
    assert_eq!(raw.line("GET a"), format!("-ERR Can't execute 'get': {refusal}"));
    assert_eq!(raw.line("CLIENT ID"), format!("-ERR Can't execute 'client|id': {refusal}"));
    let error = format!("-ERR Can't execute 'latency|reset': {refusal}");
    assert_eq!(raw.line("LATENCY RESET"), error);
    let because = "Transaction discarded because of:";
    let error = format!("-EXECABORT {because} Can't execute 'exec': {refusal}");
    assert_eq!(raw.line("EXEC"), error);
    raw.send(b"PING\r\nPING hi\r\n");
    raw.expect(&array(&["pong", ""]));
    raw.expect(&array(&["pong", "hi"]));
    assert_eq!(raw.line("RESET"), "+RESET");
    assert_eq!(raw.line("PING"), "+PONG");
    assert_eq!(run::<i64>(&mut server.client(), "PUBLISH a x"), 0);
    raw.send(b"SUBSCRIBE a\r\nQUIT\r\n");
    assert_eq!(raw.read_to_end(), "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n");
}

#[test]
fn a_subscriber_of_resp3_can_run_any_command() {
    let server = Server::start(&[]);
    let mut raw = resp3(&server);
    raw.send(b"SUBSCRIBE a\r\nSET k 1\r\nPUBLISH a x\r\nPING\r\nUNSUBSCRIBE a\r\n");
    raw.expect(&push(&["subscribe", "a", ":1"]));
    raw.expect(b"+OK\r\n:1\r\n+PONG\r\n");
    raw.expect(&push(&["message", "a", "x"]));
    raw.expect(&push(&["unsubscribe", "a", ":0"]));
    raw.send(b"PUNSUBSCRIBE\r\n");
    raw.expect(&push(&["punsubscribe", "_", ":0"]));
}

#[test]
fn a_script_of_a_subscriber_has_its_replies() {
    let server = Server::start(&[]);
    let mut raw = resp3(&server);
    raw.send(b"SUBSCRIBE a\r\nEVAL \"return redis.call('PING').ok\" 0\r\n");
    raw.expect(&push(&["subscribe", "a", ":1"]));
    raw.expect(b"$4\r\nPONG\r\n");
    let mut raw = server.raw();
    raw.send(b"MULTI\r\nSUBSCRIBE a\r\nEVAL \"return redis.call('PING', 'x')\" 0\r\nEXEC\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n");
    raw.expect(&array(&["subscribe", "a", ":1"]));
    raw.expect(b"$1\r\nx\r\n");
}

#[test]
fn a_transaction_subscribes_to_no_shard_channel() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"MULTI\r\nSSUBSCRIBE a\r\nEXEC\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n*1\r\n");
    let text = "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client";
    assert_eq!(raw.read_line(), text);
}

#[test]
fn a_transaction_publishes_when_it_is_done() {
    let server = Server::start(&[]);
    let mut raw = resp3(&server);
    raw.send(b"SUBSCRIBE a\r\nMULTI\r\nPUBLISH a x\r\nSET k 1\r\nEXEC\r\n");
    raw.expect(&push(&["subscribe", "a", ":1"]));
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+OK\r\n");
    raw.expect(&push(&["message", "a", "x"]));
}

#[test]
fn who_subscribes_in_a_transaction_is_told_of_what_follows() {
    let server = Server::start(&["--notify-keyspace-events", "E$"]);
    let (mut other, mut raw) = (resp3(&server), resp3(&server));
    other.send(b"PSUBSCRIBE _*\r\n");
    other.expect(&push(&["psubscribe", "_*", ":1"]));
    raw.send(b"MULTI\r\nSET early 1\r\nPSUBSCRIBE _*\r\nSET late 1\r\nEXEC\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n");
    raw.expect(&push(&["psubscribe", "_*", ":1"]));
    raw.expect(b"+OK\r\n");
    let event = |key| push(&["pmessage", "_*", "__keyevent@0__:set", key]);
    raw.expect(&event("late"));
    other.expect(&[event("early"), event("late")].concat());
}

#[test]
fn no_message_follows_the_end_that_was_confirmed() {
    let server = Server::start(&["--io-threads", "2", "--enable-debug-command", "yes"]);
    // Some of them are not on the thread of the transaction.
    let mut others: Vec<Raw> = (0..4).map(|_| resp3(&server)).collect();
    for other in &mut others {
        other.send(b"SUBSCRIBE c\r\n");
        other.expect(&push(&["subscribe", "c", ":1"]));
    }
    let (mut raw, client) = (server.raw(), &mut server.client());
    raw.send(b"MULTI\r\nPUBLISH c m\r\nSUBSCRIBE d\r\nDEBUG SLEEP 0.3\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
    raw.send(b"EXEC\r\n");
    wait_until(|| run::<(String, u32)>(client, "PUBSUB NUMSUB d").1 == 1);
    for other in &mut others {
        other.send(b"UNSUBSCRIBE c\r\n");
    }
    raw.expect(b"*3\r\n:4\r\n");
    for other in &mut others {
        other.send(b"PING\r\n");
        let lines: Vec<String> = std::iter::from_fn(|| Some(other.read_line()))
            .take_while(|line| line != "+PONG")
            .collect();
        let ends = ["$11", "unsubscribe", "$1", "c", ":0"];
        assert!(lines.ends_with(&ends.map(String::from)), "{lines:?}");
    }
}

#[test]
fn who_unsubscribes_in_a_transaction_has_been_told_of_what_came_before() {
    let server = Server::start(&["--notify-keyspace-events", "E$"]);
    let mut raw = resp3(&server);
    raw.send(b"SUBSCRIBE c d\r\nPSUBSCRIBE _*\r\n");
    raw.expect(&push(&["subscribe", "c", ":1"]));
    raw.expect(&push(&["subscribe", "d", ":2"]));
    raw.expect(&push(&["psubscribe", "_*", ":3"]));
    raw.send(b"MULTI\r\nPUBLISH c 1\r\nPUBLISH d 2\r\nSET early 1\r\nUNSUBSCRIBE d\r\n");
    raw.send(b"PUNSUBSCRIBE\r\nPUBLISH c 3\r\nPUBLISH d x\r\nSET late 1\r\n");
    raw.send(b"SUBSCRIBE d\r\nPUBLISH d 4\r\nEXEC\r\n");
    raw.expect(&[&b"+OK\r\n"[..], &b"+QUEUED\r\n".repeat(10)].concat());
    raw.expect(b"*10\r\n:1\r\n:1\r\n+OK\r\n");
    raw.expect(&push(&["unsubscribe", "d", ":2"]));
    raw.expect(&push(&["punsubscribe", "_*", ":1"]));
    raw.expect(b":1\r\n:0\r\n+OK\r\n");
    raw.expect(&push(&["subscribe", "d", ":2"]));
    raw.expect(b":1\r\n");
    raw.expect(&push(&["message", "c", "1"]));
    raw.expect(&push(&["message", "d", "2"]));
    raw.expect(&push(&["pmessage", "_*", "__keyevent@0__:set", "early"]));
    raw.expect(&push(&["message", "c", "3"]));
    raw.expect(&push(&["message", "d", "4"]));
}

#[test]
fn client_reply_does_not_hold_pushes_back() {
    let server = Server::start(&[]);
    let mut raw = resp3(&server);
    raw.send(b"CLIENT REPLY OFF\r\nSUBSCRIBE a\r\nPING\r\nPUBLISH a x\r\nCLIENT REPLY ON\r\n");
    raw.expect(&push(&["subscribe", "a", ":1"]));
    raw.expect(b"+OK\r\n");
    raw.expect(&push(&["message", "a", "x"]));
    raw.send(b"CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\n");
    raw.expect(b"+OK\r\n");
}

#[test]
fn subscriptions_are_counted() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = server.raw();
    raw.send(b"SUBSCRIBE b a\r\nPSUBSCRIBE x* y*\r\nSSUBSCRIBE s\r\n");
    (0..5).for_each(|_| {
        assert_eq!(raw.read_line(), "*3");
        (0..5).for_each(|_| drop(raw.read_line()));
    });
    check(
        client,
        &[
            ("PUBSUB CHANNELS", "[\"a\" \"b\"]"),
            ("PUBSUB CHANNELS a*", "[\"a\"]"),
            ("PUBSUB NUMSUB a c", "[\"a\" 1 \"c\" 0]"),
            ("PUBSUB NUMSUB", "[]"),
            ("PUBSUB NUMPAT", "2"),
            ("PUBSUB SHARDCHANNELS", "[\"s\"]"),
            ("PUBSUB SHARDNUMSUB s a", "[\"s\" 1 \"a\" 0]"),
            ("PUBSUB x", "(ERR unknown subcommand 'x'. Try PUBSUB HELP.)"),
        ],
    );
    assert!(error(client, "PUBSUB CHANNELS a b").starts_with("ERR unknown subcommand or wrong"));
    let list: String = run(client, "CLIENT LIST TYPE pubsub");
    assert!(list.contains(" flags=P ") && list.contains(" sub=2 psub=2 ssub=1 "), "{list}");
    let help: Vec<String> = run(client, "PUBSUB HELP");
    assert!(help[0].starts_with("PUBSUB <subcommand>"));
    drop(raw);
    wait_until(|| run::<i64>(client, "PUBSUB NUMPAT") == 0);
    check(client, &[("PUBSUB CHANNELS", "[]"), ("PUBSUB SHARDCHANNELS", "[]")]);
}

#[test]
fn a_subscriber_that_does_not_read_is_disconnected() {
    let limit = "normal 0 0 0 replica 0 0 0 pubsub 1mb 0 0";
    let server = Server::start(&["--client-output-buffer-limit", limit]);
    let client = &mut server.client();
    let mut raw = server.raw();
    raw.send(b"SUBSCRIBE a\r\n");
    raw.expect(&array(&["subscribe", "a", ":1"]));
    let message = "x".repeat(100_000);
    let line = format!("PUBLISH a {message}");
    wait_until(|| run::<i64>(client, &line) == 0);
    check(client, &[("PUBSUB CHANNELS", "[]")]);
}

#[test]
fn a_monitor_sees_every_command() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut monitor = server.raw();
    assert_eq!(monitor.line("AUTH secret"), "+OK");
    assert_eq!(monitor.line("MONITOR"), "+OK");
    let mut raw = server.raw();
    raw.send(
        b"AUTH secret\r\nSELECT 3\r\nSET \"a\\n\" 1\r\nMULTI\r\nGET b\r\nEXEC\r\nCLIENT LIST\r\n",
    );
    raw.send(b"HELLO 2 AUTH default secret\r\n");
    for (db, shown) in [
        (0, "\"AUTH\" \"(redacted)\""),
        (3, "\"SELECT\" \"3\""),
        (3, "\"SET\" \"a\\n\" \"1\""),
        (3, "\"MULTI\""),
        (3, "\"GET\" \"b\""),
        (3, "\"EXEC\""),
        (3, "\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\""),
    ] {
        let line = monitor.read_line();
        assert!(line.contains(&format!(" [{db} 127.0.0.1:")) && line.ends_with(shown), "{line}");
    }
    assert_eq!(monitor.line("MULTI"), "+OK");
    assert!(monitor.read_line().ends_with("\"MULTI\""));
    assert_eq!(monitor.line("RESET"), "+RESET");
    assert_eq!(monitor.line("PING"), "-NOAUTH Authentication required.");
}
