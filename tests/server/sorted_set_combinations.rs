//! Sorted sets made of several: ZUNION, ZINTER, ZDIFF and what stores them.

use crate::harness::{Server, check};

#[test]
fn unions_intersections_and_differences() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD a 1 x 2 y", "2"),
            ("ZADD b 10 y 20 z", "2"),
            ("SADD s y q", "2"),
            ("ZUNION 2 a b WITHSCORES", r#"["x" "1" "y" "12" "z" "20"]"#),
            ("ZUNION 3 a none s", r#"["q" "x" "y"]"#),
            ("ZUNION 2 a b WEIGHTS 2 3 AGGREGATE MAX WITHSCORES", r#"["x" "2" "y" "30" "z" "60"]"#),
            ("ZINTER 2 a b WITHSCORES AGGREGATE MIN", r#"["y" "2"]"#),
            ("ZINTER 3 a b s WITHSCORES", r#"["y" "13"]"#),
            ("ZINTER 2 a none", "[]"),
            ("ZDIFF 2 a b WITHSCORES", r#"["x" "1"]"#),
            ("ZDIFF 2 b s", r#"["z"]"#),
            ("ZDIFF 1 none", "[]"),
            ("ZINTERCARD 2 a b", "1"),
            ("ZINTERCARD 1 a LIMIT 1", "1"),
            ("ZINTERCARD 1 a LIMIT 0", "2"),
            ("ZUNIONSTORE d 2 a b", "3"),
            ("ZINTERSTORE d 2 a b WEIGHTS 1 0.5", "1"),
            ("ZRANGE d 0 -1 WITHSCORES", r#"["y" "7"]"#),
            ("ZDIFFSTORE d 2 a b", "1"),
            ("ZRANGE d 0 -1 WITHSCORES", r#"["x" "1"]"#),
            ("ZDIFFSTORE d 1 none", "0"),
            ("EXISTS d", "0"),
            ("ZADD i inf m", "1"),
            ("ZUNION 2 i i WEIGHTS 1 -1 WITHSCORES", r#"["m" "0"]"#),
            ("ZUNION 1 i WEIGHTS 0 WITHSCORES", r#"["m" "0"]"#),
            ("ZINTER 2 i i WEIGHTS 1 0 WITHSCORES", r#"["m" "0"]"#),
        ],
    );
}

#[test]
fn combinations_refuse_what_makes_no_sense() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("ZADD a 1 x", "1"),
            ("ZUNION 0 a", "(ERR at least 1 input key is needed for 'zunion' command)"),
            ("ZINTERSTORE d 0 a", "(ERR at least 1 input key is needed for 'zinterstore' command)"),
            ("ZDIFF x a", "(ERR value is not an integer or out of range)"),
            ("ZUNION 2 a", "(ERR syntax error)"),
            ("ZUNION 1 a WEIGHTS x", "(ERR weight value is not a float)"),
            ("ZUNION 2 a b WEIGHTS 1", "(ERR syntax error)"),
            ("ZUNION 1 a AGGREGATE AVG", "(ERR syntax error)"),
            ("ZDIFF 1 a WEIGHTS 1", "(ERR syntax error)"),
            ("ZUNIONSTORE d 1 a WITHSCORES", "(ERR syntax error)"),
            ("ZINTERCARD 1 a LIMIT -1", "(ERR LIMIT can't be negative)"),
            ("ZINTERCARD 1 a WITHSCORES", "(ERR syntax error)"),
        ],
    );
}
