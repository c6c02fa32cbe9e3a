//! CLIENT TRACKING and what goes with it.

use crate::harness::{Raw, Server, check, run, wait_until};

fn resp3(server: &Server) -> Raw {
    let mut raw = server.raw();
    assert_eq!(raw.line("HELLO 3"), "%7");
    while raw.read_line() != "*0" {}
    raw
}

fn invalidated(raw: &mut Raw, key: &str) {
    let len = key.len();
    raw.expect(format!(">2\r\n$10\r\ninvalidate\r\n*1\r\n${len}\r\n{key}\r\n").as_bytes());
}

#[test]
fn readers_are_told_once() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    raw.send(b"CLIENT TRACKING on\r\nGET a\r\nGET b\r\n");
    raw.expect(b"+OK\r\n_\r\n_\r\n");
    check(client, &[("SET c 1", "OK"), ("SET a 1", "OK"), ("SET a 2", "OK")]);
    invalidated(&mut raw, "a");
    raw.send(b"SET b 1\r\nPING\r\n");
    raw.expect(b"+OK\r\n");
    raw.expect(b"+PONG\r\n");
    invalidated(&mut raw, "b");
    raw.send(b"CLIENT TRACKING off\r\nGET a\r\nSET a 3\r\nPING\r\n");
    raw.expect(b"+OK\r\n$1\r\n2\r\n+OK\r\n+PONG\r\n");
}

#[test]
fn own_changes_can_be_left_out() {
    let server = Server::start(&[]);
    let mut raw = resp3(&server);
    raw.send(b"CLIENT TRACKING on NOLOOP\r\nGET a\r\nSET a 1\r\nGET b\r\n");
    raw.expect(b"+OK\r\n_\r\n+OK\r\n_\r\n");
    check(&mut server.client(), &[("SET b 1", "OK")]);
    invalidated(&mut raw, "b");
}

#[test]
fn a_broadcast_begins_within_a_transaction() {
    let server = Server::start(&[]);
    let (mut other, mut raw) = (resp3(&server), resp3(&server));
    assert_eq!(other.line("CLIENT TRACKING on"), "+OK");
    raw.send(b"MULTI\r\nSET early 1\r\nCLIENT TRACKING on BCAST\r\nSET late 1\r\nEXEC\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n+OK\r\n+OK\r\n");
    invalidated(&mut raw, "late");
}

#[test]
fn broadcasts_follow_prefixes() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    assert_eq!(raw.line("CLIENT TRACKING on BCAST PREFIX x: PREFIX y:"), "+OK");
    let overlap = "Prefixes for a single client must not overlap.";
    assert_eq!(
        raw.line("CLIENT TRACKING on BCAST PREFIX x"),
        format!("-ERR Prefix 'x' overlaps with an existing prefix 'x:'. {overlap}")
    );
    assert_eq!(
        raw.line("CLIENT TRACKING on BCAST PREFIX x:"),
        format!("-ERR Prefix 'x:' overlaps with an existing prefix 'x:'. {overlap}")
    );
    assert_eq!(
        raw.line("CLIENT TRACKING on BCAST PREFIX zz PREFIX z"),
        format!("-ERR Prefix 'zz' overlaps with another provided prefix 'z'. {overlap}")
    );
    check(client, &[("SET z:1 1", "OK"), ("SET x:1 1", "OK"), ("MULTI", "OK")]);
    check(client, &[("SET y:1 1", "QUEUED"), ("SET y:2 1", "QUEUED"), ("EXEC", "[OK OK]")]);
    invalidated(&mut raw, "x:1");
    raw.expect(b">2\r\n$10\r\ninvalidate\r\n*2\r\n$3\r\ny:1\r\n$3\r\ny:2\r\n");
}

#[test]
fn all_keys_may_be_added_to_prefixes() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    assert_eq!(raw.line("CLIENT TRACKING on BCAST PREFIX l"), "+OK");
    assert_eq!(raw.line("CLIENT TRACKING on BCAST"), "+OK");
    raw.send(b"CLIENT TRACKINGINFO\r\n");
    raw.expect(b"%3\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$5\r\nbcast\r\n$8\r\nredirect\r\n:0\r\n");
    raw.expect(b"$8\r\nprefixes\r\n*2\r\n$0\r\n\r\n$1\r\nl\r\n");
    redis::cmd("SET").arg("").arg("1").exec(client).expect("a key may be empty");
    invalidated(&mut raw, "");
    // With each of its prefixes, a key is told.
    check(client, &[("SET l1 1", "OK")]);
    invalidated(&mut raw, "l1");
    invalidated(&mut raw, "l1");
}

#[test]
fn a_flush_is_told_as_a_whole() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    assert_eq!(raw.line("CLIENT TRACKING on BCAST"), "+OK");
    check(client, &[("SET a 1", "OK"), ("WATCH a", "OK"), ("FLUSHALL", "OK")]);
    invalidated(&mut raw, "a");
    raw.expect(b">2\r\n$10\r\ninvalidate\r\n_\r\n");
    check(client, &[("MULTI", "OK"), ("EXEC", "nil"), ("WATCH a", "OK"), ("SET a 1", "OK")]);
    invalidated(&mut raw, "a");
    check(client, &[("SWAPDB 0 1", "OK"), ("SET b 1", "OK")]);
    invalidated(&mut raw, "b");
}

#[test]
fn keys_can_be_chosen() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    raw.send(b"CLIENT TRACKING on OPTIN\r\nGET a\r\nCLIENT CACHING yes\r\nGET b\r\n");
    raw.expect(b"+OK\r\n_\r\n+OK\r\n_\r\n");
    check(client, &[("SET a 1", "OK"), ("SET b 1", "OK")]);
    invalidated(&mut raw, "b");
    raw.send(b"CLIENT TRACKING off\r\nCLIENT TRACKING on OPTOUT\r\nCLIENT CACHING no\r\n");
    raw.send(b"GET a\r\nGET b\r\n");
    raw.expect(b"+OK\r\n+OK\r\n+OK\r\n$1\r\n1\r\n$1\r\n1\r\n");
    check(client, &[("SET a 1", "OK"), ("SET b 1", "OK")]);
    invalidated(&mut raw, "b");
}

#[test]
fn another_client_can_be_told() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut told = server.raw();
    let id = told.line("CLIENT ID")[1..].to_owned();
    told.send(b"SUBSCRIBE __redis__:invalidate\r\n");
    told.expect(b"*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n");
    check(
        client,
        &[
            ("CLIENT GETREDIR", "-1"),
            (&format!("CLIENT TRACKING on REDIRECT {id}"), "OK"),
            ("CLIENT GETREDIR", &id),
            ("GET a", "nil"),
            ("SET a 1", "OK"),
        ],
    );
    told.expect(b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n");
    let mut raw = resp3(&server);
    raw.send(format!("CLIENT TRACKING on REDIRECT {id}\r\nGET a\r\n").as_bytes());
    raw.expect(b"+OK\r\n$1\r\n1\r\n");
    drop(told);
    wait_until(|| run::<(String, i64)>(client, "PUBSUB NUMSUB __redis__:invalidate").1 == 0);
    check(client, &[("SET a 2", "OK")]);
    raw.expect(format!(">2\r\n$21\r\ntracking-redir-broken\r\n:{id}\r\n").as_bytes());
    raw.send(b"CLIENT TRACKINGINFO\r\n");
    raw.expect(b"%3\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$15\r\nbroken_redirect\r\n");
}

#[test]
fn options_must_go_together() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let switch = "before disabling tracking for this client, and then re-enabling it with a \
                  different mode.";
    check(
        client,
        &[
            ("CLIENT TRACKING x", "(ERR syntax error)"),
            ("CLIENT TRACKING on x", "(ERR syntax error)"),
            (
                "CLIENT TRACKING on REDIRECT 99999",
                "(ERR The client ID you want redirect to does not exist)",
            ),
            ("CLIENT TRACKING off OPTIN OPTOUT", "OK"),
            (
                "CLIENT TRACKING on PREFIX a OPTIN OPTOUT",
                "(ERR PREFIX option requires BCAST mode to be enabled)",
            ),
            (
                "CLIENT TRACKING on BCAST OPTIN",
                "(ERR OPTIN and OPTOUT are not compatible with BCAST)",
            ),
            (
                "CLIENT TRACKING on OPTIN OPTOUT",
                "(ERR You can't specify both OPTIN mode and OPTOUT mode)",
            ),
            (
                "CLIENT CACHING yes",
                "(ERR CLIENT CACHING can be called only when the client is in tracking mode with \
                 OPTIN or OPTOUT mode enabled)",
            ),
            ("CLIENT TRACKINGINFO", "[\"flags\" [\"off\"] \"redirect\" -1 \"prefixes\" []]"),
            ("CLIENT TRACKING on", "OK"),
            (
                "CLIENT CACHING yes",
                "(ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.)",
            ),
            (
                "CLIENT CACHING no",
                "(ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.)",
            ),
            ("CLIENT CACHING x", "(ERR syntax error)"),
            ("CLIENT TRACKING on OPTIN", "OK"),
            (
                "CLIENT CACHING no",
                "(ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.)",
            ),
            (
                "CLIENT TRACKING on BCAST",
                &format!("(ERR You can't switch BCAST mode on/off {switch})"),
            ),
            (
                "CLIENT TRACKING on OPTOUT",
                &format!("(ERR You can't switch OPTIN/OPTOUT mode {switch})"),
            ),
            ("CLIENT CACHING yes", "OK"),
            ("CLIENT TRACKING on OPTIN", "OK"),
            (
                "CLIENT TRACKINGINFO",
                "[\"flags\" [\"on\" \"optin\" \"caching-yes\"] \"redirect\" 0 \"prefixes\" []]",
            ),
            ("RESET", "RESET"),
            ("CLIENT TRACKING on BCAST PREFIX b PREFIX a", "OK"),
            (
                "CLIENT TRACKINGINFO",
                "[\"flags\" [\"on\" \"bcast\"] \"redirect\" 0 \"prefixes\" [\"a\" \"b\"]]",
            ),
        ],
    );
}

#[test]
fn what_was_read_after_its_change_is_not_told() {
    let server = Server::start(&[]);
    let mut raw = resp3(&server);
    raw.send(b"CLIENT TRACKING on\r\nMULTI\r\nSET a 1\r\nGET a\r\nEXEC\r\nPING\r\n");
    raw.expect(b"+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\n1\r\n+PONG\r\n");
    check(&mut server.client(), &[("SET a 2", "OK")]);
    invalidated(&mut raw, "a");
}

#[test]
fn a_served_client_gets_its_reply_first() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    raw.send(b"CLIENT TRACKING on\r\nLRANGE {q}b 0 -1\r\nBLMOVE {q}a {q}b LEFT LEFT 0\r\n");
    raw.expect(b"+OK\r\n*0\r\n");
    wait_until(|| run::<String>(client, "CLIENT LIST").contains("flags=bt"));
    check(client, &[("RPUSH {q}a x", "1")]);
    raw.expect(b"$1\r\nx\r\n");
    invalidated(&mut raw, "{q}b");
}

#[test]
fn what_was_read_before_a_flush_is_told_with_it() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = resp3(&server);
    raw.send(b"CLIENT TRACKING on\r\nMULTI\r\nLLEN {q}a\r\nFLUSHDB\r\nLLEN {q}b\r\nEXEC\r\n");
    raw.expect(b"+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:0\r\n+OK\r\n:0\r\n");
    raw.expect(b">2\r\n$10\r\ninvalidate\r\n_\r\n");
    check(client, &[("RPUSH {q}a 1", "1"), ("RPUSH {q}b 1", "1")]);
    invalidated(&mut raw, "{q}b");
}
