//! Fields that expire, by a clock that stands still until it is moved.

use std::collections::BTreeMap;

use proptest::prelude::*;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session};

const START_MS: u64 = 1_000_000;

/// Runs commands; the replies of one, without line ends.
fn run(session: &mut Session<'_>, line: &str) -> String {
    let reply = session.run_line(line).unwrap();
    String::from_utf8(reply).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn fields_go_when_their_time_is_up() {
    let clock = Clock::manual(START_MS);
    let engine = Engine::new(Config::default(), clock.clone());
    let session = &mut engine.session();
    for (advance_ms, line, expected) in [
        (0, "HSET h a 1 b 2 c 3", ":3"),
        (0, "HEXPIRE h 1 FIELDS 2 a none", "*2 :1 :-2"),
        (0, "HPEXPIRE h 1500 FIELDS 1 b", "*1 :1"),
        (0, "HPTTL h FIELDS 3 a b c", "*3 :1000 :1500 :-1"),
        (1, "HTTL h FIELDS 2 a b", "*2 :1 :2"),
        (0, "HPEXPIRETIME h FIELDS 1 b", "*1 :1001500"),
        (999, "HGET h a", "$1 1"),
        (1, "HGET h a", "$-1"),
        (0, "HLEN h", ":2"),
        (0, "HKEYS h", "*2 $1 b $1 c"),
        (0, "HINCRBY h b 5", ":7"),
        (0, "HPTTL h FIELDS 1 b", "*1 :499"),
        (500, "HSETNX h b again", ":1"),
        (0, "HTTL h FIELDS 1 b", "*1 :-1"),
        (0, "HPEXPIRE h 10 FIELDS 2 b c", "*2 :1 :1"),
        (11, "HSCAN h 0", "*2 $1 0 *0"),
        (0, "DBSIZE", ":0"),
    ] {
        clock.advance(advance_ms);
        assert_eq!(run(session, line), expected, "{line}");
    }
}

#[test]
fn memory_comes_back_unasked() {
    let clock = Clock::manual(START_MS);
    let engine = Engine::new(Config::default(), clock.clone());
    let session = &mut engine.session();
    for n in 0..5000 {
        run(session, &format!("HSETEX h PX {} FIELDS 1 f{n} x", 1000 + n));
        run(session, &format!("HSET other{n} f x"));
        run(session, &format!("HPEXPIRE other{n} 1 FIELDS 1 f"));
    }
    clock.advance(4000);
    engine.expire_cycle();
    assert_eq!(run(session, "DBSIZE"), ":1");
    clock.advance(4000);
    engine.expire_cycle();
    assert_eq!(run(session, "DBSIZE"), ":0");
}

#[test]
fn a_hash_that_moves_takes_its_times_along() {
    let clock = Clock::manual(START_MS);
    let engine = Engine::new(Config::default(), clock.clone());
    let session = &mut engine.session();
    run(session, "HSET h a 1 b 2");
    run(session, "HPEXPIRE h 5000 FIELDS 1 a");
    run(session, "RENAME h moved");
    clock.advance(10_000);
    engine.expire_cycle();
    assert_eq!(run(session, "HGETALL moved"), "*2 $1 b $1 2");
    run(session, "HPEXPIRE moved 5000 FIELDS 1 b");
    run(session, "COPY moved copy");
    clock.advance(10_000);
    engine.expire_cycle();
    assert_eq!(run(session, "DBSIZE"), ":0");
}

#[derive(Clone, Debug)]
enum Step {
    Advance(u64),
    Cycle,
    Delete(u8),
    Expire(u8, u64),
    Persist(u8),
    Set(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let field = || 0u8..100;
    prop_oneof![
        2 => (0u64..400).prop_map(Step::Advance),
        1 => Just(Step::Cycle),
        2 => field().prop_map(Step::Delete),
        8 => (field(), 1u64..3000).prop_map(|(field, ttl)| Step::Expire(field, ttl)),
        1 => field().prop_map(Step::Persist),
        10 => field().prop_map(Step::Set),
    ]
}

/// Fields with the instant at which they expire.
type Model = BTreeMap<u8, Option<u64>>;

fn apply(session: &mut Session<'_>, model: &mut Model, now_ms: u64, step: &Step) {
    let found = |model: &Model, field| model.get(field).copied();
    let (line, expected) = match step {
        Step::Advance(_) | Step::Cycle => return,
        Step::Delete(field) => {
            let removed = i64::from(model.remove(field).is_some());
            (format!("HDEL h {field}"), format!(":{removed}"))
        }
        Step::Expire(field, ttl) => {
            let code = if found(model, field).is_some() { 1 } else { -2 };
            model.entry(*field).and_modify(|at| *at = Some(now_ms + ttl));
            (format!("HPEXPIRE h {ttl} FIELDS 1 {field}"), format!("*1 :{code}"))
        }
        Step::Persist(field) => {
            let code = match found(model, field) {
                None => -2,
                Some(None) => -1,
                Some(Some(_)) => 1,
            };
            model.entry(*field).and_modify(|at| *at = None);
            (format!("HPERSIST h FIELDS 1 {field}"), format!("*1 :{code}"))
        }
        Step::Set(field) => {
            let added = i64::from(model.insert(*field, None).is_none());
            (format!("HSET h {field} x"), format!(":{added}"))
        }
    };
    assert_eq!(run(session, &line), expected, "{line}");
}

proptest! {
    #[test]
    fn what_is_left_is_what_has_not_expired(steps in prop::collection::vec(step(), 1..400)) {
        let clock = Clock::manual(START_MS);
        let engine = Engine::new(Config::default(), clock.clone());
        let session = &mut engine.session();
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Advance(ms) => clock.advance(ms),
                Step::Cycle => engine.expire_cycle(),
                _ => {}
            }
            let now_ms = clock.now_ms();
            model.retain(|_, at| at.is_none_or(|at| at >= now_ms));
            apply(session, &mut model, now_ms, &step);
            prop_assert_eq!(run(session, "HLEN h"), format!(":{}", model.len()));
        }
        for (field, at) in &model {
            let expected = at.map_or("-1".to_owned(), |at| at.to_string());
            let line = format!("HPEXPIRETIME h FIELDS 1 {field}");
            prop_assert_eq!(run(session, &line), format!("*1 :{expected}"));
        }
    }
}
