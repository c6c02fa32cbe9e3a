//! Every command with arguments that mostly make no sense: no panic, a whole reply each time, and a
//! log that gives the same data again.

use proptest::prelude::*;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session, commands};

/// Commands that change the process or wait on the clock, not the data.
const LEFT_OUT: &[&str] = &[
    "shutdown",
    "debug",
    "config set",
    "config rewrite",
    "client kill",
    "client pause",
    "monitor",
];
/// Keys of every type, so that commands meet right and wrong ones.
const SETUP: &[&str] = &[
    "RPUSH l a b 1 2",
    "SET s hello",
    "SET n 10",
    "HSET h a 1 b two",
    "SADD t a b 1 2",
    "SADD i 1 2 3",
    "ZADD z 1 a 2 b 3 c",
    "XADD x 1-1 a 1",
    "XADD x 2-1 b 2",
    "XGROUP CREATE x g 0",
    "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
    "SET e gone PX 100000",
];
const WORDS: &[&str] = &[
    "l",
    "s",
    "n",
    "h",
    "t",
    "i",
    "z",
    "x",
    "e",
    "none",
    "k1",
    "k2",
    "g",
    "c",
    "a",
    "b",
    "0",
    "1",
    "2",
    "-1",
    "3",
    "10",
    "100",
    "1.5",
    "-0",
    "nan",
    "inf",
    "(1",
    "[a",
    "+",
    "-",
    "*",
    "$",
    ">",
    "=",
    "~",
    "1-1",
    "2-1",
    "0-0",
    "99999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "",
    " ",
    "STREAMS",
    "LEFT",
    "RIGHT",
    "WITHSCORES",
    "GET",
    "FIELDS",
    "COUNT",
];

/// A request: the words of a command's name, and arguments from its syntax and from `WORDS`.
fn request() -> impl Strategy<Value = Vec<String>> {
    let commands: Vec<(String, &'static str)> = commands()
        .filter(|(name, _)| !LEFT_OUT.iter().any(|left| name.starts_with(left)))
        .collect();
    prop::sample::select(commands).prop_flat_map(|(name, syntax)| {
        let keywords: Vec<String> = syntax
            .split(|c: char| !c.is_ascii_uppercase())
            .filter(|word| word.len() > 1)
            .map(ToOwned::to_owned)
            .collect();
        let plain = prop::sample::select(WORDS).prop_map(ToOwned::to_owned);
        let word = if keywords.is_empty() {
            plain.boxed()
        } else {
            prop_oneof![3 => plain, 1 => prop::sample::select(keywords)].boxed()
        };
        let name: Vec<String> = name.split(' ').map(ToOwned::to_owned).collect();
        prop::collection::vec(word, 0..8).prop_map(move |mut words| {
            let mut request = name.clone();
            request.append(&mut words);
            request
        })
    })
}

/// Is this one or more whole RESP values?
fn assert_replies(mut bytes: &[u8], request: &[String]) {
    while !bytes.is_empty() {
        let used = match redis_protocol::resp2::decode::decode(bytes) {
            Ok(Some((_, used))) => used,
            _ => match redis_protocol::resp3::decode::complete::decode(bytes) {
                Ok(Some((_, used))) => used,
                other => panic!("{request:?}: {:?} {other:?}", String::from_utf8_lossy(bytes)),
            },
        };
        bytes = &bytes[used..];
    }
}

fn run(session: &mut Session<'_>, request: &[String]) {
    if let Some(reply) = session.run(request) {
        assert_replies(&reply, request);
    }
    if session.is_waiting() {
        session.time_out();
    }
}

fn digest(engine: &Engine) -> String {
    let mut session = engine.session();
    let reply = session.run_line("DEBUG DIGEST").expect("DEBUG DIGEST replies");
    String::from_utf8(reply).expect("a digest is text")
}

proptest! {
    #[test]
    fn any_arguments_are_survived_and_logged_truly(
        requests in prop::collection::vec(request(), 1..60),
    ) {
        let folder = tempfile::tempdir().expect("a folder for the log");
        let clock = Clock::manual(1_700_000_000_000);
        let engine = Engine::new(Config::default(), clock.clone());
        engine.open_log(folder.path()).expect("an empty log opens");
        {
            let mut session = engine.session();
            for line in SETUP {
                drop(session.run_line(line));
            }
            for request in &requests {
                run(&mut session, request);
            }
        }
        prop_assert!(engine.sync_log());
        let again = Engine::new(Config::default(), clock);
        again.open_log(folder.path()).expect("what was written can be loaded");
        prop_assert_eq!(digest(&again), digest(&engine));
    }
}
