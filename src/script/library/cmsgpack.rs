//! `cmsgpack`: `MessagePack` to and from Lua's values, as lua-cmsgpack does it.
//!
//! <https://redis.io/docs/latest/develop/programmability/lua-api/#the-cmsgpack-library>

use mlua::{Lua, Table, Value};

use super::super::walk::Walk;
use super::{Failure, Function, Results, as_double, bytes, number};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("pack", pack),
    ("unpack", unpack),
    ("unpack_limit", unpack_limit),
    ("unpack_one", unpack_one),
];

/// A table nested deeper than this is packed as nil.
const PACK_DEPTH_MAX: usize = 16;
/// Nesting that is read.
const UNPACK_DEPTH_MAX: usize = 1000;

/// `cmsgpack.pack(value, ...)`
fn pack(lua: &Lua, args: &[Value]) -> Results {
    if args.is_empty() {
        return Err("bad argument #0 to 'pack' (MessagePack pack needs input.)".into());
    }
    let mut packer = Packer { out: Vec::new(), walk: Walk::new(lua) };
    args.iter().try_for_each(|value| packer.write(value, 0))?;
    Ok(vec![Value::String(lua.create_string(packer.out)?)])
}

struct Packer {
    out: Vec<u8>,
    walk: Walk,
}

impl Packer {
    fn write(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        let out = &mut self.out;
        Walk::look(out.len())?;
        match value {
            Value::Boolean(flag) => out.push(if *flag { 0xc3 } else { 0xc2 }),
            Value::Integer(number) => write_integer(out, *number),
            Value::Number(number) => write_double(out, *number),
            Value::String(text) => write_string(out, &text.as_bytes()),
            Value::Table(table) if depth < PACK_DEPTH_MAX => self.write_table(table, depth + 1)?,
            _ => out.push(0xc0),
        }
        Ok(())
    }

    /// Elements are walked twice, never gathered: the interpreter bears few references at a time.
    fn write_table(&mut self, table: &Table, depth: usize) -> Result<(), Failure> {
        self.walk.enter(self.out.len())?;
        let (mut largest, mut count, mut is_array) = (0, 0, true);
        table.for_each(|key: Value, _: Value| {
            match key {
                Value::Integer(key) if key > 0 => largest = largest.max(key),
                _ => is_array = false,
            }
            count += 1;
            Ok(())
        })?;
        if is_array && usize::try_from(largest) == Ok(count) {
            write_head(&mut self.out, count, 0x90, 16, [0, 0xdc, 0xdd]);
            for index in 1..=largest {
                self.write(&table.raw_get(index)?, depth)?;
            }
            return Ok(());
        }
        write_head(&mut self.out, count, 0x80, 16, [0, 0xde, 0xdf]);
        let mut failure = None;
        let walked = table.for_each(|key: Value, value: Value| {
            let written = self.write(&key, depth).and_then(|()| self.write(&value, depth));
            written.map_err(|error| {
                failure = Some(error);
                mlua::Error::runtime("")
            })
        });
        failure.map_or(Ok(()), Err)?;
        Ok(walked?)
    }
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    let [.., b3, b2, b1, b0] = number.to_be_bytes();
    match number {
        -0x20..=0x7f => out.push(b0),
        0x80..=0xff => out.extend_from_slice(&[0xcc, b0]),
        0x100..=0xffff => out.extend_from_slice(&[0xcd, b1, b0]),
        0x1_0000..=0xffff_ffff => out.extend_from_slice(&[0xce, b3, b2, b1, b0]),
        -0x80..-0x20 => out.extend_from_slice(&[0xd0, b0]),
        -0x8000..-0x80 => out.extend_from_slice(&[0xd1, b1, b0]),
        -0x8000_0000..-0x8000 => out.extend_from_slice(&[0xd2, b3, b2, b1, b0]),
        _ => {
            out.push(if number < 0 { 0xd3 } else { 0xcf });
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "checked to lose nothing")]
    let short = number as f32;
    if f64::from(short).to_bits() == number.to_bits() {
        out.push(0xca);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

/// A head with a length: in the byte itself if it is below `small_end`, else behind the byte for
/// its size.
fn write_head(out: &mut Vec<u8>, len: usize, small: u8, small_end: usize, kinds: [u8; 3]) {
    let [.., b3, b2, b1, b0] = len.to_be_bytes();
    match len {
        _ if len < small_end => out.push(small | b0),
        0..=0xff if kinds[0] != 0 => out.extend_from_slice(&[kinds[0], b0]),
        0..=0xffff => out.extend_from_slice(&[kinds[1], b1, b0]),
        _ => out.extend_from_slice(&[kinds[2], b3, b2, b1, b0]),
    }
}

fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    write_head(out, text.len(), 0xa0, 32, [0xd9, 0xda, 0xdb]);
    out.extend_from_slice(text);
}

/// `cmsgpack.unpack(text)`
///
/// Returns all values in the text.
fn unpack(lua: &Lua, args: &[Value]) -> Results {
    read_some(lua, &bytes(args, 1, "unpack")?, usize::MAX, None)
}

/// `cmsgpack.unpack_one(text [, offset])`
///
/// Returns the offset behind the value, or -1 at the end, and the value.
fn unpack_one(lua: &Lua, args: &[Value]) -> Results {
    let text = bytes(args, 1, "unpack_one")?;
    let offset = optional_integer(args, 2, "unpack_one")?;
    read_limited(lua, &text, 1, offset)
}

/// `cmsgpack.unpack_limit(text, limit [, offset])`
///
/// As `unpack_one`, with up to `limit` values.
fn unpack_limit(lua: &Lua, args: &[Value]) -> Results {
    let text = bytes(args, 1, "unpack_limit")?;
    number(args, 2, "unpack_limit")?;
    let limit = optional_integer(args, 2, "unpack_limit")?;
    let offset = optional_integer(args, 3, "unpack_limit")?;
    read_limited(lua, &text, limit, offset)
}

#[expect(clippy::cast_possible_truncation, reason = "as Lua's own conversion")]
fn optional_integer(args: &[Value], index: usize, function: &str) -> Result<i64, Failure> {
    match args.get(index - 1) {
        None | Some(Value::Nil) => Ok(0),
        Some(_) => number(args, index, function).map(|number| number as i64),
    }
}

fn read_limited(lua: &Lua, text: &[u8], limit: i64, offset: i64) -> Results {
    let (Ok(count), Ok(start)) = (usize::try_from(limit), usize::try_from(offset)) else {
        let text = format!(
            "Invalid request to unpack with offset of {offset} and limit of {}.",
            text.len()
        );
        return Err(text.into());
    };
    if start > text.len() {
        let len = text.len();
        let text = format!("Start offset {start} greater than input length {len}.");
        return Err(text.into());
    }
    if count == 0 && start == 0 {
        return read_some(lua, text, usize::MAX, None);
    }
    read_some(lua, text, count, Some(start))
}

/// Reads up to `limit` values; from an offset, if one was asked for, which is replied first.
fn read_some(lua: &Lua, text: &[u8], limit: usize, offset: Option<usize>) -> Results {
    let mut reader = Reader { lua, text: text.get(offset.unwrap_or(0)..).unwrap_or_default() };
    let mut values = Vec::new();
    while !reader.text.is_empty() && values.len() < limit {
        if values.len() > VALUES_MAX {
            return Err("too many results to unpack".into());
        }
        values.push(reader.value(0)?);
    }
    if offset.is_some() {
        let next = text.len() - reader.text.len();
        let next = if reader.text.is_empty() { -1 } else { i64::try_from(next).unwrap_or(-1) };
        values.insert(0, Value::Integer(next));
    }
    Ok(values)
}

/// Most values that a function may reply; Lua's stack bears about 8000.
const VALUES_MAX: usize = 7000;

/// Elements that room is made for before they are there: a text may announce any number, at each
/// level of nesting.
const CAPACITY_MAX: usize = 64;

struct Reader<'a> {
    lua: &'a Lua,
    text: &'a [u8],
}

const MISSING: &str = "Missing bytes in input.";
const BAD: &str = "Bad data format in input.";

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.text.split_at_checked(len).ok_or(MISSING)?;
        self.text = rest;
        Ok(taken)
    }

    /// A big-endian number of `len` bytes.
    fn unsigned(&mut self, len: usize) -> Result<u64, Failure> {
        Ok(self.take(len)?.iter().fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    fn len(&mut self, bytes: usize) -> Result<usize, Failure> {
        Ok(usize::try_from(self.unsigned(bytes)?).unwrap_or(usize::MAX))
    }

    /// A big-endian number with a sign.
    fn signed(&mut self, len: usize) -> Result<Value, Failure> {
        let unused = 64 - 8 * u32::try_from(len).unwrap_or(8);
        let number = (self.unsigned(len)? << unused).cast_signed() >> unused;
        Ok(Value::Integer(number))
    }

    fn positive(&mut self, len: usize) -> Result<Value, Failure> {
        let number = self.unsigned(len)?;
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        let value = i64::try_from(number).map_or(Value::Number(number as f64), Value::Integer);
        Ok(value)
    }

    fn string(&mut self, len: usize) -> Result<Value, Failure> {
        Ok(Value::String(self.lua.create_string(self.take(len)?)?))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Failure> {
        if depth > UNPACK_DEPTH_MAX {
            return Err(BAD.into());
        }
        let kind = self.take(1)?.first().copied().unwrap_or_default();
        let low = |bits: u8| usize::from(kind & bits);
        match kind {
            0x00..=0x7f => Ok(Value::Integer(i64::from(kind))),
            0x80..=0x8f => self.map(low(0x0f), depth),
            0x90..=0x9f => self.array(low(0x0f), depth),
            0xa0..=0xbf => self.string(low(0x1f)),
            0xc0 => Ok(Value::Nil),
            0xc2 => Ok(Value::Boolean(false)),
            0xc3 => Ok(Value::Boolean(true)),
            0xc4 | 0xd9 => self.len(1).and_then(|len| self.string(len)),
            0xc5 | 0xda => self.len(2).and_then(|len| self.string(len)),
            0xc6 | 0xdb => self.len(4).and_then(|len| self.string(len)),
            0xca => {
                let bits = u32::try_from(self.unsigned(4)?).unwrap_or_default();
                Ok(Value::Number(f64::from(f32::from_bits(bits))))
            }
            0xcb => Ok(Value::Number(f64::from_bits(self.unsigned(8)?))),
            0xcc..=0xcf => self.positive(1 << (kind - 0xcc)),
            0xd0..=0xd3 => self.signed(1 << (kind - 0xd0)),
            0xdc => self.len(2).and_then(|len| self.array(len, depth)),
            0xdd => self.len(4).and_then(|len| self.array(len, depth)),
            0xde => self.len(2).and_then(|len| self.map(len, depth)),
            0xdf => self.len(4).and_then(|len| self.map(len, depth)),
            0xe0..=0xff => Ok(Value::Integer(i64::from(kind.cast_signed()))),
            _ => Err(BAD.into()),
        }
    }

    fn array(&mut self, len: usize, depth: usize) -> Result<Value, Failure> {
        let table = self.lua.create_table_with_capacity(len.min(CAPACITY_MAX), 0)?;
        for index in 1..=len {
            table.raw_seti(index, self.value(depth + 1)?)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<Value, Failure> {
        let table = self.lua.create_table_with_capacity(0, len.min(CAPACITY_MAX))?;
        for _ in 0..len {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            let usable = !key.is_nil() && !as_double(&key).is_some_and(f64::is_nan);
            if !usable {
                return Err(BAD.into());
            }
            table.raw_set(key, value)?;
        }
        Ok(Value::Table(table))
    }
}
