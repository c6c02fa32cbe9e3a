//! SORT and SORT_RO.

use crate::harness::{Server, check, run};

#[test]
fn by_number_and_by_text() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list 10 9 2.5 -1 100");
    run::<i64>(client, "RPUSH words b a10 a9 c");
    run::<i64>(client, "SADD set 3 1 2");
    run::<i64>(client, "ZADD zset 1 c 2 b 3 a");
    check(
        client,
        &[
            ("SORT list", r#"["-1" "2.5" "9" "10" "100"]"#),
            ("SORT list DESC", r#"["100" "10" "9" "2.5" "-1"]"#),
            ("SORT list ALPHA", r#"["-1" "10" "100" "2.5" "9"]"#),
            ("SORT list LIMIT 1 2", r#"["2.5" "9"]"#),
            ("SORT list LIMIT 4 10", r#"["100"]"#),
            ("SORT list LIMIT 5 10", "[]"),
            ("SORT list LIMIT 3 -1", r#"["10" "100"]"#),
            ("SORT words ALPHA", r#"["a10" "a9" "b" "c"]"#),
            ("SORT words", "(ERR One or more scores can't be converted into double)"),
            ("SORT set DESC", r#"["3" "2" "1"]"#),
            ("SORT zset ALPHA", r#"["a" "b" "c"]"#),
            ("SORT zset BY nosort", r#"["c" "b" "a"]"#),
            ("SORT zset BY nosort DESC LIMIT 0 2", r#"["a" "b"]"#),
            ("SORT list BY nosort", r#"["10" "9" "2.5" "-1" "100"]"#),
            ("SORT list BY nosort DESC", r#"["100" "-1" "2.5" "9" "10"]"#),
            ("SORT list BY nosort DESC LIMIT 1 2", r#"["-1" "2.5"]"#),
            ("SORT list BY nosort DESC LIMIT 0 2 STORE stored", "2"),
            ("LRANGE stored 0 -1", r#"["100" "-1"]"#),
            ("SORT nope", "[]"),
            ("SORT_RO list LIMIT 0 1", r#"["-1"]"#),
            ("SORT_RO list STORE x", "(ERR syntax error)"),
            ("SORT list LIMIT 0", "(ERR syntax error)"),
            ("SORT list WHAT", "(ERR syntax error)"),
            ("SET string x", "OK"),
            ("SORT string", "(WRONGTYPE Operation against a key holding the wrong kind of value)"),
        ],
    );
}

#[test]
fn by_other_keys_in_all_shards() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list 1 2 3 4");
    run::<()>(client, "MSET weight_1 30 weight_2 20 weight_3 10 name_1 one name_2 two");
    for (n, rank) in [(1, "b"), (2, "d"), (3, "a"), (4, "c")] {
        run::<i64>(client, &format!("HSET hash_{n} rank {rank} n {n}"));
    }
    check(
        client,
        &[
            ("SORT list BY weight_*", r#"["4" "3" "2" "1"]"#),
            ("SORT list BY weight_* GET name_* GET #", r#"[nil "4" nil "3" "two" "2" "one" "1"]"#),
            ("SORT list BY hash_*->rank ALPHA", r#"["3" "1" "4" "2"]"#),
            ("SORT list BY hash_*->n DESC GET hash_*->rank", r#"["c" "a" "d" "b"]"#),
            ("SORT list BY nope_* ALPHA DESC", r#"["1" "2" "3" "4"]"#),
            ("SORT list GET hash_*->nope LIMIT 0 1", "[nil]"),
            ("SORT list GET fixed LIMIT 0 1", "[nil]"),
            ("SORT_RO list BY weight_* LIMIT 0 1 GET name_*", "[nil]"),
        ],
    );
}

#[test]
fn stored_lists() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list 3 1 2");
    check(
        client,
        &[
            ("SET sorted x EX 100", "OK"),
            ("SORT list STORE sorted", "3"),
            ("LRANGE sorted 0 -1", r#"["1" "2" "3"]"#),
            ("TTL sorted", "-1"),
            ("SET name_1 one", "OK"),
            ("SORT list GET name_* STORE names", "3"),
            ("LRANGE names 0 -1", r#"["one" "" ""]"#),
            ("RPUSH gone x", "1"),
            ("SORT nope STORE gone", "0"),
            ("EXISTS gone", "0"),
            ("SADD set c a b", "3"),
            ("SORT set BY nosort STORE members", "3"),
            ("LRANGE members 0 -1", r#"["a" "b" "c"]"#),
        ],
    );
    server.kill();
    server.start_again();
    check(
        &mut server.client(),
        &[
            ("LRANGE sorted 0 -1", r#"["1" "2" "3"]"#),
            ("LRANGE names 0 -1", r#"["one" "" ""]"#),
            ("EXISTS gone", "0"),
        ],
    );
}

#[test]
fn a_stored_list_serves_who_waits_for_it() {
    let server = Server::start(&[]);
    let mut waiting = server.raw();
    waiting.send(b"BLPOP sorted 0\r\n");
    server.wait_info("blocked_clients", "1");
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list 3 1 2");
    check(client, &[("SORT list STORE sorted", "3")]);
    waiting.expect(b"*2\r\n$6\r\nsorted\r\n$1\r\n1\r\n");
}
