//! EVAL and its kin: conversions, errors, the sandbox, the cache, what is logged.

use redis::{Connection, Value};

use crate::harness::{Server, check, show};

/// Runs a script without keys or arguments; shows its reply as [`show`] does.
fn eval(client: &mut Connection, source: &str) -> String {
    shown(redis::cmd("EVAL").arg(source).arg(0).query(client))
}

fn shown(reply: redis::RedisResult<Value>) -> String {
    match reply {
        Ok(value) => show(&value),
        Err(error) => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("({code} {detail})"),
            _ => format!("({error})"),
        },
    }
}

fn check_evals(client: &mut Connection, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(eval(client, source), *expected, "{source}");
    }
}

/// As [`check_evals`]; the reply is an error that contains the text.
fn check_failures(client: &mut Connection, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        let found = eval(client, source);
        assert!(found.starts_with('(') && found.contains(expected), "{source}: {found}");
    }
}

#[test]
fn values_of_lua_become_replies() {
    let server = Server::start(&[]);
    check_evals(
        &mut server.client(),
        &[
            ("return 100.9", "100"),
            ("return -1.5", "-1"),
            ("return 'text'", r#""text""#),
            ("return true", "1"),
            ("return false", "nil"),
            ("return nil", "nil"),
            ("return", "nil"),
            ("return {1,2,{3,'x'},nil,5}", r#"[1 2 [3 "x"]]"#),
            ("return {}", "[]"),
            ("return {ok='fine'}", "fine"),
            ("return {err='MY problem'}", "(MY problem)"),
            ("return redis.status_reply('fine')", "fine"),
            ("return redis.error_reply('MY problem')", "(MY problem)"),
            ("return redis.error_reply('-MY problem')", "(MY problem)"),
            ("return {double=1.5}", r#""1.5""#),
            ("return {map={a=1}}", r#"["a" 1]"#),
            ("return {set={a=true}}", r#"["a"]"#),
            ("return {big_number='123'}", r#""123""#),
            ("return {verbatim_string={format='txt',string='x'}}", r#""x""#),
        ],
    );
    check_evals(
        &mut server.client_resp3(),
        &[
            ("return {double=1.5}", "1.5"),
            ("return {map={a=1}}", r#"{"a":1}"#),
            ("redis.setresp(3) return true", "true"),
            ("redis.setresp(3) return false", "false"),
            ("return false", "nil"),
        ],
    );
}

#[test]
fn replies_become_values_of_lua() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SET s text", "OK"), ("RPUSH l a b", "2"), ("HSET h f v", "1")]);
    check_evals(
        client,
        &[
            ("return type(redis.call('get','s'))", r#""string""#),
            ("return type(redis.call('llen','l'))", r#""number""#),
            ("return redis.call('get','none') == false", "1"),
            ("return redis.call('set','s','x').ok", r#""OK""#),
            ("return redis.call('lrange','l',0,-1)", r#"["a" "b"]"#),
            ("return redis.call('hgetall','h')", r#"["f" "v"]"#),
            ("redis.setresp(3) return redis.call('hgetall','h').map.f", r#""v""#),
            ("redis.setresp(3) return redis.call('get','none') == nil", "1"),
            ("redis.setresp(3) redis.setresp(2) return redis.call('get','none') == false", "1"),
            (
                "return redis.pcall('lpush','s','x').err",
                r#""WRONGTYPE Operation against a key holding the wrong kind of value""#,
            ),
            ("return redis.call('set','n',3) and redis.call('get','n')", r#""3""#),
            ("return redis.call('set','n',0.1) and redis.call('get','n')", r#""0.1""#),
            (
                "return redis.call('set','n',1e20) and redis.call('get','n')",
                r#""100000000000000000000""#,
            ),
            ("return redis.call('xread','streams','none','$') == false", "1"),
        ],
    );
}

#[test]
fn keys_and_arguments() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("EVAL return{KEYS,ARGV,#KEYS} 2 a b c", r#"[["a" "b"] ["c"] 2]"#),
            ("EVAL return{KEYS,ARGV} 0", "[[] []]"),
            ("EVAL return{} -1", "(ERR Number of keys can't be negative)"),
            ("EVAL return{} 1", "(ERR Number of keys can't be greater than number of args)"),
            ("EVAL return{} x", "(ERR value is not an integer or out of range)"),
            ("EVAL return", "(ERR wrong number of arguments for 'eval' command)"),
            ("EVAL_RO return{KEYS[1]} 1 k", r#"["k"]"#),
        ],
    );
}

#[test]
fn the_cache_of_scripts() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let none = "(NOSCRIPT No matching script. Please use EVAL.)";
    let sha = "098e0f0d1448c0a81dafe820f66d460eb09263da";
    check(client, &[(&*format!("EVALSHA {sha} 0"), none), ("EVALSHA short 0", none)]);
    let loaded = shown(redis::cmd("SCRIPT").arg("LOAD").arg("return 1").query(client));
    let digest = loaded.trim_matches('"').to_owned();
    check(
        client,
        &[
            (&format!("EVALSHA {digest} 0"), "1"),
            (&format!("EVALSHA {} 0", digest.to_uppercase()), "1"),
            (&format!("EVALSHA_RO {digest} 0"), "1"),
            (&format!("SCRIPT EXISTS {digest} {sha}"), "[1 0]"),
            ("SCRIPT FLUSH ASYNC", "OK"),
            (&format!("SCRIPT EXISTS {digest}"), "[0]"),
            ("SCRIPT FLUSH NOW", "(ERR SCRIPT FLUSH only support SYNC|ASYNC option)"),
            ("SCRIPT DEBUG YES", "(ERR SCRIPT DEBUG is not supported)"),
            ("SCRIPT KILL", "(NOTBUSY No scripts in execution right now.)"),
        ],
    );
}

#[test]
fn what_goes_wrong_says_where() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check_failures(
        client,
        &[
            (
                "return )",
                "ERR Error compiling script (new function): user_script:1: unexpected symbol",
            ),
            (
                "local a\nlocal b\nreturn a.b",
                "ERR user_script:3: attempt to index local 'a' (a nil value) script: ",
            ),
            (
                "local x = redis.call('nope') return x",
                "ERR Unknown Redis command called from script script: ",
            ),
            ("return redis.call('nope')", ", on @user_script:1."),
            (
                "return redis.call('get')",
                "ERR Wrong number of args calling Redis command from script",
            ),
            (
                "return redis.call()",
                "ERR Please specify at least one argument for this redis lib call",
            ),
            ("return redis.call('multi')", "ERR This Redis command is not allowed from script"),
            (
                "return redis.call('eval','return 1','0')",
                "ERR This Redis command is not allowed from script",
            ),
            ("error('mine')", "ERR user_script:1: mine script: "),
            ("error({err='CODE mine'})", "CODE mine script: "),
            ("return redis.setresp(4)", "ERR RESP version must be 2 or 3."),
            ("return redis.set_repl(9)", "ERR Invalid replication flags."),
            ("return redis.log(9,'x')", "ERR Invalid debug level."),
            ("return redis.sha1hex()", "ERR wrong number of arguments"),
        ],
    );
    check_evals(
        client,
        &[
            (
                "local ok, e = pcall(redis.call, 'nope') return {tostring(ok), e}",
                r#"["false" "ERR Unknown Redis command called from script"]"#,
            ),
            ("local ok, e = pcall(error, {err='X y'}) return e", r#""X y""#),
            ("return redis.sha1hex('')", r#""da39a3ee5e6b4b0d3255bfef95601890afd80709""#),
            ("return redis.REDIS_VERSION", r#""7.2.4""#),
            ("return {redis.LOG_DEBUG, redis.LOG_WARNING, redis.REPL_ALL}", "[0 3 3]"),
            ("return redis.replicate_commands()", "1"),
            ("return redis.breakpoint()", "nil"),
            ("return redis.debug('x')", "nil"),
            ("return redis.acl_check_cmd('get','k')", "1"),
            ("return redis.log(redis.LOG_DEBUG, 'x', 1)", "nil"),
        ],
    );
}

#[test]
fn bytes_that_are_no_text_stay_as_they_are() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"HELLO 3\r\nPING\r\n");
    while raw.read_line() != "+PONG" {}
    for (script, reply) in [
        (r"{verbatim_string={format='\\0\\255',string='hi'}}", &b"=6\r\n   :hi\r\n"[..]),
        (r"{verbatim_string={format='\\255x',string='hi'}}", b"=6\r\n\xffx :hi\r\n"),
        (r"{verbatim_string={format='abcd',string='hi'}}", b"=6\r\nabc:hi\r\n"),
        (r"{ok='\\255\\r\\n.'}", b"+\xff  .\r\n"),
        (r"{{err='\\255\\r\\n.\\n'}}", b"*1\r\n-\xff  .\r\n"),
        (r"{err='X y\\r\\n.\\n'}", b"-X y  .\r\n"),
        (r"{big_number='\\255\\n'}", b"(\xff \r\n"),
    ] {
        raw.send(format!("EVAL \"return {script}\" 0\r\n").as_bytes());
        raw.expect(reply);
    }
}

#[test]
fn words_of_a_call_are_strings_or_numbers() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let refused = "ERR Lua redis lib command arguments must be strings or integers";
    for source in [
        "return redis.call({})",
        "return redis.call('get', nil)",
        "return redis.call('del', 'a', nil)",
        "return redis.call(nil)",
        "return redis.call('get', nil, 'a')",
        "return redis.call('get', setmetatable({}, {__tostring = function() return 'a' end}))",
    ] {
        check_failures(client, &[(source, refused)]);
    }
}

#[test]
fn the_sandbox_holds() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let read_only = "Attempt to modify a readonly table";
    for source in [
        "x = 1",
        "redis = 1",
        "redis\x0b= 1",
        "load('redis\x0b= 1')()",
        "_G['red' .. 'is'] = 1",
        "redis.call = 1",
        "string.upper = 1",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'x', 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable(_G).__index = redis",
        "getmetatable('').__index = redis",
        "getmetatable('').__index.upper = redis",
        "local _, t = pairs(redis) t.call = 1",
        "local _, t = pairs(_G) t.x = 1",
        "table.insert(redis, 1)",
        "table.insert(_G, 1, 1)",
        "cjson.null = 1",
        "bit.band = 1",
    ] {
        check_failures(client, &[(source, read_only)]);
    }
    for name in
        ["print", "dofile", "loadfile", "os", "io", "require", "package", "debug", "ffi", "jit"]
    {
        check_failures(client, &[(&format!("return {name}"), "nonexistent global variable")]);
    }
    check_evals(
        client,
        &[
            ("return loadstring('return 1 + 1')()", "2"),
            ("return loadstring(string.dump(function() end)) == nil", "1"),
            ("return tostring(pcall(unpack, {}, 1, 9000))", r#""false""#),
            ("return #{unpack({}, 1, 10)}", "0"),
            ("local n = 0 for k in pairs(redis) do n = n + 1 end return n > 10", "1"),
            ("local _, t = pairs(_G) return t == _G", "1"),
            ("return tostring(pcall(getmetatable(_G).__index, _G, 'x'))", r#""false""#),
            ("local t = {1} table.insert(t, 2) table.insert(t, 1, 0) return t", "[0 1 2]"),
            ("return _G.redis == redis", "1"),
        ],
    );
}

/// The names of a table may come before its last element, where few look for them.
#[test]
fn tables_behind_names_are_no_part_of_an_array() {
    let server = Server::start(&[]);
    let source = "
        local function make(from, count, value)
            local t = {}
            for k = 1, count do t['a' .. (from + k)] = value end
            t[1] = 'x'
            return t
        end
        for from = 1, 300 do
            for count = 3, 7 do
                local t = make(from, count, {'y'})
                if next(t, 1) == nil then
                    for n = 1, 60 do t = make(from, count, t) end
                    return t
                end
            end
        end";
    let client = &mut server.client();
    check_evals(client, &[(source, r#"["x"]"#), ("return {{}, {1, 'a'}}", r#"[[] [1 "a"]]"#)]);
}

#[test]
fn effects_are_logged_as_one_and_survive() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let client = &mut server.client();
    check_evals(
        client,
        &[
            (
                "redis.call('select', 3) redis.call('set','a',1) return redis.call('rpush','l','x')",
                "1",
            ),
            (
                "redis.call('incr','a') redis.set_repl(redis.REPL_NONE) return redis.call('set','b',1)",
                "OK",
            ),
            ("return redis.call('get','a')", r#""1""#),
        ],
    );
    check(
        client,
        &[("MULTI", "OK"), ("EVAL return{redis.call('incr','a')} 0", "QUEUED"), ("EXEC", "[[2]]")],
    );
    server.kill();
    server.start_again();
    let client = &mut server.client();
    check(
        client,
        &[("GET a", r#""2""#), ("GET b", "nil"), ("SELECT 3", "OK"), ("GET a", r#""1""#)],
    );
    check(client, &[("LRANGE l 0 -1", r#"["x"]"#)]);
}

#[test]
fn flags_of_the_first_line() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check_evals(client, &[("#!lua\nreturn 1", "1"), ("#!lua flags=no-writes\nreturn 2", "2")]);
    check_failures(
        client,
        &[
            (
                "#!lua flags=no-writes\nreturn redis.call('set','a',1)",
                "ERR Write commands are not allowed from read-only scripts.",
            ),
            ("#!not-lua\nreturn 1", "ERR Unexpected engine in script shebang: #!not-lua"),
            ("#!lua badger=data\nreturn 1", "ERR Unknown lua shebang option: badger=data"),
        ],
    );
    let read_only =
        shown(redis::cmd("EVAL_RO").arg("return redis.call('set','a',1)").arg(0).query(client));
    assert!(
        read_only.contains("Write commands are not allowed from read-only scripts."),
        "{read_only}"
    );
    let denied = shown(redis::cmd("EVAL_RO").arg("#!lua\nreturn 1").arg(0).query(client));
    assert_eq!(denied, "(ERR Can not execute a script with write flag using *_ro command.)");
}

#[test]
fn waiters_are_served_after_the_script() {
    let server = Server::start(&[]);
    let mut waiting = server.raw();
    waiting.send(b"BRPOP q 0\r\n");
    server.wait_info("blocked_clients", "1");
    let client = &mut server.client();
    check_evals(
        client,
        &[(
            "redis.call('rpush','q','a') redis.call('rpush','q','b') return redis.call('llen','q')",
            "2",
        )],
    );
    waiting.expect(b"*2\r\n$1\r\nq\r\n$1\r\nb\r\n");
}

#[test]
fn large_tables_are_converted() {
    let server = Server::start(&[]);
    let large = "local t = {} for i = 1, 100000 do t['k' .. i] = i end ";
    for (body, expected) in [
        ("return #cmsgpack.pack(t) > 100000", "1"),
        ("return #cjson.encode(t) > 100000", "1"),
        ("local l = cmsgpack.unpack(cmsgpack.pack(t)) return l.k9", "9"),
        ("return cjson.decode(cjson.encode(t)).k7", "7"),
    ] {
        assert_eq!(eval(&mut server.client(), &format!("{large}{body}")), expected, "{body}");
    }
    let reply = eval(&mut server.client(), &format!("{large}return {{map=t}}"));
    assert_eq!(reply.matches("\"k").count(), 100_000);
}

#[test]
fn time_stands_still() {
    const WAIT: &str = "for n = 1, 1000000 do local _ = n * n end ";
    let server = Server::start(&[]);
    let client = &mut server.client();
    let source = format!(
        "local before = redis.call('TIME') {WAIT} local after = redis.call('TIME') \
         return before[1] == after[1] and before[2] == after[2]"
    );
    let source_of_id = format!(
        "{WAIT} local t = redis.call('TIME') \
         local id = redis.call('XADD', 's', '*', 'a', 'b') \
         return id == string.format('%d-0', t[1] * 1000 + math.floor(t[2] / 1000))"
    );
    check_evals(client, &[(&source, "1"), (&source_of_id, "1")]);
    let mut pipe = redis::pipe();
    pipe.atomic().cmd("TIME").cmd("EVAL").arg(WAIT).arg(0).cmd("TIME");
    let (before, (), after): (Vec<String>, (), Vec<String>) = pipe.query(client).expect("it runs");
    assert_eq!(before, after);
}

#[test]
fn numbers_that_are_passed_are_short() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check_evals(
        client,
        &[
            ("return redis.call('ECHO', 1e17)", r#""100000000000000000""#),
            ("return redis.call('ECHO', 1e20)", r#""100000000000000000000""#),
            ("return redis.call('ECHO', 1e21)", r#""1e+21""#),
            ("return redis.call('ECHO', 0.0000001)", r#""1e-7""#),
            ("return redis.call('ECHO', 0.5)", r#""0.5""#),
        ],
    );
}
