//! What was logged is had again, whatever the server has done of its own, or a script without a
//! trace.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::harness::{Server, check, free_port, run, wait_until};

const UNLOGGED: &str = "redis.set_repl(redis.REPL_NONE); return redis.call(unpack(ARGV))";

/// Runs a command so that the log does not get it.
fn unlogged<T: redis::FromRedisValue>(client: &mut redis::Connection, line: &str) -> T {
    let mut command = redis::cmd("EVAL");
    command.arg(UNLOGGED).arg(0);
    for word in line.split(' ') {
        command.arg(word);
    }
    command.query(client).expect("it runs")
}

#[test]
fn what_expires_under_a_script_that_is_not_logged_is_logged() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let client = &mut server.client();
    check(client, &[("DEBUG SET-ACTIVE-EXPIRE 0", "OK"), ("RPUSH q old", "1")]);
    check(client, &[("PEXPIRE q 1", "1"), ("HSET h f old g 1", "2")]);
    check(client, &[("HPEXPIRE h 1 FIELDS 1 f", "[1]")]);
    wait_until(|| unlogged::<i64>(client, "EXISTS q") == 0);
    wait_until(|| unlogged::<i64>(client, "HEXISTS h f") == 0);
    check(client, &[("RPUSH q important", "1"), ("HINCRBY h f 1", "1")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("LRANGE q 0 -1", "[\"important\"]"), ("HGET h f", "\"1\"")]);
}

#[test]
fn what_was_done_to_data_that_were_not_logged_keeps_no_server_from_starting() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    assert_eq!(unlogged::<i64>(client, "RPUSH cache a"), 1);
    assert_eq!(unlogged::<i64>(client, "RPUSH jobs unlogged"), 1);
    check(client, &[("LSET cache 0 b", "OK"), ("RPUSH jobs important", "2")]);
    check(client, &[("MULTI", "OK"), ("LSET cache 0 c", "QUEUED"), ("SET after 1", "QUEUED")]);
    check(client, &[("EXEC", "[OK OK]")]);
    server.kill();
    server.start_again();
    let client = &mut server.client();
    check(client, &[("LRANGE jobs 0 -1", "[\"important\"]"), ("GET after", "\"1\"")]);
}

#[test]
fn counters_of_streams_stay_within_what_can_be_read() {
    const MOST: &str = "9223372036854775807";
    for preamble in ["yes", "no"] {
        let mut server = Server::start(&["--aof-use-rdb-preamble", preamble]);
        let client = &mut server.client();
        for line in [
            "XADD read 1-1 a b",
            &format!("XGROUP CREATE read g 0 ENTRIESREAD {MOST}"),
            "XREADGROUP GROUP g c STREAMS read >",
            "XADD delivered 1-1 a b",
            "XGROUP CREATE delivered g 0",
            "XREADGROUP GROUP g c STREAMS delivered >",
            &format!("XCLAIM delivered g c 0 1-1 RETRYCOUNT {MOST}"),
            "XREADGROUP GROUP g c STREAMS delivered 0",
            "XCLAIM delivered g c 0 1-1",
            "XADD added 1-1 a b",
            &format!("XSETID added 5-5 ENTRIESADDED {MOST}"),
            "XADD added 6-1 a b",
        ] {
            let _: redis::Value = run(client, line);
        }
        let delivered = "XPENDING delivered g - + 1";
        let before: Vec<(String, String, u64, u64)> = run(client, delivered);
        assert_eq!(before[0].3.to_string(), MOST);
        for rewrites in [false, true] {
            if rewrites {
                let _: () = run(&mut server.client(), "BGREWRITEAOF");
                server.wait_info("aof_rewrite_in_progress", "0");
            }
            server.kill();
            server.start_again();
            let client = &mut server.client();
            let after: Vec<(String, String, u64, u64)> = run(client, delivered);
            assert_eq!(after[0].3, before[0].3);
            check(client, &[("XLEN added", "2"), ("XLEN read", "1")]);
        }
    }
}

#[test]
fn a_lower_limit_on_arguments_does_not_touch_what_is_logged() {
    let mut server = Server::start(&["--proto-max-bulk-len", "2mb"]);
    check(&mut server.client(), &[("SETRANGE long 1500000 x", "1500001"), ("SET a 1", "OK")]);
    server.kill();
    server.start_again_with(&["--proto-max-bulk-len", "1mb"]);
    check(&mut server.client(), &[("STRLEN long", "1500001"), ("GET a", "\"1\"")]);
}

/// Redis before 7.0 may log a script as it was called.
#[test]
fn a_script_in_the_log_takes_its_time() {
    let source =
        "for i = 1, 1e6 do local x = i end for i = 1, 1000 do redis.call('RPUSH', 'q', i) end";
    let push = |value| redis::cmd("RPUSH").arg("q").arg(value).get_packed_command();
    let script = |source| redis::cmd("EVAL").arg(source).arg(0).get_packed_command();
    let failing = "redis.call('RPUSH', 'q', 'x') return redis.call('SET', 'a', 1, 'NO')";
    for renamed in [&[][..], &["--rename-command", "EVAL", "run"]] {
        let mut server = Server::start(&["--appendonly", "no"]);
        server.kill();
        fs::write(
            server.dir().join("appendonly.aof"),
            [push("a"), script(source), script(failing), push("b")].concat(),
        )
        .expect("a log");
        let settings = [&["--appendonly", "yes", "--busy-reply-threshold", "1"], renamed].concat();
        server.start_again_with(&settings);
        let client = &mut server.client();
        check(client, &[("LLEN q", "1003"), ("LINDEX q -1", "\"b\""), ("PING", "PONG")]);
    }
}

#[test]
fn waitaof_waits_until_a_start_would_find_the_log() {
    let mut server = Server::start(&["--appendonly", "no", "--rdb-key-save-delay", "100000000"]);
    let client = &mut server.client();
    check(client, &[("RPUSH q a", "1"), ("RPUSH p a", "1")]);
    check(client, &[("CONFIG SET appendonly yes", "OK")]);
    server.wait_info("aof_rewrite_in_progress", "1");
    wait_until(|| unlogged::<i64>(client, "LLEN q") == 1 && server.info("aof_enabled") == "1");
    check(client, &[("RPUSH q b", "2"), ("WAITAOF 1 0 1", "[0 0]")]);
    let (mut waiting, mut patient) = (server.raw(), server.raw());
    waiting.send(b"WAITAOF 1 0 0\r\n");
    patient.send(b"WAITAOF 1 0 100000\r\n");
    check(client, &[("WAITAOF 1 0 1", "[0 0]"), ("CONFIG SET rdb-key-save-delay 0", "OK")]);
    waiting.expect(b"*2\r\n:1\r\n:0\r\n");
    patient.expect(b"*2\r\n:1\r\n:0\r\n");
    server.kill();
    server.start_again_with(&["--appendonly", "yes"]);
    check(&mut server.client(), &[("LRANGE q 0 -1", "[\"a\" \"b\"]")]);
}

#[test]
fn waitaof_ends_with_the_log_that_it_waits_for() {
    let fault = "export RESPQ_FAULT=rewrite.base:1+:error; exec";
    let server = Server::start_by(fault, &["--appendonly", "no"]);
    let client = &mut server.client();
    check(client, &[("SET a 1", "OK"), ("CONFIG SET appendonly yes", "OK")]);
    server.wait_info("aof_last_bgrewrite_status", "err");
    let mut waiting = server.raw();
    waiting.send(b"WAITAOF 1 0 0\r\nECHO x\r\n");
    server.wait_info("blocked_clients", "1");
    check(client, &[("CONFIG SET appendonly no", "OK")]);
    let text = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    waiting.expect(format!("-{text}\r\n$1\r\nx\r\n").as_bytes());
    server.wait_info("blocked_clients", "0");
}

#[test]
fn waitaof_for_replicas_ends_with_the_log_too() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut waiting = server.raw();
    waiting.send(b"SET a 1\r\nWAITAOF 1 1 0\r\n");
    server.wait_info("blocked_clients", "1");
    check(client, &[("CONFIG SET appendonly no", "OK")]);
    let text = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    waiting.expect(format!("+OK\r\n-{text}\r\n").as_bytes());
}

#[test]
fn what_waitaof_said_is_not_unsaid() {
    // Before its reply may leave, the log is switched off behind it, or a message comes.
    let switch_off = "CONFIG SET appendonly no\r\nWAITAOF 0 1 1\r\n";
    let message = "PUBLISH news x\r\n";
    for more in [switch_off, message] {
        let fault = "export RESPQ_FAULT=log.append:1+:full; exec";
        let server = Server::start_by(fault, &["--appendfsync", "no"]);
        let mut waiting = server.raw();
        assert_eq!(waiting.line("HELLO 3"), "%7");
        while waiting.read_line() != "*0" {}
        waiting.send(b"SUBSCRIBE news\r\n");
        waiting.expect(b">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
        waiting.send(format!("SET a 1\r\nWAITAOF 1 0 0\r\n{more}").as_bytes());
        wait_until(|| server.info("aof_last_write_status") == "err" || more == switch_off);
        check(&mut server.client(), &[("CONFIG SET appendonly no", "OK")]);
        assert_eq!(waiting.read_to_end(), "", "{more}");
    }
}

#[test]
fn waitaof_tells_at_its_end_whether_the_log_is_safe_then() {
    let mut server = Server::start(&["--appendonly", "no", "--rdb-key-save-delay", "100000000"]);
    let client = &mut server.client();
    check(client, &[("RPUSH q a", "1"), ("RPUSH p a", "1")]);
    check(client, &[("CONFIG SET appendonly yes", "OK")]);
    server.wait_info("aof_rewrite_in_progress", "1");
    let mut waiting = server.raw();
    let id = waiting.line("CLIENT ID")[1..].to_owned();
    waiting.send(b"WAITAOF 1 1 0\r\n");
    server.wait_info("blocked_clients", "1");
    check(client, &[("CONFIG SET rdb-key-save-delay 0", "OK")]);
    server.wait_info("aof_rewrite_in_progress", "0");
    check(client, &[(&format!("CLIENT UNBLOCK {id}"), "1")]);
    waiting.expect(b"*2\r\n:1\r\n:0\r\n");
    server.kill();
    server.start_again_with(&["--appendonly", "yes"]);
    check(&mut server.client(), &[("LRANGE q 0 -1", "[\"a\"]")]);
}

#[test]
fn who_cannot_write_its_lines_serves_nevertheless() {
    let dir = tempfile::tempdir().expect("a folder");
    let port = free_port().to_string();
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").expect("linux"));
    let child = Command::new(env!("CARGO_BIN_EXE_respq"))
        .args(["--port", &port, "--loglevel", "debug", "--dir"])
        .arg(dir.path())
        .stdout(full())
        .stderr(full())
        .spawn()
        .expect("it starts");
    let mut child = Ended(child);
    let url = format!("redis://127.0.0.1:{port}");
    let connect = || redis::Client::open(&*url).and_then(|client| client.get_connection());
    let answers = |client: &mut redis::Connection| redis::cmd("PING").exec(client).is_ok();
    wait_until(|| connect().is_ok_and(|mut client| answers(&mut client)));
    check(&mut connect().expect("it serves"), &[("RPUSH q a", "1")]);
    assert!(child.0.try_wait().expect("it can be asked").is_none());
}

/// A process that ends with the test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn files_that_no_manifest_names_are_kept() {
    let mut server = Server::start(&[]);
    check(&mut server.client(), &[("RPUSH q a", "1")]);
    server.kill();
    let folder = server.dir().join("appendonlydir");
    let [manifest, log, kept] = ["manifest", "1.incr.aof", "1.incr.aof.kept-1"]
        .map(|name| folder.join(format!("appendonly.aof.{name}")));
    let named = fs::read(&manifest).expect("there is one");
    let logged = fs::read(&log).expect("there is one");
    fs::remove_file(&manifest).expect("it is there");
    server.start_again();
    check(&mut server.client(), &[("EXISTS q", "0"), ("RPUSH q b", "1")]);
    assert_eq!(fs::read(&kept).expect("it is kept"), logged);
    // Whoever has lost only the manifest makes it again.
    server.kill();
    fs::write(&manifest, named).and_then(|()| fs::rename(&kept, &log)).expect("they can be");
    server.start_again();
    check(&mut server.client(), &[("LRANGE q 0 -1", "[\"a\"]")]);
}
