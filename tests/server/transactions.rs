//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use crate::harness::{Server, check, error, run};

const ABORTED: &str = "EXECABORT Transaction discarded because of previous errors.";

#[test]
fn queued_commands_run_as_one() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("GET a", "QUEUED"),
            ("RPUSH l x y", "QUEUED"),
            ("EXEC", r#"[OK "1" 2]"#),
            ("GET a", r#""1""#),
            ("MULTI", "OK"),
            ("EXEC", "[]"),
        ],
    );
}

#[test]
fn a_failing_command_does_not_stop_the_others() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    for line in ["MULTI", "SET a x", "LPUSH a 1", "INCR a", "SET b y"] {
        raw.line(line);
    }
    raw.send(b"EXEC\r\n");
    raw.expect(
        b"*4\r\n+OK\r\n\
        -WRONGTYPE Operation against a key holding the wrong kind of value\r\n\
        -ERR value is not an integer or out of range\r\n+OK\r\n",
    );
}

#[test]
fn a_refused_command_aborts() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (bad, text) in [
        ("SET a", "ERR wrong number of arguments for 'set' command"),
        ("NOPE", "ERR unknown command 'NOPE', with args beginning with: "),
    ] {
        check(client, &[("MULTI", "OK"), ("SET a 1", "QUEUED")]);
        assert_eq!(error(client, bad), text);
        assert_eq!(error(client, "EXEC"), ABORTED);
        check(client, &[("GET a", "nil"), ("SET b 1", "OK")]);
    }
}

#[test]
fn a_refused_end_leaves_the_transaction_open() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for name in ["DISCARD", "RESET", "UNWATCH"] {
        let text = format!("ERR wrong number of arguments for '{}' command", name.to_lowercase());
        check(client, &[("MULTI", "OK")]);
        assert_eq!(error(client, &format!("{name} x")), text);
        check(client, &[("SET a 1", "QUEUED")]);
        assert_eq!(error(client, "EXEC"), ABORTED);
        check(client, &[("GET a", "nil")]);
    }
    check(client, &[("MULTI", "OK"), ("SET a 1", "QUEUED")]);
    let text = "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' \
                command";
    assert_eq!(error(client, "EXEC x"), text);
    check(client, &[("EXEC", "(ERR EXEC without MULTI)"), ("GET a", "nil")]);
}

#[test]
fn rules() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("EXEC", "(ERR EXEC without MULTI)"),
            ("DISCARD", "(ERR DISCARD without MULTI)"),
            ("MULTI", "OK"),
            ("MULTI", "(ERR MULTI calls can not be nested)"),
            ("WATCH a", "(ERR WATCH inside MULTI is not allowed)"),
            ("SET a 1", "QUEUED"),
            ("UNWATCH", "QUEUED"),
            ("EXEC", "[OK OK]"),
            ("MULTI", "OK"),
            ("SET a 2", "QUEUED"),
            ("DISCARD", "OK"),
            ("GET a", r#""1""#),
        ],
    );
}

#[test]
fn a_watched_key_that_changes_stops_the_transaction() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let other = &mut server.client();
    for change in ["SET k 2", "DEL k", "EXPIRE k 1000", "RENAME k k2", "FLUSHALL", "SWAPDB 0 1"] {
        run::<()>(client, "FLUSHALL");
        check(client, &[("SET k 1", "OK"), ("WATCH k other", "OK")]);
        run::<redis::Value>(other, change);
        check(client, &[("MULTI", "OK"), ("SET ran yes", "QUEUED"), ("EXEC", "nil")]);
        check(client, &[("GET ran", "nil")]);
        check(client, &[("MULTI", "OK"), ("SET ran yes", "QUEUED"), ("EXEC", "[OK]")]);
    }
}

#[test]
fn watches_end() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let other = &mut server.client();
    for ending in ["UNWATCH", "DISCARD", "EXEC"] {
        check(client, &[("WATCH k", "OK")]);
        run::<()>(other, "SET k 2");
        if ending != "UNWATCH" {
            check(client, &[("MULTI", "OK")]);
        }
        run::<redis::Value>(client, ending);
        check(client, &[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
    }
}

#[test]
fn own_changes_count_too() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("WATCH k", "OK"),
            ("SET k 1", "OK"),
            ("MULTI", "OK"),
            ("GET k", "QUEUED"),
            ("EXEC", "nil"),
        ],
    );
}

#[test]
fn a_key_that_expires_counts_as_changed() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SET k 1 PX 20", "OK"), ("WATCH k", "OK")]);
    let other = &mut server.client();
    crate::harness::wait_until(|| run::<i64>(other, "EXISTS k") == 0);
    check(client, &[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "nil")]);
}

#[test]
fn databases_change_inside() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("MULTI", "OK"),
            ("SET k zero", "QUEUED"),
            ("SELECT 1", "QUEUED"),
            ("SET k one", "QUEUED"),
            ("EXEC", "[OK OK OK]"),
            ("GET k", r#""one""#),
            ("SELECT 0", "OK"),
            ("GET k", r#""zero""#),
        ],
    );
}

#[test]
fn a_transaction_comes_back_whole() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    check(
        &mut server.client(),
        &[
            ("MULTI", "OK"),
            ("RPUSH q 1 2 3", "QUEUED"),
            ("LPOP q", "QUEUED"),
            ("SELECT 2", "QUEUED"),
            ("SET k v", "QUEUED"),
            ("EXEC", r#"[3 "1" OK OK]"#),
        ],
    );
    server.kill();
    server.start_again();
    check(
        &mut server.client(),
        &[("LRANGE q 0 -1", r#"["2" "3"]"#), ("SELECT 2", "OK"), ("GET k", r#""v""#)],
    );
}

#[test]
fn an_end_that_is_refused_says_so_without_a_transaction_too() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let because = "(EXECABORT Transaction discarded because of:";
    check(
        client,
        &[
            ("EXEC x", &format!("{because} wrong number of arguments for 'exec' command)")),
            ("EXEC", "(ERR EXEC without MULTI)"),
            ("DISCARD x", "(ERR wrong number of arguments for 'discard' command)"),
        ],
    );
    run::<()>(client, "ACL SETUSER default -exec");
    let error = error(client, "EXEC");
    assert!(error.starts_with(&because[1..]) && error.contains("NOPERM"), "{error}");
}

#[test]
fn settings_of_a_stream_are_no_change_of_the_key() {
    let server = Server::start(&["--appendonly", "yes"]);
    let client = &mut server.client();
    let other = &mut server.client();
    check(client, &[("XGROUP CREATE s g $ MKSTREAM", "OK")]);
    for line in ["XSETID s 5-5", "XGROUP DESTROY s g"] {
        check(client, &[("WATCH s", "OK")]);
        run::<redis::Value>(other, line);
        check(client, &[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
    }
}
