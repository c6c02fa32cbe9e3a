//! Scripts, libraries of functions, and what the libraries of Lua are given.
//!
//! No panic, whole replies, and the interpreter goes on as before. A script that does not end is
//! ended by the session. The first byte says what the rest is.

use respq::clock::Clock;
use respq::config::Setting;
use respq::engine::Session;

use super::dice::Dice;
use super::fixture;

/// Scripts that hand their arguments, which may be any bytes, to the libraries.
const TAKERS: &[&str] = &[
    "return cjson.encode(cjson.decode(ARGV[1]))",
    "return {pcall(cjson.decode, ARGV[1])}",
    "return cjson.decode(ARGV[1])",
    "return {cmsgpack.unpack(ARGV[1])}",
    "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))",
    "return {cmsgpack.unpack_limit(ARGV[1], tonumber(ARGV[2]) or 1, tonumber(ARGV[3]) or 0)}",
    "return {cmsgpack.unpack_one(ARGV[1], tonumber(ARGV[2]))}",
    "return {struct.unpack(ARGV[1], ARGV[2])}",
    "return {struct.unpack(ARGV[1], ARGV[2], tonumber(ARGV[3]))}",
    "return struct.pack(ARGV[1], ARGV[2], tonumber(ARGV[3]) or 0, 7, -1, 2^53, 'x')",
    "return struct.size(ARGV[1])",
    "return string.format(ARGV[1], ARGV[2], ARGV[3])",
    "return string.format(ARGV[1], tonumber(ARGV[2]) or 0, tonumber(ARGV[3]) or 0/0)",
    "return {bit.tobit(tonumber(ARGV[1]) or 0), bit.tohex(tonumber(ARGV[2]) or 1e300)}",
    "return {bit.lshift(tonumber(ARGV[1]) or 1, tonumber(ARGV[2]) or 31), bit.bswap(2^40)}",
    "return tostring(tonumber(ARGV[1], tonumber(ARGV[2]) or 10))",
    "return redis.sha1hex(ARGV[1])",
    "return redis.error_reply(ARGV[1])",
    "return redis.status_reply(ARGV[1])",
    "return {err=ARGV[1], ok=ARGV[2]}",
    "return redis.pcall(unpack(ARGV))",
    "redis.setresp(3) return redis.pcall(unpack(ARGV))",
    "return redis.acl_check_cmd(unpack(ARGV))",
    "redis.log(redis.LOG_DEBUG, ARGV[1]) return redis.breakpoint and 1",
    "return loadstring(ARGV[1])()",
    "return {pcall(loadstring(ARGV[1]) or error)}",
    "return ARGV[1]:sub(tonumber(ARGV[2]) or 1, tonumber(ARGV[3]) or -1):rep(3):reverse():upper()",
    "return redis.set_repl(tonumber(ARGV[1]) or 3)",
    "return {double=tonumber(ARGV[1]) or 0/0, map={[ARGV[1]]=ARGV[2]}}",
];
/// Statements of scripts that are put together; `$` stands for an expression.
const STATEMENTS: &[&str] = &[
    "a = $",
    "b = {$, $, n = $}",
    "b[$] = a",
    "a = b",
    "local c = $ return c",
    "a = cjson.encode($)",
    "a = cjson.encode(b)",
    "a = cmsgpack.pack($, b)",
    "a = {cmsgpack.unpack(cmsgpack.pack(b))}",
    "a = struct.pack('>I4bhs', $, $, $, 'x')",
    "a = bit.band($, $)",
    "a = redis.pcall('SET', 'k', $)",
    "a = redis.pcall($, 'k', $)",
    "a = redis.call('LRANGE', 'l', 0, $)",
    "a = redis.pcall('ZADD', 'z', $, $)",
    "a = redis.pcall('HGETALL', 'h')",
    "redis.setresp($)",
    "redis.set_repl($)",
    "cjson.encode_sparse_array(true, $, $)",
    "cjson.encode_max_depth($)",
    "cjson.decode_max_depth($)",
    "cjson.encode_keep_buffer($)",
    "cjson.encode_number_precision($)",
    "cjson.encode_invalid_numbers(true)",
    "cjson.decode_invalid_numbers(true)",
    "setmetatable(b, {__index = function() return $ end})",
    "setmetatable(b, {__tostring = error, __len = error, __gc = error})",
    "for i = 1, $ do a = i if i > 100 then break end end",
    "if pcall(error, $) then a = 1 end",
    "a = ('ab'):rep(20):gsub('a', tostring($):sub(1, 100))",
    "b = {b, b}",
    "a = ('x'):format($)",
    "a = select('#', unpack(b, 1, 200))",
    "table.sort(b, function(x, y) return tostring(x) < tostring(y) end)",
    "table.insert(b, $)",
    "a = table.concat(b, ',')",
    "error($)",
    "error({err = $})",
    "return {err = $}",
    "return {ok = $}",
    "return {map = b}",
    "return {set = b}",
    "return {double = $}",
    "return {big_number = $}",
    "return {verbatim_string = {string = $, format = $}}",
    "return b",
    "return a",
    "return {a, b, $}",
    "b.b = b",
    "redis.breakpoint()",
    "redis.register_function('f', $)",
    "_G.x = 1",
    "print($)",
    "rawset(_G, 'x', $)",
    "getmetatable('').__index = $",
    "coroutine = $",
    "jit = $",
    "redis = $",
];
const EXPRESSIONS: &[&str] = &[
    "1",
    "0",
    "-1",
    "2",
    "3",
    "'x'",
    "''",
    "nil",
    "true",
    "false",
    "{}",
    "{1,2,3}",
    "{a=1}",
    "1e300",
    "0/0",
    "1/0",
    "-1/0",
    "2^53",
    "2^63",
    "-2^63",
    "2^31",
    "1.5",
    "cjson.null",
    "a",
    "b",
    "'\\0\\255'",
    "KEYS",
    "ARGV",
    "redis",
    "cjson",
    "string.rep('[', 2000)",
    "function() end",
    "'GET'",
    "'nope'",
    "{nil, nil, 3}",
    "{[1e9]=1}",
    "16000",
    "-5",
    "math.huge",
    "{{{{{{}}}}}}",
];

/// What the target does with an input.
pub fn check(input: &[u8]) {
    let Some((&kind, rest)) = input.split_first() else { return };
    let folder = std::env::temp_dir();
    let engine = fixture::engine(&folder, Clock::system());
    engine.set(Setting::BusyReplyThreshold, "50").expect("the setting takes it");
    fixture::fill(&engine);
    let session = &mut engine.session();
    match kind % 4 {
        0 => eval(session, rest, &[b"k", b"1.5", b"\0\xff"]),
        1 => {
            let mut dice = Dice::new(rest);
            let script = dice.pick(TAKERS);
            let words: Vec<&[u8]> = dice.rest().split(|&byte| byte == 0xFE).take(6).collect();
            eval(session, script.as_bytes(), &words);
        }
        2 => eval(session, put_together(rest).as_bytes(), &[b"k", b"2"]),
        _ => function(session, rest),
    }
    if session.is_over() {
        return;
    }
    // Whatever it was, the next script finds things as they should be.
    let session = &mut engine.session();
    let script = "return {type(redis.call), cjson.encode({1}), #KEYS, rawget(_G, 'x') == nil and ('a'):len()}";
    let reply = fixture::run(session, &[b"EVAL", script.as_bytes(), b"0"]);
    assert_eq!(
        String::from_utf8_lossy(&reply),
        "*4\r\n$8\r\nfunction\r\n$3\r\n[1]\r\n:0\r\n:1\r\n"
    );
    fixture::assert_sound(&engine);
}

fn eval(session: &mut Session<'_>, script: &[u8], args: &[&[u8]]) {
    let mut words: Vec<&[u8]> = vec![b"EVAL", script, b"1", b"k"];
    words.extend(args);
    fixture::run(session, &words);
    fixture::run(session, &[b"HELLO", b"3"]);
    fixture::run(session, &words);
}

/// A library, and a call of a function that it may have registered; it comes back from its dump.
fn function(session: &mut Session<'_>, code: &[u8]) {
    let source = [b"#!lua name=lib\n", code].concat();
    let loaded = fixture::run(session, &[b"FUNCTION", b"LOAD", &source[..]]);
    fixture::run(session, &[b"FCALL", b"f", b"1", b"k", b"2"]);
    fixture::run(session, &[b"FUNCTION", b"LIST", b"WITHCODE"]);
    let dumped = fixture::run(session, &[b"FUNCTION", b"DUMP"]);
    let Ok(Some((redis_protocol::resp2::types::OwnedFrame::BulkString(dumped), _))) =
        redis_protocol::resp2::decode::decode(&dumped)
    else {
        panic!("no dump: {}", dumped.escape_ascii());
    };
    let reply = fixture::run(session, &[b"FUNCTION", b"RESTORE", &dumped[..], b"FLUSH"]);
    assert!(loaded.first() == Some(&b'-') || reply.first() == Some(&b'+'), "{reply:?}");
    fixture::run(session, &[b"FUNCTION", b"RESTORE", code]);
}

/// A script of statements.
fn put_together(bytes: &[u8]) -> String {
    let mut dice = Dice::new(bytes);
    let mut script = "local a, b = 1, {}\n".to_owned();
    for _ in 0..40 {
        if dice.is_over() {
            break;
        }
        let statement = dice.pick(STATEMENTS);
        // What follows a `return` would not compile.
        let is_last = statement.contains("return ") && !statement.contains("end");
        script.push_str(if is_last { "do " } else { "" });
        for part in statement.split_inclusive('$') {
            match part.strip_suffix('$') {
                Some(part) => {
                    script.push_str(part);
                    script.push_str(dice.pick(EXPRESSIONS));
                }
                None => script.push_str(part),
            }
        }
        script.push_str(if is_last { " end\n" } else { "\n" });
    }
    script
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for script in TAKERS.iter().chain(STATEMENTS) {
        seeds.push([b"\0", script.replace('$', "1").as_bytes()].concat());
    }
    for script in [
        "local t = {} for i = 1, #ARGV do t[#t + 1] = ARGV[i] end return t",
        "while true do end",
        "local function f(n) return n < 2 and n or f(n - 1) + f(n - 2) end return f(10)",
        "return string.format('%5.2f %q %s', 1.5, 'a\\n', {})",
        "goto out ::out:: return 0x1p4 .. [[\\z]]",
        "return ('abc'):gsub('(b)', '%1%1'):find('b+', 1, false)",
    ] {
        seeds.push([b"\0", script.as_bytes()].concat());
    }
    let given: &[&[u8]] = &[
        br#"{"a":[1,2.5,null,true,"x\u00e9\ud83d\ude00"],"b":{}}"#,
        b"\x83\xa1a\x01\xa1b\xcb\x3f\xf8\0\0\0\0\0\0\xa1c\x93\xc0\xc2\xd9\x02hi",
        b">I4bhs\xfe\0\0\0\x01\x02\0\x03ab\0\xfe1",
        b"%5.3f %d %x %q\xfe1\xfe2",
        b"SET\xfek\xfev",
        b"ff\xfe16",
    ];
    for place in 0..u8::try_from(TAKERS.len()).expect("they are few") {
        for bytes in given {
            seeds.push([&[1, place], *bytes].concat());
        }
    }
    seeds.extend((1..30).map(|seed| [vec![2], super::noise(seed, 40)].concat()));
    for code in [
        "redis.register_function('f', function(k, a) return redis.call('INCR', k[1]) end)",
        "redis.register_function{function_name='f', callback=print, flags={'no-writes', 'raw'}}",
        "local x = redis.REDIS_VERSION redis.register_function('f', function() return x end)",
        "redis.call('GET', 'k')",
        "while true do end",
    ] {
        seeds.push([b"\x03", code.as_bytes()].concat());
    }
    seeds
}
