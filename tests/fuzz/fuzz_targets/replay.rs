//! Any bytes as the append-only file: the load succeeds or fails with a reason, and never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::Engine;

fuzz_target!(|input: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for the log");
    let log = folder.path().join("appendonlydir");
    std::fs::create_dir(&log).expect("the folder is new");
    let base = if input.starts_with(b"REDIS") { "base.rdb" } else { "base.aof" };
    let manifest = format!("file appendonly.aof.1.{base} seq 1 type b\n");
    std::fs::write(log.join("appendonly.aof.manifest"), manifest).expect("a manifest");
    std::fs::write(log.join(format!("appendonly.aof.1.{base}")), input).expect("a base");
    let engine = Engine::new(Config::default(), Clock::manual(1_000_000_000));
    if engine.open_log(folder.path()).is_ok() {
        assert!(engine.sync_log());
    }
});
