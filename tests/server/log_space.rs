//! Space that `appendfsync always` writes behind the log: who loads it, and what a crash leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Raw, Server, check, run, wait_until};
use crate::peer::Redis;

fn log(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}

fn ends_with_space(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    bytes.ends_with(format!("#\n#SPACE {:024}\n", bytes.len()).as_bytes())
}

fn has_space(server: &Server) -> bool {
    ends_with_space(&log(server))
}

fn push(client: &mut redis::Connection, count: usize) {
    for n in 0..count {
        let _: () = run(client, &format!("RPUSH q message{n}-{}", "x".repeat(n * 7 % 600)));
    }
}

#[test]
fn a_log_with_space_behind_it_is_loaded_here_and_by_redis() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    // More than the space that is written at once.
    push(&mut server.client(), 1500);
    server.kill();
    assert!(has_space(&server));
    let checker = Command::new("redis-check-aof")
        .arg(server.dir().join("appendonlydir/appendonly.aof.manifest"))
        .output()
        .expect("redis-check-aof is installed: scripts/setup");
    let said = String::from_utf8_lossy(&checker.stdout);
    assert!(checker.status.success() && said.contains("valid"), "{said}");
    let mut redis = Redis::start(server.dir(), "yes");
    let client = &mut redis.connect().unwrap();
    check(client, &[("LLEN q", "1500"), ("RPUSH q more", "1501")]);
    redis.stop();
    server.start_again();
    check(&mut server.client(), &[("LLEN q", "1501"), ("RPUSH q last", "1502")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("LRANGE q -2 -1", "[\"more\" \"last\"]")]);
}

#[test]
fn the_space_goes_with_the_policy_and_with_the_server() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    push(client, 10);
    assert!(has_space(&server));
    check(client, &[("CONFIG SET appendfsync everysec", "OK"), ("RPUSH q more", "11")]);
    assert!(!has_space(&server));
    check(client, &[("CONFIG SET appendfsync always", "OK"), ("RPUSH q more", "12")]);
    // A group that was begun before the policy changed is written as that said; the next has space.
    wait_until(|| {
        check(client, &[("SET other value", "OK")]);
        has_space(&server)
    });
    let _: () = run(client, "BGREWRITEAOF");
    server.wait_info("aof_rewrite_in_progress", "0");
    check(&mut server.client(), &[("RPUSH q more", "13")]);
    assert!(server.stop());
    let folder = fs::read_dir(server.dir().join("appendonlydir")).unwrap();
    for path in folder.map(|entry| entry.unwrap().path()) {
        assert!(!ends_with_space(&path), "{}", path.display());
    }
    server.start_again();
    check(&mut server.client(), &[("LLEN q", "13")]);
}

/// A disk may have written any sectors of a group when the power failed.
#[test]
fn a_group_of_which_sectors_are_missing_is_cut_off() {
    for (pass, way) in [(4, "sectors"), (5, "power"), (6, "sectors"), (7, "abort")] {
        let fault = format!("export RESPQ_FAULT=log.sync:{pass}:{way}; exec");
        let mut server = Server::start_by(&fault, &["--appendfsync", "always"]);
        let mut raw: Raw = server.raw();
        let mut acknowledged = 0;
        while raw.try_line(&format!("RPUSH q {acknowledged}{}", "v".repeat(5000))).is_some() {
            acknowledged += 1;
        }
        assert_eq!(server.ended_by_signal(), Some(9));
        assert!(acknowledged >= 2 && has_space(&server), "{acknowledged}");
        server.start_again();
        let client = &mut server.client();
        let kept: usize = run(client, "LLEN q");
        let expected = acknowledged + usize::from(way == "abort");
        assert_eq!(kept, expected, "pass {pass}, {way}");
        let more = (kept + 1).to_string();
        check(client, &[("RPUSH q more", &more)]);
        server.kill();
        server.start_again();
        check(&mut server.client(), &[("LLEN q", &more)]);
    }
}
