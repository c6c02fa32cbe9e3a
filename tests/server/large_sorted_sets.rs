//! Sorted sets that get very many members at once.

use crate::harness::{Server, check, error, run};

/// So many that the set is made anew (`types/sorted_set/merge.rs`).
#[test]
fn very_many_members_get_scores_at_once() {
    const MANY: usize = 10_000;
    let server = Server::start(&["--appendonly", "yes"]);
    let client = &mut server.client();
    // Members come in no order; every tenth comes twice.
    let pairs = |from: usize| {
        let pair = |n: usize| format!("{} m{}", n * 7919 % 10_007, from + n);
        let all: Vec<String> = (0..MANY).chain((0..MANY).step_by(10)).map(pair).collect();
        all.join(" ")
    };
    let add = |client: &mut _, from| run::<usize>(client, &format!("ZADD z {}", pairs(from)));
    assert_eq!(add(client, 0), MANY);
    assert_eq!(add(client, MANY / 2), MANY / 2);
    check(
        client,
        &[
            ("ZCARD z", "15000"),
            ("ZSCORE z m0", r#""0""#),
            ("ZSCORE z m5001", r#""7919""#),
            ("ZCOUNT z 0 7919", "11871"),
            ("ZREM z m5001", "1"),
            ("ZADD z 1 m5001", "1"),
            ("SET text x", "OK"),
        ],
    );
    let wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
    assert_eq!(error(client, &format!("ZADD text {}", pairs(0))), wrong_type);
    let no_float = "ERR value is not a valid float";
    assert_eq!(error(client, &format!("ZADD z {} x m1", pairs(0))), no_float);
    check(client, &[("ZSCORE z m5001", r#""1""#), ("ZCARD z", "15000")]);
}
