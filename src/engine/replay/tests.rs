//! A small log, cut at every byte and with every byte changed.

use std::path::{Path, PathBuf};

use super::*;
use crate::clock::Clock;
use crate::config::Config;

fn engine(dir: &Path) -> Engine {
    let config = Config::default();
    config.set(Setting::Dir, &dir.to_string_lossy()).unwrap();
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

/// Makes a log of single commands and a transaction; replies its increment.
fn make_log(dir: &Path) -> PathBuf {
    let engine = engine(dir);
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

#[test]
fn a_log_that_is_cut_anywhere_gives_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let path = make_log(dir.path());
    let whole = std::fs::read(&path).unwrap();
    let states = [" $-1", "1 $-1", "12 $-1", "1234 $-1", "12345 $-1", "12345 value"];
    let mut reached = 0;
    for len in 0..=whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        let found = state(dir.path()).unwrap_or_else(|| panic!("refused when cut at {len}"));
        let place = states.iter().position(|state| *state == found);
        let place = place.unwrap_or_else(|| panic!("cut at {len}: {found}"));
        assert!(place >= reached, "less with more bytes, at {len}");
        reached = place;
    }
    assert_eq!(reached, states.len() - 1);
}

#[test]
fn a_changed_byte_is_seen_or_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = make_log(dir.path());
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for at in 0..whole.len() {
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
    assert!(refused > whole.len() * 6, "most changes are seen: {refused}");
}
