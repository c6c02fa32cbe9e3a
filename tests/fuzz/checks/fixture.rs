//! What the checks share: an engine in a folder, and what must hold whatever was asked of it.

use std::path::Path;
use std::sync::OnceLock;

use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use respq::clock::Clock;
use respq::config::{Config, Setting};
use respq::engine::{Engine, Session};

/// The instant at which checks start, in unix milliseconds.
pub const START_MS: u64 = 1_700_000_000_000;

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

/// A small engine whose files are in `folder`.
pub fn engine(folder: &Path, clock: Clock) -> Engine {
    let config = Config::default();
    let folder = folder.to_string_lossy();
    for (setting, value) in [
        (Setting::Databases, "3"),
        (Setting::Dir, &*folder),
        (Setting::EnableDebugCommand, "yes"),
        (Setting::ProtoMaxBulkLen, "1mb"),
        (Setting::Shards, "4"),
    ] {
        config.set(setting, value).expect("the setting takes it");
    }
    Engine::new(config, clock)
}

/// Loads the log in `folder`, which must be whole.
pub fn reopen(folder: &Path, clock: Clock) -> Engine {
    let engine = engine(folder, clock);
    if let Err(error) = engine.open_log(folder) {
        let log = std::fs::read_dir(folder.join("appendonlydir")).into_iter().flatten().flatten();
        let files = log.map(|file| std::fs::read(file.path()).unwrap_or_default());
        let files: Vec<String> = files.map(|bytes| bytes.escape_ascii().to_string()).collect();
        panic!("{error}\n{}", files.join("\n").replace("\\r\\n", " "));
    }
    assert_sound(&engine);
    engine
}

/// The digest of all data.
pub fn digest(engine: &Engine) -> String {
    let reply = engine.run_inside(&[b"DEBUG", b"DIGEST"]);
    assert_eq!(reply.first(), Some(&b'+'), "{}", reply.escape_ascii());
    String::from_utf8_lossy(&reply).into_owned()
}

/// Fails, and says where, unless two engines have the same data.
pub fn assert_same(engine: &Engine, other: &Engine, when: &str) {
    if digest(engine) == digest(other) {
        return;
    }
    let (mut session, mut other) = (engine.session(), other.session());
    let mut found = String::new();
    for db in [b"0", b"1", b"2"] {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for session in [&mut session, &mut other] {
            session.run(&[&b"SELECT"[..], db]);
            let reply = session.run_line("KEYS *").unwrap_or_default();
            if let Ok(Some((OwnedFrame::Array(frames), _))) = decode(&reply) {
                keys.extend(frames.into_iter().filter_map(|key| match key {
                    OwnedFrame::BulkString(key) => Some(key),
                    _ => None,
                }));
            }
        }
        for key in keys {
            for words in [&[&b"DUMP"[..], &key][..], &[b"PEXPIRETIME", &key]] {
                let (own, others) = (session.run(words), other.run(words));
                if own != others {
                    let [own, others] = [own, others].map(|r| shown(&r.unwrap_or_default()));
                    found.extend([&shown_words(words), "\n  ", &own, "\n  ", &others, "\n"]);
                }
            }
        }
    }
    panic!("other data {when}:\n{found}");
}

/// Gives an engine keys of every type.
pub fn fill(engine: &Engine) {
    let mut session = engine.session();
    for line in SETUP {
        let reply = session.run_line(line).expect("it replies");
        assert_ne!(reply.first(), Some(&b'-'), "{line}");
    }
}

/// Fails unless `bytes` are whole values of the protocol, RESP2 or RESP3.
pub fn assert_replies(bytes: &[u8]) {
    trace(|| format!("  {}", shown(bytes)));
    let mut rest = bytes;
    while !rest.is_empty() {
        match behind_value(rest) {
            Some(behind) => rest = behind,
            None => panic!("not a reply: {} in {}", rest.escape_ascii(), bytes.escape_ascii()),
        }
    }
}

/// What stands behind the first value in `bytes`; `None` if it is not whole.
fn behind_value(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    let mut values = 1;
    while values > 0 {
        let (kind, behind) = rest.split_first()?;
        let end = behind.windows(2).position(|end| end == b"\r\n")?;
        let line = &behind[..end];
        rest = &behind[end + 2..];
        values -= 1;
        match kind {
            b'$' | b'*' if line == b"-1" => {}
            b'$' | b'=' => {
                let text = rest.get(..count(line)?)?;
                if *kind == b'=' && text.get(3) != Some(&b':') {
                    return None;
                }
                rest = rest[text.len()..].strip_prefix(b"\r\n")?;
            }
            b'*' | b'~' | b'>' => values += count(line)?,
            b'%' => values += 2 * count(line)?,
            // Attributes stand before the value that they are about.
            b'|' => values += 2 * count(line)? + 1,
            _ if is_simple(*kind, line) => {}
            _ => return None,
        }
    }
    Some(rest)
}

fn count(line: &[u8]) -> Option<usize> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// Is this line a whole value of the kind?
fn is_simple(kind: u8, line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    match kind {
        // Scripts may make a large number of any text, as in Redis.
        b'+' | b'-' | b'(' => true,
        b':' => text.parse::<i64>().is_ok(),
        b',' => text.parse::<f64>().is_ok(),
        b'_' => text.is_empty(),
        b'#' => matches!(&*text, "t" | "f"),
        _ => false,
    }
}

/// Shows what happens, if `RESPQ_TRACE` is set.
pub fn trace(line: impl FnOnce() -> String) {
    static IS_ON: OnceLock<bool> = OnceLock::new();
    if *IS_ON.get_or_init(|| std::env::var_os("RESPQ_TRACE").is_some()) {
        eprintln!("{}", line());
    }
}

/// Any bytes as a line of text.
fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\r\\n", " ")
}

/// A request as a line of text.
pub fn shown_words(words: &[impl AsRef<[u8]>]) -> String {
    words.iter().map(|word| shown(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Runs words of any bytes; gives up waiting if it comes to that. The reply is a whole one.
pub fn run(session: &mut Session<'_>, words: &[&[u8]]) -> Vec<u8> {
    trace(|| shown_words(words));
    let reply = session.run(words).or_else(|| session.time_out()).unwrap_or_default();
    assert_replies(&reply);
    reply
}

/// Fails if the engine contradicts itself.
pub fn assert_sound(engine: &Engine) {
    if let Err(what) = engine.audit() {
        panic!("{what}");
    }
}

/// Fails unless each value is the same when it is encoded and decoded.
pub fn assert_reload(engine: &Engine) {
    let before = digest(engine);
    let reply = engine.run_inside(&[b"DEBUG", b"RELOAD"]);
    assert_eq!(reply.escape_ascii().to_string(), "+OK\\r\\n");
    assert_sound(engine);
    assert_eq!(digest(engine), before, "after a reload");
}
