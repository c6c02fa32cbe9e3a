//! `cjson`: JSON to and from Lua's values, with the rules and limits of Lua CJSON 2.1.
//!
//! <https://redis.io/docs/latest/develop/programmability/lua-api/#the-cjson-library>

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use mlua::{BString, Function, Lua, Table, Value};

use super::super::packed;
use super::{Failure, Results, bad_argument, callable, number};

mod decode;
mod encode;

/// How values are converted; scripts may change it, for all scripts after them.
#[derive(Debug)]
pub(super) struct Settings {
    /// Turn a sparse array into an object, rather than fail.
    sparse_convert: AtomicBool,
    /// An array is sparse if its largest index is more than this many times its count.
    sparse_ratio: AtomicI64,
    /// Indexes up to this are never sparse.
    sparse_safe: AtomicI64,
    encode_depth: AtomicI64,
    decode_depth: AtomicI64,
    precision: AtomicI64,
    encode_invalid: AtomicI64,
    decode_invalid: AtomicBool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sparse_convert: AtomicBool::new(false),
            sparse_ratio: AtomicI64::new(2),
            sparse_safe: AtomicI64::new(10),
            encode_depth: AtomicI64::new(1000),
            decode_depth: AtomicI64::new(1000),
            precision: AtomicI64::new(14),
            encode_invalid: AtomicI64::new(INVALID_OFF),
            decode_invalid: AtomicBool::new(true),
        }
    }
}

/// Infinity and NaN: an error, text, or null.
const INVALID_OFF: i64 = 0;
const INVALID_ON: i64 = 1;
const INVALID_NULL: i64 = 2;

type Setter = fn(&Settings, &[Value]) -> Results;

const SETTERS: [(&str, Setter); 8] = [
    ("decode_invalid_numbers", decode_invalid_numbers),
    ("decode_max_depth", |settings, args| {
        integer(&settings.decode_depth, args, 1, "decode_max_depth", 1..=i64::from(i32::MAX))
    }),
    ("encode_invalid_numbers", encode_invalid_numbers),
    ("encode_keep_buffer", |_, args| flag(&AtomicBool::new(true), args, "encode_keep_buffer")),
    ("encode_max_depth", |settings, args| {
        integer(&settings.encode_depth, args, 1, "encode_max_depth", 1..=i64::from(i32::MAX))
    }),
    ("encode_number_precision", |settings, args| {
        integer(&settings.precision, args, 1, "encode_number_precision", 1..=14)
    }),
    ("encode_sparse_array", encode_sparse_array),
    ("decode_array_with_array_mt", |_, args| {
        flag(&AtomicBool::new(false), args, "decode_array_with_array_mt")
    }),
];

/// What makes JSON of a packed value, if that is of the usual kind.
pub(super) fn json_of(lua: &Lua, settings: &Arc<Settings>) -> mlua::Result<Function> {
    let settings = Arc::clone(settings);
    lua.create_function(move |lua, value: BString| {
        let json = encode::encode_packed(lua, &settings, &value);
        json.map(|bytes| packed::text_of(lua, bytes)).transpose()
    })
}

/// The functions of the library.
pub(super) fn functions(lua: &Lua, settings: &Arc<Settings>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let encoding = Arc::clone(settings);
    table.set("encode", callable(lua, move |lua, args| encode::encode(lua, &encoding, args))?)?;
    let decoding = Arc::clone(settings);
    table.set("decode", callable(lua, move |lua, args| decode::decode(lua, &decoding, args))?)?;
    for (name, setter) in SETTERS {
        let settings = Arc::clone(settings);
        table.set(name, callable(lua, move |_, args| setter(&settings, args))?)?;
    }
    Ok(table)
}

fn is_given(args: &[Value], index: usize) -> bool {
    args.get(index - 1).is_some_and(|arg| !arg.is_nil())
}

/// Sets a number, if one is given; returns the number.
#[expect(clippy::cast_possible_truncation, reason = "as Lua's own conversion")]
fn integer(
    setting: &AtomicI64,
    args: &[Value],
    index: usize,
    function: &str,
    range: std::ops::RangeInclusive<i64>,
) -> Results {
    if is_given(args, index) {
        let value = number(args, index, function)? as i64;
        if !range.contains(&value) {
            let (low, high) = (range.start(), range.end());
            let text = format!(
                "bad argument #{index} to '{function}' (expected integer between {low} and {high})"
            );
            return Err(text.into());
        }
        setting.store(value, Ordering::Relaxed);
    }
    Ok(vec![Value::Integer(setting.load(Ordering::Relaxed))])
}

fn flag(setting: &AtomicBool, args: &[Value], function: &str) -> Results {
    if is_given(args, 1) {
        let Some(Value::Boolean(value)) = args.first() else {
            return Err(bad_argument(1, function, "boolean", args.first()));
        };
        setting.store(*value, Ordering::Relaxed);
    }
    Ok(vec![Value::Boolean(setting.load(Ordering::Relaxed))])
}

fn encode_sparse_array(settings: &Settings, args: &[Value]) -> Results {
    let name = "encode_sparse_array";
    let mut results = flag(&settings.sparse_convert, args, name)?;
    let range = 0..=i64::from(i32::MAX);
    results.extend(integer(&settings.sparse_ratio, args, 2, name, range.clone())?);
    results.extend(integer(&settings.sparse_safe, args, 3, name, range)?);
    Ok(results)
}

fn decode_invalid_numbers(settings: &Settings, args: &[Value]) -> Results {
    flag(&settings.decode_invalid, args, "decode_invalid_numbers")
}

fn encode_invalid_numbers(settings: &Settings, args: &[Value]) -> Results {
    let mode = match args.first() {
        None | Some(Value::Nil) => None,
        Some(Value::Boolean(flag)) => Some(i64::from(*flag)),
        Some(Value::String(text)) if text.as_bytes() == b"off" => Some(INVALID_OFF),
        Some(Value::String(text)) if text.as_bytes() == b"on" => Some(INVALID_ON),
        Some(Value::String(text)) if text.as_bytes() == b"null" => Some(INVALID_NULL),
        other => {
            return Err(bad_argument(1, "encode_invalid_numbers", "boolean", other));
        }
    };
    if let Some(mode) = mode {
        settings.encode_invalid.store(mode, Ordering::Relaxed);
    }
    let mode = settings.encode_invalid.load(Ordering::Relaxed);
    Ok(vec![Value::Boolean(mode != INVALID_OFF)])
}

/// The only argument of encode and decode.
fn single<'a>(args: &'a [Value], function: &str) -> Result<&'a Value, Failure> {
    match args {
        [arg] => Ok(arg),
        _ => Err(format!("bad argument #1 to '{function}' (expected 1 argument)").into()),
    }
}
