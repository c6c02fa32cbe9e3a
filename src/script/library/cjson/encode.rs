//! Lua's values to JSON.

use std::io::Write;
use std::sync::atomic::Ordering;

use mlua::{Lua, Table, Value};

use super::super::super::packed::{Part, Unpacker};
use super::super::super::walk::Walk;
use super::super::{Failure, Results, as_double, type_name};
use super::{INVALID_NULL, INVALID_OFF, Settings, single};

/// `cjson.encode(value)`
pub(super) fn encode(lua: &Lua, settings: &Settings, args: &[Value]) -> Results {
    let mut encoder = Encoder { settings, out: Vec::new(), walk: Walk::new(lua) };
    encoder.value(single(args, "encode")?, 0)?;
    Ok(vec![Value::String(lua.create_string(encoder.out)?)])
}

/// JSON of a small value that the interpreter has packed; `None` if it is not of the usual kind.
pub(super) fn encode_packed(lua: &Lua, settings: &Settings, packed: &[u8]) -> Option<Vec<u8>> {
    let out = Vec::with_capacity(packed.len() + packed.len() / 2);
    let mut encoder = Encoder { settings, out, walk: Walk::new(lua) };
    encoder.packed(&mut Unpacker::new(packed), 0)?;
    Some(encoder.out)
}

/// Does it not stand for itself in a string?
fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..32 | b'"' | b'\\' | b'/' | 127)
}

struct Encoder<'a> {
    settings: &'a Settings,
    out: Vec<u8>,
    walk: Walk,
}

fn refuse(value: &Value, reason: &str) -> Failure {
    format!("Cannot serialise {}: {reason}", type_name(Some(value))).into()
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: i64) -> Result<(), Failure> {
        Walk::look(self.out.len())?;
        match value {
            Value::Boolean(flag) => self.boolean(*flag),
            Value::Integer(_) | Value::Number(_) => {
                self.number(as_double(value).unwrap_or_default())?;
            }
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.out.extend_from_slice(b"null");
            }
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Table(table) => self.table(table, value, depth + 1)?,
            other => return Err(refuse(other, "type not supported")),
        }
        Ok(())
    }

    fn packed(&mut self, from: &mut Unpacker<'_>, depth: i64) -> Option<()> {
        let depth_max = self.settings.encode_depth.load(Ordering::Relaxed);
        match from.next()? {
            Part::Array(_) | Part::Map(_) if depth >= depth_max => return None,
            // An empty table is an object.
            Part::Array(0) => self.out.extend_from_slice(b"{}"),
            Part::Array(len) => self.packed_array(from, len, depth + 1)?,
            Part::Map(len) => self.packed_object(from, len, depth + 1)?,
            Part::Boolean(flag) => self.boolean(flag),
            Part::Number(number) => self.number(number).ok()?,
            Part::Text(text) => self.string(text),
            Part::Nil => return None,
        }
        Some(())
    }

    fn packed_array(&mut self, from: &mut Unpacker<'_>, len: usize, depth: i64) -> Option<()> {
        self.out.push(b'[');
        for index in 0..len {
            if index > 0 {
                self.out.push(b',');
            }
            self.packed(from, depth)?;
        }
        self.out.push(b']');
        Some(())
    }

    fn packed_object(&mut self, from: &mut Unpacker<'_>, len: usize, depth: i64) -> Option<()> {
        self.out.push(b'{');
        for index in 0..len {
            if index > 0 {
                self.out.push(b',');
            }
            let Part::Text(key) = from.next()? else { return None };
            self.string(key);
            self.out.push(b':');
            self.packed(from, depth)?;
        }
        self.out.push(b'}');
        Some(())
    }

    fn boolean(&mut self, flag: bool) {
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    /// A number with as many significant digits as are set.
    fn number(&mut self, number: f64) -> Result<(), Failure> {
        let precision = self.settings.precision.load(Ordering::Relaxed);
        let precision = u32::try_from(precision).unwrap_or(14);
        if let Some(whole) = short_integer(number, precision) {
            self.out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
            return Ok(());
        }
        if !number.is_finite() {
            match self.settings.encode_invalid.load(Ordering::Relaxed) {
                INVALID_OFF => {
                    return Err("Cannot serialise number: must not be NaN or Inf".into());
                }
                INVALID_NULL => self.out.extend_from_slice(b"null"),
                _ if number.is_nan() => self.out.extend_from_slice(b"nan"),
                _ if number > 0.0 => self.out.extend_from_slice(b"inf"),
                _ => self.out.extend_from_slice(b"-inf"),
            }
            return Ok(());
        }
        self.out.extend_from_slice(general(number, precision as usize).as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&byte| is_escaped(byte)) {
            self.out.extend_from_slice(&rest[..at]);
            self.escaped(rest[at]);
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
        self.out.push(b'"');
    }

    fn escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.out.extend_from_slice(b"\\\""),
            b'\\' => self.out.extend_from_slice(b"\\\\"),
            b'/' => self.out.extend_from_slice(b"\\/"),
            8 => self.out.extend_from_slice(b"\\b"),
            9 => self.out.extend_from_slice(b"\\t"),
            10 => self.out.extend_from_slice(b"\\n"),
            12 => self.out.extend_from_slice(b"\\f"),
            13 => self.out.extend_from_slice(b"\\r"),
            _ => write!(self.out, "\\u{byte:04x}").expect("a vector takes any bytes"),
        }
    }

    fn table(&mut self, table: &Table, value: &Value, depth: i64) -> Result<(), Failure> {
        if depth > self.settings.encode_depth.load(Ordering::Relaxed).min(DEPTH_MAX) {
            let text = format!("Cannot serialise, excessive depth ({depth})");
            return Err(text.into());
        }
        self.walk.enter(self.out.len())?;
        match self.array_len(table, value)? {
            Some(len) => self.array(table, len, depth),
            None => self.object(table, depth),
        }
    }

    /// The length, if all keys are positive integers and the table is not too sparse. An empty
    /// table is an object.
    fn array_len(&self, table: &Table, value: &Value) -> Result<Option<i64>, Failure> {
        let (mut largest, mut count, mut is_array) = (0_i64, 0_i64, true);
        let scanned = table.for_each(|key: Value, _: Value| match key {
            Value::Integer(key) if key > 0 => {
                largest = largest.max(key);
                count += 1;
                Ok(())
            }
            _ => {
                is_array = false;
                Err(mlua::Error::runtime(""))
            }
        });
        if !is_array || largest == 0 {
            return Ok(None);
        }
        scanned?;
        let ratio = self.settings.sparse_ratio.load(Ordering::Relaxed);
        let safe = self.settings.sparse_safe.load(Ordering::Relaxed);
        let is_sparse = ratio > 0 && largest > count.saturating_mul(ratio) && largest > safe;
        if is_sparse || largest - count > NULLS_MAX {
            if !self.settings.sparse_convert.load(Ordering::Relaxed) {
                return Err(refuse(value, "excessively sparse array"));
            }
            return Ok(None);
        }
        Ok(Some(largest))
    }

    fn array(&mut self, table: &Table, len: i64, depth: i64) -> Result<(), Failure> {
        self.out.push(b'[');
        for index in 1..=len {
            if index > 1 {
                self.out.push(b',');
            }
            let element: Value = table.raw_get(index)?;
            self.value(&element, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: i64) -> Result<(), Failure> {
        self.out.push(b'{');
        let mut failure = None;
        let mut first = true;
        let walked = table.for_each(|key: Value, value: Value| {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            let written = self.key(&key).and_then(|()| self.value(&value, depth));
            written.map_err(|error| {
                failure = Some(error);
                mlua::Error::runtime("")
            })
        });
        match failure {
            Some(failure) => return Err(failure),
            None => walked?,
        }
        self.out.push(b'}');
        Ok(())
    }

    fn key(&mut self, key: &Value) -> Result<(), Failure> {
        match key {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                self.out.push(b'"');
                self.value(key, 0)?;
                self.out.push(b'"');
            }
            other => return Err(refuse(other, "table key must be a number or string")),
        }
        self.out.push(b':');
        Ok(())
    }
}

/// Elements that are not there in an array, whatever a script sets.
const NULLS_MAX: i64 = 1 << 20;

/// Nesting that the stack bears, whatever a script sets.
const DEPTH_MAX: i64 = 1000;

/// The number if it is an integer of no more than `precision` digits, which `general` writes as
/// such. That is usual, and takes much less time.
fn short_integer(number: f64, precision: u32) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "what is lost is seen")]
    #[expect(clippy::cast_precision_loss, reason = "what is lost is seen")]
    let (whole, back) = (number as i64, number as i64 as f64);
    // Bits tell -0 from 0.
    let is_whole = back.to_bits() == number.to_bits();
    (is_whole && whole.unsigned_abs() < 10_u64.pow(precision)).then_some(whole)
}

/// `%.<precision>g` of C: so many significant digits, no trailing zeros, an exponent for very
/// large and very small numbers.
pub(in super::super) fn general(number: f64, precision: usize) -> String {
    if number == 0.0 {
        return if number.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    let digits = i32::try_from(precision).unwrap_or(14);
    if exponent < -4 || exponent >= digits {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(digits - 1 - exponent).unwrap_or(0);
    trim(&format!("{number:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_fourteen_digits() {
        for (number, expected) in [
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (1e-5, "1e-05"),
            (-2.5, "-2.5"),
            (100.0, "100"),
        ] {
            assert_eq!(general(number, 14), expected);
        }
        assert_eq!(general(4.56789, 3), "4.57");
    }

    #[test]
    fn short_integers_are_written_the_same() {
        for precision in 1..=14 {
            let end = 10_i64.pow(precision);
            for whole in [0, 1, 9, 10, 99, 12_345, end - 1, end, end + 1] {
                for whole in [whole, -whole] {
                    #[expect(clippy::cast_precision_loss, reason = "they are small")]
                    let number = whole as f64;
                    let text = general(number, precision as usize);
                    let short = short_integer(number, precision);
                    assert_eq!(short.is_some(), whole.abs() < end, "{whole}");
                    assert!(short.is_none_or(|short| short.to_string() == text), "{whole}");
                }
            }
        }
        assert_eq!(short_integer(-0.0, 14), None);
    }
}
