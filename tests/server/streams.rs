//! XADD, XRANGE, XREVRANGE, XLEN, XREAD, XDEL, XDELEX, XTRIM, XSETID, XINFO STREAM.

use crate::harness::{Server, check, run};

#[test]
fn entries_are_added_and_read() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("XADD s 1-1 a 1 b 2", "\"1-1\""),
            ("XADD s 1-* a 3", "\"1-2\""),
            ("XADD s 2-* a 4", "\"2-0\""),
            ("XADD s 3 c 5", "\"3-0\""),
            ("XLEN s", "4"),
            (
                "XRANGE s - +",
                r#"[["1-1" ["a" "1" "b" "2"]] ["1-2" ["a" "3"]] ["2-0" ["a" "4"]] ["3-0" ["c" "5"]]]"#,
            ),
            ("XRANGE s (1-1 2", r#"[["1-2" ["a" "3"]] ["2-0" ["a" "4"]]]"#),
            ("XRANGE s 1 (2-0 COUNT 1", r#"[["1-1" ["a" "1" "b" "2"]]]"#),
            ("XREVRANGE s + - COUNT 2", r#"[["3-0" ["c" "5"]] ["2-0" ["a" "4"]]]"#),
            ("XREVRANGE s (3-0 (1-1", r#"[["2-0" ["a" "4"]] ["1-2" ["a" "3"]]]"#),
            ("XRANGE s - + COUNT 0", "nil"),
            ("XRANGE none - +", "[]"),
            ("XREAD COUNT 1 STREAMS s none 1-1 0", r#"[["s" [["1-2" ["a" "3"]]]]]"#),
            ("XREAD STREAMS s 3-0", "nil"),
            ("XREAD STREAMS s +", r#"[["s" [["3-0" ["c" "5"]]]]]"#),
            ("XREAD STREAMS s $", "nil"),
            ("XADD none NOMKSTREAM * a 1", "nil"),
            ("XLEN none", "0"),
        ],
    );
    let id: String = run(client, "XADD s * a 1");
    assert!(id.ends_with("-0") && id.len() > 13, "{id}");
    check(
        &mut server.client_resp3(),
        &[
            ("XREAD COUNT 1 STREAMS s 2", r#"{"s":[["3-0" ["c" "5"]]]}"#),
            ("XREAD STREAMS s $", "nil"),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn wrong_requests_are_refused() {
    let server = Server::start(&[]);
    let invalid = "(ERR Invalid stream ID specified as stream command argument)";
    let smaller =
        "(ERR The ID specified in XADD is equal or smaller than the target stream top item)";
    let arity = "(ERR wrong number of arguments for 'xadd' command)";
    let wrong_type = "(WRONGTYPE Operation against a key holding the wrong kind of value)";
    check(
        &mut server.client(),
        &[
            ("SET string x", "OK"),
            ("XADD s 5-5 a 1", "\"5-5\""),
            ("XADD s 5-5 a 1", smaller),
            ("XADD s 5-4 a 1", smaller),
            ("XADD s 4-* a 1", smaller),
            ("XADD s 0-0 a 1", "(ERR The ID specified in XADD must be greater than 0-0)"),
            ("XADD new 0-0 a 1", "(ERR The ID specified in XADD must be greater than 0-0)"),
            ("DBSIZE", "2"),
            ("XADD s x a 1", invalid),
            ("XADD s 1-2-* a 1", invalid),
            ("XADD s * a", arity),
            ("XADD s * a 1 b", arity),
            ("XADD s MAXLEN 5 * a", arity),
            ("XADD s MAXLEN -1 * a 1", "(ERR The MAXLEN argument must be >= 0.)"),
            (
                "XADD s LIMIT 5 * a 1",
                "(ERR syntax error, LIMIT cannot be used without specifying a trimming strategy)",
            ),
            (
                "XADD s MAXLEN 5 LIMIT 5 * a 1",
                "(ERR syntax error, LIMIT cannot be used without the special ~ option)",
            ),
            (
                "XADD s MINID 20-1 LIMIT 3",
                "(ERR syntax error, LIMIT cannot be used without the special ~ option)",
            ),
            ("XADD s MAXLEN ~ 5", arity),
            (
                "XTRIM s MAXLEN 5 MINID 5",
                "(ERR syntax error, MAXLEN and MINID options at the same time are not compatible)",
            ),
            (
                "XTRIM s LIMIT 5",
                "(ERR syntax error, LIMIT cannot be used without specifying a trimming strategy)",
            ),
            ("XTRIM s MAXLEN x", "(ERR value is not an integer or out of range)"),
            ("XTRIM s NOPE 5", "(ERR syntax error)"),
            ("XADD string * a 1", wrong_type),
            ("XLEN string", wrong_type),
            ("XRANGE string - +", wrong_type),
            ("XDEL string 1", wrong_type),
            ("XREAD STREAMS string 0", wrong_type),
            (
                "XRANGE s (18446744073709551615-18446744073709551615 +",
                "(ERR invalid start ID for the interval)",
            ),
            ("XRANGE s - (0-0", "(ERR invalid end ID for the interval)"),
            ("XRANGE s - + COUNT", "(ERR syntax error)"),
            ("XRANGE s ( +", invalid),
            ("XREAD STREAMS s", "(ERR wrong number of arguments for 'xread' command)"),
            (
                "XREAD STREAMS s t 0",
                "(ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.)",
            ),
            (
                "XREAD STREAMS s >",
                "(ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.)",
            ),
            ("XREAD BLOCK -1 STREAMS s 0", "(ERR timeout is negative)"),
            ("XREAD BLOCK x STREAMS s 0", "(ERR timeout is not an integer or out of range)"),
            ("XREAD COUNT 1 BLOCK 1", "(ERR syntax error)"),
            (
                "XADD s 18446744073709551615-18446744073709551615 a 1",
                "\"18446744073709551615-18446744073709551615\"",
            ),
            (
                "XADD s * a 1",
                "(ERR The stream has exhausted the last possible ID, unable to add more items)",
            ),
        ],
    );
}

#[test]
fn entries_are_removed_and_trimmed() {
    let server = Server::start(&["--stream-node-max-entries", "3"]);
    let client = &mut server.client();
    for n in 1..=10 {
        run::<String>(client, &format!("XADD s {n} n {n}"));
    }
    check(
        client,
        &[
            ("XDEL s 4 5 99 4", "2"),
            ("XLEN s", "8"),
            ("XTRIM s MAXLEN ~ 4", "4"),
            (
                "XRANGE s - +",
                r#"[["7-0" ["n" "7"]] ["8-0" ["n" "8"]] ["9-0" ["n" "9"]] ["10-0" ["n" "10"]]]"#,
            ),
            ("XTRIM s MAXLEN = 3", "1"),
            ("XTRIM s MINID 9", "1"),
            ("XTRIM s MAXLEN 2", "0"),
            ("XADD s MAXLEN 2 11 n 11", "\"11-0\""),
            ("XRANGE s - +", r#"[["10-0" ["n" "10"]] ["11-0" ["n" "11"]]]"#),
            ("XADD s MINID ~ 12 12 n 12", "\"12-0\""),
            ("XLEN s", "3"),
            ("XDEL s 10 11 12", "3"),
            ("XLEN s", "0"),
            ("DBSIZE", "1"),
            (
                "XADD s 12 n 12",
                "(ERR The ID specified in XADD is equal or smaller than the target stream top item)",
            ),
            ("XTRIM none MAXLEN 0", "0"),
            ("XDEL none 1", "0"),
        ],
    );
}

#[test]
fn a_stream_tells_about_itself() {
    let server = Server::start(&[]);
    let client = &mut server.client_resp3();
    for n in 1..=3 {
        run::<String>(client, &format!("XADD s {n} n {n}"));
    }
    check(
        client,
        &[
            ("XDEL s 1", "1"),
            (
                "XINFO STREAM s",
                r#"{"length":2 "radix-tree-keys":1 "radix-tree-nodes":2 "last-generated-id":"3-0" "max-deleted-entry-id":"1-0" "entries-added":3 "recorded-first-entry-id":"2-0" "groups":0 "first-entry":["2-0" ["n" "2"]] "last-entry":["3-0" ["n" "3"]]}"#,
            ),
            ("XSETID s 9 ENTRIESADDED 7 MAXDELETEDID 5", "OK"),
            (
                "XINFO STREAM s FULL COUNT 1",
                r#"{"length":2 "radix-tree-keys":1 "radix-tree-nodes":2 "last-generated-id":"9-0" "max-deleted-entry-id":"5-0" "entries-added":7 "recorded-first-entry-id":"2-0" "entries":[["2-0" ["n" "2"]]] "groups":[]}"#,
            ),
            (
                "XSETID s 4",
                "(ERR The ID specified in XSETID is smaller than current max_deleted_entry_id)",
            ),
            (
                "XSETID s 9 ENTRIESADDED 1",
                "(ERR The entries_added specified in XSETID is smaller than the target stream length)",
            ),
            (
                "XSETID s 9 MAXDELETEDID 10",
                "(ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id)",
            ),
            ("XSETID none 1", "(ERR no such key)"),
            ("XINFO STREAM none", "(ERR no such key)"),
            (
                "XINFO STREAM s NOPE",
                "(ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.)",
            ),
            ("XINFO NOPE s", "(ERR unknown subcommand 'NOPE'. Try XINFO HELP.)"),
        ],
    );
    let help: Vec<String> = run(client, "XINFO HELP");
    assert!(help.iter().any(|line| line.starts_with("STREAM ")), "{help:?}");
}

#[test]
fn entries_go_with_their_references() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for n in 1..=6 {
        run::<String>(client, &format!("XADD s {n} n {n}"));
    }
    check(
        client,
        &[
            ("XDELEX s ACKED IDS 1 1", "[2]"),
            ("XGROUP CREATE s g 0", "OK"),
            ("XGROUP CREATE s h 0", "OK"),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", r#"[["s" [["1-0" ["n" "1"]]]]]"#),
            ("XREADGROUP GROUP h c COUNT 1 STREAMS s >", r#"[["s" [["1-0" ["n" "1"]]]]]"#),
            ("XACKDEL s g ACKED IDS 2 1 2", "[2 -1]"),
            ("XACKDEL s h ACKED IDS 1 1", "[1]"),
            ("XLEN s", "5"),
            (
                "XREADGROUP GROUP g c COUNT 3 STREAMS s >",
                r#"[["s" [["2-0" ["n" "2"]] ["3-0" ["n" "3"]] ["4-0" ["n" "4"]]]]]"#,
            ),
            ("XDELEX s IDS 2 2 99", "[1 -1]"),
            ("XPENDING s g", r#"[3 "2-0" "4-0" [["c" "3"]]]"#),
            ("XDELEX s DELREF IDS 2 2 3", "[-1 1]"),
            ("XPENDING s g", r#"[1 "4-0" "4-0" [["c" "1"]]]"#),
            ("XTRIM s MAXLEN 1 ACKED", "0"),
            (
                "XREADGROUP GROUP h c NOACK STREAMS s >",
                r#"[["s" [["4-0" ["n" "4"]] ["5-0" ["n" "5"]] ["6-0" ["n" "6"]]]]]"#,
            ),
            (
                "XREADGROUP GROUP g c NOACK STREAMS s >",
                r#"[["s" [["5-0" ["n" "5"]] ["6-0" ["n" "6"]]]]]"#,
            ),
            ("XTRIM s MAXLEN 0 ACKED", "2"),
            ("XRANGE s - +", r#"[["4-0" ["n" "4"]]]"#),
            ("XADD s DELREF MAXLEN 1 7 n 7", "\"7-0\""),
            ("XPENDING s g", "[0 nil nil nil]"),
            ("XDELEX none IDS 1 1", "[-1]"),
            ("XACKDEL none g IDS 1 1", "[-1]"),
            ("XACKDEL s nope IDS 1 1", "(NOGROUP No such key 's' or consumer group 'nope')"),
            ("XDELEX s IDS 0 1", "(ERR Number of IDs must be a positive integer)"),
            ("XDELEX s IDS 2 1", "(ERR The `numids` parameter must match the number of arguments)"),
            ("XDELEX s NOPE IDS 1", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn streams_survive_a_restart() {
    let mut server = Server::start(&["--stream-node-max-entries", "5"]);
    let client = &mut server.client();
    for n in 1..=40 {
        let trim = if n % 3 == 0 { "MAXLEN ~ 12" } else { "NOMKSTREAM" };
        let trim = if n == 1 { "KEEPREF" } else { trim };
        run::<String>(client, &format!("XADD s {trim} * n {n}"));
    }
    run::<i64>(client, "XTRIM s MAXLEN ~ 11 LIMIT 5");
    run::<String>(client, "XADD s MINID ~ 2-0 * last one");
    run::<String>(client, "XADD empty MAXLEN 0 5-5 a b");
    run::<String>(client, "XSETID empty 9-9");
    let tell = |client: &mut redis::Connection| {
        ["XINFO STREAM s FULL COUNT 0", "XINFO STREAM empty FULL", "XRANGE s - +"]
            .map(|line| crate::harness::show(&run(client, line)))
    };
    let before = tell(client);
    server.kill();
    server.start_again();
    assert_eq!(tell(&mut server.client()), before);
}

#[test]
fn an_entry_added_where_nothing_may_be_trimmed_is_logged_alone() {
    let mut server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("XADD s 1 a 1", "\"1-0\""),
            ("XGROUP CREATE s g 0", "OK"),
            ("XADD s ACKED MAXLEN = 1 2 a 2", "\"2-0\""),
        ],
    );
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("XLEN s", "2")]);
}
