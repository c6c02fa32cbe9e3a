//! The group `string`.

use crate::harness::{Server, check, run, wait_until};

#[test]
fn set_with_its_options() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SET a 1", "OK"),
            ("SET a 2 NX", "nil"),
            ("SET a 2 XX", "OK"),
            ("SET b 1 XX", "nil"),
            ("GET b", "nil"),
            ("SET b 1 NX", "OK"),
            ("SET a 3 GET", "\"2\""),
            ("SET new 1 GET", "nil"),
            ("SET a 4 NX GET", "\"3\""),
            ("SET c 4 XX GET", "nil"),
            ("GET c", "nil"),
            ("SET a 5 EX 100", "OK"),
            ("TTL a", "100"),
            ("SET a 6 KEEPTTL", "OK"),
            ("TTL a", "100"),
            ("SET a 7", "OK"),
            ("TTL a", "-1"),
            ("SET a 8 pxat 33177117420000", "OK"),
            ("PEXPIRETIME a", "33177117420000"),
            ("SET a 8 EXAT 33177117420", "OK"),
            ("EXPIRETIME a", "33177117420"),
            ("SET a 8 PX 100000 XX GET", "\"8\""),
            ("SET a 9 PXAT 1", "OK"),
            ("GET a", "nil"),
        ],
    );
}

#[test]
fn set_refuses_what_makes_no_sense() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let invalid = "(ERR invalid expire time in 'set' command)";
    let syntax = "(ERR syntax error)";
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("SET a 1 NX XX", syntax),
            ("SET a 1 EX", syntax),
            ("SET a 1 EX 1 PX 1", syntax),
            ("SET a 1 KEEPTTL EX 1", syntax),
            ("SET a 1 EX 1 KEEPTTL", syntax),
            ("SET a 1 EX abc WHAT", syntax),
            ("SET a 1 EX abc", "(ERR value is not an integer or out of range)"),
            ("SET a 1 EX 0", invalid),
            ("SET a 1 PX -1", invalid),
            ("SET a 1 EX 9223372036854775807", invalid),
            ("SET a 1 PX 9223372036854775807", invalid),
            (
                "SET list 1 GET",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
            ("TYPE list", "list"),
            ("SET a 1 EX 1 EX 100", "OK"),
            ("TTL a", "100"),
        ],
    );
}

#[test]
fn getex_getdel_getset() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("GETEX a", "nil"),
            ("GETEX a EX 0", "nil"),
            ("SET a 1", "OK"),
            ("GETEX a EX 100", "\"1\""),
            ("TTL a", "100"),
            ("GETEX a", "\"1\""),
            ("TTL a", "100"),
            ("GETEX a PERSIST", "\"1\""),
            ("TTL a", "-1"),
            ("GETEX a PXAT 33177117420000", "\"1\""),
            ("PEXPIRETIME a", "33177117420000"),
            ("GETEX a PERSIST EX 1", "(ERR syntax error)"),
            ("GETEX a KEEPTTL", "(ERR syntax error)"),
            ("GETEX a EX 0", "(ERR invalid expire time in 'getex' command)"),
            ("GETEX a EXAT 1", "\"1\""),
            ("EXISTS a", "0"),
            ("GETSET a 2", "nil"),
            ("GETSET a 3", "\"2\""),
            ("GETDEL a", "\"3\""),
            ("GETDEL a", "nil"),
        ],
    );
}

#[test]
fn setex_psetex_setnx() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SETEX a 100 x", "OK"),
            ("TTL a", "100"),
            ("SETEX a 0 x", "(ERR invalid expire time in 'setex' command)"),
            ("PSETEX a -5 x", "(ERR invalid expire time in 'psetex' command)"),
            ("PSETEX a 100000 y", "OK"),
            ("TTL a", "100"),
            ("SETNX a z", "0"),
            ("SETNX b z", "1"),
            ("GET b", "\"z\""),
        ],
    );
}

#[test]
fn counters() {
    let server = Server::start(&[]);
    let not_an_integer = "(ERR value is not an integer or out of range)";
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("INCR a", "1"),
            ("INCRBY a 10", "11"),
            ("DECR a", "10"),
            ("DECRBY a 20", "-10"),
            ("OBJECT ENCODING a", "\"int\""),
            ("SET a 9223372036854775806", "OK"),
            ("INCR a", "9223372036854775807"),
            ("INCR a", "(ERR increment or decrement would overflow)"),
            ("DECRBY a -9223372036854775808", "(ERR decrement would overflow)"),
            ("INCRBY a 1.5", not_an_integer),
            ("SET a 011", "OK"),
            ("INCR a", not_an_integer),
            ("INCR list", "(WRONGTYPE Operation against a key holding the wrong kind of value)"),
            ("SET a 1 EX 100", "OK"),
            ("INCR a", "2"),
            ("APPEND a 0", "2"),
            ("INCR a", "21"),
            ("TTL a", "100"),
        ],
    );
}

#[test]
fn decimal_counters() {
    let server = Server::start(&[]);
    let not_a_float = "(ERR value is not a valid float)";
    check(
        &mut server.client(),
        &[
            ("SET a 10.50", "OK"),
            ("INCRBYFLOAT a 0.1", "\"10.6\""),
            ("INCRBYFLOAT a -5", "\"5.6\""),
            ("INCRBYFLOAT new 0.2", "\"0.2\""),
            ("INCRBYFLOAT new 0.1", "\"0.3\""),
            ("SET a 5.0e3", "OK"),
            ("INCRBYFLOAT a 2.0e2", "\"5200\""),
            ("INCR a", "5201"),
            ("INCRBYFLOAT a x", not_a_float),
            ("INCRBYFLOAT a inf", "(ERR increment would produce NaN or Infinity)"),
            ("SET a abc", "OK"),
            ("INCRBYFLOAT a 1", not_a_float),
            ("SET a 1 EX 100", "OK"),
            ("INCRBYFLOAT a 0.5", "\"1.5\""),
            ("TTL a", "100"),
        ],
    );
}

#[test]
fn several_keys_at_once() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("MSET a 1 b 2 c 3", "OK"),
            ("MGET a list b nope c", "[\"1\" nil \"2\" nil \"3\"]"),
            ("MSET a 1 b", "(ERR wrong number of arguments for 'mset' command)"),
            ("MSETNX d 1 a 2", "0"),
            ("EXISTS d", "0"),
            ("MSETNX d 1 e 2", "1"),
            ("MSETNX d", "(ERR wrong number of arguments for 'msetnx' command)"),
            ("MSETNX d 1 e", "(ERR wrong number of arguments for 'msetnx' command)"),
            ("MSET x 1 x 2", "OK"),
            ("GET x", "\"2\""),
        ],
    );
}

#[test]
fn parts_of_strings() {
    let server = Server::start(&["--proto-max-bulk-len", "1mb"]);
    let too_long = "(ERR string exceeds maximum allowed size (proto-max-bulk-len))";
    check(
        &mut server.client(),
        &[
            ("APPEND a Hello", "5"),
            ("APPEND a -World", "11"),
            ("GETRANGE a 0 4", "\"Hello\""),
            ("SUBSTR a -5 -1", "\"World\""),
            ("GETRANGE a 6 100", "\"World\""),
            ("GETRANGE nope 0 -1", "\"\""),
            ("STRLEN a", "11"),
            ("STRLEN nope", "0"),
            ("SETRANGE a 6 Redis", "11"),
            ("GET a", "\"Hello-Redis\""),
            ("SETRANGE gap 3 x", "4"),
            ("GET gap", "\"\\0\\0\\0x\""),
            ("SETRANGE a 0 ", "11"),
            ("SETRANGE nope 5 ", "0"),
            ("EXISTS nope", "0"),
            ("SETRANGE a -1 x", "(ERR offset is out of range)"),
            ("SETRANGE a 1048576 x", too_long),
            ("SETRANGE a 9223372036854775807 x", too_long),
            ("SETRANGE a 1048575 x", "1048576"),
            ("APPEND a x", too_long),
            ("SET n 12", "OK"),
            ("SETRANGE n 1 3", "2"),
            ("INCR n", "14"),
        ],
    );
}

#[test]
fn longest_common_subsequence() {
    let server = Server::start(&[]);
    let idx = "[\"matches\" [[[4 7] [5 8]] [[2 3] [0 1]]] \"len\" 6]";
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("MSET a ohmytext b mynewtext", "OK"),
            ("LCS a b", "\"mytext\""),
            ("LCS a b LEN", "6"),
            ("LCS a b IDX", idx),
            ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "[\"matches\" [[[4 7] [5 8] 4]] \"len\" 6]"),
            ("LCS a nope", "\"\""),
            ("LCS a nope IDX", "[\"matches\" [] \"len\" 0]"),
            ("LCS a list", "(ERR The specified keys must contain string values)"),
            (
                "LCS a b LEN IDX",
                "(ERR If you want both the length and indexes, please just use IDX.)",
            ),
            ("LCS a b WHAT", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn strings_are_there_after_a_kill() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    check(
        &mut server.client(),
        &[
            ("SET a 1 PX 100000000", "OK"),
            ("INCRBYFLOAT a 0.5", "\"1.5\""),
            ("SETEX b 100000 x", "OK"),
            ("GETEX b PERSIST", "\"x\""),
            ("SET c 1", "OK"),
            ("GETDEL c", "\"1\""),
            ("SET d 1 PX 1", "OK"),
            ("SETRANGE e 2 x", "3"),
            ("MSETNX f 1 g 2", "1"),
            ("GETSET g 3", "\"2\""),
        ],
    );
    server.kill();
    server.start_again();
    let client = &mut server.client();
    wait_until(|| run::<i64>(client, "EXISTS d") == 0);
    check(
        client,
        &[
            ("GET a", "\"1.5\""),
            ("TTL b", "-1"),
            ("MGET b c d e f g", "[\"x\" nil nil \"\\0\\0x\" \"1\" \"3\"]"),
        ],
    );
    assert!(run::<i64>(client, "PTTL a") > 90_000_000);
}
