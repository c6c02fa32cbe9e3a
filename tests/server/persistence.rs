//! What survives: restarts, crashes, torn and damaged files, `appendfsync`, early clients.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Server, check, error, run, wait_until};

fn increment(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}

/// Tries to start a server on a folder; returns what it says when it does not.
fn refusal(dir: &std::path::Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_respq"))
        .args(["--port", "0", "--dir"])
        .arg(dir)
        .output()
        .expect("the binary was built");
    assert!(!output.status.success(), "the server ended well");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn check_aof(server: &Server, flags: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_respq"))
        .arg("check-aof")
        .args(flags)
        .arg(server.dir())
        .output()
        .expect("the binary was built");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_log_tells_the_time_if_asked_to() {
    let mut server = Server::start(&["--aof-timestamp-enabled", "yes"]);
    let is_told = |server: &Server, file: &str| {
        let folder = server.dir().join("appendonlydir");
        let text = fs::read(folder.join(file)).expect("the file is there");
        memchr::memmem::find(&text, b"#TS:1").is_some()
    };
    check(&mut server.client(), &[("SET a 1", "OK"), ("INCR a", "2")]);
    assert!(is_told(&server, "appendonly.aof.1.incr.aof"));
    check(&mut server.client(), &[("CONFIG SET aof-use-rdb-preamble no", "OK")]);
    run::<()>(&mut server.client(), "BGREWRITEAOF");
    server.wait_info("aof_rewrite_in_progress", "0");
    assert!(is_told(&server, "appendonly.aof.1.base.aof"));
    check(&mut server.client(), &[("INCR a", "3")]);
    assert!(is_told(&server, "appendonly.aof.2.incr.aof"));
    server.kill();
    let (good, report) = check_aof(&server, &[]);
    assert!(good, "{report}");
    server.start_again();
    check(
        &mut server.client(),
        &[
            ("GET a", "\"3\""),
            ("CONFIG SET aof-timestamp-enabled no", "OK"),
            ("CONFIG GET aof-timestamp-enabled", "[\"aof-timestamp-enabled\" \"no\"]"),
        ],
    );
}

#[test]
fn everything_acknowledged_survives_a_kill() {
    for policy in ["always", "everysec", "no"] {
        let mut server = Server::start(&["--appendfsync", policy]);
        let client = &mut server.client();
        check(client, &[("RPUSH q a b c", "3"), ("LPOP q", "\"a\""), ("SELECT 3", "OK")]);
        check(client, &[("MULTI", "OK"), ("SET x 1", "QUEUED"), ("SET y 2", "QUEUED")]);
        check(client, &[("EXEC", "[OK OK]"), ("HSET h f v", "1"), ("SADD s 1 2", "2")]);
        check(client, &[("ZADD z 1.5 m", "1"), ("XADD st 5-1 f v", "\"5-1\"")]);
        check(client, &[("SET gone 1 PX 1", "OK"), ("SET stays 1 EX 1000", "OK")]);
        wait_until(|| run::<Option<String>>(&mut server.client(), "GET gone").is_none());
        server.kill();
        server.start_again();
        let client = &mut server.client();
        check(client, &[("LRANGE q 0 -1", "[\"b\" \"c\"]"), ("SELECT 3", "OK")]);
        check(client, &[("MGET x y gone stays", "[\"1\" \"2\" nil \"1\"]"), ("HGET h f", "\"v\"")]);
        check(client, &[("SISMEMBER s 2", "1"), ("ZSCORE z m", "\"1.5\""), ("XLEN st", "1")]);
    }
}

#[test]
fn a_torn_tail_is_cut_off_at_every_byte() {
    let mut server = Server::start(&[]);
    check(&mut server.client(), &[("RPUSH q a", "1"), ("RPUSH q b", "2")]);
    check(
        &mut server.client(),
        &[("MULTI", "OK"), ("RPUSH q c", "QUEUED"), ("RPUSH q d", "QUEUED")],
    );
    let client = &mut server.client();
    check(client, &[("MULTI", "OK"), ("RPUSH q c", "QUEUED"), ("RPUSH q d", "QUEUED")]);
    check(client, &[("EXEC", "[3 4]")]);
    assert!(server.stop());
    let path = increment(&server);
    let whole = fs::read(&path).unwrap();
    let states = ["[]", "[\"a\"]", "[\"a\" \"b\"]", "[\"a\" \"b\" \"c\" \"d\"]"];
    let mut reached = 0;
    for len in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..len]).unwrap();
        server.start_again();
        let client = &mut server.client();
        let found = crate::harness::show(&run(client, "LRANGE q 0 -1"));
        let state = states.iter().position(|state| *state == found);
        let state = state.unwrap_or_else(|| panic!("cut at {len}: {found}"));
        assert!(state >= reached, "less with more bytes, at {len}");
        reached = state;
        check(client, &[("RPUSH other x", "1")]);
        server.kill();
        server.start_again();
        check(&mut server.client(), &[("LLEN other", "1")]);
        server.kill();
    }
    assert!(reached >= 2);
}

#[test]
fn damage_stops_the_start_and_is_repaired_on_request() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    for n in 0..20 {
        check(&mut server.client(), &[(&format!("SET key{n} value{n}"), "OK")]);
    }
    assert!(server.stop());
    assert!(check_aof(&server, &[]).0);
    let path = increment(&server);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|window| window == b"value10").unwrap();
    bytes[at] = b'w';
    fs::write(&path, &bytes).unwrap();
    let text = refusal(server.dir());
    assert!(text.contains("is damaged at byte") && text.contains("check-aof"), "{text}");
    let (good, report) = check_aof(&server, &[]);
    assert!(!good && report.contains("damaged at byte"), "{report}");
    let (good, report) = check_aof(&server, &["--fix"]);
    assert!(good && report.contains("the original is"), "{report}");
    server.start_again();
    check(&mut server.client(), &[("GET key9", "\"value9\""), ("GET key10", "nil")]);
}

#[test]
fn no_log_is_repaired_while_a_server_uses_it() {
    let server = Server::start(&[]);
    let folder = server.dir().join("appendonlydir");
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&folder, elsewhere.path().join("link")).unwrap();
    for (inside, path) in [
        (folder.as_path(), "."),
        (server.dir(), "."),
        (server.dir(), "appendonlydir/"),
        (server.dir(), "appendonlydir/.."),
        (elsewhere.path(), "link"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_respq"))
            .args(["check-aof", "--fix", path])
            .current_dir(inside)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("another server uses this folder"), "{path}: {text}");
    }
}

#[test]
fn a_log_of_any_name_is_loaded_again() {
    for name in ["my log.aof", "a\"b'c.aof", "\u{fc}ber.aof"] {
        let mut server = Server::start(&["--appendfilename", name]);
        let client = &mut server.client();
        check(client, &[("SET a 1", "OK")]);
        run::<()>(client, "BGREWRITEAOF");
        server.wait_info("aof_rewrite_in_progress", "0");
        check(client, &[("SET b 1", "OK")]);
        server.kill();
        let (good, report) = check_aof(&server, &[]);
        assert!(good, "{report}");
        server.start_again();
        check(&mut server.client(), &[("MGET a b", "[\"1\" \"1\"]")]);
    }
}

#[test]
fn a_start_removes_only_unfinished_files_of_its_own() {
    let mut server = Server::start(&[]);
    server.kill();
    let folder = server.dir().join("appendonlydir");
    let own = folder.join("temp-appendonly.aof.1.base.rdb");
    let other = folder.join("temp-x.1.incr.aof");
    for path in [&own, &other] {
        fs::write(path, "data").unwrap();
    }
    server.start_again();
    assert!(!own.exists() && other.exists());
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let server = Server::start(&[]);
    let text = refusal(server.dir());
    assert!(text.contains("another server uses this folder"), "{text}");
}

#[test]
fn files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(&[]);
    check(&mut server.client(), &[("SET a 1", "OK"), ("SAVE", "OK")]);
    let folder = server.dir().join("appendonlydir");
    let mut files = vec![server.dir().join("dump.rdb"), server.dir().join("respq.lock")];
    files.extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    for path in files {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn replicas_are_not_made_up() {
    let server = Server::start(&["--appendfsync", "everysec"]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SET a 1", "OK"),
            ("WAIT 0 10", "0"),
            ("WAIT 1 10", "0"),
            ("WAITAOF 1 0 0", "[1 0]"),
            ("WAITAOF 1 1 10", "[1 0]"),
        ],
    );
    assert_eq!(error(client, "WAIT 1 -1"), "ERR timeout is negative");
    let range = "ERR value is out of range, value must between 0 and 1";
    assert_eq!(error(client, "WAITAOF 2 0 0"), range);
    let server = Server::start(&["--appendonly", "no"]);
    let text = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    assert_eq!(error(&mut server.client(), "WAITAOF 1 0 0"), text);
}

/// `ulimit -f` makes writes fail at a size, as a full disk does.
#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let server = Server::start_by("trap '' XFSZ; ulimit -S -f 64; exec", &[]);
    let client = &mut server.client();
    for n in 0..256 {
        check(client, &[(&format!("SET small{n} 1"), "OK")]);
    }
    let (mut held, mut waiting) = (server.raw(), server.raw());
    let value = "x".repeat(60_000);
    held.send(format!("SET big {value}\r\n").as_bytes());
    let text = "MISCONF Errors writing to the AOF file: File too large";
    server.wait_info("aof_last_write_status", "err");
    assert_eq!(error(client, "SET other 1"), text);
    // What is not written must not be seen; a crash would undo it.
    for line in ["GET big", "EXISTS small1 big", "KEYS *", "FUNCTION LIST"] {
        assert_eq!(error(client, line), text, "{line}");
    }
    check(client, &[("MULTI", "OK"), ("STRLEN big", "QUEUED")]);
    assert_eq!(
        error(client, "EXEC"),
        format!("EXECABORT Transaction discarded because of: {text}")
    );
    let seen = (0..256).filter(|n| error(client, &format!("GET small{n}")) != text).count();
    assert!((128..256).contains(&seen), "{seen} of 256 keys in 16 shards can be read");
    check(client, &[("ECHO x", "\"x\""), ("CONFIG GET hz", "[\"hz\" \"10\"]")]);
    for source in ["return redis.call('set','other',1)", "#!lua\nreturn 1"] {
        let reply = redis::cmd("EVAL").arg(source).arg(0).query::<redis::Value>(client);
        let refused = reply.expect_err("nothing can be written");
        assert_eq!(refused.code(), Some("MISCONF"), "{refused}");
    }
    assert_eq!(error(client, "PING"), text);
    waiting.send(b"WAITAOF 1 0 0\r\n");
    server.wait_info("blocked_clients", "1");
    let raised = Command::new("prlimit")
        .args(["--fsize=unlimited", "--pid", &server.pid().to_string()])
        .status()
        .expect("prlimit is there");
    assert!(raised.success());
    held.expect(b"+OK\r\n");
    waiting.expect(b"*2\r\n:1\r\n:0\r\n");
    wait_until(|| server.info("aof_last_write_status") == "ok");
    check(client, &[("SET other 1", "OK"), ("STRLEN big", "60000")]);
}

/// Who has it switched off does without the log: what was popped meanwhile is nowhere else.
#[test]
fn switching_a_failing_log_off_lets_go_of_what_it_held_back() {
    let fault = "export RESPQ_FAULT=log.append:3+:full; exec";
    let server = Server::start_by(fault, &["--appendfsync", "always"]);
    let client = &mut server.client();
    check(client, &[("RPUSH {q} job", "1"), ("RPUSH {q} other", "2")]);
    let mut held = server.raw();
    held.send(b"LPOP {q}\r\nRPUSH {q} more\r\n");
    server.wait_info("aof_last_write_status", "err");
    assert!(error(client, "RPUSH {q} x").starts_with("MISCONF"));
    check(client, &[("CONFIG SET appendonly no", "OK")]);
    held.expect(b"$3\r\njob\r\n:2\r\n");
    check(client, &[("LRANGE {q} 0 -1", "[\"other\" \"more\"]"), ("RPUSH {q} x", "3")]);
}

#[test]
fn after_a_failed_sync_all_data_go_to_new_files() {
    let fault = "export RESPQ_FAULT=log.sync:6:error; exec";
    let mut server = Server::start_by(fault, &["--appendfsync", "always"]);
    let mut raw = server.raw();
    let mut done = 0;
    while server.info("aof_rewrites") == "0" || server.info("aof_last_write_status") != "ok" {
        // The write whose sync fails is answered when the rewrite is complete.
        let reply = raw.line(&format!("SET key{done} 1"));
        if reply == "+OK" {
            done += 1;
        } else {
            assert_eq!(reply, "-MISCONF Errors writing to the AOF file: Input/output error");
        }
    }
    assert!(done > 4, "{done} writes");
    assert_eq!(server.info("aof_last_bgrewrite_status"), "ok");
    server.kill();
    server.start_again();
    let client = &mut server.client();
    for n in 0..done {
        check(client, &[(&format!("GET key{n}"), "\"1\"")]);
    }
}

#[test]
fn a_panic_ends_the_process_and_loses_nothing() {
    const SIGABRT: i32 = 6;
    for policy in ["always", "everysec", "no"] {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let fault = "export RESPQ_FAULT=rewrite.begun:1:panic";
        let shell = format!("{fault}; exec 2> {}; exec", said.display());
        let mut server = Server::start_by(&shell, &["--appendfsync", policy]);
        let client = &mut server.client();
        check(client, &[("RPUSH q a b", "2"), ("LPOP q", "\"a\"")]);
        let _: () = run(client, "BGREWRITEAOF");
        assert_eq!(server.ended_by_signal(), Some(SIGABRT));
        let said = fs::read_to_string(said).unwrap();
        assert!(said.contains("panicked at") && said.contains("RESPQ_FAULT"), "{said}");
        server.start_again();
        check(&mut server.client(), &[("LRANGE q 0 -1", "[\"b\"]")]);
    }
}

#[test]
fn writes_stop_while_snapshots_fail() {
    let fault = "export RESPQ_FAULT=snapshot.sync:1:full; exec";
    let settings = ["--appendonly", "no", "--save", "3600 1000000"];
    let server = Server::start_by(fault, &settings);
    let client = &mut server.client();
    check(client, &[("SET a 1", "OK"), ("BGSAVE", "Background saving started")]);
    server.wait_info("rdb_last_bgsave_status", "err");
    let text = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to \
                persist to disk. Commands that may modify the data set are disabled, because this \
                instance is configured to report errors during writes if RDB snapshotting fails \
                (stop-writes-on-bgsave-error option). Please check the Redis logs for details \
                about the RDB error.";
    for line in ["SET b 1", "PING", "EVAL return{redis.call('del',KEYS[1])} 1 a"] {
        let found = error(client, line);
        assert!(found.starts_with(text), "{line}: {found}");
    }
    check(client, &[("GET a", "\"1\""), ("CONFIG SET stop-writes-on-bgsave-error no", "OK")]);
    check(client, &[("SET b 1", "OK"), ("CONFIG SET stop-writes-on-bgsave-error yes", "OK")]);
    assert!(error(client, "SET b 1").starts_with("MISCONF"));
    check(client, &[("BGSAVE", "Background saving started")]);
    server.wait_info("rdb_last_bgsave_status", "ok");
    check(client, &[("SET b 2", "OK"), ("PING", "PONG")]);
}
