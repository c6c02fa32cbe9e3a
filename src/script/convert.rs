//! Values on their way between replies and Lua, by Redis' rules.
//!
//! <https://redis.io/docs/latest/develop/programmability/lua-api/#data-type-conversion>

use mlua::{Lua, Table, Value};

use super::failure::Names;
use super::sandbox::Sandbox;
use super::walk::Walk;
use crate::resp::read::{Item, ReplyReader};
use crate::resp::{Protocol, Reply};

/// How deep a table that a script returns may be nested.
const DEPTH_MAX: usize = 200;

/// What a script makes of a reply; an error becomes a table with the field `err`.
pub(super) fn to_lua(lua: &Lua, names: &Names, bytes: &[u8]) -> mlua::Result<Value> {
    value(lua, names, &mut ReplyReader::new(bytes))
}

/// The text of an error table: a text without a code gets `ERR`. What is said has no ends of lines
/// around it; its blanks are part of it.
pub(super) fn error_text(text: &[u8]) -> Vec<u8> {
    let is_said = |byte: &u8| !matches!(byte, b'\r' | b'\n');
    let text = &text[..text.iter().rposition(is_said).map_or(0, |last| last + 1)];
    let Some(code) = memchr::memchr(b' ', text) else { return [b"ERR ", text].concat() };
    let said = &text[code + 1..];
    let said = &said[said.iter().position(is_said).unwrap_or(said.len())..];
    [&text[..=code], said].concat()
}

fn value(lua: &Lua, names: &Names, reader: &mut ReplyReader<'_>) -> mlua::Result<Value> {
    let field = |name, value: Value| {
        let table = lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, value)?;
        Ok(Value::Table(table))
    };
    let string = |bytes: &[u8]| lua.create_string(bytes).map(Value::String);
    match reader.next() {
        None | Some(Item::Null3) => Ok(Value::Nil),
        Some(Item::Array(len)) => array(lua, names, reader, len),
        Some(Item::BigNumber(digits)) => field(&names.big_number, string(digits)?),
        Some(Item::Boolean(flag)) => Ok(Value::Boolean(flag)),
        Some(Item::Bulk(bytes)) => string(bytes),
        Some(Item::Double(number)) => field(&names.double, Value::Number(number)),
        Some(Item::Error(text)) => names.error(lua, error_text(text)),
        Some(Item::Integer(number)) => Ok(Value::Integer(number)),
        Some(Item::Map(len)) => field(&names.map, map(lua, names, reader, len)?),
        Some(Item::Null) => Ok(Value::Boolean(false)),
        Some(Item::Set(len)) => field(&names.set, set(lua, names, reader, len)?),
        Some(Item::Status(text)) => field(&names.ok, string(text)?),
        Some(Item::Verbatim(format, text)) => {
            let table = lua.create_table_with_capacity(0, 2)?;
            table.raw_set(&names.string, string(text)?)?;
            table.raw_set(&names.format, string(format)?)?;
            field(&names.verbatim_string, Value::Table(table))
        }
    }
}

fn array(
    lua: &Lua,
    names: &Names,
    reader: &mut ReplyReader<'_>,
    len: usize,
) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(len, 0)?;
    for index in 1..=len {
        table.raw_seti(index, value(lua, names, reader)?)?;
    }
    Ok(Value::Table(table))
}

fn map(lua: &Lua, names: &Names, reader: &mut ReplyReader<'_>, len: usize) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, len)?;
    for _ in 0..len {
        let key = value(lua, names, reader)?;
        table.raw_set(key, value(lua, names, reader)?)?;
    }
    Ok(Value::Table(table))
}

fn set(lua: &Lua, names: &Names, reader: &mut ReplyReader<'_>, len: usize) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, len)?;
    for _ in 0..len {
        table.raw_set(value(lua, names, reader)?, true)?;
    }
    Ok(Value::Table(table))
}

/// An error has no line breaks at its end.
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] = text {
        text = rest;
    }
    text
}

/// The format of a verbatim string: three bytes, with spaces in place of those that are missing. As
/// for Redis, it ends at a zero.
fn three_letters(format: &[u8]) -> [u8; 3] {
    let mut letters = [b' '; 3];
    let given = format.iter().take_while(|byte| **byte != 0);
    letters.iter_mut().zip(given).for_each(|(letter, byte)| *letter = *byte);
    letters
}

/// Writes what a script returned. `protocol` is the one the script has chosen: it decides how
/// booleans are understood.
pub(super) fn to_reply(
    sandbox: &Sandbox,
    value: &Value,
    protocol: Protocol,
    reply: &mut Reply,
) -> mlua::Result<()> {
    let start = reply.len();
    let walk = Walk::new(&sandbox.lua);
    Writer { names: &sandbox.names, protocol, start, walk }.write(value, reply, 0)
}

struct Writer<'a> {
    names: &'a Names,
    protocol: Protocol,
    /// Where the reply starts.
    start: usize,
    walk: Walk,
}

impl Writer<'_> {
    fn write(&mut self, value: &Value, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        Walk::look(reply.len() - self.start).map_err(mlua::Error::runtime)?;
        match value {
            Value::Boolean(flag) if self.protocol == Protocol::Resp3 => reply.boolean(*flag),
            Value::Boolean(true) => reply.integer(1),
            Value::Integer(number) => reply.integer(*number),
            #[expect(clippy::cast_possible_truncation, reason = "the fraction is dropped")]
            Value::Number(number) => reply.integer(*number as i64),
            Value::String(text) => reply.bulk(&text.as_bytes()),
            Value::Table(_) if depth > DEPTH_MAX => reply.error("ERR reached lua stack limit"),
            Value::Table(table) => self.write_table(table, reply, depth)?,
            _ => reply.nil(),
        }
        Ok(())
    }

    fn write_table(&mut self, table: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        self.walk.enter(reply.len() - self.start).map_err(mlua::Error::runtime)?;
        let names = self.names;
        if let Value::String(text) = table.raw_get(&names.err)? {
            reply.one_line(b'-', trimmed(&text.as_bytes()));
        } else if let Value::String(text) = table.raw_get(&names.ok)? {
            reply.one_line(b'+', &text.as_bytes());
        } else if let Some(number) = number(&table.raw_get(&names.double)?) {
            reply.double(number);
        } else if let Value::String(digits) = table.raw_get(&names.big_number)? {
            reply.big_number(&digits.as_bytes());
        } else if !self.write_verbatim(table, reply)?
            && !self.write_map(table, reply, depth)?
            && !self.write_set(table, reply, depth)?
        {
            self.write_array(table, reply, depth)?;
        }
        Ok(())
    }

    fn write_verbatim(&self, table: &Table, reply: &mut Reply) -> mlua::Result<bool> {
        let Value::Table(parts) = table.raw_get(&self.names.verbatim_string)? else {
            return Ok(false);
        };
        let format: Value = parts.raw_get(&self.names.format)?;
        let text: Value = parts.raw_get(&self.names.string)?;
        let (Value::String(format), Value::String(text)) = (format, text) else {
            return Ok(false);
        };
        reply.verbatim(three_letters(&format.as_bytes()), &text.as_bytes());
        Ok(true)
    }

    // Elements are walked twice, never gathered: the interpreter bears few references at a time.
    fn write_map(&mut self, table: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<bool> {
        let Value::Table(map) = table.raw_get(&self.names.map)? else { return Ok(false) };
        reply.map(count(&map)?);
        map.for_each(|key: Value, value: Value| {
            self.write(&key, reply, depth + 1)?;
            self.write(&value, reply, depth + 1)
        })?;
        Ok(true)
    }

    fn write_set(&mut self, table: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<bool> {
        let Value::Table(set) = table.raw_get(&self.names.set)? else { return Ok(false) };
        reply.set(count(&set)?);
        set.for_each(|member: Value, _: Value| self.write(&member, reply, depth + 1))?;
        Ok(true)
    }

    /// The elements up to the first nil.
    fn write_array(&mut self, table: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        let mut result = Ok(());
        reply.counted_array(|reply| {
            for index in 1.. {
                let element = table.raw_get(index).and_then(|element: Value| {
                    let end = element.is_nil();
                    if !end {
                        self.write(&element, reply, depth + 1)?;
                    }
                    Ok(end)
                });
                match element {
                    Ok(false) => {}
                    Ok(true) => return index - 1,
                    Err(error) => {
                        result = Err(error);
                        return index - 1;
                    }
                }
            }
            0
        });
        result
    }
}

/// Number of elements of a table.
fn count(table: &Table) -> mlua::Result<usize> {
    let mut count = 0;
    table.for_each(|_: Value, _: Value| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}
