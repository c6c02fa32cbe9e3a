//! Blocking list commands: who waits, who is served, in what order.

use crate::harness::{Raw, Server, check, error, run};

/// A client that has sent `command` and waits; `blocked` is the number of waiting clients then.
fn waiting(server: &Server, command: &str, blocked: usize) -> Raw {
    let mut raw = server.raw();
    raw.send(format!("{command}\r\n").as_bytes());
    server.wait_info("blocked_clients", &blocked.to_string());
    raw
}

#[test]
fn what_is_there_is_taken_at_once() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH b 1 2 3 4 5 6", "6"),
            ("BLPOP a b 0", r#"["b" "1"]"#),
            ("BRPOP a b 0", r#"["b" "6"]"#),
            ("BLMOVE b c LEFT RIGHT 0", r#""2""#),
            ("BRPOPLPUSH b c 0", r#""5""#),
            ("BLMPOP 0 2 a b LEFT COUNT 10", r#"["b" ["3" "4"]]"#),
            ("LRANGE c 0 -1", r#"["5" "2"]"#),
        ],
    );
}

#[test]
fn time_outs_have_nulls_of_their_shape() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    for (command, reply) in [
        ("BLPOP a b 0.01", "*-1"),
        ("BRPOP a 0.01", "*-1"),
        ("BLMPOP 0.01 1 a LEFT", "*-1"),
        ("BLMOVE a b LEFT LEFT 0.01", "*-1"),
        ("BRPOPLPUSH a b 0.001", "*-1"),
    ] {
        assert_eq!(raw.line(command), reply, "{command}");
    }
    server.wait_info("blocked_clients", "0");
}

#[test]
fn bad_time_outs() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("BLPOP a -1", "(ERR timeout is negative)"),
            ("BLPOP a x", "(ERR timeout is not a float or out of range)"),
            ("BLPOP a 0x7FFFFFFFFFFFFFFF", "(ERR timeout is out of range)"),
            ("BRPOP a 1e300", "(ERR timeout is out of range)"),
            ("BLMOVE a b LEFT RIGHT x", "(ERR timeout is not a float or out of range)"),
            ("BLMPOP 0 0 a LEFT", "(ERR numkeys should be greater than 0)"),
            ("BLMPOP x y a LEFT", "(ERR numkeys should be greater than 0)"),
            ("BLMPOP x 1 a UP", "(ERR syntax error)"),
            ("BLMPOP x 1 a LEFT COUNT 0", "(ERR count should be greater than 0)"),
            ("BLMPOP x 1 a LEFT", "(ERR timeout is not a float or out of range)"),
        ],
    );
}

#[test]
fn the_first_to_wait_is_served_first() {
    let server = Server::start(&[]);
    let mut waiters: Vec<Raw> =
        (1..=5).map(|blocked| waiting(&server, "BLPOP q 0", blocked)).collect();
    let client = &mut server.client();
    for (turn, waiter) in waiters.iter_mut().enumerate() {
        run::<()>(client, &format!("RPUSH q {turn}"));
        waiter.expect(format!("*2\r\n$1\r\nq\r\n$1\r\n{turn}\r\n").as_bytes());
    }
    check(client, &[("EXISTS q", "0")]);
}

#[test]
fn one_push_of_several_serves_several() {
    let server = Server::start(&[]);
    let mut first = waiting(&server, "BLPOP q 0", 1);
    let mut second = waiting(&server, "BRPOP q 0", 2);
    let client = &mut server.client();
    check(client, &[("RPUSH q a b c", "3"), ("LRANGE q 0 -1", r#"["b"]"#)]);
    first.expect(b"*2\r\n$1\r\nq\r\n$1\r\na\r\n");
    second.expect(b"*2\r\n$1\r\nq\r\n$1\r\nc\r\n");
}

#[test]
fn a_waiter_on_several_keys_is_served_once() {
    let server = Server::start(&[]);
    let mut waiter = waiting(&server, "BLPOP a b c 0", 1);
    let client = &mut server.client();
    check(client, &[("RPUSH c 1", "1")]);
    waiter.expect(b"*2\r\n$1\r\nc\r\n$1\r\n1\r\n");
    check(client, &[("RPUSH a 2", "1"), ("RPUSH b 3", "1"), ("LLEN a", "1"), ("LLEN b", "1")]);
    assert_eq!(waiter.line("PING"), "+PONG");
}

#[test]
fn moves_chain() {
    let server = Server::start(&[]);
    let mut first = waiting(&server, "BLMOVE a b LEFT LEFT 0", 1);
    let mut second = waiting(&server, "BLMOVE b c LEFT LEFT 0", 2);
    let mut third = waiting(&server, "BRPOP c 0", 3);
    check(&mut server.client(), &[("RPUSH a x", "1"), ("EXISTS a b c", "0")]);
    first.expect(b"$1\r\nx\r\n");
    second.expect(b"$1\r\nx\r\n");
    third.expect(b"*2\r\n$1\r\nc\r\n$1\r\nx\r\n");
}

#[test]
fn a_move_to_another_type_fails_and_takes_nothing() {
    let server = Server::start(&[]);
    let mut mover = waiting(&server, "BLMOVE a s LEFT LEFT 0", 1);
    let mut popper = waiting(&server, "BLPOP a 0", 2);
    let client = &mut server.client();
    check(client, &[("SET s x", "OK"), ("RPUSH a 1", "1")]);
    assert!(mover.read_line().starts_with("-WRONGTYPE"));
    popper.expect(b"*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

#[test]
fn other_commands_serve_too() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (setup, serve) in [
        ("RPUSH from x", "RENAME from q"),
        ("RPUSH from x", "COPY from q REPLACE"),
        ("RPUSH from x", "RPOPLPUSH from q"),
        ("RPUSH other x", "SORT other ALPHA STORE q"),
    ] {
        run::<()>(client, "DEL from other q");
        let mut waiter = waiting(&server, "BLPOP q 0", 1);
        run::<()>(client, setup);
        run::<redis::Value>(client, serve);
        waiter.expect(b"*2\r\n$1\r\nq\r\n$1\r\nx\r\n");
    }
}

#[test]
fn a_transaction_serves_at_its_end() {
    let server = Server::start(&[]);
    let mut waiter = waiting(&server, "BLPOP q 0", 1);
    let client = &mut server.client();
    check(
        client,
        &[
            ("MULTI", "OK"),
            ("RPUSH q a", "QUEUED"),
            ("DEL q", "QUEUED"),
            ("RPUSH q b", "QUEUED"),
            ("EXEC", "[1 1 1]"),
        ],
    );
    waiter.expect(b"*2\r\n$1\r\nq\r\n$1\r\nb\r\n");
}

#[test]
fn nobody_waits_inside_a_transaction() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("MULTI", "OK"),
            ("BLPOP q 0", "QUEUED"),
            ("BLMOVE q r LEFT LEFT 0", "QUEUED"),
            ("EXEC", "[nil nil]"),
        ],
    );
    let mut raw = server.raw();
    for command in ["MULTI", "BLPOP q 0", "BLMOVE q r LEFT LEFT 0"] {
        raw.line(command);
    }
    raw.send(b"EXEC\r\n");
    raw.expect(b"*2\r\n*-1\r\n$-1\r\n");
}

#[test]
fn unblocked_by_another_client() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (command, how, reply) in [
        ("BLPOP q 0", "", "*-1"),
        ("BLPOP q 0", " TIMEOUT", "*-1"),
        ("BLPOP q 0", " ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    ] {
        let mut waiter = server.raw();
        let id = waiter.line("CLIENT ID")[1..].to_owned();
        waiter.send(format!("{command}\r\n").as_bytes());
        server.wait_info("blocked_clients", "1");
        check(client, &[(&format!("CLIENT UNBLOCK {id}{how}"), "1")]);
        assert_eq!(waiter.read_line(), reply);
        check(client, &[(&format!("CLIENT UNBLOCK {id}"), "0")]);
    }
    check(client, &[("CLIENT UNBLOCK 999999", "0")]);
}

#[test]
fn a_client_that_leaves_takes_nothing() {
    let server = Server::start(&[]);
    drop(waiting(&server, "BLPOP q 0", 1));
    server.wait_info("blocked_clients", "0");
    let mut waiter = waiting(&server, "BLPOP q 0", 1);
    check(&mut server.client(), &[("RPUSH q a", "1")]);
    waiter.expect(b"*2\r\n$1\r\nq\r\n$1\r\na\r\n");
}

#[test]
fn requests_behind_a_waiting_one_keep_their_order() {
    let server = Server::start(&[]);
    let mut waiter = waiting(&server, "BLPOP q 0\r\nPING\r\nECHO hi", 1);
    check(&mut server.client(), &[("RPUSH q a", "1")]);
    waiter.expect(b"*2\r\n$1\r\nq\r\n$1\r\na\r\n+PONG\r\n$2\r\nhi\r\n");
}

#[test]
fn who_is_gone_before_its_replies_left_waits_no_more() {
    let server = Server::start(&[]);
    for _ in 0..50 {
        let mut worker = server.raw();
        worker.send(b"PING\r\n");
        // The rest stays unread, so that the system resets the connection when it is closed.
        worker.expect(b"+");
        worker.send(b"LPUSH done 1\r\nBLPOP jobs 0\r\n");
    }
    server.wait_info("connected_clients", "1");
    assert_eq!(server.info("blocked_clients"), "0");
    check(
        &mut server.client(),
        &[("RPUSH jobs a b c", "3"), ("LRANGE jobs 0 -1", r#"["a" "b" "c"]"#)],
    );
}

#[test]
fn databases_are_apart() {
    let server = Server::start(&[]);
    let mut waiter = waiting(&server, "SELECT 3\r\nBLPOP q 0", 1);
    let client = &mut server.client();
    check(client, &[("RPUSH q zero", "1"), ("SELECT 3", "OK"), ("RPUSH q three", "1")]);
    waiter.expect(b"+OK\r\n*2\r\n$1\r\nq\r\n$5\r\nthree\r\n");
    check(client, &[("SELECT 0", "OK"), ("LLEN q", "1")]);
}

#[test]
fn what_was_served_is_gone_after_a_crash() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let mut waiter = waiting(&server, "BLMOVE q active LEFT LEFT 0", 1);
    check(&mut server.client(), &[("RPUSH q a b", "2")]);
    waiter.expect(b"$1\r\na\r\n");
    server.kill();
    server.start_again();
    let client = &mut server.client();
    check(client, &[("LRANGE q 0 -1", r#"["b"]"#), ("LRANGE active 0 -1", r#"["a"]"#)]);
    assert_eq!(error(client, "BLPOP q -1"), "ERR timeout is negative");
}
