//! The functions of `redis.*`, except those said in Lua.
//!
//! Each replies the error to raise, or nil and its result; `sandbox.lua` raises.

use std::sync::Arc;

use mlua::{BString, Either, Lua, Table, Value, Variadic};

use super::convert;
use super::failure::{Names, positioned};
use super::functions::{self, Loading};
use super::packed::{self, Packer, Text};
use super::random::Random;
use super::run::{Answer, Ask, ask};
use crate::number::format_f64;
use crate::resp::Protocol;
use crate::resp::read::{Item, ReplyReader};

/// What a function replies: the error, then its results.
type Replied = mlua::Result<(Value, Value)>;
type Words = Variadic<Value>;

const OUTSIDE: &str = "ERR this can only be called while a script runs";

fn good(value: Value) -> Replied {
    Ok((Value::Nil, value))
}

fn bad(lua: &Lua, names: &Names, text: &str) -> Replied {
    Ok((names.error(lua, format!("ERR {text}"))?, Value::Nil))
}

/// A value as Lua makes a string of it: only strings and numbers are.
pub(super) fn as_text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Number(number) => Some(format_f64(*number).into_bytes()),
        _ => None,
    }
}

/// Arguments, packed in a table, unless one is of a kind that cannot be packed.
type Packed = Option<BString>;

/// What is made of a reply, and what is still to be done with it.
type Made = mlua::Result<(Text, Option<u8>)>;

/// A table with the text in the field `ok` is to be made of it.
const STATUS: u8 = 1;
/// It is to be unpacked.
const PACKED: u8 = 2;
/// It is an error.
const ERROR: u8 = 3;

/// The command of `redis.call(...)` and `redis.pcall(...)`.
fn call(lua: &Lua, names: &Names, args: Packed) -> Made {
    let failure = |error| Ok((Either::Right(error), Some(ERROR)));
    let argv = match packed::words(args) {
        Ok(argv) => argv,
        Err(text) => return failure(names.error(lua, format!("ERR {text}"))?),
    };
    let counted = |text: &[u8]| {
        let error = names.error(lua, text)?;
        if let Value::Table(table) = &error {
            table.raw_set(&names.ignore, true)?;
        }
        failure(error)
    };
    match ask(Ask::Call(argv)) {
        Some(Answer::Integer(number)) => Ok((Either::Right(Value::Integer(number)), None)),
        Some(Answer::Reply(bytes)) => match bytes.strip_prefix(b"-") {
            Some(text) => counted(&convert::error_text(text)),
            None => made(lua, names, &bytes),
        },
        Some(Answer::Text(text)) => Ok((packed::text_of(lua, text)?, None)),
        Some(Answer::Error(text)) => counted(text.as_bytes()),
        _ => failure(names.error(lua, format!("ERR {OUTSIDE}"))?),
    }
}

/// What a script makes of a reply that is no error and no number; a short text comes without it.
fn made(lua: &Lua, names: &Names, bytes: &[u8]) -> Made {
    let mut reader = ReplyReader::new(bytes);
    let (text, todo) = match reader.next() {
        Some(Item::Bulk(text)) => (text.to_vec(), None),
        Some(Item::Status(text)) => (text.to_vec(), Some(STATUS)),
        Some(Item::Array(_)) => {
            let mut packer = Packer::with_capacity(bytes.len());
            if packer.reply(&mut ReplyReader::new(bytes)).is_none() {
                return Ok((Either::Right(convert::to_lua(lua, names, bytes)?), None));
            }
            (packer.take(), Some(PACKED))
        }
        _ => return Ok((Either::Right(convert::to_lua(lua, names, bytes)?), None)),
    };
    Ok((packed::text_of(lua, text)?, todo))
}

/// `redis.acl_check_cmd(...)`
fn acl_check_cmd(lua: &Lua, names: &Names, args: Packed) -> Replied {
    let argv = match packed::words(args) {
        Ok(argv) => argv,
        Err(text) => return bad(lua, names, text),
    };
    match ask(Ask::MayCall(argv)) {
        Some(Answer::Flag(may)) => good(Value::Boolean(may)),
        Some(Answer::Error(text)) => Ok((names.error(lua, &*text)?, Value::Nil)),
        _ => bad(lua, names, OUTSIDE),
    }
}

/// `redis.error_reply(text)`
fn error_reply(lua: &Lua, names: &Names, args: &Words) -> Replied {
    match &args[..] {
        [Value::String(text)] => {
            let text = text.as_bytes();
            let text = text.strip_prefix(b"-").unwrap_or(&text);
            good(names.error(lua, convert::error_text(text))?)
        }
        _ => good(names.error(lua, "ERR wrong number or type of arguments")?),
    }
}

/// `redis.status_reply(text)`
fn status_reply(lua: &Lua, names: &Names, args: &Words) -> Replied {
    match &args[..] {
        [Value::String(text)] => {
            let table = lua.create_table_with_capacity(0, 1)?;
            table.raw_set(&names.ok, text)?;
            good(Value::Table(table))
        }
        _ => good(names.error(lua, "ERR wrong number or type of arguments")?),
    }
}

/// `redis.sha1hex(text)`
fn sha1hex(lua: &Lua, names: &Names, args: &Words) -> Replied {
    let [arg] = &args[..] else { return bad(lua, names, "wrong number of arguments") };
    let text = as_text(arg).unwrap_or_default();
    let digest = sha1_smol::Sha1::from(text).digest().to_string();
    good(Value::String(lua.create_string(digest)?))
}

/// `redis.log(level, ...)`
fn log(lua: &Lua, names: &Names, args: &Words) -> Replied {
    let [level, rest @ ..] = &args[..] else {
        return bad(lua, names, "redis.log() requires two arguments or more.");
    };
    if rest.is_empty() {
        return bad(lua, names, "redis.log() requires two arguments or more.");
    }
    let Some(level) = number(level) else {
        return bad(lua, names, "First argument must be a number (log level).");
    };
    let Some(level) = u8::try_from(level).ok().filter(|&level| level <= 3) else {
        return bad(lua, names, "Invalid debug level.");
    };
    let words: Vec<_> = rest.iter().filter_map(as_text).collect();
    ask(Ask::Log(level, words.join(&b' ')));
    good(Value::Nil)
}

/// A number, or a string that is one.
#[expect(clippy::cast_possible_truncation, reason = "as Lua's own conversion")]
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Number(number) => Some(*number as i64),
        Value::String(text) => {
            crate::number::parse_f64(&text.as_bytes()).map(|number| number as i64)
        }
        _ => None,
    }
}

/// `redis.setresp(version)`
fn setresp(lua: &Lua, names: &Names, args: &Words) -> Replied {
    let [version] = &args[..] else {
        return bad(lua, names, "redis.setresp() requires one argument.");
    };
    let protocol = match number(version) {
        Some(2) => Protocol::Resp2,
        Some(3) => Protocol::Resp3,
        _ => return bad(lua, names, "RESP version must be 2 or 3."),
    };
    ask(Ask::SetProtocol(protocol));
    good(Value::Nil)
}

/// `redis.set_repl(what)`
fn set_repl(lua: &Lua, names: &Names, args: &Words) -> Replied {
    let [what] = &args[..] else {
        return bad(lua, names, "redis.set_repl() requires one argument.");
    };
    let what = number(what).unwrap_or(0);
    if !(REPL_NONE..=REPL_ALL).contains(&what) {
        let text = "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
        return bad(lua, names, text);
    }
    ask(Ask::SetLogged(what & REPL_AOF != 0));
    good(Value::Nil)
}

const REPL_ALL: i64 = REPL_AOF | REPL_REPLICA;
const REPL_AOF: i64 = 1;
const REPL_NONE: i64 = 0;
const REPL_REPLICA: i64 = 2;

/// `math.randomseed(seed)`
fn seed(lua: &Lua, random: &Random, args: &Words) -> Replied {
    let Some(seed) = args.first().and_then(number) else {
        let text = "bad argument #1 to 'randomseed' (number expected)";
        return Ok((Value::String(lua.create_string(positioned(lua, text))?), Value::Nil));
    };
    random.seed(seed);
    good(Value::Nil)
}

type Function = fn(&Lua, &Names, &Words) -> Replied;

const FUNCTIONS: [(&str, Function); 6] = [
    ("error_reply", error_reply),
    ("log", log),
    ("set_repl", set_repl),
    ("setresp", setresp),
    ("sha1hex", sha1hex),
    ("status_reply", status_reply),
];

/// The constants of `redis.*`, and the version they tell.
const CONSTANTS: [(&str, i64); 10] = [
    ("LOG_DEBUG", 0),
    ("LOG_NOTICE", 2),
    ("LOG_VERBOSE", 1),
    ("LOG_WARNING", 3),
    ("REDIS_VERSION_NUM", 0x0007_0204),
    ("REPL_ALL", REPL_ALL),
    ("REPL_AOF", REPL_AOF),
    ("REPL_NONE", REPL_NONE),
    ("REPL_REPLICA", REPL_REPLICA),
    ("REPL_SLAVE", REPL_REPLICA),
];
const VERSION: &str = "7.2.4";

/// The table of Rust's functions that `sandbox.lua` gets.
pub(super) fn host(lua: &Lua, names: &Arc<Names>, loading: &Arc<Loading>) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    let api = lua.create_table()?;
    for (name, function) in FUNCTIONS {
        let names = Arc::clone(names);
        let function = lua.create_function(move |lua, args: Words| function(lua, &names, &args))?;
        api.set(name, function)?;
    }
    host.set("api", api)?;
    let named = Arc::clone(names);
    host.set("call", lua.create_function(move |lua, args: Packed| call(lua, &named, args))?)?;
    let named = Arc::clone(names);
    let check = move |lua: &Lua, args: Packed| acl_check_cmd(lua, &named, args);
    host.set("acl_check_cmd", lua.create_function(check)?)?;
    host.set("REQUEST_BYTES_MAX", packed::REQUEST_BYTES_MAX)?;
    for (name, todo) in [("STATUS", STATUS), ("PACKED", PACKED), ("ERROR", ERROR)] {
        host.set(name, todo)?;
    }
    let constants = lua.create_table_from(CONSTANTS)?;
    constants.set("REDIS_VERSION", VERSION)?;
    host.set("constants", constants)?;
    let (named, loaded) = (Arc::clone(names), Arc::clone(loading));
    let register = lua.create_function(move |lua, args: Words| {
        functions::register(lua, &named, &loaded, &args)
    })?;
    host.set("register", register)?;
    let random = Arc::new(Random::default());
    let seeded = Arc::clone(&random);
    host.set("random", lua.create_function(move |_, ()| Ok(random.next()))?)?;
    host.set("seed", lua.create_function(move |lua, args: Words| seed(lua, &seeded, &args))?)?;
    Ok(host)
}
