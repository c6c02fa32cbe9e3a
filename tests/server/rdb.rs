//! DUMP and RESTORE, and files that redis-server and this server read of each other.

use redis::Connection;

use crate::harness::{Server, check, error, run, show, wait_until};
use crate::peer::Redis;

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
fn a_time_to_live_of_any_length_can_be_loaded_again() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SET s text", "OK"), ("PFADD p a", "1"), ("PFCOUNT p", "1")]);
    let payload = dump(client, "s");
    let counted = dump(client, "p");
    let longest = i64::MAX.to_string();
    assert_eq!(restore(client, &[b"far", longest.as_bytes(), &payload]), Ok(()));
    check(client, &[("PEXPIRETIME far", &longest)]);
    server.kill();
    server.start_again();
    let client = &mut server.client();
    check(client, &[("GET far", "\"text\""), ("PEXPIRETIME far", &longest)]);
    assert_eq!(dump(client, "p"), counted, "the estimate that PFCOUNT keeps");
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
    let mut redis = Redis::start(server.dir(), "yes");
    let client = &mut redis.connect().unwrap();
    check(client, LOOKS);
    check(client, &[("GET increment", "\"1\""), ("SET byredis 1", "OK")]);
    redis.stop();
    server.start_again();
    check(&mut server.client(), LOOKS);
    check(&mut server.client(), &[("MGET increment byredis", "[\"1\" \"1\"]")]);
    assert!(server.stop());
    let mut redis = Redis::start(server.dir(), "yes");
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
    let mut redis = Redis::start(server.dir(), "no");
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

/// Values of all types in all their encodings, small and large, in two databases.
fn fill_with_everything(client: &mut Connection) {
    fill(client);
    let numbers = ["0", "-1", "127", "128", "-129", "32767", "32768", "-8388609", "2147483647"];
    let wide = ["2147483648", "9223372036854775807", "-9223372036854775808", "007", "1.5", "-0"];
    for number in numbers.iter().chain(&wide) {
        let _: () = run(client, &format!("SET string:{number} {number}"));
        let _: () = run(client, &format!("RPUSH numbers {number}"));
        let _: () = run(client, &format!("HSET hashed {number} {number}"));
        let _: () = run(client, &format!("ZADD scored {number} {number}"));
    }
    let _: () = run(client, "SADD narrow 1 -2 300");
    let _: () = run(client, "SADD middle 1 70000 -70000");
    let _: () = run(client, "SADD broad 1 9223372036854775807 -9223372036854775808");
    let _: () = run(client, "SADD words a b c 17");
    let _: () = run(client, "ZADD odd inf a -inf b 0.1 c 1e300 d 3.0000000000000004 e 5e-324 f");
    let bytes: Vec<u8> = (0..=255).collect();
    let noise: Vec<u8> = (0..30_000u32).map(|n| n.wrapping_mul(n).to_le_bytes()[1]).collect();
    for (key, value) in [(&b"bin\0\r\n\xff"[..], &bytes), (b"noise", &noise)] {
        let _: () = redis::cmd("SET").arg(key).arg(value).query(client).unwrap();
        let _: () = redis::cmd("RPUSH").arg("blobs").arg(value).arg("x").query(client).unwrap();
        let _: () = redis::cmd("HSET").arg("blobhash").arg(key).arg(value).query(client).unwrap();
        let _: () = redis::cmd("SADD").arg("blobset").arg(value).query(client).unwrap();
    }
    let _: () = run(client, &format!("SET pressed {}", "abcd".repeat(30_000)));
    for n in 0..700 {
        let _: () = run(client, &format!("SADD manyints {}", n * 3));
        let _: () = run(client, &format!("RPUSH manylist {n}"));
        let _: () = run(client, &format!("HSET manyhash f{n} {n} PX{n} {}", "v".repeat(n % 90)));
        let _: () = run(client, &format!("XADD manystream {n}-1 same {n} other x{n}"));
    }
    for line in [
        "XDEL manystream 3-1 699-1",
        "XTRIM manystream MAXLEN 400",
        "XGROUP CREATE manystream g 0",
        "XGROUP CREATE manystream idle $",
        "XGROUP CREATECONSUMER manystream g nobody",
        "XREADGROUP GROUP g one COUNT 150 STREAMS manystream >",
        "XREADGROUP GROUP g two COUNT 3 STREAMS manystream >",
        "XACK manystream g 305-1",
        "XGROUP CREATE emptystream g $ MKSTREAM",
        "XADD spent 5-5 f v",
        "XDEL spent 5-5",
        "PEXPIREAT words 4000000000123",
        "SELECT 3",
        "SET elsewhere 1",
        "SELECT 0",
    ] {
        let _: redis::Value = run(client, line);
    }
    let library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    let _: () = redis::cmd("FUNCTION").arg("LOAD").arg(library).query(client).unwrap();
}

/// The names and values of fields in a flat reply, but for those that another server may count
/// in its own way.
fn fields(value: &redis::Value) -> String {
    const OWN: [&str; 5] =
        ["radix-tree-keys", "radix-tree-nodes", "groups", "first-entry", "last-entry"];
    let redis::Value::Array(words) = value else { return format!("{value:?}") };
    let pairs = words.chunks(2).filter(|pair| !OWN.iter().any(|own| show(&pair[0]).contains(own)));
    pairs.map(|pair| format!("{pair:?}")).collect::<Vec<_>>().concat()
}

/// All that a server holds, one line for each key.
fn contents(client: &mut Connection) -> Vec<String> {
    let mut lines = vec![format!("{:?}", run::<redis::Value>(client, "FUNCTION LIST WITHCODE"))];
    for db in [0, 3] {
        let _: () = run(client, &format!("SELECT {db}"));
        let mut keys: Vec<Vec<u8>> = run(client, "KEYS *");
        keys.sort();
        for key in keys {
            let mut ask = |words: &[&str]| {
                let mut command = redis::cmd(words[0]);
                let (container, rest) = match words {
                    ["XINFO", what, rest @ ..] => (Some(what), rest),
                    [_, rest @ ..] => (None, rest),
                    [] => unreachable!("a command has a name"),
                };
                if let Some(what) = container {
                    command.arg(what);
                }
                command.arg(&key);
                for word in rest {
                    command.arg(word);
                }
                command.query::<redis::Value>(client).unwrap()
            };
            let kind = show(&ask(&["TYPE"]));
            let sorted = |value: redis::Value, step: usize| {
                let redis::Value::Array(parts) = value else { return format!("{value:?}") };
                let mut parts: Vec<_> =
                    parts.chunks(step).map(|part| format!("{part:?}")).collect();
                parts.sort();
                parts.concat()
            };
            let value = match kind.as_str() {
                "string" => format!("{:?}", ask(&["GET"])),
                "list" => format!("{:?}", ask(&["LRANGE", "0", "-1"])),
                "set" => sorted(ask(&["SMEMBERS"]), 1),
                "hash" => sorted(ask(&["HGETALL"]), 2),
                "zset" => {
                    // Redis 7.0 writes scores with more digits than they need, and packs -0 as 0.
                    let found = ask(&["ZRANGE", "0", "-1", "WITHSCORES"]);
                    let redis::Value::Array(words) = found else { panic!("{found:?}") };
                    let score = |word| redis::from_redis_value::<f64>(word).unwrap() + 0.0;
                    let pairs = words.chunks(2);
                    pairs
                        .map(|pair| format!("{:?}={:?} ", pair[0], score(pair[1].clone())))
                        .collect::<Vec<_>>()
                        .concat()
                }
                _ => {
                    let pending = |value: redis::Value| {
                        let redis::Value::Array(rows) = value else { return String::new() };
                        let row = |row: &redis::Value| match row {
                            // Without how long it has been pending.
                            redis::Value::Array(row) => format!("{:?}{:?}", &row[..2], row[3]),
                            _ => String::new(),
                        };
                        rows.iter().map(row).collect::<Vec<String>>().concat()
                    };
                    let has_g = key != b"spent";
                    let group = has_g.then(|| pending(ask(&["XPENDING", "g", "-", "+", "999"])));
                    format!(
                        "{:?} {} {:?} {group:?}",
                        ask(&["XRANGE", "-", "+"]),
                        fields(&ask(&["XINFO", "STREAM"])),
                        ask(&["XINFO", "GROUPS"]),
                    )
                }
            };
            let ends = ask(&["PEXPIRETIME"]);
            lines.push(format!("{db} {} {kind} {ends:?} {value}", String::from_utf8_lossy(&key)));
        }
    }
    let _: () = run(client, "SELECT 0");
    lines
}

fn assert_same(found: &[String], expected: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        let same = found.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
        let from = same.saturating_sub(60);
        let part = |text: &str| text.chars().skip(from).take(200).collect::<String>();
        let name: String = expected.chars().take(40).collect();
        assert!(found == expected, "{name}\n  {}\nis not\n  {}", part(found), part(expected));
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn every_encoding_goes_to_redis_and_back() {
    let mut server = Server::start(&[]);
    fill_with_everything(&mut server.client());
    let _: () = run(&mut server.client(), "BGREWRITEAOF");
    server.wait_info("aof_rewrite_in_progress", "0");
    check(&mut server.client(), &[("RPUSH manylist increment", "701")]);
    let expected = contents(&mut server.client());
    assert!(server.stop());
    let mut redis = Redis::start(server.dir(), "yes");
    let client = &mut redis.connect().unwrap();
    assert_same(&contents(client), &expected);
    let _: () = run(client, "BGREWRITEAOF");
    wait_until(|| {
        let info: String = run(client, "INFO persistence");
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    });
    redis.stop();
    server.start_again();
    assert_same(&contents(&mut server.client()), &expected);
}

#[test]
fn every_encoding_of_redis_is_read() {
    let mut server = Server::start(&["--appendonly", "no"]);
    assert!(server.stop());
    let mut redis = Redis::start(server.dir(), "no");
    let client = &mut redis.connect().unwrap();
    fill_with_everything(client);
    let expected = contents(client);
    check(client, &[("SAVE", "OK")]);
    redis.stop();
    server.start_again();
    assert_same(&contents(&mut server.client()), &expected);
}
