//! A small log, cut at every byte and with every byte changed.

use std::path::{Path, PathBuf};

use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::types::value::Value;

/// With one of them space is written behind the log.
const POLICIES: [&str; 2] = ["everysec", "always"];

fn engine(dir: &Path) -> Engine {
    engine_with("everysec", dir)
}

fn engine_with(policy: &str, dir: &Path) -> Engine {
    let config = Config::default();
    config.set(Setting::Dir, &dir.to_string_lossy()).unwrap();
    config.set(Setting::AppendFsync, policy).unwrap();
    Engine::new(config, Clock::manual(1_000_000))
}

fn run(engine: &Engine, client: &mut Client, line: &str) -> String {
    let argv = OwnedArgv::new(line.split(' ').map(str::as_bytes));
    let mut reply = Reply::new(Protocol::Resp2);
    let mut batch = engine.batch();
    batch.call(client, &mut reply, argv.as_argv());
    batch.finish();
    String::from_utf8_lossy(reply.bytes()).into_owned()
}

/// Makes a log of single commands and a transaction; returns its increment.
fn make_log(policy: &str, dir: &Path) -> PathBuf {
    let engine = engine_with(policy, dir);
    engine.open_aof(dir).unwrap();
    let client = &mut Client::internal();
    for line in [
        "RPUSH q 1",
        "RPUSH q 2",
        "MULTI",
        "RPUSH q 3",
        "RPUSH q 4",
        "EXEC",
        "RPUSH q 5",
        "SELECT 2",
        "SET other value",
    ] {
        run(&engine, client, line);
        engine.services.aof.sync();
    }
    dir.join("appendonlydir/appendonly.aof.1.incr.aof")
}

/// What a start makes of the folder; `None` if it refuses.
fn state(dir: &Path) -> Option<String> {
    let engine = engine(dir);
    engine.open_aof(dir).ok()?;
    let client = &mut Client::internal();
    let list = run(&engine, client, "LRANGE q 0 -1");
    run(&engine, client, "SELECT 2");
    let other = run(&engine, client, "GET other");
    let list: String = list.lines().skip(1).filter(|line| !line.starts_with('$')).collect();
    Some(format!("{list} {}", other.lines().last().unwrap_or_default()))
}

/// The bytes of a log, and where its content ends.
fn read(path: &Path) -> (Vec<u8>, usize) {
    let bytes = std::fs::read(path).unwrap();
    let content = Reader::open(path, 0).unwrap().size();
    (bytes, usize::try_from(content).unwrap())
}

#[test]
fn a_log_that_is_cut_anywhere_gives_a_prefix() {
    for policy in POLICIES {
        let dir = tempfile::tempdir().unwrap();
        let path = make_log(policy, dir.path());
        let (whole, content) = read(&path);
        assert_eq!(whole.len() > content, policy == "always");
        let states = [" $-1", "1 $-1", "12 $-1", "1234 $-1", "12345 $-1", "12345 value"];
        let mut reached = 0;
        for len in 0..=whole.len().min(content + 9) {
            std::fs::write(&path, &whole[..len]).unwrap();
            let found = state(dir.path()).unwrap_or_else(|| panic!("refused when cut at {len}"));
            let place = states.iter().position(|state| *state == found);
            let place = place.unwrap_or_else(|| panic!("cut at {len}: {found}"));
            assert!(place >= reached, "less with more bytes, at {len}");
            reached = place;
        }
        assert_eq!(reached, states.len() - 1);
    }
}

#[test]
fn a_changed_byte_is_seen_or_does_no_harm() {
    for policy in POLICIES {
        let dir = tempfile::tempdir().unwrap();
        let path = make_log(policy, dir.path());
        let (whole, content) = read(&path);
        let end = whole.len().min(content + 4);
        let mut refused = 0;
        // Of the space a little at either end does.
        for at in (0..end).chain(whole.len().saturating_sub(32).max(end)..whole.len()) {
            for bit in (0..8).map(|bit| 1 << bit) {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                std::fs::write(&path, &changed).unwrap();
                match state(dir.path()) {
                    None => refused += 1,
                    Some(found) => assert_eq!(found, "12345 value", "byte {at}, bit {bit:#x}"),
                }
            }
        }
        assert!(refused > content * 6, "most changes are seen: {refused}");
    }
}

#[test]
fn a_log_goes_on_where_its_content_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = make_log("always", dir.path());
    let (whole, content) = read(&path);
    assert!(whole.len() > content);
    let engine = engine(dir.path());
    engine.open_aof(dir.path()).unwrap();
    run(&engine, &mut Client::internal(), "RPUSH q 6");
    engine.services.aof.sync();
    let (longer, more) = read(&path);
    assert_eq!((&longer[..content], longer.len()), (&whole[..content], more));
    assert_eq!(state(dir.path()).as_deref(), Some("123456 value"));
}

/// A log of `count` effects in transactions of three, the last of which is in another database;
/// effect `wrong`, if there is one, cannot be done.
fn make_long_log(dir: &Path, count: usize, wrong: Option<usize>) -> PathBuf {
    drop(make_log("everysec", dir));
    let path = dir.join("appendonlydir/appendonly.aof.1.incr.aof");
    let mut bytes = Vec::new();
    let mut push = |line: &str| {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        crate::effects::encode(&mut bytes, words.into_iter());
    };
    for n in 0..count {
        push("MULTI");
        push("SELECT 0");
        push(if wrong == Some(n) { "NOSUCH counter" } else { "INCR counter" });
        push(&format!("SET key{n} {}", "v".repeat(n % 200)));
        push("SELECT 3");
        push("INCR counter");
        push("EXEC");
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_long_log_is_replayed_in_order() {
    let dir = tempfile::tempdir().unwrap();
    make_long_log(dir.path(), 20_000, None);
    let engine = engine(dir.path());
    let loaded = engine.open_aof(dir.path()).unwrap();
    assert_eq!(loaded.effects, 100_000);
    let client = &mut Client::internal();
    assert_eq!(run(&engine, client, "GET counter"), "$5\r\n20000\r\n");
    assert_eq!(run(&engine, client, "DBSIZE"), ":20001\r\n");
    run(&engine, client, "SELECT 3");
    assert_eq!(run(&engine, client, "GET counter"), "$5\r\n20000\r\n");
}

#[test]
fn an_effect_of_no_command_is_told_with_its_place_while_others_were_read_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let path = make_long_log(dir.path(), 20_000, Some(9000));
    let bytes = std::fs::read(&path).unwrap();
    let failing = memchr::memmem::find(&bytes, b"NOSUCH").unwrap() as u64;
    let refusal = |engine: &Engine| match engine.open_aof(dir.path()) {
        Err(ServerError::Corrupt { offset, reason, .. }) => (offset, reason),
        other => panic!("{other:?}"),
    };
    let (offset, reason) = refusal(&engine(dir.path()));
    assert!(reason.starts_with("-ERR unknown command"), "{reason}");
    // The place of a transaction is that of its end.
    assert!((failing..failing + 400).contains(&offset), "{offset}, {failing}");
    // Damage further on is found first, as it keeps the file from being read at all.
    let mut damaged = bytes.clone();
    let last = memchr::memmem::rfind(&damaged, b"*1\r\n").unwrap();
    damaged[last] = b'?';
    std::fs::write(&path, damaged).unwrap();
    assert!(refusal(&engine(dir.path())).0 > offset);
}

#[test]
fn a_snapshot_that_has_a_key_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let value = Value::String(crate::types::string::StringValue::new(b"text"));
    let mut writer = rdb::Writer::new(Vec::new(), true, true, &[]).unwrap();
    for (db, key) in [(0, b"one"), (0, b"two"), (1, b"one")] {
        writer.entry(db, key, &value, rdb::Attributes::default()).unwrap();
    }
    let path = dir.path().join("dump.rdb");
    let (bytes, len) = writer.finish().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert!(engine(dir.path()).load_snapshot_file().unwrap());
    let mut twice = bytes;
    let second = memchr::memmem::find(&twice, b"two").unwrap();
    twice[second..second + 3].copy_from_slice(b"one");
    // Without a checksum.
    let end = usize::try_from(len).unwrap();
    twice[end - 8..].fill(0);
    std::fs::write(&path, &twice).unwrap();
    let refused = engine(dir.path()).load_snapshot_file().unwrap_err().to_string();
    assert!(refused.contains("a key comes twice"), "{refused}");
}

/// Additions to sorted sets are put off and joined: what comes between them must find them.
#[test]
fn joined_additions_are_there_when_they_are_needed() {
    const MANY: usize = 9000;
    let dir = tempfile::tempdir().unwrap();
    let live = engine(dir.path());
    live.open_aof(dir.path()).unwrap();
    let client = &mut Client::internal();
    let mut number = 0;
    let mut add = |client: &mut Client, key: &str, count: usize| {
        for _ in 0..count.div_ceil(10) {
            let pairs: Vec<String> = (0..10)
                .map(|_| {
                    number += 1;
                    format!("{} m{}", number * 7919 % 1000, number * 31 % 20_000)
                })
                .collect();
            run(&live, client, &format!("ZADD {key} {}", pairs.join(" ")));
        }
    };
    add(client, "z", MANY);
    add(client, "other", 20);
    for line in ["ZREM z m31 m62", "ZPOPMIN z 3", "ZADD z NX 5 m93 5 new", "ZINCRBY z 2 m124"] {
        run(&live, client, line);
        add(client, "z", 20);
    }
    add(client, "z", MANY);
    for line in [
        "ZUNIONSTORE both 2 z other",
        "RENAME other another",
        "ZADD other 1 one",
        "SELECT 3",
        "ZADD z 1 one",
        "SELECT 0",
        "SET text 1",
        "ZADD text 1 one",
        "MULTI",
        "ZADD z 1 first 2 second",
        "ZREMRANGEBYRANK z 0 0",
        "EXEC",
    ] {
        run(&live, client, line);
    }
    live.services.aof.sync();
    let loaded = engine(dir.path());
    loaded.open_aof(dir.path()).unwrap();
    let keys = ["z", "other", "another", "both"];
    let looks = keys.map(|key| format!("ZRANGE {key} 0 -1 WITHSCORES"));
    for look in looks.iter().map(String::as_str).chain(["GET text", "SELECT 3", "ZRANGE z 0 -1"]) {
        assert_eq!(run(&loaded, client, look), run(&live, client, look), "{look}");
    }
}
