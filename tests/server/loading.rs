//! While data are loaded: what early clients are told, and that nothing they do changes the data.

use std::fs::OpenOptions;
use std::io::Write;

use crate::harness::{Server, check, run, wait_until};

/// Longer than any test.
const FOREVER: [&str; 2] = ["--key-load-delay", "100000000"];

#[test]
fn early_clients_are_told_that_the_data_are_loaded() {
    for preamble in ["yes", "no"] {
        let mut server = Server::start(&["--aof-use-rdb-preamble", preamble]);
        let client = &mut server.client();
        for n in 0..5 {
            check(client, &[(&format!("SET key{n} 1"), "OK")]);
        }
        if preamble == "yes" {
            let _: () = run(client, "BGREWRITEAOF");
            server.wait_info("aof_rewrite_in_progress", "0");
        }
        server.kill();
        server.start_to_load(&["--key-load-delay", "100000000"]);
        let mut raw = server.raw();
        let told = "-LOADING Redis is loading the dataset in memory";
        for line in ["PING", "GET key1", "SET key1 2", "EVAL \"return 1\" 0", "DBSIZE"] {
            assert_eq!(raw.line(line), told, "{line}");
        }
        assert_eq!(server.info("loading"), "1");
        for field in ["start_time", "total_bytes"] {
            let value = || server.info(&format!("loading_{field}"));
            wait_until(|| value().parse::<u64>().unwrap() > 0);
        }
        for field in ["loaded_bytes", "loaded_perc", "eta_seconds"] {
            assert!(server.info(&format!("loading_{field}")).parse::<u64>().is_ok(), "{field}");
        }
        assert_eq!(raw.line("CONFIG SET key-load-delay 0"), "+OK");
        server.wait_info("loading", "0");
        check(&mut server.client(), &[("PING", "PONG"), ("GET key1", "\"1\""), ("DBSIZE", "5")]);
        assert!(server.stop());
        // A shutdown while loading leaves the snapshot file alone: it would hold half the data.
        server.start_to_load(&["--key-load-delay", "100000000", "--save", "3600 1"]);
        server.raw().send(b"SHUTDOWN\r\n");
        assert!(server.ended_well());
        assert!(!server.dir().join("dump.rdb").exists());
        server.start_again();
        check(&mut server.client(), &[("DBSIZE", "5")]);
    }
}

#[test]
fn a_switch_of_the_log_waits_until_all_is_loaded() {
    for appendonly in ["yes", "no"] {
        let mut server = Server::start(&["--appendonly", appendonly]);
        let client = &mut server.client();
        for n in 0..5 {
            check(client, &[(&format!("RPUSH key{n} 1"), "1")]);
        }
        if appendonly == "no" {
            check(client, &[("SAVE", "OK")]);
        }
        server.kill();
        server.start_to_load(&FOREVER);
        let mut raw = server.raw();
        for word in ["yes", "no", "yes"] {
            assert_eq!(raw.line(&format!("CONFIG SET appendonly {word}")), "+OK");
            assert_eq!(server.info("aof_rewrite_in_progress"), "0");
        }
        assert_eq!(raw.line("CONFIG SET key-load-delay 0"), "+OK");
        server.wait_info("loading", "0");
        let manifest = server.dir().join("appendonlydir/appendonly.aof.manifest");
        wait_until(|| manifest.exists());
        check(&mut server.client(), &[("DBSIZE", "5")]);
        server.kill();
        server.start_again_with(&["--appendonly", "yes"]);
        check(&mut server.client(), &[("DBSIZE", "5"), ("LRANGE key3 0 -1", "[\"1\"]")]);
    }
}

#[test]
fn nothing_is_evicted_while_data_are_loaded() {
    let mut server = Server::start(&["--maxmemory-policy", "allkeys-random"]);
    check(&mut server.client(), &[("RPUSH q a b", "2")]);
    let mut sets = redis::pipe();
    for n in 0..10_000 {
        sets.cmd("SET").arg(n % 100).arg(n).ignore();
    }
    sets.exec(&mut server.client()).expect("they are set");
    check(&mut server.client(), &[("LSET q 0 c", "OK")]);
    server.kill();
    server.start_to_load(&[&FOREVER[..], &["--maxmemory", "1"]].concat());
    // So slow that the load takes far longer than the looks.
    assert_eq!(server.raw().line("CONFIG SET key-load-delay 3000"), "+OK");
    (0..200).for_each(|_| assert_eq!(server.info("loading"), "1"));
    assert_eq!(server.raw().line("CONFIG SET maxmemory 0 key-load-delay 0"), "+OK");
    server.wait_info("loading", "0");
    check(&mut server.client(), &[("LRANGE q 0 -1", "[\"c\" \"b\"]"), ("DBSIZE", "101")]);
    assert_eq!(server.info("evicted_keys"), "0");
}

#[test]
fn nothing_expires_while_data_are_loaded() {
    let mut server = Server::start(&[]);
    // All at once: nothing may come in between. The other keys are in other shards, as a rule, so
    // that the first is not locked all the time when they are loaded.
    let mut raw = server.raw();
    raw.send(
        b"RPUSH q a b\r\nPEXPIRE q 300\r\nMSET 1 a 2 b 3 c 4 d 5 e 6 f 7 g\r\nSET 8 h\r\nSET 9 i\r\n\
          PERSIST q\r\nLSET q 0 c\r\nSET clock 1 PX 350\r\n",
    );
    for reply in [":2", ":1", "+OK", "+OK", "+OK", ":1", "+OK", "+OK"] {
        assert_eq!(raw.read_line(), reply);
    }
    let client = &mut server.client();
    wait_until(|| run::<i64>(client, "EXISTS clock") == 0);
    server.kill();
    server.start_to_load(&["--key-load-delay", "100000"]);
    let mut raw = server.raw();
    let mut watched = 0;
    wait_until(|| {
        watched += u32::from(raw.line("WATCH q") == "+OK");
        assert_eq!(raw.line("UNWATCH"), "+OK");
        server.info("loading") == "0"
    });
    assert!(watched > 0, "the key was looked at");
    check(&mut server.client(), &[("LRANGE q 0 -1", "[\"c\" \"b\"]")]);
}

#[test]
fn nobody_waits_for_an_effect_that_takes_long() {
    let mut server = Server::start(&["--busy-reply-threshold", "0", "--io-threads", "1"]);
    check(&mut server.client(), &[("SET a 1", "OK")]);
    server.kill();
    let log = server.dir().join("appendonlydir/appendonly.aof.1.incr.aof");
    let mut log = OpenOptions::new().append(true).open(log).expect("there is a log");
    let endless = "while true do end";
    write!(log, "*3\r\n$4\r\nEVAL\r\n${}\r\n{endless}\r\n$1\r\n0\r\n", endless.len())
        .expect("it is written");
    server.start_to_load(&["--enable-debug-command", "yes"]);
    let mut raw = server.raw();
    // The effect has begun when the locks are held for good.
    wait_until(|| {
        assert_eq!(server.info("loading"), "1");
        let watched = raw.line("WATCH a");
        assert_eq!(raw.line("UNWATCH"), "+OK");
        watched.starts_with("-LOADING")
    });
    assert_eq!(raw.line("MULTI"), "+OK");
    assert_eq!(raw.line("INFO keyspace"), "+QUEUED");
    assert_eq!(raw.line("EXEC"), "*1");
    let mut raw = server.raw();
    for line in ["DEBUG SET-ACTIVE-EXPIRE 1", "DEBUG sleep 0"] {
        assert_eq!(raw.line(line), "+OK", "{line}");
    }
    assert!(raw.line("DEBUG DIGEST").starts_with("-LOADING"));
}
