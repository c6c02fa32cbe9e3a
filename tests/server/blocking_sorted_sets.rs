//! Waiting for a sorted set.

use crate::harness::{Raw, Server, check, run};

/// A client that has sent `command` and waits; `blocked` is the number of waiting clients then.
fn waiting(server: &Server, command: &str, blocked: usize) -> Raw {
    let mut raw = server.raw();
    raw.send(format!("{command}\r\n").as_bytes());
    server.wait_info("blocked_clients", &blocked.to_string());
    raw
}

fn popped(key: &str, member: &str, score: &str) -> String {
    let (key_len, member_len, score_len) = (key.len(), member.len(), score.len());
    format!("*3\r\n${key_len}\r\n{key}\r\n${member_len}\r\n{member}\r\n${score_len}\r\n{score}\r\n")
}

#[test]
fn what_is_there_is_taken_at_once() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD b 1 x 2 y 3 z 4 w", "4"),
            ("BZPOPMIN a b 0", r#"["b" "x" "1"]"#),
            ("BZPOPMAX a b 0", r#"["b" "w" "4"]"#),
            ("BZMPOP 0 2 a b MIN COUNT 9", r#"["b" [["y" "2"] ["z" "3"]]]"#),
            ("EXISTS b", "0"),
        ],
    );
}

#[test]
fn time_outs_and_bad_ones() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    for (command, reply) in [
        ("BZPOPMIN a b 0.01", "*-1"),
        ("BZPOPMAX a 0.01", "*-1"),
        ("BZMPOP 0.01 1 a MIN", "*-1"),
        ("BZPOPMIN a -1", "-ERR timeout is negative"),
        ("BZPOPMAX a x", "-ERR timeout is not a float or out of range"),
        ("BZMPOP 0 0 a MIN", "-ERR numkeys should be greater than 0"),
        ("BZMPOP 0 1 a UP", "-ERR syntax error"),
        ("BZMPOP x 1 a UP", "-ERR syntax error"),
        ("BZMPOP -1 1 a MIN COUNT 0", "-ERR count should be greater than 0"),
        ("BZMPOP -1 1 a MIN", "-ERR timeout is negative"),
    ] {
        assert_eq!(raw.line(command), reply, "{command}");
    }
    check(&mut server.client(), &[("MULTI", "OK"), ("BZPOPMIN a 0", "QUEUED"), ("EXEC", "[nil]")]);
}

#[test]
fn the_first_to_wait_is_served_first() {
    let server = Server::start(&[]);
    let mut first = waiting(&server, "BZPOPMAX q 0", 1);
    let mut second = waiting(&server, "BZMPOP 0 2 other q MIN COUNT 2", 2);
    let mut third = waiting(&server, "BZPOPMIN q other 0", 3);
    let client = &mut server.client();
    check(client, &[("ZADD q 1 a 2 b 3 c 4 d", "4"), ("EXISTS q", "0")]);
    first.expect(popped("q", "d", "4").as_bytes());
    second
        .expect(b"*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    third.expect(popped("q", "c", "3").as_bytes());
}

#[test]
fn every_way_to_make_a_sorted_set_serves() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<()>(client, "ZADD from 5 x");
    for serve in [
        "ZADD q 5 x",
        "ZINCRBY q 5 x",
        "ZUNIONSTORE q 1 from",
        "ZINTERSTORE q 1 from",
        "ZDIFFSTORE q 1 from",
        "ZRANGESTORE q from 0 -1",
        "COPY from q",
        "RENAME from q",
    ] {
        let mut waiter = waiting(&server, "BZPOPMIN q 0", 1);
        run::<redis::Value>(client, serve);
        waiter.expect(popped("q", "x", "5").as_bytes());
        check(client, &[("EXISTS q", "0")]);
    }
}

#[test]
fn another_type_serves_nobody() {
    let server = Server::start(&[]);
    let mut waiter = waiting(&server, "BZPOPMIN q 0", 1);
    let client = &mut server.client();
    check(client, &[("RPUSH q a", "1"), ("DEL q", "1"), ("ZADD q 1 b", "1")]);
    waiter.expect(popped("q", "b", "1").as_bytes());
}

#[test]
fn a_transaction_serves_at_its_end() {
    let server = Server::start(&[]);
    let mut waiter = waiting(&server, "BZPOPMIN q 0", 1);
    check(
        &mut server.client(),
        &[
            ("MULTI", "OK"),
            ("ZADD q 2 b", "QUEUED"),
            ("ZADD q 1 a", "QUEUED"),
            ("EXEC", "[1 1]"),
            ("ZCARD q", "1"),
        ],
    );
    waiter.expect(popped("q", "a", "1").as_bytes());
}

#[test]
fn what_was_served_is_gone_after_a_crash() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let mut waiter = waiting(&server, "BZMPOP 0 1 q MAX COUNT 2", 1);
    check(&mut server.client(), &[("ZADD q 1 a 2 b 3 c", "3")]);
    waiter
        .expect(b"*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("ZRANGE q 0 -1", r#"["a"]"#)]);
}
