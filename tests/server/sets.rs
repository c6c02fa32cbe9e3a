//! Sets.

use redis::Value;

use crate::harness::{Server, check, run, walk};

const WRONG_TYPE: &str = "(WRONGTYPE Operation against a key holding the wrong kind of value)";

#[test]
fn members_are_added_read_and_removed() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SADD s b a b", "2"),
            ("SADD s a c", "1"),
            ("SMEMBERS s", r#"["b" "a" "c"]"#),
            ("SMEMBERS none", "[]"),
            ("SADD n 3 -1 2", "3"),
            ("SMEMBERS n", r#"["-1" "2" "3"]"#),
            ("SCARD s", "3"),
            ("SCARD none", "0"),
            ("SISMEMBER s a", "1"),
            ("SISMEMBER s x", "0"),
            ("SISMEMBER none x", "0"),
            ("SISMEMBER n 2", "1"),
            ("SISMEMBER n 02", "0"),
            ("SMISMEMBER s a x c", "[1 0 1]"),
            ("SMISMEMBER none a", "[0]"),
            ("SREM s a x a", "1"),
            ("SREM none a", "0"),
            ("SREM s b c", "2"),
            ("DEL s", "0"),
        ],
    );
}

#[test]
fn set_commands_refuse_bad_arguments() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SET t x", "OK"),
            ("SADD s a", "1"),
            ("SADD t a", WRONG_TYPE),
            ("SREM t a", WRONG_TYPE),
            ("SMEMBERS t", WRONG_TYPE),
            ("SMOVE t s a", WRONG_TYPE),
            ("SMOVE s t a", WRONG_TYPE),
            ("SPOP t", WRONG_TYPE),
            ("SPOP t 2", WRONG_TYPE),
            ("SRANDMEMBER t", WRONG_TYPE),
            ("SSCAN t 0", WRONG_TYPE),
            ("SINTER none t", WRONG_TYPE),
            ("SUNIONSTORE d s t", WRONG_TYPE),
            ("SDIFF t s", WRONG_TYPE),
            ("SPOP s -1", "(ERR value is out of range, must be positive)"),
            ("SPOP s 1 2", "(ERR syntax error)"),
            ("SPOP s x y", "(ERR syntax error)"),
            ("SRANDMEMBER s x", "(ERR value is not an integer or out of range)"),
            ("SRANDMEMBER s 1 2", "(ERR syntax error)"),
            ("SRANDMEMBER s x 1", "(ERR syntax error)"),
            ("SSCAN s 0 NOVALUES", "(ERR syntax error)"),
            ("SINTERCARD 0 s", "(ERR numkeys should be greater than 0)"),
            ("SINTERCARD x s", "(ERR numkeys should be greater than 0)"),
            ("SINTERCARD 2 s", "(ERR Number of keys can't be greater than number of args)"),
            ("SINTERCARD 1 s LIMIT -1", "(ERR LIMIT can't be negative)"),
            ("SINTERCARD 1 s LIMIT", "(ERR syntax error)"),
            ("SINTERCARD 1 s s", "(ERR syntax error)"),
            ("SMEMBERS s", r#"["a"]"#),
        ],
    );
}

#[test]
fn members_move() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SADD a 1 x", "2"),
            ("SMOVE a b x", "1"),
            ("SMOVE a b none", "0"),
            ("SMOVE none b x", "0"),
            ("SMOVE a a 1", "1"),
            ("SMEMBERS a", r#"["1"]"#),
            ("SMOVE a b 1", "1"),
            ("SMEMBERS b", r#"["x" "1"]"#),
            ("SCARD a", "0"),
        ],
    );
}

#[test]
fn sets_are_combined() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("SADD a 1 2 3 4", "4"),
            ("SADD b 3 4 5", "3"),
            ("SADD c 4 x", "2"),
            ("SINTER a b", r#"["3" "4"]"#),
            ("SINTER a b c", r#"["4"]"#),
            ("SINTER a none", "[]"),
            ("SDIFF a b", r#"["1" "2"]"#),
            ("SDIFF a b a", "[]"),
            ("SDIFF none a", "[]"),
            ("SUNION a b none", r#"["1" "2" "3" "4" "5"]"#),
            ("SUNION b c", r#"["3" "4" "5" "x"]"#),
            ("SINTERCARD 2 a b", "2"),
            ("SINTERCARD 2 a b LIMIT 1", "1"),
            ("SINTERCARD 2 a none", "0"),
            ("SINTERSTORE d a b", "2"),
            ("SMEMBERS d", r#"["3" "4"]"#),
            ("SUNIONSTORE d a c", "5"),
            ("SCARD d", "5"),
            ("SDIFFSTORE d a b", "2"),
            ("SMEMBERS d", r#"["1" "2"]"#),
            ("SINTERSTORE d a none", "0"),
            ("DEL d", "0"),
            ("SET t x", "OK"),
            ("SUNIONSTORE t a", "4"),
            ("SDIFFSTORE a a b", "2"),
            ("SMEMBERS a", r#"["1" "2"]"#),
        ],
    );
}

#[test]
fn resp3_has_sets() {
    let server = Server::start(&[]);
    check(&mut server.client(), &[("SADD s a", "1")]);
    let mut raw = server.raw();
    raw.send(b"HELLO 3\r\n");
    while raw.read_line() != "modules" {}
    assert_eq!(raw.read_line(), "*0");
    for (line, expected) in [
        ("SMEMBERS s", "~1"),
        ("SINTER s s", "~1"),
        ("SUNION s none", "~1"),
        ("SDIFF none s", "~0"),
        ("SRANDMEMBER s 1", "*1"),
        ("SPOP none 1", "~0"),
        ("SPOP s 1", "~1"),
    ] {
        assert_eq!(raw.line(line), expected, "{line}");
        if expected.ends_with('1') {
            assert_eq!((raw.read_line(), raw.read_line()), ("$1".to_owned(), "a".to_owned()));
        }
    }
}

#[test]
fn random_members() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SRANDMEMBER none", "nil"),
            ("SRANDMEMBER none 3", "[]"),
            ("SPOP none", "nil"),
            ("SPOP none 3", "[]"),
            ("SADD s a", "1"),
            ("SRANDMEMBER s", r#""a""#),
            ("SRANDMEMBER s 2", r#"["a"]"#),
            ("SRANDMEMBER s -2", r#"["a" "a"]"#),
            ("SPOP s 0", "[]"),
            ("SPOP s", r#""a""#),
            ("SADD s a b", "2"),
            ("SPOP s 5", r#"["a" "b"]"#),
            ("SCARD s", "0"),
        ],
    );
    for n in 0..1000 {
        run::<i64>(client, &format!("SADD big m{n}"));
    }
    let popped: Vec<String> = run(client, "SPOP big 300");
    let chosen: Vec<String> = run(client, "SRANDMEMBER big 50");
    assert_eq!((popped.len(), chosen.len()), (300, 50));
    assert!(chosen.iter().all(|member| !popped.contains(member)));
    check(client, &[("SCARD big", "700")]);
}

#[test]
fn a_walk_returns_every_member() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SSCAN none 0", r#"["0" []]"#),
            ("SADD n 10 2 30", "3"),
            ("SSCAN n 0", r#"["0" ["2" "10" "30"]]"#),
            ("SSCAN n 0 MATCH *0", r#"["0" ["10" "30"]]"#),
        ],
    );
    for n in 0..2000 {
        run::<i64>(client, &format!("SADD big m{n}"));
    }
    let mut seen: Vec<String> = walk(client, "SSCAN big", "COUNT 100", |_| ());
    assert_eq!(seen.len(), 2000, "each comes once");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 2000);
}

#[test]
fn sets_survive_a_restart() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    for n in 0..2000 {
        run::<Value>(client, &format!("SADD big m{n}"));
    }
    run::<Value>(client, "SPOP big");
    run::<Value>(client, "SPOP big 1500");
    run::<Value>(client, "SADD gone a b");
    run::<Value>(client, "SPOP gone 2");
    run::<Value>(client, "SUNIONSTORE copy big");
    let before: Vec<String> = run(client, "SMEMBERS big");
    assert!(server.stop());
    server.start_again();
    let client = &mut server.client();
    for member in &before {
        check(client, &[(&format!("SISMEMBER big {member}"), "1")]);
    }
    check(client, &[("SCARD big", "499"), ("SCARD gone", "0"), ("SINTERCARD 2 big copy", "499")]);
}
