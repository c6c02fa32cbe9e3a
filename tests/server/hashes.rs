//! Hashes, without expiry of fields.

use redis::Value;

use crate::harness::{Server, check, run, walk};

#[test]
fn fields_are_set_read_and_removed() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("HSET h a 1 b 2", "2"),
            ("HSET h a 3 c 4", "1"),
            ("HGET h a", r#""3""#),
            ("HGET h none", "nil"),
            ("HGET none a", "nil"),
            ("HMGET h a none b", r#"["3" nil "2"]"#),
            ("HMGET none a b", "[nil nil]"),
            ("HGETALL h", r#"["a" "3" "b" "2" "c" "4"]"#),
            ("HGETALL none", "[]"),
            ("HKEYS h", r#"["a" "b" "c"]"#),
            ("HVALS h", r#"["3" "2" "4"]"#),
            ("HLEN h", "3"),
            ("HLEN none", "0"),
            ("HEXISTS h a", "1"),
            ("HEXISTS h none", "0"),
            ("HSTRLEN h a", "1"),
            ("HSTRLEN h none", "0"),
            ("HMSET h d long-value", "OK"),
            ("HSTRLEN h d", "10"),
            ("HSETNX h d x", "0"),
            ("HSETNX h e x", "1"),
            ("HGET h e", r#""x""#),
            ("HDEL h a none b a", "2"),
            ("HDEL none a", "0"),
            ("HDEL h c d e", "3"),
            ("DEL h", "0"),
        ],
    );
}

#[test]
fn hash_commands_refuse_bad_arguments() {
    let server = Server::start(&[]);
    let wrong_type = "(WRONGTYPE Operation against a key holding the wrong kind of value)";
    check(
        &mut server.client(),
        &[
            ("SET s x", "OK"),
            ("HSET h a 1", "1"),
            ("HSET s a 1", wrong_type),
            ("HGET s a", wrong_type),
            ("HGETALL s", wrong_type),
            ("HSETNX s a 1", wrong_type),
            ("HINCRBY s a 1", wrong_type),
            ("HSCAN s 0", wrong_type),
            ("HRANDFIELD s", wrong_type),
            ("GET h", wrong_type),
            ("HSET h a 1 b", "(ERR wrong number of arguments for 'hset' command)"),
            ("HMSET h a 1 b", "(ERR wrong number of arguments for 'hmset' command)"),
            ("HSET h a", "(ERR wrong number of arguments for 'hset' command)"),
            ("HSCAN h x", "(ERR invalid cursor)"),
            ("HSCAN h 0 COUNT 0", "(ERR syntax error)"),
            ("HSCAN h 0 COUNT x", "(ERR value is not an integer or out of range)"),
            ("HSCAN h 0 LIMIT 1", "(ERR syntax error)"),
            ("HRANDFIELD h x", "(ERR value is not an integer or out of range)"),
            ("HRANDFIELD h 1 NOVALUES", "(ERR syntax error)"),
            ("HRANDFIELD h -9223372036854775807 WITHVALUES", "(ERR value is out of range)"),
            ("HGETALL h", r#"["a" "1"]"#),
        ],
    );
}

#[test]
fn numbers_in_fields_are_counted() {
    let server = Server::start(&[]);
    let overflow = "(ERR increment or decrement would overflow)";
    check(
        &mut server.client(),
        &[
            ("HINCRBY h n 5", "5"),
            ("HINCRBY h n -7", "-2"),
            ("HGET h n", r#""-2""#),
            ("HSET h text abc big 9223372036854775807", "2"),
            ("HINCRBY h text 1", "(ERR hash value is not an integer)"),
            ("HINCRBY h big 1", overflow),
            ("HINCRBY h n 1.5", "(ERR value is not an integer or out of range)"),
            ("HINCRBY h n -9223372036854775807", overflow),
            ("HGET h big", r#""9223372036854775807""#),
            ("HINCRBYFLOAT h f 0.1", r#""0.1""#),
            ("HINCRBYFLOAT h f 0.2", r#""0.3""#),
            ("HINCRBYFLOAT h f 5.0e3", r#""5000.29999999999999982""#),
            ("HSET h f 10.50", "0"),
            ("HINCRBYFLOAT h f -10.5", r#""0""#),
            ("HINCRBYFLOAT h text 1", "(ERR hash value is not a float)"),
            ("HINCRBYFLOAT h f abc", "(ERR value is not a valid float)"),
            ("HINCRBYFLOAT h f inf", "(ERR value is NaN or Infinity)"),
        ],
    );
}

#[test]
fn resp3_has_maps_and_pairs() {
    let server = Server::start(&[]);
    check(
        &mut server.client_resp3(),
        &[
            ("HSET h a 1", "1"),
            ("HGETALL h", r#"{"a":"1"}"#),
            ("HRANDFIELD h 1 WITHVALUES", r#"[["a" "1"]]"#),
            ("HRANDFIELD h -2 WITHVALUES", r#"[["a" "1"] ["a" "1"]]"#),
            ("HRANDFIELD h 2", r#"["a"]"#),
            ("HGET h none", "nil"),
        ],
    );
}

#[test]
fn random_fields() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("HRANDFIELD none", "nil"),
            ("HRANDFIELD none 3", "[]"),
            ("HSET h a 1", "1"),
            ("HRANDFIELD h", r#""a""#),
            ("HRANDFIELD h 0", "[]"),
            ("HRANDFIELD h 5 WITHVALUES", r#"["a" "1"]"#),
            ("HRANDFIELD h -3", r#"["a" "a" "a"]"#),
        ],
    );
    for n in 0..1000 {
        run::<i64>(client, &format!("HSET big f{n} {n}"));
    }
    for count in [5, 400, 999, 1000, 2000] {
        let mut fields: Vec<String> = run(client, &format!("HRANDFIELD big {count}"));
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), count.min(1000));
    }
}

#[test]
fn a_walk_returns_every_field() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("HSCAN none 0", r#"["0" []]"#),
            ("HSET h a 1 b 2", "2"),
            ("HSCAN h 0", r#"["0" ["a" "1" "b" "2"]]"#),
            ("HSCAN h 0 NOVALUES", r#"["0" ["a" "b"]]"#),
            ("HSCAN h 0 MATCH b* COUNT 1", r#"["0" ["b" "2"]]"#),
        ],
    );
    for n in 0..2000 {
        run::<i64>(client, &format!("HSET big f{n} {n}"));
    }
    let mut seen: Vec<String> = walk(client, "HSCAN big", "COUNT 100 NOVALUES", |_| ());
    assert_eq!(seen.len(), 2000, "each comes once");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 2000);
}

#[test]
fn hashes_survive_a_restart() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    for n in 0..300 {
        run::<Value>(client, &format!("HSET big f{n} {n}"));
    }
    check(client, &[("HSET h a 1 b 2", "2"), ("HDEL h a", "1"), ("HINCRBY h b 3", "5")]);
    check(client, &[("HINCRBYFLOAT h b 0.5", r#""5.5""#)]);
    assert!(server.stop());
    server.start_again();
    let client = &mut server.client();
    check(
        client,
        &[("HGETALL h", r#"["b" "5.5"]"#), ("HLEN big", "300"), ("HGET big f7", r#""7""#)],
    );
}
