//! Scripts that run for long: everyone is told, and they can be killed.

use crate::harness::{Server, check, error, wait_until};

const BUSY: &str = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or \
                    SHUTDOWN NOSAVE.";

fn slow_server() -> Server {
    Server::start(&["--busy-reply-threshold", "20", "--io-threads", "2"])
}

#[test]
fn every_connection_is_told_and_may_kill() {
    let server = slow_server();
    let mut others: Vec<_> = (0..4).map(|_| server.raw()).collect();
    for other in &mut others {
        assert_eq!(other.line("PING"), "+PONG");
    }
    let mut running = server.raw();
    running.send(b"EVAL \"while true do pcall(function() while true do end end) end\" 0\r\n");
    for other in &mut others {
        wait_until(|| other.line("GET a") == format!("-{BUSY}"));
        assert_eq!(other.line("PING"), format!("-{BUSY}"));
    }
    assert_eq!(server.raw().line("PING"), format!("-{BUSY}"));
    assert_eq!(others[1].line("SCRIPT KILL"), "+OK");
    let reply = running.read_line();
    assert!(reply.starts_with("-ERR Script killed by user with SCRIPT KILL"), "{reply}");
    wait_until(|| others[2].line("PING") == "+PONG");
    assert_eq!(running.line("EVAL \"return 5\" 0"), ":5");
}

#[test]
fn whatever_a_script_repeats_can_be_killed() {
    let server = slow_server();
    let (mut running, mut other) = (server.raw(), server.raw());
    for source in [
        "while true do end",
        "repeat until false",
        "for i = 1, 1e300 do end",
        "for k in function() return 1 end do end",
        "local function f() return f() end return f()",
        "local f f = function(...) f(f(...)) end while true do pcall(f) end",
        "::a:: goto a",
        "return loadstring('while true do end')()",
        "return _G['lo' .. 'ad']('while true do end')()",
        "coroutine.wrap(function() while true do end end)()",
        "while true do redis.pcall('GET', 'a') end",
        "return #('DBSIZE'):rep(1e7):gsub('DBSIZE', redis.call)",
        "return #string['gs' .. 'ub'](('DBSIZE'):rep(1e7), 'DBSIZE', redis.call)",
        "-- [[ while do ]]\nlocal x = [==[ ]] ]==] while x do x = #x > 0 and x end",
    ] {
        let source = source.replace('\\', "\\\\").replace('\n', "\\n");
        running.send(format!("EVAL \"{source}\" 0\r\n").as_bytes());
        wait_until(|| other.line("GET a") == format!("-{BUSY}"));
        assert_eq!(other.line("SCRIPT KILL"), "+OK", "{source}");
        let reply = running.read_line();
        assert!(reply.starts_with("-ERR Script killed by user with SCRIPT KILL"), "{reply}");
        // Whether the state has a hook or not.
        assert_eq!(running.line("EVAL \"return 5\" 0"), ":5");
    }
}

#[test]
fn transactions_are_given_up_while_a_script_is_busy() {
    let server = slow_server();
    let (mut other, mut watching) = (server.raw(), server.raw());
    for line in ["MULTI", "SET a 1"] {
        other.line(line);
    }
    for line in ["WATCH w", "MULTI"] {
        watching.line(line);
    }
    let mut running = server.raw();
    running.send(b"EVAL \"while true do end\" 0\r\n");
    let mut killing = server.raw();
    wait_until(|| killing.line("PING") == format!("-{BUSY}"));
    assert_eq!(other.line("DISCARD"), "+OK");
    assert_eq!(other.line("MULTI"), "+OK");
    assert_eq!(other.line("RESET"), "+RESET");
    // Though the watched key is out of reach.
    assert_eq!(watching.line("DISCARD"), "+OK");
    assert_eq!(killing.line("SCRIPT KILL"), "+OK");
    wait_until(|| killing.line("PING") == "+PONG");
    assert_eq!(other.line("SET a 2"), "+OK");
    assert_eq!(watching.line("SET a 3"), "+OK");
}

#[test]
fn a_script_that_wrote_is_not_killed() {
    let server = slow_server();
    let mut running = server.raw();
    let source = "redis.call('set','a','1') for i=1,5e8 do end return 7";
    running.send(format!("EVAL \"{source}\" 0\r\n").as_bytes());
    let mut other = server.raw();
    wait_until(|| other.line("PING") == format!("-{BUSY}"));
    let refused = other.line("SCRIPT KILL");
    assert!(refused.starts_with("-UNKILLABLE"), "{refused}");
    assert_eq!(running.read_line(), ":7");
    check(&mut server.client(), &[("GET a", r#""1""#)]);
}

#[test]
fn a_script_that_was_put_aside_is_logged_by_its_effects() {
    let mut server = slow_server();
    let source = "redis.call('incr','a') for i=1,3e8 do end return redis.call('incr','a')";
    let eval = format!("EVAL \"{source}\" 0\r\n");
    for line in ["", "MULTI\r\n"] {
        let mut running = server.raw();
        let end = if line.is_empty() { "" } else { "EXEC\r\n" };
        running.send(format!("{line}{eval}{end}").as_bytes());
        let mut other = server.raw();
        wait_until(|| other.line("PING") == format!("-{BUSY}"));
        wait_until(|| other.line("PING") == "+PONG");
    }
    check(&mut server.client(), &[("GET a", r#""4""#)]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("GET a", r#""4""#)]);
}

#[test]
fn a_script_does_not_keep_the_server_from_stopping() {
    for by_signal in [false, true] {
        let mut server = slow_server();
        let mut running = server.raw();
        running.send(b"EVAL \"redis.call('set','a','1') while true do end\" 0\r\n");
        let mut other = server.raw();
        wait_until(|| other.line("PING") == format!("-{BUSY}"));
        if by_signal {
            assert!(server.stop());
        } else {
            other.send(b"SHUTDOWN NOSAVE\r\n");
            assert!(server.ended_well());
        }
        server.start_again();
        check(&mut server.client(), &[("GET a", "nil")]);
    }
}

#[test]
fn a_script_inside_of_a_transaction_is_put_aside_too() {
    let server = slow_server();
    let mut running = server.raw();
    for line in ["MULTI", "SET a 1", "EVAL \"while true do end\" 0", "SET b 2"] {
        running.line(line);
    }
    running.send(b"EXEC\r\n");
    let mut other = server.raw();
    wait_until(|| other.line("PING") == format!("-{BUSY}"));
    wait_until(|| other.line("SCRIPT KILL") == "+OK");
    for expected in ["*3", "+OK"] {
        assert_eq!(running.read_line(), expected);
    }
    assert!(running.read_line().starts_with("-ERR Script killed"));
    assert_eq!(running.read_line(), "+OK");
    let client = &mut server.client();
    check(client, &[("MGET a b", r#"["1" "2"]"#)]);
    assert_eq!(error(client, "SCRIPT KILL"), "NOTBUSY No scripts in execution right now.");
}

#[test]
fn watches_end_while_a_script_runs() {
    let server = slow_server();
    for end in ["DISCARD", "UNWATCH", "EXEC", "RESET"] {
        let mut watching = server.raw();
        watching.line("WATCH a");
        if matches!(end, "DISCARD" | "EXEC") {
            watching.line("MULTI");
            watching.line("SET b 1");
        }
        let mut running = server.raw();
        running.send(b"EVAL \"redis.call('incr','a') for i=1,3e8 do end return 7\" 0\r\n");
        let mut other = server.raw();
        wait_until(|| other.line("PING") == format!("-{BUSY}"));
        let answer = watching.line(end);
        match end {
            "RESET" => assert_eq!(answer, "+RESET"),
            "EXEC" => assert!(answer.starts_with("-EXECABORT"), "{answer}"),
            _ => assert_eq!(answer, "+OK", "{end}"),
        }
        assert_eq!(running.read_line(), ":7");
        other.line("INCR a");
        // Another watch, and a transaction for which the old one is without meaning.
        for line in ["WATCH c", "MULTI", "SET b 1"] {
            watching.line(line);
        }
        assert_eq!((watching.line("EXEC"), watching.read_line()), ("*1".into(), "+OK".into()));
    }
}

/// What scripts hear from commands that need memory: the reply of each word.
#[test]
fn full_memory_stops_scripts_before_their_first_write() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let function = "#!lua name=lib\nredis.register_function('grow', function(keys) return \
                    redis.call('set', keys[1], 'f') end)\n\
                    redis.register_function{function_name = 'may', flags = {'allow-oom'}, \
                    callback = function(keys) return redis.call('set', keys[1], 'm') end}";
    let mut load = redis::cmd("FUNCTION");
    let _: String = load.arg("LOAD").arg(function).query(client).expect("a library");
    check(client, &[("SET a 1", "OK"), ("CONFIG SET maxmemory 1kb", "OK")]);
    let full = "OOM command not allowed when used memory > 'maxmemory'.";
    let unflagged = "OOM allow-oom flag is not set on the script, can not run it when used \
                     memory > 'maxmemory'";
    let mut eval = |source: &str| {
        let reply: redis::RedisResult<String> =
            redis::cmd("EVAL").arg(source).arg(1).arg("a").query(client);
        reply.unwrap_or_else(|error| {
            format!("{} {}", error.code().unwrap_or(""), error.detail().unwrap_or(""))
        })
    };
    for (source, reply) in [
        ("return redis.call('get', KEYS[1])", "1"),
        ("return redis.pcall('set', KEYS[1], 2).err", full),
        ("redis.call('del', KEYS[1]) return redis.call('set', KEYS[1], 3)", "OK"),
        ("#!lua\nreturn 'x'", unflagged),
        ("#!lua flags=no-writes\nreturn redis.call('get', KEYS[1])", "3"),
        ("#!lua flags=allow-oom\nreturn redis.call('set', KEYS[1], 4)", "OK"),
    ] {
        assert_eq!(eval(source), reply, "{source}");
    }
    let refused = format!("({unflagged})");
    check(client, &[("FCALL grow 1 a", &*refused), ("FCALL may 1 a", "OK"), ("GET a", "\"m\"")]);
}

#[test]
fn blocking_commands_do_not_wait_in_scripts() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("XADD s 1-1 f v", "\"1-1\""), ("XGROUP CREATE s g $", "OK")]);
    for command in [
        "'blpop','l',0",
        "'brpop','l',0",
        "'blmove','l','m','left','right',0",
        "'brpoplpush','l','m',0",
        "'blmpop',0,1,'l','left'",
        "'bzpopmin','z',0",
        "'bzpopmax','z',0",
        "'bzmpop',0,1,'z','min'",
    ] {
        let source = format!("return type(redis.call({command}))");
        let reply: String = redis::cmd("EVAL").arg(source).arg(0).query(client).expect(command);
        assert_eq!(reply, "boolean", "{command}");
    }
    for (command, name) in [
        ("'xread','block',0,'streams','s','$'", "xread"),
        ("'xreadgroup','group','g','c','block',0,'streams','s','>'", "xreadgroup"),
    ] {
        let source = format!("return redis.pcall({command}).err");
        let reply: String = redis::cmd("EVAL").arg(source).arg(0).query(client).expect(command);
        let text = "command is not allowed with BLOCK option from scripts";
        assert_eq!(reply, format!("ERR {name} {text}"));
    }
    let waited: i64 =
        redis::cmd("EVAL").arg("return redis.call('wait',1,0)").arg(0).query(client).expect("WAIT");
    assert_eq!(waited, 0);
}

#[test]
fn calls_may_have_many_arguments() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut eval = |source: &str| -> redis::RedisResult<i64> {
        redis::cmd("EVAL").arg(source).arg(0).query(client)
    };
    let list = "local a = {} for i = 1, 7990 do a[i] = 'x' .. i end ";
    let call = format!("{list} return redis.call('rpush', 'l', unpack(a))");
    assert_eq!(eval(&call), Ok(7990));
    for function in ["cmsgpack.pack", "struct.pack", "redis.log", "math.randomseed"] {
        let error = eval(&format!("{list} return {function}(unpack(a))")).expect_err(function);
        assert!(error.to_string().contains("too many arguments"), "{error}");
    }
    let error = eval("local a = {} for i = 1, 7990 do a[i] = i end return redis.call(unpack(a))");
    assert!(error.expect_err("no command").to_string().contains("Unknown Redis command"));
}

/// Errors are counted once, where they come from.
/// A table that stands in itself several times is a value without end.
#[test]
fn values_without_end_are_refused() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (writes, text) in [
        ("t", "the value is too large"),
        ("cmsgpack.pack(t)", "the value is too large"),
        ("cjson.encode(t)", "Cannot serialise, excessive depth (1001)"),
    ] {
        let script = format!("local t = {{}} for i = 1, 4 do t[i] = t end return {writes}");
        let found = error_of(client, &script);
        assert!(found.contains(text), "{found}");
    }
    let doubled = "local t = {} for i = 1, 100 do t = {t, t} end return cjson.encode(t)";
    assert!(error_of(client, doubled).contains("the value is too large"));
    let sparse = "cjson.encode_sparse_array(false, 0) return cjson.encode({[2^53] = 1})";
    assert!(error_of(client, sparse).contains("excessively sparse array"));
    let shared = "local s, t = {1}, {} for i = 1, 9 do t[i] = s end return #cmsgpack.pack(t)";
    let len = redis::cmd("EVAL").arg(shared).arg(0).query::<u64>(client);
    assert_eq!(len.unwrap_or_default(), 19);
}

fn error_of(client: &mut redis::Connection, script: &str) -> String {
    let reply = redis::cmd("EVAL").arg(script).arg(0).query::<()>(client);
    let error = reply.expect_err("it is refused");
    format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
}

#[test]
fn errors_are_counted_once() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (source, code, failed) in [
        ("return redis.call('select', 99)", "errorstat_ERR", true),
        ("return redis.pcall('select', 99)", "errorstat_ERR", true),
        ("return redis.pcall('select', 99).err", "errorstat_ERR", false),
        ("return redis.error_reply('MINE text')", "errorstat_MINE", true),
        ("error({err = 'THROWN text'})", "errorstat_THROWN", true),
        ("error('text')", "errorstat_ERR", true),
    ] {
        check(client, &[("CONFIG RESETSTAT", "OK")]);
        let reply = redis::cmd("EVAL").arg(source).arg(0).query::<redis::Value>(client);
        assert_eq!(reply.is_err(), failed, "{source}");
        assert_eq!(server.info(code), "count=1", "{source}");
        assert_eq!(server.info("total_error_replies"), "1", "{source}");
        let calls = server.info("cmdstat_eval");
        let end = format!("failed_calls={}", u8::from(failed));
        assert!(calls.ends_with(&end), "{source}: {calls}");
    }
}

#[test]
fn sets_are_sorted_for_scripts() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SADD s c aa b a", "4")]);
    let sorted: Vec<String> = redis::cmd("EVAL")
        .arg("return redis.call('sort', KEYS[1], 'by', '_')")
        .arg(1)
        .arg("s")
        .query(client)
        .expect("a list");
    assert_eq!(sorted, ["a", "aa", "b", "c"]);
}

#[test]
fn errors_keep_their_blanks_but_no_ends_of_lines() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SET k 1", "OK")]);
    let cases = [
        ("return redis.pcall('EXPIRE', 'k', 1, 'XX', '').err", "\"ERR Unsupported option \""),
        ("return redis.pcall('EXPIRE', 'k', 1, 'x\\r\\n').err", "\"ERR Unsupported option x\""),
        ("return redis.error_reply('E x ').err", "\"E x \""),
        ("return redis.error_reply('E ').err", "\"E \""),
        ("return redis.error_reply('E \\nx \\n').err", "\"E x \""),
        ("return redis.error_reply('E\\n').err", "\"ERR E\""),
    ];
    for (script, expected) in cases {
        let reply = redis::cmd("EVAL").arg(script).arg(0).query(client).expect("a text");
        assert_eq!(crate::harness::show(&reply), expected, "{script}");
    }
    let script = "return redis.call('EXPIRE', 'k', 1, 'XX', '')";
    let text = error_of(client, script);
    assert!(text.contains("Unsupported option  script: "), "{text}");
}

#[test]
fn what_scripts_leave_behind_is_collected_before_it_gets_much() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut most = 0;
    for n in 0..12 {
        let script = "return(#string.rep(ARGV[1],20000000))";
        check(client, &[(&format!("EVAL {script} 0 {n:02}"), "40000000")]);
        most = most.max(server.info("used_memory_lua").parse::<u64>().unwrap());
    }
    assert!(most < 130_000_000, "{most} bytes");
}
