//! Any rules of ACL SETUSER: no panic, and the line that shows a user makes the same user again.

use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session};

/// The line of the user `u` in ACL LIST.
fn line(session: &mut Session<'_>) -> Option<Vec<u8>> {
    let reply = session.run_line("ACL LIST").expect("it replies");
    let Ok(Some((OwnedFrame::Array(lines), _))) = decode(&reply) else {
        panic!("not a list: {:?}", String::from_utf8_lossy(&reply));
    };
    lines.into_iter().find_map(|line| match line {
        OwnedFrame::BulkString(line) if line.starts_with(b"user u ") => Some(line),
        _ => None,
    })
}

/// What the target does with an input: each line is one call.
pub fn check(input: &[u8]) {
    let engine = Engine::new(Config::default(), Clock::manual(1_000_000_000));
    let mut session = engine.session();
    for rules in input.split(|&byte| byte == b'\n') {
        let mut words: Vec<&[u8]> = vec![b"ACL", b"SETUSER", b"u"];
        words.extend(rules.split(|&byte| byte == b' '));
        session.run(&words);
    }
    let Some(line) = line(&mut session) else { return };
    let mut words: Vec<&[u8]> = vec![b"ACL", b"SETUSER", b"v"];
    words.extend(line.split(|&byte| byte == b' ').skip(2));
    assert_eq!(session.run(&words).as_deref(), Some(&b"+OK\r\n"[..]));
    assert_eq!(session.run_line("ACL GETUSER u"), session.run_line("ACL GETUSER v"));
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    super::texts(&[
        "on nopass +@all ~* &*",
        "off >secret <other +get +set -config|set %R~a* %W~b* %RW~c*",
        "+@read -@dangerous +select|0 resetkeys ~x\n(+get ~y %R~z) (-@all &c)\nclearselectors",
        "#aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f\nreset\nresetpass",
        "allkeys allchannels allcommands nocommands\n-get +get|x +debug|sleep\nsanitize-payload",
    ])
}
