//! Lists, without waiting.

use crate::harness::{Server, check, run};

#[test]
fn pushes_and_pops() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH l a b c", "3"),
            ("LPUSH l z y", "5"),
            ("LRANGE l 0 -1", r#"["y" "z" "a" "b" "c"]"#),
            ("LPOP l", r#""y""#),
            ("RPOP l", r#""c""#),
            ("LPOP l 2", r#"["z" "a"]"#),
            ("RPOP l 0", "[]"),
            ("RPOP l 10", r#"["b"]"#),
            ("EXISTS l", "0"),
            ("LPOP l", "nil"),
            ("LPOP l 1", "nil"),
            ("LPUSHX l a", "0"),
            ("RPUSHX l a", "0"),
            ("EXISTS l", "0"),
            ("RPUSH l a", "1"),
            ("LPUSHX l b c", "3"),
            ("RPUSHX l d", "4"),
            ("LRANGE l 0 -1", r#"["c" "b" "a" "d"]"#),
            ("LLEN l", "4"),
            ("LLEN none", "0"),
        ],
    );
}

#[test]
fn pops_refuse_bad_counts() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH l a", "1"),
            ("LPOP l -1", "(ERR value is out of range, must be positive)"),
            ("LPOP l x", "(ERR value is out of range, must be positive)"),
            ("LPOP l 1 2", "(ERR wrong number of arguments for 'lpop' command)"),
            ("RPOP l 1 2", "(ERR wrong number of arguments for 'rpop' command)"),
            ("LPUSH l", "(ERR wrong number of arguments for 'lpush' command)"),
            ("LRANGE l 0 -1", r#"["a"]"#),
        ],
    );
}

#[test]
fn ranges_indexes_and_edits() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH l a b c b a", "5"),
            ("LINDEX l 0", r#""a""#),
            ("LINDEX l -2", r#""b""#),
            ("LINDEX l 5", "nil"),
            ("LINDEX none x", "nil"),
            ("LINDEX l x", "(ERR value is not an integer or out of range)"),
            ("LRANGE l 3 1", "[]"),
            ("LRANGE l -100 100", r#"["a" "b" "c" "b" "a"]"#),
            ("LRANGE none 0 -1", "[]"),
            ("LSET l 2 C", "OK"),
            ("LSET l 5 x", "(ERR index out of range)"),
            ("LSET none 0 x", "(ERR no such key)"),
            ("LINSERT l BEFORE C x", "6"),
            ("LINSERT l after C y", "7"),
            ("LINSERT l AFTER none y", "-1"),
            ("LINSERT none AFTER a y", "0"),
            ("LINSERT l AROUND a y", "(ERR syntax error)"),
            ("LRANGE l 0 -1", r#"["a" "b" "x" "C" "y" "b" "a"]"#),
            ("LREM l -1 a", "1"),
            ("LREM l 0 b", "2"),
            ("LREM l 5 none", "0"),
            ("LRANGE l 0 -1", r#"["a" "x" "C" "y"]"#),
            ("LTRIM l 1 -2", "OK"),
            ("LRANGE l 0 -1", r#"["x" "C"]"#),
            ("LTRIM l 5 10", "OK"),
            ("EXISTS l", "0"),
        ],
    );
}

#[test]
fn places() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH l a b c 1 2 3 c c", "8"),
            ("LPOS l c", "2"),
            ("LPOS l c RANK 2", "6"),
            ("LPOS l c RANK -1", "7"),
            ("LPOS l c COUNT 2", "[2 6]"),
            ("LPOS l c COUNT 0", "[2 6 7]"),
            ("LPOS l c COUNT 0 RANK -2", "[6 2]"),
            ("LPOS l c COUNT 0 MAXLEN 3", "[2]"),
            ("LPOS l c RANK -1 COUNT 0 MAXLEN 1", "[7]"),
            ("LPOS l none", "nil"),
            ("LPOS l none COUNT 1", "[]"),
            ("LPOS none a", "nil"),
            ("LPOS l c COUNT -1", "(ERR COUNT can't be negative)"),
            ("LPOS l c MAXLEN -1", "(ERR MAXLEN can't be negative)"),
            ("LPOS l c RANK", "(ERR syntax error)"),
            (
                "LPOS l c RANK 0",
                "(ERR RANK can't be zero: use 1 to start from the first match, 2 from the second \
                 ... or use negative to start from the end of the list)",
            ),
        ],
    );
}

#[test]
fn moves_between_lists() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH a 1 2 3", "3"),
            ("RPOPLPUSH a b", r#""3""#),
            ("LMOVE a b LEFT RIGHT", r#""1""#),
            ("LRANGE b 0 -1", r#"["3" "1"]"#),
            ("LMOVE b b LEFT RIGHT", r#""3""#),
            ("LRANGE b 0 -1", r#"["1" "3"]"#),
            ("LMOVE none b LEFT RIGHT", "nil"),
            ("LMOVE a b UP DOWN", "(ERR syntax error)"),
            ("LMOVE a b RIGHT LEFT", r#""2""#),
            ("EXISTS a", "0"),
            ("SET s x", "OK"),
            (
                "LMOVE b s LEFT LEFT",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
            ("LRANGE b 0 -1", r#"["2" "1" "3"]"#),
        ],
    );
}

#[test]
fn pops_from_the_first_list_there_is() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("RPUSH b 1 2 3", "3"),
            ("LMPOP 2 a b LEFT", r#"["b" ["1"]]"#),
            ("LMPOP 2 a b RIGHT COUNT 10", r#"["b" ["3" "2"]]"#),
            ("LMPOP 2 a b LEFT", "nil"),
            ("LMPOP 0 a LEFT", "(ERR numkeys should be greater than 0)"),
            ("LMPOP 3 a b LEFT", "(ERR syntax error)"),
            ("LMPOP 1 a LEFT COUNT 0", "(ERR count should be greater than 0)"),
            ("LMPOP 1 a LEFT COUNT 1 COUNT 1", "(ERR syntax error)"),
            ("LMPOP 1 a UP", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn another_type_is_refused_and_left_alone() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let wrong = "(WRONGTYPE Operation against a key holding the wrong kind of value)";
    run::<String>(client, "SET s x");
    for line in [
        "LPUSH s a",
        "RPUSHX s a",
        "LPOP s",
        "LPOP s 1",
        "LLEN s",
        "LRANGE s 0 1",
        "LINDEX s 0",
        "LSET s 0 a",
        "LINSERT s BEFORE a b",
        "LREM s 0 a",
        "LTRIM s 0 1",
        "LPOS s a",
        "RPOPLPUSH s l",
        "LMPOP 1 s LEFT",
        "BLPOP s 0",
        "BLMPOP 0 1 s LEFT",
        "BLMOVE s l LEFT LEFT 0",
    ] {
        check(client, &[(line, wrong)]);
    }
    check(client, &[("GET s", r#""x""#)]);
}

#[test]
fn long_lists_and_large_elements() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let large = vec![b'x'; 3 << 20];
    for round in 0..3000u32 {
        let () = redis::cmd("RPUSH").arg("l").arg(round).query(client).unwrap();
    }
    let () = redis::cmd("LSET").arg("l").arg(1500).arg(&large).query(client).unwrap();
    let found: Vec<u8> = redis::cmd("LINDEX").arg("l").arg(1500).query(client).unwrap();
    assert_eq!(found, large);
    check(client, &[("LLEN l", "3000"), ("LRANGE l 1498 1499", r#"["1498" "1499"]"#)]);
    let all: Vec<Vec<u8>> = redis::cmd("LRANGE").arg("l").arg(0).arg(-1).query(client).unwrap();
    assert_eq!(all.len(), 3000);
    assert_eq!(all[2999], b"2999");
}
