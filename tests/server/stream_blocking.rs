//! XREAD and XREADGROUP that wait.

use crate::harness::{Raw, Server, check, run, wait_until};

/// A client that has sent `command` and waits; `blocked` is the number of waiting clients then.
fn waiting(server: &Server, command: &str, blocked: usize) -> Raw {
    let mut raw = server.raw();
    raw.send(format!("{command}\r\n").as_bytes());
    server.wait_info("blocked_clients", &blocked.to_string());
    raw
}

/// The reply with one entry `id` of stream `key`, with the field `f` and this value.
fn entry(key: &str, id: &str, value: &str) -> String {
    format!(
        "*1\r\n*2\r\n${}\r\n{key}\r\n*1\r\n*2\r\n${}\r\n{id}\r\n*2\r\n$1\r\nf\r\n${}\r\n{value}\r\n",
        key.len(),
        id.len(),
        value.len(),
    )
}

#[test]
fn all_readers_get_what_is_added() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<String>(client, "XADD s 1 f old");
    let mut new = waiting(&server, "XREAD BLOCK 0 STREAMS s $", 1);
    let mut later = waiting(&server, "XREAD BLOCK 0 STREAMS s 2", 2);
    let mut other = waiting(&server, "XREAD BLOCK 0 COUNT 5 STREAMS t s $ $", 3);
    let mut first = waiting(&server, "XREAD BLOCK 0 STREAMS u +", 4);
    run::<String>(client, "XADD s 2 f a");
    new.expect(entry("s", "2-0", "a").as_bytes());
    other.expect(entry("s", "2-0", "a").as_bytes());
    server.wait_info("blocked_clients", "2");
    run::<String>(client, "XADD s 3 f b");
    later.expect(entry("s", "3-0", "b").as_bytes());
    run::<String>(client, "XADD u 7 f c");
    first.expect(entry("u", "7-0", "c").as_bytes());
}

#[test]
fn waiting_again_sees_only_what_is_new() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = waiting(&server, "XREAD BLOCK 0 STREAMS s $", 1);
    check(client, &[("MULTI", "OK"), ("XADD s 1 f a", "QUEUED"), ("DEL s", "QUEUED")]);
    run::<redis::Value>(client, "EXEC");
    run::<i64>(client, "LPUSH s x");
    run::<i64>(client, "DEL s");
    run::<String>(client, "XADD s MAXLEN 0 2 f b");
    server.wait_info("blocked_clients", "1");
    run::<String>(client, "XADD s 3 f c");
    raw.expect(entry("s", "3-0", "c").as_bytes());
}

#[test]
fn consumers_are_served_in_order() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for group in ["g", "h"] {
        run::<()>(client, &format!("XGROUP CREATE s {group} $ MKSTREAM"));
    }
    let mut anna = waiting(&server, "XREADGROUP GROUP g anna BLOCK 0 STREAMS s >", 1);
    let mut bob = waiting(&server, "XREADGROUP GROUP g bob BLOCK 0 COUNT 1 STREAMS s >", 2);
    let mut carl = waiting(&server, "XREADGROUP GROUP h carl BLOCK 0 STREAMS s >", 3);
    run::<String>(client, "XADD s 1 f a");
    anna.expect(entry("s", "1-0", "a").as_bytes());
    carl.expect(entry("s", "1-0", "a").as_bytes());
    server.wait_info("blocked_clients", "1");
    run::<String>(client, "XADD s 2 f b");
    bob.expect(entry("s", "2-0", "b").as_bytes());
    check(client, &[("XPENDING s g", r#"[2 "1-0" "2-0" [["anna" "1"] ["bob" "1"]]]"#)]);
}

#[test]
fn consumers_hear_of_the_end_of_their_group() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let no_group =
        b"-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n";
    let wrong_type = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    for (end, reply) in [
        ("XGROUP DESTROY s g", &no_group[..]),
        ("DEL s", no_group),
        ("RENAME s t", no_group),
        ("FLUSHALL", no_group),
        ("SWAPDB 0 9", no_group),
        ("SET s x", wrong_type),
    ] {
        run::<()>(client, "XGROUP CREATE s g $ MKSTREAM");
        let mut raw = waiting(&server, "XREADGROUP GROUP g anna BLOCK 0 STREAMS s >", 1);
        run::<redis::Value>(client, end);
        raw.expect(reply);
        run::<i64>(client, "DEL s");
    }
}

#[test]
fn time_outs_have_a_null() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<()>(client, "XGROUP CREATE s g $ MKSTREAM");
    let mut raw = server.raw();
    assert_eq!(raw.line("XREAD BLOCK 5 STREAMS s $"), "*-1");
    assert_eq!(raw.line("XREADGROUP GROUP g anna BLOCK 5 STREAMS s >"), "*-1");
    raw.send(b"HELLO 3\r\n");
    let mut resp3 = server.client_resp3();
    check(&mut resp3, &[("XREAD BLOCK 5 STREAMS s $", "nil")]);
    check(client, &[("MULTI", "OK"), ("XREAD BLOCK 0 STREAMS s $", "QUEUED"), ("EXEC", "[nil]")]);
}

#[test]
fn what_a_waiting_consumer_got_survives_a_kill() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    run::<()>(client, "XGROUP CREATE s g $ MKSTREAM");
    let mut raw = waiting(&server, "XREADGROUP GROUP g anna BLOCK 0 STREAMS s >", 1);
    run::<String>(client, "XADD s 1 f a");
    raw.expect(entry("s", "1-0", "a").as_bytes());
    server.kill();
    server.start_again();
    check(
        &mut server.client(),
        &[
            ("XPENDING s g", r#"[1 "1-0" "1-0" [["anna" "1"]]]"#),
            ("XREADGROUP GROUP g bob STREAMS s >", "nil"),
            ("XREADGROUP GROUP g anna STREAMS s 0", r#"[["s" [["1-0" ["f" "a"]]]]]"#),
        ],
    );
}

#[test]
fn waiting_consumers_claim_what_becomes_idle() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<String>(client, "XADD s 1 f a");
    run::<()>(client, "XGROUP CREATE s g 0");
    let mut bob = waiting(&server, "XREADGROUP GROUP g bob BLOCK 0 CLAIM 30 STREAMS t s > >", 0);
    bob.expect(b"-NOGROUP");
    let mut client2 = server.client();
    check(
        &mut client2,
        &[("XREADGROUP GROUP g anna STREAMS s >", r#"[["s" [["1-0" ["f" "a"]]]]]"#)],
    );
    let mut carl = server.raw();
    let reply = carl.line("XREADGROUP GROUP g carl BLOCK 0 CLAIM 30 STREAMS s >");
    assert_eq!(reply, "*1");
    check(client, &[("XPENDING s g", r#"[1 "1-0" "1-0" [["carl" "1"]]]"#)]);
    run::<i64>(client, "XACK s g 1");
    let mut raw = server.raw();
    assert_eq!(raw.line("XREADGROUP GROUP g carl BLOCK 50 CLAIM 30 STREAMS s >"), "*-1");
}

#[test]
fn one_entry_wakes_one_of_many_consumers() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<()>(client, "XGROUP CREATE s g $ MKSTREAM");
    run::<()>(client, "XGROUP CREATE s h $");
    let mut raws: Vec<Raw> = (1..=10)
        .map(|n| {
            let group = if n % 2 == 0 { "g" } else { "h" };
            let command = format!("XREADGROUP GROUP {group} c{n} BLOCK 0 COUNT 1 STREAMS s >");
            waiting(&server, &command, n)
        })
        .collect();
    for n in 0..5 {
        run::<String>(client, &format!("XADD s {} f a", n + 1));
        server.wait_info("blocked_clients", &(8 - 2 * n).to_string());
        for raw in &mut raws[2 * n..2 * n + 2] {
            raw.expect(entry("s", &format!("{}-0", n + 1), "a").as_bytes());
        }
    }
}

#[test]
fn consumers_of_several_streams_notice_that_one_expires() {
    // They lie in several shards, and it expires by itself or when looked at.
    for active in [1, 0] {
        let server = Server::start(&["--enable-debug-command", "yes"]);
        let client = &mut server.client();
        run::<()>(client, &format!("DEBUG SET-ACTIVE-EXPIRE {active}"));
        for n in 0..8 {
            run::<()>(client, &format!("XGROUP CREATE s{n} g $ MKSTREAM"));
        }
        let command =
            "XREADGROUP GROUP g c BLOCK 0 STREAMS s0 s1 s2 s3 s4 s5 s6 s7 > > > > > > > >";
        let mut raw = waiting(&server, command, 1);
        run::<()>(client, "PEXPIRE s7 20");
        wait_until(|| run::<i64>(client, "EXISTS s7") == 0);
        raw.expect(b"-NOGROUP");
        server.wait_info("blocked_clients", "0");
    }
}
