//! Requests that come in one piece do what they do one by one: the same replies, the same data, the
//! same messages for those who wait. What a batch foresees and keeps locked shows nowhere. So with
//! those of several clients that are run in one batch.

use proptest::prelude::*;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session};
use respq::resp::request::{encode_head, encode_word};

/// In several shards; two share one by their tag. One is too short to be known by its words.
const KEYS: [&str; 6] = ["a", "bb", "ccc", "dddd", "{t}e", "{t}f"];
/// Keys of that shard that are there at first: a few more, and its table splits.
const CROWD: usize = 440;
/// A hash and a set that are large enough to be tables.
const TABLES: [&str; 2] = ["hash", "set"];
/// What they hold at first.
const PARTS: usize = 200;
/// Changes a key and another one, which it does not name.
const SCRIPT: &str = "return{redis.pcall('LPUSH',KEYS[1],'x'),redis.pcall('INCR','{t}e')}";
/// Clients whose requests come at the same time, at most.
const CLIENTS: usize = 20;
/// Commands that wait, each in a session of its own.
const WAITING: [&str; 4] =
    ["BLPOP a bb 0", "BLMOVE a {t}e LEFT RIGHT 0", "BRPOP {t}e 0", "BLMOVE ccc dddd LEFT LEFT 0"];

fn line() -> impl Strategy<Value = String> {
    let key = || prop::sample::select(&KEYS[..]);
    let word = |text: &'static str| Just(text.to_owned());
    prop_oneof![
        3 => (key(), 0..9).prop_map(|(key, n)| format!("SET {key} {n}")),
        4 => key().prop_map(|key| format!("get {key}")),
        4 => (key(), 0..9).prop_map(|(key, n)| format!("LPUSH {key} {n}")),
        2 => key().prop_map(|key| format!("LPOP {key}")),
        3 => key().prop_map(|key| format!("DEL {key}")),
        1 => (key(), key()).prop_map(|(from, to)| format!("RENAME {from} {to}")),
        1 => (key(), key()).prop_map(|(one, other)| format!("MGET {one} {other}")),
        1 => (key(), key()).prop_map(|(from, to)| format!("LMOVE {from} {to} LEFT RIGHT")),
        1 => key().prop_map(|key| format!("WATCH {key}")),
        1 => key().prop_map(|key| format!("MSET {key} 1{}", " bb 1".repeat(6))),
        6 => part_line(),
        2 => moving_line(),
        1 => (0..2).prop_map(|db| format!("SELECT {db}")),
        1 => prop_oneof![word("MULTI"), word("EXEC"), word("EXEC"), word("DISCARD")],
        1 => key().prop_map(|key| format!("EVAL {SCRIPT} 1 {key}")),
        1 => prop_oneof![word("PING"), word("GET"), word("NOPE a"), word("DBSIZE"), word("PING a")],
    ]
}

/// A request that has entries come, go or move otherwise than by a command on their key.
fn moving_line() -> impl Strategy<Value = String> {
    let key = || prop::sample::select(&KEYS[..]);
    let crowd = |command: &'static str, from: usize| {
        let words: Vec<_> = (from..from + 40).map(|n| format!(" {{t}}{n}")).collect();
        Just(format!("{command}{}", words.concat()))
    };
    let added: Vec<_> = (CROWD..CROWD + 40).map(|n| format!(" {{t}}{n} x")).collect();
    prop_oneof![
        Just("SWAPDB 0 1".to_owned()),
        Just("FLUSHDB".to_owned()),
        Just("DEBUG RELOAD".to_owned()),
        key().prop_map(|key| format!("MOVE {key} 1")),
        (key(), key()).prop_map(|(from, to)| format!("COPY {from} {to} DB 1 REPLACE")),
        key().prop_map(|key| format!("PEXPIREAT {key} 1")),
        key().prop_map(|key| format!("GETDEL {key}")),
        Just(format!("MSET{}", added.concat())),
        crowd("DEL", CROWD),
        crowd("DEL", 0),
    ]
}

/// A request that goes to a part of a table.
fn part_line() -> impl Strategy<Value = String> {
    let part = 0..2 * PARTS;
    prop_oneof![
        part.clone().prop_map(|n| format!("HSET hash {n} x{n}")),
        part.clone().prop_map(|n| format!("HGET hash {n}")),
        part.clone().prop_map(|n| format!("HDEL hash {n}")),
        part.clone().prop_map(|n| format!("SADD set x{n}")),
        part.clone().prop_map(|n| format!("SISMEMBER set x{n}")),
        prop::sample::select(&TABLES[..]).prop_map(|key| format!("HLEN {key}")),
        prop::sample::select(&TABLES[..]).prop_map(|key| format!("DEL {key}")),
    ]
}

/// The requests of clients that come at the same time: single ones, as a rule.
fn round() -> impl Strategy<Value = Vec<Vec<String>>> {
    let piece = prop_oneof![
        4 => prop::collection::vec(line(), 1..2),
        1 => prop::collection::vec(line(), 1..8),
    ];
    prop::collection::vec(piece, 2..CLIENTS)
}

fn fill_tables(session: &mut Session<'_>) {
    let fields: Vec<_> = (0..PARTS).map(|n| format!(" {n} {n}")).collect();
    let members: Vec<_> = (0..PARTS).map(|n| format!(" x{n}")).collect();
    session.run_line(&format!("HSET hash{}", fields.concat())).unwrap();
    session.run_line(&format!("SADD set{}", members.concat())).unwrap();
    let crowd: Vec<_> = (0..CROWD).map(|n| format!(" {{t}}{n} {n}")).collect();
    session.run_line(&format!("MSET{}", crowd.concat())).unwrap();
}

/// Words as they come over the wire.
fn encoded(lines: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        encode_head(&mut bytes, words.len());
        for word in words {
            encode_word(&mut bytes, word.as_bytes());
        }
    }
    bytes
}

fn engine() -> Engine {
    Engine::new(Config::default(), Clock::manual(1_700_000_000_000))
}

/// What came of it, beside the replies of the client itself.
fn traces(engine: &Engine, waiting: &mut [Session<'_>]) -> Vec<Option<Vec<u8>>> {
    engine.audit().unwrap();
    let mut traces: Vec<_> = waiting.iter_mut().map(Session::served).collect();
    let mut session = engine.session();
    traces.extend([session.run_line("DEBUG DIGEST"), session.run_line("DBSIZE")]);
    traces
}

fn run(ask: impl Fn(&Engine) -> Vec<u8>) -> Vec<Option<Vec<u8>>> {
    let engine = engine();
    let mut waiting: Vec<_> = WAITING.iter().map(|_| engine.session()).collect();
    for (session, line) in waiting.iter_mut().zip(WAITING) {
        assert_eq!(session.run_line(line), None, "{line} waits");
    }
    fill_tables(&mut engine.session());
    let replies = ask(&engine);
    assert!(!replies.is_empty());
    let mut found = traces(&engine, &mut waiting);
    found.push(Some(replies));
    found
}

fn ask_one_by_one(session: &mut Session<'_>, lines: &[String]) -> Vec<u8> {
    lines.iter().filter_map(|line| session.run_line(line)).flatten().collect()
}

/// What the requests of clients, which come in rounds, do together, or one by one in that order.
fn ask_in_rounds(engine: &Engine, rounds: &[Vec<Vec<String>>], together: bool) -> Vec<u8> {
    let mut sessions: Vec<_> = (0..CLIENTS).map(|_| engine.session()).collect();
    let mut replies = Vec::new();
    for round in rounds {
        let in_turn = if together {
            let pieces: Vec<_> = round.iter().map(|lines| encoded(lines)).collect();
            engine.feed_together(&mut sessions[..round.len()], &pieces)
        } else {
            let both = sessions.iter_mut().zip(round);
            both.map(|(session, lines)| ask_one_by_one(session, lines)).collect()
        };
        for replies_to_one in in_turn {
            replies.extend(replies_to_one);
            replies.push(b'|');
        }
    }
    replies
}

proptest! {
    #[test]
    fn a_pipeline_does_what_its_requests_do(lines in prop::collection::vec(line(), 1..100)) {
        let at_once = run(|engine| engine.session().feed(&encoded(&lines)));
        let one_by_one = run(|engine| ask_one_by_one(&mut engine.session(), &lines));
        prop_assert_eq!(at_once, one_by_one, "{:?}", lines);
    }

    #[test]
    fn clients_in_one_batch_get_what_they_would_alone(
        rounds in prop::collection::vec(round(), 1..8)
    ) {
        let together = run(|engine| ask_in_rounds(engine, &rounds, true));
        let one_by_one = run(|engine| ask_in_rounds(engine, &rounds, false));
        prop_assert_eq!(together, one_by_one, "{:?}", rounds);
    }
}
