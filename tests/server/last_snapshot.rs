//! What is saved when a server ends.

use std::process::Command;

use crate::harness::{Server, check, error, run, wait_until};

/// Ends a server by a command; returns what its last client got before the connection closed.
fn shut_down(server: &mut Server, command: &str) -> String {
    let mut raw = server.raw();
    raw.send(format!("{command}\r\n").as_bytes());
    let said = raw.read_to_end();
    assert!(server.ended_well());
    said
}

#[test]
fn the_last_snapshot_is_written_as_the_save_points_say() {
    let cases = [
        (vec!["--save", "3600 1"], "SHUTDOWN", true),
        (vec!["--save", "3600 1"], "SHUTDOWN NOSAVE", false),
        (vec!["--save", "3600 1", "--appendonly", "yes"], "SHUTDOWN", true),
        (vec!["--save", ""], "SHUTDOWN", false),
        (vec!["--save", ""], "SHUTDOWN SAVE NOW", true),
    ];
    for (settings, command, saves) in cases {
        let settings = [&["--appendonly", "no"][..], &settings].concat();
        let mut server = Server::start(&settings);
        check(&mut server.client(), &[("SET a 1", "OK"), ("RPUSH q 1 2", "2")]);
        assert_eq!(shut_down(&mut server, command), "", "{settings:?} {command}");
        assert_eq!(server.dir().join("dump.rdb").exists(), saves, "{settings:?} {command}");
        server.start_again();
        let kept = saves || settings.contains(&"yes");
        let expected = if kept { "\"1\"" } else { "nil" };
        check(&mut server.client(), &[("GET a", expected)]);
    }
}

#[test]
fn keys_that_were_flushed_do_not_come_back() {
    let mut server = Server::start(&["--appendonly", "no", "--save", "3600 1"]);
    let client = &mut server.client();
    check(client, &[("SET a 1", "OK"), ("SAVE", "OK"), ("FLUSHALL", "OK")]);
    assert_eq!(server.info("rdb_changes_since_last_save"), "0");
    server.kill();
    server.start_again();
    let client = &mut server.client();
    check(client, &[("DBSIZE", "0"), ("SET a 1", "OK"), ("SET b 1", "OK")]);
    // While a snapshot with them is being written, too.
    check(client, &[("CONFIG SET rdb-key-save-delay 20000", "OK")]);
    run::<()>(client, "BGSAVE");
    check(client, &[("FLUSHALL", "OK"), ("CONFIG SET rdb-key-save-delay 0", "OK")]);
    server.wait_info("rdb_bgsave_in_progress", "0");
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("DBSIZE", "0")]);
}

#[test]
fn a_signal_saves_what_was_acknowledged() {
    let mut server = Server::start(&["--appendonly", "no", "--save", "3600 1"]);
    let acknowledged = std::thread::scope(|scope| {
        let writers = [0, 1, 2].map(|writer| {
            let mut raw = server.raw();
            scope.spawn(move || {
                let mut next = 0;
                while raw.try_line(&format!("SET key{writer}:{next} 1")).as_deref() == Some("+OK") {
                    next += 1;
                }
                next
            })
        });
        wait_until(|| server.info("rdb_changes_since_last_save").parse::<u32>().unwrap() > 500);
        let pid = server.pid().to_string();
        assert!(Command::new("kill").arg(&pid).status().expect("kill exists").success());
        writers.map(|writer| writer.join().expect("it ends with the server"))
    });
    assert!(server.ended_well());
    server.start_again();
    let client = &mut server.client();
    for (writer, count) in acknowledged.iter().enumerate() {
        let keys: Vec<String> = run(client, &format!("KEYS key{writer}:*"));
        assert!(keys.len() >= *count, "writer {writer}: {} of {count}", keys.len());
    }
}

#[test]
fn who_does_not_wait_for_a_script_and_the_snapshot_behind_it_says_so() {
    let settings = ["--appendonly", "no", "--save", "3600 1", "--busy-reply-threshold", "10"];
    for gives_up in ["SHUTDOWN NOSAVE", "Ctrl-C"] {
        let mut server = Server::start(&settings);
        let pid = server.pid().to_string();
        let signal = |name: &str| {
            Command::new("kill").args([name, pid.as_str()]).status().expect("kill exists")
        };
        check(&mut server.client(), &[("SET a 1", "OK")]);
        let mut running = server.raw();
        running.send(b"EVAL \"redis.call('set','a','2') while true do end\" 0\r\n");
        let mut other = server.raw();
        wait_until(|| other.line("PING").starts_with("-BUSY"));
        assert!(signal("-INT").success());
        // The signal has its effect before the server has answered so often.
        (0..100).for_each(|_| assert!(other.line("PING").starts_with("-BUSY"), "it waits"));
        if gives_up == "Ctrl-C" {
            // Two signals count as one if the server has not looked in between.
            wait_until(|| signal("-INT").success() && server.has_ended());
        } else {
            other.send(b"SHUTDOWN NOSAVE\r\n");
        }
        assert!(server.ended_well());
        assert!(!server.dir().join("dump.rdb").exists());
    }
}

#[test]
fn the_server_goes_on_if_the_last_snapshot_fails() {
    let fault = "export RESPQ_FAULT=install.rename:1+:full; exec";
    let mut server = Server::start_by(fault, &["--save", "3600 1"]);
    let client = &mut server.client();
    check(client, &[("SET a 1", "OK")]);
    let refused = "ERR Errors trying to SHUTDOWN. Check logs.";
    assert_eq!(error(client, "SHUTDOWN"), refused);
    check(client, &[("SET b 2", "OK"), ("PING", "PONG")]);
    let pid = server.pid().to_string();
    assert!(Command::new("kill").arg(&pid).status().expect("kill exists").success());
    assert_eq!(error(client, "SHUTDOWN SAVE"), refused);
    check(client, &[("SET c 3", "OK")]);
    // Each of those who ask at the same time is told.
    let mut askers = [server.raw(), server.raw(), server.raw()];
    for asker in &mut askers {
        asker.send(b"SHUTDOWN SAVE\r\n");
    }
    for asker in &mut askers {
        assert_eq!(asker.read_line(), format!("-{refused}"));
    }
    assert_eq!(shut_down(&mut server, "SHUTDOWN FORCE"), "");
    assert!(!server.dir().join("dump.rdb").exists());
    server.start_again();
    check(&mut server.client(), &[("MGET a b c", "[\"1\" \"2\" \"3\"]")]);
}
