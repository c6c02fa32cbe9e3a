//! CONFIG: reading, changing and writing down settings.

use std::collections::HashMap;

use crate::harness::{Server, check, error, run};

fn config(client: &mut redis::Connection, names: &str) -> HashMap<String, String> {
    run(client, &format!("CONFIG GET {names}"))
}

#[test]
fn settings_are_found_by_pattern() {
    let server = Server::start(&["--save", "900", "1", "--save", "300", "10"]);
    let client = &mut server.client();
    assert_eq!(config(client, "save")["save"], "900 1 300 10");
    let found = config(client, "HASH-max-list* hz nope hz");
    assert_eq!(found.len(), 3);
    assert_eq!(found["hash-max-listpack-entries"], "512");
    assert_eq!(config(client, "hash-max-ziplist-value")["hash-max-ziplist-value"], "64");
    assert_eq!(config(client, "port")["port"], server.port().to_string());
    let all = config(client, "*");
    assert!(all.len() > 150, "{}", all.len());
    for name in ["maxmemory", "maxmemory-policy", "notify-keyspace-events", "replica-priority"] {
        assert!(all.contains_key(name), "{name}");
    }
    assert!(!all.contains_key("key-load-delay"));
    assert_eq!(config(client, "key-load-delay").len(), 1);
    check(client, &[("CONFIG GET", "(ERR wrong number of arguments for 'config|get' command)")]);
    assert!(run::<Vec<String>>(client, "CONFIG HELP").len() > 8);
}

#[test]
fn all_change_or_none() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let failed = |name: &str, why: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
    };
    check(client, &[("CONFIG SET hz 20 maxmemory 1mb timeout 5", "OK")]);
    for (line, expected) in [
        ("CONFIG SET hz 30 databases 1", failed("databases", "can't set immutable config")),
        (
            "CONFIG SET hz 30 port 1",
            failed("port", "Unable to listen on this port while the server runs on another"),
        ),
        (
            "CONFIG SET hz 30 maxmemory-clients 101%",
            failed("maxmemory-clients", "percentage argument must be less or equal to 100"),
        ),
        ("CONFIG SET hz 30 dbfilename x", failed("dbfilename", "can't set protected config")),
        (
            "CONFIG SET hz 30 nope 1",
            "ERR Unknown option or number of arguments for CONFIG SET - 'nope'".to_owned(),
        ),
        ("CONFIG SET hz 30 HZ 40", failed("HZ", "duplicate parameter")),
        ("CONFIG SET hz 30 maxmemory x", failed("maxmemory", "argument must be a memory value")),
        (
            "CONFIG SET hz 30 timeout x",
            failed("timeout", "argument couldn't be parsed into an integer"),
        ),
        (
            "CONFIG SET hz 30 appendonly maybe",
            failed("appendonly", "argument must be 'yes' or 'no'"),
        ),
        ("CONFIG SET hz 501", failed("hz", "argument must be between 1 and 500 inclusive")),
        (
            "CONFIG SET hz 30 appendfsync never",
            failed("appendfsync", "argument(s) must be one of the following: everysec, always, no"),
        ),
        (
            "CONFIG SET hz 30 tls-key-file-pass x",
            failed(
                "tls-key-file-pass",
                "encrypted key files are not supported; `openssl pkey` decrypts one",
            ),
        ),
        ("CONFIG SET hz", "ERR wrong number of arguments for 'config|set' command".to_owned()),
        ("CONFIG SET hz 30 timeout", "ERR syntax error".to_owned()),
    ] {
        assert_eq!(error(client, line), expected, "{line}");
    }
    assert_eq!(config(client, "hz")["hz"], "20");
    assert_eq!(config(client, "maxmemory")["maxmemory"], "1048576");
}

#[test]
fn texts_are_kept_in_their_form() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (name, given, kept) in [
        ("notify-keyspace-events", "KEA", "AKE"),
        ("maxmemory-clients", "5%", "5%"),
        ("maxmemory-clients", "1mb", "1048576"),
        ("appendfsync", "NO", "no"),
        ("slowlog-log-slower-than", "-1", "-1"),
        ("hash-max-ziplist-entries", "10", "10"),
        ("lua-time-limit", "100", "100"),
        ("activedefrag", "yes", "yes"),
    ] {
        check(client, &[(&format!("CONFIG SET {name} {given}"), "OK")]);
        assert_eq!(config(client, name)[name], kept, "{name}");
    }
    assert_eq!(config(client, "busy-reply-threshold")["busy-reply-threshold"], "100");
    redis::cmd("CONFIG")
        .arg(&["SET", "client-output-buffer-limit", "pubsub 1mb 2mb 3"])
        .exec(client)
        .expect("valid");
    let limits = &config(client, "client-output-buffer-limit")["client-output-buffer-limit"];
    assert!(limits.ends_with("pubsub 1048576 2097152 3"), "{limits}");
}

#[test]
fn limits_of_small_forms_take_effect() {
    let server =
        Server::start(&["--hash-max-listpack-entries", "2", "--enable-debug-command", "local"]);
    check(
        &mut server.client(),
        &[
            ("HSET h a 1 b 2", "2"),
            ("OBJECT ENCODING h", "\"listpack\""),
            ("HSET h c 3", "1"),
            ("OBJECT ENCODING h", "\"hashtable\""),
            ("CONFIG SET set-max-intset-entries 1", "OK"),
            ("SADD s 1", "1"),
            ("OBJECT ENCODING s", "\"intset\""),
            ("SADD s 2", "1"),
            ("OBJECT ENCODING s", "\"hashtable\""),
            ("CONFIG SET hash-max-listpack-value 3", "OK"),
            ("HSET long a 1 b 1234", "2"),
            ("OBJECT ENCODING long", "\"hashtable\""),
            ("HSET long b 1", "0"),
            ("COPY long copied", "1"),
            ("OBJECT ENCODING copied", "\"hashtable\""),
            ("HSET same a 123", "1"),
            ("CONFIG SET set-max-listpack-value 3", "OK"),
            ("SADD longs 1 abcd", "2"),
            ("OBJECT ENCODING longs", "\"hashtable\""),
            ("DEBUG RELOAD", "OK"),
            ("OBJECT ENCODING longs", "\"hashtable\""),
            ("OBJECT ENCODING same", "\"listpack\""),
            ("HGETALL same", "[\"a\" \"123\"]"),
            ("CONFIG SET zset-max-ziplist-value 3", "OK"),
            ("ZADD z 1 long", "1"),
            ("OBJECT ENCODING z", "\"skiplist\""),
        ],
    );
}

#[test]
fn a_file_is_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("respq.conf");
    std::fs::write(&path, "# mine\nhz 10\n\ntimeout 3\n# end\n").expect("written");
    let file = path.display().to_string();
    let mut server = Server::start_with_file(&file, &[]);
    let client = &mut server.client();
    assert_eq!(server.info("config_file"), file);
    check(client, &[("CONFIG SET hz 20 maxclients 77", "OK"), ("CONFIG REWRITE", "OK")]);
    let text = std::fs::read_to_string(&path).expect("there");
    assert!(text.starts_with("# mine\nhz 20\n\ntimeout 3\n# end\n"), "{text}");
    assert!(text.contains("\n# Generated by CONFIG REWRITE\n") && text.contains("maxclients 77\n"));
    assert!(server.stop());
    server.start_again();
    assert_eq!(config(&mut server.client(), "maxclients")["maxclients"], "77");
    let server = Server::start(&[]);
    let text = "(ERR The server is running without a config file)";
    check(&mut server.client(), &[("CONFIG REWRITE", text)]);
}
