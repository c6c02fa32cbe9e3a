//! Any bytes sent by two clients: no panic, and every reply can be read by an independent decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::Engine;

/// Checks that `replies` is a run of whole RESP2 or RESP3 values.
fn check(mut replies: &[u8]) {
    while !replies.is_empty() {
        let decoded = redis_protocol::resp3::decode::complete::decode(replies);
        let used = match decoded {
            Ok(Some((_, used))) => used,
            _ => match redis_protocol::resp2::decode::decode(replies) {
                Ok(Some((_, used))) => used,
                other => panic!("not a reply: {:?} ({other:?})", String::from_utf8_lossy(replies)),
            },
        };
        replies = &replies[used..];
    }
}

fuzz_target!(|input: &[u8]| {
    let engine = Engine::new(Config::default(), Clock::manual(1_000_000_000));
    let mut sessions = [engine.session(), engine.session()];
    for (turn, piece) in input.split(|&byte| byte == 0xFF).enumerate() {
        let session = &mut sessions[turn % 2];
        if session.is_waiting() {
            session.time_out();
        }
        check(&session.feed(piece));
    }
});
