//! DUMP and RESTORE, and files that redis-server and this server read of each other.

use std::process::{Child, Command, Stdio};

use redis::Connection;

use crate::harness::{Server, check, error, run, wait_until};

fn dump(client: &mut Connection, key: &str) -> Vec<u8> {
    run(client, &format!("DUMP {key}"))
}

fn restore(client: &mut Connection, words: &[&[u8]]) -> Result<(), String> {
    let mut command = redis::cmd("RESTORE");
    for word in words {
        command.arg(*word);
    }
    command.query(client).map_err(|error: redis::RedisError| {
        format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
    })
}

#[test]
fn values_are_dumped_and_restored() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("RPUSH l a 1 b", "3"), ("DUMP missing", "nil")]);
    let payload = dump(client, "l");
    assert_eq!(restore(client, &[b"l2", b"0", &payload]), Ok(()));
    assert_eq!(restore(client, &[b"l3", b"100000", &payload, b"REPLACE"]), Ok(()));
    check(client, &[("LRANGE l2 0 -1", "[\"a\" \"1\" \"b\"]"), ("TTL l2", "-1")]);
    let ttl: i64 = run(client, "PTTL l3");
    assert!((1..=100_000).contains(&ttl));
    assert_eq!(restore(client, &[b"l4", b"1", &payload, b"ABSTTL"]), Ok(()));
    check(client, &[("EXISTS l4", "0")]);
    let at = b"4000000000000";
    assert_eq!(restore(client, &[b"l5", at, &payload, b"ABSTTL", b"IDLETIME", b"99"]), Ok(()));
    check(client, &[("PEXPIRETIME l5", "4000000000000")]);
}

#[test]
fn bad_payloads_are_refused() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SET s text", "OK")]);
    let payload = dump(client, "s");
    let busy = "BUSYKEY Target key name already exists.".to_owned();
    assert_eq!(restore(client, &[b"s", b"0", &payload]), Err(busy));
    let negative = "ERR Invalid TTL value, must be >= 0".to_owned();
    assert_eq!(restore(client, &[b"n", b"-1", &payload]), Err(negative));
    let wrong = "ERR DUMP payload version or checksum are wrong".to_owned();
    assert_eq!(restore(client, &[b"n", b"0", b"nonsense"]), Err(wrong.clone()));
    let mut changed = payload.clone();
    changed[1] ^= 1;
    assert_eq!(restore(client, &[b"n", b"0", &changed]), Err(wrong));
    let text = error(client, "RESTORE n 0 x FREQ 300");
    assert_eq!(text, "ERR Invalid FREQ value, must be >= 0 and <= 255");
    let text = error(client, "RESTORE n 0 x IDLETIME -1");
    assert_eq!(text, "ERR Invalid IDLETIME value, must be >= 0");
    assert_eq!(error(client, "RESTORE n 0 x WHAT"), "ERR syntax error");
}

/// A redis-server on a port and a folder; `None` where none is installed.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start(dir: &std::path::Path, appendonly: &str) -> Option<Self> {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--appendonly", appendonly, "--save", "", "--dir"])
            .arg(dir)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Self { child, port };
        wait_until(|| {
            redis
                .connect()
                .is_some_and(|mut client| redis::cmd("PING").query::<String>(&mut client).is_ok())
        });
        Some(redis)
    }

    fn connect(&self) -> Option<Connection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).ok()?;
        client.get_connection().ok()
    }

    fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn fill(client: &mut Connection) {
    for n in 0..200 {
        let _: () = run(client, &format!("RPUSH list value{n} {n}"));
        let _: () = run(client, &format!("SADD set member{n}"));
        let _: () = run(client, &format!("HSET hash field{n} {n}"));
        let _: () = run(client, &format!("ZADD zset {n}.5 member{n}"));
        let _: () = run(client, &format!("XADD stream {}-0 f{} v", n + 1, n % 3));
    }
    check(client, &[("RPUSH small a b 3", "3"), ("SADD ints 1 2 70000", "3")]);
    check(client, &[("HSET smallhash a 1 b -5", "2"), ("ZADD smallzset 1 a inf b", "2")]);
    check(client, &[("SET number 12345", "OK"), ("SET far 1 EXAT 4000000000", "OK")]);
    let long = format!("SET long {}", "abcabc".repeat(100));
    let _: () = run(client, &long);
    check(client, &[("XGROUP CREATE stream g 0", "OK"), ("XDEL stream 7-0", "1")]);
    let _: redis::Value = run(client, "XREADGROUP GROUP g worker COUNT 3 STREAMS stream >");
}

const LOOKS: &[(&str, &str)] = &[
    ("LLEN list", "400"),
    ("LINDEX list 398", "\"value199\""),
    ("SISMEMBER set member77", "1"),
    ("HGET hash field150", "\"150\""),
    ("ZRANGE zset 198 199", "[\"member198\" \"member199\"]"),
    ("XLEN stream", "199"),
    ("XRANGE stream 8 8", "[[\"8-0\" [\"f1\" \"v\"]]]"),
    ("XPENDING stream g", "[3 \"1-0\" \"3-0\" [[\"worker\" \"3\"]]]"),
    ("LRANGE small 0 -1", "[\"a\" \"b\" \"3\"]"),
    ("SCARD ints", "3"),
    ("HGET smallhash b", "\"-5\""),
    ("ZSCORE smallzset b", "\"inf\""),
    ("GET number", "\"12345\""),
    ("EXPIRETIME far", "4000000000"),
    ("STRLEN long", "600"),
];

#[test]
fn redis_reads_our_folder_and_we_read_its() {
    let mut server = Server::start(&[]);
    fill(&mut server.client());
    let _: () = run(&mut server.client(), "BGREWRITEAOF");
    server.wait_info("aof_rewrite_in_progress", "0");
    check(&mut server.client(), &[("SET increment 1", "OK"), ("SAVE", "OK")]);
    assert!(server.stop());
    let Some(mut redis) = Redis::start(server.dir(), "yes") else { return };
    let client = &mut redis.connect().unwrap();
    check(client, LOOKS);
    check(client, &[("GET increment", "\"1\""), ("SET byredis 1", "OK")]);
    redis.stop();
    server.start_again();
    check(&mut server.client(), LOOKS);
    check(&mut server.client(), &[("MGET increment byredis", "[\"1\" \"1\"]")]);
    assert!(server.stop());
    let mut redis = Redis::start(server.dir(), "yes").unwrap();
    let client = &mut redis.connect().unwrap();
    let _: () = run(client, "BGREWRITEAOF");
    wait_until(|| {
        let info: String = run(client, "INFO persistence");
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    });
    redis.stop();
    server.start_again();
    check(&mut server.client(), LOOKS);
}

#[test]
fn snapshots_and_payloads_are_exchanged() {
    let mut server = Server::start(&["--appendonly", "no"]);
    fill(&mut server.client());
    check(&mut server.client(), &[("SAVE", "OK")]);
    assert!(server.stop());
    let Some(mut redis) = Redis::start(server.dir(), "no") else { return };
    let theirs = &mut redis.connect().unwrap();
    check(theirs, LOOKS);
    let _: () = run(theirs, "SAVE");
    let keys: Vec<String> = run(theirs, "KEYS *");
    let payloads: Vec<_> = keys.iter().map(|key| (key, dump(theirs, key))).collect();
    server.start_again();
    let ours = &mut server.client();
    check(ours, LOOKS);
    let _: () = run(ours, "FLUSHALL");
    for (key, payload) in &payloads {
        let ttl: &[u8] = if *key == "far" { b"4000000000000" } else { b"0" };
        assert_eq!(restore(ours, &[key.as_bytes(), ttl, payload, b"ABSTTL"]), Ok(()));
    }
    check(ours, LOOKS);
    let _: () = run(theirs, "FLUSHALL");
    for (key, _) in &payloads {
        let ttl: &[u8] = if *key == "far" { b"4000000000000" } else { b"0" };
        let payload = dump(ours, key);
        assert_eq!(restore(theirs, &[key.as_bytes(), ttl, &payload, b"ABSTTL"]), Ok(()));
    }
    check(theirs, LOOKS);
    redis.stop();
}
