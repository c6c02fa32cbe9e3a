//! The groups `bitmap` and `hyperloglog`.

use crate::harness::{Server, check, error, run};

#[test]
fn single_bits() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let bad_offset = "(ERR bit offset is not an integer or out of range)";
    let bad_bit = "(ERR bit is not an integer or out of range)";
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("SETBIT a 7 1", "0"),
            ("SETBIT a 7 1", "1"),
            ("GETBIT a 7", "1"),
            ("GETBIT a 6", "0"),
            ("GETBIT a 100000", "0"),
            ("GETBIT nope 0", "0"),
            ("GET a", "\"\\u{1}\""),
            ("SETBIT a 23 0", "0"),
            ("STRLEN a", "3"),
            ("SET n 1", "OK"),
            ("GETBIT n 2", "1"),
            ("SETBIT n 6 1", "0"),
            ("GET n", "\"3\""),
            ("SETBIT a -1 1", bad_offset),
            ("SETBIT a 4294967296 1", bad_offset),
            ("GETBIT a x", bad_offset),
            ("SETBIT a 1 2", bad_bit),
            ("SETBIT a 1 x", bad_bit),
            (
                "SETBIT list 1 1",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
        ],
    );
}

#[test]
fn counting_bits() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SET a foobar", "OK"),
            ("BITCOUNT a", "26"),
            ("BITCOUNT a 0 0", "4"),
            ("BITCOUNT a 1 1 BYTE", "6"),
            ("BITCOUNT a 5 30 BIT", "17"),
            ("BITCOUNT a -2 -1", "7"),
            ("BITCOUNT a 5 1", "0"),
            ("BITCOUNT nope 0 1", "0"),
            ("BITCOUNT a 0", "(ERR syntax error)"),
            ("BITCOUNT a 0 1 WHAT", "(ERR syntax error)"),
            ("BITCOUNT a -1 -2 WHAT", "0"),
            ("BITCOUNT a 0 x 2 BYTE", "(ERR syntax error)"),
            ("BITPOS a 1 0 x WHAT", "(ERR syntax error)"),
            ("BITPOS a 1 0 x BYTE y", "(ERR syntax error)"),
            ("BITCOUNT a 0 x", "(ERR value is not an integer or out of range)"),
        ],
    );
}

#[test]
fn finding_bits() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SETBIT a 12 1", "0"),
            ("SETBIT a 23 0", "0"),
            ("BITPOS a 1", "12"),
            ("BITPOS a 0", "0"),
            ("BITPOS a 1 2", "-1"),
            ("BITPOS a 1 13 -1 BIT", "-1"),
            ("BITPOS a 1 8 -1 BIT", "12"),
            ("BITPOS a 0 -4 -9", "0"),
            ("BITCOUNT a -4 -9", "0"),
            ("BITPOS nope 0", "0"),
            ("BITPOS nope 1", "-1"),
            ("BITFIELD ones SET u16 0 65535", "[0]"),
            ("BITPOS ones 0", "16"),
            ("BITPOS ones 0 0", "16"),
            ("BITPOS ones 0 0 -1", "-1"),
            ("BITPOS a 2", "(ERR The bit argument must be 1 or 0.)"),
            ("BITPOS a 1 0 1 WHAT", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn combining_strings() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("MSET a abc b ab`d", "OK"),
            ("BITOP AND c a b", "4"),
            ("GET c", "\"ab`\\0\""),
            ("BITOP or c a b", "4"),
            ("GET c", "\"abcd\""),
            ("BITOP XOR c a b", "4"),
            ("GET c", "\"\\0\\0\\u{3}d\""),
            ("BITOP NOT c c", "4"),
            ("BITCOUNT c", "27"),
            ("BITOP AND c nope nope", "0"),
            ("EXISTS c", "0"),
            ("BITOP WHAT c a", "(ERR syntax error)"),
            ("BITOP NOT c a b", "(ERR BITOP NOT must be called with a single source key.)"),
            (
                "BITOP AND c a list",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
        ],
    );
}

#[test]
fn fields_of_bits() {
    let server = Server::start(&[]);
    let bad_type = "(ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
                    supported but i64 is.)";
    check(
        &mut server.client(),
        &[
            ("BITFIELD a INCRBY i5 100 1 GET u4 0", "[1 0]"),
            ("BITFIELD a SET u8 0 255 GET i8 0 GET u4 #1", "[0 -1 15]"),
            ("BITFIELD a OVERFLOW SAT INCRBY u2 102 5 INCRBY u2 102 1", "[3 3]"),
            ("BITFIELD a OVERFLOW FAIL INCRBY u2 102 1 GET u2 102", "[nil 3]"),
            ("BITFIELD a OVERFLOW WRAP INCRBY u2 102 1", "[0]"),
            (
                "BITFIELD a SET i64 0 -9223372036854775808 GET i64 0",
                "[-72057594037927936 -9223372036854775808]",
            ),
            ("BITFIELD a", "[]"),
            ("BITFIELD nope GET u8 0", "[0]"),
            ("EXISTS nope", "0"),
            ("BITFIELD_RO a GET i2 0", "[-2]"),
            ("BITFIELD_RO a SET u8 0 1", "(ERR BITFIELD_RO only supports the GET subcommand)"),
            ("BITFIELD a GET u64 0", bad_type),
            ("BITFIELD a GET u8 x", "(ERR bit offset is not an integer or out of range)"),
            ("BITFIELD a GET u8", "(ERR syntax error)"),
            ("BITFIELD a OVERFLOW WHAT", "(ERR Invalid OVERFLOW type specified)"),
            ("BITFIELD a SET u8 0 x", "(ERR value is not an integer or out of range)"),
        ],
    );
}

#[test]
fn estimates() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<i64>(client, "RPUSH list x");
    check(
        client,
        &[
            ("PFADD a x y z", "1"),
            ("PFADD a x", "0"),
            ("PFCOUNT a", "3"),
            ("PFADD b", "1"),
            ("PFADD b", "0"),
            ("PFADD b z w", "1"),
            ("PFCOUNT a b nope", "4"),
            ("PFCOUNT nope", "0"),
            ("PFMERGE c a b", "OK"),
            ("PFADD old x", "1"),
            ("PFCOUNT old", "1"),
            ("PFMERGE old", "OK"),
            ("GETRANGE old 8 8", "\"\\u{1}\""),
            ("PFCOUNT old", "1"),
            ("PFCOUNT c", "4"),
            ("PFDEBUG ENCODING c", "sparse"),
            ("PFDEBUG TODENSE c", "1"),
            ("PFDEBUG TODENSE c", "0"),
            ("PFDEBUG DECODE c", "(ERR HLL encoding is not sparse)"),
            ("STRLEN c", "12304"),
            ("PFCOUNT c", "4"),
            ("PFMERGE d c", "OK"),
            ("PFDEBUG ENCODING d", "dense"),
            ("PFSELFTEST", "OK"),
            ("SET s foo", "OK"),
            ("PFADD s x", "(WRONGTYPE Key is not a valid HyperLogLog string value.)"),
            ("PFCOUNT list", "(WRONGTYPE Operation against a key holding the wrong kind of value)"),
        ],
    );
}

#[test]
fn an_estimate_that_is_kept_changes_the_string() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("PFADD a x", "1"), ("WATCH a", "OK"), ("PFCOUNT a", "1")]);
    check(client, &[("MULTI", "OK"), ("PFCOUNT a", "QUEUED"), ("EXEC", "nil")]);
    check(client, &[("WATCH a", "OK"), ("PFCOUNT a", "1"), ("PFDEBUG TODENSE a", "1")]);
    check(client, &[("MULTI", "OK"), ("PFCOUNT a", "QUEUED"), ("EXEC", "[1]")]);
    check(client, &[("PFDEBUG NOPE a", "(ERR Unknown PFDEBUG subcommand 'NOPE')")]);
}

#[test]
fn what_a_broken_estimate_has_taken_is_logged() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    run::<i64>(client, "PFADD broken a b c d e f g h");
    let whole: Vec<u8> = run(client, "GET broken");
    redis::cmd("SET").arg("broken").arg(&whole[..whole.len() - 3]).exec(client).unwrap();
    let elements: Vec<String> = (0..100).map(|n| format!("element:{n}")).collect();
    let line = format!("PFADD broken {}", elements.join(" "));
    assert_eq!(error(client, &line), "INVALIDOBJ Corrupted HLL object detected");
    let after: Vec<u8> = run(client, "GET broken");
    assert_ne!(after, whole[..whole.len() - 3], "some elements were added before the break");
    server.kill();
    server.start_again();
    assert_eq!(run::<Vec<u8>>(&mut server.client(), "GET broken"), after);
}

#[test]
fn bits_are_there_after_a_kill() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    check(
        &mut server.client(),
        &[
            ("SETBIT a 100 1", "0"),
            ("BITFIELD b INCRBY u8 0 7", "[7]"),
            ("BITOP OR c a b", "13"),
            ("PFADD d x y", "1"),
            ("PFMERGE e d", "OK"),
        ],
    );
    server.kill();
    server.start_again();
    check(
        &mut server.client(),
        &[
            ("GETBIT a 100", "1"),
            ("BITFIELD_RO b GET u8 0", "[7]"),
            ("BITCOUNT c", "4"),
            ("PFCOUNT d", "2"),
            ("PFCOUNT e", "2"),
        ],
    );
}
