//! The libraries that scripts find besides those of Lua: `cjson`, `cmsgpack`, `struct`.
//! (`bit` is the interpreter's own.)
//!
//! A function gets its arguments and returns its results, or the text of an error;
//! `sandbox.lua` raises it, with the place of the call in front.

use std::sync::Arc;

use mlua::{BString, Lua, MultiValue, Table, Value, Variadic};

use super::failure::positioned;
use super::packed::{self, Text};

mod cjson;
mod cmsgpack;
mod repack;
mod structs;
#[cfg(test)]
mod tests;

/// What a function of a library replies.
type Results = Result<Vec<Value>, Failure>;
type Function = fn(&Lua, &[Value]) -> Results;

/// Why a function of a library fails.
#[derive(Debug)]
enum Failure {
    /// By its arguments or data.
    Bad(String),
    /// In the interpreter: no memory is left.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Failure {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Bad(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Bad(text.to_owned())
    }
}

/// What a script gets by `cmsgpack.unpack` for the usual text: the value, for the interpreter to
/// unpack; nil for all else.
fn repack(lua: &Lua, text: &[u8]) -> mlua::Result<Option<Text>> {
    repack::repack(text).map(|bytes| packed::text_of(lua, bytes)).transpose()
}

/// The tables of functions by the names of their libraries. `host` gets what `sandbox.lua` puts in
/// front of some.
pub(super) fn all(lua: &Lua, host: &Table) -> mlua::Result<Table> {
    let settings = Arc::default();
    host.set("json_of", cjson::json_of(lua, &settings)?)?;
    host.set("repack", lua.create_function(|lua, text: BString| repack(lua, &text))?)?;
    let all = lua.create_table()?;
    all.set("cjson", cjson::functions(lua, &settings)?)?;
    all.set("cmsgpack", table(lua, cmsgpack::FUNCTIONS)?)?;
    all.set("struct", table(lua, structs::FUNCTIONS)?)?;
    Ok(all)
}

/// What the libraries have besides functions.
pub(super) fn constants(lua: &Lua) -> mlua::Result<Table> {
    let all = lua.create_table()?;
    let cjson = lua.create_table()?;
    cjson.set("null", Value::NULL)?;
    cjson.set("_NAME", "cjson")?;
    cjson.set("_VERSION", "2.1.0")?;
    all.set("cjson", cjson)?;
    let cmsgpack = lua.create_table()?;
    cmsgpack.set("_NAME", "cmsgpack")?;
    cmsgpack.set("_VERSION", "lua-cmsgpack 0.4.0")?;
    all.set("cmsgpack", cmsgpack)?;
    Ok(all)
}

fn table(lua: &Lua, functions: &[(&str, Function)]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for &(name, function) in functions {
        table.set(name, callable(lua, move |lua, args: &[Value]| function(lua, args))?)?;
    }
    Ok(table)
}

/// A function that replies nil and its results, or an error to raise.
fn callable(
    lua: &Lua,
    function: impl Fn(&Lua, &[Value]) -> Results + Send + 'static,
) -> mlua::Result<mlua::Function> {
    lua.create_function(move |lua, args: Variadic<Value>| match function(lua, &args) {
        Ok(mut results) => {
            results.insert(0, Value::Nil);
            Ok(MultiValue::from_vec(results))
        }
        Err(Failure::Bad(text)) => {
            let text = lua.create_string(positioned(lua, &text))?;
            Ok(MultiValue::from_vec(vec![Value::String(text)]))
        }
        Err(Failure::Lua(error)) => Err(error),
    })
}

/// The name of a value's type, as Lua tells it; of a missing one, `no value`.
fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "no value",
        Some(Value::Integer(_) | Value::Number(_)) => "number",
        Some(Value::LightUserData(_) | Value::Error(_)) => "userdata",
        Some(value) => value.type_name(),
    }
}

/// The error of an argument of another type than it should be.
fn bad_argument(index: usize, function: &str, expected: &str, found: Option<&Value>) -> Failure {
    let found = type_name(found);
    format!("bad argument #{index} to '{function}' ({expected} expected, got {found})").into()
}

/// Reads argument `index` (from 1) as bytes: a string, or a number's text.
fn bytes(args: &[Value], index: usize, function: &str) -> Result<Vec<u8>, Failure> {
    let arg = args.get(index - 1);
    let text = arg.and_then(super::api::as_text);
    text.ok_or_else(|| bad_argument(index, function, "string", arg))
}

/// Reads argument `index` (from 1) as a number.
fn number(args: &[Value], index: usize, function: &str) -> Result<f64, Failure> {
    let arg = args.get(index - 1);
    let number = match arg {
        Some(Value::String(text)) => crate::number::parse_f64(text.as_bytes().trim_ascii()),
        Some(value) => as_double(value),
        None => None,
    };
    number.ok_or_else(|| bad_argument(index, function, "number", arg))
}

/// A number as Lua keeps it.
#[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}
