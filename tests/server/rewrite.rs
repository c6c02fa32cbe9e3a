//! Rewrites of the log and snapshots, while commands go on.

use std::fs;

use crate::harness::{Server, check, error, run, wait_until};

fn fill(server: &Server) {
    let client = &mut server.client();
    for n in 0..300 {
        let _: () = run(client, &format!("RPUSH list{} a{n} b{n}", n % 7));
        let _: () = run(client, &format!("HSET hash{} f{n} v{n}", n % 5));
        let _: () = run(client, &format!("ZADD zset {n}.25 m{n}"));
        let _: () = run(client, &format!("SADD set m{n}"));
        let _: () = run(client, &format!("XADD stream {}-1 f v{n}", n + 1));
        let _: () = run(client, &format!("SET string{n} {n} EX 10000"));
    }
    let _: () = run(client, "XGROUP CREATE stream g 0");
    let _: () = run(client, "XREADGROUP GROUP g c COUNT 5 STREAMS stream >");
    let _: () = run(client, "XADD worn 1-1 f v");
    let _: () = run(client, "XGROUP CREATE worn g 0");
    let _: () = run(client, "XREADGROUP GROUP g c STREAMS worn >");
    let _: () = run(client, "XDEL worn 1-1");
    let _: () = run(client, "HPEXPIREAT hash0 4000000000000 FIELDS 1 f0");
    let _: () = run(client, "XGROUP CREATE empty g $ MKSTREAM");
}

const LOOKS: &[(&str, &str)] = &[
    ("DBSIZE", "317"),
    ("LLEN list3", "86"),
    ("HGET hash4 f299", "\"v299\""),
    ("HPEXPIRETIME hash0 FIELDS 1 f0", "[4000000000000]"),
    ("ZSCORE zset m299", "\"299.25\""),
    ("SCARD set", "300"),
    ("XLEN stream", "300"),
    ("XPENDING stream g", "[5 \"1-1\" \"5-1\" [[\"c\" \"5\"]]]"),
    ("XPENDING worn g", "[1 \"1-1\" \"1-1\" [[\"c\" \"1\"]]]"),
    ("XLEN empty", "0"),
    ("GET string299", "\"299\""),
    ("TTL missing", "-2"),
];

#[test]
fn nothing_changes_by_a_rewrite() {
    for preamble in ["yes", "no"] {
        let mut server = Server::start(&["--aof-use-rdb-preamble", preamble]);
        fill(&server);
        let started = "Background append only file rewriting started";
        check(&mut server.client(), &[("BGREWRITEAOF", started)]);
        server.wait_info("aof_rewrite_in_progress", "0");
        assert_eq!(server.info("aof_last_bgrewrite_status"), "ok");
        check(&mut server.client(), &[("SET after 1", "OK"), ("DEL after", "1")]);
        check(&mut server.client(), LOOKS);
        server.kill();
        let folder = server.dir().join("appendonlydir");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "base, increment, manifest");
        server.start_again();
        check(&mut server.client(), LOOKS);
    }
}

#[test]
fn commands_go_on_during_rewrites() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    for n in 0..2000 {
        let _: () = run(client, &format!("RPUSH q{} {n}", n % 50));
    }
    for round in 0..5 {
        let _: () = run(client, "BGREWRITEAOF");
        for n in 0..200 {
            let _: () = run(client, &format!("RPUSH q{} {round}:{n}", n % 50));
            let _: () = run(client, &format!("LPOP q{}", n % 50));
            let _: () = run(client, &format!("SET new{round}:{n} 1"));
        }
        server.wait_info("aof_rewrite_in_progress", "0");
    }
    let queues: Vec<Vec<String>> =
        (0..50).map(|n| run(client, &format!("LRANGE q{n} 0 -1"))).collect();
    server.kill();
    server.start_again();
    let client = &mut server.client();
    for (n, expected) in queues.iter().enumerate() {
        let found: Vec<String> = run(client, &format!("LRANGE q{n} 0 -1"));
        assert_eq!(&found, expected);
    }
    check(client, &[("DBSIZE", "1050")]);
}

#[test]
fn the_log_is_rewritten_when_it_has_grown() {
    let server = Server::start(&["--auto-aof-rewrite-min-size", "20kb"]);
    let client = &mut server.client();
    wait_until(|| {
        for _ in 0..200 {
            let _: () = run(client, "SET key value");
        }
        server.info("aof_rewrites") != "0"
    });
    server.wait_info("aof_rewrite_in_progress", "0");
    wait_until(|| server.info("aof_last_bgrewrite_status") == "ok");
}

#[test]
fn the_log_is_switched_on_and_off() {
    let mut server = Server::start(&["--appendonly", "no"]);
    let client = &mut server.client();
    check(client, &[("SET before 1", "OK"), ("CONFIG SET appendonly yes", "OK")]);
    check(client, &[("SET during 1", "OK")]);
    server.wait_info("aof_rewrite_in_progress", "0");
    check(client, &[("SET after 1", "OK")]);
    server.kill();
    server.start_again_with(&["--appendonly", "yes"]);
    let client = &mut server.client();
    check(client, &[("MGET before during after", "[\"1\" \"1\" \"1\"]")]);
    check(client, &[("CONFIG SET appendonly no", "OK")]);
    server.wait_info("aof_enabled", "0");
    check(client, &[("SET lost 1", "OK")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("GET lost", "nil"), ("GET after", "\"1\"")]);
}

#[test]
fn a_log_that_is_switched_on_twice_is_opened_once() {
    let mut server = Server::start(&["--appendonly", "no", "--appendfsync", "always"]);
    let client = &mut server.client();
    for n in 0..20 {
        let _: () = run(client, &format!("SET key{n} 1"));
    }
    // The rewrite takes its time, and none begins while the transaction holds a shard.
    check(client, &[("CONFIG SET rdb-key-save-delay 10000", "OK"), ("MULTI", "OK")]);
    for line in ["SET key0 2", "CONFIG SET appendonly yes", "CONFIG SET appendonly yes"] {
        check(client, &[(line, "QUEUED")]);
    }
    check(client, &[("EXEC", "[OK OK OK]")]);
    let manifest = server.dir().join("appendonlydir/appendonly.aof.manifest");
    wait_until(|| manifest.exists());
    for n in 1..=50 {
        check(client, &[(&format!("RPUSH q {n}"), &n.to_string())]);
    }
    let rewrites = server.info("aof_rewrites");
    server.kill();
    assert_eq!(rewrites, "1");
    server.start_again_with(&["--appendonly", "yes"]);
    check(&mut server.client(), &[("LLEN q", "50"), ("DBSIZE", "21")]);
}

#[test]
fn the_log_ends_up_as_it_was_asked_for_last() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    for round in 0..10 {
        let mut switches = redis::pipe();
        for n in 0..=round {
            let word = if (round - n) % 2 == 0 { "yes" } else { "no" };
            switches.cmd("CONFIG").arg("SET").arg("appendonly").arg(word).ignore();
            switches.cmd("RPUSH").arg("q").arg(n).ignore();
        }
        let _: () = switches.query(client).expect("all go well");
    }
    wait_until(|| {
        let fields = ["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"];
        fields.map(|field| server.info(field)) == ["1", "0", "0"]
    });
    check(client, &[("RPUSH q last", "56")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("LLEN q", "56")]);
}

#[test]
fn snapshots_are_written_and_loaded() {
    let mut server = Server::start(&["--appendonly", "no"]);
    fill(&server);
    let client = &mut server.client();
    check(client, &[("SAVE", "OK"), ("SET lost 1", "OK")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), LOOKS);
    let client = &mut server.client();
    check(client, &[("SET kept 1", "OK"), ("BGSAVE", "Background saving started")]);
    server.wait_info("rdb_bgsave_in_progress", "0");
    assert_eq!(server.info("rdb_changes_since_last_save"), "0");
    let at: u64 = run(client, "LASTSAVE");
    assert!(at > 1_600_000_000);
    assert_eq!(error(client, "BGSAVE NOW"), "ERR syntax error");
    server.kill();
    server.start_again_with(&["--appendonly", "yes"]);
    let client = &mut server.client();
    check(client, &[("GET kept", "\"1\""), ("SET more 1", "OK")]);
    server.kill();
    fs::remove_file(server.dir().join("dump.rdb")).unwrap();
    server.start_again();
    check(&mut server.client(), &[("MGET kept more", "[\"1\" \"1\"]")]);
}

#[test]
fn save_points_are_kept() {
    let server = Server::start(&["--save", "1 2"]);
    check(&mut server.client(), &[("MSET a 1 b 2", "OK"), ("SET c 1", "OK")]);
    wait_until(|| server.info("rdb_saves") != "0");
    assert!(server.dir().join("dump.rdb").exists());
}
