//! FUNCTION and FCALL.

use redis::{Connection, Value};

use crate::harness::{Server, check, show};

const LIBRARY: &str = "#!lua name=mylib\n\
    local calls = 0\n\
    redis.register_function('put', function(keys, args)\n\
      return redis.call('set', keys[1], args[1])\n\
    end)\n\
    redis.register_function{\n\
      function_name = 'fetch',\n\
      description = 'reads a key',\n\
      callback = function(keys) calls = calls + 1 return {redis.call('get', keys[1]), calls} end,\n\
      flags = {'no-writes'},\n\
    }\n";

fn ask(client: &mut Connection, words: &[&str]) -> String {
    let mut command = redis::cmd(words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(word);
    });
    match command.query::<Value>(client) {
        Ok(value) => show(&value),
        Err(error) => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("({code} {detail})"),
            _ => format!("({error})"),
        },
    }
}

#[test]
fn functions_are_called() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    assert_eq!(ask(client, &["FUNCTION", "LOAD", LIBRARY]), r#""mylib""#);
    check(
        client,
        &[
            ("FCALL put 1 k v", "OK"),
            ("FCALL fetch 1 k", r#"["v" 1]"#),
            ("FCALL_RO fetch 1 k", r#"["v" 2]"#),
            (
                "FCALL_RO put 1 k v",
                "(ERR Can not execute a script with write flag using *_ro command.)",
            ),
            ("FCALL none 0", "(ERR Function not found)"),
            ("FCALL put x", "(ERR Bad number of keys provided)"),
            ("FCALL put 2 k", "(ERR Number of keys can't be greater than number of args)"),
            ("FCALL put -1 k", "(ERR Number of keys can't be negative)"),
            ("FUNCTION KILL", "(NOTBUSY No scripts in execution right now.)"),
            (
                "FUNCTION STATS",
                r#"["running_script" nil "engines" ["LUA" ["libraries_count" 1 "functions_count" 2]]]"#,
            ),
            ("FUNCTION LIST LIBRARYNAME other*", "[]"),
            ("FUNCTION LIST FOO", "(ERR Unknown argument FOO)"),
            ("FUNCTION DELETE nolib", "(ERR Library not found)"),
            ("FUNCTION DELETE mylib", "OK"),
            ("FCALL put 1 k v", "(ERR Function not found)"),
            ("FUNCTION FLUSH NOW", "(ERR FUNCTION FLUSH only supports SYNC|ASYNC option)"),
            ("FUNCTION FLUSH", "OK"),
        ],
    );
    let help = ask(client, &["FUNCTION", "HELP"]);
    assert!(help.contains("RESTORE"), "{help}");
}

#[test]
fn what_is_wrong_with_a_library() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (source, expected) in [
        ("return 1", "(ERR Missing library metadata)"),
        (
            "#!lua name=a\nx = )",
            "(ERR Error compiling function: user_function:2: unexpected symbol near ')')",
        ),
        ("#!lua name=a\nlocal x", "(ERR No functions registered)"),
        (
            "#!lua name=a\nreturn redis.call('ping')",
            "(ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call')",
        ),
        (
            "#!lua name=a\nreturn math.abs(1)",
            "(ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'math')",
        ),
        (
            "#!lua name=a\nredis.register_function('f')",
            "(ERR Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).)",
        ),
        (
            "#!lua name=a\nredis.register_function('f', 1)",
            "(ERR Error registering functions: ERR second argument to redis.register_function must be a function)",
        ),
        (
            "#!lua name=a\nwhile true do end",
            "(ERR Error registering functions: ERR FUNCTION LOAD timeout)",
        ),
    ] {
        assert_eq!(ask(client, &["FUNCTION", "LOAD", source]), expected, "{source}");
    }
    ask(client, &["FUNCTION", "LOAD", LIBRARY]);
    assert_eq!(ask(client, &["FUNCTION", "LOAD", LIBRARY]), "(ERR Library 'mylib' already exists)");
    assert_eq!(ask(client, &["FUNCTION", "LOAD", "REPLACE", LIBRARY]), r#""mylib""#);
    let other = LIBRARY.replace("mylib", "other");
    assert_eq!(ask(client, &["FUNCTION", "LOAD", &other]), "(ERR Function put already exists)");
}

#[test]
fn libraries_survive_and_are_restored() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    ask(&mut server.client(), &["FUNCTION", "LOAD", LIBRARY]);
    server.kill();
    server.start_again();
    let client = &mut server.client();
    check(client, &[("FCALL put 1 k v", "OK")]);
    let payload: Vec<u8> = redis::cmd("FUNCTION").arg("DUMP").query(client).unwrap();
    check(client, &[("FUNCTION FLUSH SYNC", "OK")]);
    let restore = |client: &mut Connection, policy: &str| {
        let mut command = redis::cmd("FUNCTION");
        command.arg("RESTORE").arg(&payload[..]).arg(policy);
        command.query::<String>(client).map_err(|error| error.to_string())
    };
    assert_eq!(restore(client, "APPEND"), Ok("OK".to_owned()));
    assert!(restore(client, "APPEND").unwrap_err().contains("Library mylib already exists"));
    assert_eq!(restore(client, "REPLACE"), Ok("OK".to_owned()));
    assert_eq!(restore(client, "FLUSH"), Ok("OK".to_owned()));
    check(client, &[("FCALL fetch 1 k", r#"["v" 1]"#)]);
    check(
        client,
        &[("FUNCTION RESTORE garbage", "(ERR DUMP payload version or checksum are wrong)")],
    );
}

#[test]
fn functions_are_part_of_snapshots() {
    for preamble in ["yes", "no"] {
        let mut server = Server::start(&["--aof-use-rdb-preamble", preamble]);
        let client = &mut server.client();
        ask(client, &["FUNCTION", "LOAD", LIBRARY]);
        ask(client, &["BGREWRITEAOF"]);
        server.wait_info("aof_rewrite_in_progress", "0");
        server.kill();
        server.start_again();
        check(&mut server.client(), &[("FCALL put 1 k v", "OK")]);
    }
    for save in ["SAVE", "BGSAVE"] {
        let mut server = Server::start(&["--appendonly", "no"]);
        let client = &mut server.client();
        ask(client, &["FUNCTION", "LOAD", LIBRARY]);
        ask(client, &[save]);
        server.wait_info("rdb_bgsave_in_progress", "0");
        server.kill();
        server.start_again();
        check(&mut server.client(), &[("FCALL put 1 k v", "OK")]);
    }
}

#[test]
fn tail_calls_are_blamed_on_their_function() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let code = "#!lua name=l\nredis.register_function('get', function(keys)\n\
                return redis.call('GET', keys[1])\nend)\n\
                redis.register_function('set', function(keys) return redis.call('SET', 'q') end)";
    redis::cmd("FUNCTION").arg("LOAD").arg(code).exec(client).expect("it is well-formed");
    check(client, &[("RPUSH q a", "1")]);
    for (name, line) in [("get", 3), ("set", 5)] {
        let text = crate::harness::error(client, &format!("FCALL {name} 1 q"));
        assert!(text.ends_with(&format!("script: {name}, on @user_function:{line}.")), "{text}");
    }
}
