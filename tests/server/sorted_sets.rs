//! Sorted sets, without waiting.

use crate::harness::{Raw, Server, check, run, walk};

const WRONG_TYPE: &str = "(WRONGTYPE Operation against a key holding the wrong kind of value)";

#[test]
fn members_get_scores() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2 b 3 c", "3"),
            ("ZADD z 2 a 4 d", "1"),
            ("ZADD z CH 1 a 4 d 5 e", "2"),
            ("ZADD z NX 9 a 6 f", "1"),
            ("ZADD z XX 9 a 6 g", "0"),
            ("ZADD z XX CH 1 a 6 g", "1"),
            ("ZADD z GT CH 0 a 7 f 8 g", "2"),
            ("ZADD z LT CH 2 a 6 f", "1"),
            ("ZADD z INCR 1.5 a", r#""2.5""#),
            ("ZADD z NX INCR 1 a", "nil"),
            ("ZADD z XX INCR 1 none", "nil"),
            ("ZADD z GT INCR -1 a", "nil"),
            ("ZADD none XX 1 a", "0"),
            ("EXISTS none", "0"),
            ("ZINCRBY z -2.5 a", r#""0""#),
            ("ZINCRBY z 1 h", r#""1""#),
            ("ZCARD z", "8"),
            ("ZCARD none", "0"),
            (
                "ZRANGE z 0 -1 WITHSCORES",
                r#"["a" "0" "h" "1" "b" "2" "c" "3" "d" "4" "e" "5" "f" "6" "g" "8"]"#,
            ),
            ("TYPE z", "zset"),
        ],
    );
}

#[test]
fn additions_are_checked_before_anything_changes() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z NX XX 1 a", "(ERR XX and NX options at the same time are not compatible)"),
            (
                "ZADD z GT LT 1 a",
                "(ERR GT, LT, and/or NX options at the same time are not compatible)",
            ),
            (
                "ZADD z NX GT 1 a",
                "(ERR GT, LT, and/or NX options at the same time are not compatible)",
            ),
            ("ZADD z INCR 1 a 2 b", "(ERR INCR option supports a single increment-element pair)"),
            ("ZADD z 1 a 2", "(ERR syntax error)"),
            ("ZADD z NX XX", "(ERR syntax error)"),
            ("ZADD z 1 a x b", "(ERR value is not a valid float)"),
            ("ZADD z nan a", "(ERR value is not a valid float)"),
            ("ZADD z 1e400 a", "(ERR value is not a valid float)"),
            ("ZINCRBY z x a", "(ERR value is not a valid float)"),
            ("ZINCRBY z NX a", "(ERR syntax error)"),
            ("EXISTS z", "0"),
            ("ZADD z inf a -inf b", "2"),
            ("ZINCRBY z -inf a", "(ERR resulting score is not a number (NaN))"),
            ("ZADD z INCR inf b", "(ERR resulting score is not a number (NaN))"),
            ("ZRANGE z 0 -1 WITHSCORES", r#"["b" "-inf" "a" "inf"]"#),
        ],
    );
}

#[test]
fn scores_and_ranks() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2.5 b 2.5 c 1e100 d", "4"),
            ("ZSCORE z b", r#""2.5""#),
            ("ZSCORE z d", r#""1e+100""#),
            ("ZSCORE z x", "nil"),
            ("ZSCORE none x", "nil"),
            ("ZMSCORE z a x c", r#"["1" nil "2.5"]"#),
            ("ZMSCORE none a b", "[nil nil]"),
            ("ZRANK z a", "0"),
            ("ZRANK z c", "2"),
            ("ZREVRANK z c", "1"),
            ("ZREVRANK z d", "0"),
            ("ZRANK z x", "nil"),
            ("ZRANK none x", "nil"),
            ("ZRANK z b WITHSCORE", r#"[1 "2.5"]"#),
            ("ZREVRANK z b WITHSCORE", r#"[2 "2.5"]"#),
            ("ZRANK z x WITHSCORE", "nil"),
            ("ZRANK z b SCORE", "(ERR syntax error)"),
            ("ZRANK z b WITHSCORE x", "(ERR wrong number of arguments for 'zrank' command)"),
            ("ZCOUNT z 1 2.5", "3"),
            ("ZCOUNT z (1 +inf", "3"),
            ("ZCOUNT z 3 1", "0"),
            ("ZCOUNT none 1 2", "0"),
            ("ZCOUNT z a 2", "(ERR min or max is not a float)"),
            ("ZADD lex 0 a 0 b 0 c 0 d", "4"),
            ("ZLEXCOUNT lex - +", "4"),
            ("ZLEXCOUNT lex [b (d", "2"),
            ("ZLEXCOUNT lex b d", "(ERR min or max not valid string range item)"),
        ],
    );
}

#[test]
fn removals() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g", "7"),
            ("ZREM z a x", "1"),
            ("ZREM none a", "0"),
            ("ZREMRANGEBYRANK z 0 1", "2"),
            ("ZREMRANGEBYRANK z 5 9", "0"),
            ("ZREMRANGEBYSCORE z (4 5", "1"),
            ("ZREMRANGEBYSCORE z x 5", "(ERR min or max is not a float)"),
            ("ZRANGE z 0 -1", r#"["d" "f" "g"]"#),
            ("ZREMRANGEBYRANK z -1 -1", "1"),
            ("ZREM z d f f", "2"),
            ("EXISTS z", "0"),
            ("ZADD lex 0 a 0 b 0 c", "3"),
            ("ZREMRANGEBYLEX lex (a [b", "1"),
            ("ZREMRANGEBYLEX lex x [b", "(ERR min or max not valid string range item)"),
            ("ZREMRANGEBYLEX lex - +", "2"),
            ("EXISTS lex", "0"),
        ],
    );
}

#[test]
fn ranges() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", "5"),
            ("ZRANGE z 1 -2", r#"["b" "c" "d"]"#),
            ("ZRANGE z -100 1", r#"["a" "b"]"#),
            ("ZRANGE z 3 1", "[]"),
            ("ZRANGE none 0 -1", "[]"),
            ("ZRANGE z 0 1 REV", r#"["e" "d"]"#),
            ("ZREVRANGE z 0 1 WITHSCORES", r#"["e" "5" "d" "4"]"#),
            ("ZRANGE z (1 3 BYSCORE", r#"["b" "c"]"#),
            ("ZRANGE z 3 (1 BYSCORE REV", r#"["c" "b"]"#),
            ("ZRANGE z 1 5 BYSCORE LIMIT 1 2", r#"["b" "c"]"#),
            ("ZRANGE z 5 1 BYSCORE REV LIMIT 1 2 WITHSCORES", r#"["d" "4" "c" "3"]"#),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 3 -1", r#"["d" "e"]"#),
            ("ZRANGEBYSCORE z -inf +inf LIMIT -1 2", "[]"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 9 2", "[]"),
            ("ZRANGEBYSCORE z 2 3 WITHSCORES", r#"["b" "2" "c" "3"]"#),
            ("ZREVRANGEBYSCORE z 3 2", r#"["c" "b"]"#),
            ("ZREVRANGEBYSCORE z +inf -inf LIMIT 1 1", r#"["d"]"#),
            ("ZADD lex 0 a 0 b 0 c 0 d", "4"),
            ("ZRANGEBYLEX lex - [b", r#"["a" "b"]"#),
            ("ZRANGEBYLEX lex - + LIMIT 1 2", r#"["b" "c"]"#),
            ("ZREVRANGEBYLEX lex (d -", r#"["c" "b" "a"]"#),
            ("ZRANGE lex + (b BYLEX REV", r#"["d" "c"]"#),
            ("ZRANGE z [b (d BYLEX", r#"["b" "c"]"#),
        ],
    );
}

#[test]
fn ranges_refuse_what_makes_no_sense() {
    let server = Server::start(&[]);
    let limit = "(ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX)";
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a", "1"),
            ("ZRANGE z a 1", "(ERR value is not an integer or out of range)"),
            ("ZRANGE z 0 1 LIMIT 0 1", limit),
            ("ZRANGE z 0 1 LIMIT 0", "(ERR syntax error)"),
            ("ZRANGE z a 1 BYSCORE", "(ERR min or max is not a float)"),
            ("ZRANGE z a [b BYLEX", "(ERR min or max not valid string range item)"),
            (
                "ZRANGE z - + BYLEX WITHSCORES",
                "(ERR syntax error, WITHSCORES not supported in combination with BYLEX)",
            ),
            ("ZRANGE z 0 1 BYSCORE BYLEX", "(ERR syntax error)"),
            ("ZRANGE z 0 1 BYLEX BYSCORE", "(ERR syntax error)"),
            ("ZRANGE z 0 1 BYSCORE BYSCORE", "(ERR syntax error)"),
            ("ZRANGE z 0 1 REV REV", "(ERR syntax error)"),
            ("ZRANGESTORE d z 0 1 REV BYLEX REV", "(ERR syntax error)"),
            ("ZRANGE z 1 0 REV BYSCORE WITHSCORES WITHSCORES", r#"["a" "1"]"#),
            ("ZRANGE z 0 1 LIMIT 5 1 LIMIT 0 1 BYSCORE", r#"["a"]"#),
            ("ZRANGEBYSCORE z 0 1 REV", "(ERR syntax error)"),
            ("ZRANGEBYSCORE z 0 1 LIMIT a 1", "(ERR value is not an integer or out of range)"),
            ("ZREVRANGE z 0 1 BYSCORE", "(ERR syntax error)"),
            ("ZREVRANGE z 0 1 LIMIT 0 1", limit),
            ("ZRANGESTORE d z 0 -1 WITHSCORES", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn ranges_are_stored() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2 b 3 c", "3"),
            ("SET d x", "OK"),
            ("ZRANGESTORE d z 0 1", "2"),
            ("ZRANGE d 0 -1 WITHSCORES", r#"["a" "1" "b" "2"]"#),
            ("ZRANGESTORE d z 3 2 BYSCORE REV LIMIT 1 1", "1"),
            ("ZRANGE d 0 -1 WITHSCORES", r#"["b" "2"]"#),
            ("ZRANGESTORE z z 1 1", "1"),
            ("ZRANGE z 0 -1", r#"["b"]"#),
            ("ZRANGESTORE d none 0 -1", "0"),
            ("EXISTS d", "0"),
        ],
    );
}

#[test]
fn pops() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", "5"),
            ("ZPOPMIN z", r#"["a" "1"]"#),
            ("ZPOPMAX z", r#"["e" "5"]"#),
            ("ZPOPMIN z 0", "[]"),
            ("ZPOPMIN z 2", r#"["b" "2" "c" "3"]"#),
            ("ZPOPMAX z 9", r#"["d" "4"]"#),
            ("EXISTS z", "0"),
            ("ZPOPMIN z", "[]"),
            ("ZPOPMAX z 2", "[]"),
            ("ZPOPMIN z -1", "(ERR value is out of range, must be positive)"),
            ("ZPOPMIN z 1 2", "(ERR syntax error)"),
            ("ZPOPMIN z -2 x", "(ERR syntax error)"),
            ("ZADD z 1 a 2 b 3 c", "3"),
            ("ZMPOP 2 none z MIN", r#"["z" [["a" "1"]]]"#),
            ("ZMPOP 2 none z MAX COUNT 5", r#"["z" [["c" "3"] ["b" "2"]]]"#),
            ("ZMPOP 2 none z MAX", "nil"),
            ("ZMPOP 0 z MIN", "(ERR numkeys should be greater than 0)"),
            ("ZMPOP 1 z MIN COUNT 0", "(ERR count should be greater than 0)"),
            ("ZMPOP 1 z UP", "(ERR syntax error)"),
            ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn random_members() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("ZRANDMEMBER none", "nil"),
            ("ZRANDMEMBER none 5", "[]"),
            ("ZADD z 1 a", "1"),
            ("ZRANDMEMBER z", r#""a""#),
            ("ZRANDMEMBER z 5 WITHSCORES", r#"["a" "1"]"#),
            ("ZRANDMEMBER z -3", r#"["a" "a" "a"]"#),
            ("ZRANDMEMBER z 0", "[]"),
            ("ZRANDMEMBER z x", "(ERR value is not an integer or out of range)"),
            ("ZRANDMEMBER z 1 SCORES", "(ERR syntax error)"),
            ("ZRANDMEMBER z 9223372036854775807 WITHSCORES", "(ERR value is out of range)"),
        ],
    );
    for n in 0..100 {
        run::<()>(client, &format!("ZADD many {n} m{n}"));
    }
    let members: Vec<String> = run(client, "ZRANDMEMBER many 60");
    let different: std::collections::HashSet<&String> = members.iter().collect();
    assert_eq!((members.len(), different.len()), (60, 60));
}

#[test]
fn cursors() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("ZSCAN none 0", r#"["0" []]"#),
            ("ZADD z 1 a 2.5 b", "2"),
            ("ZSCAN z 0", r#"["0" ["a" "1" "b" "2.5"]]"#),
            ("ZSCAN z 0 MATCH b* COUNT 1", r#"["0" ["b" "2.5"]]"#),
            ("ZSCAN z x", "(ERR invalid cursor)"),
            ("ZSCAN z 0 COUNT 0", "(ERR syntax error)"),
        ],
    );
    for n in 0..1000 {
        run::<()>(client, &format!("ZADD many {} m{n}", n % 10));
    }
    let mut seen: Vec<(String, String)> = walk(client, "ZSCAN many", "COUNT 50", |_| ());
    assert_eq!(seen.len(), 1000, "each comes once");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 1000);
}

#[test]
fn another_type_is_refused_and_left_alone() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    run::<String>(client, "SET s x");
    for line in [
        "ZADD s 1 a",
        "ZADD s XX 1 a",
        "ZINCRBY s 1 a",
        "ZREM s a",
        "ZCARD s",
        "ZSCORE s a",
        "ZMSCORE s a",
        "ZRANK s a",
        "ZREVRANK s a",
        "ZCOUNT s 1 2",
        "ZLEXCOUNT s - +",
        "ZRANGE s 0 1",
        "ZRANGESTORE d s 0 1",
        "ZREMRANGEBYRANK s 0 1",
        "ZREMRANGEBYSCORE s 0 1",
        "ZREMRANGEBYLEX s - +",
        "ZPOPMIN s",
        "ZPOPMAX s 2",
        "ZMPOP 1 s MIN",
        "BZPOPMIN s 0",
        "BZMPOP 0 1 s MIN",
        "ZUNION 1 s",
        "ZINTERSTORE d 2 none s",
        "ZDIFF 2 none s",
        "ZINTERCARD 1 s",
        "ZRANDMEMBER s",
        "ZSCAN s 0",
    ] {
        check(client, &[(line, WRONG_TYPE)]);
    }
    check(client, &[("GET s", r#""x""#)]);
}

/// The bytes that a RESP3 client gets for a command.
fn resp3(raw: &mut Raw, command: &str, expected: &str) {
    raw.send(format!("{command}\r\n").as_bytes());
    raw.expect(expected.replace(' ', "\r\n").as_bytes());
}

#[test]
fn resp3_has_doubles_and_pairs() {
    let server = Server::start(&[]);
    run::<()>(&mut server.client(), "ZADD z 1 a 2.5 b inf c");
    let client = &mut server.client_resp3();
    run::<()>(client, "PING");
    let mut raw = server.raw();
    raw.send(b"HELLO 3\r\nPING\r\n");
    while raw.read_line() != "+PONG" {}
    for (command, reply) in [
        ("ZSCORE z b", ",2.5 "),
        ("ZINCRBY z 1 a", ",2 "),
        ("ZMSCORE z c x", "*2 ,inf _ "),
        ("ZRANK z b WITHSCORE", "*2 :1 ,2.5 "),
        ("ZRANGE z 0 0 WITHSCORES", "*1 *2 $1 a ,2 "),
        ("ZUNION 1 z WITHSCORES", "*3 *2 $1 a ,2 *2 $1 b ,2.5 *2 $1 c ,inf "),
        ("ZRANDMEMBER z 9 WITHSCORES", "*3 *2 $1 a ,2 *2 $1 b ,2.5 *2 $1 c ,inf "),
        ("ZPOPMIN z", "*2 $1 a ,2 "),
        ("ZPOPMAX z 1", "*1 *2 $1 c ,inf "),
        ("ZSCAN z 0", "*2 $1 0 *2 $1 b $3 2.5 "),
        ("BZPOPMIN z 0", "*3 $1 z $1 b ,2.5 "),
        ("ZADD z 1 a", ":1 "),
        ("ZMPOP 1 z MIN", "*2 $1 z *1 *2 $1 a ,1 "),
        ("ZMPOP 1 z MIN", "_ "),
        ("ZRANK z b WITHSCORE", "_ "),
    ] {
        resp3(&mut raw, command, reply);
    }
}

#[test]
fn a_sorted_set_comes_back_after_a_crash() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    for n in 0..300 {
        run::<()>(client, &format!("ZADD z {}.5 m{n:03}", n % 7));
    }
    check(
        client,
        &[
            ("ZINCRBY z 0.25 m000", r#""0.75""#),
            ("ZREMRANGEBYSCORE z 6 +inf", "42"),
            ("ZMPOP 1 z MIN COUNT 2", r#"["z" [["m007" "0.5"] ["m014" "0.5"]]]"#),
            ("BZPOPMAX z 0", r#"["z" "m299" "5.5"]"#),
            ("ZRANGESTORE y z 0 99", "100"),
        ],
    );
    let before: Vec<String> = run(client, "ZRANGE z 0 -1 WITHSCORES");
    server.kill();
    server.start_again();
    let client = &mut server.client();
    let after: Vec<String> = run(client, "ZRANGE z 0 -1 WITHSCORES");
    assert_eq!(after, before);
    check(client, &[("ZCARD y", "100"), ("ZCARD z", "255")]);
}

#[test]
fn scores_have_the_texts_of_redis() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (score, text) in [
        ("-0", "0"),
        ("1e17", "100000000000000000"),
        ("4611686018427387904", "4611686018427387904"),
        ("9e18", "9e+18"),
        ("1e20", "1e+20"),
        ("123456789012345680000", "123456789012345680000"),
        ("0.0000001", "1e-7"),
        ("0.0000015", "1.5e-6"),
        ("0.0000010", "0.000001"),
        ("-0.0002865878644406845", "-2.865878644406845e-4"),
        ("0.0012865878644406845", "0.0012865878644406845"),
        ("1.5e300", "1.5e+300"),
    ] {
        run::<i64>(client, &format!("ZADD z{score} {score} m"));
        assert_eq!(run::<String>(client, &format!("ZSCORE z{score} m")), text, "{score}");
    }
    check(
        client,
        &[
            ("ZADD a 1 m", "1"),
            ("ZUNIONSTORE b 1 a WEIGHTS -0", "1"),
            ("ZRANGE b 0 -1 WITHSCORES", r#"["m" "0"]"#),
            ("ZINCRBY c -0 m", r#""-0""#),
            ("ZSCORE c m", r#""0""#),
        ],
    );
}
