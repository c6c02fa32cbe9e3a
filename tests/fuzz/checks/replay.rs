//! Any bytes as a file of the log: the load succeeds or fails with a reason. What was loaded is
//! sound, and is the same when it is loaded again; `check-aof` finds nothing wrong with it then.
//!
//! The first byte says which file it is.

use respq::clock::Clock;

use super::fixture;

/// What the target does with an input.
pub fn check(input: &[u8]) {
    let Some((&role, input)) = input.split_first() else { return };
    let folder = tempfile::tempdir().expect("a folder for the log");
    let log = folder.path().join("appendonlydir");
    std::fs::create_dir(&log).expect("the folder is new");
    let (name, role) = match role % 3 {
        0 => ("appendonly.aof.1.incr.aof", "i"),
        1 => ("appendonly.aof.1.base.aof", "b"),
        _ => ("appendonly.aof.1.base.rdb", "b"),
    };
    let manifest = format!("file {name} seq 1 type {role}\n");
    std::fs::write(log.join("appendonly.aof.manifest"), manifest).expect("a manifest");
    std::fs::write(log.join(name), input).expect("a file of the log");
    let clock = Clock::manual(fixture::START_MS);
    let engine = fixture::engine(folder.path(), clock.clone());
    if engine.open_log(folder.path()).is_err() {
        return;
    }
    fixture::assert_sound(&engine);
    assert!(engine.sync_log(), "the log is written");
    let digest = fixture::digest(&engine);
    let again = fixture::reopen(folder.path(), clock);
    fixture::assert_same(&engine, &again, "when it is loaded again");
    respq::check::run(&log, false).expect("what was loaded is whole");
    assert!(again.rewrite_log(), "the log is rewritten");
    assert_eq!(fixture::digest(&again), digest, "after a rewrite");
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let line = |words: &[&str]| {
        let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let words: Vec<String> = words.collect();
        format!("*{}\r\n{}", words.len(), words.concat()).into_bytes()
    };
    let log = [
        line(&["SELECT", "1"]),
        line(&["SET", "a", "1", "PXAT", "1700000100000"]),
        line(&["MULTI"]),
        line(&["RPUSH", "l", "a", "b"]),
        line(&["XADD", "x", "1-1", "a", "1"]),
        line(&["EXEC"]),
        b"#TS:1700000000\r\n".to_vec(),
        line(&["XGROUP", "CREATE", "x", "g", "0"]),
        line(&["XCLAIM", "x", "g", "c", "0", "1-1", "TIME", "1", "RETRYCOUNT", "1", "FORCE"]),
        line(&["HSET", "h", "a", "1"]),
        line(&["HPEXPIREAT", "h", "1700000100000", "FIELDS", "1", "a"]),
        line(&["PEXPIREAT", "h", "1700000200000"]),
        line(&["ZADD", "z", "1.5", "a"]),
        line(&["EVAL", "redis.call('SET', KEYS[1], 'x')", "1", "k"]),
        line(&["FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', print)"]),
        line(&["FLUSHDB"]),
    ];
    let mut seeds: Vec<Vec<u8>> = log.iter().map(|line| [b"\0", &**line].concat()).collect();
    seeds.push([b"\0".to_vec(), log.concat()].concat());
    seeds.push([b"\x01".to_vec(), log.concat()].concat());
    let tail = [FILE_END, &log.concat()].concat();
    let files = super::restore::seeds().into_iter().filter(|seed| seed.starts_with(b"REDIS"));
    for file in files {
        seeds.push([b"\x02", &*file, &tail].concat());
        // What is appended to these stands behind zeros.
        seeds.push([b"\0", &*file, FILE_END].concat());
        seeds.push([b"\0", &*file, FILE_END, b"*2\r\n$4"].concat());
    }
    seeds
}

/// The mark of the end of an RDB file, without a checksum.
const FILE_END: &[u8] = b"\xff\0\0\0\0\0\0\0\0";
