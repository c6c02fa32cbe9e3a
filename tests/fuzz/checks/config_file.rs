//! Any text as the configuration file: it is read or refused with one line that says why. What was
//! read is the same when CONFIG REWRITE has written it, and a second rewrite changes nothing.

use std::ffi::OsString;
use std::path::Path;

use respq::clock::Clock;
use respq::config::{Config, Setting, command_line};
use respq::engine::Engine;

/// Databases times shards of an engine that is made.
const PARTS_MAX: usize = 1 << 12;

fn read(path: &Path) -> Result<Config, String> {
    let words = [OsString::from("respq"), path.as_os_str().to_owned()];
    command_line::read(words).map_err(|error| error.to_string())
}

/// Has the engine rewrite its file; returns its settings and its users, and the file. `None`: the
/// users are refused.
fn rewrite(config: Config, path: &Path) -> Option<([Vec<u8>; 2], Vec<u8>)> {
    let engine = Engine::new(config, Clock::manual(super::fixture::START_MS));
    engine.load_users().ok()?;
    let shown =
        [engine.run_inside(&[b"CONFIG", b"GET", b"*"]), engine.run_inside(&[b"ACL", b"LIST"])];
    let reply = engine.run_inside(&[b"CONFIG", b"REWRITE"]);
    assert_eq!(reply.escape_ascii().to_string(), "+OK\\r\\n");
    Some((shown, std::fs::read(path).expect("the file is there")))
}

/// What the target does with an input.
pub fn check(input: &[u8]) {
    // A file that is included may be anything, a device that never ends too.
    let lower = input.to_ascii_lowercase();
    if lower.windows(7).any(|word| word == b"include" || word == b"aclfile") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("respq.conf");
    std::fs::write(&path, input).expect("a file");
    let config = match read(&path) {
        Ok(config) => config,
        Err(text) => return assert!(!text.is_empty(), "it says why"),
    };
    if config.size(Setting::Databases) * config.size(Setting::Shards) > PARTS_MAX {
        return;
    }
    let Some((shown, written)) = rewrite(config, &path) else { return };
    let again = match read(&path) {
        Ok(again) => again,
        Err(text) => panic!("{text}: {}", written.escape_ascii()),
    };
    let (shown_again, written_again) = rewrite(again, &path).expect("the users are the same");
    let texts = |parts: [Vec<u8>; 2]| parts.map(|part| String::from_utf8_lossy(&part).into_owned());
    assert_eq!(texts(shown_again), texts(shown), "{}", written.escape_ascii());
    assert_eq!(written_again, written, "a second rewrite");
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = super::texts(&[
        "# note\nport 6380\nbind 127.0.0.1 -::1\nsave 900 1\nsave 300 10\n\nhz 20 \n",
        "save \"\"\nrequirepass \"a \\\"b\\\" \\x00\"\nmaxmemory 1gb\nmaxmemory-policy allkeys-lru\n",
        "user default on nopass +@all ~* &*\nuser a on >p ~x +get (+set ~y)\n",
        "rename-command CONFIG \"\"\nrename-command get fetch\n",
        "client-output-buffer-limit normal 1mb 2kb 3\nclient-output-buffer-limit replica 1 2 3\n",
        "notify-keyspace-events KEA\nmaxmemory-clients 5%\nlatency-tracking-info-percentiles 50 99.9\n",
        "list-max-ziplist-size -3\nAPPENDFSYNC always\nappendonly yes\nunixsocketperm 700\n",
        "user\0a on\nuser \"\" on\n",
        "user \"\" on\nUSER \"b\" on\n",
        "oom-score-adj-values 0 200 800\nshutdown-on-sigint save now\ndir './x y'\n",
    ]);
    // Every setting with its value.
    let config = Config::default();
    let engine = Engine::new(config, Clock::manual(super::fixture::START_MS));
    let reply = engine.run_inside(&[b"CONFIG", b"GET", b"*"]);
    let text = String::from_utf8_lossy(&reply);
    let words: Vec<&str> = text.split("\r\n").skip(2).step_by(2).collect();
    for pairs in words.chunks(12) {
        let lines = pairs.chunks(2).filter(|pair| pair.len() == 2);
        let lines = lines.map(|pair| format!("{} \"{}\"\n", pair[0], pair[1]));
        seeds.push(lines.collect::<String>().into_bytes());
    }
    seeds
}
